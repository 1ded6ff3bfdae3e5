"""What a layer makes of images, as one vector an image: read batch by batch, and reduced by PCA where it is wide."""

import math
from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

from ..errors import CnnlensError
from ..network import Network
from ..results import Result

COMPONENTS = 50  # principal components kept of a wider layer; van der Maaten and Hinton kept 30, later work 50
OVERSAMPLING = 10  # directions beyond those asked for, which make the random start of the PCA reliable
INPUT = "input"  # stands for the pixels themselves wherever a layer is named
BATCH = 250  # images read at a time
ROWS = 1 << 16  # of a tall matrix that are held in float64 at a time
FLATTEST = 1e-10  # squared lengths further apart than this are no longer told from rounding
IN_MEMORY = 1 << 28  # floats (1 GiB) of one layer that are kept; a larger layer is read anew for each pass


@dataclass(frozen=True, kw_only=True, eq=False)
class Representation(Result):
    """What a layer makes of images, flat, and reduced to its principal components where it is wide.

    Attributes
    ----------
    vectors : ndarray (N, d) float32
    layer : str
    width : int
        Dimensions of the layer itself; d is smaller when it was reduced.
    variance : float
        Fraction of the layer's variance that the vectors keep, in [0, 1]; 1 when nothing was reduced.
    mean : ndarray (width,) and basis : ndarray (width, d), or None
        What was subtracted, and what the rest was projected on.
    """

    vectors: np.ndarray
    layer: str
    width: int
    variance: float
    mean: np.ndarray | None = None
    basis: np.ndarray | None = None

    @property
    def dimensions(self):
        """How many dimensions the layer has and what became of them, in a line."""
        if self.basis is None:
            return f"{self.width:,} dimensions"
        kept = f"{self.vectors.shape[1]} principal components ({self.variance:.1%} of the variance)"
        return f"{self.width:,} dimensions, reduced to {kept}"

    def __str__(self):
        return f"{self.layer}: {self.dimensions}"


def represent(net, images, layer, *, components=COMPONENTS, seed=0, batch_size=BATCH, progress=True):
    """The representations of images in a layer, reduced by PCA to ``components`` dimensions where there are more.

    A layer too large for memory is never held whole: it is read batch by batch, once for each pass of the PCA.

    Parameters
    ----------
    net : Network
        Or whatever :meth:`Network.of` opens.
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

    Examples
    --------
    >>> import numpy as np
    >>> from cnnlens import embedding, zoo
    >>> images = np.random.default_rng(0).random((12, 28, 28, 1), np.float32)
    >>> found = embedding.represent(zoo.load("lenet", weights="random"), images, "dense1", components=5)
    >>> found.vectors.shape, found.width
    ((12, 5), 128)
    """
    return represented(Batches(Network.of(net), images, layer, batch_size, progress), components, seed)


def represented(batches, components=COMPONENTS, seed=0):
    """:func:`represent` of a layer that is read by these :class:`Batches`."""
    net, images, layer = batches.net, batches.images, batches.layer
    if len(images) < 2:
        raise CnnlensError(f"A map needs at least two images; got {len(images)}.")
    mean, variance = _moments(batches)
    settings = {"network": net.name, "layer": layer, "components": components, "seed": seed}
    shared = {"layer": layer, "width": len(mean), "source": net.source, "settings": settings}
    if components is None or len(mean) <= components:
        return Representation(vectors=np.concatenate(list(batches)), variance=1.0, **shared)
    basis = _principal(batches, mean, min(components, len(images) - 1), seed)
    vectors = np.concatenate([(batch - mean) @ basis for batch in batches])
    kept = float(np.square(vectors, dtype=np.float64).sum() / variance)
    return Representation(vectors=vectors, variance=min(kept, 1.0), mean=mean, basis=basis, **shared)


