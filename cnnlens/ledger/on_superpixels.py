"""Claims about LIME (the dissertation's section 7.7 and its conclusion).

Each photograph is explained for the class that it shows, and only where the network has that class among its first five:
of a picture that it does not know there is nothing to learn. Places to point at were marked by eye beforehand
(:mod:`.marks`). Under each seed the picture is cut into superpixels by another method and hidden by other masks, so that
an interval covers both.
"""

from dataclasses import dataclass

import numpy as np

from ..lenses import superpixels
from ..scores import superpixels as scores
from . import marks
from . import superpixel_measures as measures
from .claim import CannotTell, Support, claim

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

# Model calls are whole blocks of balanced masks, and the whole image (see cnnlens.lenses.masks).
QUICK = {"seeds": 2, "parts": 20, "calls": 49, "photos": 4, "steps": 8}
FULL = {"seeds": 3, "parts": 40, "calls": 177, "photos": 24, "steps": 12}
TOP_FIFTH = "His pictures show the five to ten strongest of about fifty superpixels: a region outside the top fifth would not be in them."


@dataclass(frozen=True)
class Subject:
    """A photograph that the network knows: as it sees it, the output of its class, and what was marked on it."""

    image: np.ndarray
    label: int
    name: str
    marked: marks.Marked | None


# --- materials ----------------------------------------------------------------------------------------------


def known(at):
    """The photographs whose class the network has among its first five, those with marks first."""
    net = at.net(NETWORK)
    return at.shared(("lime subjects", net.source), lambda: _known(net, _photographs(at)))


def _photographs(at):
    """Those of CNNLENS_DATA, if there, and those of packages; each once."""
    return list({marks.fingerprint(photo.image): photo for photo in (*at.photos(), *at.shipped())}.values())


def _known(net, photos):
    marked = [marks.marks_of(photo) for photo in photos]
    images = [superpixels.frame(net, marks.view(photo, mark)) for photo, mark in zip(photos, marked)]
    answers = net.predict(np.stack(images), progress=False)
    numbers = {name: number for number, name in enumerate(net.classes)}
    found = [
        Subject(image, numbers[photo.label], photo.label, mark)
        for photo, image, mark, answer in zip(photos, images, marked, answers)
        if photo.label in numbers and numbers[photo.label] in answer.argsort()[-5:]
    ]
    return sorted(found, key=lambda subject: subject.marked is None)


def explained(at, seed, subject):
    """Why the network says what the photograph shows."""
    net, method = at.net(NETWORK), CUTS[seed % len(CUTS)]

    def make():
        parts = superpixels.segment(subject.image, method, at.size.parts)
        return superpixels.explain(
            net, subject.image, subject.label, parts, at.size.calls, seed, stop_at=None, progress=False
        )

    return at.shared(("lime", net.source, _key(subject), method, at.size.parts, at.size.calls, seed), make)


def _key(subject):
    return subject.name, subject.image.tobytes()[:4096]


def _pointed(at, names, kinds):
    """Photographs of these names that have parts of these kinds marked, each with its boxes."""
    found = [
        (subject, [box for kind in kinds for box in subject.marked.parts.get(kind, ())])
        for subject in known(at)
        if subject.marked and subject.name in names
    ]
    found = [(subject, boxes) for subject, boxes in found if boxes]
    if not found:
        listed = " or ".join(name.replace("_", " ") for name in names)
        raise CannotTell(f"No photograph of {listed} is here that was marked by hand and that the network recognizes.")
    return found


def _ranks(at, seed, pointed, *, heat_of=None, within=None):
    """How each marked box, and one at random, stands among all regions of its shape."""
    generator, found, blind = np.random.default_rng((seed, 9)), [], []
    for subject, boxes in pointed:
        why = explained(at, seed, subject)
        heat = measures.spread(why.weights if heat_of is None else heat_of(why), why.segments)
        region = measures.WHOLE if within is None else within(subject)
        for box in boxes:
            found.append(measures.percentile_rank(heat, box, region))
            chance = measures.random_boxes([box] * BLIND, generator, region)
            blind.append(np.mean([measures.percentile_rank(heat, other, region) for other in chance]))
    return found, blind


# --- what decides -------------------------------------------------------------------------------------------

STANDING = (
    "share of all equally large regions of the picture whose superpixels weigh less than those of the marked place"
)
ANYWHERE = "the same for regions of the same shape at random places of the picture"


