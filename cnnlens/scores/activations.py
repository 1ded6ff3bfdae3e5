"""Numbers beside activation maps: silence, sparsity, selectivity, agreement, and how many pixels are left."""

from dataclasses import dataclass

import numpy as np

from ..errors import CnnlensError


def dead_units(maps):
    """Which units never change their answer, at no position, to no image; behind a ReLU, those that stay at zero.

    A unit is only as dead as the images are many: it may wake for an image that was not shown.

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
    """Share of answers that are exactly zero, for each unit: 0 (always answers) to 1 (never), (units,).

    ReLU makes zeros; Glorot, Bordes and Bengio (2011, "Deep sparse rectifier neural networks") argue why that is good.
    """
    return (maps.reshape(-1, maps.shape[-1]) == 0).mean(0)


@dataclass(frozen=True, eq=False)
class Selectivity:
    """How much each unit prefers one class.

    Attributes
    ----------
    index : ndarray (units,)
        0 (all classes alike) to 1 (one class only); 0 for units that never answer.
    preferred : ndarray (units,) int
        The label of the class that each unit answers to most.
    """

    index: np.ndarray
    preferred: np.ndarray


def selectivity(strengths, labels):
    """Class selectivity: the mean answer to the preferred class against the mean over the other classes' means.

    ``(best - rest) / (best + rest)`` of Morcos et al. (2018, "On the importance of single directions for
    generalization", section 2.3), on answers cut at zero, as behind a ReLU. With few images chance alone makes units
    look selective: compare with shuffled labels.

    Parameters
    ----------
    strengths : ndarray (N, units)
        From :func:`cnnlens.lenses.activations.strengths`.
    labels : array (N,) int
        At least two classes.

    Returns
    -------
    Selectivity
    """
    labels = _labels(labels, len(strengths))
    names = np.unique(labels)
    means = np.stack([np.maximum(strengths[labels == name], 0).mean(0) for name in names])
    best = means.max(0)
    rest = (means.sum(0) - best) / (len(names) - 1)
    total = best + rest
    index = np.divide(best - rest, total, out=np.zeros_like(total), where=total > 0)
    return Selectivity(index, names[means.argmax(0)])


@dataclass(frozen=True, eq=False)
class SharedMaximum:
    """How often two images have the same most active unit.

    Attributes
    ----------
    same, different : float
        Share of pairs, of one class and of two classes, that agree: 0 to 1.
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


def shared_by_class(winners, labels):
    """For each class, the share of pairs of its images whose most active unit is the same: 0 to 1, (classes,).

    :func:`shared_maximum` class by class, so that one digit that all share cannot speak for the ten.

    Parameters
    ----------
    winners : array (N,) int
    labels : array (N,) int
        Each class with at least two images.
    """
    winners = np.unique(winners, return_inverse=True)[1]
    labels = np.unique(_labels(labels, len(winners)), return_inverse=True)[1]
    table = np.zeros((labels.max() + 1, winners.max() + 1), np.int64)
    np.add.at(table, (labels, winners), 1)
    every = table.sum(1)
    if every.min() < 2:
        raise CnnlensError(
            "A class has only one image, so there is no pair of it to compare. Show at least two images of each class."
        )
    return (table * (table - 1)).sum(1) / (every * (every - 1))


def _agreement(winners, labels):
    """Share of agreeing pairs within and between classes, counted from the table of classes by units."""
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


@dataclass(frozen=True, eq=False)
class PixelsLeft:
    """How much of the picture a layer keeps.

    Attributes
    ----------
    path : str
    size : (int, int)
        Of its map, in pixels.
    share : float
        Positions of its map for each position of the first layer's.
    channels : int
    values : int
        Numbers in all: positions times channels.
    """

    path: str
    size: tuple
    share: float
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
            layer.path, layer.shape[:2], layer.shape[0] * layer.shape[1] / first, layer.units, int(np.prod(layer.shape))
        )
        for layer in maps
    )


@dataclass(frozen=True, eq=False)
class Background:
    """How much of each unit's answer falls where there is nothing to see.

    Attributes
    ----------
    share : ndarray (units,)
        Part of the unit's whole (positive) answer that lies on background; NaN for a unit that never answers.
    expected : float
        The part that an answer spread evenly would put there.
    """

    share: np.ndarray
    expected: float


