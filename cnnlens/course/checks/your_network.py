"""The exercises of lesson 11."""

import numpy as np

from ..exercise import exercise

MEAN, SPREAD = 51, 102  # of a channel in training, in the exercise on batch normalization


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

    def three(images):
        bright = np.asarray(images).mean((1, 2, 3))
        return np.eye(3)[np.digitize(bright, (0.5, 0.56))]

    return {
        "a mark where a network reads it": (corner, images, white, 1, 6, 1),
        "the same mark elsewhere": (corner, images, white, 5, 1, 1),
        "a large mark, which turns some of the answers": (whole, images, np.ones((5, 3, 1), np.float32), 2, 4, 1),
        "a mark that turns answers to two other classes": (three, images, np.ones((5, 3, 1), np.float32), 3, 1, 1),
        "a network that looks at nothing": (blind, images, white, 1, 6, 0),
        "a dark mark and the other class": (corner, images, 0 * white, 1, 6, 0),
    }


def _two(score):
    """Probabilities of two classes from the logit of the second."""
    of = 1 / (1 + np.exp(-20 * score))
    return np.stack([1 - of, of], 1)


def _answers(predict, images):
    return predict(images).argmax(1)


def _pasted(images, patch, top, left):
    copies = images.copy()
    copies[:, top : top + len(patch), left : left + patch.shape[1]] = patch
    return copies


def _others(predict, images, label):
    return images[_answers(predict, images) != label]


@exercise(
    _marks,
    {
        "Those that are answered so before are counted too: leave them out.": (
            lambda predict, images, patch, top, left, label: np.mean(
                _answers(predict, _pasted(images, patch, top, left)) == label
            )
        ),
        "Divide by how many were not answered so before, not by how many images there are.": (
            lambda predict, images, patch, top, left, label: (
                paste(predict, images, patch, top, left, label) * np.mean(_answers(predict, images) != label)
            )
        ),
        "That is how many are answered so; asked is which fraction.": (
            lambda predict, images, patch, top, left, label: (
                paste(predict, images, patch, top, left, label) * len(_others(predict, images, label))
            )
        ),
        "That is the fraction which is not answered so.": lambda predict, images, patch, top, left, label: (
            1 - paste(predict, images, patch, top, left, label)
        ),
        "That is the mean probability of the class, not the fraction of the answers.": (
            lambda predict, images, patch, top, left, label: predict(
                _pasted(_others(predict, images, label), patch, top, left)
            )[:, label].mean()
        ),
        "All answers that changed are counted, also those that changed to another class.": (
            lambda predict, images, patch, top, left, label: np.mean(
                _answers(predict, _others(predict, images, label))
                != _answers(predict, _pasted(_others(predict, images, label), patch, top, left))
            )
        ),
        "Row and column are exchanged: `top` is the row.": lambda predict, images, patch, top, left, label: paste(
            predict, images, patch, left, top, label
        ),
        "The network is asked about the images without the mark.": lambda *given: 0,
    },
)
def paste(predict, images, patch, top, left, label):
    """Which fraction a mark turns to the label, of the images that were not answered so before."""
    return np.mean(_answers(predict, _pasted(_others(predict, images, label), patch, top, left)) == label)


def _labeled():
    generator = np.random.default_rng(0)
    labels = np.arange(60) % 3
    unsure = generator.dirichlet(np.ones(3), 60)
    timid = 0.55 * np.eye(3)[labels] + 0.45 * unsure
    timid[:, 2] *= 0.6  # a class of which the network is never very sure
    timid /= timid.sum(1, keepdims=True)
    wrong = labels.copy()
    wrong[[0, 7, 31]] = (labels[[0, 7, 31]] + 1) % 3
    frequent = np.repeat([0, 1, 2], (40, 13, 7))
    leaning = 0.4 * np.eye(3)[frequent] + 0.6 * generator.dirichlet((4, 2, 1), 60)
    frequent[[3, 17, 44]] = 1, 2, 0
    return {
        "a class that is far more frequent than the others": (leaning, frequent),
        "a sure network and three wrong labels": (0.96 * np.eye(3)[labels] + 0.04 / 3, wrong),
        "a network that is less sure of one class": (timid, wrong),
        "a network that knows nothing": (unsure, labels),
        "labels without a mistake": (0.9 * np.eye(3)[labels] + 0.1 / 3, labels),
    }


def _usual(probabilities, labels):
    return np.array([probabilities[labels == label, label].mean() for label in range(probabilities.shape[1])])


def _doubted(probabilities, labels, usual, *, where_none=False):
    """Suspects, where each class has that threshold."""
    reaching = np.where(probabilities >= usual, probabilities, -1)
    return ((reaching.max(1) >= 0) | where_none) & (reaching.argmax(1) != labels)


def _own(probabilities, labels):
    return probabilities[np.arange(len(labels)), labels]


