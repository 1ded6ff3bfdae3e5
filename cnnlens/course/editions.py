"""The editions of a lesson: the student's has no solutions, the teacher's has each one in its place.

The lesson itself is the one source. In it an exercise is a cell tagged ``exercise`` with a stub, a cell tagged
``check``, and under them a text with the folded hint and the folded solution.
"""

import ast
import re

import nbformat

from ..errors import CnnlensError
from .exercise import exercises
from .sources import parsed

SOLUTION = re.compile(r"\s*<details><summary>Solution</summary>(.*?)</details>", re.S)
CODE = re.compile(r"```python\n(.*?)```", re.S)


def student(notebook):
    """A copy without solutions: stubs, hints and checks stay."""
    return _without_solutions(notebook, lambda block: True)


def teacher(notebook):
    """A copy with each solution in the place of its stub, and under each check the mistakes that it names.

    Raises
    ------
    CnnlensError
        If an exercise has no solution.
    """
    found, answers = _without_solutions(notebook, CODE.search), solutions(notebook)
    cells = []
    for cell in found.cells:
        if "exercise" in cell.metadata.get("tags", []):
            cell.source = _solved(cell.source, answers)
        cells.append(cell)
        words = [words for name in checked(cell) for words in exercises()[name].mistakes]
        if words:
            told = ["**For the teacher.** The check names these mistakes:\n", *(f"* {each}" for each in words)]
            cells.append(nbformat.v4.new_markdown_cell("\n".join(told)))
    found.cells = cells
    return found


def _without_solutions(notebook, is_unwanted):
    found = nbformat.from_dict(notebook)
    for cell in found.cells:
        if cell.cell_type == "markdown":
            kept = SOLUTION.sub(lambda block: "" if is_unwanted(block[0]) else block[0], cell.source)
            cell.source = kept.rstrip() if kept != cell.source else kept
    found.cells = [cell for cell in found.cells if cell.source]
    return found


def _solved(stub, answers):
    names = [name for name in defined(stub) if name in exercises()]
    missing = [name for name in names if name not in answers]
    if missing:
        raise CnnlensError(f"The exercise {missing[0]!r} has no folded solution that defines {missing[0]!r}.")
    return "\n\n\n".join(dict.fromkeys(answers[name] for name in names))


def solutions(notebook):
    """The code of each folded solution by the names that it defines."""
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    folded = [code for text in texts for block in SOLUTION.findall(text) for code in CODE.findall(block)]
    return {name: code.strip() for code in folded for name in defined(code)}


def defined(source):
    """The names of functions, classes and values that a cell defines, imports aside."""
    for node in parsed(source):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def checked(cell):
    """The names of the exercises that a cell checks."""
    if cell.cell_type != "code":
        return
    for statement in parsed(cell.source):
        for node in ast.walk(statement):
            is_check = isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "check" and node.args
            if is_check and isinstance(node.args[0], ast.Constant):
                yield node.args[0].value
