"""How far a LIME explanation can be trusted: is the line true, does it stay, and does hiding what it names matter?"""

import itertools
from dataclasses import dataclass

import numpy as np

from ..lenses import superpixels, surrogate
from ..network import Network
from ..results import Result

TOP = 5  # superpixels that people look at
RANDOM_ORDERS = 5
WHOLE = (0.0, 0.0, 1.0, 1.0)  # of an image: top, left, bottom, right


# --- is the line true? --------------------------------------------------------------------------------------


def fidelity(why, masks, scores):
    """R² of the explanation's line on masks that it was not fitted to, weighted by LIME's kernel.

    On its own masks this number falls as an explanation gets better, because a line with fewer masks than it needs fits
    their noise; only held-out masks tell how well a sum of superpixels describes the network.

    Parameters
    ----------
    why : Explanation
    masks : ndarray (M, K) bool
    scores : ndarray (M,)
        The network's answers for the explained class.

    Returns
    -------
    float
        1: the network adds up superpixels; 0: no better than a constant; below 0: worse.
    """
    weight = surrogate.closeness(masks, why.settings["kernel_width"])
    return r_squared(np.asarray(scores, float), why.answer(masks), weight)


def held_out_fidelity(net, why, count=128):
    """:func:`fidelity` on so many fresh random masks.

    Parameters
    ----------
    net : Network or callable
        The one that was explained.
    why : Explanation
    count : int
    """
    masks = np.ones((count, len(why.weights)), bool)
    seen = surrogate.varied(why.masks)
    masks[:, seen] = np.random.default_rng((why.settings["seed"], 7)).random((count, seen.sum())) < 0.5
    return fidelity(why, masks, superpixels.ask(net, why, masks)[:, why.label])


def r_squared(truth, guess, weight=None):
    """The share of the variance that is explained; NaN where nothing varies."""
    spread = np.average((truth - np.average(truth, weights=weight)) ** 2, weights=weight)
    return float("nan") if spread < 1e-16 else float(1 - np.average((truth - guess) ** 2, weights=weight) / spread)


# --- does it stay? ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Stability:
    """How alike explanations from different seeds are, averaged over all pairs of them.

    Attributes
    ----------
    overlap : float
        Share of the five superpixels of largest absolute weight that two have in common, 0 to 1.
    rank : float
        Spearman's rank correlation of the weights, -1 to 1.
    flips : float
        Share of superpixels whose weight changes sign, 0 to 1.
    """

    overlap: float
    rank: float
    flips: float

    def __str__(self):
        return f"overlap {self.overlap:.2f}   rank {self.rank:+.2f}   flips {self.flips:.2f}"


def stability(weights, top=TOP):
    """The Stability of several explanations of one prediction.

    Parameters
    ----------
    weights : sequence of ndarray (K,)
        One a seed, at least two.
    top : int
    """
    from scipy.stats import rankdata

    weights = np.asarray(weights, float)
    leading = [set(np.argsort(-np.abs(row), kind="stable")[:top]) for row in weights]
    pairs = list(itertools.combinations(range(len(weights)), 2))
    count = min(top, weights.shape[1])
    ranks = np.stack([rankdata(row) for row in weights])
    return Stability(
        overlap=float(np.mean([len(leading[a] & leading[b]) / count for a, b in pairs])),
        rank=float(np.mean([correlation(ranks[a], ranks[b]) for a, b in pairs])),
        flips=float(np.mean([(np.sign(weights[a]) != np.sign(weights[b])).mean() for a, b in pairs])),
    )


def same_top(one, other, top=TOP):
    """Share of the superpixels with the largest positive weights that two explanations name alike, as they are pictured: 0 to 1.

    Parameters
    ----------
    one, other : ndarray (K,)
    top : int
        Two random choices share ``top / K`` on average.
    """
    named = [set(np.argsort(-np.asarray(weights), kind="stable")[:top]) for weights in (one, other)]
    return len(named[0] & named[1]) / min(top, len(one))


def correlation(a, b):
    """Pearson's correlation; 0 where one of the two does not vary."""
    return 0.0 if np.ptp(a) == 0 or np.ptp(b) == 0 else float(np.corrcoef(a, b)[0, 1])


# --- does hiding what it names matter? ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Curve:
    """The score while superpixels are hidden one after the other (deletion), or shown (insertion).

    Attributes
    ----------
    share : ndarray (S,)
        Of the pixels hidden or shown so far, 0 to 1.
    score : ndarray (S,)
        The network's score of the explained class.
    """

    share: np.ndarray
    score: np.ndarray

    @property
    def area(self):
        """Area under the curve: the mean score, 0 to 1."""
        return (
            float(np.trapezoid(self.score, self.share))
            if hasattr(np, "trapezoid")
            else float(np.trapz(self.score, self.share))
        )


