"""The committed ledger: it answers the claims as they are put today, its verdicts follow, it can be measured again."""

import dataclasses
import datetime

import pytest

from cnnlens import files, ledger, zoo
from cnnlens.ledger import CLAIMS, OPEN, VERDICTS, settle, table
from cnnlens.ledger.recheck import Recheck

BOUND = 20  # seconds that an entry may have taken alone to be drawn here: the suite must stay affordable on two cores
SEED = 0


@pytest.fixture(scope="module")
def book():
    return ledger.read()


def test_every_claim_is_answered_as_it_is_put_today(book):
    assert [entry.key for entry in book.entries] == list(CLAIMS) and len(CLAIMS) >= 16
    for entry in book.entries:
        assert entry.fingerprint and entry.claim is CLAIMS[entry.key]
        assert entry.support == str(entry.claim.support), (
            f"{entry.key}: its support has changed since; run: make ledger"
        )


def test_no_entry_is_stale(book):
    stale = [entry.key for entry in book.entries if entry.stale]
    assert not stale, f"their measures or sizes have changed since: {stale}; run: make ledger"
    planted = dataclasses.replace(book.entries[0], fingerprint="0" * len(book.entries[0].fingerprint))
    assert planted.stale, "an entry whose measure has changed would go unseen"


def on_other_weights(rows):
    """Rows that were measured on another file of our own networks than the one that is committed."""
    sources = {name: zoo.load(name).source for name in ("lenet", "vgg4")}
    return [row for row in rows if any(row.sources.get(name, source) != source for name, source in sources.items())]


def test_what_was_measured_on_our_networks_was_on_the_weights_that_are_committed(book):
    rows = (*book.entries, *table.read().rows)
    assert not on_other_weights(rows), "the weights have changed since; run: make ledger"
    one = next(row for row in rows if "lenet" in row.sources)
    planted = dataclasses.replace(one, sources={**one.sources, "lenet": one.sources["lenet"][:-1] + "x"})
    assert on_other_weights([planted]), "weights trained anew would go unseen"


def test_every_verdict_follows_from_its_figures(book):
    for entry in book.entries:
        assert entry.verdict in VERDICTS and entry.reason
        if entry.measured is None:
            assert entry.verdict == OPEN, f"{entry.key}: a verdict without a measurement"
            continue
        assert entry.found.low <= entry.found.difference <= entry.found.high, entry.key
        assert entry.verdict == settle(entry.range, entry.found), entry.key
        assert entry.sources and set(entry.stands_in) <= set(entry.sources), entry.key
    assert len({entry.verdict for entry in book.entries}) == 3, (
        "a ledger in which every claim fares alike tests nothing"
    )


def test_the_readme_tells_how_the_committed_claims_fare(book):
    told = " ".join((files.checkout() / "README.md").read_text(encoding="utf-8").split())
    assert book.summary in told, "run: cnnlens scorecard --profile full --commit"
    assert f"Of {len(book.as_made.entries)} claims " in book.summary and len(book.as_made.entries) < len(book.entries)


def test_every_entry_says_when_and_at_which_size(book):
    for entry in book.entries:
        assert datetime.date(2026, 1, 1) <= datetime.date.fromisoformat(entry.date), entry.key
        assert entry.profile == "full" and entry.version and entry.seconds >= 0, entry.key


def three_again(book, capsys):
    kept = {}
    chosen, candidates = ledger.draw(book, 3, seed=SEED, seconds=BOUND, kept=kept)
    assert len(candidates) >= 6, (
        f"only {[entry.key for entry in candidates]} can be measured here: too few to draw from"
    )
    found = [ledger.recheck(entry, kept) for entry in chosen]
    with capsys.disabled():
        print("", *found, sep="\n")
    return found


def test_three_claims_measured_again_lie_in_their_intervals(book, capsys):
    """Among those whose networks and data need no download: weights in the repository, stand-ins from packages."""
    found = three_again(book, capsys)
    assert len(found) == 3 and all(each.ok for each in found), "\n".join(map(str, found))
    planted = dataclasses.replace(found[0].before, measured=moved(found[0].before.measured))
    assert not Recheck(planted, found[0].now).ok, "a wrong figure in the ledger would go unseen"


def moved(measured):
    """The same figures, wrong by more than their interval."""
    shift = 2 * (measured["high"] - measured["low"]) + 0.01 * max(abs(measured["value"]), abs(measured["control"]))
    return {**measured, **{name: measured[name] + shift for name in ("value", "low", "high")}}


@pytest.mark.real
def test_three_claims_measured_again_on_the_real_data(real_data, book, capsys):
    found = three_again(book, capsys)
    assert len(found) == 3 and all(each.ok for each in found), "\n".join(map(str, found))
