"""Files of the ledger: what is measured stands in JSON files of rows, what is said in the TOML files of ``data/``."""

import json
import tomllib
from dataclasses import asdict
from importlib import resources
from pathlib import Path

from .. import files
from ..errors import CnnlensError


def packaged(name):
    """A TOML file of this package's ``data`` folder as a dict; its lists are tuples, at any depth."""
    text = (resources.files(__package__) / "data" / f"{name}.toml").read_text(encoding="utf-8")
    return _frozen(tomllib.loads(text))


def _frozen(value):
    if isinstance(value, dict):
        return {name: _frozen(item) for name, item in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def source(rows):
    """Where all that rows were measured on came from, each source once."""
    return "; ".join(dict.fromkeys(line for row in rows for line in row.sources.values()))


def write(path, **lists):
    """Write lists of rows as JSON, whole or not at all.

    Parameters
    ----------
    path : path
    **lists : sequence of dataclass instances
        By the name that they have in the file.
    """
    found = {name: [asdict(row) for row in rows] for name, rows in lists.items()}
    with files.atomic(path) as partial:
        partial.write_text(json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def read(path, what, **kinds):
    """Lists of rows from their JSON file.

    Parameters
    ----------
    path : path
    what : str
        What the file should be, for the error: ``ledger`` or ``table``.
    **kinds : dataclass
        What the rows of each list are, by its name in the file.

    Returns
    -------
    list of tuple
        In the order of ``kinds``.

    Raises
    ------
    CnnlensError
        If the file is missing or is not what it should be.
    """
    path = Path(path)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return [tuple(_row(kind, fields) for fields in found[name]) for name, kind in kinds.items()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        found = f"{path.name} is no {what} ({type(error).__name__}: {error})"
        raise CnnlensError(f"{found}. Delete it, or write one with `cnnlens scorecard`.") from error


def _row(kind, fields):
    """A row; what was a tuple is a list in JSON."""
    return kind(**_frozen(fields))
