"""Whether a map points where a human would: boxes on a picture, and how much of the map lies in them.

A map gives each pixel a weight, (H, W); boxes are (top, left, bottom, right), as fractions of height and width.
"""

import numpy as np

WHOLE = (0.0, 0.0, 1.0, 1.0)  # of an image: top, left, bottom, right


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
    return float(positive[boxed(heat.shape, boxes)].sum() / positive.sum()) if positive.any() else 0.0


def hits(heat, boxes):
    """Whether the largest value of a map lies in a box: the pointing game of Zhang et al. 2016, one picture.

    Parameters
    ----------
    heat : ndarray (H, W)
        Where several values are the largest, it counts how many of them are inside.
    boxes : sequence of (top, left, bottom, right)

    Returns
    -------
    float
        0 or 1, or between where several are the largest; of a flat map, the fraction of the picture that is marked.

    Examples
    --------
    >>> hits(np.array([[0.1, 0.9], [0.2, 0.3]]), [(0, 0.5, 0.5, 1)])
    1.0
    """
    return float(boxed(heat.shape, boxes)[heat == heat.max()].mean())


def boxed(shape, boxes):
    """The pixels inside any of several boxes: (H, W) bool."""
    inside = np.zeros(shape, bool)
    for box in boxes:
        top, left, bottom, right = _pixels(box, shape)
        inside[top:bottom, left:right] = True
    return inside


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
