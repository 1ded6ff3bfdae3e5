"""Which superpixels decide the images that tell most: LIME, and how far to trust it."""

from ... import superpixels
from ...figures.superpixels import panels
from ..parts import Figure, Part, Table
from .attribution import _rows

TITLE = "Which parts decide (LIME)"
SHOWS = (
    "The same images, cut into superpixels of which some are hidden, hundreds of times over: the parts without which "
    "the network no longer names the class are the ones that decide. The reliability says how alike the ranking would "
    "come out from another seed: below about 0.7 do not read single parts."
)


def make(subject, sizes):
    """The Part."""
    net, chosen = subject.opened(), subject.telling[: sizes["images"]]
    figures, rows = [], []
    for number, words in zip(chosen, _rows(subject, chosen)):
        image = superpixels.frame(net, subject.images[number])
        parts = superpixels.segment(image, *_cut(image, sizes["count"]))
        how = {"samples": sizes["samples"], "seed": subject.seed, "progress": subject.progress}
        why = superpixels.explain(net, image, None, parts, **how)
        figures.append(Figure.of(*panels(why)))
        reliable = "too few calls to tell" if why.reliability != why.reliability else f"{why.reliability:.2f}"
        rows.append((words[0], why.name, f"{len(why.weights)}", f"{why.calls}", reliable))
    header = ("image", "explained class", "superpixels", "model calls", "reliability")
    return Part(
        name="superpixels",
        title=TITLE,
        shows=SHOWS,
        figures=tuple(figures),
        tables=(Table("How far to trust each explanation", header, tuple(rows)),),
        source=subject.source,
    )


def cost(subject, sizes):
    """Every copy of each image."""
    return 1, sizes["images"] * sizes["samples"], 2 * sizes["images"]


def _cut(image, count):
    """How to cut an image: along its edges, but a small one, which has hardly any pixel to lose, as a grid."""
    return ("grid", min(count, 25)) if max(image.shape[:2]) < 64 else ("slic", count)
