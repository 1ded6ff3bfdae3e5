"""Films of t-SNE maps: the same points through the epochs of a training, the layers of a network, or perplexities.

Each map begins where the last one ended, so that points travel instead of jumping, and what moves is what changed.
"""

from dataclasses import dataclass, replace

import numpy as np
from tqdm.auto import tqdm

from .. import zoo
from ..errors import CnnlensError
from ..network import Network, recast
from ..results import Result
from . import embedding

EXAGGERATED = 30  # a short spell at the start of each map, so that a cluster that was torn in two can still join
ITERATIONS = 260  # of every map but the first, which starts from nothing
FIRST = 500  # of the first map; more would only spread it wider than those that follow
SHRUNK = 0.3  # a map starts from the last one at this scale: points that lie close reach their places in fewer steps


@dataclass(frozen=True, kw_only=True, eq=False)
class Film(Result):
    """Maps of the same images, one after the other.

    Attributes
    ----------
    maps : tuple of Map
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
        """How far points move from each map to the next, on average, in units of the later map's radius; (frames - 1,)."""
        frames = self.frames.astype(np.float64)
        moved = np.linalg.norm(np.diff(frames, axis=0), axis=2).mean(1)
        return moved / np.sqrt(np.square(frames[1:]).sum(2).mean(1))

    def __len__(self):
        return len(self.maps)

    def at(self, *places):
        """A Film of some of the maps, such as ``film.at(0, -1)`` for the first and the last."""
        return replace(self, maps=tuple(self.maps[i] for i in places), titles=tuple(self.titles[i] for i in places))


def through_training(net, images, snapshots, layer, *, labels=None, classes=None, seed=0, progress=True, **how):
    """One map per snapshot of a training.

    Parameters
    ----------
    net : Network
        Of the architecture that was trained; its own weights are left alone.
    images : array (N, H, W, C)
    snapshots : sequence of (int, path)
        Epochs and weights files, as :func:`cnnlens.training.snapshots` gives them.
    layer : str
    labels, classes : optional
        As for :func:`cnnlens.embedding.tsne`.
    seed : int
    **how
        More settings of :func:`cnnlens.embedding.tsne`: perplexity, learning_rate, components, data.

    Returns
    -------
    Film
    """
    if not snapshots:
        raise CnnlensError(
            "There are no snapshots to make a film of: train with a folder, then give training.snapshots(folder)."
        )
    copy = Network(
        recast(net.model, "float32"), net.name, classes=net.classes, source=net.source, preprocessing=net.preprocessing
    )

    def stage(snapshot):
        epoch, path = snapshot
        zoo.fill(copy.model, path)
        return copy, layer, {}, f"epoch {epoch}" if epoch else "before training"

    source = "; ".join(
        filter(None, (f"snapshots of {net.name}, epochs {snapshots[0][0]} to {snapshots[-1][0]}", how.get("data")))
    )
    film = _film(map(stage, snapshots), len(snapshots), images, labels, classes, seed, progress, how)
    return replace(film, source=source, settings={**film.settings, "layer": layer})


def through_layers(net, images, layers, *, labels=None, classes=None, seed=0, progress=True, **how):
    """One map per layer; begin with ``"input"`` for the pixels.

    Parameters
    ----------
    net : Network
    images : array (N, H, W, C)
    layers : sequence of str
    labels, classes, seed, **how
        As for :func:`through_training`.

    Returns
    -------
    Film
    """
    how = {"predictions": embedding.predict(net, images, progress=progress), **how}
    stages = ((net, layer, {}, "pixels" if layer == embedding.INPUT else layer) for layer in layers)
    return _film(stages, len(layers), images, labels, classes, seed, progress, how)


def through_perplexities(net, images, layer, perplexities, *, labels=None, classes=None, seed=0, progress=True, **how):
    """The same layer mapped at several perplexities, each map started from the last.

    Parameters
    ----------
    net : Network
    images : array (N, H, W, C)
    layer : str
    perplexities : sequence of float
    labels, classes, seed, **how
        As for :func:`through_training`.

    Returns
    -------
    Film
    """
    how = {"predictions": embedding.predict(net, images, progress=progress), **how}
    stages = ((net, layer, {"perplexity": value}, f"perplexity {value:g}") for value in perplexities)
    return _film(stages, len(perplexities), images, labels, classes, seed, progress, how)


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
    Film
        Its maps' ``representation.vectors`` are the clouds themselves.
    """
    classes, centers, spreads = ("tight", "wide", "far"), np.zeros((3, 10)), np.array([1, 5, 1])
    centers[1, 0], centers[2, 1] = 50, 200
    labels = np.repeat(np.arange(3), each)
    vectors = centers[labels] + np.random.default_rng(seed).normal(size=(3 * each, 10)) * spreads[labels, None]
    source = f"made up: three clouds of {each} points"
    cloud = embedding.Representation(
        vectors=vectors.astype(np.float32), layer="clouds", width=10, variance=1.0, source=source
    )
    maps = []
    for value in perplexities:
        points, divergence = embedding.arrange(
            cloud.vectors, perplexity=value, start="random", seed=seed, progress=False
        )
        shared = {
            "labels": labels,
            "classes": classes,
            "source": source,
            "settings": {"perplexity": value, "seed": seed},
        }
        maps.append(embedding.Map(points=points, representation=cloud, divergence=divergence, **shared))
    return Film(maps=tuple(maps), titles=tuple(f"perplexity {value:g}" for value in perplexities), source=source)


def _film(stages, count, images, labels, classes, seed, progress, how):
    """A Film from stages (network, layer, settings, title) that are made ready one by one."""
    maps, titles = [], []
    for net, layer, own, title in tqdm(
        stages, total=count, desc="film", unit="map", delay=2, leave=False, disable=not progress
    ):
        settings = {
            "labels": labels,
            "classes": classes,
            "seed": seed,
            "progress": False,
            "iterations": FIRST,
            **how,
            **own,
        }
        if maps:
            settings |= {"start": maps[-1].points * SHRUNK, "iterations": ITERATIONS, "exaggerated": EXAGGERATED}
        maps.append(embedding.tsne(net, images, layer, **settings))
        titles.append(title)
    if not maps:
        raise CnnlensError("A film needs at least one map: give layers, perplexities or snapshots.")
    return Film(
        maps=tuple(maps),
        titles=tuple(titles),
        source=maps[0].source,
        settings={"seed": seed, **{key: value for key, value in how.items() if key != "predictions"}},
    )
