"""Checks of exercises: they take the learner's function and compare it with the framework's own operator.

A check never raises for a wrong answer: the lesson must run to its end whatever stands in the stub.
"""

import importlib
import pkgutil
from dataclasses import dataclass

import numpy as np

from ..errors import unknown

MARKS = {"passed": "✓ Right.", "failed": "✗ Not yet.", "pending": "… To do."}
_CHECKS = {}


@dataclass(frozen=True)
class Verdict:
    """What a check says of an answer.

    Attributes
    ----------
    state : {"passed", "failed", "pending"}
        Said in words as well, never by color alone.
    message : str
        What was tried, what came, what was expected.
    """

    state: str
    message: str

    def __str__(self):
        return f"{MARKS[self.state]} {self.message}"

    @property
    def passed(self):
        return self.state == "passed"


def exercise(name):
    """Decorator that registers the check of an exercise: a function from the learner's answer to a Verdict."""

    def register(function):
        _CHECKS[name] = function
        return function

    return register


def check(name, answer):
    """Check an exercise and print the verdict.

    Parameters
    ----------
    name : str
        Of the exercise, as the lesson says.
    answer : callable
        The learner's function. One that returns None counts as not begun.
    """
    print(verdict(name, answer))


def verdict(name, answer):
    """What :func:`check` prints, as a Verdict.

    Raises
    ------
    CnnlensError
        If there is no exercise of that name.
    """
    from . import checks

    for module in pkgutil.iter_modules(checks.__path__):
        importlib.import_module(f"{checks.__name__}.{module.name}")
    if name not in _CHECKS:
        raise unknown("exercise", name, _CHECKS)
    return _CHECKS[name](answer)


def compare(answer, reference, cases, *, tolerance=1e-5):
    """The verdict on a function by its values on several cases.

    Parameters
    ----------
    answer, reference : callable
        The learner's function, and the framework's operator (or ours) that it should equal.
    cases : sequence of (str, tuple)
        A description of each case, and the arguments to call both with.
    tolerance : float
        Largest difference allowed, relative to the size of the reference's values.

    Returns
    -------
    Verdict
    """
    for description, arguments in cases:
        try:
            came = answer(*arguments)
        except Exception as error:  # whatever a learner's function does, the lesson goes on
            return Verdict("failed", f"For {description} your function raised {type(error).__name__}: {error}.")
        if came is None:
            return Verdict("pending", "The function returns nothing yet: replace its body, then run this cell again.")
        expected = np.asarray(reference(*arguments), dtype=float)
        try:
            came = np.asarray(came, dtype=float)
        except (TypeError, ValueError):
            return Verdict("failed", f"For {description} expected numbers, got {came!r}.")
        if came.shape != expected.shape:
            return Verdict("failed", f"For {description} expected shape {expected.shape}, got {came.shape}.")
        if not np.allclose(
            came, expected, rtol=tolerance, atol=tolerance * max(1.0, float(np.abs(expected).max(initial=0)))
        ):
            return Verdict("failed", f"For {description} expected {_short(expected)}, got {_short(came)}.")
    return Verdict("passed", f"Equal to the reference in all {len(cases)} cases.")


def _short(values):
    return np.array2string(values, precision=4, threshold=8, separator=", ")
