"""The networks of ``keras.applications``, with the ImageNet weights that Keras publishes or those of a file."""

import inspect
import re
import threading
from pathlib import Path

import pooch

from .. import files
from ..errors import CnnlensError, first_line
from ..network import Network
from ..preprocessing import Preprocessing
from . import stand_ins
from .imagenet import KERAS_WEIGHTS, imagenet_classes
from .weights import fill

import keras

INSTEAD = {"vgg16": stand_ins.hed, "inception_v3": stand_ins.squeezenet}


def plain(name):
    """A name without what people write differently: ResNet-50, resnet_50, resnet50."""
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def _builders():
    return {name: item for name, item in vars(keras.applications).items() if inspect.isfunction(item)}


def names():
    """Names of keras.applications' models, as their functions are called, and two as their modules are."""
    functions = [name for name in _builders() if plain(name) not in ("vgg16", "inceptionv3")]
    return ["vgg16", "inception_v3", *functions]


def builder(name):
    """The function of ``keras.applications`` that builds this network."""
    return next(item for known, item in _builders().items() if plain(known) == plain(name))


def load(name, weights, seed):
    """A network of ``keras.applications``, or its stand-in where its ImageNet weights cannot be had."""
    build = builder(name)
    if weights == "random":
        model, source = build(weights=None), f"untrained, seed {seed}"
    elif weights != "auto":
        path = Path(weights)
        model, source = build(weights=None, include_top="notop" not in path.name), f"weights from {path.name}"
        fill(model, path)
    else:
        instead = name in INSTEAD and not files.find(KERAS_WEIGHTS[name][0]) and INSTEAD[name]
        if instead and not files.online():
            return instead(stands_in_for=name)
        try:
            model, source = _with_imagenet_weights(name, build)
        except CnnlensError:
            if instead:  # the download failed
                return instead(stands_in_for=name)
            raise
    classes = imagenet_classes() if model.output_shape[-1] == 1000 else None
    preprocessing = Preprocessing.measured(inspect.getmodule(build).preprocess_input)
    return Network(model, name, classes=classes, source=source, preprocessing=preprocessing)


_ONE_AT_A_TIME = threading.Lock()


def _with_imagenet_weights(name, build):
    """The model with its ImageNet weights, and a source line that names their file.

    Which file that is, Keras knows: each builder asks ``keras.utils.get_file`` for it by name. While the model is
    built, that function looks into ``CNNLENS_DATA`` first, and tries no download that is forbidden or cannot be done.
    """
    module = inspect.getmodule(keras.utils.get_file)
    keras_own, source = module.get_file, "ImageNet weights of keras.applications"

    def get_file(filename, *args, **kwargs):
        nonlocal source
        found = files.find(filename)
        if found and found.parent != files.keras_folder("models"):
            source = f"ImageNet weights from {filename}"
            return str(found)
        if not files.online():
            _must_be_cached(name, filename, found, kwargs.get("file_hash"))
        source = f"ImageNet weights of keras.applications, {filename}"
        return keras_own(filename, *args, **kwargs)

    with _ONE_AT_A_TIME:
        module.get_file = get_file
        try:
            return build(weights="imagenet"), source
        except CnnlensError:
            raise
        except Exception as error:  # urllib, h5py and Keras raise a dozen kinds here
            raise CnnlensError(f"The {source} could not be loaded into {name}: {first_line(error)}") from error
        finally:
            module.get_file = keras_own


def _must_be_cached(name, filename, found, digest):
    """Refuse what Keras would try to download although it cannot or must not."""
    if found is None:
        raise CnnlensError(
            f"The ImageNet weights of {name} are not on this machine and cannot be downloaded now. Three ways out: "
            f"load it once while connected, or copy {filename} into a folder that CNNLENS_DATA names; give load(name, "
            "weights=FILE); or load(name, weights='random') for an untrained one."
        )
    if digest and pooch.file_hash(found, "md5" if len(digest) == 32 else "sha256") != digest:
        raise CnnlensError(f"{found} is not the file that Keras publishes. Delete it, and load {name} while connected.")
