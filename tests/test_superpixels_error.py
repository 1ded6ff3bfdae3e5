"""LIME's estimators against known weights: bias, scatter and slope on functions whose weights follow from all masks."""

import itertools

import numpy as np
import pytest
from scipy.special import expit

from cnnlens import superpixels
from cnnlens.lenses import masks as designs
from cnnlens.lenses import surrogate

PARTS = 8
TOUCHING = superpixels.touching(np.arange(PARTS).reshape(2, 4))
EVERY = np.array(list(itertools.product([False, True], repeat=PARTS)))


def functions():
    """From masks to scores in [0, 1]: a sum, a saturating link with interactions of neighbors, a sharp link."""
    generator = np.random.default_rng(0)
    weights, bonds = generator.normal(size=PARTS), generator.normal(0, 0.8, len(TOUCHING))

    def additive(masks):
        return 0.5 + 0.4 * (np.where(masks, 1, -1) @ weights) / np.abs(weights).sum()

    def saturating(masks):
        together = masks[:, TOUCHING[:, 0]] & masks[:, TOUCHING[:, 1]]
        return expit(4 * (masks @ (1.2 * weights) + together @ bonds) / PARTS**0.5 - 2)

    def sharp(masks):
        return expit(3 * (np.where(masks, 1, -1) @ weights) - 3)

    return {"additive": additive, "saturating": saturating, "sharp": sharp}


def corrected(masks, score, seed):
    scores = np.stack([score, 1 - score], 1)
    return surrogate.surrogate_corrected(masks, scores, TOUCHING, lambda scores: scores[:, 0], seed=seed)[0]


def cross_fitted(masks, score, seed, folds=5):
    """The same with each residual from a surrogate that has not seen it; a mask and its complement stay together."""
    scores = np.stack([score, 1 - score], 1)
    fold = np.append(0, np.random.default_rng(seed).permutation((len(masks) - 1) // 2).repeat(2)) % folds
    free, residuals = designs.hadamard(2000, PARTS, (seed, 1)), np.empty(len(masks))
    answers = np.zeros(len(free))
    for left in range(folds):
        model = surrogate.surrogate_model(masks[fold != left], scores[fold != left], TOUCHING)
        residuals[fold == left] = score[fold == left] - model(masks[fold == left])[:, 0]
        answers += model(free)[:, 0] / folds
    return surrogate.weighted_ridge(free, answers)[0] + surrogate.weighted_ridge(masks, residuals)[0]


def plain(masks, score, seed):
    return surrogate.weighted_ridge(masks, score)[0]


def errors(estimator, function, samples, seeds=6):
    """Root mean squared error and bias as fractions of the weights' own size, and slope of the mean on the truth."""
    truth = surrogate.weighted_ridge(EVERY, function(EVERY), ridge=0)[0]
    found = []
    for seed in range(seeds):
        masks = designs.hadamard(samples, PARTS, seed)
        found.append(estimator(masks, function(masks), seed))
    size, mean = np.sqrt(np.mean(truth**2)), np.mean(found, 0)
    slope = np.polyfit(truth, mean, 1)[0]
    return np.sqrt(np.mean((found - truth) ** 2)) / size, np.sqrt(np.mean((mean - truth) ** 2)) / size, slope


@pytest.mark.parametrize("samples", [49, 193])
@pytest.mark.parametrize("name", ["additive", "saturating", "sharp"])
def test_weights_are_neither_inflated_nor_lost(name, samples):
    error, bias, slope = errors(corrected, functions()[name], samples)
    assert slope == pytest.approx(1, abs=0.04 if samples < 100 else 0.02)
    assert error < (0.08 if samples < 100 else 0.04) and bias < 0.04


@pytest.mark.parametrize("name", ["saturating", "sharp"])
def test_the_correction_more_than_halves_the_error_of_the_plain_regression(name):
    function = functions()[name]
    assert errors(corrected, function, 97)[0] < 0.5 * errors(plain, function, 97)[0]


@pytest.mark.parametrize("name", ["additive", "saturating", "sharp"])
def test_cross_fitting_would_make_larger_errors(name):
    """Why the residuals are in-sample: in a balanced design, those of left-out folds lean against the fit."""
    function = functions()[name]
    assert errors(cross_fitted, function, 49)[0] > errors(corrected, function, 49)[0]
