"""What the page shows of a network besides its answer: what each unit looks for, its best images, scales of color."""

from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

from .. import datasets
from ..errors import CnnlensError
from ..lenses import exemplars, neurons
from ..pixels import as_bytes, as_pixels

BEST = 6  # images a unit
PICKS = 3  # images a class to begin with
LOOKED_THROUGH = 2000  # images at most among which the best are sought
SCALED_BY = 200  # images that the scale of colors is taken from


@dataclass(frozen=True, kw_only=True, eq=False)
class Gallery:
    """Images of a page.

    Attributes
    ----------
    images : ndarray (M, H, W, C) uint8
        All that occur.
    labels : tuple of M str
        What each shows; "" where that is not known.
    picks : tuple of int
        Those that a learner begins with, class by class.
    expected : ndarray (P, classes) float32
        What Keras answers to the picks.
    layers : dict of str to Room
        By the layer's path.
    source : str
        Where the images came from.
    """

    images: np.ndarray
    labels: tuple
    picks: tuple
    expected: np.ndarray
    layers: dict
    source: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Room:
    """What is shown of one layer.

    Attributes
    ----------
    portraits : ndarray (U, h, w, C) uint8 or None
        Images that were made to activate each unit most: of a map its middle position, cut to what that position sees.
    dead : tuple of int
        Units for which none could be made.
    best : list of U lists of int
        The images that activate each unit most, the strongest first.
    boxes : list of U lists of [top, left, bottom, right]
        What the strongest position of each of them sees, in pixels.
    scale : float
        The value that gets the strongest color: one of a hundred, of those that are not zero, is larger.
    signed : bool
        Whether there are negative values.
    """

    portraits: np.ndarray
    dead: tuple
    best: list
    boxes: list
    scale: float
    signed: bool


def gather(chain, images=None, labels=None, *, source="", steps=64, seed=0, progress=True):
    """Everything that a page shows of a network.

    Parameters
    ----------
    chain : Chain
    images : array (N, H, W, C) in [0, 1], optional
        MNIST's test images for a network that sees grey, CIFAR-10's for one that sees color, or what stands in for
        them.
    labels : sequence of N int or str, optional
        Their classes, by number or name.
    source : str
        Where the images came from.
    steps : int
        Of the ascent to what each unit looks for; 0 leaves that out.
    seed : int
    progress : bool

    Returns
    -------
    Gallery
    """
    net = chain.net
    if images is None:
        data = datasets.load("mnist" if net.channels == 1 else "cifar10")
        images, source = data.x_test[:LOOKED_THROUGH], data.source
        labels = [data.classes[label] for label in data.y_test[:LOOKED_THROUGH]]
    pixels = as_bytes(net.prepare(as_pixels(images[:LOOKED_THROUGH])))
    names = _named(net, labels, len(pixels))
    picks = _picks(names)
    paths = [layer.path for layer in chain.layers]
    tops = exemplars.find(net, paths, _floats(pixels), k=BEST, source=source, progress=progress)
    used = sorted(set(picks).union(*(top.images for top in tops.values())))
    place = {number: i for i, number in enumerate(used)}
    values = net.read(_floats(pixels[:SCALED_BY]), paths, linear=True, progress=False)
    with tqdm(chain.layers, desc="what units look for", unit="layer", delay=2, disable=not (progress and steps)) as bar:
        layers = {
            layer.path: _room(net, layer, tops[layer.path], place, values[layer.path], steps, seed) for layer in bar
        }
    return Gallery(
        images=pixels[used],
        labels=tuple(names[number] for number in used),
        picks=tuple(place[number] for number in picks),
        expected=net.predict(_floats(pixels[picks]), progress=False),
        layers=layers,
        source=source or "images as given",
    )


def _floats(pixels):
    return pixels.astype(np.float32) / np.float32(255)


def _named(net, labels, count):
    """The names of the classes of images."""
    if labels is None:
        return [""] * count
    labels = list(labels[:count])
    if len(labels) != count:
        raise CnnlensError(f"There are {count} images; got {len(labels)} labels. Give one for each, or none.")
    return [label if isinstance(label, str) else class_name(net, int(label)) for label in labels]


def class_name(net, index):
    """The name of a class, or its number where the network has no names."""
    return str(net.classes[index] if net.classes and 0 <= index < len(net.classes) else index)


def _picks(names):
    """The first few images of each class, class by class; the first thirty of images without labels."""
    if not any(names):
        return list(range(min(len(names), 30)))
    return [i for name in sorted(set(names)) for i in [j for j, each in enumerate(names) if each == name][:PICKS]]


def _room(net, layer, top, place, values, steps, seed):
    portraits, dead = _portraits(net, layer, steps, seed) if steps else (None, ())
    return Room(
        portraits=portraits,
        dead=dead,
        best=[[place[number] for number in row] for row in top.index.tolist()],
        boxes=top.box.tolist(),
        scale=_scale(values),
        signed=bool(values.min() < 0),
    )


def _portraits(net, layer, steps, seed):
    """Images that activate each unit most, and the units for which there is none."""
    asked = {"size": net.size, "steps": steps, "seed": seed, "objective": "center", "progress": False}
    made = neurons.maximize(net, layer.path, range(layer.units), **asked)
    dead = tuple(unit for unit, status in enumerate(made.status) if status in ("dead", "stuck"))
    return _cut(layer, as_bytes(made.images)), dead


def _cut(layer, images):
    """Images cut to what the middle position of a map sees; whole for a layer that sees all of them."""
    height, width = images.shape[1:3]
    if not layer.is_map or layer.rows is None:
        return images
    top, left, bottom, right = layer.box(layer.shape[0] // 2, layer.shape[1] // 2)
    return images[:, max(0, top) : min(height, bottom), max(0, left) : min(width, right)]


def _scale(values):
    strong = np.abs(values[values != 0])
    return float(np.quantile(strong, 0.99)) if len(strong) else 1.0
