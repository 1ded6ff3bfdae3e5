"""Exercises that check themselves: a learner's function beside a reference, and words for the kind of mistake.

A check never raises for a wrong answer: the lesson must run to its end whatever stands in the stub.
"""

import functools
import importlib
import pkgutil
import sys
from dataclasses import dataclass, field

import numpy as np

from ..errors import unknown
from . import diary, mistakes, sources
from .lesson import lessons

MARKS = {"passed": "✓ Right.", "failed": "✗ Not yet.", "pending": "… To do."}
TO_DO = "The function returns nothing yet: replace its body, then run this cell again."
TO_GUESS = "It is still None: write your answer in its place, then run this cell again."
MOST_SHOWN = 12  # values of an answer; of a larger one only the value that is farthest off is shown
LIBRARIES = {"np": "import numpy as np", "keras": "import keras", "tf": "import tensorflow as tf"}
_EXERCISES = {}


@dataclass(frozen=True)
class Verdict:
    """What a check says of an answer.

    Attributes
    ----------
    state : {"passed", "failed", "pending"}
        Said in words as well, never by color alone.
    message : str
        What is off, by the kind of mistake where it is known; then what was tried, what came, what was expected.
    """

    state: str
    message: str

    def __str__(self):
        return f"{MARKS[self.state]} {self.message}"

    @property
    def passed(self):
        return self.state == "passed"


@dataclass(frozen=True)
class Exercise:
    """What an answer is compared with.

    Attributes
    ----------
    name : str
        Of the exercise, and of what the learner writes.
    lesson : str
        Such as ``01_train_lenet``.
    reference : callable
        The framework's operator, or ours, that the answer should equal.
    cases : callable or None
        Gives ``{description: arguments}``, the same each time. None where the answer is one value, a guess.
    mistakes : dict
        Words of each known mistake, and what the answer would be with it: a function like the reference.
    tolerance : float
        Largest difference allowed, relative to the size of the reference's values.
    """

    name: str
    lesson: str
    reference: object
    cases: object
    mistakes: dict = field(default_factory=dict)
    tolerance: float = 1e-5

    @property
    def is_guess(self):
        return self.cases is None

    def given(self):
        """The arguments of each case, made anew."""
        return {"your answer": ()} if self.is_guess else self.cases()

    def tries(self, answer):
        """What the answer gives in each case."""
        return [_try(self, answer, case, given) for case, given in self.given().items()]

    @functools.cached_property
    def gives(self):
        """What a function, the reference or one with a mistake, gives in a case: computed once for all answers.

        Of arguments that no answer has seen: it may have written into what is not copied, such as a model.
        """
        given = self.given()
        return functools.cache(lambda function, case: mistakes.value(function(*map(_copy, given[case]))))


def exercise(cases=None, mistakes=None, *, tolerance=1e-5):
    """Decorator of the reference of an exercise, in the file of ``course/checks`` that is named after the lesson.

    Parameters
    ----------
    cases : callable, optional
        Gives ``{description: arguments}``, the same each time. Without it the answer is a guess: one value, not a
        function; a wrong one is not told the right one.
    mistakes : dict, optional
        A sentence on each mistake that is worth naming: a function like the reference, with that mistake. What every
        exercise shares (transposed, off by one, a factor ...) is found without being named here.
    tolerance : float
        Largest difference allowed, relative to the size of the reference's values.
    """

    def register(reference):
        name, file = reference.__name__, reference.__module__.rpartition(".")[2]
        lesson = next((stem for stem in lessons() if stem.partition("_")[2] == file), file)
        _EXERCISES[name] = Exercise(name, lesson, reference, cases, mistakes or {}, tolerance)
        return reference

    return register


@functools.cache
def _import_checks():
    from . import checks

    for module in pkgutil.iter_modules(checks.__path__):
        importlib.import_module(f"{checks.__name__}.{module.name}")


