"""What a claim is, what would count as support for it, and how a verdict follows from a measurement.

Everything but :func:`settle` is said before anything is measured: the claim, the figure, its control, and the range in
which the difference of the two must lie. The verdict is then arithmetic.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import CnnlensError

HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot be told here"
VERDICTS = (HOLDS, FAILS, OPEN)
CLAIMS = {}  # key -> Claim, in the order of the dissertation's techniques


class CannotTell(Exception):
    """A measurement found that what it needs is not here; the message says what, as the reason in the ledger."""


@dataclass(frozen=True)
class Support:
    """The range in which a difference must lie, interval and all, to count as support.

    Attributes
    ----------
    least, most : float
    """

    least: float
    most: float = np.inf

    def __str__(self):
        if np.isinf(self.most):
            return f"at least {self.least:g}"
        if np.isinf(self.least):
            return f"at most {self.most:g}"
        return f"between {self.least:g} and {self.most:g}"

    @classmethod
    def parse(cls, words):
        """The range that ``str`` has written, as it stands in a ledger's entry."""
        first, *rest = words.split()
        if first == "at":
            return cls(-np.inf, float(rest[1])) if rest[0] == "most" else cls(float(rest[1]))
        return cls(float(rest[0]), float(rest[2]))


@dataclass(frozen=True)
class Claim:
    """One claim of the dissertation, made into a test that can come out either way.

    Attributes
    ----------
    key : str
        Its name in the ledger.
    section : str
        Where the dissertation says it.
    technique : {"neurons", "activations", "t-SNE", "LIME"}
    says : str
        The claim, in our words.
    looked_at : str
        The picture that it was read from.
    figure, control : str
        What is measured on what the claim is about, and the same on what it is not about.
    support : Support
        Range of ``figure - control`` that supports the claim.
    why : str
        Why that range.
    measure : callable
        ``measure(at, seed)`` returns figures (n,) and controls (m,), one an item; ``at`` is a :class:`~.materials.Materials`.
    quick, full : dict
        Sizes by name, among them ``seeds``.
    """

    key: str
    section: str
    technique: str
    says: str
    looked_at: str
    figure: str
    control: str
    support: Support
    why: str
    measure: Callable
    quick: dict
    full: dict


def claim(key, **said):
    """Decorator that enters a claim; the decorated function is its measurement."""

    def enter(function):
        if key in CLAIMS and CLAIMS[key].measure.__module__ != function.__module__:
            raise CnnlensError(f"Two claims are called {key!r}. Give one of them another name.")
        CLAIMS[key] = Claim(key=key, measure=function, **said)
        return function

    return enter


def settle(support, found):
    """The verdict on a :class:`~cnnlens.scores.evidence.Difference`: the whole interval decides, not the value.

    Parameters
    ----------
    support : Support
    found : Difference

    Returns
    -------
    {"holds", "does not hold", "cannot be told here"}
        The interval lies wholly within the range; wholly outside it; or across one of its ends.
    """
    if support.least <= found.low and found.high <= support.most:
        return HOLDS
    if found.high < support.least or found.low > support.most:
        return FAILS
    return OPEN
