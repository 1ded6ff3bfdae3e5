"""The one error that cnnlens raises for input that cannot be used."""

import difflib


class CnnlensError(ValueError):
    """Input that cannot be used: the message names it, says what was expected, what came, what to do."""


class StandInRefused(CnnlensError):
    """Only a stand-in could be had, and the caller asked for the real thing (``--require-real``)."""


def unknown(kind, name, known):
    """The error for a name that does not exist, with the nearest names that do.

    Parameters
    ----------
    kind : str
        What the name was meant to name, such as ``"layer"``.
    name : str
        The name that came.
    known : iterable of str
        The names that exist.

    Returns
    -------
    CnnlensError
        To be raised by the caller.
    """
    known = [str(k) for k in known]
    lowered = {k.lower(): k for k in reversed(known)}
    near = [lowered[k] for k in difflib.get_close_matches(str(name).lower(), lowered, n=3, cutoff=0.5)]
    if near:
        hint = "Did you mean " + " or ".join(repr(k) for k in near) + "?"
    else:
        hint = "Known: " + ", ".join(known[:12]) + (", …" if len(known) > 12 else "") + "."
    return CnnlensError(f"There is no {kind} {name!r}. {hint}")


def first_line(error):
    """The first line of an error's text, at most 200 characters; its type if it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
