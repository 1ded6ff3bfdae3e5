"""``cnnlens lab``: a learner's copies of the lessons are never written over, and what cannot be done is said."""

import errno
import json
import os
import socket

import pytest

from cnnlens import __version__, files
from cnnlens.__main__ import main
from cnnlens.course import copies, runner
from cnnlens.course.commands import lab
from cnnlens.errors import CnnlensError


@pytest.fixture
def lessons(tmp_path):
    """Two lessons as an installed cnnlens has them: {name: path}."""
    folder = tmp_path / "installed"
    folder.mkdir()
    found = {name: folder / f"{name}.ipynb" for name in ("01_first", "02_second")}
    for name, path in found.items():
        path.write_text(f"{name} as it was", encoding="utf-8")
    return found


def states(lessons, folder):
    return [copy.state for copy in copies.update(lessons, folder)]


def content(folder):
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.ipynb"))}


def test_lessons_are_copied_once(lessons, tmp_path):
    mine = tmp_path / "new" / "mine"
    assert states(lessons, mine) == ["new", "new"]
    assert content(mine) == {"01_first.ipynb": "01_first as it was", "02_second.ipynb": "02_second as it was"}
    assert states(lessons, mine) == ["same", "same"] and len(list(mine.glob("*"))) == 3


def test_a_changed_lesson_is_left_alone(lessons, tmp_path):
    copies.update(lessons, tmp_path / "mine")
    (tmp_path / "mine" / "02_second.ipynb").write_text("my answer", encoding="utf-8")
    assert states(lessons, tmp_path / "mine") == ["same", "yours"]
    assert content(tmp_path / "mine") == {"01_first.ipynb": "01_first as it was", "02_second.ipynb": "my answer"}


def test_an_old_copy_with_a_newer_library(lessons, tmp_path):
    """Untouched copies become the new lesson; a changed one stays, and the new lesson lies beside it."""
    mine = tmp_path / "mine"
    copies.update(lessons, mine)
    (mine / "02_second.ipynb").write_text("my answer", encoding="utf-8")
    for path in lessons.values():
        path.write_text("newer", encoding="utf-8")
    first, second = copies.update(lessons, mine)
    beside = f"02_second-{__version__}.ipynb"
    assert (first.state, second.state, second.beside) == ("renewed", "differs", mine / beside)
    expected = {"01_first.ipynb": "newer", "02_second.ipynb": "my answer", beside: "newer"}
    assert content(mine) == expected
    assert states(lessons, mine) == ["same", "differs"] and content(mine) == expected  # and once more changes nothing


def test_the_lesson_beside_is_the_learners_as_well(lessons, tmp_path):
    mine = tmp_path / "mine"
    copies.update(lessons, mine)
    for text in ("newer", "newest"):
        (mine / "01_first.ipynb").write_text("my answer", encoding="utf-8")
        lessons["01_first"].write_text(text, encoding="utf-8")
        (found, _) = copies.update(lessons, mine)
        assert found.beside.read_text(encoding="utf-8") == text  # not touched, so it follows
    found.beside.write_text("my other answer", encoding="utf-8")
    copies.update(lessons, mine)
    assert found.beside.read_text(encoding="utf-8") == "my other answer"


@pytest.mark.parametrize("record", (None, "no JSON", "[]"))
def test_without_a_record_every_other_file_counts_as_changed(lessons, tmp_path, record):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "01_first.ipynb").write_text("from a friend", encoding="utf-8")
    if record:
        (mine / copies.RECORD).write_text(record, encoding="utf-8")
    assert states(lessons, mine) == ["differs", "new"]
    assert content(mine)["01_first.ipynb"] == "from a friend"


def test_the_command_copies_the_lessons_of_the_course_and_says_where(tmp_path, capsys):
    count = len(runner.lessons())
    assert main(["lab", str(tmp_path / "mine"), "--copy-only"]) == 0
    assert f"{count} of {count} lessons copied to {tmp_path / 'mine'}" in capsys.readouterr().out
    (tmp_path / "mine" / "05_activations.ipynb").write_text("{}", encoding="utf-8")
    record = json.loads((tmp_path / "mine" / copies.RECORD).read_text(encoding="utf-8"))
    record["05_activations.ipynb"] = "of an older version"
    (tmp_path / "mine" / copies.RECORD).write_text(json.dumps(record), encoding="utf-8")
    assert main(["lab", str(tmp_path / "mine"), "--copy-only"]) == 0
    said = capsys.readouterr().out
    assert "05_activations.ipynb has changes of yours" in said and f"05_activations-{__version__}.ipynb" in said


def test_jupyterlab_is_given_the_folder_and_the_options(tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(lab, "_serve", given.extend)
    assert main(["lab", str(tmp_path), "--no-browser", "--server=--ip=0.0.0.0"]) == 0
    assert given == [f"--ServerApp.root_dir={tmp_path}", "--ip=0.0.0.0", "--no-browser"]


def test_a_port_in_use(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(lab, "_serve", lambda arguments: pytest.fail("served on a port that is in use"))
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["lab", str(tmp_path / "mine"), "--port", str(port)]) == 2
    said = capsys.readouterr().err
    assert f"Port {port} cannot be used" in said and "leave --port out" in said
    assert not (tmp_path / "mine").exists()  # nothing was copied either
    assert main(["lab", str(tmp_path / "mine"), "--port", "99999"]) == 2
    assert "1 to 65535" in capsys.readouterr().err


def test_a_folder_that_is_a_file(tmp_path, capsys):
    (tmp_path / "mine").write_text("a list of things")
    assert main(["lab", str(tmp_path / "mine"), "--copy-only"]) == 2
    said = capsys.readouterr().err
    assert str(tmp_path / "mine") in said and "Name another folder" in said
    assert (tmp_path / "mine").read_text() == "a list of things"


def test_a_folder_that_cannot_be_written(lessons, tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(tmp_path))

    copies.update(lessons, tmp_path / "mine")
    monkeypatch.setattr(files.tempfile, "mkstemp", refuse)  # who runs the tests may be allowed everything
    with pytest.raises(CnnlensError, match="was not written: the folder cannot be written"):
        copies.update(lessons, tmp_path / "mine")


def test_a_lesson_that_cannot_be_read(lessons, tmp_path):
    (tmp_path / "mine" / "01_first.ipynb").mkdir(parents=True)
    with pytest.raises(CnnlensError, match="01_first.ipynb.*Name another folder"):
        copies.update(lessons, tmp_path / "mine")
