"""Claims about activation visualization (section 7.5), each as a test.

The dissertation marks the unit "with the highest activation" of a layer; here that is the unit with the highest single
answer, which is what the words say (``by="peak"``).
"""

import keras
import numpy as np

from ..lenses import activations, neurons
from ..scores import activations as scores
from . import stimuli
from .claim import Claims

claims = Claims("activations")

CLASSES = 10  # of both data sets


def chosen(context, data, seed):
    """Which test images a seed draws: (images,) int."""
    count = len(data.y_test)
    return np.random.default_rng(seed).choice(count, min(context.size.images, count), replace=False)


def drawn(context, name, seed):
    """Test images and their labels, another random draw under each seed."""
    data = context.data(name)
    numbers = chosen(context, data, seed)
    return data.x_test[numbers], data.y_test[numbers]


# --- how much of the picture is left ------------------------------------------------------------------------


@claims.measure("lenet-27th-of-map")
def lenet_27th_of_map(context, seed):
    """Arithmetic of map sizes: 26² / 5²."""
    return [1 / scores.pixels_left(context.net("lenet").layers())[-1].share], [27]


@claims.measure("lenet-27th-of-picture")
def lenet_27th_of_picture(context, seed):
    """Arithmetic of map sizes: 28² / 5². The original is the picture, not the first map, which has lost its border already."""
    net = context.net("lenet")
    return [np.prod(net.size) / np.prod(scores.pixels_left(net.layers())[-1].size)], [27]


@claims.measure("lenet-compacts")
def lenet_compacts(context, seed):
    """Arithmetic of whole layers: 28² numbers come in, 5² × 32 go out."""
    net = context.net("lenet")
    return [np.prod(net.size) * net.channels / scores.pixels_left(net.layers())[-1].values], [1]


@claims.measure("lenet-fifth-is-sixth")
def lenet_fifth_is_sixth(context, seed):
    """Equality of two outputs; dropout is that of Srivastava et al. (2014)."""
    net = context.net("lenet")
    read = net.read(drawn(context, "mnist", seed)[0], ["pool2", "dropout1"], progress=False)
    trained = np.asarray(keras.random.dropout(read["pool2"], net.model.get_layer("dropout1").rate, seed=seed))
    return scores.unchanged(read["pool2"], read["dropout1"]), scores.unchanged(read["pool2"], trained)


# --- the most active unit -----------------------------------------------------------------------------------


def _sharing(context, net, layer, seed):
    """For each digit, how often two of its images share their most active unit, and how often with shuffled labels."""
    images, labels = drawn(context, "mnist", seed)
    winners = activations.most_active(net.read(images, [layer], progress=False)[layer], "peak")
    shuffled = np.random.default_rng(seed).permutation(labels)
    return scores.shared_by_class(winners, labels), scores.shared_by_class(winners, shuffled)


@claims.measure("lenet-same-digit-same-unit")
def lenet_same_digit_same_unit(context, seed):
    """Agreement of pairs within a class, against a permutation of the labels."""
    return _sharing(context, context.net("lenet"), "conv2", seed)


@claims.measure("lenet-same-unit-learned")
def lenet_same_unit_learned(context, seed):
    """The advantage over shuffled labels, trained against untrained: a difference of differences."""
    return [
        np.subtract(*_sharing(context, net, "conv2", seed))
        for net in (context.net("lenet"), context.untrained("lenet", seed))
    ]


@claims.measure("lenet-most-active-decides")
def lenet_most_active_decides(context, seed):
    """Single-unit ablation (Morcos et al. 2018, section 3.1), on the margin between the right class and the runner-up."""
    net, (images, labels) = context.net("lenet"), drawn(context, "mnist", seed)
    others = net.logits(images, progress=False)
    others[np.arange(len(labels)), labels] = -np.inf
    lost, gained = (activations.silence(net, images, names, "conv2").drop for names in (labels, others.argmax(1)))
    strongest = activations.most_active(net.read(images, ["conv2"], progress=False)["conv2"], "peak")
    named = np.random.default_rng(seed).integers(lost.shape[1], size=len(images))
    return scores.place_among(lost - gained, strongest), scores.place_among(lost - gained, named)


