"""The lenses: short pure functions, arrays in, a small frozen result out."""

import lazy_loader

from .. import device as device  # before any lens imports Keras, so that TensorFlow starts quietly

_FILES = "ablation activations attribution convolution deconvnet embedding exemplars neurons superpixels".split()
__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submodules=_FILES)
