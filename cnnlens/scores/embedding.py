"""How far a t-SNE map, or the representation behind it, can be trusted: numbers to stand beside the picture.

Functions here take positions: the points of a map (N, 2) or the vectors of a representation (N, d). Neighbors are
Euclidean and never include the point itself.
"""

from dataclasses import dataclass

import numpy as np

from ..errors import CnnlensError
from ..lenses import embedding
from ..results import Result

NEIGHBORS = 10
BLOCK = 500  # rows of a distance matrix held at a time
SAMPLE = 1000  # images whose neighbors are looked up in the full representation
LARGE = 3000  # points above which silhouettes are taken of a random sample of that size


@dataclass(frozen=True, kw_only=True, eq=False)
class MapScores(Result):
    """What is known of a map.

    Attributes
    ----------
    layer : str
    vote_map, vote_layer : float
        Accuracy of a nearest-neighbor vote in the map and in the layer itself; NaN without labels. Their difference is
        what the map lost (or seems to have won).
    trustworthiness, continuity : float
        In [0, 1]; 1 when no point has false, respectively lost, neighbors in the map.
    silhouette_map, silhouette_layer : ndarray (classes,)
        In [-1, 1]: how much nearer points are to their own class than to the next one; NaN for a class with no images.
    variance : float
        Share of the layer's variance that the map was made from.
    classes : tuple of str
    """

    layer: str
    vote_map: float
    vote_layer: float
    trustworthiness: float
    continuity: float
    silhouette_map: np.ndarray
    silhouette_layer: np.ndarray
    variance: float
    classes: tuple

    def __str__(self):
        return (
            f"{self.layer}: nearest-neighbor vote {self.vote_layer:.3f} in the layer, {self.vote_map:.3f} in the map; "
            f"trustworthiness {self.trustworthiness:.3f}, continuity {self.continuity:.3f}"
        )


def score(mapped, *, k=NEIGHBORS):
    """All numbers of one map.

    Parameters
    ----------
    mapped : Map
    k : int
        Neighbors that are looked at.

    Returns
    -------
    MapScores
        With ``vote_layer`` and ``silhouette_layer`` of the representation that the map was made from, which is reduced
        where the layer is wide; :func:`vote_full` gives the vote in the whole layer.
    """
    points, vectors, labels = mapped.points, mapped.representation.vectors, mapped.labels
    trust, keep = faithfulness(vectors, points, k)
    count = len(mapped.classes) if mapped.classes else 0 if labels is None else labels.max() + 1
    nothing = np.full(count, np.nan)
    return MapScores(
        layer=mapped.layer,
        vote_map=float("nan") if labels is None else vote(points, labels, k),
        vote_layer=float("nan") if labels is None else vote(vectors, labels, k),
        trustworthiness=trust,
        continuity=keep,
        silhouette_map=nothing if labels is None else silhouette(points, labels, count),
        silhouette_layer=nothing if labels is None else silhouette(vectors, labels, count),
        variance=mapped.representation.variance,
        classes=mapped.classes or tuple(map(str, range(count))),
        source=mapped.source,
        settings={**mapped.settings, "neighbors": k},
    )


# --- neighbors ----------------------------------------------------------------------------------------------


def neighbors(positions, k=NEIGHBORS):
    """Indices (N, k) of the k nearest others of each point, nearest first."""
    from sklearn.neighbors import NearestNeighbors

    positions = embedding.check_vectors(positions)
    _check_k(k, len(positions))
    method = "kd_tree" if positions.shape[1] <= 3 else "brute"
    return NearestNeighbors(n_neighbors=k, algorithm=method).fit(positions).kneighbors(return_distance=False)


def vote(positions, labels, k=NEIGHBORS):
    """Accuracy of a vote of the k nearest neighbors, each point being left out in its turn; in [0, 1].

    A tie goes to the class whose neighbors are nearer.
    """
    return float((_winners(np.asarray(labels)[neighbors(positions, k)]) == labels).mean())


