"""The exercises of lesson 07."""

import numpy as np

from ..exercise import exercise


@exercise(
    mistakes={
        "A point is never its own neighbor: how many others are there?": lambda: 10 / 101,
        "That is how many are shared, not which fraction of the ten.": lambda: 1,
        "That is in percent: give it as a number from 0 to 1.": lambda: 10,
        "That is the chance of one point to be in both lists; the first list is given.": lambda: (10 / 100) ** 2,
    }
)
def shared_by_chance():
    """Of 100 others, 10 are in the other list whichever they are."""
    return 10 / 100


def _labeled_points():
    generator = np.random.default_rng(11)
    two = generator.integers(0, 2, 40)
    three = generator.integers(0, 3, 60)
    return {
        "forty points in two clouds that overlap, 5 neighbors": (_clouds(generator, two, 2, 1.0), two, 5),
        "the same number in six dimensions, 9 neighbors": (_clouds(generator, two, 6, 0.5), 3 + 2 * two, 9),
        "sixty points in three clouds, 3 neighbors": (_clouds(generator, three, 3, 3.0), three, 3),
    }


def _clouds(generator, labels, axes, apart):
    """Points around a center for each label; drawn so that no label below is as frequent as another."""
    return generator.normal(size=(len(labels), axes)) + apart * np.eye(3, axes)[labels]


def _nearest(points, k, itself=np.inf):
    distances = ((points[:, None] - points[None]) ** 2).sum(2)
    np.fill_diagonal(distances, itself)
    return distances.argsort(1)[:, :k]


def _majority(found):
    return np.array([np.bincount(row).argmax() for row in found])


@exercise(
    _labeled_points,
    {
        "Each point counts itself: it is never its own neighbor.": lambda points, labels, k: (
            _majority(labels[_nearest(points, k, itself=-1)]) == labels
        ).mean(),
        "Only the nearest neighbor is asked: the majority of k decides.": lambda points, labels, k: knn_accuracy(
            points, labels, 1
        ),
        "That is the fraction of neighbors with the right label; asked is how often the majority is right.": (
            lambda points, labels, k: (labels[_nearest(points, k)] == labels[:, None]).mean()
        ),
        "One right neighbor is not enough: the majority of the k must be.": lambda points, labels, k: (
            (labels[_nearest(points, k)] == labels[:, None]).any(1).mean()
        ),
        "All k neighbors need not agree: the majority is enough.": lambda points, labels, k: (
            (labels[_nearest(points, k)] == labels[:, None]).all(1).mean()
        ),
        "That is how many are right: divide by how many there are.": lambda points, labels, k: (
            knn_accuracy(points, labels, k) * len(points)
        ),
        "That is how often the majority is wrong.": lambda points, labels, k: 1 - knn_accuracy(points, labels, k),
        "Those are the k farthest points, not the nearest.": lambda points, labels, k: (
            _majority(labels[_nearest(points, len(points) - 1)[:, -k:]]) == labels
        ).mean(),
        "The labels are averaged: they are names, not amounts.": lambda points, labels, k: (
            np.round(labels[_nearest(points, k)].mean(1)) == labels
        ).mean(),
    },
)
def knn_accuracy(points, labels, k):
    """Ours, from scikit-learn's lists of neighbors."""
    from ...scores import embedding

    return embedding.knn_accuracy(points, labels, k)


def _colored():
    generator = np.random.default_rng(12)

    def case(images, axes):
        color = generator.uniform(0.2, 0.9, (images, 3))
        mixed = color @ generator.normal(size=(3, axes)) + 0.3 * generator.normal(size=(images, axes))
        return mixed + generator.normal(0, 2, axes), color

    return {"thirty images in five dimensions": case(30, 5), "fifty images in two dimensions": case(50, 2)}


def _left_by(vectors, design):
    return vectors - design @ np.linalg.lstsq(design, vectors, rcond=None)[0]


