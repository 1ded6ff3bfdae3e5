"""How far two people agree who marked the same photographs, neither seeing what the other had marked."""

from dataclasses import dataclass

import numpy as np

from ..results import Result
from ..scores.pointing import boxed, percentile_rank, positive_fraction_inside, spread
from . import io
from .annotations import ANNOTATIONS, Annotation, alike
from .context import Context
from .on_superpixels import explained
from .subjects import known

FINE = (200, 200)  # px: fine enough for the overlap of boxes
SIZES = {  # of one explanation a photograph
    "quick": {"seeds": 1, "parts": 20, "calls": 49},
    "full": {"seeds": 1, "parts": 40, "calls": 177},
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Agreement(Result):
    """What two markings of the same photographs have in common, and what the claims' numbers make of each.

    Attributes
    ----------
    photographs : int
        That were marked twice.
    overlaps : ndarray (B,)
        Intersection over union of each pair of boxes that mean the same part, 0 to 1.
    lone : (int, int)
        Boxes that only the first marking has, and only the second.
    ranks : ndarray (P, 2)
        Mean percentile rank of the marked places in LIME's weights by either marking, for each photograph that is here
        and that the network knows.
    fractions : ndarray (P, 2)
        Fraction of LIME's positive weight on the marked places by either marking.
    """

    photographs: int
    overlaps: np.ndarray
    lone: tuple
    ranks: np.ndarray
    fractions: np.ndarray

    @property
    def sentence(self):
        """Both agreements, in words."""
        said = f"{self.photographs} photographs were marked twice. {len(self.overlaps)} boxes mean the same part"
        if len(self.overlaps):
            said += f" and overlap by {self.overlaps.mean():.2f} on average (intersection over union)"
        said += f"; {self.lone[0]} are in the first marking only, {self.lone[1]} in the second only."
        if len(self.ranks):
            (first, second), (some, others) = self.ranks.mean(0), self.fractions.mean(0)
            said += (
                f" On {len(self.ranks)} of them the marked places have a percentile rank of {first:.3f} in LIME's "
                f"weights by the first marking and of {second:.3f} by the second, and hold {some:.3f} and {others:.3f} "
                "of its positive weight."
            )
        return said

    def __str__(self):
        return self.sentence


def agreement(profile="quick", *, network="inception_v3", kept=None, first=ANNOTATIONS, second=None):
    """Compare two markings of the same photographs.

    Photographs of which either marking shows another cut are left out.

    Parameters
    ----------
    profile : {"quick", "full"}
        How many model calls an explanation takes.
    network : str
    kept : dict, optional
        Networks and photographs that are loaded already.
    first, second : sequence of Annotation
        Those of ``data/annotations.toml`` and ``data/annotations_again.toml`` by default.

    Returns
    -------
    Agreement
    """
    second = again() if second is None else second
    pairs = [(one, other) for one in first for other in second if one.animal and _of_one_picture(one, other)]
    compared = [overlaps(one, other) for one, other in pairs]
    context = Context({**SIZES[profile], "network": network, "fold": "all", "shared_out": False}, kept)
    rated = _rated(context, pairs) if pairs else []
    return Agreement(
        photographs=len(pairs),
        overlaps=np.concatenate([found for found, *_ in compared] or [[]]),
        lone=tuple(int(sum(each[i] for each in compared)) for i in (1, 2)),
        ranks=np.reshape([ranks for ranks, _ in rated], (-1, 2)),
        fractions=np.reshape([fractions for _, fractions in rated], (-1, 2)),
        source=io.source([context]),
        settings={"network": network, **SIZES[profile]},
    )


def _of_one_picture(one, other):
    return (one.label, one.cut) == (other.label, other.cut) and alike(one.fingerprint, other.fingerprint)


def again():
    """The second marking, of every tenth photograph or so."""
    return tuple(Annotation(**row) for row in io.packaged("annotations_again")["photographs"])


def overlaps(one, other):
    """Boxes of the same part, matched so that they overlap most: their overlaps, and how many are left of each marking.

    Parameters
    ----------
    one, other : Annotation
        Of the same photograph.

    Returns
    -------
    overlaps : list of float
        Intersection over union of each pair that touches.
    only_one, only_other : int
    """
    from scipy.optimize import linear_sum_assignment

    found = []
    for part in one.parts.keys() & other.parts.keys():
        table = np.array([[_overlap(a, b) for b in other.parts[part]] for a in one.parts[part]])
        found += [each for each in table[linear_sum_assignment(-table)] if each > 0]
    return found, len(one.boxes) - len(found), len(other.boxes) - len(found)


def _overlap(one, other):
    """Intersection over union of two boxes."""
    a, b = (boxed(FINE, [box]) for box in (one, other))
    return (a & b).sum() / (a | b).sum()


def _rated(context, pairs):
    """For each photograph that is here: the mean rank of either marking's places, and the weight on either's."""
    found = []
    for subject in known(context):
        for one, other in pairs:
            if subject.marked is one and one.boxes and other.boxes:
                why = explained(context, 0, subject)
                heat = spread(why.weights, why.segments)
                ranks = [np.mean([percentile_rank(heat, box) for box in each.boxes]) for each in (one, other)]
                found.append((ranks, [positive_fraction_inside(heat, each.boxes) for each in (one, other)]))
    return found
