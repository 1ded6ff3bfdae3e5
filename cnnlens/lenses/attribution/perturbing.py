"""Attributions from predictions alone: parts of the image are hidden, and the score is read again.

Each function gets what was ``seen`` of the images themselves, and ``look``, whose ``scores`` answer for any images
(:mod:`.looking`). They take any function from images to scores, not only networks.
"""

import numpy as np

from ...errors import CnnlensError
from ..perturbation import blended, filling
from .gradients import at_least


def occlusion(seen, look, *, patch=None, stride=None, fill="grey", seed=0):
    """S(x) − S(x with a patch hidden), at each pixel the mean over the patches that cover it.

    Signed: positive where hiding makes the score fall. Zeiler and Fergus 2014, "Visualizing and understanding
    convolutional networks", section 4.2.

    Parameters
    ----------
    patch : int, optional
        Pixels a side of the square that is hidden; an eighth of the image's shorter side by default.
    stride : int, optional
        Pixels from one place of the square to the next; half its side by default.
    fill : {"grey", "mean", "blur", "noise"} or float
        What it is filled with, as :func:`cnnlens.lenses.perturbation.filling` makes it.
    seed : int
        For a fill of noise.

    Examples
    --------
    >>> from cnnlens import attribution
    >>> def left(images):
    ...     bright = images[:, :, :2].mean((1, 2, 3))
    ...     return np.stack([bright, 1 - bright], 1)
    >>> attribution.explain(left, np.ones((4, 4, 1)), 0, "occlusion", patch=2, stride=2, fill=0.0).maps[0, 0]
    array([0.5, 0.5, 0. , 0. ], dtype=float32)
    """
    patch, stride = patch_and_stride(seen.images.shape[1:3], patch, stride)
    boxes = windows(seen.images.shape[1:3], patch, stride)
    maps = []
    for image, label in zip(seen.images, seen.labels):
        hidden = filling(image, np.zeros(image.shape[:2], int), fill, seed)
        drop, cover = np.zeros(image.shape[:2]), np.zeros(image.shape[:2])
        scores = []  # the first with nothing hidden, so that what a lower precision adds to all of them cancels
        for some in look.batches([(slice(0), slice(0)), *boxes]):
            copies = np.repeat(image[None], len(some), 0)
            for copy, box in zip(copies, some):
                copy[box] = hidden[box]
            scores.extend(look.scores(copies)[:, label])
        for box, left in zip(boxes, scores[1:]):
            drop[box] += scores[0] - left
            cover[box] += 1
        maps.append(drop / cover)
    return np.float32(maps)


