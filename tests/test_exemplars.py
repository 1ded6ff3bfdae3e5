import keras
import numpy as np
import pytest

from cnnlens import Network, exemplars, zoo
from cnnlens.errors import CnnlensError

kl = keras.layers


@pytest.fixture(scope="module")
def lenet():
    return zoo.load("lenet", weights="random")


@pytest.fixture(scope="module")
def digits():
    return np.random.default_rng(0).random((70, 28, 28, 1)).astype("float32")


def padded_net():
    """Like VGG16's beginning: 'same' padding, pooling in between, and color."""
    keras.utils.set_random_seed(0)
    layers = [
        kl.Conv2D(6, 3, padding="same", activation="relu"),
        kl.Conv2D(6, 3, padding="same", activation="relu"),
        kl.MaxPooling2D(2),
        kl.Conv2D(8, 3, padding="same", activation="relu", name="deep"),
        kl.MaxPooling2D(2, name="pool"),
    ]
    return Network(keras.Sequential([keras.Input((None, None, 3)), *layers]), "padded")


@pytest.mark.parametrize("measure", ["peak", "mean"])
@pytest.mark.parametrize("layer", ["conv1", "pool2", "dense1", "dense2"])
def test_equals_sorting_everything(lenet, digits, layer, measure):
    units = [5, 0, 3]
    tops = exemplars.find(lenet, layer, digits, units=units, k=4, measure=measure, batch_size=16)
    values = lenet.read(digits, [layer], linear=True)[layer].reshape(70, -1, lenet.layer(layer).units)
    values = (values.max(1) if measure == "peak" else values.mean(1))[:, units]
    np.testing.assert_allclose(tops.activation, np.sort(values, 0)[::-1][:4].T, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(values.T, tops.index, 1), tops.activation, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "make, layer, size",
    [(lambda: zoo.load("lenet", weights="random"), "pool2", 28), (padded_net, "deep", 40), (padded_net, "pool", 42)],
)
def test_a_patch_alone_gives_the_same_activation(make, layer, size):
    net = make()
    images = np.random.default_rng(1).random((30, size, size, net.channels)).astype("float32")
    tops = exemplars.find(net, layer, images, k=5)
    again = exemplars.rerun(net, tops)
    assert tops.inside.sum() > 10
    np.testing.assert_allclose(again[tops.inside], tops.activation[tops.inside], atol=1e-4)


def test_the_patch_is_cut_where_the_box_says(lenet, digits):
    tops = exemplars.find(lenet, "conv2", digits, units=[1], k=3)
    for rank in range(3):
        top, left, bottom, right = tops.box[0, rank]
        image = digits[tops.index[0, rank]]
        np.testing.assert_array_equal(tops.patches[0, rank], image[top:bottom, left:right])
        np.testing.assert_array_equal(tops.images[tops.index[0, rank]], image)


def test_one_pass_for_several_layers_over_a_stream_that_is_read_once(lenet, digits):
    reads = []

    def stream():
        for first in range(0, 70, 10):
            reads.append(first)
            yield digits[first : first + 10]

    both = exemplars.find(lenet, ["conv1", "dense1"], stream(), k=3)
    assert reads == list(range(0, 70, 10))
    for layer, tops in both.items():
        alone = exemplars.find(lenet, layer, digits, k=3)
        np.testing.assert_allclose(tops.activation, alone.activation, atol=1e-6)
        assert set(tops.images) == set(tops.index.ravel().tolist())
        assert tops.seen == 70


def test_a_file_larger_than_memory_would_be_read_in_slices(lenet, digits, tmp_path):
    class Sliced:
        """Refuses to be read whole."""

        shape = digits.shape

        def __len__(self):
            return len(digits)

        def __getitem__(self, index):
            assert isinstance(index, slice) and index.stop - index.start <= 16
            return digits[index]

    tops = exemplars.find(lenet, "conv1", Sliced(), units=[0], k=2, batch_size=16)
    assert tops.activation.shape == (1, 2)


def test_fewer_images_than_asked_for_and_all_kinds_of_pixels(lenet):
    images = np.random.default_rng(0).integers(0, 256, (2, 28, 28, 1), dtype=np.uint8)
    tops = exemplars.find(lenet, "conv1", images, units=0, k=9)
    assert tops.patches.shape == (1, 2, 3, 3, 1)
    same = exemplars.find(lenet, "conv1", images.astype(np.float64) / 255, units=0, k=9)
    np.testing.assert_allclose(same.activation, tops.activation, atol=1e-6)


@pytest.mark.parametrize(
    "how", [{"units": [32]}, {"units": []}, {"units": ["a"]}, {"k": 0}, {"measure": "median"}, {"layer": "conv9"}]
)
def test_bad_input_is_named(lenet, digits, how):
    with pytest.raises(CnnlensError):
        exemplars.find(lenet, **{"layer": "conv1", "images": digits, **how})


def test_any_network_that_opens_is_looked_through():
    image = keras.Input((12, 10, 5))
    inner = keras.Sequential([keras.Input((12, 10, 5)), kl.Conv2D(3, 3, strides=2, name="c")], name="inner")
    left, right = inner(image), kl.Conv2D(3, 5, strides=2, padding="valid", name="wide")(kl.ZeroPadding2D(1)(image))
    rows = kl.Reshape((20, 3), name="rows")(kl.Add(name="sum")([left, right]))
    model = keras.Model(image, kl.Dense(2, name="d")(kl.Flatten()(kl.Conv1D(4, 3, name="line")(rows))))
    images = np.random.default_rng(0).random((6, 12, 10, 5)).astype("float32")
    found = exemplars.find(model, ["inner/c", "sum", "line", "d"], images, k=2, source="made up")
    values = Network.of(model).read(images, list(found), linear=True)
    for layer, tops in found.items():
        peaks = values[layer].reshape(6, -1, values[layer].shape[-1]).max(1)
        np.testing.assert_allclose(tops.activation, np.sort(peaks, 0)[::-1][:2].T, rtol=1e-5)
        assert "made up" in tops.source
        tops._repr_mimebundle_()
    again, tops = exemplars.rerun(model, found["sum"]), found["sum"]
    assert tops.inside.any()
    np.testing.assert_allclose(again[tops.inside], tops.activation[tops.inside], atol=1e-4)


def test_no_images_is_said(lenet):
    with pytest.raises(CnnlensError, match="no images"):
        exemplars.find(lenet, "conv1", iter([]))
