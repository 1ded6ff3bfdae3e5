"""Processes of the tests' own, forked from one that has imported TensorFlow and Dask.

To import both takes a process longer than its work. This file is imported in each, and so imports no test.
"""

import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path
from unittest import mock

from cnnlens.cluster.connection import IMPORTED
from cnnlens.microscope import units

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([*IMPORTED, "distributed.cli.dask_worker"])


class Forked(FORKS.Process):
    """A function in a process of its own, which is asked as a ``Popen`` is; what it says goes to the end of a file.

    A microscope in it comes no further than to a second batch of units while there is a file ``held`` beside that
    file: so it is in mid-run, and its task in mid-task, as long as a test looks.
    """

    def __init__(self, function, log, **environment):
        super().__init__()
        self.function, self.log, self.environment = function, Path(log), {**os.environ, **environment}
        # Also the settings of the process that it is forked from, if there is none yet.
        with mock.patch.dict(os.environ, self.environment):
            self.start()

    def run(self):
        os.environ.clear()  # it may have other settings than this process has by now
        os.environ.update(self.environment)
        os.chdir(self.log.parent)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores Ctrl-C
        with open(self.log, "a") as log:
            for stream in (1, 2):
                os.dup2(log.fileno(), stream)
        with mock.patch.object(units, "pictures", waiting(units.pictures, self.log.with_name("held"))):
            sys.exit(self.function())

    def poll(self):
        return self.exitcode

    def wait(self, seconds=None):
        self.join(seconds)
        return self.exitcode

    def send_signal(self, number):
        os.kill(self.pid, number)


def waiting(pictures, held):
    """What makes the pictures of a batch of units, but waits before a second one as long as there is a file."""

    def made(net, plan, task, *given):
        while task.number and held.exists():
            time.sleep(0.02)
        return pictures(net, plan, task, *given)

    return made


def dask(*arguments):
    """Dask's own command, as a user calls it."""
    from dask.cli import run_cli

    sys.argv = ["dask", *arguments]
    run_cli()


def looks(*arguments):
    """``cnnlens microscope``."""
    from cnnlens.__main__ import main

    return main(["microscope", *map(str, arguments)])
