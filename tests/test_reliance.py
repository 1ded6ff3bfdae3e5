"""What decides: places and figures are found where they were drawn, and nothing is said where nothing can be."""

import keras
import numpy as np
import pytest

from cnnlens import Network
from cnnlens.figures import painter_of
from cnnlens.scores.backgrounds import figures, pasted, without_figures
from cnnlens.scores.marks import candidates, moved, told_by_cells
from cnnlens.scores.reliance import of_reliance


@pytest.fixture
def noise():
    return np.random.default_rng(0).uniform(0.3, 0.7, (60, 32, 48, 3)).astype(np.float32)


def test_a_mark_is_a_candidate_where_it_stands(noise):
    inside = np.arange(60) < 20
    assert not candidates(noise, inside)[0]
    noise[:20, 26:30, 40:46] = 1, 0, 0
    boxes, far = candidates(noise, inside)
    assert boxes[0].where == "lower right corner" and boxes[0].top <= 26 and boxes[0].bottom >= 30
    assert told_by_cells(noise, inside)[:24].max() < 0.98
    assert all(place.bottom <= boxes[0].top or place.right <= boxes[0].left for place in far(boxes[0]))


def test_what_all_classes_have_or_nobody_sees_is_no_mark(noise):
    noise[:, 2:6, 2:6] = 1
    assert not candidates(noise, np.arange(60) < 20)[0]
    noise[:] = np.random.default_rng(0).uniform(0, 1, (60, 32, 48, 1)) > 0.5
    noise[:, [0, -1]] = noise[:, :, [0, -1]] = noise[:20, 12:20, 20:28] = 0.5
    assert not candidates(noise, np.arange(60) < 20)[0], "a hole that looks like the border"


def test_only_the_place_is_exchanged(noise):
    noise[:20, 26:30, 40:46] = 1, 0, 0
    box = candidates(noise, np.arange(60) < 20)[0][0]
    changed = moved(noise[20:30], noise[:3], box)
    assert np.array_equal(changed[box.slices][3], noise[0][box.slices[1:]])
    changed[box.slices] = noise[20:30][box.slices]
    assert np.array_equal(changed, noise[20:30])


def test_figures_are_told_from_plain_backgrounds_and_not_from_noise(noise):
    generator = np.random.default_rng(1)
    assert not figures(noise)[1].any()
    plain = np.float32(generator.uniform(0, 0.4, (10, 1, 1, 3)) + generator.normal(0, 0.01, (10, 32, 32, 3))).clip(0, 1)
    plain[:, 10:22, 8:20] = 0.9
    masks, valid = figures(plain)
    assert valid.all() and masks[:, 10:22, 8:20].all() and masks[:, :8].sum() == 0
    empty = without_figures(plain, masks)
    assert empty.max() < 0.5 and np.array_equal(empty[:, :8], plain[:, :8])
    together = pasted(plain, masks, empty[::-1])
    assert (together[:, 10:22, 8:20] == np.float32(0.9)).all() and np.array_equal(together[:, 0], empty[::-1][:, 0])


def network():
    """Says class 1 where the image is bright."""
    layers = [keras.Input((16, 16, 1)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2, name="said")]
    model = keras.Sequential(layers)
    model.set_weights([np.float32([[-10, 10]]), np.float32([5, -5])])
    return Network.of(model, classes=["dark", "bright"])


@pytest.mark.parametrize("labels", [[-1] * 20, [0] * 20, [0] * 13 + [1] * 7])
def test_too_few_images_are_not_tested(labels):
    images = np.full((20, 16, 16, 1), 0.2, np.float32)
    images[np.array(labels) == 1] = 0.8
    found = of_reliance(network(), images, labels, progress=False)
    assert not found.marks and not found.backgrounds and not found.findings and not found.shown
    _, alt = painter_of(type(found))(found)
    assert "No class has enough images" in alt


def test_a_network_that_reads_the_background_is_found_out():
    generator = np.random.default_rng(0)
    labels = np.arange(40) % 2
    images = np.float32(labels[:, None, None, None] * 0.6 + 0.2 + generator.normal(0, 0.01, (40, 16, 16, 1)))
    images[:, 6:10, 6:10] = 0.5
    found = of_reliance(network(), images, labels, progress=False)
    assert {test.label: (test.alone, test.become, test.gone) for test in found.backgrounds} == {
        0: (1, 1, 1),
        1: (1, 1, 1),
    }
    assert [finding.name for finding in found.findings] == ["shortcut: the background"] * 2
