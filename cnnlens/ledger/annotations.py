"""What a human would point at in some photographs, marked by eye before the network was asked.

The boxes stand in ``data/annotations.toml``. A fingerprint ties them to the picture that they were drawn on: another
picture of the same name has no annotation.
"""

from dataclasses import dataclass, field

import numpy as np

from .. import datasets
from . import io

CELLS = 4  # a side
ALIKE = 3  # of 255: another JPEG decoder or a resave moves no cell by more
ALL = 0.9  # of a photograph: a box that large leaves nothing to miss


@dataclass(frozen=True)
class Annotation:
    """The boxes on one photograph, as (top, left, bottom, right) in fractions of the centered square.

    Attributes
    ----------
    label : str
        What the photograph shows, as :func:`cnnlens.datasets.photos` has it.
    fingerprint : str
        Of the photograph, by :func:`fingerprint`.
    animal : box or None
        Around all of the animal, or of all of them.
    parts : dict of str to tuple of boxes
        What tells this animal from others, by what it is.
    cut : box or None
        For an animal too small to be seen: the part of the square that is shown instead; the boxes of the animal and
        its parts are fractions of it.
    face : (top, left, side) or None
        A square around a face, of the whole photograph.
    eyes : tuple of boxes
        In fractions of the face.
    """

    label: str
    fingerprint: str
    animal: tuple | None = None
    parts: dict = field(default_factory=dict)
    cut: tuple | None = None
    face: tuple | None = None
    eyes: tuple = ()

    @property
    def boxes(self):
        """All parts."""
        return tuple(box for several in self.parts.values() for box in several)

    @property
    def fold(self):
        """Of the photograph, by :func:`fold_of`."""
        return fold_of(self.fingerprint)


ANNOTATIONS = tuple(Annotation(**row) for row in io.packaged("annotations")["photographs"])
SETTLING = tuple(each for several in io.packaged("settling").values() for each in several)


def fingerprint(image):
    """What is left of an image when it is 16 gray cells: the mean of each, as 32 hexadecimal digits.

    Parameters
    ----------
    image : ndarray (H, W, 3) in [0, 1]
    """
    gray = image @ np.float32([0.299, 0.587, 0.114])
    cells = [cell.mean() for rows in np.array_split(gray, CELLS, 0) for cell in np.array_split(rows, CELLS, 1)]
    return bytes(round(float(value) * 255) for value in cells).hex()


def alike(one, other):
    """Whether two fingerprints are of one picture."""
    return max(abs(a - b) for a, b in zip(bytes.fromhex(one), bytes.fromhex(other))) <= ALIKE


def fold_of(found):
    """The half that the photograph of a fingerprint belongs to: ``settling`` measures, or kept for the ``verdict``."""
    return "settling" if any(alike(found, each) for each in SETTLING) else "verdict"


def annotation_of(photo):
    """The annotation of the animal on a Photo, or None where it has none."""
    animals = [each for each in ANNOTATIONS if each.animal and each.label == photo.label]
    return _match(fingerprint(photo.image), animals) if animals else None


def _match(found, annotations):
    return next((each for each in annotations if alike(each.fingerprint, found)), None)


def view(photo, annotation=None):
    """The part of a photograph that the boxes of its annotation are fractions of: (s, s, 3)."""
    top, left, bottom, right = annotation.cut if annotation and annotation.cut else (0, 0, 1, 1)
    height, width = photo.image.shape[:2]
    side = min(height, width)
    square = photo.image[(height - side) // 2 :, (width - side) // 2 :][:side, :side]
    return square[round(top * side) : round(bottom * side), round(left * side) : round(right * side)]


def faces_of(photos, size=224, fold=None):
    """The annotated faces on photographs, as close as they are cut, and their eyes.

    Parameters
    ----------
    photos : sequence of Photo
    size : int
        Pixels a side.
    fold : {"settling", "verdict"}, optional
        Only of this half; see :func:`fold_of`.

    Returns
    -------
    images : list of N ndarray (size, size, 3) float32 in [0, 1]
    eyes : list of N lists of (top, left, bottom, right) in pixels
    """
    found = _faces(photos, fold)
    images = [datasets.square(_cut(photo.image, *annotation.face), size) for photo, annotation in found]
    return images, [_pixels(annotation.eyes, size) for _, annotation in found]


def heads_of(photos, size=224, fold=None):
    """The whole photographs of these faces, and where the head is; without those that are all head.

    Parameters
    ----------
    photos, size, fold
        As for :func:`faces_of`.

    Returns
    -------
    images : list of N ndarray (size, size, 3) float32 in [0, 1]
    heads : list of N lists of (top, left, bottom, right) in pixels
    """
    found = [(photo, annotation.face) for photo, annotation in _faces(photos, fold) if annotation.face[2] < ALL]
    heads = [_pixels([(top, left, top + side, left + side)], size) for _, (top, left, side) in found]
    return [datasets.square(photo.image, size) for photo, _ in found], heads


def animals_of(photos, size=224, fold=None):
    """Photographs with one annotated animal (or several together) and something around it, each once.

    Parameters
    ----------
    photos, size, fold
        As for :func:`faces_of`.

    Returns
    -------
    images : list of N ndarray (size, size, 3) float32 in [0, 1]
    animals : list of N lists of (top, left, bottom, right) in pixels
    """
    found = {annotation.fingerprint: (photo, annotation) for photo in photos if (annotation := annotation_of(photo))}
    found = [(photo, each) for photo, each in found.values() if _area(each.animal) < ALL and _in(fold, each)]
    images = [datasets.square(view(photo, annotation), size) for photo, annotation in found]
    return images, [_pixels([annotation.animal], size) for _, annotation in found]


def _area(box):
    top, left, bottom, right = box
    return (bottom - top) * (right - left)


def _pixels(boxes, size):
    return [tuple(fraction * size for fraction in box) for box in boxes]


def _in(fold, annotation):
    return fold in (None, annotation.fold)


def _faces(photos, fold):
    """Pairs of photograph and annotation, each face once."""
    prints = [(photo, fingerprint(photo.image)) for photo in photos]
    annotated = [annotation for annotation in ANNOTATIONS if annotation.face and _in(fold, annotation)]
    found = [(_photo_of(annotation, prints), annotation) for annotation in annotated]
    return [(photo, annotation) for photo, annotation in found if photo is not None]


def _photo_of(annotation, prints):
    """The photograph that is annotated, if it is among these (photo, fingerprint) pairs."""
    for photo, found in prints:
        if photo.label == annotation.label and alike(annotation.fingerprint, found):
            return photo
    return None


def _cut(image, top, left, side):
    short = min(image.shape[:2])
    down, across = ((length - short) // 2 for length in image.shape[:2])
    top, left, side = (round(fraction * short) for fraction in (top, left, side))
    return image[down + top : down + top + side, across + left : across + left + side]
