"""Marks a class's notebooks with the checks of the exercises; each notebook costs only itself.

Of a notebook nothing runs but the cells that answer exercises, with the imports, functions and constants of other cells
that these use. They run in a process of their own (:mod:`cnnlens.course.marker`) in a folder of their own. That process
is ended, with all that it started, when an exercise takes too long or too much memory; the other exercises are then
marked in a new one.

This is no sandbox. The process refuses what is done in Python to files elsewhere, to other programs and to the network,
which stops an accident or a prank; who means harm gets around it. Mark the work of strangers in a container.
"""

import contextlib
import csv
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import nbformat
import psutil

from .. import files
from ..errors import CnnlensError
from .editions import checked, defined
from .exercise import exercises
from .sources import answer, missing, words_on

START = 120  # seconds that the process has to begin; no answer runs in them
LOOK = 0.3  # seconds between two looks at the memory
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Mark:
    """One exercise of one learner.

    Attributes
    ----------
    learner : str
        The notebook's path in the folder, without its ending.
    lesson, exercise : str
        Empty where the notebook could not be read, or has no exercise.
    passed : bool
    words : str
        What the check said, on one line.
    seconds : float
    """

    learner: str
    lesson: str
    exercise: str
    passed: bool
    words: str
    seconds: float


def notebooks(folder):
    """The notebooks of a folder and of the folders in it, in order.

    Raises
    ------
    CnnlensError
        If it is no folder, or holds none.
    """
    found = sorted(Path(folder).rglob("*.ipynb")) if Path(folder).is_dir() else None
    if found is None:
        raise CnnlensError(f"There is no folder {str(folder)!r}. Expected one with a notebook for each learner.")
    found = [path for path in found if ".ipynb_checkpoints" not in path.parts]
    if not found:
        raise CnnlensError(f"No notebook (*.ipynb) lies in {str(folder)!r} or in a folder in it.")
    return found


def grade(notebook, learner, *, seconds=60, memory=4.0):
    """Mark one notebook.

    Parameters
    ----------
    notebook : path
    learner : str
    seconds : float
        Time for each exercise.
    memory : float
        GiB that answers may hold beside the libraries, which are loaded before them.

    Returns
    -------
    list of Mark
        One for each exercise of the lesson, also for those that the notebook does not have.
    """
    try:
        given = nbformat.read(notebook, as_version=4)
        lesson, found = answers(given)
    except Exception as error:  # whatever a learner hands in
        return [Mark(learner, "", "", False, _line(f"This is no notebook that can be read: {error}"), 0.0)]
    if not found:
        return [Mark(learner, "", "", False, "No exercise of this course is in it.", 0.0)]
    told = _run({name: source for name, source in found.items() if source}, seconds, memory)
    undefined = "failed", "The notebook does not define it.", 0.0
    rows = {name: told.get(name, undefined) for name in found}
    return [
        Mark(learner, lesson, name, state == "passed", _line(words + _on_variables(name, words, given)), spent)
        for name, (state, words, spent) in rows.items()
    ]


def _on_variables(name, words, notebook):
    """What to say of an answer that stopped at a name which only the learner's notebook has."""
    lost = [each for each in missing(name, _codes(notebook)) if f"name '{each}' is not defined" in words]
    return f" {words_on(lost)}" if lost else ""


def write(marks, path):
    """Write marks as CSV, whole or not at all; a spreadsheet must not take a name or a word for a formula."""
    with files.atomic(path) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow([field.name for field in fields(Mark)])
        for mark in marks:
            *texts, passed, words, seconds = astuple(mark)
            rows.writerow([*map(_harmless, texts), "yes" if passed else "no", _harmless(words), f"{seconds:.1f}"])


def _harmless(text):
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t")) else text


def _line(text):
    return " ".join(str(text).split())


# --- what of a notebook is run ----------------------------------------------------------------------------------------


def answers(notebook):
    """The lesson that a notebook is of, and the source that answers each of its exercises; None where none does."""
    known, sources = exercises(), _codes(notebook)
    named = [name for source in sources for name in defined(source)]
    named += [name for cell in notebook.cells for name in checked(cell)]
    lessons = [known[name].lesson for name in named if name in known]
    if not lessons:
        return "", {}
    lesson = max(lessons, key=lessons.count)
    names = [name for name, each in known.items() if each.lesson == lesson]
    return lesson, {name: answer(name, sources) for name in names}


def _codes(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


# --- running it -------------------------------------------------------------------------------------------------------


def _run(tasks, seconds, memory):
    """{name: (state, words, seconds)} of every task; a process that had to be ended is followed by another."""
    done, left = {}, dict(tasks)
    while left:
        with tempfile.TemporaryDirectory(prefix="cnnlens-", ignore_cleanup_errors=True) as folder:
            told, problem = _one_process(left, Path(folder), seconds, memory)
        done.update(told)
        left = {name: source for name, source in left.items() if name not in told}
        if left:  # they are marked in order, so the process ended with the first of those that are left
            name = next(iter(left))
            del left[name]
            done[name] = "failed", *problem
    return done


def _one_process(tasks, folder, seconds, memory):
    """What a process says of the tasks, until it is done or has to be ended; then also why, and after how long."""
    (folder / "tasks.json").write_text(json.dumps(tasks), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "cnnlens.course.marker", str(folder.resolve())],
        cwd=folder,
        env={**os.environ, **ONE_THREAD},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    lines = queue.Queue()
    threading.Thread(target=_listen, args=(process, lines), daemon=True).start()
    told, began, limit, loaded = {}, time.monotonic(), START, None
    try:
        while True:
            try:
                line = lines.get(timeout=LOOK)
            except queue.Empty:
                spent = time.monotonic() - began
                if loaded is not None and _held(process) - loaded > memory * 2**30:
                    return told, (f"It took more than {memory:g} GiB of memory and was ended.", spent)
                if spent > limit:
                    return told, (f"It took longer than {limit:g} s and was ended.", spent)
                continue
            if line is None:
                return told, (f"Its process ended (exit code {process.wait()}).", time.monotonic() - began)
            began, limit = time.monotonic(), seconds
            if "name" in line:
                told[line["name"]] = line["state"], line["words"], line["seconds"]
            else:
                loaded = line["loaded"]
    finally:
        _end(process)


def _listen(process, lines):
    for line in process.stdout:
        with contextlib.suppress(ValueError):
            lines.put(json.loads(line))
    lines.put(None)


def _tree(process):
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(process.pid)
        return [root, *root.children(recursive=True)]
    return []


def _held(process):
    held = 0
    for each in _tree(process):
        with contextlib.suppress(psutil.Error):
            held += each.memory_info().rss
    return held


def _end(process):
    """End a process and all that it started."""
    for each in _tree(process):
        with contextlib.suppress(psutil.Error):
            each.kill()
    if hasattr(os, "killpg"):  # children whose parent is gone are still of its group
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
