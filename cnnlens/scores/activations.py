"""Numbers beside activation maps: dead units, sparsity, selectivity, agreement, and how many pixels are left."""

from dataclasses import dataclass

import numpy as np

from ..errors import CnnlensError


def dead_units(maps):
    """Which units have one activation at every position of every image; behind a ReLU, those that stay at zero.

    A unit is only as dead as the images are many: it may respond to an image that was not shown.

    Parameters
    ----------
    maps : ndarray (N, h, w, c) or (N, units)

    Returns
    -------
    ndarray (units,) bool
    """
    flat = maps.reshape(-1, maps.shape[-1])
    return flat.min(0) == flat.max(0)


def sparsity(maps):
    """Fraction of activations that are exactly zero, for each unit: 0 (none) to 1 (all), (units,).

    ReLU makes zeros; Glorot, Bordes and Bengio (2011, "Deep sparse rectifier neural networks") argue why that is good.
    """
    return (maps.reshape(-1, maps.shape[-1]) == 0).mean(0)


@dataclass(frozen=True, eq=False)
class Selectivity:
    """How much each unit prefers one class.

    Attributes
    ----------
    index : ndarray (units,)
        0 (all classes alike) to 1 (one class only); 0 for units that are never active.
    preferred : ndarray (units,) int
        The label of the class that each unit responds to most.
    """

    index: np.ndarray
    preferred: np.ndarray


def selectivity(responses, labels):
    """Class selectivity: the mean response to the preferred class against the mean over the other classes' means.

    ``(best - rest) / (best + rest)`` of Morcos et al. (2018, "On the importance of single directions for
    generalization", section 2.3), on responses cut at zero, as behind a ReLU. With few images chance alone makes units
    look selective: compare with shuffled labels.

    Parameters
    ----------
    responses : ndarray (N, units)
        From :func:`cnnlens.lenses.activations.responses`.
    labels : array (N,) int
        At least two classes.

    Returns
    -------
    Selectivity
    """
    labels = _labels(labels, len(responses))
    names = np.unique(labels)
    means = np.stack([np.maximum(responses[labels == name], 0).mean(0) for name in names])
    best = means.max(0)
    rest = (means.sum(0) - best) / (len(names) - 1)
    total = best + rest
    index = np.divide(best - rest, total, out=np.zeros_like(total), where=total > 0)
    return Selectivity(index, names[means.argmax(0)])


@dataclass(frozen=True)
class SharedMaximum:
    """How often two images have the same most active unit.

    Attributes
    ----------
    same, different : float
        Fraction of pairs, of one class and of two classes, that agree: 0 to 1.
    chance : (float, float)
        Where the middle 95 % of ``same`` fall when the labels are shuffled.
    pairs : (int, int)
        How many pairs of each sort there were.
    """

    same: float
    different: float
    chance: tuple
    pairs: tuple


def shared_maximum(winners, labels, *, shuffles=200, seed=0):
    """How often two images of one class share their most active unit, against two images of different classes.

    The dissertation (section 7.5) saw that "the same neurons are often maximally activated" by images of one digit;
    that says something only if images of two digits share theirs less often.

    Parameters
    ----------
    winners : array (N,) int
        The most active unit for each image.
    labels : array (N,) int
        At least two classes, one of them with two images.
    shuffles : int
        How often the labels are shuffled for the range of chance.
    seed : int

    Returns
    -------
    SharedMaximum
    """
    winners = np.unique(winners, return_inverse=True)[1]
    labels = np.unique(_labels(labels, len(winners)), return_inverse=True)[1]
    generator = np.random.default_rng(seed)
    same, different, pairs = _agreement(winners, labels)
    shuffled = [_agreement(winners, generator.permutation(labels))[0] for _ in range(shuffles)]
    chance = tuple(np.quantile(shuffled, (0.025, 0.975)).tolist()) if shuffles else (np.nan, np.nan)
    return SharedMaximum(same, different, chance, pairs)


