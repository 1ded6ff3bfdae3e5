"""Planted networks: built by hand, so that what they read is known, and who is right can be decided.

* :func:`corner_mark` reads a mark in one corner; the same mark stands elsewhere, where the network does not read.
* :func:`only_color` reads how red an image is; shapes and edges are nothing to it.
* :func:`saturating_gate` reads whether a square is bright, through a gate that is shut where it is bright enough: there
  the gradient is exactly zero, and a method that looks at the gradient at the image alone finds nothing.
"""

from dataclasses import dataclass

import keras
import numpy as np

from ..lenses import attribution
from ..network import Network

SIDE = 32
NO, YES = 0, 1  # the classes of all of them


@dataclass(frozen=True, eq=False)
class Planted:
    """A network whose truth is known, with images to ask it about.

    Attributes
    ----------
    net : Network
        Of two classes, ``no`` and ``yes``.
    images : ndarray (N, 32, 32, 3) float32 in [0, 1]
        All of which are ``yes``.
    truth : ndarray (N, 32, 32) bool
        The pixels that the network's answer depends on.
    decoy : ndarray (N, 32, 32) bool
        Pixels that look as if they mattered.
    """

    net: Network
    images: np.ndarray
    truth: np.ndarray
    decoy: np.ndarray

    def tried(self, method, **settings):
        """What a method says: the fraction of its positive values on the truth, and on the decoy, each (N,).

        A flat map of zeros, which says nothing, has none anywhere.

        Examples
        --------
        >>> inside, aside = corner_mark(count=2).tried("gradient_input")
        >>> inside.round(2).tolist(), aside.round(2).tolist()
        ([1.0, 1.0], [0.0, 0.0])
        """
        found = attribution.explain(self.net, self.images, YES, method, progress=False, **settings)
        positive = np.maximum(found.maps, 0)
        total = np.maximum(positive.sum((1, 2)), 1e-12)
        return tuple((positive * mask).sum((1, 2)) / total for mask in (self.truth, self.decoy))


def corner_mark(count=4, seed=0):
    """A network that says yes where a cross stands in the upper left corner, wherever else one may stand.

    A convolution finds crosses everywhere; the dense layer reads one position of its map.

    Parameters
    ----------
    count : int
        Images.
    seed : int

    Returns
    -------
    Planted

    Examples
    --------
    >>> bool(corner_mark().net.predict(corner_mark().images)[:, 1].min() > 0.9)
    True
    """
    mark, size = _cross(), 5
    generator = np.random.default_rng(seed)
    images = _texture(generator, count)
    truth, decoy = np.zeros((2, count, SIDE, SIDE), bool)
    for image, true, false in zip(images, truth, decoy):
        row, column = generator.integers(SIDE // 2, SIDE - size, 2)
        for top, left, mask in ((1, 1, true), (row, column, false)):
            image[top : top + size, left : left + size] = 0.15 + 0.75 * mark[..., None]
            mask[top : top + size, left : left + size] = True
    kernel = np.where(mark, 1 / mark.sum(), -1 / (1 - mark).sum())  # mean of the cross less mean of the rest
    layers = keras.layers.Conv2D(1, size, activation="relu", name="crosses"), keras.layers.Flatten()
    net = _network("corner mark", *layers)
    read = np.zeros((SIDE - size + 1, SIDE - size + 1, 2))
    read[1, 1] = -8, 8
    _set(net, np.repeat(kernel[..., None, None], 3, 2) / 3, [-0.3], read.reshape(-1, 2), [1, -1])
    return Planted(net, images, truth, decoy)


def only_color(count=4, seed=0):
    """A network that says yes where much of an image is red, whatever its shapes.

    Parameters and result as of :func:`corner_mark`; the decoy is a square that is as striking but green.

    Examples
    --------
    >>> bool(only_color().net.predict(only_color().images)[:, 1].min() > 0.9)
    True
    """
    size = 8
    generator = np.random.default_rng(seed)
    images = _texture(generator, count)
    truth, decoy = np.zeros((2, count, SIDE, SIDE), bool)
    for image, true, false in zip(images, truth, decoy):
        top, left, down, across = generator.integers(1, SIDE // 2 - size, 4)
        for mask, color, row, column in ((true, (0.9, 0.2, 0.2), top, left), (false, (0.2, 0.9, 0.2), down, across)):
            column += SIDE // 2 * (mask is false)
            image[row : row + size, column : column + size] = color
            mask[row : row + size, column : column + size] = True
    layers = keras.layers.Conv2D(1, 1, activation="relu", name="redness"), keras.layers.GlobalAveragePooling2D()
    net = _network("only color", *layers)
    _set(net, np.reshape([1, -0.5, -0.5], (1, 1, 3, 1)), [-0.1], [[-100.0, 100.0]], [2, -2])
    return Planted(net, images, truth, decoy)


def saturating_gate(count=4, seed=0):
    """A network that says yes where a certain square is bright; half of its brightness is enough to shut the gate.

    The score is 1 − ReLU(1 − 2 b), where b is the mean of the square: at b > 1/2 nothing changes it. Parameters and
    result as of :func:`corner_mark`; the decoy is a bright square that is not read.

    Examples
    --------
    >>> planted = saturating_gate()
    >>> planted.tried("gradient")[0].tolist(), bool(planted.tried("integrated_gradients")[0].min() > 0.99)
    ([0.0, 0.0, 0.0, 0.0], True)
    """
    size, row, column = 8, 1, 2  # of the square, and its place in a grid of squares
    generator = np.random.default_rng(seed)
    images = _texture(generator, count)
    truth, decoy = np.zeros((2, count, SIDE, SIDE), bool)
    for mask, top, left in ((truth, row, column), (decoy, 3, 0)):
        covered = np.s_[:, top * size : (top + 1) * size, left * size : (left + 1) * size]
        images[covered] = 0.9 + 0.1 * generator.random((count, size, size, 1))
        mask[covered] = True
    layers = keras.layers.Conv2D(1, size, size, name="brightness"), keras.layers.Flatten()
    net = _network("saturating gate", *layers, keras.layers.Dense(1, activation="relu", name="gate"))
    read = np.zeros((SIDE // size, SIDE // size))
    read[row, column] = -2
    mean = np.full((size, size, 3, 1), 1 / (3 * size**2))
    _set(net, mean, [0.0], read.reshape(-1, 1), [1.0], [[5.0, -5.0]], [-2, 2])
    return Planted(net, images, truth, decoy)


PLANTED = {"corner mark": corner_mark, "only color": only_color, "saturating gate": saturating_gate}


def _texture(generator, count):
    """Dim grey noise, so that there is something to see everywhere."""
    return np.float32(0.1 + 0.2 * generator.random((count, SIDE, SIDE, 1))).repeat(3, -1)


def _cross():
    """A cross of five by five pixels, (5, 5) in 0 and 1."""
    mark = np.zeros((5, 5))
    mark[2], mark[:, 2] = 1, 1
    return mark


def _network(name, *layers):
    model = keras.Sequential([keras.Input((SIDE, SIDE, 3)), *layers, keras.layers.Dense(2, name="answer")])
    return Network.of(
        model, name=name, classes=["no", "yes"], source=f"{name}: built by hand", scores="logits", pixels="0-1"
    )


def _set(net, *weights):
    net.model.set_weights([np.float32(each) for each in weights])
