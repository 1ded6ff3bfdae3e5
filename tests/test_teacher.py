"""The teacher's README: every lesson has its place in it, every prediction its answer, and what it names exists."""

import re
import shlex
from pathlib import Path

import nbformat
import pytest

from cnnlens.__main__ import parser
from cnnlens.course import runner
from cnnlens.course.exercise import exercises

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "notebooks" / "README.md").read_text(encoding="utf-8")
LESSONS = runner.lessons()
PLANS = ("Half a day: what does a network see?", "A day", "Four weeks, two sessions of 90 minutes each")


def rows(title, text=TEXT):
    """The cells of the table under a heading, row by row, without its head."""
    under = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", text, re.M | re.S)[1]
    table = [line.strip("| ").split(" | ") for line in under.splitlines() if line.startswith("|")]
    return table[2:]


def plain(text):
    return " ".join(re.sub(r"[*`]", "", text).split())


def predictions(notebook):
    """What a lesson asks to predict, each from its bold word to the next one or to the end of its cell."""
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return [plain(asked) for text in texts for asked in re.split(r"\*\*Predict\b", text)[1:]]


def unanswered(notebook, answers):
    """Predictions to which no row belongs, and questions of rows that no prediction asks."""
    asked = predictions(notebook)
    if len(asked) != len(answers):
        return [f"{len(asked)} predictions, {len(answers)} answers"]
    pairs = zip(asked, answers)
    return [row[0] for words, row in pairs if not (row[1:] and all(part in words for part in row[0].split(" … ")))]


def commands(text):
    """Commands of ours in code blocks and between backticks."""
    blocks = re.findall(r"^ {4,}((?:cnnlens|make) .*?)(?: {2,}#.*)?$", text, re.M)
    return blocks + re.findall(r"`((?:cnnlens|make) [^`]*)`", text)


def unknown(command):
    """Whether the command line, or the Makefile, does not take a command."""
    program, *words = shlex.split(command)
    if program == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        return not all(re.search(rf"^[\w ]*\b{word}\b[\w ]*:", makefile, re.M) for word in words)
    try:
        parser().parse_args(words)
    except SystemExit:
        return True
    return False


def headings(number):
    notebook = nbformat.read(next(path for name, path in LESSONS.items() if name.startswith(number)), as_version=4)
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return {heading for text in texts for heading in re.findall(r"^#+ (.*)", text, re.M)}


def test_each_lesson_is_told_what_it_needs_and_the_plans_name_lessons():
    assert [row[0].strip("`") for row in rows("What each lesson needs")] == list(LESSONS)
    numbers = {name[:2] for name in LESSONS}
    for plan in PLANS:
        named = {number for row in rows(plan) for cell in row[1:] for number in re.findall(r"\b[01]\d\b", cell)}
        assert named and named <= numbers, plan
    assert named == numbers, "four weeks have room for every lesson"
    marked = [row for plan in PLANS[:2] for row in rows(plan) if row[1] in numbers]
    parts = [(row[1], part) for row in marked for part in re.findall(r"\*([^*]+)\*", row[2])]
    assert len(parts) > 3 and [pair for pair in parts if pair[1] not in headings(pair[0])] == []


@pytest.mark.parametrize("lesson", LESSONS)
def test_each_prediction_has_its_answer(lesson):
    assert unanswered(nbformat.read(LESSONS[lesson], as_version=4), rows(lesson[:2])) == []


def test_planted_predictions_without_an_answer():
    asked = "**Predict before you run.** How *wide* is it?\n\nAnd how\nhigh? **Predict:** which `one`?"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(asked)])
    right = [["How wide … how high?", "Two."], ["which one?", "This."]]
    assert unanswered(notebook, right) == []
    assert unanswered(notebook, right[:1]) == ["2 predictions, 1 answers"]
    assert unanswered(notebook, right[::-1]) == ["which one?", "How wide … how high?"]
    assert unanswered(notebook, [right[0], ["which one?"]]) == ["which one?"]


def test_commands_variables_and_exercises_that_are_named_exist():
    found = commands(TEXT)
    assert len(found) > 5 and [command for command in found if unknown(command)] == []
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "cnnlens").rglob("*.py"))
    variables = set(re.findall(r"CNNLENS_\w+", TEXT))
    assert variables >= {"CNNLENS_DATA", "CNNLENS_OFFLINE"} and all(f'"{name}"' in code for name in variables)
    named = re.findall(r"exercise `(\w+)`", TEXT)
    assert len(named) > 5 and set(named) <= set(exercises())


@pytest.mark.parametrize(
    "command", ["cnnlens mark FOLDER", "cnnlens run --job 1.5", "make lessons", "cnnlens fetch -x"]
)
def test_planted_commands_that_do_not_exist(command):
    assert commands(f"Say `{command}`.\n\n    {command}    # why\n") == [command, command] and unknown(command)