def _farthest(probabilities, labels):
    above = probabilities - _usual(probabilities, labels)
    return (above.max(1) >= 0) & (above.argmax(1) != labels)


@exercise(
    _labeled,
    {
        "The thresholds are missing: that is where the answer is not the label.": lambda probabilities, labels: (
            probabilities.argmax(1) != labels
        ),
        "The threshold of a class is its mean probability on the images that are labeled so, not on all.": (
            lambda probabilities, labels: _doubted(probabilities, labels, probabilities.mean(0))
        ),
        "The images that are answered so do not make the threshold, but those that are labeled so.": (
            lambda probabilities, labels: _doubted(
                probabilities, labels, _usual(probabilities, probabilities.argmax(1))
            )
        ),
        "Each class has a threshold of its own; that is 0.5 for all.": lambda probabilities, labels: _doubted(
            probabilities, labels, 0.5
        ),
        "Each class has a threshold of its own; that is one for all.": lambda probabilities, labels: _doubted(
            probabilities, labels, _own(probabilities, labels).mean()
        ),
        "Where no class reaches its threshold, nothing is suspect.": lambda probabilities, labels: _doubted(
            probabilities, labels, _usual(probabilities, labels), where_none=True
        ),
        "It is not enough that the label is below its threshold: another class must reach its own.": (
            lambda probabilities, labels: _own(probabilities, labels) < _usual(probabilities, labels)[labels]
        ),
        "Of the classes that reach their thresholds the most probable counts, not the one farthest above.": _farthest,
        "Those are the images that are not suspect.": lambda probabilities, labels: ~suspects(probabilities, labels),
    },
)
def suspects(probabilities, labels):
    """By confident learning (Northcutt et al. 2021)."""
    return _doubted(probabilities, labels, _usual(probabilities, labels))


@exercise(
    mistakes={
        "That is what comes out in training; in use the layer takes off the mean that it remembers.": lambda: 0,
        "That is what comes out of the convolution: the layer subtracts and divides.": lambda: MEAN / 255,
        "The spread is missing: divide by it.": lambda: MEAN / 255 - MEAN,
        "It divides by the spread that it remembers, not by that of what it sees now.": lambda: (
            (MEAN / 255 - MEAN) / (SPREAD / 255)
        ),
        "The mean that it remembers is taken off: the sign is turned.": lambda: (MEAN - MEAN / 255) / SPREAD,
    },
    tolerance=0.01,
)
def mean_in_use():
    """Of a channel that is fed a 255th of what it was trained on."""
    return (MEAN / 255 - MEAN) / SPREAD


def _channels():
    cases = {
        "channels that see what they learned": ([0.0, 2.0], [1.0, 3.0], [0.0, 2.0], [1.0, 3.0]),
        "a mean that is off": ([1.5, 0.0], [1.0, 4.0], [0.0, 0.0], [1.0, 4.0]),
        "a spread that is off, either way": ([0.0, 0.0], [0.1, 5.0], [0.0, 0.0], [1.0, 1.0]),
        "both off": ([0.2, -1.0, 3.0], [0.5, 2.0, 0.01], [1.0, 1.0, 0.0], [2.0, 0.7, 1.0]),
    }
    return {words: tuple(np.array(each) for each in statistics) for words, statistics in cases.items()}


def _closed(mean, variance, learned_mean, learned_variance, *, half=0.5, one=1, log=np.log, square=np.square, sign=-1):
    """The formula that the lesson gives, for its mistakes; the reference integrates."""
    ratio = variance / learned_variance
    return half * (ratio + square(mean - learned_mean) / learned_variance - one + sign * log(ratio))


def _mistaken(**how):
    return lambda *given: _closed(*given, **how)


@exercise(
    _channels,
    {
        "Seen and learned are exchanged: the learned variance is below the line.": lambda m, v, lm, lv: _closed(
            lm, lv, m, v
        ),
        "The half in front is missing.": _mistaken(half=1),
        "The 1 is missing: where both are the same, 0 must come out.": _mistaken(one=0),
        "The logarithm is the natural one, not that to the base 2.": _mistaken(log=np.log2),
        "The logarithm is the natural one, not that to the base 10.": _mistaken(log=np.log10),
        "The logarithm is taken off, not added.": _mistaken(sign=1),
        "The logarithm is missing.": _mistaken(sign=0),
        "The variances are σ² already: do not square them.": lambda m, v, lm, lv: _closed(m, v**2, lm, lv**2),
        "The variances are σ²: do not take the root.": lambda m, v, lm, lv: _closed(m, v**0.5, lm, lv**0.5),
        "The difference of the means must be squared.": _mistaken(square=lambda values: values),
        "The means are not looked at.": _mistaken(square=np.zeros_like),
    },
    tolerance=1e-4,
)
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
