"""The exercises of lesson 04."""

import numpy as np

from ..exercise import exercise


def _images_and_signals():
    generator = np.random.default_rng(0)

    def draw(height, width):
        shapes = (height, width), (height // 2, width // 2)
        return tuple(generator.normal(size=shape).astype(np.float32) for shape in shapes)

    return {"one block of 2 × 2": draw(2, 2), "a 4 × 4 image": draw(4, 4), "a 6 × 10 image": draw(6, 10)}


@exercise(_images_and_signals)
def unpool(image, signal):
    """The gradient of TensorFlow's max pooling."""
    import tensorflow as tf

    pixels = tf.constant(image[None, :, :, None])
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        pooled = tf.nn.max_pool2d(pixels, 2, 2, "VALID")
    return tape.gradient(pooled, pixels, output_gradients=tf.constant(signal[None, :, :, None])).numpy()[0, :, :, 0]
