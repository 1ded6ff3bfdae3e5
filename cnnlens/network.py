"""A network: a Keras model, how to feed it, what it answers, and how to read any layer inside it."""

import contextlib
import functools
import importlib
import os
import warnings
from dataclasses import dataclass

import numpy as np

from . import device  # noqa: F401  (sets TensorFlow's environment before it is imported)
import keras
import tensorflow as tf
from tqdm.auto import tqdm

from . import opening, preprocessing as preprocessings
from .errors import CnnlensError, unknown
from .opening import gradients_overridden, in_precision, leaves, recast  # noqa: F401  (part of this room's API)
from .pixels import FITS, as_pixels, fitted, with_channels
from .preprocessing import Preprocessing
from .receptive_fields import Axis, Layer, described  # noqa: F401

NOMINAL_SIZE = 224  # px a side, for models that take any size, where a size must be named
HIDDEN_KINDS = {
    "InputLayer",
    "Dropout",
    "SpatialDropout2D",
    "Flatten",
    "Reshape",
    "Permute",
    "ZeroPadding2D",
    "Cropping2D",
    "Rescaling",
    "Normalization",
    "GaussianNoise",
    "Identity",
    "Lambda",
}
SCORES = ("auto", "logits", "as given")
_RESHAPING = {"Reshape", "Flatten", "Dropout", "Identity", "Squeeze", "Cast"}
_LINEAR_MAPS = (keras.layers.Dense, keras.layers.Conv2D)


@dataclass(frozen=True)
class Head:
    """The end of the way to a model's answer.

    Attributes
    ----------
    path : str
        Of the last layer.
    layer : keras.Layer or Operation
        The last one with an activation: it may stand before layers that only reshape.
    ends_in : {"softmax", "sigmoid", "log_softmax", "logits", "other"}
    shape : tuple of int
        Of the answer to one image.
    number : int
        Of the output, where the model has several.
    outputs : tuple of str
        Names of all of them.
    """

    path: str
    layer: object
    ends_in: str
    shape: tuple
    number: int
    outputs: tuple

    @property
    def is_binary(self):
        """Whether it is one probability p, or its logit: two classes, of which the first has 1 − p."""
        return self.shape == (1,) and self.ends_in in ("sigmoid", "logits")


