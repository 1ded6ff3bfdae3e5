"""The wheel is whole: what it builds, installed where no checkout is, runs a lesson; the sdist builds the same."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import nbformat
import pytest

from cnnlens.course import runner

ROOT = Path(__file__).resolve().parents[1]
BUILT_FROM = ("cnnlens", "notebooks", "data", "setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE")
LEFT_OVER = {  # what work in a checkout leaves there, and must not be shipped
    "notebooks/sheet.png": "written by a lesson",
    "notebooks/scratch.ipynb": "a user's own",
    "build/lib/cnnlens/gone.py": "of an earlier build",
    "build/lib/cnnlens/shipped/notebooks/00_gone.ipynb": "of an earlier build",
}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of the checkout, with leftovers in it."""
    folder = tmp_path_factory.mktemp("source")
    for name in BUILT_FROM:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (ROOT / name).is_file():
            shutil.copy(ROOT / name, folder / name)
    for name, text in LEFT_OVER.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    return build_wheel(source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """The Python of a fresh environment with the wheel and, of the present one, only the packages it depends on."""
    folder = tmp_path_factory.mktemp("elsewhere") / "environment"
    venv.create(folder, symlinks=os.name != "nt")
    found = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    run(sys.executable, "-m", "pip", "--python", found, "install", "--no-index", "--no-deps", wheel, cwd=folder)
    packages = run(found, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    # a path named in a .pth file is searched after the environment's own, and .pth files there are not read: so the
    # editable install of the checkout does not take part
    (Path(packages) / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return found


def build_wheel(source, target):
    offline = ("--no-build-isolation", "--no-deps", "--no-index", "--wheel-dir", target)
    run(sys.executable, "-m", "pip", "wheel", *offline, source, cwd=target)
    (found,) = target.glob("*.whl")
    return found


def run(*command, cwd):
    """What a command prints; PYTHONPATH and the like, which could lead to the checkout, are taken from it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))}
    environment["JUPYTER_PATH"] = str(Path(sys.prefix, "share", "jupyter"))  # the dependencies' templates
    environment["CNNLENS_AHEAD"] = "0.5"  # that explorers leave frames shows as well with few
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


def content(wheel):
    """{name: bytes} of what a wheel installs."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("RECORD")}


def test_the_wheel_holds_each_lesson_and_all_data_and_no_leftovers(wheel):
    found = content(wheel)
    shipped = {name.partition("shipped/")[2] for name in found if "/shipped/" in name}
    expected = {f"notebooks/{path.name}" for path in runner.lessons().values()}
    expected |= {path.relative_to(ROOT).as_posix() for path in (ROOT / "data").rglob("*") if path.is_file()}
    assert shipped == expected and len(shipped) >= 15
    assert found["cnnlens/shipped/data/ledger.json"] == (ROOT / "data" / "ledger.json").read_bytes()
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "cnnlens").rglob("*.py")}
    assert {name for name in found if name.endswith(".py")} == modules
    others = {path for path in (ROOT / "cnnlens").rglob("*.*") if path.suffix in (".html", ".js", ".toml", ".css")}
    assert {path.relative_to(ROOT).as_posix() for path in others} <= set(found)


def test_the_sdist_builds_the_same_wheel(source, wheel, tmp_path):
    backend = "import setuptools.build_meta as backend; backend.build_sdist({!r})"
    run(sys.executable, "-c", backend.format(str(tmp_path)), cwd=source)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    (tmp_path / "again").mkdir()
    assert content(build_wheel(unpacked, tmp_path / "again")) == content(wheel)


def test_the_fresh_environment_knows_no_checkout(python, tmp_path):
    """Else the next tests would pass with an empty wheel."""
    code = "import cnnlens, sys; print(cnnlens.__file__); print(*sys.path, sep='\\n')"
    file, *searched = run(python, "-c", code, cwd=tmp_path).splitlines()
    assert Path(file).is_relative_to(python.parents[1])
    assert not [path for path in searched if (Path(path or tmp_path) / "pyproject.toml").exists()]
    code = "from cnnlens import files; print(files.shipped('data'))"
    assert Path(run(python, "-c", code, cwd=tmp_path).strip()).is_relative_to(python.parents[1])


def test_networks_and_the_ledger_come_with_the_wheel_and_the_doctor_finds_them(python, tmp_path):
    code = """
from cnnlens import ledger, zoo
from cnnlens.__main__ import main
from cnnlens.ledger import table
print(zoo.load("lenet").source)
print(zoo.load("squeezenet").classes[281])
assert len(ledger.read().entries) > 10 and table.read().rows
assert main(["doctor"]) == 0
"""
    source, name, doctor = run(python, "-c", code, cwd=tmp_path).split("\n", 2)
    assert source.startswith("trained by cnnlens, lenet.weights.h5") and name == "tabby" and "ok        lenet" in doctor


def test_the_commands_work_and_a_lesson_runs(python, tmp_path):
    command = (python, "-m", "cnnlens")
    run(*command, "lab", "mine", "--copy-only", cwd=tmp_path)
    assert {path.name for path in (tmp_path / "mine").glob("*.ipynb")} == {p.name for p in runner.lessons().values()}
    lesson = tmp_path / "mine" / "05_activations.ipynb"
    nbformat.write(as_far_as("explore.", nbformat.read(lesson, as_version=4)), lesson)
    said = run(*command, "run", lesson, "--out", "out", cwd=tmp_path)
    assert said.startswith("ok     05_activations") and (tmp_path / "out" / "05_activations.ipynb").is_file()


def as_far_as(words, book):
    """A lesson that ends with the first cell of code that holds these words; tests/test_lessons.py runs the whole."""
    (last, *_) = (i for i, cell in enumerate(book.cells) if cell.cell_type == "code" and words in cell.source)
    book.cells = book.cells[: last + 1]
    return book


def test_what_writes_into_a_checkout_says_that_there_is_none(python, tmp_path):
    code = "from cnnlens import files\ntry: files.checkout()\nexcept files.CnnlensError as error: print(error)"
    assert "only a checkout has a data folder" in run(python, "-c", code, cwd=tmp_path)
