"""What is looked at: layers, units, images; and the tasks that the work falls into.

A plan is nothing but settings that JSON can hold, so that it lies in the store beside what was made from it, and
whoever reads the store needs no network.
"""

import fnmatch
import functools
from dataclasses import asdict, dataclass

import numpy as np

from .. import fingerprints
from ..errors import CnnlensError, unknown
from ..lenses.exemplars import field_box
from ..lenses.neurons import whole_number
from ..lenses.neurons.framing import checked_size
from ..lenses.neurons.fourier import STEPS
from ..lenses.neurons.maximization import OBJECTIVES

FORMAT = 1  # of the store; another one is refused
TOGETHER = 16  # layers, at most, that share a traced function
BATCH = 32  # units a task, at most: what is lost with a worker
TOP = 9  # patches a unit
PATCH = 96  # px: the longer side of a patch that is kept
SHARD = 2**25  # values of pixels a task that reads images
PASSING = ("Activation", "ReLU", "Softmax", "BatchNormalization", "LayerNormalization", "GroupNormalization")


@dataclass(frozen=True)
class Task:
    """A piece of work: what is lost when a machine fails, and is done again.

    Attributes
    ----------
    kind : {"reading", "summary", "units"}
        All layers' responses to some images; what follows from them for a layer; what is made for some units.
    number : int
        Among the tasks of its kind (and layer).
    first, last : int
        Images or units, the last one not among them.
    layer : int
        -1 for all.
    """

    kind: str
    number: int
    first: int
    last: int
    layer: int = -1


