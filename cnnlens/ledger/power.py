"""How many items a claim needs at the spread that was observed: to be told from nothing, and to be settled."""

from dataclasses import dataclass

import numpy as np

from .intervals import student

POWER = 0.8  # of telling what is there: Cohen 1988, "Statistical Power Analysis for the Behavioral Sciences"
MOST = 100_000  # nobody measures more


@dataclass(frozen=True)
class Need:
    """How many it would take.

    Attributes
    ----------
    count : float
        Infinite where no number up to 100,000 is enough.
    of_seeds : bool
        Whether seeds are counted, because more items under the same seeds would not be enough.
    """

    count: float
    of_seeds: bool = False

    def words(self, items):
        """``about 90 photographs``, of the plural of what the items are."""
        if np.isinf(self.count):
            return f"more {items} and seeds than {MOST:,}"
        rounded = int(float(f"{self.count:.2g}"))
        return f"about {rounded:,} {'seeds' if self.of_seeds else items}"


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
        Infinite where the difference lies on an end.
    """
    return _need(found, _distance(support, found.difference), 0.5)


def _distance(support, place):
    return min(abs(place - end) for end in (support.least, support.most))


def _need(found, distance, power):
    """The fewest items whose interval reaches no farther than a distance; seeds where items alone are not enough."""
    from scipy.stats import norm

    counts, margin = np.unique(np.geomspace(2, MOST, 1000).round()), norm.ppf(power)
    seeds, items = max(found.seeds, 2), max(found.items, 2)
    only_seeds = np.sqrt(max(found.by_seeds**2 - found.by_both**2, 0))
    fewer, rarer = np.sqrt(items / counts), np.sqrt(seeds / counts)
    more_items = _reach(np.hypot(only_seeds, found.by_both * fewer), seeds, found.by_items * fewer, counts, margin)
    more_seeds = _reach(found.by_seeds * rarer, counts, np.full(len(counts), found.by_items), items, margin)
    for reach, of_seeds in ((more_items, False), (more_seeds, True)):
        enough = counts[reach < distance]
        if len(enough):
            return Need(float(enough[0]), of_seeds)
    return Need(np.inf)


def _reach(by_seeds, seeds, by_items, items, margin):
    half = np.hypot(student(seeds - 1) * by_seeds, student(items - 1) * by_items)
    return half + margin * np.hypot(by_seeds, by_items)
