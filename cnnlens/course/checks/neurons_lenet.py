"""The exercises of lesson 03."""

import numpy as np

from ..exercise import exercise


def _steps():
    generator = np.random.default_rng(0)

    def step(shape, scale, rate, low=0.2, high=0.8):
        pixels = generator.uniform(low, high, shape).astype(np.float32)
        return pixels, (scale * generator.normal(size=shape)).astype(np.float32), rate

    return {
        "a small grey image": step((6, 6, 1), 1.0, 0.1),
        "a gradient a thousand times as long, which must not matter": step((8, 8, 3), 1000.0, 0.1),
        "a very short gradient": step((8, 8, 3), 1e-3, 0.5),
        "pixels near black and white, which must stay in [0, 1]": step((8, 8, 3), 1.0, 4.0, 0.0, 1.0),
    }


def _step(pixels, gradient, rate, length):
    return np.clip(pixels + rate * gradient / length, 0, 1)


@exercise(
    _steps,
    {
        "The gradient is not divided by its length, so a steep unit runs away.": lambda pixels, gradient, rate: _step(
            pixels, gradient, rate, 1
        ),
        "The result leaves [0, 1]: there is no blacker black.": lambda pixels, gradient, rate: (
            pixels + rate * gradient / np.linalg.norm(gradient)
        ),
        "That step goes down: along the gradient the activation grows.": lambda pixels, gradient, rate: ascent_step(
            pixels, -gradient, rate
        ),
        "The gradient is divided by its largest value; its length is the root of the sum of squares.": (
            lambda pixels, gradient, rate: _step(pixels, gradient, rate, np.abs(gradient).max())
        ),
        "The gradient is divided by the sum of squares; its length is the root of that.": (
            lambda pixels, gradient, rate: _step(pixels, gradient, rate, np.square(gradient).sum())
        ),
        "The gradient is divided by the root of the mean square, not of the sum.": (
            lambda pixels, gradient, rate: _step(pixels, gradient, rate, np.sqrt(np.square(gradient).mean()))
        ),
        "Each row has a length of its own; the gradient has one, of all its values.": lambda pixels, gradient, rate: (
            _step(pixels, gradient, rate, np.linalg.norm(gradient, axis=(1, 2), keepdims=True))
        ),
    },
    tolerance=1e-4,
)
def ascent_step(pixels, gradient, rate):
    """With TensorFlow's own normalization."""
    import tensorflow as tf

    moved = pixels + rate * tf.reshape(tf.math.l2_normalize(tf.reshape(gradient, [-1])), gradient.shape)
    return tf.clip_by_value(moved, 0.0, 1.0).numpy()


def _filters():
    generator = np.random.default_rng(5)
    return {
        "a kernel of both signs": (generator.normal(0, 1, (3, 3)), 0.1),
        "a kernel and a bias below zero": (generator.normal(0, 1, (3, 3)), -0.4),
        "a kernel of another shape": (generator.normal(0, 1, (2, 4)), 0.3),
        "a kernel that nothing can please": (-generator.random((3, 3)), -0.2),
    }


def _light(kernel):
    return np.maximum(kernel, 0).sum()


@exercise(
    _filters,
    {
        "The bias is forgotten: it is added to every place.": lambda kernel, bias: _light(kernel),
        "The ReLU is forgotten: an activation is never below zero.": lambda kernel, bias: _light(kernel) + bias,
        "That is the activation of an image that is white throughout: be black where the weight is negative.": (
            lambda kernel, bias: np.maximum(kernel.sum() + bias, 0)
        ),
        "A pixel is not below zero: where the weight is negative, black (0) is the best there is.": (
            lambda kernel, bias: np.maximum(np.abs(kernel).sum() + bias, 0)
        ),
        "That is one pixel alone: all nine of them can be chosen.": lambda kernel, bias: np.maximum(
            kernel.max() + bias, 0
        ),
        "The bias counts once, not once a pixel.": lambda kernel, bias: np.maximum(kernel + bias, 0).sum(),
    },
    tolerance=1e-4,
)
def best_activation(kernel, bias):
    """The largest that Keras's convolution and ReLU give for any image of black and white pixels."""
    from keras import ops

    patches = (np.arange(2**kernel.size)[:, None] >> np.arange(kernel.size)) & 1
    images = patches.reshape(-1, *kernel.shape, 1).astype(np.float32)
    return float(ops.max(ops.relu(ops.conv(images, kernel[:, :, None, None].astype(np.float32)) + bias)))


