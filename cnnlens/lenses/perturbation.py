"""Hiding parts of an image: what shows in their place, and copies of the image with some of them hidden."""

import numpy as np

from ..errors import unknown


def filling(image, segments, fill="mean", seed=0):
    """What shows where a superpixel is hidden.

    Parameters
    ----------
    image : ndarray (H, W, C)
    segments : ndarray (H, W) int
    fill : {"mean", "grey", "blur", "noise"} or float
        The superpixel's own mean color (LIME's choice); mid-grey, or the grey of this number; the image blurred over a
        sixteenth of its side; or noise with the mean and standard deviation of the image's colors.
    seed : int
        For the noise.

    Returns
    -------
    ndarray (H, W, C) float32

    Examples
    --------
    >>> image = np.float32([[[0.0], [0.5], [0.75]]])
    >>> filling(image, np.array([[0, 0, 1]]))[..., 0]
    array([[0.25, 0.25, 0.75]], dtype=float32)
    """
    if fill == "mean":
        sizes = np.bincount(segments.ravel())
        sums = [np.bincount(segments.ravel(), image[..., c].ravel()) for c in range(image.shape[-1])]
        return (np.stack(sums, -1) / np.maximum(sizes, 1)[:, None])[segments].astype(np.float32)
    if fill == "blur":
        from scipy.ndimage import gaussian_filter

        sigma = min(image.shape[:2]) / 16
        return gaussian_filter(image, (sigma, sigma, 0)).astype(np.float32)
    if fill == "noise":
        noise = np.random.default_rng(seed).normal(image.mean((0, 1)), image.std((0, 1)), image.shape)
        return noise.clip(0, 1).astype(np.float32)
    if fill == "grey" or (isinstance(fill, (int, float)) and 0 <= fill <= 1):
        return np.full_like(image, 0.5 if fill == "grey" else fill)
    raise unknown("fill", fill, ("mean", "grey", "blur", "noise", "a number from 0 to 1"))


def perturb(image, filled, segments, masks):
    """Copies of an image with the superpixels that a mask leaves out hidden.

    Parameters
    ----------
    image, filled : ndarray (H, W, C) float32
        What shows where a superpixel is on, and where it is off.
    segments : ndarray (H, W) int
    masks : ndarray (M, K) bool

    Returns
    -------
    ndarray (M, H, W, C) float32

    Examples
    --------
    >>> image = np.float32([[[0.0], [0.5], [0.75]]])
    >>> perturb(image, np.ones_like(image), np.array([[0, 0, 1]]), [[True, False], [False, True]])[..., 0]
    array([[[0.  , 0.5 , 1.  ]],
    <BLANKLINE>
           [[1.  , 1.  , 0.75]]], dtype=float32)
    """
    where = np.repeat(segments[..., None], image.shape[-1], -1)
    difference = image - filled
    copies = np.empty((len(masks), *image.shape), np.float32)
    for mask, copy in zip(np.asarray(masks, np.float32), copies):  # image by image, so that each stays in the cache
        np.take(mask, where, out=copy, mode="clip")
        copy *= difference
        copy += filled
    return copies


def blended(image, filled, masks):
    """Copies of an image, each faded to what shows in its place where a mask is below 1.

    Parameters
    ----------
    image, filled : ndarray (H, W, C) float32
        What shows where a mask is 1, and where it is 0.
    masks : ndarray (M, H, W) in [0, 1]

    Returns
    -------
    ndarray (M, H, W, C) float32

    Examples
    --------
    >>> image = np.float32([[[0.5], [1.0]]])
    >>> blended(image, np.zeros_like(image), [[[1.0, 0.25]]])[..., 0]
    array([[[0.5 , 0.25]]], dtype=float32)
    """
    return filled + np.asarray(masks, np.float32)[..., None] * (image - filled)
