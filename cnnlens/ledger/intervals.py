"""A measured value, what it is compared with, and how far chance could have moved the difference."""

from dataclasses import dataclass

import numpy as np

from ..errors import CnnlensError

CONFIDENCE = 0.95
RESAMPLES = 2000


@dataclass(frozen=True)
class Difference:
    """A measured value, its control, and the difference of the two with an interval.

    Attributes
    ----------
    value, control : float
        Means over all seeds and items.
    low, high : float
        Interval of ``value - control`` that holds the true difference in 95 of 100 such measurements.
    seeds, items : int
        How many of each it rests on.
    """

    value: float
    control: float
    low: float
    high: float
    seeds: int
    items: int

    @property
    def difference(self):
        """``value - control``."""
        return self.value - self.control


def difference(values, controls, *, seed=0):
    """The difference of two means, and an interval by the rule that fits what was measured.

    Proportions (all items 0 or 1) take Newcombe's hybrid score interval (1998, "Interval estimation for the difference
    between independent proportions", method 10), which stays honest at 0 % and 100 %. Several items take the bootstrap
    that draws seeds and items anew, both at once (Owen 2007, "The pigeonhole bootstrap"): the same filters or
    photographs come back under each seed, so that more seeds do not make more filters. One item takes Student's t over
    the seeds.

    Parameters
    ----------
    values, controls : array (S, n) and (S, m)
        A row a seed, a column an item (a unit, a photograph, a class). Where n equals m, items are taken as pairs.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Difference

    Raises
    ------
    CnnlensError
        If an array is empty, holds NaN, the two differ in their number of seeds, or there is one item under one seed.
    """
    values, controls = (np.atleast_2d(np.asarray(found, float)) for found in (values, controls))
    if values.ndim != 2 or controls.ndim != 2 or len(values) != len(controls) or not values.size or not controls.size:
        raise CnnlensError(f"A difference needs a row a seed in both; got shapes {values.shape} and {controls.shape}.")
    if not (np.isfinite(values).all() and np.isfinite(controls).all()):
        raise CnnlensError("A difference needs finite values and controls; got NaN or infinity.")
    seeds, items = values.shape
    if items == 1 and controls.shape[1] == 1:
        if seeds == 1:
            raise CnnlensError(
                "One item under one seed has no interval. Measure under at least two seeds, or return more items."
            )
        low, high = _student(values[:, 0] - controls[:, 0])
    elif np.isin(values, (0, 1)).all() and np.isin(controls, (0, 1)).all():
        low, high = _newcombe(values.mean(), items, controls.mean(), controls.shape[1])
    else:
        low, high = _pigeonhole(values, controls, seed)
    return Difference(float(values.mean()), float(controls.mean()), float(low), float(high), seeds, items)


def _student(differences):
    from scipy.stats import t

    mean, count = differences.mean(), len(differences)
    if np.ptp(differences) == 0:  # arithmetic, such as a number of pixels: no seed can move it
        return mean, mean
    reach = t.ppf((1 + CONFIDENCE) / 2, count - 1) * differences.std(ddof=1) / np.sqrt(count)
    return mean - reach, mean + reach


def _newcombe(p, n, q, m):
    (low_p, high_p), (low_q, high_q) = wilson(p, n), wilson(q, m)
    return p - q - np.hypot(p - low_p, high_q - q), p - q + np.hypot(high_p - p, q - low_q)


def wilson(proportion, count):
    """Wilson's score interval of a proportion of ``count`` items (1927, "Probable inference"), as (low, high)."""
    from scipy.stats import norm

    z = norm.ppf((1 + CONFIDENCE) / 2)
    middle = (proportion + z**2 / (2 * count)) / (1 + z**2 / count)
    reach = z / (1 + z**2 / count) * np.sqrt(proportion * (1 - proportion) / count + z**2 / (4 * count**2))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _pigeonhole(values, controls, seed):
    generator = np.random.default_rng(seed)
    seeds, n, m = len(values), values.shape[1], controls.shape[1]
    means = []
    for _ in range(RESAMPLES):
        rows = generator.integers(seeds, size=seeds)
        columns = generator.integers(n, size=n)
        others = columns if n == m else generator.integers(m, size=m)
        means.append(values[rows][:, columns].mean() - controls[rows][:, others].mean())
    return np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