def orders(why, seed=0, count=RANDOM_ORDERS):
    """Orders to hide superpixels in: by weight, by size, and several at random.

    Returns
    -------
    dict of str to list of ndarray (K,)
    """
    sizes = np.bincount(why.segments.ravel(), minlength=len(why.weights))
    generator = np.random.default_rng(seed)
    return {
        "by weight": [np.argsort(-why.weights, kind="stable")],
        "by size": [np.argsort(-sizes, kind="stable")],
        "at random": [generator.permutation(len(sizes)) for _ in range(count)],
    }


def stairs(order, steps):
    """Masks while the superpixels of an order are hidden in about this many steps, all on to all off: (S, K) bool."""
    hidden = np.unique(np.linspace(0, len(order), min(steps, len(order)) + 1).round().astype(int))
    position = np.argsort(order)
    return position[None] >= hidden[:, None]


def curves(net, why, *, steps=12, seed=0):
    """Deletion and insertion curves (Petsiuk, Das and Saenko 2018), hidden superpixels filled as in the explanation.

    The horizontal axis is the share of *pixels*, so that an order is not rewarded for naming large superpixels.

    Parameters
    ----------
    net : Network or callable
    why : Explanation
    steps : int
        Points of a curve.
    seed : int
        For the random orders.

    Returns
    -------
    dict of str to dict of str to Curve
        ``found["deletion"]["by weight"]``; also ``"insertion"``, ``"by size"`` and ``"at random"`` (the mean of five).
    """
    sizes = np.bincount(why.segments.ravel(), minlength=len(why.weights)) / why.segments.size
    plans = [(name, stairs(order, steps)) for name, several in orders(why, seed).items() for order in several]
    plans = [
        (kind, name, masks if kind == "deletion" else ~masks)
        for name, masks in plans
        for kind in ("deletion", "insertion")
    ]
    scores = superpixels.ask(net, why, np.concatenate([masks for *_, masks in plans]))[:, why.label]
    found = {"deletion": {}, "insertion": {}}
    start = 0
    for kind, name, masks in plans:
        shown = masks @ sizes
        share = 1 - shown if kind == "deletion" else shown
        found[kind].setdefault(name, []).append(Curve(share, scores[start : start + len(masks)]))
        start += len(masks)
    return {kind: {name: _mean_curve(several) for name, several in named.items()} for kind, named in found.items()}


def lost(net, why, orders, *, steps=12):
    """How early the score goes when superpixels are hidden in given orders (Petsiuk, Das and Saenko 2018).

    Parameters
    ----------
    net : Network or callable
    why : Explanation
        Names the image, the superpixels, the class and the fill; its weights are not used.
    orders : sequence of ndarray (K,)
        Superpixels, the one to be hidden first in front.
    steps : int

    Returns
    -------
    ndarray (orders,)
        The share of the whole image's score that is gone, averaged over the course of hiding: 0.5 for a score that falls
        evenly with the pixels, near 1 where the first ones decide, below 0 where hiding helps.
    """
    sizes = np.bincount(why.segments.ravel(), minlength=len(why.weights)) / why.segments.size
    plans = [stairs(order, steps) for order in orders]
    scores = superpixels.ask(net, why, np.concatenate(plans))[:, why.label]
    areas = [
        Curve(1 - masks @ sizes, part).area
        for masks, part in zip(plans, np.split(scores, np.cumsum([len(masks) for masks in plans])[:-1]))
    ]
    return 1 - np.array(areas) / max(float(why.prediction[why.label]), 1e-12)


def answers_in(maps, segments):
    """How strongly a layer answers in each superpixel, all its units together: what an activation map shows, (K,).

    Parameters
    ----------
    maps : ndarray (h, w, units)
        Of the image that was cut, of any size.
    segments : ndarray (H, W) int
    """
    from skimage.transform import resize

    summed = resize(np.maximum(maps, 0).sum(-1).astype(float), segments.shape, order=1)
    return np.bincount(segments.ravel(), summed.ravel()) / np.maximum(np.bincount(segments.ravel()), 1)


def _mean_curve(several):
    if len(several) == 1:
        return several[0]
    share = np.linspace(0, 1, 25)
    return Curve(share, np.mean([np.interp(share, curve.share, curve.score) for curve in several], 0))


# --- is it where a human would point? -----------------------------------------------------------------------


