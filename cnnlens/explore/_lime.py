"""LIME by sliders: photograph, superpixels, fill, number of model calls; class and view cost nothing."""

import functools

import numpy as np

from ..errors import CnnlensError
from ..figures.superpixels import VIEWS, outlined, painting
from ..labels import most_likely
from ..lenses import superpixels
from ..network import Network
from .base import Explorer, Frame
from .controls import Choice, Number

HEIGHT = 454  # px of the picture


def lime(net, photos, *, samples=256, count=40):
    """Explain photographs with LIME.

    Changing the class, the view or how many superpixels to show asks the network nothing.

    Parameters
    ----------
    net : Network or callable
    photos : Photos, or sequence of Photo or arrays (H, W, C)
    samples : int
        Model calls to start with.
    count : int
        Superpixels to start with.

    Returns
    -------
    Explorer
    """
    if len(photos) == 0:
        raise CnnlensError("There are no photographs to explain: expected at least one.")
    net = superpixels.opened(net)
    images = [superpixels.frame(net, photo) for photo in photos]
    names = [f"{number}: {getattr(photo, 'label', 'image')}".replace("_", " ") for number, photo in enumerate(photos)]
    predict = superpixels.classifier(net)
    answers = dict(zip(names, (predict(image[None])[0] for image in images)))
    classes = net.classes if isinstance(net, Network) else None
    labels = {name: most_likely(classes, answer) for name, answer in answers.items()}
    controls = [
        Choice("photo", names),
        Choice("class", list(labels[names[0]])),
        Choice("view", ["superpixels", *VIEWS], "for and against"),
        Number("show", 1, 20, 10),
        Choice("method", list(superpixels.METHODS), live=False),
        Number("superpixels", 4, 120, count, live=False),
        Choice("fill", ["mean", "grey", "blur", "noise"], live=False),
        Number("samples", 64, 1024, samples, step=64, live=False),
    ]

    def compute(values, step):
        image = images[names.index(values["photo"])]
        parts = superpixels.segment(image, values["method"], values["superpixels"])
        found = superpixels.explain(
            net,
            image,
            segments=parts,
            samples=values["samples"],
            fill=values["fill"],
            stop_at=None,
            progress=False,
            on_step=lambda done, total: step(done, total, "model calls"),
        )
        return functools.cache(found.relabel)  # another view of a class costs no second fit

    def draw(values, relabeled):
        why = relabeled(labels[values["photo"]][values["class"]])
        if values["view"] == "superpixels":
            raster = outlined(why.image, why.segments, HEIGHT)
        else:
            raster = painting(why, values["view"], values["show"], height=HEIGHT)
        return Frame(raster, _words(why))

    return Explorer(
        controls,
        draw,
        compute=compute,
        source=superpixels.source_of(net),
        key=lambda values: tuple(values[name] for name in ("photo", "method", "superpixels", "fill", "samples")),
        limits=lambda values: {"class": list(labels[values["photo"]])},
    )


def _words(why):
    leading = ", ".join(f"{k} ({why.weights[k]:+.3f})" for k in why.order[:5])
    reliability = "too few model calls to tell" if np.isnan(why.reliability) else f"{why.reliability:.2f}"
    return (
        f"{why.name}: {why.prediction[why.label]:.1%} with all {len(why.weights)} superpixels shown.\n"
        f"Largest weights: superpixels {leading}.\n"
        f"Split-half reliability (the rank correlation to expect with another seed, at least): {reliability}, "
        f"{why.calls} model calls."
    )
