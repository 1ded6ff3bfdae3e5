"""What only the claims about LIME measure: where weights lie on a picture, and what hiding superpixels costs."""

import numpy as np

from ..lenses import superpixels
from ..scores.superpixels import TOP, Curve, fractions, stairs

WHOLE = (0.0, 0.0, 1.0, 1.0)  # of an image: top, left, bottom, right


# --- is it where a human would point? -----------------------------------------------------------------------


def spread(weights, segments):
    """Each superpixel's weight spread evenly over its pixels, so that regions of any shape can be weighed: (H, W).

    The sum over all pixels is the sum of the weights.

    Parameters
    ----------
    weights : ndarray (K,)
    segments : ndarray (H, W) int
    """
    sizes = np.bincount(segments.ravel(), minlength=len(weights))
    return (np.asarray(weights, float) / np.maximum(sizes, 1))[segments]


def weight_inside(heat, box):
    """The sum of the weights in a region."""
    top, left, bottom, right = _pixels(box, heat.shape)
    return float(heat[top:bottom, left:right].sum())


def positive_fraction_inside(heat, boxes):
    """The fraction of all positive weight that lies in boxes, 0 to 1.

    The energy-based pointing game of Wang et al. 2020, "Score-CAM", with several boxes: their union counts.

    Parameters
    ----------
    heat : ndarray (H, W)
        From :func:`spread`.
    boxes : sequence of (top, left, bottom, right)
        As fractions of the image's height and width.
    """
    positive = np.maximum(heat, 0)
    marked = np.zeros(heat.shape, bool)
    for box in boxes:
        top, left, bottom, right = _pixels(box, heat.shape)
        marked[top:bottom, left:right] = True
    return float(positive[marked].sum() / positive.sum()) if positive.any() else 0.0


def percentile_rank(heat, box, within=WHOLE):
    """The percentile rank of a box among all regions of its shape: 1 for the heaviest, 0.5 on average.

    All regions are compared, at every pixel that one may begin at, so nothing is drawn by chance; ties count half.

    Parameters
    ----------
    heat : ndarray (H, W)
        From :func:`spread`.
    box : (top, left, bottom, right)
        As fractions of the image's height and width.
    within : (top, left, bottom, right)
        Where regions may lie; the whole image by default. The box itself may lie anywhere.
    """
    top, left, bottom, right = _pixels(box, heat.shape)
    sums = _sums(heat, bottom - top, right - left)
    first, start, last, end = _pixels(within, heat.shape)
    others = sums[first : max(first + 1, last - (bottom - top) + 1), start : max(start + 1, end - (right - left) + 1)]
    slack = 1e-9 * np.abs(heat).sum()  # what the order of additions may change
    less, more = (others < sums[top, left] - slack).mean(), (others > sums[top, left] + slack).mean()
    return float((1 + less - more) / 2)


def random_boxes(boxes, generator, within=WHOLE):
    """Boxes of the same shapes at random places: what pointing blindly would mark.

    Parameters
    ----------
    boxes : sequence of (top, left, bottom, right)
    generator : numpy.random.Generator
    within : (top, left, bottom, right)
        Where they may lie.
    """
    top, left, bottom, right = within
    moved = []
    for height, width in ((box[2] - box[0], box[3] - box[1]) for box in boxes):
        down = generator.uniform(top, max(top, bottom - height))
        across = generator.uniform(left, max(left, right - width))
        moved.append((down, across, down + height, across + width))
    return moved


def _pixels(box, shape):
    """A box in pixels, at least one a side and inside the image."""
    sides = ((box[0], box[2], shape[0]), (box[1], box[3], shape[1]))
    (top, bottom), (left, right) = ((round(low * side), round(high * side)) for low, high, side in sides)
    top, left = min(top, shape[0] - 1), min(left, shape[1] - 1)
    return top, left, min(max(bottom, top + 1), shape[0]), min(max(right, left + 1), shape[1])


def _sums(heat, height, width):
    """The sum of every region of this size, by a summed-area table: (H - height + 1, W - width + 1)."""
    table = np.pad(heat, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    return table[height:, width:] - table[:-height, width:] - table[height:, :-width] + table[:-height, :-width]


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
