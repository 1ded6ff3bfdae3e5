"""The exercises of lesson 02."""

import functools

import numpy as np

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


@exercise(
    mistakes={
        "The windows overlap: the second begins one pixel after the first, not three.": lambda: 9,
        "Neighboring windows share pixels: three of them in a row cover fewer than 3 + 3.": lambda: 6,
        "That is what one convolution sees; the second sees three values of the first, each with its own window.": (
            lambda: 3
        ),
    }
)
def pixels_seen():
    """How far conv2 of VGG4 sees, as Network counts it."""
    from ... import zoo

    return zoo.untrained("vgg4").layer("conv2").receptive_field[0]


def _pictures():
    generator = np.random.default_rng(3)

    def picture(height, width, channels, *how):
        return generator.random((height, width, channels)).astype(np.float32), *how

    return {
        "a grey picture moved down": picture(6, 5, 1, 2, 0, False),
        "a picture moved right": picture(5, 8, 3, 0, 3, False),
        "a picture moved up and left": picture(9, 7, 3, -1, -2, False),
        "a picture that is only mirrored": picture(4, 6, 3, 0, 0, True),
        "a picture moved down and right, then mirrored": picture(8, 6, 3, 1, 2, True),
    }


def _padded(image, down, across, mode):
    reach = [(abs(down),) * 2, (abs(across),) * 2, (0, 0)]
    top, left = abs(down) - down, abs(across) - across
    return np.pad(image, reach, mode)[top : top + image.shape[0], left : left + image.shape[1]]


def _mirrored(image, is_mirrored):
    return image[:, ::-1] if is_mirrored else image


@exercise(
    _pictures,
    {
        "It moves the other way: positive is down and to the right.": lambda image, down, across, turned: augment(
            image, -down, -across, turned
        ),
        "Down and across are swapped: the first axis of an image counts rows from the top.": (
            lambda image, down, across, turned: augment(image, across, down, turned)
        ),
        "What leaves on one side comes in on the other: fill with the mirrored border instead.": (
            lambda image, down, across, turned: _mirrored(np.roll(image, (down, across), (0, 1)), turned)
        ),
        "What comes in is black: fill with the mirrored border instead.": lambda image, down, across, turned: _mirrored(
            _padded(image, down, across, "constant"), turned
        ),
        "What comes in repeats the outermost pixel: mirror the border instead.": (
            lambda image, down, across, turned: _mirrored(_padded(image, down, across, "edge"), turned)
        ),
        "The outermost row or column comes twice: the mirror stands on it, not behind it.": (
            lambda image, down, across, turned: _mirrored(_padded(image, down, across, "symmetric"), turned)
        ),
        "It is mirrored first and moved then, which moves it the other way across.": (
            lambda image, down, across, turned: augment(_mirrored(image, turned), down, across, False)
        ),
        "It is turned upside down: left and right change places, not top and bottom.": (
            lambda image, down, across, turned: augment(image, down, across, False)[:: -1 if turned else 1]
        ),
        "It is mirrored always, or never, whatever the last argument says.": lambda image, down, across, turned: (
            augment(image, down, across, False)
        ),
    },
)
def augment(image, down, across, is_mirrored):
    """SciPy's shift, whose "mirror" has the outermost pixels once."""
    from scipy.ndimage import shift

    return _mirrored(shift(image, (down, across, 0), order=0, mode="mirror"), is_mirrored)


def _gradients():
    generator = np.random.default_rng(4)

    def gradient(rows, columns, lengths):
        left, right = (np.linalg.qr(generator.normal(size=(side, len(lengths))))[0] for side in (rows, columns))
        return (left * lengths @ right.T,)

    return {
        "a step of two directions, one ten times as long": gradient(2, 2, [3.0, 0.3]),
        "a tall step": gradient(9, 4, [2.0, 1.0, 0.5, 0.2]),
        "a wide step": gradient(3, 8, [5.0, 1.0, 0.5]),
        "a step that is small throughout": gradient(5, 5, [0.02, 0.01, 0.008, 0.005, 0.004]),
    }


@exercise(
    _gradients,
    {
        "The whole step has length 1, but its directions differ as before: the rounds are missing.": lambda gradient: (
            gradient / np.linalg.norm(gradient)
        ),
        "The longest direction has length 1, but the others are shorter still.": lambda gradient: (
            gradient / np.linalg.norm(gradient, 2)
        ),
        "Each entry has the same size; the directions of the step do not.": np.sign,
        "Each row has length 1, which leaves the directions as unequal as they were.": lambda gradient: (
            gradient / np.linalg.norm(gradient, axis=1, keepdims=True)
        ),
        "Each column has length 1, which leaves the directions as unequal as they were.": lambda gradient: (
            gradient / np.linalg.norm(gradient, axis=0, keepdims=True)
        ),
        "One round is not enough: the short directions have only begun to grow.": lambda gradient: _round(
            gradient / np.linalg.norm(gradient)
        ),
        "Five rounds are not enough: the shortest directions are still growing.": lambda gradient: functools.reduce(
            lambda step, _: _round(step), range(5), gradient / np.linalg.norm(gradient)
        ),
        "The short directions are now the long ones: that is the inverse of the step.": lambda gradient: (
            np.linalg.pinv(gradient).T
        ),
    },
    tolerance=0.01,
)
def equal_directions(gradient):
    """The product of the directions of NumPy's singular value decomposition, without their lengths."""
    left, _, right = np.linalg.svd(gradient, full_matrices=False)
    return left @ right


def _round(step):
    return 1.5 * step - 0.5 * step @ step.T @ step
