"""Every test runs with no network, no data but the stand-ins, and an empty Keras cache, unless it asks for more."""

import os
from pathlib import Path

import pytest

REAL = os.environ.get("CNNLENS_DATA")


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch, tmp_path_factory):
    for name in ("CNNLENS_DATA", "CNNLENS_REQUIRE_REAL", "CNNLENS_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CNNLENS_OFFLINE", "1")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))


@pytest.fixture
def real_data(monkeypatch):
    """The folder with the real data sets; skips where CNNLENS_DATA named none."""
    if not REAL or not (Path(REAL) / "mnist.npz").is_file():
        pytest.skip("needs the real data: set CNNLENS_DATA to a folder with mnist.npz and cifar10.npz")
    monkeypatch.setenv("CNNLENS_DATA", REAL)
    return Path(REAL)
