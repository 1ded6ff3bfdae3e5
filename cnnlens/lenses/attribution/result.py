"""What an attribution is: a map for each image, and what was asked."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from ...labels import class_name
from ...results import Result


@dataclass(frozen=True, kw_only=True, eq=False)
class Attribution(Result):
    """Which pixels of each image speak for a class.

    Attributes
    ----------
    maps : ndarray (N, H, W) float32
        At the size of the images. What the values mean is said by each method.
    images : ndarray (N, H, W, C) float32 in [0, 1]
        As the network was shown them.
    labels : ndarray (N,) int
        The class that is explained for each image.
    scores : ndarray (N,) float32
        The network's score of that class, as it was explained: ``settings["scores"]`` says whether a logit or a
        probability.
    probabilities : ndarray (N,) float32
        The probability of that class.
    method : str
    layer : str or None
        The layer whose maps were weighed; None for methods that look at the pixels.
    signed : bool
        Whether negative values speak against the class; else all are at least zero.
    classes : tuple of str or None
    coarse : ndarray (N, h, w) float32 or None
        The maps at the size of the layer, before they were enlarged.
    gap : ndarray (N,) float32 or None
        Of integrated gradients: how much the sum of the map misses the difference of the scores of image and baseline,
        as a fraction of that difference.
    """

    maps: np.ndarray
    images: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    probabilities: np.ndarray
    method: str
    layer: str | None = None
    signed: bool = False
    classes: tuple | None = None
    coarse: np.ndarray | None = None
    gap: np.ndarray | None = None

    @property
    def label(self):
        """The class that is explained, where it is the same for all images; else None."""
        return int(self.labels[0]) if (self.labels == self.labels[0]).all() else None

    @property
    def names(self):
        """The name of the explained class of each image."""
        return tuple(class_name(self.classes, label) for label in self.labels)

    def only(self, image):
        """The attribution of one image alone, by its number."""
        if not 0 <= image < len(self.images):
            raise IndexError(f"There is no image {image}: there are {len(self.images)}.")
        one = slice(image, image + 1)
        rows = ("maps", "images", "labels", "scores", "probabilities", "coarse", "gap")
        return dataclasses.replace(
            self, **{name: values[one] for name in rows if (values := getattr(self, name)) is not None}
        )

    def __repr__(self):
        where = f" at {self.layer}" if self.layer else ""
        return f"<Attribution by {self.method}{where} of {', '.join(self.names[:3])}{', …' * (len(self.names) > 3)}>"
