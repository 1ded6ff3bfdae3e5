"""The executed course as web pages: each lesson as HTML, and an index with a picture, the time and the result of each."""

import base64
import html
import io
from pathlib import Path

import nbformat
import PIL.Image
from nbconvert import HTMLExporter

from .. import files

THUMBNAIL = (480, 300)  # px

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>cnnlens: the course</title>
<style>
body {{ font: 17px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; color: #1b1b1f; background: #fafafa; }}
main {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1.5rem; }}
article {{ background: white; border: 1px solid #d8d8de; border-radius: .6rem; overflow: hidden; display: flex; flex-direction: column; }}
article img, article .blank {{ width: 100%; height: 12rem; object-fit: contain; background: #f1f1f4; display: block; }}
article div.text {{ padding: .8rem 1rem 1rem; }}
h2 {{ font-size: 1.1rem; margin: 0 0 .3rem; }} p {{ margin: .2rem 0; }}
.failed {{ color: #a30000; }} .passed {{ color: #00602b; }}
</style></head><body>
<h1>cnnlens: the course</h1>
<p>{summary}</p>
<main>
{cards}
</main></body></html>
"""

CARD = """<article>{picture}<div class="text"><h2><a href="{page}">{title}</a></h2>
<p class="{state}">{result}</p><p><a href="{notebook}">{notebook}</a></p></div></article>"""


def write(outcomes, out, profile):
    """Write ``NAME.html`` for each outcome, and ``index.html``.

    Parameters
    ----------
    outcomes : sequence of Outcome
    out : path
        The folder that holds the executed notebooks.
    profile : str
        Named on the index.

    Returns
    -------
    Path
        Of the index.
    """
    out = Path(out)
    cards = [_card(outcome, out) for outcome in outcomes]
    passed = sum(outcome.passed for outcome in outcomes)
    total = sum(outcome.seconds for outcome in outcomes)
    summary = f"{passed} of {len(outcomes)} lessons ran without fault at profile {profile}, in {total:.0f} s."
    with files.atomic(out / "index.html") as path:
        path.write_text(PAGE.format(summary=summary, cards="\n".join(cards)), encoding="utf-8")
    return out / "index.html"


def _card(outcome, out):
    title, picture = outcome.lesson, '<div class="blank"></div>'
    page = f"{outcome.lesson}.html"
    if outcome.notebook.is_file():
        notebook = nbformat.read(outcome.notebook, as_version=4)
        body, _ = HTMLExporter(template_name="lab").from_notebook_node(notebook, {"metadata": {"name": outcome.lesson}})
        with files.atomic(out / page) as path:
            path.write_text(body, encoding="utf-8")
        title = _title(notebook) or title
        picture = _thumbnail(notebook, title) or picture
    result = (
        f"ran without fault in {outcome.seconds:.0f} s" if outcome.passed else "failed: " + "; ".join(outcome.problems)
    )
    return CARD.format(
        picture=picture,
        page=page,
        title=html.escape(title),
        notebook=outcome.notebook.name,
        state="passed" if outcome.passed else "failed",
        result=html.escape(result),
    )


def _title(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("# "):
            return cell.source.splitlines()[0][2:]
    return None


def _thumbnail(notebook, title):
    """The picture of the cell tagged ``thumbnail``, or the last picture of the lesson, made small."""
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
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="A picture from the lesson: {html.escape(title, quote=True)}" src="data:image/png;base64,{data}">'