def _agreement(winners, labels):
    """Fraction of agreeing pairs within and between classes, counted from the table of classes by units."""
    table = np.zeros((labels.max() + 1, winners.max() + 1), np.int64)
    np.add.at(table, (labels, winners), 1)

    def pairs(counts):
        return int((counts * (counts - 1) // 2).sum())

    within, total = pairs(table.sum(1)), pairs(np.array([len(labels)]))
    agree_within, agree = pairs(table), pairs(table.sum(0))
    if within == 0:
        raise CnnlensError(
            "No two images are of one class, so there is no pair to compare. Show at least two images of a class."
        )
    between = total - within
    return agree_within / within, (agree - agree_within) / between, (within, between)


def _labels(labels, count):
    labels = np.asarray(labels)
    if labels.shape != (count,):
        raise CnnlensError(f"There are {count} images and labels of shape {labels.shape}; expected one label an image.")
    if len(np.unique(labels)) < 2:
        raise CnnlensError("All images are of one class; expected at least two classes to compare.")
    return labels


@dataclass(frozen=True)
class PixelsLeft:
    """How much of the picture a layer keeps.

    Attributes
    ----------
    path : str
    size : (int, int)
        Of its map, in pixels.
    fraction : float
        Positions of its map for each position of the first layer's.
    channels : int
    values : int
        Numbers in all: positions times channels.
    """

    path: str
    size: tuple
    fraction: float
    channels: int
    values: int


def pixels_left(layers):
    """Map sizes along the network, each against the first: the dissertation's "1/27th of the pixels" for LeNet.

    Parameters
    ----------
    layers : sequence of Layer
        From ``net.layers()``; those without maps are left out.

    Returns
    -------
    tuple of PixelsLeft
    """
    maps = [layer for layer in layers if layer.is_map]
    if not maps:
        raise CnnlensError("None of these layers has maps; expected at least one convolution or pooling layer.")
    first = maps[0].shape[0] * maps[0].shape[1]
    return tuple(
        PixelsLeft(
            path=layer.path,
            size=layer.shape[:2],
            fraction=layer.shape[0] * layer.shape[1] / first,
            channels=layer.units,
            values=int(np.prod(layer.shape)),
        )
        for layer in maps
    )


@dataclass(frozen=True, eq=False)
class Background:
    """How much of each unit's activation falls where there is nothing to see.

    Attributes
    ----------
    fraction : ndarray (units,)
        Of the unit's whole (positive) activation, what lies on background; NaN for a unit that is never active.
    expected : float
        The fraction if the activation were spread evenly.
    """

    fraction: np.ndarray
    expected: float


def background_fraction(maps, images, layer, pooled=1):
    """How much of each unit's activation falls on positions that see only background, that is pixels of zero.

    The dissertation (section 7.5) found a unit in each of LeNet's first layers that "activates only for the
    background": its fraction would be near 1.

    Parameters
    ----------
    maps : ndarray (N, h, w, c)
    images : ndarray (N, H, W, C)
        With a background of zero, as in MNIST.
    layer : Layer
        Whose maps these are; its receptive field must be known.
    pooled : int
        Side of a max pooling behind ``layer`` that made the maps; the maximum it passes on may come from any of the
        positions it pools, so one that sees only background is enough.

    Returns
    -------
    Background
    """
    height, width = maps.shape[1] * pooled, maps.shape[2] * pooled
    blocks = (len(maps), maps.shape[1], pooled, maps.shape[2], pooled)
    empty = _empty(images, layer, height, width).reshape(blocks).any((2, 4))
    positive = np.maximum(maps, 0)
    total = positive.sum((0, 1, 2), dtype=np.float64)
    there = (positive * empty[..., None]).sum((0, 1, 2), dtype=np.float64)
    return Background(np.divide(there, total, out=np.full(total.shape, np.nan), where=total > 0), float(empty.mean()))


def _empty(images, layer, height, width):
    """Which positions of a layer see no ink: bool (N, height, width)."""
    ink = (images.max(-1) > 0).astype(np.int64)
    empty = np.ones((len(images), height, width), bool)
    sums = np.pad(ink, ((0, 0), (1, 0), (1, 0))).cumsum(1).cumsum(2)  # summed-area table: ink in a box by four look-ups
    bottom_most, right_most = ink.shape[1:]
    for row in range(height):
        for col in range(width):
            top, left, bottom, right = layer.box(row, col)
            t, b, l, r = max(top, 0), min(bottom, bottom_most), max(left, 0), min(right, right_most)
            empty[:, row, col] = sums[:, b, r] - sums[:, t, r] - sums[:, b, l] + sums[:, t, l] == 0
    return empty


@dataclass(frozen=True)
class Importance:
    """How far the units that respond most are those that the decision needs.

    Attributes
    ----------
    correlation : float
        Spearman's, between a unit's response and what the score loses without it, within each image, averaged: -1 to 1.
    hits : float
        Fraction of images whose most active unit is the one whose ablation costs most.
    chance : float
        The fraction that naming a unit at random would hit.
    """

    correlation: float
    hits: float
    chance: float


def importance(drop, response):
    """Whether the units that respond most are those that the decision needs.

    Parameters
    ----------
    drop, response : ndarray (N, units)
        From :func:`cnnlens.lenses.ablation.ablate`.

    Returns
    -------
    Importance
    """
    from scipy.stats import rankdata

    ranks = [rankdata(values, axis=1) for values in (drop, response)]
    first, second = (rank - rank.mean(1, keepdims=True) for rank in ranks)
    scale = np.sqrt((first**2).sum(1) * (second**2).sum(1))
    correlations = np.divide((first * second).sum(1), scale, out=np.full(len(drop), np.nan), where=scale > 0)
    hits = (drop.argmax(1) == response.argmax(1)).mean()
    return Importance(float(np.nanmean(correlations)), float(hits), 1 / drop.shape[1])
