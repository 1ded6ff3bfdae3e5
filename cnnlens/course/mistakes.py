"""Mistakes that any exercise can meet, told from what came beside what was expected."""

import functools
import itertools

import numpy as np

DIGITS = 3
LONGEST = 100  # characters that are shown of an answer that is no numbers


def value(given):
    """An answer as it is compared: an array of floats where it can be one, NumPy's words as words, else as it is."""
    if isinstance(given, str) or (isinstance(given, np.ndarray) and given.dtype.kind == "U" and not given.ndim):
        return str(given)
    if given is None:
        return given
    try:
        return np.asarray(given, dtype=float)
    except Exception:  # whatever a learner's function gives
        return given


def close(came, expected, tolerance):
    """Whether two answers are the same: in shape, and in values up to the tolerance times the largest of them."""
    if not (is_numbers(came) and is_numbers(expected)):
        return type(came) is type(expected) and bool(np.array_equal(came, expected))
    if came.shape != expected.shape:
        return False
    room = tolerance * max(1.0, float(np.abs(expected).max(initial=0, where=np.isfinite(expected))))
    return np.allclose(came, expected, rtol=tolerance, atol=room, equal_nan=True)


def written(number, digits=DIGITS):
    """A number in so many digits, a whole one in all of its digits and without a dot behind it.

    Examples
    --------
    >>> written(26.0), written(113386.0), written(0.123456), written(999.9999), written(0.0000123)
    ('26', '113386', '0.123', '1000', '1.23e-05')
    """
    number = float(number) + 0.0  # which takes the sign off a zero
    if not number.is_integer():
        number = float(f"{number:.{digits}g}")
    return f"{number:.0f}" if number.is_integer() and abs(number) < 1e15 else f"{number:.{digits}g}"


def is_numbers(given):
    """Whether something is numbers as :func:`value` gives them."""
    return isinstance(given, (np.ndarray, np.floating)) and given.dtype.kind == "f"


def quoted(given):
    """What is no numbers as Python writes it, cut where that is long."""
    words = repr(given)
    return words if len(words) <= LONGEST else f"{words[:LONGEST]} …"


