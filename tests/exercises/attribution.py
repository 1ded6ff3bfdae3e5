"""Answers to the exercises of lesson 10: a right one for each, and wrong ones with words that name the mistake."""

import numpy as np


def covered(score, image, patch, fill=0.5, sign=1, left=0):
    drops = np.zeros(image.shape[:2])
    for top in range(0, image.shape[0], patch):
        for start in range(left, image.shape[1], patch):
            copy = image.copy()
            copy[top : top + patch, start : start + patch] = fill
            drops[top : top + patch, start : start + patch] = sign * (score(image[None])[0] - score(copy[None])[0])
    return drops


def batched(score, image, patch):
    """All squares at once, by masks that are enlarged from one grid."""
    down, across = image.shape[0] // patch, image.shape[1] // patch
    masks = np.kron(np.eye(down * across).reshape(-1, down, across), np.ones((1, patch, patch)))[..., None]
    drops = score(image[None])[0] - score(image * (1 - masks) + 0.5 * masks)
    return np.kron(np.reshape(drops, (down, across)), np.ones((patch, patch)))


def ever_more(score, image, patch):
    drops, copy = np.zeros(image.shape[:2]), image.copy()
    for top in range(0, image.shape[0], patch):
        for left in range(0, image.shape[1], patch):
            copy[top : top + patch, left : left + patch] = 0.5
            drops[top : top + patch, left : left + patch] = score(image[None])[0] - score(copy[None])[0]
    return drops


def in_place(score, image, patch):
    before = score(image[None])[0]
    drops = np.zeros(image.shape[:2])
    for top in range(0, image.shape[0], patch):
        for left in range(0, image.shape[1], patch):
            kept = image[top : top + patch, left : left + patch].copy()
            image[top : top + patch, left : left + patch] = 0.5
            drops[top : top + patch, left : left + patch] = before - score(image[None])[0]
            image[top : top + patch, left : left + patch] = 0 * kept
    return drops


def first_pixels(score, image, patch):
    drops = np.zeros(image.shape[:2])
    drops[::patch, ::patch] = covered(score, image, patch)[::patch, ::patch]
    return drops


def integrated(slopes, image, baseline, steps, divide=True, way=None):
    """All points of the way in one batch, by the trapezoid rule."""
    way = image - baseline if way is None else way
    alphas = np.linspace(0, 1, steps + 1)[:, None, None, None]
    found = slopes(baseline + alphas * (image - baseline))
    total = found[0] / 2 + found[1:-1].sum(0) + found[-1] / 2
    return np.einsum("hwc->hw", way * total / (steps if divide else 1))


def weighed(model, layer, image, label, rectify=True, every=False, root=False, weight=np.mean):
    """By a dot product of the maps with their weights."""
    import keras
    import tensorflow as tf

    both = keras.Model(model.inputs[0], [model.get_layer(layer).output, model.outputs[0]])
    with tf.GradientTape() as tape:
        maps, logits = both(image[None])
        score = (tf.nn.softmax(logits) if root else logits)[0, label]
    slopes = tape.gradient(score, maps)[0].numpy()
    maps = maps[0].numpy()
    found = (maps * slopes).sum(-1) if every else maps @ weight(slopes, axis=(0, 1))
    return found * (found > 0) if rectify else found


def top_class(model, layer, image, label):
    return weighed(model, layer, image, int(np.argmax(model(image[None])[0])))


def shown_more(score, image, masks, fill=0.0, less=np.mean):
    """One mask after the other; what counts is the sum of the scores' differences from their mean."""
    scores = np.array([score((image * m[..., None] + fill * (1 - m[..., None]))[None])[0] for m in masks])
    total = sum((each - less(scores)) * mask for each, mask in zip(scores, masks))
    return total / sum(masks)


def by_count(score, image, masks):
    scores = score(image * masks[..., None])
    return np.mean(scores[:, None, None] * masks, 0) - np.mean(scores)


RIGHT = {
    "cover": batched,
    "gate_attribution": 1.0,
    "integrated_gradients": integrated,
    "grad_cam": weighed,
    "rise": shown_more,
}
WRONG = {
    "cover": [
        ("covered with black", lambda *given: covered(*given, fill=0)),
        ("The sign is turned", lambda *given: covered(*given, sign=-1)),
        ("stay covered", ever_more),
        ("changes what it was given (argument 2)", in_place),
        ("not only its first pixel", first_pixels),
        ("score that is left", lambda score, *given: score(given[0][None])[0] - covered(score, *given)),
        ("mean of the image", lambda score, image, patch: covered(score, image, patch, fill=image.mean())),
        ("raised ZeroDivisionError", lambda *given: 1 / 0),
    ],
    "gate_attribution": [("image alone", 0), ("mean over all", 2.0), ("how steeply", 0.5), ("too small", 0.25)],
    "integrated_gradients": [
        ("take their mean", lambda *given: integrated(*given, divide=False)),
        ("not multiplied by the way", lambda *given: integrated(*given, way=1)),
        ("need not be black", lambda slopes, image, baseline, steps: integrated(slopes, image, 0 * baseline, steps)),
        ("at the image alone", lambda s, image, base, steps: np.sum((image - base) * s(image[None])[0], 2)),
        ("at the baseline alone", lambda s, image, base, steps: np.sum((image - base) * s(base[None])[0], 2)),
        ("multiplied by the image", lambda s, image, *given: integrated(s, image, *given, way=image)),
        ("The sign is turned", lambda s, image, base, steps: -integrated(s, image, base, steps)),
        ("averaged, not added", lambda s, image, *given: integrated(s, image, *given) / image.shape[-1]),
    ],
    "grad_cam": [
        ("must be set to 0", lambda *given: weighed(*given, rectify=False)),
        ("take the mean slope", lambda *given: weighed(*given, every=True)),
        ("gradient of the probability", lambda *given: weighed(*given, root=True)),
        ("added up over the places", lambda *given: weighed(*given, weight=np.sum)),
        ("highest logit", top_class),
        ("Right in 3 of 6 cases", lambda model, layer, image, label: weighed(model, layer, image, 0)),
        ("expected shape (5, 4)", lambda model, layer, image, label: weighed(model, "maps", image, label)),
        ("divided by its maximum", lambda *given: weighed(*given) / (weighed(*given).max() or 1)),
    ],
    "rise": [
        ("mean of all scores", lambda *given: shown_more(*given, less=lambda scores: 0)),
        ("not by their number", by_count),
        ("score of the whole image", lambda s, image, m: shown_more(s, image, m, less=lambda _: s(image[None])[0])),
        ("that hides there", lambda score, image, m: shown_more(lambda i: score(image - i), image, m)),
        ("filled with grey", lambda *given: shown_more(*given, fill=0.5)),
        ("whole image each time", lambda score, image, masks: shown_more(lambda i: score(image[None]), image, masks)),
        ("transposed", lambda *given: shown_more(*given).T),
    ],
}