@dataclass(frozen=True)
class LayerPlan:
    """A layer that is looked at.

    Attributes
    ----------
    path, kind, shape
        As of :class:`cnnlens.receptive_fields.Layer`.
    units : int
        How many of its units, the first.
    made : (int, int)
        Pixels of an optimized image.
    kept : (int, int, int, int)
        The box of it that is kept (top, left, bottom, right): what the middle position sees, where that is the smaller
        part of the image and nothing else was asked for; else all of it.
    patch : (int, int)
        Pixels of a patch as it is kept.
    work : float
        Multiplications of a forward pass up to here, in millions: what tasks are weighed by before any was timed.
    """

    path: str
    kind: str
    shape: tuple
    units: int
    made: tuple
    kept: tuple
    patch: tuple
    work: float

    @property
    def batch(self):
        """Units a task: batches as even as can be."""
        return -(-self.units // -(-self.units // BATCH))

    @property
    def shown(self):
        """Pixels (height, width) of an optimized image as it is kept."""
        top, left, bottom, right = self.kept
        return bottom - top, right - left

    @property
    def positions(self):
        """Of its map."""
        return int(np.prod(self.shape[:-1]))


class Plan:
    """The settings, and the tasks that follow from them.

    Parameters
    ----------
    settings : dict
        As :func:`planned` makes them, or as they came out of a store.
    """

    def __init__(self, settings):
        self.settings = settings
        plain = (
            {**each, **{name: tuple(each[name]) for name in ("shape", "made", "kept", "patch")}}
            for each in self["layers"]
        )
        self.layers = tuple(LayerPlan(**each) for each in plain)

    def __getitem__(self, name):
        return self.settings[name]

    @property
    def images(self):
        """How many images are looked through."""
        return self["images"]["count"]

    @property
    def top(self):
        """Patches a unit."""
        return min(TOP, self.images)

    @property
    def units(self):
        """How many units in all."""
        return sum(layer.units for layer in self.layers)

    @functools.cached_property
    def readings(self):
        """The tasks that read images."""
        return _tasks("reading", self.images, self["shard"])

    @functools.cached_property
    def summaries(self):
        """A task a layer."""
        return tuple(Task("summary", 0, 0, layer.units, number) for number, layer in enumerate(self.layers))

    def batches(self, layer):
        """The tasks of a layer, by its number: a batch of units each."""
        return _tasks("units", self.layers[layer].units, self.layers[layer].batch, layer)

    def together(self, layer):
        """Paths of the layers that one of them (by its number) may share traced functions with, itself among them.

        Neighbors with maps and optimized images of one size, the last of which costs at most twice the first.
        """
        return next(group for group in self._groups if self.layers[layer].path in group)

    @functools.cached_property
    def _groups(self):
        groups = []
        for layer in self.layers:
            first = groups and groups[-1][0]
            fits = groups and len(groups[-1]) < TOGETHER and len(first.shape) == len(layer.shape) == 3
            if fits and layer.made == first.made and layer.work <= 2 * first.work:
                groups[-1].append(layer)
            else:
                groups.append([layer])
        return [tuple(layer.path for layer in group) for group in groups]

    @property
    def tasks(self):
        """All of them, in the order of the plain loop."""
        batches = (task for number in range(len(self.layers)) for task in self.batches(number))
        return (*self.readings, *self.summaries, *batches)


def _tasks(kind, count, size, layer=-1):
    starts = enumerate(range(0, count, size))
    return tuple(Task(kind, number, first, min(first + size, count), layer) for number, first in starts)


def planned(net, pixels, labels, source, *, layers=None, units=None, steps=STEPS, seed=0, objective="center"):
    """The plan for a network and images.

    Parameters
    ----------
    net : Network
    pixels : ndarray (N, H, W, C) uint8
        As large as the network takes them.
    labels : ndarray (N,) int
        The network's class of each image; -1 where it is not known.
    source : str
        Where they came from.
    layers : str, optional
        Patterns of paths with commas between, such as ``block[45]*,predictions``. By default each layer with weights
        that is no normalization; others, such as ``block_1_expand_relu``, only if a pattern fits nothing else.
    units : int, optional
        So many of each layer, the first.
    steps, seed, objective
        As for :func:`cnnlens.neurons.maximize`.

    Returns
    -------
    Plan

    Raises
    ------
    CnnlensError
        If a pattern fits no layer, or a number is none.

    Examples
    --------
    >>> from cnnlens import zoo
    >>> net, images = zoo.load("lenet", weights="random"), np.zeros((5, 28, 28, 1), np.uint8)
    >>> plan = planned(net, images, np.zeros(5, int), "black", layers="conv?")
    >>> [layer.path for layer in plan.layers], plan.units, len(plan.tasks)
    (['conv1', 'conv2'], 64, 5)
    """
    if objective not in OBJECTIVES:
        raise unknown("objective", objective, OBJECTIVES)
    height, width = pixels.shape[1:3]
    images = {
        "count": len(pixels),
        "size": [height, width, pixels.shape[3]],
        "source": source,
        "fingerprint": fingerprints.digest(pixels, labels),
    }
    read = max(8, SHARD // (height * width * pixels.shape[3]))
    chosen = [_layer(net, place, units, objective, height, width) for place in _chosen(net, layers)]
    return Plan(
        {
            "format": FORMAT,
            "network": {"name": net.name, "source": net.source, "fingerprint": fingerprints.of_network(net)},
            "classes": list(map(str, net.classes)) if net.classes else None,
            "images": images,
            "layers": [_plain(asdict(each)) for each in chosen],
            "steps": whole_number("steps", steps),
            "seed": int(seed),
            "objective": objective,
            "precision": net.lowered(),
            "shard": int(min(read, 2048)),
        }
    )


def _plain(values):
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _chosen(net, patterns):
    """The layers that patterns fit: among those with weights, or where a pattern fits none of these, among all."""
    known = [place for place in net.layers() if len(place.shape) in (1, 3)]  # no sequences
    usual = [place for place in known if place.params and place.kind not in PASSING] or known
    if patterns is None:
        return usual
    chosen = set()
    for pattern in patterns.split(","):
        fit = _fitting(usual, pattern.strip()) or _fitting(known, pattern.strip())
        if not fit:
            raise unknown(f"layer of {net.name} like", pattern.strip(), [place.path for place in known])
        chosen |= fit
    return [place for place in known if place.path in chosen]


def _fitting(places, pattern):
    return {place.path for place in places if fnmatch.fnmatchcase(place.path, pattern)}


def _layer(net, place, units, objective, height, width):
    top, left, bottom, right = field_box(place, (0, 0), height, width)
    patch = np.array([bottom - top, right - left])
    patch = np.maximum(1, np.rint(patch * min(1, PATCH / patch.max()))).astype(int)
    if units is not None:
        whole_number("units", units)
    made = tuple(map(int, checked_size(net, place, None, objective)))
    return LayerPlan(
        path=place.path,
        kind=place.kind,
        shape=tuple(map(int, place.shape)),
        units=min(place.units, units or place.units),
        made=made,
        kept=_kept(place, made, (height, width), objective),
        patch=tuple(patch.tolist()),
        work=_work(net, place.path),
    )


def _kept(place, made, own, objective):
    """What is kept of an optimized image, as :attr:`LayerPlan.kept`."""
    whole = (0, 0, *made)
    if objective != "center" or not place.is_map or place.receptive_field is None:
        return whole
    lengths = [own + round((side - of) / step) for own, side, of, step in zip(place.shape, made, own, place.stride)]
    top, left, bottom, right = place.box(*(length // 2 for length in lengths))
    fits = top >= 0 and left >= 0 and bottom <= made[0] and right <= made[1]
    small = fits and 2 * (bottom - top) < made[0] and 2 * (right - left) < made[1]
    return (top, left, bottom, right) if small else whole


def _work(net, path):
    """Multiplications of a forward pass up to a layer, in millions: weights times positions."""
    total = 0
    for each in net.layers(all=True):
        total += each.multiplications
        if each.path == path:
            break
    return round(total / 1e6, 3)


def differences(before, now, name=""):
    """What differs between two settings: sentences, the name of each, what it is there, and what was asked.

    Examples
    --------
    >>> differences({"seed": 0, "a": {"b": 1}}, {"seed": 1, "a": {"b": 1}})
    ['seed: 0 there, 1 asked']
    """
    if isinstance(before, dict) and isinstance(now, dict):
        keys = dict.fromkeys((*before, *now))
        return [
            line
            for key in keys
            for line in differences(before.get(key), now.get(key), f"{name}, {key}" if name else key)
        ]
    if isinstance(before, list) and isinstance(now, list) and before != now and name == "layers":
        before, now = (
            ", ".join(f"{each['path']} ({each['units']} units)" for each in found) for found in (before, now)
        )
        return [f"layers: {before} there, {now} asked"] if before != now else ["layers: their sizes"]
    return [] if before == now else [f"{name}: {_short(before)} there, {_short(now)} asked"]


def _short(value):
    text = str(value)
    return text if len(text) < 120 else text[:117] + "…"


def checked(settings):
    """The plan in settings that came out of a store, or the error that says why there is none."""
    if not isinstance(settings, dict) or settings.get("format") != FORMAT:
        found = settings.get("format") if isinstance(settings, dict) else None
        raise CnnlensError(f"It holds format {found}, expected {FORMAT}: another version of cnnlens made it.")
    return Plan(settings)
