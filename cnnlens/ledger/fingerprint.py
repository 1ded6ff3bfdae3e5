"""Whether a measurement is still the one that was made: a fingerprint of its code and its sizes."""

import ast
import hashlib
import inspect
import textwrap
import types

HOMES = ("cnnlens.ledger.", "cnnlens.scores.")  # code that is followed; what it calls elsewhere counts by name
DIGITS = 16


def fingerprint(measure, size):
    """A fingerprint of a measurement: it changes when the code of the measurement or its sizes do.

    Of the code count the function and, through every name that it uses, the functions, classes, and constants of
    ``cnnlens.ledger`` and ``cnnlens.scores``, wherever they stand in them. Docstrings, comments, type hints,
    formatting, and messages of errors do not count, nor do the words of the claim. Not seen is what lies elsewhere:
    lenses, networks, data sets, and libraries. An entry says on which sources it was measured and with which version;
    whether the rest measures the same can only be seen by measuring.

    Parameters
    ----------
    measure : callable
    size : dict
        The sizes it is measured at, by name.

    Returns
    -------
    str
        16 hexadecimal digits of a SHA-256.
    """
    found = set()
    _follow(measure, found)
    parts = [*sorted(found), repr(sorted(size.items()))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:DIGITS]


def _follow(thing, found):
    """Note the code of a function or a class and of all that it uses."""
    tree = _without_words(thing)
    code = ast.unparse(tree)
    if code in found:
        return
    found.add(code)
    for used, value in _used(tree, vars(inspect.getmodule(thing))):
        _note(used, value, found)


def _note(name, value, found):
    """Note a constant, or follow a function or a class that is ours."""
    if callable(value):
        if f"{value.__module__}.".startswith(HOMES):
            _follow(inspect.unwrap(value), found)
    elif isinstance(value, dict):
        for key, item in value.items():
            _note(f"{name}[{key!r}]", item, found)
    elif isinstance(value, (tuple, list)) and any(map(callable, value)):  # whose repr is another in every process
        for place, item in enumerate(value):
            _note(f"{name}[{place}]", item, found)
    elif not isinstance(value, types.ModuleType):
        found.add(f"{name} = {value!r}")


def _without_words(thing):
    """The syntax tree of a function or a class without docstrings, type hints, decorators, and messages of errors."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            node.decorator_list = []
            if ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:] or [ast.Pass()]
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            node.exc.args, node.exc.keywords = [], []
    return tree


def _used(tree, names):
    """The names of a module that code uses, with what they stand for; of ``module.name`` the name in that module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in names:
            yield node.id, names[node.id]
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = names.get(node.value.id)
            if isinstance(module, types.ModuleType) and f"{module.__name__}.".startswith(HOMES):
                yield node.attr, getattr(module, node.attr)
