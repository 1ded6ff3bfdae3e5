"""Explore where a network looks: image, class, method and layer by slider, with the numbers beside each map."""

from ..errors import CnnlensError, unknown
from ..figures.attribution import OPACITY, view, view_words
from ..labels import most_likely
from ..lenses.attribution import METHODS, explain
from ..lenses.attribution.engine import last_map
from ..lenses.superpixels import classifier, frame, opened, source_of
from ..network import Network
from ..results import sources
from ..scores.attribution import faithfulness
from .base import Explorer, Frame
from .controls import Choice, Number

NO_LAYER = "the pixels"
LONGEST = 24  # letters of a label


def attribution(net, images, methods=None, *, settings=None, source="", steps=8, likely=5, seed=0):
    """A widget that shows what in an image speaks for a class, by one method or another.

    Under the map stand the areas of its deletion and insertion curves, beside those of an edge detector and of random
    orders. What was computed once is kept, so that going back to it costs nothing.

    Parameters
    ----------
    net : Network, keras.Model, name, path or callable
        Of a function from images to probabilities only occlusion and RISE can be had.
    images : array (N, H, W, C) in [0, 1], or photographs
    methods : sequence of str, optional
        All that the network admits by default, beginning with Grad-CAM.
    settings : dict of str to dict, optional
        By method: settings of its own, such as ``{"rise": {"masks": 256}}``.
    source : str
        Where the images came from; photographs bring their own.
    steps : int
        Points of the deletion and insertion curves.
    likely : int
        How many of each image's most likely classes can be chosen.
    seed : int

    Returns
    -------
    Explorer

    Raises
    ------
    CnnlensError
        If there is no such method, or it cannot be had of this network; if these are no images.
    """
    if len(images) == 0:
        raise CnnlensError("There are no images to explain: expected at least one.")
    net, settings = opened(net), settings or {}
    methods = list(methods) if methods is not None else possible(net)
    for method in methods:
        if method not in possible(net):
            raise unknown(
                "method for this network" if method in METHODS else "method of attribution", method, possible(net)
            )
    pixels = [frame(net, image) for image in images]
    names = [
        f"{i} {str(getattr(image, 'label', '')).replace('_', ' ')}"[:LONGEST].strip() for i, image in enumerate(images)
    ]
    predict = classifier(net)
    labels = {
        name: most_likely(getattr(net, "classes", None), predict(image[None])[0], likely)
        for name, image in zip(names, pixels)
    }
    layers = {method: _layers(net, method, pixels[0].shape) for method in methods}
    source = sources(net, images, source) if isinstance(net, Network) else source or source_of(net)

    controls = [
        Choice("image", names),
        Choice("class", list(labels[names[0]])),
        Choice("method", methods),
        Choice("layer", layers[methods[0]]),
        Number("opacity", 0.0, 1.0, OPACITY, step=0.05),
    ]

    def limits(values):
        return {"class": list(labels[values["image"]]), "layer": layers[values["method"]]}

    def compute(values, step):
        method, layer = values["method"], values["layer"]
        found = explain(
            net,
            pixels[names.index(values["image"])][None],
            labels[values["image"]][values["class"]],
            method,
            None if layer == NO_LAYER else layer,
            seed,
            source=source,
            progress=False,
            on_step=lambda done, total: step(done, total, f"looking by {method}"),
            **settings.get(method, {}),
        )
        step(0, 1, "hiding what the map names")
        return found, faithfulness(net, found, steps=steps, seed=seed, progress=False)

    def draw(values, made):
        return Frame(view(made[0], values["opacity"]), view_words(*made))

    def key(values):
        return tuple(values[name] for name in ("image", "class", "method", "layer"))

    return Explorer(controls, draw, compute=compute, key=key, limits=limits, source=source, keep=64)


def possible(net):
    """The methods that a network or function admits: Grad-CAM first, where it has maps."""
    if not isinstance(net, Network):
        return [name for name, method in METHODS.items() if method.asks == "predictions"]
    maps = any(layer.is_map and max(layer.shape[:2]) > 1 for layer in net.layers())
    found = [name for name, method in METHODS.items() if maps or method.asks != "layer"]
    return sorted(found, key=lambda name: name != "gradcam")


def _layers(net, method, shape):
    """The layers to choose from, the last with a map first."""
    if METHODS[method].asks != "layer":
        return [NO_LAYER]
    last = last_map(net, shape)
    known = [layer.path for layer in net.layers() if layer.is_map and max(layer.shape[:2]) > 1]
    return known[known.index(last) :: -1]