class Network:
    """A Keras CNN with what is needed to look inside it.

    Parameters
    ----------
    model : keras.Model
        Any image model: one input (N, H, W, C), and others only if ``fixed`` holds them.
    name : str, optional
        What to call it; the model's own name by default.
    classes : sequence of str, optional
        Names of its classes.
    source : str
        One line that says where its weights came from; every figure carries it, with what was assumed or added.
    preprocessing : Preprocessing
        From pixels in [0, 1] to the model's own input.
    output : int or str, optional
        Which of several outputs to look at, by number or name; the first by default.
    fixed : dict of str to array, optional
        Values at which inputs that are no images are held, by the input's name: one row each.
    fit : {"crop", "stretch", "pad"}
        What is done to images of another size (:func:`cnnlens.pixels.fitted`).
    scores : {"auto", "logits", "as given"}
        What the output is. ``auto`` takes a dense layer or convolution that ends without an activation for logits, to
        which :meth:`predict` adds the softmax. Say ``as given`` for one that is no classifier, such as an embedding or a
        regression.

    Attributes
    ----------
    size : (int, int) or None
        Height and width that the model insists on, None if any will do.
    channels : int
        1 (grey), 3 (RGB), or as many as the model takes.
    """

    def __init__(
        self,
        model,
        name=None,
        *,
        classes=None,
        source="weights as given",
        preprocessing=Preprocessing(),
        output=None,
        fixed=None,
        fit="crop",
        scores="auto",
    ):
        if fit not in FITS:
            raise unknown("way to fit images", fit, FITS)
        if scores not in SCORES:
            raise unknown("kind of scores", scores, SCORES)
        self.model = model
        self.name = name or model.name
        self.classes = tuple(classes) if classes is not None else None
        self.preprocessing = preprocessing
        self.output, self.fixed, self.fit, self.scores = output, dict(fixed or {}), fit, scores
        self._source, self._fed_with = source, ""
        self._feed = opening.Feed(model, self.fixed)
        height, width, self.channels = self._feed.shape
        self.size = (height, width) if height and width else None
        self._compiled = {}
        if output is not None:
            self._traced  # noqa: B018  (an output that does not exist is refused here)

    @classmethod
    def of(cls, network, *, classes=None, pixels="auto", output=None, fixed=None, **settings):
        """The Network around whatever a lens is given: every lens and explorer goes through this one door.

        Parameters
        ----------
        network : Network, keras.Model, str or path
            A Network stays as it is unless something else is given; so does the one made of a model, which the model
            keeps, so that nothing is compiled twice. A name is one of the zoo's, a path that of a ``.keras`` file.
        classes : sequence of str, optional
            Names of the classes.
        pixels : str, pair, callable or Preprocessing
            What to feed (:func:`cnnlens.preprocessing.chosen`): ``"0-1"``, ``"-1-1"``, ``"0-255"``; a pair (mean,
            standard deviation); Keras's words ``"tf"``, ``"torch"``, ``"caffe"``; a function; or ``"auto"``, which looks
            for layers that scale, and says in ``source`` where it guessed.
        output : int or str, optional
            Which of several outputs.
        fixed : dict, optional
            Values of inputs that are no images.
        **settings
            ``name``, ``source``, ``fit`` and ``scores`` as of :class:`Network`.

        Returns
        -------
        Network

        Raises
        ------
        CnnlensError
            If it is nothing that can be opened, or an option does not fit the model.

        Examples
        --------
        >>> import keras
        >>> model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
        >>> net = Network.of(model, classes=["cat", "dog"], pixels="0-255")
        >>> net.predict(np.zeros((1, 8, 8, 3))).tolist()
        [[0.5, 0.5]]
        """
        given = {"classes": classes, "output": output, "fixed": fixed, **settings}
        given = {key: value for key, value in given.items() if value is not None}
        as_it_is = isinstance(pixels, str) and pixels == "auto"
        if as_it_is and not given:
            return cls._kept(network)
        if isinstance(network, keras.Model):
            net = cls._fed(network, pixels, **given)
        else:
            known = cls._kept(network)
            net = known.like(known.model, **given) if as_it_is else cls._fed(known.model, pixels, known, **given)
        if classes is not None and net.class_count not in (None, len(net.classes)):
            raise CnnlensError(f"{net.name} has {net.class_count} classes; {len(net.classes)} names came for them.")
        return net

    @classmethod
    def _kept(cls, network):
        """The Network itself, the one that a model keeps, or the one that a name or path means."""
        if isinstance(network, cls):
            return network
        if isinstance(network, (str, os.PathLike)):
            # A name means a network of the zoo, which is a floor above and so is looked up only now.
            return importlib.import_module(".zoo", __package__).load(network)
        if not isinstance(network, keras.Model):
            kind = type(network).__name__
            raise CnnlensError(f"Expected a Network, a Keras model, the name of a network, or a path; got {kind}.")
        if "_cnnlens" not in vars(network):
            object.__setattr__(network, "_cnnlens", cls._fed(network))  # past Keras's tracker, which would look into it
        return vars(network)["_cnnlens"]

    @classmethod
    def _fed(cls, model, pixels="auto", known=None, **given):
        """A Network that is fed these pixels, and says so in its source; all else as that of a known one."""
        preprocessing, sentence = preprocessings.chosen(model, pixels)
        given["preprocessing"] = preprocessing
        net = cls(model, **given) if known is None else known.like(model, **given)
        net._fed_with = sentence
        return net

    def like(self, model, **changes):
        """The same network around another model of the same inputs and outputs, such as a copy with other weights.

        Parameters
        ----------
        model : keras.Model
        **changes
            Arguments of :class:`Network` that are to differ, such as ``name`` or ``source``.
        """
        names = ("name", "classes", "preprocessing", "output", "fixed", "fit", "scores")
        net = Network(model, **{**{name: getattr(self, name) for name in names}, "source": self._source, **changes})
        net._fed_with = "" if "preprocessing" in changes else self._fed_with
        return net

    @property
    def source(self):
        """Where the weights came from, and what was chosen or added to read the model's answer."""
        return "; ".join(filter(None, [self._source, self._fed_with, *self._notes]))

    @source.setter
    def source(self, line):
        self._source = line

    @functools.cached_property
    def _notes(self):
        """What a reader of a figure must know of how the model is read: whole phrases, none for a plain classifier."""
        notes = []
        notes += [f"input {name!r} held at given values" for name in self.fixed]
        with contextlib.suppress(CnnlensError):  # a model that cannot be opened says so when it is asked for more
            head = self._head
            if len(head.outputs) > 1:
                asked = "" if self.output is not None else ", the first"
                notes.append(f"output {head.outputs[head.number]!r} of {', '.join(head.outputs)}{asked}")
            if head.is_binary:
                what = "probability p" if head.ends_in == "sigmoid" else "logit"
                notes.append(f"its one {what} read as two classes")
            elif head.ends_in == "logits" and len(head.shape) == 1:
                notes.append("softmax added to its logits")
        return notes

    def __repr__(self):
        size = "any size" if self.size is None else f"{self.size[0]}×{self.size[1]} px"
        what = f"{size}, {self.channels} channel(s), {self.model.count_params():,} parameters"
        return f"<Network {self.name}: {what}; {self.source}>"

    def once(self, key, build):
        """What ``build()`` gave for this key, made once for this network: for functions that are slow to compile."""
        if key not in self._compiled:
            self._compiled[key] = build()
        return self._compiled[key]

    # --- images in -------------------------------------------------------------------------------------------

    def prepare(self, images, fit=None):
        """Check images and fit them to the network's size and channels; says so in a warning when it must.

        Parameters
        ----------
        images : array (N, H, W, C) or (H, W, C), float in [0, 1] or uint8
            uint8 is divided by 255.
        fit : {"crop", "stretch", "pad"}, optional
            How to fit images of another size (:func:`cnnlens.pixels.fitted`); the network's own ``fit`` by default.

        Returns
        -------
        ndarray (N, h, w, c), float32 in [0, 1]

        Raises
        ------
        CnnlensError
            If the array is no batch of images, holds NaN, is not in [0, 1], or has channels that cannot be converted.
        """
        fit = fit or self.fit
        if hasattr(images, "batch"):  # photographs of different sizes, cut to the size that this network wants
            images = images.batch(self.size or NOMINAL_SIZE, fit)
        pixels = as_pixels(images, self.channels)
        height, width, have = pixels.shape[1:]
        if self.size and (height, width) != self.size:
            alike = height * self.size[1] == width * self.size[0]
            done = "resized" if alike else FITS[fit]
            self._warn(f"{self.size[0]}×{self.size[1]} px; images of {height}×{width} px were {done}")
            pixels = fitted(pixels, self.size, fit)
        pixels = with_channels(pixels, self.channels)
        if have != self.channels:
            self._warn(f"{self.channels} channel(s); images with {have} were converted")
        return pixels

    def _warn(self, what):
        warnings.warn(f"{self.name} takes {what}.", stacklevel=4)

    def preprocess(self, images):
        """What the model itself is fed for these images: :meth:`prepare`, then :attr:`preprocessing`."""
        return self.preprocessing(self.prepare(images))

    def check(self, images):
        """Whether these images are fed to the model as it was trained (:func:`cnnlens.preprocessing.check`)."""
        return preprocessings.check(self, images)

    # --- scores out ------------------------------------------------------------------------------------------

    def predict(self, images, batch_size=64, progress=True):
        """The probabilities of the classes for images, in batches: (N, classes).

        A model that ends in logits gets the softmax, one of a single probability p (or its logit) two classes, 1 − p and
        p; both are said in :attr:`source`. Several sigmoids stay what they are: independent probabilities.

        Raises
        ------
        CnnlensError
            If the network has no classifier, or its answer holds NaN.
        """
        return self._answer(images, batch_size, progress, logits=False)

    def logits(self, images, batch_size=64, progress=True):
        """The scores before the last softmax or sigmoid, (N, classes); the output itself if there is none.

        Of a single logit z, the scores of the two classes are −z and z: the log-odds of each.
        """
        return self._answer(images, batch_size, progress, logits=True)

    def _answer(self, images, batch_size, progress, logits):
        function = self._graph(("scores", logits), lambda pixels: {"": self.class_scores(pixels, logits=logits)})
        scores = self._batches(function, images, [""], batch_size, progress)[""]
        if np.isnan(scores).any():
            raise CnnlensError(f"{self.name} answered NaN. Its weights ({self.source}) are damaged: load others.")
        return scores

    def class_scores(self, pixels, *, logits=True, changed=None):
        """The scores of the classes for a tensor of pixels; for use inside a ``tf.function`` or a gradient tape.

        Parameters
        ----------
        pixels : Tensor (N, H, W, C)
            In [0, 1].
        logits : bool
            The scores before the last softmax or sigmoid; else probabilities.
        changed : dict of str to function, optional
            As for :meth:`outputs`.

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
        probabilities = head.ends_in in ("softmax", "sigmoid") and not logits
        scores = tf.cast(self._run(pixels, lambda call: _change(call, changed), not probabilities), tf.float32)
        if head.is_binary:
            if head.ends_in == "logits" and not logits:
                scores = tf.sigmoid(scores)
            return tf.concat([-scores if logits else 1 - scores, scores], 1)
        if head.ends_in in ("logits", "log_softmax") and not logits:
            scores = tf.nn.softmax(scores)
        return scores

    @property
    def class_count(self):
        """Number of classes that :meth:`predict` gives; None if the network has no classifier."""
        head = self._head
        return None if len(head.shape) != 1 else 2 if head.is_binary else head.shape[0]

    def class_direction(self, index):
        """The direction in the space of the last layer's units in which the score of a class grows: (units,) float32."""
        head = self._head
        if head.is_binary:
            return np.float32([2 * index - 1])
        return np.eye(head.shape[0], dtype=np.float32)[index]

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
        found = tuple(layer for layer in self._layers if all or layer.kind not in HIDDEN_KINDS)
        if {layer.kind for layer in found} == {"TFSMLayer"}:
            raise CnnlensError(
                f"{self.name} cannot be opened: it is an exported graph (TFSMLayer), which keeps no layers, only what goes "
                "in and comes out. Save the model itself with model.save('name.keras') and load that."
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
                f"{self.name} cannot be opened: it is one opaque {type(self.model).__name__} with no Keras layers inside. "
                "Rebuild it from Keras layers."
            )
        names = opening.output_names(self.model, answers[0])
        number = opening.output_number(self.output, names, self.model)
        answer = keras.tree.flatten(answers[0])[number]
        return described(calls, shape), Head(*_end(calls, answer, self.scores), number, tuple(names))

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

    def read(self, images, layers, *, batch_size=64, progress=True, linear=False):
        """Outputs of several layers in one forward pass.

        Parameters
        ----------
        images : array (N, H, W, C)
            Pixels in [0, 1]; an array, or anything that can be sliced.
        layers : sequence of str
            Paths.
        batch_size : int
            Images per forward pass.
        progress : bool
            Show a bar when it takes more than two seconds.
        linear : bool
            Leave the last softmax or sigmoid away.

        Returns
        -------
        dict of str to ndarray (N, …)
        """
        paths = tuple(layers)
        return self._batches(self.compiled(paths, linear), images, paths, batch_size, progress)

    def _batches(self, function, images, paths, batch_size, progress):
        if len(images) == 0:
            raise CnnlensError("There are no images: expected an array (N, H, W, C) with N of at least 1.")
        if not hasattr(images, "batch") and np.ndim(images) == 3:
            images = images[None]
        parts = {path: [] for path in paths}
        starts = range(0, len(images), batch_size)
        for start in tqdm(starts, desc=self.name, unit="batch", delay=2, leave=False, disable=not progress):
            found = function(tf.constant(self.prepare(images[start : start + batch_size])))
            for path in paths:
                parts[path].append(found[path].numpy())
        return {path: np.concatenate(parts[path]) for path in paths}

    def compiled(self, paths, linear=False):
        """The graph function from pixels (N, H, W, C) to ``{path: output}``, compiled once for these layers."""
        paths = tuple(paths)
        for path in paths:
            self.layer(path)
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


