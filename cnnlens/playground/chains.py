"""A network as a chain of steps that a page can run, or the reason why it cannot be one."""

import math
from dataclasses import dataclass, field

import numpy as np

from .. import device  # noqa: F401  (sets TensorFlow's environment before it is imported)
from ..errors import CnnlensError
from ..network import Network
from ..opening import activation_name, leaves
from ..preprocessing import Preprocessing

MOST_WEIGHTS = 2_000_000  # 8 MB, which base64 makes 11 MB in the page
MOST_SIDE = 96  # px
SAME = 1e-4  # what the chain's probabilities may differ from the network's
BRANCH = "does not take what the one before it gives: they branch"
RUNS = "The playground runs convolution, pooling, dense, ReLU, softmax, zero padding and batch normalization"


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """One thing that the page computes.

    Attributes
    ----------
    kind : str
        Which, by the name that ``templates/network.js`` has for it.
    layer : str
        Path of the layer that it belongs to; a layer with an activation is two steps.
    shape : tuple of int
        Of what comes out: (h, w, channels) or (units,).
    settings : dict
        Whole numbers and lists of them, such as strides.
    weights : dict of str to ndarray
        float32.
    """

    kind: str
    layer: str
    shape: tuple
    settings: dict = field(default_factory=dict)
    weights: dict = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class Chain:
    """A network that is one step after another.

    Attributes
    ----------
    net : Network
    shape : (int, int, int)
        Height, width and channels of the image.
    steps : tuple of Step
        The last one is a softmax.
    """

    net: Network
    shape: tuple
    steps: tuple

    @property
    def layers(self):
        """The layers to look at, in order: all that compute something, but for a softmax that stands alone."""
        ours = {step.layer for step in self.steps if step.kind != "softmax"}
        return tuple(layer for layer in self.net.layers() if layer.path in ours)


def chain(net):
    """Read a network as a chain of steps.

    Parameters
    ----------
    net : Network, keras.Model, name or path

    Returns
    -------
    Chain

    Raises
    ------
    CnnlensError
        If a layer is of a kind that the page cannot run, or is set to something that it cannot; if the layers are not
        one after another; if the network is too large, is no classifier, or takes images of no certain size. The
        message names the layer.

    Examples
    --------
    >>> from cnnlens import zoo
    >>> [step.kind for step in chain(zoo.load("lenet", weights="random")).steps][:3]
    ['convolution', 'relu', 'largest']
    """
    net = Network.of(net)
    _not_too_large(net)
    steps = list(_fed(net))
    image = shape = (*net.size, net.channels)
    for path, layer in _inside(net):
        if type(layer).__name__ not in _READ:
            raise _refusal(net, path, f"is of the kind {type(layer).__name__}")
        after = _shape_after(net, path, layer, shape)
        steps += _steps(net, path, layer, shape, after)
        shape = after
    if [step.kind for step in steps].count("softmax") > 1 or "softmax" in [step.kind for step in steps[:-1]]:
        inner = next(step.layer for step in steps if step.kind == "softmax")
        raise _refusal(net, inner, "is a softmax before the end")
    if steps[-1].kind != "softmax":
        steps.append(Step(kind="softmax", layer=steps[-1].layer, shape=steps[-1].shape))
    _gives_what_the_network_gives(net)
    return Chain(net=net, shape=image, steps=tuple(steps))


def _inside(net):
    """All layers as (path, layer), but for those that only say what goes in."""
    return [(path, layer) for path, layer in leaves(net.model) if type(layer).__name__ != "InputLayer"]


def _refusal(net, path, why):
    return CnnlensError(f"Not {net.name}, because its layer {path!r} {why}. {RUNS}, one after another.")


def _not_too_large(net):
    if net.size is None:
        raise CnnlensError(
            f"Not {net.name}, because it takes images of any size, and the playground needs one: build the network "
            "with an Input of a fixed height and width."
        )
    if max(net.size) > MOST_SIDE:
        raise CnnlensError(
            f"Not {net.name}, because it takes images of {max(net.size)} px; at most {MOST_SIDE} can be."
        )
    if net.channels not in (1, 3):
        raise CnnlensError(f"Not {net.name}, because it takes images of {net.channels} channels, not of 1 or 3.")
    weights = net.model.count_params()
    if weights > MOST_WEIGHTS:
        raise CnnlensError(
            f"Not {net.name}, because it has {weights:,} weights; a page that answers while one draws can hold at most "
            f"{MOST_WEIGHTS:,}."
        )
    if net.class_count is None:
        raise CnnlensError(f"Not {net.name}, because it is no classifier: its last layer {net.head!r} gives maps.")


def _fed(net):
    """The network's own preprocessing as a step; none where pixels go in as they are."""
    given = net.preprocessing
    if type(given) is not Preprocessing:
        raise CnnlensError(
            f"Not {net.name}, because its preprocessing is a function of its own; the playground knows a scale and a "
            "shift of each channel."
        )
    order = list(range(net.channels))[:: -1 if given.flip else 1]
    scale, shift = (np.broadcast_to(np.float32(values), net.channels) for values in (given.scale, given.shift))
    if given != Preprocessing():
        shape = (*net.size, net.channels)
        yield Step(kind="affine", layer="", shape=shape, settings={"order": order}, weights=_pair(scale, shift))


def _pair(scale, shift):
    """The weights of a step that multiplies each channel and adds to it."""
    return {"scale": np.float32(scale), "shift": np.float32(shift)}


def _shape_after(net, path, layer, shape):
    """The shape of what a layer gives for values of this shape."""
    try:
        return tuple(int(side) for side in layer.compute_output_shape((1, *shape))[1:])
    except (ValueError, TypeError) as error:
        raise _refusal(net, path, BRANCH) from error


