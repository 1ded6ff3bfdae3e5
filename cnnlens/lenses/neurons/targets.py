"""What each image is made for: units, several units together, directions, or a whole layer."""

import operator

import numpy as np

from ...errors import CnnlensError

SHEET = 64  # units that fit on a sheet, 8×8


def targets(place, units=None, directions=None):
    """What each image is made for.

    Parameters
    ----------
    place : Layer
    units, directions
        As for :func:`.maximize`.

    Returns
    -------
    weights : ndarray (U, units of the layer) float32, or None for the whole layer
    numbers : ndarray (U,) int
    names : tuple of U str

    Raises
    ------
    CnnlensError
        If a unit is out of range or no number, or a direction has the wrong length or none.

    Examples
    --------
    >>> from cnnlens import zoo
    >>> place = zoo.load("lenet", weights="random").layer("conv1")
    >>> targets(place, units=[3, (0, 5)])[2]
    ('unit 3', 'unit 0 + 5')
    """
    if directions is not None:
        rows = _unit_length(place, directions)
        return rows, np.full(len(rows), -1), tuple(f"direction {i}" for i in range(len(rows)))
    expected = f"Expected numbers from 0 to {place.units - 1}, tuples of them, or 'layer'."
    if isinstance(units, str):
        if units != "layer":
            raise CnnlensError(f"units={units!r} is not understood. {expected}")
        return None, np.array([-1]), ("whole layer",)
    units = range(min(place.units, SHEET)) if units is None else units
    asked = list(units) if np.iterable(units) else [units]
    if not asked:
        raise CnnlensError(f"units is empty. {expected}")
    weights, numbers, names = np.zeros((len(asked), place.units), np.float32), [], []
    for row, item in zip(weights, asked):
        together = item if np.iterable(item) and not isinstance(item, str) else [item]
        several = [unit_number(place, unit) for unit in together]
        row[several] = 1 / len(several)
        numbers.append(several[0] if len(several) == 1 else -1)
        names.append("unit " + " + ".join(map(str, several)))
    return weights, np.array(numbers), tuple(names)


def unit_number(place, unit):
    """A unit of a layer as int, or the error that says which there are.

    Examples
    --------
    >>> from cnnlens import zoo
    >>> place = zoo.load("lenet", weights="random").layer("conv1")
    >>> unit_number(place, np.int64(3))
    3
    >>> unit_number(place, 32)
    Traceback (most recent call last):
    cnnlens.errors.CnnlensError: There is no unit 32. Layer 'conv1' has units 0 to 31.
    """
    known = f"Layer {place.path!r} has units 0 to {place.units - 1}."
    try:
        number = operator.index(unit)
    except TypeError:
        raise CnnlensError(f"Unit {unit!r} is no whole number. {known}") from None
    if not 0 <= number < place.units:
        raise CnnlensError(f"There is no unit {number}. {known}")
    return number


def whole_number(name, value):
    """A number of steps or the like: an int of at least 1.

    Examples
    --------
    >>> whole_number("steps", 2)
    2
    >>> whole_number("steps", 0)
    Traceback (most recent call last):
    cnnlens.errors.CnnlensError: steps=0 is no whole number of at least 1.
    """
    if not isinstance(value, (int, np.integer)) or value < 1:
        raise CnnlensError(f"{name}={value!r} is no whole number of at least 1.")
    return int(value)


def _unit_length(place, directions):
    rows = np.atleast_2d(np.asarray(directions, np.float32))
    if rows.ndim != 2 or rows.shape[1] != place.units:
        wanted = f"(number of directions, {place.units})"
        raise CnnlensError(f"Directions have shape {rows.shape}; layer {place.path!r} wants {wanted}.")
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    if not (np.isfinite(length) & (length > 0)).all():
        raise CnnlensError(
            "A direction of length zero, or with NaN, points nowhere. Give each at least one number that is not 0."
        )
    return rows / length
