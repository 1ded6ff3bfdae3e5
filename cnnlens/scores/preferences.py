"""What units respond to, from their responses to many images: which classes they prefer, which other units do alike."""

from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95


@dataclass(frozen=True, eq=False)
class Preferences:
    """By how much units respond more to the images of a class than to all others.

    Attributes
    ----------
    classes : ndarray (C,) int
        The labels that at least two images have, and at least two have not.
    difference, low, high : ndarray (C, units)
        Mean response to the class less the mean response to all other images, in standard deviations of the unit's own
        responses, and its interval. 0 for a unit that responds to all images alike.
    """

    classes: np.ndarray
    difference: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def best(self, most=5):
        """The classes that each unit prefers, by the lower end of the interval: indices into them, (most, units)."""
        return np.argsort(-self.low, axis=0, kind="stable")[:most]


def preferences(responses, labels, confidence=CONFIDENCE):
    """Which classes units prefer, with intervals that allow for how many classes are compared.

    Welch's interval of the difference of two means (1947, "The generalization of 'Student's' problem when several
    different population variances are involved"), at the level ``1 - (1 - confidence) / C``: the best of a thousand
    classes is the best of a thousand chances (Bonferroni). The images are the sample. With few images a class the
    interval is wide, and with skewed responses only about right.

    Parameters
    ----------
    responses : array (N, units)
    labels : array (N,) int
        -1 for an image whose class is not known, which is left out.
    confidence : float

    Returns
    -------
    Preferences
        Of no class, if no two images share one that others have not.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(size=(60, 2))
    >>> noise[:20, 0] += 3
    >>> found = preferences(noise, np.repeat([7, 8, 9], 20))
    >>> found.classes[found.best(1)[0, 0]], (found.low > 0).tolist()
    (np.int64(7), [[True, False], [False, False], [False, False]])
    """
    from scipy.stats import t as student

    labels = np.asarray(labels)
    known = labels >= 0
    values, labels = np.asarray(responses, np.float64)[known], labels[known]
    classes, places, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    kept = np.flatnonzero((sizes > 1) & (len(labels) - sizes > 1))
    if not len(kept):
        nothing = np.zeros((0, values.shape[1]))
        return Preferences(classes[kept], nothing, nothing, nothing)
    deviation = values.std(0)
    values = (values - values.mean(0)) / np.where(deviation > 0, deviation, 1)
    member = (places[:, None] == kept).astype(np.float64)
    count, rest = sizes[kept][:, None], len(labels) - sizes[kept][:, None]
    mean, square = member.T @ values / count, member.T @ values**2 / count
    others, other_square = (values.sum(0) - mean * count) / rest, ((values**2).sum(0) - square * count) / rest
    own = np.maximum(square - mean**2, 0) / (count - 1)  # squared standard errors of the two means
    theirs = np.maximum(other_square - others**2, 0) / (rest - 1)
    freedom = (own + theirs) ** 2 / np.maximum(own**2 / (count - 1) + theirs**2 / (rest - 1), 1e-300)
    reach = student.ppf(1 - (1 - confidence) / 2 / len(kept), np.maximum(freedom, 1)) * np.sqrt(own + theirs)
    difference = mean - others
    return Preferences(classes[kept], difference, difference - reach, difference + reach)


def alike(responses, most=5):
    """The units whose responses to the same images correlate most with each unit's: near-duplicates, if nearly 1.

    Parameters
    ----------
    responses : array (N, units)
    most : int
        Fewer if there are fewer other units.

    Returns
    -------
    ndarray (units, most) int
        The most alike first.
    ndarray (units, most)
        Pearson's correlation; 0 with a unit that responds to all images alike.

    Examples
    --------
    >>> drawn = np.random.default_rng(0).normal(size=(50, 4))
    >>> drawn[:, 3] = 2 * drawn[:, 1] + 1
    >>> units, correlation = alike(drawn, most=1)
    >>> int(units[1, 0]), int(units[3, 0]), correlation[1].round(3).tolist()
    (3, 1, [1.0])
    """
    values = np.asarray(responses, np.float32)
    values = values - values.mean(0)
    length = np.linalg.norm(values, axis=0)
    values = values / np.where(length > 1e-6, length, np.inf)
    correlation = (values.T @ values).clip(-1, 1)
    np.fill_diagonal(correlation, -np.inf)
    units = np.argsort(-correlation, axis=1, kind="stable")[:, : min(most, len(correlation) - 1)]
    return units, np.take_along_axis(correlation, units, 1)
