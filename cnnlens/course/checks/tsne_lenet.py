"""The exercises of lesson 06."""

import numpy as np

from ..exercise import exercise


def _distributions():
    return {
        "eight equally likely neighbors": (np.full(8, 1 / 8),),
        "three likely neighbors and five impossible ones": (np.array([0, 1 / 3, 0, 1 / 3, 0, 0, 1 / 3, 0]),),
        "one certain neighbor": (np.array([0.0, 1.0, 0.0]),),
        "twenty random neighbors": (np.random.default_rng(6).dirichlet(np.ones(20)),),
    }


@exercise(_distributions)
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


@exercise(_labeled_points)
def nearest_neighbor_accuracy(points, labels):
    """Of scikit-learn's classifier, each point left out once."""
    from sklearn.model_selection import LeaveOneOut, cross_val_score
    from sklearn.neighbors import KNeighborsClassifier

    return cross_val_score(KNeighborsClassifier(1), points, labels, cv=LeaveOneOut()).mean()