def farthest_off(came, expected):
    """The place, in arrays of one shape, where two answers differ most; what is nan in one of them only differs most.

    Examples
    --------
    >>> came, expected = np.array([[1.0, 2.0], [np.inf, np.nan]]), np.array([[1.0, 2.5], [np.inf, np.nan]])
    >>> list(map(int, farthest_off(came, expected)))
    [0, 1]
    """
    is_same = (came == expected) | (np.isnan(came) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        off = np.where(is_same, 0, np.nan_to_num(np.abs(came - expected), nan=np.inf))
    return np.unravel_index(off.argmax(), off.shape)


def differ_in_shape(came, expected):
    """Whether both are numbers, of different shapes."""
    return is_numbers(came) and is_numbers(expected) and came.shape != expected.shape


def shared(pairs, tolerance):
    """Words for the mistake that explains every wrong case; None where none of those known here does.

    Parameters
    ----------
    pairs : list of (came, expected)
        As :func:`value` gives them, of the cases that are wrong.
    tolerance : float
    """

    if not all(is_numbers(came) and is_numbers(expected) for came, expected in pairs):
        return _no_numbers(pairs)
    same = functools.partial(close, tolerance=tolerance)
    looks = (
        _one_number,
        _not_finite,
        _negative,
        _rounded,
        _turned,
        _mirrored,
        _added,
        _factor,
        _moved,
        _too_many,
        _part,
    )
    for look in looks:
        words = look(pairs, same)
        if words:
            return words
    return None


def _no_numbers(pairs):
    came, expected = next(pair for pair in pairs if not all(map(is_numbers, pair)))
    if is_numbers(expected):
        return (
            f"Expected numbers, got {quoted(came)}."
            if isinstance(came, str)
            else f"Expected numbers, got {type(came).__name__}."
        )
    return None


def _one_number(pairs, same):
    """An array of one value instead of the value, or the other way round."""
    if all(came.shape != expected.shape and came.size == expected.size == 1 for came, expected in pairs):
        came, expected = pairs[0]
        return "The value may be right, but its shape is another: " + (
            "one number is wanted, not an array that holds it." if expected.ndim == 0 else "an array is wanted."
        )
    return None


def _not_finite(pairs, same):
    came, expected = pairs[0]
    if np.isfinite(expected).all() and not np.isfinite(came).all():
        kind = "nan (not a number)" if np.isnan(came).any() else "inf (infinity)"
        return f"The answer holds {kind}: somewhere is a division by zero, a log of zero, or an overflow."
    return None


def _negative(pairs, same):
    if all(same(-came, expected) for came, expected in pairs):
        return "The sign is turned: each value is the negative of the right one."
    return None


def _rounded(pairs, same):
    def is_rounded(came, expected):
        if came.shape != expected.shape or not np.array_equal(came, np.round(came)):
            return False
        return any(np.array_equal(came, how(expected)) for how in (np.trunc, np.floor, np.ceil, np.round))

    if all(itertools.starmap(is_rounded, pairs)):
        return "The values are rounded to whole numbers: was the array made for integers, or // used for /?"
    return None


def _turned(pairs, same):
    """Axes swapped."""

    def is_turned(came, expected):
        if not 2 <= expected.ndim <= 4 or came.ndim != expected.ndim:
            return False
        orders = itertools.permutations(range(expected.ndim))
        return any(same(came.transpose(order), expected) for order in orders)

    if all(itertools.starmap(is_turned, pairs)):
        return "The answer is transposed: its values are right, but two axes are swapped."
    return None


def _mirrored(pairs, same):
    """Reversed along some axes."""

    def axes(came, expected):
        ways = itertools.chain.from_iterable(
            itertools.combinations(range(expected.ndim), count) for count in range(1, min(expected.ndim, 4) + 1)
        )
        return next((way for way in ways if same(np.flip(came, way), expected)), None)

    if all(came.shape == expected.shape and expected.ndim for came, expected in pairs):
        found = [axes(*pair) for pair in pairs]
        if None not in found:
            return f"The answer is flipped: its values run backwards along axis {' and '.join(map(str, found[0]))}."
    return None


def _factor(pairs, same):
    """The same factor in all cases, or one a case."""

    def factor(came, expected):
        if came.shape != expected.shape or not np.any(expected):
            return None
        found = float((came * expected).sum() / np.square(expected).sum())
        return found if found and same(came / found, expected) else None

    found = [factor(*pair) for pair in pairs]
    if None in found:
        return None
    values = sum(expected.size for _, expected in pairs)
    if values > 1 and np.allclose(found, found[0], rtol=1e-3):
        return f"The scale is off: each value is {written(found[0])} times what it should be."
    if all(expected.size > 1 for _, expected in pairs):
        named = ", ".join(map(written, found[:DIGITS]))
        return (
            f"The answer is right up to a factor that differs by case ({named}): it is not normalized as it should be."
        )
    return None


def _added(pairs, same):
    """The same number too much everywhere."""
    if any(came.shape != expected.shape or not came.size for came, expected in pairs):
        return None
    off = [float((came - expected).flat[0]) for came, expected in pairs]
    values = sum(expected.size for _, expected in pairs)
    if values > 1 and all(same(came - off[0], expected) for came, expected in pairs):
        by = f"{written(abs(off[0]))} too {'large' if off[0] > 0 else 'small'}"
        return (
            f"Off by one: each value is {by}."
            if abs(off[0]) == 1
            else f"Each value is {by}: something is added, or left out."
        )
    return None


def _moved(pairs, same):
    """Everything one place further along an axis."""

    def is_moved(came, expected):
        if came.shape != expected.shape:
            return False
        for axis in range(expected.ndim):
            count = expected.shape[axis]
            if count < 3:
                continue
            front, back = (np.take(expected, range(*ends), axis) for ends in ((0, count - 1), (1, count)))
            if same(np.take(came, range(1, count), axis), front) or same(np.take(came, range(count - 1), axis), back):
                return True
        return False

    if all(itertools.starmap(is_moved, pairs)):
        return "Off by one: the values are right but lie one place too far along an axis."
    return None


def _too_many(pairs, same):
    """One too many, or too few, along an axis; or another number of axes."""
    came, expected = pairs[0]
    if came.shape == expected.shape:
        return None
    if sorted(came.shape) == sorted(expected.shape) and came.ndim > 1:
        return "The shape is transposed."
    if came.ndim != expected.ndim:
        return f"The answer has {came.ndim} axes, not {expected.ndim}."
    off = [one - other for one, other in zip(came.shape, expected.shape)]
    if set(off) <= {-1, 0, 1}:
        axes = " and ".join(str(axis) for axis, by in enumerate(off) if by)
        return f"Off by one: there is one place too {'many' if sum(off) > 0 else 'few'} along axis {axes}."
    return None


def _part(pairs, same):
    """Right in a part: inside but not at the border, at one index of an axis only, or at all but one."""
    came, expected = pairs[0]
    if came.shape != expected.shape or not expected.ndim:
        return None
    right = np.isclose(came, expected, rtol=1e-3, atol=1e-3 * max(1e-6, float(np.abs(expected).max(initial=0))))
    if not right.any():
        return None
    if expected.ndim >= 2 and min(expected.shape[:2]) >= 3 and right[1:-1, 1:-1].all() and right.mean() < 0.8:
        return "Right inside, wrong at the border."
    for axis, count in enumerate(expected.shape if expected.ndim > 1 else ()):
        others = tuple(other for other in range(expected.ndim) if other != axis)
        whole, none = right.all(others), ~right.any(others)
        if count > 2 and whole.sum() == 1:
            return f"Right only at index {np.flatnonzero(whole)[0]} of axis {axis}."
        if count > 2 and none.sum() == 1 and whole.sum() == count - 1:
            return f"Wrong only at index {np.flatnonzero(none)[0]} of axis {axis}."
    first = tuple(int(place) for place in np.argwhere(~right)[0])
    return f"Right in {right.sum()} of {right.size} values; the first that is off is at {list(first)}."
