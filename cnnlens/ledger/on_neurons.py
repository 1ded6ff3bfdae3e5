"""Claims about neuron visualization: section 7.4, and what the conclusion (section 8) makes of it."""

import numpy as np
import tensorflow as tf

from .. import datasets, training, zoo
from ..lenses import exemplars, neurons
from ..scores import neurons as scores
from ..scores import stimuli
from .claim import CannotTell, Support, claim
from .faces import ALL, faces_of, heads_of
from .marks import marks_of, view

SHAPES = {
    "edge": stimuli.edges,
    "corner": stimuli.corners,
    "line": stimuli.lines,
    "spot": stimuli.spots,
    "flat": stimuli.flat,
}
SHEET = 24  # the strongest units of a sheet: the dissertation skips silent ones and shows the best first
ENOUGH = 6  # photographs: with fewer, dozens of 512 units point at all of the others by luck
VGG16_CONVOLUTIONS = tuple(
    f"block{block}_conv{i + 1}" for block, count in enumerate((2, 2, 3, 3, 3), 1) for i in range(count)
)


# --- what several claims use --------------------------------------------------------------------------------


def _untrained(at, name, seed):
    """An untrained copy of the very architecture that is here (a stand-in may lack the classifier)."""
    return at.shared(("untrained copy", name, seed), lambda: neurons.untrained(at.net(name), seed))


def _slate(at, net, name):
    """One copy of an architecture that takes on the weights of whichever network is asked for: TensorFlow compiles it once."""
    slate = at.shared(("slate", name), lambda: neurons.untrained(net))
    slate.model.set_weights(net.model.get_weights())
    return slate


def _favorites(at, net, layer):
    """What shapes LeNet's units answer to, each shape as large as what one unit sees."""
    size = net.layer(layer).receptive_field[0]
    pictures = at.shared(
        ("shapes", size), lambda: {kind: make(size).reshape(-1, size, size, 1) for kind, make in SHAPES.items()}
    )
    answers = (
        _slate(at, net, "lenet").compiled((layer,))(tf.constant(np.concatenate(list(pictures.values()))))[layer].numpy()
    )
    cuts = np.cumsum([len(each) for each in pictures.values()])[:-1]
    return stimuli.favorites(dict(zip(pictures, np.split(answers, cuts))))


def _detectors(at, layer, kind, seed):
    """Which units of LeNet are detectors of a shape, and which of several untrained copies."""
    own = _favorites(at, at.net("lenet"), layer).detectors(kind)
    chance = [
        _favorites(at, _untrained(at, "lenet", seed * at.size.copies + i), layer).detectors(kind)
        for i in range(at.size.copies)
    ]
    return own, np.concatenate(chance)


def _sheet(at, net, layer, seed):
    """Optimized images of all LeNet's units of a layer, by the dissertation's method."""
    how = {"steps": at.size.steps, "seed": seed, "method": "pixels", "progress": False}
    return at.shared(
        ("sheet", net.source, layer, *how.values()), lambda: neurons.maximize(_slate(at, net, "lenet"), layer, **how)
    )


def _best(sheet):
    """The images of the strongest units, the same number of any sheet."""
    return sheet.images[sheet.best_first[:SHEET]]


def _block1(at, layer, seed):
    """Optimized images of VGG16's first block, by the dissertation's method."""
    key = ("block 1", layer, seed, *vars(at.size).values())
    how = {"size": at.size.pixels, "steps": at.size.steps, "method": "pixels", "progress": False}
    return at.shared(
        key, lambda: neurons.maximize(at.net("vgg16"), layer, range(at.size.units), seed=seed, **how)
    ).images


def _barely_trained(at, seed):
    """A LeNet that has seen few images, each once."""

    def make():
        net = zoo.untrained("lenet", seed=seed)
        training.train(
            net, at.data("mnist").take(at.size.images, 50), epochs=1, seed=seed, policy="float32", progress=False
        )
        return net

    at.data("mnist")
    return at.shared(("barely trained", at.size.images, seed), make)


def _found_elsewhere(at, layer, images, boxes, what, seed):
    """How often VGG16's units point at what is marked on an image that they were not chosen on; and an untrained copy's."""
    if len(images) < ENOUGH:
        raise CannotTell(
            f"only {len(images)} photographs with {what} are here: too few to choose units on some and test them on others"
        )
    found = []
    for net in (at.net("vgg16"), _untrained(at, "vgg16", seed)):
        key = (what, layer, len(images), images[0].shape, net.source)
        maps = at.shared(
            key, lambda net=net: _slate(at, net, "vgg16").read(images, (layer,), batch_size=4, progress=False)[layer]
        )
        found.append(
            scores.elsewhere(
                [scores.points_at(one, net.layer(layer), marked) for one, marked in zip(maps, boxes)], at.size.chosen
            )
        )
    return found


