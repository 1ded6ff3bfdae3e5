"""Deconvnet: the pattern in one image that drives a unit (dissertation 4.4.4; Zeiler and Fergus 2014, section 2.1).

The unit's activation is sent back to the pixels: through max pooling along the switches (where each maximum stood),
through ReLU by rectifying what comes back, through convolutions by their flipped filters. That is the network's own
gradient, but for the ReLUs, whose gradient is replaced, wherever in the graph they are.
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from ..errors import CnnlensError, unknown
from ..network import Network
from ..opening import between, gradients_overridden, undisturbed
from ..results import Result, sources
from .neurons import unit_number

RECTIFIERS = ("Relu", "Relu6", "LeakyRelu")  # operations of TensorFlow, under whatever layer they stand


@dataclass(frozen=True, kw_only=True, eq=False)
class Projection(Result):
    """What in each image drives a unit.

    Attributes
    ----------
    projection : ndarray (N, H, W, C) float32
        Signed, in the units of the network's own input (of pixels, where a function of one's own makes that input), in
        the image's order of channels.
    images : ndarray (N, H, W, C) float32 in [0, 1]
    activation : ndarray (N,) float32
        That was sent back: of the strongest position, or the sum over the map.
    position : ndarray (N, 2) int
        Row and column that was sent back; -1 where all of the map was.
    box : ndarray (N, 4) int
        The pixels (top, left, bottom, right) which that position sees, cut at the border.
    layer : str
    unit : int or tuple of N int
    rectifiers : int
        How many ReLUs were passed; 0 where that is not known any more.
    """

    projection: np.ndarray
    images: np.ndarray
    activation: np.ndarray
    position: np.ndarray
    box: np.ndarray
    layer: str
    unit: int | tuple
    rectifiers: int

    def crop(self, i=0):
        """The projection of image i cut to what the unit saw, (h, w, C)."""
        top, left, bottom, right = self.box[i]
        return self.projection[i, top:bottom, left:right]


def project(net, images, layer, unit, *, position="strongest", source="", batch_size=16):
    """Send one unit's activation back to the pixels.

    Parameters
    ----------
    net : Network, keras.Model, name or path
    images : array (N, H, W, C) in [0, 1], or photographs
    layer : str
    unit : int or sequence of N int
        One for all images, or one for each.
    position : {"strongest", "all"} or (int, int)
        Which position of the map to send back; all others are set to zero, as are all other units. "all" keeps the
        whole map, as the dissertation describes it.
    source : str
        Where the images came from; photographs bring their own.
    batch_size : int

    Returns
    -------
    Projection

    Raises
    ------
    CnnlensError
        If there is no such layer, unit or position, or no ReLU between the image and the layer: then the result would
        silently be the plain gradient.

    Examples
    --------
    >>> import numpy as np
    >>> from cnnlens import deconvnet, zoo
    >>> net = zoo.load("lenet", weights="random")
    >>> deconvnet.project(net, np.random.rand(2, 28, 28, 1), "conv2", unit=5).projection.shape
    (2, 28, 28, 1)
    """
    net = Network.of(net)
    place = net.layer(layer)
    pixels = net.prepare(images)
    unit = unit_number(place, unit) if np.ndim(unit) == 0 else tuple(unit_number(place, each) for each in unit)
    if np.ndim(unit) and len(unit) != len(pixels):
        raise CnnlensError(f"There are {len(pixels)} images and {len(unit)} units. Give one unit, or one an image.")
    named = isinstance(position, str)
    if named and position not in ("strongest", "all"):
        raise unknown("position", position, ("strongest", "all", "(row, column)"))
    whole, size = named and position == "all", pixels.shape[1:]
    layers = net.traced_with(layer)
    function, rectifiers = net.once(("deconvnet", layers, whole, size), lambda: _backward(net, layers, whole, size))
    which = layers.index(layer)
    units, where, parts = np.broadcast_to(np.int32(unit), len(pixels)), np.int32((-1, -1) if named else position), []
    for first in range(0, len(pixels), batch_size):
        some = slice(first, first + batch_size)
        given = map(tf.constant, (pixels[some], units[some], where, which))
        *found, sides = (each.numpy() for each in function(*given))
        parts.append(found)
    if not named and len(sides) == 2 and not ((where >= 0) & (where < sides)).all():
        raise CnnlensError(
            f"There is no position {tuple(where.tolist())} in layer {layer!r}: its map is {sides[0]}×{sides[1]}, "
            "counted from 0."
        )
    back, activation, positions = map(np.concatenate, zip(*parts))
    if not rectifiers[which]:
        raise CnnlensError(
            f"No ReLU stands between the image and layer {layer!r} of {net.name}, so there is nothing for a deconvnet "
            "to rectify: the result would be the plain gradient. Choose a later layer, or a network with ReLUs."
        )
    gain = np.float32(net.preprocessing.scale)
    return Projection(
        projection=back / (gain[::-1] if net.preprocessing.flip else gain),
        images=pixels,
        activation=activation,
        position=positions,
        box=np.array([_seen(place, where, pixels.shape[1:3]) for where in positions]),
        layer=layer,
        unit=unit,
        rectifiers=rectifiers[which],
        source=sources(net, images, source),
        settings={"layer": layer, "unit": unit, "position": position},
    )


def _backward(net, layers, whole, size):
    """The compiled way there and back for any of some layers, and how many ReLUs stand before each (once it has run).

    All outputs are computed, but of the layers that are not asked for nothing is sent back.
    """
    rectifiers = []

    def rectified(inputs, output, upstream):
        return tf.nn.relu(upstream)  # whatever the forward signal was

    def send_back(pixels, units, where, which):
        with gradients_overridden(RECTIFIERS, rectified):
            outputs = list(net.outputs(pixels, layers, linear=True).values())
            asked = tf.one_hot(which, len(layers))
            kept, positions = zip(*(_kept(output, units, where, whole) for output in outputs))
            kept = [tf.stop_gradient(one * share) for one, share in zip(kept, tf.unstack(asked))]
            passed = [_rectifiers(pixels, output) for output in outputs]
            back = tf.gradients(outputs, pixels, grad_ys=kept)[0] if any(passed) else None
        rectifiers[:] = [0 if back is None else count for count in passed]
        back = tf.zeros_like(pixels) if back is None else back
        activation = tf.add_n([tf.reduce_sum(one, range(1, len(one.shape))) for one in kept])
        sides = [tf.shape(output)[1:-1] for output in outputs]
        return back, activation, tf.stack(positions)[which], tf.stack(sides)[which]

    images = tf.TensorSpec((None, *size), tf.float32)
    numbers = [tf.TensorSpec(shape, tf.int32) for shape in ((None,), (2,), ())]
    return undisturbed(send_back, input_signature=[images, *numbers]), rectifiers


def _rectifiers(pixels, output):
    """How many ReLUs stand between the pixels and an output."""
    return sum(op.type in RECTIFIERS for op in between(pixels, output))


def _kept(output, units, where, whole):
    """What is sent back of an output, all else zero, and the positions (N, 2); -1 in ``where`` for the strongest."""
    rank, sides = len(output.shape), tf.unstack(tf.shape(output), len(output.shape))
    kept = output * tf.reshape(tf.one_hot(units, sides[-1]), (-1, *[1] * (rank - 2), sides[-1]))
    if whole or rank != 4:
        return kept, tf.fill((sides[0], 2), -1)
    _, height, width, _ = sides
    maps = tf.reshape(tf.reduce_sum(kept, -1), (-1, height * width))
    at = tf.where(where[0] < 0, tf.argmax(maps, 1, tf.int32), where[0] * width + where[1])
    there = tf.reshape(tf.one_hot(at, height * width), (-1, height, width, 1))
    return kept * there, tf.stack([at // width, at % width], 1)


def _seen(place, position, size):
    """The pixels that a position sees, cut at the border; the whole image if all of the map was sent back."""
    if position[0] < 0 or place.receptive_field is None:
        return 0, 0, *size
    top, left, bottom, right = place.box(*position)
    return max(top, 0), max(left, 0), min(bottom, size[0]), min(right, size[1])
