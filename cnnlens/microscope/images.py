"""The images that a microscope looks through, as bytes, with the network's class of each."""

import os
from pathlib import Path

import numpy as np

from .. import datasets
from ..datasets.folders import Folder
from ..datasets.matching import matched, named
from ..errors import CnnlensError
from ..network import NOMINAL_SIZE
from ..pixels import as_bytes

NAMES = (*datasets.DOWNLOADS, "digits", "patches", "photos")
MOST = 250_000_000  # pixels: as many images of a folder are read as have so many, 5,000 of 224 px


def gathered(net, images, labels=None, *, seed=0, progress=True):
    """The network with names for its classes, and the images that it is shown.

    Parameters
    ----------
    net : Network
    images : name, path, or array (N, H, W, C) in [0, 1]
        A data set (its test images) or ``"photos"``, a folder of pictures, or images in memory.
    labels : array (N,) of int, optional
        For images in memory: numbers of the network's classes.
    seed : int
        For the draw from a folder that is too large.
    progress : bool

    Returns
    -------
    net : Network
    pixels : ndarray (N, H, W, C) uint8
    labels : ndarray (N,) int
        -1 where the class is not known.
    source : str

    Raises
    ------
    CnnlensError
        If there are no images, or they cannot be read.
    """
    size = net.size or (NOMINAL_SIZE, NOMINAL_SIZE)
    if isinstance(images, str) and images in NAMES and not Path(images).is_dir():
        folder = _of_name(images, net, size)
    elif isinstance(images, (str, os.PathLike)):
        most = max(1, MOST // (size[0] * size[1]))
        how = {"fit": net.fit, "most": most, "seed": seed, "progress": progress}
        folder = datasets.folder(images, size, net.channels, **how)
    else:
        pixels, source = net.prepare(images), getattr(images, "source", "images as given")
        labels = np.full(len(pixels), -1) if labels is None else np.asarray(labels)
        if not len(pixels) or labels.shape != (len(pixels),):
            raise CnnlensError(f"Expected at least one image and a label for each; got {len(pixels)}, {labels.shape}.")
        return net, as_bytes(pixels), labels, source
    net = named(net, folder)
    return net, as_bytes(folder.images), matched(net, folder)[0], folder.source


def _of_name(name, net, size):
    """Photographs, or the test images of a data set, as a Folder."""
    if name != "photos":
        data = datasets.load(name)
        return Folder.of_arrays(data.x_test, data.y_test, data.classes, "test", data.source, net)
    photos = datasets.photos()
    classes = tuple(sorted(set(photos.labels)))
    labels = [classes.index(label) for label in photos.labels]
    return Folder.of_arrays(photos.batch(size, net.fit), labels, classes, "", photos.source, net)
