"""Checks of the exercises of lessons 06 and 07."""

import numpy as np

from ..exercise import compare, exercise


@exercise("perplexity")
def perplexity(answer):
    """The learner's perplexity of a distribution against scipy's entropy."""
    from scipy.stats import entropy

    generator = np.random.default_rng(6)
    cases = [
        ("eight equally likely neighbors", (np.full(8, 1 / 8),)),
        ("three likely neighbors and five impossible ones", (np.array([0, 1 / 3, 0, 1 / 3, 0, 0, 1 / 3, 0]),)),
        ("one certain neighbor", (np.array([0.0, 1.0, 0.0]),)),
        ("twenty random neighbors", (generator.dirichlet(np.ones(20)),)),
    ]
    with np.errstate(all="ignore"):
        return compare(answer, lambda p: 2 ** entropy(p, base=2), cases)


@exercise("nearest_neighbor_accuracy")
def nearest_neighbor_accuracy(answer):
    """The learner's leave-one-out accuracy against scikit-learn's classifier."""
    from sklearn.model_selection import LeaveOneOut, cross_val_score
    from sklearn.neighbors import KNeighborsClassifier

    def reference(points, labels):
        return cross_val_score(KNeighborsClassifier(1), points, labels, cv=LeaveOneOut()).mean()

    generator = np.random.default_rng(7)
    labels = generator.integers(0, 3, 40)
    near = generator.normal(size=(40, 2)) + 2 * np.eye(3)[labels][:, :2]
    cases = [
        ("forty points in three clouds that overlap", (near, labels)),
        ("the same points, their labels dealt out anew", (near, generator.permutation(labels))),
        ("thirty points in five dimensions", (generator.normal(size=(30, 5)), np.arange(30) % 2)),
    ]
    return compare(answer, reference, cases)


@exercise("kept_neighbors")
def kept_neighbors(answer):
    """The learner's fraction of kept neighbors against scikit-learn's neighbor lists."""
    from sklearn.neighbors import NearestNeighbors

    def reference(before, after, k):
        one, other = (
            NearestNeighbors(n_neighbors=k).fit(points).kneighbors(return_distance=False) for points in (before, after)
        )
        return np.mean([len(set(a) & set(b)) / k for a, b in zip(one, other)])

    generator = np.random.default_rng(8)
    before = generator.normal(size=(50, 6))
    cases = [
        ("a map that keeps two of six axes, 5 neighbors", (before, before[:, :2], 5)),
        ("the same map, 12 neighbors", (before, before[:, :2], 12)),
        ("a map that only turned and grew", (before[:, :2], 3 * before[:, :2] @ np.array([[0, 1], [-1, 0]]), 5)),
        ("a map of nothing but chance", (before, generator.normal(size=(50, 2)), 5)),
    ]
    return compare(answer, reference, cases)
