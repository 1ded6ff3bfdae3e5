"""Activation maximization: the images that activate a unit most, by ascent on Fourier coefficients.

Read from top to bottom: how an image is written down, how it is disturbed, what is climbed, one
step, the loop. That is the whole method, and :func:`ascend` does all of it. The files beside this
one hold tactics, which get more out of it.

Gradient ascent on pixels ends in high-frequency noise, because pixels are a poor set of directions
to walk along. The same image written as a sum of waves, with slow waves made easy to change and
with colors along the axes on which photographs vary, gives clean pictures in a tenth of the steps
(Olah, Mordvintsev and Schubert 2017, "Feature Visualization", section "Preconditioning and
Parameterization"; the objective is that of Erhan et al. 2009).
"""

import functools

import numpy as np
import tensorflow as tf

# The main axes along which the colors of ImageNet's photographs vary, one a column (brightness,
# blue–yellow, green–magenta), in the proportion of their standard deviations, as measured by the
# authors of lucid; the longest has length 1.
COLOR_AXES = np.float32([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
COLOR_AXES /= np.linalg.norm(COLOR_AXES, axis=0).max()
CONTRAST = 0.25  # keeps the sigmoid of a starting image in its straight part
NOISE = {"mean": 0.15, "center": 0.03}  # of the start; around a thing in the middle it would stay
MOMENTUM, SPREAD, TINY = 0.9, 0.99, 1e-8  # Adam's; the second shorter than usual, as steps are few
PIVOT = 8  # px: the waves of which favor() leaves alone
STEPS, PATH = 64, 5.0  # by default: how many steps, and how long they are together

# --- the image: Fourier coefficients, scaled by 1/f, in decorrelated colors ----------------------


@functools.cache
def fourier_basis(length):
    """Real Fourier basis on a line of pixels: the constant, then cosine and sine of each frequency.

    Returns the orthonormal basis (length, length) float32, one wave a column, and the frequency of
    each in waves a pixel, from 0 to 0.5.

    Examples
    --------
    >>> basis, frequency = fourier_basis(4)
    >>> np.allclose(basis.T @ basis, np.eye(4), atol=1e-6), frequency.tolist()
    (True, [0.0, 0.25, 0.25, 0.5])
    """
    x, k = np.arange(length)[:, None], (np.arange(length) + 1) // 2
    angle = 2 * np.pi * k * x / length
    basis = np.where(np.arange(length) % 2 == 1, np.cos(angle), np.sin(angle))
    basis[:, 0] = 1
    basis /= np.linalg.norm(basis, axis=0)
    return basis.astype(np.float32), (k / length).astype(np.float32)


@functools.cache
def scaling(height, width):
    """How far a unit step of each coefficient moves the image, (height, width): 1 / frequency.

    In photographs, too, the amplitude of a wave falls as one over its frequency.

    Examples
    --------
    >>> print(scaling(1, 8).round(1))
    [[8.  8.  8.  4.  4.  2.7 2.7 2. ]]
    """
    frequency = np.hypot(fourier_basis(height)[1][:, None], fourier_basis(width)[1][None])
    return (1 / np.maximum(frequency, 1 / max(height, width))).astype(np.float32)


@functools.cache
def favor(height, width, steep):
    """Factor on the step of each coefficient, (height, width), that makes slow waves easier still.

    Adam's steps do not depend on how a coefficient is scaled, so steps in proportion to
    ``frequency ** -steep`` are as good as scaling by ``frequency ** -(1 + steep)``. Waves of
    ``PIVOT`` pixels keep their step.

    Examples
    --------
    >>> print(favor(1, 16, 0.25).round(2)[0, [0, 3, 15]])
    [1.19 1.   0.71]
    """
    return (scaling(height, width) / PIVOT) ** np.float32(steep)


def start(seeds, height, width, channels, noise=NOISE["mean"]):
    """The state before the first step: grey with a little noise, all waves equally strong.

    ``seeds`` is a pair of int for each image; ``noise`` its standard deviation before the sigmoid.
    The state is the coefficients (N, channels, height, width), the running means of their gradient
    and of its square, and the number of steps made (N, 1, 1, 1).

    Examples
    --------
    >>> print(draw(start([(0, 1)], 28, 28, 1)).numpy().std().round(2))
    0.04
    """
    strength = noise / (CONTRAST * scaling(height, width))
    noises = [tf.random.stateless_normal((channels, height, width), seed=pair) for pair in seeds]
    coefficients = tf.stack([strength * each for each in noises])
    zero = tf.zeros_like(coefficients)
    return coefficients, zero, zero, tf.zeros((len(seeds), 1, 1, 1))


def draw(state):
    """The images (N, height, width, channels) in (0, 1) of a state; three channels are colors.

    Examples
    --------
    >>> draw(start([(0, 1)], 1, 2, 3, noise=0.0)).numpy().tolist()
    [[[[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]]]]
    """
    _, channels, height, width = state[0].shape
    coefficients = state[0] * (CONTRAST * scaling(height, width))
    # A product for each axis: TensorFlow 2.21 crashes on broadcast ones of single-channel batches.
    across = tf.tensordot(coefficients, fourier_basis(width)[0].T, 1)
    down = tf.tensordot(tf.transpose(across, (0, 1, 3, 2)), fourier_basis(height)[0].T, 1)
    pixels = tf.transpose(down, (0, 3, 2, 1))
    return tf.sigmoid(tf.tensordot(pixels, COLOR_AXES.T, 1) if channels == 3 else pixels)


# --- random transforms: no image may live off one alignment of its pixels with the network -------


def transform(pixels, key, shift=0, turn=0.0):
    """What the network sees: the images shifted, turned and scaled a little, all alike.

    At most ``shift`` pixels each way, wrapping round as the waves do; ``turn`` radians; a scale
    within 1 ± ``turn``. The image that is kept is not transformed: it would drift.

    Examples
    --------
    >>> transform(np.float32([[[[0], [1], [2], [3]]]]), np.int32([0, 2]), 1).numpy().ravel().tolist()
    [3.0, 0.0, 1.0, 2.0]
    """
    if turn:
        pixels = _turned(pixels, *tf.unstack(tf.random.stateless_uniform((2,), key, -turn, turn)))
    if shift:
        by = tf.random.stateless_uniform((2,), key + 1, -shift, shift + 1, tf.int32)
        pixels = tf.roll(pixels, by, (1, 2))
    return pixels


def _turned(pixels, angle, growth):
    height, width = pixels.shape[1:3]
    cos, sin = tf.cos(angle) / (1 + growth), tf.sin(angle) / (1 + growth)
    x, y = (width - 1) / 2, (height - 1) / 2
    rows = [cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y, 0.0, 0.0]
    how = {"interpolation": "BILINEAR", "fill_mode": "WRAP", "fill_value": 0.0}
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=pixels, transforms=tf.stack(rows)[None], output_shape=(height, width), **how
    )


# --- the objective: what is climbed --------------------------------------------------------------


def objective(output, weights, kind="mean"):
    """How strongly each image activates its target, (N,).

    Parameters
    ----------
    output : Tensor (N, h, w, C) or (N, C)
        Of the layer.
    weights : Tensor (N, C) or None
        A direction for each image: 1 at one unit and 0 elsewhere, for a single unit. None means
        the whole layer: the mean square of all that it gives (DeepDream).
    kind : {"mean", "center"}
        Over all positions of the map, or its middle one.

    Examples
    --------
    >>> objective(tf.constant([[[[1.0, 0.0], [3.0, 8.0]]]]), [[1.0, 0.0]]).numpy().tolist()
    [2.0]
    """
    if weights is None:
        output = middle(output) if kind == "center" else output
        return tf.reduce_mean(tf.reshape(output, (tf.shape(output)[0], -1)) ** 2, 1)
    return tf.reduce_sum(responses(output, kind) * weights, 1)


def responses(output, kind="mean"):
    """The response of each unit to each image, (N, C): over all positions, or at the middle one.

    Examples
    --------
    >>> responses(tf.constant([[[[1.0, 0.0], [3.0, 8.0]]]]), "center").numpy().tolist()
    [[3.0, 8.0]]
    """
    if len(output.shape) == 4:
        output = middle(output) if kind == "center" else tf.reduce_mean(output, (1, 2))
    return tf.reshape(output, (tf.shape(output)[0], -1))


def middle(output):
    """The middle position of a map, (N, C); what is no map stays as it is.

    Examples
    --------
    >>> middle(tf.constant([[[[1.0], [2.0], [3.0]]]])).numpy().tolist()
    [[2.0]]
    """
    is_map = len(output.shape) == 4
    return output[:, output.shape[1] // 2, output.shape[2] // 2] if is_map else output


# --- one step ------------------------------------------------------------------------------------


def uphill(reached, output, variable):
    """The gradient of what each image reached.

    Examples
    --------
    >>> tf.function(lambda x: uphill(x**2, None, x))(tf.constant([1.0, -3.0])).numpy().tolist()
    [2.0, -6.0]
    """
    return tf.gradients(tf.reduce_sum(reached), variable)[0]


def move(state, gradient, rate):
    """One step of Adam (Kingma and Ba 2015) up the gradient of the coefficients.

    Examples
    --------
    >>> print(move((0.0, 0.0, 0.0, 0.0), tf.constant([5.0, -0.1]), rate=0.5)[0].numpy().round(3))
    [ 0.5 -0.5]
    """
    coefficients, mean, square, count = state
    mean += (1 - MOMENTUM) * (gradient - mean)
    square += (1 - SPREAD) * (gradient**2 - square)
    count += 1
    unbiased, variance = mean / (1 - MOMENTUM**count + TINY), square / (1 - SPREAD**count + TINY)
    return coefficients + rate * unbiased / (tf.sqrt(variance) + TINY), mean, square, count


def step(read, state, weights, rate, key, draw=draw, see=transform, score=objective, uphill=uphill, move=move):
    """One step up for a batch of images: draw, disturb, read the layer, move along the gradient.

    ``read`` gives the layer's output for pixels. Returns the next state, and of this one what each
    image reached (N,), the gradient, and the output. Tactics exchange one or another function.

    Examples
    --------
    >>> one = tf.function(lambda *now: step(tf.identity, *now), autograph=False)  # reads pixels
    >>> state, reached, *_ = one(start([(0, 1)], 4, 4, 1, noise=0.0), tf.ones((1, 1)), 0.5, (0, 0))
    >>> print(reached.numpy(), draw(state).numpy().mean() > 0.5)
    [0.5] True
    """
    pixels = draw(state)
    output = read(see(pixels, key))
    reached = score(output, weights)
    gradient = uphill(reached, output, state[0])
    return move(state, gradient, rate), reached, gradient, output


# --- the loop ------------------------------------------------------------------------------------


def rates(steps, rate=None):
    """The length of each step: the first is ``rate``, the last nearly 0; by default 5 together.

    Examples
    --------
    >>> print(rates(64).round(3)[[0, 1, -1]], rates(64).sum().round(1))
    [0.156 0.154 0.002] 5.1
    """
    return (2 * PATH / steps if rate is None else rate) * (1 - np.arange(steps) / steps)


def climb(step, state, weights, rates, seed=0, after=None):
    """All steps; the last state. ``after(state, outcome, rate, key)`` may change it after each.

    Examples
    --------
    >>> climb(lambda x, _, rate, key: (x + rate,), 0.0, None, [2.0, 1.0, 0.5]).numpy().tolist()
    3.5
    """
    for number, rate in enumerate(rates):
        key, length = tf.constant([seed, number], tf.int32), tf.constant(rate, tf.float32)
        state, *outcome = step(state, weights, length, key)
        if after is not None:
            state = after(state, outcome, length, key)
    return state


def ascend(net, layer, weights, size, *, kind="mean", shift=0, turn=0.0, steps=STEPS, seed=0):
    """The method by itself: an image for each direction in ``weights`` (N, units of the layer).

    Examples
    --------
    >>> from cnnlens import zoo
    >>> ascend(zoo.load("lenet"), "conv1", np.eye(2, 32, dtype="float32"), (28, 28), steps=2).shape
    (2, 28, 28, 1)
    """

    def one(state, weights, rate, key):
        def read(pixels):
            return net.outputs(pixels, [layer], linear=True)[layer]

        see = functools.partial(transform, shift=shift, turn=turn)
        score = functools.partial(objective, kind=kind)
        return step(read, state, weights, rate, key, see=see, score=score)

    seeds = [(seed, number) for number in range(len(weights))]
    state = start(seeds, *size, net.channels, NOISE[kind])
    compiled = tf.function(one, autograph=False)
    return draw(climb(compiled, state, tf.constant(weights), rates(steps), seed)).numpy()