def patch_and_stride(size, patch=None, stride=None):
    """The sides of occlusion's square and its step in pixels, for images of this height and width.

    Examples
    --------
    >>> patch_and_stride((224, 224)), patch_and_stride((28, 28), stride=1)
    ((28, 14), (4, 1))
    """
    patch = max(1, round(min(size) / 8)) if patch is None else patch
    stride = max(1, patch // 2) if stride is None else stride
    at_least("patch", patch, 1)
    at_least("stride", stride, 1)
    if patch > min(size) or stride > patch:
        raise CnnlensError(
            f"A patch of {patch} px every {stride} px does not cover an image of {size[0]}×{size[1]} px: expected a "
            "patch no larger than the image and a stride no larger than the patch."
        )
    return patch, stride


def windows(size, patch, stride):
    """The squares that cover an image, as pairs of slices: every ``stride`` pixels, and at the far borders.

    Examples
    --------
    >>> [left.start for _, left in windows((4, 9), 4, 3)]
    [0, 3, 5]
    """
    starts = [sorted({*range(0, side - patch + 1, stride), side - patch}) for side in size]
    return [(slice(top, top + patch), slice(left, left + patch)) for top in starts[0] for left in starts[1]]


def rise(seen, look, *, masks=512, grid=7, shown=0.5, fill=0.0, seed=0):
    """E[S(x ⊙ M) | M shows the pixel] − E[S(x ⊙ M)] ≈ Σ_k S(x ⊙ M_k) M_k / Σ_k M_k − mean S(x ⊙ M_k).

    Signed: how much higher than over all masks the mean score is while a pixel is shown. Petsiuk, Das and Saenko 2018,
    "RISE", equations 4 and 6, whose maps are higher by a constant, the mean score; the sum of the masks, instead of its
    expectation, divides here, so that a score that does not depend on the masks gives zero everywhere.

    Parameters
    ----------
    masks : int
        Predictions for each image.
    grid : int
        Cells a side of the coarse masks that are enlarged.
    shown : float
        The fraction of cells that a mask shows.
    fill : float or {"grey", "mean", "blur", "noise"}
        What shows where a mask hides; black by default, as in the paper.
    seed : int

    Examples
    --------
    >>> from cnnlens import attribution
    >>> def left(images):
    ...     bright = images[:, :, :2].mean((1, 2, 3))
    ...     return np.stack([bright, 1 - bright], 1)
    >>> heat = attribution.explain(left, np.ones((8, 8, 1)), 0, "rise", masks=64, grid=2).maps[0]
    >>> bool(heat[:, :2].min() > heat[:, 5:].max())
    True
    """
    at_least("masks", masks, 1)
    at_least("grid", grid, 2)
    if not 0 < shown < 1:
        raise CnnlensError(f"shown={shown!r} is no fraction: expected a number between 0 and 1.")
    maps = []
    for number, (image, label) in enumerate(zip(seen.images, seen.labels)):
        hidden = filling(image, np.zeros(image.shape[:2], int), fill, seed)
        generator = np.random.default_rng((seed, number))
        total, weight, answers = np.zeros(image.shape[:2]), np.full(image.shape[:2], 1e-12), []
        for some in look.batches(range(masks)):
            drawn = smooth_masks(len(some), image.shape[:2], grid, shown, generator)
            scores = look.scores(blended(image, hidden, drawn))[:, label]
            total += np.tensordot(scores, drawn, 1)
            weight += drawn.sum(0)
            answers.extend(scores)
        maps.append(total / weight - np.mean(answers, dtype=float))
    return np.float32(maps)


def smooth_masks(count, size, grid, shown, generator):
    """RISE's masks: coarse grids of on and off, enlarged bilinearly, and cut out at random shifts.

    Parameters
    ----------
    count : int
    size : (int, int)
        Height and width.
    grid : int
        Cells a side.
    shown : float
        Probability that a cell is on.
    generator : numpy.random.Generator

    Returns
    -------
    ndarray (count, H, W) float32 in [0, 1]

    Examples
    --------
    >>> masks = smooth_masks(2000, (6, 6), 3, 0.5, np.random.default_rng(0))
    >>> masks.shape, bool(np.abs(masks.mean(0) - 0.5).max() < 0.05)
    ((2000, 6, 6), True)
    """
    cells = (generator.random((count, grid + 1, grid + 1)) < shown).astype(np.float32)
    down, across = (shifted_interpolation(side, grid, count, generator) for side in size)
    return down @ cells @ across.swapaxes(1, 2)


def shifted_interpolation(side, grid, count, generator):
    """Matrices (count, side, grid + 1) that enlarge a row of cells bilinearly, each shifted by less than a cell.

    Examples
    --------
    >>> shifted_interpolation(2, 1, 1, np.random.default_rng(0))[0]
    array([[0.75, 0.25],
           [0.25, 0.75]], dtype=float32)
    """
    cell = -(-side // grid)
    middles = (np.arange((grid + 1) * cell) + 0.5) / cell - 0.5  # of the pixels, in cells from the first cell's middle
    middles = middles.clip(0, grid)
    first = np.minimum(middles.astype(int), grid - 1)
    matrix = np.zeros((len(middles), grid + 1), np.float32)
    rows = np.arange(len(middles))
    matrix[rows, first], matrix[rows, first + 1] = 1 - (middles - first), middles - first
    shifts = generator.integers(0, cell, count)
    return matrix[shifts[:, None] + np.arange(side)]