def _means(read, images):
    """Of each layer the units' mean answers, four images at a time: whole maps of all layers would fill the memory."""
    parts = [read(tf.constant(images[first : first + 4])) for first in range(0, len(images), 4)]
    return {path: np.concatenate([tf.reduce_mean(part[path], (1, 2)) for part in parts]) for path in parts[0]}


def _beyond_waves(at, net, name, layers, images, seed):
    """How much each layer cares for how the waves of images are put together: (images, layers)."""
    read = _slate(at, net, name).compiled(layers)
    real, once, again = (
        _means(read, which) for which in (images, *(stimuli.scrambled(images, 2 * seed + i) for i in (0, 1)))
    )
    return np.stack([stimuli.beyond_waves(real[path], once[path], again[path]) for path in layers], 1)


# --- 7.4.1: LeNet -------------------------------------------------------------------------------------------

DETECTORS = {"quick": {"seeds": 3, "copies": 4}, "full": {"seeds": 5, "copies": 20}}
MORE = "a tenth more of the units than chance gives: fewer would be three of 32, which nobody would call a finding"
PIXELS = {"quick": {"seeds": 2, "steps": 40}, "full": {"seeds": 5, "steps": 500}}
SHOWN = "Figure 12: optimized images of single units"


@claim(
    "lenet-conv1-edges",
    section="7.4.1",
    technique="neurons",
    says="LeNet's first layer holds edge detectors.",
    looked_at=SHOWN,
    figure="share of units that answer to an edge at least a tenth more strongly than to any corner, line, spot or even patch of the same strength",
    control="the same in untrained copies",
    support=Support(0.1),
    why=MORE,
    **DETECTORS,
)
def lenet_conv1_edges(at, seed):
    """Shapes of known direction as large as the unit's view (in the manner of Hubel and Wiesel 1962)."""
    return _detectors(at, "conv1", "edge", seed)


@claim(
    "lenet-conv1-corners",
    section="7.4.1",
    technique="neurons",
    says="LeNet's first layer holds corner detectors.",
    looked_at=SHOWN,
    figure="share of units that answer to a corner at least a tenth more strongly than to any edge, line, spot or even patch of the same strength",
    control="the same in untrained copies",
    support=Support(0.1),
    why=MORE,
    **DETECTORS,
)
def lenet_conv1_corners(at, seed):
    """As for edges; a quarter of random 3×3 filters pass for corner detectors, which is what the control is for."""
    return _detectors(at, "conv1", "corner", seed)


@claim(
    "lenet-corners-only-first",
    section="7.4.1",
    technique="neurons",
    says="Only LeNet's first layer holds corner detectors; the second has none.",
    looked_at=SHOWN,
    figure="units of the first layer that are corner detectors, beyond those of an untrained copy",
    control="the same in the second layer",
    support=Support(0.1),
    why="what training puts into the first layer and not into the second should be a tenth of the units at least",
    **DETECTORS,
)
def lenet_corners_only_first(at, seed):
    """Differences of differences: small filters pass for corners more easily than large ones, with or without training."""
    layers = [_detectors(at, layer, "corner", seed) for layer in ("conv1", "conv2")]
    return [own - chance.reshape(-1, len(own)).mean(0) for own, chance in layers]


@claim(
    "lenet-conv2-edges",
    section="7.4.1",
    technique="neurons",
    says="Units of LeNet's second layer answer to edges of different directions.",
    looked_at=SHOWN,
    figure="share of units of the second layer that answer to an edge at least a tenth more strongly than to any corner, line, spot or even patch",
    control="the same in untrained copies",
    support=Support(0.1),
    why=MORE,
    **DETECTORS,
)
def lenet_conv2_edges(at, seed):
    """As for the first layer, with shapes of 8×8 pixels, which is what a unit of the second layer sees."""
    return _detectors(at, "conv2", "edge", seed)


