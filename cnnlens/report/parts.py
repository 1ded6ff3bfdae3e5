"""What a report is made of: parts with words, numbers, figures and findings; each shows itself when it ends a cell."""

import io
import itertools
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from ..errors import unknown
from ..figures.base import png, webp
from ..scores.findings import heaviest

SMALL = 100_000  # bytes: a figure that takes no more is kept exactly, one of photographs nearly so
QUALITY = 88  # of WebP; letters of 8 px stay sharp


@dataclass(frozen=True)
class Figure:
    """A picture as it stands on the page.

    Attributes
    ----------
    data : bytes
        A WebP.
    width, height : int
        Pixels.
    alt : str
        What there is to see, in words.
    """

    data: bytes
    width: int
    height: int
    alt: str

    @classmethod
    def of(cls, fig, alt):
        """From a matplotlib Figure and its alternative text, as the painters give them."""
        with Image.open(io.BytesIO(png(fig))) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        data = webp(pixels, lossless=True, method=3)
        data = data if len(data) <= SMALL else webp(pixels, quality=QUALITY, method=3)
        return cls(data, pixels.shape[1], pixels.shape[0], alt)


@dataclass(frozen=True)
class Table:
    """Rows of words under a heading.

    Attributes
    ----------
    title : str
    header : tuple of str
    rows : tuple of tuple of str
    """

    title: str
    header: tuple
    rows: tuple


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a report.

    Attributes
    ----------
    name, title : str
        What to ask for it by, and its heading.
    shows : str
        What it shows, and how to read it, in words.
    numbers : tuple of (str, str)
        What was measured, and the value as it is written.
    figures : tuple of Figure
    tables : tuple of Table
    explorers : tuple of (str, str, int)
        Interactive pages: the HTML, what there is to see in words, and the height in pixels.
    findings : tuple of Finding
        What is wrong.
    notes : tuple of str
        What a reader must know of how it was made, and what could not be shown.
    source : str
        Where weights and images came from.
    failed : str
        Why there is nothing to show; empty where there is.
    seconds : float
        That it took to make.
    """

    name: str
    title: str
    shows: str = ""
    numbers: tuple = ()
    figures: tuple = ()
    tables: tuple = ()
    explorers: tuple = ()
    findings: tuple = ()
    notes: tuple = ()
    source: str = ""
    failed: str = ""
    seconds: float = field(default=0.0, compare=False)

    def _repr_mimebundle_(self, include=None, exclude=None):
        from .page import fragment  # which itself needs the parts

        return {"text/html": fragment(self), "text/plain": str(self)}

    def __str__(self):
        said = [self.title, self.failed or self.shows, *(f"{name}: {value}" for name, value in self.numbers)]
        return "\n".join([*said, *map(str, self.findings), *(figure.alt for figure in self.figures)])


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the lenses found out about a network and images.

    Attributes
    ----------
    parts : tuple of Part
        In the order of the page; ``report["answers"]`` is one of them.
    network, source : str
        What was looked at, and where it came from.
    images : int
        How many were looked at.
    profile : str
    seed : int
    left_out : tuple of str
        Sentences: what was not looked at, and why.
    faults : tuple of str
        Parts that ended with a fault of the program, not with one of the input.
    """

    parts: tuple
    network: str
    source: str
    images: int = 0
    profile: str = "quick"
    seed: int = 0
    left_out: tuple = ()
    faults: tuple = ()

    def __getitem__(self, name):
        for part in self.parts:
            if part.name == name:
                return part
        raise unknown("part of this report", name, [part.name for part in self.parts])

    def __iter__(self):
        return iter(self.parts)

    def __len__(self):
        return len(self.parts)

    @property
    def findings(self):
        """All findings, the heaviest first."""
        return tuple(heaviest(itertools.chain.from_iterable(part.findings for part in self.parts), most=None))

    @property
    def sentences(self):
        """At most five sentences: what is wrong, by weight; and if there is room, what was looked at and what not."""
        found = [str(finding) for finding in heaviest(self.findings)]
        if not found:
            found = ["Nothing wrong was found in what was looked at."]
        return tuple([*found, *self._looked_at()][:5])

    def _looked_at(self):
        """A sentence on what was looked at, and one on what was not."""
        done, missing = ([_inside(p.title) for p in self.parts if bool(p.failed) is failed] for failed in (False, True))
        yield f"Looked at, on {self.images:,} images: {', '.join(done)}." if done else "Nothing could be looked at."
        if missing or self.left_out:
            why = f"{', '.join(missing)} (the page says why)" if missing else ""
            short = [_inside(sentence.partition(":")[0]) for sentence in self.left_out]
            short = f"for want of time {', '.join(short)}" if short else ""
            yield f"Not looked at: {'; '.join(filter(None, (why, short)))}."

    def save(self, path):
        """Write the page as one file that needs nothing else; its path."""
        from .page import save  # which itself needs the parts

        return save(self, path)

    def _repr_mimebundle_(self, include=None, exclude=None):
        from .page import summary

        return {"text/html": summary(self), "text/plain": str(self)}

    def __str__(self):
        return "\n".join([f"Report on {self.network}", *self.sentences])


def _inside(title):
    """A title inside a sentence."""
    return title[0].lower() + title[1:]
