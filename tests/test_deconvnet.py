import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.signal import convolve2d, correlate2d

from cnnlens import Network, deconvnet, zoo
from cnnlens.errors import CnnlensError

kl = keras.layers


def two_layers(image, first, second):
    """By hand: conv, ReLU, max pool 2, conv, ReLU; then the strongest position back along the switches."""
    hidden = np.maximum(correlate2d(image, first, "valid"), 0)
    rows, cols = hidden.shape[0] // 2, hidden.shape[1] // 2
    blocks = hidden[: rows * 2, : cols * 2].reshape(rows, 2, cols, 2).transpose(0, 2, 1, 3).reshape(rows, cols, 4)
    pooled, switches = blocks.max(-1), blocks.argmax(-1)
    output = np.maximum(correlate2d(pooled, second, "valid"), 0)
    row, col = np.unravel_index(output.argmax(), output.shape)
    kept = np.zeros_like(output)
    kept[row, col] = output[row, col]
    back = convolve2d(kept, second, "full")  # convolution flips the filter, correlation does not
    unpooled = np.zeros_like(hidden)
    for i in range(rows):
        for j in range(cols):
            unpooled[2 * i + switches[i, j] // 2, 2 * j + switches[i, j] % 2] = back[i, j]
    return convolve2d(np.maximum(unpooled, 0), first, "full"), (row, col), output[row, col]


def body(rng, nested=False):
    first, second = rng.normal(size=(2, 3, 3)).astype("float32")
    layers = [
        kl.Conv2D(1, 3, activation="relu", use_bias=False, name="a"),
        kl.MaxPooling2D(2, name="p"),
        kl.Conv2D(1, 3, use_bias=False, name="b"),
        kl.ReLU(name="r"),
    ]
    image = keras.Input((14, 14, 1))
    if nested:
        inner = keras.Sequential([keras.Input((14, 14, 1)), *layers], name="inner")
        model = keras.Model(image, kl.Flatten(name="flat")(inner(image)))
    else:
        model = keras.Sequential([image, *layers])
    layers[0].set_weights([first[:, :, None, None]])
    layers[2].set_weights([second[:, :, None, None]])
    return Network(model), first, second


@pytest.mark.parametrize("nested", [False, True])
def test_equals_the_two_layers_computed_by_hand(nested):
    rng = np.random.default_rng(3)
    net, first, second = body(rng, nested)
    images = rng.random((3, 14, 14, 1)).astype("float32")
    found = deconvnet.project(net, images, "inner/r" if nested else "r", unit=0)
    for i, image in enumerate(images):
        expected, position, activation = two_layers(image[..., 0], first, second)
        assert activation > 0
        np.testing.assert_allclose(found.projection[i, ..., 0], expected, atol=1e-5)
        assert tuple(found.position[i]) == position
        assert found.activation[i] == pytest.approx(activation, rel=1e-5)
    assert found.rectifiers == 2


def test_layers_traced_together_share_a_function_and_give_what_each_gives_alone():
    rng = np.random.default_rng(3)
    net, *_ = body(rng)
    images = rng.random((3, 14, 14, 1)).astype("float32")
    alone = [deconvnet.project(net, images, layer, 0) for layer in ("a", "p", "r")]
    known = set(net._compiled)
    with net.together(("a", "p", "r")):
        shared = [deconvnet.project(net, images, layer, 0) for layer in ("a", "p", "r")]
    assert len(set(net._compiled) - known) == 1
    for one, other in zip(alone, shared):
        np.testing.assert_allclose(one.projection, other.projection, atol=1e-6)
        np.testing.assert_allclose(one.activation, other.activation, rtol=1e-6)
        assert one.rectifiers == other.rectifiers and (one.position == other.position).all()
    assert net.traced_with("a") == ("a",) and [each.rectifiers for each in shared] == [1, 1, 2]


def test_differs_from_the_plain_gradient():
    rng = np.random.default_rng(3)
    net, *_ = body(rng)
    image = rng.random((1, 14, 14, 1)).astype("float32")
    found = deconvnet.project(net, image, "r", unit=0)
    with tf.GradientTape() as tape:
        pixels = tf.constant(image)
        tape.watch(pixels)
        output = net.outputs(pixels, ["r"])["r"]
        row, col = found.position[0]
        top = output[0, row, col, 0]
    plain = tape.gradient(top, pixels).numpy() * top.numpy()
    assert np.abs(found.projection - plain).max() > 0.01 * np.abs(plain).max()


def test_branches_add_up():
    """A sum of two branches, each its own ReLU: what comes back is the sum of what comes back through each."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(3, 3, 1, 2)).astype("float32") for _ in range(2)]
    image = keras.Input((9, 9, 1))
    convs = [kl.Conv2D(2, 3, use_bias=False, activation="relu", name=f"c{i}") for i in range(2)]
    both = keras.Model(image, kl.Add(name="sum")([conv(image) for conv in convs]))
    for conv, weight in zip(convs, weights):
        conv.set_weights([weight])
    picture = rng.random((1, 9, 9, 1)).astype("float32")
    found = deconvnet.project(Network(both), picture, "sum", unit=1)
    row, col = found.position[0]
    expected = np.zeros((9, 9))
    for weight in weights:  # every branch gets the whole signal back
        expected[row : row + 3, col : col + 3] += found.activation[0] * weight[:, :, 0, 1]
    np.testing.assert_allclose(found.projection[0, ..., 0], expected, atol=1e-4)
    assert found.rectifiers == 2


def test_reaches_relus_in_a_class_of_ones_own():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = kl.Conv2D(4, 3, name="a"), kl.Conv2D(4, 3, name="b")

        def call(self, inputs):
            return tf.nn.relu(self.b(tf.nn.relu(self.a(inputs))))

    model = Own()
    model(np.zeros((1, 12, 12, 1)))
    found = deconvnet.project(Network(model, "own"), np.random.default_rng(0).random((1, 12, 12, 1)), "b", unit=2)
    assert found.rectifiers == 1  # the one before layer b; its own comes after it


@pytest.mark.parametrize("activation", ["tanh", "gelu", "silu", "sigmoid", None])
def test_no_relu_raises(activation):
    model = keras.Sequential([keras.Input((9, 9, 1)), kl.Conv2D(2, 3, activation=activation, name="c")])
    for _ in range(2):  # the second time all is compiled already
        with pytest.raises(CnnlensError, match="No ReLU stands between the image and layer 'c'"):
            deconvnet.project(Network.of(model), np.zeros((1, 9, 9, 1)), "c", unit=0)


@pytest.mark.parametrize("gate", [kl.ReLU(6.0, name="r"), kl.Activation("relu6", name="r"), kl.LeakyReLU(name="r")])
def test_relu6_and_leaky_ones_are_rectifiers_and_pass_what_is_saturated(gate):
    kernel = np.random.default_rng(0).normal(size=(3, 3, 5, 4)).astype("float32") * 20
    conv = kl.Conv2D(4, 3, use_bias=False, name="c")
    inner = keras.Sequential([keras.Input((9, 9, 5)), conv, gate], name="inner")
    image = keras.Input((9, 9, 5))
    model = keras.Model(image, kl.Dense(2, name="d")(kl.Flatten()(inner(image))))
    conv.set_weights([kernel])
    images = np.random.default_rng(1).random((2, 9, 9, 5)).astype("float32")
    found = deconvnet.project(model, images, "inner/r", unit=1, source="made up", batch_size=1)
    assert found.rectifiers == 1 and "made up" in found.source and found.projection.shape == (2, 9, 9, 5)
    for i, (row, col) in enumerate(found.position):
        expected = np.zeros((9, 9, 5))
        expected[row : row + 3, col : col + 3] = found.activation[i] * kernel[..., 1]
        np.testing.assert_allclose(found.projection[i], expected, rtol=1e-4, atol=1e-3)
    assert isinstance(gate, kl.LeakyReLU) or (found.activation == 6).any(), "where the plain gradient would be zero"
    found._repr_mimebundle_()  # five channels are drawn as well


def test_stays_inside_what_the_unit_saw_and_takes_all_kinds_of_pixels():
    net = zoo.load("lenet", weights="random")
    images = np.random.default_rng(1).integers(0, 256, (2, 28, 28, 1), dtype=np.uint8)
    found = deconvnet.project(net, images, "pool2", unit=3)
    for i in range(2):
        top, left, bottom, right = found.box[i]
        outside = found.projection[i].copy()
        outside[top:bottom, left:right] = 0
        assert np.abs(outside).max() == 0 < np.abs(found.crop(i)).max()
    same = deconvnet.project(net, images.astype(np.float64) / 255, "pool2", unit=3)
    np.testing.assert_allclose(same.projection, found.projection, atol=1e-5)
    every = deconvnet.project(net, images, "pool2", unit=3, position="all")
    assert (every.position == -1).all() and (every.activation >= found.activation - 1e-5).all()
    behind = deconvnet.project(net, images, "dense1", unit=3)
    assert behind.projection.shape == (2, 28, 28, 1)


@pytest.mark.parametrize(
    "unit, position", [(32, "strongest"), (-1, "strongest"), (1.5, "strongest"), (0, (9, 0)), (0, "weakest")]
)
def test_bad_input_is_named(unit, position):
    with pytest.raises(CnnlensError):
        deconvnet.project(
            zoo.load("lenet", weights="random"), np.zeros((1, 28, 28, 1)), "pool2", unit, position=position
        )


def test_a_unit_for_each_image_gives_what_they_give_one_by_one():
    lenet, digits = zoo.load("lenet"), np.random.default_rng(0).random((3, 28, 28, 1), np.float32)
    units = [5, 0, 5]
    together = deconvnet.project(lenet, digits[:3], "conv2", units)
    for i, unit in enumerate(units):
        alone = deconvnet.project(lenet, digits[i : i + 1], "conv2", unit)
        assert np.allclose(together.projection[i], alone.projection[0], atol=1e-5)
        assert together.position[i].tolist() == alone.position[0].tolist()
    with pytest.raises(CnnlensError, match="3 images and 2 units"):
        deconvnet.project(lenet, digits[:3], "conv2", [1, 2])
