"""The health of a network: how it is fed, and layer by layer, units that are dead, saturated or repeat one another."""

from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

from ..errors import CnnlensError
from ..network import Network
from ..opening import activation_name, leaves
from ..results import Result, sources
from .feeding import Feeding, of_feeding
from .findings import Finding
from .neurons import filters, unit_length

BATCH = 4  # images at a time: the outputs of all layers for them are in memory at once
# Values that an activation function reaches only where its input is so large that the gradient is all but gone.
LIMITS = {"sigmoid": (0, 1), "hard_sigmoid": (0, 1), "tanh": (-1, 1), "softsign": (-1, 1), "relu6": (None, 6)}
CLOSE = 0.01  # of the span between the limits
MOSTLY = 0.9  # of a unit's activations at a limit make it saturated
COPY = 0.99  # cosine similarity of filters that do the same
# Fraction of a layer's units from which it is a finding; after ordinary training a third of a layer is often dead.
MANY = {"dead": 0.45, "saturated": 0.3, "duplicates": 0.3}
FEWEST = 16  # images, and units, for such a finding
SAME = 1e-3  # spread between images relative to the size of the activations: below it, all images look alike
GROWTH = 1e4  # times the input


@dataclass(frozen=True, kw_only=True)
class LayerHealth:
    """How the units of a layer fare.

    Attributes
    ----------
    path, kind : str
    units : int
    dead : float
        Fraction of units that gave one value at every position of every image, and are not saturated.
    saturated : float
        Fraction of units of which at least 90 % of the activations lie at the limits of the activation function.
    duplicates : float
        Fraction of units whose filter another unit has as well; NaN for a layer without filters.
    magnitude : float
        Mean of the absolute activations.
    variation : float
        Standard deviation between images of a unit's mean activation, relative to the magnitude: near 0, the layer
        passes on the same whatever it is shown.
    """

    path: str
    kind: str
    units: int
    dead: float
    saturated: float
    duplicates: float
    magnitude: float
    variation: float


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkHealth(Result):
    """How a network fares on images.

    Attributes
    ----------
    network : str
    fed : Feeding
        Whether it is fed as it was trained.
    layers : tuple of LayerHealth
        In the order of the forward pass.
    images : int
        How many it was shown: a unit is only as dead as they are many.
    findings : tuple of Finding
    """

    network: str
    fed: Feeding
    layers: tuple
    images: int
    findings: tuple


def of_network(net, images, labels=None, *, layers=None, progress=True):
    """Whether a network is fed as it was trained, and whether its units work.

    A unit behind a ReLU is dead when its input is negative whatever the image; then no gradient reaches it either, and
    training cannot bring it back (Lu et al. 2019, "Dying ReLU and initialization"). A sigmoid or tanh that is saturated
    passes on next to no gradient (Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward
    neural networks").

    Parameters
    ----------
    net : Network, or what :meth:`Network.of` takes
    images : array (N, H, W, C) in [0, 1]
        Ordinary ones, some dozens; units that respond to rare things only look dead on few.
    labels : array (N,) of int, optional
        -1 where not known. With them, other ways to feed the network are tried by its answers.
    layers : sequence of str, optional
        Paths; by default all layers worth looking at, but not the last, whose units are the classes.
    progress : bool

    Returns
    -------
    NetworkHealth

    Examples
    --------
    >>> from cnnlens import datasets, zoo
    >>> found = of_network(zoo.load("lenet"), datasets.load("digits").x_test[:32], layers=["conv1"])
    >>> found.layers[0].units, found.layers[0].saturated, found.fed.check.verdict
    (32, 0.0, 'cannot tell')
    """
    net = Network.of(net)
    source = sources(net, images)
    pixels = net.prepare(images)
    described = [net.layer(path) for path in layers] if layers is not None else _worth(net)
    measured = _measured(net, pixels, described, progress)
    inside = dict(leaves(net.model))
    records = tuple(_record(net, layer, measured[layer.path], inside.get(layer.path)) for layer in described)
    fed = of_feeding(net, pixels, labels)
    broken = _broken(records, float(np.abs(net.preprocessing(pixels[:BATCH])).mean()), len(pixels))
    return NetworkHealth(
        network=net.name,
        fed=fed,
        layers=records,
        images=len(pixels),
        findings=(*fed.findings, *broken, *_idle(records, len(pixels))),
        source=source,
        settings={"layers": tuple(layer.path for layer in described), "images": len(pixels)},
    )


def _worth(net):
    found = [layer for layer in net.layers() if layer.path != net.head and len(layer.shape) in (1, 3)]
    return found or list(net.layers())


# --- measures -----------------------------------------------------------------------------------------------


