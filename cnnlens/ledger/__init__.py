"""The claims of the dissertation and of papers, each with a test that could come out the other way.

What the claims say stands in the files of ``data/``, how each is measured in the files that begin with ``on_``, one a
technique. ``claim`` says what a claim is, ``context`` what it is measured on, ``book`` measures and keeps.
"""

from .. import device as device  # before a file that imports Keras, so that TensorFlow starts quietly
from .agreement import agreement
from .book import CLAIMS, Entry, Ledger, answer, audit, measurable, measure, read, write
from .claim import FAILS, HOLDS, OPEN, VERDICTS, CannotTell, Claim, Support, settle
from .guesses import Guess, Tally, tally
from .recheck import Recheck, compare, draw, recheck, restamp

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
    "agreement",
    "answer",
    "audit",
    "compare",
    "draw",
    "measurable",
    "measure",
    "read",
    "recheck",
    "restamp",
    "settle",
    "tally",
    "write",
]
