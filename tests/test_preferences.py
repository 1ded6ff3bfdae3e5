"""Which classes units prefer, and which units respond alike: planted cases, and how often chance alone is believed."""

import numpy as np
from scipy.stats import ttest_ind

from cnnlens.scores.preferences import alike, preferences


def test_the_interval_is_that_of_welchs_test():
    generator = np.random.default_rng(0)
    values = np.concatenate([generator.normal(1, 2, (12, 3)), generator.normal(0, 1, (30, 3))])
    found = preferences(values, np.repeat([0, 1], [12, 30]))
    interval = ttest_ind(values[:12], values[12:], equal_var=False).confidence_interval(1 - 0.05 / 2)
    deviation = values.std(0)
    assert np.allclose(found.low[0], interval.low / deviation) and np.allclose(found.high[0], interval.high / deviation)
    assert np.allclose(found.difference[1], -found.difference[0])


def test_a_planted_preference_is_found_and_one_that_chance_made_is_not():
    generator = np.random.default_rng(1)
    labels = np.repeat(np.arange(50), 6)
    values = generator.normal(size=(300, 400))
    values[labels == 17, :40] += 4
    found = preferences(values, labels)
    best = found.classes[found.best(1)[0]]
    believed = found.low.max(0) > 0
    assert (best[:40] == 17).mean() > 0.9 and believed[:40].mean() > 0.9
    assert believed[40:].mean() < 0.08, "of 400 units without a preference about one in twenty may seem to have one"


def test_images_without_a_class_classes_of_one_image_and_silent_units():
    labels = np.array([-1, 0, 0, 0, 1, 2, 2, 2])
    values = np.stack([np.array([1e9, 5, 5.1, 4.9, 0, 0, 0.1, 0]), np.zeros(8)], 1)
    found = preferences(values, labels)
    assert found.classes.tolist() == [0, 2], "one image is no sample"
    assert found.low[0, 0] > 0 > found.difference[1, 0], "the image of unknown class does not count"
    counted = preferences(values, np.where(labels < 0, 3, labels))
    assert counted.low[0, 0] < 0, "where it counted, it would hide the preference"
    assert np.abs(found.difference[:, 1]).max() == np.abs(found.high[:, 1]).max() == 0
    assert preferences(values, np.full(8, -1)).classes.size == 0 == preferences(values, np.zeros(8, int)).best().size


def test_units_that_respond_alike():
    drawn = np.random.default_rng(0).normal(size=(200, 5))
    drawn[:, 4] = -drawn[:, 0]
    drawn[:, 2] = 7
    drawn[:, 3] = drawn[:, 1] + 0.1 * drawn[:, 0]
    units, correlation = alike(drawn)
    assert units.shape == (5, 4) and units[1, 0] == 3 and correlation[1, 0] > 0.98
    assert units[0, -1] == 4 and np.isclose(correlation[0, -1], -1) and (correlation[2] == 0).all()
