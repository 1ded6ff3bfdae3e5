"""What a data set is: images kept small, with labels, classes and a source."""

import dataclasses
from dataclasses import dataclass

import numpy as np


class Images:
    """uint8 images that read as float32 in [0, 1]: four times smaller in memory than the floats they stand for.

    Slicing with a number gives one image, with anything else a float32 array; ``numpy.asarray`` gives all of them.

    Parameters
    ----------
    pixels : ndarray (N, H, W, C) uint8
    """

    ndim, dtype = 4, np.dtype(np.float32)

    def __init__(self, pixels):
        self.pixels = pixels

    shape = property(lambda self: self.pixels.shape)

    def __len__(self):
        return len(self.pixels)

    def __getitem__(self, index):
        return self.pixels[index].astype(np.float32) / np.float32(255)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __array__(self, dtype=None, copy=None):
        return self[:].astype(dtype or np.float32, copy=False)

    def __repr__(self):
        return f"<Images {self.shape}, read as float32 in [0, 1]>"


@dataclass(frozen=True, eq=False)
class Dataset:
    """A labelled data set.

    Attributes
    ----------
    x_train, x_test : Images (N, H, W, C)
        Read as float32 in [0, 1].
    y_train, y_test : ndarray (N,) int
    classes : tuple of str
    source : str
        One line that says where the data came from.
    name : str
    """

    x_train: Images
    y_train: np.ndarray
    x_test: Images
    y_test: np.ndarray
    classes: tuple
    source: str
    name: str

    def take(self, train, test=None):
        """The first images only, said in the source line; counts larger than the data set take all of it."""
        train, test = min(train, len(self.y_train)), min(test or len(self.y_test), len(self.y_test))
        if (train, test) == (len(self.y_train), len(self.y_test)):
            return self
        return dataclasses.replace(
            self,
            x_train=Images(self.x_train.pixels[:train]),
            y_train=self.y_train[:train],
            x_test=Images(self.x_test.pixels[:test]),
            y_test=self.y_test[:test],
            source=f"{self.source}, the first {train:,} training and {test:,} test images",
        )

    def __repr__(self):
        images = f"{len(self.y_train):,} training and {len(self.y_test):,} test images"
        return f"<Dataset {self.name}: {images} of {len(self.classes)} classes; {self.source}>"
