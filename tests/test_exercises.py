"""Exercises: each check on the solution, a second right answer and planted wrong ones; and the words that all share."""

import importlib
import re
from types import SimpleNamespace

import numpy as np
import pytest

from cnnlens.course import check, diary, exercise, lesson, progress, verdict
from cnnlens.course.exercise import Exercise, judge
from cnnlens.errors import CnnlensError

EXERCISES = exercise.exercises()
LESSONS = lesson.lessons()


def planted(name):
    """The module of tests/exercises with the answers of a lesson."""
    return importlib.import_module(f"exercises.{name.partition('_')[2]}")


TABLES = {name: planted(name) for name in LESSONS}


@pytest.mark.parametrize("name", TABLES)
def test_each_exercise_of_a_lesson_has_its_answers(name):
    names = {each.name for each in EXERCISES.values() if each.lesson == name}
    assert len(names) >= 3
    assert set(TABLES[name].RIGHT) == set(TABLES[name].WRONG) == names
    for answers in TABLES[name].WRONG.values():
        assert len(answers) >= 3 and all(re.search(r"[a-z]{3}", words) for words, _ in answers)


@pytest.mark.parametrize("name", [name for table in TABLES.values() for name in table.RIGHT])
def test_a_second_right_answer_passes(name):
    found = verdict(name, TABLES[EXERCISES[name].lesson].RIGHT[name])
    assert found.passed, found


@pytest.mark.parametrize(
    "name, number",
    [(name, n) for table in TABLES.values() for name, all in table.WRONG.items() for n in range(len(all))],
)
def test_a_wrong_answer_is_told_its_mistake(name, number):
    words, answer = TABLES[EXERCISES[name].lesson].WRONG[name][number]
    found = verdict(name, answer)
    assert found.state == "failed" and words in found.message, found


@pytest.mark.parametrize("name", EXERCISES)
def test_known_mistakes_are_sentences_and_differ_from_the_reference(name):
    """A mistake that gives what the reference gives, or what another one gives, would never be named."""
    one = EXERCISES[name]
    assert one.lesson in LESSONS, "the file of its check is named after no lesson"
    for words, mistaken in one.mistakes.items():
        assert re.fullmatch(r"[A-Z0-9].*[.?]", words)
        found = judge(one, mistaken if not one.is_guess else mistaken())
        assert found.state == "failed" and words in found.message, found


# --- words that all exercises share -----------------------------------------------------------------------------------


def grid(*shape):
    return np.arange(1.0, 1 + np.prod(shape)).reshape(shape) ** 1.5


def twice(values):
    return 2 * values


def raises_for_five_rows(values):
    if len(values) == 5:
        raise ValueError("five")
    return twice(values)


TWICE = Exercise("twice", "", twice, lambda: {"a 3 × 4 grid": (grid(3, 4),), "a 5 × 3 grid": (grid(5, 3),)})
SHARED = {
    "nothing of the kind": ("For a 3 × 4 grid expected [[2, 5.657, ", lambda values: values**2),
    "raises": ("your function raised ZeroDivisionError: ", lambda values: 1 / 0),
    "raises once": ("Right in 1 of 2 cases. For a 5 × 3 grid your function raised", raises_for_five_rows),
    "returns nothing once": ("does each way through it end in a return", lambda v: twice(v) if len(v) == 3 else None),
    "no numbers": ("Expected numbers, got 'four'", lambda values: "four"),
    "an object": ("Expected numbers, got object", lambda values: object()),
    "nan": ("nan (not a number)", lambda values: 0 * values / 0),
    "infinity": ("inf (infinity)", lambda values: values / 0),
    "sign": ("The sign is turned", lambda values: -2 * values),
    "whole numbers": ("rounded to whole numbers", lambda values: twice(values).astype(int)),
    "transposed": ("transposed", lambda values: twice(values).T),
    "flipped": ("flipped: its values run backwards along axis 1", lambda values: twice(values)[:, ::-1]),
    "a factor": ("each value is 0.5 times what it should be", lambda values: values),
    "not normalized": ("not normalized", lambda values: twice(values) * values.size),
    "one too large": ("Off by one: each value is 1 too large", lambda values: twice(values) + 1),
    "something added": ("is 3.5 too small", lambda values: twice(values) - 3.5),
    "moved by a place": ("lie one place too far", lambda values: np.roll(twice(values), 1, 0)),
    "a row too many": ("one place too many along axis 0", lambda values: np.pad(twice(values), ((0, 1), (0, 0)))),
    "a column too few": ("one place too few along axis 1", lambda values: twice(values)[:, 1:]),
    "another number of axes": ("The answer has 1 axes, not 2", lambda values: twice(values).ravel()),
    "the border": ("Right inside, wrong at the border", lambda v: np.pad(twice(v)[1:-1, 1:-1], 1)),
    "one class only": (
        "Right only at index 0 of axis 1",
        lambda v: np.where(np.arange(v.shape[1]) == 0, twice(v), v**2),
    ),
    "all but one class": (
        "Wrong only at index 1 of axis 1",
        lambda v: np.where(np.arange(v.shape[1]) == 1, v**2, twice(v)),
    ),
    "some values": (
        "Right in 10 of 12 values; the first that is off is at [2, 2]",
        lambda v: np.where(v < 36, twice(v), v**2),
    ),
}


