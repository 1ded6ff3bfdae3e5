"""Build the book with Sphinx from a folder of executed lessons."""

import importlib.util
import shutil
from pathlib import Path

from tqdm import tqdm

from ... import files
from ...errors import CnnlensError
from .. import record, runner
from . import microscope, pages
from .ahead import parts

NEEDS = ("sphinx", "myst_nb", "furo", "latex2mathml")
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
        With the pages to draw for: those of :data:`.ahead.PLAYGROUNDS`, or others by name of the network and options of
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
    check(target, microscopes)
    record.read(course)  # all that can be told before the work
    with parts(library=library, playground=playground) as begun:
        return finish(begun, course, target, microscopes=microscopes, progress=progress)


def finish(begun, course, target, *, microscopes=(), progress=True):
    """Build the book of a course from parts of it that may have been begun while its lessons ran.

    Parameters
    ----------
    begun : Parts
    course, target, microscopes, progress
        As of :func:`make`; so is what comes back and what is raised.
    """
    course, target = Path(course), Path(target)
    sites, entries = check(target, microscopes), record.read(course)
    complaints, playground = begun.wait()
    pages.write(entries, course, begun.folder / "source", library=begun.library, playground=playground, sites=sites)
    complaints += _sphinx(begun.folder, progress)
    _replace(begun.folder / "made", target)
    return target / "index.html", complaints


def _refuse_others(target):
    if target.is_dir() and any(target.iterdir()) and not (target / MARK).is_file():
        raise CnnlensError(f"{target} holds something that is not a book. Give --book another folder, or empty it.")
    with files.atomic(target / "index.html.new"):  # whether it can be written is told before the work, not after
        pass
    (target / "index.html.new").unlink()


def _sphinx(folder, progress):
    """Make the site of the pages in a folder; what Sphinx complained of."""
    from .reading import sphinx

    bars = tqdm(unit=" pages", leave=False, disable=None if progress else True)
    with sphinx(folder) as (app, complaints), bars as bar:
        bar.reset(2 * len(app.project.discover(app.config.exclude_patterns)))
        bar.update(len(app.env.all_docs) - 1)  # of what was read before only the front page is read again
        for event in ("doctree-read", "doctree-resolved"):
            app.connect(event, lambda *_: bar.update() and None)
        app.connect("env-updated", _write_side_by_side)
        app.connect("viewcode-find-source", lambda *_: True)  # it was found: no module is imported to look for it
        app.build(force_all=True)
    return complaints


def _write_side_by_side(app, env):
    """Have Sphinx fork to write its pages, where the system can; to read the few that are left, that would not pay."""
    app.parallel = 2 * runner.cores() + 1  # in small pieces, because some pages are much larger than others


def _replace(made, target):
    shutil.rmtree(target, ignore_errors=True)
    shutil.move(made, target)
