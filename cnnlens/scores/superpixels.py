"""How far a LIME explanation can be trusted: is the regression true, is it stable, does hiding what it names matter?"""

import itertools
from dataclasses import dataclass

import numpy as np

from ..errors import CnnlensError
from ..lenses import superpixels, surrogate
from ..network import Network
from ..results import Result
from .forgetting import copied, shuffle
from .hiding import Curve, hiding_curves, stairs
from .trust_in_words import sentence

TOP = 5  # superpixels that people look at
RANDOM_ORDERS = 5

__all__ = ["Curve", "Stability", "Trust", "correlation", "curves", "fidelity", "fractions", "held_out_fidelity"]
__all__ += ["orders", "r_squared", "shuffled", "stability", "stairs", "trust"]


# --- is the regression true? --------------------------------------------------------------------------------------


def fidelity(why, masks, scores):
    """R² of the explanation's regression on masks that it was not fitted to, weighted by LIME's proximity kernel.

    On its own masks this number falls as an explanation gets better, because a regression on fewer masks than it needs
    fits their noise; only held-out masks tell how well a sum of superpixels describes the network.

    Parameters
    ----------
    why : Explanation
    masks : ndarray (M, K) bool
    scores : ndarray (M,)
        The network's answers for what is explained: ``why.target(…)`` of its scores.

    Returns
    -------
    float
        1: the network adds up superpixels; 0: no better than a constant; below 0: worse.

    Examples
    --------
    A network that adds up four quarters is what the regression says; one that asks for two of them at once is not.

    >>> def bright(images):
    ...     return np.stack([images.mean((1, 2, 3)), 1 - images.mean((1, 2, 3))], 1)
    >>> image = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8, 1)
    >>> why = superpixels.explain(bright, image, 0, superpixels.segment(image, "grid", 4), samples=65, fill=0.0)
    >>> masks = np.array(list(itertools.product([False, True], repeat=4)))
    >>> round(fidelity(why, masks, superpixels.ask(bright, why, masks)[:, 0]), 1)
    1.0
    >>> round(fidelity(why, masks, masks[:, 0] & masks[:, 3]), 1)
    0.1
    """
    weight = surrogate.proximity_kernel(masks, why.settings["kernel_width"])
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
    return fidelity(why, masks, why.target(superpixels.ask(net, why, masks)))


def r_squared(truth, guess, weight=None):
    """The fraction of the variance that is explained; NaN where nothing varies."""
    spread = np.average((truth - np.average(truth, weights=weight)) ** 2, weights=weight)
    return float("nan") if spread < 1e-16 else float(1 - np.average((truth - guess) ** 2, weights=weight) / spread)


# --- is it stable? ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Stability:
    """How alike explanations from different seeds are, averaged over all pairs of them.

    Attributes
    ----------
    overlap : float
        Fraction of the five superpixels of largest absolute weight that two have in common, 0 to 1.
    rank : float
        Spearman's rank correlation of the weights, -1 to 1.
    flips : float
        Fraction of superpixels whose weight changes sign, 0 to 1.
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

    Examples
    --------
    The same ranking, and the opposite one:

    >>> print(stability([[3, 2, 1], [6, 4, 2]], top=1))
    overlap 1.00   rank +1.00   flips 0.00
    >>> print(stability([[3, 2, 1], [1, 2, 3]], top=1))
    overlap 0.00   rank -1.00   flips 0.00
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


def correlation(a, b):
    """Pearson's correlation; 0 where one of the two does not vary."""
    return 0.0 if np.ptp(a) == 0 or np.ptp(b) == 0 else float(np.corrcoef(a, b)[0, 1])


# --- does hiding what it names matter? ----------------------------------------------------------------------


def orders(why, seed=0, count=RANDOM_ORDERS):
    """Orders to hide superpixels in: by weight, by size, and several at random.

    Returns
    -------
    dict of str to list of ndarray (K,)
    """
    generator = np.random.default_rng(seed)
    return {
        "by weight": [np.argsort(-why.weights, kind="stable")],
        "by size": [np.argsort(-fractions(why), kind="stable")],
        "at random": [generator.permutation(len(why.weights)) for _ in range(count)],
    }


def fractions(why):
    """The fraction of the image's pixels in each superpixel: (K,)."""
    return np.bincount(why.segments.ravel(), minlength=len(why.weights)) / why.segments.size


