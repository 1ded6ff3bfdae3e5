"""The two ends of a model: what it is called with, and what its answer means."""

from dataclasses import dataclass

import numpy as np

from . import device  # noqa: F401  (sets TensorFlow's environment before it is imported)
from .errors import CnnlensError, unknown
from .opening import HEADS, activation_name

import keras
import tensorflow as tf

SCORES = ("auto", "logits", "as given")
_RESHAPING = {"Reshape", "Flatten", "Dropout", "Identity", "Squeeze", "Cast"}
_WEIGHTED = (keras.layers.Dense, keras.layers.Conv2D)

# --- what goes in -------------------------------------------------------------------------------------------


class Feed:
    """What a model is called with: the image, and the fixed values of all its other inputs.

    Parameters
    ----------
    model : keras.Model
    fixed : dict of str to array
        By the name of the input: one row, shown with every image.

    Attributes
    ----------
    shape : (int or None, int or None, int)
        Height, width and channels of the image.

    Raises
    ------
    CnnlensError
        If there is not exactly one image, or another input has no value.
    """

    def __init__(self, model, fixed):
        self.struct = model.input if hasattr(model, "operations") else None  # only functional models have several
        inputs = keras.tree.flatten(self.struct)
        shapes = [_built_shape(model)] if self.struct is None else [tuple(x.shape) for x in inputs]
        names = ["image"] if self.struct is None else [x.name for x in inputs]
        unused = [name for name in fixed if name not in names]
        if unused:
            raise unknown(f"input of {model.name} to hold", unused[0], names)
        images = [i for i, (shape, name) in enumerate(zip(shapes, names)) if _is_image(shape) and name not in fixed]
        missing = [name for i, name in enumerate(names) if i not in images[:1] and name not in fixed]
        if not images:
            raise CnnlensError(
                f"Model {model.name!r} takes input of shape {shapes[0] if len(shapes) == 1 else shapes}; "
                "cnnlens looks into image models, with an input (N, H, W, channels). "
                "A subclassed model must have been called or built once, so that its input shape is known."
            )
        if missing:
            raise CnnlensError(
                f"Model {model.name!r} takes {len(names)} inputs: {', '.join(names)}. Say at which values to hold "
                f"those that are not looked at: Network.of(model, fixed={{{missing[0]!r}: values}})."
            )
        self.image, self.shape = images[0], tuple(shapes[images[0]][1:])
        rows = [np.asarray(fixed[name]) if name in fixed else None for name in names]
        self.rows = [None if row is None else _one_row(row, *each) for row, *each in zip(rows, shapes, names)]

    def __call__(self, pixels):
        """The model's own inputs for preprocessed pixels (N, H, W, C)."""
        if self.struct is None:
            return pixels
        count = tf.shape(pixels)[0]
        flat = [pixels if row is None else tf.repeat(tf.constant(row), count, 0) for row in self.rows]
        return keras.tree.pack_sequence_as(self.struct, flat)


def _is_image(shape):
    return isinstance(shape, (tuple, list)) and len(shape) == 4 and bool(shape[-1])


def _built_shape(model):
    try:
        return model.input_shape
    except (AttributeError, ValueError):
        shape = getattr(model, "_build_shapes_dict", None)
        return next(iter(shape.values()), None) if isinstance(shape, dict) else shape


def _one_row(row, shape, name):
    row = row if row.ndim == len(shape) else row[None]
    fits = row.ndim == len(shape) and all(want in (None, have) for want, have in zip(shape[1:], row.shape[1:]))
    if not fits or len(row) != 1:
        raise CnnlensError(f"Input {name!r} takes values of shape {tuple(shape[1:])}; got an array of {row.shape}.")
    return row.astype(np.float32) if row.dtype.kind == "f" else row


