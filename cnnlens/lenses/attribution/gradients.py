"""Attributions from the gradient of a class's score with respect to the pixels.

Each function gets what the network was ``seen`` to do with the images themselves, and ``look`` to ask it about others
(:mod:`.looking`); S is the score of the explained class, x an image (H, W, C) in [0, 1].
"""

import numpy as np

from ...errors import CnnlensError
from ..perturbation import filling
from .looking import BATCH
from .path import Path

MOST_POINTS = 512  # of a path: what is still missing then is said in `gap`


def gradient(seen, look):
    """max_c |∂S/∂x_c|: how much a small change of a pixel changes the score.

    Unsigned. Simonyan, Vedaldi and Zisserman 2013, "Deep inside convolutional networks", section 3.1.

    Examples
    --------
    >>> from cnnlens.lenses.attribution.looking import Seen
    >>> seen = Seen(images=np.ones((1, 1, 2, 1)), labels=[0], scores=[[1]], slopes=np.array([[[[-3.0], [2.0]]]]))
    >>> gradient(seen, None)
    array([[[3., 2.]]])
    """
    return np.abs(seen.slopes).max(-1)


def guided(seen, look):
    """max_c |∂S/∂x_c|, where every ReLU lets only positive gradients back (:func:`.looking.rectified`).

    Unsigned. Springenberg et al. 2014, "Striving for simplicity", section 3.4. The maps are sharp because edges survive
    the way back, and they hardly depend on the class (Nie, Zhang and Patel 2018).

    Examples
    --------
    >>> from cnnlens.lenses.attribution.looking import Seen
    >>> seen = Seen(images=np.ones((1, 1, 2, 1)), labels=[0], scores=[[1]], slopes=np.array([[[[-3.0], [2.0]]]]))
    >>> guided(seen, None)
    array([[[3., 2.]]])
    """
    return np.abs(seen.slopes).max(-1)


def gradient_input(seen, look):
    """Σ_c x_c ∂S/∂x_c: each pixel's part of the score, were the network linear and black nothing.

    Signed. Shrikumar, Greenside and Kundaje 2017, "Learning important features", section 2.2.

    Examples
    --------
    >>> from cnnlens.lenses.attribution.looking import Seen
    >>> images = np.array([[[[0.5], [1.0]]]])
    >>> gradient_input(Seen(images=images, labels=[0], scores=[[1]], slopes=np.array([[[[-3.0], [2.0]]]])), None)
    array([[[-1.5,  2. ]]])
    """
    return (seen.images * seen.slopes).sum(-1)


def smoothgrad(seen, look, *, samples=32, noise=0.15, seed=0):
    """max_c |1/n Σ_k ∂S/∂x_c (x + ε_k)|, ε_k ~ N(0, σ²): the gradient averaged around the image.

    Unsigned. Smilkov et al. 2017, "SmoothGrad", section 3.

    Parameters
    ----------
    samples : int
        n, copies of the image with noise.
    noise : float
        σ as a fraction of the image's own range, max x − min x.
    seed : int

    Examples
    --------
    >>> from cnnlens import attribution, zoo
    >>> net = zoo.load("lenet", weights="random")
    >>> attribution.explain(net, np.ones((1, 28, 28, 1)), 3, "smoothgrad", samples=4, noise=0.1).maps.shape
    (1, 28, 28)
    """
    at_least("samples", samples, 1)
    at_least("noise", noise, 0)
    maps = []
    for number, (image, label) in enumerate(zip(seen.images, seen.labels)):
        draws = np.random.default_rng((seed, number)).standard_normal((samples, *image.shape), np.float32)
        copies = image + np.float32(noise * np.ptp(image)) * draws
        maps.append(np.abs(look(copies, label).slopes.mean(0)).max(-1))
    return np.stack(maps)


def integrated_gradients(seen, look, *, steps=32, baseline=0.0, complete_to=0.01, seed=0):
    """Σ_c (x_c − b_c) ∫₀¹ ∂S/∂x_c (b + α (x − b)) dα: each pixel's part of S(x) − S(b).

    Signed, and complete: the map adds up to the difference of the two scores. Sundararajan, Taly and Yan 2017,
    "Axiomatic attribution for deep networks", section 3. A network of ReLUs has gradients that jump, so steps of one
    size converge slowly; but what each piece of the path must add up to is known, it is the rise of the score. While
    all miss by more than ``complete_to``, the pieces that miss most are halved, up to 512 points.

    Parameters
    ----------
    steps : int
        Points on the path to begin with, evenly spaced.
    baseline : float or {"mean", "grey", "blur", "noise"}
        b, the image that says nothing, as :func:`cnnlens.lenses.perturbation.filling` makes it; black by default.
    complete_to : float or None
        The fraction of the difference that may be missing; None keeps to ``steps``.
    seed : int
        For a baseline of noise.

    Returns
    -------
    maps : ndarray (N, H, W)
    gap : ndarray (N,)
        The fraction of the difference that is missing.

    Examples
    --------
    >>> from cnnlens import attribution, zoo
    >>> net, white = zoo.load("lenet", weights="random"), np.ones((1, 28, 28, 1))
    >>> found = attribution.explain(net, white, 3, "integrated_gradients")
    >>> rise = (net.logits(white) - net.logits(0 * white))[0, 3]
    >>> bool(abs(found.maps.sum() - rise) <= 0.011 * abs(rise))
    True
    """
    at_least("steps", steps, 2)
    maps, gaps = [], []
    for image, label in zip(seen.images, seen.labels):
        base = filling(image, np.zeros(image.shape[:2], int), baseline, seed)
        path = Path(look, base, image, label, steps)
        while complete_to is not None and path.gap > complete_to and len(path.alphas) < MOST_POINTS:
            path.refine(pieces=BATCH)
        maps.append(path.parts().sum(-1))
        gaps.append(path.gap)
    return np.stack(maps), np.float32(gaps)


def at_least(name, value, least):
    """Refuse a setting that is too small, with the error that says so.

    Examples
    --------
    >>> at_least("samples", 3, 1)
    """
    if not value >= least:
        raise CnnlensError(f"{name}={value!r} is too small: expected at least {least}.")
