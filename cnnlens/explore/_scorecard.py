"""Guess every verdict first, then reveal what was measured."""

import ipywidgets as widgets
import jinja2
import numpy as np

from ..errors import CnnlensError, unknown
from ..figures.base import DPI, tiles
from ..figures.ledger import forest
from ..ledger.claim import VERDICTS
from ..ledger.guesses import KINDS, tally
from .base import READABLE, Explorer, Frame
from .controls import Control

WORDS = jinja2.Environment(autoescape=True).from_string("""\
<div style="line-height:1.35;padding-top:6px"><b>{{ claim.statement }}</b><br>
<span class="cnnlens-faint">From {{ claim.where }}. Read from: {{ claim.evidence }}.<br>
Counts as support: {{ entry.support }} of: {{ claim.value }}, minus {{ claim.control }}.
{%- if claim.fixed %} Written down on {{ claim.fixed }}, before it was measured.{% endif %}</span></div>""")


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

    ahead = False  # three verdicts for each of dozens of claims: more combinations than can be rendered

    def __init__(self, entry, value=None):
        buttons = widgets.ToggleButtons(options=VERDICTS, value=value, layout=widgets.Layout(width="auto"))
        buttons.style.button_width = "auto"
        super().__init__(entry.key, buttons, None)
        words = widgets.HTML(WORDS.render(entry=entry, claim=entry.claim))
        buttons.add_class("cnnlens-guess")
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
        button = widgets.ToggleButton(
            False, description="Reveal the verdicts", button_style="primary", layout=widgets.Layout(width="220px")
        )
        super().__init__(name, button, None)
        self.widget = button

    def all_values(self):
        return [False, True]

    @property
    def kind(self):
        return {"kind": "check"}


class Scorecard(Explorer):
    """The explorer that :func:`scorecard` makes.

    Attributes
    ----------
    guesses : dict of str to str
        What is guessed now; claims without a guess are left out.
    """

    def __init__(self, ledger, begun):
        start = {guess.key: guess.guess for guess in begun.guesses}
        controls = [GuessControl(entry, start.get(entry.key)) for entry in ledger.entries]
        super().__init__([*controls, Reveal()], lambda values, _: _frame(ledger, values), source=ledger.source)
        self.children = (_tabs(ledger, controls), *self.children[len(controls) :])

    @property
    def guesses(self):
        """What is guessed now."""
        return {key: guess for key, guess in self.values.items() if key != "reveal" and guess is not None}


def _tabs(ledger, controls):
    """The controls behind a tab for each technique, so that one is not lost among dozens of claims."""
    rows = {
        name: [control.widget for control, entry in zip(controls, ledger.entries) if entry.technique == name]
        for name in ledger.techniques
    }
    return widgets.Tab(
        [widgets.VBox(row) for row in rows.values()], titles=[f"{name} ({len(row)})" for name, row in rows.items()]
    )


def _frame(ledger, values):
    guesses = {key: value for key, value in values.items() if key != "reveal"}
    if not values["reveal"]:
        return _progress(guesses)
    found = tally(ledger, guesses)
    shown = ledger.only(guess.key for guess in found.guesses) if found.guesses else ledger
    kinds = "\n".join(f"{len(found.of(kind))}: {words}" for kind, words in KINDS.items())
    return Frame(
        forest(shown, guesses, title="What was measured, beside what you guessed", width=READABLE / DPI)[0],
        f"{found.sentence}\n{kinds}",
    )


def _progress(guesses):
    """One square a claim, filled where there is a guess."""
    made = [guess is not None for guess in guesses.values()]
    raster = tiles(
        np.asarray(made, np.float32)[:, None, None],
        cell=14,
        columns=min(len(made), 30),
        low=-0.4,
        high=1.2,
        cmap="Blues",
    )
    return Frame(raster, f"{sum(made)} of {len(made)} guessed. Press the button to see what was measured.")
