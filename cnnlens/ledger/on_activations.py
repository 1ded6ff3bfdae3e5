"""Claims about activation visualization (section 7.5), each as a test.

The dissertation marks the unit "with the highest activation" of a layer; here that is the unit with the highest single
answer, which is what the words say (``by="peak"``).
"""

import keras
import numpy as np

from ..errors import CnnlensError
from ..lenses import activations, neurons
from ..lenses.ablation import ablate
from ..scores import activations as scores
from ..scores import stimuli
from .claim import Support, claim

CLASSES = 10  # of both data sets


def chosen(at, data, seed):
    """Which test images a seed draws: (images,) int."""
    count = len(data.y_test)
    return np.random.default_rng(seed).choice(count, min(at.size.images, count), replace=False)


def drawn(at, name, seed):
    """Test images and their labels, another random draw under each seed."""
    data = at.data(name)
    numbers = chosen(at, data, seed)
    return data.x_test[numbers], data.y_test[numbers]


# --- how much of the picture is left ------------------------------------------------------------------------


@claim(
    "lenet-27th-of-map",
    section="7.5",
    technique="activations",
    says="From LeNet's first map to its last, 26 of 27 pixels are gone.",
    looked_at="Figure 18: a two in six layers of LeNet, with pixels on the axes",
    figure="pixels of a map of the first layer for each pixel of a map of the last pooling layer",
    control="27, as the text says",
    support=Support(-0.5, 0.5),
    why="rounded, it must be 27",
    quick={"seeds": 2},
    full={"seeds": 2},
)
def lenet_27th_of_map(at, seed):
    """Arithmetic of map sizes: 26² / 5²."""
    return [1 / scores.pixels_left(at.net("lenet").layers())[-1].fraction], [27]


@claim(
    "lenet-27th-of-picture",
    section="7.5",
    technique="activations",
    says="Only 1/27 of the original number of pixels is left at LeNet's final layer.",
    looked_at="Figure 18: a two in six layers of LeNet, with pixels on the axes",
    figure="pixels of the picture that LeNet is shown for each pixel of a map of its last pooling layer",
    control="27, as the text says",
    support=Support(-0.5, 0.5),
    why="rounded, it must be 27",
    quick={"seeds": 2},
    full={"seeds": 2},
)
def lenet_27th_of_picture(at, seed):
    """Arithmetic of map sizes: 28² / 5². The original is the picture, not the first map, which has lost its border already."""
    net = at.net("lenet")
    return [np.prod(net.size) / np.prod(scores.pixels_left(net.layers())[-1].size)], [27]


@claim(
    "lenet-compacts",
    section="7.5",
    technique="activations",
    says="Each layer of LeNet compacts what it gets, reducing the dimensions of the image.",
    looked_at="Figure 18: maps that get smaller from layer to layer",
    figure="numbers in the picture for each number that the last pooling layer passes on, all its units counted",
    control="1: as many numbers as came in",
    support=Support(0.05),
    why="compacting leaves fewer numbers; one in twenty fewer would be enough",
    quick={"seeds": 2},
    full={"seeds": 2},
)
def lenet_compacts(at, seed):
    """Arithmetic of whole layers: 28² numbers come in, 5² × 32 go out."""
    net = at.net("lenet")
    return [np.prod(net.size) * net.channels / scores.pixels_left(net.layers())[-1].values], [1]


@claim(
    "lenet-fifth-is-sixth",
    section="7.5",
    technique="activations",
    says="The fifth and the sixth layer that are shown of LeNet are the same: the sixth has no visible effect.",
    looked_at="Figure 18: the last two of six layers of LeNet, pooling and dropout",
    figure="share of images that dropout passes on unchanged, to the last number, when the network is looked at",
    control="the same while it is trained",
    support=Support(0.9),
    why="the same means every image, and dropout, which changes nearly every one while it trains, shows that it could be otherwise",
    quick={"seeds": 2, "images": 200},
    full={"seeds": 3, "images": 2000},
)
def lenet_fifth_is_sixth(at, seed):
    """Equality of two outputs; dropout is that of Srivastava et al. (2014)."""
    net = at.net("lenet")
    read = net.read(drawn(at, "mnist", seed)[0], ["pool2", "dropout1"], progress=False)
    trained = np.asarray(keras.random.dropout(read["pool2"], net.model.get_layer("dropout1").rate, seed=seed))
    return unchanged(read["pool2"], read["dropout1"]), unchanged(read["pool2"], trained)


