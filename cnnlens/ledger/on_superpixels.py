"""Claims about LIME (the dissertation's section 7.7 and its conclusion).

Each photograph is explained for the class that it shows, and only where the network has that class among its first
five: of a picture that it does not know there is nothing to learn. Places to point at were marked by eye beforehand
(:mod:`.annotations`). Under each seed the picture is cut into superpixels by another method and hidden by other masks,
so that an interval covers both.
"""

from dataclasses import dataclass

import numpy as np

from ..lenses import superpixels
from ..scores import superpixels as scores
from . import annotations
from . import superpixel_measures as measures
from .claim import CannotTell, Claims

claims = Claims("superpixels")

NETWORK = "inception_v3"
CUTS = ("slic", "grid", "felzenszwalb", "quickshift")  # seed by seed
PUBLISHED = {
    "method": "quickshift",
    "kernel_size": 4,
    "max_dist": 200,
}  # how the lime package cuts, unless told otherwise
DEFAULT = 1000  # model calls of the lime package, unless told otherwise
HIDDEN = 3  # superpixels that are hidden together
BLIND = 20  # random regions, or orders, that stand for chance


@dataclass(frozen=True)
class Subject:
    """A photograph that the network knows: as it sees it, the output of its class, and what was marked on it."""

    image: np.ndarray
    label: int
    name: str
    marked: annotations.Annotation | None


# --- materials ----------------------------------------------------------------------------------------------


def known(context):
    """The photographs whose class the network has among its first five, those with marks first."""
    net = context.net(NETWORK)
    return context.shared(("lime subjects", net.source), lambda: _known(net, _photographs(context)))


def _photographs(context):
    """Those of CNNLENS_DATA, if there, and those of packages; each once."""
    return list(
        {annotations.fingerprint(photo.image): photo for photo in (*context.photos(), *context.shipped())}.values()
    )


def _known(net, photos):
    marked = [annotations.annotation_of(photo) for photo in photos]
    images = [superpixels.frame(net, annotations.view(photo, mark)) for photo, mark in zip(photos, marked)]
    answers = net.predict(np.stack(images), progress=False)
    numbers = {name: number for number, name in enumerate(net.classes)}
    found = [
        Subject(image, numbers[photo.label], photo.label, mark)
        for photo, image, mark, answer in zip(photos, images, marked, answers)
        if photo.label in numbers and numbers[photo.label] in answer.argsort()[-5:]
    ]
    return sorted(found, key=lambda subject: subject.marked is None)


def explained(context, seed, subject):
    """Why the network says what the photograph shows."""
    net, method = context.net(NETWORK), CUTS[seed % len(CUTS)]

    def make():
        parts = superpixels.segment(subject.image, method, context.size.parts)
        return superpixels.explain(
            net, subject.image, subject.label, parts, context.size.calls, seed, stop_at=None, progress=False
        )

    return context.shared(
        ("lime", net.source, _key(subject), method, context.size.parts, context.size.calls, seed), make
    )


def _key(subject):
    return subject.name, subject.image.tobytes()[:4096]


def _pointed(context, names, kinds):
    """Photographs of these names that have parts of these kinds marked, each with its boxes."""
    found = [
        (subject, [box for kind in kinds for box in subject.marked.parts.get(kind, ())])
        for subject in known(context)
        if subject.marked and subject.name in names
    ]
    found = [(subject, boxes) for subject, boxes in found if boxes]
    if not found:
        listed = " or ".join(name.replace("_", " ") for name in names)
        raise CannotTell(f"No photograph of {listed} is here that was marked by hand and that the network recognizes.")
    return found


def _ranks(context, seed, pointed, *, heat_of=None, within=None):
    """Percentile rank of each marked box, and of boxes at random, among all regions of its shape."""
    generator, found, blind = np.random.default_rng((seed, 9)), [], []
    for subject, boxes in pointed:
        why = explained(context, seed, subject)
        heat = measures.spread(why.weights if heat_of is None else heat_of(why), why.segments)
        region = measures.WHOLE if within is None else within(subject)
        for box in boxes:
            found.append(measures.percentile_rank(heat, box, region))
            chance = measures.random_boxes([box] * BLIND, generator, region)
            blind.append(np.mean([measures.percentile_rank(heat, other, region) for other in chance]))
    return found, blind


# --- what decides -------------------------------------------------------------------------------------------


@claims.measure("lime-cat-eye")
def cat_eye(context, seed):
    """Percentile rank of each eye in LIME's weights (Ribeiro, Singh and Guestrin 2016)."""
    return _ranks(context, seed, _pointed(context, ("tabby", "Siamese_cat"), ("eye",)))


@claims.measure("lime-dog-ears-nose")
def dog_ears_and_nose(context, seed):
    """Percentile rank of each ear, nose and paw in LIME's weights, over all marked photographs of dogs."""
    dogs = ("golden_retriever", "Border_collie", "German_shepherd", "bull_mastiff", "dalmatian")
    return _ranks(context, seed, _pointed(context, dogs, ("ear", "nose", "paw")))


@claims.measure("lime-goldfish-tail")
def goldfish_tail_and_fins(context, seed):
    """Percentile rank of the tail, each fin and the mouth in LIME's weights."""
    return _ranks(context, seed, _pointed(context, ("goldfish",), ("tail", "fin", "mouth")))


# --- two elephants ------------------------------------------------------------------------------------------


