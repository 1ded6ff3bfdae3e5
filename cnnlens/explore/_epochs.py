"""The explorer of a training run: one slider over its epochs."""

import numpy as np

from .. import training, zoo
from ..figures.base import tiles
from ..network import Network
from ..opening import recast
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
    net, snapshots = Network.of(net), dict(training.snapshots(folder))
    copy, last = net.like(recast(net.model, "float32")), max(snapshots)
    images, labels = data.x_test[:IMAGES], data.y_test[:IMAGES]
    reach = np.abs(_kernels(copy, snapshots[last])).max()  # one scale for all epochs, or growth would not show

    def compute(values, step):
        step(0, 1, f"epoch {values['epoch']}")
        kernels = _kernels(copy, snapshots[values["epoch"]])
        return kernels, accuracy(copy.predict(images, progress=False), labels)

    def draw(values, result):
        kernels, right = result
        in_color = kernels.shape[-1] == 3
        pictures = 0.5 + 0.5 * kernels / reach if in_color else kernels.mean(-1)
        colors = {} if in_color else {"cmap": "gray", "low": -reach, "high": reach}
        meaning = "mid-grey is 0" if in_color else "black is negative, mid-grey 0, white positive"
        epoch = f"Kernels of the first layer after epoch {values['epoch']} of {last}"
        words = f"{epoch}, one scale for all epochs: {meaning}.\nTest accuracy {right}."
        return Frame(tiles(pictures, cell=56, columns=8, **colors), words)

    slider = Number("epoch", high=last, value=last, play=400)
    return Explorer([slider], draw, compute=compute, key=lambda values: values["epoch"], source=data.source)


def _kernels(net, path):
    """The kernels of the first layer with weights, (units, h, w, channels), once the weights of a file are in."""
    zoo.fill(net.model, path)
    first = next(layer for layer in net.model.layers if layer.weights)
    return np.moveaxis(first.get_weights()[0], -1, 0)
