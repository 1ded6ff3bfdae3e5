"""Runs lessons headlessly with papermill, and goes red when one is broken.

Papermill itself stays green in four cases that matter here: a parameter that the lesson does not have, an error that a
widget swallowed, a picture that is missing, and a stand-in where the real thing was asked for. Each is looked for here.
"""

import ast
import contextlib
import inspect
import os
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

from .. import files
from ..errors import CnnlensError, unknown

TIMEOUTS = {"quick": 300, "full": 7200}  # seconds a cell
PICTURES = ("image/png", "image/svg+xml", "image/jpeg")


@dataclass(frozen=True)
class Outcome:
    """How one lesson went.

    Attributes
    ----------
    lesson : str
    problems : tuple of str
        Empty when it is in order.
    seconds : float
        From starting the kernel to its end.
    notebook : Path
        As executed, with all outputs.
    """

    lesson: str
    problems: tuple
    seconds: float
    notebook: Path

    @property
    def passed(self):
        return not self.problems


def lessons():
    """All lessons of the course: {name: path}, in order."""
    folder = files.repository() / "notebooks"
    return {path.stem: path for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))}


def find(name):
    """The path of a lesson by its name, its number, its name without the number, or its path."""
    known = lessons()
    if str(name).endswith(".ipynb"):
        if not Path(name).is_file():
            raise CnnlensError(f"There is no notebook {str(name)!r}.")
        return Path(name)
    for stem, path in known.items():
        number, _, rest = stem.partition("_")
        if name in (stem, number, number.lstrip("0"), rest):
            return path
    raise unknown("lesson", name, known)


def run(lesson, out, *, profile="quick", parameters=None, timeout=None, require_real=False, progress=True):
    """Execute one lesson.

    Parameters
    ----------
    lesson : str or path
        As :func:`find` takes it.
    out : path
        Folder for the executed notebook; files that the lesson writes go into its folder ``files``.
    profile : {"quick", "full"}
    parameters : dict, optional
        Values for the lesson's parameters.
    timeout : float, optional
        Seconds that one cell may take.
    require_real : bool
        Fail where the lesson would use a stand-in.
    progress : bool
        Show a bar over the cells.

    Returns
    -------
    Outcome

    Raises
    ------
    CnnlensError
        If there is no such lesson or parameter, or a value is of another type.
    """
    path, out = find(lesson), Path(out)
    if profile not in TIMEOUTS:
        raise unknown("profile", profile, TIMEOUTS)
    values = {"profile": profile, **(parameters or {})}
    check_parameters(path, values)
    work = out / "files" / path.stem
    work.mkdir(parents=True, exist_ok=True)
    target = out / path.name
    began = time.perf_counter()
    with _environment(
        CNNLENS_HEADLESS="1", CNNLENS_REQUIRE_REAL="1" if require_real else os.environ.get("CNNLENS_REQUIRE_REAL", "0")
    ):
        problem = _execute(path, target, values, timeout or TIMEOUTS[profile], work, progress)
    seconds = time.perf_counter() - began
    if problem is None:
        found = nbformat.read(target, as_version=4)
        problems = [*swallowed_errors(found), *missing_pictures(found)]
    else:
        problems = [problem]
    return Outcome(path.stem, tuple(problems), seconds, target)


@contextlib.contextmanager
def _environment(**values):
    before = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value


def _execute(path, target, values, timeout, work, progress):
    """Run with papermill; what went wrong in words, or None."""
    try:
        papermill.execute_notebook(
            path,
            target,
            values,
            kernel_name="python3",
            language="python",
            execution_timeout=timeout,
            progress_bar=progress,
            cwd=work,
            request_save_on_cell_execute=False,
            autosave_cell_every=0,
        )
    except PapermillExecutionError as error:
        return f"cell {error.cell_index} failed: {error.ename}: {error.evalue}"
    except CellTimeoutError:
        return f"a cell took longer than {timeout} s; give --timeout more, or make the lesson smaller"
    except DeadKernelError:
        return "the kernel died; most often memory ran out"
    return None


def check_parameters(path, values):
    """Refuse parameters that a lesson does not have, and values of another type than its default.

    Papermill only warns of the first and says nothing of the second.
    """
    known = {}
    for cell in nbformat.read(path, as_version=4).cells:
        if "parameters" in cell.metadata.get("tags", []):
            known.update(_literals(cell.source, path))
    for name, value in values.items():
        if name not in known:
            raise unknown(f"parameter of {Path(path).stem}", name, known)
        default = known[name]
        fits = default is None or type(value) is type(default) or (isinstance(default, float) and type(value) is int)
        if not fits:
            raise CnnlensError(
                f"Parameter {name} of {Path(path).stem} is {type(default).__name__} (default {default!r}); got {value!r}, which is {type(value).__name__}."
            )


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
    widgets = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    for model in widgets.values():
        for output in model.get("state", {}).get("outputs", ()):
            if output.get("output_type") == "error":
                yield f"a widget swallowed {output.get('ename')}: {output.get('evalue')}"
            elif "Traceback (most recent call last)" in str(output.get("text", "")):
                yield f"a widget swallowed {output['text'].strip().splitlines()[-1]}"
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                yield f"cell {number} failed: {output.ename}: {output.evalue}"
            elif "Traceback (most recent call last)" in str(output.get("text", "")):
                yield f"cell {number} printed a traceback: {output.text.strip().splitlines()[-1]}"


def missing_pictures(notebook):
    """Cells tagged ``picture`` that show none."""
    for number, cell in enumerate(notebook.cells):
        if "picture" in cell.metadata.get("tags", []) and not any(
            _is_picture(output) for output in cell.get("outputs", ())
        ):
            yield f"cell {number} shows no picture: {inspect.cleandoc(cell.source).splitlines()[-1]}"


def _is_picture(output):
    data = output.get("data", {})
    html = "".join(data.get("text/html", ""))
    return any(kind in data for kind in PICTURES) or any(tag in html for tag in ("<img", "<svg", "<canvas"))
