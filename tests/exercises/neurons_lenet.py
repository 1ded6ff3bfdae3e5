"""Answers to the exercises of lesson 03: a right one for each, and wrong ones with words that name the mistake."""

import numpy as np


def moved(pixels, gradient, rate):
    return np.minimum(np.maximum(pixels + rate * gradient / np.sqrt((gradient**2).sum()), 0), 1)


def in_place(pixels, gradient, rate):
    pixels += rate * gradient / np.linalg.norm(gradient)
    return np.clip(pixels, 0, 1)


def climbed(model, layer, unit, image, rate, steps, sign=1, step=moved, position=None):
    import tensorflow as tf

    layers = model.layers[: [each.name for each in model.layers].index(layer) + 1]
    pixels = tf.Variable(image)
    for _ in range(steps):
        with tf.GradientTape() as tape:
            maps = pixels[None]
            for each in layers:
                maps = each(maps)
            reached = tf.reduce_mean(maps[..., unit] if position is None else maps[:, position, position, unit])
        pixels.assign(step(pixels.numpy(), sign * tape.gradient(reached, pixels).numpy(), rate))
    return pixels.numpy()


def cosines(kernels):
    rows = [kernels[..., unit].ravel() for unit in range(kernels.shape[-1])]
    return [[one @ other / np.sqrt((one @ one) * (other @ other)) for other in rows] for one in rows]


RIGHT = {
    "best_activation": lambda kernel, bias: max(0, kernel[kernel > 0].sum() + bias),
    "ascent_step": moved,
    "climb": climbed,
    "filter_similarity": cosines,
}
WRONG = {
    "best_activation": [
        ("bias is forgotten", lambda kernel, bias: kernel[kernel > 0].sum()),
        ("ReLU is forgotten", lambda kernel, bias: kernel[kernel > 0].sum() + bias),
        ("white throughout", lambda kernel, bias: max(0, kernel.sum() + bias)),
        ("not below zero", lambda kernel, bias: max(0, sum(abs(weight) for weight in kernel.flat) + bias)),
        ("one pixel alone", lambda kernel, bias: max(0, kernel.max() + bias)),
        ("one number is wanted", lambda kernel, bias: [max(0, kernel[kernel > 0].sum() + bias)]),
    ],
    "ascent_step": [
        ("runs away", lambda pixels, gradient, rate: np.clip(pixels + rate * gradient, 0, 1)),
        ("leaves [0, 1]", lambda pixels, gradient, rate: pixels + rate * gradient / np.linalg.norm(gradient)),
        ("goes down", lambda pixels, gradient, rate: moved(pixels, gradient, -rate)),
        ("largest value", lambda pixels, gradient, rate: np.clip(pixels + rate * gradient / abs(gradient).max(), 0, 1)),
        (
            "mean square",
            lambda pixels, gradient, rate: np.clip(pixels + rate * gradient / (gradient**2).mean() ** 0.5, 0, 1),
        ),
        ("changes what it was given (argument 1)", in_place),
    ],
    "climb": [
        ("goes down", lambda *given: climbed(*given, sign=-1)),
        (
            "not divided by its length",
            lambda *given: climbed(*given, step=lambda x, g, rate: np.clip(x + rate * g, 0, 1)),
        ),
        ("leave [0, 1]", lambda *given: climbed(*given, step=lambda x, g, rate: x + rate * g / np.linalg.norm(g))),
        ("All units", lambda model, layer, unit, *rest: climbed(model, layer, slice(None), *rest)),
        ("first unit", lambda model, layer, unit, *rest: climbed(model, layer, 0, *rest)),
        ("one step, however many", lambda *given: climbed(*given[:5], 1)),
        ("expected shape", lambda *given: climbed(*given)[None]),
    ],
    "filter_similarity": [
        ("still grow", lambda kernels: np.einsum("abcm,abcn->mn", kernels, kernels)),
        ("correlation", lambda kernels: np.corrcoef(kernels.reshape(-1, kernels.shape[-1]), rowvar=False)),
        ("sign is lost", lambda kernels: np.abs(cosines(kernels))),
        ("mixed up", lambda kernels: cosines(kernels.reshape(kernels.shape[-1], -1).T)),
        ("channels that come in", lambda kernels: cosines(kernels.swapaxes(2, 3))),
        ("axes, not 2", lambda kernels: np.array(cosines(kernels))[None]),
    ],
}
