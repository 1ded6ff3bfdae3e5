"""How long something takes."""

import time


def timed(function, *given):
    """What a function gives, and how many seconds it took.

    Examples
    --------
    >>> timed(sum, (1, 2))[0]
    3
    """
    began = time.perf_counter()
    return function(*given), time.perf_counter() - began