def _measured(net, pixels, layers, progress):
    """By path: each unit's smallest and largest activation, its mean for each image, and what all of them hold."""
    paths = [layer.path for layer in layers]
    inside = dict(leaves(net.model))
    limits = {path: LIMITS.get(activation_name(inside[path])) if path in inside else None for path in paths}
    parts = {path: [] for path in paths}
    starts = range(0, len(pixels), BATCH)
    for start in tqdm(starts, desc="health", unit="batch", delay=2, leave=False, disable=not progress):
        for path, maps in net.read(pixels[start : start + BATCH], paths, batch_size=BATCH, progress=False).items():
            parts[path].append(_summary(maps.reshape(len(maps), -1, maps.shape[-1]), limits[path]))
    return {path: [np.concatenate(each) for each in zip(*found)] for path, found in parts.items()}


def _summary(flat, limits):
    """Of activations (N, positions, units), for each image and unit: least, most, mean, mean size, fraction at limits.

    Numbers that overflow stay infinite, and are found by the size.
    """
    at_limit = np.zeros((len(flat), flat.shape[-1]), np.float32)
    if limits:
        low, high = limits
        near = CLOSE * (high - (low or 0))
        at_limit = ((flat > high - near) | (low is not None and flat < low + near)).mean(1, dtype=np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        return flat.min(1), flat.max(1), flat.mean(1), np.abs(flat).mean(1), at_limit


def _record(net, layer, measured, inside):
    low, high, mean, size, at_limit = measured
    with np.errstate(invalid="ignore", over="ignore"):  # of a layer that overflows the size says so
        magnitude, saturated = float(size.mean()), at_limit.mean(0) > MOSTLY
        return LayerHealth(
            path=layer.path,
            kind=layer.kind,
            units=layer.units,
            dead=float(((low.min(0) == high.max(0)) & ~saturated).mean()),
            saturated=float(saturated.mean()),
            duplicates=_duplicates(net, layer, inside),
            magnitude=magnitude,
            variation=float(mean.std(0).mean() / magnitude) if magnitude else 0.0,
        )


def _duplicates(net, layer, inside):
    try:
        found = filters(net, layer.path)
    except CnnlensError:  # no convolution
        return float("nan")
    if len(found) != layer.units:  # depthwise: one filter a channel, each for an image of its own
        return float("nan")
    flat = unit_length(found.reshape(len(found), -1))
    return float(((flat @ flat.T > COPY).sum(1) > 1).mean())


# --- findings -----------------------------------------------------------------------------------------------


def _broken(records, fed, images):
    """The first layer behind which nothing of the image is left: its activations overflow, or are always the same."""
    for layer in records:
        if not np.isfinite(layer.magnitude) or layer.magnitude > GROWTH * max(fed, 1):
            sentence = f"Activations explode in {layer.path}: {layer.magnitude:.2g} on average, and {fed:.2g} came in."
            advice = "Its weights are too large: train again with a smaller learning rate, or with normalization."
            yield Finding(name="exploding activations", sentence=sentence, weight=0.9, advice=advice)
            return
        if images >= 2 and layer.variation < SAME:
            sentence = f"The image is lost in {layer.path}: it passes on the same whatever the network is shown."
            advice = "Train it again from another seed, with a smaller learning rate or with normalization."
            yield Finding(name="vanishing activations", sentence=sentence, weight=0.9, advice=advice)
            return


def _idle(records, images):
    """Layers of which many units do nothing, or nothing of their own: the worst of each kind."""
    for name, field, says, advice in (
        ("dead units", "dead", f"give the same at every position of all {images} images", _DEAD),
        ("saturated units", "saturated", "are at the limits of their activation function nearly always", _SATURATED),
        ("duplicate filters", "duplicates", "have a filter that another unit has as well", _COPIES),
    ):
        worst = max(records, key=lambda layer: np.nan_to_num(getattr(layer, field)), default=None)
        fraction = float(np.nan_to_num(getattr(worst, field))) if worst else 0.0
        if fraction >= MANY[field] and worst.units >= FEWEST and images >= FEWEST:
            kind = name.split()[0] if field != "duplicates" else "copies"
            sentence = f"{fraction:.0%} of the {worst.units} units of {worst.path} are {kind}: they {says}."
            evidence = {layer.path: getattr(layer, field) for layer in records}
            yield Finding(name=name, sentence=sentence, weight=fraction / 2, advice=advice, evidence=evidence)


_DEAD = "Train again with a smaller learning rate, biases that begin at 0 or a leaky ReLU; or cut these units away."
_SATURATED = "Train again with smaller weights at the start, with normalization, or with ReLU."
_COPIES = "The layer is wider than it needs to be: fewer units would do the same."
