"""How far a t-SNE map, or the representation behind it, can be trusted: numbers to stand beside the picture.

Functions here take positions: the points of a map (N, 2) or the vectors of a representation (N, d). Neighbors are
Euclidean and never include the point itself.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from ..errors import CnnlensError
from ..lenses.representation import Batches, check_vectors, together
from ..network import Network
from ..results import Result

NEIGHBORS = 10
BLOCK = 500  # rows of a distance matrix held at a time
SAMPLE = 1000  # images whose neighbors are looked up in the full representation
LARGE = 3000  # points above which silhouettes are taken of a random sample of that size


@dataclass(frozen=True, kw_only=True, eq=False)
class EmbeddingScores(Result):
    """How far a map can be trusted, in numbers.

    Attributes
    ----------
    layer : str
    knn_map, knn_layer : float
        Leave-one-out k-nearest-neighbor accuracy in the map and in the layer itself; NaN without labels. Their
        difference is what the map lost (or seems to have won).
    trustworthiness, continuity : float
        In [0, 1]; 1 when no point has false, respectively lost, neighbors in the map.
    silhouette_map, silhouette_layer : ndarray (classes,)
        In [-1, 1]: how much nearer points are to their own class than to the next one; NaN for a class with no images.
    variance : float
        Fraction of the layer's variance that the map was made from.
    classes : tuple of str
    """

    layer: str
    knn_map: float
    knn_layer: float
    trustworthiness: float
    continuity: float
    silhouette_map: np.ndarray
    silhouette_layer: np.ndarray
    variance: float
    classes: tuple

    def __str__(self):
        accuracy = f"k-nearest-neighbor accuracy {self.knn_layer:.3f} in the layer, {self.knn_map:.3f} in the map"
        kept = f"trustworthiness {self.trustworthiness:.3f}, continuity {self.continuity:.3f}"
        return f"{self.layer}: {accuracy}; {kept}"


def score(embedding, *, k=NEIGHBORS):
    """All numbers of one map.

    Parameters
    ----------
    embedding : Embedding
    k : int
        Neighbors that are looked at.

    Returns
    -------
    EmbeddingScores
        With ``knn_layer`` and ``silhouette_layer`` of the representation that the map was made from, which is reduced
        where the layer is wide; :func:`knn_accuracy_full` gives the accuracy in the whole layer.
    """
    points, vectors, labels = embedding.points, embedding.representation.vectors, embedding.labels
    trust, keep = trustworthiness_and_continuity(vectors, points, k)
    count = len(embedding.classes) if embedding.classes else 0 if labels is None else labels.max() + 1
    if labels is None:
        accuracies, silhouettes = [float("nan")] * 2, [np.full(count, np.nan)] * 2
    else:
        accuracies = [knn_accuracy(space, labels, k) for space in (points, vectors)]
        silhouettes = [silhouette(space, labels, count) for space in (points, vectors)]
    return EmbeddingScores(
        layer=embedding.layer,
        knn_map=accuracies[0],
        knn_layer=accuracies[1],
        trustworthiness=trust,
        continuity=keep,
        silhouette_map=silhouettes[0],
        silhouette_layer=silhouettes[1],
        variance=embedding.representation.variance,
        classes=embedding.classes or tuple(map(str, range(count))),
        source=embedding.source,
        settings={**embedding.settings, "neighbors": k},
    )


# --- neighbors ----------------------------------------------------------------------------------------------


def neighbors(positions, k=NEIGHBORS):
    """Indices (N, k) of the k nearest others of each point, nearest first."""
    from sklearn.neighbors import NearestNeighbors

    positions = check_vectors(positions)
    _check_k(k, len(positions))
    method = "kd_tree" if positions.shape[1] <= 3 else "brute"
    return NearestNeighbors(n_neighbors=k, algorithm=method).fit(positions).kneighbors(return_distance=False)


def knn_accuracy(positions, labels, k=NEIGHBORS):
    """Leave-one-out accuracy of a k-nearest-neighbor classifier, in [0, 1].

    A tie goes to the class whose neighbors are nearer.
    """
    return float((majority(np.asarray(labels)[neighbors(positions, k)]) == labels).mean())


def same_class_fraction(positions, labels, k=NEIGHBORS):
    """What fraction of each point's k nearest neighbors is of its own class: (N,), 0 to 1."""
    labels = np.asarray(labels)
    return (labels[neighbors(positions, k)] == labels[:, None]).mean(1)


def majority(found):
    """The most frequent label of each row (N, k), of those tied the one met first."""
    counts = (found[:, :, None] == found[:, None, :]).sum(2)
    return found[np.arange(len(found)), counts.argmax(1)]


