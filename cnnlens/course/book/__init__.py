"""The course as a book: a site of the executed lessons that is read from the disk and asks the network for nothing.

``chapters`` makes a chapter of an executed lesson, ``pages`` writes what stands around them, ``extension`` is what
Sphinx is taught beyond its own, ``build`` puts it together. What is written by hand lies in ``source``: the glossary,
the settings, the style.
"""

from .build import check, make, missing

__all__ = ["check", "make", "missing"]
