"""What the pages say: the numbers of a store as plain values and words, without any HTML."""

import functools
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np

from ..labels import class_name
from ..scores.preferences import preferences
from .units import STATUS, words_of

NEARLY = 0.95  # correlation from which two units are called near-duplicates
MOST = 48  # units on the page of a class


def slug(path):
    """A layer's or a class's name as a file name, and as a part of an address.

    Examples
    --------
    >>> slug("backbone/block1_conv1"), slug("Egyptian cat")
    ('backbone.block1_conv1', 'Egyptian-cat')
    """
    return "".join(letter if letter.isalnum() or letter in "._-@" else "-" for letter in path.replace("/", "."))


@dataclass(frozen=True)
class Fired:
    """A unit that responds more to a class than to all others.

    Attributes
    ----------
    layer, unit : int
    difference, low, high : float
        As of :class:`cnnlens.scores.preferences.Preferences`.
    """

    layer: int
    unit: int
    difference: float
    low: float
    high: float


class Told:
    """What there is to say of a store.

    Parameters
    ----------
    store : Store
        All of whose images have been read.
    """

    def __init__(self, store):
        self.store, self.plan = store, store.plan
        self.labels = store.labels()

    @functools.cache  # noqa: B019  (as long as the pages are written)
    def summary(self, layer):
        """The numbers of all units of a layer, by name."""
        names = self.store.names(self.plan.summaries[layer])
        return {name.partition("/")[2]: self.store.array(name)[:] for name in names}

    @functools.cached_property
    def classes(self):
        """The classes that can be asked about: {number: name}."""
        numbers, counts = np.unique(self.labels[self.labels >= 0], return_counts=True)
        asked = numbers[(counts > 1) & (counts.sum() - counts > 1)]
        return {int(number): class_name(self.plan["classes"], number) for number in asked}

    @functools.cached_property
    def fired(self):
        """By class the units whose interval lies above zero, the surest first."""
        found = {number: [] for number in self.classes}
        for layer in range(len(self.plan.layers)):
            likes = preferences(self.store.read(layer, "peak"), self.labels)
            for row, unit in zip(*np.nonzero(likes.low > 0)):
                at = (float(values[row, unit]) for values in (likes.difference, likes.low, likes.high))
                found[int(likes.classes[row])].append(Fired(layer, int(unit), *at))
        return {number: sorted(units, key=lambda each: -each.low) for number, units in found.items()}

    def preferred(self, layer, unit):
        """The classes that a unit prefers, as (number, name, difference, low, high)."""
        summary = self.summary(layer)
        rows = zip(*(summary[name][unit].tolist() for name in ("preferred", "difference", "low", "high")))
        return [(number, self.classes[number], *at) for number, *at in rows if number in self.classes]

    def best_class(self, layer, unit):
        """The number of the class that a unit surely prefers; -1 if there is none."""
        summary = self.summary(layer)
        return int(summary["preferred"][unit, 0]) if summary["low"][unit, 0] > 0 else -1

    def alike(self, layer, unit):
        """The units that respond most alike, as (unit, correlation)."""
        summary = self.summary(layer)
        return [
            (n, r) for n, r in zip(summary["alike"][unit].tolist(), summary["correlation"][unit].tolist()) if n >= 0
        ]

    def made(self, layer, unit):
        """What became of the optimized image: {reached, start, status, says, sent, inside}."""
        names = ("reached", "start", "sent", "inside", "status", "says")
        values = {name: self._column(layer, name)[unit] for name in names}
        return {**values, "status": STATUS[values["status"]], "says": words_of(values["says"])}

    @functools.lru_cache(maxsize=64)  # noqa: B019
    def _column(self, layer, name):
        return self.store.read(layer, name)

    def forget(self):
        """Read anew what may have been made since."""
        self._column.cache_clear()

    def index(self, sealed):
        """What the search knows: layers with how many units, classes with how many that fire for them."""
        layers = [[layer.path, quote(slug(layer.path)), np.flatnonzero(there).tolist()] for layer, there in sealed]
        classes = [
            [name, quote(class_file(number, name)), len(self.fired[number])] for number, name in self.classes.items()
        ]
        return {"layers": layers, "classes": classes}


def class_file(number, name):
    """The name of the page of a class, without its ending."""
    return f"{number}-{slug(name)}"
