"""What a learner has done across the lessons: a small file that is theirs, to read and to delete."""

import datetime
import json
import os
from pathlib import Path

import platformdirs

from .. import files
from ..errors import CnnlensError

VARIABLE = "CNNLENS_PROGRESS"  # names another file


def path():
    """Where it is kept: the file that ``CNNLENS_PROGRESS`` names, else one where this system keeps a user's data."""
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else platformdirs.user_data_path("cnnlens") / "progress.json"


def is_kept():
    """Whether a learner sits here: not where lessons are run headlessly or marked."""
    return os.environ.get("CNNLENS_HEADLESS", "") in ("", "0")


def done():
    """The day on which each exercise was first right: {name: "2026-11-25"}.

    Raises
    ------
    CnnlensError
        If the file cannot be read, or is none of ours.
    """
    try:
        found = json.loads(path().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise _unusable(error) from error
    if not isinstance(found, dict) or not all(isinstance(day, str) for day in found.values()):
        raise _unusable("not a day for each exercise")
    return found


def enter(name, exercises):
    """Remember that an exercise is right, and say how far the learner is.

    Parameters
    ----------
    name : str
    exercises : dict
        All of the course, as :func:`cnnlens.course.exercise.exercises` gives them.

    Returns
    -------
    str
        Such as "3 of 4 in this lesson, 9 of 35 in all."; what stood in the way where nothing could be written.
    """
    try:
        known = {name: datetime.date.today().isoformat(), **done()}
        path().parent.mkdir(parents=True, exist_ok=True)
        with files.atomic(path()) as partial:
            partial.write_text(json.dumps(known, indent=1), encoding="utf-8")
    except (CnnlensError, OSError) as error:
        return f"(Your progress is not kept: {error})"
    here = [each.name in known for each in exercises.values() if each.lesson == exercises[name].lesson]
    total = [each in known for each in exercises]
    return f"{sum(here)} of {len(here)} in this lesson, {sum(total)} of {len(total)} in all."


def progress():
    """Print what is done, a row a lesson, and where that is kept."""
    from .exercise import exercises

    known, by_lesson = done(), {}
    for each in exercises().values():
        by_lesson.setdefault(each.lesson, []).append(each.name)
    for lesson, names in by_lesson.items():
        marked = ", ".join(f"{'✓' if name in known else '…'} {name}" for name in names)
        print(f"{lesson:20} {sum(name in known for name in names)} of {len(names)}   {marked}")
    total = sum(map(len, by_lesson.values()))
    print(f"{'in all':20} {sum(name in known for names in by_lesson.values() for name in names)} of {total}")
    print(f"✓ done, … to do. Kept in {path()}; delete that file to begin anew.")


def _unusable(why):
    return CnnlensError(f"{path()} is not a record of progress ({why}). Delete it; it is written anew.")
