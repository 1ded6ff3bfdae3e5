"""The parts of a book that need no lesson, made by two processes of their own, best beside the last lesson.

One makes the pages to draw for. The other writes the pages of the library and of the scorecard and has Sphinx read
them: what Sphinx has read is kept on the disk, and who makes the site has only the lessons left to read.
"""

import contextlib
import os
import shutil
import signal
import tempfile
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from ...errors import CnnlensError
from .. import forked, runner

SOURCE = Path(__file__).with_name("source")
PLAYGROUNDS = {"lenet": {}, "vgg4": {"steps": 0}}  # what VGG4's units look for takes a minute, and is left out


class Parts:
    """Parts of a book, begun or not.

    Attributes
    ----------
    folder : Path
        As :func:`.reading.sphinx` takes it.
    library : bool or sequence of str
        With the pages of the library, or of some of its rooms.
    playground : dict of str to dict
        With the pages to draw for: by name of the network, options of :func:`cnnlens.playground.page`.
    """

    def __init__(self, folder, pool, library, playground):
        self.folder, self.library, self.playground = folder, library, playground
        self._pool, self._works = pool, []

    def start(self):
        """Have the processes begin, unless they have."""
        if self._works:
            return
        source = self.folder / "source"
        shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("__pycache__"))
        (source / "extra").mkdir()
        self._works = [
            self._pool.submit(_read, self.folder, self.library),
            self._pool.submit(_draw, source / "extra" / "playground", self.playground),
        ]

    def wait(self):
        """Wait until all is there.

        Returns
        -------
        complaints : list of str
            What Sphinx complained of.
        shown : dict of str to str
            What each page to draw for shows, by name of the network.

        Raises
        ------
        CnnlensError
            If a process died.
        """
        self.start()
        try:
            complaints, shown = (work.result() for work in self._works)
        except BrokenProcessPool as error:
            raise CnnlensError(
                "A process that made a part of the book died; most often memory ran out. Close other programs and make "
                "the book again: cnnlens book."
            ) from error
        self._pool.shutdown()  # before Sphinx forks
        return complaints, shown


@contextlib.contextmanager
def parts(*, library=True, playground=True):
    """A context with :class:`Parts` of a book, not yet begun; at its end they go.

    Parameters
    ----------
    library : bool or sequence of str
        With the pages of the library, read from its docstrings, or of some of its rooms.
    playground : bool or dict
        With the pages to draw for: those of :data:`PLAYGROUNDS`, or others by name of the network and options of
        :func:`cnnlens.playground.page`.
    """
    chosen = PLAYGROUNDS if playground is True else playground or {}
    workers = ProcessPoolExecutor(2, runner.processes(), _begin, (dict(os.environ),))
    with tempfile.TemporaryDirectory(prefix="cnnlens-book-") as folder, workers as pool:
        yield Parts(Path(folder), pool, library, chosen)


def _begin(environment):
    """What a process does first."""
    forked.set_environment(environment)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a terminal's Ctrl-C ends it without words


def _read(folder, library):
    from . import around  # starts TensorFlow

    return around.read(folder, library)


def _draw(folder, wanted):
    if not wanted:
        return {}
    from . import around  # starts TensorFlow

    return around.draw(folder, wanted)
