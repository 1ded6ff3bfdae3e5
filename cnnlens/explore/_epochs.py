"""The explorer of a training run: one slider over its epochs."""

import numpy as np

from .. import training, zoo
from ..figures.base import tiles
from ..network import Network
from ..scores.training import accuracy
from .base import Explorer, Frame
from .controls import Number

IMAGES = 500  # test images that each epoch is measured on


def epochs(net, data, folder):
    """The kernels of the first layer, and the accuracy, at every epoch of a run.

    Parameters
    ----------
    net : Network
        Of the architecture that was trained; it keeps its own weights.
    data : Dataset
        Its first 500 test images measure each epoch.
    folder : path
        Of the run, with its snapshots.

    Returns
    -------
    Explorer
    """
    found = dict(training.snapshots(folder))
    copy = Network(
        zoo.BUILDERS[net.name](), net.name, classes=net.classes, source=net.source, preprocessing=net.preprocessing
    )
    last = max(found)
    zoo.fill(copy.model, found[last])
    reach = np.abs(_first(copy)).max()  # one scale for all epochs, or growth would not show

    def compute(values, step):
        step(0, 1, f"epoch {values['epoch']}")
        zoo.fill(copy.model, found[values["epoch"]])
        share = accuracy(copy.predict(data.x_test[:IMAGES], progress=False), data.y_test[:IMAGES])
        return _first(copy), share

    def draw(values, result):
        weights, share = result
        units = np.moveaxis(weights, -1, 0)
        how = {"cmap": "RdBu_r", "low": -reach, "high": reach}
        pictures = 0.5 + 0.5 * units / reach if units.shape[-1] == 3 else units.mean(-1)
        raster = tiles(pictures, cell=56, columns=16, **({} if units.shape[-1] == 3 else how))
        words = f"Kernels of the first layer after epoch {values['epoch']} of {last}, one scale for all epochs.\nTest accuracy {share}."
        return Frame(raster, words)

    return Explorer(
        [Number("epoch", high=last, value=last, play=400)],
        draw,
        compute=compute,
        key=lambda v: v["epoch"],
        source=data.source,
    )


def _first(net):
    return next(layer for layer in net.model.layers if layer.weights).get_weights()[0]
