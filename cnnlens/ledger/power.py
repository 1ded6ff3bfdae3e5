"""How many items a claim needs at the spread that was observed: to be told from nothing, and to be settled."""

from dataclasses import dataclass

import numpy as np

from .intervals import student

POWER = 0.8  # of telling what is there: Cohen 1988, "Statistical Power Analysis for the Behavioral Sciences"
MOST = 100_000  # nobody measures more


@dataclass(frozen=True)
class Need:
    """How many it would take; None where as many as there are would do, both None where no number would.

    Attributes
    ----------
    items, seeds : int or None
        In two digits.
    """

    items: int | None = None
    seeds: int | None = None

    def words(self, items):
        """``about 90 photographs``, of the plural of what the items are; ``no number of photographs``."""
        counted = [f"{count:,} {what}" for count, what in ((self.items, items), (self.seeds, "seeds")) if count]
        return f"about {' under '.join(counted)}" if counted else f"no number of {items}"


def to_tell_from_nothing(found, support):
    """What it takes to tell the nearest end of the range of support from no difference at all, in four of five cases.

    Parameters
    ----------
    found : Difference
        Of which the spread counts, not the difference.
    support : Support

    Returns
    -------
    Need
    """
    return _need(found, _distance(support, 0), POWER)


def to_settle(found, support):
    """What it takes until the interval, were the difference to stay what it is, just leaves the ends of the range out.

    Parameters
    ----------
    found : Difference
    support : Support

    Returns
    -------
    Need
        Of no number where the difference lies on an end.
    """
    distance = _distance(support, found.difference)
    below = any(found.difference - end == distance for end in (support.least, support.most))
    now = found.difference - found.low if below else found.high - found.difference
    reach = _reach(found, max(found.items, 2), max(found.seeds, 2), 0)  # without skewness and the bounds of shares
    return _need(found, distance * reach / now if now else distance, 0.5)


def _distance(support, place):
    return min(abs(place - end) for end in (support.least, support.most))


def _need(found, distance, power):
    """The fewest items whose interval reaches less far; where they alone are not enough, seeds, and then both."""
    from scipy.stats import norm

    counts, margin = np.unique(np.geomspace(2, MOST, 1000).round()), norm.ppf(power)
    seeds, items = max(found.seeds, 2), max(found.items, 2)
    grown = np.maximum(np.round(seeds * counts / items), 2)
    for more_items, more_seeds in ((counts, None), (None, counts), (counts, grown)):
        n, s = (items if more_items is None else more_items), (seeds if more_seeds is None else more_seeds)
        enough = np.flatnonzero(_reach(found, n, s, margin) < distance)
        if len(enough):
            first = enough[0]
            return Need(*(None if each is None else _two_digits(each[first]) for each in (more_items, more_seeds)))
    return Need()


def _two_digits(count):
    return int(float(f"{count:.2g}"))


def _reach(found, items, seeds, margin):
    """How far an interval would reach with other numbers of items and seeds than those of a difference."""
    fewer = found.items / items
    alone, both = found.by_seeds**2 - found.by_both**2, found.by_both**2 * fewer
    by_seeds = np.sqrt(np.maximum(alone, 0) + both) * np.sqrt(found.seeds / seeds)
    by_items = found.by_items * np.sqrt(fewer)
    both = np.hypot(by_seeds, by_items)
    half = (student(seeds - 1) * by_seeds**2 + student(items - 1) * by_items**2) / np.where(both > 0, both, 1)
    return half + margin * both