def knn_accuracy_full(net, images, labels, layer, *, k=NEIGHBORS, sample=SAMPLE, seed=0, progress=True):
    """k-nearest-neighbor accuracy in the whole layer, not reduced: of a random sample of images, among all images.

    Parameters
    ----------
    net : Network
    images : array (N, H, W, C)
    labels : array (N,)
    layer : str or sequence of str
        Several layers are read in one pass where memory holds them.
    k, sample, seed : int
    progress : bool

    Returns
    -------
    float, or dict of str to float if several layers were asked for
        In [0, 1]. Standard error about ``sqrt(accuracy * (1 - accuracy) / sample)``.
    """
    net, labels = Network.of(net), np.asarray(labels)
    _check_k(k, len(images))
    asked = np.sort(np.random.default_rng(seed).choice(len(images), min(sample, len(images)), replace=False))
    read = together(net, images, [layer] if isinstance(layer, str) else layer, progress=progress)
    found = {path: _accuracy(batches, labels, asked, k) for path, batches in read.items()}
    return found[layer] if isinstance(layer, str) else found


def _accuracy(batches, labels, asked, k):
    """k-nearest-neighbor accuracy of the images asked for (their numbers) among all that the batches hold."""
    few = len(asked) < len(labels) and not batches.kept  # else all are read, and memory may hold them
    own = Batches(batches.net, batches.images[asked], batches.layer, progress=batches.progress) if few else batches
    queries = np.concatenate(list(own))
    queries = queries if few else queries[asked]
    distances = np.concatenate([_squared(queries, batch) for batch in batches], axis=1)
    distances[np.arange(len(asked)), asked] = np.inf
    nearest = np.argpartition(distances, k, axis=1)[:, :k]
    nearest = np.take_along_axis(nearest, np.take_along_axis(distances, nearest, 1).argsort(1), 1)
    return float((majority(labels[nearest]) == labels[asked]).mean())


def _squared(a, b):
    """Squared distances (len(a), len(b)); float32 with a common point taken off first, against cancellation."""
    origin = b.mean(0)
    a, b = a - origin, b - origin
    found = np.square(a).sum(1)[:, None] + np.square(b).sum(1) - 2 * (a @ b.T)
    return np.maximum(found, 0, out=found)


# --- the map against the representation ---------------------------------------------------------------------


def trustworthiness_and_continuity(before, after, k=NEIGHBORS):
    """Trustworthiness and continuity of a map (Venna and Kaski 2001).

    Parameters
    ----------
    before : array (N, d)
        The representation.
    after : array (N, 2)
        The map.
    k : int
        Neighbors that are looked at, fewer than half of N.

    Returns
    -------
    trustworthiness : float
        In [0, 1]; falls for neighbors in the map that are none in the representation, the more the farther they were.
    continuity : float
        The same with the roles exchanged: falls for neighbors that the map tore apart.
    """
    count = len(before)
    _check_k(k, count)
    if 2 * k >= count:
        raise CnnlensError(f"Trustworthiness of {k} neighbors needs more than {2 * k} points; got {count}.")
    false = _excess_rank(before, neighbors(after, k))
    lost = _excess_rank(after, neighbors(before, k))
    worst = count * k * (2 * count - 3 * k - 1) / 2
    return 1 - false / worst, 1 - lost / worst


def _excess_rank(positions, named):
    """By how many places, in all, the points named (N, k) are farther than the k-th neighbor in these positions."""
    positions = np.asarray(positions, np.float64 if len(positions) < LARGE else np.float32)
    k, total = named.shape[1], 0
    for start in range(0, len(positions), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(positions)))
        distances = _squared(positions[rows], positions)
        distances[np.arange(len(rows)), rows] = -1  # the point itself comes first, and its rank is 0
        ordered = np.sort(distances, axis=1)
        wanted = np.take_along_axis(distances, named[rows], 1)
        ranks = np.stack([np.searchsorted(row, values) for row, values in zip(ordered, wanted)])
        total += np.maximum(ranks - k, 0).sum()
    return float(total)


def silhouette(positions, labels, classes=None, seed=0):
    """Mean silhouette of each class (Rousseeuw 1987), in [-1, 1].

    Parameters
    ----------
    positions : array (N, d)
    labels : array (N,)
    classes : int, optional
        How many there are.
    seed : int
        For the sample that is taken of more than 3,000 points.

    Returns
    -------
    ndarray (classes,)
        NaN for a class without images, and for all where only one class is there.
    """
    from sklearn.metrics import silhouette_samples

    labels = np.asarray(labels)
    found = np.full(classes or labels.max() + 1, np.nan)
    if len(labels) > LARGE:
        chosen = np.random.default_rng(seed).choice(len(labels), LARGE, replace=False)
        positions, labels = np.asarray(positions)[chosen], labels[chosen]
    present = np.unique(labels)
    if 1 < len(present) < len(labels):
        values = silhouette_samples(np.asarray(positions, np.float64), labels)
        found[present] = [values[labels == label].mean() for label in present]
    return found


def agreement(maps, k=NEIGHBORS):
    """How much the maps of one representation agree on who is near whom: the fraction of shared k nearest neighbors.

    Parameters
    ----------
    maps : sequence of array (N, 2)
        From different seeds, with ``start="random"`` for the test to mean something.
    k : int

    Returns
    -------
    ndarray (pairs,)
        In [0, 1], one for each pair of maps. Chance is k / (N - 1).
    """
    near = [neighbors(points, k) for points in maps]
    counts = {len(each) for each in near}
    if len(counts) != 1 or len(near) < 2:
        raise CnnlensError(
            f"Agreement needs at least two maps of the same images; got {len(near)} of {sorted(counts)} points."
        )
    return np.array([shared_neighbors(one, other) for one, other in itertools.combinations(near, 2)])


