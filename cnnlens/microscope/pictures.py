"""The picture files of a unit: its optimized image, its best patches in a row, a deconvnet's view of the first."""

import numpy as np

from .. import files
from ..figures.base import resized, webp
from ..figures.neurons import projected
from ..pixels import as_bytes

SHOWN = 72  # px: a patch that is smaller is enlarged, so that its pixels stay squares
FEW = 64  # px a side: a picture of no more is kept exactly
QUALITY = 82  # of the others


def draw(store, task, folder):
    """Write the pictures of a batch of units into a folder, under the units' numbers.

    Parameters
    ----------
    store : Store
    task : Task
        Of units; finished.
    folder : Path
    """
    names = ("made", "patches", "projection", "sent")
    arrays = [store.read(task.layer, name, task.first, task.last) for name in names]
    for unit, (made, patches, projection, sent) in enumerate(zip(*arrays), task.first):
        _write(folder / f"{unit}.webp", _large(colors(made)), max(made.shape[:2]) <= FEW)
        few = max(patches.shape[1:3]) <= FEW
        _write(folder / f"{unit}-best.webp", np.concatenate([_large(colors(patch)) for patch in patches], 1), few)
        if np.isfinite(sent):
            back = projected(projection.astype(np.float32))
            _write(folder / f"{unit}-sent.webp", _large(colors(as_bytes(back))), few)


def colors(pixels):
    """Pixels (H, W, C) uint8 as RGB; those of a network with other channels than grey or colors as their mean.

    Examples
    --------
    >>> colors(np.zeros((2, 2, 5), np.uint8)).shape
    (2, 2, 3)
    """
    if pixels.shape[-1] == 3:
        return pixels
    return np.rint(pixels.mean(-1, keepdims=True)).astype(np.uint8).repeat(3, -1)


def _large(pixels):
    times = -(-SHOWN // max(pixels.shape[:2]))
    return resized(pixels, (pixels.shape[0] * times, pixels.shape[1] * times)) if times > 1 else pixels


def _write(path, pixels, exact):
    with files.atomic(path) as partial:
        how = {"lossless": True, "method": 2} if exact else {"quality": QUALITY, "method": 3}
        partial.write_bytes(webp(pixels, **how))
