"""It must find what is wrong: a fault planted in training is the first thing said, and its sound twin is silent."""

import functools
from unittest import mock

import faulty
import numpy as np
import pytest

import cnnlens
from cnnlens import Network
from cnnlens.datasets import Folder
from cnnlens.report.parts import Figure


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
    """The report of a network on a training and a test group, as far as checks go."""
    images = np.concatenate([data.x_train, data.x_test])
    folder = Folder(
        images=images,
        labels=np.concatenate([data.y_train, data.y_test]),
        classes=tuple("0123456789"),
        groups=np.repeat(["train", "test"], [len(data.x_train), len(data.x_test)]),
        sizes=np.tile(images.shape[1:3], (len(images), 1)),
        paths=tuple(f"{number}.png" for number in range(len(images))),
        unreadable=(),
        count=len(images),
        source="digits",
    )
    with mock.patch.object(Figure, "of", lambda fig, alt: Figure(b"", 1, 1, alt)):  # test_report.py looks at pictures
        return cnnlens.report(net, folder, parts=["network", "images", "answers", "reliance"], progress=False)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_fault_is_the_first_thing_said(fault):
    found = judged(*FAULTS[fault][0]())
    assert found.sentences[0].startswith(SAYS[fault]), found.sentences
    assert found.findings[0].name == fault and found.findings[0].advice and 0 < found.findings[0].weight <= 1
    assert not found.faults and not found.left_out and not [part.failed for part in found if part.failed]
    if fault.startswith("shortcut"):
        assert SAYS[fault] in found["reliance"].figures[0].alt


@pytest.mark.parametrize("fault", ["dead units", "wrong range", "shortcut: the background"])
def test_its_sound_twin_draws_no_alarm(fault):
    """The first of them is the twin of four faults."""
    net, data = FAULTS[fault][1]()
    found = judged(net, data)
    assert not found.findings and found.sentences[0] == "Nothing wrong was found in what was looked at.", (
        found.sentences
    )
    assert np.mean(net.predict(data.x_test, progress=False).argmax(1) == data.y_test) > 0.9
