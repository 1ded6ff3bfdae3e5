"""Runs lessons headlessly with papermill, side by side, and goes red when one is broken.

Papermill itself stays green in four cases that matter here: a parameter that the lesson does not have, an error that a
widget swallowed, a picture that is missing, and a stand-in where the real thing was asked for. Each is looked for here.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path

import nbformat
import papermill
import psutil
import zmq
from jupyter_client import AsyncKernelManager, KernelManager
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from .. import files
from ..explore import twin
from ..errors import CnnlensError, unknown
from . import forked
from .attentive import AttentiveClient
from .faults import VIEW, check_parameters, missing_pictures, missing_twins, swallowed_errors
from .lesson import lessons

TIMEOUTS = {"quick": 300, "full": 7200}  # seconds a cell
AHEAD = {"quick": 4, "full": 60}  # seconds of the processor to render frames of an explorer that need no kernel later
LONGEST_FIRST = ("07", "08", "02", "09", "10", "04", "11")  # the lessons that take longest start first
MEMORY_PER_JOB = 2.5 * 2**30  # bytes; what the largest lesson holds at its peak
SIGNALS = os.name != "nt"  # whether one process can interrupt another
THREAD_SETTINGS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")


@dataclass(frozen=True)
class Outcome:
    """How one lesson went.

    Attributes
    ----------
    lesson : str
    problems : tuple of str
        Empty when it is in order.
    seconds : float
        From starting the kernel to its end.
    memory : float
        Bytes that the kernel and its children held at the peak.
    notebook : Path
        As executed, with all outputs.
    """

    lesson: str
    problems: tuple
    seconds: float
    memory: float
    notebook: Path

    @property
    def passed(self):
        return not self.problems

    def __str__(self):
        state = "ok" if self.passed else "FAILED"
        line = f"{state:6} {self.lesson:20} {self.seconds:6.1f} s {self.memory / 2**30:5.1f} GiB"
        return "  ".join([line, *self.problems])


def find(name):
    """The path of a lesson by its name, its number, its name without the number, or its path."""
    known = lessons()
    if str(name).endswith(".ipynb"):
        if not Path(name).is_file():
            raise CnnlensError(f"There is no notebook {str(name)!r}.")
        return Path(name)
    for stem, path in known.items():
        number, _, rest = stem.partition("_")
        if name in (stem, number, number.lstrip("0"), rest):
            return path
    raise unknown("lesson", name, known)


def count_cells(paths):
    """How many cells the lessons will execute, with the one in which papermill sets the parameters."""
    books = [nbformat.read(path, as_version=4) for path in paths]
    return sum(1 + sum(cell.cell_type == "code" for cell in book.cells) for book in books)


def default_jobs(count):
    """How many of ``count`` lessons to run side by side: one a core, as far as the free memory reaches."""
    by_memory = int(psutil.virtual_memory().available // MEMORY_PER_JOB)
    return max(1, min(cores(), by_memory, count))


def cores():
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def run_all(names, out, *, jobs=1, fork=None, on_cell=None, when_free=None, **settings):
    """Execute lessons side by side, each in a process of its own.

    Parameters
    ----------
    names : sequence of str or path
        As :func:`find` takes them.
    out : path
        As for :func:`run`.
    jobs : int
        How many run at the same time; TensorFlow's threads are divided between them.
    fork : bool, optional
        Fork the kernels from a process that has imported what lessons import. By default where the system can, if there
        is more than one lesson.
    on_cell : callable, optional
        Called with no arguments whenever a cell of any lesson is done.
    when_free : callable, optional
        Called once with no arguments, as soon as fewer than ``jobs`` lessons run and none waits.
    **settings
        ``profile``, ``parameters``, ``timeout`` and ``require_real`` of :func:`run`.

    Yields
    ------
    Outcome
        One a lesson, in the order of ``names``, each as soon as it and all before it are done. A lesson that fails
        stops none of the others.
    """
    paths = [find(name) for name in names]
    divided = dict.fromkeys(THREAD_SETTINGS, str(max(1, cores() // jobs))) if jobs > 1 else {}
    environment = divided | os.environ
    fork = len(paths) > 1 and forked.possible() if fork is None else fork
    context = processes(imported=forked.IMPORTED if fork else ())
    with _environment(**environment):  # which what is imported ahead heeds as well
        if context.get_start_method() == "forkserver":
            multiprocessing.forkserver.ensure_running()
    waiting, running, done = sorted(paths, key=_rank), {}, {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                path = waiting.pop(0)
                receiver, sender = context.Pipe(duplex=False)
                process = context.Process(target=_work, args=(sender, environment, path, Path(out), fork, settings))
                process.start()
                sender.close()  # so that the receiver notices when the process dies
                running[receiver] = path, process
            if when_free and len(running) < jobs:
                when_free()
                when_free = None
            for receiver in wait(list(running)):
                path, process = running[receiver]
                try:
                    message = receiver.recv()
                except EOFError:
                    problem = "the process that ran it died; most often memory ran out"
                    message = Outcome(path.stem, (problem,), 0.0, 0.0, Path(out) / path.name)
                if isinstance(message, Outcome):
                    process.join()
                    del running[receiver]
                    done[path] = message
                elif on_cell:
                    on_cell()
            while paths and paths[0] in done:
                yield done[paths.pop(0)]
    finally:  # stopped by Ctrl-C, or by whoever asked: each process ends its kernel
        for _, process in running.values():
            _end(process)
        for _, process in running.values():
            process.join()


def _end(process):
    """Ask a lesson's process to end its kernel and itself; Windows cannot ask, so there both are ended from here."""
    with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
        if SIGNALS:
            return os.kill(process.pid, signal.SIGINT)
        for kernel in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                kernel.kill()
        process.kill()


