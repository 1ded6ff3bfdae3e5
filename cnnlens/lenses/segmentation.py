"""Superpixels: patches of neighboring pixels of similar color, the parts that a picture is explained by."""

import numpy as np

from ..errors import CnnlensError, unknown
from .classifier import as_image


def segment(image, method="slic", count=50, **settings):
    """Cut an image into superpixels.

    Parameters
    ----------
    image : Photo or array (H, W, C) or (H, W)
        In [0, 1], or uint8.
    method : {"slic", "quickshift", "felzenszwalb", "grid"}
        The first three are scikit-image's.
    count : int
        About how many superpixels are wanted; what comes depends on the image.
    **settings
        Passed on to scikit-image, such as ``compactness`` (slic), ``ratio`` (quickshift) or ``sigma``. Naming
        ``kernel_size``, ``max_dist`` or ``scale`` overrules ``count``.

    Returns
    -------
    ndarray (H, W) int
        The number of each pixel's superpixel: from 0, without gaps.

    Raises
    ------
    CnnlensError
        If there is no such method, or ``count`` is no number from 2 up.

    Examples
    --------
    >>> segment(np.zeros((4, 6, 3), np.float32), "grid", 6)
    array([[0, 0, 1, 1, 2, 2],
           [0, 0, 1, 1, 2, 2],
           [3, 3, 4, 4, 5, 5],
           [3, 3, 4, 4, 5, 5]])
    """
    if method not in METHODS:
        raise unknown("segmentation method", method, METHODS)
    if not isinstance(count, (int, np.integer)) or count < 2:
        raise CnnlensError(
            f"count={count!r} superpixels were asked for; one cannot be compared with others. "
            "Give a whole number from 2 up."
        )
    pixels = as_image(image)
    if pixels.shape[-1] != 3:
        pixels = pixels.mean(-1, keepdims=True).repeat(3, -1)
    try:
        return _renumbered(METHODS[method](pixels.astype(float), int(count), **settings))
    except TypeError as error:
        raise CnnlensError(
            f"Method {method!r} does not take one of the settings {sorted(settings)}: {error}."
        ) from error


def _slic(pixels, count, **settings):
    from skimage.segmentation import slic

    # Numbered from 0: with slic's own start at 1, lime never hides the last superpixel.
    return slic(pixels, n_segments=count, start_label=0, **{"compactness": 20, "sigma": 1, **settings})


def _quickshift(pixels, count, **settings):
    from skimage.segmentation import quickshift

    settings = {"ratio": 0.2, "rng": 0, **settings}
    if "kernel_size" in settings or "max_dist" in settings:
        return quickshift(pixels, **settings)
    # The kernel takes time in proportion to its area, so the distance is searched and the kernel is not.
    kernel = max(1.0, np.sqrt(pixels[..., 0].size / count) / 14)

    def cut(distance):
        return quickshift(pixels, kernel_size=kernel, max_dist=distance, **settings)

    return _nearest_count(cut, count, 3 * kernel, 40 * kernel, tries=4)


def _felzenszwalb(pixels, count, **settings):
    from skimage.segmentation import felzenszwalb

    settings = {"sigma": 0.5, "min_size": max(2, pixels[..., 0].size // (8 * count)), **settings}
    if "scale" in settings:
        return felzenszwalb(pixels, **settings)
    return _nearest_count(lambda scale: felzenszwalb(pixels, scale=scale, **settings), count, 1, 10000, tries=10)


def _nearest_count(cut, count, low, high, tries):
    """Bisect a setting that makes superpixels larger until their number is about the one wanted."""
    found = {}
    for _ in range(tries):
        middle = np.sqrt(low * high)
        segments = cut(middle)
        number = len(np.unique(segments))
        found.setdefault(abs(number - count), segments)
        low, high = (middle, high) if number > count else (low, middle)
    return found[min(found)]


def _grid(pixels, count):
    height, width = pixels.shape[:2]
    rows = max(1, round(np.sqrt(count * height / width)))
    cols = max(1, round(count / rows))
    return (np.arange(height) * rows // height)[:, None] * cols + (np.arange(width) * cols // width)[None]


METHODS = {"slic": _slic, "quickshift": _quickshift, "felzenszwalb": _felzenszwalb, "grid": _grid}


def _renumbered(segments):
    return np.unique(segments, return_inverse=True)[1].reshape(np.shape(segments))


def at(segments, points):
    """The superpixels at some points of the image.

    Parameters
    ----------
    segments : ndarray (H, W) int
    points : sequence of (float, float)
        Down and across, each from 0 to 1.

    Returns
    -------
    list of int
        Each once, in the order of the points.

    Examples
    --------
    >>> at(np.array([[0, 0, 1], [2, 2, 1]]), [(0.1, 0.9), (0.9, 0.9), (0.9, 0.1)])
    [1, 2]
    """
    height, width = segments.shape
    rows = [min(int(down * height), height - 1) for down, _ in points]
    cols = [min(int(across * width), width - 1) for _, across in points]
    return list(dict.fromkeys(segments[rows, cols].tolist()))


def touching(segments):
    """Pairs of superpixels that share a border: (P, 2) int, the smaller number first.

    Examples
    --------
    >>> touching(np.array([[0, 0, 1], [2, 2, 1]])).tolist()
    [[0, 1], [0, 2], [1, 2]]
    """
    sides = [(segments[:-1], segments[1:]), (segments[:, :-1], segments[:, 1:])]
    pairs = np.concatenate([np.stack([one[one != other], other[one != other]], -1) for one, other in sides])
    return np.unique(np.sort(pairs, 1), axis=0)