def unchanged(before, after):
    """Which images a layer passes on as they came, every number of them: bool (N,)."""
    if before.shape != after.shape:
        raise CnnlensError(f"Layers of {before.shape} and {after.shape} cannot be the same; expected one shape.")
    return (before == after).reshape(len(before), -1).all(1)


# --- the most active unit -----------------------------------------------------------------------------------


def _sharing(at, net, layer, seed):
    """For each digit, how often two of its images share their most active unit, and how often with shuffled labels."""
    images, labels = drawn(at, "mnist", seed)
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
        raise CnnlensError(
            "A class has only one image, so there is no pair of it to compare: show at least two of each."
        )
    return (table * (table - 1)).sum(1) / (every * (every - 1))


@claim(
    "lenet-same-digit-same-unit",
    section="7.5",
    technique="activations",
    says="Two images of the same digit often have the same maximally active unit in LeNet.",
    looked_at="activation sheets of two images of one digit, with the most active unit marked",
    figure="share of pairs of one digit with the same most active unit in the second convolution (highest answer), digit by digit",
    control="the same pairs after the labels were shuffled",
    support=Support(0.1),
    why="whoever compares ten pairs should see one more that agrees than among pairs of any digits",
    quick={"seeds": 3, "images": 300},
    full={"seeds": 5, "images": 2000},
)
def lenet_same_digit_same_unit(at, seed):
    """Agreement of pairs within a class, against a permutation of the labels."""
    return _sharing(at, at.net("lenet"), "conv2", seed)


@claim(
    "lenet-same-unit-learned",
    section="7.5",
    technique="activations",
    says="That images of one digit share their most active unit shows units that have learned that digit's features.",
    looked_at="activation sheets of two images of one digit, with the most active unit marked",
    figure="by how much more pairs of one digit share their most active unit in the second convolution than shuffled pairs do",
    control="the same in LeNet before training",
    support=Support(0.1),
    why="what an untrained network does as well was not learned; one pair in ten more is what one could see",
    quick={"seeds": 3, "images": 300},
    full={"seeds": 5, "images": 2000},
)
def lenet_same_unit_learned(at, seed):
    """The advantage over shuffled labels, trained against untrained: a difference of differences."""
    return [np.subtract(*_sharing(at, net, "conv2", seed)) for net in (at.net("lenet"), at.untrained("lenet", seed))]


@claim(
    "lenet-most-active-decides",
    section="7.5",
    technique="activations",
    says="The most active unit of a layer shows how LeNet tells the digits apart.",
    looked_at="Figure 18: in the fourth picture, head and tail of a two light up in the unit marked as most active",
    figure="share of the other units whose loss hurts less than that of the most active unit of the second convolution "
    "(hurts: the right digit's lead over the next one shrinks)",
    control="the same for a unit of the layer named at random",
    support=Support(0.25),
    why="a unit that shows how the network decides should be among the quarter that matters most, a random one is in the middle",
    quick={"seeds": 2, "images": 60},
    full={"seeds": 5, "images": 500},
)
def lenet_most_active_decides(at, seed):
    """Single-unit ablation (Morcos et al. 2018, section 3.1), on the margin between the right class and the runner-up."""
    net, (images, labels) = at.net("lenet"), drawn(at, "mnist", seed)
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


def _background(at, net, layer, pooled, seed):
    """For each digit, how far the unit that prefers the background most in half of the images does so in the other half."""
    images, labels = drawn(at, "mnist", seed)
    maps, half = net.read(images, [layer], progress=False)[layer], len(images) // 2

    def preference(which):
        found = scores.background_fraction(maps[which], images[which], net.layer("conv1"), pooled)
        return background_preference(found)

    unit = preference(slice(half)).argmax()
    return [preference(np.flatnonzero(labels[half:] == digit) + half)[unit] for digit in range(CLASSES)]


def background_preference(found):
    """How far each unit avoids the ink: 0 if its activation is spread evenly or is never there, 1 if only on background.

    Corrected for how much of the images is empty, as Cohen (1960) corrects agreement for chance: (units,).
    """
    beyond = (np.nan_to_num(found.fraction) - found.expected) / max(1 - found.expected, 1e-9)
    return np.maximum(beyond, 0)


BACKGROUND = {
    "section": "7.5",
    "technique": "activations",
    "support": Support(0.8),
    "looked_at": "Figure 18 and sheets like it: one unit that lights up around the digit in every image",
    "figure": "how far the unit leaves the ink alone, digit by digit: 0 if it answers evenly everywhere, 1 if only on background; "
    "the unit is chosen on other images",
    "control": "the same in LeNet before training",
    "why": "only means only: of what an even answer would give to the ink, four fifths must be missing",
    "quick": {"seeds": 2, "images": 300},
    "full": {"seeds": 5, "images": 2000},
}


