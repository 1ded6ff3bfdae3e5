"""What a human would point at in some photographs, marked by eye before the network was asked.

Boxes are (top, left, bottom, right) as shares of the centered square that a network sees. A fingerprint ties them to the
picture they were drawn on: another picture of the same name has no marks here.
"""

from dataclasses import dataclass

import numpy as np

CELLS = 4  # a side
ALIKE = 3  # of 255: another JPEG decoder or a resave moves no cell by more


@dataclass(frozen=True)
class Marked:
    """Marks on one photograph.

    Attributes
    ----------
    label : str
        What the photograph shows, as :func:`cnnlens.datasets.photos` has it.
    print : str
        Its :func:`fingerprint`.
    animal : (top, left, bottom, right)
        Around all of the animal, or of all of them.
    parts : dict of str to tuple of (top, left, bottom, right)
        What tells this animal from others, by what it is.
    cut : (top, left, bottom, right) or None
        For an animal too small to be seen: the part of the square that is shown instead; the other boxes are shares of it.
    """

    label: str
    print: str
    animal: tuple
    parts: dict
    cut: tuple | None = None

    @property
    def boxes(self):
        """All parts."""
        return tuple(box for several in self.parts.values() for box in several)


def fingerprint(image):
    """What is left of an image when it is 16 grey cells: the mean of each, as 32 hexadecimal digits.

    Parameters
    ----------
    image : ndarray (H, W, 3) in [0, 1]
    """
    grey = image @ np.float32([0.299, 0.587, 0.114])
    cells = [cell.mean() for rows in np.array_split(grey, CELLS, 0) for cell in np.array_split(rows, CELLS, 1)]
    return bytes(round(float(value) * 255) for value in cells).hex()


def alike(one, other):
    """Whether two fingerprints are of one picture."""
    return max(abs(a - b) for a, b in zip(bytes.fromhex(one), bytes.fromhex(other))) <= ALIKE


def marks_of(photo):
    """The marks on a Photo, or None where it has none."""
    found = fingerprint(photo.image)
    return next((marked for marked in MARKS if marked.label == photo.label and alike(marked.print, found)), None)


