"""What of a notebook's cells an answer needs: the imports, functions and constants that it uses, and no more.

That is what is marked (:mod:`cnnlens.course.grading`). A variable that a cell computed stays behind; an answer that
uses one is right in the notebook, and nowhere else.
"""

import ast
import contextlib
import re
import symtable

MAGIC = re.compile(r"^\s*[%!].*$", re.M)


def parsed(source):
    """The statements of a cell, without the magics of a notebook; none where it is no Python."""
    try:
        return ast.parse(MAGIC.sub("", source)).body
    except (SyntaxError, ValueError):
        return []


def answer(name, sources):
    """The last cell that defines the name, after what it uses of other cells; None where no cell does."""
    attempt = re.compile(rf"^(def {name}\b|{name}\s*=)", re.M)
    cell = next((source for source in reversed(sources) if attempt.search(source)), None)
    if cell is None:
        return None
    others = [node for source in sources if source != cell for node in parsed(source) if _is_harmless(node)]
    used, kept = _used(parsed(cell)), set()
    while True:
        more = {number for number, node in enumerate(others) if number not in kept and _bound(node) & used}
        if not more:
            break
        kept |= more
        used |= _used(others[number] for number in more)
    return "\n\n".join([*(ast.unparse(others[number]) for number in sorted(kept)), cell])


def _is_harmless(node):
    """Whether a statement only defines: an import, a function, a class, or a constant."""
    if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value:
        if isinstance(node.value, ast.Lambda):
            return True
        with contextlib.suppress(ValueError, TypeError, MemoryError, RecursionError):
            ast.literal_eval(node.value)
            return True
        return False
    return isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef))


def _bound(node):
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {(each.asname or each.name).partition(".")[0] for each in node.names}
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}


def _used(nodes):
    return {each.id for node in nodes for each in ast.walk(node) if isinstance(each, ast.Name)}


def missing(name, sources):
    """The variables of a notebook that an answer uses, and that are not taken along with it.

    Parameters
    ----------
    name : str
        Of the exercise.
    sources : list of str
        All code cells.

    Returns
    -------
    list of str
        Sorted; a local variable that is only called like one of the notebook is none of them.

    Examples
    --------
    >>> cells = ["rate = 0.1", "images = load()", "def brighter(step):\\n    return images + rate * step"]
    >>> missing("brighter", cells)
    ['images']
    """
    taken = answer(name, sources) or ""
    tables = _tables(taken)
    asked = {
        symbol.get_name()
        for table in tables
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (table is tables[0] or symbol.is_global())
    }
    there = set().union(*map(_assigned, sources))
    return sorted((asked - _assigned(taken)) & there)


def words_on(names):
    """What to say of an answer that uses these variables of a notebook."""
    listed = " and ".join(f"`{name}`" for name in names)
    return (
        f"Only the notebook has {listed}, which stays behind when an answer is marked: let the function take it as an "
        "argument, or make it in the cell of the answer."
    )


def _assigned(source):
    """The names to which the top level of a cell gives a value, by whatever statement."""
    return {
        symbol.get_name() for table in _tables(source)[:1] for symbol in table.get_symbols() if symbol.is_assigned()
    }


def _tables(source):
    """The names of a source by scope, its top level first; nothing where it is no Python."""
    try:
        tables = [symtable.symtable(MAGIC.sub("", source), "<cell>", "exec")]
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return []
    for table in tables:  # grows while it is walked
        tables.extend(table.get_children())
    return tables
