"""Numbers beside optimized images: against real images, between seeds, copies within a layer, and marked parts."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from ..errors import CnnlensError
from ..network import Network
from ..opening import leaves

ALIKE = 0.9  # cosine similarity from which two patterns count as copies
PAIRED = {"center": "peak", "mean": "mean"}  # what of a real image compares with what was climbed


# --- against real images ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class AgainstReal:
    """How far optimized images go beyond the best real one.

    Attributes
    ----------
    ratio : ndarray (U,)
        Activation reached divided by that of the best real image; infinite where no real image activates the unit.
    live : ndarray (U,) bool
        Units that are not dead.
    fraction : float
        Of the live units whose optimized image activates them more than any real one.
    median : float
        Of the ratios of live units.
    """

    ratio: np.ndarray
    live: np.ndarray
    fraction: float
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
    wanted = PAIRED[optimized.objective]
    if tops.layer != optimized.layer or wanted != tops.measure:
        raise CnnlensError(
            f"The images were made for layer {optimized.layer!r} and objective {optimized.objective!r}, the exemplars "
            f"for layer {tops.layer!r} and measure {tops.measure!r}. Find exemplars with measure={wanted!r} there."
        )
    real = np.array([tops.activation[tops.row(unit), 0] for unit in optimized.units])
    reached, live = optimized.activation, optimized.live
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(real > 0, reached / real, np.where(reached > real, np.inf, 0))
    fraction, median = (np.mean(reached[live] > real[live]), np.median(ratio[live])) if live.any() else (0, 0)
    return AgainstReal(ratio, live, float(fraction), float(median))


# --- between seeds ------------------------------------------------------------------------------------------


def amplitude_spectrum(images):
    """Amplitude spectra, which describe textures wherever things stand in them, and the mean color.

    Parameters
    ----------
    images : ndarray (N, H, W, C)

    Returns
    -------
    ndarray (N, S, S, C)
        Square root of the amplitude at each frequency, smoothed, the zero frequency in the middle; S is odd, so that a
        quarter turn of the image is a quarter turn of this.
    """
    side = min(images.shape[1:3])
    side -= 1 - side % 2
    cut = images[:, :side, :side] - 0.5
    amplitude = np.abs(np.fft.fftshift(np.fft.fft2(cut, axes=(1, 2), norm="ortho"), axes=(1, 2)))
    smooth = sum(np.roll(amplitude, (i, j), (1, 2)) for i in (-1, 0, 1) for j in (-1, 0, 1)) / 9
    return np.sqrt(smooth).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Agreement:
    """How similar the images of two seeds come out.

    Attributes
    ----------
    same : ndarray (U,)
        Cosine similarity of the two images of a unit, in -1 to 1, after what all images share is taken off.
    other : ndarray (U,)
        Mean cosine similarity with the images of other units: what chance would give.
    recognized : ndarray (U,) bool
        Whether a unit's image is more like its own twin than like any other unit's.
    """

    same: np.ndarray
    other: np.ndarray
    recognized: np.ndarray


def seed_agreement(first, second):
    """Compare the images of two runs that differ in their seed, unit by unit, by their amplitude spectra.

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
            "Expected the images of two runs over the same two or more units; "
            f"got shapes {first.shape} and {second.shape}."
        )
    flat = [amplitude_spectrum(images).reshape(len(images), -1) for images in (first, second)]
    a, b = (unit_length(patterns - patterns.mean(0)) for patterns in flat)
    cosine = a @ b.T
    off = ~np.eye(len(cosine), dtype=bool)
    rivals = np.where(off, cosine, -np.inf).max(1)
    return Agreement(cosine.diagonal(), (cosine * off).sum(1) / off.sum(1), cosine.diagonal() > rivals)


def unit_length(flat):
    """Rows divided by their length; rows of zeros stay zero."""
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12)


# --- copies -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Copies:
    """Near-duplicates and turned copies among the units of a layer.

    Attributes
    ----------
    similarity : ndarray (4, U, U)
        Cosine similarity of pattern i with pattern j turned by 0, 90, 180, 270 degrees.
    groups : tuple of tuple of int
        Units that are near-duplicates of one another, groups of two and more, the largest first.
    threshold : float
        Cosine similarity from which two count as copies.
    """

    similarity: np.ndarray
    groups: tuple
    threshold: float

    @property
    def largest(self):
        """How often the most repeated pattern occurs."""
        return max(map(len, self.groups), default=1)

    @property
    def duplicated(self):
        """Fraction of units that have at least one near-duplicate."""
        return float(self.has_copy.mean())

    @property
    def turned(self):
        """Fraction of units that have no near-duplicate but a copy turned by a quarter or three quarters."""
        return float(self.has_turned_copy.mean())

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
        """Cosine similarity with the most similar pattern of another unit, turned by a quarter either way, (U,)."""
        other = np.where(np.eye(self.similarity.shape[1], dtype=bool), -1, self.similarity[[1, 3]])
        return other.max((0, 2))

    @property
    def has_turned_copy(self):
        """Units that have no near-duplicate but a copy turned by a quarter either way, (U,) bool."""
        return (self.nearest_turned > self.threshold) & ~self.has_copy

    def _close(self):
        return (self.similarity > self.threshold) & ~np.eye(self.similarity.shape[1], dtype=bool)