@claim(
    "lenet-background-first",
    says="In LeNet's first layer is a unit that activates only for the background.",
    **BACKGROUND,
)
def lenet_background_first(at, seed):
    """Share of a unit's answer that falls where its receptive field holds no ink, corrected for chance."""
    return [_background(at, net, "conv1", 1, seed) for net in (at.net("lenet"), at.untrained("lenet", seed))]


@claim(
    "lenet-background-second",
    says="In LeNet's second layer is a unit that activates only for the background.",
    **BACKGROUND,
)
def lenet_background_second(at, seed):
    """As in the first layer, which the second pools: of the four positions that one pools, one that sees no ink is enough."""
    return [_background(at, net, "pool1", 2, seed) for net in (at.net("lenet"), at.untrained("lenet", seed))]


# --- edge detectors -----------------------------------------------------------------------------------------

UPRIGHT, LYING = 0, 90  # degrees across which gratings and edges change: stripes stand or lie
ORIENTED = 0.25  # selectivity of a unit whose responses vary 3 to 1 in a cosine round the circle
TURN = 22.5  # degrees by which orientations may differ and still be called the same: an eighth of the half circle


def oriented(tunings, toward=None):
    """Which units are tuned to one orientation, and to the same one by every test: bool (units,).

    One test is not enough: a unit that happens to respond to a single picture looks perfectly tuned.

    Parameters
    ----------
    tunings : sequence of :class:`cnnlens.scores.stimuli.Tuning`
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


def _vgg4_edges(at, layer, seed):
    nets = at.net("vgg4"), at.untrained("vgg4", seed)
    return [_rarer(_tunings(net, layer, 32, (4, 8), stimuli.SHIFTS)) for net in nets]


EDGES = {
    "section": "7.5",
    "technique": "activations",
    "support": Support(0.05),
    "figure": "share of the layer's units that are tuned to upright edges or to lying ones, whichever are fewer "
    "(3 to 1 and within 22.5°, for gratings and for single edges alike)",
    "control": "the same in VGG4 before training",
    "why": "a few units are tuned by chance; one unit in twenty more, in both directions, is not",
    "quick": {"seeds": 2},
    "full": {"seeds": 5},
}


@claim(
    "vgg4-edges-third-convolution",
    says="VGG4's third layer has units that search for vertical edges and units that search for horizontal ones (third of its convolutions).",
    looked_at="Figure 15: two units of layer 3 of VGG4, one with upright and one with lying strokes",
    **EDGES,
)
def vgg4_edges_third_convolution(at, seed):
    """Orientation selectivity (Ringach, Shapley and Hawken 2002) to two kinds of pictures."""
    return _vgg4_edges(at, "conv3", seed)


@claim(
    "vgg4-edges-third-picture",
    says="VGG4's third layer has units that search for vertical edges and units that search for horizontal ones (third of the layers that are "
    "shown: the second convolution, pooled).",
    looked_at="Figures 15 and 19: two units of layer 3 of VGG4, where convolutions and pooling are shown",
    **EDGES,
)
def vgg4_edges_third_picture(at, seed):
    """Orientation selectivity (Ringach, Shapley and Hawken 2002) to two kinds of pictures."""
    return _vgg4_edges(at, "pool1", seed)


@claim(
    "vgg16-edges-deep",
    section="7.5",
    technique="activations",
    says="Deep in VGG16, in layer 15 of 18, are units that search for edges of a certain orientation.",
    looked_at="Figure 20: six layers of VGG16, one of them layer 15 (block5_conv1)",
    figure="share of the units of block5_conv1 that are tuned to one orientation (3 to 1, and the same within 22.5° for gratings and for single edges)",
    control="the same in VGG16 before training",
    support=Support(0.05),
    why="a few units are tuned by chance; one unit in twenty more is not",
    quick={"seeds": 2, "side": 112, "periods": (16,), "shifts": (0.0,)},
    full={"seeds": 3, "side": 224, "periods": (8, 16, 32), "shifts": stimuli.SHIFTS},
)
def vgg16_edges_deep(at, seed):
    """Orientation selectivity (Ringach, Shapley and Hawken 2002) to two kinds of pictures."""
    net, shown = at.net("vgg16"), (at.size.side, at.size.periods, at.size.shifts)
    tuned = at.shared(("tuned", "vgg16", *shown), lambda: _tunings(net, "block5_conv1", *shown))
    return [oriented(found) for found in (tuned, _tunings(neurons.untrained(net, seed), "block5_conv1", *shown))]
