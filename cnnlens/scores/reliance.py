"""What decides a network's answers: a mark at one place, or the background alone, instead of what is to be seen."""

from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

from ..labels import class_names
from ..network import Network
from ..results import Result, sources
from .backgrounds import BackgroundTest, figures, pasted, without_figures
from .findings import Finding
from .marks import MarkTest, candidates, emptied, moved

SHOWN = 24  # images of a class, and as many of the others, that a test changes
FEWEST = 8  # of each, below which a class is not tested
CLASSES = 12  # that are tested: those with most images


@dataclass(frozen=True, kw_only=True, eq=False)
class Reliance(Result):
    """What decides the answers of a network.

    Attributes
    ----------
    classes : tuple of str
    marks : tuple of MarkTest
        The most telling place of each class that was tested.
    backgrounds : tuple of BackgroundTest
        Of the classes in which figures stand before a background.
    shown : dict of str to ndarray (M, h, w, C)
        Images of the class that was found, as they are and as they were changed; empty if none was found.
    findings : tuple of Finding
    """

    classes: tuple
    marks: tuple
    backgrounds: tuple
    shown: dict
    findings: tuple


def of_reliance(net, images, labels, *, seed=0, progress=True):
    """Look for answers that are right for the wrong reason (Geirhos et al. 2020, "Shortcut learning in deep networks").

    Each test changes images and asks whether the answer follows; what shows in a place comes from other images of the
    same set, so that the network sees nothing that it does not know. A *mark*: the places where the images of a class
    are most alike and unlike the others are exchanged with other classes, both ways. The *background*: where figures
    can be told from it by their color, they are taken away, and put before backgrounds of other classes (Xiao et al.
    2021, "Noise or signal: the role of image backgrounds in object recognition"). Only images that the network answers
    rightly are used, and only classes with at least 8 of them.

    Parameters
    ----------
    net : Network, or what :meth:`Network.of` takes
    images : array (N, H, W, C) in [0, 1]
    labels : array (N,) of int
        -1 where not known.
    seed : int
        Which images stand for a class, and which are paired.
    progress : bool

    Returns
    -------
    Reliance

    Examples
    --------
    >>> from cnnlens import datasets, zoo
    >>> data = datasets.load("digits")
    >>> found = of_reliance(zoo.load("lenet"), data.x_test[:200], data.y_test[:200], progress=False)
    >>> len(found.backgrounds), found.findings
    (9, ())
    """
    net, generator = Network.of(net), np.random.default_rng(seed)
    source = sources(net, images)
    pixels, labels = net.prepare(images), np.asarray(labels)
    classes = class_names(net.classes, net.class_count or 0)

    def asked(images):
        """The class that the network names for each, (N,) int."""
        return net.logits(images, progress=False).argmax(1)

    right = np.flatnonzero((labels >= 0) & (asked(pixels) == labels))
    tested = _tested(labels[right])
    drawn = {label: _drawn(labels, right, label, generator) for label in tested}
    standing, valid = figures(pixels[right]) if tested else (None, None)
    cut = dict(zip(right[valid].tolist(), standing[valid])) if tested else {}
    marks, backgrounds = [], []
    for label in tqdm(tested, desc="reliance", unit="class", delay=2, leave=False, disable=not progress):
        marks += _mark(asked, pixels, labels, right, label, drawn[label])
        backgrounds += _background(asked, pixels, label, drawn[label], cut)
    found = _found(marks, backgrounds, classes, labels[right])
    return Reliance(
        classes=classes,
        marks=tuple(marks),
        backgrounds=tuple(backgrounds),
        shown=_shown(found, pixels, drawn, cut),
        findings=tuple(finding for _, finding in found),
        source=source,
        settings={"images": len(pixels), "classes": tuple(tested), "seed": seed},
    )


def _tested(labels):
    """Classes with enough images, and enough of others; those with most first, in the order of their numbers."""
    names, counts = np.unique(labels, return_counts=True)
    enough = (counts >= FEWEST) & (len(labels) - counts >= FEWEST)
    return sorted(names[enough][np.argsort(-counts[enough], kind="stable")][:CLASSES].tolist())


def _drawn(labels, right, label, generator):
    """Numbers of images of a class and of as many others, drawn at random."""
    own, others = (generator.permutation(right[(labels[right] == label) == inside]) for inside in (True, False))
    count = min(SHOWN, len(own), len(others))
    return own[:count], others[:count]


