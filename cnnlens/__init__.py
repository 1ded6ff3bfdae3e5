"""Look inside convolutional networks: what each neuron looks for, what each layer passes on, what decides a class."""

import importlib

__version__ = "0.1.0"

_ROOMS = {
    **{
        name: f"cnnlens.{name}"
        for name in (
            "zoo",
            "datasets",
            "training",
            "network",
            "scores",
            "ledger",
            "figures",
            "explore",
            "course",
            "device",
        )
    },
    **{
        name: f"cnnlens.lenses.{name}"
        for name in (
            "ablation",
            "activations",
            "convolution",
            "neurons",
            "exemplars",
            "deconvnet",
            "embedding",
            "superpixels",
        )
    },
}


def __getattr__(name):
    # Rooms are opened when first named: TensorFlow takes seconds to import, and `cnnlens --help` needs none of it.
    if name in _ROOMS:
        return importlib.import_module(_ROOMS[name])
    if name == "Network":
        return importlib.import_module("cnnlens.network").Network
    raise AttributeError(f"module 'cnnlens' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_ROOMS, "Network"])