def reduce(vectors, components=COMPONENTS, *, seed=0):
    """The principal components of vectors that are in memory already, as :func:`represent` takes them of a layer.

    Parameters
    ----------
    vectors : array (N, d)
    components, seed : int

    Returns
    -------
    ndarray (N, components) float32
        The vectors themselves if they have no more dimensions than that.
    float
        Fraction of the variance that they keep, in [0, 1].

    Examples
    --------
    >>> from cnnlens import embedding
    >>> vectors, kept = embedding.reduce([[0, 0, 1], [1, 1, 1], [2, 2, 1]], 1)
    >>> vectors.shape, round(kept, 3)
    ((3, 1), 1.0)
    """
    vectors = check_vectors(vectors)
    if vectors.shape[1] <= components:
        return vectors, 1.0
    centered = vectors - vectors.mean(0)
    zero = np.zeros(centered.shape[1], np.float32)
    reduced = centered @ _principal([centered], zero, min(components, len(vectors) - 1), seed)
    variance = np.square(centered, dtype=np.float64).sum()
    return reduced, float(min(np.square(reduced, dtype=np.float64).sum() / variance, 1))


def project(net, representation, images, *, batch_size=BATCH, progress=True):
    """Vectors (M, d) of other images in the coordinates of a representation.

    Parameters
    ----------
    net : Network
        That of the representation.
    representation : Representation
    images : array (M, H, W, C)
    batch_size : int
    progress : bool

    Examples
    --------
    >>> import numpy as np
    >>> from cnnlens import embedding, zoo
    >>> images, net = np.random.default_rng(0).random((12, 28, 28, 1), np.float32), zoo.load("lenet", weights="random")
    >>> found = embedding.represent(net, images, "dense2", components=3)
    >>> np.allclose(embedding.project(net, found, images[:2]), found.vectors[:2], atol=1e-5)
    True
    """
    batches = Batches(Network.of(net), images, representation.layer, batch_size, progress)
    if representation.basis is None:
        return np.concatenate(list(batches))
    return np.concatenate([(batch - representation.mean) @ representation.basis for batch in batches])


class Batches:
    """The flat representations of a layer, batch by batch, as often as one likes; kept once read if they are small.

    Iterating gives arrays (≤ batch_size, width) float32.
    """

    def __init__(self, net, images, layer, batch_size=BATCH, progress=True):
        self.net, self.images, self.layer = net, images, layer
        self.batch_size, self.progress = batch_size, progress
        self._kept = []

    def __iter__(self):
        return iter(self._kept) if self.kept else self._read()

    @property
    def kept(self):
        """Whether all is in memory."""
        return sum(map(len, self._kept)) == len(self.images)

    def _read(self):
        starts = range(0, len(self.images), self.batch_size)
        for start in tqdm(starts, desc=self.layer, unit="batch", delay=2, leave=False, disable=not self.progress):
            images = self.images[start : start + self.batch_size]
            if self.layer == INPUT:
                values = self.net.prepare(images)
            else:  # one batch at a time, or read() would gather what must not be in memory at once
                values = self.net.read(images, [self.layer], batch_size=self.batch_size, progress=False)[self.layer]
            yield self.take(values, start)

    def take(self, values, start):
        """Flat what the layer gave for the images from ``start`` on, kept if there is memory for all of them."""
        batch = values.reshape(len(values), -1)
        self._check(batch, start)
        if len(self.images) * batch.shape[1] <= IN_MEMORY:
            self._kept = (self._kept if start else []) + [batch]
        return batch

    def _check(self, batch, start):
        finite = np.isfinite(batch).all(1)
        if not finite.all():
            raise CnnlensError(
                f"Layer {self.layer!r} of {self.net.name} gives NaN or infinity for image {start + finite.argmin()}. "
                f"Its weights ({self.net.source}) are damaged: load others."
            )


def together(net, images, layers, *, batch_size=BATCH, progress=True):
    """The :class:`Batches` of several layers, read in one forward pass if memory holds all of them.

    Returns
    -------
    dict of str to Batches
        One a layer; those that were not read together read by themselves.

    Examples
    --------
    >>> import numpy as np
    >>> from cnnlens import zoo
    >>> images, net = np.zeros((3, 28, 28, 1), np.float32), Network.of(zoo.load("lenet", weights="random"))
    >>> [(layer, each.kept) for layer, each in together(net, images, ["input", "conv1", "dense1"]).items()]
    [('input', False), ('conv1', True), ('dense1', True)]
    """
    found = {layer: Batches(net, images, layer, batch_size, progress) for layer in layers}
    inner = [layer for layer in found if layer != INPUT]
    width = sum(math.prod(net.layer(layer).shape) for layer in inner)
    if len(inner) > 1 and len(images) * width <= IN_MEMORY:
        for start in tqdm(range(0, len(images), batch_size), desc=net.name, delay=2, leave=False, disable=not progress):
            values = net.read(images[start : start + batch_size], inner, batch_size=batch_size, progress=False)
            for layer in inner:
                found[layer].take(values[layer], start)
    return found