def _networks():
    import keras

    def network(seed, size, *layers):
        model = keras.Sequential([keras.Input(size), *layers])
        return model, np.random.default_rng(seed).uniform(0.3, 0.7, size).astype(np.float32)

    keras.utils.set_random_seed(1)  # a layer takes its seed when it is made
    convolution = keras.layers.Conv2D
    grey, begun = network(1, (9, 7, 1), convolution(4, 3, activation="softplus", name="first"))
    color, colored = network(
        2, (12, 10, 3), convolution(4, 3, activation="softplus", name="first"), convolution(5, 3, name="second")
    )
    return {
        "one step": (grey, "first", 1, begun, 0.1, 1),
        "five steps": (grey, "first", 0, begun, 0.2, 5),
        "a second layer, in color": (color, "second", 3, colored, 0.5, 4),
        "steps so large that pixels reach black and white": (color, "second", 2, colored, 4.0, 3),
    }


def _climbed(model, layer, unit, image, rate, steps, move=None, anew=True):
    """The ascent, in which a mistake exchanges how a step is made, or from where the gradient is taken."""
    import keras
    import tensorflow as tf

    part, at = keras.Model(model.inputs[0], model.get_layer(layer).output), image
    for _ in range(steps):
        pixels = tf.constant((at if anew else image)[None])
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            reached = tf.reduce_mean(part(pixels)[..., unit])
        at = (move or ascent_step)(at, tape.gradient(reached, pixels).numpy()[0], rate)
    return at


def _with(**changed):
    return lambda *given: _climbed(*given, **changed)


@exercise(
    _networks,
    {
        "It goes down: along the gradient the activation grows.": _with(
            move=lambda pixels, gradient, rate: ascent_step(pixels, -gradient, rate)
        ),
        "The gradient is not divided by its length.": _with(
            move=lambda pixels, gradient, rate: _step(pixels, gradient, rate, 1)
        ),
        "The pixels leave [0, 1].": _with(
            move=lambda pixels, gradient, rate: pixels + rate * gradient / np.linalg.norm(gradient)
        ),
        "The gradient is taken once, at the first image: take it anew at each step.": _with(anew=False),
        "All units of the layer are climbed together, not the one that was asked for.": (
            lambda model, layer, unit, *rest: _climbed(model, layer, slice(None), *rest)
        ),
        "It is the first unit that is climbed, whichever was asked for.": lambda model, layer, unit, *rest: _climbed(
            model, layer, 0, *rest
        ),
        "That is one step, however many were asked for.": lambda *given: _climbed(*given[:-1], 1),
        "That is where it began: no step was made.": lambda *given: given[3],
    },
    tolerance=1e-3,
)
def climb(model, layer, unit, image, rate, steps):
    """With Keras's and TensorFlow's own gradient."""
    return _climbed(model, layer, unit, image, rate, steps)


def _kernels():
    generator = np.random.default_rng(6)
    repeated = generator.normal(size=(3, 3, 2, 6))
    repeated[..., 4] = 3 * repeated[..., 1]
    repeated[..., 5] = -repeated[..., 0]
    return {
        "five filters of a grey layer": (generator.normal(0.3, 1, (3, 3, 1, 5)),),
        "six filters, of which one repeats another and one is its negative": (repeated,),
        "filters that are not square": (generator.normal(0.5, 1, (2, 5, 4, 3)),),
    }


def _rows(kernels):
    return kernels.reshape(-1, kernels.shape[-1]).T


def _cosines(rows):
    return (rows @ rows.T) / np.outer(np.linalg.norm(rows, axis=1), np.linalg.norm(rows, axis=1))


@exercise(
    _kernels,
    {
        "These are products that still grow with the filters' lengths: divide by both.": lambda kernels: (
            _rows(kernels) @ _rows(kernels).T
        ),
        "The products are divided by one length only; each filter of the pair has one.": lambda kernels: (
            _rows(kernels) @ _rows(kernels).T / np.linalg.norm(_rows(kernels), axis=1)
        ),
        "That is a correlation: each filter has lost its mean.": lambda kernels: np.corrcoef(_rows(kernels)),
        "The sign is lost: a filter and its negative look for opposites.": lambda kernels: np.abs(
            _cosines(_rows(kernels))
        ),
        "The filters are mixed up: in Keras the last axis counts them.": lambda kernels: _cosines(
            kernels.reshape(kernels.shape[-1], -1)
        ),
        "Those are the channels that come in, not the filters: in Keras the last axis counts them.": lambda kernels: (
            _cosines(np.moveaxis(kernels, 2, 0).reshape(kernels.shape[2], -1))
        ),
        "Those are distances, not similarities.": lambda kernels: np.linalg.norm(
            _rows(kernels)[:, None] - _rows(kernels)[None], axis=2
        ),
    },
)
def filter_similarity(kernels):
    """Scikit-learn's cosine similarity."""
    from sklearn.metrics.pairwise import cosine_similarity

    return cosine_similarity(_rows(kernels))
