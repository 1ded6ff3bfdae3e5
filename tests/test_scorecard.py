"""The scorecard on made-up claims: the explorer, pictures, the page, the command, the exercises."""

import dataclasses
import json

import numpy as np
import pytest
from made_up import SOURCE
from matplotlib.text import Text

from cnnlens import explore, figures, ledger
from cnnlens.__main__ import main
from cnnlens.course import report
from cnnlens.course.commands.scorecard import MARKS
from cnnlens.errors import CnnlensError
from cnnlens.explore.base import READABLE
from cnnlens.figures import ledger as draw
from cnnlens.ledger import CLAIMS, HOLDS, OPEN, Support
from cnnlens.ledger import table as techniques

# --- the explorer ---------------------------------------------------------------------------------------------------


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


OVERLAP = (np.maximum, slice(0, 2)), (np.minimum, slice(2, 4))  # of two boxes, left to right and bottom to top


def words_of(fig):
    return " ".join(text.get_text() for text in fig.findobj(lambda artist: hasattr(artist, "get_text")))


def crowded(fig):
    """The texts of a figure that stand over its edge, and the pairs of which one stands over the other."""
    fig.draw_without_rendering()
    texts = [text for text in fig.findobj(Text) if text.get_text()]
    names = [text.get_text() for text in texts]
    places = np.array([text.get_window_extent().extents for text in texts])
    outside = (places[:, :2] < -1).any(1) | (places[:, 2:] > fig.bbox.size + 1).any(1)
    low, high = (pick(places[:, None, ends], places[None, :, ends]) for pick, ends in OVERLAP)
    covered = np.argwhere(np.triu((high - low > 1.5).all(-1), 1))
    return [name for name, out in zip(names, outside) if out] + [(names[i], names[j]) for i, j in covered]


@pytest.mark.filterwarnings("ignore:constrained_layout not applied")
@pytest.mark.parametrize("width", [11.5, READABLE / figures.base.DPI])
def test_forest_has_room_for_its_words(width, monkeypatch):
    """On the committed ledger, on a small screen as well."""
    book = ledger.read()
    some = book.only([entry.key for entry in book.entries][::5])
    guesses = dict.fromkeys((entry.key for entry in some.entries), OPEN)
    assert crowded(draw.forest(some, guesses, width=width)[0]) == []
    monkeypatch.setattr(draw, "NARROW", 0)
    assert bool(crowded(draw.forest(some, guesses, width=width)[0])) == (width < 8), "one layout does not suit both"


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
    assert "would need about" in words and "plan: about" in words and "width 0." in words
    assert "(adjusted: 1 · 1 · 2)" in words and "Adjusted: 1: holds" in alt
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
    monkeypatch.setattr("cnnlens.files._package", lambda: tmp_path / "checkout" / "cnnlens")
    out = ["--out", str(tmp_path / "out")]
    assert (
        main(["scorecard", "--commit", *out])
        == 2
        == main(["scorecard", "--commit", "--profile", "full", "--claims", "close", *out])
    )
    assert "--profile full" in capsys.readouterr().err and not (tmp_path / "checkout").exists()
    (tmp_path / "out").mkdir(exist_ok=True)
    (tmp_path / "out" / "table.json").write_text("{}")
    readme = tmp_path / "checkout" / "README.md"
    readme.parent.mkdir()
    readme.write_text("before\n{}\nstale words\n{}\nafter\n".format(*MARKS))
    assert main(["scorecard", "--commit", "--profile", "full", *out]) == 0
    assert ledger.read().entries == ledger.read(tmp_path / "out" / "ledger.json").entries
    text = readme.read_text()
    assert ledger.read().summary in " ".join(text.split()) and "stale words" not in text
    assert text.startswith("before\n") and text.endswith("after\n")
    assert main(["scorecard", "--recheck", "2"]) == 0
    assert "2 of 3 entries that can be measured here" in capsys.readouterr().out
    path = tmp_path / "checkout" / "data" / "ledger.json"
    text = json.loads(path.read_text())
    for row in text["claims"]:
        row["measured"] = row["measured"] and {**row["measured"], "low": 90, "high": 91}
    path.write_text(json.dumps(text))
    assert main(["scorecard", "--recheck", "2"]) == 1
    assert "OUTSIDE 90 to 91" in capsys.readouterr().out


def test_the_command_compares_and_restamps(toys, assessed, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("cnnlens.files._package", lambda: tmp_path / "cnnlens")
    (tmp_path / "data").mkdir()
    before, out = tmp_path / "before.json", ["--out", str(tmp_path / "out")]
    ledger.write(ledger.audit(progress=False), before)
    full = ledger.audit(profile="full", progress=False).entries
    old = tuple(dataclasses.replace(entry, fingerprint="old") for entry in full)
    ledger.write(ledger.Ledger(entries=old), tmp_path / "data" / "ledger.json")
    toys.enter("wrong", "neurons", Support(0.1), -0.4)
    assert main(["scorecard", "--restamp", *out]) == 2 and "--against FILE" in capsys.readouterr().err
    assert main(["scorecard", "--against", str(before), "--restamp", *out]) == 0
    said = capsys.readouterr().out
    assert "3 of 4 entries are the same (1 of 4 not measured)" in said and "changed: wrong: -0.3" in said
    assert "2 entries are still to be measured again: wrong <none>" in said
    assert [entry.fingerprint == "old" for entry in ledger.read().entries] == [False, True, False, True]


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
        "3 seeds × 30 images (nested)",
        "too few",
        "<dt>plan</dt><dd>about",
        "<dt>adjusted</dt><dd>holds",
        "It would need about",
        '? cannot be told here</span> <span class="faint">would need about',
        ", width 0.",
        "<b>1</b> does not hold",
    ):
        assert expected in page, expected


def test_a_claim_of_a_paper_names_it_and_the_day_on_which_it_was_fixed(toys, tmp_path):
    CLAIMS["plain"] = dataclasses.replace(CLAIMS["plain"], section="Somebody 2018, 3", fixed="2026-11-25")
    book = ledger.audit(["plain", "wrong"], progress=False)
    page = report.write(book, tmp_path / "s.html").read_text()
    assert '<span class="faint">Somebody 2018, 3</span>' in page and page.count("section 7.4") == 1
    assert page.count("<dt>fixed</dt>") == 1 and "<dd>2026-11-25:" in page
    paper, own = (control.widget.children[0].value for control in list(explore.scorecard(book).controls.values())[:2])
    assert "From Somebody 2018, 3." in paper and "Written down on 2026-11-25" in paper
    assert "From section 7.4." in own and "Written down" not in own
    words = words_of(draw.forest(book)[0])
    assert "(Somebody 2018, 3; fixed 2026-11-25)" in words.replace("\n", " ") and "(7.4)" in words
