"""Figures and what lies behind them, told apart by color: what is unlike the border of an image is its figure."""

from dataclasses import dataclass

import numpy as np

LEAST, MOST = 0.03, 0.6  # fraction of an image that a figure covers
TOUCHES = 0.2  # fraction of the border that it may touch
SPREAD = 0.02  # of brightness in [0, 1]: a background of one color varies so little that any noise would be a figure
DISTINCT = 3.0  # standard deviations of the background that the edge of a figure must be away from it
EDGE = 2  # px round a figure that are still mixed with it
VALID = 0.5  # fraction of images that must show a figure
ALONE = 0.7  # fraction of the backgrounds that must be taken for the class without anything before them
DECIDES = 0.6  # fraction of figures that must take on the class of the background they stand before


@dataclass(frozen=True, kw_only=True)
class BackgroundTest:
    """What the background of the images of a class does.

    Attributes
    ----------
    label : int
    alone : float
        Fraction of the backgrounds that are taken for the class with nothing before them.
    become : float
        Fraction of figures of other classes that are taken for it before these backgrounds.
    gone : float
        Fraction of its own figures that are no longer taken for it before backgrounds of other classes.
    """

    label: int
    alone: float
    become: float
    gone: float

    @property
    def decides(self):
        """Whether the background decides by itself."""
        return self.alone >= ALONE and self.become >= DECIDES


def figures(images):
    """Which pixels of each image belong to a figure before a background.

    The border of an image is taken for background, as in Wei et al. (2012, "Geodesic saliency using background
    priors"): a pixel belongs to the figure where its color is far from what the border holds (Mahalanobis distance),
    by Otsu's threshold. Textures, and figures that fill the image, have no such pixels.

    Parameters
    ----------
    images : ndarray (N, H, W, C)

    Returns
    -------
    ndarray (N, H, W) bool
    ndarray (N,) bool
        In which images a figure can be told; in none, if in less than half.

    Examples
    --------
    >>> image = np.zeros((1, 16, 16, 1), np.float32)
    >>> image[:, 5:11, 5:11] = 1
    >>> masks, valid = figures(image)
    >>> int(masks.sum()), valid.tolist()
    (36, [True])
    """
    found = [_figure(image) for image in images]
    masks, valid = (np.array(each) for each in zip(*found))
    return masks, valid & (valid.mean() >= VALID)


def _figure(image):
    """The mask of one image, and whether it is one of a figure."""
    from skimage.filters import threshold_otsu

    edge = np.ones(image.shape[:2], bool)
    wide = max(1, min(edge.shape) // 16)
    edge[wide:-wide, wide:-wide] = False
    around = image[edge]
    inverse = np.linalg.inv(np.cov(around.T).reshape(image.shape[-1], -1) + SPREAD**2 * np.eye(image.shape[-1]))
    away = image - np.median(around, 0)
    distance = np.sqrt(np.einsum("hwc,cd,hwd->hw", away, inverse, away)).clip(0, 20)
    if distance.max() < DISTINCT:
        return np.zeros(edge.shape, bool), False
    mask = distance > max(DISTINCT, threshold_otsu(distance))
    return mask, bool(LEAST <= mask.mean() <= MOST and mask[edge].mean() <= TOUCHES)


def without_figures(images, masks):
    """Copies of images in which the median color of the background stands where the figure, with its edge, was."""
    from scipy.ndimage import binary_dilation

    changed = images.copy()
    for image, mask in zip(changed, masks):
        wider = binary_dilation(mask, iterations=EDGE)
        image[wider] = np.median(image[~wider] if not wider.all() else image[~mask], 0)
    return changed


def pasted(images, masks, backgrounds):
    """The figures of some images before the backgrounds of others."""
    return np.where(masks[..., None], images, backgrounds).astype(np.float32)
