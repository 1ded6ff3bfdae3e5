"""How far a network's answers can be trusted: accuracy with its interval, calibration, mistakes, doubtful labels."""

from dataclasses import dataclass, replace

import numpy as np

from ..errors import CnnlensError
from ..labels import class_names
from ..results import Result
from .answer_findings import of, proportion

BINS = 10  # of confidence


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers(Result):
    """What a network answered to labeled images, and what is in doubt.

    Attributes
    ----------
    classes : tuple of str
        Names of the K classes.
    labels, named : ndarray (N,) int
        The class of each image by its label (-1 where it is not known) and by the network.
    confidence : ndarray (N,)
        The network's probability of the class that it names.
    accuracy, low, high : float
        Fraction answered right, and the 95 % interval of it.
    confusion : ndarray (K, K) int
        How many images of the class of the row were answered with the class of the column.
    bin_confidence, bin_accuracy, bin_count : ndarray (10,)
        The reliability diagram: mean confidence and accuracy (NaN where there is no image) and images in each tenth.
    ece : float
        Expected calibration error, 0 (confidence is accuracy) to 1.
    worst : ndarray of int
        Numbers of the images answered wrongly, the surest mistake first.
    suspects : ndarray of int
        Numbers of the images whose label is in doubt, the most doubtful first; ``named`` is what they look like.
    findings : tuple of Finding
    """

    classes: tuple
    labels: np.ndarray
    named: np.ndarray
    confidence: np.ndarray
    accuracy: float
    low: float
    high: float
    confusion: np.ndarray
    bin_confidence: np.ndarray
    bin_accuracy: np.ndarray
    bin_count: np.ndarray
    ece: float
    worst: np.ndarray
    suspects: np.ndarray
    findings: tuple


def of_answers(predictions, labels, classes=None, *, source=""):
    """Judge a network's answers by the labels, and the labels by the answers.

    The interval of the accuracy is Wilson's (1927, "Probable inference, the law of succession, and statistical
    inference"), which stays honest near 0 and 1. Calibration is that of Guo et al. (2017, "On calibration of modern
    neural networks"). A label is in doubt as in confident learning (Northcutt et al. 2021): the network names another
    class, with at least the mean probability that it gives that class where the label agrees. As hard images are
    confused too, doubtful labels are a finding only where the network is as sure of them as of its right answers.
    A network that has learned wrong labels by heart no longer doubts them.

    Parameters
    ----------
    predictions : array (N, K)
        Probabilities.
    labels : array (N,) of int
        -1 where not known: these images are left out.
    classes : sequence of K str, optional
    source : str

    Returns
    -------
    Answers

    Raises
    ------
    CnnlensError
        If the shapes do not fit, a label names no class, or no image has a label.

    Examples
    --------
    >>> found = of_answers([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]], [0, 1, 0], ["cat", "dog"])
    >>> f"{found.accuracy:.2f}, {found.low:.2f} to {found.high:.2f}", found.worst.tolist()
    ('0.67, 0.21 to 0.94', [2])
    """
    predictions, labels, classes = _checked(predictions, labels, classes)
    named, confidence = predictions.argmax(1), predictions.max(1)
    known = labels >= 0
    right = known & (named == labels)
    wrong = np.flatnonzero(known & ~right)
    accuracy, low, high = proportion(right.sum(), known.sum())
    bins = reliability(confidence[known], right[known])
    confusion = np.zeros((len(classes),) * 2, int)
    np.add.at(confusion, (labels[known], named[known]), 1)
    found = Answers(
        classes=classes,
        labels=labels,
        named=named,
        confidence=confidence,
        accuracy=accuracy,
        low=low,
        high=high,
        confusion=confusion,
        **bins,
        worst=wrong[np.argsort(-confidence[wrong], kind="stable")],
        suspects=doubtful(predictions, labels),
        findings=(),
        source=source,
        settings={"images": int(known.sum())},
    )
    return replace(found, findings=of(found))


def _checked(predictions, labels, classes):
    predictions, labels = np.asarray(predictions, np.float64), np.asarray(labels)
    if predictions.ndim != 2 or labels.shape != (len(predictions),) or labels.dtype.kind not in "iu":
        raise CnnlensError(
            "Expected predictions (N, classes) and N whole numbers as labels; "
            f"got shapes {predictions.shape} and {labels.shape} of type {labels.dtype}."
        )
    count = predictions.shape[1]
    if labels.max(initial=-1) >= count or labels.min(initial=0) < -1 or not (labels >= 0).any():
        raise CnnlensError(
            f"Expected labels from 0 to {count - 1}, -1 where one is not known, and at least one that is known; "
            f"got values from {labels.min(initial=0)} to {labels.max(initial=-1)}."
        )
    classes = class_names(classes, count)
    if len(classes) != count:
        raise CnnlensError(f"Expected {count} names of classes, one a column of the predictions; got {len(classes)}.")
    return predictions, labels.astype(int), classes


# --- measures -----------------------------------------------------------------------------------------------


def reliability(confidence, right):
    """The reliability diagram and the expected calibration error, as the fields of :class:`Answers`."""
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    count = np.bincount(place, minlength=BINS)
    with np.errstate(invalid="ignore"):
        mean, accuracy = (np.bincount(place, each, minlength=BINS) / count for each in (confidence, right))
    ece = np.nansum(count * np.abs(mean - accuracy)) / count.sum()
    return {"bin_confidence": mean, "bin_accuracy": accuracy, "bin_count": count, "ece": float(ece)}


def doubtful(predictions, labels):
    """Numbers of the images whose labels confident learning doubts, the most doubtful first.

    Parameters
    ----------
    predictions : ndarray (N, K)
    labels : ndarray (N,) int
        -1 where not known.
    """
    count = predictions.shape[1]
    usual = np.full(count, np.inf)  # of a class that no label names nothing is known
    for label in np.unique(labels[labels >= 0]):
        usual[label] = predictions[labels == label, label].mean()
    named, rows = predictions.argmax(1), np.arange(len(labels))
    doubted = (labels >= 0) & (named != labels) & (predictions[rows, named] >= usual[named])
    margin = predictions[rows, named] - predictions[rows, np.maximum(labels, 0)]
    found = np.flatnonzero(doubted)
    return found[np.argsort(-margin[found], kind="stable")]