@pytest.mark.parametrize("words, answer", SHARED.values(), ids=SHARED)
def test_shared_mistakes_are_named(words, answer):
    found = judge(TWICE, answer)
    assert found.state == "failed" and words in found.message, found


def test_what_is_not_wrong_is_not_called_so():
    assert judge(TWICE, twice).passed
    assert judge(TWICE, lambda values: (2 * values).tolist()).passed
    assert judge(TWICE, lambda values: (2 * values).astype(np.float32)).passed
    assert judge(TWICE, lambda values: None).state == "pending"

    def not_begun(values):
        raise NotImplementedError

    assert judge(TWICE, not_begun).state == "pending"


def test_numbers_are_written_as_people_write_them():
    """A whole number has no dot behind it, and two that differ are not written alike."""

    def said(expected, came):
        return judge(Exercise("numbers", "", lambda: np.array(expected), lambda: {"it": ()}), lambda: came).message

    assert "expected [26, 0.5, 0], got [25, 0.5, 0]." in said([26.0, 0.5, 0.0], [25.0, 0.5, -0.0])
    assert "expected 113386, got 113389." in said(113386.0, 113389.0)
    assert "expected 0.33331, got 0.33334." in said(0.33331, 0.33334)
    assert "expected [0.33331, 2], got [0.33334, 2]." in said([0.33331, 2.0], [0.33334, 2.0])
    assert "expected [1, 0], got [2, 0]." in said([1.0, 1e-17], [2.0, -1e-17])
    assert "each value is 1000 times" in said([0.5, 1.5], [500.0, 1500.0])


def test_of_a_large_answer_one_value_is_shown_and_a_long_one_is_cut():
    def said(came, expected=np.zeros((4, 5, 3))):
        return judge(Exercise("large", "", lambda: expected, lambda: {"it": ()}), lambda: came).message

    wrong = np.arange(60.0).reshape(4, 5, 3) % 7
    wrong[2, 4, 1] = 26
    assert "For it, where it is farthest off, at [2, 4, 1]: expected 0, got 26." in said(wrong)
    wrong[1, 1, 1] = np.nan
    assert "at [1, 1, 1]: expected 0, got nan." in said(wrong)
    assert all(len(said(came)) < 400 for came in ("a" * 1000, ["a"] * 1000, np.full((4, 5, 3), "a"), object()))


def test_an_error_takes_one_line_and_a_missing_library_is_named():
    def raises(values):
        raise ValueError(f"Passed in object {grid(30, 4)} of type ndarray, not Tensor")

    said = judge(TWICE, raises).message
    assert "ValueError: Passed in object [[1." in said and "of type ndarray, not Tensor." in said
    assert "\n" not in said and len(said) < 400
    for name, words in {"np": "`import numpy as np`", "tf": "`import tensorflow as tf`", "other": None}.items():
        said = judge(TWICE, lambda values, name=name: eval(name, {})).message
        assert f"name {name!r} is not defined" in said
        assert (f"Write {words} at the top of your cell." in said) if words else "Write" not in said


def test_one_number_in_each_case_is_looked_at_as_well():
    one = Exercise("total", "", np.sum, lambda: {"three": (np.ones(3),), "four": (np.ones(4),)})
    assert "one number is wanted" in judge(one, lambda values: [values.sum()]).message
    assert "The sign is turned" in judge(one, lambda values: -values.sum()).message
    assert "each value is 2 times" in judge(one, lambda values: 2 * values.sum()).message
    assert "Off by one: each value is 1 too large" in judge(one, lambda values: values.sum() + 1).message


