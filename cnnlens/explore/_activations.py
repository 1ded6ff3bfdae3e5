"""Explore what each layer passes on: image, layer and unit by slider."""

from ..errors import CnnlensError
from ..figures.activation_view import Views
from ..lenses.activations import record
from ..network import Network
from ..results import sources
from .base import Explorer, Frame
from .controls import Choice, Number

LONGEST = 24  # letters of a label


def activations(net, images, layers=None, *, labels=None, source="", image=0, layer=None, unit=0):
    """A widget that shows the activation map of one unit for one image, beside all the units of its layer.

    Parameters
    ----------
    net : Network, keras.Model, name or path
    images : array (N, H, W, C) in [0, 1], or photographs
    layers : sequence of str, optional
        Every layer worth looking at by default.
    labels : sequence of N str, optional
        What the images show; the photographs' own labels by default.
    source : str
        Where the images came from; photographs bring their own.
    image, layer, unit : int, str, int
        What is shown first.

    Returns
    -------
    Explorer

    Raises
    ------
    CnnlensError
        If the network cannot be opened, a layer does not exist, or these are no images.
    """
    net = Network.of(net)
    paths = list(layers) if layers is not None else [found.path for found in net.layers()]
    units = {path: net.layer(path).units for path in paths}
    labels = labels if labels is not None else getattr(images, "labels", None)
    source = sources(net, images, source)
    pixels = net.prepare(images)
    labels = [str(label).replace("_", " ")[:LONGEST] for label in labels] if labels is not None else [""] * len(pixels)
    if len(labels) != len(pixels):
        raise CnnlensError(f"There are {len(pixels)} images and {len(labels)} labels; expected one label an image.")
    first = layer or paths[0]
    net.layer(first)

    controls = [
        Number("image", 0, len(pixels) - 1, image),
        Choice("layer", paths, first),
        Number("unit", 0, units[first] - 1, unit),
        Choice("sheet", ["one scale for all units", "each unit its own scale"]),
        Choice("max", ["by mean", "by peak"]),
    ]

    def limits(values):
        return {"unit": units[values["layer"]] - 1}

    def compute(values, step):
        step(0, 1, f"{net.name} looks at image {values['image']}")
        one = values["image"]
        return Views(record(net, pixels[one : one + 1], paths, progress=False), f"image {one} {labels[one]}".strip())

    def draw(values, views):
        scaling = "shared" if values["sheet"].startswith("one") else "each"
        parts = views.parts(values["layer"], values["unit"], by=values["max"][3:], scaling=scaling)
        return Frame(parts, views.words(values["layer"], values["unit"]))

    return Explorer(controls, draw, compute=compute, key=lambda values: values["image"], limits=limits, source=source)