@claim(
    "lenet-no-progression",
    section="7.4.1",
    technique="neurons",
    says="LeNet's units do not look for more complicated things the deeper they are.",
    looked_at="Figure 12: sheets of all layers",
    figure="how much more the second layer than the first cares for how the waves of a digit are put together",
    control="the same in an untrained copy",
    support=Support(-2, 0.05),
    why="on a scale from -1 to 1 a growth of a twentieth through training would be hard to see; anything above it is a progression",
    quick={"seeds": 3, "images": 100},
    full={"seeds": 5, "images": 500},
)
def lenet_no_progression(at, seed):
    """Higher-order structure by phase scrambling (Freeman et al. 2013): what is left of an image has its edges but not its shapes."""
    images, nets = at.data("mnist").x_test[: at.size.images], (at.net("lenet"), _untrained(at, "lenet", seed))
    return [np.diff(_beyond_waves(at, net, "lenet", ("conv1", "conv2"), images, seed))[:, 0] for net in nets]


@claim(
    "lenet-conv2-noisier",
    section="7.4.1",
    technique="neurons",
    says="The pictures of LeNet's second layer are noisier than those of the first.",
    looked_at=SHOWN,
    figure="share of a picture's variance in waves shorter than four pixels, second layer",
    control="the same, first layer",
    support=Support(0.05),
    why="pixels at random have 0.8; one twentieth is about what one sees in a picture of 28 pixels",
    **PIXELS,
)
def lenet_conv2_noisier(at, seed):
    """Ascent as in the dissertation (6.3.1): the strongest units, pixels, the gradient divided by its L2 norm."""
    return [scores.roughness(_best(_sheet(at, at.net("lenet"), layer, seed))) for layer in ("conv2", "conv1")]


@claim(
    "lenet-conv2-blurrier",
    section="7.4.1",
    technique="neurons",
    says="The pictures of LeNet's second layer are more blurred than those of the first.",
    looked_at=SHOWN,
    figure="how blurred a picture of the second layer is, 0 to 1",
    control="the same, first layer",
    support=Support(0.05),
    why="on Crete's scale people tell steps of about a twentieth apart",
    **PIXELS,
)
def lenet_conv2_blurrier(at, seed):
    """No-reference blur metric of Crete et al. 2007, on the dissertation's kind of picture."""
    return [scores.blur(_best(_sheet(at, at.net("lenet"), layer, seed))) for layer in ("conv2", "conv1")]


@claim(
    "lenet-conv2-weights-unclear",
    section="7.4.1",
    technique="neurons",
    says="The noise of the second layer's pictures comes from its weights: what these units look for is less clear.",
    looked_at=SHOWN,
    figure="how much rougher the pictures of the second layer are than those of the first",
    control="the same in an untrained copy",
    support=Support(0.05),
    why="noise that comes with two layers and a pooling, whatever the weights, says nothing about what was learned",
    **PIXELS,
)
def lenet_conv2_weights_unclear(at, seed):
    """The difference between the layers, with trained and with random weights, by the dissertation's method."""

    def growth(net):
        first, second = (scores.roughness(_best(_sheet(at, net, layer, seed))) for layer in ("conv1", "conv2"))
        return second - first

    return growth(at.net("lenet")), growth(_untrained(at, "lenet", seed))


@claim(
    "lenet-turned-copies",
    section="7.4.1",
    technique="neurons",
    says="Many units of LeNet's second layer are copies of others turned by 90°.",
    looked_at=SHOWN,
    figure="likeness of a unit's picture to the most similar picture of another unit after a quarter turn",
    control="the same in an untrained copy",
    support=Support(0.1),
    why="the nearest of 62 turned pictures is alike by chance; 0.1 of a cosine more than that is a small but visible difference",
    **PIXELS,
)
def lenet_turned_copies(at, seed):
    """Cosine between the spectra of pictures, which do not mind where a thing stands, after what all pictures share is taken off."""
    return [
        scores.image_copies(_sheet(at, net, "conv2", seed).images).nearest_turned
        for net in (at.net("lenet"), _untrained(at, "lenet", seed))
    ]


