"""The exercises of lesson 02."""

from ..exercise import exercise


def _layers():
    return {
        "VGG4's first layer (3, 3, 64)": (3, 3, 64),
        "its second (3, 64, 64)": (3, 64, 64),
        "a 5 × 5 kernel on grey images (5, 1, 32)": (5, 1, 32),
        "a 1 × 1 kernel (1, 256, 10)": (1, 256, 10),
    }


@exercise(
    _layers,
    {
        "The bias is forgotten: one number for each filter.": lambda side, channels, filters: (
            side**2 * channels * filters
        ),
        "A filter has a kernel for each channel that comes in, not one for all.": lambda side, channels, filters: (
            (side**2 + 1) * filters
        ),
        "A filter has one bias in all, not one for each channel.": lambda side, channels, filters: (
            (side**2 + 1) * channels * filters
        ),
        "A kernel has side × side weights.": lambda side, channels, filters: (side * channels + 1) * filters,
    },
)
def parameters(side, channels, filters):
    """What a layer of Keras counts."""
    import keras

    layer = keras.layers.Conv2D(filters, side)
    layer.build((None, 32, 32, channels))
    return layer.count_params()
