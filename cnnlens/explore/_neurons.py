"""Explore what units look for: the optimized image, the best real patches, and a deconvnet's view of the first."""

from ..errors import CnnlensError
from ..figures.neurons import view, view_words
from ..lenses import deconvnet, exemplars
from ..lenses.neurons import maximize
from ..microscope import kept
from ..network import Network
from .base import Explorer, Frame
from .controls import Choice, Number

MOMENTS = 6  # snapshots that the slider plays
LARGE = 64  # px a side, up to which the frames of all layers are rendered ahead


def neurons(net, images=None, layers=None, *, layer=None, unit=0, size=None, steps=32, seed=0, store=None):
    """A widget that shows what a unit looks for: made images, real ones, and the numbers.

    Parameters
    ----------
    net : Network, keras.Model, name or path
    images : array (N, H, W, C) in [0, 1], or photographs
        The real images to search. With a store none are needed.
    layers : sequence of str, optional
        Every layer worth looking at by default.
    layer, unit : str, int
        What is shown first.
    size, steps, seed
        As for :func:`cnnlens.neurons.maximize`; the image's size follows the receptive field by default.
    store : path, optional
        Of a store that ``cnnlens microscope`` filled for this network, or of the folder that it lies in: everything is
        read from there, and nothing is computed.

    Returns
    -------
    Explorer

    Raises
    ------
    CnnlensError
        If there are neither images nor a store, or the store is another network's.
    """
    net = Network.of(net)
    if store is not None:
        return _from_store(net, store, layers, layer, unit)
    if images is None:
        raise CnnlensError("Expected images to search, or store=, the folder that cnnlens microscope wrote.")
    paths = list(layers) if layers is not None else [found.path for found in net.layers() if found.kind != "Softmax"]
    units = {path: net.layer(path).units for path in paths}
    first = layer or paths[0]
    net.layer(first)
    pixels = net.prepare(images)
    tops = {}
    controls = [
        Choice("layer", paths, first),
        Number("unit", 0, units[first] - 1, unit, light=True),
        Number("moment", 0, MOMENTS - 1, MOMENTS - 1),
    ]

    # for readers without a kernel: of large images a deep layer takes half a minute and gigabytes
    controls[0].ahead = max(pixels.shape[1:3]) <= LARGE

    def limits(values):
        return {"unit": units[values["layer"]] - 1}

    def compute(values, step):
        where, one = values["layer"], values["unit"]
        if where not in tops:
            step(0, steps, "looking through the real images")
            tops[where] = exemplars.find(net, where, pixels, k=9, measure="peak", progress=False)
        how = {"objective": "center", "size": size, "steps": max(steps, MOMENTS), "seed": seed, "snapshots": MOMENTS}
        told = {"progress": False, "on_step": lambda done, total: step(done, total, "climbing")}
        found = maximize(net, where, one, **how, **told)
        best = tops[where].images[tops[where].index[one, 0]]
        return found, _sent_back(net, best, where, one)

    def draw(values, made):
        found, back = made
        real = tops[values["layer"]]
        row = real.row(values["unit"])
        return Frame(view(found, real, row, back, values["moment"]), view_words(found, real, row, back))

    def key(values):
        return values["layer"], values["unit"]

    return Explorer(controls, draw, compute=compute, key=key, limits=limits, source=net.source, keep=32)


def _from_store(net, path, layers, layer, unit):
    """The same widget, read from a store; without the way up, which is not kept."""
    store = kept.of_network(path, net)
    known = {each.path: each.units for each in store.plan.layers}
    paths = list(layers) if layers is not None else list(known)
    first = layer or paths[0]
    for each in (first, *paths):
        kept.number_of(store, each)
    controls = [Choice("layer", paths, first), Number("unit", 0, known[first] - 1, unit, light=True)]

    def compute(values, step):
        where, one = values["layer"], values["unit"]
        made, real = kept.optimized(store, where, [one]), kept.exemplars(store, net, where, [one])
        return made, real, kept.projection(store, where, one)

    def draw(values, found):
        made, real, back = found
        return Frame(view(made, real, 0, back, 0), view_words(made, real, 0, back))

    def limits(values):
        return {"unit": known[values["layer"]] - 1}

    def key(values):
        return values["layer"], values["unit"]

    source = f"{net.source}; {store.plan['images']['source']}"
    return Explorer(controls, draw, compute=compute, key=key, limits=limits, source=source, keep=32)


def _sent_back(net, image, layer, unit):
    """The deconvnet's projection, or None where no ReLU stands between the image and the layer."""
    try:
        return deconvnet.project(net, image[None], layer, unit)
    except CnnlensError:
        return None
