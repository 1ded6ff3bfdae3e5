"""Numbers beside optimized images: against real images, between seeds, and copies within a layer."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.stats import rankdata

from ..errors import CnnlensError

ALIKE = 0.9  # cosine from which two patterns count as copies
PAIRED = {"center": "peak", "mean": "mean"}  # what of a real image compares with what was climbed


# --- against real images ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class AgainstReal:
    """How far optimized images go beyond the best real one.

    Attributes
    ----------
    ratio : ndarray (U,)
        Activation reached divided by that of the best real image; infinite where no real image drives the unit.
    live : ndarray (U,) bool
        Units that are not dead.
    share : float
        Of the live units whose optimized image drives them harder than any real one.
    median : float
        Of the ratios of live units.
    """

    ratio: np.ndarray
    live: np.ndarray
    share: float
    median: float


def against_real(optimized, tops):
    """Compare the activation reached with the best of real images.

    Parameters
    ----------
    optimized : Optimized
    tops : Exemplars
        Of the same layer, holding at least the same units; ranked by "mean" for the objective "mean", by "peak" for
        "center".

    Returns
    -------
    AgainstReal

    Raises
    ------
    CnnlensError
        If the two measure different things.
    """
    if tops.layer != optimized.layer or PAIRED[optimized.objective] != tops.measure:
        raise CnnlensError(
            f"The images were made for layer {optimized.layer!r} and objective {optimized.objective!r}, the exemplars for layer {tops.layer!r} "
            f"and measure {tops.measure!r}. Find exemplars with measure={PAIRED[optimized.objective]!r} in the same layer."
        )
    real = np.array([tops.activation[tops.row(unit), 0] for unit in optimized.units])
    reached, live = optimized.activation, optimized.live
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(real > 0, reached / real, np.where(reached > real, np.inf, 0))
    above = reached > real
    return AgainstReal(
        ratio,
        live,
        float(above[live].mean()) if live.any() else 0.0,
        float(np.median(ratio[live])) if live.any() else 0.0,
    )


# --- between seeds ------------------------------------------------------------------------------------------


def looks(images):
    """Descriptions of textures that do not depend on where things stand: the spectrum's amplitudes, and the mean color.

    Parameters
    ----------
    images : ndarray (N, H, W, C)

    Returns
    -------
    ndarray (N, S, S, C)
        Amplitude at each frequency, smoothed, the zero frequency in the middle; S is odd, so that a quarter turn of the
        image is a quarter turn of this.
    """
    side = min(images.shape[1:3])
    side -= 1 - side % 2
    cut = images[:, :side, :side] - 0.5
    amplitude = np.abs(np.fft.fftshift(np.fft.fft2(cut, axes=(1, 2), norm="ortho"), axes=(1, 2)))
    smooth = sum(np.roll(amplitude, (i, j), (1, 2)) for i in (-1, 0, 1) for j in (-1, 0, 1)) / 9
    return np.sqrt(smooth).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Agreement:
    """How alike the images of two seeds come out.

    Attributes
    ----------
    same : ndarray (U,)
        Cosine between the two images of a unit, in -1 to 1, after what all images share is taken off.
    other : ndarray (U,)
        Mean cosine with the images of other units: what chance would give.
    recognized : ndarray (U,) bool
        Whether a unit's image is more like its own twin than like any other unit's.
    """

    same: np.ndarray
    other: np.ndarray
    recognized: np.ndarray


def seed_agreement(first, second):
    """Compare the images of two runs that differ in their seed, unit by unit.

    Parameters
    ----------
    first, second : ndarray (U, H, W, C)
        Of the same units, at least two, in the same order.

    Returns
    -------
    Agreement
    """
    if first.shape != second.shape or len(first) < 2:
        raise CnnlensError(
            f"Expected the images of two runs over the same two or more units; got shapes {first.shape} and {second.shape}."
        )
    a, b = (_centered(looks(images)) for images in (first, second))
    cosine = a @ b.T
    off = ~np.eye(len(cosine), dtype=bool)
    rivals = np.where(off, cosine, -np.inf).max(1)
    return Agreement(cosine.diagonal(), (cosine * off).sum(1) / off.sum(1), cosine.diagonal() > rivals)


def _centered(patterns):
    flat = patterns.reshape(len(patterns), -1)
    return _unit_length(flat - flat.mean(0))


def _unit_length(flat):
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12)


# --- copies -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Copies:
    """Near-duplicates and turned copies among the units of a layer.

    Attributes
    ----------
    similarity : ndarray (4, U, U)
        Cosine of pattern i with pattern j turned by 0, 90, 180, 270 degrees.
    groups : tuple of tuple of int
        Units that are near-duplicates of one another, groups of two and more, the largest first.
    duplicated : float
        Share of units that have at least one near-duplicate.
    turned : float
        Share of units that are no near-duplicate but have a copy turned by a quarter or three quarters.
    threshold : float
        Cosine from which two count as copies.
    """

    similarity: np.ndarray
    groups: tuple
    duplicated: float
    turned: float
    threshold: float

    @property
    def largest(self):
        """How often the most repeated pattern occurs."""
        return max(map(len, self.groups), default=1)

    @property
    def has_copy(self):
        """Units that have a near-duplicate, (U,) bool."""
        return self._close()[0].any(1)

    @property
    def occurs(self):
        """How often each unit's own pattern occurs in the layer, itself counted, (U,) int.

        Smaller than the groups, in which the first and the last may be unlike, only each like the next.
        """
        return 1 + self._close()[0].sum(1)

    @property
    def nearest_turned(self):
        """Cosine with the most similar pattern of another unit after a quarter or three quarters of a turn, (U,)."""
        other = np.where(np.eye(self.similarity.shape[1], dtype=bool), -1, self.similarity[[1, 3]])
        return other.max((0, 2))

    def _close(self):
        return (self.similarity > self.threshold) & ~np.eye(self.similarity.shape[1], dtype=bool)


def copies(patterns, threshold=ALIKE):
    """Which units of a layer repeat one another, straight or turned.

    Parameters
    ----------
    patterns : ndarray (U, S, S, C)
        Filters (:func:`filters`) or looks of images (:func:`looks`, centered on their mean by the caller if wanted).
    threshold : float

    Returns
    -------
    Copies
    """
    patterns = np.asarray(patterns, np.float32)
    if patterns.ndim != 4 or patterns.shape[1] != patterns.shape[2]:
        raise CnnlensError(f"Expected square patterns (units, S, S, channels); got shape {patterns.shape}.")
    flat = _unit_length(patterns.reshape(len(patterns), -1))
    turned = [_unit_length(np.rot90(patterns, turn, (1, 2)).reshape(len(patterns), -1)) for turn in range(4)]
    similarity = np.stack([flat @ other.T for other in turned])
    close = similarity > threshold
    close[:, np.arange(len(flat)), np.arange(len(flat))] = False
    count, label = connected_components(coo_matrix(close[0]), directed=False)
    groups = [tuple(np.flatnonzero(label == group).tolist()) for group in range(count)]
    straight = close[0].any(1)
    return Copies(
        similarity,
        tuple(sorted((group for group in groups if len(group) > 1), key=len, reverse=True)),
        float(straight.mean()),
        float((close[[1, 3]].any((0, 2)) & ~straight).mean()),
        threshold,
    )


def image_copies(images, threshold=ALIKE):
    """:func:`copies` among optimized images, by their looks, after what all of them share is taken off."""
    patterns = looks(images)
    shared = np.mean([np.rot90(patterns.mean(0), turn) for turn in range(4)], 0)
    return copies(patterns - shared, threshold)


def filters(net, layer):
    """The filters of a convolution, (units, h, w, channels in).

    Raises
    ------
    CnnlensError
        If the layer is no ordinary convolution.
    """
    from ..network import leaves

    net.layer(layer)
    kernel = getattr(dict(leaves(net.model)).get(layer), "kernel", None)
    if kernel is None or len(kernel.shape) != 4:
        raise CnnlensError(f"Layer {layer!r} of {net.name} has no filters of its own to compare. Choose a convolution.")
    return np.asarray(kernel, np.float32).transpose(3, 0, 1, 2)


# --- parts of images ----------------------------------------------------------------------------------------


def preference(maps, place, boxes):
    """How much each unit prefers marked parts of an image (an eye, a wheel) to the rest of it.

    Parameters
    ----------
    maps : ndarray (h, w, U)
        Answers of a layer to one image, not negative (behind a ReLU).
    place : Layer
        Says where on the image each position looks.
    boxes : sequence of (top, left, bottom, right)
        The marked parts, in pixels. A position counts as inside if the middle of what it sees is.

    Returns
    -------
    ndarray (U,)
        ``(inside - outside) / (inside + outside)`` of the strongest answers: -1 (answers only elsewhere) to 1 (only
        there); 0 for a unit that is silent throughout.
    """
    within = _within(maps, place, boxes)
    if not within.any() or within.all():
        raise CnnlensError(
            f"The boxes {list(boxes)} hold {'all' if within.any() else 'none'} of the {within.size} positions of layer {place.path!r}."
        )
    inside, outside = maps[within].max(0), maps[~within].max(0)
    total = inside + outside
    return np.where(total > 0, (inside - outside) / np.where(total > 0, total, 1), 0)


def points_at(maps, place, boxes):
    """Whether the strongest answer of each unit lies in a marked part of the image: the pointing game.

    Zhang et al. 2016, "Top-down neural attention by excitation backprop", section 4.2. Unlike :func:`preference` it does
    not favor large parts beyond their share of the image, nor units that answer at many places.

    Parameters
    ----------
    maps, place, boxes
        As for :func:`preference`.

    Returns
    -------
    ndarray (U,) bool
        False for a unit that is silent throughout.
    """
    flat = maps.reshape(-1, maps.shape[-1])
    return _within(maps, place, boxes).ravel()[flat.argmax(0)] & (flat.max(0) > 0)


def _within(maps, place, boxes):
    """Which positions of a map look at one of the boxes: the middle of what they see lies in it."""
    rows, cols = (
        axis.start + axis.field / 2 + axis.stride * np.arange(side)
        for axis, side in zip((place.rows, place.cols), maps.shape)
    )
    within = np.zeros(maps.shape[:2], bool)
    for top, left, bottom, right in boxes:
        within |= ((rows >= top) & (rows < bottom))[:, None] & ((cols >= left) & (cols < right))[None]
    return within


def roughness(images):
    """Share of an image's variance that lies in waves shorter than four pixels: noise and hair-fine texture, 0 to 1, (N,).

    Pixels drawn at random have about 0.8.
    """
    power = np.abs(np.fft.fft2(images - images.mean((1, 2), keepdims=True), axes=(1, 2))) ** 2
    rows, cols = np.fft.fftfreq(images.shape[1]), np.fft.fftfreq(images.shape[2])
    fine = np.hypot(rows[:, None], cols[None]) > 0.25
    total = power.sum((1, 2, 3))
    return np.where(total > 0, power[:, fine].sum((1, 2)) / np.where(total > 0, total, 1), 0)


def blur(images, width=5):
    """How blurred images are, 0 (sharp) to 1, (N,).

    How little of the difference between neighboring pixels a blur takes away: what is blurred already does not mind.
    Crete et al. 2007, "The blur effect: perception and estimation with a new no-reference perceptual blur metric".

    Parameters
    ----------
    images : ndarray (N, H, W, C)
    width : int
        Pixels of the blur that is tried.
    """
    from skimage.measure import blur_effect

    color = -1 if images.shape[-1] == 3 else None
    return np.array([blur_effect(image if color else image[..., 0], width, channel_axis=color) for image in images])


def evenness(images):
    """Share of an image's departure from mid grey that is one even color: 1 for color alone, near 0 for a pattern, (N,)."""
    stray = np.asarray(images, float) - 0.5
    total = (stray**2).mean((1, 2)).sum(-1)
    even = (stray.mean((1, 2)) ** 2).sum(-1)
    return np.divide(even, total, out=np.zeros(len(total)), where=total > 0)


