"""The networks that we trained: their files are the ones that the README describes, and as good as it says."""

import re
from pathlib import Path

import numpy as np
import pytest

from cnnlens import datasets, files, zoo

README = (Path(__file__).resolve().parents[1] / "data" / "weights" / "README.md").read_text()
ROW = re.compile(r"\| (\w+) \| .* \| ([\d.]+) % \| `([0-9a-f]{64})` \|")
NETWORKS = {name: (float(accuracy), digest) for name, accuracy, digest in ROW.findall(README)}
AT_LEAST = {"lenet": 99.5, "vgg4": 86.0}


def test_the_readme_tells_of_both():
    assert set(NETWORKS) == set(AT_LEAST)


@pytest.mark.parametrize("name", AT_LEAST)
def test_file_is_the_one_described(name):
    assert files.sha256(zoo.weights_file(name)) == NETWORKS[name][1]


@pytest.mark.parametrize(("name", "data"), [("lenet", "mnist"), ("vgg4", "cifar10")])
def test_accuracy_on_the_real_test_set(name, data, real_data):
    found = datasets.load(data)
    accuracy = (
        100 * (zoo.load(name).predict(found.x_test, batch_size=500, progress=False).argmax(1) == found.y_test).mean()
    )
    assert accuracy == pytest.approx(NETWORKS[name][0], abs=0.03)
    assert accuracy >= AT_LEAST[name]


def test_lenet_reads_digits_of_another_source():
    found = datasets.load("digits")
    assert (zoo.load("lenet").predict(found.x_test, progress=False).argmax(1) == found.y_test).mean() > 0.85


def test_weights_are_sound():
    for name in AT_LEAST:
        assert all(np.isfinite(value).all() for value in zoo.load(name).model.get_weights())
