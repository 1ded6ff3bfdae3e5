"""t-SNE: a map on which those images lie together that a layer represents alike (van der Maaten and Hinton 2008).

Three steps, each usable by itself: :func:`represent` reads a layer and reduces it where it is wide, :func:`arrange`
lays the representations out in the plane, :func:`tsne` does both and keeps what belongs to the points. :func:`place`
adds new images to a finished map.
"""

from dataclasses import dataclass

import numpy as np

from ..errors import CnnlensError
from ..labels import class_index
from ..network import Network
from ..renamed import renamed
from ..results import Result
from .layout import Layout, arrange, laid_out, opentsne_of
from .representation import BATCH, COMPONENTS, INPUT, Representation, check_vectors, project, reduce, represent

__all__ = [
    "COMPONENTS",
    "DISSERTATION",
    "INPUT",
    "Embedding",
    "Layout",
    "Representation",
    "arrange",
    "check_vectors",
    "place",
    "predict",
    "project",
    "reduce",
    "represent",
    "tsne",
]

# The dissertation's own settings (its table 4): tsne(…, **DISSERTATION).
DISSERTATION = {"engine": "sklearn", "perplexity": 30, "learning_rate": 1000, "iterations": 1000, "start": "random"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Embedding(Result):
    """A t-SNE map: a place in the plane for every image.

    Attributes
    ----------
    points : ndarray (N, 2) float32
        Centered. Distances have no unit, and only short ones mean something.
    representation : Representation
        What was laid out.
    divergence : float
        Kullback-Leibler divergence that was left, in nats; compare it only between maps of the same representation.
    labels : ndarray (N,) int or None
    predictions : ndarray (N,) int or None
        The network's predictions; None if it has no classifier.
    classes : tuple of str or None
        What the labels mean.
    judged : bool
        Whether labels and predictions speak of the same classes, so that a difference is a mistake.
    """

    points: np.ndarray
    representation: Representation
    divergence: float
    labels: np.ndarray | None = None
    predictions: np.ndarray | None = None
    classes: tuple | None = None
    judged: bool = False

    @property
    def layer(self):
        """Name of the layer."""
        return self.representation.layer

    @property
    def mistakes(self):
        """Which images the network got wrong: bool (N,); nowhere, if that cannot be said."""
        if not self.judged:
            return np.zeros(len(self.points), bool)
        return self.predictions != self.labels


@renamed(data="source")
def tsne(
    net,
    images,
    layer,
    *,
    labels=None,
    classes=None,
    predictions=None,
    representation=None,
    components=COMPONENTS,
    seed=0,
    source="",
    progress=True,
    **layout,
):
    """A map of images by what a layer makes of them.

    Parameters
    ----------
    net : Network
        Or whatever :meth:`Network.of` opens.
    images : array (N, H, W, C)
        In [0, 1].
    layer : str
        A layer's path, or ``"input"`` for the pixels.
    labels : sequence of N, optional
        True classes: indices, or names out of ``classes``.
    classes : sequence of str, optional
        What the labels mean; the network's own classes by default. Give those of the data set if they are others: then
        nothing counts as a mistake.
    predictions : array (N,) of int, optional
        The network's predictions, where they are known already.
    representation : Representation, optional
        Of these images in this layer, where it is known already, such as that of another map.
    components : int or None
        As for :func:`represent`.
    seed : int
        The same seed gives the same map.
    source : str
        Where the images came from, for the foot of figures.
    progress : bool
    **layout
        perplexity=30, iterations="auto", learning_rate="auto", start="pca" and more: see :class:`Layout`.
        ``tsne(…, **DISSERTATION)`` runs the dissertation's settings, with scikit-learn.

    Returns
    -------
    Embedding

    Raises
    ------
    CnnlensError
        If there are fewer points than the perplexity needs, labels of another number, NaN, or a constant layer.

    Examples
    --------
    >>> import numpy as np
    >>> from cnnlens import embedding, zoo
    >>> images = np.random.default_rng(0).random((20, 28, 28, 1), np.float32)
    >>> net = zoo.load("lenet", weights="random")
    >>> embedding.tsne(net, images, "dense1", perplexity=5, iterations=50, seed=0).points.shape
    (20, 2)
    """
    net = Network.of(net)
    labels, classes = _check_labels(labels, classes or net.classes, len(images))
    layout = Layout.of(layout, len(images))
    if representation is None:
        representation = represent(net, images, layer, components=components, seed=seed, progress=progress)
    elif (representation.layer, len(representation.vectors)) != (layer, len(images)):
        raise CnnlensError(
            f"The representation is that of {len(representation.vectors)} images in layer {representation.layer!r}; "
            f"expected {len(images)} in {layer!r}."
        )
    points, divergence = laid_out(representation.vectors, layout, seed, progress)
    if predictions is None:
        predictions = predict(net, images, progress=progress)
    return Embedding(
        points=points,
        representation=representation,
        divergence=divergence,
        labels=labels,
        predictions=predictions,
        classes=classes,
        judged=_judged(net, labels, predictions, classes),
        source=net.source if source in net.source else f"{net.source}; {source}",
        settings={**representation.settings, "images": len(points), **layout.settings},
    )


def place(net, finished, images, *, iterations=250, progress=True):
    """Put new images into a finished map, whose own points stay where they are.

    Parameters
    ----------
    net : Network
        That of the map.
    finished : Embedding
    images : array (M, H, W, C)
    iterations : int
    progress : bool

    Returns
    -------
    ndarray (M, 2) float32
        Where each new image lies.

    Examples
    --------
    >>> import numpy as np
    >>> from cnnlens import embedding, zoo
    >>> images = np.random.default_rng(0).random((20, 28, 28, 1), np.float32)
    >>> net = zoo.load("lenet", weights="random")
    >>> finished = embedding.tsne(net, images, "dense1", perplexity=5, iterations=50)
    >>> embedding.place(net, finished, images[:3]).shape
    (3, 2)
    """
    if isinstance(net, Embedding):  # the order of earlier versions
        net, finished = finished, net
    vectors = finished.representation.vectors
    new = check_vectors(project(net, finished.representation, images, progress=progress), vectors.shape[1])
    perplexity = finished.settings["perplexity"]
    embedding = opentsne_of(vectors, finished.points, perplexity, finished.settings["seed"], "bh")
    # The steps of openTSNE's transform(), which itself would move the finished map to its own middle.
    placed = embedding.prepare_partial(new, perplexity=min(5, perplexity))
    placed.optimize(iterations, learning_rate=0.1, exaggeration=1.5, momentum=0.8, max_grad_norm=0.25, inplace=True)
    return np.asarray(placed).astype(np.float32)


def predict(net, images, *, progress=True):
    """The network's predictions, class indices (N,); None if it has no classifier.

    Examples
    --------
    >>> import numpy as np
    >>> from cnnlens import embedding, zoo
    >>> embedding.predict(zoo.load("lenet", weights="random"), np.zeros((2, 28, 28, 1), np.float32)).shape
    (2,)
    """
    net = Network.of(net)
    if len(net.layer(net.head).shape) != 1:
        return None
    return net.predict(images, batch_size=BATCH, progress=progress).argmax(1)


def _judged(net, labels, predictions, classes):
    """Whether a prediction that differs from the label is a mistake: both must speak of the same classes."""
    if labels is None or predictions is None:
        return False
    return net.classes is None or classes is None or tuple(net.classes) == tuple(classes)


def _check_labels(labels, classes, count):
    """Labels as indices (N,) and classes as a tuple; either may be None."""
    classes = tuple(map(str, classes)) if classes is not None else None
    if labels is None:
        return None, classes
    labels = np.asarray(labels)
    if labels.shape != (count,):
        raise CnnlensError(f"There must be one label an image: expected shape ({count},), got {labels.shape}.")
    if labels.dtype.kind in "UO":
        names, places = np.unique(labels.astype(str), return_inverse=True)
        return np.array([class_index(str(name), classes, len(classes or ())) for name in names])[places], classes
    if labels.dtype.kind not in "iu" or labels.min() < 0 or (classes and labels.max() >= len(classes)):
        top = f"0 to {len(classes) - 1}" if classes else "from 0"
        found = f"{labels.dtype} from {labels.min()} to {labels.max()}"
        raise CnnlensError(f"Labels must be class names or whole numbers {top}; got {found}.")
    return labels.astype(np.int64), classes
