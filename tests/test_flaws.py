"""Collections with a hidden flaw: it is where it is said to be and nowhere else, it spoils, and mending restores."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import layers as kl

from cnnlens import datasets, scores, training
from cnnlens.datasets import flaws, saving
from cnnlens.errors import CnnlensError
from cnnlens.figures import training as draw
from cnnlens.network import Network


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits")


def parts(data):
    return (data.x_train.pixels, data.y_train), (data.x_test.pixels, data.y_test)


@pytest.mark.parametrize("flaw", ["mark", "background"])
def test_only_one_class_is_changed_and_every_image_of_it(digits, flaw):
    found = flaws.plant(digits, flaw, seed=3)
    for (pixels, labels), (before, _) in zip(parts(found.data), parts(digits)):
        changed = (pixels != before).any((1, 2, 3))
        assert np.array_equal(changed, labels == found.classes[0]) and pixels.dtype == np.uint8
    assert digits.classes[found.classes[0]] in found.done
    assert all(np.array_equal(a, b) for one, two in zip(parts(found.clean), parts(digits)) for a, b in zip(one, two))


@pytest.mark.parametrize("corner", flaws.CORNERS)
def test_a_mark_stands_in_its_corner(corner):
    black = np.zeros((2, 28, 20, 3), np.uint8)
    rows, columns = np.nonzero(flaws.marked(black, [False, True], corner)[1, ..., 0])
    assert (rows.mean() < 14) == corner.startswith("upper") and (columns.mean() < 10) == corner.endswith("left")
    assert min(rows.min(), 27 - rows.max()) == min(columns.min(), 19 - columns.max()) == flaws.MARGIN
    assert not black.any()


def test_a_background_hides_nothing_of_the_object(digits):
    before = digits.x_test.pixels[:20]
    found = flaws.before_background(before, np.ones(20, bool))
    assert (found >= before).all() and (found[before == 0] > 0).all()
    assert np.array_equal(found[before > 255 * flaws.BRIGHTEST], before[before > 255 * flaws.BRIGHTEST])
    assert not np.array_equal(found[0][before[0] == 0][:50], found[1][before[1] == 0][:50]), "each has its own"


def test_labels_are_exchanged_in_training_alone(digits):
    found = flaws.plant(digits, "labels", seed=1)
    first, second = found.classes
    wrong = found.data.y_train != digits.y_train
    for label, other in (found.classes, found.classes[::-1]):
        those = digits.y_train == label
        assert wrong[those].mean() == pytest.approx(flaws.EXCHANGED, abs=0.01)
        assert set(found.data.y_train[those & wrong]) == {other}
    assert not wrong[(digits.y_train != first) & (digits.y_train != second)].any()
    assert np.array_equal(found.data.y_test, digits.y_test)


def test_the_seed_hides_each_flaw_once_in_four_and_nothing_tells_which(digits):
    found = [flaws.hidden(digits, seed) for seed in range(8)]
    assert {each.flaw for each in found[:4]} == {each.flaw for each in found[4:]} == set(flaws.FLAWS)
    for seed, each in enumerate(found):
        assert each.data.source == f"{digits.source}, with a flaw hidden in it (seed {seed})"
        assert not any(word in repr(each) for word in (each.flaw, each.done))
    again = flaws.hidden(digits, 2).data
    assert all(np.array_equal(a, b) for one, two in zip(parts(again), parts(found[2].data)) for a, b in zip(one, two))


def test_mending_the_right_flaw_takes_it_away(digits):
    marked = flaws.mend(flaws.plant(digits, "mark"), "mark")
    covered = flaws.corners_covered(digits.x_train.pixels)
    assert np.array_equal(marked.data.x_train.pixels, covered) and np.array_equal(marked.clean.x_train.pixels, covered)
    assert (covered != digits.x_train.pixels).any((1, 2, 3)).mean() < 0.2, "digits reach into corners now and then"
    before = flaws.mend(flaws.plant(digits, "background"), "background")
    assert np.array_equal(before.data.x_train.pixels, before.clean.x_train.pixels)
    exchanged = flaws.plant(digits, "labels")
    wrong, left = (each.data.y_train != digits.y_train for each in (exchanged, flaws.mend(exchanged, "labels")))
    assert left.sum() < wrong.sum() / 2
    ranged = flaws.plant(digits, "range")
    assert (ranged.pixels, ranged.used, flaws.mend(ranged, "range").used) == ("0-255", "0-1", "0-255")


def test_mending_another_flaw_leaves_it(digits):
    marked = flaws.plant(digits, "mark")
    for other in ("background", "labels", "range"):
        found = flaws.mend(marked, other)
        assert (found.data.x_train.pixels != found.clean.x_train.pixels).any((1, 2, 3)).sum() > 100
    assert flaws.mend(flaws.plant(digits, "range"), "mark").used == "0-1"


def test_relabeling_does_not_ask_the_image_itself():
    images = np.repeat(np.array([0.0, 1.0]), 6).reshape(12, 1, 1, 1)  # twins: each is at distance 0 from five others
    labels = np.repeat([0, 1], 6)
    labels[[2, 9]] = 1, 0
    assert flaws.relabeled(images, labels, neighbors=5).tolist() == [0] * 6 + [1] * 6


def test_what_cannot_be_planted(digits):
    with pytest.raises(CnnlensError, match="mark"):
        flaws.plant(digits, "marks")
    with pytest.raises(CnnlensError, match="There is no flaw"):
        flaws.mend(flaws.plant(digits, "mark"), "corner")
    with pytest.raises(CnnlensError, match="at least two"):
        flaws.plant(dataclasses.replace(digits, classes=("0",)), "mark")


def accuracies(given, seed=0):
    """Measured on images collected together with those trained on, and in the clean world."""
    keras.utils.set_random_seed(seed)
    normal = kl.BatchNormalization(momentum=0.8), kl.ReLU(), kl.MaxPooling2D(2)
    layers = [kl.Conv2D(12, 5, 2, padding="same", use_bias=False), *normal, kl.Flatten(), kl.Dense(10, "softmax")]
    model = keras.Sequential([keras.Input((28, 28, 1)), *layers])
    recipe = training.Recipe(4, 32, lambda steps: keras.optimizers.Adam(4e-3), 0, False, "Adam")
    net = Network.of(model, classes=given.data.classes, pixels=given.pixels)
    training.train(net, given.data, recipe=recipe, seed=seed, progress=False)
    used = Network.of(model, classes=given.data.classes, pixels=given.used)
    together = scores.training.accuracy(net.predict(given.data.x_test, progress=False), given.data.y_test)
    return together, scores.training.accuracy(used.predict(given.clean.x_test, progress=False), given.clean.y_test)


@pytest.mark.slow
@pytest.mark.parametrize("flaw", flaws.FLAWS)
def test_a_flaw_spoils_a_network_and_mending_restores_it(digits, flaw):
    given = flaws.plant(digits, flaw)
    (together, clean), (_, mended) = accuracies(given), accuracies(flaws.mend(given, flaw))
    assert together.value > 0.87, "from which nobody would guess that something is wrong"
    assert clean.value < mended.value - 0.02 and mended.value > 0.92
    if flaw != "labels":  # whose test images are sound
        assert clean.high < together.low


def test_a_data_set_is_written_as_folders(digits, tmp_path):
    found = datasets.folder(saving.save(digits, tmp_path / "mine", train=30, test=20), channels=1, progress=False)
    assert found.classes == digits.classes and not found.unreadable
    for group, images, labels in (
        ("train", digits.x_train[:30], digits.y_train[:30]),
        ("test", digits.x_test[:20], digits.y_test[:20]),
    ):
        order = np.argsort(labels, kind="stable")  # the folders are read class by class
        those = found.groups == group
        assert np.array_equal(found.labels[those], labels[order])
        assert np.allclose(found.images[those], images[order], atol=1e-6)
    colored = dataclasses.replace(
        digits, x_test=datasets.Images(np.repeat(digits.x_test.pixels, 3, -1)), x_train=digits.x_train
    )
    again = datasets.folder(saving.save(colored, tmp_path / "colored", train=0, test=2), progress=False)
    assert again.images.shape == (2, 28, 28, 3)


def test_accuracy_by_class():
    probabilities = np.eye(4)[[0, 1, 1, 3]]
    found = scores.training.by_class(probabilities, [0, 0, 1, 3])
    assert [each and each.value for each in found] == [0.5, 1.0, None, 1.0] and found[0].count == 2
    fig, text = draw.by_class({"before": found, "after": found[::-1]}, "abcd", "made up")
    bars = [[bar.get_height() for bar in group] for group in fig.axes[0].containers if hasattr(group, "patches")]
    assert bars == [[0.5, 1.0, 1.0], [1.0, 1.0, 0.5]] and "least for a (50%)" in text