@claim(
    "lenet-flatten-ends-ascent",
    section="7.4.1",
    technique="neurons",
    says="Behind Flatten gradient ascent is no longer possible.",
    looked_at="the sheets that could not be made",
    figure="share of the units behind Flatten that the image made for them drives harder than the best real digit does",
    control="the same of the noise that the ascent began with",
    support=Support(-1, 0.1),
    why="if ascent is not possible there, the images must be no better than the noise; one unit in ten would be luck",
    quick={"seeds": 2, "steps": 24, "images": 200},
    full={"seeds": 3, "steps": 128, "images": 10000},
)
def lenet_flatten_ends_ascent(at, seed):
    """Erhan et al. 2009 on both dense layers, all units; the best of the test digits as the measure of success."""
    net, layers = at.net("lenet"), ("dense1", "dense2")
    digits = at.data("mnist").x_test[: at.size.images]
    tops = at.shared(
        ("best digits", len(digits)), lambda: exemplars.find(net, layers, digits, k=1, measure="mean", progress=False)
    )
    made = {
        layer: neurons.maximize(
            net, layer, range(net.layer(layer).units), steps=at.size.steps, seed=seed, progress=False
        )
        for layer in layers
    }
    best = np.concatenate([tops[layer].activation[:, 0] for layer in layers])
    return [np.concatenate([getattr(made[layer], what) for layer in layers]) > best for what in ("activation", "start")]


@claim(
    "lenet-numerals-behind-flatten",
    section="7.4.1",
    technique="neurons",
    says="The fully connected layers may hold structures that can be recognized as numerals.",
    looked_at="nothing: these pictures could not be made then",
    figure="share of the 25 real digits most like a class model that are of its class",
    control="the same for class models of an untrained copy",
    support=Support(0.4),
    why="half of the digits that a picture most resembles should be the right ones (0.5), where chance gives a tenth",
    quick={"seeds": 2, "steps": 48, "images": 1000},
    full={"seeds": 5, "steps": 128, "images": 20000},
)
def lenet_numerals_behind_flatten(at, seed):
    """Class models (Simonyan et al. 2014) read by nearest neighbors among training digits: a reader that knows no network."""
    data = at.data("mnist")
    real, labels = data.x_train[: at.size.images], data.y_train[: at.size.images]

    def read(net):
        models = neurons.class_models(
            _slate(at, net, "lenet"), range(10), steps=at.size.steps, seed=seed, progress=False
        )
        return scores.read_as(models.images, range(10), real, labels)

    return read(at.net("lenet")), read(_untrained(at, "lenet", seed))


# --- 7.4.2: VGG16 -------------------------------------------------------------------------------------------

FIRST_BLOCK = "Figure 13: the first block"
BLOCK1 = {
    "quick": {"seeds": 2, "units": 16, "pixels": 24, "steps": 30},
    "full": {"seeds": 2, "units": 64, "pixels": 40, "steps": 200},
}


@claim(
    "vgg16-first-repeated",
    section="7.4.2",
    technique="neurons",
    says="Filters of VGG16's first layer repeat one another.",
    looked_at=FIRST_BLOCK,
    figure="share of filters that have a near-duplicate in the layer",
    control="the same in an untrained copy",
    support=Support(0.1),
    why="'some of the neurons are repeated' is a tenth of them at least",
    quick={"seeds": 2},
    full={"seeds": 5},
)
def vgg16_first_repeated(at, seed):
    """Near-duplicates by a cosine above 0.9 between the weights; of the first layer the weights are the picture."""
    return [
        scores.copies(scores.filters(net, "block1_conv1")).has_copy
        for net in (at.net("vgg16"), _untrained(at, "vgg16", seed))
    ]


@claim(
    "vgg16-first-up-to-four",
    section="7.4.2",
    technique="neurons",
    says="The most repeated filters of VGG16's first layer occur about four times.",
    looked_at=FIRST_BLOCK,
    figure="how often the most repeated filter occurs",
    control="the same in an untrained copy (1: no two alike)",
    support=Support(2, 4),
    why="four times is three more than once; give or take one",
    quick={"seeds": 5},
    full={"seeds": 20},
)
def vgg16_first_up_to_four(at, seed):
    """What counts as a copy is a choice, so each seed makes it anew: a cosine of at least 0.85 to 0.95."""
    alike = np.random.default_rng(seed).uniform(0.85, 0.95)
    return [
        [scores.copies(scores.filters(net, "block1_conv1"), alike).occurs.max()]
        for net in (at.net("vgg16"), _untrained(at, "vgg16", seed % 2))
    ]