def view(photo, marked=None):
    """The part of a photograph that the boxes are shares of: (s, s, 3)."""
    top, left, bottom, right = marked.cut if marked and marked.cut else (0, 0, 1, 1)
    height, width = photo.image.shape[:2]
    side = min(height, width)
    square = photo.image[(height - side) // 2 :, (width - side) // 2 :][:side, :side]
    return square[round(top * side) : round(bottom * side), round(left * side) : round(right * side)]


MARKS = (
    # --- photographs that ship with scikit-image and foolbox
    Marked(
        "tabby",
        "826d6a6778617c7f7273738485826e92",
        (0, 0, 0.97, 0.97),
        {"eye": ((0.285, 0.20, 0.495, 0.45), (0.36, 0.735, 0.55, 0.90)), "nose": ((0.75, 0.52, 0.89, 0.72),)},
    ),
    Marked(
        "bull_mastiff",
        "98a580884e757893405a7c62534a4c62",
        (0.12, 0.23, 0.90, 0.61),
        {
            "ear": ((0.35, 0.23, 0.50, 0.36), (0.345, 0.505, 0.49, 0.61)),
            "nose": ((0.53, 0.42, 0.605, 0.52),),
            "paw": ((0.80, 0.29, 0.895, 0.36), (0.77, 0.44, 0.85, 0.51)),
        },
    ),
    Marked(
        "dalmatian",
        "5450373a725d285aa646598573584960",
        (0, 0, 0.79, 1),
        {
            "ear": ((0.065, 0.15, 0.39, 0.295), (0.24, 0.515, 0.60, 0.815)),
            "nose": ((0.69, 0.29, 0.785, 0.405),),
            "paw": ((0.67, 0.01, 0.79, 0.155),),
        },
    ),
    Marked(
        "goose",
        "92897c7b668d809a4579668082846e7b",
        (0.13, 0, 0.95, 0.69),
        {"head": ((0.185, 0.20, 0.34, 0.345), (0.13, 0.52, 0.26, 0.685), (0.37, 0.43, 0.52, 0.61))},
    ),
    Marked(
        "bald_eagle",
        "413f3c433b2b3531424a5b4c63644549",
        (0.24, 0, 0.71, 1),
        {"head": ((0.51, 0.465, 0.67, 0.60),), "claws": ((0.625, 0.55, 0.71, 0.645),)},
    ),
    Marked(
        "leafhopper",
        "2e67697d269878952568748c353a6c6f",
        (0.085, 0.265, 0.905, 0.79),
        {"head": ((0.175, 0.27, 0.35, 0.545),), "wings": ((0.42, 0.27, 0.905, 0.505),)},
    ),
    Marked(
        "dung_beetle",
        "a8b6b3b6987551a36f2e4d84645c6473",
        (0.235, 0.265, 0.745, 0.85),
        {"shield": ((0.285, 0.545, 0.50, 0.80),), "wing cases": ((0.32, 0.265, 0.68, 0.645),)},
    ),
    # --- photographs that CNNLENS_DATA may hold
    Marked(
        "Siamese_cat",
        "626c61539d90a09da575707b6b69835b",
        (0.27, 0.02, 0.88, 1),
        {
            "eye": ((0.49, 0.225, 0.545, 0.29), (0.40, 0.31, 0.45, 0.355)),
            "ear": ((0.275, 0.20, 0.41, 0.31), (0.435, 0.03, 0.60, 0.185)),
            "nose": ((0.46, 0.32, 0.55, 0.41),),
        },
    ),
    Marked(
        "golden_retriever",
        "81827f7c86786e81784842747b766772",
        (0.07, 0.15, 1, 0.60),
        {
            "ear": ((0.185, 0.285, 0.35, 0.38),),
            "nose": ((0.265, 0.515, 0.32, 0.59),),
            "paw": ((0.79, 0.205, 0.85, 0.28), (0.94, 0.45, 1, 0.56)),
        },
    ),
    Marked(
        "Border_collie",
        "8783924f966f5d51ad815691a26e3d34",
        (0.21, 0.12, 1, 1),
        {
            "ear": ((0.255, 0.125, 0.445, 0.28), (0.24, 0.57, 0.425, 0.76)),
            "nose": ((0.575, 0.365, 0.67, 0.47),),
            "eye": ((0.45, 0.30, 0.51, 0.35), (0.41, 0.48, 0.465, 0.54)),
        },
    ),
    Marked(
        "German_shepherd",
        "c3c9c3c5b5ae9abcbdc3bcc1c0c5c4c2",
        (0.16, 0.36, 0.80, 0.69),
        {
            "ear": ((0.165, 0.365, 0.205, 0.41),),
            "nose": ((0.20, 0.40, 0.245, 0.45),),
            "paw": ((0.69, 0.405, 0.765, 0.465), (0.735, 0.515, 0.80, 0.585), (0.68, 0.595, 0.735, 0.645)),
        },
    ),
    Marked(
        "goldfish",
        "312a4b345e7f843c335d854126312030",
        (0.18, 0, 0.81, 0.92),
        {
            "tail": ((0.23, 0, 0.53, 0.20),),
            "fin": ((0.18, 0.31, 0.37, 0.64), (0.49, 0.20, 0.645, 0.35), (0.60, 0.30, 0.81, 0.51)),
            "mouth": ((0.555, 0.865, 0.70, 0.925),),
        },
    ),
    Marked(
        "Indian_elephant",
        "62745f60485c5c846b595c8dafb8bdb8",
        (0, 0, 0.78, 0.94),
        {
            "ear": ((0.05, 0.36, 0.275, 0.46), (0.34, 0.40, 0.50, 0.485), (0, 0.81, 0.09, 0.92)),
            "trunk": ((0.28, 0.68, 0.60, 0.82), (0.49, 0.26, 0.75, 0.32)),
        },
    ),
    Marked(
        "African_elephant",
        "e9ecd2a78e88856d78706f657476775f",
        (0.19, 0.24, 0.73, 0.73),
        {"ear": ((0.215, 0.23, 0.43, 0.36),)},
        cut=(0.40, 0.665, 0.66, 0.925),
    ),
    Marked(
        "hen",
        "204a62652f397459424966402740633b",
        (0, 0, 1, 0.75),
        {
            "comb": ((0, 0.525, 0.14, 0.685),),
            "wattle": ((0.19, 0.41, 0.34, 0.62),),
            "beak": ((0.13, 0.55, 0.235, 0.715),),
            "eye": ((0.06, 0.44, 0.13, 0.505),),
        },
    ),
    Marked(
        "bald_eagle",
        "c1c2c6c6c09986c5b14891bdac9b8fb2",
        (0.235, 0.135, 1, 0.73),
        {
            "head": ((0.615, 0.54, 0.70, 0.64),),
            "tail": ((0.575, 0.135, 0.755, 0.36),),
            "wing tip": ((0.235, 0.50, 0.46, 0.73),),
        },
    ),
    Marked(
        "tree_frog",
        "6b14061d585a2c064a731e034d681109",
        (0.18, 0, 1, 0.735),
        {"eye": ((0.485, 0.345, 0.635, 0.505), (0.185, 0.45, 0.29, 0.575)), "mouth": ((0.34, 0.62, 0.50, 0.735),)},
    ),
    Marked(
        "king_penguin",
        "766d6b6876888a906e898474a0b08ca7",
        (0.20, 0.20, 0.90, 0.73),
        {
            "head": ((0.20, 0.20, 0.335, 0.465),),
            "breast": ((0.31, 0.365, 0.405, 0.47),),
            "feet": ((0.85, 0.385, 0.90, 0.545),),
        },
    ),
    Marked(
        "monarch",
        "4d7fb4ac817d9fbc9c6596a99d83b1a1",
        (0.165, 0.065, 0.965, 0.665),
        {"wings": ((0.41, 0.31, 0.82, 0.66), (0.44, 0.07, 0.96, 0.35))},
    ),
    Marked(
        "zebra",
        "4c884695645164946853607768b36c4c",
        (0.04, 0, 0.95, 0.92),
        {"stripes": ((0.27, 0.02, 0.75, 0.40), (0.33, 0.62, 0.70, 0.85))},
    ),
    Marked(
        "giant_panda",
        "4e486c6497978b8b73a53b59775d513f",
        (0.14, 0, 1, 1),
        {
            "ear": (
                (0.175, 0.87, 0.305, 0.975),
                (0.14, 0.82, 0.185, 0.895),
                (0.45, 0.125, 0.57, 0.22),
                (0.46, 0.365, 0.58, 0.445),
            ),
            "eye patch": ((0.275, 0.685, 0.365, 0.735),),
            "nose": ((0.34, 0.585, 0.39, 0.63),),
        },
    ),
)
