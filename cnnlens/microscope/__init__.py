"""A microscope: every unit of every layer of any network, computed once, kept in a store, and browsed as a site.

* :mod:`.plan` says what is looked at, and into which tasks the work falls;
* :mod:`.images` gathers the images, :mod:`.units` does the three kinds of work;
* :mod:`.store` keeps what is finished, with checksums; :mod:`.running` fills it, :mod:`.progress` says how far it is.
"""

from .running import microscope
from .store import Store, opened

__all__ = ["Store", "microscope", "opened"]