def vote_by_class(positions, labels, k=NEIGHBORS, classes=None):
    """The vote of the k nearest neighbors class by class: the share of each class that it gets right, (classes,).

    NaN for a class without images.
    """
    labels = np.asarray(labels)
    right = _winners(labels[neighbors(positions, k)]) == labels
    members = np.bincount(labels, minlength=classes or 0)
    return np.divide(
        np.bincount(labels, right, len(members)), members, out=np.full(len(members), np.nan), where=members > 0
    )


def own_share(positions, labels, k=NEIGHBORS):
    """What part of each point's k nearest neighbors is of its own class: (N,), 0 to 1."""
    labels = np.asarray(labels)
    return (labels[neighbors(positions, k)] == labels[:, None]).mean(1)


def _winners(found):
    """The most frequent label of each row (N, k), of those tied the one met first."""
    counts = (found[:, :, None] == found[:, None, :]).sum(2)
    return found[np.arange(len(found)), counts.argmax(1)]


def vote_full(net, images, labels, layer, *, k=NEIGHBORS, sample=SAMPLE, seed=0, progress=True):
    """The vote in the whole layer, not reduced: for a random sample of images, by neighbors among all images.

    Parameters
    ----------
    net : Network
    images : array (N, H, W, C)
    labels : array (N,)
    layer : str
    k, sample, seed : int
    progress : bool

    Returns
    -------
    float
        In [0, 1]. Standard error about ``sqrt(vote * (1 - vote) / sample)``.
    """
    labels = np.asarray(labels)
    _check_k(k, len(images))
    asked = np.sort(np.random.default_rng(seed).choice(len(images), min(sample, len(images)), replace=False))
    queries = np.concatenate(list(embedding.Chunks(net, images[asked], layer, progress=progress)))
    distances = np.empty((len(asked), len(images)), np.float32)
    done = 0
    for chunk in embedding.Chunks(net, images, layer, progress=progress):
        distances[:, done : done + len(chunk)] = _squared(queries, chunk)
        done += len(chunk)
    distances[np.arange(len(asked)), asked] = np.inf
    nearest = np.argpartition(distances, k, axis=1)[:, :k]
    nearest = np.take_along_axis(nearest, np.take_along_axis(distances, nearest, 1).argsort(1), 1)
    return float((_winners(labels[nearest]) == labels[asked]).mean())


def _squared(a, b):
    """Squared distances (len(a), len(b)); float32 with a common point taken off first, against cancellation."""
    origin = b.mean(0)
    a, b = a - origin, b - origin
    found = np.square(a).sum(1)[:, None] + np.square(b).sum(1) - 2 * (a @ b.T)
    return np.maximum(found, 0, out=found)


# --- the map against the representation ---------------------------------------------------------------------


def faithfulness(before, after, k=NEIGHBORS):
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
    """How much the maps of one representation agree on who is near whom: shared k nearest neighbors, in [0, 1].

    Parameters
    ----------
    maps : sequence of array (N, 2)
        From different seeds, with ``start="random"`` for the test to mean something.
    k : int

    Returns
    -------
    ndarray (pairs,)
        One for each pair of maps. Chance is k / (N - 1).
    """
    near = [neighbors(points, k) for points in maps]
    if len({len(each) for each in near}) != 1 or len(near) < 2:
        raise CnnlensError(
            f"Agreement needs at least two maps of the same images; got {len(near)} of {sorted({len(each) for each in near})} points."
        )
    return np.array([shared(near[i], near[j]) for i in range(len(near)) for j in range(i + 1, len(near))])


def shared(one, other):
    """Mean share of neighbors (N, k) that two lists have in common."""
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


# --- his observations as questions --------------------------------------------------------------------------


def grouping(positions, labels, k=NEIGHBORS, classes=None):
    """How many times more often a class is among its own neighbors than chance would have it.

    Returns
    -------
    ndarray (classes,)
        1 is chance; NaN for a class with fewer than two images.
    """
    labels = np.asarray(labels)
    same = (labels[neighbors(positions, k)] == labels[:, None]).mean(1)
    found = np.full(classes or labels.max() + 1, np.nan)
    for label in range(len(found)):
        members = labels == label
        if members.sum() > 1:
            found[label] = same[members].mean() / ((members.sum() - 1) / (len(labels) - 1))
    return found