def stripes(images, sigma=2.0):
    """How far a pattern runs in one direction at each place: 1 for stripes, also winding ones; low for spots and noise, (N,).

    Coherence of the structure tensor (Bigün and Granlund 1987, "Optimal orientation detection of linear symmetry"), weighted
    by how strong the pattern is; 0 for an image without any.

    Parameters
    ----------
    images : ndarray (N, H, W, C)
    sigma : float
        Standard deviation in pixels of the neighborhood that a place is judged by.
    """
    from scipy.ndimage import gaussian_filter

    down, across = np.gradient(np.asarray(images, float).mean(-1), axis=(1, 2))
    dd, aa, da = (
        gaussian_filter(product, (0, sigma, sigma)) for product in (down * down, across * across, down * across)
    )
    strength, one_way = (dd + aa).sum((1, 2)), np.hypot(dd - aa, 2 * da).sum((1, 2))
    return np.divide(one_way, strength, out=np.zeros(len(strength)), where=strength > 1e-12)


def elsewhere(found, k):
    """What units that were chosen on some images find on an image that they were not chosen on.

    For each image the k units with the highest mean on all *other* images are taken: units that were chosen by luck lose
    on the next image what made them stand out.

    Parameters
    ----------
    found : array (N, U)
        From :func:`points_at` or :func:`preference`, of N images, at least two.
    k : int

    Returns
    -------
    ndarray (N,)
        The mean over the k units on the image left out.
    """
    found = np.asarray(found, float)
    if len(found) < 2:
        raise CnnlensError(f"Units cannot be chosen on other images: there is but {len(found)}. Mark at least two.")
    others = (found.sum(0) - found) / (len(found) - 1)
    chosen = np.argsort(-others, 1, kind="stable")[:, :k]
    return np.take_along_axis(found, chosen, 1).mean(1)


