"""The dissertation's two networks, which we trained ourselves."""

from pathlib import Path

from .. import files
from ..errors import CnnlensError, unknown
from ..network import Network
from ..preprocessing import Preprocessing
from .weights import fill, seeded

import keras
from keras import layers as kl


def lenet():
    """The dissertation's LeNet, untrained: 113,386 parameters, for 28 px grey images (section 6.2.1)."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            kl.Conv2D(32, 3, activation="relu", name="conv1"),
            kl.MaxPooling2D(2, name="pool1"),
            kl.Conv2D(32, 3, activation="relu", name="conv2"),
            kl.MaxPooling2D(2, name="pool2"),
            kl.Dropout(0.25, name="dropout1"),
            kl.Flatten(name="flatten"),
            kl.Dense(128, activation="relu", name="dense1"),
            kl.Dropout(0.5, name="dropout2"),
            kl.Dense(10, activation="softmax", dtype="float32", name="dense2"),
        ],
        name="lenet",
    )


def vgg4():
    """The dissertation's VGG4, untrained: 1,080,470 parameters, for 32 px color images (section 6.2.2)."""

    def convolution(filters, number):
        return [
            kl.ZeroPadding2D(1, name=f"pad{number}"),
            kl.Conv2D(filters, 3, activation="relu", kernel_initializer="he_normal", name=f"conv{number}"),
        ]

    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            *convolution(64, 1),
            *convolution(64, 2),
            kl.MaxPooling2D(2, name="pool1"),
            *convolution(128, 3),
            *convolution(128, 4),
            kl.MaxPooling2D(2, name="pool2"),
            kl.Flatten(name="flatten"),
            kl.Dense(100, activation="relu", kernel_initializer="he_normal", name="dense1"),
            kl.Dropout(0.5, name="dropout1"),
            kl.Dense(10, activation="softmax", dtype="float32", name="dense2"),
        ],
        name="vgg4",
    )


BUILDERS = {"lenet": lenet, "vgg4": vgg4}
DIGITS = 8  # of the SHA-256 of a weights file by which its network's source names it
CLASSES = {
    "lenet": tuple("0123456789"),
    "vgg4": ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
}
# Channel means and deviations of the training set: networks learn faster from centered inputs (LeCun et al. 1998).
PREPROCESSING = {
    "lenet": Preprocessing(),
    "vgg4": Preprocessing(
        scale=(1 / 0.247, 1 / 0.243, 1 / 0.262), shift=(-0.4914 / 0.247, -0.4822 / 0.243, -0.4465 / 0.262)
    ),
}


def weights_file(name):
    """Where the weights that we trained for ``lenet`` or ``vgg4`` are committed."""
    return files.shipped("data", "weights", f"{name}.weights.h5")


def untrained(name, *, classes=None, seed=0):
    """``lenet`` or ``vgg4`` with fresh random weights, ready to be trained.

    Parameters
    ----------
    name : {"lenet", "vgg4"}
    classes : sequence of ten str, optional
        What its outputs will mean; the classes of MNIST or CIFAR-10 by default.
    seed : int
        Repeats the same weights.
    """
    if name not in BUILDERS:
        raise unknown("network to train", name, BUILDERS)
    with seeded(seed):
        model = BUILDERS[name]()
    source, classes = f"untrained, seed {seed}", classes or CLASSES[name]
    return Network(model, name, classes=classes, source=source, preprocessing=PREPROCESSING[name])


def load(name, weights, seed):
    """``lenet`` or ``vgg4`` with our weights, those of a file, or random ones."""
    if weights == "random":
        return untrained(name, seed=seed)
    path = weights_file(name) if weights == "auto" else Path(weights)
    if not path.is_file():
        raise CnnlensError(
            f"The weights {path.name} of {name} are missing here ({path}). "
            f"Run `make weights` in a checkout, or load('{name}', weights='random')."
        )
    net = untrained(name)
    fill(net.model, path)
    net.source = f"weights from {path.name}"
    if weights == "auto":  # measurements name their sources: they must tell these weights from ones trained anew
        net.source = f"trained by cnnlens, {path.name} {files.sha256(path)[:DIGITS]}"
    return net
