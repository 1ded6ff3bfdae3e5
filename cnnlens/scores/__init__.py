"""The numbers that stand beside the pictures, one file a technique.

Each is a pure function of arrays, says in its docstring what it measures, in which range, and where it comes from.
``scores.activations.sparsity`` and ``scores.sparsity`` are the same function.
"""

import importlib
import pkgutil

_FILES = tuple(found.name for found in pkgutil.iter_modules(__path__))


def __getattr__(name):
    if name in _FILES:
        return importlib.import_module(f"{__name__}.{name}")
    if not name.startswith("_"):
        for file in _FILES:
            function = vars(importlib.import_module(f"{__name__}.{file}")).get(name)
            if getattr(function, "__module__", None) == f"{__name__}.{file}":
                return function
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_FILES])
