"""The first cells of every lesson: which sizes, and on what it runs."""

import importlib.metadata
import platform
from types import SimpleNamespace

from packaging.requirements import Requirement

from .. import __version__, files
from ..errors import CnnlensError, unknown

PROFILES = ("quick", "full")


def lessons():
    """All lessons of the course: {name: path}, in order."""
    return {path.stem: path for path in sorted(files.shipped("notebooks").glob("[0-9][0-9]_*.ipynb"))}


def choose(profile, *, quick, full):
    """The sizes of a profile, as a namespace.

    Parameters
    ----------
    profile : {"quick", "full"}
    quick, full : dict
        Sizes by name; both must name the same ones.

    Raises
    ------
    CnnlensError
        If there is no such profile, or the two differ in what they name.
    """
    if profile not in PROFILES:
        raise unknown("profile", profile, PROFILES)
    if set(quick) != set(full):
        raise CnnlensError(f"quick and full must name the same sizes; they differ in {sorted(set(quick) ^ set(full))}.")
    return SimpleNamespace(**(quick if profile == "quick" else full))


def setup(*things):
    """Check the installed versions and print what this lesson runs on.

    Parameters
    ----------
    *things : Network, Dataset or Photos
        Whatever the lesson loaded; printed with its source.

    Raises
    ------
    CnnlensError
        If a package is older than the project supports, or the course and the library are of different versions.
    """
    from .. import device  # starts TensorFlow, which the command line's help must not wait for

    problems = outdated()
    if problems:
        way_out = "Run `make setup` in a checkout, or install the wheel again"
        raise CnnlensError(f"This environment does not fit the course: {'; '.join(problems)}. {way_out}.")
    rows = [("versions", ", ".join(versions())), ("device", device.describe())]
    rows += [(_kind(thing), f"{_name(thing)}{thing.source}") for thing in things]
    print("\n".join(f"{label:9}{text}" for label, text in rows))


def versions():
    """Python, cnnlens, Keras and TensorFlow, each with its version."""
    yield f"Python {platform.python_version()}"
    yield f"cnnlens {__version__}"
    for package in ("keras", "tensorflow"):
        yield f"{package} {importlib.metadata.version(package)}"


def outdated():
    """What is missing or older than ``pyproject.toml`` asks for, as sentences."""
    problems = []
    for line in importlib.metadata.requires("cnnlens") or []:
        wanted = Requirement(line)
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            found = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            problems.append(f"{wanted.name} is missing")
            continue
        if not wanted.specifier.contains(found, prereleases=True):
            problems.append(f"{wanted.name} is {found}, wanted {wanted.specifier}")
    return problems


def _kind(thing):
    return {"Network": "network", "Dataset": "data", "Photos": "photos"}.get(type(thing).__name__, "uses")


def _name(thing):
    return f"{thing.name}: " if hasattr(thing, "name") else f"{len(thing)} photographs: "
