"""A user's own model from a file."""

import json
import zipfile
from pathlib import Path

from ..errors import CnnlensError, first_line
from ..network import Network
from .weights import fill, reinitialized

import keras

SUFFIXES = (".keras", ".h5", ".hdf5")


def load(path, weights, seed, pixels):
    """The network in a ``.keras`` file, opened in Keras's safe mode.

    An ``.h5`` model is never opened: that format can hold Python code wherever it names a function.
    """
    if not path.is_file():
        raise CnnlensError(f"There is no model file {str(path)!r}.")
    if path.suffix != ".keras":
        raise CnnlensError(_refusal(path))
    try:
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        raise CnnlensError(f"{path.name} was not opened: {_reason(path, str(error), first_line(error))}.") from error
    source = path.name
    if weights == "random":
        model, source = reinitialized(model, seed), f"{path.name} untrained, seed {seed}"
    elif weights != "auto":
        fill(model, weights)
        source = f"{path.name} with weights from {Path(weights).name}"
    return Network.of(model, pixels=pixels, name=path.stem, source=source)


def _refusal(path):
    if path.name.endswith(".weights.h5"):
        return f"{path.name} holds weights alone. Name the network as well: load('lenet', weights={str(path)!r})."
    new = path.with_suffix(".keras").name
    return (
        f"{path.name} was not opened: an .h5 model can hold Python code, which could do anything on this machine. "
        f"Where you trust it, convert it once: keras.models.load_model({path.name!r}, compile=False).save({new!r})."
    )


def named_layers(path):
    """The layers that a ``.keras`` file names, read as text: nothing in it is run, so this works for a refused one too.

    Returns
    -------
    tuple of (str, str, bool)
        Name, class, and whether that class is Keras's own; nothing for a file that is no ``.keras`` file.
    """
    try:
        with zipfile.ZipFile(path) as file:
            return tuple(_inside(json.loads(file.read("config.json"))))
    except (TypeError, OSError, KeyError, ValueError, AttributeError, zipfile.BadZipFile):
        return ()


def _inside(config):
    """All layers in the configuration of a model, those of nested ones behind the layer that holds them."""
    for layer in (config.get("config") or {}).get("layers", ()):
        kind = str(layer.get("registered_name") or layer.get("class_name"))
        own = str(layer.get("module") or "").split(".")[0] == "keras"
        yield str((layer.get("config") or {}).get("name") or layer.get("name") or ""), kind, own
        yield from _inside(layer)


def _reason(path, text, line):
    if "security" in text:
        return f"it asks for a function that is no part of a network ({line})"
    if "ambda" in text or "unsafe" in text or "safe_mode" in text:
        return (
            "it holds Python code (a Lambda layer), which could do anything on this machine. "
            "Save it again with a named layer instead"
        )
    if "custom" in text.lower() or "register" in text.lower():
        strange = [f"{kind}, its layer {name!r}" for name, kind, own in named_layers(path) if not own]
        which = "; ".join(strange[:3]) or line
        return f"it uses a class that Keras does not know ({which}). Import the module that registers it first"
    return f"it is no readable Keras model ({line}). Save it with model.save('name.keras')"
