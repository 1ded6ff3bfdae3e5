"""Activations: what each layer passes on (the dissertation's sections 4.4.1, 4.4.7 and 7.5; Yosinski et al. 2015).

An activation map is the answer of one unit at every position of the image. Nothing is computed here that the network
does not compute anyway when it classifies.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from tqdm.auto import tqdm

from ..errors import CnnlensError
from ..network import Network, as_pixels
from ..results import Result

MEASURES = ("mean", "peak")
OPAQUE = "TFSMLayer"  # the layer that Keras puts around an exported graph


@dataclass(frozen=True, kw_only=True, eq=False)
class Activations(Result, Mapping):
    """What layers answered to images: a mapping from the layer's path to an array.

    Attributes
    ----------
    maps : dict of str to ndarray
        (N, h, w, c) for layers of maps, (N, units) for dense layers.
    images : ndarray (N, H, W, C) float32 in [0, 1]
        As the network was shown them.
    layers : tuple of Layer
        In the order asked.
    network : str
    classes : tuple of str or None
        Names of the network's outputs.
    """

    maps: dict
    images: np.ndarray
    layers: tuple
    network: str = ""
    classes: tuple | None = None

    def __getitem__(self, path):
        return self.maps[path]

    def __iter__(self):
        return iter(self.maps)

    def __len__(self):
        return len(self.maps)

    def __repr__(self):
        what = ", ".join(f"{path} {value.shape}" for path, value in self.maps.items())
        return f"<Activations of {self.network}: {what}; {self.source}>"


def record(net, images, layers=None, *, source="", batch_size=64, progress=True):
    """The outputs of layers for images, all from one forward pass.

    Parameters
    ----------
    net : Network or keras.Model
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
        answers NaN because the weights are damaged, or the model cannot be opened.

    Examples
    --------
    >>> from cnnlens import zoo
    >>> net = zoo.load("lenet", weights="random")
    >>> record(net, np.zeros((2, 28, 28, 1)), ["conv1", "dense2"])["conv1"].shape
    (2, 26, 26, 32)
    """
    net = opened(net)
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
                f"Layer {path!r} of {net.name} answers NaN or infinity to images that are in order: its numbers overflow."
            )
    settings = dict(layers=tuple(paths), images=len(pixels))
    return Activations(
        maps=maps,
        images=pixels,
        layers=described,
        network=net.name,
        classes=net.classes,
        source=source,
        settings=settings,
    )


def sources(net, images, source=""):
    """One line that says where the network's weights and the images came from."""
    return "; ".join(filter(None, (net.source, source or getattr(images, "source", ""))))


def opened(net):
    """The Network around a Keras model (a Network stays as it is), refused with the reason if there is nothing inside."""
    net = net if isinstance(net, Network) else Network(net)
    if all(layer.kind == OPAQUE for layer in net.layers()):
        raise CnnlensError(
            f"{net.name} cannot be opened: it is an exported graph ({OPAQUE}), which keeps no layers, only what goes in and comes "
            "out. Save the model itself with model.save('name.keras') and load that."
        )
    return net


def _refuse_damaged(net):
    """Raise if a weight is NaN or infinite. The maps would not tell: TensorFlow's ReLU may turn NaN into an innocent zero."""
    for weight in net.model.weights:
        if not tf.math.is_finite(tf.reduce_sum(tf.cast(weight, tf.float32))):
            raise CnnlensError(
                f"The weights of {net.name} ({net.source}) are damaged: {weight.path!r} holds NaN or infinity. Load others."
            )


def strengths(maps, by="mean"):
    """One number for each image and unit: how strongly the unit answered.

    The dissertation labels "the neuron with the highest activation" and leaves open whether that is the highest single
    value (``peak``) or the most on the whole (``mean``); the two often name different units.

    Parameters
    ----------
    maps : ndarray (N, h, w, c) or (N, units)
    by : {"mean", "peak"}

    Returns
    -------
    ndarray (N, units)
    """
    if by not in MEASURES:
        raise CnnlensError(f"Units are ranked by 'mean' or by 'peak', not by {by!r}.")
    if maps.ndim == 2:
        return maps
    return maps.mean((1, 2), dtype=np.float32) if by == "mean" else maps.max((1, 2))


def most_active(maps, by="mean"):
    """The unit that answers most strongly to each image: (N,) int."""
    return strengths(maps, by).argmax(1)


# --- what a unit is good for --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Silenced(Result):
    """What the network loses when single units are silenced.

    Attributes
    ----------
    drop : ndarray (N, units)
        By how much the score (logit) of each image's own class falls when this unit answers zero everywhere; negative where
        it rises.
    strength : ndarray (N, units)
        How strongly each unit answers, by mean.
    layer : str
    """

    drop: np.ndarray
    strength: np.ndarray
    layer: str


