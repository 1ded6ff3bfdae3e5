"""Answers to the exercises of lesson 06: a right one for each, and wrong ones with words that name the mistake."""

import numpy as np
from scipy.spatial.distance import cdist, pdist, squareform


def bits(p):
    return sum(-each * np.log2(each) for each in p if each > 0)


def by_neighbor(points, labels, place=1):
    """The label of the neighbor at that place of each point's own list, itself at 0."""
    order = np.argsort(cdist(points, points), axis=1)
    return np.mean([labels[row[place]] == label for row, label in zip(order, labels)])


def moved(points, p, rate, four=4.0, uphill=False, total="others", similar=lambda d: 1 / (1 + d * d), weighed=True):
    """Pair by pair."""
    apart = squareform(pdist(points))
    everything = sum(similar(d) for row in range(len(points)) for d in np.delete(apart[row], row))
    everything += len(points) if total == "all" else 0
    after = points.copy()
    for i, one in enumerate(points):
        for j, other in enumerate(points):
            if i != j:
                q = similar(apart[i, j]) / (1 if total == "none" else everything)
                pull = (p[i, j] - q) * (similar(apart[i, j]) if weighed else 1)
                after[i] -= (-1 if uphill else 1) * rate * four * pull * (one - other)
    return after


def written_into(points, p, rate):
    points[:] = moved(points, p, rate)
    return points


RIGHT = {
    "effective_neighbors": 2.83,
    "perplexity": lambda p: np.exp(-(p[p > 0] * np.log(p[p > 0])).sum()),
    "nearest_neighbor_accuracy": by_neighbor,
    "tsne_step": moved,
}
WRONG = {
    "effective_neighbors": [
        ("entropy in bits", 1.5),
        ("equally likely", 3),
        ("sum of the squares", 8 / 3),
        ("largest probability", 2),
        ("not e", 4.48),
        ("too large", 8),
    ],
    "perplexity": [
        ("That is the entropy", bits),
        ("in nats", lambda p: 2 ** -(p[p > 0] * np.log(p[p > 0])).sum()),
        ("not e", lambda p: np.exp(bits(p))),
        ("minus", lambda p: np.exp2(-bits(p))),
        ("nan", lambda p: 2 ** -(p * np.log2(p)).sum()),
        ("possible", lambda p: np.count_nonzero(p)),
        ("sum of the squares", lambda p: 1 / np.square(p).sum()),
    ],
    "nearest_neighbor_accuracy": [
        ("its own nearest", lambda points, labels: by_neighbor(points, labels, 0)),
        ("how many are right", lambda points, labels: by_neighbor(points, labels) * len(labels)),
        ("another label", lambda points, labels: 1 - by_neighbor(points, labels)),
        ("farthest", lambda points, labels: by_neighbor(points, labels, -1)),
        ("first two dimensions", lambda points, labels: by_neighbor(points[:, [0, 1]], labels)),
    ],
    "tsne_step": [
        ("uphill", lambda *given: moved(*given, uphill=True)),
        ("factor 4", lambda *given: moved(*given, four=1)),
        ("add up to 1", lambda *given: moved(*given, total="none")),
        ("no neighbor of its own", lambda *given: moved(*given, total="all")),
        ("heavier tails", lambda *given: moved(*given, similar=lambda d: np.exp(-d * d))),
        ("not squared", lambda *given: moved(*given, similar=lambda d: 1 / (1 + d))),
        ("last factor", lambda *given: moved(*given, weighed=False)),
        ("step alone", lambda points, *given: moved(points, *given) - points),
        ("changes what it was given (argument 1)", written_into),
    ],
}
