"""Answers to the exercises of lesson 08: a right one for each, and wrong ones with words that name the mistake."""

import numpy as np
from scipy.spatial.distance import cosine
from sklearn.linear_model import Ridge


def covered(image, segments, masks, paint=None, last=None):
    """Pixel by pixel: what is hidden takes its color from a table, a row a superpixel."""
    numbers = range(masks.shape[1])
    table = np.stack([image[segments == k].mean(axis=0) for k in numbers]) if paint is None else paint
    shown = masks[:, segments][..., None]
    return np.where(shown, image, np.broadcast_to(table, (masks.shape[1], image.shape[-1]))[segments])


def grey_means(image, segments, masks):
    table = [[image[segments == k].mean()] * image.shape[-1] for k in range(masks.shape[1])]
    return covered(image, segments, masks, np.array(table))


def on_one_copy(image, segments, masks, give=lambda copies: copies):
    """The same copy again and again."""
    copy, copies = image.copy(), []
    for mask in masks:
        for k, shown in enumerate(mask):
            if not shown:
                copy[segments == k] = image[segments == k].mean(0)
        copies.append(copy.copy())
    return give(copies)


def counted_from_one(image, segments, masks):
    copies = [image.copy() for _ in masks]
    for copy, mask in zip(copies, masks):
        for k, shown in enumerate(mask, start=1):
            if not shown and (segments == k).any():
                copy[segments == k] = image[segments == k].mean(0)
    return copies


def hide_in_place(image, segments, masks):
    right = covered(image, segments, masks)
    image[:] = right[-1]
    return right


def cosines(masks, width):
    """Row by row, by SciPy's cosine distance, whose own answer for a row of zeros is left out."""
    whole = np.ones(masks.shape[1])
    distances = np.array([cosine(row, whole) if row.any() else 1.0 for row in masks.astype(float)])
    return np.exp(-0.5 * (distances / width) ** 2)


def by_norms(masks, width):
    """The cosine written out: divided by 0 where nothing is shown."""
    similar = masks.sum(1) / (np.linalg.norm(masks, axis=1) * np.sqrt(masks.shape[1]))
    return np.sqrt(np.exp(-((1 - similar) ** 2) / width**2))


def centered(masks, scores, proximity, ridge):
    """Start value taken out by weighted means; the penalty as further rows."""
    middle = np.average(masks, axis=0, weights=proximity)
    root = np.sqrt(proximity)[:, None]
    rows = np.vstack([(masks - middle) * root, np.sqrt(ridge) * np.eye(len(middle))])
    targets = np.append((scores - np.average(scores, weights=proximity)) * root[:, 0], np.zeros(len(middle)))
    return np.linalg.pinv(rows) @ targets


def stacked(masks, scores, proximity, ridge, root=np.sqrt, scaled=True, on=np.sqrt, front=1, penalty=None):
    """A learner's rows below each other, with what can go wrong in them."""
    rows = np.hstack([np.ones((len(masks), front)), masks])
    weights = root(proximity)
    penalty = np.eye(rows.shape[1])[front:] if penalty is None else np.eye(rows.shape[1])
    below = on(ridge) * penalty
    targets = np.append(scores * weights if scaled else scores, np.zeros(len(below)))
    return np.linalg.lstsq(np.vstack([rows * weights[:, None], below]), targets, rcond=None)[0]


def one_step_at_a_time(score, order, sizes, begin=True, end=True, upside=False, alone=False):
    """Asks for one picture after the other."""
    mask = np.full(len(order), upside)
    mask[:] = not upside
    points = [(0.0, score(mask[None])[0])] if begin else []
    hidden = 0.0
    for k in order if end else order[:-1]:
        mask[k] = upside
        hidden += sizes[k]
        points.append((hidden, score(mask[None])[0]))
        mask[k] = alone or mask[k]
    return sum((x - w) * (y + z) / 2 for (w, y), (x, z) in zip(points, points[1:]))


def cumulated(score, order, sizes, across=None, integrate=None):
    """All pictures at once, in the order of hiding."""
    masks = np.ones((len(order) + 1, len(order)), bool)
    for step, k in enumerate(order):
        masks[step + 1 :, k] = False
    heights = score(masks)
    across = np.append(0, np.cumsum(sizes[order])) if across is None else across(sizes)
    return integrate(heights, np.diff(across)) if integrate else np.diff(across) @ (heights[1:] + heights[:-1]) / 2


