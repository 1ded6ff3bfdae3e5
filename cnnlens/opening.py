"""Opening a model up: reading and changing what its layers do, without building another model.

Layers are read by *tapping*: while the model is called, each wanted layer's ``call`` is wrapped so that it also
writes down what it returned. This needs no new model, so it works alike for Sequential, functional, nested,
multi-branch, reloaded and subclassed models, and it stops as soon as the last wanted layer has spoken.
"""

import contextlib
import functools
import gc
import threading
import uuid
from dataclasses import dataclass

from . import device  # noqa: F401  (sets TensorFlow's environment before it is imported)

import keras
import tensorflow as tf

HEADS = {"softmax", "sigmoid", "log_softmax"}  # activations that turn a classifier's logits into probabilities
_OPEN = threading.RLock()  # explorers read in a thread of their own: only one thread at a time may open models up
SCALED = f"cnnlens{uuid.uuid4().hex}"  # a gradient of _normalized; TensorFlow refuses a name that it knows


class Enough(BaseException):
    """Ends a forward pass early. Not an Exception, because Keras decorates those on their way out."""


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a layer in a forward pass: the layer's path and the tensors that went in and came out."""

    path: str
    layer: keras.Layer
    inputs: tuple
    output: object


# --- walking ------------------------------------------------------------------------------------------------


def leaves(model, prefix=""):
    """All layers and operations inside a model that hold no others, each once, as (path, layer) pairs.

    Two of one name in one place (two layers may share one in a subclass) are told apart by ``#2``, ``#3``.
    """
    paths, seen = set(), set()
    for path, layer in _walk(model, prefix):
        if id(layer) in seen:
            continue
        name, count = path, 1
        while path in paths:
            count += 1
            path = f"{name}#{count}"
        paths.add(path)
        seen.add(id(layer))
        yield path, layer


def _walk(model, prefix):
    # Functional models also hold operations that are no layers, such as the + of a residual branch.
    for layer in list(getattr(model, "operations", None) or _inner(model)):
        if _inner(layer):
            yield from _walk(layer, f"{prefix}{layer.name}/")
        else:
            yield prefix + layer.name, layer


def _inner(layer):
    """The layers directly inside a layer."""
    return list(layer._flatten_layers(include_self=False, recursive=False)) if isinstance(layer, keras.Layer) else []


# --- tapping ------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def tapped(model, hear):
    """While open, ``hear`` gets a Call whenever this thread has called a leaf layer of the model.

    What ``hear`` returns, unless None, goes on to the layers behind instead of the output.
    """
    uses = {}
    listener = threading.get_ident()

    def tap(path, layer):
        call = layer.call

        @functools.wraps(call)
        def listening(*args, **kwargs):
            # Keras compiles grouped convolutions with XLA, as the CPU knows them in no other way.
            with _functions_eager(False):
                output = call(*args, **kwargs)
            if threading.get_ident() != listener:
                return output
            uses[path] = uses.get(path, 0) + 1
            name = path if uses[path] == 1 else f"{path}@{uses[path]}"
            inputs = tuple(x for x in keras.tree.flatten((args, kwargs)) if tf.is_tensor(x))
            heard = hear(Call(name, layer, inputs, keras.tree.flatten(output)[0]))
            return output if heard is None else heard

        return shadowed(layer, "call", listening)

    with _OPEN, uncollected(), contextlib.ExitStack() as undo:
        # A model whose call is itself a tf.function would answer from an earlier trace, past our taps.
        undo.enter_context(_functions_eager(True))
        for path, layer in leaves(model):
            if _is_normalization(layer):
                undo.callback(shadowed(layer, "call", functools.partial(_normalized, layer)))
            undo.callback(tap(path, layer))
            if _is_depthwise(layer):
                undo.callback(shadowed(layer, "convolution_op", functools.partial(_depthwise, layer)))
        yield


def _is_depthwise(layer):
    """Whether a grouped convolution of Keras has one channel a group, as in ConvNeXt, and nothing of a user's own."""
    plain = getattr(type(layer), "convolution_op", None) is keras.layers.Conv2D.convolution_op
    return plain and layer.groups > 1 and layer.kernel.shape[2] == 1 and len(set(layer.strides)) == 1


def _depthwise(layer, inputs, kernel):
    """What such a convolution gives, by the operation for it: Keras would compile it with XLA, anew in each graph."""
    kernel = keras.ops.reshape(kernel, (*kernel.shape[:2], layer.groups, -1))
    how = {name: getattr(layer, name) for name in ("strides", "padding", "data_format", "dilation_rate")}
    return keras.ops.depthwise_conv(inputs, kernel, **how)


def _is_normalization(layer):
    """Whether a batch normalization is Keras's own, over the last axis, and nobody has changed how it is called."""
    plain = getattr(type(layer), "call", None) is keras.layers.BatchNormalization.call and "call" not in vars(layer)
    return plain and layer.built and layer.axis in (-1, layer.input_spec.ndim - 1)


def _normalized(layer, inputs, training=None, mask=None):
    """What a batch normalization gives, to the last bit: a factor and an offset for each channel.

    As Keras writes it, TensorFlow would also build the gradients of both for all weights, a third of the operations of
    a deep network's graph there and back, only to take them out again.
    """
    if training and layer.trainable:
        return type(layer).call(layer, inputs, training=training, mask=mask)
    exact = keras.ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
    read = lambda variable: keras.ops.cast(variable, exact.dtype)  # noqa: E731
    factor = tf.math.rsqrt(read(layer.moving_variance) + layer.epsilon)
    factor = factor * read(layer.gamma) if layer.scale else factor
    shift = read(layer.moving_mean) * factor
    with tf.compat.v1.get_default_graph().gradient_override_map({"Mul": SCALED}):
        scaled = tf.multiply(exact, factor)
    moved = tf.nn.bias_add(scaled, read(layer.beta) - shift if layer.center else -shift)
    return keras.ops.cast(moved, layer.compute_dtype)


