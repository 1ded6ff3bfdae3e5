"""The table of the benchmarks: what it says of a promise, what the README may quote."""

import sys
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from benchmarks import table
from benchmarks.table import Row

SUM = {"what": "a sum", "peer": "abacus 1", "theirs": 10.0, "quality": {"digits": (3, 4)}}


@pytest.mark.parametrize(
    "row, kept",
    [
        (Row(**SUM, ours=5.0, ratio=0.5), True),
        (Row(**SUM, ours=5.1, ratio=0.5), False),
        (Row(**SUM | {"quality": {"digits": (4, 3)}}, ours=1.0, ratio=0.5), False),
        (Row(**SUM | {"quality": {"digits": (4, 4), "order": (2, 1)}}, ours=1.0, ratio=0.5), False),
        (Row(**SUM | {"theirs": None, "quality": {}}, ours=1.0, ratio=0.5), False),
        (Row(**SUM, ours=5.0, limit=4), False),
        (Row(**SUM | {"quality": {"digits": (4, 3)}}, ours=99.0), True),
        (Row(**SUM, ours=5.0, ratio=0.5, stated={"order": (4, 3)}), True),
    ],
    ids=[
        "faster",
        "slower",
        "worse",
        "worse in one of two",
        "not measured",
        "over the limit",
        "nothing promised",
        "worse in what is stated",
    ],
)
def test_a_promise_is_kept_only_if_it_is_fast_and_good(row, kept):
    assert row.kept is kept
    assert ("broken" in row.promise) is not kept


def test_a_broken_promise_ends_a_benchmark_with_an_error_but_not_at_quick_sizes(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "KEPT", tmp_path)
    slow = [Row(**SUM, ours=9.0, ratio=0.5)]
    assert table.keep("one", slow) == 1
    assert table.keep("one", slow, quick=True) == 0
    assert table.keep("one", [Row(**SUM, ours=4.0, ratio=0.5)]) == 0


def test_the_table_says_what_was_measured_and_where(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "KEPT", tmp_path)
    table.keep("one", [Row(**SUM, ours=4.0, ratio=0.5)])
    text = table.write(tmp_path / "bench.md", tmp_path)
    for words in ("| a sum | abacus 1 | 10 s | 4 s | 0.4 | ≤ 0.5 | digits 3 → 4 |", "cores"):
        assert words in text
    assert (tmp_path / "bench.md").read_text(encoding="utf-8") == text


def test_the_readme_quotes_the_table_and_no_quick_one(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "KEPT", tmp_path)
    table.keep("one", [Row(**SUM, ours=4.0)])
    table.keep("two", [Row(**SUM | {"what": "a product"}, ours=4.0)], quick=True)
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{table.MARKS[0]}\nold\n{table.MARKS[1]}\nafter\n", encoding="utf-8")
    for _ in range(2):
        table.quote(readme, tmp_path)
        text = readme.read_text(encoding="utf-8")
        assert text.startswith("before\n") and text.endswith("\nafter\n")
        assert "a sum" in text and "a product" not in text and "old" not in text


def test_this_readme_has_the_marks():
    assert all(table.README.read_text(encoding="utf-8").count(mark) == 1 for mark in table.MARKS)


def test_peak_memory_is_told_in_bytes_with_and_without_unixs_own_module(monkeypatch):
    before = psutil.Process().memory_info().rss
    held = np.ones(2**24)  # 128 MiB, which are touched
    assert 0.9 * before < table.peak_memory() < 64 * (before + held.nbytes)
    del held
    assert table.peak_memory() > 2**27
    monkeypatch.setitem(sys.modules, "resource", None)
    windows = SimpleNamespace(memory_info=lambda: SimpleNamespace(peak_wset=12345))
    monkeypatch.setattr(table, "psutil", SimpleNamespace(Process=lambda: windows))  # for the table alone
    assert table.peak_memory() == 12345


@pytest.mark.parametrize("once, kept", [(1.0, True), (700.0, False)])
def test_what_a_layer_costs_once_is_what_its_first_batch_costs_more_than_the_second(monkeypatch, once, kept):
    from benchmarks import microscope

    clock, known = np.zeros(2), set()

    def fake_work(ready, task, needs):  # what neighbors share is paid by the first of them
        group, shared = ready[1].together(task.layer), 3 * once
        new = once * (task.layer not in known) + shared * (group not in known)
        known.update((task.layer, group))
        clock[:] += np.array([1, 2]) * (2 + new)

    def fake_ascent(*given, steps, on_step, **how):
        for number in range(steps):
            clock[:] += (0.5, 1)
            on_step(number + 1, steps)

    monkeypatch.setattr(microscope, "spent", clock.copy)
    monkeypatch.setattr(microscope, "work", fake_work)
    monkeypatch.setattr(microscope, "maximize", fake_ascent)
    rows = microscope.once("vgg4", seed=0)
    assert [row.what.split()[1] for row in rows] == ["conv1", "conv3", "conv4"]
    expected = 4 * once, once + 3 * once / 2, 4 * once  # conv3 shares with conv2
    for row, costs in zip(rows, expected):  # batches of 32: two of them, 64 steps each
        assert (row.ours, row.theirs) == pytest.approx((costs, 2 * 64 * 0.5))
        assert row.stated == {"processor seconds": pytest.approx((2 * 64 * 1, 2 * costs))}
        assert row.kept is kept


def test_an_estimate_takes_what_was_timed_and_weighs_the_rest():
    from benchmarks import microscope

    sizes = {"a": (4, 1.0, 10), "b": (8, 2.0, 10), "c": (2, 4.0, 20)}  # units, multiplications, pixels a side
    layers = [SimpleNamespace(path=n, units=u, work=w, made=(p, p)) for n, (u, w, p) in sizes.items()]
    plan = SimpleNamespace(layers=layers)
    hours, each = microscope.estimated(plan, {"a": 2.0, "b": 4.0, None: 0.5})
    assert each == [2.0, 4.0, 32.0]
    assert hours == pytest.approx((4 * 2 + 8 * 4 + 2 * 32 + 0.5 * microscope.IMAGES) / 3600)
    assert microscope.spread(plan, [0, 1, 2], 1) == [2] and microscope.spread(plan, [0, 1], 2) == [1]
