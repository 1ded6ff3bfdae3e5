"""Marking a class: whatever a notebook does, it costs only itself, and each exercise of the others is marked."""

import csv
import importlib
import json
import os
import subprocess
import sys
import time

import nbformat
import pytest

from cnnlens.__main__ import main
from cnnlens.course import editions, exercise, grading, lesson, marker, sources

SUSPECTS = """def suspects(probabilities, labels):
    usual = np.array([probabilities[labels == label, label].mean() for label in range(probabilities.shape[1])])
    reaching = np.where(probabilities >= usual, probabilities, -1)
    return (reaching.max(1) >= 0) & (reaching.argmax(1) != labels)"""
NAMES = [name for name, each in exercise.exercises().items() if each.lesson == "11_your_network"]
SECONDS = 5  # of an exercise
MEMORY = 0.2  # GiB of an answer


def book(*sources):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])


def of(name, *lines):
    """A cell with an answer that does something before it answers nothing."""
    return "\n    ".join([f"def {name}(*given):", *lines])


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A file that the class has no business with."""
    path = tmp_path_factory.mktemp("elsewhere") / "precious.txt"
    path.write_text("precious")
    return path


def handed_in(elsewhere):
    """What each learner hands in: of pranks, three in a notebook, where the process survives them."""
    there = repr(str(elsewhere))
    return {
        "alma": book(
            "%matplotlib inline\nimport numpy as np\n!pip install nothing",
            "import no_such_module\nraise ValueError",
            "undefined()\nNOBODY = -1",
            "def reach(probabilities, usual):\n    return np.where(probabilities >= usual, probabilities, NOBODY)",
            SUSPECTS,
            SUSPECTS.replace("np.where(probabilities >= usual, probabilities, -1)", "reach(probabilities, usual)"),
            "import numpy\nopen('own.txt', 'w').write('x')\n" + of("paste", "print('{}' * 99999)", "return 9"),
            of("divergence", "return None"),
        ),
        "ben": book(
            of("paste", f"open({there}, 'w').write('gone')"),
            of("suspects", "import os", f"os.remove({there})"),
            of("divergence", "import subprocess", f"subprocess.run(['rm', {there}])"),
        ),
        "cem": book(
            "def paste(predict:\n  return",
            "import sys\nsys.exit()\n" + of("suspects", "return 1"),
            of("divergence", "import os", "os.kill(os.getppid(), 9)"),
        ),
        "=dora": book(
            of(
                "paste",
                "import time",
                "while True:",
                "    try:",
                "        while True: time.sleep(0.1)",
                "    except BaseException:",
                "        pass",
            ),
            "import numpy as np",
            SUSPECTS.replace("return", "raise"),
            SUSPECTS,
        ),
        "eva": book(
            of("paste", "import time", "held = b'x' * (250 << 20)", "time.sleep(99)"), of("suspects", "return 1")
        ),
    }


@pytest.fixture(scope="module")
def marks(tmp_path_factory, elsewhere):
    """The rows of the file of marks by learner and exercise."""
    folder = tmp_path_factory.mktemp("class")
    for name, notebook in handed_in(elsewhere).items():
        nbformat.write(notebook, folder / f"{name}.ipynb")
    (folder / "oli").mkdir()
    (folder / "oli" / "any name.ipynb").write_text('{"cells": [', encoding="utf-8")
    (folder / "pia.ipynb").write_text(json.dumps(["no notebook"]), encoding="utf-8")
    nbformat.write(book("x = 1"), folder / "quinn.ipynb")
    nbformat.write(book("divergence = None"), folder / "rosa.ipynb")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "alma-checkpoint.ipynb").write_text("{")
    out = folder / "marks.csv"
    assert main(["grade", str(folder), "--out", str(out), "--seconds", str(SECONDS), "--memory", str(MEMORY)]) == 0
    with open(out, newline="", encoding="utf-8") as file:
        return {(row["learner"], row["exercise"]): row for row in csv.DictReader(file)}


@pytest.mark.parametrize(
    "learner, name, words",
    [
        ("alma", "suspects", "Right."),
        ("alma", "paste", "expected"),
        ("alma", "divergence", "To do"),
        ("ben", "paste", "writing outside of its own folder is refused"),
        ("ben", "suspects", "writing outside of its own folder is refused"),
        ("ben", "divergence", "starting another program is refused"),
        ("cem", "paste", "SyntaxError"),
        ("cem", "suspects", "SystemExit"),
        ("cem", "divergence", "ending another process is refused"),
        ("'=dora", "paste", f"took longer than {SECONDS} s"),
        ("'=dora", "suspects", "Right."),
        ("eva", "paste", f"more than {MEMORY} GiB"),
        ("eva", "suspects", "expected shape"),
        ("rosa", "divergence", "To do"),
        ("rosa", "paste", "does not define"),
        ("oli/any name", "", "no notebook that can be read"),
        ("pia", "", "no notebook that can be read"),
        ("quinn", "", "No exercise of this course"),
    ],
)
def test_each_costs_only_itself(marks, learner, name, words):
    row = marks[learner, name]
    assert words in row["words"] and "\n" not in row["words"], row
    assert row["passed"] == ("yes" if words == "Right." else "no")
    assert row["lesson"] == ("11_your_network" if name else "") and float(row["seconds"]) >= 0


def test_what_a_check_computes_with_is_there_before_an_answer_runs(monkeypatch):
    imported = []
    monkeypatch.setattr(importlib, "import_module", lambda *name: imported.append(name[0]))
    marker.load(["map_size"])
    assert "keras" in imported, "which its reference imports"


def test_tensorflow_which_takes_seconds_to_import_is_not_where_no_check_needs_it():
    code = "from cnnlens.course.marker import load; import sys; load(['suspects']); print('tensorflow' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


def test_every_exercise_was_marked_and_nothing_elsewhere_was_touched(marks, elsewhere):
    learners = {learner for learner, name in marks if name}
    assert len(learners) == 6 and all((learner, name) in marks for learner in learners for name in NAMES)
    assert len(marks) == 6 * len(NAMES) + 3
    assert elsewhere.read_text() == "precious" and list(elsewhere.parent.iterdir()) == [elsewhere]


def test_after_a_crash_the_rest_is_marked(tmp_path):
    crash = of("paste", "import os", "os._exit(3)")
    nbformat.write(book(crash, "import numpy as np", SUSPECTS), tmp_path / "a.ipynb")
    found = {mark.exercise: mark for mark in grading.grade(tmp_path / "a.ipynb", "a", seconds=SECONDS)}
    assert "Its process ended (exit code 3)" in found["paste"].words
    assert found["suspects"].passed and "does not define" in found["divergence"].words


USED = {
    "a variable that a cell computed": (
        "images = np.ones(3)",
        "def paste(*given):\n    return images.mean()",
        ["images"],
    ),
    "by a function that is taken along": (
        "images = load()\ndef first():\n    return images[0]",
        "def paste(*given):\n    return first()",
        ["images"],
    ),
    "in a function, a lambda and a comprehension": (
        "for photo in photos:\n    low, *rest = photo\nwith open('x') as f:\n    pass",
        "def paste(*given):\n    def inner():\n        return lambda: [low + x for x in rest if f]\n    return inner",
        ["f", "low", "rest"],
    ),
    "a guess": ("accuracy = measure()", "paste = accuracy", ["accuracy"]),
    "a local variable of the same name": ("images = np.ones(3)", "def paste(images):\n    x = [x for x in images]", []),
    "what is taken along": (
        "import numpy as np\nRATE = 0.1\nhalf = lambda x: x / 2\ndef f(x):\n    return half(x) * RATE",
        "%time\ndef paste(*given):\n    return np.mean(f(given[0]))",
        [],
    ),
    "what nobody has": ("x = 1", "def paste(*given):\n    return typo", []),
    "no Python": ("images = load(", "def paste(*given:\n  images", []),
}


@pytest.mark.parametrize("others, answer, names", USED.values(), ids=USED)
def test_variables_that_only_the_notebook_has_are_found(others, answer, names):
    assert sources.missing("paste", [others, answer, "x = images"]) == names


def test_an_answer_that_uses_a_variable_of_the_notebook_is_told_so(tmp_path):
    handed = book(
        "import numpy as np\nimages = np.ones((2, 3))\nprobabilities = images",
        "NOBODY = -1\nleast = lambda p, u: p >= u",
        "def paste(predict, *given):\n    return predict(images).mean()",
        SUSPECTS.replace(
            "probabilities >= usual, probabilities, -1", "least(probabilities, usual), probabilities, NOBODY"
        ),
        "divergence = images.sum()",
        of("mean_in_use", "return unknown"),
    )
    nbformat.write(handed, tmp_path / "a.ipynb")
    found = {mark.exercise: mark for mark in grading.grade(tmp_path / "a.ipynb", "a", seconds=SECONDS)}
    assert found["suspects"].passed
    for name in ("paste", "divergence"):
        assert not found[name].passed and "Only the notebook has `images`" in found[name].words, found[name]
    assert "name 'unknown' is not defined" in found["mean_in_use"].words
    assert "Only the notebook has" not in found["mean_in_use"].words


def test_the_check_itself_says_so_where_the_answer_passes(monkeypatch, capsys):
    """In the kernel of a notebook, whose cells IPython remembers."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    monkeypatch.setenv("IPYTHONDIR", os.environ["KERAS_HOME"])
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    try:
        for cell in ("from cnnlens import course\nspread = 50 + 52", "mean_in_use = (51 / 255 - 51) / spread"):
            shell.run_cell(cell, store_history=True).raise_error()
        shell.run_cell("course.check('mean_in_use', mean_in_use)", store_history=True).raise_error()
        told = capsys.readouterr().out
        shell.run_cell("mean_in_use = (51 / 255 - 51) / 102", store_history=True).raise_error()
        shell.run_cell("course.check('mean_in_use', mean_in_use)", store_history=True).raise_error()
    finally:
        InteractiveShell.clear_instance()
    assert "✓ Right" in told and "Only the notebook has `spread`" in told
    assert "✓ Right" in (again := capsys.readouterr().out) and "Only the notebook" not in again


