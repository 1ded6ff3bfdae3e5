"""Whether a network is fed as it was trained: by its batch normalizations, and by which pixels it answers best on."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from ..network import Network
from ..preprocessing import Check, Preprocessing, candidates
from .findings import Finding

MOST = 128  # images that every preprocessing is tried on
BATCH = 32
CHANCE = 0.001  # probability of so many more right answers, if the two preprocessings were equally good
GAIN = 0.05  # of accuracy, from which another preprocessing counts as the better one
WRONG, IN_DOUBT, OTHER_IMAGES = 0.95, 0.4, 0.15  # weights: fed wrongly, nearly every answer is spoiled
ADVICE = "Say which pixels it was trained on: Network.of(model, pixels=…), and mend the script that feeds it."


@dataclass(frozen=True, eq=False)
class Feeding:
    """How a network is fed.

    Attributes
    ----------
    check : Check
        What its batch normalizations say.
    accuracy : dict of str to float
        On the same labeled images, under each preprocessing tried; ``now`` is the network's own. Empty without labels.
    better : Preprocessing or None
        What fits better, if it is fed wrongly.
    findings : tuple of Finding
    """

    check: Check
    accuracy: dict
    better: Preprocessing | None
    findings: tuple


def of_feeding(net, images, labels=None):
    """Whether another preprocessing would suit a network better.

    Batch normalizations remember what they were trained on (:meth:`Network.check`). A network without any is asked for
    its answers: where it is right far more often if the same images come in another range, it is fed wrongly. The two
    are compared image by image with McNemar's exact test (1947).

    Parameters
    ----------
    net : Network, or what :meth:`Network.of` takes
    images : array (N, H, W, C) in [0, 1]
    labels : array (N,) of int, optional
        -1 where not known.

    Returns
    -------
    Feeding
    """
    net = Network.of(net)
    check = net.check(images)
    known = np.flatnonzero(np.asarray(labels) >= 0) if labels is not None and net.class_count else []
    if not len(known):
        return Feeding(check, {}, check.better, _by_statistics(check, {}))
    known = known[np.linspace(0, len(known) - 1, min(MOST, len(known))).astype(int)]
    labels = np.asarray(labels)[known]
    tried = {"now": net.preprocessing, **candidates(net.channels)}
    right = {name: named == labels for name, named in answered(net, tried, images[known]).items()}
    accuracy = {name: float(each.mean()) for name, each in right.items()}
    best = max(accuracy, key=accuracy.get)
    if accuracy[best] - accuracy["now"] > GAIN and _by_chance(right["now"], right[best]) < CHANCE:
        return Feeding(check, accuracy, tried[best], (_by_answers(net, accuracy, best, len(labels)),))
    return Feeding(check, accuracy, check.better, _by_statistics(check, accuracy))


def answered(net, preprocessings, images):
    """The class that a network names for each image, (N,) int, by the preprocessing that it is fed through.

    Parameters
    ----------
    net : Network
    preprocessings : dict of str to Preprocessing
    images : array (N, H, W, C) in [0, 1]
    """
    bare = net.like(net.model, preprocessing=Preprocessing())
    name = tf.function(lambda batch: tf.argmax(bare.class_scores(batch), -1), reduce_retracing=True)
    pixels = net.prepare(images)
    batches = [pixels[start : start + BATCH] for start in range(0, len(pixels), BATCH)]
    return {
        label: np.concatenate([name(tf.constant(feed(batch), tf.float32)).numpy() for batch in batches])
        for label, feed in preprocessings.items()
    }


def _by_chance(now, then):
    """McNemar's exact test: how likely so many of the changed answers turned right, were it as likely to turn wrong."""
    from scipy.stats import binomtest

    won, lost = int((then & ~now).sum()), int((now & ~then).sum())
    return binomtest(won, won + lost, alternative="greater").pvalue if won + lost else 1.0


def _by_answers(net, accuracy, best, count):
    low, high = _range(net.preprocessing)
    sentence = (
        f"It is fed in the wrong range: with values from {low:.3g} to {high:.3g} it answers {accuracy['now']:.0%} of "
        f"{count} images right, with {best} it would be {accuracy[best]:.0%}."
    )
    return Finding(name="wrong range", sentence=sentence, weight=WRONG, advice=ADVICE, evidence=dict(accuracy))


def _range(preprocessing):
    """The smallest and the largest value that black and white become."""
    ends = np.concatenate([np.ravel(preprocessing(np.full((1, 1, 1, 3), value, np.float32))) for value in (0, 1)])
    return float(ends.min()), float(ends.max())


def _by_statistics(check, accuracy):
    """What the batch normalizations say; less weight where the answers are as good as with the better range."""
    if check.verdict == "wrong":
        weight = IN_DOUBT if accuracy else WRONG
        return (Finding(name="wrong range", sentence=check.sentence, weight=weight, advice=ADVICE),)
    if check.verdict == "differs":
        advice = "Ask whether these images are of the kind that it is meant for."
        return (Finding(name="other images", sentence=check.sentence, weight=OTHER_IMAGES, advice=advice),)
    return ()
