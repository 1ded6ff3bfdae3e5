"""The ledger on claims made up here: verdicts, the book that is resumed, guesses, pictures, the command."""

import dataclasses
import importlib.util
import inspect
import json
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

from cnnlens import datasets, explore, figures, ledger
from cnnlens.__main__ import main
from cnnlens.course import report, verdict
from cnnlens.errors import CnnlensError
from cnnlens.figures import ledger as draw
from cnnlens.ledger import CLAIMS, FAILS, HOLDS, OPEN, CannotTell, Claim, Support, settle
from cnnlens.ledger import guesses as guessing
from cnnlens.ledger import table as techniques
from cnnlens.ledger.claim import Claims
from cnnlens.ledger.context import Context
from cnnlens.ledger.fingerprint import fingerprint
from cnnlens.ledger.intervals import Difference

SOURCE = {"mnist": "stand-in for MNIST: made up", "cifar10": "CIFAR-10: made up"}


class Toys:
    """Four claims that need no network: one of each verdict, and one that cannot be measured."""

    def __init__(self):
        self.measured = []
        self.stop_at = None
        self.enter("plain", "neurons", Support(0.1), 0.5)
        self.enter("wrong", "neurons", Support(0.1), -0.5)
        self.enter("close", "t-SNE", Support(0.1), 0.1)
        self.enter("<none>", "LIME", Support(-0.1, 0.1), None)

    def enter(self, key, technique, support, shift, statement=None, items=30):
        def measure(context, seed):
            if key == self.stop_at:
                raise KeyboardInterrupt
            self.measured.append(key)
            context.data("cifar10" if technique == "LIME" else "mnist")
            if shift is None:
                raise CannotTell("There are no <elephants> & no lions.")
            noise = np.random.default_rng(seed).normal(0, 0.1, context.size.items)
            return shift + noise, np.zeros(context.size.items)

        CLAIMS[key] = Claim(
            key=key,
            technique=technique,
            section="7.4",
            statement=statement or f"the claim <{key}>",
            evidence="figure 12",
            value="proportion",
            control="chance",
            support=support,
            why="one in ten",
            sizes={"quick": {"seeds": 3, "items": items}, "full": {"seeds": 3, "items": 300}},
            measure=measure,
        )


@pytest.fixture
def toys(monkeypatch):
    before = dict(CLAIMS)
    CLAIMS.clear()
    monkeypatch.setattr(datasets, "load", lambda name: SimpleNamespace(source=SOURCE[name]))
    yield Toys()
    CLAIMS.clear()
    CLAIMS.update(before)


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
    return [7, 7], [0, 0]


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


# --- fingerprints ---------------------------------------------------------------------------------------------------

FACTOR = 2


def helper(value):
    """Doubles."""
    return FACTOR * value


def a_measure(context, seed):
    """Some words."""
    return helper(context.size.items), seed


