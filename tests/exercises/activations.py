"""Answers to the exercises of lesson 05: a right one for each, and wrong ones with words that name the mistake."""

import itertools
import math

import numpy as np


def places(side, kernel, stride):
    return len(range(0, side - kernel + 1, stride))


def seen(layers):
    """From the last layer back to the image: n places of a map see (n - 1) * stride + kernel before it."""
    width = 1
    for kernel, stride in reversed(layers):
        width = (width - 1) * stride + kernel
    return width


def added(layers, shift=0):
    """What each layer adds, with the product of the strides before it."""
    before = [1, *itertools.accumulate((stride for _, stride in layers), lambda a, b: a * b)]
    return 1 + sum((kernel - 1) * before[number + shift] for number, (kernel, _) in enumerate(layers))


def dropped(maps, rest, label, kept=lambda units, unit: np.arange(units) != unit):
    """By a mask for each unit."""
    units = maps.shape[2]
    return [float(rest(maps)[label] - rest(maps * kept(units, unit))[label]) for unit in range(units)]


def one_after_the_other(maps, rest, label):
    changed, found = maps.copy(), []
    for unit in range(maps.shape[-1]):
        changed[:, :, unit] = 0
        found.append(rest(maps)[label] - rest(changed)[label])
    return np.array(found)


def written_into(maps, rest, label):
    before, found = rest(maps)[label], []
    for unit in range(maps.shape[-1]):
        maps[:, :, unit] = 0
        found.append(before - rest(maps)[label])
    return np.array(found)


RIGHT = {"map_size": places, "block5_sees": 196.0, "receptive_field": seen, "score_drops": dropped}
WRONG = {
    "map_size": [
        ("must not leave the image", lambda side, kernel, stride: int(side / stride)),
        ("one more place than steps", lambda side, kernel, stride: int((side - kernel) / stride)),
        ("no half places", lambda side, kernel, stride: 1 + (side - kernel) / stride),
        ("stride is forgotten", lambda side, kernel, stride: places(side, kernel, 1)),
        ("not up", lambda side, kernel, stride: math.ceil((side - kernel) / stride) + 1),
        ("with padding", lambda side, kernel, stride: math.ceil(side / stride)),
    ],
    "block5_sees": [
        ("twice as far apart", 31),
        ("without pooling", 27),
        ("sees two places itself", 181),
        ("whole image", 224),
        ("apart, not how much", 16),
        ("too small", 100),
    ],
    "receptive_field": [
        ("strides are forgotten", lambda layers: 1 + sum(kernel - 1 for kernel, _ in layers)),
        ("kernels are added", lambda layers: sum(kernel for kernel, stride in layers)),
        ("multiplied", lambda layers: math.prod(kernel for kernel, _ in layers)),
        ("own stride", lambda layers: added(layers, shift=1)),
        ("last to the first", lambda layers: seen(layers[::-1])),
        ("Off by one", lambda layers: seen(layers) - 1),
    ],
    "score_drops": [
        ("one at a time", one_after_the_other),
        ("changes what it was given (argument 1)", written_into),
        ("keep the others", lambda *given: dropped(*given, kept=lambda units, unit: np.arange(units) == unit)),
        ("score that is left", lambda maps, rest, label: rest(maps)[label] - dropped(maps, rest, label)),
        ("gains without", lambda *given: np.negative(dropped(*given))),
        ("take the sign away", lambda *given: [abs(each) for each in dropped(*given)]),
        ("not of the label", lambda maps, rest, label: dropped(maps, rest, np.argmax(rest(maps)))),
        ("how strongly each unit responds", lambda maps, rest, label: np.einsum("hwu->u", maps) / maps[..., 0].size),
    ],
}