def _change(call, changed):
    return changed[call.path](call.output) if changed and call.path in changed else call.output


def _end(calls, answer, scores):
    """The first four fields of the Head, found by going back from the answer over layers that only reshape it."""
    made = {id(call.output): call for call in calls}
    last = made.get(id(answer))
    path, shape = (last or calls[-1]).path, tuple(answer.shape[1:])
    call, averaged = last, False
    while call and call.inputs and _passes(call):
        averaged |= "Global" in type(call.layer).__name__
        call = made.get(id(call.inputs[0]))
    ends_in = "other"
    if call:
        name = opening.activation_name(call.layer)
        if name in opening.HEADS and not averaged:
            ends_in = name
        elif name == "linear" and isinstance(call.layer, _LINEAR_MAPS) and call.output.shape[-1] == answer.shape[-1]:
            ends_in = "logits"
    if ends_in in ("logits", "other"):
        ends_in = {"auto": ends_in, "logits": "logits", "as given": "other"}[scores]
    return path, call.layer if call else None, ends_in, shape


def _passes(call):
    """Whether a layer hands on the scores of the classes that it gets, if perhaps in another shape."""
    kind = type(call.layer).__name__
    plain = kind == "Activation" and opening.activation_name(call.layer) == "linear"
    return plain or kind in _RESHAPING or kind in ("GlobalAveragePooling2D", "GlobalAvgPool2D")
