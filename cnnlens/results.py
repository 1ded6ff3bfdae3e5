"""What every lens gives back: frozen arrays that know how they were made and can show themselves.

A lens knows nothing of pictures, yet its result draws itself when it ends a notebook cell. The two meet here: the
figures register a painter for each kind of result, and a result asks for its painter by name.
"""

import importlib
from dataclasses import dataclass, field

PAINTERS = {}  # kind of result -> function that turns one into (matplotlib Figure, alternative text)


@dataclass(frozen=True, kw_only=True)
class Result:
    """Base of all results.

    Attributes
    ----------
    source : str
        Where the network's weights came from (and the data, where a lens takes data).
    settings : dict
        What the lens was asked to do; enough to do it again.
    """

    source: str = ""
    settings: dict = field(default_factory=dict)

    def _repr_mimebundle_(self, include=None, exclude=None):
        figures = importlib.import_module("cnnlens.figures")  # by name and late: a lens must work without matplotlib
        painter = figures.painter_of(type(self))
        if painter is None:
            return {"text/plain": repr(self)}
        return figures.bundle(*painter(self))


def sources(net, images, source=""):
    """One line that says where the network's weights and the images came from; photographs bring their own."""
    return "; ".join(filter(None, (net.source, source or getattr(images, "source", ""))))


def painter(kind):
    """Decorator that registers how results of a kind are drawn: a function from result to (Figure, text)."""

    def register(function):
        PAINTERS[kind] = function
        return function

    return register
