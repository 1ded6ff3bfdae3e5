"""The ledger on made-up claims: verdicts, resuming, what two ledgers differ in, fingerprints, guesses."""

import dataclasses
import importlib.util
import inspect
import sys
import time

import numpy as np
import pytest
from made_up import SOURCE

from cnnlens import ledger
from cnnlens.__main__ import main
from cnnlens.errors import CnnlensError
from cnnlens.ledger import CLAIMS, FAILS, HOLDS, OPEN, Support, settle
from cnnlens.ledger import guesses as guessing
from cnnlens.ledger.claim import Claims
from cnnlens.ledger.context import Context
from cnnlens.ledger.fingerprint import fingerprint
from cnnlens.ledger.intervals import Difference

# --- verdicts -------------------------------------------------------------------------------------------------------


def found(low, high):
    return Difference((low + high) / 2, 0.0, low, high, 3, 10)


@pytest.mark.parametrize(
    "support, low, high, expected",
    [
        (Support(0.1), 0.2, 0.3, HOLDS),
        (Support(0.1), 0.1, 0.3, HOLDS),
        (Support(0.1), -0.2, 0.05, FAILS),
        (Support(0.1), 0.05, 0.3, OPEN),
        (Support(-0.1, 0.1), -0.05, 0.1, HOLDS),
        (Support(-0.1, 0.1), 0.2, 0.3, FAILS),
        (Support(-0.1, 0.1), -0.3, -0.2, FAILS),
        (Support(-0.1, 0.1), 0.05, 0.3, OPEN),
        (Support(-0.1, 0.1), -0.5, 0.5, OPEN),
        (Support(-np.inf, -0.1), -0.5, -0.2, HOLDS),
        (Support(26.5, 27.5), 27, 27, HOLDS),
    ],
)
def test_the_whole_interval_decides(support, low, high, expected):
    assert settle(support, found(low, high)) == expected


@pytest.mark.parametrize(
    "support", [Support(0.1), Support(-0.05, 0.05), Support(-np.inf, -0.25), Support(1e-06), Support(-2)]
)
def test_a_range_is_read_as_it_was_written(support):
    assert Support.parse(str(support)) == support


def test_each_toy_gets_its_verdict(toys):
    book = ledger.audit(progress=False)
    assert [entry.verdict for entry in book.entries] == [HOLDS, FAILS, OPEN, OPEN]
    assert book.counts() == {HOLDS: 1, FAILS: 1, OPEN: 2}
    entry = book["plain"]
    assert entry.found.seeds == 3 and entry.found.items == 30 and entry.found.low < 0.5 < entry.found.high
    assert settle(entry.range, entry.found) == entry.verdict and entry.stands_in == ("mnist",)
    none = book["<none>"]
    assert none.measured is None and none.found is None and "elephants" in none.reason and none.stands_in == ()
    assert book.source == "; ".join(SOURCE.values())


def test_what_is_shared_costs_whoever_takes_it():
    def slow():
        time.sleep(0.05)
        return 1

    kept = {}
    first, second = Context({}, kept), Context({}, kept)
    assert first.shared("outer", lambda: first.shared("inner", slow)) == 1 and first.borrowed == 0
    assert [second.shared("outer", slow), second.shared("outer", slow)] == [1, 1]
    assert 0.05 <= second.borrowed < 0.1, "what is taken twice costs once"
    third = Context({}, kept)
    third.shared("new", lambda: third.shared("inner", slow))
    assert third.borrowed >= 0.05 and kept["new"][2] >= 0.05, "what is made of borrowed things costs as much as they do"


def test_what_is_shared_hands_its_sources_on(toys):
    kept = {}
    first, second, third = (Context({}, kept) for _ in range(3))

    def inner(at):
        return at.shared("inner", lambda: at.data("mnist").source)

    def outer(at):
        return at.shared("outer", lambda: (inner(at), at.data("cifar10").source))

    assert (
        inner(first) == SOURCE["mnist"]
        and first.sources == {"mnist": SOURCE["mnist"]}
        and first.stands_in == ("mnist",)
    )
    assert outer(second) == outer(third) == tuple(SOURCE.values()) and second.sources == third.sources == SOURCE
    with pytest.raises(ZeroDivisionError):
        third.shared("broken", lambda: 1 / 0)
    assert third.sources == SOURCE and "broken" not in kept


def test_a_measure_is_of_a_claim_that_the_file_has_and_of_one_only():
    claims = Claims("activations")
    claims.measure("lenet-compacts")(lambda context, seed: None)
    for key in ("lenet-compacts", "lenet-compact"):
        with pytest.raises(CnnlensError, match=f"no claim '{key}' about activations that is not measured already"):
            claims.measure(key)
    with pytest.raises(CnnlensError, match="claim 'lenet-27th-of-map' of activations.toml has no measure"):
        list(claims)


