"""A learner's own copies of the lessons: made once, never written over, and told of newer lessons."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from .. import __version__, files
from ..errors import CnnlensError

RECORD = ".cnnlens.json"  # in the folder of the copies: what each file was when it was copied
STATES = {
    "renewed": "was an unchanged copy of an older lesson, and is now today's",
    "yours": "has changes of yours, and is left as it is",
    "differs": "has changes of yours and is left as it is; cnnlens has another one now, put beside it as",
}


@dataclass(frozen=True)
class Copy:
    """What became of one lesson.

    Attributes
    ----------
    path : Path
        The learner's file.
    state : {"new", "same", "renewed", "yours", "differs"}
        ``new``: copied now. ``same``: is the lesson as it comes with this cnnlens. ``renewed``: was the untouched copy
        of another cnnlens, and is now the lesson of this one. ``yours``: the learner changed it, the lesson has not
        changed since. ``differs``: the learner changed it, and the lesson is another one now.
    beside : Path or None
        Where the lesson of this cnnlens was put when the learner's file ``differs``.
    """

    path: Path
    state: str
    beside: Path | None = None

    @property
    def words(self):
        """What a learner should know of it; empty where it is only new, or the same."""
        if self.state not in STATES:
            return ""
        return " ".join([self.path.name, STATES[self.state], *([self.beside.name] if self.beside else [])])


def update(lessons, folder):
    """Copy lessons into a folder; a file that was changed there is left as it is.

    Parameters
    ----------
    lessons : dict
        Path of each lesson by its name, as :func:`cnnlens.course.runner.lessons` gives them.
    folder : path
        Made when it does not exist.

    Returns
    -------
    list of Copy
        In the order of the lessons.

    Raises
    ------
    CnnlensError
        If the folder cannot be made, read or written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        record = _recorded(folder)
        copies = [_update(path, folder, record) for path in lessons.values()]
        with files.atomic(folder / RECORD) as partial:
            partial.write_text(json.dumps(record, indent=1), encoding="utf-8")
    except OSError as error:
        raise CnnlensError(
            f"The lessons cannot be copied to {folder}: {error.strerror} ({error.filename}). Name another folder."
        ) from error
    return copies


def _update(lesson, folder, record):
    target = folder / lesson.name
    began = record.get(target.name)  # what the learner's file was copied from
    state = _put(lesson, target, record)
    if state != "yours" or began == files.sha256(lesson):
        return Copy(target, state)
    beside = folder / f"{lesson.stem}-{__version__}.ipynb"
    _put(lesson, beside, record)
    return Copy(target, "differs", beside)


def _put(lesson, target, record):
    """Write a lesson unless a file is there that somebody changed; the state, and in the record what was written."""
    wanted, found = lesson.read_bytes(), target.read_bytes() if target.exists() else None
    if found is not None and found != wanted and _sum(found) != record.get(target.name):
        return "yours"
    if found != wanted:
        with files.atomic(target) as partial:
            partial.write_bytes(wanted)
    record[target.name] = _sum(wanted)
    return "new" if found is None else "same" if found == wanted else "renewed"


def _sum(content):
    return hashlib.sha256(content).hexdigest()


def _recorded(folder):
    """SHA-256 by file name; empty where nothing readable was recorded, so that each file there counts as changed."""
    try:
        found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