@claim(
    "lime-cat-eye",
    section="7.7",
    technique="LIME",
    says="What decides most that a cat is a cat are its eyes.",
    looked_at="Figure 24, first row: the superpixels that speak most for the class of a cat's photograph.",
    figure=STANDING,
    control=ANYWHERE,
    support=Support(0.4),
    why="“The biggest impact” is the first place. A tenth of all places is allowed, because superpixels do not end where an eye ends.",
    quick=QUICK,
    full=FULL,
)
def cat_eye(at, seed):
    """Standing of each eye in LIME's weights (Ribeiro, Singh and Guestrin 2016); see :func:`~.superpixel_measures.percentile_rank`."""
    return _ranks(at, seed, _pointed(at, ("tabby", "Siamese_cat"), ("eye",)))


@claim(
    "lime-dog-ears-nose",
    section="7.7",
    technique="LIME",
    says="A dog's ears, nose and paws weigh most in the decision that it is a dog of its kind.",
    looked_at="Figure 24, second row: the superpixels that speak most for the class of a dog's photograph.",
    figure=STANDING,
    control=ANYWHERE,
    support=Support(0.3),
    why=TOP_FIFTH,
    quick=QUICK,
    full=FULL,
)
def dog_ears_and_nose(at, seed):
    """Standing of each ear, nose and paw in LIME's weights, over all marked photographs of dogs."""
    dogs = ("golden_retriever", "Border_collie", "German_shepherd", "bull_mastiff", "dalmatian")
    return _ranks(at, seed, _pointed(at, dogs, ("ear", "nose", "paw")))


@claim(
    "lime-goldfish-tail",
    section="7.7",
    technique="LIME",
    says="A goldfish is known by its tail, its fins and its mouth.",
    looked_at="Figure 24, third row: the superpixels that speak most for the goldfish.",
    figure=STANDING,
    control=ANYWHERE,
    support=Support(0.3),
    why=TOP_FIFTH,
    quick=QUICK,
    full=FULL,
)
def goldfish_tail_and_fins(at, seed):
    """Standing of the tail, each fin and the mouth in LIME's weights."""
    return _ranks(at, seed, _pointed(at, ("goldfish",), ("tail", "fin", "mouth")))


# --- two elephants ------------------------------------------------------------------------------------------


@claim(
    "lime-elephant-ears",
    section="7.7",
    technique="LIME",
    says="The larger ears of an African elephant speak against its being an Indian one.",
    looked_at="Figure 25: an African elephant explained for both classes; for the Indian one its ears come out as negative.",
    figure="share of equally large regions of the animal that weigh more for “Indian elephant” than its ear; 0 where the ear's weight is positive",
    control="the same for regions of the same shape at random places of the animal",
    support=Support(0.3),
    why="The ears were picked out “clearly”: among the fifth of the animal that speaks most against the class, and truly against it.",
    quick=QUICK,
    full=FULL,
)
def elephant_ears(at, seed):
    """Standing of the ears, turned round, in LIME's weights for the other class, counted only where they are negative."""
    found, blind = [], []
    generator = np.random.default_rng((seed, 9))
    for subject, boxes in _pointed(at, ("African_elephant",), ("ear",)):
        why = explained(at, seed, subject).relabel("Indian_elephant")
        heat = -measures.spread(why.weights, why.segments)
        chance = measures.random_boxes(boxes * BLIND, generator, subject.marked.animal)
        found += [_against(heat, box, subject) for box in boxes]
        blind += [np.mean([_against(heat, box, subject) for box in chance])] * len(boxes)
    return found, blind


def _against(heat, box, subject):
    return measures.percentile_rank(heat, box, subject.marked.animal) if measures.weight_inside(heat, box) > 0 else 0.0


@claim(
    "lime-elephants-apart",
    section="7.7",
    technique="LIME",
    says="The ears are what tells the two kinds of elephant apart.",
    looked_at="Figure 25: two explanations of one elephant, of which the second “clearly picks out the larger ears”.",
    figure="share of equally large regions of the animals that speak less for the right kind rather than the other than an ear does",
    control="the same for regions of the same shape at random places of the animals",
    support=Support(0.3),
    why=TOP_FIFTH,
    quick=QUICK,
    full=FULL,
)
def elephants_apart(at, seed):
    """Standing of the ears in the difference of two explanations, which is itself one: that of a difference of two scores."""
    kinds = ("African_elephant", "Indian_elephant")
    pointed = _pointed(at, kinds, ("ear",))

    def difference(why):
        other = kinds[1 - kinds.index(why.classes[why.label])]
        return why.weights - why.relabel(other).weights

    return _ranks(at, seed, pointed, heat_of=difference, within=lambda subject: subject.marked.animal)


# --- the features that a human would choose -----------------------------------------------------------------

