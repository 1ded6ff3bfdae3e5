"""From an executed lesson to a chapter: what only a kernel can use goes, pictures become files with a text."""

import base64
import html
import re
from pathlib import Path

import nbformat

PNG, WIDGET = "image/png", "application/vnd.jupyter.widget-view+json"
INJECTED, CRASH = "injected-parameters", "papermill-error-cell-tag"
WIDTH = 100  # columns of code
ANIMATION = re.compile(r'<img alt="(?P<alt>[^"]*)" src="data:image/(?P<kind>\w+);base64,(?P<data>[^"]+)"\s*/?>')
FRAME = re.compile(r'<iframe (?P<before>[^>]*?)srcdoc="(?P<page>[^"]*)"(?P<after>[^>]*)></iframe>')


def chapter(notebook, name, folder, extra):
    """A lesson as Sphinx reads it.

    Parameters
    ----------
    notebook : NotebookNode
        As executed.
    name : str
        Of the lesson.
    folder : Path
        Where the chapter will lie; its pictures go into ``pictures``.
    extra : Path
        Where its pages within the page go, into ``frames``; Sphinx copies them beside the chapter as they are.

    Returns
    -------
    NotebookNode
        Without the cell of injected parameters, whose values stand in the lesson's own cell instead; without widgets,
        of which the twin is left, or else the picture and the words of the moment; and with every picture as a file
        with a text.
    """
    found = nbformat.from_dict(notebook)
    found.metadata.pop("widgets", None)
    found.cells = [cell for cell in with_parameters(found.cells) if CRASH not in tags(cell)]
    for number, cell in enumerate(found.cells):
        if cell.cell_type == "code":
            place = f"{name}-{number:02d}"
            cell.outputs = [
                shown for shown in outputs(cell.outputs, place, Path(folder), Path(extra)) if shown is not None
            ]
    return found


def tags(cell):
    """The tags of a cell."""
    return cell.metadata.get("tags", [])


def title(notebook):
    """The first heading of a lesson, or None."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("# "):
            return cell.source.splitlines()[0][2:]
    return None


def with_parameters(cells):
    """The cells without the injected ones, whose values are written into the cell tagged ``parameters``."""
    injected = [cell.source for cell in cells if INJECTED in tags(cell)]
    values = dict(re.findall(r"^(\w+) = (.*)$", "\n".join(injected), re.M))
    for cell in cells:
        if "parameters" in tags(cell):
            pattern = re.compile(r"^(\w+) = ([^#\n]*?)(?=\s*(?:#|$))", re.M)
            cell.source = pattern.sub(lambda found: f"{found[1]} = {values.get(found[1], found[2])}", cell.source)
    return [cell for cell in cells if INJECTED not in tags(cell)]


def outputs(found, place, folder, extra):
    """What each output of a cell becomes; None where it becomes nothing."""
    for number, output in enumerate(found):
        data = output.get("data", {})
        if output.output_type == "stream":
            yield output if output.name == "stdout" else None  # progress bars and the like
        elif WIDGET in data and PNG not in data:
            yield None  # a bar of progress
        elif PNG in data and "text/html" in data:  # an explorer with its twin
            yield nbformat.v4.new_output("display_data", data={"text/html": data["text/html"]})
        elif PNG in data:
            yield picture(output, f"{place}-{number}", folder)
        elif "text/html" in data:
            yield page(data["text/html"], f"{place}-{number}", folder, extra)
        else:
            yield output


def picture(output, name, folder):
    """A PNG as a file, with its alternative text; of a widget the words that stood beside it as well."""
    data = output.data
    path = written(folder / "pictures" / f"{name}.png", base64.b64decode(data[PNG]))
    words = data.get("text/plain", "")
    alt = output.metadata.get(PNG, {}).get("alt") or words
    text = f"![{escaped(alt)}]({path.relative_to(folder).as_posix()})"
    if WIDGET in data:
        text += f"\n\n{escaped(words)} *In JupyterLab, sliders change this picture.*"
    return markdown(text)


def page(source, name, folder, extra):
    """HTML with what it holds inside as files beside: an animation as a picture, a page within the page as a page."""
    if found := ANIMATION.fullmatch(source.strip()):
        path = folder / "pictures" / f"{name}.{found['kind']}"
        written(path, base64.b64decode(found["data"]))
        return markdown(f"![{escaped(html.unescape(found['alt']))}]({path.relative_to(folder).as_posix()})")

    def linked(found):
        path = written(extra / "frames" / f"{name}.html", html.unescape(found["page"]).encode())
        return f'<iframe {found["before"]}src="{path.relative_to(extra).as_posix()}"{found["after"]}></iframe>'

    return nbformat.v4.new_output("display_data", data={"text/html": FRAME.sub(linked, source)})


def markdown(text):
    return nbformat.v4.new_output("display_data", data={"text/markdown": text})


def escaped(words):
    """Words as Markdown that says just them, on one line."""
    return re.sub(r"([\\`*_{}\[\]()<>#+.!|~$^&:@-])", r"\\\1", " ".join(words.split()))


def written(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def too_wide(notebook, width=WIDTH):
    """Lines of code that a page would cut off or wrap, as (cell, line): in code cells and in fenced code.

    Parameters
    ----------
    notebook : NotebookNode
    width : int
        Columns that fit.
    """
    for number, cell in enumerate(notebook.cells):
        fenced = re.findall(r"^```.*?^```", cell.source, re.M | re.S)
        for block in [cell.source] if cell.cell_type == "code" else fenced:
            yield from ((number, line) for line in block.splitlines() if len(line) > width)
