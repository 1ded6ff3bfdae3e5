"""Claims about activation maps: measures tell a planted case from its opposite, and claims find what was planted."""

from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from cnnlens import zoo
from cnnlens.errors import CnnlensError
from cnnlens.ledger import CLAIMS, FAILS, HOLDS, measure, on_activations, stimuli
from cnnlens.scores import activations as scores

ARITHMETIC = {"lenet-27th-of-map": HOLDS, "lenet-27th-of-picture": FAILS, "lenet-compacts": FAILS}


def test_sharing_is_all_for_a_unit_of_each_class_and_none_for_a_unit_of_each_image():
    labels = np.arange(60) % 3
    assert on_activations.shared_by_class(labels * 7, labels) == pytest.approx(np.ones(3))
    assert on_activations.shared_by_class(np.arange(60), labels) == pytest.approx(np.zeros(3))
    half = np.where(
        np.arange(60) < 30, labels, 9
    )  # ten of each class agree on one unit, ten on another: 2 · 45 of 190 pairs
    assert on_activations.shared_by_class(half, labels) == pytest.approx(np.full(3, 90 / 190))
    with pytest.raises(CnnlensError, match="only one image"):
        on_activations.shared_by_class([1, 1, 1], [0, 0, 1])


def test_sharing_by_class_agrees_with_sharing_of_all_pairs():
    generator = np.random.default_rng(0)
    winners, labels = generator.integers(4, size=90), np.arange(90) % 3
    assert on_activations.shared_by_class(winners, labels).mean() == pytest.approx(
        scores.shared_maximum(winners, labels, shuffles=0).same
    )


def test_background_preference_is_one_only_there_and_nought_for_an_even_answer():
    found = scores.Background(fraction=np.array([1.0, 0.6, 0.2, np.nan, 0.8]), expected=0.6)
    assert on_activations.background_preference(found) == pytest.approx([1, 0, 0, 0, 0.5])


def test_unchanged_wants_every_number():
    before = np.random.default_rng(0).random((3, 4, 4, 2))
    after = before.copy()
    after[1, 0, 0, 0] += 1e-6
    assert on_activations.unchanged(before, after).tolist() == [True, False, True]
    with pytest.raises(CnnlensError, match="one shape"):
        on_activations.unchanged(before, after[:, :2])


def test_percentile_rank_is_one_for_the_costliest_unit_nought_for_the_cheapest_and_half_among_equals():
    losses = np.array([[3.0, 1, 2, -5], [0, 0, 0, 0]])
    assert on_activations.percentile_rank(losses, [0, 1]) == pytest.approx([1, 0.5])
    assert on_activations.percentile_rank(losses, [3, 3]) == pytest.approx([0, 0.5])
    assert on_activations.percentile_rank(losses, [2, 0]) == pytest.approx([2 / 3, 0.5])


@pytest.mark.parametrize("key", ARITHMETIC)
def test_arithmetic(key):
    entry = measure(CLAIMS[key], kept={})
    assert entry.verdict == ARITHMETIC[key] and entry.measured["low"] == entry.measured["high"]


# --- claims on digits made up so that the answer is known ---------------------------------------------------


def kept(name, net, untrained):
    """A network and its untrained copies, as a context keeps what was made: with its sources, and its seconds."""
    return {
        ("net", name): (net, {}, 0.0),
        ("untrained", name, 0): (untrained, {}, 0.0),
        ("untrained", name, 1): (untrained, {}, 0.0),
    }


def settled(key, net, untrained, images, labels):
    """The verdict of a claim under two seeds, on these networks and images instead of the real ones."""
    data = SimpleNamespace(x_test=images, y_test=labels, source="planted")
    entry = measure(
        replace(CLAIMS[key], sizes={"quick": {"seeds": 2, "images": len(labels)}}),
        kept=kept("lenet", net, untrained) | {("data", "mnist"): (data, {}, 0.0)},
    )
    print(key, entry.reason)  # seen when a test fails
    return entry.verdict


