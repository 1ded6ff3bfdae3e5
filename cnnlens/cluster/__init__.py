"""Past one process: independent pieces of work, done one after the other here, or by the workers of a Dask cluster.

Both are engines (:func:`engine`): callables from jobs (task, what it needs) to what they give (task, what came out,
seconds). Who has jobs, such as the microscope, the scorecard and ``cnnlens neurons``, needs no Dask unless workers are
asked for.
"""

import contextlib
import functools

from ..errors import CnnlensError
from ..lenses.neurons import whole_number
from ..timing import timed


class Loop:
    """The plain loop: one job after the other, in this process.

    Parameters
    ----------
    work : callable
        Takes a task and what it needs.

    Examples
    --------
    >>> [(task, found) for task, found, seconds in Loop(pow)([(2, 3), (3, 2)])]
    [(2, 8), (3, 9)]
    """

    at_once = 1

    def __init__(self, work):
        self._work = work

    def __call__(self, jobs):
        """Do jobs (task, what it needs); yields (task, what it gave, seconds)."""
        for task, given in jobs:
            yield task, *timed(self._work, task, given)


def engine(connection, work, here, send, named=str):
    """What does jobs, as a context: the plain loop, or the workers of a cluster.

    Parameters
    ----------
    connection : Connection or None
        As :func:`connected` gives it.
    work : callable
        From what it needs for all tasks, a task, and what it needs for this one, to what it finds.
    here : object
        What it needs for all tasks, in this process.
    send : callable
        Gives what makes the same on a worker (:class:`~.equipment.Equipment`); called when there is a first job.
    named : callable
        What Dask's dashboard calls a task.

    Examples
    --------
    >>> with engine(None, pow, 2, None) as doing:
    ...     [found for task, found, seconds in doing([(3, None), (4, None)])]
    [8, 16]
    """
    if connection is None:
        return contextlib.nullcontext(Loop(functools.partial(work, here)))
    from .workers import Workers

    return Workers(connection, send, work, named)


@contextlib.contextmanager
def connected(workers=None, cluster=None, progress=True):
    """A connection to a cluster that can be used, on which :class:`~.workers.Workers` work; None if none is asked for.

    Parameters
    ----------
    workers : int, optional
        So many processes are started on this machine, and ended with the context.
    cluster : str, optional
        The address of a scheduler that is there.
    progress : bool
        Say where Dask's dashboard is.

    Yields
    ------
    Connection or None

    Raises
    ------
    CnnlensError
        If both are given, Dask is missing, there is no such scheduler, or a worker has other versions.
    """
    if workers is not None and cluster is not None:
        raise CnnlensError(
            f"Both workers ({workers}) and cluster ({cluster}) were given. Expected one of the two: processes of this "
            "machine, or the workers that a cluster has."
        )
    if workers is None and cluster is None:
        yield None
        return
    if workers is not None:
        whole_number("workers", workers)
    try:
        from . import connection
    except ImportError as error:
        raise CnnlensError('Workers need Dask: pip install "cnnlens[microscope]".') from error
    with connection.opened(workers, cluster, progress) as found:
        yield found