def processes(imported=()):
    """How processes are started: where the system can, forked from one that has imported everything.

    Never forked from this one, which may have TensorFlow's threads.

    Parameters
    ----------
    imported : iterable of str
        Modules that it is to import besides the runner, unless it has been started.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["cnnlens.course.runner", *imported])
    return context


def _rank(path):
    number = path.stem.partition("_")[0]
    return LONGEST_FIRST.index(number) if number in LONGEST_FIRST else len(LONGEST_FIRST)


def _work(sender, environment, path, out, fork, settings):
    """One lesson, in a process of its own."""
    manager = forked.manager() if fork else AsyncKernelManager  # before there are threads
    forked.set_environment(environment)
    signal.signal(signal.SIGINT, _stop)
    try:
        outcome = run(path, out, on_cell=lambda: sender.send("cell"), manager=manager, **settings)
    except KeyboardInterrupt:
        return  # the kernel has ended, and the process that started this one tells the user
    except Exception as error:  # whatever it was, the other lessons go on
        outcome = Outcome(path.stem, (f"{type(error).__name__}: {error}",), 0.0, 0.0, out / path.name)
    sender.send(outcome)


def _stop(*_):
    # A terminal's Ctrl-C reaches every process, and then run_all passes it on: the second must not disturb the end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def run(
    lesson,
    out,
    *,
    profile="quick",
    parameters=None,
    timeout=None,
    require_real=False,
    on_cell=None,
    manager=AsyncKernelManager,
):
    """Execute one lesson.

    Parameters
    ----------
    lesson : str or path
        As :func:`find` takes it.
    out : path
        Folder for the executed notebook; files that the lesson writes go into its folder ``files``.
    profile : {"quick", "full"}
    parameters : dict, optional
        Values for the lesson's parameters.
    timeout : float, optional
        Seconds that one cell may take.
    require_real : bool
        Fail where the lesson would use a stand-in.
    on_cell : callable, optional
        Called with no arguments whenever a cell is done.
    manager : type
        Of :mod:`jupyter_client`: what starts the kernel.

    Returns
    -------
    Outcome

    Raises
    ------
    CnnlensError
        If there is no such lesson or parameter, or a value is of another type.
    """
    path, out = find(lesson), Path(out)
    if profile not in TIMEOUTS:
        raise unknown("profile", profile, TIMEOUTS)
    values = {"profile": profile, **(parameters or {})}
    check_parameters(path, values)
    target = out / path.name
    real = "1" if require_real else os.environ.get("CNNLENS_REQUIRE_REAL", "0")
    began = time.perf_counter()
    ahead = os.environ.get(twin.SECONDS, str(AHEAD[profile]))
    settings = {"CNNLENS_HEADLESS": "1", "CNNLENS_REQUIRE_REAL": real, twin.SECONDS: ahead}
    with _environment(**settings), _peak_memory() as memory:
        problem = _execute(path, target, values, timeout or TIMEOUTS[profile], on_cell, manager)
    seconds = time.perf_counter() - began
    if problem is None:
        executed = nbformat.read(target, as_version=4)
        problems = (*swallowed_errors(executed), *missing_pictures(executed), *missing_twins(executed))
        _leave_twins(executed, target)
    else:
        problems = (problem,)
    return Outcome(path.stem, problems, seconds, max(memory), target)


def _leave_twins(executed, target):
    """Where an explorer left a twin, show that: of a widget without its kernel only the picture would be alive."""
    for cell in executed.cells:
        for output in cell.get("outputs", ()):
            if "text/html" in output.get("data", {}):
                output.data.pop(VIEW, None)
    with files.atomic(target) as partial:
        nbformat.write(executed, partial)


@contextlib.contextmanager
def _environment(**values):
    before = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value


@contextlib.contextmanager
def _peak_memory():
    """Sample the memory of this process's children, all together; yields the list of samples."""
    samples, finished = [0], threading.Event()

    def sample():
        while not finished.wait(0.3):
            with contextlib.suppress(psutil.Error):
                samples.append(sum(child.memory_info().rss for child in psutil.Process().children(recursive=True)))

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    try:
        yield samples
    finally:
        finished.set()
        sampler.join()


def _execute(path, target, values, timeout, on_cell, manager):
    """Run with papermill; what went wrong in words, or None."""
    work = target.parent / "files" / path.stem
    work.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)  # a notebook left by an earlier run must not pass for this one's
    try:
        papermill.execute_notebook(
            path,
            target,
            values,
            kernel_name="python3",
            language="python",
            execution_timeout=timeout,
            progress_bar=False,
            cwd=work,
            request_save_on_cell_execute=False,
            autosave_cell_every=0,
            config=_connection(),
            kernel_manager_class=manager,
            shutdown_kernel="immediate",  # a kernel that is asked to stop while it computes complains of it
            on_cell_complete=(lambda **_: on_cell()) if on_cell else None,
        )
    except PapermillExecutionError as error:
        return f"cell {error.cell_index} raised {error.ename}: {error.evalue}"
    except CellTimeoutError:
        return f"a cell took longer than {timeout} s; give --timeout more, or make the lesson smaller"
    except DeadKernelError:
        return "the kernel died; most often memory ran out"
    return None


def _connection():
    """Settings for the connection to the kernel: encrypted where the installed Jupyter can, else a kernel may warn."""
    config = Config(KernelManager={"client_factory": f"{AttentiveClient.__module__}.{AttentiveClient.__name__}"})
    if hasattr(KernelManager, "transport_encryption") and zmq.has("curve"):
        config.KernelManager.transport_encryption = "auto"
    return config
