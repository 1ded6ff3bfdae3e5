"""From a result to a picture: a matplotlib Figure, its source line at the foot, and an alternative text.

One file a technique, and :mod:`cnnlens.figures.base` for what they share. A figure runs no model: what it draws, a lens
has computed.
"""

import importlib
import pkgutil

from ..results import PAINTERS
from . import base
from .base import CLASS_COLORS, bundle, canvas, colored, finish, png, sheet, show, tiles

__all__ = [
    "CLASS_COLORS",
    "base",
    "bundle",
    "canvas",
    "colored",
    "finish",
    "painter_of",
    "png",
    "sheet",
    "show",
    "tiles",
]

_FILES = tuple(found.name for found in pkgutil.iter_modules(__path__))


def painter_of(kind):
    """The function that draws results of a kind, or None; the file that is named after the result's own is read first."""
    own = kind.__module__.split(".")
    for name in sorted(_FILES, key=lambda name: name not in own):
        if kind in PAINTERS:
            break
        importlib.import_module(f"{__name__}.{name}")
    return PAINTERS.get(kind)


def __getattr__(name):
    if name in _FILES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*__all__, *_FILES})
