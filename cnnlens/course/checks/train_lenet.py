"""The exercises of lesson 01."""

import numpy as np

from ..exercise import exercise


def _images_and_kernels():
    generator = np.random.default_rng(0)
    shapes = {
        "a 5 × 5 image and a 3 × 3 kernel": ((5, 5), (3, 3)),
        "a 6 × 9 image": ((6, 9), (3, 3)),
        "a 3 × 5 kernel": ((7, 7), (3, 5)),
    }
    return {
        name: tuple(generator.normal(size=shape).astype(np.float32) for shape in both) for name, both in shapes.items()
    }


def _padded(image, kernel):
    return convolution(np.pad(image, [(side // 2, side // 2) for side in kernel.shape]), kernel)


@exercise(
    _images_and_kernels,
    {
        "The kernel is flipped: a network lays it on the image as it is.": lambda image, kernel: convolution(
            image, kernel[::-1, ::-1]
        ),
        "The kernel is transposed.": lambda image, kernel: convolution(image, kernel.T),
        "The image is padded: here the window never leaves it.": _padded,
        "Each value is the mean of the products, not their sum.": lambda image, kernel: (
            convolution(image, kernel) / kernel.size
        ),
    },
    tolerance=1e-4,
)
def convolution(image, kernel):
    """Keras's own."""
    from keras import ops

    result = ops.conv(image[None, :, :, None], np.ascontiguousarray(kernel)[:, :, None, None], padding="valid")
    return ops.convert_to_numpy(result)[0, :, :, 0]


@exercise(
    mistakes={
        "The biases are forgotten: one for each of the 128 neurons.": lambda: 5 * 5 * 32 * 128,
        "There are 32 maps, not one.": lambda: (5 * 5 + 1) * 128,
        "Each of the 32 maps holds 5 × 5 values, not one.": lambda: (32 + 1) * 128,
        "These are the values that come in; each of the 128 neurons weighs all of them.": lambda: 5 * 5 * 32,
    }
)
def dense1_weights():
    """What Keras counts."""
    from ... import zoo

    return zoo.untrained("lenet").layer("dense1").params


def _maps():
    generator = np.random.default_rng(1)
    shapes = {
        "a 4 × 6 image": (4, 6, 1),
        "two maps of 11 × 11, whose last row and column fit into no window": (11, 11, 2),
        "three maps of 8 × 5": (8, 5, 3),
    }
    return {name: (generator.normal(-1, 1, shape).astype(np.float32),) for name, shape in shapes.items()}


def _even(maps):
    """Without the last row and column where these are left over."""
    return maps[: len(maps) // 2 * 2, : maps.shape[1] // 2 * 2]


@exercise(
    _maps,
    {
        "That is the mean of four values, not the largest.": lambda maps: (
            (_even(maps)[::2, ::2] + _even(maps)[1::2, ::2] + _even(maps)[::2, 1::2] + _even(maps)[1::2, 1::2]) / 4
        ),
        "That is the first of four values, not the largest.": lambda maps: _even(maps)[::2, ::2],
        "That is the smallest of four values, not the largest.": lambda maps: -max_pool(-maps),
        "The windows overlap: the next begins where the last one ended.": lambda maps: np.stack(
            [maps[:-1, :-1], maps[1:, :-1], maps[:-1, 1:], maps[1:, 1:]]
        ).max(0),
        "The values left of zero are lost: the largest of four negative values is negative.": lambda maps: np.maximum(
            max_pool(maps), 0
        ),
        "A row or column that is left over makes no window.": lambda maps: max_pool(
            np.pad(maps, [(0, side % 2) for side in maps.shape[:2]] + [(0, 0)], constant_values=-np.inf)
        ),
        "The largest is taken over all maps together: each is pooled by itself.": lambda maps: max_pool(
            np.repeat(maps.max(2, keepdims=True), maps.shape[2], 2)
        ),
    },
)
def max_pool(maps):
    """Keras's own."""
    from keras import ops

    return ops.convert_to_numpy(ops.max_pool(maps[None], 2, 2, padding="valid"))[0]


def _batches():
    generator = np.random.default_rng(2)

    def batch(images, values, classes, rate):
        drawn = generator.normal(size=(images, values)), generator.normal(0, 0.5, (values, classes))
        return drawn[1], drawn[0], generator.integers(0, classes, images), rate

    return {
        "one image and two classes": batch(1, 3, 2, 1.0),
        "eight images of ten classes": batch(8, 5, 10, 0.1),
        "a hundred images": batch(100, 4, 3, 0.5),
    }


def _step(weights, inputs, error, rate):
    return weights - rate * inputs.T @ error / len(inputs)


def _softmax(scores, axis=1):
    grown = np.exp(scores - scores.max())
    return grown / grown.sum(axis, keepdims=True)


def _wanted(scores, labels):
    return np.eye(scores.shape[1])[labels]


@exercise(
    _batches,
    {
        "That step goes uphill: the loss grows along the gradient, and falls against it.": lambda w, x, y, rate: (
            learning_step(w, x, y, -rate)
        ),
        "The gradient is summed over the images: the loss is their mean.": lambda w, x, y, rate: learning_step(
            w, x, y, rate * len(x)
        ),
        "The scores are compared with the labels as they are: the softmax is missing.": lambda w, x, y, rate: _step(
            w, x, x @ w - _wanted(x @ w, y), rate
        ),
        "The softmax runs over the images, not over the classes: each image's probabilities add up to 1.": (
            lambda w, x, y, rate: _step(w, x, _softmax(x @ w, 0) - _wanted(x @ w, y), rate)
        ),
        "All scores of the batch are divided by one sum: each image's probabilities add up to 1.": (
            lambda w, x, y, rate: _step(w, x, _softmax(x @ w, None) - _wanted(x @ w, y), rate)
        ),
        "Only the right class of each image has an error; the probabilities of all the others are too high.": (
            lambda w, x, y, rate: _step(w, x, (_softmax(x @ w) - _wanted(x @ w, y)) * _wanted(x @ w, y), rate)
        ),
        "The labels are not taken off: the error is the probability less what was wanted, 1 or 0.": (
            lambda w, x, y, rate: _step(w, x, _softmax(x @ w), rate)
        ),
        "That is the step alone: the result is the weights after it.": lambda w, x, y, rate: (
            learning_step(w, x, y, rate) - w
        ),
    },
    tolerance=1e-4,
)
def learning_step(weights, inputs, labels, rate):
    """Along the gradient of TensorFlow's own cross-entropy."""
    import tensorflow as tf

    kernel = tf.Variable(weights)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, inputs @ kernel))
    return weights - rate * tape.gradient(loss, kernel).numpy()
