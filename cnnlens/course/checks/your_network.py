"""The exercises of lesson 11."""

import numpy as np

from ..exercise import exercise


def _marks():
    def corner(images):
        return _two(np.asarray(images)[:, 1:4, 6:8].mean((1, 2, 3)) - 0.8)

    def whole(images):
        return _two(np.asarray(images).mean((1, 2, 3)) - 0.57)

    def blind(images):
        return np.tile([0.2, 0.7, 0.1], (len(images), 1))

    images = np.random.default_rng(0).random((40, 9, 8, 1)).astype(np.float32)
    images[:9, 1:4, 6:8] = 1
    white = np.ones((3, 2, 1), np.float32)
    return {
        "a mark where a network reads it": (corner, images, white, 1, 6, 1),
        "the same mark elsewhere": (corner, images, white, 5, 1, 1),
        "a large mark, which turns some of the answers": (whole, images, np.ones((5, 3, 1), np.float32), 2, 4, 1),
        "a network that looks at nothing": (blind, images, white, 1, 6, 0),
        "a dark mark and the other class": (corner, images, 0 * white, 1, 6, 0),
    }


def _two(score):
    """Probabilities of two classes from the logit of the second."""
    of = 1 / (1 + np.exp(-20 * score))
    return np.stack([1 - of, of], 1)


@exercise(_marks)
def paste(predict, images, patch, top, left, label):
    """Which fraction a mark turns to the label, of the images that were not answered so before."""
    other = images[predict(images).argmax(1) != label].copy()
    other[:, top : top + len(patch), left : left + patch.shape[1]] = patch
    return np.mean(predict(other).argmax(1) == label)


def _labeled():
    generator = np.random.default_rng(0)
    labels = np.arange(60) % 3
    unsure = generator.dirichlet(np.ones(3), 60)
    timid = 0.55 * np.eye(3)[labels] + 0.45 * unsure
    timid[:, 2] *= 0.6  # a class of which the network is never very sure
    timid /= timid.sum(1, keepdims=True)
    wrong = labels.copy()
    wrong[[0, 7, 31]] = (labels[[0, 7, 31]] + 1) % 3
    return {
        "a sure network and three wrong labels": (0.96 * np.eye(3)[labels] + 0.04 / 3, wrong),
        "a network that is less sure of one class": (timid, wrong),
        "a network that knows nothing": (unsure, labels),
        "labels without a mistake": (0.9 * np.eye(3)[labels] + 0.1 / 3, labels),
    }


@exercise(_labeled)
def suspects(probabilities, labels):
    """By confident learning (Northcutt et al. 2021)."""
    classes = probabilities.shape[1]
    usual = np.array([probabilities[labels == label, label].mean() for label in range(classes)])
    reaching = np.where(probabilities >= usual, probabilities, -1)
    return (reaching.max(1) >= 0) & (reaching.argmax(1) != labels)


def _channels():
    cases = {
        "channels that see what they learned": ([0.0, 2.0], [1.0, 3.0], [0.0, 2.0], [1.0, 3.0]),
        "a mean that is off": ([1.5, 0.0], [1.0, 4.0], [0.0, 0.0], [1.0, 4.0]),
        "a spread that is off, either way": ([0.0, 0.0], [0.1, 5.0], [0.0, 0.0], [1.0, 1.0]),
        "both off": ([0.2, -1.0, 3.0], [0.5, 2.0, 0.01], [1.0, 1.0, 0.0], [2.0, 0.7, 1.0]),
    }
    return {words: tuple(np.array(each) for each in statistics) for words, statistics in cases.items()}


@exercise(_channels, tolerance=1e-4)
def divergence(mean, variance, learned_mean, learned_variance):
    """In nats, each channel by SciPy's integral."""
    from scipy.integrate import quad
    from scipy.stats import norm

    def one(mean, variance, learned_mean, learned_variance):
        seen, learned = norm(mean, variance**0.5), norm(learned_mean, learned_variance**0.5)
        reach = 12 * variance**0.5
        return quad(
            lambda x: seen.pdf(x) * (seen.logpdf(x) - learned.logpdf(x)), mean - reach, mean + reach, limit=200
        )[0]

    return [one(*channel) for channel in zip(mean, variance, learned_mean, learned_variance)]
