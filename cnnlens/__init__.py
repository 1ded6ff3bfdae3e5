"""Look inside convolutional networks: what each neuron looks for, what each layer passes on, what decides a class."""

import lazy_loader

__version__ = "0.2.0"

# Opened when first named: TensorFlow takes seconds to import, and `cnnlens --help` needs none of it.
_FLOORS = (
    "course datasets device explore figures ledger microscope network playground report scores training zoo".split()
)
_LENSES = "ablation activations attribution convolution deconvnet embedding exemplars neurons superpixels".split()
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submodules=_FLOORS, submod_attrs={"lenses": _LENSES, "network": ["Network"]}
)
