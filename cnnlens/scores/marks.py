"""Places where the images of a class are alike and unlike all others: where a mark would stand."""

from dataclasses import dataclass

import numpy as np

from ..pixels import fitted
from .pictures import auc

CELLS = 32  # a side, at most, that images are reduced to before they are compared
WINDOW = 4  # a place is so many times smaller than the image, each way
TRIED = 3  # places of each class
TELLING = 0.98  # how well a cell must tell the class, 0 to 1: a mark looks the same in each of its images
VISIBLE = 0.1  # difference from the color of the border, in [0, 1]; at a place that looks like it there is nothing
SAMPLE = 400  # images that are compared
DECIDES = 0.15  # fraction of the images of other classes that a mark must turn into its class
LOST = 0.3  # fraction of its own images that must cease to be of the class without it
BOTH = 0.65  # the two together: what is lent weakly must be missed the more
ELSEWHERE = 0.4  # other places, or nothing there, must bring no more than this fraction of what the mark brings


@dataclass(frozen=True)
class Box:
    """A place on images, in pixels; ``bottom`` and ``right`` are outside. ``where`` says in words where it is."""

    top: int
    left: int
    bottom: int
    right: int
    where: str

    @property
    def slices(self):
        """The place in a batch of images."""
        return np.s_[:, self.top : self.bottom, self.left : self.right]


@dataclass(frozen=True, kw_only=True)
class MarkTest:
    """What one place of the images of a class does.

    Attributes
    ----------
    label : int
    box : Box
        The place.
    gone : float
        Fraction of the images of the class that are no longer taken for it with that place as in other classes.
    become : float
        Fraction of images of other classes that are taken for it once that place is as in this class.
    elsewhere : float
        The same for other places of that size, the largest.
    empty : float
        The same with nothing in that place but the color of the image's border: what is missing there is no mark.
    """

    label: int
    box: Box
    gone: float
    become: float
    elsewhere: float
    empty: float

    @property
    def decides(self):
        """Whether this place decides by itself."""
        otherwise = max(self.elsewhere, self.empty)
        strong = self.become >= DECIDES and self.gone >= LOST and self.become + self.gone >= BOTH
        return strong and otherwise <= ELSEWHERE * self.become


def candidates(images, inside):
    """Places where a mark of a class may stand, the likeliest first, and a function that gives places far from one.

    A mark looks the same in every image of the class, and others do not have it: at each cell, the distance from the
    median of the class is compared between the class and the others.

    Parameters
    ----------
    images : ndarray (N, H, W, C)
    inside : ndarray (N,) bool
        Which are of the class.

    Returns
    -------
    list of Box
        At most three.
    function (Box) -> list of Box
        Places of the same size at other ends of the image.
    """
    size = images.shape[1:3]
    telling = told_by_cells(images, inside)
    boxes = _boxes(size)
    scores = [_inside(box, telling, size).max() for box in boxes]
    sums = [_inside(box, telling, size).sum() for box in boxes]
    order = sorted(range(len(boxes)), key=lambda i: (-round(scores[i], 2), -sums[i]))
    chosen = []
    for i in order:
        if scores[i] >= TELLING and all(_apart(boxes[i], box) >= 0.5 for box in chosen):
            chosen.append(boxes[i])
    return chosen[:TRIED], lambda box: sorted(boxes, key=lambda other: -_apart(box, other))[:2]


def told_by_cells(images, inside):
    """How well what is to be seen at each cell of the reduced images tells a class: 0 (not at all) to 1, (h, w)."""
    some = np.linspace(0, len(images) - 1, min(SAMPLE, len(images))).astype(int)
    images, inside = images[some], inside[some]
    small = fitted(images, tuple(min(CELLS, side) for side in images.shape[1:3]), "stretch")
    if inside.all() or not inside.any():
        return np.zeros(small.shape[1:3])
    usual = np.median(small[inside], 0)
    away = np.abs(small - usual).sum(-1)
    visible = np.abs(usual - np.median(border_color(small[inside]), 0)).max(-1) > VISIBLE
    return (1 - 2 * auc(away, inside)).clip(0, 1) * visible


def moved(images, others, box):
    """Copies of images that look at one place as the others do there, each as one of them."""
    changed = images.copy()
    changed[box.slices] = others[np.arange(len(images)) % len(others)][box.slices]
    return changed


def emptied(images, box):
    """Copies of images that show the median color of their border at one place."""
    changed = images.copy()
    changed[box.slices] = border_color(images)[:, None, None]
    return changed


def border_color(images):
    """The median color of the outermost pixels of each image, (N, C)."""
    return np.median(np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], 1), 1)


def _boxes(size):
    """All places: a quarter of each side, moved by half of itself."""
    height, width = (max(2, round(side / WINDOW)) for side in size)
    tops, lefts = (
        np.unique(np.linspace(0, side - own, 2 * WINDOW - 1).round().astype(int))
        for side, own in zip(size, (height, width))
    )
    return [
        Box(int(top), int(left), int(top + height), int(left + width), _where(top + height / 2, left + width / 2, size))
        for top in tops
        for left in lefts
    ]


def _where(row, column, size):
    """A place in words."""
    down = ("upper", "", "lower")[min(2, int(3 * row / size[0]))]
    across = ("left", "", "right")[min(2, int(3 * column / size[1]))]
    if down and across:
        return f"{down} {across} corner"
    return f"{down or across} part" if down or across else "middle"


def _inside(box, cells, size):
    """The cells of a place."""
    (top, bottom), (left, right) = (
        (int(first * have / side), max(int(first * have / side) + 1, round(last * have / side)))
        for first, last, have, side in zip((box.top, box.left), (box.bottom, box.right), cells.shape, size)
    )
    return cells[top:bottom, left:right]


def _apart(box, other):
    """How far two places of one size lie apart, in their own sides; 1 and more do not overlap."""
    down, across = box.bottom - box.top, box.right - box.left
    return max(abs(box.top - other.top) / down, abs(box.left - other.left) / across)
