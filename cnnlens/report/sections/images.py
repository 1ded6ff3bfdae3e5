"""The health of the images: the same picture twice, and properties that tell a class by themselves."""

import numpy as np

from ...scores.pictures import FEWEST, of_images
from ..parts import Part, Table
from .choosing import drawn

TITLE = "Health of the images"
SHOWS = (
    "What is wrong with the images before any network sees them: pictures that are nearly the same, above all in the "
    "training and in the test folder, or in two classes; and simple properties, such as brightness, sharpness, color, "
    "border or the size of the file, that tell a class by themselves, so that a network need not look at anything else."
)
MOST = 20  # pairs that the table names
TELLING = 8  # properties


def make(subject, sizes):
    """The Part."""
    folder = subject.folder
    how = {"groups": folder.groups, "classes": folder.classes, "sizes": folder.sizes, "source": folder.source}
    found = of_images(folder.images, folder.labels, **how)
    counts = (
        ("images", f"{len(folder)} of {folder.count}" if len(folder) < folder.count else f"{len(folder)}"),
        ("nearly the same", f"{len(found.pairs)} pairs"),
        ("of these, in training and test", f"{found.across_groups.sum()}"),
        ("of these, in two classes", f"{found.across_classes.sum()}"),
    )
    tables = (Table("Pictures that are nearly the same", ("one", "other", "correlation"), _pairs(found, folder)),)
    tables += (Table("What tells a class by itself most", ("property", "class", "strength"), _telling(found)),)
    told = bool(np.isfinite(found.strength).any())
    notes = [] if told else [f"No class has the {FEWEST} images from which a property could be said to tell it."]
    if len(folder) < folder.count:
        notes.append(f"Looked for among the {len(folder)} images that were read, not among all {folder.count}.")
    return Part(
        name="images",
        title=TITLE,
        shows=SHOWS,
        numbers=counts,
        figures=(drawn(found),) if told or len(found.pairs) else (),
        tables=tuple(table for table in tables if table.rows),
        findings=found.findings,
        notes=tuple(notes),
        source=folder.source,
    )


def _pairs(found, folder):
    """The pairs that matter first: those across groups or classes."""
    matters = found.across_groups | found.across_classes
    order = np.argsort(~matters, kind="stable")[:MOST]
    names = [[folder.paths[number] for number in pair] for pair in found.pairs[order]]
    return tuple((*pair, f"{value:.3f}") for pair, value in zip(names, found.correlation[order]))


def _telling(found):
    """The strongest properties: 0 tells nothing, 1 tells the class always."""
    values = np.nan_to_num(found.strength)
    best = np.argsort(-values.ravel(), kind="stable")[:TELLING]
    places = [np.unravel_index(place, values.shape) for place in best]
    names = list(found.properties)
    return tuple((names[i], found.classes[k], f"{values[i, k]:.2f}") for i, k in places if values[i, k] > 0)
