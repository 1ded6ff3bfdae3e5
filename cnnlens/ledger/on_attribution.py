"""Claims of the literature on attribution maps, which the dissertation wished for (its section 8.1).

As for LIME, each photograph is explained for the class that it shows, and only where the network has that class among
its first five. Methods that weigh the maps of a layer weigh the last one whose maps are features: where a network ends
in one map a class, as SqueezeNet does, Grad-CAM of that map would be the map itself. Where nothing is drawn by chance,
each seed measures the same, and the interval covers the choice of photographs only.
"""

import dataclasses

import numpy as np

from ..lenses import attribution
from ..lenses.perturbation import filling, perturb
from ..scores import attribution as scores
from ..scores import cascade
from ..scores.hiding import hiding_curves
from ..scores.pointing import boxed, hits
from .claim import CannotTell, Claims
from .on_superpixels import NETWORK, known
from .on_superpixels import _last_maps as last_maps

claims = Claims("attribution")

DRAWS = 32  # at most, of new weights until a class is left that any pixel matters to
COMPLETE_TO = 0.05  # what may be missing of integrated gradients: Sundararajan et al. 2017, section 5
POINTS = 20  # of a deletion or insertion curve
PATCH = 4  # px of VGG4's 32
SHIFT = 0.5  # of the range from black to white


# --- materials ----------------------------------------------------------------------------------------------


def subjects(context):
    """The photographs that the network knows, those with marks first."""
    found = known(context)[: context.size.photos]
    if len(found) < 2:
        raise CannotTell("Fewer than two photographs are here that the network recognizes.")
    return found


def images_of(context):
    """These photographs as one array, (N, H, W, C)."""
    return np.stack([subject.image for subject in subjects(context)])


def labels_of(context):
    """What they show."""
    return [subject.label for subject in subjects(context)]


def explain(net, images, labels, method, seed=0, **settings):
    """The maps of a method, (N, H, W)."""
    layer = last_maps(net) if attribution.METHODS[method].asks == "layer" else None
    return attribution.explain(net, images, labels, method, layer, seed, progress=False, **settings).maps


def explained(context, method, seed=0, **settings):
    """The maps of a method for what each photograph shows, made once for all claims: (N, H, W)."""
    net = context.net(NETWORK)
    key = ("attribution", net.source, context.size.photos, method, seed, *sorted(settings.items()))
    return context.shared(key, lambda: explain(net, images_of(context), labels_of(context), method, seed, **settings))


def shaken(context, seed):
    """The photographs under noise too weak to see."""
    images = images_of(context)
    noise = np.random.default_rng((seed, 11)).normal(0, scores.NOISE, images.shape)
    return np.float32((images + noise).clip(0, 1))


def alike(one, other):
    """Rank correlation of the absolute values of maps, (N,)."""
    return scores.rank_correlations(np.abs(one), np.abs(other))


# --- do they depend on what the network learned? ------------------------------------------------------------


@claims.measure("attribution-guided-ignores-learning")
def guided_ignores_learning(context, seed):
    """Every array of weights drawn anew from a normal distribution of its own standard deviation."""
    anew = redrawn(context, seed, ("guided", "gradient"))
    return [alike(explained(context, method), anew[method]) for method in ("guided", "gradient")]


@claims.measure("attribution-gradcam-needs-the-top")
def gradcam_needs_the_top(context, seed):
    """The layer whose maps are weighed lies below the topmost one with weights, so these maps stay what they were."""
    found = explained(context, "gradcam")
    noisy = explain(context.net(NETWORK), shaken(context, seed), labels_of(context), "gradcam")
    return alike(found, noisy), alike(found, redrawn(context, seed, ("gradcam",), layers=1)["gradcam"])


def redrawn(context, seed, methods, layers=None):
    """The maps of several methods once the topmost layers have new weights, by method: (N, H, W).

    Each photograph has weights of its own, which are drawn until its class has a slope: where a network ends in a ReLU,
    new weights leave half of all classes without one, and so without a map.
    """
    net = context.net(NETWORK)
    copy = context.shared(("attribution copy", net.source, layers), lambda: cascade.copied(net))
    pairs = list(zip(cascade.weighted_layers(net), cascade.weighted_layers(copy)))[:layers]
    found = [_redrawn(copy, pairs, subject, methods, (seed, i)) for i, subject in enumerate(subjects(context))]
    return {method: np.concatenate([maps[method] for maps in found]) for method in methods}


def _redrawn(copy, pairs, subject, methods, seed):
    for draw in range(DRAWS):
        generator = np.random.default_rng((*seed, draw))
        for (_, trained), (_, layer) in pairs:
            layer.set_weights([generator.normal(0, each.std(), each.shape) for each in trained.get_weights()])
        maps = {method: explain(copy, subject.image[None], subject.label, method) for method in methods}
        if all(np.ptp(each) > 0 for each in maps.values()):
            break
    return maps


