"""Widgets: controls, a lens, and a picture that follows them.

``explore.NAME(net, …)`` is the function NAME in the file of that name; :mod:`cnnlens.explore.base` is what they share.
"""

import importlib
import pkgutil
import sys
import types

_FILES = tuple(found.name for found in pkgutil.iter_modules(__path__) if found.name != "base")


class _Explore(types.ModuleType):
    def __setattr__(self, name, value):
        # Importing a file sets it as an attribute of its package; here the attribute is the explorer inside the file.
        explorer = vars(value).get(name) if isinstance(value, types.ModuleType) else None
        super().__setattr__(name, explorer or value)


sys.modules[__name__].__class__ = _Explore


def __getattr__(name):
    if name in _FILES:
        importlib.import_module(f"{__name__}.{name}")
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}. There are the explorers {', '.join(_FILES)}.")


def __dir__():
    return sorted([*globals(), *_FILES])
