"""Data sets and photographs, real where they can be had and labeled stand-ins where not; and a user's own pictures.

Looked for in this order: ``CNNLENS_DATA``; Keras's cache; Keras's own download; the stand-in.
"""

import dataclasses
import hashlib
import zipfile

import numpy as np

from .. import device  # noqa: F401  (sets TensorFlow's environment before Keras imports it)
from .. import files
from ..errors import CnnlensError, unknown
from ..zoo import CLASSES
from . import stand_ins
from .data import Dataset, Images
from .folders import Folder, folder
from .photographs import Photo, Photos, load_image, photos, shipped, square

import keras

__all__ = ["DOWNLOADS", "Dataset", "Folder", "Images", "Photo", "Photos", "folder", "load", "load_image", "photos"]
__all__ += ["shipped", "square"]

# SHA-256 of the bytes of MNIST's arrays, in the official order; the files that hold them differ in their zip headers.
MNIST_ARRAYS = "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"
DOWNLOADS = {
    "mnist": (
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
        "mnist.npz",
        "sha256:731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
    ),
    "cifar10": (
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        "cifar-10-batches-py-target_archive",  # the name under which Keras looks for it
        "sha256:6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    ),
}
SHAPES = {"mnist": ((60000, 28, 28), (10000, 28, 28)), "cifar10": ((50000, 32, 32, 3), (10000, 32, 32, 3))}
STAND_INS = {
    "mnist": ("digits", "scikit-learn's 1,797 handwritten digits"),
    "cifar10": ("patches", "32 px patches of ten photographs"),
}
ARRAYS = ("x_train", "y_train", "x_test", "y_test")
TITLES = {"mnist": "MNIST", "cifar10": "CIFAR-10"}


def load(name):
    """A data set by name.

    Parameters
    ----------
    name : {"mnist", "cifar10", "digits", "patches"}
        ``digits`` and ``patches`` are the offline stand-ins for the first two.

    Returns
    -------
    Dataset

    Raises
    ------
    CnnlensError
        If there is no such data set, a file is damaged or holds something else, or nothing can be had.

    Examples
    --------
    >>> data = load("digits")
    >>> data.x_test[:2].shape
    (2, 28, 28, 1)
    """
    if name in stand_ins.LOADERS:
        return stand_ins.LOADERS[name]()
    if name not in TITLES:
        raise unknown("data set", name, [*TITLES, *stand_ins.LOADERS])
    folder = files.data_folder()
    if folder and (folder / f"{name}.npz").is_file():
        return _from_npz(name, folder / f"{name}.npz")
    cached = (files.keras_folder("datasets") / DOWNLOADS[name][1]).exists()
    if cached or files.online():
        return _from_keras(name)
    instead, what = STAND_INS[name]
    source = files.stand_in(TITLES[name], what, files.ways_out(f"{name}.npz"))
    return dataclasses.replace(load(instead), source=source)


def _from_npz(name, path):
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in ARRAYS}
    except KeyError as error:
        missing = error.args[0].split(" ")[0]
        raise CnnlensError(
            f"{path} holds no array {missing!r}; expected {', '.join(ARRAYS)}. Fetch it again."
        ) from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise CnnlensError(
            f"{path} is truncated or no .npz file ({type(error).__name__}). "
            "Delete it and fetch it again: `cnnlens fetch`."
        ) from error
    return _checked(name, arrays, f"{TITLES[name]} from {path.name} in CNNLENS_DATA", str(path))


def _from_keras(name):
    try:
        (x_train, y_train), (x_test, y_test) = getattr(keras.datasets, name).load_data()
    except Exception as error:  # urllib, tarfile, zipfile, numpy: a broken cache shows in many ways
        raise CnnlensError(
            f"{TITLES[name]} could not be read from Keras's cache ({type(error).__name__}: {error}). "
            f"Delete {files.keras_folder('datasets') / DOWNLOADS[name][1]} and run `cnnlens fetch {name}`."
        ) from error
    arrays = dict(zip(ARRAYS, (x_train, y_train, x_test, y_test)))
    return _checked(name, arrays, f"{TITLES[name]} of keras.datasets", "Keras's download")


def _checked(name, arrays, source, where):
    """Arrays of the right shapes, types and labels (and for MNIST of the right bytes), as a Dataset."""
    for split, shape in zip(("train", "test"), SHAPES[name]):
        pixels, labels = arrays[f"x_{split}"], arrays[f"y_{split}"]
        found = f"{where}: x_{split} is {pixels.dtype} {pixels.shape}"
        if pixels.shape != shape or pixels.dtype != np.uint8:
            raise CnnlensError(f"{found}, expected uint8 {shape}. It is not {TITLES[name]}: fetch it again.")
        found = f"{where}: y_{split} is {labels.dtype} {labels.shape}"
        if labels.size != shape[0] or labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() > 9:
            raise CnnlensError(f"{found}, expected {shape[0]} whole numbers 0–9. Fetch it again.")
    if name == "mnist" and _digest(arrays) != MNIST_ARRAYS:
        raise CnnlensError(
            f"{where} has MNIST's shapes but not its contents (SHA-256 of the arrays differs). "
            "Fetch it again: `cnnlens fetch mnist`."
        )
    channels = {key: value[..., None] if value.ndim == 3 else value for key, value in arrays.items() if key[0] == "x"}
    classes = CLASSES["lenet" if name == "mnist" else "vgg4"]
    y_train, y_test = (arrays[key].ravel().astype(np.int64) for key in ("y_train", "y_test"))
    return Dataset(Images(channels["x_train"]), y_train, Images(channels["x_test"]), y_test, classes, source, name)


def _digest(arrays):
    digest = hashlib.sha256()
    for key in ARRAYS:
        digest.update(np.ascontiguousarray(arrays[key].astype(np.uint8)).tobytes())
    return digest.hexdigest()
