"""One step of gradient ascent on a batch of images, compiled once for a network and a layer.

A step draws the images, disturbs them a little, runs the network up to the wanted layer, and moves the images uphill.
Two kinds of step: :func:`wave_step` (ours) and :func:`pixel_step` (the dissertation's, section 6.3.1).
"""

import contextlib
import math

import numpy as np
import tensorflow as tf

from ..network import gradients_overridden, in_precision
from . import parametrize

MOMENTUM, SPREAD, TINY = 0.9, 0.99, 1e-8  # Adam's; a shorter memory of the gradient's size than usual, as steps are few
OBJECTIVES = ("mean", "center")
NOISE = {"mean": 0.15, "center": 0.03}  # of the start, before the sigmoid


# --- what is climbed ----------------------------------------------------------------------------------------


def response(output, weights, objective):
    """How strongly each image drives what it is meant to drive.

    Parameters
    ----------
    output : Tensor (N, h, w, C) or (N, C)
        Of the layer.
    weights : Tensor (N, C) or None
        A direction for each image: 1 at one unit, 0 elsewhere, for a single unit. None: the whole layer.
    objective : {"mean", "center"}
        Over all positions of the map, or its middle one.

    Returns
    -------
    Tensor (N,)
    """
    if weights is None:  # DeepDream's objective: whatever is there becomes more
        output = _middle(output) if objective == "center" else output
        return tf.reduce_mean(tf.reshape(output, (output.shape[0], -1)) ** 2, 1)
    return tf.reduce_sum(answers(output, objective) * weights, 1)


def answers(output, objective):
    """What each image draws from each unit, (N, C): over all positions of the map, or at its middle one."""
    if len(output.shape) == 4:
        output = _middle(output) if objective == "center" else tf.reduce_mean(output, (1, 2))
    return tf.reshape(output, (output.shape[0], -1))


def _middle(output):
    if len(output.shape) < 4:
        return output
    rows, cols = output.shape[1:3]
    return output[:, rows // 2, cols // 2]


# --- small disturbances -------------------------------------------------------------------------------------


def disturb(pixels, key, shift, turn):
    """Shift, scale and turn all images a little, so that none lives off one alignment of pixels with the network.

    Applied to what the network sees, never to the image that is kept (else it would drift).

    Parameters
    ----------
    pixels : Tensor (N, H, W, C)
    key : Tensor (2,) int32
        Seed of this step.
    shift : int
        At most so many pixels each way; the image wraps round, as its waves do.
    turn : float
        At most so many radians, and a scale within ``1 ± turn``.
    """
    if turn:
        pixels = _turned(pixels, *tf.unstack(tf.random.stateless_uniform((2,), key, -turn, turn)))
    if shift:
        pixels = tf.roll(pixels, tf.random.stateless_uniform((2,), key + 1, -shift, shift + 1, tf.int32), (1, 2))
    return pixels


def _turned(pixels, angle, growth):
    height, width = pixels.shape[1:3]
    cos, sin = tf.cos(angle) / (1 + growth), tf.sin(angle) / (1 + growth)
    center_x, center_y = (width - 1) / 2, (height - 1) / 2
    right = center_x - cos * center_x + sin * center_y
    down = center_y - sin * center_x - cos * center_y
    transform = tf.stack([cos, -sin, right, sin, cos, down, 0.0, 0.0])[None]
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=pixels,
        transforms=transform,
        output_shape=(height, width),
        interpolation="BILINEAR",
        fill_mode="WRAP",
        fill_value=0.0,
    )


# --- steps --------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def own_gate_open():
    """While open, the gradient passes the unit's own ReLU (the first on its way back) although that is shut.

    For units that answer zero everywhere: there the true gradient is zero, and no step is ever made. Behind the gate the
    unit is climbed as far as it comes nearest to waking: positions count by the softmax of what the ReLU gets, so that the
    image fills with what wakes the unit. With equal counts, edges would cancel and leave a flat color (compare the
    "redirected ReLU" of Olah, Mordvintsev and Schubert 2017, which opens all gates, at all positions alike).
    """

    def gradient(inputs, output, upstream):
        return (
            _toward_waking(inputs, upstream)
            if len(passed) == 1
            else tf.raw_ops.ReluGrad(gradients=upstream, features=output)
        )

    with gradients_overridden(("Relu",), gradient) as passed:
        yield


def _toward_waking(inputs, upstream):
    """The gradient, shared out among positions by how near each comes to the top of its unit; its size stays the same."""
    if len(inputs.shape) < 4:
        return upstream
    spread, nearest = tf.math.reduce_std(inputs, (1, 2), keepdims=True), tf.reduce_max(inputs, (1, 2), keepdims=True)
    shared = upstream * tf.exp((inputs - nearest) / (spread + tf.cast(TINY, inputs.dtype)))
    before, after = (tf.reduce_sum(tf.abs(each), (1, 2), keepdims=True) for each in (upstream, shared))
    return shared * tf.math.divide_no_nan(before, after)


def _wrapped(pixels, rows, cols):
    """The image with so many pixels of itself added all round, as if it were repeated without end."""
    height, width = pixels.shape[1:3]
    pixels = tf.concat([pixels[:, height - rows :], pixels, pixels[:, :rows]], 1) if rows else pixels
    return tf.concat([pixels[:, :, width - cols :], pixels, pixels[:, :, :cols]], 2) if cols else pixels


def _awake(output, weights):
    """The share of positions where what is climbed is not exactly zero, (N,)."""
    driven = tf.reduce_sum(output, -1) if weights is None else tf.einsum("n...c,nc->n...", output, weights)
    return tf.reduce_mean(tf.cast(tf.reshape(driven, (output.shape[0], -1)) != 0, tf.float32), 1)


