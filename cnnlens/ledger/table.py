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
from ..lenses import attribution, embedding, exemplars, neurons, superpixels
from ..lenses.ablation import ablate
from ..results import Result
from ..scores import activations as scores_activations
from ..scores import attribution as scores_attribution
from ..scores import embedding as scores_embedding
from ..scores import neurons as scores_neurons
from ..scores import superpixels as scores_superpixels
from . import io
from .book import measurable
from .claim import CannotTell
from .context import Context
from .fingerprint import fingerprint
from .subjects import last_feature_maps

COMMITTED = ("data", "table.json")  # shipped: measured at full on the real data
TEXT = io.packaged("table")
SIZES = TEXT["sizes"]
CELLS = tuple((name, *cell) for name, words in TEXT["techniques"].items() for cell in words["cells"])
SMALL = 64  # px: images below this are cut into squares, since superpixels would be a few pixels each


@dataclass(frozen=True)
class Row:
    """One technique on one network and one set of images. What the numbers mean is read from the technique.

    Attributes
    ----------
    technique : {"neurons", "activations", "t-SNE", "LIME", "attribution"}
    network, data : str
        Names, such as "lenet" and "mnist".
    fingerprint : str
        Of the code and the sizes that it was measured with; see :func:`~.fingerprint.fingerprint`.
    faithful : float
        How far what it shows is true of the network.
    stable : float
        How far another seed shows the same.
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
    fingerprint: str
    faithful: float
    stable: float
    seconds: float
    sources: dict
    stands_in: tuple
    profile: str = ""
    date: str = ""
    version: str = ""
    seed: int = 0

    @property
    def tells(self):
        """What the technique tells, in one sentence."""
        return TEXT["techniques"][self.technique]["tells"]

    @property
    def faithful_means(self):
        """What ``faithful`` is, and what its best and worst would be."""
        return TEXT["techniques"][self.technique]["faithful"]

    @property
    def stable_means(self):
        """What ``stable`` is, and what its best and worst would be."""
        return TEXT["techniques"][self.technique]["stable"]


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
#
# Each takes (context, net, images, seed) and returns faithful, stable, and seconds an image.


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
    return scores_neurons.against_real(first[0], tops).fraction, stable, again[1] / len(units)


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


def _attribution(context, net, images, seed):
    _needs_classes(net)
    images, how = images[: context.size.explained], {"layer": last_feature_maps(net), "progress": False}
    attribution.explain(net, images, **how)  # compiled before the clock runs
    found, seconds = timed(lambda: attribution.explain(net, images, **how))
    hiding = scores_attribution.faithfulness(net, found, seed=seed, progress=False)
    faithful = hiding.gain("insertion") + hiding.gain("deletion")
    return faithful.mean(), scores_attribution.stability(net, found).under_noise.mean(), seconds / len(images)


def _needs_classes(net):
    if net.classes is None:
        raise CannotTell("the network that was found here has no classifier, so there is no prediction to ask about")


MEASURES = {
    "neurons": _neurons,
    "activations": _activations,
    "t-SNE": _tsne,
    "LIME": _lime,
    "attribution": _attribution,
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
    context = Context(SIZES[profile], kept)
    net = context.net(network)
    try:
        faithful, stable, seconds = MEASURES[technique](context, net, _images(context, net, data), seed)
    except CannotTell as lacking:
        return Gap(technique, network, data, str(lacking))
    return Row(
        technique=technique,
        network=network,
        data=data,
        fingerprint=fingerprint(MEASURES[technique], SIZES[profile]),
        faithful=float(faithful),
        stable=float(stable),
        seconds=float(f"{seconds:.3g}"),
        sources=dict(context.sources),
        stands_in=context.stands_in,
        profile=profile,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        version=__version__,
        seed=seed,
    )


def _images(context, net, data):
    """As the network takes them, (N, H, W, C)."""
    images = context.photos() if data == "photographs" else context.data(data).x_test[: context.size.images]
    with warnings.catch_warnings():
        # a small image on a large network is what the row is about
        warnings.filterwarnings("ignore", message=".*were resized")
        return net.prepare(images)


def _cell(row):
    return row.technique, row.network, row.data


def _stands(row, profile, seed, kept):
    """Whether a row of an earlier run was measured in the same way, on what is here today."""
    same = (row.profile, row.seed, row.version) == (profile, seed, __version__)
    code = same and _cell(row) in CELLS and row.fingerprint == fingerprint(MEASURES[row.technique], SIZES[profile])
    return code and measurable(row, kept)


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
    found, gaps = io.read(path or files.shipped(*COMMITTED), "table", rows=Row, gaps=Gap)
    return Table(rows=found, gaps=gaps, source=io.source(found))
