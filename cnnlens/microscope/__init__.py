"""A microscope: every unit of every layer of any network, computed once, kept in a store, and browsed as a site.

* :mod:`.plan` says what is looked at, and into which tasks the work falls;
* :mod:`.images` gathers the images, :mod:`.units` does the three kinds of work;
* :mod:`.store` keeps what is finished, with checksums; :mod:`.running` fills it, in this process or by the workers of a
  :mod:`cnnlens.cluster`, and :mod:`.progress` says how far it is;
* :mod:`.kept` gives what is in it as the lenses' own results, for explorers and reports;
* :mod:`.site` makes pages of a store, :mod:`.told` says what stands there, :mod:`.pictures` draws.
"""

from . import kept
from .running import microscope
from .site import Site, write
from .store import Store, opened

__all__ = ["Site", "Store", "kept", "microscope", "opened", "write"]
