"""The dissertation's method (6.3.1): gradient ascent on plain pixels, along the gradient divided by its L2 norm.

It shares transforms, objective, step and loop with :mod:`.fourier`; what is its own stands here: how an image is
written down, how it is moved, and the regularizers that the dissertation discusses.
"""

import math

import numpy as np
import tensorflow as tf

NOISE = {"mean": 0.04, "center": 0.04}  # of the start: at most so far from grey
STEPS, PATH = 500, 50.0  # 500 steps of 0.1


def start(seeds, height, width, channels, noise=NOISE["mean"]):
    """The state before the first step: mid grey with a little uniform noise, as pixels ((N, H, W, C) in [0, 1],).

    Examples
    --------
    >>> (pixels,) = start([(0, 1), (0, 2)], 4, 4, 1)
    >>> pixels.shape.as_list(), bool(tf.reduce_max(abs(pixels - 0.5)) <= 0.04)
    ([2, 4, 4, 1], True)
    """
    low, high, shape = 0.5 - noise, 0.5 + noise, (height, width, channels)
    return (tf.stack([tf.random.stateless_uniform(shape, seed=pair, minval=low, maxval=high) for pair in seeds]),)


def draw(state):
    """The images (N, H, W, C) of a state: its pixels.

    Examples
    --------
    >>> draw((np.full((1, 1, 2, 1), 0.25),)).tolist()
    [[[[0.25], [0.25]]]]
    """
    return state[0]


def move(state, gradient, rate):
    """One step of this length along the gradient divided by its L2 norm, kept in [0, 1].

    Examples
    --------
    >>> (pixels,) = move((tf.fill((1, 1, 2, 1), 0.5),), tf.reshape([3.0, -4.0], (1, 1, 2, 1)), rate=0.1)
    >>> pixels.numpy().ravel().round(3)
    array([0.56, 0.42], dtype=float32)
    """
    norm = tf.sqrt(tf.reduce_sum(gradient**2, (1, 2, 3), keepdims=True))
    return (tf.clip_by_value(state[0] + rate * gradient / tf.maximum(norm, 1e-20), 0, 1),)


def rates(steps, rate=None):
    """The length of each step, all alike.

    Examples
    --------
    >>> rates(500).sum().round(3).tolist(), rates(3, rate=0.2).tolist()
    (50.0, [0.2, 0.2, 0.2])
    """
    return np.full(steps, PATH / steps if rate is None else rate)


def regularized(state, settings, number):
    """The state after the dissertation's regularizers (Yosinski et al. 2015), at the step of this number.

    A pull to grey, the fraction ``settings.decay`` of the way; and each ``settings.blur_every`` steps a Gaussian blur
    with a standard deviation of ``settings.blur`` pixels.

    Examples
    --------
    >>> from cnnlens.lenses.neurons import PixelSettings
    >>> (pixels,) = regularized((tf.ones((1, 1, 2, 1)),), PixelSettings(decay=0.2), number=1)
    >>> pixels.numpy().ravel().round(3)
    array([0.9, 0.9], dtype=float32)
    """
    pixels = 0.5 + (1 - settings.decay) * (state[0] - 0.5) if settings.decay or settings.blur else state[0]
    if settings.blur and number % settings.blur_every == 0:
        reach = math.ceil(3 * settings.blur)
        bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / settings.blur) ** 2).astype(np.float32)
        kernel = np.tile((bell / bell.sum())[:, None, None, None], (1, 1, pixels.shape[-1], 1))
        edged = tf.pad(pixels, [(0, 0), (reach, reach), (reach, reach), (0, 0)], "SYMMETRIC")
        down = tf.nn.depthwise_conv2d(edged, kernel, (1, 1, 1, 1), "VALID")
        pixels = tf.nn.depthwise_conv2d(down, kernel.transpose(1, 0, 2, 3), (1, 1, 1, 1), "VALID")
    return (pixels,)