# --- what comes out -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Head:
    """The end of the way to the answer that is looked at.

    Attributes
    ----------
    path : str
        Of the last layer.
    layer : keras.Layer, keras.Operation or None
        The last one with an activation: it may stand before layers that only reshape.
    ends_in : {"softmax", "sigmoid", "log_softmax", "logits", "other"}
    place : int
        That layer's, in the order of the forward pass.
    shape : tuple of int
        Of the answer to one image.
    number : int
        Of this output, where the model has several.
    outputs : tuple of str
        Names of all of them.
    """

    path: str
    layer: object
    ends_in: str
    place: int
    shape: tuple
    number: int
    outputs: tuple

    @property
    def is_binary(self):
        """Whether it is one probability p, or its logit: two classes, of which the first has 1 − p."""
        return self.shape == (1,) and self.ends_in in ("sigmoid", "logits")

    @property
    def class_count(self):
        """Number of classes; None for maps."""
        return None if len(self.shape) != 1 else 2 if self.is_binary else self.shape[0]

    def notes(self, asked):
        """What a reader must know of how the answer is read; ``asked`` says whether this output was asked for."""
        found = []
        if len(self.outputs) > 1:
            which = f"output {self.outputs[self.number]!r} of {', '.join(self.outputs)}"
            found.append(which if asked else f"{which}, the first")
        if self.is_binary:
            found.append(f"its one {'probability p' if self.ends_in == 'sigmoid' else 'logit'} read as two classes")
        elif self.ends_in == "logits" and self.class_count:
            found.append("softmax added to its logits")
        return found

    def classes(self, run, logits):
        """Scores of the classes, (N, classes): before the last softmax or sigmoid, or probabilities.

        Parameters
        ----------
        run : function
            From whether the last softmax or sigmoid is left away to the answer, (N, units).
        logits : bool
        """
        scores = run(logits or self.ends_in not in ("softmax", "sigmoid"))
        if self.is_binary:
            p = tf.sigmoid(scores) if self.ends_in == "logits" and not logits else scores
            return tf.concat([-p if logits else 1 - p, p], 1)
        return scores if logits or self.ends_in not in ("logits", "log_softmax") else tf.nn.softmax(scores)

    def probabilities(self, logits):
        """The probabilities of the classes, (N, classes), from the scores before the last softmax or sigmoid."""
        if self.is_binary or self.ends_in == "sigmoid":
            return tf.sigmoid(logits)
        return logits if self.ends_in == "other" else tf.nn.softmax(logits)


def head_of(model, calls, answer, output=None, scores="auto"):
    """The head of a model, found by going back from its answer over layers that only reshape it.

    Parameters
    ----------
    model : keras.Model
    calls : sequence of opening.Call
        All of one forward pass.
    answer : Tensor, or a structure of several
        What the model answered.
    output : int or str, optional
        Which of several is looked at; the first by default.
    scores : {"auto", "logits", "as given"}
        What it is, as of :class:`cnnlens.network.Network`.
    """
    names = _output_names(model, answer)
    number = _output_number(model, names, output)
    answer = keras.tree.flatten(answer)[number]
    made = {id(call.output): call for call in calls}
    last = made.get(id(answer))
    call, averaged = last, False
    while call and call.inputs and _only_reshapes(call.layer):
        averaged |= "Global" in type(call.layer).__name__
        call = made.get(id(call.inputs[0]))
    ends_in = _ending(call, averaged, answer.shape[-1]) if call else "other"
    if scores != "auto" and ends_in in ("logits", "other"):
        ends_in = "logits" if scores == "logits" else "other"
    layer, place = (call.layer, calls.index(call)) if call else (None, len(calls))
    return Head((last or calls[-1]).path, layer, ends_in, place, tuple(answer.shape[1:]), number, tuple(names))


def _ending(call, averaged, units):
    """What the layer that made the answer ends in."""
    name = activation_name(call.layer)
    if name in HEADS and not averaged:
        return name
    plain = name == "linear" and isinstance(call.layer, _WEIGHTED) and call.output.shape[-1] == units
    return "logits" if plain else "other"


def _only_reshapes(layer):
    """Whether a layer hands on the scores of the classes that it gets, if perhaps in another shape."""
    kind = type(layer).__name__
    nothing = kind == "Activation" and activation_name(layer) == "linear"
    return nothing or kind in _RESHAPING or isinstance(layer, keras.layers.GlobalAveragePooling2D)


def _output_names(model, answer):
    """Names of a model's outputs: the keys of a dict, or the layers that give them."""
    if isinstance(answer, dict):
        return [str(path[-1]) for path, _ in keras.tree.flatten_with_path(answer)]
    count = len(keras.tree.flatten(answer))
    names = list(getattr(model, "output_names", None) or [])
    return names if len(names) == count else [str(i) for i in range(count)]


def _output_number(model, names, wanted):
    if wanted is None or wanted in names:
        return 0 if wanted is None else names.index(wanted)
    if isinstance(wanted, int) and not isinstance(wanted, bool) and 0 <= wanted < len(names):
        return wanted
    raise unknown(f"output of {model.name}", wanted, [*names, *range(len(names))])
