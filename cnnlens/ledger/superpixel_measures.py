"""What the claims about LIME measure: what hiding superpixels costs, and, from the scores, where weights lie."""

import numpy as np

from ..lenses import superpixels
from ..scores.hiding import Curve, stairs
from ..scores.pointing import WHOLE, percentile_rank, positive_fraction_inside, random_boxes, spread, weight_inside
from ..scores.superpixels import TOP, fractions

__all__ = ["WHOLE", "percentile_rank", "positive_fraction_inside", "random_boxes", "spread", "weight_inside"]
__all__ += ["deletion_loss", "mean_activation", "middle_of", "top_overlap"]

# --- what does hiding cost? ---------------------------------------------------------------------------------


def deletion_loss(net, why, orders, *, steps=12):
    """1 − normalized deletion AUC: how early the score goes when superpixels are hidden in given orders.

    Parameters
    ----------
    net : Network or callable
    why : Explanation
        Names the image, the superpixels, the class and the fill; its weights are not used.
    orders : sequence of ndarray (K,)
        Superpixels, the one to be hidden first in front.
    steps : int

    Returns
    -------
    ndarray (orders,)
        The fraction of the whole image's score that is gone, averaged over the course of hiding: 0.5 for a score that
        falls evenly with the pixels, near 1 where the first ones decide, below 0 where hiding helps (Petsiuk, Das and
        Saenko 2018).
    """
    plans = [stairs(order, steps) for order in orders]
    ends = np.cumsum([len(masks) for masks in plans])[:-1]
    scores = np.split(superpixels.ask(net, why, np.concatenate(plans))[:, why.label], ends)
    sizes = fractions(why)
    areas = [Curve(1 - masks @ sizes, part).area for masks, part in zip(plans, scores)]
    return 1 - np.array(areas) / max(float(why.prediction[why.label]), 1e-12)


def mean_activation(maps, segments):
    """The activation of a layer in each superpixel, all its units added up: what an activation map shows, (K,).

    Parameters
    ----------
    maps : ndarray (h, w, units)
        Of the image that was cut, of any size.
    segments : ndarray (H, W) int
    """
    from skimage.transform import resize

    summed = resize(np.maximum(maps, 0).sum(-1).astype(float), segments.shape, order=1)
    return np.bincount(segments.ravel(), summed.ravel()) / np.maximum(np.bincount(segments.ravel()), 1)


def middle_of(segments, box):
    """The superpixel in the middle of a box (top, left, bottom, right), in fractions of the image's sides."""
    (top, left, bottom, right), (height, width) = box, segments.shape
    down, across = int((top + bottom) / 2 * height), int((left + right) / 2 * width)
    return segments[min(down, height - 1), min(across, width - 1)]


def top_overlap(one, other, top=TOP):
    """The fraction of the most positive superpixels that two explanations have in common, 0 to 1.

    Parameters
    ----------
    one, other : ndarray (K,)
        Weights.
    top : int
        Two random choices share ``top / K`` on average.
    """
    named = [set(np.argsort(-np.asarray(weights), kind="stable")[:top]) for weights in (one, other)]
    return len(named[0] & named[1]) / min(top, len(one))
