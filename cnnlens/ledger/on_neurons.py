"""Claims about neuron visualization: section 7.4, and what the conclusion (section 8) makes of it."""

import numpy as np
import tensorflow as tf

from .. import training, zoo
from ..lenses import exemplars, neurons
from ..scores import neurons as scores
from ..scores.neurons import within
from . import pictures, stimuli
from .annotations import animals_of, faces_of, heads_of
from .claim import CannotTell, Claims

claims = Claims("neurons")

SHAPES = {
    "edge": stimuli.edges,
    "corner": stimuli.corners,
    "line": stimuli.lines,
    "spot": stimuli.spots,
    "flat": stimuli.flat,
}
SHEET = 24  # the strongest units of a sheet: the dissertation skips silent ones and shows the best first
ENOUGH = 6  # photographs that count: of fewer an interval says nothing
MARKED = {  # where units for a part are said to be, and how photographs are found on which it is marked
    "eyes": ("block4_conv3", faces_of),
    "heads": ("block5_conv1", heads_of),
    "bodies": ("block5_conv1", animals_of),
}
WAYS = {"pointing": pictures.points_at, "maxima": scores.preference, "positions": pictures.outranks}
VGG16_CONVOLUTIONS = tuple(
    f"block{block}_conv{i + 1}" for block, count in enumerate((2, 2, 3, 3, 3), 1) for i in range(count)
)


# --- what several claims use --------------------------------------------------------------------------------


def _untrained(context, name, seed):
    """An untrained copy of the very architecture that is here (a stand-in may lack the classifier)."""
    return context.shared(("untrained copy", name, seed), lambda: neurons.untrained(context.net(name), seed))


def _slate(context, net, name):
    """One copy of an architecture, compiled once, with the weights of whichever network is asked for."""
    slate = context.shared(("slate", name), lambda: neurons.untrained(net))
    slate.model.set_weights(net.model.get_weights())
    return slate


def _favorites(context, net, layer):
    """What shapes LeNet's units respond to, each shape as large as what one unit sees."""
    size = net.layer(layer).receptive_field[0]
    shapes = context.shared(
        ("shapes", size), lambda: {kind: make(size).reshape(-1, size, size, 1) for kind, make in SHAPES.items()}
    )
    read = _slate(context, net, "lenet").compiled((layer,))
    responses = read(tf.constant(np.concatenate(list(shapes.values()))))[layer].numpy()
    cuts = np.cumsum([len(each) for each in shapes.values()])[:-1]
    return stimuli.favorites(dict(zip(shapes, np.split(responses, cuts))))


def _detectors(context, layer, kind, seed):
    """Which units of LeNet are detectors of a shape, and which of several untrained copies."""
    own = _favorites(context, context.net("lenet"), layer).detectors(kind)
    chance = [
        _favorites(context, _untrained(context, "lenet", seed * context.size.copies + i), layer).detectors(kind)
        for i in range(context.size.copies)
    ]
    return own, np.concatenate(chance)


def _sheet(context, net, layer, seed):
    """Optimized images of all LeNet's units of a layer, by the dissertation's method."""
    how = {"steps": context.size.steps, "seed": seed, "method": "pixels", "progress": False}
    return context.shared(
        ("sheet", net.source, layer, *how.values()),
        lambda: neurons.maximize(_slate(context, net, "lenet"), layer, **how),
    )


def _strongest(context, net, layer, seed):
    """The images of the strongest units; of the trained network the same ones in the same order, whatever the seed."""
    ranked = _sheet(context, net, layer, 0 if net is context.net("lenet") else seed)
    return _sheet(context, net, layer, seed).images[ranked.best_first[:SHEET]]


def _block1(context, layer, seed):
    """Optimized images of VGG16's first block, by the dissertation's method."""
    key = ("block 1", layer, seed, *vars(context.size).values())
    how = {"size": context.size.pixels, "steps": context.size.steps, "method": "pixels", "progress": False}
    return context.shared(
        key, lambda: neurons.maximize(context.net("vgg16"), layer, range(context.size.units), seed=seed, **how)
    ).images


