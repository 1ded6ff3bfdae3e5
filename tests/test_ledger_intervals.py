"""Intervals: against published examples, by design, and what is refused; how often they hold is in another file."""

import numpy as np
import pytest

from cnnlens.errors import CnnlensError
from cnnlens.ledger import CannotTell, Support
from cnnlens.ledger.intervals import difference, shares, wilson
from cnnlens.ledger.power import Need, to_settle, to_tell_from_nothing


def paired(both, first, second, neither):
    """Two rows of the same pairs of yes-or-no outcomes, of a table's four counts."""
    values = np.repeat([1, 1, 0, 0], (both, first, second, neither))
    controls = np.repeat([1, 0, 1, 0], (both, first, second, neither))
    return difference([values] * 2, [controls] * 2, "crossed")


def drawn(by_items, by_seeds, rest, seeds=5, items=24, mean=0.3):
    g = np.random.default_rng(0)
    parts = by_items * g.normal(size=(1, items)), by_seeds * g.normal(size=(seeds, 1))
    return mean + parts[0] + parts[1] + rest * g.normal(size=(seeds, items))


def test_newcombes_example_of_independent_shares():
    """Newcombe (1998), table II, contrast (a): 56/70 against 48/80 has 0.0524 to 0.3339."""
    assert shares(56 / 70, 48 / 80, 70, 80) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    assert wilson(0, 32) == pytest.approx((0, 0.1072), abs=1e-3)


def test_published_examples_of_paired_shares():
    """Bentur et al. 2009 in Fagerland, Lydersen and Laake (2014): 1, 1, 7, 12 has -0.507 to -0.026."""
    found = paired(1, 1, 7, 12)
    assert (found.low, found.high) == pytest.approx((-0.507, -0.026), abs=5e-4)
    agreeing, independent = paired(14, 5, 0, 22), shares(19 / 41, 14 / 41, 41, 41)
    assert agreeing.low > 0 > independent[0] and agreeing.correlation > 0.7


def test_shares_at_nought_and_all_keep_an_interval():
    found = difference(np.zeros((3, 32)), np.zeros((3, 32)), "crossed")
    assert found.difference == 0 and found.low < -0.05 and found.high > 0.05
    anew = difference(np.ones((3, 32)), np.zeros((3, 32)), "nested")
    assert anew.sizes == (96, 96) and found.sizes == (32, 32), "drawn anew, 32 under each of 3 seeds are 96"


def test_more_seeds_of_the_same_items_are_not_more_items():
    items = np.random.default_rng(0).normal(size=(1, 30))
    few, many = (difference(np.repeat(items, seeds, 0), np.zeros((seeds, 30)), "crossed") for seeds in (1, 50))
    assert many.width == pytest.approx(few.width) and many.by_seeds == 0
    apart = difference(np.random.default_rng(0).normal(size=(50, 30)), np.zeros((50, 30)), "nested")
    assert apart.width < few.width / 3


def test_what_moves_an_interval_is_told_apart():
    steady, moving = (difference(drawn(0.1, by, 0.05), np.zeros((5, 24)), "crossed") for by in (0, 0.3))
    assert moving.by_seeds > 5 * steady.by_seeds and moving.by_items == pytest.approx(steady.by_items)
    alone = difference(drawn(0.1, 0, 0), drawn(0, 0.3, 0.05), "control nested")
    assert alone.by_items == pytest.approx(0.1 / np.sqrt(24), rel=0.5) and alone.by_seeds > 0.05
    mirrored = difference(drawn(0, 0.3, 0.05), drawn(0.1, 0, 0), "value nested")
    assert mirrored.width == pytest.approx(alone.width)
    assert difference(drawn(0.1, 0.3, 0), np.zeros((5, 24)), "seeds").by_items == 0


def test_arithmetic_has_no_width_and_only_where_it_is_called_so():
    assert difference([[27.0]] * 3, [[0.0]] * 3, "exact").width == 0
    for design in ("crossed", "nested", "control nested", "seeds"):
        with pytest.raises(CannotTell):
            difference(np.full((3, 4), 0.5), np.zeros((3, 4)), design)


@pytest.mark.parametrize(
    "values, controls", [([[1.0]], [[1.0], [2.0]]), ([[]], [[]]), ([[1.0, 2.0]], [[0.5]]), ([[np.nan]], [[1.0]])]
)
def test_what_cannot_be_compared_is_refused(values, controls):
    with pytest.raises(CnnlensError):
        difference(values, controls, "crossed")


@pytest.mark.parametrize(
    "values, design, said",
    [
        ([[0.2, 0.4]], "nested", "One seed is no sample"),
        ([[0.2], [0.4]], "crossed", "there is no sample: 1 here"),
        ([[0.2], [0.4]], "control nested", "there is no sample: 1 here"),
    ],
)
def test_no_sample_cannot_be_told(values, design, said):
    with pytest.raises(CannotTell, match=said):
        difference(values, np.zeros_like(values), design)


def test_another_confidence_follows_from_what_is_kept():
    for found in (difference(drawn(1, 1, 1), np.zeros((5, 24)), "crossed"), paired(14, 5, 0, 22)):
        assert found.interval(0.95) == pytest.approx((found.low, found.high))
        wider = found.interval(0.99)
        assert wider[0] < found.low and wider[1] > found.high


# --- how many it would take -----------------------------------------------------------------------------------------


def test_as_many_items_as_are_said_to_be_needed_settle_it():
    few = difference(drawn(0.3, 0, 0, mean=0.2), np.zeros((5, 24)), "crossed")
    support = Support(few.difference - few.width / 5)
    need = to_settle(few, support)
    assert few.low < support.least and need.seeds is None and 60 < need.items < 300
    spread = few.by_items * np.sqrt(24 / need.items)
    assert 1.9 * spread < few.difference - support.least < 2.2 * spread


def test_what_would_settle_it_is_more_than_there_is():
    for seed in range(20):
        skewed = np.random.default_rng(seed).gamma(1, size=(1, 8)) + np.zeros((5, 8))
        found = difference(skewed, np.zeros((5, 8)), "crossed")
        for end in (found.low + 0.05 * found.width, found.high - 0.05 * found.width):
            assert to_settle(found, Support(end)).items >= 8, seed


def test_where_items_do_not_help_seeds_are_asked_for():
    moving = difference(drawn(0.01, 0.3, 0), np.zeros((5, 24)), "crossed")
    assert to_settle(moving, Support(moving.difference - moving.width / 5)).items is None
    one = difference(drawn(0, 0.3, 0, items=1), np.zeros((5, 1)), "seeds")
    need = to_settle(one, Support(one.difference - one.width / 4))
    assert need.items is None and need.seeds > 10 and "seeds" in need.words("seeds")


def test_no_number_helps_where_the_difference_is_the_end():
    found = difference(drawn(0.3, 0.1, 0), np.zeros((5, 24)), "crossed")
    assert to_settle(found, Support(found.difference)) == Need()
    assert to_tell_from_nothing(found, Support(0, 0.2)) == Need()


def test_a_plan_does_not_look_at_the_difference():
    one, other = (difference(drawn(0.3, 0, 0, mean=mean), np.zeros((5, 24)), "crossed") for mean in (0.1, 5))
    assert to_tell_from_nothing(one, Support(0.1)) == to_tell_from_nothing(other, Support(0.1))
    assert to_tell_from_nothing(one, Support(0.1)).items > 3 * to_tell_from_nothing(one, Support(0.2)).items
    assert Need(90).words("photographs") == "about 90 photographs"
    assert Need(1200, 9).words("units") == "about 1,200 units under 9 seeds"