def copies(patterns, threshold=ALIKE):
    """Which units of a layer repeat one another, straight or turned.

    Parameters
    ----------
    patterns : ndarray (U, S, S, C)
        Filters (:func:`filters`) or spectra of images (:func:`amplitude_spectrum`, centered on their mean by the caller
        if wanted).
    threshold : float

    Returns
    -------
    Copies
    """
    patterns = np.asarray(patterns, np.float32)
    if patterns.ndim != 4 or patterns.shape[1] != patterns.shape[2]:
        raise CnnlensError(f"Expected square patterns (units, S, S, channels); got shape {patterns.shape}.")
    turned = [unit_length(np.rot90(patterns, turn, (1, 2)).reshape(len(patterns), -1)) for turn in range(4)]
    similarity = np.stack([turned[0] @ other.T for other in turned])
    close = (similarity > threshold) & ~np.eye(len(patterns), dtype=bool)
    count, label = connected_components(coo_matrix(close[0]), directed=False)
    groups = [tuple(np.flatnonzero(label == group).tolist()) for group in range(count)]
    groups = sorted((group for group in groups if len(group) > 1), key=len, reverse=True)
    return Copies(similarity, tuple(groups), threshold)


def image_copies(images, threshold=ALIKE):
    """:func:`copies` among optimized images, by their amplitude spectra, after what all of them share is taken off."""
    patterns = amplitude_spectrum(images)
    shared = np.mean([np.rot90(patterns.mean(0), turn) for turn in range(4)], 0)
    return copies(patterns - shared, threshold)


def filters(net, layer):
    """The filters of a convolution, (units, h, w, channels in).

    Raises
    ------
    CnnlensError
        If the layer is no ordinary convolution.
    """
    net = Network.of(net)
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
        Responses of a layer to one image, not negative (behind a ReLU).
    place : Layer
        Says where on the image each position looks.
    boxes : sequence of (top, left, bottom, right)
        The marked parts, in pixels. A position counts as inside if the middle of what it sees is.

    Returns
    -------
    ndarray (U,)
        ``(inside - outside) / (inside + outside)`` of the strongest responses: -1 (responds only elsewhere) to 1 (only
        there); 0 for a unit that is silent throughout.
    """
    marked = within(maps, place, boxes)
    if not marked.any() or marked.all():
        held = "all" if marked.any() else "none"
        raise CnnlensError(
            f"The boxes {list(boxes)} hold {held} of the {marked.size} positions of layer {place.path!r}."
        )
    inside, outside = maps[marked].max(0), maps[~marked].max(0)
    total = inside + outside
    return np.where(total > 0, (inside - outside) / np.where(total > 0, total, 1), 0)


def within(maps, place, boxes):
    """Which positions of a map look at one of the boxes, (h, w) bool: the middle of what they see lies in it."""
    rows, cols = (
        axis.start + axis.field / 2 + axis.stride * np.arange(side)
        for axis, side in zip((place.rows, place.cols), maps.shape)
    )
    found = np.zeros(maps.shape[:2], bool)
    for top, left, bottom, right in boxes:
        found |= ((rows >= top) & (rows < bottom))[:, None] & ((cols >= left) & (cols < right))[None]
    return found


# --- noise --------------------------------------------------------------------------------------------------


def roughness(images):
    """The fraction of an image's variance in waves shorter than four pixels, 0 to 1, (N,): noise and hair-fine texture.

    Pixels drawn at random have about 0.8.
    """
    power = np.abs(np.fft.fft2(images - images.mean((1, 2), keepdims=True), axes=(1, 2))) ** 2
    rows, cols = np.fft.fftfreq(images.shape[1]), np.fft.fftfreq(images.shape[2])
    fine = np.hypot(rows[:, None], cols[None]) > 0.25
    total = power.sum((1, 2, 3))
    return np.where(total > 0, power[:, fine].sum((1, 2)) / np.where(total > 0, total, 1), 0)