def background_share(maps, images, layer, pooled=1):
    """How much of each unit's answer falls on positions that see only background, that is pixels of zero.

    The dissertation (section 7.5) found a unit in each of LeNet's first layers that "activates only for the background":
    its share would be near 1.

    Parameters
    ----------
    maps : ndarray (N, h, w, c)
    images : ndarray (N, H, W, C)
        With a background of zero, as in MNIST.
    layer : Layer
        Whose maps these are; its receptive field must be known.
    pooled : int
        Side of a max pooling behind ``layer`` that made the maps; the answer it passes on may come from any of the
        positions it pools, so one that sees only background is enough.

    Returns
    -------
    Background
    """
    height, width = maps.shape[1] * pooled, maps.shape[2] * pooled
    empty = (
        _empty(images, layer, height, width)
        .reshape(len(maps), maps.shape[1], pooled, maps.shape[2], pooled)
        .any((2, 4))
    )
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


def background_preference(found):
    """How far each unit leaves the ink alone: 0 if it gives the background its even part or less, 1 if it answers only there.

    :func:`background_share` on a scale that does not hang on how much of the images is empty (Cohen's 1960 correction for
    chance); 0 for a unit that never answers.

    Parameters
    ----------
    found : Background

    Returns
    -------
    ndarray (units,)
    """
    beyond = (np.nan_to_num(found.share) - found.expected) / max(1 - found.expected, 1e-9)
    return np.maximum(beyond, 0)


def unchanged(before, after):
    """Which images a layer passes on as they came, every number of them: bool (N,).

    Parameters
    ----------
    before, after : ndarray (N, …)
        Of one shape.
    """
    if before.shape != after.shape:
        raise CnnlensError(f"Layers of {before.shape} and {after.shape} cannot be the same; expected one shape.")
    return (before == after).reshape(len(before), -1).all(1)


@dataclass(frozen=True, eq=False)
class Importance:
    """How far strong answers and important units are the same.

    Attributes
    ----------
    correlation : float
        Spearman's, between a unit's strength and what the score loses without it, within each image, averaged: -1 to 1.
    hits : float
        Share of images whose most active unit is the one whose loss hurts most.
    chance : float
        The share of hits that naming a unit at random would have.
    """

    correlation: float
    hits: float
    chance: float


def importance(drop, strength):
    """Whether the units that answer most are those that the decision hangs on.

    Parameters
    ----------
    drop, strength : ndarray (N, units)
        From :func:`cnnlens.lenses.activations.silence`.

    Returns
    -------
    Importance
    """
    from scipy.stats import rankdata

    ranks = [rankdata(values, axis=1) for values in (drop, strength)]
    first, second = (rank - rank.mean(1, keepdims=True) for rank in ranks)
    scale = np.sqrt((first**2).sum(1) * (second**2).sum(1))
    correlations = np.divide((first * second).sum(1), scale, out=np.full(len(drop), np.nan), where=scale > 0)
    hits = (drop.argmax(1) == strength.argmax(1)).mean()
    return Importance(float(np.nanmean(correlations)), float(hits), 1 / drop.shape[1])


def place_among(losses, units):
    """Where a unit stands among the others by what is lost without it: the share of them that is lost more easily.

    Parameters
    ----------
    losses : ndarray (N, units)
        What silencing each unit costs each image, from :func:`cnnlens.lenses.activations.silence`.
    units : array (N,) int
        The unit that is asked about, for each image.

    Returns
    -------
    ndarray (N,)
        1 where no other unit costs as much, 0 where every other costs more; ties count half, so a unit named at random is
        at 0.5 on average.
    """
    asked = np.take_along_axis(losses, np.asarray(units)[:, None], 1)
    below = (losses < asked).sum(1) + ((losses == asked).sum(1) - 1) / 2
    return below / (losses.shape[1] - 1)


ORIENTED = 0.25  # selectivity of a unit whose answers vary 3 to 1 in a cosine round the circle
TURN = 22.5  # degrees by which orientations may differ and still be called the same: an eighth of the half circle


def oriented(tunings, toward=None):
    """Which units are tuned to one orientation, and to the same one in every test: bool (units,).

    One test is not enough: a unit that happens to answer to a single picture looks perfectly tuned.

    Parameters
    ----------
    tunings : sequence of :class:`cnnlens.ledger.stimuli.Tuning`
        To pictures of several sorts, such as gratings and edges, each with a circle of 180 degrees.
    toward : float, optional
        The orientation in degrees that is asked about; by default any will do.

    Returns
    -------
    ndarray (units,) bool
    """
    target = tunings[0].preferred if toward is None else toward
    turned = [np.abs((tuned.preferred - target + 90) % 180 - 90) for tuned in tunings]
    return np.logical_and.reduce(
        [(tuned.selectivity >= ORIENTED) & (apart <= TURN) for tuned, apart in zip(tunings, turned)]
    )
