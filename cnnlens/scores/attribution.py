"""The numbers beside an attribution: does hiding what it names matter, does it point, is it stable, does it know?

* :func:`faithfulness`: deletion and insertion, against random orders and against an edge detector.
* :func:`pointing_game`: whether it points into boxes that were marked by eye.
* :func:`stability`: alike from seed to seed, and under noise that nobody sees.
* :func:`agreement`: alike from method to method.
* :mod:`.cascade` holds the sanity check: unlike once the network has forgotten what it learned.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

from ..lenses import attribution, superpixels
from ..lenses.perturbation import filling, perturb
from ..results import Result
from .hiding import Curve, hiding_curves
from .pointing import hits, positive_fraction_inside
from .superpixels import correlation

CELLS = 16  # a side: fine enough to follow a contour, coarse enough that hiding one is more than noise to a network
RANDOM_ORDERS = 3
NOISE = 0.01  # of the range from black to white: below what an eye sees in a photograph

__all__ = ["CELLS", "Curve", "Faithfulness", "Stability", "agreement", "asking", "cells", "edges", "faithfulness"]
__all__ += ["in_cells", "pointing_game", "rank_correlations", "similarity", "stability"]


# --- comparing maps -----------------------------------------------------------------------------------------------


def cells(shape, count=CELLS):
    """An image cut into a grid: the number of each pixel's cell, (H, W) int.

    Parameters
    ----------
    shape : (int, int)
        Height and width.
    count : int
        Cells a side, at most one a pixel.

    Examples
    --------
    >>> cells((2, 4), 2)
    array([[0, 0, 1, 1],
           [2, 2, 3, 3]])
    """
    down, across = (np.arange(side) * min(count, side) // side for side in shape)
    return down[:, None] * (across.max() + 1) + across


def in_cells(maps, count=CELLS):
    """The mean of each map in each cell, (N, cells): what fine and coarse maps are compared by.

    Examples
    --------
    >>> in_cells(np.array([[[0.0, 2.0, 4.0, 4.0]]]), 2)
    array([[1., 4.]])
    """
    numbers = cells(maps.shape[1:], count).ravel()
    sums = np.stack([np.bincount(numbers, each.ravel()) for each in np.asarray(maps, float)])
    return sums / np.bincount(numbers)


def rank_correlations(one, other):
    """Spearman's rank correlation of each pair of rows or maps, (N,); 0 where one of the two is flat and ranks nothing.

    Examples
    --------
    >>> rank_correlations(np.array([[1, 2, 3], [1, 2, 3]]), np.array([[10, 20, 90], [3, 2, 1]]))
    array([ 1., -1.])
    """
    from scipy.stats import rankdata

    ranks = [rankdata(np.reshape(each, (len(each), -1)), axis=1) for each in (one, other)]
    return np.array([correlation(*pair) for pair in zip(*ranks)]).round(12)


def similarity(one, other):
    """How alike the pictures of two attributions look: of absolute values, because that is what catches the eye.

    Parameters
    ----------
    one, other : ndarray (N, H, W)

    Returns
    -------
    rank : ndarray (N,)
        Spearman's rank correlation of the pixels, -1 to 1.
    ssim : ndarray (N,)
        Structural similarity (Wang et al. 2004) of the maps scaled to [0, 1], -1 to 1.

    Examples
    --------
    >>> maps = np.random.default_rng(0).normal(size=(1, 16, 16))
    >>> [round(float(each[0]), 6) for each in similarity(maps, -2 * maps)]
    [1.0, 1.0]
    """
    from skimage.metrics import structural_similarity

    one, other = (np.abs(np.asarray(maps, float)) for maps in (one, other))
    scaled = [maps / np.maximum(maps.max((1, 2), keepdims=True), 1e-12) for maps in (one, other)]
    window = min(7, *((side - 1) // 2 * 2 + 1 for side in one.shape[1:]))
    ssim = [structural_similarity(*pair, win_size=window, data_range=1.0) for pair in zip(*scaled)]
    return rank_correlations(one, other), np.array(ssim)


def agreement(maps, count=CELLS):
    """How alike several methods rank the cells of the same images.

    Parameters
    ----------
    maps : dict of str to ndarray (N, H, W)
        By name; a LIME explanation takes part as ``spread(why.weights, why.segments)[None]`` (:mod:`.pointing`).
    count : int
        Cells a side.

    Returns
    -------
    ndarray (M, M)
        Mean over the images of Spearman's rank correlation, in the order of ``maps``.

    Examples
    --------
    >>> ramp = np.arange(16.0).reshape(1, 4, 4)
    >>> agreement({"one": ramp, "other": ramp**2, "opposite": -ramp}).round(2)
    array([[ 1.,  1., -1.],
           [ 1.,  1., -1.],
           [-1., -1.,  1.]])
    """
    ranked = [in_cells(each, count) for each in maps.values()]
    return np.array([[rank_correlations(one, other).mean() for other in ranked] for one in ranked])


# --- does hiding what it names matter? ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Faithfulness(Result):
    """The score while what a map names is hidden, or shown, beside other orders.

    Attributes
    ----------
    curves : tuple of N dict of str to dict of str to Curve
        ``curves[image]["deletion"]["by map"]``; also ``"insertion"``, ``"by edges"``, and ``"at random"``, a mean.
    names : tuple of N str
        The explained classes.
    method : str
    """

    curves: tuple
    names: tuple
    method: str

    def areas(self, kind, order="by map"):
        """Areas under the curves of a kind, (N,): mean probabilities, small in a good deletion, large in insertion."""
        return np.array([found[kind][order].area for found in self.curves])

    def gain(self, kind="deletion", over="at random"):
        """How much better the map is than another order, (N,): a difference of areas, above zero where it is better."""
        difference = self.areas(kind) - self.areas(kind, over)
        return -difference if kind == "deletion" else difference


def faithfulness(net, found, *, count=CELLS, steps=16, fill="mean", seed=0, progress=True):
    """Deletion and insertion curves of an attribution (Petsiuk, Das and Saenko 2018), cell by cell.

    Parameters
    ----------
    net : Network or callable
        The one that was explained.
    found : Attribution
    count : int
        Cells a side; their order is that of the map's mean in each.
    steps : int
        Points of a curve.
    fill : {"mean", "grey", "blur", "noise"} or float
        What shows where cells are hidden.
    seed : int
        For the random orders.
    progress : bool

    Returns
    -------
    Faithfulness

    Examples
    --------
    A function that reads the left half only, and a map that knows it:

    >>> def left(images):
    ...     bright = images[:, :, :4].mean((1, 2, 3))
    ...     return np.stack([bright, 1 - bright], 1)
    >>> found = attribution.explain(left, np.ones((8, 8, 1)), 0, "occlusion", fill=0.0)
    >>> numbers = faithfulness(left, found, fill=0.0)
    >>> numbers.areas("deletion").round(2), bool(numbers.gain()[0] > 0.1)
    (array([0.25]), True)
    """
    net = superpixels.opened(net)
    parts = cells(found.maps.shape[1:], count)
    named = {"by map": in_cells(found.maps, count), "by edges": in_cells(edges(found.images), count)}
    sizes = np.bincount(parts.ravel()) / parts.size
    curves = []
    for i in tqdm(range(len(found.maps)), desc="hiding", unit="image", delay=2, leave=False, disable=not progress):
        orders = {name: [np.argsort(-values[i], kind="stable")] for name, values in named.items()}
        generator = np.random.default_rng((seed, i))
        orders["at random"] = [generator.permutation(len(sizes)) for _ in range(RANDOM_ORDERS)]
        ask = asking(net, found.images[i], parts, found.labels[i], fill, seed)
        curves.append(hiding_curves(ask, orders, sizes, steps))
    settings = {"count": count, "steps": steps, "fill": fill, "seed": seed, **found.settings}
    return Faithfulness(
        curves=tuple(curves), names=found.names, method=found.method, source=found.source, settings=settings
    )


def asking(net, image, parts, label, fill, seed=0):
    """A function from masks (M, K) of the parts of an image, (H, W) int, to the probability of a class, (M,)."""
    predict, size = superpixels.classifier(net), superpixels.default_batch_size()
    filled = filling(image, np.zeros_like(parts), fill, seed)

    def ask(masks):
        batches = [masks[start : start + size] for start in range(0, len(masks), size)]
        return np.concatenate([predict(perturb(image, filled, parts, some))[:, label] for some in batches])

    return ask


def edges(images):
    """What an edge detector finds: the size of the gradient of brightness by Sobel's filters, (N, H, W).

    It knows nothing of any network: a map that does no better shows the image, not the network (Adebayo et al. 2018).

    Examples
    --------
    >>> step = np.repeat([0.0, 0.0, 1.0, 1.0], 4).reshape(1, 4, 4, 1).swapaxes(1, 2)
    >>> edges(step)[0, 0].round(1)
    array([0. , 0.7, 0.7, 0. ])
    """
    from skimage.filters import sobel

    return np.stack([sobel(image.mean(-1)) for image in np.asarray(images, float)])


# --- does it point where a human would? ---------------------------------------------------------------------------


def pointing_game(maps, boxes):
    """Whether maps point into what was marked by eye (Zhang et al. 2016; Wang et al. 2020 for the second number).

    Parameters
    ----------
    maps : ndarray (N, H, W)
    boxes : sequence of N sequences of (top, left, bottom, right)
        As fractions of height and width.

    Returns
    -------
    hit : ndarray (N,)
        Whether the largest value is inside.
    inside : ndarray (N,)
        The fraction of all positive values inside.

    Examples
    --------
    >>> maps = np.array([[[3.0, 1.0], [0.0, 0.0]]])
    >>> pointing_game(maps, [[(0, 0, 0.5, 0.5)]])
    (array([1.]), array([0.75]))
    """
    pairs = list(zip(maps, boxes, strict=True))
    return np.array([hits(*pair) for pair in pairs]), np.array([positive_fraction_inside(*pair) for pair in pairs])


# --- is it stable? ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Stability:
    """How alike an attribution is to itself, each (N,).

    Attributes
    ----------
    over_seeds : ndarray (N,)
        Mean over pairs of seeds of the rank correlation in cells; 1 for methods that draw nothing.
    under_noise : ndarray (N,)
        Mean rank correlation, in cells, with the maps of the image under noise that nobody sees.
    moved : ndarray (N,)
        By how much that noise changed the probability at most: what is small excuses no change of the map.
    """

    over_seeds: np.ndarray
    under_noise: np.ndarray
    moved: np.ndarray

    def __str__(self):
        means = self.over_seeds.mean(), self.under_noise.mean(), self.moved.max()
        return "over seeds {:.2f}   under noise {:.2f}   probability moved by at most {:.2f}".format(*means)


def stability(net, found, *, seeds=3, noise=NOISE, repeats=2, count=CELLS, progress=False):
    """How alike an attribution comes out with other seeds, and under noise that nobody sees.

    Parameters
    ----------
    net : Network or callable
        The one that was explained.
    found : Attribution
    seeds : int
        Attributions to compare, the given one included; 2 at least.
    noise : float
        Standard deviation of the noise, of the range from black to white.
    repeats : int
        Noisy copies of each image.
    count : int
        Cells a side.
    progress : bool

    Returns
    -------
    Stability

    Examples
    --------
    >>> from cnnlens import zoo
    >>> net = zoo.load("lenet", weights="random")
    >>> found = attribution.explain(net, np.random.default_rng(0).random((2, 28, 28, 1)), 3, "gradient_input")
    >>> stability(net, found).over_seeds
    array([1., 1.])
    """
    how = {"progress": progress}
    seed = found.settings["seed"]
    others = [found]
    if "seed" in attribution.METHODS[found.method].defaults:
        others += [attribution.repeat(net, found, seed=seed + 1 + k, **how) for k in range(max(seeds, 2) - 1)]
    ranked = [in_cells(each.maps, count) for each in others]
    pairs = [rank_correlations(*pair) for pair in itertools.combinations(ranked, 2)]
    generator = np.random.default_rng((seed, 11))
    shaken = []
    for _ in range(repeats):
        images = found.images + generator.normal(0, noise, found.images.shape)
        shaken.append(attribution.repeat(net, found, images=np.float32(images.clip(0, 1)), **how))
    return Stability(
        over_seeds=np.mean(pairs, 0) if pairs else np.ones(len(found.maps)),
        under_noise=np.mean([rank_correlations(ranked[0], in_cells(each.maps, count)) for each in shaken], 0),
        moved=np.max([np.abs(each.probabilities - found.probabilities) for each in shaken], 0),
    )
