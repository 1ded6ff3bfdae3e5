"""A client of a cluster, of this machine or of many; and a new one when its scheduler was lost and is back."""

import contextlib
import logging
import multiprocessing
import os
import sys
import time
from concurrent.futures import CancelledError

import dask
from dask.system import CPU_COUNT
from distributed import Client, Nanny, Scheduler, SpecCluster
from distributed.utils import get_mp_context
from tqdm.auto import tqdm

from .. import device
from ..errors import CnnlensError, first_line
from .versions import compared

PATIENCE = 10  # seconds that a scheduler may take to answer
RETURN = 600  # seconds that a lost one may take to come back
LOOPBACK = "127.0.0.1"
FORKED = {"distributed.worker.multiprocessing-method": "forkserver"}
IMPORTED = ["cnnlens.cluster.equipment", "cnnlens.cluster.sent"]  # TensorFlow and Dask with them
QUIET = {"distributed.admin.large-graph-warning-threshold": "4GB"}  # the images of a task are meant to go with it
LOST = (OSError, CancelledError)  # with which Dask tells that a scheduler is gone


class Unreachable(CnnlensError):
    """No scheduler answers."""


class Lost(Exception):
    """The scheduler that there was is gone."""


@contextlib.contextmanager
def told_lost(unless=lambda: False):
    """While a block speaks with the scheduler: what Dask raises when it is gone, as one exception."""
    try:
        yield
    except LOST as error:
        if unless():
            raise
        raise Lost(first_line(error)) from error


@contextlib.contextmanager
def opened(workers=None, address=None, progress=True):
    """A connection to a cluster each of whose workers has the versions that this process has.

    Parameters
    ----------
    workers, address, progress
        As for :func:`cnnlens.cluster.connected`; one of the first two.

    Yields
    ------
    Connection
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set(QUIET))
        stack.enter_context(_silent("distributed.client"))  # a lost scheduler is told once, by our own words
        if address is None:
            cards = len(device.gpus())
            stack.enter_context(_forking(cards))
            address = stack.enter_context(_local(workers, cards)).scheduler_address
        found = stack.enter_context(contextlib.closing(Connection(address)))
        if progress:
            said(dashboard(found.client))
        found.ready()
        yield found


class Connection:
    """A client, which is another one after the scheduler was lost.

    Attributes
    ----------
    client : distributed.Client
    address : str
        Of the scheduler.
    """

    def __init__(self, address):
        self.client = _client(address)
        self.address = self.client.scheduler.address

    def ready(self):
        """Wait until there is a worker, and compare versions.

        Raises
        ------
        CnnlensError
            If a worker has another version.
        """
        if not self.client.nthreads():
            said(f"No worker yet: waiting for one. Start it with: dask worker {self.address}")
            self.client.wait_for_workers(1)
        compared(self.client)

    def again(self, lost):
        """Wait until the scheduler is back, and connect to it anew.

        Parameters
        ----------
        lost : Lost

        Raises
        ------
        CnnlensError
            If it does not come back within ``RETURN`` seconds, or with workers of another version.
        """
        minutes = f"{RETURN / 60:.0f} min" if RETURN >= 60 else f"{RETURN} s"
        said(
            f"The Dask scheduler at {self.address} was lost ({lost}). Waiting up to {minutes} until it is "
            "back there: start it again, and its workers, which end with it. Ctrl-C stops; what is finished is kept."
        )
        end = time.monotonic() + RETURN
        while not self._returned():
            if time.monotonic() > end:
                raise CnnlensError(
                    f"The Dask scheduler at {self.address} was lost ({lost}), and was not back within "
                    f"{minutes}. What is finished is kept: start the scheduler and its workers again, then the same "
                    "command, which goes on."
                ) from lost
            time.sleep(1)
        said(f"The scheduler at {self.address} is back: what was lost with it is done again.")

    def _returned(self):
        self.close()
        try:
            self.client = _client(self.address)
            self.ready()
        except (Unreachable, *LOST):
            return False
        return True

    def close(self):
        """Take leave of the scheduler."""
        with contextlib.suppress(Exception):  # of one that is gone
            self.client.close(PATIENCE)


def said(words):
    """Say something beside the bars of progress."""
    tqdm.write(words, file=sys.stderr)


@contextlib.contextmanager
def _silent(name):
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _client(address):
    try:
        return Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise Unreachable(
            f"No Dask scheduler answers at {str(address)!r} ({first_line(error)}). Expected an address such as "
            "tcp://10.0.0.1:8786. Start one with: dask scheduler; and workers with: dask worker ADDRESS."
        ) from error


@contextlib.contextmanager
def _forking(cards):
    """While a block runs, Dask forks workers from one process that has imported TensorFlow.

    It takes each of them 4 s of the processor and 250 MB otherwise. Not where GPUs are shared out, by a variable of the
    environment that is to be there before, nor on macOS, whose libraries do not bear to be forked.
    """
    if cards or sys.platform != "linux":
        yield
        return
    with dask.config.set(FORKED):
        get_mp_context()  # has its own preloading behind it
        multiprocessing.get_context("forkserver").set_forkserver_preload(IMPORTED)
        yield


def _local(count, cards):
    """A scheduler in this process, and workers in processes of their own, which restart when they are killed."""
    if cards and count > cards:
        raise CnnlensError(
            f"workers={count}: expected at most {cards}, since each takes a GPU and this machine has so many."
        )
    scheduler = {"host": LOOPBACK, "port": 0, "dashboard": True, "dashboard_address": f"{LOOPBACK}:0"}
    common = {"host": LOOPBACK, "nthreads": 1, "memory_limit": 0, "silence_logs": logging.ERROR}
    return SpecCluster(
        scheduler={"cls": Scheduler, "options": scheduler},
        workers={
            number: {"cls": Nanny, "options": {**common, "env": {**os.environ, **shared_out(number, count, cards)}}}
            for number in range(count)
        },
        silence_logs=logging.CRITICAL,
    )


def shared_out(number, count, cards, cores=CPU_COUNT):
    """Environment variables with which a worker takes its part of a machine.

    Parameters
    ----------
    number, count : int
        Which of how many workers.
    cards, cores : int
        GPUs and cores of the machine.

    Examples
    --------
    >>> shared_out(1, 2, cards=0, cores=8)
    {'TF_NUM_INTRAOP_THREADS': '4', 'TF_NUM_INTEROP_THREADS': '4'}
    >>> shared_out(1, 2, cards=2, cores=8)["CUDA_VISIBLE_DEVICES"]
    '1'
    """
    threads = str(max(1, cores // count))
    own = {"TF_NUM_INTRAOP_THREADS": threads, "TF_NUM_INTEROP_THREADS": threads}
    return {**own, "CUDA_VISIBLE_DEVICES": str(number)} if cards else own


def dashboard(client):
    """Where Dask shows what its workers do."""
    if client.get_versions(packages=["bokeh"])["scheduler"]["packages"].get("bokeh") is None:
        return "Dask's dashboard is not shown: the scheduler has no Bokeh (pip install bokeh)."
    return f"Dask's dashboard: {client.dashboard_link}"
