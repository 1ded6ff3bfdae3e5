"""What a report is about: a network, or why it cannot be opened, and the images that it is shown."""

import functools
import os
import time
from pathlib import Path

import numpy as np

from .. import datasets
from ..datasets.data import Dataset
from ..datasets.folders import Folder
from ..datasets.matching import matched, named
from ..datasets.photographs import Photos
from ..errors import CnnlensError
from ..labels import class_name
from ..network import Network
from ..opened import NOMINAL_SIZE
from .kept import Kept
from .sizes import most_images

PACED = 8  # images that tell how fast a network is
WITHOUT_NETWORK = 128  # px a side of the images of a network that cannot be opened


class Subject:
    """A network and images, with what several parts need of them.

    Attributes
    ----------
    net : Network or None
    refusal : str
        Why the network could not be opened; empty where it could.
    model : what came for it
    folder : Folder
    labels : ndarray (N,) int
        The network's class of each image; -1 where that is not known.
    label_notes : tuple of str
        How the labels were matched with the network's classes, or why they could not be.
    seed : int
    progress : bool
    kept : Kept
    store : cnnlens.microscope.Store or None
        What a microscope has found out about the network's units.
    """

    def __init__(self, net, refusal, model, folder, *, seed=0, progress=True):
        self.net, self.refusal, self.model, self.folder = net, refusal, model, folder
        self.seed, self.progress, self.kept, self.store = seed, progress, Kept(None), None
        self.labels, self.label_notes = matched(net, folder)

    @property
    def images(self):
        """All images, (N, H, W, C) float32 in [0, 1]."""
        return self.folder.images

    @property
    def source(self):
        """Where weights and images came from."""
        return "; ".join(filter(None, (self.net and self.net.source, self.folder.source)))

    @property
    def name(self):
        """What to call the network."""
        return self.net.name if self.net else Path(str(self.model)).name

    def opened(self):
        """The network; raises the reason if there is none."""
        if self.net is None:
            raise CnnlensError("The network could not be opened: its health, above, says why.")
        return self.net

    @functools.cached_property
    def predictions(self):
        """The network's probabilities for all images, (N, classes).

        Raises
        ------
        CnnlensError
            If it cannot be opened or has no classifier.
        """
        net = self.opened()
        if net.class_count is None:
            raise CnnlensError(f"{net.name} has no classifier: its last layer {net.head!r} gives {_last(net)}.")
        return self.kept.array("predictions", lambda: net.predict(self.images, progress=self.progress))

    @functools.cached_property
    def pace(self):
        """Seconds that a graph of this network takes to trace, and that an image takes through it."""
        net, few = self.opened(), self.images[:PACED]
        times = [time.perf_counter()]
        for _ in range(2):
            net.read(few, [net.head], progress=False)
            times.append(time.perf_counter())
        first, second = np.diff(times)
        return max(first - second, 0.05), second / len(few)

    @functools.cached_property
    def judged(self):
        """Numbers of the images whose class is known and on which accuracy is measured: those for testing, if any."""
        known = self.labels >= 0
        test = known & (self.folder.groups == "test")
        return np.flatnonzero(test if test.any() else known)

    @functools.cached_property
    def telling(self):
        """Numbers of the images that tell most, those first: the surest mistakes; without labels the least sure."""
        scores = self.predictions
        best = scores.argmax(1)
        sure = scores[np.arange(len(scores)), best]
        if len(self.judged):
            wrong = np.isin(np.arange(len(scores)), self.judged) & (best != self.labels)
            return np.lexsort((np.where(wrong, -sure, sure), ~wrong))
        return np.argsort(sure, kind="stable")

    def class_name(self, label):
        """The name of one of the network's classes."""
        return class_name(self.net.classes, label)


def opened(model, images, *, classes=None, labels=None, pixels="auto", profile="quick", seed=0, progress=True):
    """The Subject of whatever a report is asked for.

    Parameters
    ----------
    model : Network, keras.Model, name or path
        A network that cannot be opened gives a subject without one, which says why.
    images : path, Folder, Dataset, photographs, or array (N, H, W, C) in [0, 1]
    classes : sequence of str, optional
        Names of the network's classes.
    labels : array (N,) of int, optional
        For an array of images: numbers of the network's classes.
    pixels : str, pair or callable
        As for :meth:`Network.of`.
    profile : {"quick", "full"}
        How many images are read of a larger folder.
    seed, progress

    Raises
    ------
    CnnlensError
        If there is no such name or file, or the images cannot be used.
    """
    net, refusal = None, ""
    if isinstance(model, (str, os.PathLike)) and Path(model).suffix == ".keras" and not Path(model).is_file():
        raise CnnlensError(f"There is no model file {str(model)!r}.")
    try:
        net = Network.of(model, classes=classes, pixels=pixels)
        net.layers()
    except CnnlensError as error:
        if isinstance(model, str) and Path(model).suffix != ".keras":
            raise  # a name that does not exist, or weights that cannot be had: there is nothing to report on
        net, refusal = None, str(error)
    except Exception as error:  # a model's own code runs when it is traced, and may raise anything
        net, refusal = None, f"It could not be opened: {type(error).__name__}: {error}"
    folder = _folder(images, labels, net, profile, seed, progress)
    return Subject(named(net, folder), refusal, model, folder, seed=seed, progress=progress)


def _folder(images, labels, net, profile, seed, progress):
    """The images as a Folder, at the size that the network takes."""
    if isinstance(images, Folder):
        return images
    side = NOMINAL_SIZE if net else WITHOUT_NETWORK
    size = net.size if net and net.size else (side, side)
    most = most_images(profile, size)
    if isinstance(images, (str, os.PathLike)):
        channels, fit = (net.channels, net.fit) if net else (3, "crop")
        return datasets.folder(images, size, channels, fit=fit, most=most, seed=seed, progress=progress)
    if isinstance(images, Dataset):
        return Folder.of_arrays(images.x_test[:most], images.y_test[:most], images.classes, "test", images.source, net)
    if isinstance(images, Photos):
        classes = tuple(sorted(set(images.labels)))
        labels = [classes.index(label) for label in images.labels]
        return Folder.of_arrays(images.batch(size), labels, classes, "", images.source, net)
    pixels = net.prepare(images) if net else np.asarray(images, np.float32)
    labels = np.full(len(pixels), -1) if labels is None else np.asarray(labels)
    if labels.shape != (len(pixels),) or labels.dtype.kind not in "iu":
        raise CnnlensError(f"labels: expected {len(pixels)} whole numbers, one an image; got {labels.shape}.")
    count = net.class_count if net and net.class_count else int(labels.max(initial=-1)) + 1
    classes = net.classes if net and net.classes else tuple(map(str, range(count)))
    return Folder.of_arrays(pixels, labels, classes, "", getattr(images, "source", "images as given"), net)


def _last(net):
    return "maps" if len(net.layer(net.head).shape) == 3 else f"an output of shape {net.layer(net.head).shape}"
