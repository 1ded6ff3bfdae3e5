"""A network: a Keras model, how to feed it, and how to read any layer inside it.

Layers are read by *tapping*: while the model is called, each wanted layer's ``call`` is wrapped so that it also
writes down what it returned. This needs no new model, so it works alike for Sequential, functional, nested,
multi-branch, reloaded and subclassed models, and it stops as soon as the last wanted layer has spoken.
"""

import contextlib
import functools
import importlib
import itertools
import threading
import warnings
from dataclasses import dataclass

import numpy as np

from . import device  # noqa: F401  (sets TensorFlow's environment before it is imported)
import keras
import tensorflow as tf
from tqdm.auto import tqdm

from .errors import CnnlensError, unknown
from .preprocessing import Preprocessing

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
    def is_map(self):
        """Whether the output has rows and columns."""
        return len(self.shape) == 3

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
                f"The receptive field of layer {self.path!r} is not known: its path from the image has steps that are no layers."
            )
        top, left = self.rows.start + row * self.rows.stride, self.cols.start + col * self.cols.stride
        return top, left, top + self.rows.field, left + self.cols.field


class Network:
    """A Keras CNN with what is needed to look inside it.

    Parameters
    ----------
    model : keras.Model
        Any image model with one input (N, H, W, C).
    name : str, optional
        What to call it; the model's own name by default.
    classes : sequence of str, optional
        Names of its outputs.
    source : str
        One line that says where its weights came from; every figure carries it.
    preprocessing : Preprocessing
        From pixels in [0, 1] to the model's own input.

    Attributes
    ----------
    size : (int, int) or None
        Height and width that the model insists on, None if any will do.
    channels : int
        1 (grey) or 3 (RGB).
    """

    def __init__(self, model, name=None, *, classes=None, source="weights as given", preprocessing=Preprocessing()):
        self.model = model
        self.name = name or model.name
        self.classes = tuple(classes) if classes is not None else None
        self.source = source
        self.preprocessing = preprocessing
        height, width, self.channels = _input_shape(model)
        self.size = (height, width) if height and width else None
        self._compiled = {}

    @classmethod
    def of(cls, network, *, classes=None, pixels="auto", output=None, fixed=None):
        """The Network around whatever a lens is given: every lens and explorer goes through this one door.

        Parameters
        ----------
        network : Network, keras.Model, str or path
            A Network stays as it is.
        classes, pixels, output, fixed
            For a model that is not yet a Network.

        Returns
        -------
        Network
        """
        if isinstance(network, cls):
            return network
        if isinstance(network, keras.Model):
            return cls(network, classes=classes)
        # A name means a network of the zoo, which is a floor above and so is looked up only now.
        return importlib.import_module(".zoo", __package__).load(network)

    def __repr__(self):
        size = "any size" if self.size is None else f"{self.size[0]}×{self.size[1]} px"
        return f"<Network {self.name}: {size}, {self.channels} channel(s), {self.model.count_params():,} parameters; {self.source}>"

    def once(self, key, build):
        """What ``build()`` gave for this key, made once for this network: for functions that are slow to compile."""
        if key not in self._compiled:
            self._compiled[key] = build()
        return self._compiled[key]

    # --- images in -------------------------------------------------------------------------------------------

    def prepare(self, images):
        """Check images and fit them to the network's size and channels; says so in a warning when it must.

        Parameters
        ----------
        images : array (N, H, W, C) or (H, W, C), float in [0, 1] or uint8
            uint8 is divided by 255.

        Returns
        -------
        ndarray (N, h, w, c), float32 in [0, 1]

        Raises
        ------
        CnnlensError
            If the array is no batch of images, holds NaN, or is not in [0, 1].
        """
        if hasattr(images, "batch"):  # photographs of different sizes, cut to the size that this network wants
            images = images.batch(self.size[0] if self.size else NOMINAL_SIZE)
        pixels = as_pixels(images)
        if pixels.shape[-1] != self.channels:
            warnings.warn(
                f"{self.name} takes {self.channels} channel(s); images with {pixels.shape[-1]} were converted.",
                stacklevel=3,
            )
            pixels = pixels.repeat(3, -1) if self.channels == 3 else pixels @ np.float32([[0.299], [0.587], [0.114]])
        if self.size and pixels.shape[1:3] != self.size:
            came = "×".join(map(str, pixels.shape[1:3]))
            warnings.warn(
                f"{self.name} takes {self.size[0]}×{self.size[1]} px; images of {came} px were resized.", stacklevel=3
            )
            pixels = tf.image.resize(pixels, self.size, antialias=True).numpy().clip(0, 1)
        return pixels

    def preprocess(self, images):
        """What the model itself is fed for these images: :meth:`prepare`, then :attr:`preprocessing`."""
        return self.preprocessing(self.prepare(images))

    # --- scores out ------------------------------------------------------------------------------------------

    def predict(self, images, batch_size=64, progress=True):
        """The model's output for images, in batches: (N, classes) for a classifier.

        Raises
        ------
        CnnlensError
            If the network has no classifier, or its answer holds NaN.
        """
        return self._scores(images, batch_size, progress, linear=False)

    def logits(self, images, batch_size=64, progress=True):
        """The scores before the last softmax or sigmoid, (N, classes); the output itself if there is none."""
        return self._scores(images, batch_size, progress, linear=True)

    def _scores(self, images, batch_size, progress, linear):
        last = self.head
        scores = self.read(images, [last], batch_size=batch_size, progress=progress, linear=linear)[last]
        if scores.ndim != 2:
            raise CnnlensError(
                f"{self.name} ({self.source}) has no classifier: its last layer {last!r} gives maps {scores.shape[1:]}. "
                "Use a network that classifies, or look at one of its layers."
            )
        if np.isnan(scores).any():
            raise CnnlensError(f"{self.name} answered NaN. Its weights ({self.source}) are damaged: load others.")
        return scores

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
        """
        return tuple(layer for layer in self._layers if all or layer.kind not in HIDDEN_KINDS)

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

    @functools.cached_property
    def head(self):
        """Path of the last layer of the forward pass."""
        return self._layers[-1].path

    @functools.cached_property
    def _layers(self):
        shape = (1, *(self.size or (NOMINAL_SIZE, NOMINAL_SIZE)), self.channels)
        calls = []

        def trace(pixels):
            with _tapped(self.model, calls.append):
                _call(self.model, self.preprocessing(pixels))

        tf.function(trace, autograph=False).get_concrete_function(tf.TensorSpec(shape, tf.float32))
        if not calls:
            raise CnnlensError(
                f"{self.name} cannot be opened: it is one opaque {type(self.model).__name__} with no Keras layers inside. Rebuild it from Keras layers."
            )
        return _describe(calls, shape)

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
        if len(images) == 0:
            raise CnnlensError("There are no images: expected an array (N, H, W, C) with N of at least 1.")
        paths = tuple(layers)
        function = self.compiled(paths, linear)
        parts = {path: [] for path in paths}
        if not hasattr(images, "batch") and np.ndim(images) == 3:
            images = images[None]
        for start in tqdm(
            range(0, len(images), batch_size), desc=self.name, unit="batch", delay=2, leave=False, disable=not progress
        ):
            found = function(tf.constant(self.prepare(images[start : start + batch_size])))
            for path in paths:
                parts[path].append(found[path].numpy())
        return {path: np.concatenate(parts[path]) for path in paths}

    def compiled(self, paths, linear=False):
        """The graph function from pixels (N, H, W, C) to ``{path: output}``, compiled once for these layers."""
        key = (tuple(paths), linear)
        if key not in self._compiled:
            for path in paths:
                self.layer(path)
            self._compiled[key] = tf.function(
                lambda pixels: self.outputs(pixels, paths, linear=linear), autograph=False, reduce_retracing=True
            )
        return self._compiled[key]

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
        wanted, found, changed = set(paths), {}, changed or {}

        def hear(call):
            output = changed[call.path](call.output) if call.path in changed else call.output
            if call.path in wanted and call.path not in found:
                found[call.path] = output
            if len(found) == len(wanted):
                raise _Enough
            return output

        head = linear_head(self.model) if linear else contextlib.nullcontext()
        with head, _tapped(self.model, hear), contextlib.suppress(_Enough):
            _call(self.model, self.preprocessing(pixels))
        missing = wanted - set(found)
        if missing:
            raise CnnlensError(
                f"Layer {sorted(missing)[0]!r} of {self.name} is not reached by its forward pass, so it has no output."
            )
        return {path: tf.cast(found[path], tf.float32) for path in paths}


def as_pixels(images):
    """Check a batch of images: float32 (N, H, W, C) in [0, 1].

    Parameters
    ----------
    images : array (N, H, W, C) or (H, W, C)
        Floats in [0, 1], or uint8, which is divided by 255; C is 1 or 3.

    Raises
    ------
    CnnlensError
        Says what came and what was expected.
    """
    pixels = np.asarray(images)
    expected = "Expected float images (N, H, W, C) in [0, 1], with C of 1 (grey) or 3 (RGB)"
    if pixels.ndim == 3:
        pixels = pixels[None]
    if pixels.ndim != 4 or pixels.shape[-1] not in (1, 3) or pixels.shape[0] == 0:
        hint = (
            " A grey batch wants a last axis: images[..., None]."
            if pixels.ndim in (2, 4) or pixels.shape[-1:] > (4,)
            else ""
        )
        raise CnnlensError(f"{expected}; got an array of shape {np.shape(images)}.{hint}")
    if pixels.dtype == np.uint8:
        return pixels.astype(np.float32) / np.float32(255)
    if pixels.dtype.kind not in "fiub":
        raise CnnlensError(f"{expected}; got values of type {pixels.dtype}.")
    pixels = pixels.astype(np.float32, copy=False)
    low, high = pixels.min(), pixels.max()
    if not (low >= -1e-5 and high <= 1 + 1e-5):  # NaN fails too
        found = "NaN" if np.isnan(low) else f"values from {low:.3g} to {high:.3g}"
        raise CnnlensError(f"{expected}; got {found}. Divide 0–255 pixels by 255 (or pass them as uint8).")
    return pixels


# --- tapping ------------------------------------------------------------------------------------------------


_OPEN = threading.RLock()  # explorers read in a thread of their own: only one thread at a time may open models up


class _Enough(BaseException):
    """Ends a forward pass early. Not an Exception, because Keras decorates those on their way out."""


@dataclass(frozen=True)
class _Call:
    path: str
    layer: keras.Layer
    inputs: tuple
    output: object


def leaves(model, prefix=""):
    """All layers and operations inside a model that hold no others, as (path, layer) pairs.

    Two of one name in one place (a layer used twice has one name; two layers may share one in a subclass) are told
    apart by ``#2``, ``#3``.
    """
    seen = set()
    for path, layer in _walk(model, prefix):
        name, count = path, 1
        while path in seen:
            count += 1
            path = f"{name}#{count}"
        seen.add(path)
        yield path, layer


def _walk(model, prefix):
    # Functional models also hold operations that are no layers, such as the + of a residual branch.
    inner = list(getattr(model, "operations", None) or model._flatten_layers(include_self=False, recursive=False))
    for layer in inner:
        nested = isinstance(layer, keras.Layer) and layer._flatten_layers(include_self=False, recursive=False)
        if nested:
            yield from _walk(layer, f"{prefix}{layer.name}/")
        else:
            yield prefix + layer.name, layer


@contextlib.contextmanager
def _tapped(model, hear):
    """While open, ``hear`` gets a _Call whenever this thread has called a leaf layer of the model.

    What ``hear`` returns, unless None, goes on to the layers behind instead of the output.
    """
    undo = []
    uses = {}
    listener = threading.get_ident()

    def tap(path, layer):
        call = layer.call

        @functools.wraps(call)
        def listening(*args, **kwargs):
            output = call(*args, **kwargs)
            if threading.get_ident() != listener:
                return output
            uses[path] = uses.get(path, 0) + 1
            name = path if uses[path] == 1 else f"{path}@{uses[path]}"
            inputs = tuple(x for x in keras.tree.flatten((args, kwargs)) if tf.is_tensor(x))
            heard = hear(_Call(name, layer, inputs, keras.tree.flatten(output)[0]))
            return output if heard is None else heard

        undo.append(_with_call(layer, listening))

    with _OPEN:
        # A model whose call is itself a tf.function would answer from an earlier trace, past our taps.
        eagerly = tf.config.functions_run_eagerly()
        tf.config.run_functions_eagerly(True)
        try:
            for path, layer in leaves(model):
                tap(path, layer)
            yield
        finally:
            tf.config.run_functions_eagerly(eagerly)
            for restore in undo:
                restore()


def _with_call(layer, call):
    """Give one layer another ``call``; the function that takes it back, to what stood there before (taps may stack).

    Set past Keras's tracker, which would look into it.
    """
    before = vars(layer).get("call")
    object.__setattr__(layer, "call", call)

    def restore():
        if before is None:
            object.__delattr__(layer, "call")
        else:
            object.__setattr__(layer, "call", before)

    return restore


def _call(model, inputs):
    """Call a model at any image size: ``call`` itself does not insist on the size the model was built with."""
    fits = all(want in (None, have) for want, have in zip(_input_shape(model), inputs.shape[1:]))
    return model(inputs, training=False) if fits else model.call(inputs)


def _input_shape(model):
    try:
        shape = model.input_shape
    except (AttributeError, ValueError):
        shape = getattr(model, "_build_shapes_dict", None)
        shape = next(iter(shape.values()), None) if isinstance(shape, dict) else shape
    if not isinstance(shape, (tuple, list)) or len(shape) != 4 or shape[-1] not in (1, 3):
        raise CnnlensError(
            f"Model {model.name!r} takes input of shape {shape}; cnnlens looks into image models with one input (N, H, W, 1 or 3). "
            "A subclassed model must have been called or built once, so that its input shape is known."
        )
    return tuple(shape[1:])


# --- activations inside layers ------------------------------------------------------------------------------

HEAD_FUNCTIONS = {"softmax", "sigmoid", "log_softmax"}


def _activation_name(layer):
    if isinstance(layer, keras.layers.ReLU):
        return "relu"
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    return getattr(getattr(layer, "activation", None), "__name__", None)


@contextlib.contextmanager
def activations_replaced(model, names, function):
    """While open, every activation of these names inside the model is ``function`` instead.

    Parameters
    ----------
    model : keras.Model
    names : set of str
        Names of activation functions, such as ``{"relu"}``; those fused into a layer and those that are a layer count.
    function : callable
        From tensor to tensor.

    Yields
    ------
    int
        How many layers were touched; a caller that needs at least one must check.
    """
    undo = []
    with _OPEN:
        try:
            for _, layer in leaves(model):
                if _activation_name(layer) not in names:
                    continue
                if isinstance(layer, (keras.layers.ReLU, keras.layers.Softmax)):
                    undo.append(_with_call(layer, lambda inputs, *args, **kwargs: function(inputs)))
                else:
                    undo.append(functools.partial(setattr, layer, "activation", layer.activation))
                    layer.activation = function
            yield len(undo)
        finally:
            for restore in undo:
                restore()


@contextlib.contextmanager
def gradients_overridden(kinds, function):
    """While open (inside a ``tf.function`` being traced), operations of these kinds get another gradient.

    Works on the operations of the graph, so it reaches a ReLU wherever it hides: fused into a layer, a layer of its
    own, nested, in a branch, or in a subclass's own code. Heeded by ``tf.gradients``, not by ``tf.GradientTape``.

    Parameters
    ----------
    kinds : sequence of str
        TensorFlow operations, such as ``("Relu", "Relu6")``.
    function : callable
        From (inputs, output, upstream gradient) to the gradient of the inputs.

    Yields
    ------
    list of str
        Grows by one for each operation that the gradient passes; a caller that needs at least one must check.
    """
    passed, name = [], f"cnnlens{next(_NUMBER)}"

    @tf.RegisterGradient(name)
    def gradient(op, upstream):
        passed.append(op.name)
        return function(op.inputs[0], op.outputs[0], upstream)

    with tf.compat.v1.get_default_graph().gradient_override_map(dict.fromkeys(kinds, name)):
        yield passed


_NUMBER = itertools.count()


@contextlib.contextmanager
def in_precision(model, policy):
    """While open (during tracing), the model's layers compute in this Keras dtype policy; their weights stay as they are."""
    before = [(layer, layer.dtype_policy) for _, layer in leaves(model) if isinstance(layer, keras.Layer)]
    try:
        for layer, old in before:
            if policy != "float32" and old.name == "float32":
                layer.dtype_policy = policy
        yield
    finally:
        for layer, old in before:
            layer.dtype_policy = old