# --- a unit for the background ------------------------------------------------------------------------------


def _background(context, net, layer, pooled, seed):
    """For each digit, how far the unit that prefers the background most in half of the images does so in the other half."""
    images, labels = drawn(context, "mnist", seed)
    maps, half = net.read(images, [layer], progress=False)[layer], len(images) // 2

    def preference(which):
        return scores.background_preference(
            scores.background_share(maps[which], images[which], net.layer("conv1"), pooled)
        )

    unit = preference(slice(half)).argmax()
    return [preference(np.flatnonzero(labels[half:] == digit) + half)[unit] for digit in range(CLASSES)]


@claims.measure("lenet-background-first")
def lenet_background_first(context, seed):
    """Share of a unit's answer that falls where its receptive field holds no ink, corrected for chance."""
    return [
        _background(context, net, "conv1", 1, seed) for net in (context.net("lenet"), context.untrained("lenet", seed))
    ]


@claims.measure("lenet-background-second")
def lenet_background_second(context, seed):
    """As in the first layer, which the second pools: of the four positions that one pools, one that sees no ink is enough."""
    return [
        _background(context, net, "pool1", 2, seed) for net in (context.net("lenet"), context.untrained("lenet", seed))
    ]


# --- edge detectors -----------------------------------------------------------------------------------------

UPRIGHT, LYING = 0, 90  # degrees across which gratings and edges change: stripes stand or lie


def _tunings(net, layer, side, periods, shifts):
    """How a layer's units are tuned to gratings and to single edges, seen where no border of the picture is near."""

    def answers(pictures):
        shown = pictures.reshape(-1, side, side, 1).repeat(net.channels, -1)
        maps = net.read(shown, [layer], batch_size=16, progress=False)[layer]
        margin = maps.shape[1] // 4
        middle = maps[:, margin : maps.shape[1] - margin, margin : maps.shape[2] - margin]
        return activations.strengths(middle, "peak").reshape(*pictures.shape[:2], -1)

    edges = answers(stimuli.edges(side, 16, shifts))
    edges = np.concatenate(np.split(edges, 2), 1)  # bright left or bright right is one orientation
    return [stimuli.tuning(found) for found in (answers(stimuli.gratings(side, 8, periods, 2)), edges)]


def _rarer(tunings):
    """Which units detect upright or lying edges, whichever of the two fewer units do."""
    return min((scores.oriented(tunings, toward) for toward in (UPRIGHT, LYING)), key=np.sum)


def _vgg4_edges(context, layer, seed):
    nets = context.net("vgg4"), context.untrained("vgg4", seed)
    return [_rarer(_tunings(net, layer, 32, (4, 8), stimuli.SHIFTS)) for net in nets]


@claims.measure("vgg4-edges-third-convolution")
def vgg4_edges_third_convolution(context, seed):
    """Orientation selectivity (Ringach, Shapley and Hawken 2002) to two kinds of pictures."""
    return _vgg4_edges(context, "conv3", seed)


@claims.measure("vgg4-edges-third-picture")
def vgg4_edges_third_picture(context, seed):
    """Orientation selectivity (Ringach, Shapley and Hawken 2002) to two kinds of pictures."""
    return _vgg4_edges(context, "pool1", seed)


@claims.measure("vgg16-edges-deep")
def vgg16_edges_deep(context, seed):
    """Orientation selectivity (Ringach, Shapley and Hawken 2002) to two kinds of pictures."""
    net, shown = context.net("vgg16"), (context.size.side, context.size.periods, context.size.shifts)
    tuned = context.shared(("tuned", "vgg16", *shown), lambda: _tunings(net, "block5_conv1", *shown))
    return [scores.oriented(found) for found in (tuned, _tunings(neurons.untrained(net, seed), "block5_conv1", *shown))]
