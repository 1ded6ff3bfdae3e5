"""Answers judged by labels, and labels by answers: against numbers worked out by hand, and faults put in."""

import numpy as np
import pytest

from cnnlens.errors import CnnlensError
from cnnlens.figures import painter_of
from cnnlens.scores.answers import of_answers

CLASSES = ("ant", "bee", "cat")


def answered(labels, sure=0.8, seed=0):
    """Predictions of a network that is right and about so sure, (N, 3)."""
    generator = np.random.default_rng(seed)
    found = np.eye(3)[labels] * (sure - (1 - sure) / 2) + (1 - sure) / 2
    found = found + generator.uniform(0, 0.05, found.shape)
    return found / found.sum(1, keepdims=True)


def names(found):
    return [finding.name for finding in found.findings]


def test_what_is_measured_is_what_one_counts_by_hand():
    predictions = [[0.95, 0.05], [0.85, 0.15], [0.25, 0.75], [0.55, 0.45], [0.5, 0.5]]
    found = of_answers(predictions, np.array([0, 1, 1, 1, -1]), ["no", "yes"])
    assert found.accuracy == 0.5 and found.confusion.tolist() == [[1, 0], [2, 1]]
    assert found.worst.tolist() == [1, 3], "the surest mistake first; an image without a label is no mistake"
    assert found.low == pytest.approx(0.1500, abs=1e-4) and found.high == pytest.approx(0.8500, abs=1e-4)
    assert found.bin_count.sum() == 4 and found.bin_accuracy[9] == 1
    assert found.ece == pytest.approx((0.05 + 0.85 + 0.25 + 0.55) / 4)


def test_labels_exchanged_in_part_are_found_image_by_image():
    true = np.repeat([0, 1, 2], 40)
    given = true.copy()
    given[:10], given[40:48] = 1, 0
    found = of_answers(answered(true), given, CLASSES)
    assert set(found.suspects) == {*range(10), *range(40, 48)}
    assert names(found) == ["exchanged labels"] and "'ant' and 'bee' seem" in str(found.findings[0])
    assert "in 18 of 80 images" in str(found.findings[0])
    assert not of_answers(answered(true), true, CLASSES).findings


def test_wrong_labels_of_any_class_are_found():
    true = np.repeat([0, 1, 2], 40)
    given = true.copy()
    given[[0, 1, 2, 3, 40, 41, 42, 43, 80, 81, 82, 83]] += np.int64([1] * 8 + [-2] * 4)  # to the next class, in a ring
    found = of_answers(answered(true), given, CLASSES)
    assert names(found) == ["wrong labels"] and len(found.suspects) == 12


def test_hard_images_are_no_wrong_labels():
    true = np.repeat([0, 1, 2], 40)
    predictions = answered(true, 0.9)
    predictions[:10] = predictions[40:50] = 0.48, 0.47, 0.05  # ten ants and ten bees that look alike
    predictions[:10, :2] = predictions[:10, 1::-1]
    assert not of_answers(predictions, true, CLASSES).findings


def test_guessing_too_sure_and_a_missed_class_are_named():
    true = np.repeat([0, 1, 2], 40)
    predictions = answered(np.zeros(120, int), 0.9)
    assert {"guessing", "too sure"} <= set(names(of_answers(predictions, true, CLASSES)))
    predictions = answered(true, 0.6)
    predictions[80:116] = answered(np.zeros(36, int), 0.6)
    missed = [each for each in of_answers(predictions, true, CLASSES).findings if each.name == "missed class"]
    assert len(missed) == 1 and "4 of 40 images of 'cat', and calls most others 'ant'" in str(missed[0])


def test_few_images_are_no_finding():
    assert not of_answers([[0.1, 0.9]] * 3, [0, 0, 0]).findings


@pytest.mark.parametrize("labels", [[0], [0, 2], [-2, 0], [-1, -1], [0.0, 1.0]])
def test_labels_that_do_not_fit_are_refused(labels):
    with pytest.raises(CnnlensError, match="Expected"):
        of_answers([[0.5, 0.5]] * 2, np.array(labels))


def test_the_figure_says_in_words_what_it_shows():
    found = of_answers(answered(np.repeat(range(3), 8)), np.repeat([0, 1, 1], 8), CLASSES)
    _, alt = painter_of(type(found))(found)
    assert "67% of 24 images right (47% to 82%)" in alt and "bee is called cat 8 times" in alt
