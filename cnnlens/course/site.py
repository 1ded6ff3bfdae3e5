"""The executed course as web pages: each lesson as HTML, and an index with a picture, time and result of each."""

import base64
import io
from pathlib import Path
from types import SimpleNamespace

import jinja2
import nbformat
import PIL.Image
from nbconvert import HTMLExporter

from .. import files

THUMBNAIL = (480, 300)  # px
TEMPLATES = jinja2.Environment(loader=jinja2.PackageLoader("cnnlens.course"), autoescape=True)


def write_page(outcome):
    """Write ``NAME.html`` beside the executed notebook of an Outcome, if it left one."""
    if not outcome.notebook.is_file():
        return
    notebook = nbformat.read(outcome.notebook, as_version=4)
    exporter = HTMLExporter(template_name="lab")
    body, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": outcome.lesson}})
    with files.atomic(outcome.notebook.with_suffix(".html")) as path:
        path.write_text(body, encoding="utf-8")


def write_index(outcomes, out, profile, seconds):
    """Write ``index.html``: a card for each lesson.

    Parameters
    ----------
    outcomes : sequence of Outcome
    out : path
        The folder that holds the executed notebooks.
    profile : str
        Named on the index.
    seconds : float
        That all of them took together.

    Returns
    -------
    Path
        Of the index.
    """
    index = Path(out) / "index.html"
    page = TEMPLATES.get_template("index.html").render(
        cards=[_card(outcome) for outcome in outcomes],
        passed=sum(outcome.passed for outcome in outcomes),
        profile=profile,
        seconds=seconds,
    )
    with files.atomic(index) as path:
        path.write_text(page, encoding="utf-8")
    return index


def _card(outcome):
    card = SimpleNamespace(outcome=outcome, title=outcome.lesson, picture=None)
    if outcome.notebook.is_file():
        notebook = nbformat.read(outcome.notebook, as_version=4)
        card.title = _title(notebook) or card.title
        card.picture = _thumbnail(notebook)
    return card


def _title(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("# "):
            return cell.source.splitlines()[0][2:]
    return None


def _thumbnail(notebook):
    """The picture of the cell tagged ``thumbnail``, or the last picture of the lesson, small, as base64."""
    pictures = [
        (output.data["image/png"], "thumbnail" in cell.metadata.get("tags", []))
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
    return base64.b64encode(buffer.getvalue()).decode()
