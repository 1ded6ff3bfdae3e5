"""The straight line that LIME draws through a network's answers, and how well settled it is.

Masks are rows of K booleans, one a superpixel; scores are what the network answered for one class. Superpixels that
were never hidden (the network does not see them) get weight 0.
"""

import functools
import itertools

import numpy as np

from . import masks as designs

KERNEL_WIDTH = 0.25  # the lime package's own
FREE = 4000  # masks that the imitation answers


def closeness(masks, kernel_width=KERNEL_WIDTH):
    """How much each mask counts, 0 to 1: LIME's exponential kernel over the cosine distance to the whole image.

    Parameters
    ----------
    masks : ndarray (M, K) bool
    kernel_width : float

    Returns
    -------
    ndarray (M,)
    """
    return _kernel(_distances(np.asarray(masks, float)[:, varied(masks)]), kernel_width)


def varied(masks):
    """Which superpixels were ever hidden: (K,) bool."""
    return ~np.asarray(masks, bool).all(0)


def _distances(masks):
    return 1 - np.sqrt(masks.mean(-1))  # the cosine distance between 0s and 1s and only 1s


def _kernel(distances, kernel_width):
    return np.sqrt(np.exp(-(distances**2) / kernel_width**2))


def line(masks, scores, *, kernel_width=KERNEL_WIDTH, ridge=0.1):
    """LIME's weighted straight line, fitted by the ``lime`` package (Ribeiro, Singh and Guestrin 2016, equation 2).

    Parameters
    ----------
    masks : ndarray (M, K) bool
    scores : ndarray (M,)
    kernel_width : float
        As for :func:`closeness`.
    ridge : float
        Penalty on the squared weights.

    Returns
    -------
    weights : ndarray (K,)
    intercept : float
    """
    from lime.lime_base import LimeBase
    from sklearn.linear_model import Ridge

    weights = np.zeros(np.shape(masks)[1])
    columns = np.flatnonzero(varied(masks))
    shown = np.asarray(masks, float)[:, columns]
    base = LimeBase(functools.partial(_kernel, kernel_width=kernel_width), random_state=0)
    # "none" takes all superpixels; lime's default goes through them one by one where few are asked for.
    intercept, pairs, _, _ = base.explain_instance_with_data(
        shown,
        np.asarray(scores, float)[:, None],
        _distances(shown),
        0,
        len(columns),
        feature_selection="none",
        model_regressor=Ridge(alpha=ridge),
    )
    for column, weight in pairs:
        weights[columns[column]] = weight
    return weights, float(intercept) - weights[~varied(masks)].sum()


def imitated_line(masks, scores, touching, *, seed=0, kernel_width=KERNEL_WIDTH, ridge=0.1):
    """The line that thousands of masks would give, from hundreds: an imitation of the network answers the rest.

    In the imitation, superpixels and pairs of superpixels that touch add up in log-odds, and a rising curve turns the
    sum into a probability. It is fitted to the network's answers and then asked at 4,000 more masks. The line through
    what it says there, plus the line through what it gets wrong where the network was asked, estimates the same weights
    with less scatter: a control variate (Owen 2013, "Monte Carlo theory, methods and examples", section 8.9).

    Parameters
    ----------
    masks, scores, kernel_width, ridge
        As for :func:`line`.
    touching : ndarray (P, 2) int
        Pairs of superpixels that share a border.
    seed : int
        Draws the further masks.

    Returns
    -------
    weights : ndarray (K,)
    intercept : float
    """
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import Ridge

    columns = varied(masks)
    free = np.ones((FREE, len(columns)), bool)
    free[:, columns] = designs.hadamard(FREE, columns.sum(), (seed, 1))
    certain = np.clip(scores, 1e-5, 1 - 1e-5)
    shown = _with_pairs(masks, touching)
    adding = Ridge(alpha=30).fit(shown, np.log(certain / (1 - certain)))
    sums = adding.predict(shown)
    bend = IsotonicRegression(out_of_bounds="clip").fit(sums, scores)
    imitation = line(
        free, bend.predict(adding.predict(_with_pairs(free, touching))), kernel_width=kernel_width, ridge=ridge
    )
    errors = line(masks, scores - bend.predict(sums), kernel_width=kernel_width, ridge=ridge)
    return imitation[0] + errors[0], imitation[1] + errors[1]


def _with_pairs(masks, touching):
    """±1 for each superpixel, and half of that for each pair: pairs matter less, so the penalty is to weigh on them more."""
    signs = np.where(masks, 1.0, -1.0)
    return np.concatenate([signs, 0.5 * signs[:, touching[:, 0]] * signs[:, touching[:, 1]]], 1)


def agreement(masks, scores, block, **how):
    """The rank correlation to expect between these weights and those of another run of the same length.

    The masks, but the first, come in independent blocks. Their lines are averaged over one half of the blocks and over
    the other; the rank correlation of the two halves, averaged over all ways to halve, is stepped up from half to whole
    (Spearman 1910, Brown 1910). A cautious number for :func:`imitated_line`,
    which scatters less than the plain lines that are compared here.

    Parameters
    ----------
    masks, scores
        As for :func:`line`.
    block : int
        Masks in a block.
    **how
        For :func:`line`.

    Returns
    -------
    float
        0 to 1; NaN with fewer than two blocks.
    """
    from scipy.stats import spearmanr

    starts = range(1, len(masks) - block + 1, block)
    if len(starts) < 2:
        return float("nan")
    fits = np.stack([line(masks[start : start + block], scores[start : start + block], **how)[0] for start in starts])
    fits = fits[:, varied(masks)]
    if len(starts) > 12:  # ways to halve grow like 2 to the number of blocks
        fits = np.stack([part.mean(0) for part in np.array_split(fits, 12)])
    numbers = set(range(len(fits)))
    halves = [(list(half), sorted(numbers - set(half))) for half in itertools.combinations(numbers, len(fits) // 2)][
        :40
    ]
    found = [
        spearmanr(fits[a].mean(0), fits[b].mean(0)).statistic if np.ptp(fits, axis=1).all() else np.nan
        for a, b in halves
    ]
    between = float(np.mean(found))
    return between if np.isnan(between) else max(0.0, 2 * between / (1 + between))
