"""Profiles, exercises, notebooks as committed, and the set-up of the project itself."""

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cnnlens import datasets, zoo
from cnnlens.__main__ import main
from cnnlens.course import check, choose, exercise, hygiene, lesson, setup, verdict
from cnnlens.errors import CnnlensError

ROOT = Path(__file__).resolve().parents[1]


# --- profiles and set-up ------------------------------------------------------------------------------------------


def test_choose():
    assert choose("quick", quick=dict(n=1), full=dict(n=2)).n == 1
    assert choose("full", quick=dict(n=1), full=dict(n=2)).n == 2
    with pytest.raises(CnnlensError, match="Did you mean 'quick'"):
        choose("quik", quick={}, full={})
    with pytest.raises(CnnlensError, match=r"differ in \['m'\]"):
        choose("quick", quick=dict(n=1, m=2), full=dict(n=1))


def test_setup_says_on_what_the_lesson_runs(capsys):
    setup(zoo.load("squeezenet"), datasets.load("mnist"), datasets.photos())
    text = capsys.readouterr().out
    for words in (
        "tensorflow 2.",
        "device ",
        "network  squeezenet: ",
        "data     digits: stand-in for MNIST",
        "photos   24 photographs",
    ):
        assert words in text


def test_setup_refuses_an_old_environment(monkeypatch):
    monkeypatch.setattr(
        lesson.importlib.metadata, "requires", lambda _: ["numpy>=999", "surely-missing>=1", "torch; extra == 'x'"]
    )
    with pytest.raises(CnnlensError, match="numpy is .*, wanted >=999; surely-missing is missing.*make setup"):
        setup()


def test_doctor(capsys):
    code = main(["doctor"])
    text = capsys.readouterr().out
    assert code == 0, text
    for words in (
        "device",
        "stand-in  mnist",
        "stand-in  vgg16",
        "ok        lenet",
        "cnnlens fetch",
        "CNNLENS_DATA  not set",
    ):
        assert words in text


def test_doctor_is_red_when_something_is_damaged(capsys, monkeypatch, tmp_path):
    (tmp_path / "mnist.npz").write_text("junk")
    monkeypatch.setenv("CNNLENS_DATA", str(tmp_path))
    assert main(["doctor"]) == 1
    assert "problem   mnist: " in capsys.readouterr().out


def test_help_and_the_list_of_exercises_need_no_tensorflow():
    code = """
import sys
from cnnlens.__main__ import main
from cnnlens.course.exercise import exercises
assert exercises()
try:
    main(["--help"])
except SystemExit:
    pass
assert "tensorflow" not in sys.modules and "keras" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


# --- exercises ------------------------------------------------------------------------------------------------------


def test_the_state_of_a_verdict_is_said_in_words():
    for state in ("passed", "failed", "pending"):
        assert re.search("[A-Za-z]{2}", str(exercise.Verdict(state, ""))), "not by a mark alone"


def test_check_prints_and_unknown_names_are_refused(capsys):
    check("convolution", lambda image, kernel: None)
    assert "To do" in capsys.readouterr().out
    with pytest.raises(CnnlensError, match="no exercise 'convolutoin'. Did you mean 'convolution'"):
        verdict("convolutoin", None)


# --- notebooks as committed -----------------------------------------------------------------------------------------


def planted():
    book = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "other", "display_name": "x"}, "widgets": {}})
    stream = nbformat.v4.new_output("stream", name="stdout", text="7\n")
    noise = nbformat.v4.new_output("stream", name="stderr", text="noise")
    picture = nbformat.v4.new_output("display_data", data={"image/png": "aGk=", "text/plain": "a picture"})
    for tags in ([], ["nbval-check-output"]):
        cell = nbformat.v4.new_code_cell(
            "print(7)", metadata={"tags": tags, "execution": {"iopub.status.busy": "now"}}, execution_count=5
        )
        cell.outputs = [stream, noise, picture]
        book.cells.append(cell)
    return book


def test_clean_keeps_only_compared_text():
    book = hygiene.clean(planted())
    assert book.cells[0].outputs == [] and book.cells[0].execution_count is None
    assert [output.text for output in book.cells[1].outputs] == ["7\n"] and book.cells[1].execution_count == 1
    assert book.metadata.kernelspec.name == "python3" and "widgets" not in book.metadata
    assert "execution" not in book.cells[1].metadata


def test_clean_is_noticed(tmp_path):
    path = tmp_path / "a.ipynb"
    nbformat.write(planted(), path)
    assert not hygiene.is_clean(path)
    subprocess.run([sys.executable, "-m", "cnnlens.course.hygiene", str(path)], check=True, capture_output=True)
    assert hygiene.is_clean(path)


# --- the project's own set-up ---------------------------------------------------------------------------------------

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pins():
    lines = (ROOT / "requirements.lock").read_text().split()
    assert all(re.fullmatch(r"[\w.-]+==[\w.+!]+", line) for line in lines)
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


def test_lock_holds_what_the_project_asks_for():
    locked = pins()
    extras = PROJECT["optional-dependencies"]
    asked = [line for name in ("offline", "test", "book", "microscope") for line in extras[name]]
    for line in [*PROJECT["dependencies"], *asked]:
        wanted = Requirement(line)
        assert wanted.specifier.contains(locked[canonicalize_name(wanted.name)]), line


def test_readme_and_ci_run_the_same_tests():
    readme, ci = (ROOT / "README.md").read_text(), (ROOT / ".ci" / "run").read_text()
    makefile = (ROOT / "Makefile").read_text()
    assert ci.strip().splitlines()[-1] == "make test"
    for command in (
        "make course",
        "make book",
        "make test",
        "make setup",
        "make lab",
        "make weights",
        "cnnlens fetch",
        "cnnlens doctor",
        "environment.yml",
        "CNNLENS_OFFLINE=1",
    ):
        assert command in readme, command
    for target in re.findall(r"`make (\w+)`", readme):
        assert re.search(rf"^{target}:", makefile, re.M), f"the README names make {target}"


def test_no_machine_is_named():
    """No absolute path of a home or a build machine in what is committed."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    bad = re.compile(rb"/(home|root|Users|work|tmp/w)/\w")
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and path.suffix not in (".h5", ".png"):
            assert not bad.search(path.read_bytes()), name


