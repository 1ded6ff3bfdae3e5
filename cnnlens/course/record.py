"""The record of a run, kept beside the executed notebooks: how each lesson went, and on what."""

import dataclasses
import datetime
import json
from dataclasses import dataclass
from pathlib import Path

import nbformat

from .. import files
from ..errors import CnnlensError

NAME = "record.json"
FIRST_WORD = "versions"  # what course.setup prints begins with it
LABEL = 9  # letters, the width of the labels that it prints


@dataclass(frozen=True)
class Entry:
    """How one lesson went.

    Attributes
    ----------
    lesson : str
    profile : {"quick", "full"}
    date : str
        The day it was run, such as ``2026-11-25``.
    seconds : float
    memory : float
        Bytes at the peak.
    problems : tuple of str
        Empty when it is in order.
    ran_on : tuple of (str, str)
        What :func:`cnnlens.course.setup` printed: versions, device, networks and data with their sources.
    """

    lesson: str
    profile: str
    date: str
    seconds: float
    memory: float
    problems: tuple
    ran_on: tuple

    @property
    def passed(self):
        """Whether it ran without fault."""
        return not self.problems

    @property
    def stand_ins(self):
        """What stood in for networks and data, a line each."""
        return tuple(text for _, text in self.ran_on if "stand-in for" in text)


def keep(outcome, out, profile):
    """Enter an Outcome in the record of a folder; entries of other lessons stay.

    Parameters
    ----------
    outcome : Outcome
    out : path
        The folder of the executed notebooks.
    profile : {"quick", "full"}

    Returns
    -------
    Path
        Of the record.
    """
    path = Path(out) / NAME
    today = datetime.date.today().isoformat()
    told = dict(seconds=outcome.seconds, memory=outcome.memory, problems=tuple(outcome.problems))
    entry = Entry(lesson=outcome.lesson, profile=profile, date=today, ran_on=ran_on(outcome.notebook), **told)
    others = [other for other in read(out) if other.lesson != entry.lesson] if path.is_file() else []
    entries = sorted([*others, entry], key=lambda entry: entry.lesson)
    with files.atomic(path) as partial:
        partial.write_text(json.dumps([dataclasses.asdict(entry) for entry in entries], indent=1), encoding="utf-8")
    return path


def read(out):
    """The entries of a folder's record, in the order of the lessons.

    Raises
    ------
    CnnlensError
        If the folder has no record, or what is there is none.
    """
    path = Path(out) / NAME
    if not path.is_file():
        raise CnnlensError(f"{path} is not there: run the lessons first, with `cnnlens run --out {out}`.")
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [
            Entry(**{**row, "problems": tuple(row["problems"]), "ran_on": tuple(map(tuple, row["ran_on"]))})
            for row in rows
        ]
    except (ValueError, TypeError, KeyError) as error:
        raise CnnlensError(f"{path} is not a record of a run ({error}). Delete it and run the lessons again.") from None


def ran_on(notebook):
    """What :func:`cnnlens.course.setup` printed in an executed notebook, as (label, text); () where there is none."""
    if not Path(notebook).is_file():
        return ()
    for cell in nbformat.read(notebook, as_version=4).cells:
        for output in cell.get("outputs", ()):
            lines = output.get("text", "").splitlines()
            if lines and lines[0].startswith(FIRST_WORD):
                return tuple((line[:LABEL].strip(), line[LABEL:].strip()) for line in lines)
    return ()
