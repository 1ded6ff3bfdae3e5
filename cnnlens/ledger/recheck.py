"""Measure kept entries again and see whether they say the same; compare one ledger with another."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from ..errors import CnnlensError, unknown
from .book import CLAIMS, Entry, Ledger, measurable, measure
from .fingerprint import fingerprint

ROUNDING = 1e-5  # of the values' own size: what other processors and thread counts move a sum by


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
        return bool(before.low - _slack(before) <= now.difference <= before.high + _slack(before))

    @property
    def same(self):
        """Whether all numbers are the same, but for rounding."""
        before, now = self.before.found, self.now.found
        if before is None or now is None:
            return before is now
        names = ("value", "control", "low", "high", "seeds", "items")
        return all(abs(getattr(before, name) - getattr(now, name)) <= _slack(before) for name in names)

    def __str__(self):
        before, now = self.before.found, self.now.found
        if before is None or now is None:
            return f"{self.before.key}: {self.before.reason} | now: {self.now.reason}"
        place = "within" if self.ok else "OUTSIDE"
        return (
            f"{self.before.key}: {now.difference:.4g} now, {place} {before.low:.4g} to {before.high:.4g} "
            f"({before.difference:.4g} on {self.before.date}); {self.now.verdict} now, {self.before.verdict} then"
        )


def _slack(found):
    return ROUNDING * max(abs(found.value), abs(found.control), abs(found.low), abs(found.high))


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
        sources = "; ".join(entry.sources.values())
        raise CnnlensError(f"{entry.key} was measured on {sources}, which is not all here. Run `cnnlens doctor`.")
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
    return entry.found is not None and not entry.found.exact


def compare(before, now):
    """The entries of two ledgers beside each other, where both have one that was measured alike.

    Parameters
    ----------
    before, now : Ledger

    Returns
    -------
    tuple of Recheck
        In the order of ``before``; entries of other profiles or seeds are left out.
    """
    others = {(entry.key, entry.profile, entry.seed): entry for entry in now.entries}
    pairs = ((entry, others.get((entry.key, entry.profile, entry.seed))) for entry in before.entries)
    return tuple(Recheck(entry, other) for entry, other in pairs if other is not None)


def restamp(ledger, rechecks):
    """A ledger that takes today's fingerprint where the code was rewritten and the numbers stayed the same.

    Parameters
    ----------
    ledger : Ledger
    rechecks : sequence of Recheck
        What :func:`compare` found between a ledger of the old code and one of today's, measured at the same sizes on
        the same sources. Only entries that were measured in both, with the same numbers, get a new fingerprint.

    Returns
    -------
    Ledger
    """
    shown = {each.now.key for each in rechecks if each.same and each.now.found and not each.now.stale}
    entries = tuple(_stamped(entry) if entry.key in shown else entry for entry in ledger.entries)
    return Ledger(entries=entries, source=ledger.source, settings=ledger.settings)


def _stamped(entry):
    today = fingerprint(entry.claim.measure, entry.claim.sizes[entry.profile])
    return dataclasses.replace(entry, fingerprint=today)
