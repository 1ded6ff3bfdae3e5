"""Claims of the literature on attribution maps, which the dissertation wished for (its section 8.1).

As for LIME, each photograph is explained for the class that it shows (:mod:`.subjects`, which also says why half of
them were kept for the verdict). Methods that weigh the maps of a layer weigh the last one whose maps are features:
where a network ends in one map a class, as SqueezeNet does, Grad-CAM of that map would be the map itself. Where nothing
is drawn by chance, each seed measures the same photographs, and the interval covers the choice of photographs only.

The measures were written down, and tried for errors of the code, on the first half of the photographs.
"""

import dataclasses
import functools

import numpy as np

from ..lenses import attribution
from ..scores import attribution as scores
from ..scores import cascade
from ..scores.forgetting import shuffle
from ..scores.hiding import hiding_curves
from ..scores.pointing import boxed, hits
from .claim import CannotTell, Claims
from .subjects import known, last_feature_maps, network, of_seed

claims = Claims("attribution")

DRAWS = 32  # at most, of new weights until a class is left that any pixel matters to
COMPLETE_TO = 0.05  # what may be missing of integrated gradients: Sundararajan et al. 2017, section 5
POINTS = 20  # of a deletion or insertion curve
PATCH = 4  # px of VGG4's 32
SHIFT = 0.5  # of the range from black to white


# --- materials ----------------------------------------------------------------------------------------------


def subjects(context, seed):
    """The photographs of a seed."""
    return of_seed(context, seed, known(context))


def images_of(found):
    """Photographs as one array, (N, H, W, C)."""
    return np.stack([subject.image for subject in found])


def labels_of(found):
    """What they show."""
    return [subject.label for subject in found]


def explain(net, images, labels, method, seed=0, **settings):
    """The maps of a method, (N, H, W)."""
    layer = last_feature_maps(net) if attribution.METHODS[method].asks == "layer" else None
    return attribution.explain(net, images, labels, method, layer, seed, progress=False, **settings).maps


def explained(context, found, method, seed=0, **settings):
    """The maps of a method for what each of some photographs shows, made once for all claims: (N, H, W)."""

    def make():
        return explain(network(context), images_of(found), labels_of(found), method, seed, **settings)

    return once(context, found, (method, seed, *sorted(settings.items())), make)


def once(context, found, key, make):
    """What ``make()`` gives for these photographs, made once for all claims and seeds that ask under this key."""
    prints = tuple(subject.fingerprint for subject in found)
    return context.shared(("attribution", network(context).source, prints, *key), make)


def shaken(images, seed):
    """Photographs under noise too weak to see."""
    noise = np.random.default_rng((seed, 11)).normal(0, scores.NOISE, images.shape)
    return np.float32((images + noise).clip(0, 1))


def alike(one, other):
    """Rank correlation of the absolute values of maps, (N,)."""
    return scores.rank_correlations(np.abs(one), np.abs(other))


# --- do they depend on what the network learned? ------------------------------------------------------------


@claims.measure("attribution-guided-ignores-learning")
def guided_ignores_learning(context, seed):
    """Every array of weights drawn anew from a normal distribution of its own standard deviation.

    Those of a normalization, whose variances must stay above zero, are shuffled among its units instead.
    """
    found = subjects(context, seed)
    anew = redrawn(context, found, seed, ("guided", "gradient"))
    return [alike(explained(context, found, method), anew[method]) for method in ("guided", "gradient")]


@claims.measure("attribution-gradcam-needs-the-top")
def gradcam_needs_the_top(context, seed):
    """The layer whose maps are weighed lies below the topmost one with weights, so these maps stay what they were."""
    found = subjects(context, seed)
    maps = explained(context, found, "gradcam")
    noisy = explain(network(context), shaken(images_of(found), seed), labels_of(found), "gradcam")
    return alike(maps, noisy), alike(maps, redrawn(context, found, seed, ("gradcam",), layers=1)["gradcam"])


