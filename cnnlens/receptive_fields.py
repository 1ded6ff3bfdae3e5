"""Layers and their receptive fields: which pixels of the image each position of a map sees."""

import functools
from dataclasses import dataclass

from . import device  # noqa: F401  (sets TensorFlow's environment before it is imported)
from .errors import CnnlensError

import keras

# Kinds of layers that only pass on, pad, scale or reshape what they get.
PASSIVE = """
    InputLayer Identity Dropout SpatialDropout2D GaussianNoise Flatten Reshape Permute ZeroPadding2D Cropping2D
    Rescaling Normalization Lambda
""".split()


@dataclass(frozen=True)
class Axis:
    """How the positions of a map lie on one axis of the image (Dumoulin and Visin 2016, section 5).

    Position i sees the pixels ``start + i * stride`` up to, not including, ``start + i * stride + field``.
    """

    stride: int = 1
    field: int = 1
    start: int = 0

    def window(self, size, stride, before):
        """The axis after a window of ``size`` moves by ``stride`` over a map padded by ``before``."""
        return Axis(self.stride * stride, self.field + (size - 1) * self.stride, self.start - before * self.stride)

    def merge(self, other):
        """The axis of an element-wise or concatenating layer: it sees all that its inputs see."""
        start = min(self.start, other.start)
        end = max(self.start + self.field, other.start + other.field)
        return Axis(min(self.stride, other.stride), end - start, start)

    def everywhere(self, positions, image_size):
        """The axis of a map that is multiplied by what sees the whole image: then each of its positions does."""
        reach = (positions - 1) * self.stride
        return Axis(self.stride, image_size + reach, -reach)


@dataclass(frozen=True)
class Layer:
    """A layer worth looking at.

    Attributes
    ----------
    path : str
        Its name, behind the names of the models it is nested in: ``backbone/block1_conv1``.
    kind : str
        The Keras class, such as ``Conv2D``.
    shape : tuple of int
        Of its output for one image: (h, w, channels) for a map, (units,) for a dense layer.
    params : int
        Number of weights.
    rows, cols : Axis or None
        Where each position of the map lies on the image; None where the path from the image is not known.
    """

    path: str
    kind: str
    shape: tuple
    params: int
    rows: Axis | None = None
    cols: Axis | None = None

    @property
    def units(self):
        """Channels of a map, neurons of a dense layer."""
        return self.shape[-1]

    @property
    def multiplications(self):
        """Of one forward pass: each weight once at every position."""
        return self.params * (self.shape[0] * self.shape[1] if self.is_map else 1)

    @property
    def is_map(self):
        """Whether the output has rows and columns."""
        return len(self.shape) == 3

    @property
    def computes(self):
        """Whether it is worth looking at: it does more than pass on, pad or reshape what it gets."""
        return self.kind not in PASSIVE

    @property
    def stride(self):
        """Pixels (down, across) from one position to the next; None if unknown."""
        return (self.rows.stride, self.cols.stride) if self.rows else None

    @property
    def receptive_field(self):
        """Receptive field in pixels (height, width), not cut at the image's border; None if unknown."""
        return (self.rows.field, self.cols.field) if self.rows else None

    def box(self, row, col):
        """Pixels (top, left, bottom, right) that position (row, col) sees; may reach outside the image."""
        if not self.rows:
            raise CnnlensError(
                f"The receptive field of layer {self.path!r} is not known: on its path from the image stands a step "
                "whose effect on it is not known."
            )
        top, left = self.rows.start + row * self.rows.stride, self.cols.start + col * self.cols.stride
        return top, left, top + self.rows.field, left + self.cols.field


def described(calls, image_shape):
    """Layers with their receptive fields, from the calls of one forward pass.

    Parameters
    ----------
    calls : sequence of opening.Call
        Their tensors must be alive, since they are told apart by ``id``.
    image_shape : (int, int, int, int)
        Of the batch that went in.

    Returns
    -------
    tuple of Layer
    """
    axes = _of_image(calls, image_shape)
    layers = []
    for call in calls:
        found = tuple(_axis(call, axes, i, image_shape[1 + i]) for i in (0, 1))
        found = (None, None) if None in found else found
        axes[id(call.output)] = found
        params = call.layer.count_params() if isinstance(call.layer, keras.Layer) and call.layer.built else 0
        layers.append(Layer(call.path, type(call.layer).__name__, tuple(call.output.shape[1:]), params, *found))
    return tuple(layers)


def _of_image(calls, image_shape):
    """Axes of the image itself, by the id of its tensor: the first input of the image's shape that any layer gets."""
    for call in calls:
        for x in call.inputs:
            if tuple(x.shape) == tuple(image_shape):
                return {id(x): (Axis(), Axis())}
    return {}


def _axis(call, axes, i, image_size):
    """The axis i (0 rows, 1 columns) of a call's output, given those of its inputs; None if it cannot be told."""
    inputs = [x for x in call.inputs if x.shape.rank and x.shape.rank > 1]
    before = [axes.get(id(x), (None, None))[i] for x in inputs]
    if len(call.output.shape) != 4:  # dense, flatten, global pooling: all of the image, if it comes from there at all
        return Axis(image_size, image_size, 0) if any(before) else None
    if not before or None in before:
        return None
    length, lengths = call.output.shape[1 + i], [x.shape[1 + i] if len(x.shape) == 4 else None for x in inputs]
    if length == 1 and lengths[0] != 1 and (lengths[0] is None or "Global" in type(call.layer).__name__):
        return Axis(image_size, image_size, 0)
    if None in lengths:  # a vector that becomes a map
        return None
    merged = functools.reduce(Axis.merge, before)
    if 1 in lengths and max(lengths) > 1:  # squeeze and excite: one value for all positions, from all of them
        stride = min(axis.stride for axis, size in zip(before, lengths) if size > 1)
        return Axis(stride).everywhere(length, image_size)
    return _moved(call.layer, merged, i, lengths[0], length)


def _moved(layer, axis, i, length, after):
    """The axis behind one layer that has ``length`` positions before it and ``after`` behind it."""
    if isinstance(layer, keras.layers.ZeroPadding2D):
        return Axis(axis.stride, axis.field, axis.start - layer.padding[i][0] * axis.stride)
    if isinstance(layer, keras.layers.Cropping2D):
        return Axis(axis.stride, axis.field, axis.start + layer.cropping[i][0] * axis.stride)
    if isinstance(layer, (keras.layers.Conv2DTranspose, keras.layers.UpSampling2D, keras.layers.Permute)):
        return None
    window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if not window:
        return axis if after == length else None
    stride, dilation = layer.strides[i], getattr(layer, "dilation_rate", (1, 1))[i]
    size = (window[i] - 1) * dilation + 1
    return axis.window(size, stride, _padding(layer, length, size, stride))


def _padding(layer, length, size, stride):
    """Zeros that TensorFlow puts before the first row or column ('same' is uneven when the sum is odd)."""
    if layer.padding == "valid":
        return 0
    return max((-(-length // stride) - 1) * stride + size - length, 0) // 2
