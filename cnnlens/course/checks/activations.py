"""The exercises of lesson 05."""

import numpy as np

from ..exercise import exercise


def _sizes():
    return {
        "LeNet's first convolution (28, 3, 1)": (28, 3, 1),
        "its pooling (26, 2, 2)": (26, 2, 2),
        "a pooling that does not divide the map (13, 2, 2)": (13, 2, 2),
        "a 7 × 7 kernel with stride 2 (224, 7, 2)": (224, 7, 2),
        "a kernel as large as the image (5, 5, 3)": (5, 5, 3),
    }


@exercise(_sizes)
def map_size(side, kernel, stride):
    """Of Keras's own convolution without padding."""
    import keras

    return keras.layers.Conv2D(1, kernel, strides=stride).compute_output_shape((1, side, side, 1))[1]


def _chains():
    return {
        "one 3 × 3 convolution": ([(3, 1)],),
        "two 3 × 3 convolutions": ([(3, 1), (3, 1)],),
        "a 3 × 3 convolution, then a pooling of 2": ([(3, 1), (2, 2)],),
        "all four layers of LeNet": ([(3, 1), (2, 2), (3, 1), (2, 2)],),
        "strides that differ": ([(5, 3), (3, 2), (2, 1)],),
    }


@exercise(_chains)
def receptive_field(steps):
    """How many pixels in a row change the output at one position, found by asking for the gradient."""
    import tensorflow as tf

    side = 64
    line = tf.Variable(tf.ones((1, side, side, 1)))
    with tf.GradientTape() as tape:
        x = line
        for kernel, stride in steps:  # all weights one, so that no two paths cancel
            x = tf.nn.conv2d(x, tf.ones((kernel, kernel, 1, 1)), stride, "VALID")
        answer = x[0, 0, 0, 0]
    return np.count_nonzero(tape.gradient(answer, line)[0, 0, :, 0])
