"""How good a classifier is, how sure that number is, and where it goes wrong."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import confusion_matrix

from .answer_findings import proportion


@dataclass(frozen=True, eq=False)
class Accuracy:
    """A fraction of right answers with its 95 % interval.

    Attributes
    ----------
    value, low, high : float
        In [0, 1].
    count : int
        Of images.
    """

    value: float
    low: float
    high: float
    count: int

    def __str__(self):
        return f"{self.value:.2%} of {self.count:,} (95 % interval {self.low:.2%} to {self.high:.2%})"


def accuracy(probabilities, labels):
    """The fraction of images whose most probable class is the right one, with Wilson's interval (Wilson 1927).

    Parameters
    ----------
    probabilities : array (N, classes)
    labels : array (N,) int

    Returns
    -------
    Accuracy
    """
    right = int((np.argmax(probabilities, 1) == labels).sum())
    return Accuracy(*proportion(right, len(labels)), len(labels))


def by_class(probabilities, labels):
    """The accuracy on the images of each class, in the order of the classes; None where a class has no image.

    Parameters
    ----------
    probabilities : array (N, classes)
    labels : array (N,) int

    Returns
    -------
    list of Accuracy or None

    Examples
    --------
    >>> by_class([[1, 0, 0], [1, 0, 0], [0, 1, 0]], np.array([0, 1, 1]))[1].value
    0.5
    """
    probabilities, labels = np.asarray(probabilities), np.asarray(labels)
    chosen = [labels == label for label in range(probabilities.shape[1])]
    return [accuracy(probabilities[which], labels[which]) if which.any() else None for which in chosen]


def confusion(probabilities, labels):
    """How often each class was taken for each: (true, predicted), counts."""
    classes = np.shape(probabilities)[1]
    return confusion_matrix(labels, np.argmax(probabilities, 1), labels=range(classes))


def confused_pairs(matrix, count=3):
    """The pairs of classes most often taken for each other, both ways added up: a list of (a, b, times)."""
    both = np.triu(matrix + matrix.T, 1)
    order = np.argsort(both, axis=None, kind="stable")[::-1][:count]
    return [(int(a), int(b), int(both[a, b])) for a, b in zip(*np.unravel_index(order, both.shape)) if both[a, b]]


def worst_mistakes(probabilities, labels, count=12):
    """Wrong answers given with the most certainty.

    Returns
    -------
    ndarray of int
        Indices of images, the most certain mistake first; fewer than ``count`` if there are fewer mistakes.
    """
    predicted = np.argmax(probabilities, 1)
    wrong = np.flatnonzero(predicted != labels)
    certainty = np.asarray(probabilities)[wrong, predicted[wrong]]
    return wrong[np.argsort(-certainty, kind="stable")][:count]
