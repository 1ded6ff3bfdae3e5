"""Claims about activation visualization (section 7.5), each as a test.

The dissertation marks the unit "with the highest activation" of a layer; here that is the unit with the highest single
activation, which is what the words say (``by="peak"``).
"""

import keras
import numpy as np

from ..errors import CnnlensError
from ..lenses import activations, neurons
from ..lenses.ablation import ablate
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
    return [1 / scores.pixels_left(context.net("lenet").layers())[-1].fraction], [27]


@claims.measure("lenet-27th-of-picture")
def lenet_27th_of_picture(context, seed):
    """Arithmetic of map sizes: 28² / 5². The original is the picture: the first map has lost its border already."""
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
    return unchanged(read["pool2"], read["dropout1"]), unchanged(read["pool2"], trained)


def unchanged(before, after):
    """Which images a layer passes on as they came, every number of them: bool (N,)."""
    if before.shape != after.shape:
        raise CnnlensError(f"Layers of {before.shape} and {after.shape} cannot be the same; expected one shape.")
    return (before == after).reshape(len(before), -1).all(1)


# --- the most active unit -----------------------------------------------------------------------------------


def _sharing(context, net, layer, seed):
    """For each digit, how often two of its images share their most active unit, and how often with shuffled labels."""
    images, labels = drawn(context, "mnist", seed)
    winners = activations.most_active(net.read(images, [layer], progress=False)[layer], "peak")
    shuffled = np.random.default_rng(seed).permutation(labels)
    return shared_by_class(winners, labels), shared_by_class(winners, shuffled)


def shared_by_class(winners, labels):
    """For each class, the fraction of pairs of its images whose most active unit is the same: 0 to 1, (classes,).

    Class by class, so that one digit that all share cannot speak for the ten. Each needs at least two images.
    """
    winners = np.unique(winners, return_inverse=True)[1]
    labels = np.unique(labels, return_inverse=True)[1]
    table = np.zeros((labels.max() + 1, winners.max() + 1), np.int64)
    np.add.at(table, (labels, winners), 1)
    every = table.sum(1)
    if every.min() < 2:
        raise CnnlensError("A class has only one image, so there is no pair of it: show at least two of each class.")
    return (table * (table - 1)).sum(1) / (every * (every - 1))


@claims.measure("lenet-same-digit-same-unit")
def lenet_same_digit_same_unit(context, seed):
    """Agreement of pairs within a class, against a permutation of the labels."""
    return _sharing(context, context.net("lenet"), "conv2", seed)


@claims.measure("lenet-same-unit-learned")
def lenet_same_unit_learned(context, seed):
    """The advantage over shuffled labels, trained against untrained: a difference of differences."""
    nets = context.net("lenet"), context.untrained("lenet", seed)
    return [np.subtract(*_sharing(context, net, "conv2", seed)) for net in nets]


@claims.measure("lenet-most-active-decides")
def lenet_most_active_decides(context, seed):
    """Single-unit ablation (Morcos et al. 2018, section 3.1), on the margin of the right class over the runner-up."""
    net, (images, labels) = context.net("lenet"), drawn(context, "mnist", seed)
    others = net.logits(images, progress=False)
    others[np.arange(len(labels)), labels] = -np.inf
    lost, gained = (ablate(net, images, names, "conv2").drop for names in (labels, others.argmax(1)))
    strongest = activations.most_active(net.read(images, ["conv2"], progress=False)["conv2"], "peak")
    named = np.random.default_rng(seed).integers(lost.shape[1], size=len(images))
    return percentile_rank(lost - gained, strongest), percentile_rank(lost - gained, named)


def percentile_rank(losses, units):
    """The fraction of the other units whose ablation costs less than that of the unit asked about: (N,).

    Of losses (N, units) and units (N,). Ties count half, so that a unit named at random is at 0.5 on average.
    """
    asked = np.take_along_axis(losses, np.asarray(units)[:, None], 1)
    below = (losses < asked).sum(1) + ((losses == asked).sum(1) - 1) / 2
    return below / (losses.shape[1] - 1)


