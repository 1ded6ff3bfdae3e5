"""Build the book with Sphinx from a folder of executed lessons."""

import importlib.util
import io
import shutil
import tempfile
from pathlib import Path

from tqdm import tqdm

from ... import files
from ...errors import CnnlensError
from .. import record

NEEDS = ("sphinx", "myst_nb", "furo", "latex2mathml")
SOURCE = Path(__file__).with_name("source")
MARK = ".buildinfo"  # Sphinx leaves it in what it builds


def missing():
    """What is not installed of what the book needs, as one sentence; None if nothing is."""
    absent = [name for name in NEEDS if importlib.util.find_spec(name) is None]
    if not absent:
        return None
    return f'The book needs {" and ".join(absent)}: pip install "cnnlens[book]", or `make setup` in a checkout.'


def check(target, microscopes=()):
    """What can be told of a book before its lessons have run.

    Parameters
    ----------
    target : path
    microscopes : sequence of path
        Both as :func:`make` takes them.

    Returns
    -------
    sites : tuple of MicroscopeSite
        Those in ``microscopes``.

    Raises
    ------
    CnnlensError
        If Sphinx is not installed, the target holds something else, or a folder holds no microscope's site.
    """
    if problem := missing():
        raise CnnlensError(problem)
    _refuse_others(Path(target))
    if not microscopes:
        return ()
    from . import microscope  # opens stores, and starts TensorFlow for it

    return microscope.sites(microscopes)


def make(course, target, *, library=True, playground=True, microscopes=(), progress=True):
    """Build the book of a course.

    Parameters
    ----------
    course : path
        The folder that ``cnnlens run --out`` wrote: executed notebooks and their record.
    target : path
        Folder for the site. An earlier book there is replaced; any other folder that holds something is refused.
    library : bool or sequence of str
        With the pages of the library, read from its docstrings, or of some of its rooms.
    playground : bool or dict
        With the pages to draw for: those of :data:`.pages.PLAYGROUNDS`, or others by name of the network and options of
        :func:`cnnlens.playground.page`.
    microscopes : sequence of path
        Folders that ``cnnlens microscope`` wrote: their sites become part of the book, and the lessons that name the
        command for their network link to them.
    progress : bool
        Show a bar, where there is a terminal.

    Returns
    -------
    index : Path
        The page to open.
    warnings : list of str
        What Sphinx complained of.

    Raises
    ------
    CnnlensError
        If Sphinx is not installed, the course has no record, a folder holds no microscope's site, or the target holds
        something else.
    """
    course, target = Path(course), Path(target)
    sites = check(target, microscopes)
    entries = record.read(course)
    from . import pages  # reads the ledger, which starts TensorFlow

    with tempfile.TemporaryDirectory(prefix="cnnlens-book-") as folder:
        source, made, doctrees = (Path(folder) / name for name in ("source", "made", "doctrees"))
        shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("__pycache__"))
        pages.write(entries, course, source, library=library, playground=playground, sites=sites)
        warnings = _sphinx(source, made, doctrees, progress)
        _replace(made, target)
    return target / "index.html", warnings


def _refuse_others(target):
    if target.is_dir() and any(target.iterdir()) and not (target / MARK).is_file():
        raise CnnlensError(f"{target} holds something that is not a book. Give --book another folder, or empty it.")
    with files.atomic(target / "index.html.new"):  # whether it can be written is told before the work, not after
        pass
    (target / "index.html.new").unlink()


def _sphinx(source, made, doctrees, progress):
    from sphinx.application import Sphinx
    from sphinx.util.console import strip_escape_sequences
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    warnings = io.StringIO()
    bars = tqdm(unit=" pages", leave=False, disable=None if progress else True)
    with patch_docutils(), docutils_namespace(), bars as bar:
        app = Sphinx(source, source, made, doctrees, "html", status=None, warning=warnings)
        bar.reset(2 * len(app.project.discover(app.config.exclude_patterns)))
        for event in ("doctree-read", "html-page-context"):
            app.connect(event, lambda *_: bar.update() and None)
        app.build(force_all=True)
    told = strip_escape_sequences(warnings.getvalue()).replace(f"{source}/", "")
    return [line for line in told.splitlines() if line.strip()]


def _replace(made, target):
    shutil.rmtree(target, ignore_errors=True)
    shutil.move(made, target)
