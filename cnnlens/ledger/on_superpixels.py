"""Claims about LIME (the dissertation's section 7.7 and its conclusion).

On which photographs, and why half of them were kept for the verdict, says :mod:`.subjects`. Places to point at were
marked by eye beforehand (:mod:`.annotations`). A photograph is cut into superpixels by another method under each seed,
different photographs by different methods under one seed, and hidden by other masks, so that an interval covers both.

What was measured on the first half only, and made the measures what they are: places are ranked among all regions of
their shape, hiding is counted in pixels, the whole image is asked in the same batch as what is hidden of it. Not tried
on any photograph, but decided by the design: a photograph is one item, however many places are marked on it; it is
explained once; and what is said of cats is asked of domestic ones, since the text argues with the shape of their pupil.
"""

import zlib

import numpy as np

from ..lenses import superpixels
from ..scores import superpixels as scores
from ..zoo import imagenet_classes
from . import superpixel_measures as measures
from .claim import CannotTell, Claims
from .subjects import known, last_feature_maps, network, of_seed

claims = Claims("superpixels")

CUTS = ("slic", "grid", "felzenszwalb", "quickshift")
PUBLISHED = {
    "method": "quickshift",
    "kernel_size": 4,
    "max_dist": 200,
}  # how the lime package cuts, unless told otherwise
DEFAULT = 1000  # model calls of the lime package, unless told otherwise
HIDDEN = 3  # superpixels that are hidden together
LARGE = 997  # numbers that photographs are told apart by when masks and cuts are drawn
BLIND = 20  # random regions, or orders, that stand for chance
KINDS = {  # of animals: where ImageNet's classes have them, from and up to
    "domestic cat": ((281, 286),),
    "cat, domestic or wild,": ((281, 294),),
    "dog": ((151, 269),),
    "goldfish": ((1, 2),),
    "fish": ((0, 7), (389, 398)),
    "African elephant": ((386, 387),),
    "elephant": ((385, 387),),
}


# --- materials ----------------------------------------------------------------------------------------------


def explained(context, seed, subject):
    """Why the network says what the photograph shows."""
    net, size, number = network(context), context.size, zlib.crc32(subject.name.encode()) % LARGE
    if size.shared_out:  # one explanation of a photograph, whichever seed it falls to in a claim
        seed = number + seed // size.seeds
    method = CUTS[(number + seed) % len(CUTS)]

    def make():
        parts = superpixels.segment(subject.image, method, size.parts)
        return superpixels.explain(
            net, subject.image, subject.label, parts, size.calls, seed, stop_at=None, progress=False
        )

    return context.shared(("lime", net.source, subject.fingerprint, size.parts, size.calls, seed), make)


def _pointed(context, seed, kind, parts):
    """Photographs of a kind of animal that have such parts marked, each with its boxes."""
    names = {name for ends in KINDS[kind] for name in imagenet_classes()[slice(*ends)]}
    marked = [subject for subject in known(context) if subject.marked and subject.name in names]
    boxes = [[box for part in parts for box in subject.marked.parts.get(part, ())] for subject in marked]
    found = [(subject, some) for subject, some in zip(marked, boxes) if some]
    if not found:
        raise CannotTell(f"No photograph of a {kind} is here that was marked by hand and that the network recognizes.")
    return of_seed(context, seed, found)


def _rated(context, seed, pointed, rate, region=lambda subject: measures.WHOLE):
    """What ``rate(why, region)`` says of each photograph's boxes on average, and of boxes at random."""
    generator, found, blind = np.random.default_rng((seed, 9)), [], []
    for subject, boxes in pointed:
        rated = rate(explained(context, seed, subject), region(subject))
        found.append(np.mean([rated(box) for box in boxes]))
        chance = measures.random_boxes(list(boxes) * BLIND, generator, region(subject))
        blind.append(np.mean([rated(box) for box in chance]))
    return found, blind


def _animal(subject):
    return subject.marked.animal