def redrawn(context, found, seed, methods, layers=None):
    """The maps of several methods once the topmost layers have new weights, by method: (N, H, W).

    Each photograph has weights of its own, which are drawn until its class has a slope: where a network ends in a ReLU,
    new weights leave half of all classes without one, and so without a map.
    """
    net = network(context)
    copy = context.shared(("attribution copy", net.source, layers), lambda: cascade.copied(net))
    pairs = list(zip(cascade.weighted_layers(net), cascade.weighted_layers(copy)))[:layers]
    anew = [_redrawn(copy, pairs, subject, methods, (seed, i)) for i, subject in enumerate(found)]
    return {method: np.concatenate([maps[method] for maps in anew]) for method in methods}


def _redrawn(copy, pairs, subject, methods, seed):
    for draw in range(DRAWS):
        generator = np.random.default_rng((*seed, draw))
        for (_, trained), (_, layer) in pairs:
            layer.set_weights([_anew(layer, each, generator) for each in trained.get_weights()])
        maps = {method: explain(copy, subject.image[None], subject.label, method) for method in methods}
        if all(np.ptp(each) > 0 for each in maps.values()):
            break
    return maps


def _anew(layer, weights, generator):
    """New values for an array: of a normalization, whose variances must stay above zero, its own at other units."""
    if "Normalization" in type(layer).__name__:
        return shuffle(weights, generator)
    return generator.normal(0, weights.std(), weights.shape)


@claims.measure("attribution-guided-is-edges")
def guided_is_edges(context, seed):
    """Sobel's filter on the mean of the colors."""
    found = subjects(context, seed)
    edges = scores.edges(images_of(found))
    return [alike(explained(context, found, method), edges) for method in ("guided", "gradient")]


@claims.measure("attribution-shift-moves-gradient-input")
def shift_moves_gradient_input(context, seed):
    """At half contrast, so that a photograph that is lighter by half of the range is a photograph still."""
    found, net = subjects(context, seed), network(context)
    images, labels = images_of(found) / 2, labels_of(found)
    plain, lifted = (shifted(net, by) for by in (0, SHIFT))

    def unmoved(method):
        return alike(explain(plain, images, labels, method), explain(lifted, images + SHIFT, labels, method))

    both = ("gradient", "gradient_input")
    return [once(context, found, ("shift", method), functools.partial(unmoved, method)) for method in both]


def shifted(net, by):
    """A network that answers for ``images / 2 + by`` what ``net`` answers for the images.

    It takes the constant off before its first layer, as that layer's bias would.
    """
    scale, shift = np.float32(net.preprocessing.scale), np.float32(net.preprocessing.shift)
    undone = dataclasses.replace(net.preprocessing, scale=tuple(2 * scale), shift=tuple(shift - 2 * by * scale))
    return net.like(net.model, preprocessing=undone)


# --- what each method's paper promises ----------------------------------------------------------------------


@claims.measure("attribution-smoothgrad-is-steadier")
def smoothgrad_is_steadier(context, seed):
    """Under noise of a hundredth of the range from black to white, for both methods the same."""
    found, net = subjects(context, seed), network(context)
    noisy, labels = shaken(images_of(found), seed), labels_of(found)
    count = {"samples": context.size.noises}
    smooth = explain(net, noisy, labels, "smoothgrad", 2 * seed + 1, **count)
    plain = explain(net, noisy, labels, "gradient")
    before = explained(context, found, "smoothgrad", 2 * seed, **count), explained(context, found, "gradient")
    return [alike(*pair) for pair in zip(before, (smooth, plain))]


@claims.measure("attribution-integrated-decide")
def integrated_gradients_decide(context, seed):
    """From a black baseline, complete to 5 %."""
    found, whole = subjects(context, seed), {"steps": context.size.steps, "complete_to": COMPLETE_TO}
    return decisions(context, found, "integrated_gradients", **whole), decisions(context, found, "gradient")


