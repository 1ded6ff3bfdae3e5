"""t-SNE: a map on which those images lie together that a layer represents alike (van der Maaten and Hinton 2008).

Three steps, each usable by itself: :func:`represent` reads a layer and reduces it where it is wide, :func:`arrange`
lays the representations out in the plane, :func:`tsne` does both and keeps what belongs to the points. :func:`place`
adds new images to a finished map.
"""

import math
import os
from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

from ..errors import CnnlensError, unknown
from ..results import Result

COMPONENTS = 50  # principal components kept of a wider layer; van der Maaten and Hinton kept 30, later work 50
INPUT = "input"  # stands for the pixels themselves wherever a layer is named
CHUNK = 250  # images read at a time
IN_MEMORY = 1 << 28  # floats (1 GiB) of one layer that are kept; a larger layer is read anew for each pass
EXAGGERATED = 250  # first iterations, in which attraction is exaggerated so that clusters can find together
EXAGGERATION = 12
ONE_THREAD = 5_000  # points below which threads cost more than they give
FFT_FROM = (
    10_000  # points from which the interpolation of Linderman et al. 2019 is faster than the tree of Barnes and Hut
)
SPREAD = 1e-4  # standard deviation of the first positions

# Threads that wait for each other by spinning stall a busy machine; read when openTSNE is imported, so set before.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# The dissertation's own settings (its table 4): tsne(…, **DISSERTATION).
DISSERTATION = {"engine": "sklearn", "perplexity": 30, "learning_rate": 1000, "iterations": 1000, "start": "random"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Representation(Result):
    """What a layer makes of images, flat, and reduced to its principal components where it is wide.

    Attributes
    ----------
    vectors : ndarray (N, d) float32
    layer : str
    width : int
        Numbers the layer itself has for an image; d is smaller when it was reduced.
    variance : float
        Share of the layer's variance that the vectors keep, in [0, 1]; 1 when nothing was reduced.
    mean : ndarray (width,) and basis : ndarray (width, d), or None
        What was subtracted, and what the rest was projected on.
    """

    vectors: np.ndarray
    layer: str
    width: int
    variance: float
    mean: np.ndarray | None = None
    basis: np.ndarray | None = None

    def __str__(self):
        if self.basis is None:
            return f"{self.layer}: {self.width:,} numbers an image"
        return f"{self.layer}: {self.width:,} numbers an image, reduced to {self.vectors.shape[1]} that keep {self.variance:.1%} of the variance"


@dataclass(frozen=True, kw_only=True, eq=False)
class Map(Result):
    """A t-SNE map: a place in the plane for every image.

    Attributes
    ----------
    points : ndarray (N, 2) float32
        Centered. Distances have no unit, and only short ones mean something.
    representation : Representation
        What was laid out.
    divergence : float
        Kullback-Leibler divergence that was left, in nats; compare it only between maps of the same representation.
    labels : ndarray (N,) int or None
    predictions : ndarray (N,) int or None
        The network's answers; None if it has no classifier.
    classes : tuple of str or None
        What the labels mean.
    judged : bool
        Whether labels and predictions speak of the same classes, so that a difference is a mistake.
    """

    points: np.ndarray
    representation: Representation
    divergence: float
    labels: np.ndarray | None = None
    predictions: np.ndarray | None = None
    classes: tuple | None = None
    judged: bool = False

    @property
    def layer(self):
        """Name of the layer."""
        return self.representation.layer

    @property
    def mistakes(self):
        """Which images the network got wrong: bool (N,); nowhere, if that cannot be said."""
        if not self.judged:
            return np.zeros(len(self.points), bool)
        return self.predictions != self.labels


# --- reading ------------------------------------------------------------------------------------------------


def represent(net, images, layer, *, components=COMPONENTS, seed=0, batch_size=CHUNK, progress=True):
    """The representations of images in a layer, reduced by PCA to ``components`` numbers where there are more.

    A layer too large for memory is never held whole: it is read batch by batch, once for each pass of the PCA.

    Parameters
    ----------
    net : Network
    images : array (N, H, W, C)
        In [0, 1].
    layer : str
        A layer's path, or ``"input"`` for the pixels.
    components : int or None
        None leaves the layer as wide as it is.
    seed : int
        For the start of the PCA.
    batch_size : int
        Images read at a time.
    progress : bool

    Returns
    -------
    Representation

    Raises
    ------
    CnnlensError
        If a representation holds NaN or infinity, or is the same for all images.
    """
    chunks = Chunks(net, images, layer, batch_size, progress)
    mean, variance = _moments(chunks)
    settings = {"network": net.name, "layer": layer, "components": components, "seed": seed}
    shared = {"layer": layer, "width": chunks.width, "source": net.source, "settings": settings}
    if components is None or chunks.width <= components:
        return Representation(vectors=np.concatenate(list(chunks)), variance=1.0, **shared)
    basis = _principal(chunks, mean, min(components, len(images) - 1), seed)
    vectors = np.concatenate([(chunk - mean) @ basis for chunk in chunks])
    kept = float(np.square(vectors, dtype=np.float64).sum() / variance)
    return Representation(vectors=vectors, variance=min(kept, 1.0), mean=mean, basis=basis, **shared)


def reduce(vectors, components=COMPONENTS, *, seed=0):
    """The principal components of vectors that are in memory already, as :func:`represent` takes them of a layer.

    Returns
    -------
    ndarray (N, components) float32
    float
        Share of the variance that they keep, in [0, 1].
    """
    vectors = check_vectors(vectors)
    if vectors.shape[1] <= components:
        return vectors, 1.0
    centered = vectors - vectors.mean(0)
    reduced = centered @ _principal(
        [centered], np.zeros(centered.shape[1], np.float32), min(components, len(vectors) - 1), seed
    )
    return reduced, float(np.square(reduced, dtype=np.float64).sum() / np.square(centered, dtype=np.float64).sum())


class Chunks:
    """The flat representations of a layer, batch by batch, as often as one likes; kept once read if they are small.

    Iterating gives arrays (≤ batch_size, width) float32.
    """

    def __init__(self, net, images, layer, batch_size=CHUNK, progress=True):
        if len(images) < 2:
            raise CnnlensError(f"A map needs at least two images; got {len(images)}.")
        self.net, self.images, self.layer = net, images, layer
        self.batch_size, self.progress = batch_size, progress
        shape = np.shape(images[:1])[1:] if layer == INPUT else net.layer(layer).shape
        self.width = math.prod(shape)
        self._kept = [] if len(images) * self.width <= IN_MEMORY else None

    def __iter__(self):
        if self._kept:
            return iter(self._kept)
        return self._read()

    def _read(self):
        found = []
        starts = range(0, len(self.images), self.batch_size)
        for start in tqdm(starts, desc=self.layer, unit="batch", delay=2, leave=False, disable=not self.progress):
            chunk = self._flat(self.images[start : start + self.batch_size])
            if not np.isfinite(chunk).all():
                bad = start + int(np.flatnonzero(~np.isfinite(chunk).all(1))[0])
                raise CnnlensError(
                    f"Layer {self.layer!r} of {self.net.name} gives NaN or infinity for image {bad}. Its weights ({self.net.source}) are damaged: load others."
                )
            if self._kept is not None:
                found.append(chunk)
            yield chunk
        self._kept = found or None

    def _flat(self, images):
        if self.layer == INPUT:
            return self.net.prepare(images).reshape(len(images), -1)
        # One batch at a time, or read() would gather what must not be in memory at once.
        return self.net.read(images, [self.layer], batch_size=self.batch_size, progress=False)[self.layer].reshape(
            len(images), -1
        )


def _moments(chunks):
    """Mean (width,) and total variance, times N, of a layer; refuses one that is constant."""
    total, squares, count, first = 0.0, 0.0, 0, None
    for chunk in chunks:
        first = chunk[0] if first is None else first
        moved = chunk - first  # sums of squares about a point of the cloud do not cancel
        total = total + moved.sum(0, dtype=np.float64)
        squares += float(np.square(moved, dtype=np.float64).sum())
        count += len(chunk)
    variance = squares - float(np.square(total).sum()) / count
    if squares == 0 or variance <= 0:
        raise CnnlensError(
            f"Layer {chunks.layer!r} gives the same {chunks.width} numbers for all {count} images, so there is nothing to map. "
            "Choose another layer, other images, or a network whose units are alive."
        )
    return (first + total / count).astype(np.float32), variance


def _principal(chunks, mean, components, seed, rounds=2):
    """An orthonormal basis (width, components) of the directions of most variance.

    Subspace iteration from random directions (Halko, Martinsson and Tropp 2011, algorithm 4.4): each round multiplies
    the basis by the covariance, one batch at a time, so that only (width, components + 10) numbers are held.
    """
    generator = np.random.default_rng(seed)
    basis = generator.standard_normal((len(mean), min(components + 10, len(mean))), dtype=np.float32)
    for _ in range(rounds):
        image = np.zeros_like(basis)
        for chunk in chunks:
            centered = chunk - mean
            image += centered.T @ (centered @ basis)
        basis = np.linalg.qr(image)[0]
    inner = np.zeros((basis.shape[1],) * 2)
    for chunk in chunks:
        projected = ((chunk - mean) @ basis).astype(np.float64)
        inner += projected.T @ projected
    turn = np.linalg.eigh(inner)[1][:, ::-1][:, :components]
    return (basis @ turn).astype(np.float32)


# --- laying out ---------------------------------------------------------------------------------------------


def tsne(
    net,
    images,
    layer,
    *,
    labels=None,
    classes=None,
    perplexity=30,
    iterations=750,
    learning_rate="auto",
    start="pca",
    seed=0,
    engine="opentsne",
    components=COMPONENTS,
    predictions=None,
    exaggerated=EXAGGERATED,
    data="",
    progress=True,
):
    """A map of images by what a layer makes of them.

    Parameters
    ----------
    net : Network
    images : array (N, H, W, C)
        In [0, 1].
    layer : str
        A layer's path, or ``"input"`` for the pixels.
    labels : sequence of N, optional
        True classes: indices, or names out of ``classes``.
    classes : sequence of str, optional
        What the labels mean; the network's own classes by default. Give those of the data set if they are others: then
        nothing counts as a mistake.
    perplexity : float
        About how many neighbors each point minds.
    iterations : int
        In all, the first of them with exaggerated attraction.
    learning_rate : float or "auto"
        ``auto`` is N / exaggeration (Belkina et al. 2019).
    start : "pca", "random" or array (N, 2)
        Where the points begin.
    seed : int
        The same seed gives the same map.
    engine : {"opentsne", "sklearn"}
        ``tsne(…, **DISSERTATION)`` runs the dissertation's settings, with scikit-learn.
    components : int or None
        As for :func:`represent`.
    predictions : array (N,) of int, optional
        The network's answers, where they are known already.
    exaggerated : int
        How many of the iterations exaggerate attraction; openTSNE only (scikit-learn's 250 are fixed).
    data : str
        Source of the images, for the foot of figures.
    progress : bool

    Returns
    -------
    Map

    Raises
    ------
    CnnlensError
        If there are fewer points than the perplexity needs, labels of another number, NaN, or a constant layer.

    Examples
    --------
    >>> points = tsne(net, data.x_test, "dense1", labels=data.y_test, seed=0).points    # doctest: +SKIP
    """
    labels, classes = check_labels(labels, classes or net.classes, len(images))
    check_perplexity(perplexity, len(images))
    representation = represent(net, images, layer, components=components, seed=seed, progress=progress)
    points, divergence = arrange(
        representation.vectors,
        perplexity=perplexity,
        iterations=iterations,
        learning_rate=learning_rate,
        start=start,
        seed=seed,
        engine=engine,
        exaggerated=exaggerated,
        progress=progress,
    )
    if predictions is None:
        predictions = predict(net, images, progress=progress)
    settings = {
        **representation.settings,
        "images": len(points),
        "perplexity": perplexity,
        "iterations": iterations,
        "learning_rate": learning_rate,
        "start": start if isinstance(start, str) else "given",
        "engine": engine,
    }
    return Map(
        points=points,
        representation=representation,
        divergence=divergence,
        labels=labels,
        predictions=predictions,
        classes=classes,
        judged=judged(net, labels, predictions, classes),
        source=net.source if data in net.source else f"{net.source}; {data}",
        settings=settings,
    )


def arrange(
    vectors,
    *,
    perplexity=30,
    iterations=750,
    learning_rate="auto",
    start="pca",
    seed=0,
    engine="opentsne",
    exaggerated=EXAGGERATED,
    progress=True,
):
    """Lay vectors out in the plane by t-SNE.

    Parameters
    ----------
    vectors : array (N, d)
    perplexity, iterations, learning_rate, start, seed, engine, exaggerated
        As for :func:`tsne`.
    progress : bool

    Returns
    -------
    points : ndarray (N, 2) float32
    divergence : float
        Kullback-Leibler divergence, in nats.
    """
    vectors = check_vectors(vectors)
    check_perplexity(perplexity, len(vectors))
    if not isinstance(iterations, (int, np.integer)) or iterations < 1:
        raise CnnlensError(f"iterations must be a whole number of at least 1; got {iterations!r}.")
    if learning_rate != "auto" and not (isinstance(learning_rate, (int, float)) and 0 < learning_rate < math.inf):
        raise CnnlensError(f"learning_rate must be 'auto' or a number above 0; got {learning_rate!r}.")
    engines = {"opentsne": _opentsne, "sklearn": _sklearn}
    if engine not in engines:
        raise unknown("t-SNE engine", engine, engines)
    start = _start(vectors, start, seed)
    points, divergence = engines[engine](
        vectors, start, perplexity, iterations, learning_rate, seed, exaggerated, progress
    )
    return points.astype(np.float32), float(divergence)


def _opentsne(vectors, start, perplexity, iterations, learning_rate, seed, exaggerated, progress):
    embedding = _embedding(vectors, start, perplexity, seed)
    exaggerated = min(exaggerated, iterations)
    with tqdm(total=iterations, desc="t-SNE", unit="step", delay=2, leave=False, disable=not progress) as bar:
        shared = {
            "learning_rate": learning_rate,
            "inplace": True,
            "callbacks": lambda *_: bar.update(50) and None,
            "callbacks_every_iters": 50,
        }
        if exaggerated:
            embedding.optimize(exaggerated, exaggeration=EXAGGERATION, momentum=0.8, **shared)
        if iterations > exaggerated:
            embedding.optimize(iterations - exaggerated, momentum=0.8, **shared)
    return np.asarray(embedding), embedding.kl_divergence


def _embedding(vectors, points, perplexity, seed, method=None):
    """openTSNE's view of points that stand for vectors, with exact neighbors (so that it repeats on any number of cores)."""
    import openTSNE
    from openTSNE.affinity import PerplexityBasedNN

    jobs = threads(len(vectors))
    method = method or ("fft" if len(vectors) >= FFT_FROM else "bh")
    affinities = PerplexityBasedNN(vectors, perplexity=perplexity, method="exact", n_jobs=jobs, random_state=seed)
    return openTSNE.TSNEEmbedding(
        np.array(points, np.float64), affinities, n_jobs=jobs, random_state=seed, negative_gradient_method=method
    )


def _sklearn(vectors, start, perplexity, iterations, learning_rate, seed, exaggerated, progress):
    import threadpoolctl
    from sklearn.manifold import TSNE

    if iterations < EXAGGERATED:
        raise CnnlensError(f"scikit-learn's t-SNE takes at least {EXAGGERATED} iterations; got {iterations}.")
    jobs = threads(len(vectors))
    engine = TSNE(
        perplexity=perplexity,
        max_iter=iterations,
        learning_rate=learning_rate,
        init=start.astype(np.float32),
        random_state=seed,
        n_jobs=jobs,
    )
    with threadpoolctl.threadpool_limits(jobs, "openmp"):  # its gradient does not ask n_jobs
        return engine.fit_transform(vectors), engine.kl_divergence_


def _start(vectors, start, seed):
    """First positions (N, 2)."""
    generator = np.random.default_rng(seed)
    noise = generator.standard_normal((len(vectors), 2))
    if not isinstance(start, str):
        start = np.asarray(start, np.float64)
        if start.shape != (len(vectors), 2) or not np.isfinite(start).all():
            raise CnnlensError(
                f"start must be 'pca', 'random' or finite positions of shape ({len(vectors)}, 2); got shape {start.shape}."
            )
        return start
    if start not in ("pca", "random"):
        raise unknown("start", start, ("pca", "random"))
    if start == "random":
        return noise * SPREAD
    centered = vectors - vectors.mean(0)
    _, axes = np.linalg.eigh(centered.T.astype(np.float64) @ centered)
    first = centered @ axes[:, ::-1][:, :2]
    first = np.pad(first, ((0, 0), (0, 2 - first.shape[1])))  # a layer of one unit has one axis
    first *= np.where(first[np.abs(first).argmax(0), [0, 1]] < 0, -1, 1)  # a sign that does not hang on the solver
    return first / first[:, 0].std() * SPREAD + noise * SPREAD / 100  # noise parts points that are the same


def place(finished, net, images, *, iterations=250, progress=True):
    """Put new images into a finished map, whose own points stay where they are.

    Parameters
    ----------
    finished : Map
    net : Network
        That of the map.
    images : array (M, H, W, C)
    iterations : int

    Returns
    -------
    ndarray (M, 2) float32
        Where each new image lies.
    """
    representation = finished.representation
    vectors = check_vectors(project(representation, net, images, progress=progress), representation.vectors.shape[1])
    embedding = _embedding(
        representation.vectors, finished.points, finished.settings["perplexity"], finished.settings["seed"], "bh"
    )
    # Steps of openTSNE's transform(), which cannot be called itself because it moves the finished map to its own middle.
    placed = embedding.prepare_partial(vectors, perplexity=min(5, finished.settings["perplexity"]))
    placed.optimize(iterations, learning_rate=0.1, exaggeration=1.5, momentum=0.8, max_grad_norm=0.25, inplace=True)
    return np.asarray(placed).astype(np.float32)


def project(representation, net, images, *, batch_size=CHUNK, progress=True):
    """Vectors (M, d) of other images in the coordinates of a representation."""
    read = (
        Chunks(net, images, representation.layer, batch_size, progress)
        if len(images) > 1
        else [_single(net, images, representation.layer)]
    )
    if representation.basis is None:
        return np.concatenate(list(read))
    return np.concatenate([(chunk - representation.mean) @ representation.basis for chunk in read])


def _single(net, images, layer):
    values = net.prepare(images) if layer == INPUT else net.read(images, [layer], progress=False)[layer]
    return values.reshape(len(images), -1)


def predict(net, images, *, progress=True):
    """The network's answers, class indices (N,); None if it has no classifier."""
    if len(net.layer(net.head).shape) != 1:
        return None
    return net.predict(images, batch_size=CHUNK, progress=progress).argmax(1)


def judged(net, labels, predictions, classes):
    """Whether a prediction that differs from the label is a mistake: both must speak of the same classes."""
    return (
        labels is not None
        and predictions is not None
        and (net.classes is None or classes is None or tuple(net.classes) == tuple(classes))
    )


def threads(count):
    """Threads for so many points: few points go faster on one, and do not stall when the machine is busy."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 1 if count < ONE_THREAD else cores


# --- checks -------------------------------------------------------------------------------------------------


def check_vectors(vectors, width=None):
    """Vectors as a contiguous finite float32 array (N, d), or a CnnlensError that says what is wrong with them."""
    vectors = np.asarray(vectors)
    if vectors.ndim != 2 or vectors.shape[1] == 0 or (width and vectors.shape[1] != width):
        raise CnnlensError(
            f"Representations must be an array (N, {width or 'd'}), one row an image; got shape {vectors.shape}."
        )
    vectors = np.ascontiguousarray(vectors, np.float32)
    bad = ~np.isfinite(vectors).all(1)
    if bad.any():
        raise CnnlensError(
            f"Representations hold NaN or infinity in {bad.sum()} of {len(bad)} rows, first in row {bad.argmax()}. Leave those images out."
        )
    if width is None and len(vectors) > 1 and not np.ptp(vectors, axis=0).any():
        raise CnnlensError(
            f"All {len(vectors)} representations are identical, so there is nothing to map. Choose another layer or other images."
        )
    return vectors


def check_perplexity(perplexity, count):
    """Raise a CnnlensError unless each of ``count`` points has the 3 × perplexity neighbors that t-SNE looks at."""
    if not (isinstance(perplexity, (int, float, np.number)) and perplexity > 1):
        raise CnnlensError(f"perplexity must be a number above 1; got {perplexity!r}.")
    if count - 1 < int(3 * perplexity):
        most = (count - 1) / 3
        instead = f"perplexity={math.floor(most)} at most" if most >= 2 else "at least 7 images, with perplexity=2"
        raise CnnlensError(
            f"Perplexity {perplexity:g} needs at least {int(3 * perplexity) + 1} points, three neighbors for each unit of it; got {count}. Give more images, or {instead}."
        )


def check_labels(labels, classes, count):
    """Labels as indices (N,) and classes as a tuple; either may be None."""
    classes = tuple(map(str, classes)) if classes is not None else None
    if labels is None:
        return None, classes
    labels = np.asarray(labels)
    if labels.shape != (count,):
        raise CnnlensError(f"There must be one label an image: expected shape ({count},), got {labels.shape}.")
    if labels.dtype.kind in "UO":
        known = {name: i for i, name in enumerate(classes or ())}
        stranger = next((name for name in labels if name not in known), None)
        if stranger is not None:
            raise unknown("class", stranger, known or ["(no class names: give classes=…)"])
        return np.array([known[name] for name in labels]), classes
    if labels.dtype.kind not in "iu" or labels.min() < 0 or (classes and labels.max() >= len(classes)):
        top = f"0 to {len(classes) - 1}" if classes else "from 0"
        raise CnnlensError(
            f"Labels must be class names or whole numbers {top}; got {labels.dtype} from {labels.min()} to {labels.max()}."
        )
    return labels.astype(np.int64), classes
