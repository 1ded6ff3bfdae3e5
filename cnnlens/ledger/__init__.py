"""The claims of the dissertation, each with a test that could come out the other way.

``claim`` says what a claim is, ``materials`` what it is measured on, ``book`` measures and keeps; the claims themselves
stand in the files that begin with ``on_``, one a technique.
"""

import importlib

from .again import Recheck, draw, recheck
from .book import Entry, Ledger, audit, measurable, measure, read, write
from .claim import CLAIMS, FAILS, HOLDS, OPEN, VERDICTS, CannotTell, Claim, Support, claim, settle
from .guesses import Guess, Tally, tally

__all__ = [
    "CLAIMS",
    "FAILS",
    "HOLDS",
    "OPEN",
    "VERDICTS",
    "CannotTell",
    "Claim",
    "Entry",
    "Guess",
    "Ledger",
    "Recheck",
    "Support",
    "Tally",
    "audit",
    "claim",
    "draw",
    "measurable",
    "measure",
    "read",
    "recheck",
    "settle",
    "tally",
    "write",
]

for _name in ("on_neurons", "on_activations", "on_embedding", "on_superpixels"):  # the order of the dissertation
    importlib.import_module(f"{__name__}.{_name}")
