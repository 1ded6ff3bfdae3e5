"""What a network is fed: from pixels in [0, 1] to the values that the model was trained on.

Wrong preprocessing is the commonest mistake with a network of one's own, and a silent one. :func:`chosen` finds what a
model wants, or takes it as given, and says in one sentence which of the two it was; :func:`check` finds out whether
that was right.
"""

from .checking import Check, candidates, check
from .choosing import CAFFE_MEAN_BGR, IMAGENET_MEAN, IMAGENET_STD, chosen
from .scaling import OwnPreprocessing, Preprocessing

__all__ = [
    "CAFFE_MEAN_BGR",
    "Check",
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "OwnPreprocessing",
    "Preprocessing",
    "candidates",
    "check",
    "chosen",
]
