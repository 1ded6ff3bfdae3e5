"""Single-unit ablation: what the network loses without one unit (Morcos et al. 2018, section 3.1)."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from tqdm.auto import tqdm

from ..errors import CnnlensError
from ..network import Network
from ..results import Result, sources
from .activations import responses


@dataclass(frozen=True, kw_only=True, eq=False)
class Ablation(Result):
    """What the network loses when single units are ablated.

    Attributes
    ----------
    drop : ndarray (N, units)
        By how much the score (logit) of each image's own class falls when the unit is held at zero everywhere; negative
        where it rises.
    response : ndarray (N, units)
        How strongly each unit responds to each image, by mean.
    layer : str
    """

    drop: np.ndarray
    response: np.ndarray
    layer: str


def ablate(net, images, labels, layer, *, source="", batch_size=64):
    """Hold each unit of a layer at zero in turn and see what the score of the right class loses.

    A map shows how a unit responds, not whether any later layer uses it. Ablating one unit at a time says nothing of
    units that stand in for one another.

    Parameters
    ----------
    net : Network, keras.Model, name or path
        A classifier.
    images : array (N, H, W, C) in [0, 1]
    labels : array (N,) int
        The outputs to watch, most often the true classes.
    layer : str
    source : str
        Where the images came from; photographs bring their own.
    batch_size : int

    Returns
    -------
    Ablation

    Raises
    ------
    CnnlensError
        If there is no such layer, the network is no classifier, or a label is none of its outputs.

    Examples
    --------
    >>> import numpy as np
    >>> from cnnlens import ablation, zoo
    >>> net = zoo.load("lenet", weights="random")
    >>> ablation.ablate(net, np.zeros((2, 28, 28, 1)), [3, 5], "conv2").drop.shape
    (2, 32)
    """
    net = Network.of(net)
    source = sources(net, images, source)
    pixels = net.prepare(images)
    labels = np.asarray(labels)
    units = net.layer(layer).units
    whole = net.logits(pixels, batch_size=batch_size, progress=False)
    if labels.shape != (len(pixels),) or labels.min() < 0 or labels.max() >= whole.shape[1]:
        raise CnnlensError(
            f"Expected {len(pixels)} labels between 0 and {whole.shape[1] - 1}, one an image; "
            f"got {labels.shape} from {labels.min()} to {labels.max()}."
        )

    @tf.function(autograph=False, reduce_retracing=True)
    def scores(batch, kept):
        return net.class_scores(batch, changed={layer: lambda output: output * tf.cast(kept, output.dtype)})

    drop = np.empty((len(pixels), units), np.float32)
    for unit in tqdm(range(units), desc="ablating", unit="unit", delay=2, leave=False):
        kept = tf.constant(1 - np.eye(units, dtype=np.float32)[unit])
        for start in range(0, len(pixels), batch_size):
            part = slice(start, start + batch_size)
            left = scores(tf.constant(pixels[part]), kept).numpy()
            drop[part, unit] = (whole[part] - left)[np.arange(len(left)), labels[part]]
    response = responses(net.read(pixels, [layer], batch_size=batch_size, progress=False)[layer])
    settings = dict(layer=layer, images=len(pixels))
    return Ablation(drop=drop, response=response, layer=layer, source=source, settings=settings)
