"""What the layers pass on of chosen images."""

from ... import activations
from ...figures.activations import overview
from ..parts import Figure, Part
from .choosing import listed, spread, weighted

TITLE = "Activations"
SHOWS = (
    "What each of some layers passes on of one image, from the first to the last. A row is a layer, its pictures are "
    "the units that respond most strongly: bright where a unit responds."
)


def make(subject, sizes):
    """The Part."""
    net = subject.opened()
    layers = [layer.path for layer in spread(weighted(net), sizes["layers"])]
    chosen = _chosen(subject, sizes["images"])
    found = activations.record(
        net, subject.images[chosen], layers, source=subject.folder.source, progress=subject.progress
    )
    figures = tuple(Figure.of(*overview(found, i, units=sizes["units"])) for i in range(len(chosen)))
    shown = listed(subject.folder.paths[i] for i in chosen)
    return Part(
        name="activations",
        title=TITLE,
        shows=SHOWS,
        numbers=(("layers", listed(layers, 12)), ("images", shown)),
        figures=figures,
        source=found.source,
    )


def cost(subject, sizes):
    """One graph, and an image or two."""
    return 1, sizes["images"], 1


def _chosen(subject, count):
    """Images to show: the ones that tell most, or the first where the network is no classifier."""
    if subject.net.class_count is None:
        return list(range(min(count, len(subject.images))))
    return subject.telling[:count].tolist()