def linear_head(model):
    """Context in which the last softmax or sigmoid of the model passes its input on, so that it gives logits."""
    last = None
    for _, layer in leaves(model):
        last = layer
    if last is None or _activation_name(last) not in HEAD_FUNCTIONS:
        return contextlib.nullcontext()
    return activations_replaced(_Only(last), HEAD_FUNCTIONS, lambda x: x)


class _Only:
    """Just enough of a model to walk over one layer."""

    def __init__(self, layer):
        self.operations = [layer]


def recast(model, policy):
    """A copy of a model with the same weights that computes in another precision (its head stays in float32).

    Parameters
    ----------
    model : keras.Model
        Sequential or functional.
    policy : str
        A Keras dtype policy, such as ``mixed_bfloat16``.
    """

    def again(layer):
        config = layer.get_config()
        config["dtype"] = "float32" if _activation_name(layer) in HEAD_FUNCTIONS else policy
        return layer.__class__.from_config(config)

    copy = keras.models.clone_model(model, clone_function=again)
    copy.set_weights(model.get_weights())
    return copy


# --- receptive fields ---------------------------------------------------------------------------------------


def _describe(calls, image_shape):
    """Layers with their receptive fields, from the calls of one forward pass."""
    axes = {id(x): (Axis(), Axis()) for x in calls[0].inputs}
    layers = []
    for call in calls:
        before = [axes.get(id(x)) for x in call.inputs if x.shape.rank and x.shape.rank > 1]
        known = bool(before) and None not in before
        found = (
            tuple(_axis(call, [pair[i] for pair in before], i, image_shape[1 + i]) for i in (0, 1))
            if known
            else (None, None)
        )
        if None not in found:
            axes[id(call.output)] = found
        elif id(call.output) in axes:
            del axes[id(call.output)]
        params = call.layer.count_params() if isinstance(call.layer, keras.Layer) and call.layer.built else 0
        shape = tuple(call.output.shape[1:])
        layers.append(
            Layer(call.path, type(call.layer).__name__, shape, params, *(found if None not in found else (None, None)))
        )
    # The tensors must outlive the walk, or a new one could take a dead one's id; `calls` holds them.
    return tuple(layers)