def check_vectors(vectors, width=None):
    """Vectors as a contiguous finite float32 array (N, d), or a CnnlensError that says what is wrong with them.

    Examples
    --------
    >>> from cnnlens import embedding
    >>> embedding.check_vectors([[1, 2], [3, 4]]).dtype
    dtype('float32')
    """
    vectors = np.asarray(vectors)
    if vectors.ndim != 2 or vectors.shape[1] == 0 or (width and vectors.shape[1] != width):
        wanted = f"(N, {width or 'd'})"
        raise CnnlensError(f"Representations must be an array {wanted}, one row an image; got shape {vectors.shape}.")
    vectors = np.ascontiguousarray(vectors, np.float32)
    bad = ~np.isfinite(vectors).all(1)
    if bad.any():
        raise CnnlensError(
            f"Representations hold NaN or infinity in {bad.sum()} of {len(bad)} rows, first in row {bad.argmax()}. "
            "Leave those images out."
        )
    if width is None and len(vectors) > 1 and not np.ptp(vectors, axis=0).any():
        raise CnnlensError(
            f"All {len(vectors)} representations are identical, so there is nothing to map. "
            "Choose another layer or other images."
        )
    return vectors


def _moments(batches):
    """Mean (width,) and total variance, times N, of a layer; refuses one that is constant."""
    total, squares, count, first = 0.0, 0.0, 0, None
    for batch in batches:
        first = batch[0] if first is None else first
        moved = batch - first  # sums of squares about a point of the cloud do not cancel
        total = total + moved.sum(0, dtype=np.float64)
        squares += float(np.square(moved, dtype=np.float64).sum())
        count += len(batch)
    variance = squares - float(np.square(total).sum()) / count
    if squares == 0 or variance <= 0:
        raise CnnlensError(
            f"Layer {batches.layer!r} gives the same {len(first)} numbers for all {count} images, "
            "so there is nothing to map. Choose another layer, other images, or a network whose units are alive."
        )
    return (first + total / count).astype(np.float32), variance


def _principal(batches, mean, components, seed, rounds=2):
    """An orthonormal basis (width, components) of the directions of most variance.

    Subspace iteration from random directions (Halko, Martinsson and Tropp 2011, algorithm 4.4): each round multiplies
    the basis by the covariance, one batch at a time, so that only (width, components + 10) numbers are held.
    """
    directions = min(components + OVERSAMPLING, len(mean))
    basis = np.random.default_rng(seed).standard_normal((len(mean), directions), dtype=np.float32)
    for _ in range(rounds):
        image = np.zeros_like(basis)
        for batch in batches:
            centered = batch - mean
            image += centered.T @ (centered @ basis)
        basis = orthonormal(image)
    inner = np.zeros((directions, directions))
    for batch in batches:
        projected = ((batch - mean) @ basis).astype(np.float64)
        inner += projected.T @ projected
    turn = np.linalg.eigh(inner)[1][:, ::-1][:, :components]
    basis = (basis @ turn).astype(np.float32)
    return np.where(basis.max(0) < -basis.min(0), -basis, basis)  # a sign that rounding cannot turn


def orthonormal(tall):
    """An orthonormal basis of what the columns of a tall matrix span.

    By the eigenvectors of its small Gram matrix, much as Cholesky QR (Yamamoto et al. 2015), and twice, so that the
    second pass mends the rounding of the first: a fiftieth of Householder's time. Columns that hardly differ in
    direction are left to his method.

    Parameters
    ----------
    tall : ndarray (N, d) float32

    Returns
    -------
    ndarray (N, d) float32
    """
    for _ in range(2):
        blocks = (block.astype(np.float64) for block in np.array_split(tall, -(-len(tall) // ROWS)))
        squares, turn = np.linalg.eigh(sum(block.T @ block for block in blocks))
        if squares[0] <= FLATTEST * squares[-1]:
            return np.linalg.qr(tall)[0]
        tall = tall @ (turn / np.sqrt(squares)).astype(np.float32)
    return tall