def _centered(values):
    return values - values.mean(0)


@exercise(
    _colored,
    {
        "That is what color predicts; asked is what is left.": lambda vectors, color: (
            vectors - without_color(vectors, color)
        ),
        "The constant is missing: give the colors a column of ones.": _left_by,
        "Only the constant is taken off, not what the colors predict.": lambda vectors, color: _centered(vectors),
        "The mean is still there: the constant is predicted too.": lambda vectors, color: (
            without_color(vectors, color) + vectors.mean(0)
        ),
        "Only brightness is taken out: each of the three channels predicts by itself.": lambda vectors, color: _left_by(
            vectors, np.column_stack([np.ones(len(color)), color.mean(1)])
        ),
        "Only the first channel is taken out.": lambda vectors, color: _left_by(
            vectors, np.column_stack([np.ones(len(color)), color[:, 0]])
        ),
        "Those are the coefficients: multiply the colors by them, and take that off.": lambda vectors, color: (
            np.linalg.lstsq(np.column_stack([np.ones(len(color)), color]), vectors, rcond=None)[0]
        ),
        "Each channel is regressed on by itself, one after another: they go together, so ask them at once.": (
            lambda vectors, color: _one_by_one(vectors, color)
        ),
    },
)
def without_color(vectors, color):
    """What scikit-learn's linear regression leaves."""
    from sklearn.linear_model import LinearRegression

    return vectors - LinearRegression().fit(color, vectors).predict(color)


def _one_by_one(vectors, color):
    for channel in color.T:
        vectors = _left_by(vectors, np.column_stack([np.ones(len(color)), channel]))
    return vectors


def _maps():
    generator = np.random.default_rng(8)
    before = generator.normal(size=(50, 6))
    return {
        "a map that keeps two of six axes, 5 neighbors": (before, before[:, :2], 5),
        "the same map, 12 neighbors": (before, before[:, :2], 12),
        "a map that only turned and grew": (before[:, :2], 3 * before[:, :2] @ np.array([[0, 1], [-1, 0]]), 5),
        "a map of nothing but chance": (before, generator.normal(size=(50, 2)), 5),
    }


def _kept(before, after, k, itself=np.inf, share=lambda one, other: len(one & other) / len(one)):
    pairs = zip(_nearest(before, k, itself), _nearest(after, k, itself))
    return np.mean([share(set(one), set(other)) for one, other in pairs])


@exercise(
    _maps,
    {
        "Each point is among its own neighbors: put the diagonal to infinity.": lambda before, after, k: _kept(
            before, after, k, itself=-1
        ),
        "That is how many are kept of the k: divide by k.": lambda before, after, k: (
            k * kept_neighbors(before, after, k)
        ),
        "That is how many are kept in all: divide by k, and by how many points there are.": lambda before, after, k: (
            k * len(before) * kept_neighbors(before, after, k)
        ),
        "They need not stand at the same place of the list: being in it is enough.": lambda before, after, k: (
            _nearest(before, k) == _nearest(after, k)
        ).mean(),
        "Divide by k, not by how many are in one list or the other.": lambda before, after, k: _kept(
            before, after, k, share=lambda one, other: len(one & other) / len(one | other)
        ),
        "That is the fraction that is lost.": lambda before, after, k: 1 - kept_neighbors(before, after, k),
        "The number of neighbors is fixed: take k.": lambda before, after, k: kept_neighbors(before, after, 5),
        "That asks whether all k are kept: count how many are.": lambda before, after, k: _kept(
            before, after, k, share=lambda one, other: one == other
        ),
    },
)
def kept_neighbors(before, after, k):
    """From scikit-learn's lists of neighbors."""
    from sklearn.neighbors import NearestNeighbors

    one, other = (
        NearestNeighbors(n_neighbors=k).fit(points).kneighbors(return_distance=False) for points in (before, after)
    )
    return np.mean([len(set(a) & set(b)) / k for a, b in zip(one, other)])