def test_the_teachers_edition_is_right_throughout_and_the_students_to_do(tmp_path):
    path = lesson.lessons()["11_your_network"]
    for edition in ("teacher", "student"):
        nbformat.write(getattr(editions, edition)(nbformat.read(path, as_version=4)), tmp_path / f"{edition}.ipynb")
        found = grading.grade(tmp_path / f"{edition}.ipynb", edition)
        assert len(found) == len(NAMES)
        assert all(mark.passed if edition == "teacher" else "To do" in mark.words for mark in found), found


def test_unusable_arguments_are_refused(tmp_path, capsys):
    for arguments, words in (
        ([str(tmp_path / "none")], "There is no folder"),
        ([str(tmp_path)], "No notebook"),
        ([str(tmp_path), "--seconds", "0"], "--seconds must be above 0"),
        ([str(tmp_path), "--out", str(tmp_path)], "is a folder"),
    ):
        assert main(["grade", *arguments]) == 2
        assert words in capsys.readouterr().err


def test_memory_that_an_answer_took_before_anyone_looked_is_the_answers(tmp_path, monkeypatch):
    """On a busy machine the first look comes late; what the answer holds by then must not pass for the libraries'."""
    listen = grading._listen
    monkeypatch.setattr(grading, "_listen", lambda process, lines: time.sleep(4) or listen(process, lines))
    nbformat.write(handed_in(tmp_path)["eva"], tmp_path / "eva.ipynb")
    found = {mark.exercise: mark for mark in grading.grade(tmp_path / "eva.ipynb", "eva", seconds=60, memory=MEMORY)}
    assert f"more than {MEMORY} GiB" in found["paste"].words
