"""t-SNE itself: vectors in, a place in the plane for each out, with openTSNE or with scikit-learn."""

import math
import os
from dataclasses import dataclass, fields, replace

import numpy as np
from tqdm.auto import tqdm

from ..errors import CnnlensError, unknown
from .representation import check_vectors

EXAGGERATION = 12  # factor on attraction in the first iterations, in which clusters find together
ONE_THREAD = 5_000  # points below which threads cost more than they give
FFT_FROM = 10_000  # points from which interpolation (Linderman et al. 2019) is faster than the tree of Barnes and Hut
# The interpolation's grid: the side of its cells, in units of the map, and the fewest of them along a side (openTSNE's
# own: 1 and 50). A map grows as it is laid out, and most of the time goes into Fourier transforms of the grid: cells of
# 1.5 take half as long; 20,000 points keep as many neighbors. Repulsion is off by 15 % then (4,000 points spread evenly
# over 110 × 110; by 5 % at 1, by half at 2).
CELL, FEWEST_CELLS = 1.5, 20
# From so many points on, fewer iterations lead as far, the later ones with more momentum: of 60,000 points (LeNet's
# dense1) 0.376 of the neighbors are kept, and 0.373 by 750 iterations with a momentum of 0.8. Attraction that falls
# back from its exaggeration throws points about, five in ten thousand off their cluster where the momentum is higher
# at once: they settle first.
MANY, SETTLE = 20_000, 100
ITERATIONS, EARLY, MOMENTUM = (750, 425), (250, 125), (0.8, 0.95)  # with fewer points, and with many
SPREAD = 1e-4  # standard deviation of the first positions

# Threads that wait for each other by spinning stall a busy machine; read when openTSNE is imported, so set before.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout:
    """How t-SNE lays points out. Each attribute is a keyword of :func:`tsne` and :func:`arrange`.

    Attributes
    ----------
    perplexity : float
        About how many neighbors each point minds.
    iterations : int or "auto"
        In all, the first of them with exaggerated attraction. ``auto`` is 750, with 20,000 points and more 425.
    learning_rate : float or "auto"
        ``auto`` is N / exaggeration (Belkina et al. 2019).
    start : "pca", "random" or array (N, 2)
        Where the points begin.
    early_exaggeration_iter : int or "auto"
        How many of the iterations exaggerate attraction; openTSNE only (scikit-learn's 250 are fixed). ``auto`` is 250,
        with 20,000 points and more 125.
    engine : {"opentsne", "sklearn"}
    """

    perplexity: float = 30
    iterations: int | str = "auto"
    learning_rate: float | str = "auto"
    start: str | np.ndarray = "pca"
    early_exaggeration_iter: int | str = "auto"
    engine: str = "opentsne"

    @classmethod
    def of(cls, settings, count):
        """The layout that these keywords ask for, checked for so many points."""
        known = [field.name for field in fields(cls)]
        for name in settings:
            if name not in known:
                raise unknown("setting of t-SNE", name, known)
        layout = cls(**settings).resolved(count)
        layout.check(count)
        return layout

    def resolved(self, count):
        """The same with numbers of iterations in place of "auto", for so many points.

        Examples
        --------
        >>> Layout(early_exaggeration_iter=30).resolved(60_000).settings["iterations"]
        425
        """
        many = self.engine == "opentsne" and count >= MANY
        usual = {"iterations": ITERATIONS[many], "early_exaggeration_iter": EARLY[many]}
        return replace(self, **{name: number for name, number in usual.items() if getattr(self, name) == "auto"})

    def check(self, count):
        """Raise a CnnlensError if ``count`` points cannot be laid out so."""
        _check_perplexity(self.perplexity, count)
        if not isinstance(self.iterations, (int, np.integer)) or self.iterations < 1:
            raise CnnlensError(f"iterations must be 'auto' or a whole number of at least 1; got {self.iterations!r}.")
        rate = self.learning_rate
        if rate != "auto" and not (isinstance(rate, (int, float)) and 0 < rate < math.inf):
            raise CnnlensError(f"learning_rate must be 'auto' or a number above 0; got {rate!r}.")
        if self.engine not in ENGINES:
            raise unknown("t-SNE engine", self.engine, ENGINES)
        if self.engine == "sklearn" and self.iterations < 250:
            raise CnnlensError(f"scikit-learn's t-SNE takes at least 250 iterations; got {self.iterations}.")
        if isinstance(self.start, str):
            if self.start not in ("pca", "random"):
                raise unknown("start", self.start, ("pca", "random"))
        elif np.shape(self.start) != (count, 2) or not np.isfinite(self.start).all():
            wanted = f"'pca', 'random' or finite positions of shape ({count}, 2)"
            raise CnnlensError(f"start must be {wanted}; got shape {np.shape(self.start)}.")

    @property
    def settings(self):
        """What a result says of it."""
        asked = {name: getattr(self, name) for name in ("perplexity", "iterations", "learning_rate", "engine")}
        return {**asked, "start": self.start if isinstance(self.start, str) else "given"}


def arrange(vectors, *, seed=0, progress=True, **layout):
    """Lay vectors out in the plane by t-SNE.

    Parameters
    ----------
    vectors : array (N, d)
    seed : int
    progress : bool
    **layout
        perplexity=30, iterations="auto", learning_rate="auto", start="pca" and more: see :class:`Layout`.

    Returns
    -------
    points : ndarray (N, 2) float32
    divergence : float
        Kullback-Leibler divergence, in nats.

    Examples
    --------
    >>> import numpy as np
    >>> from cnnlens import embedding
    >>> points, divergence = embedding.arrange(np.eye(20), perplexity=5, iterations=50)
    >>> points.shape
    (20, 2)
    """
    vectors = check_vectors(vectors)
    return laid_out(vectors, Layout.of(layout, len(vectors)), seed, progress)