def spread(weights, segments):
    """Each superpixel's weight spread evenly over its pixels, so that regions of any shape can be weighed: (H, W).

    The sum over all pixels is the sum of the weights.

    Parameters
    ----------
    weights : ndarray (K,)
    segments : ndarray (H, W) int
    """
    sizes = np.bincount(segments.ravel(), minlength=len(weights))
    return (np.asarray(weights, float) / np.maximum(sizes, 1))[segments]


def inside(heat, box):
    """What a region weighs."""
    top, left, bottom, right = _pixels(box, heat.shape)
    return float(heat[top:bottom, left:right].sum())


def share_inside(heat, boxes):
    """Share of all positive weight that lies in boxes: 0 to 1, where a human and the network point at the same things.

    The energy-based pointing game of Wang et al. 2020, "Score-CAM", with several boxes: their union counts.

    Parameters
    ----------
    heat : ndarray (H, W)
        From :func:`spread`.
    boxes : sequence of (top, left, bottom, right)
        As shares of the image's height and width.
    """
    positive = np.maximum(heat, 0)
    marked = np.zeros(heat.shape, bool)
    for box in boxes:
        top, left, bottom, right = _pixels(box, heat.shape)
        marked[top:bottom, left:right] = True
    return float(positive[marked].sum() / positive.sum()) if positive.any() else 0.0


def standing(heat, box, within=WHOLE):
    """Share of all regions of the same shape that weigh less than a box: 1 for the heaviest, 0.5 on average.

    All regions are compared, at every pixel that one may begin at, so nothing is drawn by chance; ties count half.

    Parameters
    ----------
    heat : ndarray (H, W)
        From :func:`spread`.
    box : (top, left, bottom, right)
        As shares of the image's height and width.
    within : (top, left, bottom, right)
        Where regions may lie; the whole image by default. The box itself may lie anywhere.
    """
    top, left, bottom, right = _pixels(box, heat.shape)
    sums = _sums(heat, bottom - top, right - left)
    first, start, last, end = _pixels(within, heat.shape)
    others = sums[first : max(first + 1, last - (bottom - top) + 1), start : max(start + 1, end - (right - left) + 1)]
    slack = 1e-9 * np.abs(heat).sum()  # what the order of additions may change
    less, more = (others < sums[top, left] - slack).mean(), (others > sums[top, left] + slack).mean()
    return float((1 + less - more) / 2)


def elsewhere(boxes, generator, within=WHOLE):
    """Boxes of the same shapes at random places: what pointing blindly would mark.

    Parameters
    ----------
    boxes : sequence of (top, left, bottom, right)
    generator : numpy.random.Generator
    within : (top, left, bottom, right)
        Where they may lie.
    """
    top, left, bottom, right = within
    moved = []
    for height, width in ((box[2] - box[0], box[3] - box[1]) for box in boxes):
        down, across = (
            generator.uniform(top, max(top, bottom - height)),
            generator.uniform(left, max(left, right - width)),
        )
        moved.append((down, across, down + height, across + width))
    return moved


def _pixels(box, shape):
    """A box in pixels, at least one a side and inside the image."""
    (top, bottom), (left, right) = (
        (round(low * side), round(high * side))
        for low, high, side in ((box[0], box[2], shape[0]), (box[1], box[3], shape[1]))
    )
    top, left = min(top, shape[0] - 1), min(left, shape[1] - 1)
    return top, left, min(max(bottom, top + 1), shape[0]), min(max(right, left + 1), shape[1])


