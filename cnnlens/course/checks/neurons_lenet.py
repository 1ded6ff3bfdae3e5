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


@exercise(_steps, tolerance=1e-4)
def ascent_step(pixels, gradient, rate):
    """With TensorFlow's own normalization."""
    import tensorflow as tf

    moved = pixels + rate * tf.reshape(tf.math.l2_normalize(tf.reshape(gradient, [-1])), gradient.shape)
    return tf.clip_by_value(moved, 0.0, 1.0).numpy()