def _steps(net, path, layer, shape, after):
    """The steps of one layer, which gets values of one shape and gives those of another."""
    kind = type(layer).__name__
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        raise _refusal(net, path, "has its channels first")
    try:
        step = _READ[kind](layer, shape)
    except CnnlensError as error:
        raise _refusal(net, path, str(error)) from None
    if step:
        yield Step(kind=step[0], layer=path, shape=after, settings=step[1], weights=step[2])
    if kind in ("ReLU", "Softmax", "Activation") or getattr(layer, "activation", None) is not None:
        name = activation_name(layer)
        if name not in ("linear", "relu", "softmax"):
            raise _refusal(net, path, f"has the activation {name!r}")
        if name != "linear":
            yield Step(kind=name, layer=path, shape=after)


# --- what each kind of layer is to the page: (kind of step, settings, weights), or None if it passes values on --------


def _convolution(layer, shape):
    if layer.groups != 1 or tuple(layer.dilation_rate) != (1, 1):
        raise CnnlensError("is a convolution with groups or dilation")
    return "convolution", _window(layer, layer.kernel_size, shape), _weights(layer)


def _weights(layer):
    """Kernel and bias; zeros where there is no bias."""
    kernel, *bias = layer.get_weights()
    bias = bias[0] if bias else np.zeros(kernel.shape[-1])
    return {"kernel": np.float32(kernel), "bias": np.float32(bias)}


def _window(layer, size, shape):
    """Size, strides, and the zeros before the first row and column, of a window that is moved over a map."""
    before = [0, 0]
    if layer.padding == "same":  # as TensorFlow puts them: the odd one behind
        ends = [(math.ceil(side / step) - 1) * step + wide for side, step, wide in zip(shape, layer.strides, size)]
        before = [max(end - side, 0) // 2 for end, side in zip(ends, shape)]
    return {"size": list(size), "strides": list(layer.strides), "before": before}


def _pooling(kind):
    return lambda layer, shape: (kind, _window(layer, layer.pool_size, shape), {})


def _global_pooling(kind):
    return lambda layer, shape: (kind, {"size": list(shape[:2]), "strides": [1, 1], "before": [0, 0]}, {})


def _dense(layer, shape):
    if len(shape) != 1:
        raise CnnlensError("is a dense layer on maps, without a Flatten before it")
    return "dense", {}, _weights(layer)


def _relu(layer, shape):
    if layer.max_value is not None or layer.negative_slope or layer.threshold:
        raise CnnlensError("is a ReLU with a limit, a slope or a threshold")


def _softmax(layer, shape):
    if layer.axis not in (-1, len(shape)):
        raise CnnlensError(f"is a softmax along axis {layer.axis}")


def _padding(layer, shape):
    (top, _), (left, _) = layer.padding
    return "pad", {"before": [int(top), int(left)]}, {}


def _normalization(layer, shape):
    if layer.axis not in (-1, len(shape)):
        raise CnnlensError(f"is a batch normalization along axis {layer.axis}")
    gamma, beta = (1.0 if value is None else np.float32(value) for value in (layer.gamma, layer.beta))
    scale = gamma / np.sqrt(np.float32(layer.moving_variance) + layer.epsilon)
    scale, shift = np.broadcast_arrays(scale, beta - np.float32(layer.moving_mean) * scale)
    return "affine", {"order": list(range(shape[-1]))}, _pair(scale, shift)


def _rescaling(layer, shape):
    scale, shift = (np.broadcast_to(np.float32(value), shape[-1]) for value in (layer.scale, layer.offset))
    return "affine", {"order": list(range(shape[-1]))}, _pair(scale, shift)


def _nothing(layer, shape):
    """A layer that hands on the same values in the same order."""


_READ = {
    "Conv2D": _convolution,
    "MaxPooling2D": _pooling("largest"),
    "AveragePooling2D": _pooling("mean"),
    "GlobalMaxPooling2D": _global_pooling("largest"),
    "GlobalAveragePooling2D": _global_pooling("mean"),
    "Dense": _dense,
    "ReLU": _relu,
    "Softmax": _softmax,
    "Activation": _nothing,
    "ZeroPadding2D": _padding,
    "BatchNormalization": _normalization,
    "Rescaling": _rescaling,
    **dict.fromkeys(("Flatten", "Dropout", "SpatialDropout2D", "GaussianNoise", "Identity"), _nothing),
}


def _gives_what_the_network_gives(net):
    """Call the layers one after another: only if that gives the network's own answer, it is a chain of them."""
    from keras import ops

    pixels = np.random.default_rng(0).random((4, *net.size, net.channels), np.float32)
    x = ops.convert_to_tensor(net.preprocess(pixels))
    try:
        for path, layer in _inside(net):  # noqa: B007  (the last one is named where it fails)
            x = layer(x, **_at_rest(layer))
    except (ValueError, TypeError) as error:
        raise _refusal(net, path, BRANCH) from error
    if activation_name(layer) != "softmax":
        x = ops.softmax(x)
    want = net.predict(pixels, progress=False)
    if x.shape != want.shape or np.abs(ops.convert_to_numpy(x) - want).max() > SAME:
        raise CnnlensError(
            f"Not {net.name}, because its layers, one after another, do not give its answer: they branch, one of them "
            f"is used twice, or its answer is no softmax. {RUNS}, one after another."
        )


def _at_rest(layer):
    """Dropout, noise and batch normalization as they are when a network answers, not as when it learns."""
    return {"training": False} if getattr(layer, "_call_has_training_arg", False) else {}
