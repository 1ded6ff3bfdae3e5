"""What stands around the chapters: the front page, the record of the run, the scorecard, the library's pages."""

import base64
import importlib
import io
import pkgutil
import sys
from pathlib import Path
from types import SimpleNamespace

import jinja2
import nbformat
import PIL.Image

import cnnlens

from ... import ledger, playground as playgrounds, zoo
from ...ledger import table
from .. import report, runner
from . import chapters, microscope

THUMBNAIL = (640, 400)  # px
PLACES = [jinja2.PackageLoader("cnnlens.course.book"), jinja2.PackageLoader("cnnlens.course")]  # for what they share
ESCAPED = jinja2.select_autoescape(["html"])  # the pages are Markdown, what the scorecard puts into them is HTML
TEMPLATES = jinja2.Environment(
    loader=jinja2.ChoiceLoader(PLACES), autoescape=ESCAPED, trim_blocks=True, lstrip_blocks=True
)
TEMPLATES.filters["escaped"] = chapters.escaped
ROOMS = {  # the rooms of the library, in the order in which a reader meets them
    "network": "Networks",
    "zoo": "Networks by name",
    "datasets": "Data",
    "lenses": "Lenses",
    "scores": "Scores",
    "figures": "Figures",
    "explore": "Explorers",
    "playground": "The playground",
    "ledger": "The ledger of claims",
    "training": "Training",
    "course": "The course",
}
PLAYGROUNDS = {"lenet": {}, "vgg4": {"steps": 0}}  # what VGG4's units look for takes a minute, and is left out
ADDRESSES = (  # at which LeNet's page can be opened
    ("digit=4&unit=conv2/7", "a four, and what one unit of the second convolution makes of it"),
    ("digit=8&unit=dense1/0", "a neuron that sees all of an eight"),
    ("digit=7&unit=conv1/6&set=conv1/6:0", "a seven, with a unit of the first convolution set to zero"),
    ("task=4-9", "draw a 4 that it takes for a 9"),
    ("task=1-7", "draw a 1 that it takes for a 7"),
)
INSIDE = ("commands", "book", "checks", "__main__")  # rooms that only the command line and the exercises use


def write(entries, course, source, *, library=True, playground=True, sites=()):
    """Write the pages, and the chapters of all lessons that were run, into Sphinx's source folder.

    Parameters
    ----------
    entries : sequence of Entry
        The record of the run.
    course : Path
        The folder of the executed notebooks.
    source : Path
        Where the glossary and the settings lie already.
    library : bool or sequence of str
        With the pages of the library, or of some of its rooms.
    playground : bool or dict
        With the pages to draw for: those of ``PLAYGROUNDS``, or others by name of the network and options of
        :func:`cnnlens.playground.page`.
    sites : sequence of MicroscopeSite
        That become part of the book.
    """
    (source / "extra").mkdir()
    cards = [_lesson(entry, course, source, sites) for entry in entries]
    _page(source, "index", cards=cards, library=library, playground=bool(playground), sites=sites)
    if sites:
        microscope.copy(sites, source / "extra")
        _page(source, "microscope", sites=sites)
    if playground:
        _playground(source, PLAYGROUNDS if playground is True else playground)
    _page(source, "run", entries=entries, cards=cards, gib=2**30)
    measured, assessed = ledger.read(), table.read()
    _page(source, "scorecard", **report.told(measured, assessed), style=report.STYLE)
    if library:
        rooms = ROOMS if library is True else {room: ROOMS[room] for room in library}
        _page(source, "library/index", "library", rooms=rooms)
        for room, title in rooms.items():
            _page(source, f"library/{room}", "room", title=title, room=room, modules=modules(room))


def _page(source, name, template=None, **told):
    path = source / f"{name}.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(TEMPLATES.get_template(f"{template or name}.md").render(**told), encoding="utf-8")


def _playground(source, wanted):
    """Write the pages to draw for, which Sphinx copies as they are, and the page of the book that shows the first."""
    folder = source / "extra" / "playground"
    folder.mkdir()
    alts = []
    for name, options in wanted.items():
        page = playgrounds.page(zoo.load(name), **{"progress": sys.stderr.isatty()} | options)  # a log has no bars
        page.save(folder / f"{name}.html")
        alts.append(page.alt)
    first, *others = wanted
    _page(source, "playground", first=first, others=others, alt=alts[0], addresses=ADDRESSES)


def _lesson(entry, course, source, sites):
    """Write the chapter of a lesson; what its card on the front page shows."""
    folder = source / "lessons"
    executed = course / f"{entry.lesson}.ipynb"
    path = executed if executed.is_file() else runner.lessons().get(entry.lesson)
    if path is None:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(f"# {entry.lesson}")])
    else:
        notebook = nbformat.read(path, as_version=4)
    chapter = chapters.chapter(notebook, entry.lesson, folder, source / "extra" / "lessons")
    microscope.link(chapter, sites)
    if not entry.passed:
        chapter.cells.insert(1, nbformat.v4.new_markdown_cell(TEMPLATES.get_template("fault.md").render(entry=entry)))
    folder.mkdir(exist_ok=True)
    nbformat.write(chapter, folder / f"{entry.lesson}.ipynb")
    card = SimpleNamespace(entry=entry, title=chapters.title(notebook) or entry.lesson, picture=None)
    if picture := thumbnail(notebook):
        card.picture = f"_static/{entry.lesson}.png"
        (source / card.picture).write_bytes(picture)
    return card


def thumbnail(notebook):
    """The picture of the cell tagged ``thumbnail``, or the last picture of the lesson, small, as PNG; None if none."""
    pictures = [
        (output.data["image/png"], "thumbnail" in chapters.tags(cell))
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", {})
    ]
    if not pictures:
        return None
    chosen = next((data for data, tagged in pictures if tagged), pictures[-1][0])
    picture = PIL.Image.open(io.BytesIO(base64.b64decode(chosen))).convert("RGB")
    picture.thumbnail(THUMBNAIL)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def modules(room):
    """The names of a room's modules: the room itself, then what lies in it and is not private, or is handed out."""
    name = f"{cnnlens.__name__}.{room}"
    found = next(module for module in pkgutil.iter_modules(cnnlens.__path__) if module.name == room)
    if not found.ispkg:
        return [name]
    place = Path(cnnlens.__path__[0], room)
    inner = pkgutil.walk_packages([str(place)], f"{name}.")
    handed_out = {
        f"_{each}" for each in getattr(importlib.import_module(name), "__all__", ())
    }  # explore.lime stands in explore/_lime.py
    inside = [each.name.removeprefix(f"{name}.") for each in inner]
    public = [f"{name}.{each}" for each in inside if each in handed_out or not _private(each)]
    return [name, *sorted(public, key=lambda each: each.replace("._", "."))]


def _private(name):
    return any(part.startswith("_") or part in INSIDE for part in name.split("."))
