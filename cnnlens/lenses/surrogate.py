"""The weighted ridge regression that LIME fits to a network's answers, how to steady it, and how reliable it is.

Masks are rows of K booleans, one a superpixel; scores are what the network answered for one class. Superpixels that
were never hidden (the network does not see them) get weight 0.
"""

import itertools

import numpy as np

from . import masks as designs

KERNEL_WIDTH = 0.25  # the lime package's own
FREE = 4000  # masks that the surrogate model answers
LEAST = 1e-7  # probabilities nearer than this to 0 or 1 count as this near, so that their logits are finite
LIKELY = 50  # classes that the surrogate model tells apart; what the others do is left to the plain regression
HALVINGS = 40  # ways to halve the blocks that split-half reliability is averaged over
TELLING = 96  # masks of which two blocks suffice: their reliability scatters by 0.01 to 0.02 then, like that of three
GROUPS = 12  # blocks are pooled into at most so many


def varied(masks):
    """Which superpixels were ever hidden: (K,) bool.

    Examples
    --------
    >>> varied([[True, True], [True, False]])
    array([False,  True])
    """
    return ~np.asarray(masks, bool).all(0)


def proximity_kernel(masks, kernel_width=KERNEL_WIDTH):
    """How much each mask counts, 0 to 1: LIME's exponential kernel over the cosine distance to the whole image.

    Parameters
    ----------
    masks : ndarray (M, K) bool
    kernel_width : float

    Returns
    -------
    ndarray (M,)

    Examples
    --------
    >>> proximity_kernel([[True, True], [True, False], [False, True]]).round(2)
    array([1. , 0.5, 0.5])
    """
    shown = np.asarray(masks, float)[:, varied(masks)]
    distances = 1 - np.sqrt(shown.mean(-1))  # the cosine distance between 0s and 1s and only 1s
    return np.sqrt(np.exp(-(distances**2) / kernel_width**2))


def weighted_ridge(masks, scores, *, kernel_width=KERNEL_WIDTH, ridge=0.1):
    """LIME's weighted linear regression (Ribeiro, Singh and Guestrin 2016, equation 2).

    Parameters
    ----------
    masks : ndarray (M, K) bool
    scores : ndarray (M,)
    kernel_width : float
        As for :func:`proximity_kernel`.
    ridge : float
        Penalty on the squared weights.

    Returns
    -------
    weights : ndarray (K,)
    intercept : float

    Examples
    --------
    >>> masks = [[True, True], [True, False], [False, True], [False, False]]
    >>> weights, intercept = weighted_ridge(masks, [0.9, 0.6, 0.4, 0.1], ridge=0)
    >>> weights.round(3), round(intercept, 3)
    (array([0.5, 0.3]), 0.1)
    """
    from sklearn.linear_model import Ridge

    seen = varied(masks)
    shown = np.asarray(masks, float)[:, seen]
    fit = Ridge(alpha=ridge).fit(shown, np.asarray(scores, float), sample_weight=proximity_kernel(masks, kernel_width))
    weights = np.zeros(len(seen))
    weights[seen] = fit.coef_
    return weights, float(fit.intercept_)


def surrogate_corrected(masks, scores, touching, target, *, seed=0, **regression):
    """The regression that thousands of masks would give, from hundreds: a surrogate model answers the rest.

    The surrogate (:func:`surrogate_model`) is fitted to the network's answers and then asked at 4,000 more masks. The
    regression on what it says there, plus the regression on what it gets wrong where the network was asked, estimates
    the same weights with less scatter: a control variate (Owen 2013, "Monte Carlo theory, methods and examples",
    section 8.9). Both parts are linear in the scores and all classes share one surrogate, so the weights for a
    difference of two scores are the difference of their weights.

    Parameters
    ----------
    masks : ndarray (M, K) bool
    scores : ndarray (M, classes)
        Of all classes.
    touching : ndarray (P, 2) int
        Pairs of superpixels that share a border.
    target : function
        From scores (M, classes) to those that are explained (M,), such as one of the columns; linear.
    seed : int
        Draws the further masks.
    **regression
        ``kernel_width`` and ``ridge``, as for :func:`weighted_ridge`.

    Returns
    -------
    weights : ndarray (K,)
    intercept : float

    Examples
    --------
    >>> masks = designs.hadamard(65, 3, seed=0)
    >>> score = 0.2 + masks @ [0.1, 0.2, 0.3]
    >>> scores, touching = np.stack([score, 1 - score], 1), np.array([[0, 1], [1, 2]])
    >>> weights, _ = surrogate_corrected(masks, scores, touching, lambda scores: scores[:, 0])
    >>> weights.round(1)
    array([0.1, 0.2, 0.3])
    """
    seen = varied(masks)
    free = np.ones((FREE, len(seen)), bool)
    free[:, seen] = designs.hadamard(FREE, seen.sum(), (seed, 1))
    surrogate = surrogate_model(masks, scores, touching)
    weights, intercept = weighted_ridge(free, target(surrogate(free)), **regression)
    # In-sample residuals: in a balanced design those of left-out folds lean against the fit, and cross-fitting makes
    # larger errors (tests/test_superpixels_error.py).
    more, higher = weighted_ridge(masks, target(scores - surrogate(masks)), **regression)
    return weights + more, intercept + higher


