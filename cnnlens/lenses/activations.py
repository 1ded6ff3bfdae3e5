"""Activations: what each layer passes on (the dissertation's sections 4.4.7 and 7.5; Yosinski et al. 2015).

An activation map holds the activation of one unit at every position of the image. Nothing is computed here that the
network does not compute anyway when it classifies.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import tensorflow as tf

from ..errors import CnnlensError, unknown
from ..network import Network
from ..results import Result, sources

MEASURES = ("mean", "peak")


@dataclass(frozen=True, kw_only=True, eq=False)
class Activations(Result, Mapping):
    """The outputs of layers for images: a mapping from the layer's path to an array.

    Attributes
    ----------
    maps : dict of str to ndarray
        (N, h, w, c) for layers of maps, (N, units) for dense layers, (N, length, c) for sequences.
    images : ndarray (N, H, W, C) float32 in [0, 1]
        As the network was shown them.
    layers : tuple of Layer
        In the order asked.
    network : str
    names : dict of str to tuple of str
        By the path of a layer: names of its units. The last layer has some if the network's classes are named.
    """

    maps: dict
    images: np.ndarray
    layers: tuple
    network: str = ""
    names: dict = field(default_factory=dict)

    def __getitem__(self, path):
        return self.maps[path]

    def __iter__(self):
        return iter(self.maps)

    def __len__(self):
        return len(self.maps)

    def only(self, image):
        """The activations of one image alone, by its number."""
        if not 0 <= image < len(self.images):
            raise IndexError(f"There is no image {image}: there are {len(self.images)}.")
        one = slice(image, image + 1)
        return replace(self, maps={path: values[one] for path, values in self.items()}, images=self.images[one])

    def of(self, layer, image=0):
        """One layer's activations for one image: (h, w, c) or (units,); a sequence is one row of positions."""
        values = self.maps[layer][image]
        return values[None] if values.ndim == 2 else values

    def __repr__(self):
        what = ", ".join(f"{path} {value.shape}" for path, value in self.maps.items())
        return f"<Activations of {self.network}: {what}; {self.source}>"


def record(net, images, layers=None, *, source="", batch_size=64, progress=True):
    """The outputs of layers for images, all from one forward pass.

    Parameters
    ----------
    net : Network, keras.Model, name or path
    images : array (N, H, W, C) in [0, 1], or photographs
        Fitted to the network's size and channels, with a warning that says so.
    layers : str or sequence of str, optional
        Paths; every layer worth looking at by default.
    source : str
        Where the images came from, for the foot of the figures; photographs bring their own.
    batch_size : int
        Images in a forward pass.
    progress : bool
        Show a bar when it takes more than two seconds.

    Returns
    -------
    Activations
        ``result[layer]`` is an array (N, h, w, c), or (N, units) for a dense layer.

    Raises
    ------
    CnnlensError
        If a layer does not exist (the nearest names are given), the images are no images in [0, 1] or hold NaN, a layer
        gives NaN because the weights are damaged, or the model cannot be opened.

    Examples
    --------
    >>> import numpy as np
    >>> from cnnlens import activations, zoo
    >>> net = zoo.load("lenet", weights="random")
    >>> activations.record(net, np.zeros((2, 28, 28, 1)), ["conv1", "dense2"])["conv1"].shape
    (2, 26, 26, 32)
    """
    net = Network.of(net)
    known = net.layers()
    paths = [layer.path for layer in known] if layers is None else [layers] if isinstance(layers, str) else list(layers)
    if not paths:
        raise CnnlensError("No layer was asked for. Name at least one, or leave `layers` out for all of them.")
    described = tuple(net.layer(path) for path in paths)
    source = sources(net, images, source)
    pixels = net.prepare(images)
    _refuse_damaged(net)
    maps = net.read(pixels, paths, batch_size=batch_size, progress=progress)
    for path, values in maps.items():
        if not np.isfinite(values).all():
            raise CnnlensError(
                f"Layer {path!r} of {net.name} gives NaN or infinity for images that are in order: "
                "its numbers overflow."
            )
    named = net.head in paths and net.classes and len(net.classes) == maps[net.head].shape[-1]
    return Activations(
        maps=maps,
        images=pixels,
        layers=described,
        network=net.name,
        names={net.head: net.classes} if named else {},
        source=source,
        settings=dict(layers=tuple(paths), images=len(pixels)),
    )


def _refuse_damaged(net):
    """Raise if a weight is NaN or infinite. The maps would not tell: TensorFlow's ReLU may turn NaN into zero."""
    for weight in net.model.weights:
        if not tf.math.is_finite(tf.reduce_sum(tf.cast(weight, tf.float32))):
            raise CnnlensError(
                f"The weights of {net.name} ({net.source}) are damaged: {weight.path!r} holds NaN or infinity. "
                "Load others."
            )


def responses(maps, by="mean"):
    """One number for each image and unit: how strongly the unit responds.

    The dissertation labels "the neuron with the highest activation" and leaves open whether that is the highest single
    value (``peak``) or the most on the whole (``mean``); the two often name different units.

    Parameters
    ----------
    maps : ndarray (N, h, w, c), (N, length, c) or (N, units)
    by : {"mean", "peak"}

    Returns
    -------
    ndarray (N, units)

    Raises
    ------
    CnnlensError
        If ``by`` is neither.

    Examples
    --------
    >>> import numpy as np
    >>> from cnnlens import activations
    >>> maps = np.zeros((1, 2, 2, 2), np.float32)
    >>> maps[0, 0, 0] = 4, 1
    >>> activations.responses(maps, "mean"), activations.responses(maps, "peak")
    (array([[1.  , 0.25]], dtype=float32), array([[4., 1.]], dtype=float32))
    """
    if by not in MEASURES:
        raise unknown("measure of a response", by, MEASURES)
    positions = tuple(range(1, maps.ndim - 1))
    return maps.mean(positions, dtype=np.float32) if by == "mean" else maps.max(positions)


def most_active(maps, by="mean"):
    """The unit that responds most strongly to each image, (N,) int; arguments as for :func:`responses`.

    Examples
    --------
    >>> import numpy as np
    >>> from cnnlens import activations
    >>> activations.most_active(np.array([[0.1, 0.7, 0.2]]))
    array([1])
    """
    return responses(maps, by).argmax(1)
