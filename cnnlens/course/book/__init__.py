"""The course as a book: a site of the executed lessons that is read from the disk and asks the network for nothing.

``chapters`` makes a chapter of an executed lesson, ``pages`` writes what tells of the run, ``around`` what the lessons
have no part in, which ``ahead`` has processes of its own do; ``extension`` is what Sphinx is taught beyond its own,
``build`` puts it together. What is written by hand lies in ``source``: the glossary, the settings, the style.
"""

from .ahead import parts
from .build import check, finish, make, missing

__all__ = ["check", "finish", "make", "missing", "parts"]