INSIDE = "share of all positive weight that lies on the places which a human marked beforehand"


@claim(
    "lime-human-features",
    section="7.7",
    technique="LIME",
    says="Networks use the features of an animal that a human would pick out.",
    looked_at="Figure 24: three photographs, of a cat, a dog and a goldfish.",
    figure=INSIDE,
    control="the same for boxes of the same shapes at random places of the picture",
    support=Support(0.1),
    why="The marked places cover about a tenth of a picture, so a tenth of the weight more than chance is about twice what chance gives.",
    quick=QUICK,
    full=FULL,
)
def human_features(at, seed):
    """Share of LIME's positive weight inside boxes (Wang et al. 2020, "Score-CAM": the energy-based pointing game)."""
    return _shares(at, seed, lambda subject: measures.WHOLE)


@claim(
    "lime-human-not-just-animal",
    section="7.7",
    technique="LIME",
    says="Networks use the very features of an animal that a human would pick out, rather than the rest of the animal.",
    looked_at="Figure 24: three photographs, of a cat, a dog and a goldfish.",
    figure=INSIDE,
    control="the same for boxes of the same shapes at random places of the animal",
    support=Support(0.05),
    why="Half of what is asked against the whole picture, since the rest of an animal also has something that a human might point at.",
    quick=QUICK,
    full=FULL,
)
def human_features_of_the_animal(at, seed):
    """As for the whole picture, with chance confined to the animal."""
    return _shares(at, seed, lambda subject: subject.marked.animal)


def _shares(at, seed, within):
    """Share of positive weight inside each photograph's boxes, and inside boxes at random."""
    generator, found, blind = np.random.default_rng((seed, 9)), [], []
    for subject in _marked(at):
        why, boxes = explained(at, seed, subject), subject.marked.boxes
        heat = measures.spread(why.weights, why.segments)
        found.append(measures.positive_fraction_inside(heat, boxes))
        blind.append(
            np.mean(
                [
                    measures.positive_fraction_inside(heat, measures.random_boxes(boxes, generator, within(subject)))
                    for _ in range(BLIND)
                ]
            )
        )
    return found, blind


def _marked(at):
    found = [subject for subject in known(at) if subject.marked][: at.size.photos]
    if len(found) < 2:
        raise CannotTell(
            "Fewer than two of the photographs that were marked by hand are here and recognized by the network."
        )
    return found


# --- for and against ----------------------------------------------------------------------------------------


@claim(
    "lime-negative",
    section="7.7",
    technique="LIME",
    says="The presence of some features speaks against a class: without them the network would be surer.",
    looked_at="Figures 24 and 25: superpixels drawn as negative.",
    figure=f"share of photographs whose score rises when the {HIDDEN} superpixels of most negative weight are hidden, and nothing else",
    control="the same when as many superpixels are hidden whose weight is nearest to zero",
    support=Support(0.1),
    why="Hiding what does not matter raises the score about as often as not. “Negative” must mean more: one photograph in ten at least.",
    quick=QUICK,
    full=FULL,
)
def negative_features(at, seed):
    """Masks that hide what LIME calls negative, which it was not fitted to; a held-out test of the sign."""
    net, found = at.net(NETWORK), []
    for subject in known(at)[: at.size.photos]:
        why = explained(at, seed, subject)
        masks = np.ones(
            (3, len(why.weights)), bool
        )  # the last hides nothing: asked together, so that rounding is the same
        masks[0, why.weights.argsort()[:HIDDEN]] = False
        masks[1, np.abs(why.weights).argsort()[:HIDDEN]] = False
        *hidden, whole = superpixels.ask(net, why, masks)[:, why.label]
        found.append(np.array(hidden) > whole)
    return np.array(found, float).T


# --- how much it tells --------------------------------------------------------------------------------------


@claim(
    "lime-explains",
    section="8",
    technique="LIME",
    says="LIME finds the parts of an image that a prediction hangs on.",
    looked_at="All explanations together; the conclusion calls LIME the most useful technique for it.",
    figure="share of the score that is gone, on average over the course of hiding superpixels in the order of their weights",
    control="the same in random orders",
    support=Support(0.1),
    why="A tenth of the score, over the whole course, is a difference that the curves show at a glance.",
    quick=QUICK,
    full=FULL,
)
def lime_explains(at, seed):
    """Deletion curves (Petsiuk, Das and Saenko 2018, "RISE", section 4.2) over the share of pixels, against random orders."""
    found = _losses(at, seed)
    return found[:, 0], found[:, 2:].mean(1)