def rise(values):
    """Whether a number rises along the layers: Spearman's rank correlation with their order, -1 to 1, (N,).

    Parameters
    ----------
    values : ndarray (N, layers)
        A row an image; at least two layers.
    """
    ranks = rankdata(values, axis=1)
    ranks = ranks - ranks.mean(1, keepdims=True)
    order = np.arange(np.shape(values)[1]) - (np.shape(values)[1] - 1) / 2
    length = np.linalg.norm(ranks, axis=1) * np.linalg.norm(order)
    return np.divide(ranks @ order, length, out=np.zeros(len(ranks)), where=length > 0)


# --- class models -------------------------------------------------------------------------------------------


def read_as(images, wanted, real, labels, k=25):
    """How readily images are read as what they were meant to be, by a reader who knows nothing of the network.

    The share of the k most alike real images that are of the wanted class; alike by the correlation of their pixels
    (k nearest neighbors, Cover and Hart 1967). Of real MNIST digits it is about 0.9; a tenth is chance.

    Parameters
    ----------
    images : ndarray (N, H, W, C)
    wanted : array (N,) int
        The class each was made for.
    real : ndarray (M, H, W, C)
    labels : array (M,) int

    Returns
    -------
    ndarray (N,)
        0 to 1.
    """
    flat, known = (
        _unit_length(pixels - pixels.mean(1, keepdims=True))
        for pixels in (np.reshape(each, (len(each), -1)) for each in (images, real))
    )
    nearest = np.argsort(-(flat @ known.T), 1, kind="stable")[:, :k]
    return (np.asarray(labels)[nearest] == np.asarray(wanted)[:, None]).mean(1)
