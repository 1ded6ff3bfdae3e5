"""CONTRIBUTING.md: its picture of the floors is the one that is tested, and its recipes work when they are followed."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

from test_course import FLOORS

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FOLLOWED = """
import doctest
import numpy as np
from cnnlens import brightness, datasets, explore, ledger, zoo
from cnnlens.__main__ import main
from cnnlens.course import verdict
net, digits = zoo.load("lenet"), datasets.load("mnist").x_test[:5]
found = brightness.brightness(net, digits)
assert "image/png" in found._repr_mimebundle_()[0] and len(found.means) == 5
explorer = explore.brightness(net, digits)
explorer.set(image=1)
assert f"{found.means[1]:.2f}" in explorer.frame.words
explorer.sweep()
exec(open("answers.py").read())
assert verdict("relu", RIGHT["relu"]).passed
for words, answer in WRONG["relu"]:
    assert words in verdict("relu", answer).message, words
assert doctest.testmod(brightness) == (0, 3)
assert main(["scorecard", "--claims", "ones-are-darker", "--out", "measured"]) == 0
assert ledger.read("measured/ledger.json")["ones-are-darker"].found is not None
"""


def block(words):
    """The code block of CONTRIBUTING.md that holds these words."""
    blocks = re.findall(r"^   ```\w+\n(.*?)^   ```$", TEXT, re.M | re.S)
    (found,) = [textwrap.dedent(text) for text in blocks if words in text]
    return found


def add(path, text):
    with open(path, "a", encoding="utf-8") as file:
        file.write(f"\n\n{text}")


def mention(path, after, name):
    text = path.read_text(encoding="utf-8")
    assert after in text
    path.write_text(text.replace(after, f"{after}{name}", 1), encoding="utf-8")


def test_the_picture_of_the_floors_is_the_tested_one():
    picture = TEXT.split("```")[1]
    named = [word for line in picture.splitlines() for word in re.findall(r"^\w+|(?<=  )\w+(?=  )", line)]
    ranks = [FLOORS.index(name) for name in named[: named.index("network") + 1]]
    assert len(ranks) >= 10 and ranks == sorted(ranks, reverse=True)


def test_the_recipes_work(tmp_path):
    shutil.copytree(ROOT / "cnnlens", tmp_path / "cnnlens", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "data", tmp_path / "data")
    package = tmp_path / "cnnlens"
    (package / "lenses" / "brightness.py").write_text(block("class Brightness"), encoding="utf-8")
    (package / "figures" / "brightness.py").write_text(block("@painter(Brightness)"), encoding="utf-8")
    (package / "explore" / "_brightness.py").write_text(block("as measure"), encoding="utf-8")
    mention(package / "__init__.py", '_LENSES = "', "brightness ")
    mention(package / "lenses" / "__init__.py", '_FILES = "', "brightness ")
    mention(package / "figures" / "__init__.py", '_PAINTED = "', "brightness ")
    mention(package / "explore" / "__init__.py", "submod_attrs={", '"_brightness": ["brightness"],')
    add(package / "ledger" / "data" / "activations.toml", block("[claims.ones-are-darker]"))
    add(package / "ledger" / "on_activations.py", block('@claims.measure("ones-are-darker")'))
    add(package / "course" / "checks" / "activations.py", block("Keras's own"))
    (tmp_path / "answers.py").write_text(block("WRONG = {"), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    subprocess.run([sys.executable, "-c", FOLLOWED], cwd=tmp_path, env=environment, check=True)
