"""The sanity check: does a map change when the network forgets what it learned, layer by layer from the top?

Adebayo et al. 2018, "Sanity checks for saliency maps", section 3. A map that stays as it was does not show what the
network has learned.
"""

from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

from ..errors import CnnlensError
from ..lenses import attribution
from ..network import Network
from ..opening import leaves
from ..results import Result
from .attribution import similarity
from .forgetting import copied, shuffle

DEPTHS = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class Cascade(Result):
    """How alike maps stay to those of the trained network while its layers are randomized from the top.

    Attributes
    ----------
    layers : tuple of D str
        The layer down to which the weights were randomized, the topmost first; all above it were as well.
    rank : ndarray (D, N)
        Rank correlation of absolute values with the map of the trained network (:func:`.attribution.similarity`).
    ssim : ndarray (D, N)
        Structural similarity of the two.
    maps : ndarray (1 + D, N, H, W) float32
        Of the trained network, then of each step.
    images : ndarray (N, H, W, C)
    names : tuple of N str
        The explained classes.
    method : str
    signed : bool
    """

    layers: tuple
    rank: np.ndarray
    ssim: np.ndarray
    maps: np.ndarray
    images: np.ndarray
    names: tuple
    method: str
    signed: bool


def cascade(net, found, *, depths=DEPTHS, seed=0, progress=True):
    """Randomize the layers of a network one after the other from the top, and explain anew at each depth.

    Weights are shuffled within each array, so that their distribution stays what it was. The copy is compiled once.

    Parameters
    ----------
    net : Network
        The one that was explained.
    found : Attribution
    depths : int
        At how many depths to explain, evenly spaced from the topmost layer to all layers.
    seed : int
    progress : bool

    Returns
    -------
    Cascade

    Raises
    ------
    CnnlensError
        If the network has no layers with weights, or its model cannot be copied.

    Examples
    --------
    >>> from cnnlens import zoo
    >>> net = zoo.load("lenet", weights="random")
    >>> found = attribution.explain(net, np.random.default_rng(0).random((1, 28, 28, 1)), 3, "gradient")
    >>> steps = cascade(net, found, depths=4)
    >>> steps.layers, steps.rank.shape
    (('dense2', 'dense1', 'conv2', 'conv1'), (4, 1))
    """
    net = Network.of(net)
    copy = copied(net)
    weighted = weighted_layers(copy)
    stops = np.unique(np.linspace(1, len(weighted), min(depths, len(weighted))).round().astype(int))
    generator, done = np.random.default_rng(seed), 0
    maps, ranks, ssims = [found.maps], [], []
    for stop in tqdm(stops, desc="randomizing", unit="depth", delay=2, leave=False, disable=not progress):
        for _, layer in weighted[done:stop]:
            layer.set_weights([shuffle(values, generator) for values in layer.get_weights()])
        done = stop
        maps.append(attribution.repeat(copy, found, progress=False).maps)
        rank, ssim = similarity(found.maps, maps[-1])
        ranks.append(rank)
        ssims.append(ssim)
    return Cascade(
        layers=tuple(weighted[stop - 1][0] for stop in stops),
        rank=np.array(ranks),
        ssim=np.array(ssims),
        maps=np.stack(maps),
        images=found.images,
        names=found.names,
        method=found.method,
        signed=found.signed,
        source=found.source,
        settings={**found.settings, "randomized with seed": seed},
    )


def weighted_layers(net):
    """Layers with weights on the way of the forward pass, the topmost first: (path, layer) pairs.

    Examples
    --------
    >>> from cnnlens import zoo
    >>> [path for path, _ in weighted_layers(zoo.load("lenet", weights="random"))]
    ['dense2', 'dense1', 'conv2', 'conv1']
    """
    layers = dict(leaves(net.model))
    found = [(place.path, layers[place.path]) for place in net.layers(all=True) if place.path in layers]
    found = [(path, layer) for path, layer in reversed(found) if getattr(layer, "weights", None)]
    if not found:
        raise CnnlensError(f"{net.name} has no layers with weights, so nothing can be randomized.")
    return found
