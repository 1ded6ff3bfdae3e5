"""What an earlier run has finished: each part in a file of its own, under a name that says what it was made from."""

import base64
import dataclasses
import json
from pathlib import Path

import numpy as np

from .. import files
from ..fingerprints import digest
from ..scores.findings import Finding
from .parts import Figure, Part, Table


class Kept:
    """A folder of finished parts; one of None keeps nothing.

    Parameters
    ----------
    folder : path or None
    about : list of str
        Fingerprints of all that the parts are made from: the network, the images, the code.
    """

    def __init__(self, folder, about=()):
        self.folder = None if folder is None else Path(folder)
        self.about = tuple(about)

    def path(self, name, settings):
        """Where a part of this name and with these settings lies."""
        key = digest(*self.about, json.dumps(settings, sort_keys=True, default=str))
        return self.folder / f"{name}-{key}.json"

    def read(self, name, settings):
        """A finished part, or None."""
        if self.folder is None:
            return None
        try:
            return decoded(json.loads(self.path(name, settings).read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):  # none there, or damaged from outside: it is made again
            return None

    def write(self, part, settings):
        """Keep a part, whole or not at all."""
        if self.folder is not None:
            with files.atomic(self.path(part.name, settings)) as partial:
                partial.write_text(json.dumps(encoded(part)), encoding="utf-8")

    def array(self, name, compute):
        """An array that takes time, computed only if it is not there yet."""
        if self.folder is None:
            return compute()
        path = self.folder / f"{name}-{digest(*self.about)}.npz"
        try:
            with np.load(path, allow_pickle=False) as file:
                return file[name]
        except (OSError, ValueError, KeyError, EOFError):
            found = compute()
        with files.atomic(path) as partial, open(partial, "wb") as file:
            np.savez_compressed(file, **{name: found})
        return found


def encoded(part):
    """A part as what JSON can hold."""
    plain = {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}
    figures = [{**vars(each), "data": base64.b64encode(each.data).decode("ascii")} for each in part.figures]
    findings = [{**vars(each), "evidence": _plain(each.evidence)} for each in part.findings]
    return {**plain, "figures": figures, "tables": [vars(each) for each in part.tables], "findings": findings}


def decoded(plain):
    """The part again."""
    figures = tuple(Figure(**{**each, "data": base64.b64decode(each["data"])}) for each in plain["figures"])
    tables = tuple(Table(each["title"], tuple(each["header"]), _tuples(each["rows"])) for each in plain["tables"])
    findings = tuple(Finding(**each) for each in plain["findings"])
    rows = {name: _tuples(plain[name]) for name in ("numbers", "explorers")}
    return Part(
        **{**plain, **rows, "figures": figures, "tables": tables, "findings": findings, "notes": tuple(plain["notes"])}
    )


def _tuples(rows):
    return tuple(tuple(row) for row in rows)


def _plain(value):
    """NumPy's numbers and arrays as Python's own, whatever they lie in."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(each) for each in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