@pytest.fixture(scope="module")
def squares():
    """A bright square a digit, each digit at a place and of a brightness of its own, moved by up to a pixel."""
    generator, labels = np.random.default_rng(0), np.arange(120) % 10
    images = np.zeros((120, 28, 28, 1), np.float32)
    for image, label in zip(images, labels):
        top, left = 3 + 12 * (label // 5) + generator.integers(2), 1 + 5 * (label % 5) + generator.integers(2)
        image[top : top + 6, left : left + 4] = 0.1 + 0.09 * label
    return images, labels


@pytest.fixture(scope="module")
def plain():
    """LeNet whose units all answer to ink alone, the first a little more than the others."""
    net = zoo.untrained("lenet", seed=0)
    for name in ("conv1", "conv2"):
        layer = net.model.get_layer(name)
        kernel = np.full_like(layer.kernel, 0.1)
        kernel[..., 0] *= 1.1
        layer.set_weights([kernel, np.zeros(32)])
    return net


def test_a_unit_that_ink_silences_is_found_and_not_where_there_is_none(squares, plain):
    net = zoo.untrained("lenet", seed=1)
    kernel, bias = net.model.get_layer("conv1").get_weights()
    kernel[..., 4], bias[4] = -8, 1
    net.model.get_layer("conv1").set_weights([kernel, bias])
    for key in ("lenet-background-first", "lenet-background-second"):
        assert settled(key, net, plain, *squares) == HOLDS
        assert settled(key, plain, net, *squares) == FAILS


def test_units_that_answer_to_one_digit_each_are_found_and_not_where_all_share_one(squares, plain):
    net = zoo.untrained("lenet", seed=0)
    first, second = net.model.get_layer("conv1"), net.model.get_layer("conv2")
    first.set_weights([np.full_like(first.kernel, 1 / 9), np.zeros(32)])
    kernel, bias = np.zeros_like(second.kernel), np.zeros(32)
    # The highest activation of unit u is u·x − u²/20 for ink of brightness x: the tangents of a parabola, each highest
    # in its turn.
    kernel[1, 1, 0, :10] = np.arange(1, 11)
    bias[:10] = 5 - np.arange(1, 11) ** 2 / 20
    second.set_weights([kernel, bias])
    for key in ("lenet-same-digit-same-unit", "lenet-same-unit-learned"):
        assert settled(key, net, plain, *squares) == HOLDS
        assert settled(key, plain, net, *squares) != HOLDS


def test_the_most_active_unit_decides_where_only_it_is_heard(squares):
    net = zoo.untrained("lenet", seed=0)
    conv, dense, head = (net.model.get_layer(name) for name in ("conv2", "dense1", "dense2"))
    kernel, bias = conv.get_weights()
    bias[:] = 0
    bias[3] = 5  # the most active, by far
    conv.set_weights([kernel, bias])

    def heard(unit):
        weights = np.zeros_like(dense.kernel)
        weights[unit::32, 0] = 1
        dense.set_weights([weights, np.zeros(128)])
        out = np.zeros_like(head.kernel)
        out[0] = 1 - np.arange(10) / 10
        head.set_weights([out, np.zeros(10)])
        labels = np.zeros(len(squares[1]), int)
        return settled("lenet-most-active-decides", net, None, squares[0][:40], labels[:40])

    assert heard(3) == HOLDS
    assert heard(7) == FAILS


def test_dropout_is_unchanged_unless_something_acts_there(squares):
    net = zoo.untrained("lenet", seed=0)
    assert settled("lenet-fifth-is-sixth", net, None, *squares) == HOLDS
    layers = [
        keras.layers.Rescaling(0.9, name="dropout1") if layer.name == "dropout1" else layer
        for layer in net.model.layers
    ]
    changed = type(net)(keras.Sequential([keras.Input((28, 28, 1)), *layers]), "lenet")
    changed.model.get_layer("dropout1").rate = 0.25
    assert settled("lenet-fifth-is-sixth", changed, None, *squares) == FAILS


# --- edges --------------------------------------------------------------------------------------------------


def test_oriented_units_are_tuned_alike_in_every_test():
    angles = np.deg2rad(np.arange(8) * 22.5)
    upright, lying, even = 1 + np.cos(2 * angles), 1 - np.cos(2 * angles), np.ones(8)
    gratings = stimuli.tuning(np.stack([upright, lying, upright, even, upright], -1)[:, None])
    edges = stimuli.tuning(np.stack([upright, lying, lying, upright, even], -1)[:, None])
    assert on_activations.oriented([gratings, edges]).tolist() == [True, True, False, False, False]
    assert on_activations.oriented([gratings, edges], 0).tolist() == [True, False, False, False, False]
    assert on_activations.oriented([gratings, edges], 100).tolist() == [False, True, False, False, False]


def striped(units):
    """VGG4 whose third convolution copies the first, with so many units each for upright and for lying edges."""
    net = zoo.untrained("vgg4", seed=0)
    sobel = np.float32([[1, 0, -1], [2, 0, -2], [1, 0, -1]])[..., None] * np.ones(3) / 3
    for name in ("conv1", "conv2", "conv3"):
        layer = net.model.get_layer(name)
        kernel = np.zeros_like(layer.kernel)
        for unit in range(kernel.shape[-1]):
            kernel[1, 1, unit % kernel.shape[2], unit] = 1
        if name == "conv1":
            kernel[:] = 1 / 27
            for unit in range(units):
                kernel[..., 2 * unit], kernel[..., 2 * unit + 1] = sobel, sobel.transpose(1, 0, 2)
        layer.set_weights([kernel, np.zeros(kernel.shape[-1])])
    return net


@pytest.mark.parametrize("key", ["vgg4-edges-third-convolution", "vgg4-edges-third-picture"])
def test_edge_detectors_are_found_where_they_are(key):
    many, none = striped(12), striped(0)
    assert measure(CLAIMS[key], kept=kept("vgg4", many, none)).verdict == HOLDS
    assert measure(CLAIMS[key], kept=kept("vgg4", none, many)).verdict == FAILS
