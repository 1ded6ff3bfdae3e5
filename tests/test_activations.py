"""The activations lens: what it reads is what the layer gave, in any model that can be opened."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as kl

from cnnlens import ablation, activations, convolution, datasets, figures, zoo
from cnnlens.__main__ import main
from cnnlens.errors import CnnlensError
from cnnlens.network import Network
from cnnlens.scores import activations as scores

SIDE = 16


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((3, SIDE, SIDE, 3), dtype=np.float32)


def sequential():
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            kl.Conv2D(4, 3, activation="relu", name="conv1"),
            kl.MaxPooling2D(2, name="pool1"),
            kl.Conv2D(6, 3, padding="same", strides=2, name="conv2"),
            kl.BatchNormalization(name="norm"),
            kl.ReLU(name="relu"),
            kl.Flatten(name="flatten"),
            kl.Dense(5, activation="softmax", name="dense"),
        ],
        name="sequential",
    )


def branches():
    """An Inception block: four branches of different depth, joined, with a shortcut added."""
    image = keras.Input((SIDE, SIDE, 3))
    x = kl.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="stem")(image)
    one = kl.Conv2D(2, 1, name="one")(x)
    three = kl.Conv2D(2, 3, padding="same", dilation_rate=2, name="three")(kl.Conv2D(2, 1, name="reduce")(x))
    pooled = kl.Conv2D(2, 1, name="behind_pool")(kl.AveragePooling2D(3, 1, padding="same", name="pool")(x))
    deep = kl.DepthwiseConv2D((1, 5), padding="same", name="deep")(x)
    joined = kl.Concatenate(name="joined")([one, three, pooled, deep])
    added = kl.Add(name="added")([joined, kl.Conv2D(10, 1, name="shortcut")(x)])
    return keras.Model(image, kl.GlobalAveragePooling2D(name="mean")(added), name="branches")


def nested():
    """A convolution inside a model inside a model."""
    inner = keras.Sequential(
        [keras.Input((SIDE, SIDE, 4)), kl.Conv2D(3, 3, activation="relu", name="conv")], name="inner"
    )
    a = keras.Input((SIDE, SIDE, 3))
    middle = keras.Model(a, kl.Conv2D(2, 3, name="after")(inner(kl.Conv2D(4, 1, name="stem")(a))), name="middle")
    b = keras.Input((SIDE, SIDE, 3))
    x = kl.GlobalAveragePooling2D(name="mean")(middle(kl.Rescaling(2.0, name="twice")(b)))
    return keras.Model(b, kl.Dense(4, name="dense")(x), name="outer")


@keras.saving.register_keras_serializable("tests")
class Subclassed(keras.Model):
    """A subclassed model with a functional one inside."""

    def __init__(self, **options):
        super().__init__(**options)
        image = keras.Input((SIDE, SIDE, 3))
        x = kl.Conv2D(4, 3, activation="relu", name="conv1")(image)
        self.body = keras.Model(image, kl.Conv2D(4, 3, activation="relu", name="conv2")(x), name="body")
        self.head = kl.Dense(3, name="head")

    def call(self, images):
        return self.head(tf.reduce_mean(self.body(images), (1, 2)))


class Compiled(keras.Model):
    """A model whose call is a tf.function of its own."""

    def __init__(self):
        super().__init__()
        self.conv = kl.Conv2D(2, 3, name="conv")

    @tf.function
    def call(self, images):
        return self.conv(images)


class Opaque(keras.Model):
    """A model with weights but without layers."""

    def __init__(self):
        super().__init__()
        self.kernel = self.add_weight(shape=(3, 3, 3, 2), name="kernel")

    def call(self, images):
        return tf.nn.conv2d(images, self.kernel, 1, "SAME")


def reloaded(model, folder):
    model.save(folder / "model.keras")
    return keras.models.load_model(folder / "model.keras")


@pytest.mark.parametrize("build", [sequential, branches])
def test_maps_equal_the_layers_true_output(build, images):
    model = build()
    acts = activations.record(Network(model), images)
    assert len(acts) >= 6
    for path, values in acts.items():
        true = keras.Model(model.inputs[0], model.get_layer(path).output)(images)
        np.testing.assert_allclose(values, true, atol=1e-5)


@pytest.mark.parametrize("saved", [False, True])
def test_two_levels_deep_as_built_and_as_reloaded(saved, images, tmp_path):
    model = reloaded(nested(), tmp_path) if saved else nested()
    acts = activations.record(Network(model), images)
    assert list(acts) == ["middle/stem", "middle/inner/conv", "middle/after", "mean", "dense"]
    middle = model.get_layer("middle")
    stem = middle.get_layer("stem")(2 * images)
    inner = middle.get_layer("inner")(stem)
    np.testing.assert_allclose(acts["middle/stem"], stem, atol=1e-5)
    np.testing.assert_allclose(acts["middle/inner/conv"], inner, atol=1e-5)
    np.testing.assert_allclose(acts["middle/after"], middle.get_layer("after")(inner), atol=1e-5)
    np.testing.assert_allclose(acts["dense"], model(images), atol=1e-5)


@pytest.mark.parametrize("saved", [False, True])
def test_a_functional_model_inside_a_subclassed_one(saved, images, tmp_path):
    model = Subclassed(name="subclassed")
    model(images)
    model = reloaded(model, tmp_path) if saved else model
    acts = activations.record(Network(model), images)
    assert list(acts) == ["body/conv1", "body/conv2", "head"]
    np.testing.assert_allclose(acts["body/conv2"], model.body(images), atol=1e-5)
    np.testing.assert_allclose(acts["head"], model(images), atol=1e-5)


def test_a_model_that_was_traced_before(images):
    model = Compiled()
    true = model(images)
    for _ in range(2):
        np.testing.assert_allclose(activations.record(Network(model), images)["conv"], true, atol=1e-5)


def test_a_model_that_cannot_be_opened_says_why(images, tmp_path):
    opaque = Opaque()
    opaque(images)
    with pytest.raises(CnnlensError, match="no Keras layers inside"):
        activations.record(Network(opaque), images)
    model = sequential()
    model.export(tmp_path / "exported", verbose=False)
    graph = kl.TFSMLayer(str(tmp_path / "exported"), call_endpoint="serve")
    with pytest.raises(CnnlensError, match="exported graph"):
        activations.record(keras.Sequential([keras.Input((SIDE, SIDE, 3)), graph]), images)


def test_all_layers_come_from_one_forward_pass(images):
    calls = []

    class Counted(kl.Layer):
        def call(self, x):
            tf.py_function(lambda: calls.append(1), [], [])
            return x

    model = keras.Sequential(
        [keras.Input((SIDE, SIDE, 3)), Counted(name="counted"), kl.Conv2D(2, 3, name="a"), kl.Conv2D(2, 3, name="b")]
    )
    net = Network(model)
    net.layers()
    calls.clear()
    acts = activations.record(net, images, ["counted", "a", "b"])
    assert len(acts) == 3 and len(calls) == 1


@pytest.mark.parametrize("build", [sequential, branches, nested])
def test_receptive_fields_are_the_gradients_support(build):
    """Weights of one and averages for maxima: then the gradient at a pixel is zero only where no path leads there."""
    keras.utils.set_random_seed(0)
    net = Network(build())
    for weight in net.model.weights:
        weight.assign(tf.ones_like(weight))
    pixels = tf.Variable(np.random.default_rng(1).random((1, SIDE, SIDE, 3), dtype=np.float32) + 1)
    maps = [layer for layer in net.layers() if layer.is_map]
    assert len(maps) >= 3
    for layer in maps:
        assert layer.rows is not None, layer.path
        supports = np.zeros((2, SIDE), bool)
        row, col = layer.shape[0] // 2, layer.shape[1] // 2
        for seed in range(8):  # a maximum sends its gradient to one place only: several images find them all
            pixels.assign(np.random.default_rng(seed).random((1, SIDE, SIDE, 3), dtype=np.float32) + 1)
            with tf.GradientTape() as tape:
                answer = tf.reduce_sum(net.outputs(pixels, [layer.path])[layer.path][0, row, col])
            gradient = np.abs(tape.gradient(answer, pixels)[0]).sum(-1)
            supports |= np.stack([gradient.any(1), gradient.any(0)])
        top, left, bottom, right = layer.box(row, col)
        for support, start, end in zip(supports, (top, left), (bottom, right)):
            reached = np.flatnonzero(support)
            assert (reached.min(), reached.max() + 1) == (max(start, 0), min(end, SIDE)), layer.path


def test_layers_in_forward_order_with_what_is_known_of_them():
    layers = zoo.load("lenet", weights="random").layers()
    assert [layer.path for layer in layers] == ["conv1", "pool1", "conv2", "pool2", "dense1", "dense2"]
    assert [layer.shape for layer in layers[:4]] == [(26, 26, 32), (13, 13, 32), (11, 11, 32), (5, 5, 32)]
    assert [(layer.stride, layer.receptive_field) for layer in layers[:4]] == [
        ((1, 1), (3, 3)),
        ((2, 2), (4, 4)),
        ((2, 2), (8, 8)),
        ((4, 4), (10, 10)),
    ]
    assert layers[0].kind == "Conv2D"


# --- bad input ----------------------------------------------------------------------------------------------


def test_a_layer_that_does_not_exist(images):
    with pytest.raises(CnnlensError, match="conv1"):
        activations.record(sequential(), images, ["conv_1"])


def test_images_of_another_size_or_channels_are_fitted_and_it_is_said():
    net = zoo.load("lenet", weights="random")
    with pytest.warns(UserWarning, match="resized"), pytest.warns(UserWarning, match="converted"):
        acts = activations.record(net, np.random.default_rng(0).random((2, 40, 40, 3)))
    assert acts["conv1"].shape == (2, 26, 26, 32)


@pytest.mark.parametrize(
    "bad, words",
    [
        (np.full((1, 28, 28, 1), np.nan), "NaN"),
        (np.zeros((1, 28, 28)), "shape"),
        (np.zeros((0, 28, 28, 1)), "shape"),
        (np.full((1, 28, 28, 1), 255.0), "255"),
    ],
)
def test_images_that_are_none(bad, words):
    with pytest.raises(CnnlensError, match=words):
        activations.record(zoo.load("lenet", weights="random"), bad)


def test_weights_with_nan(images):
    model = sequential()
    kernel = model.get_layer("conv1").kernel
    kernel.assign(kernel * np.nan)
    with pytest.raises(CnnlensError, match="damaged.*conv1/kernel"):
        activations.record(model, images)


# --- numbers ------------------------------------------------------------------------------------------------


def test_mean_and_peak_may_name_different_units():
    maps = np.zeros((1, 4, 4, 3), np.float32)
    maps[0, ..., 1] = 0.5
    maps[0, 0, 0, 2] = 3
    assert activations.most_active(maps, "mean")[0] == 1
    assert activations.most_active(maps, "peak")[0] == 2
    with pytest.raises(CnnlensError, match="mean"):
        activations.most_active(maps, "median")


def test_dead_units_and_sparsity():
    maps = np.random.default_rng(0).random((2, 5, 5, 3)).astype(np.float32)
    maps[..., 1] = 0
    maps[0, ..., 2] = 0
    assert scores.dead_units(maps).tolist() == [False, True, False]
    assert scores.sparsity(maps).tolist() == [0, 1, 0.5]


def test_selectivity_of_a_unit_for_one_class_and_of_one_for_none():
    labels = np.repeat([3, 5, 9], 40)
    noise = np.random.default_rng(0).random(120)
    responses = np.stack([labels == 5, np.ones(120), np.zeros(120), noise], 1).astype(float)
    found = scores.selectivity(responses, labels)
    assert found.index[0] == 1 and found.preferred[0] == 5
    assert found.index[1] == 0 and found.index[2] == 0
    assert 0 < found.index[3] < 0.2
    with pytest.raises(CnnlensError, match="one class"):
        scores.selectivity(responses, np.zeros(120))
    with pytest.raises(CnnlensError, match="120 images"):
        scores.selectivity(responses, labels[1:])


def test_shared_maximum_against_counting_pairs():
    generator = np.random.default_rng(0)
    labels, winners = generator.integers(0, 3, 40), generator.integers(0, 5, 40)
    pairs = [(labels[i] == labels[j], winners[i] == winners[j]) for i in range(40) for j in range(i)]
    found = scores.shared_maximum(winners, labels)
    assert found.same == pytest.approx(np.mean([agree for same, agree in pairs if same]))
    assert found.different == pytest.approx(np.mean([agree for same, agree in pairs if not same]))
    assert found.pairs == (sum(same for same, _ in pairs), sum(not same for same, _ in pairs))
    assert found.chance[0] <= found.same <= found.chance[1], "random winners lie within chance"
    assert found == scores.shared_maximum(winners, labels), "repeats under its seed"


def test_shared_maximum_when_units_are_classes():
    labels = np.repeat(np.arange(4), 10)
    found = scores.shared_maximum(labels, labels)
    assert (found.same, found.different) == (1, 0) and found.chance[1] < 0.5
    with pytest.raises(CnnlensError, match="no pair"):
        scores.shared_maximum(np.arange(4), np.arange(4))


def test_pixels_left_in_lenet_are_one_in_27():
    left = scores.pixels_left(zoo.load("lenet", weights="random").layers())
    assert [layer.size for layer in left] == [(26, 26), (13, 13), (11, 11), (5, 5)]
    assert round(1 / left[-1].fraction) == 27
    assert left[0].values == 26 * 26 * 32


def test_background_units_are_found():
    net = zoo.load("lenet", weights="random")
    kernel, bias = np.zeros((3, 3, 1, 32), np.float32), np.zeros(32, np.float32)
    kernel[..., 0], bias[0] = -1e4, 1  # active only where all nine pixels are black
    kernel[..., 1] = 1  # active only where one is not
    net.model.get_layer("conv1").set_weights([kernel, bias])
    digits = datasets.load("digits").x_test[:5]
    found = scores.background_fraction(activations.record(net, digits, ["conv1"])["conv1"], digits, net.layer("conv1"))
    assert found.fraction[0] > 0.99 and found.fraction[1] == 0 and np.isnan(found.fraction[2])
    assert 0.2 < found.expected < 0.9


def test_ablating_a_unit_against_a_network_without_it():
    net = zoo.load("lenet", weights="random")
    digits = datasets.load("digits")
    images, labels = digits.x_test[:6], digits.y_test[:6]
    result = ablation.ablate(net, images, labels, "pool2")
    whole = net.logits(images)
    kernel = net.model.get_layer("conv2").get_weights()
    for unit in (0, 17):
        cut = [kernel[0].copy(), kernel[1].copy()]
        cut[0][..., unit], cut[1][unit] = 0, -1  # behind the ReLU this unit is zero everywhere
        net.model.get_layer("conv2").set_weights(cut)
        expected = (whole - net.logits(images))[np.arange(6), labels]
        np.testing.assert_allclose(result.drop[:, unit], expected, atol=1e-5)
    with pytest.raises(CnnlensError, match="labels"):
        ablation.ablate(net, images, labels + 10, "pool2")


def test_ablating_units_of_a_binary_model_with_one_logit(images):
    layers = [
        kl.Conv2D(3, 3, activation="relu", name="c"),
        kl.GlobalAveragePooling2D(name="mean"),
        kl.Dense(1, name="d"),
    ]
    model = keras.Sequential([keras.Input((SIDE, SIDE, 3)), *layers])
    result = ablation.ablate(model, images, [0, 1, 1], "c")
    weight, mean = model.get_layer("d").kernel.numpy()[:, 0], activations.record(model, images, "mean")["mean"]
    expected = mean * weight * np.array([-1, 1, 1])[:, None]
    np.testing.assert_allclose(result.drop, expected, atol=1e-5)
    np.testing.assert_allclose(result.response, mean, atol=1e-5)


def test_only_the_last_layer_has_the_names_of_the_classes(images):
    net = Network(sequential(), classes="abcde")
    assert activations.record(net, images, ["conv1", "dense"]).names == {"dense": tuple("abcde")}
    assert not activations.record(net, images, ["conv1"]).names
    binary = keras.Sequential([keras.Input((4, 4, 1)), kl.Flatten(), kl.Dense(1, "sigmoid", name="d")])
    assert not activations.record(Network.of(binary, classes=["no", "yes"]), np.zeros((1, 4, 4, 1))).names


def test_importance_when_strong_units_are_needed_and_when_they_are_not():
    response = np.random.default_rng(0).random((20, 9))
    same, opposite = scores.importance(2 * response, response), scores.importance(-response, response)
    assert (same.correlation, same.hits) == (pytest.approx(1), 1)
    assert (opposite.correlation, opposite.hits) == (pytest.approx(-1), 0)
    other = scores.importance(np.random.default_rng(1).random((500, 9)), np.random.default_rng(2).random((500, 9)))
    assert abs(other.correlation) < 0.1 and abs(other.hits - other.chance) < 0.06


# --- one untrained convolution ------------------------------------------------------------------------------


def test_one_convolution_equals_the_keras_layer():
    photo = datasets.photos()[0].image[:40, :60]
    for relu, pool in ((False, 1), (True, 3)):
        result = convolution.convolve(photo, kernel=5, filters=4, relu=relu, pool=pool, seed=3)
        layers = [keras.Input(photo.shape), kl.Conv2D(4, 5, use_bias=False, activation="relu" if relu else None)]
        model = keras.Sequential([*layers, *([kl.MaxPooling2D(pool)] if pool > 1 else [])])
        model.set_weights([result.kernels])
        np.testing.assert_allclose(result.maps, model(photo[None])[0], atol=1e-5)
    assert (result.maps >= 0).all()
    again = convolution.convolve(photo, kernel=5, filters=4, relu=True, pool=3, seed=3)
    np.testing.assert_array_equal(result.maps, again.maps)
    assert not np.array_equal(convolution.convolve(photo, seed=1).maps, convolution.convolve(photo, seed=2).maps)


@pytest.mark.parametrize(
    "settings, words",
    [({"kernel": 50}, "do not fit"), ({"kernel": 0}, "at least 1"), ({"filters": 1.5}, "whole number")],
)
def test_convolutions_that_cannot_be(settings, words):
    with pytest.raises(CnnlensError, match=words):
        convolution.convolve(np.zeros((20, 20, 3)), **settings)


# --- pictures -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lenet_acts():
    return activations.record(zoo.load("lenet", weights="random"), datasets.load("digits").x_test[:3])


def test_results_show_themselves(lenet_acts):
    for result in (lenet_acts, convolution.convolve(datasets.photos()[0].image[:50, :50], source="chelsea")):
        data, metadata = result._repr_mimebundle_()
        assert len(data["image/png"]) > 1000 and metadata["image/png"]["alt"] == data["text/plain"]


def test_a_sheet_says_size_and_most_active_unit(lenet_acts, monkeypatch):
    said = []
    monkeypatch.setattr(
        figures.base.ImageDraw.ImageDraw, "text", lambda self, place, words, *rest, **more: said.append(words)
    )
    for by in activations.MEASURES:
        said.clear()
        figures.activations.sheet_raster(lenet_acts, "conv2", 1, by=by)
        assert said.count("max") == 1
        assert [words for words in said if words != "max"] == [f"{unit}: 11×11 px" for unit in range(32)]
        assert (
            f"by {by}: unit {activations.most_active(lenet_acts['conv2'][1:2], by)[0]}"
            in figures.activations.sheet(lenet_acts, "conv2", 1, by=by)[1]
        )


def test_the_two_frames_of_the_explorers_sheet_differ_without_colors(lenet_acts):
    """All round the chosen unit, broken in the middle of each side round the most active one."""
    views = figures.activation_view.Views(lenet_acts.only(0))
    best = int(activations.most_active(lenet_acts["conv1"][:1], "mean")[0])
    unit = (best + 9) % 32
    sheet, plain = (views.parts("conv1", chosen)[2].astype(int) for chosen in (unit, best))
    red, orange = (np.abs(sheet - ink).max(-1) == 0 for ink in (figures.base.MARK, figures.activation_view.ORANGE))
    (down, across), (down2, across2) = (np.ptp(np.argwhere(frame), axis=0) + 1 for frame in (red, orange))
    assert (down, across) == (down2, across2) and red.sum() == 4 * (down + across) - 16
    assert 0 < orange.sum() < 0.8 * red.sum()
    assert not (np.abs(plain - figures.activation_view.ORANGE).max(-1) == 0).any(), "one frame where both are the same"


def test_signs_of_maps_are_told_in_words(lenet_acts, monkeypatch):
    said = []
    monkeypatch.setattr(
        figures.base.ImageDraw.ImageDraw, "multiline_text", lambda self, place, words, *rest, **more: said.append(words)
    )
    figures.convolution.raster(convolution.convolve(np.ones((8, 8, 3)), filters=8))
    ends = [re.search(r"(−?)[\d.e-]+ to (−?)[\d.e-]+$", words).groups() for words in said[1:]]
    assert {("−", "−"), ("", "")} <= set(ends), "some filters answer to white with less than zero, some with more"
    layers = [keras.Input((8, 8, 1)), kl.Conv2D(1, 1, kernel_initializer="ones", name="linear"), kl.Flatten()]
    net = Network(keras.Sequential([*layers, kl.Dense(2, activation="softmax")]), "small")
    image = np.zeros((1, 8, 8, 1))
    image[0, 3, 5] = 1
    signed = activations.record(net, image, ["linear"])
    signed["linear"][...] *= -2
    assert "lowest -2 at row 3, column 5" in figures.activation_view.Views(signed).words("linear", 0)
    assert "lowest" not in figures.activation_view.Views(lenet_acts.only(0)).words("conv1", 0)


def test_scales_are_what_the_note_says(lenet_acts):
    maps = lenet_acts["conv1"][0]
    low, high, cmap = figures.activations.scale(maps)
    assert np.ndim(high) == 0 and 0 == low < high <= maps.max() and cmap == "viridis"
    low, high, _ = figures.activations.scale(maps, "each")
    np.testing.assert_array_equal(high, maps.max((0, 1)))
    low, high, cmap = figures.activations.scale(maps - maps.mean())
    assert low == -high and cmap == "RdBu_r"
    assert "one scale" in figures.activations.sheet(lenet_acts, "conv1")[1]
    assert "own scale" in figures.activations.sheet(lenet_acts, "conv1", scaling="each")[1]


def test_every_layer_can_be_drawn_even_dense_and_dead_ones(lenet_acts):
    for path in lenet_acts:
        for scaling in ("shared", "each"):
            raster = figures.activations.sheet_raster(lenet_acts, path, scaling=scaling)
            assert raster.dtype == np.uint8 and raster.shape[2] == 3 and np.ptp(raster) > 0
    model = sequential()
    model.get_layer("conv1").set_weights([np.zeros((3, 3, 3, 4)), np.zeros(4)])
    dead = activations.record(model, np.zeros((1, SIDE, SIDE, 3)))
    for path in dead:
        figures.activation_view.view(dead, path, 1)


def test_figures_carry_the_source(lenet_acts):
    for fig, _ in (
        figures.activations.sheet(lenet_acts, "pool1"),
        figures.activations.overview(lenet_acts),
        figures.activation_view.view(lenet_acts, "conv1", 2),
    ):
        assert any(lenet_acts.source in text.get_text().replace("\n", " ") for text in fig.texts)


def test_tiles_place_each_picture_in_its_cell():
    pictures = np.arange(5)[:, None, None] * np.ones((5, 3, 3))
    raster = figures.tiles(pictures, cell=9, columns=3, gap=1)
    assert raster.shape == (2 * 10 + 1, 3 * 10 + 1, 3)
    expected = figures.colored(np.arange(5))
    for i in range(5):
        top, left = 1 + i // 3 * 10, 1 + i % 3 * 10
        assert (raster[top : top + 9, left : left + 9] == expected[i]).all()


def test_shrinking_averages_and_growing_repeats():
    pictures = np.random.default_rng(0).random((2, 12, 8, 3)).astype(np.float32)
    small = figures.base.scaled(pictures, 4, 4)
    np.testing.assert_allclose(small, pictures.reshape(2, 4, 3, 4, 2, 3).mean((2, 4)), atol=1e-6)
    np.testing.assert_allclose(figures.base.scaled(pictures, 24, 16), pictures.repeat(2, 1).repeat(2, 2))
    np.testing.assert_allclose(figures.base.scaled(pictures, 5, 3).mean((1, 2)), pictures.mean((1, 2)), atol=1e-6)


# --- command line -------------------------------------------------------------------------------------------


def test_the_command_writes_one_picture_a_layer(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(zoo, "load", lambda name, **_: Network(nested(), name))
    assert main(["activations", "outer", "tabby", "--out", str(tmp_path), "--by", "peak"]) == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [
        "01_middle-stem.png",
        "02_middle-inner-conv.png",
        "03_middle-after.png",
        "04_mean.png",
        "05_dense.png",
    ]
    assert "by peak" in capsys.readouterr().out
    assert main(["activations", "outer", "tabbi", "--out", str(tmp_path)]) == 2
    assert re.search("tabby", capsys.readouterr().err)
