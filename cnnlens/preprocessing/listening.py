"""What the layers of a model are called with, and what images it takes."""

import contextlib

import numpy as np

from ..errors import CnnlensError
from ..opening import Enough, tapped

import tensorflow as tf


def called(model, kinds, inputs, count):
    """The first calls of layers of some kinds in a forward pass, which then ends.

    Parameters
    ----------
    model : keras.Model
    kinds : tuple of type
    inputs : array (N, H, W, C)
        As the model wants it. Further inputs are fed zeros.
    count : int
        How many calls.

    Returns
    -------
    list of (Layer, ndarray)
        Each layer with what it was called with.
    """
    found = []

    def hear(call):
        if isinstance(call.layer, kinds):
            found.append((call.layer, tf.cast(call.inputs[0], tf.float32).numpy()))
        if len(found) == count:
            raise Enough

    with tapped(model, hear), contextlib.suppress(Enough):
        model(_with_the_others(model, inputs), training=False)
    return found


def _with_the_others(model, images):
    """All inputs of the model: the images where it wants images, zeros elsewhere."""
    wanted = getattr(model, "inputs", None) or [None]
    if len(wanted) == 1:
        return images
    shapes = [tuple(side or 1 for side in x.shape[1:]) for x in wanted]
    return [images if len(x.shape) == 4 else np.zeros((len(images), *s), np.float32) for x, s in zip(wanted, shapes)]


def image_shape(model):
    """Height, width and channels of a model's input (of the first that is an image, if it has several)."""
    shapes = [tuple(x.shape) for x in getattr(model, "inputs", None) or []]
    if not shapes:
        built = getattr(model, "_build_shapes_dict", None)
        shapes = list(built.values()) if isinstance(built, dict) else []
    found = next((shape for shape in shapes if shape and len(shape) == 4 and shape[-1]), None)
    if found is None:
        raise CnnlensError(
            f"Model {model.name!r} takes inputs of shapes {shapes}; none of them is an image (N, H, W, channels). "
            "A subclassed model must have been called or built once, so that its input shape is known."
        )
    return tuple(found[1:])