def curves(net, why, *, steps=12, seed=0):
    """Deletion and insertion curves (Petsiuk, Das and Saenko 2018), hidden superpixels filled as in the explanation.

    The horizontal axis is the fraction of *pixels*, so that an order is not rewarded for naming large superpixels.

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

    Examples
    --------
    Hiding the brightest quarter first dims the image fastest:

    >>> def bright(images):
    ...     return np.stack([images.mean((1, 2, 3)), 1 - images.mean((1, 2, 3))], 1)
    >>> image = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8, 1)
    >>> why = superpixels.explain(bright, image, 0, superpixels.segment(image, "grid", 4), samples=65, fill=0.0)
    >>> deletion = curves(bright, why)["deletion"]
    >>> [round(float(score), 2) for score in deletion["by weight"].score]
    [0.5, 0.3, 0.12, 0.05, 0.0]
    >>> deletion["by weight"].area < deletion["at random"].area
    True
    """
    ask = lambda masks: why.target(superpixels.ask(net, why, masks))  # noqa: E731
    return hiding_curves(ask, orders(why, seed), fractions(why), steps)


# --- the sanity check ---------------------------------------------------------------------------------------


def shuffled(net, seed=0):
    """The same network with the weights inside each layer shuffled: it knows nothing, and explanations must differ.

    The model-randomization test of Adebayo et al. 2018, "Sanity checks for saliency maps".

    Parameters
    ----------
    net : Network
    seed : int

    Returns
    -------
    Network

    Examples
    --------
    Each layer keeps its weights, but not their places:

    >>> from cnnlens import zoo
    >>> net = zoo.load("lenet", weights="random")
    >>> before, after = net.model.get_weights()[0], shuffled(net).model.get_weights()[0]
    >>> np.array_equal(before, after), np.array_equal(np.sort(before, None), np.sort(after, None))
    (False, True)
    """
    net = Network.of(net)
    model, generator = copied(net).model, np.random.default_rng(seed)
    model.set_weights([shuffle(values, generator) for values in model.get_weights()])
    return net.like(model, name=f"{net.name}, shuffled", source=f"{net.origin}, weights shuffled (seed {seed})")


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
        """How much more the score falls when superpixels are hidden by weight than at random: difference of areas."""
        deletion = self.curves["deletion"]
        return deletion["at random"].area - deletion["by weight"].area

    @property
    def sentence(self):
        """What the numbers say, in plain words."""
        return sentence(self)


def trust(net, why, *, seeds=5, repeated=(), held_out=128, steps=12, progress=True):
    """Measure how far an explanation can be trusted.

    Parameters
    ----------
    net : Network or callable
        The one that was explained.
    why : Explanation
    seeds : int
        Explanations to compare, the given one included; at least 2.
    repeated : sequence of Explanation
        Of other seeds, where they are there already (:func:`cnnlens.lenses.superpixels.repeat`): only what is missing
        is asked for.
    held_out : int
        Random masks to test the regression on, none of which it was fitted to.
    steps : int
        Points of the deletion and insertion curves.
    progress : bool

    Returns
    -------
    Trust

    Raises
    ------
    CnnlensError
        If what is said to be a repetition explains something else.

    Examples
    --------
    A network that adds up the brightness of its image can be trusted:

    >>> def bright(images):
    ...     return np.stack([images.mean((1, 2, 3)), 1 - images.mean((1, 2, 3))], 1)
    >>> image = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8, 1)
    >>> why = superpixels.explain(bright, image, 0, superpixels.segment(image, "grid", 4), samples=65, fill=0.0)
    >>> found = trust(bright, why, seeds=2, held_out=32, progress=False)
    >>> found.r2 > 0.9, found.gain > 0
    (True, True)
    >>> print(found.stability)
    overlap 1.00   rank +1.00   flips 0.00
    """
    net, seed = superpixels.opened(net), why.settings["seed"]
    _check_repeated(why, repeated)
    there = {other.settings["seed"] for other in repeated}
    missing = [other for other in range(seed + 1, seed + max(seeds, 2)) if other not in there]
    others = [*repeated, *superpixels.repeat(net, why, missing, progress=progress)]
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
        settings={"seeds": len(weights), "held_out": held_out, "steps": steps, **why.settings},
    )


def _check_repeated(why, repeated):
    """Refuse what is no repetition of an explanation: the same question, asked with another seed."""
    asked = {key: value for key, value in why.settings.items() if key != "seed"}
    for number, other in enumerate(repeated):
        same = np.array_equal(other.segments, why.segments) and np.array_equal(other.image, why.image)
        if not same or other.settings != {**asked, "seed": other.settings["seed"]} or other.rival != why.rival:
            raise CnnlensError(
                f"repeated[{number}] explains something else, or in another way; expected explanations that "
                "superpixels.repeat(net, why) gives."
            )
        if other.settings["seed"] == why.settings["seed"]:
            raise CnnlensError(
                f"repeated[{number}] has the seed of the explanation itself, {why.settings['seed']}, so comparing the "
                "two tells nothing; expected other seeds."
            )
