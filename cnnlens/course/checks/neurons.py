"""Checks of the exercises in lessons 03 and 04."""

import numpy as np

from ..exercise import compare, exercise


@exercise("ascent_step")
def ascent_step(answer):
    """(pixels, gradient, rate) -> pixels one normalized step further, against TensorFlow's own normalization."""
    import tensorflow as tf

    def reference(pixels, gradient, rate):
        moved = pixels + rate * tf.reshape(tf.math.l2_normalize(tf.reshape(gradient, [-1])), gradient.shape)
        return tf.clip_by_value(moved, 0.0, 1.0).numpy()

    generator = np.random.default_rng(0)

    def case(shape, scale, rate, low=0.2, high=0.8):
        return (
            generator.uniform(low, high, shape).astype(np.float32),
            (scale * generator.normal(size=shape)).astype(np.float32),
            rate,
        )

    cases = [
        ("a small grey image", case((6, 6, 1), 1.0, 0.1)),
        ("a gradient a thousand times as long, which must not matter", case((8, 8, 3), 1000.0, 0.1)),
        ("a very short gradient", case((8, 8, 3), 1e-3, 0.5)),
        ("pixels near black and white, which must stay in [0, 1]", case((8, 8, 3), 1.0, 4.0, 0.0, 1.0)),
    ]
    return compare(answer, reference, cases, tolerance=1e-4)


@exercise("unpool")
def unpool(answer):
    """(image (H, W), signal (H/2, W/2)) -> (H, W), each value back where the maximum stood, against TensorFlow."""
    import tensorflow as tf

    def reference(image, signal):
        pixels = tf.constant(image[None, :, :, None])
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            pooled = tf.nn.max_pool2d(pixels, 2, 2, "VALID")
        return tape.gradient(pooled, pixels, output_gradients=tf.constant(signal[None, :, :, None])).numpy()[0, :, :, 0]

    generator = np.random.default_rng(0)
    shapes = {"one block of 2 × 2": (2, 2), "a 4 × 4 image": (4, 4), "a 6 × 10 image": (6, 10)}
    cases = [
        (
            name,
            (
                generator.normal(size=(h, w)).astype(np.float32),
                generator.normal(size=(h // 2, w // 2)).astype(np.float32),
            ),
        )
        for name, (h, w) in shapes.items()
    ]
    return compare(answer, reference, cases)
