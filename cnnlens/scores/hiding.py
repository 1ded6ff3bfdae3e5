"""Deletion and insertion: the score while parts of an image are hidden, or shown, in an order that a map gives.

Petsiuk, Das and Saenko 2018, "RISE", section 4.2. The parts may be superpixels, cells of a grid, or single pixels.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Curve:
    """The score while superpixels are hidden one after the other (deletion), or shown (insertion).

    Attributes
    ----------
    fraction : ndarray (S,)
        Of the pixels hidden or shown so far, 0 to 1.
    score : ndarray (S,)
        The network's score of the explained class.
    """

    fraction: np.ndarray
    score: np.ndarray

    @property
    def area(self):
        """Area under the curve: the mean score, 0 to 1."""
        return float(np.sum(np.diff(self.fraction) * (self.score[1:] + self.score[:-1]) / 2))


def stairs(order, steps):
    """Masks while the superpixels of an order are hidden in about this many steps, all on to all off: (S, K) bool."""
    hidden = np.unique(np.linspace(0, len(order), min(steps, len(order)) + 1).round().astype(int))
    position = np.argsort(order)
    return position[None] >= hidden[:, None]


def hiding_curves(ask, orders, sizes, steps):
    """Deletion and insertion curves for several orders of the same parts.

    The horizontal axis is the fraction of *pixels*, so that an order is not rewarded for naming large parts.

    Parameters
    ----------
    ask : function (M, K) bool -> (M,)
        The score of the image with the parts shown that a mask names. Called once.
    orders : dict of str to list of ndarray (K,)
        By name, orders to hide the parts in, the first in front; of several the mean curve is given.
    sizes : ndarray (K,)
        The fraction of the pixels in each part.
    steps : int
        Points of a curve.

    Returns
    -------
    dict of str to dict of str to Curve
        ``found["deletion"][name]`` and ``found["insertion"][name]``.

    Examples
    --------
    Of two halves the first holds all that counts:

    >>> orders = {"well": [np.array([0, 1])], "badly": [np.array([1, 0])]}
    >>> found = hiding_curves(lambda masks: masks[:, 0] * 1.0, orders, np.array([0.5, 0.5]), steps=2)
    >>> {name: curve.area for name, curve in found["deletion"].items()}
    {'well': 0.25, 'badly': 0.75}
    """
    plans = []
    for name, several in orders.items():
        for masks in (stairs(order, steps) for order in several):
            plans += [("deletion", name, masks), ("insertion", name, ~masks)]
    scores = ask(np.concatenate([masks for *_, masks in plans]))
    ends = np.cumsum([len(masks) for *_, masks in plans])[:-1]
    found = {"deletion": {}, "insertion": {}}
    for (kind, name, masks), part in zip(plans, np.split(scores, ends)):
        shown = masks @ sizes
        found[kind].setdefault(name, []).append(Curve(1 - shown if kind == "deletion" else shown, part))
    return {kind: {name: _mean_curve(several) for name, several in named.items()} for kind, named in found.items()}


def _mean_curve(several):
    if len(several) == 1:
        return several[0]
    fraction = np.linspace(0, 1, 25)
    return Curve(fraction, np.mean([np.interp(fraction, curve.fraction, curve.score) for curve in several], 0))
