"""Checks of the exercises in lessons 01 and 02."""

import numpy as np

from ..exercise import compare, exercise


@exercise("convolution")
def convolution(answer):
    """A function (image (H, W), kernel (h, w)) -> map, against Keras's own convolution."""
    from keras import ops

    def keras_convolution(image, kernel):
        return ops.convert_to_numpy(ops.conv(image[None, :, :, None], kernel[:, :, None, None], padding="valid"))[
            0, :, :, 0
        ]

    generator = np.random.default_rng(0)
    shapes = {
        "a 5 × 5 image and a 3 × 3 kernel": (5, 5, 3, 3),
        "a 6 × 9 image": (6, 9, 3, 3),
        "a 2 × 4 kernel": (7, 7, 2, 4),
    }
    cases = [
        (name, tuple(generator.normal(size=size).astype(np.float32) for size in (shape[:2], shape[2:])))
        for name, shape in shapes.items()
    ]
    return compare(answer, keras_convolution, cases, tolerance=1e-4)


@exercise("parameters")
def parameters(answer):
    """A function (kernel side, channels in, filters) -> number of weights, against the count of a Keras layer."""
    import keras

    def keras_count(side, channels, filters):
        layer = keras.layers.Conv2D(filters, side)
        layer.build((None, 32, 32, channels))
        return layer.count_params()

    cases = [
        ("VGG4's first layer (3, 3, 64)", (3, 3, 64)),
        ("its second (3, 64, 64)", (3, 64, 64)),
        ("a 5 × 5 kernel on grey images (5, 1, 32)", (5, 1, 32)),
        ("a 1 × 1 kernel (1, 256, 10)", (1, 256, 10)),
    ]
    return compare(answer, keras_count, cases)
