"""The exercises of lesson 05."""

import numpy as np

from ..exercise import exercise

VGG16 = (2, 2, 3, 3, 3)  # convolutions in each of its blocks, and a pooling behind each block but the last


def _sizes():
    return {
        "LeNet's first convolution (28, 3, 1)": (28, 3, 1),
        "its pooling (26, 2, 2)": (26, 2, 2),
        "a pooling that does not divide the map (13, 2, 2)": (13, 2, 2),
        "a 7 × 7 kernel with stride 2 (224, 7, 2)": (224, 7, 2),
        "a kernel as large as the image (5, 5, 3)": (5, 5, 3),
    }


@exercise(
    _sizes,
    {
        "The kernel must not leave the image: a map is smaller than the image.": lambda side, kernel, stride: (
            side // stride
        ),
        "The place where the kernel begins is forgotten: there is one more place than steps.": (
            lambda side, kernel, stride: (side - kernel) // stride
        ),
        "There are no half places: round down.": lambda side, kernel, stride: (side - kernel) / stride + 1,
        "A last step that would leave the image is not made: round down, not up.": lambda side, kernel, stride: (
            -(-(side - kernel) // stride) + 1
        ),
        "The stride is forgotten.": lambda side, kernel, stride: side - kernel + 1,
        "That is the size with padding.": lambda side, kernel, stride: -(-side // stride),
    },
)
def map_size(side, kernel, stride):
    """Of Keras's own convolution without padding."""
    import keras

    return keras.layers.Conv2D(1, kernel, strides=stride).compute_output_shape((1, side, side, 1))[1]


def _of_vgg16(kernel=3, pooling=(2, 2)):
    """The axis of its last map behind convolutions of that kernel and poolings of (kernel, stride)."""
    from ...receptive_fields import Axis

    axis = Axis()
    for block, convolutions in enumerate(VGG16):
        for size, stride in [pooling] * (block > 0) + [(kernel, 1)] * convolutions:
            axis = axis.window(size, stride, 0)
    return axis.field


@exercise(
    mistakes={
        "Behind each pooling, neighbors in the map are twice as far apart in the image.": lambda: _of_vgg16(
            pooling=(2, 1)
        ),
        "That is without pooling, thirteen 3 × 3 convolutions.": lambda: _of_vgg16(pooling=(1, 1)),
        "A pooling sees two places itself.": lambda: _of_vgg16(pooling=(1, 2)),
        "That is the whole image: count what the convolutions and poolings add.": lambda: 224,
        "That is how far neighbors of this map are apart, not how much each of them sees.": lambda: 16,
    }
)
def block5_sees():
    """By our rule for receptive fields; a test compares that with gradients."""
    return _of_vgg16()


def _chains():
    return {
        "one 3 × 3 convolution": ([(3, 1)],),
        "two 3 × 3 convolutions": ([(3, 1), (3, 1)],),
        "a 3 × 3 convolution, then a pooling of 2": ([(3, 1), (2, 2)],),
        "all four layers of LeNet": ([(3, 1), (2, 2), (3, 1), (2, 2)],),
        "strides that differ": ([(5, 3), (3, 2), (2, 1)],),
    }


def _field(layers, less=1, before=True, grow=lambda apart, stride: apart * stride):
    field, apart = 1, 1
    for kernel, stride in layers:
        after = grow(apart, stride)
        field, apart = field + (kernel - less) * (apart if before else after), after
    return field


@exercise(
    _chains,
    {
        "The strides are forgotten: behind a stride of 2, neighbors are 2 pixels apart.": lambda layers: _field(
            layers, grow=lambda apart, stride: 1
        ),
        "The kernels are added: the first place is counted anew in each layer.": lambda layers: sum(
            kernel for kernel, _ in layers
        ),
        "The kernels are multiplied.": lambda layers: np.prod([kernel for kernel, _ in layers]),
        "Each layer adds kernel − 1, not kernel.": lambda layers: _field(layers, less=0),
        "A layer's own stride counts only for the layers behind it.": lambda layers: _field(layers, before=False),
        "Strides multiply: behind two of 2, neighbors are 4 pixels apart.": lambda layers: _field(
            layers, grow=lambda apart, stride: apart + stride - 1
        ),
        "Only the stride of the layer before is counted, not those of all before it.": lambda layers: _field(
            layers, grow=lambda apart, stride: stride
        ),
        "The layers are taken from the last to the first.": lambda layers: _field(layers[::-1]),
    },
)
def receptive_field(layers):
    """How many pixels in a row change the output at one position, found by asking for the gradient."""
    import tensorflow as tf

    side = 64
    line = tf.Variable(tf.ones((1, side, side, 1)))
    with tf.GradientTape() as tape:
        x = line
        for kernel, stride in layers:  # all weights one, so that no two paths cancel
            x = tf.nn.conv2d(x, tf.ones((kernel, kernel, 1, 1)), stride, "VALID")
        answer = x[0, 0, 0, 0]
    return np.count_nonzero(tape.gradient(answer, line)[0, 0, :, 0])


def _networks():
    generator = np.random.default_rng(9)

    def case(height, width, units, classes, label):
        maps = np.maximum(generator.normal(size=(height, width, units)), 0)
        hidden, last = generator.normal(size=(maps.size, 6)), generator.normal(size=(6, classes))
        return maps, lambda changed: np.maximum(np.ravel(changed) @ hidden, 0) @ last, label

    return {
        "five maps of 3 × 3, class 1 of 3": case(3, 3, 5, 3, 1),
        "eight maps of 2 × 4, class 0 of 10": case(2, 4, 8, 10, 0),
        "four maps of 4 × 3, class 2 of 4": case(4, 3, 4, 4, 2),
    }


def _left(maps, rest, label, hidden):
    """The score with each unit's map in turn as ``hidden(its map)``."""
    changed = np.repeat(maps[None], maps.shape[-1], 0)
    for unit, one in enumerate(changed):
        one[..., unit] = hidden(one[..., unit])
    return np.array([rest(one)[label] for one in changed])


def _without_strongest(one):
    return np.where(one == one.max(), 0, one)


@exercise(
    _networks,
    {
        "The units before it stay at zero: ablate one at a time.": lambda maps, rest, label: np.array(
            [
                rest(maps)[label] - rest(maps * (np.arange(maps.shape[-1]) > unit))[label]
                for unit in range(maps.shape[-1])
            ]
        ),
        "All the other units are at zero: ablate the one, and keep the others.": lambda maps, rest, label: np.array(
            [
                rest(maps)[label] - rest(maps * (np.arange(maps.shape[-1]) == unit))[label]
                for unit in range(maps.shape[-1])
            ]
        ),
        "That is the score that is left; asked is what is lost.": lambda maps, rest, label: _left(
            maps, rest, label, np.zeros_like
        ),
        "That is what the score gains without the unit; asked is what it loses.": lambda maps, rest, label: (
            -score_drops(maps, rest, label)
        ),
        "A gain is a loss below zero: do not take the sign away.": lambda maps, rest, label: np.abs(
            score_drops(maps, rest, label)
        ),
        "A gain is a loss below zero: do not cut it off.": lambda maps, rest, label: np.maximum(
            score_drops(maps, rest, label), 0
        ),
        "That is the loss of the class with the highest score, not of the label.": lambda maps, rest, label: (
            score_drops(maps, rest, rest(maps).argmax())
        ),
        "That is the loss of all classes together.": lambda maps, rest, label: sum(
            score_drops(maps, rest, each) for each in range(len(rest(maps)))
        ),
        "Only the unit's strongest place is at zero: its whole map must be.": lambda maps, rest, label: (
            rest(maps)[label] - _left(maps, rest, label, _without_strongest)
        ),
        "The unit is held at its mean, not at zero.": lambda maps, rest, label: (
            rest(maps)[label] - _left(maps, rest, label, np.mean)
        ),
        "That is how strongly each unit responds, not what is lost without it.": lambda maps, rest, label: maps.mean(
            (0, 1)
        ),
        "That is the part of the score that is lost; asked is by how much it falls.": lambda maps, rest, label: (
            score_drops(maps, rest, label) / rest(maps)[label]
        ),
    },
)
def score_drops(maps, rest, label):
    """As our lens has it: the score before less the score after, one unit at a time."""
    return rest(maps)[label] - _left(maps, rest, label, np.zeros_like)