def _barely_trained(context, seed):
    """A LeNet that has seen few images, each once."""

    def make():
        net = zoo.untrained("lenet", seed=seed)
        training.train(
            net,
            context.data("mnist").take(context.size.images, 50),
            epochs=1,
            seed=seed,
            policy="float32",
            progress=False,
        )
        return net

    context.data("mnist")
    return context.shared(("barely trained", context.size.images, seed), make)


def _on_marked(context, part, seed):
    """How far units chosen on all other photographs see a marked part: VGG16's, and those of an untrained copy.

    The way to ask was settled on half of the photographs, which help to choose units; only the other half counts.
    """
    layer, find = MARKED[part]
    photos = (*context.shipped(), *context.photos())
    settling, verdict = (find(photos, context.size.pixels, fold=fold) for fold in ("settling", "verdict"))
    if len(verdict[0]) < ENOUGH:
        raise CannotTell(
            f"Only {len(verdict[0])} photographs with marked {part} are here on which the measure was not settled; "
            f"it takes {ENOUGH}."
        )
    images, boxes = (one + other for one, other in zip(settling, verdict))

    def found(net):
        place = net.layer(layer)
        maps = _slate(context, net, "vgg16").read(images, (layer,), batch_size=4, progress=False)[layer]
        inside = [within(one, place, marked) for one, marked in zip(maps, boxes)]
        fair = [
            i for i, marked in enumerate(inside) if marked.any() and not marked.all()
        ]  # something to hit or to miss
        rows = {name: [way(maps[i], place, boxes[i]) for i in fair] for name, way in WAYS.items()}
        return rows, np.array(fair) >= len(settling[0])

    def counted(net):
        rows, untouched = context.shared(("marked", part, context.size.pixels, net.source), lambda: found(net))
        return pictures.held_out(rows[context.size.by], context.size.chosen)[untouched]

    return counted(context.net("vgg16")), counted(_untrained(context, "vgg16", seed))


def _means(read, images):
    """The units' mean responses by layer, four images at a time: whole maps of all layers would fill the memory."""
    parts = [read(tf.constant(images[first : first + 4])) for first in range(0, len(images), 4)]
    return {path: np.concatenate([tf.reduce_mean(part[path], (1, 2)) for part in parts]) for path in parts[0]}


def _phase_sensitivity(context, net, name, layers, images, seed):
    """How much each layer's responses depend on the phases of an image's waves, (images, layers)."""

    def found():
        read = _slate(context, net, name).compiled(layers)
        scrambled = (stimuli.phase_scrambled(images, 2 * seed + i) for i in (0, 1))
        real, once, again = (_means(read, which) for which in (images, *scrambled))
        return {
            "size": [stimuli.phase_sensitivity(real[path], once[path], again[path]) for path in layers],
            "sign": [stimuli.phase_preference(real[path], once[path]) for path in layers],
        }

    return np.stack(context.shared(("phases", net.source, images.shape, seed), found)[context.size.by], 1)


# --- 7.4.1: LeNet -------------------------------------------------------------------------------------------


@claims.measure("lenet-conv1-edges")
def lenet_conv1_edges(context, seed):
    """Shapes of known direction as large as the unit's view (in the manner of Hubel and Wiesel 1962)."""
    return _detectors(context, "conv1", "edge", seed)


@claims.measure("lenet-conv1-corners")
def lenet_conv1_corners(context, seed):
    """As for edges; a quarter of random 3×3 filters pass for corner detectors, which is what the control is for."""
    return _detectors(context, "conv1", "corner", seed)


@claims.measure("lenet-corners-only-first")
def lenet_corners_only_first(context, seed):
    """Differences of differences: small filters pass for corners more easily than large ones, trained or not."""
    layers = [_detectors(context, layer, "corner", seed) for layer in ("conv1", "conv2")]
    return [own - chance.reshape(-1, len(own)).mean(0) for own, chance in layers]


@claims.measure("lenet-conv2-edges")
def lenet_conv2_edges(context, seed):
    """As for the first layer, with shapes of 8×8 pixels, which is what a unit of the second layer sees."""
    return _detectors(context, "conv2", "edge", seed)