@claims.measure("attribution-guided-is-edges")
def guided_is_edges(context, seed):
    """Sobel's filter on the mean of the colors."""
    found = scores.edges(images_of(context))
    return [alike(explained(context, method), found) for method in ("guided", "gradient")]


@claims.measure("attribution-shift-moves-gradient-input")
def shift_moves_gradient_input(context, seed):
    """At half contrast, so that a photograph that is lighter by half of the range is a photograph still."""
    net, images, labels = context.net(NETWORK), images_of(context) / 2, labels_of(context)
    plain, lifted = (shifted(net, by) for by in (0, SHIFT))
    return [
        alike(explain(plain, images, labels, method), explain(lifted, images + SHIFT, labels, method))
        for method in ("gradient", "gradient_input")
    ]


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
    net, noisy, labels = context.net(NETWORK), shaken(context, seed), labels_of(context)
    count = {"samples": context.size.noises}
    smooth = explain(net, noisy, labels, "smoothgrad", 2 * seed + 1, **count)
    plain = explain(net, noisy, labels, "gradient")
    before = explained(context, "smoothgrad", 2 * seed, **count), explained(context, "gradient")
    return [alike(*pair) for pair in zip(before, (smooth, plain))]


@claims.measure("attribution-integrated-decide")
def integrated_gradients_decide(context, seed):
    """Pixel by pixel, from a black baseline, complete to 5 %."""
    whole = {"steps": context.size.steps, "complete_to": COMPLETE_TO}
    return decisions(context, "integrated_gradients", **whole), decisions(context, "gradient")


@claims.measure("attribution-rise-beats-gradcam")
def rise_beats_gradcam(context, seed):
    """Pixel by pixel; RISE with its own masks under each seed."""
    return decisions(context, "rise", seed, masks=context.size.masks), decisions(context, "gradcam")


def decisions(context, method, seed=0, **settings):
    """Insertion less deletion of each photograph: areas under the two curves, (N,)."""
    net, maps = context.net(NETWORK), explained(context, method, seed, **settings)
    key = ("attribution decides", net.source, context.size.photos, method, seed, *sorted(settings.items()))
    return context.shared(
        key, lambda: np.array([decision(net, subject, heat) for subject, heat in zip(subjects(context), maps)])
    )


def decision(net, subject, heat):
    """Area under the insertion curve less that under the deletion curve, pixel by pixel; greyed where hidden."""
    pixels = np.arange(heat.size).reshape(heat.shape)
    grey = filling(subject.image, pixels, "grey")

    def ask(masks):
        batches = np.array_split(masks, -(-len(masks) // POINTS))
        copies = (perturb(subject.image, grey, pixels, some) for some in batches)
        return np.concatenate([net.predict(each, progress=False)[:, subject.label] for each in copies])

    order = np.argsort(-heat.ravel(), kind="stable")
    curves = hiding_curves(ask, {"map": [order]}, np.full(heat.size, 1 / heat.size), POINTS)
    return curves["insertion"]["map"].area - curves["deletion"]["map"].area


@claims.measure("attribution-gradcam-tells-classes-apart")
def gradcam_tells_classes_apart(context, seed):
    """The second class is the most likely one besides that of the photograph, should that itself be the second."""
    net = context.net(NETWORK)
    chances = net.predict(images_of(context), progress=False)
    chances[np.arange(len(chances)), labels_of(context)] = -1
    others = chances.argmax(1).tolist()
    return [
        alike(explained(context, method), explain(net, images_of(context), others, method))
        for method in ("guided", "gradcam")
    ]


@claims.measure("attribution-gradcam-points")
def gradcam_points(context, seed):
    """The pointing game of Zhang et al. 2016 on what was marked by hand; chance is the marked part of the pixels."""
    marked = [i for i, subject in enumerate(subjects(context)) if subject.marked and subject.marked.boxes]
    if len(marked) < 2:
        raise CannotTell("Fewer than two of the photographs that were marked by hand are here.")
    maps, boxes = explained(context, "gradcam")[marked], [subjects(context)[i].marked.boxes for i in marked]
    return [hits(*pair) for pair in zip(maps, boxes)], [boxed(maps.shape[1:], each).mean() for each in boxes]


@claims.measure("attribution-hirescam-is-faithful")
def hirescam_is_faithful(context, seed):
    """On VGG4 and its test images, for the class that it names; squares of 4 px, side by side, are covered in grey.

    A network that ends in global averaging, as SqueezeNet does, cannot tell the two methods apart: on its last maps
    they are the same by algebra. VGG4 flattens its last maps, as the networks of the paper do.
    """
    net, data = context.net("vgg4"), context.data("cifar10")
    chosen = np.random.default_rng(seed).choice(len(data.x_test), context.size.photos, replace=False)
    images, labels = data.x_test[chosen], net.predict(data.x_test[chosen], progress=False).argmax(1).tolist()
    covered = explain(net, images, labels, "occlusion", patch=PATCH, stride=PATCH)
    maps = (explain(net, images, labels, method) for method in ("hirescam", "gradcam"))
    return [scores.rank_correlations(each, covered) for each in maps]