@claim(
    "lime-over-activations",
    section="8",
    technique="LIME",
    says="LIME tells more about a prediction than the activation maps do.",
    looked_at="Figures 24 and 25 against the activation maps; the conclusion finds that those do not succeed at extracting knowledge.",
    figure="share of the score that is gone, on average over the course of hiding superpixels in the order of LIME's weights",
    control="the same in the order of the last activation maps, all units added up",
    support=Support(0.05),
    why="Half of what LIME must be ahead of chance: activation maps know at least where the animal is.",
    quick=QUICK,
    full=FULL,
)
def lime_over_activations(at, seed):
    """Deletion curves by LIME's weights, against those by the last maps before the classifier."""
    found = _losses(at, seed)
    return found[:, 0], found[:, 1]


def _losses(at, seed):
    """What each order of hiding costs each photograph, (photographs, orders): LIME's, the activations', three at random."""
    net = at.net(NETWORK)
    layer = _last_maps(net)

    def lost(subject):
        why = explained(at, seed, subject)
        seen = measures.mean_activation(net.read(subject.image[None], [layer], progress=False)[layer][0], why.segments)
        random = scores.orders(why, seed, 3)["at random"]
        return measures.deletion_loss(
            net, why, [np.argsort(-why.weights), np.argsort(-seen), *random], steps=at.size.steps
        )

    key = ("lime losses", net.source, seed, at.size.parts, at.size.calls, at.size.photos, at.size.steps)
    return at.shared(key, lambda: np.stack([lost(subject) for subject in known(at)[: at.size.photos]]))


def _last_maps(net):
    """The last layer of maps that are features: those that are already one map a class are the classifier's."""
    return [
        layer.path
        for layer in net.layers()
        if layer.is_map and layer.units != len(net.classes) and max(layer.shape[:2]) > 1
    ][-1]


# --- how steady it is ---------------------------------------------------------------------------------------


@claim(
    "lime-no-improvement",
    section="8",
    technique="LIME",
    says="No improvement to LIME can be seen.",
    looked_at="The lime package as it was in 2017; the conclusion names no weakness.",
    figure="rank correlation of the weights between two seeds, with balanced masks and an imitation of the network",
    control="the same for the lime package's own random masks, with as many model calls",
    support=Support(-1, 0.02),
    why="Correlations are read to two digits. If the same number of calls can give an explanation that is steadier by more than 0.02, there is an improvement.",
    quick={"seeds": 2, "parts": 12, "calls": 33, "photos": 2},
    full={"seeds": 2, "parts": 50, "calls": 300, "photos": 5},
)
def no_improvement(at, seed):
    """Spearman's correlation between explanations that differ in their seed only; see ``benchmarks/lime.py``."""
    cut = {"method": "slic", "count": at.size.parts}
    found = [
        [_steadiness(at, seed, subject, cut, how) for subject in known(at)[: at.size.photos]]
        for how in ({"stop_at": None}, superpixels.LIME_DEFAULTS)
    ]
    return [[scores.stability(pair).rank for pair in pairs] for pairs in found]


@claim(
    "lime-repeats",
    section="7.7",
    technique="LIME",
    says="The five superpixels that LIME shows are the network's: another run would show the same.",
    looked_at="Figures 24 and 25, each a single run of which the text reads the superpixels off.",
    figure="share of the five most positive superpixels that two runs of the lime package have in common",
    control="the same for two random choices of five",
    support=Support(0.6),
    why="Four of the five the same, less what chance gives: with more than one in five different, a single run does not tell which.",
    quick={"seeds": 2, "calls": 100, "photos": 1},
    full={"seeds": 2, "calls": DEFAULT, "photos": 3},
)
def repeats(at, seed):
    """Overlap of the top five between two seeds, with the lime package's own superpixels and number of model calls."""
    if at.size.calls < DEFAULT:
        raise CannotTell(
            f"A run of the lime package asks the network {DEFAULT:,} times; several runs take longer than a quick measurement may."
        )
    pairs = [
        _steadiness(at, seed, subject, PUBLISHED, superpixels.LIME_DEFAULTS) for subject in known(at)[: at.size.photos]
    ]
    return [measures.top_overlap(*pair) for pair in pairs], [scores.TOP / len(pair[0]) for pair in pairs]


def _steadiness(at, seed, subject, cut, how):
    """Weights of one photograph from two seeds that no other row uses."""
    parts = superpixels.segment(subject.image, **cut)
    runs = [
        superpixels.explain(
            at.net(NETWORK), subject.image, subject.label, parts, at.size.calls, s, progress=False, **how
        )
        for s in (2 * seed, 2 * seed + 1)
    ]
    return [run.weights for run in runs]