def test_other_readings_follow_their_claim_and_take_from_it_what_they_do_not_say():
    keys = list(CLAIMS)
    for key, claim in CLAIMS.items():
        if not claim.alternative_to:
            assert claim.statement.count("Another reading") == 0
            continue
        parent = CLAIMS[claim.alternative_to]
        assert not parent.alternative_to and keys.index(parent.key) < keys.index(key)
        assert claim.statement.startswith(f"{parent.statement} (Another reading: ") and claim.measure is parent.measure
        ways = [(each.value, each.support, each.items, each.design, each.sizes) for each in (claim, parent)]
        assert ways[0] != ways[1], f"{key} is measured and judged just as {parent.key} is"


def test_claims_as_they_were_made_are_told_from_what_asks_once_more():
    made = {key for key, claim in CLAIMS.items() if claim.as_made}
    assert {"vgg16-eyes", "lime-negative"} <= made
    assert not {"vgg16-eyes-by-maxima", "lime-negative-mobilenetv2", "lime-cat-eye-mobilenetv2-wild"} & made
    assert {entry.key for entry in ledger.read().as_made.entries} == made


def test_where_ten_classes_are_the_sample_it_is_asked_of_these_ten_as_well():
    of_ten = {key for key, claim in CLAIMS.items() if claim.items in ("classes", "digits")}
    assert len(of_ten) >= 13
    for key in of_ten:
        these = CLAIMS[f"{key}-these-classes"]
        assert (these.alternative_to, these.items, these.design) == (key, "seeds", "seeds")
    assert "cifar-deer-horse-these-classes" not in CLAIMS


@pytest.mark.parametrize(
    "ask, said",
    [({"keys": ["plian"]}, "no claim 'plian'. Did you mean 'plain'"), ({"profile": "ful"}, "Did you mean 'full'")],
)
def test_unknown_names_come_with_the_nearest(toys, ask, said):
    with pytest.raises(CnnlensError, match=said):
        ledger.audit(progress=False, **ask)
    assert toys.measured == []


# --- the book -------------------------------------------------------------------------------------------------------


def test_a_book_is_written_and_read_as_it_was(toys, tmp_path):
    book = ledger.audit(path=tmp_path / "l.json", progress=False)
    assert ledger.read(tmp_path / "l.json").entries == book.entries
    with pytest.raises(CnnlensError, match="no claim 'plan'. Did you mean 'plain'"):
        book["plan"]


def test_a_broken_run_goes_on_where_it_stopped(toys, tmp_path):
    path = tmp_path / "l.json"
    toys.stop_at = "close"
    with pytest.raises(KeyboardInterrupt):
        ledger.audit(path=path, progress=False)
    kept = ledger.read(path).entries
    assert [entry.key for entry in kept] == ["plain", "wrong"]
    toys.stop_at, toys.measured = None, []
    book = ledger.audit(path=path, progress=False)
    assert set(toys.measured) == {"close", "<none>"} and book.entries[:2] == kept
    assert ledger.audit(path=path, progress=False).entries == book.entries


def again(toys, path, **ask):
    toys.measured = []
    ledger.audit(path=path, progress=False, **ask)
    return set(toys.measured)


def test_what_has_changed_is_measured_again(toys, tmp_path, monkeypatch):
    path = tmp_path / "l.json"
    assert again(toys, path) == set(CLAIMS)
    assert again(toys, path) == set()
    toys.enter("plain", "neurons", Support(0.1), 0.5, statement="other words")
    assert again(toys, path) == set(), "words are no measurement"
    assert ledger.read(path)["plain"].claim.statement == "other words"
    toys.enter("plain", "neurons", Support(0.1), 0.5, items=31)
    assert again(toys, path) == {"plain"}
    toys.enter("wrong", "neurons", Support(0.2), -0.5)
    assert again(toys, path) == {"wrong"}
    CLAIMS["close"] = dataclasses.replace(CLAIMS["close"], measure=another_measure)
    toys.stop_at = "nothing"
    assert not ledger.read(path)["plain"].stale and ledger.read(path)["close"].stale
    again(toys, path)
    assert not ledger.read(path)["close"].stale and ledger.read(path)["close"].measured["value"] == 7
    monkeypatch.setitem(SOURCE, "mnist", "MNIST: the real one")
    assert again(toys, path) == {"plain", "wrong"}
    assert ledger.read(path)["plain"].stands_in == ()
    assert again(toys, path, seed=4) == set(CLAIMS) - {"close"}
    assert again(toys, path, keys=["plain"], profile="full", seed=4) == {"plain"}
    assert len(ledger.read(path).entries) == 4, "claims that were not asked for stay in the file"
    del CLAIMS["close"]
    assert len(ledger.read(path).entries) == 3, "a claim that is no more has no entry"


