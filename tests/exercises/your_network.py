"""Answers to the exercises of lesson 11: a right one for each, and wrong ones with words that name the mistake."""

import numpy as np


def pasted(predict, images, patch, top, left, label, *, of_all=False, turned=False, mean=False):
    """With the images that are answered so in it, and left out at the end."""
    top, left = (left, top) if turned else (top, left)
    counted = (predict(images).argmax(1) != label) | of_all
    marked = np.array(images)
    marked[:, top : top + patch.shape[0], left : left + patch.shape[1]] = patch
    after = predict(marked)[counted]
    return after[:, label].mean() if mean else (after.argmax(1) == label).mean()


def in_place(predict, images, patch, top, left, label):
    counted = predict(images).argmax(1) != label
    images[:, top : top + patch.shape[0], left : left + patch.shape[1]] = patch
    return (predict(images)[counted].argmax(1) == label).mean()


def of_all_images(predict, images, patch, top, left, label):
    before = predict(images).argmax(1)
    marked = images.copy()
    marked[:, top : top + patch.shape[0], left : left + patch.shape[1]] = patch
    return np.mean((predict(marked).argmax(1) == label) & (before != label))


def any_change(predict, images, patch, top, left, label):
    others = images[predict(images).argmax(1) != label]
    marked = others.copy()
    marked[:, top : top + patch.shape[0], left : left + patch.shape[1]] = patch
    return (predict(marked).argmax(1) != predict(others).argmax(1)).mean()


def doubted(probabilities, labels, usual=None, none=False):
    """Image by image, the classes from the most probable down."""
    classes = np.arange(probabilities.shape[1])
    if usual is None:
        usual = [probabilities[labels == label, label].mean() for label in classes]
    found = []
    for row, label in zip(probabilities, labels):
        reached = [each for each in np.argsort(-row, kind="stable") if row[each] >= usual[each]]
        found.append(reached[0] != label if reached else none and label != 0)
    return np.array(found)


def normal(mean, variance, learned_mean, learned_variance):
    """By the standard deviations: ln(s0 / s) + (s² + d²) / (2 s0²) − 1/2."""
    seen, learned = np.sqrt(variance), np.sqrt(learned_variance)
    return np.log(learned / seen) + (seen**2 + (mean - learned_mean) ** 2) / (2 * learned**2) - 0.5


def rooted(mean, variance, learned_mean, learned_variance):
    return normal(mean, np.sqrt(variance), learned_mean, np.sqrt(learned_variance))


RIGHT = {"paste": pasted, "suspects": doubted, "mean_in_use": -0.5, "divergence": normal}
WRONG = {
    "paste": [
        ("leave them out", lambda *given: pasted(*given, of_all=True)),
        ("Row and column", lambda *given: pasted(*given, turned=True)),
        ("mean probability", lambda *given: pasted(*given, mean=True)),
        ("how many images there are", of_all_images),
        ("changed to another class", any_change),
        ("changes what it was given (argument 2)", in_place),
        ("without the mark", lambda predict, images, *given: float(np.mean(predict(images)[:, 0] > 1))),
        (
            "which fraction",
            lambda predict, images, *given: round(
                pasted(predict, images, *given) * np.sum(predict(images).argmax(1) != given[-1])
            ),
        ),
    ],
    "suspects": [
        ("thresholds are missing", lambda p, labels: np.not_equal(np.argmax(p, axis=1), labels)),
        ("not on all", lambda p, labels: doubted(p, labels, p.mean(0))),
        ("0.5 for all", lambda p, labels: doubted(p, labels, 3 * [0.5])),
        ("nothing is suspect", lambda p, labels: doubted(p, labels, none=True)),
        (
            "another class must reach",
            lambda p, labels: np.array([row[l] < p[labels == l, l].mean() for row, l in zip(p, labels)]),
        ),
        ("that are not suspect", lambda p, labels: np.logical_not(doubted(p, labels))),
        ("one for all", lambda p, labels: doubted(p, labels, 3 * [np.mean([row[l] for row, l in zip(p, labels)])])),
    ],
    "mean_in_use": [
        ("comes out in training", 0),
        ("out of the convolution", 0.2),
        ("spread is missing", -50.8),
        ("sign is turned", 0.498),
        ("of what it sees now", -127.0),
        ("too small", -5),
    ],
    "divergence": [
        ("exchanged", lambda m, v, lm, lv: normal(lm, lv, m, v)),
        ("half in front", lambda m, v, lm, lv: 2 * normal(m, v, lm, lv)),
        ("do not take the root", rooted),
        ("do not square", lambda m, v, lm, lv: normal(m, v * v, lm, lv * lv)),
        (
            "natural one, not that to the base 2",
            lambda m, v, lm, lv: normal(m, v, lm, lv) - np.log(lv / v) / 2 + np.log2(lv / v) / 2,
        ),
        ("The 1 is missing", lambda *given: normal(*given) + 0.5),
        ("means are not looked at", lambda m, v, lm, lv: normal(0, v, 0, lv)),
        ("axes, not 1", lambda *given: normal(*given).mean()),
    ],
}
