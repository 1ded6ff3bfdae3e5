"""What a book holds whatever the lessons say: the scorecard, the library's pages, the pages to draw for.

To import this starts TensorFlow, which takes seconds: only the processes of :class:`.ahead.Parts` do.
"""

import importlib
import pickle
import pkgutil
from pathlib import Path

from sphinx.application import ENV_PICKLE_FILENAME

import cnnlens

from ... import ledger, playground as playgrounds, zoo
from ...ledger import table
from .. import report
from .extension import names_as_users_write_them
from .pages import page
from .reading import sphinx

ROOMS = {  # the rooms of the library, in the order in which a reader meets them
    "network": "Networks",
    "zoo": "Networks by name",
    "datasets": "Data",
    "lenses": "Lenses",
    "scores": "Scores",
    "figures": "Figures",
    "explore": "Explorers",
    "playground": "The playground",
    "microscope": "The microscope",
    "report": "Reports",
    "cluster": "Clusters",
    "ledger": "The ledger of claims",
    "training": "Training",
    "course": "The course",
}
INSIDE = ("commands", "book", "checks", "__main__")  # rooms that only the command line and the exercises use


def draw(folder, wanted):
    """Write the pages to draw for.

    Parameters
    ----------
    folder : Path
        That is not there.
    wanted : dict of str to dict
        By name of the network, options of :func:`cnnlens.playground.page`.

    Returns
    -------
    dict of str to str
        What each shows, in a sentence, by name of the network.
    """
    folder.mkdir()
    shown = {}
    for name, options in wanted.items():
        made = playgrounds.page(zoo.load(name), **{"progress": False} | options)
        made.save(folder / f"{name}.html")
        shown[name] = made.alt
    return shown


def read(folder, library):
    """Write the pages of the scorecard and of the library, and have Sphinx read them, so that later it need not.

    Parameters
    ----------
    folder : Path
        As :func:`.reading.sphinx` takes it.
    library : bool or sequence of str
        With the pages of the library, or of some of its rooms.

    Returns
    -------
    list of str
        What Sphinx complained of.
    """
    source = folder / "source"
    (source / "index.md").write_text("# Not yet written\n", encoding="utf-8")  # without a front page Sphinx refuses
    page(source, "scorecard", **report.told(ledger.read(), table.read()), style=report.STYLE)
    if library:
        rooms = ROOMS if library is True else {room: ROOMS[room] for room in library}
        page(source, "library/index", "library", rooms=rooms)
        for room, title in rooms.items():
            page(source, f"library/{room}", "room", title=title, room=room, modules=modules(room))
    with sphinx(folder) as (app, complaints):
        app.connect("env-updated", names_as_users_write_them)
        app.builder.read()
        with open(app.doctreedir / ENV_PICKLE_FILENAME, "wb") as kept:
            pickle.dump(app.env, kept)
    return complaints


def modules(room):
    """The names of a room's modules: the room itself, then what lies in it and is not private, or is handed out."""
    name = f"{cnnlens.__name__}.{room}"
    found = next(module for module in pkgutil.iter_modules(cnnlens.__path__) if module.name == room)
    if not found.ispkg:
        return [name]
    place = Path(cnnlens.__path__[0], room)
    inner = pkgutil.walk_packages([str(place)], f"{name}.")
    handed_out = {
        f"_{each}" for each in getattr(importlib.import_module(name), "__all__", ())
    }  # explore.lime stands in explore/_lime.py
    inside = [each.name.removeprefix(f"{name}.") for each in inner]
    public = [f"{name}.{each}" for each in inside if each in handed_out or not _private(each)]
    return [name, *sorted(public, key=lambda each: each.replace("._", "."))]


def _private(name):
    return any(part.startswith("_") or part in INSIDE for part in name.split("."))