def test_an_argument_that_is_written_into_is_noticed_and_the_next_case_is_whole():
    def in_place(values):
        values *= 2
        return values

    found = judge(TWICE, in_place)
    assert found.state == "failed" and "changes what it was given (argument 1)" in found.message
    also_wrong = judge(TWICE, lambda values: -in_place(values)).message
    assert "sign" in also_wrong and "changes what it was given" in also_wrong


def test_the_reference_is_asked_once_and_of_what_no_answer_has_written_into():
    asked = []

    def reference(lent):
        asked.append(lent)
        return lent.size

    one = Exercise("size", "", reference, lambda: {"a thing that is not copied": (SimpleNamespace(size=1),)})

    def spoils(lent):
        lent.size = 7
        return lent.size

    assert "expected 1, got 7" in judge(one, spoils).message
    assert judge(one, lambda lent: lent.size).passed and len(asked) == 1


def test_a_wrong_guess_is_not_told_the_answer():
    guess = Exercise("places", "", lambda: 26, None, {"That is with padding.": lambda: 28})
    assert judge(guess, None).state == "pending" and judge(guess, 26).passed and judge(guess, 26.0).passed
    for wrong, words in (
        (28, "That is with padding. 28 is too large"),
        (3, "too small"),
        ("x", "Expected one number"),
        ("26 places", "without quotation marks"),
        ((26, 1), "Expected one number"),
        (np.nan, "nan"),
    ):
        found = judge(guess, wrong)
        told = found.message.removesuffix(f"got {wrong!r}.").removesuffix("got [26, 1].")
        assert found.state == "failed" and words in found.message and "26" not in told


def test_words_are_compared_as_words():
    one = Exercise("word", "", lambda number: "odd" if number % 2 else "even", lambda: {"three": (3,), "four": (4,)})
    assert judge(one, one.reference).passed
    assert "Right in 1 of 2 cases. For four expected 'even', got 'odd'" in judge(one, lambda number: "odd").message
    assert judge(one, lambda number: np.where(number % 2, "odd", "even")).passed
    assert judge(one, lambda number: np.array(["even", "odd"])[number % 2]).passed
    assert "got array(['odd']" in judge(one, lambda number: np.array(["odd"])).message


def test_words_in_the_place_of_numbers_do_not_stop_a_check():
    found = judge(TWICE, lambda values: np.full(values.shape, "two"))
    assert found.state == "failed" and "Expected numbers, got ndarray" in found.message


# --- progress ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def own_file(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNLENS_PROGRESS", str(tmp_path / "new" / "progress.json"))
    return tmp_path / "new" / "progress.json"


def right(side, channels, filters):
    return (side * side * channels + 1) * filters


def test_what_is_done_is_remembered_and_shown(own_file, capsys):
    check("parameters", lambda *_: None)
    check("parameters", lambda *_: 3)
    assert not own_file.exists()
    check("parameters", right)
    count = sum(each.lesson == EXERCISES["parameters"].lesson for each in EXERCISES.values())
    assert f"1 of {count} in this lesson, 1 of {len(EXERCISES)} in all." in capsys.readouterr().out
    assert list(diary.done()) == ["parameters"]
    progress()
    text = capsys.readouterr().out
    assert "✓ parameters" in text and "… convolution" in text and str(own_file) in text
    assert all(name in text for name in [*LESSONS, *EXERCISES])


def test_a_damaged_file_is_left_and_said(own_file, capsys):
    own_file.parent.mkdir()
    for damage in ("{", "[]", '{"a": 1}'):
        own_file.write_text(damage)
        check("parameters", right)
        text = capsys.readouterr().out
        assert "✓ Right" in text and "progress is not kept" in text and "Delete it" in text
        assert own_file.read_text() == damage
        with pytest.raises(CnnlensError, match="not a record of progress"):
            progress()


def test_a_folder_that_cannot_be_made_does_not_stop_the_lesson(monkeypatch, tmp_path, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CNNLENS_PROGRESS", str(tmp_path / "file" / "progress.json"))
    check("parameters", right)
    assert "progress is not kept" in capsys.readouterr().out


def test_headless_runs_keep_nothing(own_file, monkeypatch, capsys):
    monkeypatch.setenv("CNNLENS_HEADLESS", "1")
    check("parameters", right)
    assert not own_file.exists() and "in this lesson" not in capsys.readouterr().out


def test_without_the_variable_it_lies_with_the_users_data(monkeypatch):
    import platformdirs

    monkeypatch.delenv("CNNLENS_PROGRESS")
    assert diary.path() == platformdirs.user_data_path("cnnlens") / "progress.json"
