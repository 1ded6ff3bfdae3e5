"""The exercises of lesson 06."""

import numpy as np

from ..exercise import exercise

ROW = np.array([1 / 2, 1 / 4, 1 / 4])


@exercise(
    mistakes={
        "That is the entropy in bits: perplexity is two to the power of it.": lambda: _entropy(ROW),
        "That many would count if all three were equally likely.": lambda: 3,
        "That is one over the sum of the squares, another way to count neighbors.": lambda: 1 / (ROW**2).sum(),
        "That is one over the largest probability.": lambda: 2,
        "An entropy in bits goes with two to its power, not e.": lambda: np.exp(_entropy(ROW)),
    },
    tolerance=0.01,
)
def effective_neighbors():
    """Of one neighbor with probability 1/2 and two with 1/4."""
    return perplexity(ROW)


def _distributions():
    return {
        "eight equally likely neighbors": (np.full(8, 1 / 8),),
        "three likely neighbors and five impossible ones": (np.array([0, 1 / 3, 0, 1 / 3, 0, 0, 1 / 3, 0]),),
        "one certain neighbor": (np.array([0.0, 1.0, 0.0]),),
        "twenty random neighbors": (np.random.default_rng(6).dirichlet(np.ones(20)),),
    }


def _entropy(p, log=np.log2):
    possible = p[p > 0]
    return -(possible * log(possible)).sum()


@exercise(
    _distributions,
    {
        "That is the entropy: perplexity is two to the power of it.": _entropy,
        "The entropy is in nats, and two to its power asks for bits: take np.log2.": lambda p: 2 ** _entropy(p, np.log),
        "An entropy in bits goes with two to its power, not e.": lambda p: np.exp(_entropy(p)),
        "The minus of the entropy is missing.": lambda p: 2 ** -_entropy(p),
        "That is how many neighbors are possible, however unlikely.": lambda p: (p > 0).sum(),
        "That is one over the sum of the squares, another way to count neighbors.": lambda p: 1 / (p**2).sum(),
        "The logarithms are averaged: weigh each with its probability.": lambda p: 2 ** -np.log2(p[p > 0]).mean(),
    },
)
def perplexity(p):
    """From scipy's entropy."""
    from scipy.stats import entropy

    return 2 ** entropy(p, base=2)


def _labeled_points():
    generator = np.random.default_rng(7)
    labels = generator.integers(0, 3, 40)
    near = generator.normal(size=(40, 2)) + 2 * np.eye(3)[labels][:, :2]
    return {
        "forty points in three clouds that overlap": (near, labels),
        "the same points, their labels dealt out anew": (near, generator.permutation(labels)),
        "thirty points in five dimensions": (generator.normal(size=(30, 5)), np.arange(30) % 2),
    }


def _apart(points):
    """Squared distances (N, N)."""
    return ((points[:, None] - points[None]) ** 2).sum(2)


def _nearest(points, k=1, itself=np.inf):
    distances = _apart(points)
    np.fill_diagonal(distances, itself)
    return distances.argsort(1)[:, :k]


@exercise(
    _labeled_points,
    {
        "Each point is taken for its own nearest neighbor: put the diagonal to infinity.": lambda points, labels: (
            labels[_nearest(points, itself=0)[:, 0]] == labels
        ).mean(),
        "That is how many are right: divide by how many there are.": lambda points, labels: (
            nearest_neighbor_accuracy(points, labels) * len(points)
        ),
        "That is the fraction of those whose neighbor has another label.": lambda points, labels: (
            1 - nearest_neighbor_accuracy(points, labels)
        ),
        "That asks the farthest point, not the nearest.": lambda points, labels: (
            labels[_nearest(points, len(points) - 1)[:, -1]] == labels
        ).mean(),
        "Only the first two dimensions are looked at.": lambda points, labels: nearest_neighbor_accuracy(
            points[:, :2], labels
        ),
        "That is the fraction of all pairs with one label, near or far.": lambda points, labels: (
            ((labels[:, None] == labels).sum() - len(labels)) / (len(labels) * (len(labels) - 1))
        ),
    },
)
def nearest_neighbor_accuracy(points, labels):
    """Ours, from scikit-learn's lists of neighbors."""
    from ...scores import embedding

    return embedding.knn_accuracy(points, labels, 1)


def _maps_and_tables():
    generator = np.random.default_rng(10)

    def case(count, axes, rate):
        p = np.exp(generator.normal(0, 2, (count, count)))
        np.fill_diagonal(p, 0)
        return generator.normal(size=(count, axes)), (p + p.T) / (p + p.T).sum(), rate

    return {
        "five points on a sheet": case(5, 2, 1.0),
        "twelve points": case(12, 2, 10.0),
        "eight points in three dimensions": case(8, 3, 0.1),
    }


def _tsne_step(points, p, rate, similar=lambda apart: 1 / (1 + apart), pulled=None, itself=0, normalize=True, factor=4):
    """Written out as in the paper's gradient, with the parts that can be mistaken."""
    near = similar(_apart(points))
    np.fill_diagonal(near, itself)
    q = near / near.sum() if normalize else near
    pull = (p - q) * (near if pulled is None else pulled)
    return points - rate * factor * (pull.sum(1, keepdims=True) * points - pull @ points)


@exercise(
    _maps_and_tables,
    {
        "That step goes uphill: points that should be nearer are pushed apart.": lambda points, p, rate: tsne_step(
            points, p, -rate
        ),
        "The factor 4 is missing.": lambda points, p, rate: _tsne_step(points, p, rate, factor=1),
        "The q of all pairs together must add up to 1.": lambda points, p, rate: _tsne_step(
            points, p, rate, normalize=False
        ),
        "A point is no neighbor of its own: it has no part in the sum that q is divided by.": lambda points, p, rate: (
            _tsne_step(points, p, rate, itself=1)
        ),
        "On the paper the curve has heavier tails: 1 / (1 + d²), not e^(−d²).": lambda points, p, rate: _tsne_step(
            points, p, rate, lambda apart: np.exp(-apart)
        ),
        "The distance is not squared: 1 / (1 + d²).": lambda points, p, rate: _tsne_step(
            points, p, rate, lambda apart: 1 / (1 + np.sqrt(apart))
        ),
        "The last factor is missing: each pull is weighed with 1 / (1 + d²).": lambda points, p, rate: _tsne_step(
            points, p, rate, pulled=1
        ),
        "That is the step alone: add it to the points.": lambda points, p, rate: tsne_step(points, p, rate) - points,
        "Each row of q adds up to 1: all pairs together must.": lambda points, p, rate: _by_row(points, p, rate),
    },
)
def tsne_step(points, p, rate):
    """Along TensorFlow's own gradient of the Kullback-Leibler divergence."""
    import tensorflow as tf

    places, others = tf.Variable(points), tf.constant(1 - np.eye(len(points)))
    with tf.GradientTape() as tape:
        near = others / (1 + tf.reduce_sum((places[:, None] - places[None]) ** 2, 2))
        divergence = -tf.reduce_sum(tf.math.xlogy(p, near / tf.reduce_sum(near) + tf.eye(len(points), dtype="float64")))
    return points - rate * tape.gradient(divergence, places).numpy()


def _by_row(points, p, rate):
    near = 1 / (1 + _apart(points))
    np.fill_diagonal(near, 0)
    pull = (p - near / near.sum(1, keepdims=True)) * near
    return points - rate * 4 * (pull.sum(1, keepdims=True) * points - pull @ points)
