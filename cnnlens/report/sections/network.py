"""The health of the network: whether it is fed as it was trained, and whether its units work."""

import numpy as np

from ...scores.findings import Finding
from ...scores.health import of_network
from ..parts import Part, Table
from .choosing import drawn

TITLE = "Health of the network"
SHOWS = (
    "Whether the images reach the network as those did that it was trained on, and layer by layer how many units are "
    "dead (the same whatever the image), saturated (at the limits of their activation function), or have a filter that "
    "occurs twice; and how large the activations are, which should neither explode nor vanish from layer to layer."
)
HEADER = ("layer", "kind", "units", "dead", "saturated", "filter occurs twice", "mean size")


def make(subject, sizes):
    """The Part."""
    net = subject.net
    if net is None:
        return Part(name="network", title=TITLE, failed=subject.refusal, findings=(_refused(subject.refusal),))
    height, width = subject.images.shape[1:3]
    most = int(np.clip(sizes["pixels"] // (height * width), 16, sizes["most"]))
    some = np.sort(np.random.default_rng(subject.seed).permutation(len(subject.images))[:most])
    found = of_network(net, subject.images[some], subject.labels[some], progress=subject.progress)
    rows = tuple(map(_row, found.layers))
    return Part(
        name="network",
        title=TITLE,
        shows=SHOWS,
        numbers=(("images", f"{found.images}"), ("how it is fed", found.fed.check.sentence), *_tried(found.fed)),
        figures=(drawn(found),),
        tables=(Table("The health of each layer", HEADER, rows),),
        findings=found.findings,
        source=subject.source,
    )


def _refused(why):
    advice = "What can be looked at without it stands below."
    return Finding(name="cannot be opened", sentence=why, weight=1.0, advice=advice)


def _tried(fed):
    """How often it is right if the same images are fed in other ways."""
    if fed.accuracy:
        ways = sorted(fed.accuracy.items(), key=lambda each: -each[1])[:4]
        ways = dict(ways) | {"now": fed.accuracy["now"]}
        yield "right, if it is fed", "; ".join(f"{name}: {accuracy:.0%}" for name, accuracy in ways.items())


def _row(layer):
    fractions = (layer.dead, layer.saturated, layer.duplicates)
    said = ("no filter" if value != value else f"{value:.0%}" for value in fractions)
    return (layer.path, layer.kind, f"{layer.units}", *said, f"{layer.magnitude:.3g}")
