"""The exercises of lesson 09."""

import numpy as np

from ..exercise import exercise


def _intervals():
    return {
        "an interval inside the range": (0.2, 0.4, 0.1, np.inf),
        "an interval below the range": (-0.3, 0.05, 0.1, np.inf),
        "an interval above the range": (0.2, 0.3, -0.1, 0.1),
        "an interval across the lower end": (0.05, 0.4, 0.1, np.inf),
        "an interval across the upper end": (0.05, 0.15, -0.1, 0.1),
        "an interval wider than the range": (-0.5, 0.5, -0.1, 0.1),
        "a range without a lower end": (-0.4, -0.2, -np.inf, -0.1),
        "a difference that chance cannot move": (27.0, 27.0, 26.5, 27.5),
        "an interval that begins where the range begins": (0.1, 0.4, 0.1, np.inf),
    }


@exercise(_intervals)
def judge(low, high, least, most):
    """The verdict that the ledger uses."""
    from types import SimpleNamespace

    from ...ledger import Support, settle

    return settle(Support(least, most), SimpleNamespace(low=low, high=high))


def _differences():
    generator = np.random.default_rng(9)

    def drawn(differences):
        return np.asarray(differences, float), generator.integers(len(differences), size=(2000, len(differences)))

    return {
        "forty differences around 20": drawn(generator.normal(20, 15, 40)),
        "twelve differences around 0": drawn(generator.normal(0, 15, 12)),
        "a few large differences among many small ones": drawn(generator.exponential(12, 30)),
        "a difference that never varies": drawn(np.full(9, 4.0)),
    }


@exercise(_differences, tolerance=0.02)
def bootstrap_interval(differences, draws):
    """From numpy's quantiles."""
    return np.quantile(differences[draws].mean(1), [0.025, 0.975])
