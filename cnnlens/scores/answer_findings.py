"""What is wrong with a network's answers, or with the labels that they are measured by."""

import numpy as np

from .findings import Finding

FEWEST = 8  # images: what fewer show may be chance
GAP = 0.1  # of mean confidence over accuracy, from which a network counts as too sure
DOUBTFUL = 0.05  # fraction of labels from which they are a finding
AS_SURE = 0.7  # AUC: below it, a network is about as sure of its "mistakes" as of its right answers
OPPOSITE = 3  # labels in doubt in either direction, from which two classes count as exchanged


def of(found):
    """The findings of an :class:`~cnnlens.scores.answers.Answers`, a tuple of Finding."""
    return (*_labels(found), *_guessing(found), *_too_sure(found), *_missed(found))


def proportion(count, total):
    """A fraction and its 95 % interval by Wilson, as (fraction, low, high).

    Examples
    --------
    >>> [round(value, 3) for value in proportion(10, 10)]
    [1.0, 0.722, 1.0]
    """
    from scipy.stats import binomtest

    interval = binomtest(int(count), int(total)).proportion_ci(method="wilson")
    return int(count) / int(total), float(interval.low), float(interval.high)


def surer(confidence, right):
    """How often a right answer is surer than a wrong one (AUC): 1/2 where labels are wrong at random, else more."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(right, confidence)) if 0 < np.sum(right) < len(right) else 1.0


def _labels(found):
    """Two classes whose labels are exchanged in many images; or labels in doubt whatever their class."""
    mistakes = found.confusion * (1 - np.eye(len(found.classes), dtype=int))
    both = np.where(np.minimum(mistakes, mistakes.T) >= OPPOSITE, mistakes + mistakes.T, 0)
    one, other = np.unravel_index(both.argmax(), both.shape)
    in_pair = np.isin(found.labels, (one, other)) & np.isin(found.named, (one, other))
    pair = int(np.isin(found.labels, (one, other)).sum())
    count = int(both[one, other])
    if count >= max(FEWEST, DOUBTFUL * pair) and _as_sure(found, in_pair):
        sentence = (
            f"The labels {found.classes[one]!r} and {found.classes[other]!r} seem to be exchanged in part: in {count} "
            f"of {pair} images the network names the other of the two, and is as sure as of its right answers."
        )
        advice = (
            "Look at these images and put their labels right; if it is nearly all of them, the names are exchanged."
        )
        yield _doubt("exchanged labels", sentence, 0.25 + count / pair, advice, found, classes=[int(one), int(other)])
    elif len(found.suspects) >= max(FEWEST, DOUBTFUL * (found.labels >= 0).sum()) and _as_sure(
        found, found.labels >= 0
    ):
        total = int((found.labels >= 0).sum())
        sentence = (
            f"{len(found.suspects)} of {total} labels seem to be wrong: there the network names another class, and is "
            "as sure as of its right answers."
        )
        advice = "Look at these images, the most doubtful first, and put their labels right."
        yield _doubt("wrong labels", sentence, 0.15 + len(found.suspects) / total, advice, found)


def _as_sure(found, among):
    return surer(found.confidence[among], (found.named == found.labels)[among]) < AS_SURE


def _doubt(name, sentence, weight, advice, found, **evidence):
    evidence |= {"images": found.suspects.tolist(), "looks like": found.named[found.suspects].tolist()}
    return Finding(name=name, sentence=sentence, weight=min(0.8, weight), advice=advice, evidence=evidence)


def _guessing(found):
    """An accuracy that naming the commonest class alone would reach."""
    present = found.confusion.sum(1)
    commonest, total = present.argmax(), present.sum()
    if total >= FEWEST and (present > 0).sum() > 1 and found.high < 1 and found.accuracy <= present.max() / total:
        sentence = (
            f"It answers {found.accuracy:.0%} of {total} images right, which is no better than always saying "
            f"{found.classes[commonest]!r} ({present.max() / total:.0%})."
        )
        advice = "Check that it is fed as it was trained, that the classes stand in its own order, and that it learned."
        evidence = {"accuracy": found.accuracy, "always the commonest": present.max() / total}
        yield Finding(name="guessing", sentence=sentence, weight=0.6, advice=advice, evidence=evidence)


def _too_sure(found):
    """Confidence that promises clearly more than the accuracy holds."""
    known = found.labels >= 0
    sure = float(found.confidence[known].mean())
    if known.sum() >= FEWEST and sure > found.high and sure - found.accuracy > GAP:
        sentence = (
            f"It is too sure of itself: on average it claims {sure:.0%}, and is right in {found.accuracy:.0%} of "
            f"{known.sum()} images ({found.low:.0%} to {found.high:.0%})."
        )
        advice = "Do not read its probabilities as such; scale its logits by a temperature fitted on held-out images."
        evidence = {"confidence": sure, "accuracy": found.accuracy, "ece": found.ece}
        yield Finding(
            name="too sure", sentence=sentence, weight=(sure - found.accuracy) / 2, advice=advice, evidence=evidence
        )


def _missed(found):
    """A class that is recognized far more seldom than the rest."""
    present = found.confusion.sum(1)
    missed = [i for i in np.flatnonzero(present >= FEWEST) if _seldom(found.confusion[i, i], present[i], found.low)]
    if missed and found.accuracy > 0.5:
        worst = min(missed, key=lambda i: found.confusion[i, i] / present[i])
        instead = found.confusion[worst].argmax()
        sentence = (
            f"It recognizes {found.confusion[worst, worst]} of {present[worst]} images of {found.classes[worst]!r}, "
            f"and calls most others {found.classes[instead]!r}, while {found.accuracy:.0%} of all images are right."
        )
        advice = f"Look at the images of {found.classes[worst]!r}: too few, too varied, or labeled by another rule?"
        weight = present[missed].sum() / present.sum() / 2
        yield Finding(name="missed class", sentence=sentence, weight=float(weight), advice=advice)


def _seldom(right, total, accuracy):
    return proportion(right, total)[2] < accuracy / 2
