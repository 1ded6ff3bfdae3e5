"""The table: each technique on each network, how faithful, how stable, how long an image takes."""

import datetime
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from .. import __version__, files
from ..errors import unknown
from ..lenses import embedding, exemplars, neurons, superpixels
from ..lenses.ablation import ablate
from ..results import Result
from ..scores import activations as scores_activations
from ..scores import embedding as scores_embedding
from ..scores import neurons as scores_neurons
from ..scores import superpixels as scores_superpixels
from . import io
from .book import measurable
from .claim import CannotTell
from .context import Context

COMMITTED = Path("data") / "table.json"  # in the repository: measured at full on the real data
SMALL = 64  # px: images below this are cut into squares, since superpixels would be a few pixels each


@dataclass(frozen=True)
class Row:
    """One technique on one network and one set of images.

    Attributes
    ----------
    technique : {"neurons", "activations", "t-SNE", "LIME"}
    network, data : str
        Names, such as "lenet" and "mnist".
    tells : str
        What the technique tells, in one sentence.
    faithful : float
        How far what it shows is true of the network.
    faithful_means : str
        What that number is, and what its best and worst would be.
    stable : float
        How far another seed shows the same.
    stable_means : str
    seconds : float
        For one image, measured on this machine.
    sources : dict of str to str
        Network and images it was measured on.
    stands_in : tuple of str
        Which of them are stand-ins.
    profile, date, version : str
    seed : int
    """

    technique: str
    network: str
    data: str
    tells: str
    faithful: float
    faithful_means: str
    stable: float
    stable_means: str
    seconds: float
    sources: dict
    stands_in: tuple
    profile: str = ""
    date: str = ""
    version: str = ""
    seed: int = 0


@dataclass(frozen=True)
class Gap:
    """A cell of the table that cannot be filled here, and why."""

    technique: str
    network: str
    data: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Table(Result):
    """Techniques × networks × images.

    Attributes
    ----------
    rows : tuple of Row
    gaps : tuple of Gap
        Combinations that cannot be measured with what is here.
    """

    rows: tuple = field(default_factory=tuple)
    gaps: tuple = field(default_factory=tuple)


# --- one measurement a technique ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Technique:
    """What a technique tells, what its numbers mean, and the function that measures them.

    Attributes
    ----------
    tells, faithful_means, stable_means : str
    measure : callable
        ``measure(context, net, images, seed)`` returns faithful, stable and seconds an image.
    """

    tells: str
    faithful_means: str
    stable_means: str
    measure: object


def timed(function):
    """What a function returns, and the seconds it took."""
    began = time.perf_counter()
    found = function()
    return found, time.perf_counter() - began


