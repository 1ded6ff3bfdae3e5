"""Every lesson: it runs to its end offline, is committed clean, has the anatomy of a lesson, and its exercises work."""

import re

import nbformat
import numpy as np
import pytest

from cnnlens.course import hygiene, runner, verdict

LESSONS = runner.lessons()
TITLES = ("You will learn", "You need", "It takes", "cannot tell you", "Summary", "References")


@pytest.fixture(params=LESSONS)
def lesson(request):
    return nbformat.read(LESSONS[request.param], as_version=4)


def cells(lesson, tag):
    return [cell for cell in lesson.cells if tag in cell.metadata.get("tags", [])]


@pytest.mark.parametrize("name", LESSONS)
def test_it_runs(name, tmp_path):
    outcome = runner.run(name, tmp_path)
    print(f"{name}: {outcome.seconds:.0f} s")
    assert outcome.passed, outcome.problems


@pytest.mark.parametrize("name", LESSONS)
def test_it_is_committed_clean(name):
    assert hygiene.is_clean(LESSONS[name]), f"run: python -m cnnlens.course.hygiene {LESSONS[name].name}"


def test_nbval_has_something_to_compare(lesson):
    compared = cells(lesson, hygiene.COMPARED)
    assert compared, "no cell is compared"
    for cell in compared:
        assert cell.outputs and cell.execution_count, "nbval skips a checked cell that has no output"


def test_anatomy(lesson):
    assert len(cells(lesson, "parameters")) == 1
    assert cells(lesson, "picture") and cells(lesson, "exercise") and cells(lesson, "check")
    prose = "\n".join(cell.source for cell in lesson.cells if cell.cell_type == "markdown")
    assert len(re.findall(r"^# ", prose, re.M)) == 1
    assert "predict before you run" in prose.lower() or "predict before you move" in prose.lower()
    for title in TITLES:
        assert title.lower() in prose.lower(), f"no part {title!r}"
    code = "\n".join(cell.source for cell in lesson.cells if cell.cell_type == "code")
    assert "course.setup(" in code and "explore." in code


def test_exercises(lesson):
    """The stub is pending, and the folded solution passes the check of the lesson."""
    prose = "\n".join(cell.source for cell in lesson.cells if cell.cell_type == "markdown")
    solutions = "\n".join(re.findall(r"<summary>Solution</summary>.*?```python\n(.*?)```", prose, re.S))
    checks = re.findall(r"course\.check\(\"(\w+)\", (\w+)\)", "\n".join(cell.source for cell in cells(lesson, "check")))
    assert checks and solutions and "<summary>Hint" in prose
    for name, function in checks:
        for source, state in (
            ("\n".join(cell.source for cell in cells(lesson, "exercise")), "pending"),
            (solutions, "passed"),
        ):
            space = {"np": np}
            exec(source, space)
            found = verdict(name, space[function])
            assert found.state == state, f"{name}: {found}"
