"""The table of techniques: rows hold sensible numbers, an earlier run is taken up again, gaps say why."""

import dataclasses

import numpy as np
import pytest

from cnnlens import zoo
from cnnlens.errors import CnnlensError
from cnnlens.ledger import table

TINY = {"networks": ("lenet",), "images": 100, "units": 4, "ablated": 12, "iterations": 60, "explained": 1, "calls": 64}


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setitem(table.SIZES, "quick", TINY)


@pytest.fixture(scope="module")
def kept():
    return {}


@pytest.mark.parametrize("technique", table.MEASURES)
def test_each_technique_is_measured_on_lenet(technique, kept):
    row = table.measure(technique, "lenet", "mnist", kept=kept)
    assert -1 <= row.faithful <= 1 and -1 <= row.stable <= 1 and row.seconds > 0
    assert set(row.sources) == {"lenet", "mnist"} and row.stands_in == ("mnist",)
    assert row.profile == "quick" and row.tells and row.faithful_means and row.stable_means


def test_numbers_repeat_under_a_seed(kept):
    first, again = (table.measure("t-SNE", "lenet", "mnist", seed=3, kept=kept) for _ in range(2))
    assert (first.faithful, first.stable) == (again.faithful, again.stable)


def test_a_network_without_a_classifier_leaves_a_gap(kept):
    for technique in ("activations", "LIME"):
        found = table.measure(technique, "vgg16", "photographs", kept=kept)
        assert isinstance(found, table.Gap) and "no classifier" in found.reason


def test_layers_are_found_in_every_network():
    lenet, squeezenet = zoo.load("lenet"), zoo.load("squeezenet")
    assert (table.middle(lenet), table.last_hidden(lenet)) == ("conv2", "dense1")
    assert table.last_hidden(squeezenet) == "fire9_concat"
    assert squeezenet.layer(table.middle(squeezenet)).is_map


def invented(technique, network, data, *, profile, seed, kept):
    """A row without a measurement."""
    invented.calls += 1
    return table.Row(
        technique=technique,
        network=network,
        data=data,
        fingerprint=table.fingerprint(table.MEASURES[technique], table.SIZES[profile]),
        faithful=0.5,
        stable=0.5,
        seconds=0.1,
        sources={"lenet": zoo.load("lenet").source},
        stands_in=(),
        profile=profile,
        date="2000-01-01",
        version=table.__version__,
        seed=seed,
    )


def test_a_broken_run_goes_on_where_it_stopped(monkeypatch, tmp_path):
    path, invented.calls = tmp_path / "table.json", 0
    monkeypatch.setattr(table, "measure", invented)
    first = table.assess(path=path, progress=False)
    cells = len(table.MEASURES)  # each technique on LeNet
    assert invented.calls == len(first.rows) == cells
    assert table.read(path) == dataclasses.replace(first, settings={})
    table.write(dataclasses.replace(first, rows=first.rows[:-1]), path)
    assert table.assess(path=path, progress=False).rows == first.rows and invented.calls == cells + 1
    table.assess(path=path, seed=1, progress=False)
    assert invented.calls == 2 * cells + 1  # another seed is another measurement


def test_a_row_of_other_sources_is_measured_again(monkeypatch, tmp_path):
    path, invented.calls = tmp_path / "table.json", 0
    monkeypatch.setattr(table, "measure", invented)
    first = table.assess(path=path, progress=False)
    other = dataclasses.replace(first.rows[0], sources={"lenet": "another file"})
    table.write(dataclasses.replace(first, rows=(other, *first.rows[1:])), path)
    assert table.assess(path=path, progress=False).rows == first.rows and invented.calls == len(first.rows) + 1


def test_a_row_of_other_sizes_is_measured_again(monkeypatch, tmp_path):
    path, invented.calls = tmp_path / "table.json", 0
    monkeypatch.setattr(table, "measure", invented)
    first = table.assess(path=path, progress=False)
    monkeypatch.setitem(table.SIZES, "quick", {**TINY, "images": 50})
    again = table.assess(path=path, progress=False)
    assert invented.calls == 2 * len(first.rows) and again.rows[0].fingerprint != first.rows[0].fingerprint


def test_wrong_input(tmp_path):
    with pytest.raises(CnnlensError, match="quick"):
        table.assess("quik")
    (tmp_path / "table.json").write_text('{"rows": [{"technique": "LIME"}]}')
    with pytest.raises(CnnlensError, match="no table"):
        table.assess(path=tmp_path / "table.json")
    with pytest.raises(CnnlensError, match="no table"):
        table.read(tmp_path / "nothing.json")


def test_nothing_that_json_cannot_hold(kept, tmp_path):
    row = table.measure("LIME", "lenet", "mnist", kept=kept)
    table.write(table.Table(rows=(row,)), tmp_path / "table.json")
    assert table.read(tmp_path / "table.json").rows == (row,)
    assert np.isfinite([row.faithful, row.stable, row.seconds]).all()
