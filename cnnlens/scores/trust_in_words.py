"""What a :class:`~cnnlens.scores.superpixels.Trust` says: one sentence for people, and its numbers as lines of text."""

import numpy as np


def sentence(found):
    """Stable or not, true or not, better than chance or not, and what to do: the numbers in plain words.

    Parameters
    ----------
    found : Trust

    Returns
    -------
    str
    """
    return f"{_stable(found)}. {_true(found.r2)}. {_matters(found)}."


def _stable(found):
    stability = found.stability
    calls = f"with {found.calls} model calls for {found.parts} superpixels"
    shared = f"{stability.overlap * 5:.1f}".removesuffix(".0")
    if stability.overlap >= 0.8 and stability.rank >= 0.8:
        return f"This explanation is stable {calls}: another seed names {shared} of the same five superpixels"
    if stability.overlap >= 0.8:
        return (
            f"The five leading superpixels are stable {calls} (another seed names {shared} of them), but the order of "
            "the rest is not: do not read anything into the small weights"
        )
    return (
        f"This explanation is not stable {calls}: another seed names {shared} of the same five superpixels. "
        "Use more samples, or fewer superpixels"
    )


def _true(r2):
    if np.isnan(r2):
        return "The score does not change whatever is hidden, so there is nothing to explain"
    how = f"Adding up superpixels describes the network {{}} (held-out R² {r2:.2f})"
    if r2 >= 0.6:
        return how.format("well")
    if r2 >= 0.3:
        return f"{how.format('in part')}: some act only together"
    return f"{how.format('poorly')}: most of what happens is superpixels acting together"


def _matters(found):
    areas = {name: curve.area for name, curve in found.curves["deletion"].items()}
    numbers = f"area {areas['by weight']:.2g} against {areas['at random']:.2g}"
    if found.gain <= 0.15 * abs(areas["at random"]):
        return f"Hiding what it names does no more than hiding at random ({numbers}): do not believe it"
    faster = f"Hiding what it names makes the score fall faster than hiding at random ({numbers})"
    if areas["by size"] <= areas["by weight"]:
        faster += f", but hiding the largest superpixels first does as much (area {areas['by size']:.2g})"
    return faster


def report(found):
    """The numbers of a Trust as a few aligned lines of text."""
    rows = [
        ("held-out R² of the regression", found.r2),
        ("overlap of the top 5 between seeds", found.stability.overlap),
        ("rank correlation between seeds", found.stability.rank),
        ("weights that change sign", found.stability.flips),
    ]
    for kind, named in found.curves.items():
        rows += [(f"area under {kind}, {name}", curve.area) for name, curve in named.items()]
    return "\n".join(f"{label:38} {value:6.2f}" for label, value in rows)
