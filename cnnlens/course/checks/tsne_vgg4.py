"""The exercises of lesson 07."""

import numpy as np

from ..exercise import exercise


def _maps():
    generator = np.random.default_rng(8)
    before = generator.normal(size=(50, 6))
    return {
        "a map that keeps two of six axes, 5 neighbors": (before, before[:, :2], 5),
        "the same map, 12 neighbors": (before, before[:, :2], 12),
        "a map that only turned and grew": (before[:, :2], 3 * before[:, :2] @ np.array([[0, 1], [-1, 0]]), 5),
        "a map of nothing but chance": (before, generator.normal(size=(50, 2)), 5),
    }


@exercise(_maps)
def kept_neighbors(before, after, k):
    """From scikit-learn's lists of neighbors."""
    from sklearn.neighbors import NearestNeighbors

    one, other = (
        NearestNeighbors(n_neighbors=k).fit(points).kneighbors(return_distance=False) for points in (before, after)
    )
    return np.mean([len(set(a) & set(b)) / k for a, b in zip(one, other)])
