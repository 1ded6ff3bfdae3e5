"""Where the network looks in the images that tell most: its surest mistakes, or the images it is least sure of."""

import textwrap

import numpy as np

from ... import attribution
from ...errors import CnnlensError
from ...figures.attribution import maps
from ...lenses.neurons.framing import own_size
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
    methods, why = _fitting(net, sizes["methods"])
    notes += why
    for method in methods:
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


def cost(subject, sizes):
    """Each image forward and back for each of its copies."""
    size = own_size(subject.net)
    methods = [(name, attribution.METHODS[name]) for name in sizes["methods"]]
    copies = sum(1 + how.count(attribution.settings_of(name, {}, 0), size) for name, how in methods)
    return 2 * len(methods), 3 * sizes["images"] * copies, 1


def _fitting(net, methods):
    """The methods to run, and why not others: what weighs maps says nothing where the depth has none.

    The last map of a vision transformer is that of its patches, the first thing that it computes.
    """
    cam = [method for method in methods if attribution.METHODS[method].asks == "layer"]
    depth = [layer for layer in net.layers() if layer.kind not in ("Dense",)]
    deep = any(layer.is_map for layer in depth[len(depth) // 2 :])
    if deep or not cam:
        return methods, []
    why = "Grad-CAM weighs the maps of a deep layer, and the depth of this network has none: parts are hidden instead."
    return tuple(dict.fromkeys(["occlusion" if method in cam else method for method in methods])), [why]


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
