"""What a worker has at hand for all tasks of a run."""

import os
import threading
from unittest import mock

from distributed import WorkerPlugin

from .. import fingerprints
from ..errors import CnnlensError
from ..timing import timed
from .versions import same

HEEDED = ("CNNLENS_OFFLINE", "CNNLENS_REQUIRE_REAL")  # environment variables that are to hold on workers too


class Equipment(WorkerPlugin):
    """Dask gives it to every worker, also to those that come later.

    Parameters
    ----------
    prepare : callable
        Called once on each worker; makes there what the work needs. Pickled.
    work : callable
        Takes what was prepared, a task, and what the task needs. Pickled.
    name : str
    """

    def __init__(self, prepare, work, name):
        self.name, self.environment = name, fingerprints.of_environment()
        self._prepare, self._work = prepare, work
        self._heeded = {each: os.environ[each] for each in HEEDED if each in os.environ}

    def setup(self, worker):
        """Called by Dask on the worker."""
        self.address, self.lock, self.prepared = worker.address, threading.Lock(), None

    def teardown(self, worker):
        """Called by Dask on the worker, when the run is over."""
        self.prepared = None

    def work(self, task, given):
        """Do a task: what it gives, and the seconds that it took.

        A worker of several threads does one task at a time, whose work TensorFlow divides among the cores.
        """
        with self.lock, mock.patch.dict(os.environ, self._heeded):
            if self.prepared is None:
                same(f"Worker {self.address}", fingerprints.of_environment(), self.environment)
                try:
                    self.prepared = (self._prepare(),)
                except CnnlensError as error:
                    raise CnnlensError(f"Worker {self.address} cannot use the network. {error}") from error
            return timed(self._work, *self.prepared, task, given)