def surrogate_model(masks, scores, touching):
    """A crude model of a network for one image: superpixels, and pairs of them that touch, add up in its logits.

    Parameters
    ----------
    masks, scores, touching
        As for :func:`surrogate_corrected`. If the scores of a mask sum to 1, the logits go through a softmax; if not,
        each through a sigmoid. A rising curve (isotonic regression) then brings each class to the network's own scale.

    Returns
    -------
    function
        From masks (M, K) to scores (M, classes).

    Examples
    --------
    >>> masks = designs.hadamard(65, 3, seed=0)
    >>> score = 0.2 + masks @ [0.1, 0.2, 0.3]
    >>> model = surrogate_model(masks, np.stack([score, 1 - score], 1), np.array([[0, 1], [1, 2]]))
    >>> model(np.array([[True, True, True], [False, False, False]])).round(1)
    array([[0.8, 0.2],
           [0.2, 0.8]])
    """
    from scipy.special import expit, softmax
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import Ridge

    likely = np.sort(np.argsort(-scores.mean(0), kind="stable")[:LIKELY])
    told = scores[:, likely].astype(float)
    exclusive = np.allclose(scores.sum(1), 1, atol=1e-3)
    if exclusive and len(likely) < scores.shape[1]:
        told = np.column_stack([told, 1 - told.sum(1)])  # all other classes as one
    told = np.clip(told, LEAST, 1 - LEAST)
    logits = np.log(told) - (np.log(told).mean(1, keepdims=True) if exclusive else np.log(1 - told))
    model = Ridge(alpha=3).fit(_with_pairs(masks, touching), logits)

    def expected(masks):
        logits = model.predict(_with_pairs(masks, touching))
        return (softmax(logits, axis=1) if exclusive else expit(logits))[:, : len(likely)]

    pairs = zip(expected(masks).T, scores[:, likely].T)
    curves = [IsotonicRegression(out_of_bounds="clip").fit(guess, score) for guess, score in pairs]

    def answer(masks):
        answers = np.zeros((len(masks), scores.shape[1]))
        answers[:, likely] = np.stack([curve.predict(guess) for curve, guess in zip(curves, expected(masks).T)], 1)
        return answers

    return answer


def _with_pairs(masks, touching):
    """±1 for each superpixel, half of that for each pair: the penalty is to weigh more on pairs, which matter less."""
    signs = np.where(masks, 1.0, -1.0)
    return np.concatenate([signs, 0.5 * signs[:, touching[:, 0]] * signs[:, touching[:, 1]]], 1)


# --- reliability --------------------------------------------------------------------------------------------


def split_half_reliability(masks, scores, block, *, seed=0, **regression):
    """The rank correlation to expect between these weights and those of another run of the same length.

    The masks, but the first, come in independent blocks. Regressions are averaged over one half of the blocks and over
    the other; the rank correlation of the two halves, averaged over random halvings, is stepped up from half to whole
    (Spearman 1910, Brown 1910). A cautious number for :func:`surrogate_corrected`, which scatters less than the plain
    regressions that are compared here.

    Parameters
    ----------
    masks, scores
        As for :func:`weighted_ridge`.
    block : int
        Masks in a block.
    seed : int
        Draws the halvings.
    **regression
        ``kernel_width`` and ``ridge``, as for :func:`weighted_ridge`.

    Returns
    -------
    float
        0 to 1; NaN with fewer than two blocks, or where nothing varies.

    Examples
    --------
    >>> masks = designs.hadamard(25, 3, seed=0)
    >>> round(split_half_reliability(masks, masks @ [0.1, 0.2, 0.3], block=8), 3)
    1.0
    """
    from scipy.stats import rankdata

    starts = range(1, len(masks) - block + 1, block)
    if len(starts) < 2:
        return float("nan")
    parts = [slice(start, start + block) for start in starts]
    fits = np.stack([weighted_ridge(masks[part], scores[part], **regression)[0] for part in parts])[:, varied(masks)]
    if not np.ptp(fits, axis=1).all():
        return float("nan")
    fits = np.stack([group.mean(0) for group in np.array_split(fits, min(len(fits), GROUPS))])
    halves = halvings(len(fits), seed)
    ranks = [[rankdata(fits[half].mean(0)) for half in (one, ~one)] for one in halves]
    between = np.mean([np.corrcoef(*pair)[0, 1] for pair in ranks])
    return max(0.0, float(2 * between / (1 + between)))


def halvings(count, seed=0):
    """Ways to halve so many blocks, each at most once: all of them, or forty drawn at random if there are more.

    Parameters
    ----------
    count : int
    seed : int

    Returns
    -------
    ndarray (ways, count) bool
        Which blocks are in the first half, the smaller one of an odd number.

    Examples
    --------
    >>> halvings(3).astype(int).tolist()
    [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    >>> halvings(12).shape
    (40, 12)
    """
    chosen = np.array(list(itertools.combinations(range(count), count // 2)))
    if len(chosen) > HALVINGS:
        chosen = np.random.default_rng((seed, 3)).permutation(chosen)[:HALVINGS]
    halves = np.zeros((len(chosen), count), bool)
    np.put_along_axis(halves, chosen, True, 1)
    return halves
