"""Guess every verdict first, then reveal what was measured."""

import html

import ipywidgets as widgets
import numpy as np

from ..errors import CnnlensError, unknown
from ..figures.base import tiles
from ..figures.ledger import forest
from ..ledger.claim import VERDICTS
from ..ledger.guesses import KINDS, tally
from .base import Control, Explorer, Frame


def scorecard(ledger, guesses=None):
    """A row a claim: what it says, where it was read from, what would count as support, and three buttons to guess.

    Parameters
    ----------
    ledger : Ledger
        As measured; nothing of it shows before Reveal is pressed.
    guesses : dict of str to str, optional
        Guesses to start with, by the keys of the claims; none by default.

    Returns
    -------
    Scorecard
        An Explorer; its ``guesses`` holds what was guessed, for :func:`cnnlens.ledger.tally`.

    Raises
    ------
    CnnlensError
        If the ledger is empty, or a guess is for no claim or no verdict.
    """
    if not ledger.entries:
        raise CnnlensError("There is nothing to guess: the ledger has no entries.")
    return Scorecard(ledger, tally(ledger, guesses or {}))


class GuessControl(Control):
    """The words of a claim and one button for each verdict; the value is None until one is pressed."""

    def __init__(self, entry, value=None, heading=""):
        buttons = widgets.ToggleButtons(options=VERDICTS, value=value, layout=widgets.Layout(width="auto"))
        buttons.style.button_width = "auto"
        super().__init__(entry.key, buttons, None)
        words = widgets.HTML(_words(entry, heading))
        self.widget = widgets.VBox([words, buttons], layout=widgets.Layout(margin="0 0 10px 0"))

    def _write(self, value):
        if value is not None and value not in VERDICTS:
            raise unknown("verdict", value, VERDICTS)
        self.slider.value = value

    def all_values(self):
        return list(VERDICTS)


class Reveal(Control):
    """A button that stays down."""

    def __init__(self, name="reveal"):
        button = widgets.ToggleButton(False, description="Reveal the verdicts", button_style="primary", layout=widgets.Layout(width="220px"))
        super().__init__(name, button, None)
        self.widget = button

    def all_values(self):
        return [False, True]


class Scorecard(Explorer):
    """The explorer that :func:`scorecard` makes.

    Attributes
    ----------
    guesses : dict of str to str
        What is guessed now; claims without a guess are left out.
    """

    def __init__(self, ledger, begun):
        start = {guess.key: guess.guess for guess in begun.guesses}
        before = (None, *(entry.technique for entry in ledger.entries))
        controls = [
            GuessControl(entry, start.get(entry.key), entry.technique if entry.technique != last else "") for entry, last in zip(ledger.entries, before)
        ]  # fmt: skip
        super().__init__([*controls, Reveal()], lambda values, _: _frame(ledger, values), source=ledger.source)

    @property
    def guesses(self):
        """What is guessed now."""
        return {key: guess for key, guess in self.values.items() if key != "reveal" and guess is not None}


def _words(entry, heading):
    head = f'<h3 style="margin:12px 0 4px">{html.escape(heading)}</h3>' if heading else ""
    measured = f"{entry.figure}, minus {entry.control}"
    details = f"Read from {html.escape(entry.looked_at)}. Section {html.escape(entry.section)}.<br>Counts as support: {html.escape(entry.support)} of: {html.escape(measured)}."
    return (
        f'{head}<div style="line-height:1.35;border-top:1px solid #ddd;padding-top:6px"><b>{html.escape(entry.says)}</b><br>'
        f'<span style="font-size:90%;color:#555">{details}</span></div>'
    )


def _frame(ledger, values):
    guesses = {key: value for key, value in values.items() if key != "reveal"}
    if not values["reveal"]:
        return _progress(guesses)
    found = tally(ledger, guesses)
    kinds = "\n".join(f"{len(found.of(kind))}: {words}" for kind, words in KINDS.items())
    return Frame(forest(ledger, guesses, title="What was measured, beside what you guessed")[0], f"{found.sentence}\n{kinds}")


def _progress(guesses):
    """One square a claim, filled where there is a guess."""
    made = [guess is not None for guess in guesses.values()]
    raster = tiles(np.asarray(made, np.float32)[:, None, None], cell=14, columns=len(made), low=0, high=1, cmap="Blues")
    return Frame(raster, f"{sum(made)} of {len(made)} guessed. Press the button to see what was measured.")
