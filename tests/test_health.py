"""The health of a network: faults built in by hand are found where they are, and only there."""

import keras
import numpy as np
import pytest

from cnnlens import Network, datasets
from cnnlens.figures import painter_of
from cnnlens.scores.health import of_network

UNITS = 16


@pytest.fixture(scope="module")
def digits():
    data = datasets.load("digits")
    return data.x_test[:64], data.y_test[:64]


def network(activation="relu"):
    """A small network of random weights."""
    keras.utils.set_random_seed(1)
    conv = {"activation": activation, "bias_initializer": keras.initializers.Constant(0.1)}
    layers = [keras.Input((28, 28, 1)), keras.layers.Conv2D(UNITS, 5, strides=2, name="first", **conv)]
    layers += [keras.layers.Conv2D(UNITS, 3, strides=2, name="second", **conv), keras.layers.Flatten()]
    return keras.Sequential([*layers, keras.layers.Dense(10, name="said")], name="small")


def changed(name, kernel=lambda x: x, bias=lambda x: x, **settings):
    """The small network with other weights in one layer."""
    model = network(**settings)
    old = model.get_layer(name).get_weights()
    model.get_layer(name).set_weights([np.float32(kernel(old[0])), np.float32(bias(old[1]))])
    return model


def first(model, digits):
    """The name of the heaviest finding, and where it is."""
    finding = max(of_network(model, digits[0], progress=False).findings, key=lambda each: each.weight)
    return finding.name, next(name for name in ("first", "second") if name in finding.sentence)


def half(values, change):
    """Values of which the first half of the units is changed."""
    return np.concatenate([change(values[..., : UNITS // 2]), values[..., UNITS // 2 :]], -1)


def test_a_sound_network_draws_no_alarm(digits):
    found = of_network(network(), digits[0], progress=False)
    assert not found.findings and [layer.path for layer in found.layers] == ["first", "second"]
    assert all(layer.dead < 0.2 and layer.saturated == 0 and layer.duplicates == 0 for layer in found.layers)


def test_dead_units_are_counted(digits):
    model = changed("second", bias=lambda bias: half(bias, lambda x: x - 100))
    assert first(model, digits) == ("dead units", "second")
    assert of_network(model, digits[0], progress=False).layers[1].dead >= 0.5


def test_saturated_units_are_counted(digits):
    assert not of_network(network("tanh"), digits[0], progress=False).findings
    model = changed("first", bias=lambda bias: half(bias, lambda x: x + 50), activation="tanh")
    assert first(model, digits) == ("saturated units", "first")


def test_copied_filters_are_counted(digits):
    model = changed("second", kernel=lambda kernel: half(kernel, lambda x: 1.5 * kernel[..., UNITS // 2 :]))
    assert first(model, digits) == ("duplicate filters", "second")


def test_explosion_and_loss_are_named_where_they_begin(digits):
    assert first(changed("second", kernel=lambda kernel: kernel * 1e6), digits) == ("exploding activations", "second")
    lost = changed("first", kernel=lambda kernel: kernel * 1e-9)
    assert first(lost, digits) == ("vanishing activations", "first")


def test_numbers_that_overflow_are_named(digits):
    assert first(changed("first", kernel=lambda kernel: kernel * 1e38), digits) == ("exploding activations", "first")


def trained_on_templates(scale):
    """A network that compares with the mean of each digit, in pixels of 0 to ``scale``: nothing in it says so."""
    data = datasets.load("digits")
    pixels, labels = data.x_train[:], data.y_train[:]
    means = np.stack([pixels[labels == digit].mean(0).ravel() for digit in range(10)], 1)
    layers = [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10, name="said")]
    model = keras.Sequential(layers, name="templates")
    model.get_layer("said").set_weights([means / scale, -(means**2).sum(0) / 2])
    return model


def test_the_wrong_range_is_told_by_the_answers_alone(digits):
    model = trained_on_templates(255)
    found = of_network(model, *digits, progress=False)
    assert found.findings[0].name == "wrong range" and "with pixels 0-255 it would be" in str(found.findings[0])
    assert found.fed.better.scale == (255.0,)
    mended = of_network(Network.of(model, pixels="0-255"), *digits, progress=False)
    assert not mended.fed.findings and mended.fed.accuracy["now"] == found.fed.accuracy["pixels 0-255"]
    assert not of_network(model, digits[0], progress=False).fed.findings, "without labels it cannot be told"


def test_the_figure_says_in_words_what_it_shows(digits):
    found = of_network(changed("second", bias=lambda bias: half(bias, lambda x: x - 100)), digits[0], progress=False)
    _, alt = painter_of(type(found))(found)
    assert "small on 64 images" in alt and "Most dead: second, 50% of its units" in alt
