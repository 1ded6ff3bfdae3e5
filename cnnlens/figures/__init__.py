"""From a result to a picture: a matplotlib Figure, its source line at the foot, and an alternative text.

One file a technique, and :mod:`cnnlens.figures.base` for what they share. A figure runs no model: what it draws, a lens
has computed.
"""

import importlib

import lazy_loader

from ..results import PAINTERS

_PAINTED = "activations activation_scores answers attribution convolution health neurons superpixels".split()
_PAINTED += "embedding training ledger pictures reliance".split()
_NAMES = ["CLASS_COLORS", "bundle", "canvas", "colored", "finish", "png", "sheet", "show", "tiles"]
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submodules=["activation_view", "base", "interactive", "moving", *_PAINTED], submod_attrs={"base": _NAMES}
)


def painter_of(kind):
    """The function that draws results of a kind, or None. Painters register themselves when their file is imported."""
    for file in _PAINTED:
        if kind in PAINTERS:
            break
        importlib.import_module(f"{__name__}.{file}")
    return PAINTERS.get(kind)