def laid_out(vectors, layout, seed, progress):
    """Points (N, 2) float32 of vectors that were checked, and the divergence.

    Examples
    --------
    Two clouds far from each other stay two clouds:

    >>> vectors = np.random.default_rng(0).normal(size=(20, 3))
    >>> vectors[10:] += 10
    >>> points, divergence = laid_out(vectors, Layout(perplexity=5, iterations=50), 0, False)
    >>> left = points[:, 0] < 0
    >>> left.astype(int)
    array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    """
    layout = layout.resolved(len(vectors))
    points, divergence = ENGINES[layout.engine](vectors, _start(vectors, layout.start, seed), layout, seed, progress)
    return points.astype(np.float32), float(divergence)


def _start(vectors, start, seed):
    """First positions (N, 2)."""
    if not isinstance(start, str):
        return np.asarray(start, np.float64)
    noise = np.random.default_rng(seed).standard_normal((len(vectors), 2))
    if start == "random":
        return noise * SPREAD
    centered = vectors - vectors.mean(0)
    _, axes = np.linalg.eigh(centered.T.astype(np.float64) @ centered)
    first = centered @ axes[:, ::-1][:, :2]
    first = np.pad(first, ((0, 0), (0, 2 - first.shape[1])))  # a layer of one unit has one axis
    first *= np.where(first[np.abs(first).argmax(0), [0, 1]] < 0, -1, 1)  # a sign that does not hang on the solver
    return first / first[:, 0].std() * SPREAD + noise * SPREAD / 100  # noise parts points that are the same


def _opentsne(vectors, start, layout, seed, progress):
    embedding = opentsne_of(vectors, start, layout.perplexity, seed)
    early = min(layout.early_exaggeration_iter, layout.iterations)
    settle = min(SETTLE, layout.iterations - early) if len(vectors) >= MANY else layout.iterations - early
    phases = [(early, EXAGGERATION, MOMENTUM[0]), (settle, None, MOMENTUM[0])]
    phases += [(layout.iterations - early - settle, None, MOMENTUM[1])]
    with tqdm(total=layout.iterations, desc="t-SNE", unit="step", delay=2, leave=False, disable=not progress) as bar:
        shared = {"learning_rate": layout.learning_rate, "inplace": True}
        shared |= {"callbacks": lambda *_: bar.update(50) and None, "callbacks_every_iters": 50}
        for iterations, exaggeration, momentum in phases:
            if iterations:
                embedding.optimize(iterations, exaggeration=exaggeration, momentum=momentum, **shared)
    return np.asarray(embedding), embedding.kl_divergence


def opentsne_of(vectors, points, perplexity, seed, method=None):
    """openTSNE's object for points that stand for vectors.

    Examples
    --------
    Points on a line, all begun at one place: none has moved yet, but the first is already drawn most to its neighbor.

    >>> embedding = opentsne_of(np.arange(20.0)[:, None], np.zeros((20, 2)), 5, seed=0)
    >>> embedding.shape, float(abs(embedding).max())
    ((20, 2), 0.0)
    >>> int(embedding.affinities.P[0].argmax())
    1
    """
    import openTSNE
    from openTSNE.affinity import PerplexityBasedNN

    shared = {"n_jobs": _threads(len(vectors)), "random_state": seed}
    method = method or ("fft" if len(vectors) >= FFT_FROM else "bh")
    # Exact neighbors, so that a map is the same on any number of cores.
    affinities = PerplexityBasedNN(vectors, perplexity=perplexity, method="exact", **shared)
    how = {"negative_gradient_method": method, "ints_in_interval": CELL, "min_num_intervals": FEWEST_CELLS}
    return openTSNE.TSNEEmbedding(np.array(points, np.float64), affinities, **how, **shared)


def _sklearn(vectors, start, layout, seed, progress):
    import threadpoolctl
    from sklearn.manifold import TSNE

    jobs = _threads(len(vectors))
    shared = {"random_state": seed, "n_jobs": jobs, "init": start.astype(np.float32)}
    rate, most = layout.learning_rate, layout.iterations
    engine = TSNE(perplexity=layout.perplexity, learning_rate=rate, max_iter=most, **shared)
    with threadpoolctl.threadpool_limits(jobs, "openmp"):  # its gradient does not ask n_jobs
        return engine.fit_transform(vectors), engine.kl_divergence_


ENGINES = {"opentsne": _opentsne, "sklearn": _sklearn}


def _threads(count):
    """Threads for so many points: few points go faster on one, and do not stall when the machine is busy."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 1 if count < ONE_THREAD else cores


def _check_perplexity(perplexity, count):
    """Raise a CnnlensError unless each of ``count`` points has the 3 × perplexity neighbors that t-SNE looks at."""
    if not (isinstance(perplexity, (int, float, np.number)) and perplexity > 1):
        raise CnnlensError(f"perplexity must be a number above 1; got {perplexity!r}.")
    if count - 1 < int(3 * perplexity):
        most = (count - 1) / 3
        instead = f"perplexity={math.floor(most)} at most" if most >= 2 else "at least 7 images, with perplexity=2"
        raise CnnlensError(
            f"Perplexity {perplexity:g} needs at least {int(3 * perplexity) + 1} points, three neighbors for each unit "
            f"of it; got {count}. Give more images, or {instead}."
        )
