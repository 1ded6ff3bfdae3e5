"""Every lesson: it runs to its end offline, is committed clean, has the anatomy of a lesson, and its exercises work."""

import re

import nbformat
import numpy as np
import pytest

from cnnlens.course import hygiene, runner, verdict
from cnnlens.course.book import chapters
from cnnlens.explore import twin

LESSONS = runner.lessons()
TITLES = ("You will learn", "You need", "It takes", "cannot tell you", "Summary", "References")


each_lesson = pytest.mark.parametrize("lesson", sorted(LESSONS, key=lambda name: runner._rank(LESSONS[name])))


def read(lesson):
    return nbformat.read(LESSONS[lesson], as_version=4)


def cells(book, tag):
    return [cell for cell in book.cells if tag in cell.metadata.get("tags", [])]


@each_lesson
def test_it_runs(lesson, execute):
    outcome = execute(lesson)
    print(outcome)
    assert outcome.passed, outcome.problems


@each_lesson
def test_its_outputs_are_the_committed_ones(lesson, execute, differences):
    assert not differences(LESSONS[lesson], execute(lesson).notebook)


@each_lesson
def test_its_explorers_left_frames_for_readers_without_a_kernel(lesson, execute):
    shown = [
        output.data["text/html"]
        for cell in nbformat.read(execute(lesson).notebook, as_version=4).cells
        for output in cell.get("outputs", ())
        if "cnnlens-twin" in output.get("data", {}).get("text/html", "")
    ]
    source = "\n".join(cell.source for cell in read(lesson).cells if cell.cell_type == "code")
    assert len(shown) == len(re.findall(r"explore\.(?!embedding|playground)\w+\(", source))
    assert all(len(page.encode()) <= twin.Budget(1).size for page in shown)


@each_lesson
def test_it_is_committed_clean(lesson):
    assert hygiene.is_clean(LESSONS[lesson]), f"run: python -m cnnlens.course.hygiene {LESSONS[lesson].name}"


@each_lesson
def test_its_code_fits_a_page(lesson):
    assert list(chapters.too_wide(read(lesson))) == []


def test_planted_code_that_does_not_fit_a_page():
    book, wide = read("05_activations"), f"wide = {'1' * 94}"
    code, text = (next(cell for cell in book.cells if cell.cell_type == kind) for kind in ("code", "markdown"))
    text.source += f"\n\n```python\n{wide[:-1]}\n{wide}\n```\n\n{wide} is text, which wraps"
    code.source += f"\n{wide}\n{wide[:-1]}"
    assert len(wide) == 101 and [line for _, line in chapters.too_wide(book)] == [wide, wide]


@each_lesson
def test_nbval_has_something_to_compare(lesson):
    compared = cells(read(lesson), hygiene.COMPARED)
    assert compared, "no cell is compared"
    for cell in compared:
        assert cell.outputs and cell.execution_count, "nbval skips a checked cell that has no output"


@each_lesson
def test_anatomy(lesson):
    book = read(lesson)
    assert len(cells(book, "parameters")) == 1
    assert cells(book, "picture") and cells(book, "exercise") and cells(book, "check")
    prose = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    assert len(re.findall(r"^# ", prose, re.M)) == 1
    assert "predict before you run" in prose.lower() or "predict before you move" in prose.lower()
    for title in TITLES:
        assert title.lower() in prose.lower(), f"no part {title!r}"
    code = "\n".join(cell.source for cell in book.cells if cell.cell_type == "code")
    assert "course.setup(" in code and "explore." in code


@each_lesson
def test_exercises(lesson):
    """The stub is pending, and the folded solution passes the check of the lesson."""
    book = read(lesson)
    prose = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    solutions = "\n".join(re.findall(r"<summary>Solution</summary>.*?```python\n(.*?)```", prose, re.S))
    checks = re.findall(r"course\.check\(\"(\w+)\", (\w+)\)", "\n".join(cell.source for cell in cells(book, "check")))
    assert checks and solutions and "<summary>Hint" in prose
    for name, function in checks:
        for source, state in (
            ("\n".join(cell.source for cell in cells(book, "exercise")), "pending"),
            (solutions, "passed"),
        ):
            space = {"np": np}
            exec(source, space)
            found = verdict(name, space[function])
            assert found.state == state, f"{name}: {found}"


@pytest.mark.parametrize("name", ["11_your_network"])  # so that it stays with the other tests of this lesson
def test_its_report_names_the_fault_that_it_mends(name, execute):
    """The report names first what the reveal names; of the mended network it does not say so any more."""
    book = nbformat.read(execute(name).notebook, as_version=4)
    printed = {
        words: "".join(out.text for out in cell.outputs if out.get("name") == "stdout")
        for cell in book.cells
        for words in ("gain.difference", "given.done", "*first.sentences", "*second.sentences")
        if cell.cell_type == "code" and words in cell.source
    }
    kind, corner = re.search(r"class (\d) bears a white mark in its (\w+ \w+) corner", printed["given.done"]).groups()
    assert printed["*first.sentences"].startswith(f"'{kind}' is told by a mark in the {corner} corner")
    assert "is told by a mark" not in printed["*second.sentences"] and "Looked at" in printed["*second.sentences"]
    assert float(re.search(r"interval ([+-][\d.]+)%", printed["gain.difference"])[1]) > 0
