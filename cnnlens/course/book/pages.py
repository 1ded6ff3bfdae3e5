"""What tells of a run of the lessons: their chapters, the front page, the record of the run."""

import base64
import io
from types import SimpleNamespace

import jinja2
import nbformat
import PIL.Image

from .. import runner
from . import chapters, microscope

THUMBNAIL = (640, 400)  # px
PLACES = [jinja2.PackageLoader("cnnlens.course.book"), jinja2.PackageLoader("cnnlens.course")]  # for what they share
ESCAPED = jinja2.select_autoescape(["html"])  # the pages are Markdown, what the scorecard puts into them is HTML
TEMPLATES = jinja2.Environment(
    loader=jinja2.ChoiceLoader(PLACES), autoescape=ESCAPED, trim_blocks=True, lstrip_blocks=True
)
TEMPLATES.filters["escaped"] = chapters.escaped
ADDRESSES = (  # at which LeNet's page can be opened
    ("digit=4&unit=conv2/7", "a four, and what one unit of the second convolution makes of it"),
    ("digit=8&unit=dense1/0", "a neuron that sees all of an eight"),
    ("digit=7&unit=conv1/6&set=conv1/6:0", "a seven, with a unit of the first convolution set to zero"),
    ("task=4-9", "draw a 4 that it takes for a 9"),
    ("task=1-7", "draw a 1 that it takes for a 7"),
)


def write(entries, course, source, *, library=True, playground=None, sites=()):
    """Write the pages that tell of a run, and the chapters of its lessons, into Sphinx's source folder.

    Parameters
    ----------
    entries : sequence of Entry
        The record of the run.
    course : Path
        The folder of the executed notebooks.
    source : Path
        Where the other pages lie already.
    library : bool or sequence of str
        Whether there are pages of the library.
    playground : dict of str to str, optional
        The networks that there are pages to draw for, and what each page shows.
    sites : sequence of MicroscopeSite
        That become part of the book.
    """
    cards = [_lesson(entry, course, source, sites) for entry in entries]
    page(source, "index", cards=cards, library=library, playground=bool(playground), sites=sites)
    page(source, "run", entries=entries, cards=cards, gib=2**30)
    if sites:
        microscope.copy(sites, source / "extra")
        page(source, "microscope", sites=sites)
    if playground:
        first, *others = playground
        page(source, "playground", first=first, others=others, alt=playground[first], addresses=ADDRESSES)


def page(source, name, template=None, **told):
    """Write one page of the book from its template."""
    path = source / f"{name}.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(TEMPLATES.get_template(f"{template or name}.md").render(**told), encoding="utf-8")


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
