"""Faults of a lesson that papermill lets pass: wrong parameters, errors that a widget swallowed, what is not shown."""

import ast
import inspect
from pathlib import Path

import nbformat

from ..errors import CnnlensError, unknown

PICTURES = ("image/png", "image/svg+xml", "image/jpeg")
WIDGETS = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"
TRACEBACK = "Traceback (most recent call last)"


def check_parameters(path, values):
    """Refuse parameters that a lesson does not have, and values of another type than its default.

    Papermill only warns of the first and says nothing of the second.
    """
    known = {}
    for cell in nbformat.read(path, as_version=4).cells:
        if "parameters" in cell.metadata.get("tags", []):
            known.update(_literals(cell.source, path))
    lesson = Path(path).stem
    for name, value in values.items():
        if name not in known:
            raise unknown(f"parameter of {lesson}", name, known)
        default = known[name]
        fits = default is None or type(value) is type(default) or (isinstance(default, float) and type(value) is int)
        if not fits:
            wanted = f"{type(default).__name__} (default {default!r})"
            got = f"{value!r}, which is {type(value).__name__}"
            raise CnnlensError(f"Parameter {name} of {lesson} is {wanted}; got {got}.")


def _literals(source, path):
    try:
        return {
            node.targets[0].id: ast.literal_eval(node.value)
            for node in ast.parse(source).body
            if isinstance(node, ast.Assign)
        }
    except ValueError as error:
        raise CnnlensError(f"The parameters cell of {Path(path).name} must hold literals only: {error}.") from error


def swallowed_errors(notebook):
    """Errors that did not stop the notebook: in a widget's own output, or in a traceback printed on a stream."""
    widgets = notebook.metadata.get("widgets", {}).get(WIDGETS, {}).get("state", {})
    places = [("a widget's callback", model.get("state", {}).get("outputs", ())) for model in widgets.values()]
    places += [(f"cell {number}", cell.get("outputs", ())) for number, cell in enumerate(notebook.cells)]
    for place, outputs in places:
        for output in outputs:
            text = str(output.get("text", ""))
            if output.get("output_type") == "error":
                yield f"{place} raised {output.get('ename')}: {output.get('evalue')}"
            elif TRACEBACK in text:
                yield f"{place} printed a traceback: {text.strip().splitlines()[-1]}"


def missing_pictures(notebook):
    """Cells tagged ``picture`` that show none."""
    for number, cell in enumerate(notebook.cells):
        tagged = "picture" in cell.metadata.get("tags", [])
        if tagged and not any(_is_picture(output) for output in cell.get("outputs", ())):
            yield f"cell {number} shows no picture: {inspect.cleandoc(cell.source).splitlines()[-1]}"


def missing_twins(notebook):
    """Cells that show an explorer without the twin that works without a kernel; only explorers also have a picture."""
    for number, cell in enumerate(notebook.cells):
        shown = [output.get("data", {}) for output in cell.get("outputs", ())]
        if any(VIEW in data and "image/png" in data and "text/html" not in data for data in shown):
            yield f"cell {number} shows an explorer that left no frames for readers without a kernel"


def _is_picture(output):
    data = output.get("data", {})
    html = "".join(data.get("text/html", ""))
    return any(kind in data for kind in PICTURES) or any(tag in html for tag in ("<img", "<svg", "<canvas"))