@claim(
    "vgg16-first-only-color-edge-corner",
    section="7.4.2",
    technique="neurons",
    says="VGG16's first layer is made up entirely of color, edge and corner neurons.",
    looked_at=FIRST_BLOCK,
    figure="share of units to which an even color, or an edge or a corner between two colors, gives at least 0.8 of their largest possible answer",
    control="the same in untrained copies",
    support=Support(0.8),
    why="'entirely' leaves one unit in ten for errors of the measure; 0.8 since the interval of 64 units alone takes a tenth more",
    quick={"seeds": 2},
    full={"seeds": 5},
)
def vgg16_first_only_color_edge_corner(at, seed):
    """The first layer is linear, so its largest possible answer is known, and the best two colors for every layout of a 3×3 patch."""
    layouts = np.concatenate([make(3).reshape(-1, 3, 3, 1) for make in (stimuli.edges, stimuli.corners, stimuli.flat)])
    return [
        stimuli.explained(scores.filters(net, "block1_conv1"), layouts) >= 0.8
        for net in (at.net("vgg16"), _untrained(at, "vgg16", seed))
    ]


@claim(
    "vgg16-pool-no-color",
    section="7.4.2",
    technique="neurons",
    says="From block1_conv2 to block1_pool neurons for color alone disappear.",
    looked_at=FIRST_BLOCK,
    figure="share of a picture that is one even color, block1_conv2",
    control="the same units, block1_pool",
    support=Support(0.1),
    why="a tenth of the picture is what turns an even patch into a visible pattern",
    **BLOCK1,
)
def vgg16_pool_no_color(at, seed):
    """The same units before and after pooling, by the dissertation's method and from the same noise."""
    return [scores.evenness(_block1(at, layer, seed)) for layer in ("block1_conv2", "block1_pool")]


@claim(
    "vgg16-pool-changes-kind",
    section="7.4.2",
    technique="neurons",
    says="A large change of what units look for happens between block1_conv2 and block1_pool.",
    looked_at=FIRST_BLOCK,
    figure="how alike two pictures of a unit of block1_conv2 are that began with other noise",
    control="how alike its pictures before and after pooling are",
    support=Support(0.2),
    why="the step must change a picture clearly more than a throw of the dice does; 0.2 of a cosine is clear",
    **BLOCK1,
)
def vgg16_pool_changes_kind(at, seed):
    """Cosine between the spectra of two pictures of a unit, after what all units share is taken off."""
    before, again, after = (
        _block1(at, layer, begin)
        for layer, begin in (("block1_conv2", seed), ("block1_conv2", seed + 1), ("block1_pool", seed + 1))
    )
    return scores.seed_agreement(before, again).same, scores.seed_agreement(before, after).same


@claim(
    "vgg16-pool-spots",
    section="7.4.2",
    technique="neurons",
    says="From block1_conv2 to block1_pool edges give way to textures such as spots.",
    looked_at=FIRST_BLOCK,
    figure="how far the pattern of a picture runs in one direction, block1_conv2",
    control="the same units, block1_pool",
    support=Support(0.1),
    why="a tenth of the way from perfect stripes to no direction at all is about what one sees",
    **BLOCK1,
)
def vgg16_pool_spots(at, seed):
    """Coherence of the structure tensor of the pictures of the same units, by the dissertation's method and from the same noise."""
    return [scores.stripes(_block1(at, layer, seed)) for layer in ("block1_conv2", "block1_pool")]


@claim(
    "vgg16-hierarchy",
    section="7.4.2 and 8",
    technique="neurons",
    says="VGG16's layers form a clear hierarchy: edges and colors, then textures, then things.",
    looked_at="8×8 sheets of all layers",
    figure="rank correlation, over the 13 convolutions, of depth with how much they care for how the waves of a photograph are put together",
    control="the same in an untrained copy",
    support=Support(0.5),
    why="'clear' should mean that depth orders the layers for the most part, and that learning does it",
    quick={"seeds": 2, "images": 6, "pixels": 80},
    full={"seeds": 5, "images": 24, "pixels": 224},
)
def vgg16_hierarchy(at, seed):
    """Phase scrambling keeps edges and colors and breaks textures and things (Freeman et al. 2013)."""
    images, nets = at.photos()[: at.size.images].batch(at.size.pixels), (at.net("vgg16"), _untrained(at, "vgg16", seed))
    return [scores.rise(_beyond_waves(at, net, "vgg16", VGG16_CONVOLUTIONS, images, seed)) for net in nets]


POINTING = {"quick": {"seeds": 2, "chosen": 8, "pixels": 128}, "full": {"seeds": 5, "chosen": 8, "pixels": 224}}
PICKED = "Figure 14: units that were picked out by hand"


