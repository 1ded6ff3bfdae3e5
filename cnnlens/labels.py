"""Names of classes: which output a label means, and what an output is called."""

import numpy as np

from .errors import CnnlensError, unknown


def class_name(classes, index):
    """The name of a class, readable; its number where it has no name."""
    return str(classes[index]).replace("_", " ") if classes is not None else f"class {index}"


def class_names(classes, count):
    """The names of ``count`` classes, as they are; of classes without names their numbers."""
    return tuple(map(str, classes)) if classes is not None else tuple(f"class {i}" for i in range(count))


def most_likely(classes, answer, count=5):
    """The most likely classes of one answer (C,): the number of each by a name to choose it by, the likeliest first.

    Examples
    --------
    >>> most_likely(["tabby_cat", "dog", "fox"], np.array([0.7, 0.1, 0.2]), 2)
    {'tabby cat (0)': 0, 'fox (2)': 2}
    """
    best = np.argsort(-answer, kind="stable")[:count]
    return {f"{class_name(classes, i)} ({i})": int(i) for i in best}


def class_index(label, classes, count):
    """The output that a label means.

    Parameters
    ----------
    label : str or int
        Case does not matter, and a space is as good as an underscore.
    classes : sequence of str or None
    count : int
        Number of outputs.

    Raises
    ------
    CnnlensError
        If there is no such class (names the nearest), or several have this name.
    """
    if isinstance(label, (int, np.integer)) and not isinstance(label, bool):
        if 0 <= label < count:
            return int(label)
        raise CnnlensError(f"There is no class {label}: the classifier has {count}, numbered from 0.")
    if classes is None:
        raise CnnlensError(
            f"Class {label!r} cannot be looked up, because the classifier's classes have no names. "
            "Give a number or classes=[…]."
        )
    plain = [str(name).lower().replace("_", " ") for name in classes]
    wanted = str(label).lower().replace("_", " ")
    found = [i for i, name in enumerate(plain) if name == wanted]
    if not found:
        raise unknown("class", label, classes)
    if len(found) > 1:
        raise CnnlensError(
            f"{len(found)} classes are called {label!r}. Give the number: {' or '.join(map(str, found))}."
        )
    return found[0]