def exercises():
    """All exercises of the course by name, in the order of the lessons."""
    _import_checks()
    return dict(sorted(_EXERCISES.items(), key=lambda item: item[1].lesson))


def check(name, answer):
    """Check an exercise, print the verdict and how far you are, and remember what is done.

    Parameters
    ----------
    name : str
        Of the exercise, as the lesson says.
    answer : callable, or a value
        The learner's function. One that returns None counts as not begun.
    """
    found = verdict(name, answer)
    print(found)
    if found.passed and (lost := sources.missing(name, _cells())):
        print(sources.words_on(lost))
    if found.passed and diary.is_kept():
        print(diary.enter(name, exercises()))


def _cells():
    """The cells that this notebook has run; none outside of one."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    return shell.user_ns.get("In", []) if shell else []


def verdict(name, answer):
    """What :func:`check` prints, as a Verdict.

    Raises
    ------
    CnnlensError
        If there is no exercise of that name.
    """
    known = exercises()
    if name not in known:
        raise unknown("exercise", name, known)
    return judge(known[name], answer)


def judge(exercise, answer):
    """The verdict on an answer by what it gives in every case.

    Parameters
    ----------
    exercise : Exercise
    answer : callable, or a value
        What was not begun is None, gives None, or raises NotImplementedError.

    Returns
    -------
    Verdict
    """
    tried = exercise.tries(answer)
    if all(each.came is None and each.error is None for each in tried):
        return Verdict("pending", TO_DO if callable(answer) else TO_GUESS)
    wrong = [each for each in tried if not each.right]
    if wrong:
        return Verdict("failed", _what_is_off(exercise, tried, wrong))
    changed = next((each for each in tried if each.changed), None)
    if changed:
        return Verdict("failed", f"The values are right, but {_changed(changed)}")
    return Verdict("passed", f"Equal to the reference in all {len(tried)} cases." if len(tried) > 1 else "")


@dataclass(frozen=True)
class _Tried:
    """One case: what came, what was expected."""

    case: str
    came: object
    expected: object
    error: str | None
    changed: tuple  # numbers of the arguments that the answer wrote into
    right: bool


def _try(exercise, answer, case, given):
    lent = [_copy(argument) for argument in given]
    came = error = None
    try:
        with np.errstate(all="ignore"):
            came = answer(*lent) if callable(answer) else answer
    except NotImplementedError:
        pass
    except Exception as raised:  # whatever a learner's function does, the lesson goes on
        error = _words_on(raised)
    changed = tuple(number for number, pair in enumerate(zip(lent, given)) if not _is_untouched(*pair))
    if came is None:
        return _Tried(case, None, None, error, changed, right=False)
    came, expected = mistakes.value(came), exercise.gives(exercise.reference, case)
    right = mistakes.close(came, expected, exercise.tolerance)
    return _Tried(case, came, expected, None, changed, right)


def _words_on(raised):
    """An error in one line: TensorFlow writes whole arrays into its own. And what to do where a library is missing."""
    words = " ".join(f"{type(raised).__name__}: {raised}".split()).removesuffix(".")
    if len(words) > 240:
        words = f"{words[:120]} … {words[-110:]}"
    missing = LIBRARIES.get(raised.name) if isinstance(raised, NameError) else None
    return f"{words}. Write `{missing}` at the top of your cell" if missing else words


def _what_is_off(exercise, tried, wrong):
    """The mistake in words: a known one, one that all exercises share; then what came and what was expected."""
    first = next((each for each in wrong if each.error or each.came is None), wrong[0])
    words = []
    if len(wrong) < len(tried):
        words.append(f"Right in {len(tried) - len(wrong)} of {len(tried)} cases.")
    if first.error:
        words.append(f"For {first.case} your function raised {first.error}.")
    elif first.came is None:
        words.append(f"For {first.case} your function returns nothing: does each way through it end in a return?")
    else:
        pairs = [(each.came, each.expected) for each in wrong]
        if not (exercise.is_guess and _is_no_number(first)):
            words.append(_known_mistake(exercise, tried) or mistakes.shared(pairs, exercise.tolerance))
        words.append(_guessed(first) if exercise.is_guess else _what_came(first))
    if first.changed:
        words.append(f"And {_changed(first)}")
    return " ".join(filter(None, words))


def _what_came(tried):
    if mistakes.differ_in_shape(tried.came, tried.expected):
        return f"For {tried.case} expected shape {tried.expected.shape}, got {tried.came.shape}."
    if not mistakes.is_numbers(tried.expected) or tried.expected.size <= MOST_SHOWN:
        expected, came = _told_apart(tried.expected, tried.came)
        return f"For {tried.case} expected {expected}, got {came}."
    if not mistakes.is_numbers(tried.came):
        return f"For {tried.case} expected shape {tried.expected.shape}, got {_short(tried.came)}."
    place = mistakes.farthest_off(tried.came, tried.expected)
    expected, came = _told_apart(tried.expected[place], tried.came[place])
    where = list(map(int, place))
    return f"For {tried.case}, where it is farthest off, at {where}: expected {expected}, got {came}."


def _guessed(tried):
    """Of a guess only on which side it is: the learner is to think again."""
    if _is_no_number(tried):
        return f"Expected one number, without quotation marks, commas or a unit, got {_short(tried.came)}."
    if not isinstance(tried.expected, np.ndarray):
        return f"It is not {_short(tried.came)}."
    return f"{_short(tried.came)} is too {'large' if tried.came > tried.expected else 'small'}."


def _is_no_number(tried):
    """Something else where one number is expected, such as a pair: 1,000 is two numbers to Python."""
    is_number = isinstance(tried.came, np.ndarray) and not tried.came.ndim
    return isinstance(tried.expected, np.ndarray) and not tried.expected.ndim and not is_number


def _known_mistake(exercise, tried):
    """The words of the mistake with which the reference gives what came, in every case."""
    for words, mistaken in exercise.mistakes.items():
        if all(mistakes.close(each.came, _mistaken(exercise, mistaken, each), exercise.tolerance) for each in tried):
            return words
    return None


def _mistaken(exercise, mistaken, tried):
    try:
        with np.errstate(all="ignore"):
            return exercise.gives(mistaken, tried.case)
    except Exception:  # a mistake that cannot be made with these arguments
        return None


def _changed(tried):
    number = tried.changed[0] + 1
    return f"your function changes what it was given (argument {number}): work on a copy, such as array.copy()."


def _copy(argument):
    if isinstance(argument, np.ndarray):
        return argument.copy()
    if isinstance(argument, (list, tuple)) and type(argument) in (list, tuple):
        return type(argument)(map(_copy, argument))
    if isinstance(argument, dict):
        return {key: _copy(each) for key, each in argument.items()}
    return argument


def _is_untouched(lent, given):
    if isinstance(given, np.ndarray):
        return np.array_equal(lent, given, equal_nan=given.dtype.kind == "f")
    if isinstance(given, (list, tuple)):
        return len(lent) == len(given) and all(map(_is_untouched, lent, given))
    if isinstance(given, dict):
        return lent.keys() == given.keys() and all(_is_untouched(lent[key], given[key]) for key in given)
    return True


def _told_apart(*values):
    """Both in words, with more digits where they would look the same with a few."""
    few, many = ([_short(each, digits) for each in values] for digits in (4, 9))
    return many if few[0] == few[1] else few


def _short(values, digits=6):
    if not mistakes.is_numbers(values):
        return mistakes.quoted(values)
    if not values.ndim:
        return mistakes.written(values, digits)
    size = np.abs(values).max(initial=0, where=np.isfinite(values))
    values = np.where(np.abs(values) < 1e-12 * size, 0.0, values)  # what rounding leaves of a zero
    how = {"float_kind": lambda number: mistakes.written(number, digits)}
    return np.array2string(values, separator=", ", formatter=how)