FLOORS = [
    "errors",
    "renamed",
    "labels",
    "pixels",
    "files",
    "fingerprints",
    "timing",
    "device",
    "muon",
    "results",
    "receptive_fields",
    "opening",
    "preprocessing",
    "ends",
    "opened",
    "network",
    "zoo",
    "datasets",
    "folding",
    "training",
    "lenses",
    "cluster",
    "scores",
    "ledger",
    "figures",
    "microscope",
    "playground",
    "explore",
    "report",
    "course",
    "__main__",
]


def test_rooms_import_only_from_the_floors_below():
    rank = {name: number for number, name in enumerate(FLOORS)}
    for path in (ROOT / "cnnlens").rglob("*.py"):
        parts = path.relative_to(ROOT / "cnnlens").with_suffix("").parts
        if parts[0] == "__init__":
            continue
        for dots, module, names in re.findall(r"^\s*from (\.+)([\w.]*) import (\([^)]*\)|.*)", path.read_text(), re.M):
            up = len(parts) - len(dots)
            if up > 0:
                continue  # within its own room
            rooms = (
                [module.split(".")[0]]
                if module
                else [name.split(" as ")[0].strip() for name in names.strip("()").split(",") if name.strip()]
            )
            for room in rooms:
                if room in rank:
                    assert rank[room] <= rank[parts[0]], f"{'/'.join(parts)} imports {room}, which is above it"


def test_every_room_opens_by_name():
    import cnnlens

    for name in (
        "zoo",
        "datasets",
        "training",
        "activations",
        "neurons",
        "exemplars",
        "deconvnet",
        "embedding",
        "superpixels",
        "explore",
        "course",
    ):
        assert importlib.import_module(getattr(cnnlens, name).__name__)
    with pytest.raises(AttributeError):
        cnnlens.no_such_room  # noqa: B018


def test_what_stays_together_when_tests_run_side_by_side():
    from conftest import unit_of_work

    ran, compared = (f"tests/test_lessons.py::test_{name}[05_activations]" for name in ("it_runs", "its_outputs"))
    assert unit_of_work(ran) == unit_of_work(compared) != unit_of_work(ran.replace("05", "06"))
    first, last = (f"tests/test_any_cnn.py::test_maps[ResNet50V2{step}]" for step in ("", "-last"))
    assert unit_of_work(first) == unit_of_work(last) != unit_of_work(first.replace("50", "101"))
    assert unit_of_work("tests/test_zoo.py::test_a[x]") == unit_of_work("tests/test_zoo.py::test_b")
    assert unit_of_work("tests/test_cluster.py::test_a") == unit_of_work("tests/test_microscope_cluster.py::test_b")
