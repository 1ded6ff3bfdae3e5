"""Answers to the exercises of lesson 07: a right one for each, and wrong ones with words that name the mistake."""

from collections import Counter

import numpy as np
from scipy.spatial import KDTree


def nearest(points, k, itself=False):
    """From a tree; its first is the point itself."""
    found = KDTree(points).query(points, k + 1)[1]
    return found[:, :k] if itself else found[:, 1:]


def elected(points, labels, k, **how):
    winners = [Counter(row.tolist()).most_common(1)[0][0] for row in labels[nearest(points, k, **how)]]
    return sum(winner == label for winner, label in zip(winners, labels)) / len(labels)


def kept(before, after, k, **how):
    one, other = nearest(before, k, **how), nearest(after, k, **how)
    return (one[:, :, None] == other[:, None]).sum() / one.size


def projected(vectors, color, ones=True):
    """Onto all that is at right angles to the colors."""
    basis = np.linalg.qr(np.hstack([np.ones((len(color), int(ones))), color]))[0]
    return vectors - basis @ (basis.T @ vectors)


RIGHT = {"shared_by_chance": 0.1, "knn_accuracy": elected, "without_color": projected, "kept_neighbors": kept}
WRONG = {
    "shared_by_chance": [
        ("never its own neighbor", 10 / 101),
        ("how many are shared", 1),
        ("in percent", 10),
        ("in both lists", 0.01),
        ("too large", 0.5),
    ],
    "knn_accuracy": [
        ("counts itself", lambda points, labels, k: elected(points, labels, k, itself=True)),
        ("Only the nearest neighbor", lambda points, labels, k: elected(points, labels, 1)),
        ("majority is right", lambda points, labels, k: np.equal(labels[nearest(points, k)].T, labels).mean()),
        ("not enough", lambda points, labels, k: np.equal(labels[nearest(points, k)].T, labels).max(0).mean()),
        ("how many are right", lambda points, labels, k: elected(points, labels, k) * len(labels)),
        ("names, not amounts", lambda points, labels, k: (labels[nearest(points, k)].mean(1).round() == labels).mean()),
    ],
    "without_color": [
        ("color predicts", lambda vectors, color: vectors - projected(vectors, color)),
        ("constant is missing", lambda vectors, color: projected(vectors, color, ones=False)),
        ("Only the constant", lambda vectors, color: projected(vectors, color[:, :0])),
        ("mean is still there", lambda vectors, color: projected(vectors, color) + vectors.mean(0, keepdims=True)),
        ("Only brightness", lambda vectors, color: projected(vectors, color.sum(1, keepdims=True))),
        ("first channel", lambda vectors, color: projected(vectors, color[:, :1])),
    ],
    "kept_neighbors": [
        ("among its own neighbors", lambda before, after, k: kept(before, after, k, itself=True)),
        ("divide by k", lambda before, after, k: k * kept(before, after, k)),
        ("same place", lambda before, after, k: np.equal(nearest(before, k), nearest(after, k)).mean()),
        ("is lost", lambda before, after, k: 1 - kept(before, after, k)),
        ("is fixed", lambda before, after, k: kept(before, after, 5)),
    ],
}
