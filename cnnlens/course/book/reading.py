"""Sphinx, as the book uses it."""

import contextlib
import gc
import io

from sphinx.application import Sphinx
from sphinx.util.console import strip_escape_sequences
from sphinx.util.docutils import docutils_namespace, patch_docutils


@contextlib.contextmanager
def sphinx(folder):
    """Sphinx for the pages in a folder.

    Parameters
    ----------
    folder : Path
        Holds the pages in ``source``; what Sphinx has read is kept in ``doctrees``, what it makes in ``made``.

    Yields
    ------
    app : Sphinx
    complaints : list of str
        What it complained of, filled at the end.
    """
    source, made, doctrees = (folder / name for name in ("source", "made", "doctrees"))
    said, complaints = io.StringIO(), []
    with patch_docutils(), docutils_namespace(), _without_garbage_collection():
        yield Sphinx(source, source, made, doctrees, "html", status=None, warning=said), complaints
    told = strip_escape_sequences(said.getvalue()).replace(f"{source}/", "")
    complaints += [line for line in told.splitlines() if line.strip()]


@contextlib.contextmanager
def _without_garbage_collection():
    """A third of Sphinx's time goes into looking for garbage among its many nodes, nearly all of which are in use."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
