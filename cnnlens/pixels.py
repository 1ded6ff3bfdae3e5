"""Images in: what may be called one, and how it is made to fit a network."""

import numpy as np
import PIL.Image

from .errors import CnnlensError, unknown

FITS = {"crop": "cropped to the middle and resized", "stretch": "stretched", "pad": "resized and padded with black"}


def as_pixels(images, channels=None):
    """Check a batch of images: float32 (N, H, W, C) in [0, 1].

    Parameters
    ----------
    images : array (N, H, W, C) or (H, W, C)
        Floats in [0, 1], or uint8, which is divided by 255.
    channels : int, optional
        A number of channels that is taken beside 1 (grey) and 3 (RGB).

    Raises
    ------
    CnnlensError
        Says what came and what was expected.
    """
    pixels = np.asarray(images)
    kinds = "1 (grey) or 3 (RGB)" if channels in (None, 1, 3) else f"{channels}, 1 (grey) or 3 (RGB)"
    expected = f"Expected float images (N, H, W, C) in [0, 1], with C of {kinds}"
    if pixels.ndim == 3:
        pixels = pixels[None]
    if pixels.ndim != 4 or pixels.shape[-1] not in (1, 3, channels) or pixels.shape[0] == 0:
        grey = pixels.ndim in (2, 4) or pixels.shape[-1:] > (4,)
        hint = " A grey batch wants a last axis: images[..., None]." if grey else ""
        raise CnnlensError(f"{expected}; got an array of shape {np.shape(images)}.{hint}")
    if pixels.dtype == np.uint8:
        return pixels.astype(np.float32) / np.float32(255)
    if pixels.dtype.kind not in "fiub":
        raise CnnlensError(f"{expected}; got values of type {pixels.dtype}.")
    pixels = pixels.astype(np.float32, copy=False)
    low, high = pixels.min(), pixels.max()
    if not (low >= -1e-5 and high <= 1 + 1e-5):  # NaN fails too
        found = "NaN" if np.isnan(low) else f"values from {low:.3g} to {high:.3g}"
        raise CnnlensError(f"{expected}; got {found}. Divide 0–255 pixels by 255 (or pass them as uint8).")
    return pixels


def as_bytes(pixels):
    """Pixels in [0, 1], clipped to it, as uint8: what files and browsers take.

    Examples
    --------
    >>> as_bytes(np.array([-0.1, 0, 0.5, 1, 2])).tolist()
    [0, 0, 128, 255, 255]
    """
    return np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)


def with_channels(pixels, channels):
    """Grey images as RGB or RGB ones as grey (the luma of ITU-R BT.601): (…, channels); others stay as they are.

    Raises
    ------
    CnnlensError
        For any other pair of channels: what the others would hold cannot be known.
    """
    have = pixels.shape[-1]
    if have == channels:
        return pixels
    if (have, channels) == (1, 3):
        return pixels.repeat(3, -1)
    if (have, channels) == (3, 1):
        return pixels @ np.float32([[0.299], [0.587], [0.114]])
    raise CnnlensError(f"Images of {have} channel(s) cannot be turned into images of {channels}. Give all {channels}.")


def fitted(pixels, size, fit="crop"):
    """Images made to fit a size: the one rule that the networks, the photographs and the superpixels all use.

    Parameters
    ----------
    pixels : ndarray (N, H, W, C) or (H, W, C), float32 in [0, 1]
    size : int or (int, int)
        Pixels: of the side of a square, or height and width.
    fit : {"crop", "stretch", "pad"}
        ``crop`` scales until the shorter side fits and keeps the middle, as networks are mostly trained and tested;
        ``stretch`` changes the proportions; ``pad`` scales until the longer side fits and adds black on both sides.

    Returns
    -------
    ndarray (N, height, width, C) or (height, width, C), float32 in [0, 1]

    Examples
    --------
    >>> fitted(np.zeros((4, 8, 3), np.float32), 2).shape
    (2, 2, 3)
    """
    if fit not in FITS:
        raise unknown("way to fit images", fit, FITS)
    height, width = (size, size) if np.ndim(size) == 0 else size
    if pixels.ndim == 4:
        return np.stack([fitted(image, (height, width), fit) for image in pixels])
    if pixels.shape[:2] == (height, width):
        return np.asarray(pixels, np.float32)
    if fit == "crop":
        return _resized(_middle(pixels, (height, width)), height, width)
    if fit == "stretch":
        return _resized(pixels, height, width)
    scale = min(height / pixels.shape[0], width / pixels.shape[1])
    inner = _resized(pixels, *(max(1, round(side * scale)) for side in pixels.shape[:2]))
    top, left = (height - inner.shape[0]) // 2, (width - inner.shape[1]) // 2
    canvas = np.zeros((height, width, pixels.shape[-1]), np.float32)
    canvas[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return canvas


def sampled(shape, size, fit="crop"):
    """Where the pixels of a fitted image come from, to fit labels of pixels, which cannot be mixed, in the same way.

    Parameters
    ----------
    shape, size : (int, int)
        Height and width before and after.
    fit : {"crop", "stretch", "pad"}

    Returns
    -------
    rows : ndarray (height, 1) int
    columns : ndarray (1, width) int
        ``labels[rows, columns]`` is fitted; where an image is padded, the nearest label goes on.

    Examples
    --------
    >>> np.arange(6)[None][sampled((1, 6), (1, 2), "stretch")]
    array([[1, 4]])
    """
    scales = [have / want for have, want in zip(shape, size)]
    scales = scales if fit == "stretch" else [max(scales) if fit == "pad" else min(scales)] * 2
    offsets = [round((have - want * scale) / 2 - 1e-9) for have, want, scale in zip(shape, size, scales)]
    places = [
        np.clip(offset + ((np.arange(want) + 0.5) * scale).astype(int), 0, have - 1)
        for have, want, scale, offset in zip(shape, size, scales, offsets)
    ]
    return places[0][:, None], places[1][None]


def _middle(image, size):
    """The largest part in the middle of an image that has the proportions of ``size`` (height, width)."""
    scale = min(image.shape[0] / size[0], image.shape[1] / size[1])
    height, width = (max(1, round(side * scale)) for side in size)
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def _resized(image, height, width):
    """Each channel scaled by Pillow's Lanczos filter, which also keeps shrunk images free of aliases."""
    channels = [PIL.Image.fromarray(np.ascontiguousarray(image[..., c])) for c in range(image.shape[-1])]
    scaled = [channel.resize((width, height), PIL.Image.Resampling.LANCZOS) for channel in channels]
    return np.stack([np.asarray(channel) for channel in scaled], -1).clip(0, 1).astype(np.float32)