CHANGES = {  # what is changed: before, after, and whether the fingerprint stays
    "a docstring": ('"""Some words."""', '"""Other words."""', True),
    "a comment and a space": ("items), seed", "items),  seed  # why", True),
    "code": ("context.size.items)", "context.size.items + 1)", False),
    "code of what it calls": ("FACTOR * value", "FACTOR + value", False),
    "a constant": ("FACTOR = 2", "FACTOR = 3", False),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_fingerprint_sees_code_and_no_words(change, tmp_path, monkeypatch):
    text = "FACTOR = 2\n\n\n" + inspect.getsource(helper) + "\n\n" + inspect.getsource(a_measure)
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


def test_the_explorer_hides_the_verdicts_until_revealed(toys):
    book = ledger.audit(progress=False)
    explorer = explore.scorecard(book)
    assert explorer.guesses == {} and "0 of 4 guessed" in explorer.frame.words
    for _ in explorer.sweep():
        pass
    explorer = explore.scorecard(book)
    explorer.set(wrong=HOLDS, close=OPEN)
    assert explorer.guesses == {"wrong": HOLDS, "close": OPEN}
    assert "2 of 4 guessed" in explorer.frame.words and "Right" not in explorer.frame.words
    explorer.set(reveal=True)
    assert "Right in 1 of 2" in explorer.frame.words and "measured not to (1): wrong" in explorer.frame.words
    shown = "".join(
        widget.value for control in list(explorer.controls.values())[:-1] for widget in control.widget.children[:1]
    )
    assert (
        "the claim &lt;wrong&gt;" in shown
        and "<wrong>" not in shown
        and "at least 0.1" in shown
        and "figure 12" in shown
    )
    assert explore.scorecard(book, {"plain": HOLDS}).guesses == {"plain": HOLDS}
    with pytest.raises(CnnlensError, match="no verdict"):
        explore.scorecard(book, {"plain": "yes"})
    with pytest.raises(CnnlensError, match="no entries"):
        explore.scorecard(ledger.Ledger())


# --- pictures -------------------------------------------------------------------------------------------------------


def words_of(fig):
    return " ".join(text.get_text() for text in fig.findobj(lambda artist: hasattr(artist, "get_text")))


def test_forest_says_verdict_stand_in_and_support_in_words(toys):
    book = ledger.audit(progress=False)
    fig, alt = draw.forest(book, {"plain": HOLDS, "wrong": HOLDS})
    words = words_of(fig)
    for expected in (
        "holds  · stand-in",
        "does not hold  · stand-in",
        "needs ≥ 0.1",
        "needs −0.1 to 0.1",
        "not measured",
        "guess: holds ✓",
        "guess: holds ✗",
        SOURCE["mnist"],
    ):
        assert expected in words, expected
    assert "plain: holds (stand-in)." in alt and "<none>: cannot be told here." in alt
    assert len(set(draw.LOOKS.values())) == len({mark for _, mark in draw.LOOKS.values()}) == 3, (
        "a shape of its own for each verdict"
    )


def test_no_claims_are_a_picture_too():
    assert figures.png(draw.forest(ledger.Ledger(), title="none")[0]) and "0 claims" in draw.forest(ledger.Ledger())[1]


def test_places_on_a_row_follow_the_numbers(toys):
    entry = ledger.audit(["plain"], progress=False)["plain"]
    place = draw.scale(entry, 0, 100)
    order = [
        place(value) for value in (-np.inf, 0, 0.1, entry.found.low, entry.found.difference, entry.found.high, np.inf)
    ]
    assert order == sorted(order) and order[0] == 0 and order[-1] == 100 and len(set(order)) == 7
    far = draw.scale(dataclasses.replace(entry, support="between -900 and 0.1"), 0, 100)
    assert far(-900) == 0 and far(entry.found.high) - far(0) > 50, (
        "a far end of the support does not squeeze the rest together"
    )


def made_table():
    made = {"data": "<photographs>", "fingerprint": "", "faithful": 0.5, "stable": 0.25, "seconds": 123.4}
    rows = [
        techniques.Row(technique="LIME", network=net, sources={net: "made up"}, stands_in=stand, **made)
        for net, stand in (("vgg16", ("vgg16",)), ("squeezenet", ()))
    ]
    gap = techniques.Gap("t-SNE", "vgg16", "photographs", "too few")
    return techniques.Table(rows=tuple(rows), gaps=(gap,), source="made up")


def test_results_draw_themselves(toys):
    book = ledger.audit(progress=False)
    for result, expected in (
        (book, "4 claims"),
        (made_table(), "LIME on vgg16"),
        (ledger.tally(book, {"wrong": HOLDS}), "Right in 0 of 1"),
    ):
        data, _ = result._repr_mimebundle_()
        assert data["image/png"] and expected in data["text/plain"]
    words = words_of(draw.table(made_table())[0])
    assert "(stand-in)" in words and "0.5: held-out R²" in words and "too few" in words and words.count("R²") == 1
    assert figures.painter_of(ledger.Ledger) and draw.guessed(ledger.tally(book, {}))


# --- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def assessed(monkeypatch):
    asked = []
    monkeypatch.setattr(techniques, "assess", lambda profile, **how: asked.append((profile, how)) or made_table())
    return asked


def test_the_command_end_to_end(toys, assessed, tmp_path, capsys):
    assert main(["scorecard", "--out", str(tmp_path), "--seed", "2"]) == 0
    said = capsys.readouterr().out
    assert "1 × holds; 1 × does not hold; 2 × cannot be told here" in said
    kept = json.loads((tmp_path / "ledger.json").read_text())["claims"]
    assert [row["key"] for row in kept] == list(CLAIMS) and {row["seed"] for row in kept} == {2}
    assert assessed == [("quick", {"seed": 2, "path": tmp_path / "table.json"})]
    page = (tmp_path / "scorecard.html").read_text()
    assert (
        page.count("<article") == 4 == page.count("<li><a")
        and page.count("<svg") == 3
        and page.count("held-out R²") == 2
    )
    toys.measured = []
    assert main(["scorecard", "--out", str(tmp_path), "--seed", "2"]) == 0 and toys.measured == []
    assert main(["scorecard", "--out", str(tmp_path), "--claims", "close"]) == 0 and toys.measured == ["close"] * 3
    assert main(["scorecard", "--claims", "closer", "--out", str(tmp_path)]) == 2
    assert "Did you mean 'close'" in capsys.readouterr().err


def test_stopping_the_command_keeps_and_shows_what_is_done(toys, assessed, tmp_path, capsys):
    toys.stop_at = "close"
    assert main(["scorecard", "--out", str(tmp_path)]) == 130
    assert "what is finished is kept" in capsys.readouterr().err
    assert (
        (tmp_path / "scorecard.html").read_text().count("<article")
        == 2
        == len(ledger.read(tmp_path / "ledger.json").entries)
    )


def test_only_all_claims_at_full_are_committed(toys, assessed, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("cnnlens.files.repository", lambda: tmp_path / "checkout")
    out = ["--out", str(tmp_path / "out")]
    assert (
        main(["scorecard", "--commit", *out])
        == 2
        == main(["scorecard", "--commit", "--profile", "full", "--claims", "close", *out])
    )
    assert "--profile full" in capsys.readouterr().err and not (tmp_path / "checkout").exists()
    (tmp_path / "out").mkdir(exist_ok=True)
    (tmp_path / "out" / "table.json").write_text("{}")
    assert main(["scorecard", "--commit", "--profile", "full", *out]) == 0
    assert ledger.read().entries == ledger.read(tmp_path / "out" / "ledger.json").entries
    assert main(["scorecard", "--recheck", "2"]) == 0
    assert "2 of 3 entries that can be measured here" in capsys.readouterr().out
    path = tmp_path / "checkout" / "data" / "ledger.json"
    text = json.loads(path.read_text())
    for row in text["claims"]:
        row["measured"] = row["measured"] and {**row["measured"], "low": 90, "high": 91}
    path.write_text(json.dumps(text))
    assert main(["scorecard", "--recheck", "2"]) == 1
    assert "OUTSIDE 90 to 91" in capsys.readouterr().out


def test_the_page_needs_nothing_else_and_escapes(toys, tmp_path):
    page = report.write(ledger.audit(progress=False), tmp_path / "s.html", made_table()).read_text()
    for planted in ("<none>", "<elephants>", "<photographs>"):
        assert planted not in page and planted.replace("<", "&lt;").replace(">", "&gt;") in page
    assert "&amp; no lions" in page and "http" not in page and "<script" not in page and "<link" not in page
    for expected in (
        "stand-in: mnist",
        "✓ holds",
        "✗ does not hold",
        "? cannot be told here",
        "one in ten",
        "figure 12",
        "3 seeds × 30 items",
        "too few",
    ):
        assert expected in page, expected


# --- the exercises of the lesson --------------------------------------------------------------------------------------


def right(low, high, least, most):
    if least <= low and high <= most:
        return HOLDS
    return FAILS if high < least or low > most else OPEN


def wrong_judges():
    yield lambda low, high, least, most: HOLDS if least <= (low + high) / 2 <= most else FAILS
    yield lambda low, high, least, most: HOLDS if low > 0 else FAILS
    yield lambda low, high, least, most: HOLDS if low >= least else FAILS if high < least else OPEN
    yield (
        lambda low, high, least, most: (
            HOLDS if low > least and high < most else FAILS if high < least or low > most else OPEN
        )
    )
    yield lambda low, high, least, most: HOLDS if least <= low and high <= most else FAILS
    yield lambda low, high, least, most: right(low, high, least, most) == HOLDS
    yield lambda low, high, least, most: 1 / 0


def test_planted_wrong_judges():
    assert verdict("judge", right).passed and verdict("judge", lambda *a: None).state == "pending"
    for wrong in wrong_judges():
        assert verdict("judge", wrong).state == "failed"


def test_planted_wrong_intervals():
    def interval(values, draws):
        return np.quantile(values[draws].mean(1), [0.025, 0.975])

    wrong = [
        lambda values, draws: np.quantile(values[draws].mean(1), [0.05, 0.95]),
        lambda values, draws: np.quantile(values, [0.025, 0.975]),
        lambda values, draws: np.quantile(values[draws], [0.025, 0.975]),
        lambda values, draws: values.mean() + np.array([-1, 1]) * values.std(),
        lambda values, draws: (values[draws].mean(1).min(), values[draws].mean(1).max()),
        lambda values, draws: interval(values, draws)[::-1],
    ]
    assert verdict("bootstrap_interval", interval).passed
    assert verdict("bootstrap_interval", lambda values, draws: sorted(values[draws].mean(1))[49:1950:1900]).passed, (
        "by counting, without interpolation"
    )
    for answer in wrong:
        assert verdict("bootstrap_interval", answer).state == "failed"