def another_measure(context, seed):
    context.data("mnist")
    return [6 + seed, 6 + seed], [0, 0]


@pytest.mark.parametrize("junk", ["{", "[]", '{"claims": [{"key": "plain"}]}', '{"claims": 3}', ""])
def test_a_damaged_book_is_one_clear_error(toys, tmp_path, junk, capsys):
    path = tmp_path / "ledger.json"
    path.write_text(junk)
    with pytest.raises(CnnlensError, match="ledger.json is no ledger .*Delete it"):
        ledger.read(path)
    assert main(["scorecard", "--out", str(tmp_path)]) == 2
    assert "ledger.json is no ledger" in capsys.readouterr().err and path.read_text() == junk


def test_parts_of_a_book(toys):
    book = ledger.audit(progress=False)
    assert [entry.key for entry in book.of("neurons").entries] == ["plain", "wrong"] and book.of(
        "neurons"
    ).source == SOURCE["mnist"]
    assert [entry.key for entry in book.only(["<none>", "plain"]).entries] == ["plain", "<none>"]
    with pytest.raises(CnnlensError, match="no technique 'tsne'. Did you mean 't-SNE'"):
        book.of("tsne")


def test_an_entry_is_measured_again_and_compared(toys):
    book = ledger.audit(progress=False)
    for entry in book.entries:
        assert ledger.recheck(entry).ok
    plain = book["plain"]
    planted = dataclasses.replace(plain, measured={**plain.measured, "low": 0.7, "high": 0.9})
    assert not ledger.recheck(planted).ok and "OUTSIDE" in str(ledger.recheck(planted))
    assert not ledger.recheck(dataclasses.replace(plain, measured=None)).ok
    with pytest.raises(CnnlensError, match="not all here"):
        ledger.recheck(dataclasses.replace(plain, sources={"mnist": "another"}))
    with pytest.raises(CnnlensError, match="Did you mean 'plain'"):
        ledger.recheck(dataclasses.replace(plain, key="plane"))


def test_only_what_can_be_measured_is_drawn(toys):
    book = ledger.audit(progress=False)
    chosen, candidates = ledger.draw(book, 2, seed=1)
    assert {entry.key for entry in candidates} == {"plain", "wrong", "close"} and chosen[0].key != chosen[1].key
    assert ledger.draw(book, 2, seed=1)[0] == chosen
    assert ledger.draw(book, 2, seconds=-1) == ((), ())


def test_what_differs_between_two_ledgers(toys):
    before = ledger.audit(progress=False)
    assert len(ledger.compare(before, before)) == 4 and all(each.same for each in ledger.compare(before, before))
    toys.enter("plain", "neurons", Support(0.1), 0.51)
    toys.enter("close", "t-SNE", Support(0.1), 0.1 + 1e-8)
    changed = [each.now.key for each in ledger.compare(before, ledger.audit(progress=False)) if not each.same]
    assert changed == ["plain"], "rounding is no change"
    assert ledger.compare(before, ledger.audit(seed=1, progress=False)) == ()


def test_rewritten_code_is_restamped_only_where_it_measures_the_same(toys):
    before = ledger.audit(progress=False)
    old = dataclasses.replace(before, entries=tuple(dataclasses.replace(e, fingerprint="old") for e in before.entries))
    assert all(entry.stale for entry in old.entries)
    toys.enter("plain", "neurons", Support(0.1), 0.6)
    found = ledger.restamp(old, ledger.compare(old, ledger.audit(progress=False)))
    assert [entry.key for entry in found.entries if entry.stale] == ["plain", "<none>"], (
        "nothing measured shows nothing"
    )
    assert [entry.measured for entry in found.entries] == [entry.measured for entry in old.entries]