@claims.measure("attribution-rise-beats-gradcam")
def rise_beats_gradcam(context, seed):
    """RISE with its own masks under each seed."""
    found = subjects(context, seed)
    return decisions(context, found, "rise", seed, masks=context.size.masks), decisions(context, found, "gradcam")


def decisions(context, found, method, seed=0, **settings):
    """Insertion less deletion of each photograph: areas under the two curves, (N,)."""
    net, maps, cells = network(context), explained(context, found, method, seed, **settings), context.size.cells

    def make():
        return np.array([decision(net, subject, heat, cells) for subject, heat in zip(found, maps)])

    return once(context, found, ("decides", cells, method, seed, *sorted(settings.items())), make)


def decision(net, subject, heat, cells):
    """Area under the insertion curve less that under the deletion curve; greyed where hidden.

    What is hidden together are the cells of a grid, so many a side, or single pixels where that is more than there are.
    """
    parts, values = scores.cells(heat.shape, cells), scores.in_cells(heat[None], cells)[0]
    ask = scores.asking(net, subject.image, parts, subject.label, "grey")
    order = np.argsort(-values, kind="stable")
    curves = hiding_curves(ask, {"map": [order]}, np.bincount(parts.ravel()) / parts.size, POINTS)
    return curves["insertion"]["map"].area - curves["deletion"]["map"].area


@claims.measure("attribution-gradcam-tells-classes-apart")
def gradcam_tells_classes_apart(context, seed):
    """The second class is the most likely one besides that of the photograph, should that itself be the second."""
    found, net = subjects(context, seed), network(context)
    chances = net.predict(images_of(found), progress=False)
    chances[np.arange(len(chances)), labels_of(found)] = -1
    others = chances.argmax(1).tolist()

    def together(method):
        return alike(explained(context, found, method), explain(net, images_of(found), others, method))

    both = ("guided", "gradcam")
    return [once(context, found, ("apart", method), functools.partial(together, method)) for method in both]


@claims.measure("attribution-gradcam-points")
def gradcam_points(context, seed):
    """The pointing game of Zhang et al. 2016 on what was marked by hand; chance is the marked part of the pixels."""
    marked = [subject for subject in known(context) if subject.marked and MARKS[context.size.marks](subject.marked)]
    if len(marked) < 2:
        raise CannotTell("Fewer than two of the photographs that were marked by hand are here.")
    found = of_seed(context, seed, marked)
    maps, boxes = explained(context, found, "gradcam"), [MARKS[context.size.marks](each.marked) for each in found]
    return [hits(*pair) for pair in zip(maps, boxes)], [boxed(maps.shape[1:], each).mean() for each in boxes]


def _parts(marked):
    return marked.boxes


def _whole(marked):
    return (marked.animal,) if marked.boxes else ()


MARKS = {"parts": _parts, "animal": _whole}  # what a map should point at, on the same photographs


@claims.measure("attribution-hirescam-is-faithful")
def hirescam_is_faithful(context, seed):
    """On VGG4 and its test images, for the class that it names; squares of 4 px, side by side, are covered in grey.

    A network that ends in global averaging, as SqueezeNet does, cannot tell the two methods apart: on its last maps
    they are the same by algebra. VGG4 flattens its last maps, as the networks of the paper do.
    """
    net, data = network(context), context.data("cifar10")
    chosen = np.random.default_rng(seed).choice(len(data.x_test), context.size.photos, replace=False)
    images, labels = data.x_test[chosen], net.predict(data.x_test[chosen], progress=False).argmax(1).tolist()
    covered = explain(net, images, labels, "occlusion", patch=PATCH, stride=PATCH)
    maps = (explain(net, images, labels, method) for method in ("hirescam", "gradcam"))
    return [scores.rank_correlations(each, covered) for each in maps]