def middle(net):
    """Path of the convolution in the middle of the network."""
    convolutions = [layer.path for layer in net.layers() if layer.kind == "Conv2D"]
    return convolutions[len(convolutions) // 2]


def last_hidden(net):
    """Path of the last layer that is not yet an answer with one number a class."""
    return [layer.path for layer in net.layers() if net.classes is None or layer.units != len(net.classes)][-1]


def _neurons(context, net, images, seed):
    layer = middle(net)
    units = range(min(context.size.units, net.layer(layer).units))
    first, again = (
        timed(lambda s=s: neurons.maximize(net, layer, units, seed=s, progress=False)) for s in (seed, seed + 1)
    )
    tops = exemplars.find(net, layer, images, units, k=1, measure="mean", progress=False)
    stable = scores_neurons.seed_agreement(first[0].images, again[0].images).same.mean()
    return scores_neurons.against_real(first[0], tops).share, stable, again[1] / len(units)


def _activations(context, net, images, seed):
    _needs_classes(net)
    images = images[: context.size.ablated]
    found = ablate(net, images, net.logits(images, progress=False).argmax(1), middle(net))
    paths = [layer.path for layer in net.layers()]
    net.read(images, paths, progress=False)  # compiled before the clock runs
    seconds = timed(lambda: net.read(images, paths, progress=False))[1] / len(images)
    return scores_activations.importance(found.drop, found.response).correlation, 1.0, seconds


def _tsne(context, net, images, seed):
    read = timed(lambda: embedding.represent(net, images, last_hidden(net), progress=False))
    vectors = read[0].vectors
    how = {"start": "random", "iterations": context.size.iterations, "progress": False}
    maps = [timed(lambda s=s: embedding.arrange(vectors, seed=s, **how)[0]) for s in (seed, seed + 1)]
    faithful = np.mean([scores_embedding.trustworthiness_and_continuity(vectors, points)[0] for points, _ in maps])
    return (
        faithful,
        scores_embedding.agreement([points for points, _ in maps]).mean(),
        (read[1] + maps[1][1]) / len(images),
    )


def _lime(context, net, images, seed):
    _needs_classes(net)
    faithful, stable, seconds = zip(
        *(_lime_of_one(context, net, image, seed) for image in images[: context.size.explained])
    )
    return np.nanmean(faithful), np.mean(stable), np.mean(seconds)


def _lime_of_one(context, net, image, seed):
    parts = superpixels.segment(image, "grid" if image.shape[0] < SMALL else "slic", 50)
    how = {"segments": parts, "samples": context.size.calls, "progress": False}
    first, again = (timed(lambda s=s: superpixels.explain(net, image, seed=s, **how)) for s in (seed, seed + 1))
    stable = scores_superpixels.stability([first[0].weights, again[0].weights]).rank
    return scores_superpixels.held_out_fidelity(net, first[0]), stable, again[1]


def _needs_classes(net):
    if net.classes is None:
        raise CannotTell("the network that was found here has no classifier, so there is no prediction to ask about")


TECHNIQUES = {
    "neurons": Technique(
        "What each unit answers to most: an image made to drive it as hard as possible.",
        "share of units whose image drives them harder than the best of the real images does (1 all, 0 none)",
        "likeness of a unit's images from two seeds, less what the images of all units share (1 the same, 0 no more than two units')",
        _neurons,
    ),
    "activations": Technique(
        "What each layer passes on of one image, unit by unit.",
        "rank correlation of how strongly a unit responds with what the prediction loses when it is ablated "
        "(1 the same order, 0 none)",
        "nothing in it is random, so it is 1 by definition",
        _activations,
    ),
    "t-SNE": Technique(
        "Which images a layer represents alike, and how far the classes stand apart.",
        "trustworthiness: how far neighbors on the map are neighbors in the layer (1 all, 0.5 about chance)",
        "share of each image's ten neighbors that two maps from random starts have in common (1 all)",
        _tsne,
    ),
    "LIME": Technique(
        "Which parts of one image speak for a class, and which against it.",
        "held-out R² of the sum of superpixels (1 the network adds them up, 0 no better than a constant)",
        "rank correlation of the weights from two seeds (1 the same order, 0 none)",
        _lime,
    ),
}

CELLS = (
    ("neurons", "lenet", "mnist"),
    ("neurons", "vgg4", "cifar10"),
    ("neurons", "vgg16", "photographs"),
    ("neurons", "inception_v3", "photographs"),
    ("activations", "lenet", "mnist"),
    ("activations", "vgg4", "cifar10"),
    ("activations", "vgg16", "photographs"),
    ("activations", "inception_v3", "photographs"),
    ("t-SNE", "lenet", "mnist"),
    ("t-SNE", "vgg4", "cifar10"),
    ("t-SNE", "vgg16", "cifar10"),
    ("t-SNE", "inception_v3", "cifar10"),
    ("LIME", "lenet", "mnist"),
    ("LIME", "vgg4", "cifar10"),
    ("LIME", "vgg16", "photographs"),
    ("LIME", "inception_v3", "photographs"),
)
SIZES = {
    "quick": {
        "networks": ("lenet", "vgg4"),
        "images": 300,
        "units": 4,
        "ablated": 10,
        "iterations": 250,
        "explained": 2,
        "calls": 128,
    },
    "full": {
        "networks": ("lenet", "vgg4", "vgg16", "inception_v3"),
        "images": 1000,
        "units": 16,
        "ablated": 60,
        "iterations": 750,
        "explained": 5,
        "calls": 512,
    },
}


# --- all of them --------------------------------------------------------------------------------------------


def assess(profile="quick", *, seed=0, path=None, progress=True):
    """Measure every technique on every network.

    Parameters
    ----------
    profile : {"quick", "full"}
        ``quick`` takes the two small networks only.
    seed : int
    path : path, optional
        A JSON file; rows that stand in it with the same profile, seed, version and sources are not measured again.
    progress : bool

    Returns
    -------
    Table

    Raises
    ------
    CnnlensError
        If there is no such profile, or the file is no table.
    """
    if profile not in SIZES:
        raise unknown("profile", profile, SIZES)
    path, kept = Path(path) if path else None, {}
    cells = [cell for cell in CELLS if cell[1] in SIZES[profile]["networks"]]
    done = {
        _cell(row): row
        for row in (read(path).rows if path and path.exists() else ())
        if _stands(row, profile, seed, kept)
    }
    with tqdm(cells, desc="table", unit="row", delay=2, disable=not progress) as bar:
        for cell in bar:
            bar.set_postfix_str(" ".join(cell))
            if cell not in done:
                done[cell] = measure(*cell, profile=profile, seed=seed, kept=kept)
                if path:
                    write(_table(done, profile, seed), path)
    return _table(done, profile, seed)


def _table(done, profile, seed):
    """What is measured so far, in the order of the cells."""
    found = [done[cell] for cell in CELLS if cell in done]
    measured = tuple(one for one in found if isinstance(one, Row))
    gaps = tuple(one for one in found if isinstance(one, Gap))
    return Table(rows=measured, gaps=gaps, source=io.source(measured), settings={"profile": profile, "seed": seed})


def measure(technique, network, data, *, profile="quick", seed=0, kept=None):
    """One cell of the table.

    Parameters
    ----------
    technique, network, data : str
        One of ``CELLS``.
    profile, seed
        As for :func:`assess`.
    kept : dict, optional
        Networks and data that are loaded already.

    Returns
    -------
    Row, or Gap where it cannot be measured here
    """
    context, how = Context(SIZES[profile], kept), TECHNIQUES[technique]
    net = context.net(network)
    try:
        faithful, stable, seconds = how.measure(context, net, _images(context, net, data), seed)
    except CannotTell as lacking:
        return Gap(technique, network, data, str(lacking))
    return Row(
        technique,
        network,
        data,
        how.tells,
        float(faithful),
        how.faithful_means,
        float(stable),
        how.stable_means,
        float(f"{seconds:.3g}"),
        dict(context.sources),
        context.stands_in,
        profile,
        datetime.datetime.now(datetime.UTC).date().isoformat(),
        __version__,
        seed,
    )


def _images(context, net, data):
    """As the network takes them, (N, H, W, C)."""
    images = context.photos() if data == "photographs" else context.data(data).x_test[: context.size.images]
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message=".*were resized"
        )  # a small image on a large network is what the row is about
        return net.prepare(images)


def _cell(row):
    return row.technique, row.network, row.data


def _stands(row, profile, seed, kept):
    """Whether a row of an earlier run was measured in the same way, on what is here today."""
    how = TECHNIQUES.get(row.technique)
    same = (row.profile, row.seed, row.version) == (profile, seed, __version__)
    return (
        same
        and how
        and (row.faithful_means, row.stable_means) == (how.faithful_means, how.stable_means)
        and measurable(row, kept)
    )


def write(table, path):
    """Write a table as JSON, whole or not at all."""
    io.write(path, rows=table.rows, gaps=table.gaps)


def read(path=None):
    """A table from its JSON file; without a path the committed one, measured on the real data.

    Raises
    ------
    CnnlensError
        If the file is missing or is no table.
    """
    found, gaps = io.read(path or files.repository() / COMMITTED, "table", rows=Row, gaps=Gap)
    return Table(rows=found, gaps=gaps, source=io.source(found))
