"""The photographs that claims are measured on, as a network sees them; half of them are kept for verdicts.

Each photograph is explained for the class that it shows, and only where the network has that class among its first
five: of a picture that it does not know there is nothing to learn.

The measures were settled on one half of the photographs (``data/settling.toml``); the other half, on which nothing had
been tried, gives the verdict. Which photographs a claim takes stands in its sizes as ``fold``: ``verdict``, or ``all``.
At ``quick`` it is all of them, to see a measure run where only the photographs of packages are at hand, and so it is at
``full`` where the other half shows too few animals of a kind, which the claim's measure then says.

Where a measure draws by chance, each of its seeds takes photographs of its own (``shared_out``): so many photographs
explained once tell more, for the same number of model calls, than a few that are explained again and again.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from ..lenses import superpixels
from . import annotations
from .claim import CannotTell

FIRST = 5  # classes of a network's answer among which that of the photograph must be


@dataclass(frozen=True, eq=False)
class Subject:
    """A photograph that a network knows.

    Attributes
    ----------
    image : ndarray (H, W, 3) float32 in [0, 1]
        As the network sees it.
    label : int
        The output of its class.
    name : str
        Of its class.
    marked : Annotation or None
        What was marked on it.
    fingerprint : str
    fold : {"settling", "verdict"}
    """

    image: np.ndarray
    label: int
    name: str
    marked: annotations.Annotation | None
    fingerprint: str
    fold: str


def network(context):
    """The network that the claim is about."""
    return context.net(context.size.network)


def known(context):
    """The photographs of the claim's fold that its network knows, in an order that says nothing of what they show."""
    net = network(context)
    found = context.shared(("subjects", net.source), lambda: _known(net, photographs(context)))
    return [subject for subject in found if context.size.fold in ("all", subject.fold)]


def photographs(context):
    """Those of CNNLENS_DATA, if there, and those of packages, each once: a dict of Photo by fingerprint."""
    return {annotations.fingerprint(photo.image): photo for photo in (*context.photos(), *context.shipped())}


def _known(net, photos):
    prints = sorted(photos, key=lambda each: hashlib.sha256(each.encode()).hexdigest())
    marked = {each: annotations.annotation_of(photos[each]) for each in prints}
    images = [superpixels.frame(net, annotations.view(photos[each], marked[each])) for each in prints]
    answers = net.predict(np.stack(images), progress=False)
    numbers = {name: number for number, name in enumerate(net.classes)}
    return [
        Subject(image, numbers[name], name, marked[each], each, annotations.fold_of(each))
        for each, image, answer in zip(prints, images, answers)
        if (name := photos[each].label) in numbers and numbers[name] in answer.argsort()[-FIRST:]
    ]


def of_seed(context, seed, found):
    """As many of these as the sizes allow: under one seed all of them, or its own part where they are shared out.

    Raises
    ------
    CannotTell
        If there are too few.
    """
    size = context.size
    found = found[: size.photos]
    least = size.seeds if size.shared_out else 1
    if len(found) < least:
        raise CannotTell(
            f"{len(found)} photographs are here that fit and that the network recognizes; it takes {least}."
        )
    return found[seed % size.seeds :: size.seeds][: len(found) // size.seeds] if size.shared_out else found


def last_feature_maps(net):
    """Path of the last layer of maps that are features: those that are already one map a class are the classifier's."""
    return [
        layer.path
        for layer in net.layers()
        if layer.is_map and layer.units != len(net.classes) and max(layer.shape[:2]) > 1
    ][-1]
