"""What units look for: images made for them, beside the real patches that drive them most."""

import numpy as np

from ... import exemplars, neurons
from ...errors import CnnlensError
from ...figures.neurons import exemplar_rows
from ...lenses.activations import responses
from ...lenses.neurons.framing import fitting_size, own_size
from ...microscope import kept
from ..parts import Figure, Part
from .choosing import listed, spread, weighted

TITLE = "What units look for"
SHOWS = (
    "A row is a unit. First an image that was made to activate it as strongly as possible, then the patches of your "
    "own images that activate it most, each cut to what the unit sees. Where the two show the same thing, the unit is "
    "likely to look for it; where the patches of a row have nothing in common, do not trust the made image."
)


def make(subject, sizes):
    """The Part."""
    net = subject.opened()
    if subject.store is not None:
        return _from_store(net, subject.store, sizes)
    layers = spread(weighted(net), sizes["layers"] + 1)[:-1] or weighted(net)  # the last one's units are the classes
    least = min(layer.units for layer in layers)
    units = np.unique(np.linspace(0, least - 1, sizes["units"]).round().astype(int))
    how = {"k": sizes["patches"], "source": subject.folder.source, "progress": subject.progress}
    tops = exemplars.find(net, [layer.path for layer in layers], subject.images, units, **how)
    figures, notes, numbers = [], [], []
    for layer in layers:
        made = None
        try:
            made = _made(net, layer, units, sizes, subject)
            numbers.append(_beyond(net, layer, made, tops[layer.path]))
        except CnnlensError as error:
            notes.append(f"{layer.path}: no image could be made for its units, so it shows patches alone. {error}")
        figures.append(Figure.of(*exemplar_rows(tops[layer.path], made, units=len(units), k=sizes["patches"])))
    return Part(
        name="units",
        title=TITLE,
        shows=SHOWS,
        numbers=(("layers", listed((layer.path for layer in layers), 12)), *numbers),
        figures=tuple(figures),
        notes=tuple(notes),
        source=tops[layers[0].path].source,
    )


def _from_store(net, store, sizes):
    """The Part, read from what a microscope has found."""
    layers = spread(store.plan.layers, sizes["layers"])
    figures = []
    for layer in layers:
        units = np.unique(np.linspace(0, layer.units - 1, sizes["units"]).round().astype(int))
        tops, made = kept.exemplars(store, net, layer.path, units), kept.optimized(store, layer.path, units)
        figures.append(Figure.of(*exemplar_rows(tops, made, units=len(units), k=sizes["patches"])))
    note = (
        f"Read from the store of a microscope, which looked at {store.plan.images:,} images: its site shows every unit."
    )
    return Part(
        name="units",
        title=TITLE,
        shows=SHOWS,
        numbers=(("layers", listed((layer.path for layer in layers), 12)),),
        figures=tuple(figures),
        notes=(note,),
        source=tops.source,
    )


def cost(subject, sizes):
    """All images once, and for each unit the steps of its image, a third of them forward and the rest back."""
    if subject.store is not None:
        return 0, 0, 2
    own = np.prod(own_size(subject.net))
    each = 3 * sizes["steps"] * min(1, sizes["side"] ** 2 / own)
    return 1 + 4 * sizes["layers"], len(subject.images) + sizes["layers"] * sizes["units"] * each, 2


def _made(net, layer, units, sizes, subject):
    """Images made for units, no larger than the profile allows where the layer can be had smaller."""
    size = fitting_size(net, layer)
    if layer.is_map and layer.receptive_field:
        size = tuple(max(min(side, sizes["side"]), stride) for side, stride in zip(size, layer.stride))
    how = {"steps": sizes["steps"], "seed": subject.seed, "progress": subject.progress}
    return neurons.maximize(net, layer.path, units, size=size, **how)


def _beyond(net, layer, made, tops):
    """How often the made image activates its unit more than any patch does, which is what it was made for."""
    best = tops.activation[:, 0]
    silent = int((best <= 0).sum())
    maps = np.asarray(net.compiled((layer.path,), linear=True)(made.images)[layer.path])
    reached = responses(maps, "peak")[np.arange(len(best)), made.units]
    words = f"{(reached > best).sum()} of {len(best)} made images activate their unit more than any real patch does"
    return layer.path, words + (f"; {silent} of the units respond to none of the images" if silent else "")