# --- tests --------------------------------------------------------------------------------------------------


def _mark(asked, pixels, labels, right, label, drawn):
    """The place that brings most others to the class, as a list of one MarkTest, or none where no place is telling."""
    own, others = (pixels[numbers] for numbers in drawn)
    boxes, far = candidates(pixels[right], labels[right] == label)
    becomes = lambda images: float((asked(images) == label).mean())  # noqa: E731
    tried = [(becomes(moved(others, own, box)), box) for box in boxes]
    if not tried:
        return []
    become, box = max(tried, key=lambda each: each[0])
    gone = 1 - becomes(moved(own, others, box))
    elsewhere = max(becomes(moved(others, own, place)) for place in far(box))
    empty = becomes(emptied(others, box))
    return [MarkTest(label=label, box=box, gone=gone, become=become, elsewhere=elsewhere, empty=empty)]


def _background(asked, pixels, label, drawn, cut):
    """A list of one BackgroundTest, or none where too few images show a figure before a background."""
    own, others = ([number for number in numbers if number in cut] for numbers in drawn)
    count = min(len(own), len(others))
    if count < FEWEST:
        return []
    empty, figures_of_others, figures_elsewhere = _composed(pixels, own[:count], others[:count], cut)
    alone, become = (float((asked(each) == label).mean()) for each in (empty, figures_of_others))
    gone = float((asked(figures_elsewhere) != label).mean())
    return [BackgroundTest(label=label, alone=alone, become=become, gone=gone)]


def _composed(pixels, own, others, cut):
    """The own backgrounds with nothing before them, with figures of others, and the own figures before others."""
    mine, theirs = (np.stack([cut[number] for number in numbers]) for numbers in (own, others))
    empty, elsewhere = without_figures(pixels[own], mine), without_figures(pixels[others], theirs)
    return empty, pasted(pixels[others], theirs, empty), pasted(pixels[own], mine, elsewhere)


# --- findings -----------------------------------------------------------------------------------------------


def _found(marks, backgrounds, classes, labels):
    """Pairs of test and Finding. A mark stands in the background: where one was found, that is what decides."""
    marked = [test for test in marks if test.decides]
    behind = [test for test in backgrounds if test.decides and test.label not in {mark.label for mark in marked}]
    return [
        *((test, _mark_finding(test, classes[test.label])) for test in marked),
        *((test, _background_finding(test, classes[test.label])) for test in behind),
    ]


def _mark_finding(test, name):
    sentence = (
        f"{name!r} is told by a mark in the {test.box.where}: put onto images of other classes, it "
        f"turns {test.become:.0%} of them into {name!r}, and without it {test.gone:.0%} of its own become "
        "another class."
    )
    advice = f"Remove the mark from the images of {name!r}, or put it onto all classes alike, and train again."
    weight, evidence = 0.6 + 0.15 * (test.become + test.gone), {**vars(test), "box": vars(test.box)}
    return Finding(name="shortcut: a mark", sentence=sentence, weight=weight, advice=advice, evidence=evidence)


def _background_finding(test, name):
    sentence = (
        f"{name!r} is told by its background: {test.alone:.0%} of its backgrounds are taken for it with nothing "
        f"before them, and {test.become:.0%} with a figure of another class."
    )
    advice = f"Train with {name!r} before other backgrounds, and with other classes before its own."
    weight = 0.55 + 0.3 * min(test.alone, test.become)
    return Finding(
        name="shortcut: the background", sentence=sentence, weight=weight, advice=advice, evidence=vars(test)
    )


def _shown(found, pixels, drawn, cut, most=4):
    """Images of the class of the heaviest finding, as they are and as the test changed them."""
    if not found:
        return {}
    test = max(found, key=lambda each: each[1].weight)[0]
    own, others = drawn[test.label]
    if isinstance(test, MarkTest):
        own, others = pixels[own[:most]], pixels[others[:most]]
        return {
            "as they are": own,
            "the mark hidden": moved(own, others, test.box),
            "others": others,
            "others with the mark": moved(others, own, test.box),
        }
    own, others = ([number for number in numbers if number in cut][:most] for numbers in (own, others))
    empty, foreign, elsewhere = _composed(pixels, own, others, cut)
    return {
        "as they are": pixels[own],
        "background alone": empty,
        "other figures before it": foreign,
        "its figures elsewhere": elsewhere,
    }