def _inside(output, rim):
    """A map without its rim, where units look over the border of the image at nothing."""
    rows, cols = rim
    return output[:, rows : output.shape[1] - rows, cols : output.shape[2] - cols] if len(output.shape) == 4 else output


def step(
    net,
    layer,
    *,
    method,
    objective,
    whole=False,
    pad=(0, 0),
    rim=(0, 0),
    shift=0,
    turn=0.0,
    penalty=0.0,
    precision="float32",
    rescue=False,
):
    """The compiled step for these settings, built at its first use and kept by the network.

    Parameters
    ----------
    method : {"fourier", "pixels"}
    objective : {"mean", "center"}
    whole : bool
        The whole layer instead of directions in it.
    pad : (int, int)
        Pixels of the image to repeat beyond its borders.
    rim : (int, int)
        Rows and columns at the border of the map that are not counted.
    shift, turn : int, float
        See :func:`disturb`.
    penalty : float
        λ of Simonyan, Vedaldi and Zisserman 2014: subtracts λ times the squared norm of the image, counted from the
        color that the network takes as zero.
    precision : str
        Keras dtype policy to run the network in.
    rescue : bool
        See :func:`own_gate_open`.

    Returns
    -------
    callable
        ``(state, weights, live, rate, key) -> (state, responses, slopes, awake)``: one step up for the images whose
        ``live`` is 1, how strongly each drove its unit before the step, how long each gradient was (None: no gradient
        flows), and at which share of its positions the unit answered anything.
    """
    move = {"fourier": _wave_move, "pixels": _pixel_move}[method]
    zero = net.preprocessing.zero()

    def take(state, weights, live, rate, key):
        pixels = drawn(method, state, net.channels)
        seen = _wrapped(disturb(pixels, key, shift, turn), *pad)
        with in_precision(net.model, precision), own_gate_open() if rescue else contextlib.nullcontext():
            output = net.outputs(seen, [layer], linear=True)[layer]
            found = response(_inside(output, rim), None if whole else weights, objective)
            gradient = tf.gradients(tf.reduce_sum(found), state[0])[0]
        if gradient is None:
            return state, found, None, None
        slope, awake = _length(gradient), _awake(output, None if whole else weights)
        if penalty:
            gradient -= penalty * tf.gradients(tf.reduce_sum((pixels - zero) ** 2), state[0])[0]
        return move(state, gradient, live[:, None, None, None], rate), found, slope, awake

    settings = (layer, method, objective, whole, pad, rim, shift, turn, penalty, precision, rescue)
    return net.once(("ascent", *settings), lambda: tf.function(take, autograph=False))


def _wave_move(state, gradient, live, rate):
    """Adam on the coefficients of waves. The state is (coefficients, running gradient, running square, steps made)."""
    coefficients, mean, square, count = state
    mean += live * (1 - MOMENTUM) * (gradient - mean)
    square += live * (1 - SPREAD) * (gradient**2 - square)
    count += live
    unbiased, variance = mean / (1 - MOMENTUM**count + TINY), square / (1 - SPREAD**count + TINY)
    return coefficients + live * rate * unbiased / (tf.sqrt(variance) + TINY), mean, square, count


def _pixel_move(state, gradient, live, rate):
    """The dissertation's: along the gradient of the pixels, divided by its L2 norm. The state is (pixels,)."""
    length = tf.maximum(_length(gradient), 1e-20)[:, None, None, None]
    return (tf.clip_by_value(state[0] + live * rate * gradient / length, 0, 1),)


def _length(gradient):
    return tf.sqrt(tf.reduce_sum(gradient**2, (1, 2, 3)))


def start(method, seeds, height, width, channels, objective="mean", ground=None):
    """The state before the first step, for images that depend on nothing but their own seed (a pair of int each).

    A thing in the middle leaves the rest of the image as it began, so there the noise is fainter. Waves may begin on
    another ground than grey: ``ground`` is the color of each image, (N, channels).
    """
    if method == "pixels":
        return (parametrize.pixel_start(seeds, height, width, channels),)
    coefficients = parametrize.wave_start(seeds, height, width, channels, NOISE[objective], ground)
    zero = tf.zeros_like(coefficients)
    return coefficients, zero, zero, tf.zeros((len(seeds), 1, 1, 1))


def drawn(method, state, channels):
    """The images (N, H, W, channels) in [0, 1] of a state; an uncolored one is repeated over the channels."""
    pixels = state[0] if method == "pixels" else parametrize.wave_images(state[0])
    return pixels if pixels.shape[-1] == channels else tf.repeat(pixels, channels, -1)


def softened(state, decay, blur):
    """The regularizers that the dissertation analyzed (Yosinski et al. 2015): a pull to grey, and a Gaussian blur.

    Parameters
    ----------
    state : (Tensor (N, H, W, C),)
        Of the method "pixels".
    decay : float
        Share of the way to mid grey.
    blur : float
        Standard deviation in pixels; 0 for none.
    """
    pixels = 0.5 + (1 - decay) * (state[0] - 0.5)
    if blur:
        reach = math.ceil(3 * blur)
        bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / blur) ** 2).astype(np.float32)
        kernel = np.tile((bell / bell.sum())[:, None, None, None], (1, 1, pixels.shape[-1], 1))
        edged = tf.pad(pixels, [(0, 0), (reach, reach), (reach, reach), (0, 0)], "SYMMETRIC")
        down = tf.nn.depthwise_conv2d(edged, kernel, (1, 1, 1, 1), "VALID")
        pixels = tf.nn.depthwise_conv2d(down, kernel.transpose(1, 0, 2, 3), (1, 1, 1, 1), "VALID")
    return (pixels,)
