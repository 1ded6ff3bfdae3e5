"""Images that are nearly the same picture."""

import numpy as np

from ..pixels import fitted, with_channels

SIDE = 16  # px a side of the thumbnails that are compared
# Two images are nearly the same where one less their correlation is below this fraction of what is usual between an
# image and the one most like it, so that drawings, which are all alike, are not taken for one another.
UNUSUAL = 0.05
LIMITS = (0.0005, 0.01)  # but never below the first, as compression alone does that, and never above the second
BLOCK = 1000  # images compared with all others at a time


def near_duplicates(images):
    """Pairs of images that are nearly the same, by the correlation of small grey thumbnails.

    Parameters
    ----------
    images : ndarray (N, H, W, C) float32 in [0, 1]

    Returns
    -------
    ndarray (P, 2) int
        Numbers of the images of each pair, the most alike first.
    ndarray (P,)
        The correlation of their thumbnails.

    Examples
    --------
    >>> images = np.random.default_rng(0).random((3, 32, 32, 1), np.float32)
    >>> images[2] = 0.5 + images[1] / 4
    >>> near_duplicates(images)[0].tolist()
    [[1, 2]]
    """
    small = fitted(images, SIDE, "stretch")
    grey = with_channels(small, 1) if images.shape[-1] == 3 else small.mean(-1)
    flat = grey.reshape(len(images), -1)
    flat = flat - flat.mean(1, keepdims=True)
    length = np.linalg.norm(flat, axis=1)
    plain = length < 1e-3 * SIDE  # images of one color correlate with nothing
    flat = flat / np.maximum(length, 1e-9)[:, None]
    nearest, close = [], []
    for start in range(0, len(flat), BLOCK):
        apart = 1 - flat[start : start + BLOCK] @ flat.T
        apart[:, plain] = apart[plain[start : start + BLOCK]] = np.inf
        rows = np.arange(len(apart))
        apart[rows, start + rows] = np.inf
        nearest.append(apart.min(1))
        row, column = np.nonzero(apart < LIMITS[1])
        later = column > row + start
        close.append(np.stack([row + start, column, apart[row, column]], 1)[later])
    found = np.concatenate(close)
    usual = np.median(np.concatenate(nearest)[~plain]) if (~plain).any() else 0
    found = found[found[:, 2] < np.clip(UNUSUAL * usual, *LIMITS)]
    found = found[np.argsort(found[:, 2], kind="stable")]
    return found[:, :2].astype(int), 1 - found[:, 2]
