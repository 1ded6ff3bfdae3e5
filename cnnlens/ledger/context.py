"""Where a measurement runs: its sizes, and networks and data, loaded once and written down when it takes them."""

import time
from types import SimpleNamespace

from .. import datasets, zoo
from ..errors import CnnlensError
from .claim import CannotTell


class Context:
    """The sizes, networks, and data of a measurement.

    Parameters
    ----------
    kept : dict, optional
        What other measurements have loaded or computed already; shared between claims.

    Attributes
    ----------
    sources : dict of str to str
        What this measurement took, and the source line of each.
    size : namespace
        The sizes of the claim at the profile.
    borrowed : float
        Seconds that other measurements spent on what this one took from them: it would need them, were it alone.
    """

    def __init__(self, size, kept=None):
        self.size = SimpleNamespace(**size)
        self.sources = {}
        self.borrowed = 0.0
        self._kept = {} if kept is None else kept
        self._taken = set()

    def net(self, name):
        """A network by name, as :func:`cnnlens.zoo.load` finds it; :class:`~.claim.CannotTell` where it finds none."""
        found = self.shared(("net", name), lambda: _loaded(name))
        if isinstance(found, CnnlensError):
            raise CannotTell(str(found))
        return self._noted(name, found)

    def untrained(self, name, seed):
        """The same network before training; not a source, since it says nothing about any weights."""
        return self.shared(("untrained", name, seed), lambda: zoo.load(name, weights="random", seed=seed))

    def data(self, name):
        """A data set by name, as :func:`cnnlens.datasets.load` finds it."""
        return self._noted(name, self.shared(("data", name), lambda: datasets.load(name)))

    def photos(self):
        """The sample photographs."""
        return self._noted("photographs", self.shared("photos", datasets.photos))

    def shipped(self):
        """The photographs that come with packages and so are everywhere."""
        return self._noted("photographs of packages", self.shared("shipped", datasets.shipped))

    def shared(self, key, make):
        """What ``make()`` returns, computed once for all that ask under the same key (a tuple with all settings)."""
        if key not in self._kept:
            self._kept[key] = self._made(make)
        elif key not in self._taken:
            self.borrowed += self._kept[key][2]
        self._taken.add(key)
        thing, sources, _ = self._kept[key]
        self.sources.update(sources)  # who takes what others have made stands on the same networks and data
        return thing

    def _made(self, make):
        """What is made, the sources of its own that it took, and the seconds that it would take from nothing."""
        (before, self.sources), borrowed, began = (self.sources, {}), self.borrowed, time.perf_counter()
        try:
            return make(), self.sources, time.perf_counter() - began + self.borrowed - borrowed
        finally:
            self.sources = before

    def _noted(self, name, thing):
        self.sources[name] = thing.source
        return thing

    @property
    def stands_in(self):
        """Names of what was only a stand-in."""
        return tuple(name for name, source in self.sources.items() if source.startswith("stand-in"))


def _loaded(name):
    """A network, or the error that says why there is none: a second claim need not try again."""
    try:
        return zoo.load(name)
    except CnnlensError as error:
        return error
