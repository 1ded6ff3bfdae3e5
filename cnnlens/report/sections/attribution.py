"""Where the network looks in the images that tell most: its surest mistakes, or the images it is least sure of."""

import textwrap

import numpy as np

from ... import attribution
from ...errors import CnnlensError
from ...figures.attribution import maps
from ..parts import Figure, Part, Table

TITLE = "Where it looks"
SHOWS = (
    "The images that tell most: the mistakes of which the network is surest, or, where no labels say what a mistake "
    "is, the images of which it is least sure. Over each lies a map of which pixels speak for the class that it names."
)


def make(subject, sizes):
    """The Part."""
    net, chosen = subject.opened(), subject.telling[: sizes["images"]]
    images, figures, notes = subject.images[chosen], [], []
    source = subject.source
    for method in sizes["methods"]:
        try:
            figures.append(_figure(net, images, method, subject))
        except CnnlensError as error:
            notes.append(f"{method}: {error}")
    if not figures:  # no gradient, or no maps: hiding parts needs predictions only
        figures.append(_figure(net, images, "occlusion", subject))
    table = Table("These images", ("image", "its class", "the network says", "probability"), _rows(subject, chosen))
    return Part(
        name="attribution",
        title=TITLE,
        shows=SHOWS,
        figures=tuple(figures),
        tables=(table,),
        notes=tuple(notes),
        source=source,
    )


def _figure(net, images, method, subject):
    how = {"source": subject.folder.source, "seed": subject.seed, "progress": subject.progress}
    return Figure.of(*maps(attribution.explain(net, images, method=method, **how)))


def _rows(subject, chosen):
    """What is known of each image, in words."""
    scores = subject.predictions[chosen]
    best = scores.argmax(1)
    sure = scores[np.arange(len(chosen)), best]
    truth = [subject.class_name(label) if label >= 0 else "not known" for label in subject.labels[chosen]]
    said = [subject.class_name(label) for label in best]
    names = [textwrap.shorten(subject.folder.paths[i], 60, placeholder="…") for i in chosen]
    return tuple((*words, f"{value:.0%}") for *words, value in zip(names, truth, said, sure))
