"""The student's and the teacher's edition: from one source, without loss, and never over what somebody changed."""

import nbformat
import pytest

from cnnlens.__main__ import main
from cnnlens.course import editions, exercise, hygiene, lesson
from cnnlens.errors import CnnlensError

FOLDED = """<details><summary>Hint</summary>

Think.

</details>

<details><summary>Solution</summary>

```python
def parameters(side, channels, filters):
    return (side * side * channels + 1) * filters
```

</details>"""
SPOKEN = "Draw.\n\n<details><summary>Solution</summary>\n\nA bar.\n\n</details>"


def small(folded=FOLDED):
    made = nbformat.v4
    stub = made.new_code_cell(
        "def parameters(side, channels, filters):\n    return None", metadata={"tags": ["exercise"]}
    )
    check = made.new_code_cell('course.check("parameters", parameters)', metadata={"tags": ["check"]})
    texts = [made.new_markdown_cell(text) for text in (folded, SPOKEN)]
    return made.new_notebook(cells=[made.new_code_cell("%matplotlib inline\nx = 1"), stub, check, *texts])


def sources(notebook):
    return [cell.source for cell in notebook.cells]


def test_the_student_gets_stub_hint_and_check_but_no_solution():
    book = small()
    found = editions.student(book)
    assert sources(found)[:3] == sources(book)[:3] and "Think." in sources(found)[3] and sources(found)[4] == "Draw."
    assert "Solution" not in nbformat.writes(found) and "Solution" in nbformat.writes(book)


def test_a_text_with_nothing_but_a_solution_goes():
    book = small(FOLDED[FOLDED.index("<details><summary>Solution") :])
    assert len(editions.student(book).cells) == len(book.cells) - 1


def test_the_teacher_gets_the_solution_in_place_and_the_mistakes():
    cells = sources(editions.teacher(small()))
    assert cells[1] == "def parameters(side, channels, filters):\n    return (side * side * channels + 1) * filters"
    assert all(words in cells[3] for words in exercise.exercises()["parameters"].mistakes)
    assert "Think." in cells[4] and "Solution" not in cells[4] and "A bar." in cells[5]


def test_an_exercise_without_solution_is_an_error():
    with pytest.raises(CnnlensError, match="'parameters' has no folded solution"):
        editions.teacher(small("no solution"))


@pytest.mark.parametrize("edition", ["student", "teacher"])
def test_the_command_writes_every_lesson_and_spares_changed_ones(edition, tmp_path, capsys):
    assert main([edition, "--out", str(tmp_path)]) == 0
    written = sorted(tmp_path.glob("*.ipynb"))
    assert [path.stem for path in written] == list(lesson.lessons()) and all(map(hygiene.is_clean, written))
    for path in written:
        text = "\n".join(sources(nbformat.read(path, as_version=4)))
        assert "<summary>Hint" in text and ("For the teacher" in text) <= (edition == "teacher")
        if edition == "student":
            assert "<summary>Solution" not in text
    written[0].write_text("mine")
    assert main([edition, "--out", str(tmp_path)]) == 0
    assert written[0].read_text() == "mine" and f"{written[0].name} has changes of yours" in capsys.readouterr().out


@pytest.mark.parametrize("name", lesson.lessons())
def test_a_student_is_told_what_to_import_and_where_an_exercise_begins(name):
    """What a solution imports the lesson has imported, or its text names: `np` that is nowhere is a NameError."""
    source = nbformat.read(lesson.lessons()[name], as_version=4)
    texts = "\n".join(sources(editions.student(source)))
    for solution in editions.solutions(source).values():
        for line in solution.splitlines():
            if line.startswith(("import ", "from ")):
                assert line in texts, line
    heading = ""
    for cell in source.cells:
        if cell.cell_type == "markdown":
            heading = next((line for line in reversed(cell.source.splitlines()) if line.startswith("#")), heading)
        elif "exercise" in cell.metadata.get("tags", []):
            assert "xercise" in heading, f"{cell.source.splitlines()[0]} stands under {heading!r}"
