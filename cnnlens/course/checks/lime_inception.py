"""The exercises of lesson 08."""

import numpy as np

from ..exercise import exercise


@exercise(
    mistakes={
        "The two eyes together add that: the line has to divide it between them.": lambda: 0.8,
        "That is the score of the whole picture, not what one eye adds to it.": lambda: 0.9,
        "Alone an eye adds nothing, but beside the other one it does: the line takes the mean of both.": lambda: 0.0,
        "That is the mean score with the eye: take off the mean score without it.": lambda: 0.5,
        "That is the mean of all four scores.": lambda: 0.3,
    }
)
def eye_weight():
    """Of scikit-learn's line through the four pictures."""
    from sklearn.linear_model import LinearRegression

    shown = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    return LinearRegression().fit(shown, [0.1, 0.1, 0.1, 0.9]).coef_[0]


def _batches():
    from ...lenses import superpixels

    generator = np.random.default_rng(0)
    image = generator.random((8, 12, 3)).astype(np.float32)
    quarters = superpixels.segment(image, "grid", 4)
    uneven = np.minimum(np.arange(12)[None] // 3 + np.arange(8)[:, None] // 5, 4)
    return {
        "four superpixels and three masks": (
            image,
            quarters,
            np.array([[True, True, True, False], [False, True, True, True], [True, False, True, False]]),
        ),
        "superpixels of different sizes": (image, uneven, generator.random((6, 5)) < 0.5),
        "nothing hidden, then everything": (image, quarters, np.array([[True] * 4, [False] * 4])),
        "a grey image": (image[..., :1], quarters, generator.random((3, 4)) < 0.5),
    }


def _painted(image, segments, masks, color):
    """Copies in which ``color(pixels)`` is what a hidden superpixel of these pixels (n, C) gets."""
    copies = np.repeat(image[None], len(masks), 0)
    for mask, copy in zip(masks, copies):
        for k in np.flatnonzero(~mask):
            copy[segments == k] = color(image[segments == k])
    return copies


@exercise(
    _batches,
    {
        "What should be shown is hidden, and the other way round.": lambda image, segments, masks: hide(
            image, segments, ~masks
        ),
        "Each superpixel has a mean color of its own: that is the mean of the whole image.": (
            lambda image, segments, masks: _painted(image, segments, masks, lambda pixels: image.mean((0, 1)))
        ),
        "The three channels are averaged to one grey: average the pixels, channel by channel.": (
            lambda image, segments, masks: _painted(image, segments, masks, np.mean)
        ),
        "What is hidden is black: paint it with its mean color.": lambda image, segments, masks: _painted(
            image, segments, masks, lambda pixels: 0
        ),
        "What is hidden is mid-grey: paint it with its mean color.": lambda image, segments, masks: _painted(
            image, segments, masks, lambda pixels: 0.5
        ),
        "What one mask hid is still hidden for the next: begin each with a fresh copy.": (
            lambda image, segments, masks: hide(image, segments, np.logical_and.accumulate(masks))
        ),
        "That is one picture for all masks: give back one for each.": lambda image, segments, masks: hide(
            image, segments, masks.all(0)[None]
        )[0],
        "That is the picture of the first mask: give back one for each.": lambda image, segments, masks: hide(
            image, segments, masks
        )[0],
        "Superpixels are counted from 0: each time the next one is hidden.": lambda image, segments, masks: hide(
            image, segments, np.column_stack([np.ones(len(masks), bool), masks[:, :-1]])
        ),
    },
)
def hide(image, segments, masks):
    """The image with superpixels under their mean color, as LIME's perturbations have it."""
    from ...lenses import superpixels

    return superpixels.perturb(image, superpixels.filling(image, segments, "mean"), segments, masks)


def _distances():
    generator = np.random.default_rng(1)
    ladder = np.arange(6)[:, None] > np.arange(5)
    return {
        "six masks of eight superpixels": (generator.random((6, 8)) < 0.5, 0.25),
        "nothing hidden, one more each time, everything": (ladder[::-1], 0.25),
        "twelve superpixels and a wide kernel": (generator.random((5, 12)) < 0.7, 0.8),
    }


def _near(masks, width, distance=lambda shown: 1 - np.sqrt(shown), power=2, root=0.5, sign=-1):
    return np.exp(sign * distance(masks.mean(1)) ** power / width**2) ** root


@exercise(
    _distances,
    {
        "The distance is not the fraction that is hidden: it is 1 − √(fraction that is shown).": lambda masks, width: (
            _near(masks, width, lambda shown: 1 - shown)
        ),
        "That takes what is hidden for what is shown.": lambda masks, width: proximity_kernel(~masks, width),
        "That takes √(fraction) for the distance: take it off 1, as the whole picture is at distance 0.": (
            lambda masks, width: _near(masks, width, np.sqrt)
        ),
        "The root around the exponential is missing.": lambda masks, width: _near(masks, width, root=1),
        "The distance is not squared.": lambda masks, width: _near(masks, width, power=1),
        "The width is not squared.": lambda masks, width: proximity_kernel(masks, np.sqrt(width)),
        "The minus is missing: far masks count more than near ones.": lambda masks, width: _near(masks, width, sign=1),
        "That is how far each mask is, not how much it counts.": lambda masks, width: 1 - np.sqrt(masks.mean(1)),
        "That is how alike they are; the exponential is still to come.": lambda masks, width: np.sqrt(masks.mean(1)),
        "The weights are made to add up to 1: each is from 0 to 1 by itself.": lambda masks, width: (
            proximity_kernel(masks, width) / proximity_kernel(masks, width).sum()
        ),
    },
)
def proximity_kernel(masks, width):
    """As the lime package has it: scikit-learn's cosine distance to the whole image, and an exponential kernel."""
    from sklearn.metrics import pairwise_distances

    shown = masks.astype(float)
    distance = pairwise_distances(shown, np.ones_like(shown[:1]), metric="cosine")[:, 0]
    return np.sqrt(np.exp(-(distance**2) / width**2))


def _answers():
    from ...lenses import masks, surrogate

    generator = np.random.default_rng(0)
    shown = masks.random(60, 5, 0).astype(float)
    exact = shown @ np.array([0.3, -0.2, 0.0, 0.1, 0.05]) + 0.2
    noisy = exact + generator.normal(0, 0.1, 60)
    curved = np.where(shown[:, 0] * shown[:, 1] > 0, 0.9, 0.1)
    near = surrogate.proximity_kernel(masks.random(60, 5, 0))
    return {
        "scores that are a sum of superpixels, all masks alike, no penalty": (shown, exact, np.ones(60), 0.0),
        "noisy scores": (shown, noisy, np.ones(60), 3.0),
        "masks near the whole image counting more": (shown, noisy, near**4, 0.1),
        "two superpixels that act only together": (shown, curved, near, 2.0),
    }


def _line(masks, scores, proximity, ridge, on_start=0):
    """Start value and weights by the normal equations; the penalty on the start value only if asked for."""
    rows = np.column_stack([np.ones(len(masks)), masks])
    penalty = ridge * np.diag([on_start, *np.ones(masks.shape[1])])
    return np.linalg.solve(rows.T @ (proximity[:, None] * rows) + penalty, rows.T @ (proximity * scores))


def _through_zero(masks, scores, proximity, ridge):
    squares = masks.T @ (proximity[:, None] * masks) + ridge * np.eye(masks.shape[1])
    return np.linalg.solve(squares, masks.T @ (proximity * scores))


def _one_by_one(masks, scores, proximity, ridge):
    return [
        np.average(scores, weights=proximity * column) - np.average(scores, weights=proximity * (1 - column))
        for column in masks.T
    ]


@exercise(
    _answers,
    {
        "The start value is missing: with everything hidden the score need not be 0.": _through_zero,
        "The start value is penalized too: only the weights should be.": lambda masks, scores, proximity, ridge: _line(
            masks, scores, proximity, ridge, on_start=1
        )[1:],
        "The start value is still there: give back the weights alone.": _line,
        "The penalty is missing.": lambda masks, scores, proximity, ridge: weighted_ridge(masks, scores, proximity, 0),
        "The penalty is squared.": lambda masks, scores, proximity, ridge: weighted_ridge(
            masks, scores, proximity, ridge**2
        ),
        "Divided by the number of masks, the squared errors count too little beside the penalty: add them up.": (
            lambda masks, scores, proximity, ridge: weighted_ridge(masks, scores, proximity, ridge * len(masks))
        ),
        "All masks count alike: proximity is not looked at.": lambda masks, scores, proximity, ridge: weighted_ridge(
            masks, scores, np.ones_like(proximity), ridge
        ),
        "Each mask counts by the square of its proximity: multiply rows and scores by the root of it.": (
            lambda masks, scores, proximity, ridge: weighted_ridge(masks, scores, proximity**2, ridge)
        ),
        "Only the rows are multiplied by the root of the proximity: the scores must be too.": (
            lambda masks, scores, proximity, ridge: weighted_ridge(masks, scores / np.sqrt(proximity), proximity, ridge)
        ),
        "Each superpixel is compared by itself, shown against hidden: fit all of them at once.": _one_by_one,
    },
    tolerance=1e-4,
)
def weighted_ridge(masks, scores, proximity, ridge):
    """Scikit-learn's."""
    from sklearn.linear_model import Ridge

    return Ridge(alpha=ridge).fit(masks, scores, sample_weight=proximity).coef_


def _deletions():
    generator = np.random.default_rng(2)

    def case(parts, score):
        sizes = generator.dirichlet(np.full(parts, 3.0))
        return score, generator.permutation(parts), sizes

    adds_up = generator.dirichlet(np.ones(7))
    return {
        "a score that adds superpixels up": case(7, lambda masks: np.asarray(masks) @ adds_up),
        "two superpixels that act only together": case(
            5, lambda masks: 0.1 + 0.8 * np.asarray(masks)[:, [1, 3]].all(1)
        ),
        "a score that is soon full": case(9, lambda masks: 1 - np.exp(-0.7 * np.asarray(masks).sum(1))),
    }


def _stairs(order, begin=0, stop=1):
    """Masks (S, K) while superpixels are hidden in an order: from the whole picture to nothing, or a part of that."""
    hidden = np.arange(begin, len(order) + stop)
    return hidden[:, None] <= np.argsort(order)[None]


def _area(across, heights, height=lambda one, other: (one + other) / 2):
    return np.sum(np.diff(across) * height(heights[:-1], heights[1:]))


def _deleted(score, order, sizes, masks=None, **how):
    masks = _stairs(order) if masks is None else masks
    return _area(~masks @ sizes, score(masks), **how)


@exercise(
    _deletions,
    {
        "That is insertion, or hiding the last one first, which has the same area.": lambda score, order, sizes: _area(
            ~_stairs(order) @ sizes, score(~_stairs(order))
        ),
        "Each step is as wide as what it hides: the superpixels differ in size.": lambda score, order, sizes: _deleted(
            score, order, np.full(len(order), 1 / len(order))
        ),
        "The sizes are in the order of the superpixels' numbers: take them in the order of hiding.": (
            lambda score, order, sizes: _area(np.append(0, np.cumsum(sizes)), score(_stairs(order)))
        ),
        "The list `order` says which superpixel comes next, not at which place each of them comes.": (
            lambda score, order, sizes: deletion_area(score, np.argsort(order), sizes)
        ),
        "Each step counts with the score before it: take the mean of the scores before and after it.": (
            lambda score, order, sizes: _deleted(score, order, sizes, height=lambda one, other: one)
        ),
        "Each step counts with the score after it: take the mean of the scores before and after it.": (
            lambda score, order, sizes: _deleted(score, order, sizes, height=lambda one, other: other)
        ),
        "That is the mean of the scores; each counts by how wide its step is.": lambda score, order, sizes: score(
            _stairs(order)
        ).mean(),
        "The whole picture is missing: the curve begins there.": lambda score, order, sizes: _deleted(
            score, order, sizes, _stairs(order, begin=1)
        ),
        "The curve ends too early: in the end everything is hidden.": lambda score, order, sizes: _deleted(
            score, order, sizes, _stairs(order, stop=0)
        ),
        "Each superpixel is hidden alone: those before it must stay hidden.": lambda score, order, sizes: _area(
            ~_stairs(order) @ sizes,
            score(np.vstack([np.ones(len(order), bool), ~np.eye(len(order), dtype=bool)[order]])),
        ),
        "That is the area above the curve.": lambda score, order, sizes: 1 - deletion_area(score, order, sizes),
    },
)
def deletion_area(score, order, sizes):
    """By our deletion curve, one superpixel a step."""
    from ...scores.hiding import hiding_curves

    return hiding_curves(score, {"so": [order]}, sizes, len(order))["deletion"]["so"].area