@claims.measure("lenet-no-progression")
def lenet_no_progression(context, seed):
    """Phase scrambling (Freeman et al. 2013): what is left of an image has its edges but not its shapes."""
    images, nets = (
        context.data("mnist").x_test[: context.size.images],
        (context.net("lenet"), _untrained(context, "lenet", seed)),
    )
    return [np.diff(_phase_sensitivity(context, net, "lenet", ("conv1", "conv2"), images, seed))[:, 0] for net in nets]


@claims.measure("lenet-conv2-noisier")
def lenet_conv2_noisier(context, seed):
    """Ascent as in the dissertation (6.3.1): the strongest units, pixels, the gradient divided by its L2 norm."""
    return [scores.roughness(_strongest(context, context.net("lenet"), layer, seed)) for layer in ("conv2", "conv1")]


@claims.measure("lenet-conv2-blurrier")
def lenet_conv2_blurrier(context, seed):
    """No-reference blur metric of Crete et al. 2007, on the dissertation's kind of picture."""
    return [pictures.blur(_strongest(context, context.net("lenet"), layer, seed)) for layer in ("conv2", "conv1")]


@claims.measure("lenet-conv2-weights-unclear")
def lenet_conv2_weights_unclear(context, seed):
    """The difference between the layers, with trained and with random weights, by the dissertation's method."""

    def growth(net):
        first, second = (scores.roughness(_strongest(context, net, layer, seed)) for layer in ("conv1", "conv2"))
        return second - first

    return growth(context.net("lenet")), growth(_untrained(context, "lenet", seed))


@claims.measure("lenet-turned-copies")
def lenet_turned_copies(context, seed):
    """Cosine similarity of the pictures' amplitude spectra, after what all of them share is taken off.

    An amplitude spectrum does not depend on where a thing stands.
    """
    nets = context.net("lenet"), _untrained(context, "lenet", seed)
    found = [scores.image_copies(_sheet(context, net, "conv2", seed).images) for net in nets]
    return [getattr(each, context.size.by) for each in found]


@claims.measure("lenet-flatten-ends-ascent")
def lenet_flatten_ends_ascent(context, seed):
    """Erhan et al. 2009 on both dense layers, all units; the best of the test digits as the measure of success."""
    net, layers = context.net("lenet"), ("dense1", "dense2")
    digits = context.data("mnist").x_test[: context.size.images]
    tops = context.shared(
        ("best digits", len(digits)), lambda: exemplars.find(net, layers, digits, k=1, measure="mean", progress=False)
    )
    made = {
        layer: neurons.maximize(
            net, layer, range(net.layer(layer).units), steps=context.size.steps, seed=seed, progress=False
        )
        for layer in layers
    }
    best = np.concatenate([tops[layer].activation[:, 0] for layer in layers])
    return [np.concatenate([getattr(made[layer], what) for layer in layers]) > best for what in ("activation", "start")]


@claims.measure("lenet-numerals-behind-flatten")
def lenet_numerals_behind_flatten(context, seed):
    """Class models (Simonyan et al. 2014), read by nearest neighbors among training digits: they know no network."""
    data = context.data("mnist")
    real, labels = data.x_train[: context.size.images], data.y_train[: context.size.images]

    def read(net):
        models = neurons.class_models(
            _slate(context, net, "lenet"), range(10), steps=context.size.steps, seed=seed, progress=False
        )
        return pictures.read_as(models.images, range(10), real, labels)

    return read(context.net("lenet")), read(_untrained(context, "lenet", seed))


# --- 7.4.2: VGG16 -------------------------------------------------------------------------------------------


@claims.measure("vgg16-first-repeated")
def vgg16_first_repeated(context, seed):
    """Near-duplicates by a cosine above 0.9 between the weights; of the first layer the weights are the picture."""
    return [
        scores.copies(scores.filters(net, "block1_conv1")).has_copy
        for net in (context.net("vgg16"), _untrained(context, "vgg16", seed))
    ]


