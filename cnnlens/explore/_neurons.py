"""Explore what units look for: the optimized image, the best real patches, and a deconvnet's view of the first."""

from ..errors import CnnlensError
from ..figures.neurons import view, view_words
from ..lenses import deconvnet, exemplars
from ..lenses.neurons import maximize
from ..network import Network
from .base import Explorer, Frame
from .controls import Choice, Number

MOMENTS = 6  # snapshots that the slider plays
LARGE = 64  # px a side, up to which the frames of all layers are rendered ahead


def neurons(net, images, layers=None, *, layer=None, unit=0, size=None, steps=32, seed=0):
    """A widget that shows what a unit looks for: made images, real ones, and the numbers.

    Parameters
    ----------
    net : Network, keras.Model, name or path
    images : array (N, H, W, C) in [0, 1], or photographs
        The real images to search.
    layers : sequence of str, optional
        Every layer worth looking at by default.
    layer, unit : str, int
        What is shown first.
    size, steps, seed
        As for :func:`cnnlens.neurons.maximize`; the image's size follows the receptive field by default.

    Returns
    -------
    Explorer
    """
    net = Network.of(net)
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


def _sent_back(net, image, layer, unit):
    """The deconvnet's projection, or None where no ReLU stands between the image and the layer."""
    try:
        return deconvnet.project(net, image[None], layer, unit)
    except CnnlensError:
        return None
