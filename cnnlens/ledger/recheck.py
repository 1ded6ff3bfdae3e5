"""Measure a kept entry again, as it was measured then, and see whether it says the same."""

from dataclasses import dataclass

import numpy as np

from ..errors import CnnlensError, unknown
from .book import CLAIMS, Entry, measurable, measure

ROUNDING = 1e-5  # of the figures' own size: what other processors and thread counts move a sum by


@dataclass(frozen=True)
class Recheck:
    """An entry beside its repetition.

    Attributes
    ----------
    before, now : Entry
    """

    before: Entry
    now: Entry

    @property
    def ok(self):
        """Whether the new difference lies within the interval that was stated."""
        before, now = self.before.found, self.now.found
        if before is None or now is None:
            return before is now
        slack = ROUNDING * max(abs(before.value), abs(before.control), abs(before.low), abs(before.high))
        return bool(before.low - slack <= now.difference <= before.high + slack)

    def __str__(self):
        before, now = self.before.found, self.now.found
        if before is None or now is None:
            return f"{self.before.key}: {self.before.reason} | now: {self.now.reason}"
        place = "within" if self.ok else "OUTSIDE"
        return (
            f"{self.before.key}: {now.difference:.4g} now, {place} {before.low:.4g} to {before.high:.4g} ({before.difference:.4g} on {self.before.date}); "
            f"{self.now.verdict} now, {self.before.verdict} then"
        )


def recheck(entry, kept=None):
    """Measure a claim again with the sizes and the seeds of an entry.

    Parameters
    ----------
    entry : Entry
    kept : dict, optional
        As for :func:`~.book.measure`.

    Returns
    -------
    Recheck

    Raises
    ------
    CnnlensError
        If there is no such claim any more, or what it was measured on is not here.
    """
    if entry.key not in CLAIMS:
        raise unknown("claim", entry.key, CLAIMS)
    if not measurable(entry, kept):
        raise CnnlensError(
            f"{entry.key} was measured on {'; '.join(entry.sources.values())}, which is not all here. Run `cnnlens doctor`."
        )
    return Recheck(entry, measure(CLAIMS[entry.key], profile=entry.profile, seed=entry.seed, kept=kept))


def draw(ledger, count=3, *, seed=0, seconds=float("inf"), kept=None):
    """Entries to measure again, drawn among those that can be: measured once, and on what is here.

    Arithmetic, which has no interval to lie in, is left out.

    Parameters
    ----------
    ledger : Ledger
    count : int
    seed : int
    seconds : float
        Leaves out what took longer.
    kept : dict, optional
        As for :func:`~.book.measure`.

    Returns
    -------
    chosen, candidates : tuple of Entry
        The drawn ones, and all that could have been.
    """
    candidates = tuple(
        entry for entry in ledger.entries if _uncertain(entry) and entry.seconds <= seconds and measurable(entry, kept)
    )
    order = np.random.default_rng(seed).permutation(len(candidates))[:count]
    return tuple(candidates[i] for i in order), candidates


def _uncertain(entry):
    return entry.found is not None and entry.found.low < entry.found.high
