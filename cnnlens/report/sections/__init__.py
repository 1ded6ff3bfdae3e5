"""The parts of a report, a file each: from the subject and sizes to a part."""

from dataclasses import dataclass

from . import activations, attribution, embedding, layers, network, superpixels, units


@dataclass(frozen=True)
class Section:
    """A part that can be made.

    Attributes
    ----------
    name, title : str
    make : function (Subject, sizes) -> Part
    turn : int
        When it is made: what tells most in least time comes first.
    heavy : bool
        Whether it takes so long that it is left out where hardly any time is left.
    sized : bool
        Whether it shows more at the full profile.
    """

    name: str
    title: str
    make: callable
    turn: int
    heavy: bool = False
    sized: bool = False


# In the order of the page.
SECTIONS = (
    Section("layers", layers.TITLE, layers.make, 0),
    Section("network", network.TITLE, network.make, 1),
    Section("activations", activations.TITLE, activations.make, 6, heavy=True, sized=True),
    Section("units", units.TITLE, units.make, 9, heavy=True, sized=True),
    Section("embedding", embedding.TITLE, embedding.make, 7, heavy=True, sized=True),
    Section("attribution", attribution.TITLE, attribution.make, 5, heavy=True, sized=True),
    Section("superpixels", superpixels.TITLE, superpixels.make, 8, heavy=True, sized=True),
)