def test_adjusted_verdicts_are_seldom_luck(toys):
    """Of 40 claims 30 lie on the very end of their support, where each verdict is luck, and 10 far inside it."""
    plain, generator, luck, given, stricter = (
        ledger.audit(["plain"], progress=False)["plain"],
        np.random.default_rng(0),
        0,
        0,
        0,
    )
    for number in range(40):
        toys.enter(f"made {number}", "neurons", Support(0.1), 0)
    for _ in range(25):
        places = [0.1] * 30 + [0.9] * 10
        rows = [(f"made {i}", place + generator.normal(0, 0.1)) for i, place in enumerate(places)]
        kept = {"control": 0.0, "by_seeds": 0.1, "by_items": 0.0, "seeds": 5000}
        book = ledger.Ledger(
            entries=tuple(
                dataclasses.replace(plain, key=key, measured={**plain.measured, **kept, "value": value}).at(0.95)
                for key, value in rows
            )
        )
        adjusted = book.adjusted()
        told = [entry for entry in adjusted.entries if entry.verdict != OPEN]
        luck += sum(int(entry.key.split()[1]) < 30 for entry in told)
        given += len(told)
        stricter += book.counts()[OPEN] < adjusted.counts()[OPEN]
        assert all(one.verdict in (other.verdict, OPEN) for one, other in zip(adjusted.entries, book.entries))
        assert 0.95 < adjusted.settings["confidence"] < 1
    assert 0 < luck / given < 0.07 and given >= 25 * 10 and stricter > 10
    assert ledger.Ledger().adjusted().entries == ()


def test_arithmetic_and_ledgers_of_before_are_adjusted_to_what_they_were(toys):
    entry = ledger.audit(["plain"], progress=False)["plain"]
    exact = dataclasses.replace(entry, measured={**entry.measured, "low": 0.5, "high": 0.5})
    assert ledger.Ledger(entries=(exact,)).adjusted().entries == (exact,)
    end = dataclasses.replace(entry, support=f"at least {entry.found.difference}", verdict=OPEN)
    assert "It is settled by no number: the difference lies at the range's end." in end.reason
    names = ("value", "control", "low", "high", "seeds", "items")
    old = dataclasses.replace(entry, design="", measured={name: entry.measured[name] for name in names})
    assert old.stale and old.plan == old.would_need == "" and old.reason.endswith("at least 0.1.")
    assert ledger.Ledger(entries=(old,)).adjusted().counts()[OPEN] == 1, "what is not known is not told"


# --- fingerprints ---------------------------------------------------------------------------------------------------

FACTOR = 2


def helper(value):
    """Doubles."""
    return FACTOR * value


HELPERS = ("doubled", helper)  # its repr is another one wherever it is loaded


def a_measure(context, seed):
    """Some words."""
    return HELPERS[1](context.size.items), seed


CHANGES = {  # what is changed: before, after, and whether the fingerprint stays
    "a docstring": ('"""Some words."""', '"""Other words."""', True),
    "a comment and a space": ("items), seed", "items),  seed  # why", True),
    "code": ("context.size.items)", "context.size.items + 1)", False),
    "code of what it calls": ("FACTOR * value", "FACTOR + value", False),
    "a constant": ("FACTOR = 2", "FACTOR = 3", False),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_fingerprint_sees_code_and_no_words(change, tmp_path, monkeypatch):
    table = f"HELPERS = ({HELPERS[0]!r}, helper)"
    text = "\n\n".join(["FACTOR = 2", inspect.getsource(helper), table, inspect.getsource(a_measure)])
    old, new, same = CHANGES[change]
    assert old in text
    prints = []
    for number, code in enumerate((text, text.replace(old, new))):
        name = f"made_{number}"
        (tmp_path / f"{name}.py").write_text(code)
        spec = importlib.util.spec_from_file_location(name, tmp_path / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        monkeypatch.setattr("cnnlens.ledger.fingerprint.HOMES", (f"{name}.",))
        prints.append(fingerprint(module.a_measure, {"items": 3}))
    assert (prints[0] == prints[1]) == same
    assert prints[1] != fingerprint(module.a_measure, {"items": 4}) and len(prints[0]) == 16


# --- guesses --------------------------------------------------------------------------------------------------------


def test_tally(toys):
    book = ledger.audit(progress=False)
    found = ledger.tally(book, {"plain": FAILS, "wrong": HOLDS, "close": OPEN, "<none>": None})
    assert [guess.kind for guess in found.guesses] == ["doubted", "misled", "right"]
    assert found.sentence == "Right in 1 of 3. Said to hold, and measured not to (1): wrong."
    assert ledger.tally(book, {"close": HOLDS}).guesses[0].kind == "unsettled"
    authors = ledger.tally(book, guessing.authors(book))
    assert len(authors.guesses) == 4 and len(authors.of("right")) == 1
    assert ledger.tally(book, {}).sentence == "Right in 0 of 0."
    with pytest.raises(CnnlensError, match="Did you mean 'plain'"):
        ledger.tally(book, {"plaine": HOLDS})
    with pytest.raises(CnnlensError, match="no verdict 'hold'. Did you mean 'holds'"):
        ledger.tally(book, {"plain": "hold"})
