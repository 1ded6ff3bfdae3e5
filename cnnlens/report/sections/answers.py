"""How often the network is right: accuracy with its interval, confusion, calibration, the surest mistakes."""

import textwrap

import numpy as np

from ...errors import CnnlensError
from ...figures.base import sheet
from ...scores.answers import of_answers
from ..parts import Figure, Part
from .choosing import drawn

TITLE = "How often it is right"
SHOWS = (
    "Accuracy, and between which bounds it lies with 95 % probability, given so many images. The confusion says which "
    "classes are taken for which, the reliability diagram whether the network is as often right as it claims. Below "
    "are the mistakes of which it is surest: look at each, for it may be the label that is wrong."
)
OF_LABELS = ("exchanged labels", "wrong labels")  # findings that say something of the training images as well


def make(subject, sizes):
    """The Part."""
    judged = subject.judged
    net, predictions = subject.opened(), subject.predictions
    if not len(judged):
        raise CnnlensError(" ".join(("Accuracy cannot be measured.", *subject.label_notes)))
    classes = [subject.class_name(number) for number in range(predictions.shape[1])]
    found = of_answers(predictions, _only(subject.labels, judged), classes, source=subject.source)
    figures = [drawn(found)]
    if len(found.worst):
        figures.append(_mistakes(subject, found, sizes["mistakes"]))
    return Part(
        name="answers",
        title=TITLE,
        shows=SHOWS,
        numbers=_numbers(subject, found),
        figures=tuple(figures),
        findings=(*found.findings, *_of_the_training_images(subject, found, classes)),
        notes=subject.label_notes,
        source=net.source and subject.source,
    )


def _only(labels, chosen):
    """Labels of these images, -1 for all others."""
    kept = np.full(len(labels), -1)
    kept[chosen] = labels[chosen]
    return kept


def _numbers(subject, found):
    total = int(found.confusion.sum())
    which = "images of the test folder" if (subject.folder.groups[subject.judged] == "test").all() else "images"
    return (
        ("accuracy", f"{found.accuracy:.1%} of {total} {which}, {found.low:.1%} to {found.high:.1%}"),
        ("mean confidence", f"{found.confidence[found.labels >= 0].mean():.1%}"),
        ("calibration error", f"{found.ece:.3f} (0 is as often right as it claims)"),
        ("mistakes", f"{len(found.worst)}"),
        ("labels in doubt", f"{len(found.suspects)}"),
    )


def _mistakes(subject, found, most):
    """The surest mistakes as a sheet: what the label says, what the network says, and how sure it is."""
    worst = found.worst[:most]
    said = [f"{_short(found.classes[found.named[i]])} {found.confidence[i]:.0%}" for i in worst]
    truth = [_short(found.classes[found.labels[i]]) for i in worst]
    labels = [f"{one}, not {other}" for one, other in zip(said, truth)]
    title = f"The {len(worst)} surest of {len(found.worst)} mistakes"
    note = "Under each what the network says and how sure it is, and, behind “not”, what its label says."
    columns = min(4, len(worst))
    fig = sheet(
        subject.images[worst],
        labels=labels,
        columns=columns,
        low=0,
        high=1,
        cmap="gray",
        title=title,
        note=note,
        source=subject.source,
        width=2.3 * columns,
    )
    return Figure.of(fig, f"{title}: {'; '.join(labels)}. {note}")


def _short(name):
    return textwrap.shorten(name, 16, placeholder="…") if " " in name else name[:16]


def _of_the_training_images(subject, found, classes):
    """Labels in doubt among images that the accuracy is not measured on."""
    others = np.setdiff1d(np.flatnonzero(subject.labels >= 0), subject.judged)
    if not len(others) or any(finding.name in OF_LABELS for finding in found.findings):
        return ()
    there = of_answers(subject.predictions, _only(subject.labels, others), classes)
    return tuple(finding for finding in there.findings if finding.name in OF_LABELS)