def silence(net, images, labels, layer, *, source="", batch_size=64):
    """Silence each unit of a layer in turn and see what the score of the right class loses.

    A map shows what a unit answers, not whether anything listens to it. This is single-unit ablation, as in Morcos et al.
    (2018, section 3.1); it says nothing of units that stand in for one another, since only one is silenced at a time.

    Parameters
    ----------
    net : Network
        A classifier.
    images : array (N, H, W, C) in [0, 1]
    labels : array (N,) int
        The outputs to watch, most often the true classes.
    layer : str
    source : str
        Where the images came from.
    batch_size : int

    Returns
    -------
    Silenced

    Raises
    ------
    CnnlensError
        If there is no such layer, the network is no classifier, or a label is none of its outputs.
    """
    source = sources(net, images, source)
    pixels = net.prepare(images)
    labels = np.asarray(labels)
    units = net.layer(layer).units
    whole = net.logits(pixels, batch_size=batch_size, progress=False)
    if labels.shape != (len(pixels),) or labels.min() < 0 or labels.max() >= whole.shape[1]:
        raise CnnlensError(
            f"Expected {len(pixels)} labels between 0 and {whole.shape[1] - 1}, one an image; got {labels.shape} from {labels.min()} to {labels.max()}."
        )
    head = net.head

    @tf.function(autograph=False, reduce_retracing=True)
    def scores(batch, heard):
        changed = {layer: lambda output: output * tf.cast(heard, output.dtype)}
        return net.outputs(batch, [head], linear=True, changed=changed)[head]

    drop = np.empty((len(pixels), units), np.float32)
    for unit in tqdm(range(units), desc="silencing", unit="unit", delay=2, leave=False):
        heard = tf.constant(1 - np.eye(units, dtype=np.float32)[unit])
        for start in range(0, len(pixels), batch_size):
            part = slice(start, start + batch_size)
            left = scores(tf.constant(pixels[part]), heard).numpy()
            drop[part, unit] = (whole[part] - left)[np.arange(len(left)), labels[part]]
    strength = strengths(net.read(pixels, [layer], batch_size=batch_size, progress=False)[layer])
    return Silenced(
        drop=drop, strength=strength, layer=layer, source=source, settings=dict(layer=layer, images=len(pixels))
    )


# --- one untrained convolution ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Convolved(Result):
    """A photograph after one untrained convolution.

    Attributes
    ----------
    image : ndarray (H, W, C) in [0, 1]
    kernels : ndarray (k, k, C, filters)
    maps : ndarray (h, w, filters)
    """

    image: np.ndarray
    kernels: np.ndarray
    maps: np.ndarray


def convolve(image, *, kernel=3, filters=3, relu=False, pool=1, seed=0, source="untrained convolution"):
    """What one convolution with random weights does to a photograph (section 4.4.1 of the dissertation).

    Weights are uniform with Glorot and Bengio's (2010) width, as Keras starts every convolution. A filter depends on
    the seed and its own number only, up to that width: with more filters the first ones stay.

    Parameters
    ----------
    image : array (H, W, C) in [0, 1]
    kernel : int
        Side of the kernel in pixels.
    filters : int
        How many.
    relu : bool
        Set what is negative to zero.
    pool : int
        Side of the max pooling that follows; 1 for none.
    seed : int
    source : str
        Of the photograph.

    Returns
    -------
    Convolved

    Raises
    ------
    CnnlensError
        If the kernel or the pooling is larger than what it moves over, or a number is below 1.
    """
    pixels = as_pixels(image)[:1]
    side = min(pixels.shape[1:3])
    for name, number in (("kernel", kernel), ("filters", filters), ("pool", pool)):
        if int(number) != number or number < 1:
            raise CnnlensError(f"{name} is {number!r}; expected a whole number of at least 1.")
    if kernel + pool - 1 > side:
        raise CnnlensError(
            f"A kernel of {kernel} px and pooling of {pool} do not fit into an image of {side} px: make them smaller."
        )
    channels = pixels.shape[-1]
    width = np.sqrt(6 / (kernel * kernel * (channels + filters)))
    draw = [np.random.default_rng((seed, i)).uniform(-width, width, (kernel, kernel, channels)) for i in range(filters)]
    kernels = np.stack(draw, -1).astype(np.float32)
    maps = keras.ops.conv(pixels, kernels, padding="valid")
    if relu:
        maps = keras.ops.relu(maps)
    if pool > 1:
        maps = keras.ops.max_pool(maps, pool, pool)
    settings = dict(kernel=kernel, filters=filters, relu=relu, pool=pool, seed=seed)
    return Convolved(
        image=pixels[0], kernels=kernels, maps=tf.convert_to_tensor(maps)[0].numpy(), source=source, settings=settings
    )
