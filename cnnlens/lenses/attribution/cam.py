"""Attributions from the maps of one layer: which of them speak for a class, and where they are active.

Each function gets what the network was ``seen`` to do with the images (:mod:`.looking`): A, the activations of the
layer (N, h, w, c), and G = ∂S/∂A, the slopes of the class's score for them. The maps (N, h, w) are enlarged to the
image afterwards.
"""

import numpy as np


def gradcam(seen, look):
    """ReLU(Σ_k w_k A_k), w_k = mean of G_k over the map: each map weighed by its mean gradient.

    Unsigned. Selvaraju et al. 2017, "Grad-CAM", equations 1 and 2. On a network that ends in global average pooling and
    one dense layer, w is the class's row of that layer but for a factor, and this is CAM (Zhou et al. 2016).

    Examples
    --------
    >>> from cnnlens.lenses.attribution.looking import Seen
    >>> activations, slopes = np.array([[[[1.0], [3.0]]]]), np.array([[[[2.0], [-1.0]]]])
    >>> gradcam(Seen(images=None, labels=[0], scores=[[1]], slopes=slopes, activations=activations), None)
    array([[[0.5, 1.5]]])
    """
    weights = seen.slopes.mean((1, 2), keepdims=True)
    return np.maximum((weights * seen.activations).sum(-1), 0)


def gradcam_plus_plus(seen, look):
    """ReLU(Σ_k w_k A_k), w_k = Σ_ij α_ij ReLU(G_ij), α = G² / (2 G² + Σ_ab A_ab · G³).

    Unsigned. Chattopadhay et al. 2018, "Grad-CAM++", equations 5, 10 and 19: positions count by α, so that several
    objects of a class all show. There the score is exp(S), whose factor exp(S) is left away: it would scale the map.

    Examples
    --------
    >>> from cnnlens.lenses.attribution.looking import Seen
    >>> activations, slopes = np.array([[[[1.0], [3.0]]]]), np.array([[[[2.0], [-1.0]]]])
    >>> gradcam_plus_plus(Seen(images=None, labels=[0], scores=[[1]], slopes=slopes, activations=activations), None)
    array([[[0.2, 0.6]]])
    """
    slopes, activations = seen.slopes, seen.activations
    below = 2 * slopes**2 + activations.sum((1, 2), keepdims=True) * slopes**3
    alphas = np.divide(slopes**2, below, out=np.zeros_like(slopes), where=below != 0)
    weights = (alphas * np.maximum(slopes, 0)).sum((1, 2), keepdims=True)
    return np.maximum((weights * activations).sum(-1), 0)


def hirescam(seen, look):
    """Σ_k G_k ⊙ A_k: no mean over the map, so each position counts by its own gradient.

    Signed. Draelos and Carin 2020, "Use HiResCAM instead of Grad-CAM", section 3.3. Where one linear layer follows, the
    map adds up to the score, but for the bias.

    Examples
    --------
    >>> from cnnlens.lenses.attribution.looking import Seen
    >>> activations, slopes = np.array([[[[1.0], [3.0]]]]), np.array([[[[2.0], [-1.0]]]])
    >>> hirescam(Seen(images=None, labels=[0], scores=[[1]], slopes=slopes, activations=activations), None)
    array([[[ 2., -3.]]])
    """
    return (seen.slopes * seen.activations).sum(-1)