@tf.RegisterGradient(SCALED)
def _scaled(op, upstream):
    return upstream * op.inputs[1], None


def undisturbed(function, **how):
    """``function`` as a ``tf.function`` that waits while another thread has a model open.

    As long as one has, TensorFlow runs all functions of all threads eagerly (see :func:`tapped`), and those that ask
    for ``tf.gradients`` cannot. ``how`` is given to ``tf.function``.
    """
    compiled = tf.function(function, autograph=False, **how)

    @functools.wraps(function)
    def call(*args):
        with _OPEN, uncollected():
            return compiled(*args)

    call.compiled = compiled
    return call


@contextlib.contextmanager
def uncollected():
    """While open, Python's garbage collector waits.

    A graph of a deep network is a million objects, all of which stay; the collector would look through them again and
    again while they become more, which is a tenth of the time that tracing NASNetMobile takes.

    Examples
    --------
    >>> with uncollected():
    ...     gc.isenabled()
    False
    >>> gc.isenabled()
    True
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


@contextlib.contextmanager
def _functions_eager(wanted):
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(wanted)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def shadowed(layer, name, value):
    """Give one layer another method of this name; the function that takes it back, to what stood there before.

    Set past Keras's tracker, which would look into it.
    """
    before = vars(layer).get(name)
    object.__setattr__(layer, name, value)

    def restore():
        if before is None:
            object.__delattr__(layer, name)
        else:
            object.__setattr__(layer, name, before)

    return restore


@contextlib.contextmanager
def any_size(model):
    """While open, the model and those nested in it do not insist on the image size that they were built with."""
    inside = list(model._flatten_layers(include_self=True, recursive=True))
    inside += [layer._functional for layer in inside if getattr(layer, "_functional", None) is not None]
    with _OPEN, contextlib.ExitStack() as undo:
        for layer in inside:
            if isinstance(layer, keras.Model):
                undo.callback(shadowed(layer, "_assert_input_compatibility", lambda *args: None))
        yield


# --- activations inside layers ------------------------------------------------------------------------------


def activation_name(layer):
    """The name of the activation function that a layer ends with or is; None if it has none."""
    kind = type(layer).__name__
    if isinstance(layer, keras.layers.ReLU):
        return "relu"
    if kind in ("Softmax", "Sigmoid", "LogSoftmax"):  # layers, or operations such as keras.ops.softmax
        return {"LogSoftmax": "log_softmax"}.get(kind, kind.lower())
    return getattr(getattr(layer, "activation", None), "__name__", None)


@contextlib.contextmanager
def linear(layer):
    """While open, a layer that ends with a softmax or a sigmoid, or is one, leaves it away."""
    if activation_name(layer) not in HEADS:
        yield
        return
    with _OPEN:
        if getattr(layer, "activation", None) is None or isinstance(layer, keras.layers.Softmax):
            restore = shadowed(layer, "call", lambda inputs, *args, **kwargs: inputs)
        else:
            restore = functools.partial(setattr, layer, "activation", layer.activation)
            layer.activation = keras.activations.linear
        try:
            yield
        finally:
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
    passed, name = [], f"cnnlens{uuid.uuid4().hex}"

    @tf.RegisterGradient(name)
    def gradient(op, upstream):
        passed.append(op.name)
        return function(op.inputs[0], op.outputs[0], upstream)

    with tf.compat.v1.get_default_graph().gradient_override_map(dict.fromkeys(kinds, name)):
        yield passed


def fed_by(tensor):
    """Names of all operations of a graph that a tensor flows into."""
    todo, names = [tensor], set()
    while todo:
        for op in todo.pop().consumers():
            if op.name not in names:
                names.add(op.name)
                todo.extend(op.outputs)
    return names


def between(start, end):
    """The operations of a graph on any way from one tensor to another.

    Examples
    --------
    >>> with tf.Graph().as_default():
    ...     start = tf.zeros((1, 2))
    ...     end = tf.nn.relu(start) + 1
    ...     beside = tf.nn.relu6(end), tf.nn.elu(start)
    ...     sorted(op.type for op in between(start, end))
    ['AddV2', 'Relu']
    """
    fed, todo, found = fed_by(start), [end.op], {}
    while todo:
        op = todo.pop()
        if op.name in fed and op.name not in found:
            found[op.name] = op
            todo.extend(each.op for each in op.inputs)
    return list(found.values())


# --- precision ----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def in_precision(model, policy, among=lambda path, layer: True):
    """While open (during tracing), the model's layers compute in this Keras dtype policy; their weights stay.

    Parameters
    ----------
    model : keras.Model
    policy : str
    among : function (path, layer) -> bool
        Which layers; all by default.
    """
    found = [layer for path, layer in leaves(model) if isinstance(layer, keras.Layer) and among(path, layer)]
    with _OPEN:
        before = [(layer, layer.dtype_policy) for layer in found]
        try:
            for layer, old in before:
                if policy != "float32" and old.name == "float32":
                    layer.dtype_policy = policy
            yield
        finally:
            for layer, old in before:
                layer.dtype_policy = old


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
        config["dtype"] = "float32" if activation_name(layer) in HEADS else policy
        return layer.__class__.from_config(config)

    copy = keras.models.clone_model(model, clone_function=again)
    copy.set_weights(model.get_weights())
    return copy
