"""A model opened up: from tensors of pixels to the outputs of its layers and the scores of its classes."""

import contextlib
import functools
import math

import numpy as np

from . import device
import keras
import tensorflow as tf

from . import opening
from .ends import SCORES, Feed, head_of
from .errors import CnnlensError, unknown
from .receptive_fields import described

NOMINAL_SIZE = 224  # px a side, for models that take any size, where a size must be named
WORTH_LOWERING = 50  # multiplications for each value of a map: below it bfloat16's conversions cost more than it saves
KEPT = 64  # compiled functions of a network: who walks through hundreds of layers does not come back to the first


class OpenedModel:
    """The part of a :class:`cnnlens.network.Network` that works on tensors; see there for its parameters."""

    def __init__(self, model, name, preprocessing, output=None, fixed=None, scores="auto"):
        if scores not in SCORES:
            raise unknown("kind of scores", scores, SCORES)
        self.model, self.name, self.preprocessing = model, name, preprocessing
        self.output, self.fixed, self.scores = output, dict(fixed or {}), scores
        self._feed = Feed(model, self.fixed)
        height, width, self.channels = self._feed.shape
        self.size = (height, width) if height and width else None
        self._compiled, self._together = {}, ()
        if output is not None:
            self._traced  # noqa: B018  (an output that does not exist is refused here)

    def once(self, key, build):
        """What ``build()`` gave for this key, as long as it is among the ``KEPT`` that were asked for last."""
        found = self._compiled.pop(key, None)
        self._compiled[key] = build() if found is None else found
        for old in list(self._compiled)[:-KEPT]:
            self._compiled.pop(old, None)
        return self._compiled[key]

    @contextlib.contextmanager
    def together(self, paths):
        """While open, what a lens has traced for one of these layers serves the others as well.

        For who goes through many layers: in deep networks, tracing takes longer than a forward pass through the
        deepest of its neighbors. Not for all steps of an ascent, which would become slower.

        Parameters
        ----------
        paths : sequence of str
            Neighbors: each time one of them is wanted, all are computed.
        """
        before, self._together = self._together, tuple(paths)
        try:
            yield
        finally:
            self._together = before

    def traced_with(self, *paths):
        """Paths of the layers that are traced where these are wanted: themselves, or all that are :meth:`together`."""
        return self._together if set(paths) <= set(self._together) else paths

    # --- layers ----------------------------------------------------------------------------------------------

    def layers(self, all=False):
        """The layers worth looking at, in the order of the forward pass.

        Parameters
        ----------
        all : bool
            Also those that only pass on, pad or reshape what they get.

        Returns
        -------
        tuple of Layer

        Raises
        ------
        CnnlensError
            If nothing inside can be looked at, because the model is an exported graph.
        """
        found = tuple(layer for layer in self._layers if all or layer.computes)
        if {layer.kind for layer in found} == {"TFSMLayer"}:
            raise CnnlensError(
                f"{self.name} cannot be opened: it is an exported graph (TFSMLayer), which keeps no layers, only "
                "what goes in and comes out. Save the model itself with model.save('name.keras') and load that."
            )
        return found

    def layer(self, path):
        """The layer of this path.

        Raises
        ------
        CnnlensError
            If there is none; names the nearest.
        """
        known = {layer.path: layer for layer in self._layers}
        if path not in known:
            raise unknown(f"layer of {self.name}", path, known)
        return known[path]

    @property
    def head(self):
        """Path of the last layer on the way to the chosen output."""
        return self._head.path

    @property
    def _layers(self):
        return self._traced[0]

    @property
    def _head(self):
        return self._traced[1]

    @functools.cached_property
    def _traced(self):
        """All layers and the head, from one forward pass that computes nothing."""
        shape = (1, *(self.size or (NOMINAL_SIZE, NOMINAL_SIZE)), self.channels)
        calls, answers = [], []

        def trace(pixels):
            with opening.tapped(self.model, calls.append):
                answers.append(self._called(pixels))

        tf.function(trace, autograph=False).get_concrete_function(tf.TensorSpec(shape, tf.float32))
        if not calls:
            raise CnnlensError(
                f"{self.name} cannot be opened: it is one opaque {type(self.model).__name__} with no Keras layers "
                "inside. Rebuild it from Keras layers."
            )
        return described(calls, shape), head_of(self.model, calls, answers[0], self.output, self.scores)

    def _called(self, pixels):
        """What the model gives, all its outputs, for a tensor of pixels."""
        fits = all(want in (None, have) for want, have in zip(self.size or (None, None), pixels.shape[1:3]))
        with contextlib.nullcontext() if fits else opening.any_size(self.model):
            return self.model(self._feed(self.preprocessing(pixels)), training=False)

    def _run(self, pixels, hear, linear):
        """The chosen output, while ``hear`` gets each call on the way; None if it ends the forward pass with Enough."""
        head = self._head
        plain = opening.linear(head.layer) if linear else contextlib.nullcontext()
        with plain, opening.tapped(self.model, hear), contextlib.suppress(opening.Enough):
            return keras.tree.flatten(self._called(pixels))[head.number]

    # --- outputs ---------------------------------------------------------------------------------------------

    def compiled(self, paths, linear=False):
        """The graph function from pixels (N, H, W, C) to ``{path: output}``, compiled once for these layers.

        Where all of them are :meth:`together` with others, it gives those as well.
        """
        paths = self.traced_with(*paths)
        places = [self._layers.index(self.layer(path)) for path in paths]
        linear = linear and max(places) >= self._head.place  # before that it makes no difference
        return self._graph((paths, linear), functools.partial(self.outputs, paths=paths, linear=linear))

    def _graph(self, key, take):
        """A function of pixels as a graph for batches of any length, traced once for each size of images."""

        def run(pixels):
            shape = (None, *pixels.shape[1:])
            spec = tf.TensorSpec(shape, tf.float32)
            build = lambda: tf.function(take, input_signature=[spec], autograph=False)  # noqa: E731
            return self.once((key, shape), build)(pixels)

        return run

    def outputs(self, pixels, paths, *, linear=False, changed=None):
        """Outputs of layers for a tensor of pixels; for use inside a ``tf.function`` or a gradient tape.

        Parameters
        ----------
        pixels : Tensor (N, H, W, C)
            In [0, 1]; any height and width that the wanted layers can take.
        paths : sequence of str
        linear : bool
            Leave the last softmax or sigmoid away.
        changed : dict of str to function, optional
            By path: from a layer's output to what the layers behind it get instead.

        Returns
        -------
        dict of str to Tensor
            In float32.
        """
        wanted, found = set(paths), {}

        def hear(call):
            output = _change(call, changed)
            if call.path in wanted and call.path not in found:
                found[call.path] = output
            if len(found) == len(wanted):
                raise opening.Enough
            return output

        self._run(pixels, hear, linear)
        missing = wanted - set(found)
        if missing:
            raise CnnlensError(
                f"Layer {sorted(missing)[0]!r} of {self.name} is not reached by its forward pass, so it has no output."
            )
        return {path: tf.cast(found[path], tf.float32) for path in paths}

    def class_scores(self, pixels, *, logits=True, changed=None, precision="float32"):
        """The scores of the classes for a tensor of pixels; for use inside a ``tf.function`` or a gradient tape.

        Parameters
        ----------
        pixels : Tensor (N, H, W, C)
            In [0, 1].
        logits : bool
            The scores before the last softmax or sigmoid; else probabilities.
        changed : dict of str to function, optional
            As for :meth:`outputs`.
        precision : str
            A Keras dtype policy for the layers that give maps (:meth:`_lowers`).

        Returns
        -------
        Tensor (N, classes)
            float32.
        """
        head = self._head
        if len(head.shape) != 1:
            raise CnnlensError(
                f"{self.name} ({self.source}) has no classifier: its last layer {head.path!r} gives maps {head.shape}. "
                "Use a network that classifies, or look at one of its layers."
            )
        pass_on = lambda call: _change(call, changed)  # noqa: E731
        with opening.in_precision(self.model, precision, self._lowers):
            return head.classes(lambda linear: tf.cast(self._run(pixels, pass_on, linear), tf.float32), logits)

    def lowered(self, precision="auto"):
        """The Keras dtype policy for what need not be exact, as :func:`cnnlens.device.lowered` would have it.

        ``auto`` also leaves a network in float32 that multiplies little for each value that it gives, because bfloat16
        makes products cheaper and all else dearer. Measured on a processor with AMX: a step of an ascent takes 0.2 of
        float32's time in VGG16 (1,000 multiplications a value), 0.85 in DenseNet121 (60), 1.5 in MobileNetV2 (17).
        """
        if precision == "auto" and self._intensity < WORTH_LOWERING:
            return "float32"
        return device.lowered(precision)

    @functools.cached_property
    def _intensity(self):
        """Multiplications for each value that the layers give."""
        values = sum(math.prod(layer.shape) for layer in self._layers if layer.computes)
        return sum(layer.multiplications for layer in self._layers) / max(values, 1)

    def _lowers(self, path, layer):
        """Whether a layer may compute in a lower precision: one of Keras's own that gives maps, wherever it is used.

        From the first vector on all is float32: a logit of 20 rounded to bfloat16 would be off by 0.06. Layers of a
        user, and functions as layers, may rest on float32.
        """
        own = type(layer).__module__.startswith("keras.") and not isinstance(layer, keras.layers.Lambda)
        return own and path in self._always_maps

    @functools.cached_property
    def _always_maps(self):
        """Paths of the layers that give maps of more than one position each time that they are used."""
        shapes = [(layer.path.partition("@")[0], layer.shape) for layer in self._layers]
        small = {path for path, shape in shapes if len(shape) != 3 or max(shape[:2]) == 1}
        return {path for path, _ in shapes} - small

    @property
    def class_count(self):
        """Number of classes that :meth:`predict` gives; None if the network has no classifier."""
        return self._head.class_count

    def class_direction(self, index):
        """The direction among the last layer's units in which the score of a class grows: (units,) float32."""
        if self._head.is_binary:
            return np.float32([2 * index - 1])
        return np.eye(self.class_count, dtype=np.float32)[index]


def _change(call, changed):
    return changed[call.path](call.output) if changed and call.path in changed else call.output
