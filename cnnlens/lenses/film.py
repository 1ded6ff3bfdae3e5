"""Sequences of t-SNE maps: the same points through the epochs of a training, the layers of a network, or perplexities.

Each map begins where the last one ended, so that points travel instead of jumping, and what moves is what changed.
"""

from dataclasses import dataclass, replace

import numpy as np
from tqdm.auto import tqdm

from .. import zoo
from ..errors import CnnlensError
from ..network import Network
from ..opening import recast
from ..renamed import renamed
from ..results import Result
from . import embedding
from .representation import represented, together

FIRST = {"iterations": 500}  # of the first map; more would only spread it wider than those that follow
# Later maps begin near their end; a short exaggeration still lets a cluster that was torn in two join again.
LATER = {"iterations": 260, "early_exaggeration_iter": 30}
SHRUNK = 0.3  # a map starts from the last one at this scale: points that lie close reach their places in fewer steps
NO_SETTINGS = ("labels", "classes", "predictions", "source")  # arguments of tsne() that do not shape a map


@dataclass(frozen=True, kw_only=True, eq=False)
class EmbeddingSequence(Result):
    """Maps of the same images, one after the other.

    Attributes
    ----------
    maps : tuple of Embedding
        Of the same images in the same order.
    titles : tuple of str
        One a map: ``epoch 3``, ``layer conv1``.
    """

    maps: tuple
    titles: tuple

    @property
    def frames(self):
        """All positions, (frames, N, 2)."""
        return np.stack([each.points for each in self.maps])

    @property
    def labels(self):
        """True classes (N,), or None."""
        return self.maps[0].labels

    @property
    def classes(self):
        """What they mean."""
        return self.maps[0].classes

    @property
    def travel(self):
        """How far points move from each map to the next: (frames - 1,), the mean in units of the later map's radius."""
        frames = self.frames.astype(np.float64)
        moved = np.linalg.norm(np.diff(frames, axis=0), axis=2).mean(1)
        return moved / np.sqrt(np.square(frames[1:]).sum(2).mean(1))

    def __len__(self):
        return len(self.maps)

    def at(self, *places):
        """A sequence of some of the maps, such as ``sequence.at(0, -1)`` for the first and the last."""
        return replace(self, maps=tuple(self.maps[i] for i in places), titles=tuple(self.titles[i] for i in places))


@renamed(data="source")
def through_training(net, images, snapshots, layer, *, source="", progress=True, **settings):
    """One map per snapshot of a training.

    Parameters
    ----------
    net : Network
        Of the architecture that was trained; its own weights are left alone.
    images : array (N, H, W, C)
    snapshots : sequence of (int, path)
        Epochs and weights files, as :func:`cnnlens.training.snapshots` gives them.
    layer : str
    source : str
        Where the images came from.
    progress : bool
    **settings
        labels, classes, seed, perplexity and others of :func:`cnnlens.embedding.tsne`.

    Returns
    -------
    EmbeddingSequence

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from cnnlens import zoo
    >>> net, images = zoo.load("lenet", weights="random"), np.random.default_rng(0).random((20, 28, 28, 1), np.float32)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = f"{folder}/start.weights.h5"
    ...     net.model.save_weights(path)
    ...     through_training(net, images, [(0, path)], "dense1", perplexity=5, iterations=20).titles
    ('before training',)
    """
    net = Network.of(net)
    if not snapshots:
        raise CnnlensError(
            "There are no snapshots to make an animation of: train with a folder, then give training.snapshots(folder)."
        )
    copy = net.like(recast(net.model, "float32"))

    def stage(snapshot):
        epoch, path = snapshot
        zoo.fill(copy.model, path)
        return copy, layer, {}, f"epoch {epoch}" if epoch else "before training"

    found = _sequence(map(stage, snapshots), len(snapshots), images, {**settings, "source": source}, progress)
    origin = f"snapshots of {net.name}, epochs {snapshots[0][0]} to {snapshots[-1][0]}"
    origin = f"{origin}; {source}" if source else origin
    return replace(found, source=origin, settings={**found.settings, "layer": layer})


