"""It must find what is wrong: a fault planted in training is the first thing said, and its sound twin is silent."""

import functools
from types import SimpleNamespace

import faulty
import numpy as np
import pytest

from cnnlens import Network
from cnnlens.figures import painter_of
from cnnlens.scores.answers import of_answers
from cnnlens.scores.findings import heaviest
from cnnlens.scores.health import of_network
from cnnlens.scores.pictures import of_images
from cnnlens.scores.reliance import of_reliance

CLASSES = tuple("0123456789")


@functools.cache
def digits():
    return faulty.digits()


@functools.cache
def sound():
    return faulty.trained(digits())


@functools.cache
def scaled():
    return faulty.trained(digits(), pixels="0-255")


@functools.cache
def before_backgrounds(told):
    data = faulty.colored(digits(), told)
    return faulty.trained(data), data


def network_with_a_mark():
    data = faulty.marked(digits())
    return faulty.trained(data), data


# Each gives a network and what it is judged by; the twin is as like as can be, without the fault.
FAULTS = {
    "shortcut: a mark": (network_with_a_mark, lambda: (sound(), digits())),
    "wrong range": (lambda: (Network.of(scaled(), pixels="0-1"), digits()), lambda: (scaled(), digits())),
    "dead units": (lambda: (faulty.trained(digits(), dead=12), digits()), lambda: (sound(), digits())),
    "exchanged labels": (
        lambda: (faulty.trained(faulty.exchanged(digits())), faulty.exchanged(digits())),
        lambda: (sound(), digits()),
    ),
    "same image in training and test": (lambda: (sound(), faulty.copied(digits())), lambda: (sound(), digits())),
    "shortcut: the background": (lambda: before_backgrounds(True), lambda: before_backgrounds(False)),
}
SAYS = {
    "shortcut: a mark": "'3' is told by a mark in the upper left corner",
    "wrong range": "It is fed in the wrong range: with values from 0 to 1",
    "dead units": "50% of the 24 units of conv2 are dead",
    "exchanged labels": "The labels '2' and '7' seem to be exchanged",
    "same image in training and test": "1 of 300 test images lies, nearly the same, among the training images",
    "shortcut: the background": "'3' is told by its background",
}


def judged(net, data):
    """All checks of a network and its images, as a report makes them."""
    images, labels = np.concatenate([data.x_train, data.x_test]), np.concatenate([data.y_train, data.y_test])
    groups = np.repeat(["train", "test"], [len(data.x_train), len(data.x_test)])
    predictions = net.predict(images, progress=False)
    return SimpleNamespace(
        network=of_network(net, data.x_test, data.y_test, progress=False),
        test=of_answers(predictions, np.where(groups == "test", labels, -1), CLASSES),
        train=of_answers(predictions, np.where(groups == "train", labels, -1), CLASSES),
        images=of_images(images, labels, groups=groups, classes=CLASSES),
        reliance=of_reliance(net, data.x_test, data.y_test, progress=False),
    )


@functools.cache
def judged_fault(fault):
    return judged(*FAULTS[fault][0]())


def findings(found):
    return heaviest([finding for part in vars(found).values() for finding in part.findings])


@pytest.mark.parametrize("fault", FAULTS)
def test_the_fault_is_the_first_thing_said(fault):
    found = findings(judged_fault(fault))
    assert found and found[0].name == fault and str(found[0]).startswith(SAYS[fault]), [*map(str, found)]
    assert found[0].advice and 0 < found[0].weight <= 1


@pytest.mark.parametrize("fault", ["dead units", "wrong range", "shortcut: the background"])
def test_its_sound_twin_draws_no_alarm(fault):
    """The first of them is the twin of four faults."""
    found = judged(*FAULTS[fault][1]())
    assert found.test.accuracy > 0.9
    assert not findings(found), [*map(str, findings(found))]


@pytest.mark.parametrize("fault", ["shortcut: a mark", "shortcut: the background"])
def test_the_figure_shows_what_was_tried(fault):
    found = judged_fault(fault).reliance
    assert len(found.shown) == 4 and len({images.shape for images in found.shown.values()}) == 1
    _, alt = painter_of(type(found))(found)
    assert "What decides, for 10 classes" in alt and SAYS[fault] in alt