def _rank(why, region):
    """The percentile rank of a box among all regions of its shape."""
    heat = measures.spread(why.weights, why.segments)
    return lambda box: measures.percentile_rank(heat, box, region)


def _shown(why, region):
    """Whether the middle of a box lies in one of the five most positive superpixels, which the pictures show."""
    top = np.argsort(-why.weights, kind="stable")[: scores.TOP]
    return lambda box: float(measures.middle_of(why.segments, box) in top)


RATES = {"rank": _rank, "shown": _shown}


# --- what decides -------------------------------------------------------------------------------------------


@claims.measure("lime-cat-eye")
def cat_eye(context, seed):
    """Rank of the eyes in LIME's weights (Ribeiro, Singh and Guestrin 2016).

    Of all marked photographs of cats, since there are too few to keep half of them: the measure was settled on three.
    """
    return _parts_of(context, seed)


@claims.measure("lime-dog-ears-nose")
def dog_ears_and_nose(context, seed):
    """Rank of ears, nose and paws in LIME's weights, for dogs of all breeds."""
    return _parts_of(context, seed)


@claims.measure("lime-goldfish-tail")
def goldfish_tail_and_fins(context, seed):
    """Rank of the tail, the fins and the mouth in LIME's weights.

    There is one photograph of goldfish with marks, on which the measure was settled: a verdict on this picture, with
    seeds as the sample.
    """
    return _parts_of(context, seed)


def _parts_of(context, seed):
    """Whatever kind, parts, and way to rate them the claim's sizes name."""
    pointed = _pointed(context, seed, context.size.kind, context.size.marks)
    return _rated(context, seed, pointed, RATES[context.size.rate])


# --- two elephants ------------------------------------------------------------------------------------------


@claims.measure("lime-elephant-ears")
def elephant_ears(context, seed):
    """Rank of the ears against the other class, counted only where their weight for it is negative.

    There is one photograph of an African elephant, on which the measure was settled: a verdict on this picture, with
    seeds as the sample.
    """

    def against(why, region):
        why = why.relabel("Indian_elephant")
        heat, ranked = -measures.spread(why.weights, why.segments), _rank(why, region)
        return lambda box: 1 - ranked(box) if measures.weight_inside(heat, box) > 0 else 0.0

    return _rated(context, seed, _pointed(context, seed, "African elephant", ("ear",)), against, _animal)


@claims.measure("lime-elephants-apart")
def elephants_apart(context, seed):
    """Rank of the ears in the explanation of the difference of the two scores.

    There is one photograph of each kind, on which the measure was settled: a verdict on these two pictures, with seeds
    as the sample.
    """
    kinds = ("African_elephant", "Indian_elephant")

    def apart(why, region):
        return _rank(why.contrast(kinds[1 - kinds.index(why.classes[why.label])]), region)

    return _rated(context, seed, _pointed(context, seed, "elephant", ("ear",)), apart, _animal)


# --- the features that a human would choose -----------------------------------------------------------------


@claims.measure("lime-human-features")
def human_features(context, seed):
    """Fraction of LIME's positive weight inside boxes: the energy-based pointing game (Wang et al. 2020)."""
    return _fractions(context, seed, lambda subject: measures.WHOLE)


@claims.measure("lime-human-not-just-animal")
def human_features_of_the_animal(context, seed):
    """As for the whole picture, with chance confined to the animal."""
    return _fractions(context, seed, _animal)


def _fractions(context, seed, within):
    """Fraction of positive weight inside each photograph's boxes, and inside boxes at random."""
    generator, found, blind = np.random.default_rng((seed, 9)), [], []
    marked = [subject for subject in known(context) if subject.marked and subject.marked.boxes]
    for subject in of_seed(context, seed, marked):
        why, boxes = explained(context, seed, subject), subject.marked.boxes
        heat = measures.spread(why.weights, why.segments)
        found.append(measures.positive_fraction_inside(heat, boxes))
        chance = [measures.random_boxes(boxes, generator, within(subject)) for _ in range(BLIND)]
        blind.append(np.mean([measures.positive_fraction_inside(heat, others) for others in chance]))
    return found, blind