@renamed(data="source")
def through_layers(net, images, layers, *, progress=True, **settings):
    """One map per layer; begin with ``"input"`` for the pixels.

    Parameters
    ----------
    net : Network
    images : array (N, H, W, C)
    layers : sequence of str
    progress : bool
    **settings
        labels, classes, seed, source, perplexity and others of :func:`cnnlens.embedding.tsne`.

    Returns
    -------
    EmbeddingSequence

    Examples
    --------
    >>> import numpy as np
    >>> from cnnlens import zoo
    >>> net, images = zoo.load("lenet", weights="random"), np.random.default_rng(0).random((20, 28, 28, 1), np.float32)
    >>> through_layers(net, images, ["input", "dense1"], perplexity=5).frames.shape
    (2, 20, 2)
    """
    net = Network.of(net)
    settings = {"predictions": embedding.predict(net, images, progress=progress), **settings}
    read = together(net, images, layers, progress=progress)
    how = {key: settings[key] for key in ("components", "seed") if key in settings}

    def stage(layer):
        title = "pixels" if layer == embedding.INPUT else layer
        return net, layer, {"representation": represented(read[layer], **how)}, title

    return _sequence(map(stage, layers), len(layers), images, settings, progress)


@renamed(data="source")
def through_perplexities(net, images, layer, perplexities, *, progress=True, **settings):
    """The same layer mapped at several perplexities, each map started from the last.

    Parameters
    ----------
    net : Network
    images : array (N, H, W, C)
    layer : str
    perplexities : sequence of float
    progress : bool
    **settings
        labels, classes, seed, source and others of :func:`cnnlens.embedding.tsne`.

    Returns
    -------
    EmbeddingSequence

    Examples
    --------
    >>> import numpy as np
    >>> from cnnlens import zoo
    >>> net, images = zoo.load("lenet", weights="random"), np.random.default_rng(0).random((20, 28, 28, 1), np.float32)
    >>> through_perplexities(net, images, "dense1", [2, 5]).titles
    ('perplexity 2', 'perplexity 5')
    """
    net = Network.of(net)
    settings = {"predictions": embedding.predict(net, images, progress=progress), **settings}
    stages = ((net, layer, {"perplexity": value}, f"perplexity {value:g}") for value in perplexities)
    return _sequence(stages, len(perplexities), images, settings, progress)


def clouds(perplexities, *, each=60, seed=0):
    """Three clouds whose sizes and distances are known, mapped at several perplexities, each time from a random start.

    They lie in ten dimensions: ``tight`` with standard deviation 1, ``wide`` with 5, 50 away from it, and ``far`` like
    ``tight``, 200 away from it.

    Parameters
    ----------
    perplexities : sequence of float
    each : int
        Points in a cloud.
    seed : int

    Returns
    -------
    EmbeddingSequence
        Its maps' ``representation.vectors`` are the clouds themselves.

    Examples
    --------
    >>> clouds([5], each=10).classes
    ('tight', 'wide', 'far')
    """
    centers, spreads = np.zeros((3, 10)), np.array([1, 5, 1])
    centers[1, 0], centers[2, 1] = 50, 200
    labels = np.repeat(np.arange(3), each)
    vectors = centers[labels] + np.random.default_rng(seed).normal(size=(3 * each, 10)) * spreads[labels, None]
    vectors = vectors.astype(np.float32)
    source = f"made up: three clouds of {each} points"
    cloud = embedding.Representation(vectors=vectors, layer="clouds", width=10, variance=1.0, source=source)
    shared = {"representation": cloud, "labels": labels, "classes": ("tight", "wide", "far"), "source": source}
    maps = []
    for value in perplexities:
        settings = {"perplexity": value, "seed": seed}
        points, divergence = embedding.arrange(vectors, start="random", progress=False, **settings)
        maps.append(embedding.Embedding(points=points, divergence=divergence, settings=settings, **shared))
    return EmbeddingSequence(maps=tuple(maps), titles=tuple(f"perplexity {v:g}" for v in perplexities), source=source)


def _sequence(stages, count, images, settings, progress):
    """An EmbeddingSequence from stages (network, layer, settings, title) that are made ready one by one."""
    maps, titles = [], []
    bar = tqdm(stages, total=count, desc="animation", unit="map", delay=2, leave=False, disable=not progress)
    for net, layer, own, title in bar:
        how = {**FIRST, **settings, **own, "progress": False}
        if maps:
            how |= {**LATER, "start": maps[-1].points * SHRUNK}
        maps.append(embedding.tsne(net, images, layer, **how))
        titles.append(title)
    if not maps:
        raise CnnlensError("An animation needs at least one map: give layers, perplexities or snapshots.")
    kept = {"seed": 0, **{key: value for key, value in settings.items() if key not in NO_SETTINGS}}
    return EmbeddingSequence(maps=tuple(maps), titles=tuple(titles), source=maps[0].source, settings=kept)