def groups_by_class(positions, labels, k=NEIGHBORS, classes=None):
    """What the groups of a map are made of: the share of each class in the points that lie in a group, (classes,).

    A point lies in a group if more than half of its k nearest neighbors are of its own class. All NaN if none does.
    """
    labels = np.asarray(labels)
    members = np.bincount(labels[own_share(positions, labels, k) > 0.5], minlength=classes or labels.max() + 1)
    return members / members.sum() if members.any() else np.full(len(members), np.nan)


def sky_blue(images):
    """What part of each image is blue as a clear sky is, from pale to deep: (N,), 0 to 1.

    A pixel counts when blue is its strongest channel and red its weakest, blue leads red by a tenth of full scale, and it
    is no darker than a third. A rule of thumb: water that mirrors the sky counts too, a grey sky does not.

    Parameters
    ----------
    images : array (N, H, W, 3) in [0, 1]
    """
    red, green, blue = np.moveaxis(np.asarray(images), -1, 0)
    return ((blue >= green) & (green >= red) & (blue - red > 0.1) & (blue > 1 / 3)).mean((1, 2))


def mean_color(images):
    """The mean of each channel over an image: (N, C)."""
    return np.stack([np.asarray(image).mean((0, 1)) for image in images])


def without(positions, nuisance):
    """What is left of positions when all that depends linearly on a nuisance and its squares is taken out.

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
        Symmetric. Of all neighbors that are of another class, the share that joins classes a and b, in either direction;
        the pairs add up to 1, so chance is about 1 / (number of pairs). The diagonal is NaN.
    """
    labels = np.asarray(labels)
    count = classes or labels.max() + 1
    found = np.zeros((count, count))
    np.add.at(found, (np.repeat(labels, k), labels[neighbors(positions, k)].ravel()), 1)
    return _symmetric_shares(found)


def confusions(labels, predictions, classes=None):
    """Which classes the network takes for each other, in the form of :func:`class_neighbors`."""
    count = classes or max(np.max(labels), np.max(predictions)) + 1
    found = np.zeros((count, count))
    np.add.at(found, (labels, predictions), 1)
    return _symmetric_shares(found)


def _symmetric_shares(counts):
    np.fill_diagonal(counts, 0)
    both = counts + counts.T
    shares = both / max(counts.sum(), 1)
    np.fill_diagonal(shares, np.nan)
    return shares


def pairs(matrix):
    """The pairs of a symmetric matrix by size, largest first: (a, b, value) with a < b."""
    a, b = np.triu_indices(len(matrix), 1)
    order = np.argsort(-matrix[a, b], kind="stable")
    return [(int(a[i]), int(b[i]), float(matrix[a[i], b[i]])) for i in order]


def rank_of_pair(matrix, one, other):
    """Place of a pair among all pairs, 1 for the largest."""
    return 1 + [frozenset(pair[:2]) for pair in pairs(matrix)].index(frozenset((one, other)))


def same_order(one, other):
    """Spearman's correlation of two symmetric matrices over their pairs, in [-1, 1]; NaN if one is constant."""
    upper = np.triu_indices(len(one), 1)
    return ranked_alike(one[upper], other[upper])


def same_order_by_chance(one, other, *, shuffles=100, seed=0):
    """:func:`same_order` when the classes of one matrix are given each other's names at random: the mean of many shuffles.

    Rows and columns move together, so that a matrix keeps its own structure (Mantel 1967, "The detection of disease
    clustering and a generalized regression approach").
    """
    generator = np.random.default_rng(seed)
    orders = (generator.permutation(len(one)) for _ in range(shuffles))
    return float(np.mean([same_order(one[order][:, order], other) for order in orders]))


def ranked_alike(one, other):
    """Spearman's rank correlation of two lists of numbers, in [-1, 1]; NaN if one is constant."""
    from scipy.stats import spearmanr

    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(spearmanr(one, other).statistic)


def _check_k(k, count):
    if not 1 <= k < count:
        raise CnnlensError(f"k must be from 1 to {count - 1}, the number of other points; got {k}.")
