"""Every lesson: it runs to its end offline, is committed clean, has the anatomy of a lesson, and its exercises work."""

import ast
import re

import nbformat
import pytest

from cnnlens.course import editions, exercise, hygiene, runner
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


def names_of(lesson):
    return [name for name, each in exercise.exercises().items() if each.lesson == lesson]


@each_lesson
def test_exercises(lesson):
    """Each exercise of the lesson's file of checks is in the lesson: the stub is pending, and the solution passes."""
    book = read(lesson)
    solved = editions.teacher(book)
    names = [name for cell in cells(book, "check") for name in editions.checked(cell)]
    assert sorted(names) == sorted(names_of(lesson)) and len(names) == len(set(names))
    for name in names:
        (stub,), (solution,) = (
            [cell.source for cell in cells(each, "exercise") if name in editions.defined(cell.source)]
            for each in (book, solved)
        )
        for source, state in ((stub, "pending"), (solution, "passed")):
            space = {}
            exec(source, space)
            found = exercise.verdict(name, space[name])
            assert found.state == state, f"{name}: {found}"
        assert signature(stub, name) == signature(solution, name)
    prose = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    assert prose.count("<summary>Hint") >= len(names)


def signature(source, name):
    """The arguments of a function that a cell defines; nothing for a value."""
    return [ast.unparse(each.args) for each in editions.parsed(source) if getattr(each, "name", None) == name]


@each_lesson
def test_exercises_change_nothing_in_the_rest_of_the_lesson(lesson):
    """Lessons are run with the solutions in place (conftest.py); they go the same with stubs, as nothing uses these."""
    solved = editions.teacher(read(lesson))
    names = {name for cell in cells(solved, "exercise") for name in editions.defined(cell.source)}
    rest = [
        node
        for cell in solved.cells
        if cell.cell_type == "code" and not {"exercise", "check"} & set(cell.metadata.get("tags", []))
        for statement in editions.parsed(cell.source)
        for node in ast.walk(statement)
    ]
    assert rest and not names & {node.id for node in rest if isinstance(node, ast.Name)}


@each_lesson
def test_solutions_pass_within_the_lesson(lesson, execute):
    executed = nbformat.read(execute(lesson).notebook, as_version=4)
    for cell in cells(executed, "check"):
        said = "".join(out.get("text", "") for out in cell.outputs)
        assert said.count("✓ Right") == len(list(editions.checked(cell))), said


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
