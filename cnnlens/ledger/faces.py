"""Faces with their eyes, cut from photographs and marked by eye before a network was asked.

Shares of the centered square for the cut, shares of the cut for the eyes; :mod:`~cnnlens.ledger.marks` says how a
photograph is known again.
"""

from dataclasses import dataclass

from .. import datasets
from .marks import alike, fingerprint

ALL = 0.9  # of a photograph: a box that large leaves nothing to miss


@dataclass(frozen=True)
class Face:
    """A face on a photograph.

    Attributes
    ----------
    label : str
    print : str
        Of the photograph.
    cut : (top, left, side)
    eyes : tuple of (top, left, bottom, right)
    """

    label: str
    print: str
    cut: tuple
    eyes: tuple


FACES = (
    Face("tabby", "826d6a6778617c7f7273738485826e92", (0, 0, 1), ((0.28, 0.20, 0.50, 0.45), (0.36, 0.73, 0.55, 0.90))),
    Face(
        "astronaut",
        "7a9ea9907f5ab49a82706a316b732f23",
        (0.04, 0.27, 0.34),
        ((0.40, 0.30, 0.53, 0.46), (0.41, 0.55, 0.54, 0.71)),
    ),
    Face(
        "bull_mastiff",
        "98a580884e757893405a7c62534a4c62",
        (0.30, 0.20, 0.42),
        ((0.38, 0.35, 0.52, 0.50), (0.37, 0.69, 0.51, 0.84)),
    ),
    Face("leafhopper", "2e67697d269878952568748c353a6c6f", (0.15, 0.25, 0.36), ((0.19, 0.57, 0.38, 0.72),)),
    Face("goldfish", "312a4b345e7f843c335d854126312030", (0.50, 0.62, 0.36), ((0.27, 0.37, 0.46, 0.58),)),
    Face("hen", "204a62652f397459424966402740633b", (0, 0.25, 0.50), ((0.09, 0.36, 0.28, 0.53),)),
    Face("tree_frog", "6b14061d585a2c064a731e034d681109", (0.25, 0.20, 0.60), ((0.38, 0.27, 0.63, 0.55),)),
    Face(
        "Border_collie",
        "8783924f966f5d51ad815691a26e3d34",
        (0.20, 0.10, 0.70),
        ((0.33, 0.27, 0.48, 0.41), (0.27, 0.52, 0.42, 0.66)),
    ),
    Face(
        "Siamese_cat",
        "626c61539d90a09da575707b6b69835b",
        (0.26, 0, 0.42),
        ((0.54, 0.50, 0.68, 0.68), (0.33, 0.71, 0.47, 0.85)),
    ),
    Face(
        "golden_retriever",
        "81827f7c86786e81784842747b766772",
        (0.05, 0.25, 0.40),
        ((0.30, 0.46, 0.43, 0.62), (0.31, 0.72, 0.43, 0.83)),
    ),
)


def faces_of(photos, size=224):
    """The faces that are known on photographs, as close as they are cut.

    Parameters
    ----------
    photos : sequence of Photo
    size : int
        Pixels a side.

    Returns
    -------
    images : list of N ndarray (size, size, 3) float32 in [0, 1]
    eyes : list of N lists of (top, left, bottom, right) in pixels
    """
    found = _known(photos)
    images = [datasets.square(_cut(photo.image, *face.cut), size) for photo, face in found]
    return images, [[tuple(share * size for share in eye) for eye in face.eyes] for _, face in found]


def heads_of(photos, size=224):
    """The whole photographs of these faces, and where the head is; without those that are all head.

    Parameters
    ----------
    photos, size
        As for :func:`faces_of`.

    Returns
    -------
    images : list of N ndarray (size, size, 3) float32 in [0, 1]
    heads : list of N lists of (top, left, bottom, right) in pixels
    """
    found = [(photo, face.cut) for photo, face in _known(photos) if face.cut[2] < ALL]
    heads = [[(top * size, left * size, (top + side) * size, (left + side) * size)] for _, (top, left, side) in found]
    return [datasets.square(photo.image, size) for photo, _ in found], heads


def _known(photos):
    """Pairs of photograph and face, each face once."""
    prints = [(photo, fingerprint(photo.image)) for photo in photos]
    found = [(_of(face, prints), face) for face in FACES]
    return [(photo, face) for photo, face in found if photo is not None]


def _of(face, prints):
    """The photograph that a face was cut from, if it is among these (photo, fingerprint) pairs."""
    return next((photo for photo, found in prints if photo.label == face.label and alike(face.print, found)), None)


def _cut(image, top, left, side):
    short = min(image.shape[:2])
    down, across = ((length - short) // 2 for length in image.shape[:2])
    top, left, side = (round(share * short) for share in (top, left, side))
    return image[down + top : down + top + side, across + left : across + left + side]