def shared_neighbors(one, other):
    """Mean fraction of neighbors (N, k) that two lists have in common."""
    return float((one[:, :, None] == other[:, None, :]).any(2).mean())


def sizes(positions, labels):
    """Radius of each class: root mean square distance from its center, (classes,)."""
    labels = np.asarray(labels)
    groups = [np.asarray(positions, np.float64)[labels == label] for label in np.unique(labels)]
    return np.array([np.sqrt(np.square(group - group.mean(0)).sum(1).mean()) for group in groups])


def gaps(positions, labels):
    """Distances between the centers of classes, (classes, classes)."""
    labels = np.asarray(labels)
    centers = np.stack([np.asarray(positions, np.float64)[labels == label].mean(0) for label in np.unique(labels)])
    return np.linalg.norm(centers[:, None] - centers[None], axis=2)


# --- the dissertation's observations as questions -----------------------------------------------------------


def grouping(positions, labels, k=NEIGHBORS, classes=None):
    """How many times more often a class is among its own neighbors than chance would have it.

    Returns
    -------
    ndarray (classes,)
        1 is chance; NaN for a class with fewer than two images.
    """
    labels, same = np.asarray(labels), same_class_fraction(positions, labels, k)
    found = np.full(classes or labels.max() + 1, np.nan)
    for label in range(len(found)):
        members = labels == label
        if members.sum() > 1:
            found[label] = same[members].mean() / ((members.sum() - 1) / (len(labels) - 1))
    return found


def mean_color(images):
    """The mean of each channel over an image: (N, C)."""
    return np.stack([np.asarray(image).mean((0, 1)) for image in images])


def regress_out(positions, nuisance):
    """What is left of positions when a nuisance is regressed out, linear and quadratic.

    Parameters
    ----------
    positions : array (N, d)
    nuisance : array (N, m)
        Such as the mean color of each image.

    Returns
    -------
    ndarray (N, d) float32
    """
    nuisance = np.asarray(nuisance, np.float64)
    pairs = [nuisance[:, i] * nuisance[:, j] for i in range(nuisance.shape[1]) for j in range(i + 1)]
    design = np.column_stack([np.ones(len(nuisance)), nuisance, *pairs])
    positions = np.asarray(positions, np.float64)
    return (positions - design @ np.linalg.lstsq(design, positions, rcond=None)[0]).astype(np.float32)


def class_neighbors(positions, labels, k=NEIGHBORS, classes=None):
    """Which other classes lie around each class.

    Returns
    -------
    ndarray (classes, classes)
        Symmetric. Of all neighbors that are of another class, the fraction that joins classes a and b, in either
        direction; the pairs add up to 1, so chance is about 1 / (number of pairs). The diagonal is NaN.
    """
    labels = np.asarray(labels)
    count = classes or labels.max() + 1
    found = np.zeros((count, count))
    np.add.at(found, (np.repeat(labels, k), labels[neighbors(positions, k)].ravel()), 1)
    return _symmetric_fractions(found)


def confusions(labels, predictions, classes=None):
    """Which classes the network takes for each other, in the form of :func:`class_neighbors`."""
    count = classes or max(np.max(labels), np.max(predictions)) + 1
    found = np.zeros((count, count))
    np.add.at(found, (labels, predictions), 1)
    return _symmetric_fractions(found)


def _symmetric_fractions(counts):
    np.fill_diagonal(counts, 0)
    both = counts + counts.T
    fractions = both / max(counts.sum(), 1)
    np.fill_diagonal(fractions, np.nan)
    return fractions


def pairs(matrix):
    """The pairs of a symmetric matrix by size, largest first: (a, b, value) with a < b."""
    a, b = np.triu_indices(len(matrix), 1)
    order = np.argsort(-matrix[a, b], kind="stable")
    return [(int(a[i]), int(b[i]), float(matrix[a[i], b[i]])) for i in order]


def rank_of_pair(matrix, one, other):
    """Place of a pair among all pairs, 1 for the largest."""
    return 1 + [frozenset(pair[:2]) for pair in pairs(matrix)].index(frozenset((one, other)))


def pair_rank_correlation(one, other):
    """Spearman's correlation of two symmetric matrices over their pairs, in [-1, 1]; NaN if one is constant."""
    upper = np.triu_indices(len(one), 1)
    return rank_correlation(one[upper], other[upper])


def rank_correlation(one, other):
    """Spearman's rank correlation of two lists of numbers, in [-1, 1]; NaN if one is constant."""
    from scipy.stats import spearmanr

    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(spearmanr(one, other).statistic)


def _check_k(k, count):
    if not 1 <= k < count:
        raise CnnlensError(f"k must be from 1 to {count - 1}, the number of other points; got {k}.")
