"""The parts of a report, a file each: from the subject and sizes to a part."""

from dataclasses import dataclass

from . import activations, answers, attribution, embedding, images, layers, network, reliance, superpixels, units


@dataclass(frozen=True)
class Section:
    """A part that can be made.

    Attributes
    ----------
    name, title : str
    make : function (Subject, sizes) -> Part
    turn : int
        When it is made: what tells most in least time comes first.
    cost : function (Subject, sizes) -> (graphs, passes, seconds), optional
        About what it takes: graphs to trace, passes of one image through the network, and seconds besides. A part
        without is quick, and never left out; one with it shows more at the full profile.
    """

    name: str
    title: str
    make: callable
    turn: int
    cost: callable = None


# In the order of the page.
SECTIONS = (
    Section("layers", layers.TITLE, layers.make, 0),
    Section("network", network.TITLE, network.make, 1),
    Section("images", images.TITLE, images.make, 3),
    Section("activations", activations.TITLE, activations.make, 6, activations.cost),
    Section("units", units.TITLE, units.make, 9, units.cost),
    Section("embedding", embedding.TITLE, embedding.make, 7, embedding.cost),
    Section("answers", answers.TITLE, answers.make, 2),
    Section("attribution", attribution.TITLE, attribution.make, 5, attribution.cost),
    Section("superpixels", superpixels.TITLE, superpixels.make, 8, superpixels.cost),
    Section("reliance", reliance.TITLE, reliance.make, 4, reliance.cost),
)