# --- a unit for the background ------------------------------------------------------------------------------


def _background(context, net, layer, pooled, seed):
    """For each digit, how far a unit prefers the background: the one that does most in the other half of the images."""
    images, labels = drawn(context, "mnist", seed)
    maps, half = net.read(images, [layer], progress=False)[layer], len(images) // 2

    def preference(which):
        return background_preference(scores.background_fraction(maps[which], images[which], net.layer("conv1"), pooled))

    unit = preference(slice(half)).argmax()
    return [preference(np.flatnonzero(labels[half:] == digit) + half)[unit] for digit in range(CLASSES)]


def background_preference(found):
    """How far each unit avoids the ink, (units,): 0 if its activation is spread evenly, 1 if it is only on background.

    Corrected for how much of the images is empty, as Cohen (1960) corrects agreement for chance; 0 for a unit that is
    never active.
    """
    beyond = (np.nan_to_num(found.fraction) - found.expected) / max(1 - found.expected, 1e-9)
    return np.maximum(beyond, 0)


@claims.measure("lenet-background-first")
def lenet_background_first(context, seed):
    """Fraction of a unit's activation that falls where its receptive field holds no ink, corrected for chance."""
    nets = context.net("lenet"), context.untrained("lenet", seed)
    return [_background(context, net, "conv1", 1, seed) for net in nets]


@claims.measure("lenet-background-second")
def lenet_background_second(context, seed):
    """As in the first layer, which the second pools: of four positions pooled, one that sees no ink is enough."""
    nets = context.net("lenet"), context.untrained("lenet", seed)
    return [_background(context, net, "pool1", 2, seed) for net in nets]


# --- edge detectors -----------------------------------------------------------------------------------------

UPRIGHT, LYING = 0, 90  # degrees across which gratings and edges change: stripes stand or lie
ORIENTED = 0.25  # selectivity of a unit whose responses vary 3 to 1 in a cosine round the circle
TURN = 22.5  # degrees by which orientations may differ and still be called the same: an eighth of the half circle


def oriented(tunings, toward=None):
    """Which units are tuned to one orientation, and to the same one by every test: bool (units,).

    One test is not enough: a unit that happens to respond to a single picture looks perfectly tuned.

    Parameters
    ----------
    tunings : sequence of :class:`cnnlens.ledger.stimuli.Tuning`
        To pictures of several sorts, such as gratings and edges, each with a circle of 180 degrees.
    toward : float, optional
        The orientation in degrees that is asked about; by default any will do.
    """
    target = tunings[0].preferred if toward is None else toward
    turned = [np.abs((tuned.preferred - target + 90) % 180 - 90) for tuned in tunings]
    passed = [(tuned.selectivity >= ORIENTED) & (apart <= TURN) for tuned, apart in zip(tunings, turned)]
    return np.logical_and.reduce(passed)


def _tunings(net, layer, side, periods, shifts):
    """How a layer's units are tuned to gratings and to single edges, seen where no border of the picture is near."""

    def responses(pictures):
        shown = pictures.reshape(-1, side, side, 1).repeat(net.channels, -1)
        maps = net.read(shown, [layer], batch_size=16, progress=False)[layer]
        margin = maps.shape[1] // 4
        middle = maps[:, margin : maps.shape[1] - margin, margin : maps.shape[2] - margin]
        return activations.responses(middle, "peak").reshape(*pictures.shape[:2], -1)

    edges = responses(stimuli.edges(side, 16, shifts))
    edges = np.concatenate(np.split(edges, 2), 1)  # bright left or bright right is one orientation
    return [stimuli.tuning(found) for found in (responses(stimuli.gratings(side, 8, periods, 2)), edges)]


def _rarer(tunings):
    """Which units detect upright or lying edges, whichever of the two fewer units do."""
    return min((oriented(tunings, toward) for toward in (UPRIGHT, LYING)), key=np.sum)


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
    untrained = _tunings(neurons.untrained(net, seed), "block5_conv1", *shown)
    return [oriented(tuned), oriented(untrained)]
