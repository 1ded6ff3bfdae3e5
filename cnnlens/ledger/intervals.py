"""A measured value, what it is compared with, and how far chance could have moved the difference."""

from dataclasses import dataclass

import numpy as np

from ..errors import CnnlensError
from .claim import CannotTell

CONFIDENCE = 0.95
TRUSTED = 0.8  # of the skewness from which Hall's cubic has no bound: a few numbers cannot tell so much of it
FEWEST = 5  # items that come back; intervals of fewer hold the truth less often than they say


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
    by_seeds, by_items : float
        Standard errors of the difference: what other seeds, and what other items in place of those that come back,
        would move it by. Both 0: arithmetic, which chance has no part in. NaN in ledgers of before 0.2.
    by_both : float
        The part of ``by_seeds`` that more items under each seed would lower as well.
    skewness : float
        Of the items that come back, or of the seeds' means where none do.
    sizes : (float, float) or None
        Of yes-or-no outcomes, how many independent ones value and control are worth; None for numbers.
    correlation : float
        Of the two shares; 0 for numbers.
    """

    value: float
    control: float
    low: float
    high: float
    seeds: int
    items: int
    by_seeds: float = np.nan
    by_items: float = np.nan
    by_both: float = np.nan
    skewness: float = 0.0
    sizes: tuple | None = None
    correlation: float = 0.0

    @property
    def difference(self):
        """``value - control``."""
        return self.value - self.control

    @property
    def width(self):
        """Of the interval."""
        return self.high - self.low

    @property
    def exact(self):
        """Whether it is arithmetic, which chance has no part in."""
        return self.low == self.high

    def interval(self, confidence):
        """The interval at another confidence than 0.95, such as 0.99: (low, high)."""
        if self.sizes is not None:
            return shares(self.value, self.control, *self.sizes, self.correlation, confidence)
        spread = self.by_seeds, self.by_items, self.skewness
        return numbers(self.difference, *spread, self.seeds, self.items, confidence)


def difference(values, controls, design):
    """The difference of two means, and an interval by the rule that fits how the sample was drawn.

    Two things are left to chance: seeds (of networks, masks, draws of images) and, where the same items come back under
    every seed, which items these are. Both are sampled at once: the seeds' part of the squared standard error is the
    variance of the rows' differences over their number; the items' part is that of the columns' means, less what the
    two share (the two-way random-effects model of Cornfield and Tukey 1956; where there are no more items than seeds,
    it is taken off the seeds' part). Numbers take Student's t: the mean of its values at the degrees of freedom of each
    part, weighted by the parts' shares of the variance (Cochran and Cox 1950, "Experimental Designs"). The
    value of the items, or of the seeds where no items come back, is corrected for skewness by Hall's cubic
    transformation (1992, "On the removal of skewness by transformation").
    Yes-or-no outcomes (all 0 or 1) take Newcombe's hybrid score interval (1998), for pairs ("Improved confidence
    intervals for the difference between binomial proportions based on paired data", method 10) or for independent
    shares ("Interval estimation for the difference between independent proportions", method 10), with each share's
    number of outcomes divided by its design effect (Korn and Graubard 1998).

    By simulation (``tests/test_ledger_coverage.py``) 95 % are 93 to 97 % at every size that a committed claim is
    measured at, for skewed and bounded data too. Two seeds, which hardly tell how much seeds move, would be held up to
    98 %, and shares near 0 or 1 that other seeds move far, which no claim has, in 80 to 90 %. Fewer than five skewed
    items that come back would hold in 88 to 93 %, so no interval is given for them.

    Parameters
    ----------
    values, controls : array (S, n) and (S, m)
        A row a seed, a column an item (a unit, a photograph, a class).
    design : str
        One of :data:`~.claim.DESIGNS`; what they say stands at :class:`~.claim.Claim`.

    Returns
    -------
    Difference

    Raises
    ------
    CannotTell
        If there is no sample: one seed, fewer than five items where items come back, or nothing that varies.
    CnnlensError
        If an array is empty, holds NaN, or the two do not fit each other.
    """
    values, controls = (np.atleast_2d(np.asarray(found, float)) for found in (values, controls))
    if values.ndim != 2 or controls.ndim != 2 or len(values) != len(controls) or not values.size or not controls.size:
        raise CnnlensError(f"A difference needs a row a seed in both; got shapes {values.shape} and {controls.shape}.")
    if not (np.isfinite(values).all() and np.isfinite(controls).all()):
        raise CnnlensError("A difference needs finite values and controls; got NaN or infinity.")
    if design == "crossed" and values.shape != controls.shape:
        raise CnnlensError(f"Crossed items are pairs; got {values.shape} values and {controls.shape} controls.")
    spread = {name: _plain(found) for name, found in sampled(values, controls, design).items()}
    found = Difference(float(values.mean()), float(controls.mean()), 0, 0, *values.shape, **spread)
    if design != "exact":
        _demand_a_sample(found, values if design != "value nested" else controls, design)
    low, high = found.interval(CONFIDENCE)
    return Difference(**{**vars(found), "low": float(low), "high": float(high)})


def _plain(found):
    return tuple(map(float, found)) if isinstance(found, tuple) else None if found is None else float(found)


def _demand_a_sample(found, returning, design):
    if len(returning) < 2 and design != "crossed":
        raise CannotTell("One seed is no sample: measure under two at least, better five.")
    items = returning.shape[1]
    if items < FEWEST and design not in ("nested", "seeds"):
        raise CannotTell(
            f"Of the items that come back under every seed there is no sample: {items} here; an interval needs "
            f"{FEWEST} at least, better ten."
        )
    if found.sizes is None and not found.by_seeds and not found.by_items:
        raise CannotTell("Every seed and every item gave the same number, so that nothing tells what chance would do.")


# --- what an interval needs to know of a sample -----------------------------------------------------------------------
#
# These take any number of samples at once, in the axes before the last two: tests simulate thousands.


def sampled(values, controls, design):
    """Standard errors, skewness, and of yes-or-no outcomes effective sizes and correlation, as :class:`Difference`."""
    if design == "exact":
        return dict.fromkeys(("by_seeds", "by_items", "by_both"), 0.0)
    paired = values.shape == controls.shape and design in ("crossed", "nested")
    parts = [(values - controls, design == "crossed")] if paired else _sides(values, controls, design)
    rows = values.mean(-1) - controls.mean(-1)
    variances = _variances(rows, parts, design)
    errors = dict(zip(("by_seeds", "by_items", "by_both"), map(np.sqrt, variances)))
    if design == "seeds" or not all(np.isin(found, (0, 1)).all() for found in (values, controls)):
        back = [part.mean(-2) for part, again in parts if again and design != "seeds"]
        skewness = np.where(variances[1] > 0, _skewness(back[0]), 0.0) if back else _skewness(rows)
        return {**errors, "skewness": skewness}
    sides = _sides(values, controls, design)
    own = [_variances(side.mean(-1), [(side, again)], design) for side, again in sides]
    sizes = tuple(_size(*side, *each) for side, each in zip(sides, own))
    correlation = _correlation(values, controls, own, variances) if paired else np.zeros_like(sizes[0])
    return {**errors, "sizes": sizes, "correlation": correlation}


def _sides(values, controls, design):
    """Values and controls, each with whether its items come back under every seed."""
    return (values, design in ("crossed", "control nested")), (controls, design in ("crossed", "value nested"))


def _variances(rows, parts, design):
    """Squared standard errors of a mean by seeds, by items that come back, and the part of the first by items anew.

    Of the means of the rows, and of the arrays with a column an item that they are made of, each with whether its items
    come back.
    """
    by_seeds = rows.var(-1, ddof=1) / rows.shape[-1] if rows.shape[-1] > 1 else np.zeros(rows.shape[:-1])
    by_items, by_both = np.zeros_like(by_seeds), np.zeros_like(by_seeds)
    for part, again in parts:
        if design == "seeds" or part.shape[-1] < 2:
            continue
        if not again:
            by_both = by_both + part.var(-1, ddof=1).mean(-1) / (part.shape[-1] * part.shape[-2])
            continue
        columns, shared = _two_way(part)
        if part.shape[-1] > part.shape[-2]:
            by_items, by_both = np.maximum(columns - shared, 0), by_both + shared
        else:
            by_items, by_seeds = columns, np.maximum(by_seeds - shared, 0)
    return by_seeds, by_items, np.minimum(by_both, by_seeds)


def _two_way(table):
    """Squared standard errors of a table's mean by its columns, and by what neither rows nor columns explain."""
    seeds, items = table.shape[-2:]
    columns, rows = table.mean(-2, keepdims=True), table.mean(-1, keepdims=True)
    residuals = table - columns - rows + rows.mean(-2, keepdims=True)
    shared = (residuals**2).sum((-2, -1)) / (max(seeds - 1, 1) * (items - 1) * seeds * items)
    return columns[..., 0, :].var(-1, ddof=1) / items, shared


def _skewness(items):
    """Of a sample, without bias for a normal one (Fisher's G1); 0 where nothing varies or two items tell nothing."""
    from scipy.stats import skew

    if items.shape[-1] < 3:
        return np.zeros(items.shape[:-1])
    varies = np.ptp(items, -1) > 1e-12 * np.abs(items).max(-1)
    return np.where(varies, skew(np.where(varies[..., None], items, np.arange(items.shape[-1])), -1, bias=False), 0.0)


def _size(outcomes, comes_back, by_seeds, by_items, by_both):
    """How many independent outcomes a share is worth: their number over the design effect (Korn and Graubard 1998).

    Seeds are few, so that Student's t must stand in for the normal distribution; not for the part that they share with
    items, which is told by as many outcomes as there are.
    """
    seeds, items = outcomes.shape[-2:]
    share = outcomes.mean((-2, -1))
    seeds_alone = (by_seeds - by_both) * (student(seeds - 1) / _z()) ** 2
    spread = seeds_alone + by_both + by_items * (items - 1) / items
    certain = items if comes_back else seeds * items
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(spread > 0, np.minimum(share * (1 - share) / spread, seeds * items), certain)


def _correlation(values, controls, own, both):
    """Of two shares of the same items, less Newcombe's correction for continuity where it is positive."""
    first, second, together = (by_seeds + by_items for by_seeds, by_items, _ in (*own, both))
    deviations = [np.sqrt(share * (1 - share)) for share in (values.mean((-2, -1)), controls.mean((-2, -1)))]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (first + second - together) / (2 * np.sqrt(first * second))
        correction = 1 / (2 * values.shape[-1] * deviations[0] * deviations[1])
    found = np.nan_to_num(np.clip(found, -1, 1))
    return np.where(found > 0, np.maximum(found - np.nan_to_num(correction), 0), found)


# --- intervals ----------------------------------------------------------------------------------------------------


def numbers(middle, by_seeds, by_items, skewness, seeds, items, confidence=CONFIDENCE):
    """Interval of a mean difference from its two standard errors, as (low, high); see :func:`difference`."""
    both = np.hypot(by_seeds, by_items)
    share = by_items**2 / np.where(both > 0, both, 1) ** 2  # of the variance, by the items that come back
    seeds_down, seeds_up = _reaches(seeds, np.where(share > 0, 0, skewness), confidence)
    items_down, items_up = _reaches(items, np.where(share > 0, skewness, 0), confidence)
    down, up = share * items_down + (1 - share) * seeds_down, share * items_up + (1 - share) * seeds_up
    return middle - both * down, middle + both * up


def _reaches(count, skewness, confidence):
    """How many standard errors an interval of a mean of ``count`` numbers reaches down, and up."""
    t = student(count - 1, confidence)
    known = np.clip(skewness / np.sqrt(count), -TRUSTED / t, TRUSTED / t)
    return tuple(abs(_unskewed(end, known)) for end in (t, -t))


def _unskewed(t, skewness):
    """What Hall's cubic transformation of a studentized mean maps to t; t itself without skewness."""
    safe = np.where(np.abs(skewness) < 1e-9, 1, skewness)
    return np.where(safe == skewness, 3 * (np.cbrt(1 + safe * (t - safe / 6)) - 1) / safe, t)


def shares(p, q, n, m, correlation=0.0, confidence=CONFIDENCE):
    """Newcombe's interval of the difference of two shares p and q of n and m outcomes, as (low, high)."""
    (low_p, high_p), (low_q, high_q) = wilson(p, n, confidence), wilson(q, m, confidence)

    def together(one, other):
        return np.sqrt(np.maximum(one**2 - 2 * correlation * one * other + other**2, 0))

    return p - q - together(p - low_p, high_q - q), p - q + together(high_p - p, q - low_q)


def wilson(share, count, confidence=CONFIDENCE):
    """Wilson's score interval of a share of ``count`` outcomes (1927, "Probable inference"), as (low, high)."""
    z = _z(confidence)
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    reach = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return np.maximum(0.0, middle - reach), np.minimum(1.0, middle + reach)


def student(freedom, confidence=CONFIDENCE):
    """The quantile of Student's t, at so many degrees of freedom, that an interval of this confidence reaches to."""
    from scipy.stats import t

    return t.ppf((1 + confidence) / 2, np.maximum(freedom, 1))


def _z(confidence=CONFIDENCE):
    from scipy.stats import norm

    return norm.ppf((1 + confidence) / 2)
