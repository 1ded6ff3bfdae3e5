"""Other work than the microscope's on workers: the scorecard's claims and the sheets of units."""

import dataclasses
import os
import sys
from types import SimpleNamespace

import dask
import numpy as np
import pytest
from PIL import Image

import cnnlens.cluster
from cnnlens import ledger
from cnnlens.__main__ import main
from cnnlens.cluster import connected, connection
from cnnlens.errors import CnnlensError
from cnnlens.ledger import book

CLAIMS = ["lenet-27th-of-map", "lenet-fifth-is-sixth", "lenet-compacts"]
SHEETS = ["neurons", "lenet", "--layers", "all", "--units", "2", "--steps", "2", "--out"]


def test_claims_measured_by_two_workers_equal_those_of_the_plain_loop(tmp_path, capsys):
    asked = ["scorecard", "--claims", *CLAIMS]
    assert main([*asked, "--out", str(tmp_path / "here")]) == 0
    assert main([*asked, "--out", str(tmp_path / "there"), "--workers", "2"]) == 0
    assert "Dask's dashboard" in capsys.readouterr().err
    here, there = (ledger.read(tmp_path / place / "ledger.json").entries for place in ("here", "there"))
    assert [entry.key for entry in there] == [key for key in ledger.CLAIMS if key in CLAIMS]
    plain = {"seconds": 0, "date": ""}
    assert [dataclasses.replace(entry, **plain) for entry in here] == [
        dataclasses.replace(entry, **plain) for entry in there
    ]
    assert all(entry.found is not None and entry.sources for entry in there)


def test_a_worker_with_other_networks_or_data_is_named(toys, tmp_path):
    def engine(jobs):
        for key, how in jobs:
            entry = book.answer({}, key, how)
            yield key, dataclasses.replace(entry, sources={"mnist": f"MNIST of worker {key}"}), 0.0

    with pytest.raises(
        CnnlensError, match="wrong was measured on mnist: MNIST of worker wrong; another claim on MNIST of"
    ):
        ledger.audit(["plain", "wrong"], path=tmp_path / "ledger.json", progress=False, engine=engine)
    assert [entry.key for entry in ledger.read(tmp_path / "ledger.json").entries] == ["plain"]


def test_sheets_made_by_two_workers_equal_those_of_the_plain_loop(tmp_path):
    assert main([*SHEETS, str(tmp_path / "here")]) == 0
    assert main([*SHEETS, str(tmp_path / "there"), "--workers", "2"]) == 0
    here, there = (sorted((tmp_path / place).iterdir()) for place in ("here", "there"))
    assert [path.name for path in here] == [path.name for path in there] and len(there) >= 6
    for one, other in zip(here, there):
        assert np.array_equal(np.asarray(Image.open(one)), np.asarray(Image.open(other))), one.name
        assert Image.open(one).text == Image.open(other).text


@pytest.mark.parametrize("command", [["scorecard", "--claims", *CLAIMS], [*SHEETS[:-1]]])
def test_without_dask_both_say_what_to_install(command, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    for name in ("connection", "versions"):
        monkeypatch.delitem(sys.modules, f"cnnlens.cluster.{name}", raising=False)
        monkeypatch.delattr(cnnlens.cluster, name, raising=False)
    assert main([*command, "--out", str(tmp_path / "out"), "--workers", "2"]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("cnnlens: ")]
    assert (
        said == ['cnnlens: Workers need Dask: pip install "cnnlens[microscope]".'] and not (tmp_path / "out").exists()
    )


def test_workers_have_the_settings_of_now(monkeypatch):
    """Not those of when the process began that they are forked from."""
    for setting in ("one", "two"):
        monkeypatch.setenv("CNNLENS_SETTING", setting)
        with connected(workers=1, progress=False) as found:
            assert list(found.client.run(lambda: os.environ["CNNLENS_SETTING"]).values()) == [setting]


FORKED = [(0, "linux", "forkserver"), (2, "linux", "spawn"), (0, "darwin", "spawn")]


@pytest.mark.parametrize(("cards", "system", "way"), FORKED)
def test_workers_are_forked_with_tensorflow_where_that_does_no_harm(monkeypatch, cards, system, way):
    imported = []
    context = SimpleNamespace(set_forkserver_preload=imported.extend)
    monkeypatch.setattr(connection, "multiprocessing", SimpleNamespace(get_context=lambda way: context))
    monkeypatch.setattr(sys, "platform", system)
    with connection._forking(cards):
        assert dask.config.get("distributed.worker.multiprocessing-method") == way
    assert ("cnnlens.cluster.sent" in imported) == (way == "forkserver")


def test_to_measure_again_and_workers_exclude_each_other(capsys):
    assert main(["scorecard", "--recheck", "1", "--workers", "2"]) == 2
    assert "leave out --workers and --cluster" in capsys.readouterr().err
