"""What a claim is, what would count as support for it, and how a verdict follows from a measurement.

Everything but :func:`settle` is said before anything is measured: the claim, the measured value, its control, and the
range in which the difference of the two must lie. The verdict is then arithmetic.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import CnnlensError, unknown
from . import io

HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot be told here"
VERDICTS = (HOLDS, FAILS, OPEN)

# What is said of ten classes as a sample of all classes is asked again of these ten, as another reading of the claim.
THESE_CLASSES = {
    "reading": "of these ten classes alone, each seed drawing anew all else",
    "items": "seeds",
    "design": "seeds",
}

DESIGNS = ("crossed", "nested", "control nested", "value nested", "seeds", "exact")


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
        """The range that ``str`` has written, as it stands in a ledger's entry and in the files of the claims."""
        first, *rest = words.split()
        if first == "at":
            return cls(-np.inf, float(rest[1])) if rest[0] == "most" else cls(float(rest[1]))
        return cls(float(rest[0]), float(rest[2]))


@dataclass(frozen=True)
class Claim:
    """One claim of the dissertation or of a paper, made into a test that can come out either way.

    Attributes
    ----------
    key : str
        Its name in the ledger.
    technique : {"neurons", "activations", "t-SNE", "LIME", "attribution"}
    section : str
        Where the dissertation says it; or the paper that does, and the section there.
    statement : str
        The claim, in our words.
    evidence : str
        The picture that it was read from.
    value, control : str
        What is measured on what the claim is about, and the same on what it is not about.
    support : Support
        Range of ``value - control`` that supports the claim.
    why : str
        Why that range.
    items : str
        What a column of the measured values is, in the plural: ``units``, ``photographs``.
    design : {"crossed", "nested", "control nested", "value nested", "seeds", "exact"}
        How the sample was drawn, from which the interval follows.

        - ``crossed``: the same items come back under every seed; values and controls are pairs where equally many.
        - ``nested``: each seed draws items of its own; values and controls are pairs within a seed.
        - ``control nested``: the items of the value come back, those of the control are drawn anew for each seed, such
          as units of a trained network against units of other untrained ones; no pairs.
        - ``value nested``: the same the other way round.
        - ``seeds``: seeds are the sample. Each gives one number, or several of which only the mean counts, such as
          those of the ten classes where the claim is about these ten.
        - ``exact``: arithmetic, which chance has no part in.
    sizes : dict of str to dict
        Sizes by name, among them ``seeds``, for each profile: ``quick`` and ``full``.
    measure : callable
        ``measure(context, seed)`` returns values (n,) and controls (m,), one an item; ``context`` is a
        :class:`~.context.Context`.
    fixed : str
        The date on which the words above were written down, before anything was measured; of the dissertation's own
        claims none is kept.
    alternative_to : str
        The key of the claim that this is another reading of: the same said, measured in another way or on another
        sample. Empty for a claim.
    network : str
        The network besides the first on which it is asked once more. Empty on the first.
    """

    key: str
    technique: str
    section: str
    statement: str
    evidence: str
    value: str
    control: str
    support: Support
    why: str
    items: str
    design: str
    sizes: dict
    measure: Callable
    fixed: str = ""
    alternative_to: str = ""
    network: str = ""

    @property
    def where(self):
        """Where it was said, in words: a section of the dissertation, or a paper and its section."""
        return f"section {self.section}" if self.section[0].isdigit() else self.section

    @property
    def as_made(self):
        """Whether it is the claim itself: no other reading of it, and on the first network."""
        return not (self.alternative_to or self.network)


class Claims:
    """The claims about one technique: their words and sizes from a file, their measurements from decorated functions.

    The words stand in ``data/NAME.toml`` of this package. Iterating gives each :class:`Claim`, in the order of the
    file, and after it its other ``readings``, each an entry of its own under KEY-READING: the table of that name says
    what is different, and the claim all the rest. ``settings`` join the sizes, so that the measure sees them. Where ten
    classes or digits are the sample, the reading that asks of these ten alone follows by itself. Where the file or the
    claim names ``networks``, the claim and its readings are asked on each, on all but the first as KEY-NETWORK.

    Parameters
    ----------
    name : str
        Of the file.
    """

    def __init__(self, name):
        found = io.packaged(name)
        self._technique, self._words, self._sizes = found["technique"], found["claims"], found["sizes"]
        self._networks = found.get("networks", ("",))
        self._readings = {"these-classes": THESE_CLASSES, **found.get("readings", {})}
        self._name, self._measures = name, {}

    def measure(self, key):
        """Decorator: the function measures the claim of this key."""
        if key not in self._words or key in self._measures:
            raise CnnlensError(f"There is no claim {key!r} about {self._technique} that is not measured already.")

        def register(function):
            self._measures[key] = function
            return function

        return register

    def __iter__(self):
        for key, words in self._words.items():
            for network in words.get("networks", self._networks):
                yield from self._entries(key, network, **words)

    def _entries(self, key, network, *, statement, settings=(), networks=None, **words):
        """The claim on one network, and its other readings."""
        name, another = key, "" if network == (networks or self._networks)[0] else network
        if another:
            name, statement = f"{key}-{network.lower()}", f"{statement} (On {network}.)"
        settings = {**dict(settings), **({"network": network} if network else {})}
        words |= {"statement": statement, "settings": settings, "measure": self._measures.get(key), "network": another}
        yield self._claim(name, **words)
        for reading in self._other_readings(**words):
            other = self._readings[reading]
            settings = {**words["settings"], **other.get("settings", {})}
            yield self._claim(f"{name}-{reading}", **{**words, **other, "settings": settings, "alternative_to": name})

    @staticmethod
    def _other_readings(*, items, design, readings=(), **_):
        of_ten = items in ("classes", "digits") and design == "crossed"
        return (*readings, "these-classes") if of_ten else readings

    def _claim(self, key, *, statement, support, sizes, settings, measure, readings=(), reading="", **words):
        sizes = self._sizes[sizes] if isinstance(sizes, str) else sizes
        if measure is None:
            raise CnnlensError(f"The claim {key!r} of {self._name}.toml has no measure.")
        if words["design"] not in DESIGNS:
            raise unknown("design", words["design"], DESIGNS)
        return Claim(
            key=key,
            technique=self._technique,
            statement=f"{statement} (Another reading: {reading}.)" if reading else statement,
            support=Support.parse(support),
            sizes={profile: {**size, **settings} for profile, size in sizes.items()},
            measure=measure,
            **words,
        )


def settle(support, found):
    """The verdict on a :class:`~cnnlens.ledger.intervals.Difference`: the whole interval decides, not the value.

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
