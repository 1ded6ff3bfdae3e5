"""Widgets: controls, a lens, and a picture that follows them.

``explore.NAME(net, …)`` stands in ``_NAME.py``; :mod:`cnnlens.explore.base`, ``controls``, ``named``
and ``twin`` are what they share.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["base", "controls", "named", "twin"],
    submod_attrs={
        "_activations": ["activations"],
        "_attribution": ["attribution"],
        "_convolution": ["convolution"],
        "_embedding": ["embedding"],
        "_epochs": ["epochs"],
        "_lime": ["lime"],
        "_neurons": ["neurons"],
        "_playground": ["playground"],
        "_scorecard": ["scorecard"],
    },
)