@claim(
    "vgg16-eyes",
    section="7.4.2 and 8",
    technique="neurons",
    says="block4_conv3 holds several neurons for eyes.",
    looked_at=PICKED,
    figure="how often the strongest answer on a face lies at its eyes, of the eight units that point at the eyes of all other faces most",
    control="the same in untrained copies",
    support=Support(0.2),
    why="one time in five more than the mere contrast of eyes draws random filters to them",
    **POINTING,
)
def vgg16_eyes(at, seed):
    """Choose by numbers on some faces, test on a face left out: the pointing game (Zhang et al. 2016) with a control for luck."""
    images, eyes = faces_of((*at.shipped(), *at.photos()), at.size.pixels)
    return _found_elsewhere(at, "block4_conv3", images, eyes, "marked eyes", seed)


@claim(
    "vgg16-faces",
    section="7.4.2 and 8",
    technique="neurons",
    says="block5_conv1 holds neurons for faces.",
    looked_at=PICKED,
    figure="how often the strongest answer on a photograph lies on the head, of the eight units that point at the heads of all others most",
    control="the same in untrained copies",
    support=Support(0.2),
    why="one time in five more than the mere contrast of heads draws random filters to them",
    **POINTING,
)
def vgg16_faces(at, seed):
    """As for eyes, with boxes around the heads of animals and one person on whole photographs."""
    images, heads = heads_of((*at.shipped(), *at.photos()), at.size.pixels)
    return _found_elsewhere(at, "block5_conv1", images, heads, "marked heads", seed)


@claim(
    "vgg16-bodies",
    section="7.4.2 and 8",
    technique="neurons",
    says="block5_conv1 holds neurons for the bodies of animals.",
    looked_at=PICKED,
    figure="how often the strongest answer on a photograph lies on the animal, of the eight units that point at the animals of all others most",
    control="the same in untrained copies",
    support=Support(0.2),
    why="one time in five more than mere contrast draws random filters there; whether a unit answers to a body or to fur is not told apart",
    **POINTING,
)
def vgg16_bodies(at, seed):
    """As for eyes, with boxes around whole animals."""
    images, boxes = _animals((*at.shipped(), *at.photos()), at.size.pixels)
    return _found_elsewhere(at, "block5_conv1", images, boxes, "a marked animal", seed)


def _animals(photos, size):
    """Photographs with one marked animal (or several together) and something around it, each once, and its box in pixels."""
    found = {
        marked.print: (view(photo, marked), marked.animal)
        for photo in photos
        if (marked := marks_of(photo)) and _leaves_room(marked.animal)
    }
    images = [datasets.square(image, size) for image, _ in found.values()]
    return images, [[tuple(share * size for share in box)] for _, box in found.values()]


def _leaves_room(box):
    top, left, bottom, right = box
    return (bottom - top) * (right - left) < ALL


# --- 8: what the pictures are good for ----------------------------------------------------------------------

BARELY = {"quick": {"seeds": 2, "images": 1024, "steps": 40}, "full": {"seeds": 5, "images": 1024, "steps": 500}}


@claim(
    "undertraining-noisy",
    section="8",
    technique="neurons",
    says="Undertraining shows in a network's pictures: they hold random noise.",
    looked_at="nothing: no undertrained network was shown",
    figure="share of a picture's variance in waves shorter than four pixels, LeNet after one pass over 1,024 images",
    control="the same, LeNet fully trained",
    support=Support(0.05),
    why="as for the noise of the second layer: a twentieth is about what one sees",
    **BARELY,
)
def undertraining_noisy(at, seed):
    """Both convolutions, the strongest units, pictures by the dissertation's method."""
    nets = (_barely_trained(at, seed), at.net("lenet"))
    return [
        np.concatenate([scores.roughness(_best(_sheet(at, net, layer, seed))) for layer in ("conv1", "conv2")])
        for net in nets
    ]


@claim(
    "undertraining-unclear",
    section="8",
    technique="neurons",
    says="Undertraining shows in a network's pictures: they are unclear.",
    looked_at="nothing: no undertrained network was shown",
    figure="how alike two pictures of a unit are that began with other noise, LeNet fully trained",
    control="the same, LeNet after one pass over 1,024 images",
    support=Support(0.1),
    why="a picture is clear as far as it is the unit's and not the noise's; 0.1 of a cosine is a small but visible difference",
    **BARELY,
)
def undertraining_unclear(at, seed):
    """Cosine between the spectra of two pictures of a unit of the second layer, after what all units share is taken off."""
    nets = (at.net("lenet"), _barely_trained(at, seed))
    pairs = [[_sheet(at, net, "conv2", seed + start).images for start in (0, 1)] for net in nets]
    return [scores.seed_agreement(*pair).same for pair in pairs]