@claims.measure("vgg16-first-up-to-four")
def vgg16_first_up_to_four(context, seed):
    """What counts as a copy is a choice, so each seed makes it anew: a cosine of at least 0.85 to 0.95."""
    alike = np.random.default_rng(seed).uniform(0.85, 0.95)
    nets = context.net("vgg16"), _untrained(context, "vgg16", seed % 2)
    found = [scores.copies(scores.filters(net, "block1_conv1"), alike) for net in nets]
    return [[np.max(getattr(each, context.size.by))] for each in found]


@claims.measure("vgg16-first-only-color-edge-corner")
def vgg16_first_only_color_edge_corner(context, seed):
    """The first layer is linear: its largest response is known, and the best two colors for a layout of 3×3 pixels."""
    layouts = np.concatenate([make(3).reshape(-1, 3, 3, 1) for make in (stimuli.edges, stimuli.corners, stimuli.flat)])
    return [
        stimuli.two_color_response(scores.filters(net, "block1_conv1"), layouts) >= 0.8
        for net in (context.net("vgg16"), _untrained(context, "vgg16", seed))
    ]


@claims.measure("vgg16-pool-no-color")
def vgg16_pool_no_color(context, seed):
    """The same units before and after pooling, by the dissertation's method and from the same noise."""
    return [pictures.evenness(_block1(context, layer, seed)) for layer in ("block1_conv2", "block1_pool")]


@claims.measure("vgg16-pool-changes-kind")
def vgg16_pool_changes_kind(context, seed):
    """Cosine similarity of the amplitude spectra of two pictures of a unit, after what all units share is taken off."""
    before, again, after = (
        _block1(context, layer, begin)
        for layer, begin in (("block1_conv2", seed), ("block1_conv2", seed + 1), ("block1_pool", seed + 1))
    )
    return scores.seed_agreement(before, again).same, scores.seed_agreement(before, after).same


@claims.measure("vgg16-pool-spots")
def vgg16_pool_spots(context, seed):
    """Coherence of the structure tensor; the same units, the dissertation's method, the same noise."""
    return [pictures.coherence(_block1(context, layer, seed)) for layer in ("block1_conv2", "block1_pool")]


@claims.measure("vgg16-hierarchy")
def vgg16_hierarchy(context, seed):
    """Phase scrambling keeps edges and colors and breaks textures and things (Freeman et al. 2013)."""
    images, nets = (
        context.photos()[: context.size.images].batch(context.size.pixels),
        (context.net("vgg16"), _untrained(context, "vgg16", seed)),
    )
    return [
        pictures.rank_trend(_phase_sensitivity(context, net, "vgg16", VGG16_CONVOLUTIONS, images, seed)) for net in nets
    ]


@claims.measure("vgg16-eyes")
def vgg16_eyes(context, seed):
    """The pointing game (Zhang et al. 2016) with held-out selection: units chosen on some faces, tested on another."""
    return _on_marked(context, "eyes", seed)


@claims.measure("vgg16-faces")
def vgg16_faces(context, seed):
    """As for eyes, with boxes around the heads of animals and one person on whole photographs."""
    return _on_marked(context, "heads", seed)


@claims.measure("vgg16-bodies")
def vgg16_bodies(context, seed):
    """As for eyes, with boxes around whole animals."""
    return _on_marked(context, "bodies", seed)


# --- 8: what the pictures are good for ----------------------------------------------------------------------


@claims.measure("undertraining-noisy")
def undertraining_noisy(context, seed):
    """Both convolutions, the strongest units, pictures by the dissertation's method."""
    nets = (_barely_trained(context, seed), context.net("lenet"))
    return [
        np.concatenate([scores.roughness(_strongest(context, net, layer, seed)) for layer in ("conv1", "conv2")])
        for net in nets
    ]


@claims.measure("undertraining-unclear")
def undertraining_unclear(context, seed):
    """Cosine similarity of the amplitude spectra of two pictures of a unit, after what all units share is taken off."""
    nets = (context.net("lenet"), _barely_trained(context, seed))
    pairs = [[_sheet(context, net, "conv2", seed + start).images for start in (0, 1)] for net in nets]
    return [scores.seed_agreement(*pair).same for pair in pairs]
