"""Intervals must hold the truth as often as they say."""

import numpy as np
import pytest

from cnnlens.errors import CnnlensError
from cnnlens.ledger.intervals import difference, wilson


def covered(draw, truth, trials=300):
    generator = np.random.default_rng(0)
    inside = 0
    for _ in range(trials):
        found = difference(*draw(generator), seed=1)
        inside += found.low <= truth <= found.high
    return inside / trials


def test_shares_at_nought_and_all_keep_an_interval():
    found = difference(np.zeros((3, 32)), np.zeros((3, 32)))
    assert found.difference == 0 and found.low < -0.05 and found.high > 0.05
    assert wilson(0, 32) == pytest.approx((0, 0.1072), abs=1e-3)  # Newcombe 1998 and any table


def test_newcombes_worked_example():
    """Newcombe (1998), table II, contrast (a): 56/70 against 48/80 has 0.0524 to 0.3339."""
    first, second = np.zeros((1, 70)), np.zeros((1, 80))
    first[0, :56], second[0, :48] = 1, 1
    found = difference(first, second)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=1e-4)


def test_intervals_hold_the_truth_as_often_as_they_say():
    shares = covered(lambda g: (g.random((1, 60)) < 0.5, g.random((1, 60)) < 0.2), 0.3)
    seeds = covered(lambda g: (g.normal(1, 1, (5, 1)), g.normal(0, 1, (5, 1))), 1)
    items = covered(
        lambda g: (1 + g.normal(0, 1, 40) + g.normal(0, 0.1, (3, 40)), g.normal(0, 1, 40) + np.zeros((3, 40))), 1, 100
    )
    assert min(shares, seeds) > 0.91 and items > 0.88


def test_more_seeds_of_the_same_items_are_not_more_items():
    items = np.random.default_rng(0).normal(size=(1, 30))
    few, many = (difference(np.repeat(items, seeds, 0), np.zeros((seeds, 30))) for seeds in (1, 50))
    assert (many.high - many.low) == pytest.approx(few.high - few.low, rel=0.2)


def test_arithmetic_has_no_width_and_seeds_repeat():
    found = difference([[27.0]] * 3, [[0.0]] * 3)
    assert found.low == found.high == 27
    rows = np.random.default_rng(0).normal(size=(3, 9))
    assert difference(rows, rows - 1, seed=4) == difference(rows, rows - 1, seed=4)


@pytest.mark.parametrize(
    "values, controls", [([[1.0]], [[1.0], [2.0]]), ([[]], [[]]), ([[1.0]], [[0.5]]), ([[np.nan]], [[1.0]])]
)
def test_what_cannot_be_compared_is_refused(values, controls):
    with pytest.raises(CnnlensError):
        difference(values, controls)
