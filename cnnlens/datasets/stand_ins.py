"""Data sets that stand in offline for MNIST and CIFAR-10, made of what packages from PyPI ship."""

import numpy as np
import PIL.Image

from ..pixels import as_bytes
from ..zoo import CLASSES
from .data import Dataset, Images
from .photographs import packaged

PATCH = 32  # px
PATCH_PHOTOS = (
    *("astronaut", "chelsea", "coffee", "rocket", "brick", "grass", "gravel", "hubble_deep_field"),
    *("china", "flower"),
)


def digits():
    """scikit-learn's digits framed as MNIST frames them; every fifth image is for testing."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    pixels = np.stack([_framed(image / 16) for image in bunch.images])
    test = np.arange(len(pixels)) % 5 == 4
    labels = bunch.target.astype(np.int64)
    source = "scikit-learn's 1,797 handwritten digits, framed like MNIST"
    return Dataset(
        Images(pixels[~test]), labels[~test], Images(pixels[test]), labels[test], CLASSES["lenet"], source, "digits"
    )


def _framed(image):
    """An 8×8 digit as a 28×28 one: cropped to its ink, scaled to a 20 px box, centre of mass in the middle."""
    from scipy import ndimage
    from skimage.transform import resize

    rows, cols = (np.flatnonzero(image.any(axis)) for axis in (1, 0))
    ink = image[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    scale = 20 / max(ink.shape)
    ink = resize(ink, [max(1, round(side * scale)) for side in ink.shape], order=3).clip(0, 1)
    canvas = np.zeros((28, 28))
    top, left = ((28 - side) // 2 for side in ink.shape)
    canvas[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    centre = np.array(ndimage.center_of_mass(canvas))
    shift = np.round(13.5 - centre)
    return as_bytes(ndimage.shift(canvas, shift, order=0))[..., None]


def patches():
    """Ten classes of 32 px patches, "which photograph is this from?": train from the left, test from the right.

    The photographs are halved first, so that they hold more than one hue in a patch. A gap of one patch lies between
    the two regions, so no pixel is in both.
    """
    parts = {"train": [], "test": []}
    for label, name in enumerate(PATCH_PHOTOS):
        photo = packaged(name)
        if photo.ndim == 2:
            photo = np.repeat(photo[..., None], 3, -1)
        size = max(256, photo.shape[1] // 2), max(192, photo.shape[0] // 2)
        photo = np.asarray(PIL.Image.fromarray(photo).resize(size, PIL.Image.Resampling.LANCZOS))
        border = int(photo.shape[1] * 0.72)
        regions = {"train": (photo[:, : border - PATCH // 2], 300), "test": (photo[:, border + PATCH // 2 :], 60)}
        for split, (region, count) in regions.items():
            generator = np.random.default_rng((label, count))
            tops = generator.integers(0, region.shape[0] - PATCH + 1, count)
            lefts = generator.integers(0, region.shape[1] - PATCH + 1, count)
            parts[split] += [(region[t : t + PATCH, l : l + PATCH], label) for t, l in zip(tops, lefts)]
    arrays = []
    for pairs in parts.values():
        order = np.random.default_rng(0).permutation(len(pairs))
        arrays += [Images(np.stack([pairs[i][0] for i in order])), np.array([pairs[i][1] for i in order])]
    classes = tuple(name.replace("_", " ") for name in PATCH_PHOTOS)
    return Dataset(
        *arrays, classes, f"{PATCH} px patches of ten photographs of scikit-image and scikit-learn", "patches"
    )


LOADERS = {"digits": digits, "patches": patches}