RIGHT = {
    "eye_weight": 0.4,
    "hide": covered,
    "proximity_kernel": cosines,
    "weighted_ridge": centered,
    "deletion_area": one_step_at_a_time,
}
WRONG = {
    "eye_weight": [
        ("divide it between them", 0.8),
        ("score of the whole picture", 0.9),
        ("Alone an eye adds nothing", 0),
        ("take off the mean score without it", 0.5),
        ("too small", 0.1),
    ],
    "hide": [
        ("the other way round", lambda image, segments, masks: covered(image, segments, 1 - masks > 0)),
        ("mean of the whole image", lambda image, *given: covered(image, *given, paint=image.mean((0, 1))[None])),
        ("channel by channel", grey_means),
        ("is black", lambda image, *given: covered(image, *given, paint=np.zeros((1, 1)))),
        ("is mid-grey", lambda image, *given: covered(image, *given, paint=np.full((1, 1), 0.5))),
        ("still hidden for the next", on_one_copy),
        ("one picture for all masks", lambda *given: on_one_copy(*given, give=lambda copies: copies[-1])),
        ("picture of the first mask", lambda *given: covered(*given)[0]),
        ("counted from 0", counted_from_one),
        ("changes what it was given (argument 1)", hide_in_place),
    ],
    "proximity_kernel": [
        ("not the fraction that is hidden", lambda masks, width: np.exp(-((~masks).mean(1) ** 2) / (2 * width**2))),
        ("takes what is hidden", lambda masks, width: cosines(np.logical_not(masks), width)),
        ("root around the exponential", lambda masks, width: cosines(masks, width) ** 2),
        ("distance is not squared", lambda masks, width: np.exp((np.sqrt(masks.mean(1)) - 1) / width**2 / 2)),
        ("minus is missing", lambda masks, width: 1 / cosines(masks, width)),
        ("not how much it counts", lambda masks, width: 1 - masks.mean(1) ** 0.5),
        ("add up to 1", lambda masks, width: cosines(masks, width) / np.sum(cosines(masks, width))),
        ("division by zero", by_norms),
    ],
    "weighted_ridge": [
        ("start value is missing", lambda m, s, p, r: Ridge(r, fit_intercept=False).fit(m, s, p).coef_),
        ("start value is penalized", lambda *given: stacked(*given, penalty="all")[1:]),
        ("give back the weights alone", stacked),
        ("penalty is missing", lambda m, s, p, r: stacked(m, s, p, 0)[1:]),
        ("penalty is squared", lambda *given: stacked(*given, on=float)[1:]),
        ("add them up", lambda m, s, p, r: stacked(m, s / 1, p / len(m), r)[1:]),
        ("All masks count alike", lambda *given: stacked(*given, root=np.ones_like)[1:]),
        ("by the root of it", lambda *given: stacked(*given, root=np.array)[1:]),
        ("scores must be too", lambda *given: stacked(*given, scaled=False)[1:]),
        ("fit all of them at once", lambda m, s, p, r: [Ridge(0).fit(m[:, [k]], s, p).coef_[0] for k in range(5)]),
    ],
    "deletion_area": [
        ("That is insertion", lambda *given: one_step_at_a_time(*given, upside=True)),
        (
            "superpixels differ in size",
            lambda *given: cumulated(*given, lambda sizes: np.linspace(0, 1, len(sizes) + 1)),
        ),
        ("in the order of hiding", lambda *given: cumulated(*given, lambda sizes: np.cumsum([0, *sizes]))),
        ("hiding the last one first", lambda score, order, sizes: cumulated(score, np.flip(order), sizes)),
        ("says which superpixel comes next", lambda score, order, sizes: cumulated(score, np.argsort(order), sizes)),
        ("score before it", lambda *given: cumulated(*given, integrate=lambda heights, wide: heights[:-1] @ wide)),
        ("mean of the scores", lambda *given: cumulated(*given, integrate=lambda heights, wide: np.mean(heights))),
        ("curve begins there", lambda *given: one_step_at_a_time(*given, begin=False)),
        ("ends too early", lambda *given: one_step_at_a_time(*given, end=False)),
        ("hidden alone", lambda *given: one_step_at_a_time(*given, alone=True)),
    ],
}