# --- for and against ----------------------------------------------------------------------------------------


@claims.measure("lime-negative")
def negative_features(context, seed):
    """Masks that hide what LIME calls negative, which it was not fitted to; a held-out test of the sign."""
    net, found = network(context), []
    for subject in of_seed(context, seed, known(context)):
        why = explained(context, seed, subject)
        masks = np.ones((3, len(why.weights)), bool)  # the last hides nothing: asked together, rounding is the same
        masks[0, why.weights.argsort()[:HIDDEN]] = False
        masks[1, np.abs(why.weights).argsort()[:HIDDEN]] = False
        *hidden, whole = superpixels.ask(net, why, masks)[:, why.label]
        found.append(np.array(hidden) > whole)
    return np.array(found).T


# --- how much it tells --------------------------------------------------------------------------------------


@claims.measure("lime-explains")
def lime_explains(context, seed):
    """Deletion curves (Petsiuk, Das and Saenko 2018, "RISE", section 4.2) over pixels, against random orders."""
    found = _losses(context, seed)
    return found[:, 0], found[:, 2:].mean(1)


@claims.measure("lime-over-activations")
def lime_over_activations(context, seed):
    """Deletion curves by LIME's weights, against those by the last maps before the classifier."""
    found = _losses(context, seed)
    return found[:, 0], found[:, 1]


def _losses(context, seed):
    """What hiding costs, (photographs, orders): in the order of LIME, of the activations, three at random."""
    return np.stack([_lost(context, seed, subject) for subject in of_seed(context, seed, known(context))])


def _lost(context, seed, subject):
    size, source = context.size, network(context).source
    key = ("lime losses", source, seed, size.parts, size.calls, size.steps, subject.fingerprint)
    return context.shared(key, lambda: _losses_of_one(context, seed, subject))


def _losses_of_one(context, seed, subject):
    net, why = network(context), explained(context, seed, subject)
    layer = last_feature_maps(net)
    seen = measures.mean_activation(net.read(subject.image[None], [layer], progress=False)[layer][0], why.segments)
    orders = [np.argsort(-why.weights), np.argsort(-seen), *scores.orders(why, seed, 3)["at random"]]
    return measures.deletion_loss(net, why, orders, steps=context.size.steps)


# --- how steady it is ---------------------------------------------------------------------------------------


@claims.measure("lime-no-improvement")
def no_improvement(context, seed):
    """Spearman's correlation between explanations that differ in their seed only; see ``benchmarks/lime.py``."""
    cut = {"method": "slic", "count": context.size.parts}
    found = [
        [_steadiness(context, seed, subject, cut, how) for subject in of_seed(context, seed, known(context))]
        for how in ({"stop_at": None}, superpixels.LIME_DEFAULTS)
    ]
    return [[scores.stability(pair).rank for pair in pairs] for pairs in found]


@claims.measure("lime-repeats")
def repeats(context, seed):
    """Overlap of the top five between two seeds, with the lime package's own superpixels and number of model calls."""
    if context.size.calls < DEFAULT:
        raise CannotTell(
            f"A run of the lime package asks the network {DEFAULT:,} times; several runs take longer than a quick "
            "measurement may."
        )
    pairs = [
        _steadiness(context, seed, subject, PUBLISHED, superpixels.LIME_DEFAULTS)
        for subject in of_seed(context, seed, known(context))
    ]
    return [measures.top_overlap(*pair) for pair in pairs], [scores.TOP / len(pair[0]) for pair in pairs]


def _steadiness(context, seed, subject, cut, how):
    """Weights of one photograph from two seeds that no other row uses."""
    parts = superpixels.segment(subject.image, **cut)
    runs = [
        superpixels.explain(
            network(context), subject.image, subject.label, parts, context.size.calls, s, progress=False, **how
        )
        for s in (2 * seed, 2 * seed + 1)
    ]
    return [run.weights for run in runs]