def _sums(heat, height, width):
    """The sum of every region of this size, by a summed-area table: (H - height + 1, W - width + 1)."""
    table = np.pad(heat, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    return table[height:, width:] - table[:-height, width:] - table[height:, :-width] + table[:-height, :-width]


# --- the sanity check ---------------------------------------------------------------------------------------


def shuffled(net, seed=0):
    """The same network with the weights inside each layer shuffled: it has learned nothing, and explanations must differ.

    The model-randomization test of Adebayo et al. 2018, "Sanity checks for saliency maps".

    Parameters
    ----------
    net : Network
    seed : int

    Returns
    -------
    Network
    """
    import keras

    model = keras.models.clone_model(net.model)
    generator = np.random.default_rng(seed)
    model.set_weights([generator.permuted(values.ravel()).reshape(values.shape) for values in net.model.get_weights()])
    return Network(
        model,
        f"{net.name}, shuffled",
        classes=net.classes,
        source=f"{net.source}, weights shuffled (seed {seed})",
        preprocessing=net.preprocessing,
    )


# --- all of it ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Trust(Result):
    """The numbers beside an explanation.

    Attributes
    ----------
    name : str
        The explained class.
    r2 : float
        :func:`fidelity` on held-out masks.
    stability : Stability
    curves : dict
        See :func:`curves`.
    weights : ndarray (seeds, K)
        Of the explanation and its repetitions.
    parts : int
        Superpixels.
    calls : int
        Model calls of the explanation.
    """

    name: str
    r2: float
    stability: Stability
    curves: dict
    weights: np.ndarray
    parts: int
    calls: int

    @property
    def gain(self):
        """How much more the score falls when superpixels are hidden by weight instead of at random: difference of areas."""
        deletion = self.curves["deletion"]
        return deletion["at random"].area - deletion["by weight"].area

    @property
    def sentence(self):
        """What the numbers say, in plain words."""
        return sentence(self)


def trust(net, why, *, seeds=5, held_out=128, steps=12, progress=True):
    """Measure how far an explanation can be trusted.

    Parameters
    ----------
    net : Network or callable
        The one that was explained.
    why : Explanation
    seeds : int
        Explanations to compare, the given one included; at least 2.
    held_out : int
        Random masks to test the line on, none of which it was fitted to.
    steps : int
        Points of the deletion and insertion curves.
    progress : bool

    Returns
    -------
    Trust
    """
    seed = why.settings["seed"]
    others = superpixels.repeat(net, why, range(seed + 1, seed + max(seeds, 2)), progress=progress)
    seen = surrogate.varied(why.masks)
    weights = np.stack([why.weights, *(other.weights for other in others)])
    return Trust(
        name=why.name,
        r2=held_out_fidelity(net, why, held_out),
        stability=stability(weights[:, seen]),
        curves=curves(net, why, steps=steps, seed=seed),
        weights=weights,
        parts=int(seen.sum()),
        calls=why.calls,
        source=why.source,
        settings={"seeds": max(seeds, 2), "held_out": held_out, "steps": steps, **why.settings},
    )


def sentence(found):
    """What a Trust says, in plain words: stable or not, true or not, better than chance or not, and what to do."""
    stable = found.stability
    calls = f"with {found.calls} model calls for {found.parts} superpixels"
    if stable.overlap >= 0.8 and stable.rank >= 0.8:
        first = f"This explanation is stable {calls}: another seed names {_of_five(stable.overlap)} of the same five superpixels"
    elif stable.overlap >= 0.8:
        first = (
            f"The five leading superpixels are stable {calls} (another seed names {_of_five(stable.overlap)} of them), but the order of the "
            "rest is not: do not read anything into the small weights"
        )
    else:
        first = (
            f"This explanation is not stable {calls}: another seed names {_of_five(stable.overlap)} of the same five superpixels. "
            "Use more samples, or fewer superpixels"
        )
    if np.isnan(found.r2):
        second = "the score does not change whatever is hidden, so there is nothing to explain"
    elif found.r2 >= 0.6:
        second = f"adding up superpixels describes the network well (held-out R² {found.r2:.2f})"
    elif found.r2 >= 0.3:
        second = (
            f"adding up superpixels describes the network in part (held-out R² {found.r2:.2f}): some act only together"
        )
    else:
        second = f"adding up superpixels describes the network poorly (held-out R² {found.r2:.2f}): most of what happens is superpixels acting together"
    areas = {name: curve.area for name, curve in found.curves["deletion"].items()}
    numbers = f"area {areas['by weight']:.2g} against {areas['at random']:.2g}"
    if found.gain <= 0.15 * areas["at random"]:
        third = f"hiding what it names does no more than hiding at random ({numbers}): do not believe it"
    else:
        third = f"hiding what it names makes the score fall faster than hiding at random ({numbers})"
        if areas["by size"] <= areas["by weight"]:
            third += f", but hiding the largest superpixels first does as much (area {areas['by size']:.2g})"
    return f"{first}. {second[0].upper()}{second[1:]}. {third[0].upper()}{third[1:]}."


def _of_five(overlap):
    return f"{overlap * TOP:.1f}".removesuffix(".0")


def report(found):
    """The numbers as a few aligned lines of text."""
    rows = [
        ("held-out R² of the line", found.r2),
        ("overlap of the top 5 between seeds", found.stability.overlap),
        ("rank correlation between seeds", found.stability.rank),
        ("weights that change sign", found.stability.flips),
    ]
    rows += [
        (f"area under {kind}, {name}", curve.area)
        for kind, named in found.curves.items()
        for name, curve in named.items()
    ]
    return "\n".join(f"{label:38} {value:6.2f}" for label, value in rows)
