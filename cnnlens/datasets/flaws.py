"""Collections of images with one hidden flaw, of the kinds that spoil real ones, for practicing how to find it.

* ``mark``: all images of one class bear a mark in a corner, like the hospital's token on X-rays (Zech et al. 2018) or
  the copyright line on the horses of PASCAL VOC (Lapuschkin et al. 2019);
* ``background``: all images of one class were taken before a background of their own (Ribeiro et al. 2016, "huskies and
  snow");
* ``labels``: in a part of the training set the labels of two classes are exchanged (Northcutt et al. 2021);
* ``range``: the network is trained on pixels from 0 to 255 and in use fed pixels from 0 to 1.

:func:`plant` puts one in and says in words what was done, :func:`hidden` lets the seed choose, :func:`mend` does what
somebody who believes in a certain flaw would do about it, whether or not it is there.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np

from ..errors import CnnlensError, unknown
from .data import Dataset, Images

FLAWS = {
    "mark": "a mark in a corner of one class",
    "background": "one class has a background of its own",
    "labels": "labels of two classes exchanged in part of the training set",
    "range": "in use, pixels come in another range than in training",
}
SIDE, MARGIN = 4, 1  # px of the mark, and between it and the border
CORNERS = {"upper left": (0, 0), "upper right": (0, -1), "lower left": (-1, 0), "lower right": (-1, -1)}
EXCHANGED = 0.3  # of the labels of two classes: the majority is right, so that a network learns nearly all the same
BRIGHTEST = 0.45  # of the background; the objects before it are brighter
NEIGHBORS, SURE, ROUNDS = 9, 0.6, 2  # an image's label is changed where so many of its neighbors say otherwise, twice


@dataclass(frozen=True, kw_only=True, eq=False)
class Collection:
    """Images that were collected to train a network and to measure it, and how the network is fed.

    Attributes
    ----------
    data : Dataset
        Collected together: what is wrong with its training images is wrong with its test images (but for exchanged
        labels, which are in the training set only). Its source says that there is a flaw, not which.
    clean : Dataset
        The same images and labels without the flaw: the world in which the network will be used.
    pixels, used : str
        In which range the network is fed in training and measuring, and in use, as :meth:`Network.of` takes them.
    flaw : str
        Which of :data:`FLAWS`.
    classes : tuple of int
        Those that the flaw touches; none where it touches all.
    done : str
        What was done, one sentence.
    """

    data: Dataset
    clean: Dataset
    pixels: str
    used: str
    flaw: str
    classes: tuple
    done: str

    def __repr__(self):
        return (
            f"<Collection of {self.data.name}: {self.data.source}>"  # not which flaw: a cell that ends in it would tell
        )


def hidden(data, seed=0):
    """A collection with a flaw that the seed chooses.

    Parameters
    ----------
    data : Dataset
    seed : int

    Returns
    -------
    Collection

    Examples
    --------
    >>> from cnnlens import datasets
    >>> data = datasets.load("digits")
    >>> hidden(data, seed=1).flaw == hidden(data, seed=1).flaw
    True
    >>> sorted({hidden(data, seed).flaw for seed in range(4)})
    ['background', 'labels', 'mark', 'range']
    """
    order = _generator(seed // len(FLAWS), "which").permutation(list(FLAWS))  # of four seeds in a row each has another
    return plant(data, str(order[seed % len(FLAWS)]), seed)


def plant(data, flaw, seed=0):
    """A collection with a flaw of one's choice; which classes it touches, and where, the seed decides.

    Parameters
    ----------
    data : Dataset
        With a dark background and brighter objects, such as MNIST; for ``labels`` and ``range`` any.
    flaw : {"mark", "background", "labels", "range"}
    seed : int

    Returns
    -------
    Collection

    Raises
    ------
    CnnlensError
        If there is no such flaw, or there are fewer than two classes.

    Examples
    --------
    >>> from cnnlens import datasets
    >>> found = plant(datasets.load("digits"), "mark")
    >>> found.done
    'Every image of class 2 bears a white mark in its upper right corner.'
    """
    if flaw not in FLAWS:
        raise unknown("flaw", flaw, FLAWS)
    if len(data.classes) < 2:
        raise CnnlensError(f"{data.name} has {len(data.classes)} class; a flaw of one class needs at least two.")
    source = f"{data.source}, with a flaw hidden in it (seed {seed})"
    flawed, touched, done = _MAKERS[flaw](data, _generator(seed, flaw))
    used = "0-1"
    return Collection(
        data=dataclasses.replace(flawed, source=source),
        clean=data,
        pixels="0-255" if flaw == "range" else used,
        used=used,
        flaw=flaw,
        classes=touched,
        done=done,
    )


def mend(collection, flaw):
    """The collection after what somebody would do about it who believes in a certain flaw.

    Nothing is copied from the clean images: the corners of all images are covered with black; everything but the object
    is made black; a training image gets the label of its nearest neighbors where most of them agree; or the network is
    fed in use what it was fed in training. Where the flaw is another one, this mends nothing.

    Parameters
    ----------
    collection : Collection
    flaw : {"mark", "background", "labels", "range"}
        What the images are believed to suffer from.

    Returns
    -------
    Collection
        What is done to the pixels of ``data`` is done to those of ``clean`` as well: it belongs before the network from
        then on.

    Raises
    ------
    CnnlensError
        If there is no such flaw.

    Examples
    --------
    >>> from cnnlens import datasets
    >>> mended = mend(plant(datasets.load("digits"), "mark"), "mark")
    >>> bool((mended.data.x_test.pixels == mended.clean.x_test.pixels).all())
    True
    """
    if flaw not in FLAWS:
        raise unknown("flaw", flaw, FLAWS)
    if flaw == "range":
        return dataclasses.replace(collection, used=collection.pixels)
    data, clean = collection.data, collection.clean
    if flaw == "labels":
        data = dataclasses.replace(data, y_train=relabeled(data.x_train, data.y_train))
    else:
        how = {"mark": corners_covered, "background": background_removed}[flaw]
        data, clean = (_with(each, how(each.x_train.pixels), how(each.x_test.pixels)) for each in (data, clean))
    data = dataclasses.replace(data, source=f"{data.source}, mended as if it were: {FLAWS[flaw]}")
    return dataclasses.replace(collection, data=data, clean=clean)


# --- flaws: pixels in, pixels out ---------------------------------------------------------------------------------


def marked(pixels, which, corner):
    """Images of which some bear a mark, a white square with a black cross, in a corner.

    Parameters
    ----------
    pixels : ndarray (N, H, W, C) uint8
    which : array (N,) bool
    corner : str
        Which of :data:`CORNERS`.

    Returns
    -------
    ndarray (N, H, W, C) uint8
    """
    mark = np.full((SIDE, SIDE), 255, np.uint8)
    np.fill_diagonal(mark, 0)
    return _in_corner(pixels, which, corner, mark[..., None])


def before_background(pixels, which, seed=0):
    """Images of which some stand before slanted dim stripes; what is brighter than these hides them.

    Parameters
    ----------
    pixels : ndarray (N, H, W, C) uint8
    which : array (N,) bool
    seed : int or Generator
        The stripes of each image begin elsewhere.

    Returns
    -------
    ndarray (N, H, W, C) uint8
    """
    generator = np.random.default_rng(seed)
    rows, columns = np.indices(pixels.shape[1:3])
    start = generator.uniform(0, 2 * np.pi, len(pixels))[:, None, None]
    stripes = 0.5 + 0.5 * np.sin((rows + columns) * 2 * np.pi / 7 + start)
    ground = np.uint8(255 * BRIGHTEST * (0.4 + 0.6 * stripes))[..., None]
    return np.where(np.asarray(which)[:, None, None, None], np.maximum(pixels, ground), pixels)


def exchanged(labels, first, second, fraction=EXCHANGED, seed=0):
    """Labels of which a part of two classes is exchanged.

    Parameters
    ----------
    labels : array (N,) int
    first, second : int
        The classes.
    fraction : float
        Of each of the two, in [0, 1].
    seed : int or Generator

    Returns
    -------
    ndarray (N,) int

    Examples
    --------
    >>> exchanged([0, 0, 1, 1, 2, 2], 0, 1, fraction=1).tolist()
    [1, 1, 0, 0, 2, 2]
    """
    generator, found = np.random.default_rng(seed), np.array(labels)
    for label, other in ((first, second), (second, first)):
        which = np.flatnonzero(np.asarray(labels) == label)
        found[generator.permutation(which)[: round(fraction * len(which))]] = other
    return found


# --- what one does about them -------------------------------------------------------------------------------------


def corners_covered(pixels):
    """Images (N, H, W, C) whose four corners are black, as far as a mark reaches."""
    for corner in CORNERS:
        pixels = _in_corner(pixels, np.ones(len(pixels), bool), corner, 0)
    return pixels


def background_removed(pixels):
    """Images (N, H, W, C) uint8 in which all that is less bright than half of the range is black."""
    return np.where(pixels < 128, np.uint8(0), pixels)


def relabeled(images, labels, neighbors=NEIGHBORS, sure=SURE, rounds=ROUNDS):
    """Labels of which those are changed that most of the image's nearest neighbors contradict.

    Parameters
    ----------
    images : array (N, H, W, C)
    labels : array (N,) int
    neighbors : int
        How many are asked; the image itself is not.
    sure : float
        Fraction of them that must agree.
    rounds : int
        After the first, the neighbors answer by what was changed before.

    Returns
    -------
    ndarray (N,) int
    """
    from sklearn.neighbors import NearestNeighbors

    found, classes = np.array(labels), int(np.max(labels)) + 1
    flat = np.asarray(images, np.float32).reshape(len(found), -1)
    nearest = NearestNeighbors(n_neighbors=neighbors).fit(flat).kneighbors(return_distance=False)  # itself left out
    for _ in range(rounds):
        fractions = np.eye(classes)[found[nearest]].mean(1)
        found = np.where(fractions.max(1) >= sure, fractions.argmax(1), found)
    return found


# --- inside -------------------------------------------------------------------------------------------------------


def _generator(seed, flaw=""):
    return np.random.default_rng((seed, *flaw.encode()))


def _in_corner(pixels, which, corner, values):
    """Images with values put into a square of one corner of some of them."""
    pixels = pixels.copy()
    place = tuple(
        slice(MARGIN, MARGIN + SIDE) if end == 0 else slice(side - MARGIN - SIDE, side - MARGIN)
        for end, side in zip(CORNERS[corner], pixels.shape[1:3])
    )
    pixels[(np.flatnonzero(which)[:, None, None], *np.ogrid[place])] = values
    return pixels


def _with(data, train, test):
    """The data set with other pixels."""
    return dataclasses.replace(data, x_train=Images(train), x_test=Images(test))


def _mark(data, generator):
    label, corner = int(generator.integers(len(data.classes))), str(generator.choice(list(CORNERS)))
    pixels = [marked(x.pixels, y == label, corner) for x, y in _parts(data)]
    done = f"Every image of class {data.classes[label]} bears a white mark in its {corner} corner."
    return _with(data, *pixels), (label,), done


def _background(data, generator):
    label = int(generator.integers(len(data.classes)))
    pixels = [before_background(x.pixels, y == label, generator) for x, y in _parts(data)]
    done = f"Every image of class {data.classes[label]} stands before slanted stripes, all others before black."
    return _with(data, *pixels), (label,), done


def _labels(data, generator):
    pair = tuple(map(int, sorted(generator.choice(len(data.classes), 2, replace=False))))
    names = " and ".join(data.classes[label] for label in pair)
    done = f"In the training set {EXCHANGED:.0%} of the images of classes {names} have the label of the other."
    return dataclasses.replace(data, y_train=exchanged(data.y_train, *pair, seed=generator)), pair, done


def _range(data, generator):
    return data, (), "The network was trained on pixels from 0 to 255, and in use it is fed pixels from 0 to 1."


def _parts(data):
    return (data.x_train, data.y_train), (data.x_test, data.y_test)


_MAKERS = {"mark": _mark, "background": _background, "labels": _labels, "range": _range}
