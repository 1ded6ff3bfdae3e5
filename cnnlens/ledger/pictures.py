"""Measures that only claims use: how pictures look, which units point at marked parts, and how classes are read."""

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.stats import rankdata
from skimage.measure import blur_effect

from ..errors import CnnlensError
from ..scores.neurons import unit_length, within

# --- how pictures look ---------------------------------------------------------------------------------------


def blur(images, width=5):
    """How blurred images are, 0 (sharp) to 1, (N,).

    How little of the difference between neighboring pixels a blur takes away: what is blurred already does not mind.
    Crete et al. 2007, "The blur effect: perception and estimation with a new no-reference perceptual blur metric".

    Parameters
    ----------
    images : ndarray (N, H, W, C)
    width : int
        Pixels of the blur that is tried.
    """
    color = -1 if images.shape[-1] == 3 else None
    return np.array([blur_effect(image if color else image[..., 0], width, channel_axis=color) for image in images])


def evenness(images):
    """The fraction of an image's departure from mid grey that is one even color, (N,).

    1 for color alone, near 0 for a pattern.
    """
    stray = np.asarray(images, float) - 0.5
    total = (stray**2).mean((1, 2)).sum(-1)
    even = (stray.mean((1, 2)) ** 2).sum(-1)
    return np.divide(even, total, out=np.zeros(len(total)), where=total > 0)


def coherence(images, sigma=2.0):
    """How far a pattern runs in one direction at each place, (N,).

    1 for stripes, also winding ones; low for spots and noise.
    Coherence of the structure tensor (Bigün and Granlund 1987, "Optimal orientation detection of linear symmetry"),
    weighted by how strong the pattern is; 0 for an image without any.

    Parameters
    ----------
    images : ndarray (N, H, W, C)
    sigma : float
        Standard deviation in pixels of the neighborhood that a place is judged by.
    """
    down, across = np.gradient(np.asarray(images, float).mean(-1), axis=(1, 2))
    products = (down * down, across * across, down * across)
    dd, aa, da = (gaussian_filter(product, (0, sigma, sigma)) for product in products)
    strength, one_way = (dd + aa).sum((1, 2)), np.hypot(dd - aa, 2 * da).sum((1, 2))
    return np.divide(one_way, strength, out=np.zeros(len(strength)), where=strength > 1e-12)


# --- marked parts of images ----------------------------------------------------------------------------------


def points_at(maps, place, boxes):
    """Whether the strongest response of each unit lies in a marked part of the image: the pointing game.

    Zhang et al. 2016, "Top-down neural attention by excitation backprop", section 4.2. Unlike
    :func:`cnnlens.scores.neurons.preference` it favors neither large parts beyond their fraction of the image, nor
    units that respond at many places.

    Parameters
    ----------
    maps, place, boxes
        As for :func:`cnnlens.scores.neurons.preference`.

    Returns
    -------
    ndarray (U,) bool
        False for a unit that is silent throughout.
    """
    flat = maps.reshape(-1, maps.shape[-1])
    return within(maps, place, boxes).ravel()[flat.argmax(0)] & (flat.max(0) > 0)


def outranks(maps, place, boxes):
    """How often a position that looks at a marked part responds more than one that does not, for each unit.

    This is the area under the ROC curve (Hanley and McNeil 1982, "The meaning and use of the area under a receiver
    operating characteristic (ROC) curve"). It asks position by position, so that neither part has more tries than the
    other, as the larger one has where maxima are compared.

    Parameters
    ----------
    maps, place, boxes
        As for :func:`cnnlens.scores.neurons.preference`; at least one position inside of the boxes, and one outside.

    Returns
    -------
    ndarray (U,)
        0 to 1; 0.5 for a unit that does not care, or is silent throughout. Ties count half.
    """
    inside = within(maps, place, boxes).ravel()
    ranks = rankdata(maps.reshape(len(inside), -1), axis=0)[inside].mean(0)
    return (ranks - (inside.sum() + 1) / 2) / (~inside).sum()


def held_out(found, k):
    """What units that were chosen on some images find on an image that they were not chosen on (held-out selection).

    For each image the k units with the highest mean on all *other* images are taken: units that were chosen by luck
    lose on the next image what made them stand out.

    Parameters
    ----------
    found : array (N, U)
        From :func:`points_at` or :func:`cnnlens.scores.neurons.preference`, of N images, at least two.
    k : int

    Returns
    -------
    ndarray (N,)
        The mean over the k units on the image left out.
    """
    found = np.asarray(found, float)
    if len(found) < 2:
        raise CnnlensError(f"Units cannot be chosen on other images: there is but {len(found)}. Mark at least two.")
    others = (found.sum(0) - found) / (len(found) - 1)
    chosen = np.argsort(-others, 1, kind="stable")[:, :k]
    return np.take_along_axis(found, chosen, 1).mean(1)


# --- layers, and classes -------------------------------------------------------------------------------------


def rank_trend(values):
    """Whether a number grows along the layers: Spearman's rank correlation with their order, -1 to 1, (N,).

    Parameters
    ----------
    values : ndarray (N, layers)
        A row an image; at least two layers.
    """
    ranks = rankdata(values, axis=1)
    ranks = ranks - ranks.mean(1, keepdims=True)
    order = np.arange(np.shape(values)[1]) - (np.shape(values)[1] - 1) / 2
    length = np.linalg.norm(ranks, axis=1) * np.linalg.norm(order)
    return np.divide(ranks @ order, length, out=np.zeros(len(ranks)), where=length > 0)


def read_as(images, wanted, real, labels, k=25):
    """How readily images are read as what they were meant to be, by a reader who knows nothing of the network.

    The fraction of the k most similar real images that are of the wanted class; similar by the correlation of their
    pixels (k nearest neighbors, Cover and Hart 1967). Of real MNIST digits it is about 0.9; a tenth is chance.

    Parameters
    ----------
    images : ndarray (N, H, W, C)
    wanted : array (N,) int
        The class each was made for.
    real : ndarray (M, H, W, C)
    labels : array (M,) int

    Returns
    -------
    ndarray (N,)
        0 to 1.
    """
    flat = [np.reshape(each, (len(each), -1)) for each in (images, real)]
    made, known = (unit_length(pixels - pixels.mean(1, keepdims=True)) for pixels in flat)
    nearest = np.argsort(-(made @ known.T), 1, kind="stable")[:, :k]
    return (np.asarray(labels)[nearest] == np.asarray(wanted)[:, None]).mean(1)
