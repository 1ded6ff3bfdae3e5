"""The real images that drive a unit most, and the patch of each that it sees (dissertation 4.4.2 and 8.1).

Optimized images show what would drive a unit; these show what does. People predict a unit better from them than from
optimized images (Borowski et al. 2021, "Exemplary Natural Images Explain CNN Activations Better than ...").
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from tqdm.auto import tqdm

from ..errors import CnnlensError, unknown
from ..network import Network
from ..results import Result, sources
from .activations import MEASURES
from .neurons import unit_number, whole_number


@dataclass(frozen=True, kw_only=True, eq=False)
class Exemplars(Result):
    """For each unit the images that drive it most, the strongest first.

    Attributes
    ----------
    units : ndarray (U,) int
    activation : ndarray (U, k) float32
        At the strongest position of each image, or the mean over its map.
    index : ndarray (U, k) int
        Number of each image in the data set.
    position : ndarray (U, k, 2) int
        Row and column of the strongest position on the map; 0 for a layer without one.
    box : ndarray (U, k, 4) int
        The pixels (top, left, bottom, right) that this position sees; may reach outside the image.
    inside : ndarray (U, k) bool
        Whether the box lies wholly inside the image.
    patches : ndarray (U, k, h, w, C) float32 in [0, 1]
        The images cut to their boxes (to the image where the box is larger); what lies outside an image is mid grey.
    images : dict of int to ndarray (H, W, C)
        The images that occur, by number.
    layer : str
    measure : {"peak", "mean"}
    seen : int
        How many images were looked through.
    """

    units: np.ndarray
    activation: np.ndarray
    index: np.ndarray
    position: np.ndarray
    box: np.ndarray
    inside: np.ndarray
    patches: np.ndarray
    images: dict
    layer: str
    measure: str
    seen: int

    def row(self, unit):
        """Where a unit stands in the arrays."""
        found = np.flatnonzero(self.units == unit)
        if not len(found):
            raise unknown("unit among these exemplars", unit, self.units.tolist())
        return int(found[0])


def find(net, layer, images, units=None, k=9, *, measure="peak", source="", batch_size=32, progress=True):
    """The k images, and the patches of them, that drive each unit most; one pass for all units and layers.

    Parameters
    ----------
    net : Network, keras.Model, name or path
    layer : str or sequence of str
        Several layers are read in the same pass.
    images : array (N, H, W, C), or iterable of such batches
        Float in [0, 1] (of any precision) or uint8. Anything that can be sliced, such as a memory map, is read batch by
        batch; of an iterable only the images that are among the best are kept.
    units : int or sequence of int, optional
        All by default.
    k : int
        Images a unit; fewer if there are fewer.
    measure : {"peak", "mean"}
        Rank images by their strongest position, or by the mean over the map.
    source : str
        Where the images came from; photographs bring their own.
    batch_size : int
        Images a forward pass.
    progress : bool
        Show a bar when it takes more than two seconds.

    Returns
    -------
    Exemplars, or dict of str to Exemplars if several layers were asked for

    Raises
    ------
    CnnlensError
        If there are no images, or no such layer or unit.

    Examples
    --------
    >>> import numpy as np
    >>> from cnnlens import exemplars, zoo
    >>> net = zoo.load("lenet", weights="random")
    >>> exemplars.find(net, "conv1", np.random.rand(20, 28, 28, 1), units=[0], k=3).patches.shape
    (1, 3, 3, 3, 1)
    """
    net = Network.of(net)
    if measure not in MEASURES:
        raise unknown("measure", measure, MEASURES)
    whole_number("k", k)
    paths = [layer] if isinstance(layer, str) else list(layer)
    places = {path: net.layer(path) for path in paths}
    asked = {path: _asked(place, units) for path, place in places.items()}
    best = {path: _Best(len(asked[path]), k) for path in paths}
    kept, seen = {}, 0
    read = net.compiled(tuple(paths), linear=True)
    batches = _batches(images, batch_size)
    for batch in tqdm(batches, desc="exemplars", unit="batch", delay=2, leave=False, disable=not progress):
        pixels = net.prepare(batch)
        outputs = read(tf.constant(pixels))
        for path in paths:
            best[path].add(*_strongest(outputs[path].numpy(), asked[path], measure), seen)
        kept |= {seen + i: image for i, image in enumerate(pixels)}
        wanted = set().union(*(top.numbers() for top in best.values()))
        kept = {number: image for number, image in kept.items() if number in wanted}
        seen += len(pixels)
    if not seen:
        raise CnnlensError("There are no images: expected an array (N, H, W, C) of at least one, or batches of them.")
    kept = {number: image.copy() for number, image in kept.items()}  # lets go of the batches that they were views of
    about = {"measure": measure, "seen": seen, "source": sources(net, images, source)}
    settings = {"k": k, "measure": measure, "batch_size": batch_size}
    found = {
        path: _result(place, asked[path], best[path], kept, settings={"layer": path, **settings}, **about)
        for path, place in places.items()
    }
    return found[layer] if isinstance(layer, str) else found


def _asked(place, units):
    if units is None:
        return np.arange(place.units)
    asked = [units] if np.ndim(units) == 0 else list(units)
    if not asked:
        raise CnnlensError(f"units is empty. Expected numbers from 0 to {place.units - 1}.")
    return np.array([unit_number(place, unit) for unit in asked])


def _batches(images, batch_size):
    """Batches of an array, of anything that can be sliced, or of an iterable of batches."""
    if hasattr(images, "batch") or hasattr(images, "shape"):  # photographs of different sizes have no shape
        many = images[None] if len(getattr(images, "shape", ())) == 3 else images
        for first in range(0, len(many), batch_size):
            yield many[first : first + batch_size]
    elif isinstance(images, (list, tuple)) and images and np.ndim(images[0]) == 3:
        yield from _batches(np.stack(images), batch_size)
    else:
        yield from images


def _strongest(output, units, measure):
    """Of each image and unit the value that ranks it, and where on the map it is strongest: (N, U), (N, U, 2)."""
    flat = output[..., units].reshape(len(output), -1, len(units))
    peaks = flat.max(1)
    place = (flat == peaks[:, None]).argmax(1)  # where it is reached first; several times as fast as flat.argmax(1)
    size = output.shape[1:3] if output.ndim == 4 else (1, flat.shape[1])
    values = peaks if measure == "peak" else flat.mean(1)
    return values, np.stack(np.unravel_index(place, size), -1)


class _Best:
    """The k best images of each unit so far."""

    def __init__(self, units, k):
        self.k = k
        self.value = np.zeros((units, 0), np.float32)
        self.index = np.zeros((units, 0), int)
        self.position = np.zeros((units, 0, 2), int)

    def add(self, values, positions, first):
        """Take in a batch: values (N, U) and positions (N, U, 2) of images numbered from ``first``."""
        numbers = np.broadcast_to(first + np.arange(len(values)), (len(self.value), len(values)))
        value = np.concatenate([self.value, values.T], 1)
        order = np.argsort(-value, 1, kind="stable")[:, : self.k]
        self.value = np.take_along_axis(value, order, 1)
        self.index = np.take_along_axis(np.concatenate([self.index, numbers], 1), order, 1)
        self.position = np.take_along_axis(
            np.concatenate([self.position, positions.swapaxes(0, 1)], 1), order[..., None], 1
        )

    def numbers(self):
        """The images that occur."""
        return set(self.index.ravel().tolist())


def _result(place, units, best, kept, **about):
    numbers = sorted(best.numbers())
    height, width = kept[numbers[0]].shape[:2]
    boxes = np.array([[field_box(place, position, height, width) for position in row] for row in best.position])
    inside = (boxes[..., :2] >= 0).all(-1) & (boxes[..., 2] <= height) & (boxes[..., 3] <= width)
    patches = np.stack([[cut(kept[i], box) for i, box in zip(*pair)] for pair in zip(best.index, boxes)])
    return Exemplars(
        units=units,
        activation=best.value,
        index=best.index,
        position=best.position,
        box=boxes,
        inside=inside,
        patches=patches,
        images={number: kept[number] for number in numbers},
        layer=place.path,
        **about,
    )


def field_box(place, position, height, width):
    """The receptive field (top, left, bottom, right) of a position on an image of this size.

    The whole image for a layer that sees all of it or more, or is no map.
    """
    field = place.receptive_field
    if not place.is_map or field is None or field[0] >= height or field[1] >= width:
        return 0, 0, height, width
    return place.box(*position)


def cut(image, box, outside=0.5):
    """An image (H, W, C) cut to a box, mid grey where the box reaches outside.

    Examples
    --------
    >>> import numpy as np
    >>> cut(np.ones((2, 2, 1)), (0, -1, 1, 2)).ravel().tolist()
    [0.5, 1.0, 1.0]
    """
    top, left, bottom, right = box
    height, width, channels = image.shape
    patch = np.full((bottom - top, right - left, channels), outside, np.float32)
    rows, cols = slice(max(top, 0), min(bottom, height)), slice(max(left, 0), min(right, width))
    patch[rows.start - top : rows.stop - top, cols.start - left : cols.stop - left] = image[rows, cols]
    return patch


def rerun(net, tops):
    """The activation that each patch alone gives, when it is laid on grey and the network looks at nothing else.

    Equal to ``tops.activation`` for a patch that lay inside its image, if the receptive field is right and the unit
    looks at nothing beyond it: the proof that the patch is what the unit saw.

    Parameters
    ----------
    net : Network, keras.Model, name or path
    tops : Exemplars
        Found with ``measure="peak"``.

    Returns
    -------
    ndarray (U, k) float32

    Examples
    --------
    >>> import numpy as np
    >>> from cnnlens import exemplars, zoo
    >>> net = zoo.load("lenet", weights="random")
    >>> tops = exemplars.find(net, "conv1", np.random.rand(5, 28, 28, 1), units=[0, 1], k=3)
    >>> bool(np.allclose(exemplars.rerun(net, tops), tops.activation, atol=1e-5))
    True
    """
    net = Network.of(net)
    place = net.layer(tops.layer)
    units = np.repeat(tops.units, tops.index.shape[1])
    patches = tops.patches.reshape(-1, *tops.patches.shape[2:])
    size = next(iter(tops.images.values())).shape[:2]
    if not place.is_map or patches.shape[1:3] == size:
        output = net.read(patches, [tops.layer], linear=True, progress=False)[tops.layer]
        output = output.reshape(len(output), -1, output.shape[-1]).max(1)
        return output[np.arange(len(units)), units].reshape(tops.index.shape)
    (row, top, height), (col, left, width) = (_seat(axis, side) for axis, side in zip((place.rows, place.cols), size))
    laid = np.full((len(patches), height, width, patches.shape[-1]), 0.5, np.float32)
    laid[:, top : top + patches.shape[1], left : left + patches.shape[2]] = patches
    parts = [
        net.outputs(tf.constant(laid[i : i + 32]), [tops.layer], linear=True)[tops.layer].numpy()[:, row, col]
        for i in range(0, len(laid), 32)
    ]
    return np.concatenate(parts)[np.arange(len(units)), units].reshape(tops.index.shape)


def _seat(axis, side):
    """A position whose field begins inside a small canvas, where the field begins, and how long the canvas must be.

    The canvas is as long as the image but for whole strides, because padding 'same' depends on what is left over.
    """
    position = max(0, -(axis.start // axis.stride))
    begin = axis.start + position * axis.stride
    length = begin + axis.field
    return position, begin, length + (side - length) % axis.stride
