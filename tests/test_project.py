"""What stands around the code: versions, bounds, the lock, workflows, containers, the citation."""

import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import cnnlens

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
OURS = ("actions/checkout", "actions/setup-python", "actions/upload-artifact")  # the only steps that are not our own
OLDEST = "3.11.2"  # Debian 12's Python


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def lint(*command):
    """What a linter, installed beside this Python, complains of."""
    scripts = Path(sys.executable).parent
    done = subprocess.run([scripts / command[0], *map(str, command[1:])], cwd=ROOT, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr or "failed"


def lock():
    """{name: version} of requirements.lock."""
    return dict(line.split("==") for line in text("requirements.lock").splitlines())


def test_the_version_has_one_source():
    assert PROJECT["project"]["dynamic"] == ["version"] and "version" not in PROJECT["project"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "cnnlens.__version__"}
    assert yaml.safe_load(text("CITATION.cff"))["version"] == cnnlens.__version__
    newest = re.search(r"^## (\S+)", text("CHANGELOG.md"), re.M)[1]
    assert newest == cnnlens.__version__, "a new version begins with its changes"


def too_new(requires, python=OLDEST):
    return bool(requires) and not Requirement(f"python{requires}").specifier.contains(python)


def test_the_lock_fits_the_oldest_python():
    """Some packages drop an early 3.11.x in a minor version; make lock on a later one would then lock them in."""
    assert too_new(">=3.11.5") and not too_new(None) and not too_new(">=3.9, !=3.10.*")
    installed = {found.name.lower().replace("-", "_"): found for found in importlib.metadata.distributions()}
    for name, version in lock().items():
        found = installed.get(name.lower().replace("-", "_"))
        if found is None or found.version != version:
            pytest.skip(f"another environment than the lock's: {name}")
        assert not too_new(found.metadata.get("Requires-Python")), name


def test_conda_binder_and_the_dev_container_share_one_environment():
    environment = yaml.safe_load(text("environment.yml"))
    python, _, packages = environment["dependencies"]
    assert packages == {"pip": ["-r requirements.lock", "-e ."]}
    # a bound that is open above would give a Python for which TensorFlow has no build yet
    assert re.fullmatch(r"python=3\.\d+", python)
    container = json.loads(text(".devcontainer/devcontainer.json"))
    assert "conda env create --file environment.yml" in container["postCreateCommand"]
    interpreter = container["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert f"/envs/{environment['name']}/" in interpreter


def test_the_image_copies_what_the_build_needs_and_runs_as_nobody_special():
    lines = [line.split() for line in text("Dockerfile").replace("\\\n", " ").splitlines()]
    copied = {name for line in lines if line[:1] == ["COPY"] for name in line[1:-1]}
    assert all((ROOT / name).exists() for name in copied)
    assert copied >= {"cnnlens", "notebooks", "data", "setup.py", "pyproject.toml", "requirements.lock", "README.md"}
    words = [line[0] for line in lines if line]
    assert words.index("USER") < words.index("CMD")
    assert [line[1] for line in lines if line[:1] == ["USER"]] == ["1000"]


def test_the_image_starts_with_options_that_the_command_has():
    from cnnlens.__main__ import parser

    start = json.loads(re.search(r"^CMD (.*)", text("Dockerfile"), re.M)[1])
    options = parser().parse_args(start[1:])
    assert options.no_browser and options.port == 8888 and options.server == ["--ip=0.0.0.0"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_run_our_own_commands(path):
    steps = [step for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values() for step in job["steps"]]
    for step in steps:
        if "uses" in step:
            assert step["uses"].partition("@")[0] in OURS, step
            continue
        command = step["run"].replace("${{ matrix.versions }}", "oldest")
        target = re.fullmatch(r"make (\S+)(?: PYTHON=python)?|\.ci/run", command)
        assert target, f"{command} is more than one command of ours"
        if target[1]:
            assert re.search(rf"^[\w ]*\b{target[1]}\b[\w ]*:", text("Makefile"), re.M), command


def test_linters_find_nothing_in_workflows_and_scripts(tmp_path):
    assert lint("yamllint", ".") == ""
    assert lint("shellcheck", ".ci/run") == ""
    assert lint("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS) == ""
    assert lint("check-jsonschema", "--builtin-schema", "vendor.citation-file-format", "CITATION.cff") == ""
    (tmp_path / "planted.yml").write_text('"on": push\njobs:\n  a:\n    runs_on: ubuntu-latest\n', encoding="utf-8")
    assert lint("check-jsonschema", "--builtin-schema", "vendor.github-workflows", tmp_path / "planted.yml")
    (tmp_path / "planted.sh").write_text("#!/bin/sh\ncd $1\n", encoding="utf-8")
    assert "SC2086" in lint("shellcheck", tmp_path / "planted.sh")
    (tmp_path / "planted.yml").write_text("a: 1\na: 2\n", encoding="utf-8")
    assert "duplicat" in lint("yamllint", tmp_path / "planted.yml")


def test_the_dissertation_is_named_as_the_source_of_the_idea():
    citation = yaml.safe_load(text("CITATION.cff"))
    (source,) = citation["references"]
    assert source["type"] == "thesis" and source["authors"][0]["family-names"] == "Lees" and source["year"] == 2017
    assert source["title"] in " ".join(text("README.md").split())