@claims.measure("lime-elephant-ears")
def elephant_ears(context, seed):
    """Percentile rank of the ears against the other class, counted only where their weight for it is negative."""
    found, blind = [], []
    generator = np.random.default_rng((seed, 9))
    for subject, boxes in _pointed(context, ("African_elephant",), ("ear",)):
        why = explained(context, seed, subject).relabel("Indian_elephant")
        heat = -measures.spread(why.weights, why.segments)
        chance = measures.random_boxes(boxes * BLIND, generator, subject.marked.animal)
        found += [_against(heat, box, subject) for box in boxes]
        blind += [np.mean([_against(heat, box, subject) for box in chance])] * len(boxes)
    return found, blind


def _against(heat, box, subject):
    return measures.percentile_rank(heat, box, subject.marked.animal) if measures.weight_inside(heat, box) > 0 else 0.0


@claims.measure("lime-elephants-apart")
def elephants_apart(context, seed):
    """Percentile rank of the ears in the explanation of the difference of the two scores."""
    kinds = ("African_elephant", "Indian_elephant")
    pointed = _pointed(context, kinds, ("ear",))

    def contrast(why):
        return why.contrast(kinds[1 - kinds.index(why.classes[why.label])]).weights

    return _ranks(context, seed, pointed, heat_of=contrast, within=lambda subject: subject.marked.animal)


# --- the features that a human would choose -----------------------------------------------------------------


@claims.measure("lime-human-features")
def human_features(context, seed):
    """Fraction of LIME's positive weight inside boxes: the energy-based pointing game (Wang et al. 2020)."""
    return _fractions(context, seed, lambda subject: measures.WHOLE)


@claims.measure("lime-human-not-just-animal")
def human_features_of_the_animal(context, seed):
    """As for the whole picture, with chance confined to the animal."""
    return _fractions(context, seed, lambda subject: subject.marked.animal)


def _fractions(context, seed, within):
    """Fraction of positive weight inside each photograph's boxes, and inside boxes at random."""
    generator, found, blind = np.random.default_rng((seed, 9)), [], []
    for subject in _marked(context):
        why, boxes = explained(context, seed, subject), subject.marked.boxes
        heat = measures.spread(why.weights, why.segments)
        found.append(measures.positive_fraction_inside(heat, boxes))
        chance = [measures.random_boxes(boxes, generator, within(subject)) for _ in range(BLIND)]
        blind.append(np.mean([measures.positive_fraction_inside(heat, others) for others in chance]))
    return found, blind


def _marked(context):
    found = [subject for subject in known(context) if subject.marked][: context.size.photos]
    if len(found) < 2:
        raise CannotTell(
            "Fewer than two of the photographs that were marked by hand are here and recognized by the network."
        )
    return found


# --- for and against ----------------------------------------------------------------------------------------


@claims.measure("lime-negative")
def negative_features(context, seed):
    """Masks that hide what LIME calls negative, which it was not fitted to; a held-out test of the sign."""
    net, found = context.net(NETWORK), []
    for subject in known(context)[: context.size.photos]:
        why = explained(context, seed, subject)
        masks = np.ones((3, len(why.weights)), bool)  # the last hides nothing: asked together, rounding is the same
        masks[0, why.weights.argsort()[:HIDDEN]] = False
        masks[1, np.abs(why.weights).argsort()[:HIDDEN]] = False
        *hidden, whole = superpixels.ask(net, why, masks)[:, why.label]
        found.append(np.array(hidden) > whole)
    return np.array(found, float).T


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
    net = context.net(NETWORK)
    layer = _last_maps(net)

    def lost(subject):
        why = explained(context, seed, subject)
        seen = measures.mean_activation(net.read(subject.image[None], [layer], progress=False)[layer][0], why.segments)
        random = scores.orders(why, seed, 3)["at random"]
        orders = [np.argsort(-why.weights), np.argsort(-seen), *random]
        return measures.deletion_loss(net, why, orders, steps=context.size.steps)

    size = context.size
    key = ("lime losses", net.source, seed, size.parts, size.calls, size.photos, size.steps)
    return context.shared(key, lambda: np.stack([lost(subject) for subject in known(context)[: context.size.photos]]))


def _last_maps(net):
    """The last layer of maps that are features: those that are already one map a class are the classifier's."""
    return [
        layer.path
        for layer in net.layers()
        if layer.is_map and layer.units != len(net.classes) and max(layer.shape[:2]) > 1
    ][-1]


# --- how steady it is ---------------------------------------------------------------------------------------


@claims.measure("lime-no-improvement")
def no_improvement(context, seed):
    """Spearman's correlation between explanations that differ in their seed only; see ``benchmarks/lime.py``."""
    cut = {"method": "slic", "count": context.size.parts}
    found = [
        [_steadiness(context, seed, subject, cut, how) for subject in known(context)[: context.size.photos]]
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
        for subject in known(context)[: context.size.photos]
    ]
    return [measures.top_overlap(*pair) for pair in pairs], [scores.TOP / len(pair[0]) for pair in pairs]


def _steadiness(context, seed, subject, cut, how):
    """Weights of one photograph from two seeds that no other row uses."""
    parts = superpixels.segment(subject.image, **cut)
    runs = [
        superpixels.explain(
            context.net(NETWORK), subject.image, subject.label, parts, context.size.calls, s, progress=False, **how
        )
        for s in (2 * seed, 2 * seed + 1)
    ]
    return [run.weights for run in runs]
