"""How an image that is to be optimized is written down: as waves in decorrelated colors, or as plain pixels.

Gradient ascent on pixels ends in high-frequency noise, because pixels are a poor set of directions to walk along. The
same image written as a sum of waves, with the slow ones made easy to change and with colors along the axes on which
photographs vary, gives clean pictures in a tenth of the steps (Olah, Mordvintsev and Schubert 2017, "Feature
Visualization", section "Preconditioning and Parameterization").
"""

import functools
import itertools

import numpy as np
import tensorflow as tf

# Columns are the main axes along which the colors of ImageNet's photographs vary (brightness, blue–yellow, green–magenta),
# in the proportion of their standard deviations, as measured by the authors of lucid; the longest has length 1.
COLOR_AXES = np.float32([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
COLOR_AXES /= np.linalg.norm(COLOR_AXES, axis=0).max()
CONTRAST = 0.25  # keeps the sigmoid of a starting image in its straight part
DARKEST, COLORFUL = 0.02, 0.4  # black that is tried; distance of plain colors from grey: strong, yet telling hues apart


@functools.cache
def waves(length):
    """An orthonormal basis of real waves on a line of pixels.

    Parameters
    ----------
    length : int
        Pixels.

    Returns
    -------
    basis : ndarray (length, length) float32
        One wave a column: the constant, then a cosine and a sine of each frequency.
    frequency : ndarray (length,) float32
        Of each column, in waves a pixel, from 0 to 0.5.
    """
    x, k = np.arange(length)[:, None], (np.arange(length) + 1) // 2
    angle = 2 * np.pi * k * x / length
    basis = np.where(np.arange(length) % 2 == 1, np.cos(angle), np.sin(angle))
    basis[:, 0] = 1
    return (basis / np.linalg.norm(basis, axis=0)).astype(np.float32), (k / length).astype(np.float32)


@functools.cache
def easiness(height, width):
    """How far one unit step of each wave moves the image: inverse to its frequency, as in photographs.

    Returns
    -------
    ndarray (height, width) float32
    """
    rows, cols = waves(height)[1], waves(width)[1]
    frequency = np.hypot(rows[:, None], cols[None])
    return (1 / np.maximum(frequency, 1 / max(height, width))).astype(np.float32)


def plain_colors(channels):
    """Even colors to begin on where grey is no good beginning: black, white, and all hues at one distance from grey.

    Returns
    -------
    ndarray (N, channels) float32
        2 shades of grey for one channel, 28 colors for three. Black and white lie a little inside the range, of which the
        sigmoid never reaches the ends.
    """
    extremes = np.repeat([[DARKEST], [1 - DARKEST]], channels, 1)
    if channels == 1:
        return np.float32(extremes)
    directions = np.array([way for way in itertools.product((-1, 0, 1), repeat=channels) if any(way)])
    hues = 0.5 + COLORFUL * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    return np.float32(np.concatenate([hues, extremes]))


def constant_wave(colors, height, width):
    """The coefficients of the constant wave that make images of these even colors.

    Parameters
    ----------
    colors : ndarray (N, C) in (0, 1)

    Returns
    -------
    ndarray (N, C) float32
    """
    pixels = np.log(colors) - np.log1p(-colors)
    axes = np.linalg.solve(COLOR_AXES, pixels.T).T if colors.shape[1] == 3 else pixels
    return np.float32(axes * np.sqrt(height * width) / (CONTRAST * easiness(height, width)[0, 0]))


def wave_start(seeds, height, width, channels, noise=0.15, ground=None):
    """Coefficients of images that are nearly even, with a little noise in which all waves are equally strong.

    Parameters
    ----------
    seeds : sequence of (int, int)
        One pair an image, so that an image does not depend on which others are made with it.
    noise : float
        Standard deviation before the sigmoid: nearly even, yet enough to wake most units.
    ground : ndarray (N, channels) in (0, 1), optional
        The color of each image; mid grey by default.

    Returns
    -------
    Tensor (N, channels, height, width) float32
    """
    strength = noise / (CONTRAST * easiness(height, width))
    coefficients = tf.stack(
        [strength * tf.random.stateless_normal((channels, height, width), seed=pair) for pair in seeds]
    )
    if ground is None:
        return coefficients
    constant = np.zeros((height, width), bool)
    constant[0, 0] = True
    return tf.where(constant, constant_wave(ground, height, width)[:, :, None, None], coefficients)


def wave_images(coefficients):
    """Images from the coefficients of their waves.

    Parameters
    ----------
    coefficients : Tensor (N, C, H, W) float32
        C is 3 (color axes) or 1 (brightness).

    Returns
    -------
    Tensor (N, H, W, C) float32 in (0, 1)
    """
    _, channels, height, width = coefficients.shape
    basis_h, basis_w = waves(height)[0], waves(width)[0]
    # One plain product for each axis: TensorFlow 2.21 crashes on broadcast products of single-channel batches.
    across = tf.tensordot(coefficients * (CONTRAST * easiness(height, width)), basis_w.T, 1)
    down = tf.tensordot(tf.transpose(across, (0, 1, 3, 2)), basis_h.T, 1)
    pixels = tf.transpose(down, (0, 3, 2, 1))
    if channels == 3:
        pixels = tf.tensordot(pixels, COLOR_AXES.T, 1)
    return tf.sigmoid(pixels)


def pixel_start(seeds, height, width, channels):
    """The dissertation's start: mid grey with a little uniform noise, as pixels (N, H, W, C) in [0, 1]."""
    draw = [
        tf.random.stateless_uniform((height, width, channels), seed=pair, minval=0.46, maxval=0.54) for pair in seeds
    ]
    return tf.stack(draw)