def _axis(call, before, i, image_size):
    """The axis i (0 rows, 1 columns) of a call's output, given its inputs'; None if this kind of layer is not known."""
    merged = functools.reduce(Axis.merge, before)
    layer, shape = call.layer, call.inputs[0].shape
    if len(call.output.shape) != 4:  # dense, flatten, global pooling: all of the image
        return Axis(image_size, image_size, 0)
    if call.output.shape[1 + i] == 1 and shape[1 + i] != 1 and "Global" in type(layer).__name__:
        return Axis(image_size, image_size, 0)
    if isinstance(layer, keras.layers.ZeroPadding2D):
        return Axis(merged.stride, merged.field, merged.start - layer.padding[i][0] * merged.stride)
    if isinstance(layer, keras.layers.Cropping2D):
        return Axis(merged.stride, merged.field, merged.start + layer.cropping[i][0] * merged.stride)
    window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if window and not isinstance(layer, keras.layers.Conv2DTranspose):
        stride, dilation = layer.strides[i], getattr(layer, "dilation_rate", (1, 1))[i]
        size = (window[i] - 1) * dilation + 1
        return merged.window(size, stride, _padding(layer, shape[1 + i], size, stride))
    same_size = call.output.shape[1 + i] == shape[1 + i]
    return merged if same_size and not isinstance(layer, keras.layers.UpSampling2D) else None


def _padding(layer, length, size, stride):
    """Zeros that TensorFlow puts before the first row or column ('same' is uneven when the sum is odd)."""
    if layer.padding == "valid":
        return 0
    return max((-(-length // stride) - 1) * stride + size - length, 0) // 2
