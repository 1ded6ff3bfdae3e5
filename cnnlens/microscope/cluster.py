"""Past one process: the tasks of a plan on the workers of a Dask cluster, of this machine or of many.

Dask starts workers, hands tasks to them, and gives the task of a lost one to another. Arrays go to a worker and come
back, and only this process writes into the store: so the machines need not share a disk, and a worker that is killed
can leave nothing half written. What it costs is little: a batch of units takes seconds to minutes, and its arrays have
some ten megabytes.

A worker gets the network once, as the bytes of a ``.keras`` file, which it opens in safe mode as any other.
"""

import contextlib
import itertools
import logging
import sys
import tempfile
import threading
import uuid
from concurrent.futures import CancelledError
from dataclasses import astuple
from pathlib import Path

import dask
from dask.system import CPU_COUNT
from distributed import Client, KilledWorker, Nanny, Scheduler, SpecCluster, WorkerPlugin, as_completed
from tqdm.auto import tqdm

from .. import device, fingerprints, zoo
from ..errors import CnnlensError, first_line
from ..network import Network
from .plan import Plan, Task
from .progress import timed
from .running import work

PATIENCE = 10  # seconds that a scheduler may take to answer
AHEAD = 2  # tasks a worker: one that it computes, and one that lies there when it is done
LOOPBACK = "127.0.0.1"
FEEDING = ("name", "classes", "preprocessing", "output", "fixed", "fit", "scores")  # of a network, besides its model
QUIET = {"distributed.admin.large-graph-warning-threshold": "4GB"}  # the images of a task are meant to go with it


# --- a cluster ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def connected(workers=None, address=None, progress=True):
    """A client of a cluster that can be used: each worker has the versions that this process has.

    Parameters
    ----------
    workers : int, optional
        So many processes are started on this machine, and ended with the context.
    address : str, optional
        Of a scheduler that is there.
    progress : bool
        Say where Dask's dashboard is.

    Yields
    ------
    distributed.Client

    Raises
    ------
    CnnlensError
        If there is no scheduler, or a worker has another version.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set(QUIET))
        stack.enter_context(_silent("distributed.client"))  # a lost scheduler is told once, by our own error
        if address is None:
            address = stack.enter_context(_local(workers))
        client = stack.enter_context(_client(address))
        if progress:
            tqdm.write(dashboard(client), file=sys.stderr)
        if not client.nthreads():
            waiting = f"No worker yet: waiting for one. Start it with: dask worker {client.scheduler.address}"
            tqdm.write(waiting, file=sys.stderr)
            client.wait_for_workers(1)
        compared(client)
        yield client


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
        raise CnnlensError(
            f"No Dask scheduler answers at {str(address)!r} ({first_line(error)}). Expected an address such as "
            "tcp://10.0.0.1:8786. Start one with: dask scheduler; and workers with: dask worker ADDRESS."
        ) from error


def _local(count):
    """A scheduler in this process, and workers in processes of their own, which restart when they are killed."""
    cards = len(device.gpus())
    if cards and count > cards:
        raise CnnlensError(
            f"workers={count}: expected at most {cards}, since each takes a GPU and this machine has so many."
        )
    scheduler = {"host": LOOPBACK, "port": 0, "dashboard": True, "dashboard_address": f"{LOOPBACK}:0"}
    common = {"host": LOOPBACK, "nthreads": 1, "memory_limit": 0, "silence_logs": logging.ERROR}
    return SpecCluster(
        scheduler={"cls": Scheduler, "options": scheduler},
        workers={
            number: {"cls": Nanny, "options": {**common, "env": shared_out(number, count, cards)}}
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


# --- versions -------------------------------------------------------------------------------------------------------


def compared(client):
    """Compare what computes on each worker with what is installed here, before any work starts.

    Raises
    ------
    CnnlensError
        Names the worker, and both versions.
    """
    found = client.get_versions(packages=["cnnlens"])
    here = _plain(found["client"])
    relays = ("Python", "distributed", "numpy")  # what a scheduler needs, which computes nothing
    _same("The scheduler", {name: _plain(found["scheduler"])[name] for name in relays}, here)
    more = client.run(fingerprints.of_environment, on_error="return")
    for address, theirs in found["workers"].items():
        there = _plain(theirs)
        if isinstance(more.get(address), Exception):
            there["cnnlens"] = f"{there['cnnlens'] or 'missing'} ({first_line(more[address])})"
        else:
            there.update(more.get(address, {}))
        _same(f"Worker {address}", there, {**here, **fingerprints.of_environment()})


def _plain(versions):
    """Versions by name, as Dask gives them of a machine."""
    packages = versions["packages"]
    python = ".".join(packages["python"].split(".")[:2])
    return {"Python": python, **{name: packages.get(name) for name in ("cnnlens", "distributed", "numpy")}}


def _same(who, theirs, here):
    different = [f"{name} {version}, here is {here[name]}" for name, version in theirs.items() if version != here[name]]
    if different:
        raise CnnlensError(
            f"{who} has {'; '.join(different)}. One store comes from one version: install the same there "
            "(requirements.lock names all), or stop it."
        )


# --- work -----------------------------------------------------------------------------------------------------------


class Equipment(WorkerPlugin):
    """What a worker has at hand for all tasks of a run; Dask gives it to every worker, also to those that come later.

    Parameters
    ----------
    net : Network
    plan : Plan
    name : str

    Raises
    ------
    CnnlensError
        If the network cannot be saved.
    """

    def __init__(self, net, plan, name):
        self.name, self.settings, self.environment = name, plan.settings, fingerprints.of_environment()
        self.feeding = {**{each: getattr(net, each) for each in FEEDING}, "source": net.source}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "network.keras"
            try:
                net.model.save(path)
                self.file = path.read_bytes()
            except Exception as error:  # Keras complains in many ways of what it cannot save
                raise CnnlensError(
                    f"{net.name} cannot be sent to workers, because Keras cannot save it ({first_line(error)}). Leave "
                    "out --workers and --cluster."
                ) from error

    def setup(self, worker):
        """Called by Dask on the worker."""
        self.address, self.lock, self.opened = worker.address, threading.Lock(), None

    def teardown(self, worker):
        """Called by Dask on the worker, when the run is over."""
        self.opened = None

    def work(self, task, given):
        """Do a task: its arrays, and the seconds that it took.

        A worker of several threads does one task at a time, whose work TensorFlow divides among the cores.
        """
        with self.lock:
            if self.opened is None:
                _same(f"Worker {self.address}", fingerprints.of_environment(), self.environment)
                self.opened = self._network(), Plan(self.settings)
            return timed(work, *self.opened, Task(*task), given)

    def _network(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "network.keras"
            path.write_bytes(self.file)
            try:
                return Network(zoo.load(path).model, **self.feeding)
            except CnnlensError as error:
                raise CnnlensError(f"Worker {self.address} cannot use the network. {error}") from error


class Workers:
    """The engine that lets workers do the jobs; a context, which takes from the workers what they were given.

    Parameters
    ----------
    client : distributed.Client
    net : Network
    plan : Plan
    """

    def __init__(self, client, net, plan):
        self.client, self.net, self.plan = client, net, plan
        self.address = client.scheduler.address
        self._equipment = None

    def __enter__(self):
        return self

    def __exit__(self, *failed):
        if self._equipment:
            with contextlib.suppress(Exception):  # a scheduler that is gone has forgotten it
                self.client.unregister_worker_plugin(self._equipment)

    @property
    def at_once(self):
        """How many workers there are now."""
        with self._lost():
            return max(1, len(self.client.nthreads()))

    def __call__(self, jobs):
        """Do jobs (task, arrays that it needs); yields (task, arrays that it gave, seconds) as they come."""
        jobs, tasks, running = iter(jobs), {}, as_completed(loop=self.client.loop)

        def hand_out():
            for task, given in itertools.islice(jobs, max(0, AHEAD * self.at_once - len(tasks))):
                future = self._submitted(task, given)
                tasks[future.key] = task
                running.add(future)

        hand_out()
        for future in running:
            task = tasks.pop(future.key)
            found, seconds = self._result(future)
            del future  # the worker may forget it
            hand_out()
            yield task, found, seconds

    def _submitted(self, task, given):
        if self._equipment is None:
            self._equip()

        def done(name, task, given):  # goes to the worker as it stands here: the scheduler need not have cnnlens
            from distributed import get_worker

            return get_worker().plugins[name].work(task, given)

        where = self.plan.layers[task.layer].path if task.layer >= 0 else "images"
        key = f"{where}-{task.number}-{uuid.uuid4().hex}"
        with self._lost():
            return self.client.submit(done, self._equipment, astuple(task), given, key=key, pure=False)

    def _equip(self):
        """Send the network to the workers, after what a run that was killed has left there is gone."""

        def left_behind(dask_scheduler):
            there = [name for name in dask_scheduler.worker_plugins if name.startswith("cnnlens of ")]
            return [name for name in there if name.removeprefix("cnnlens of ") not in dask_scheduler.clients]

        name = f"cnnlens of {self.client.id}"
        equipment = Equipment(self.net, self.plan, name)
        with self._lost():
            for old in self.client.run_on_scheduler(left_behind):
                self.client.unregister_worker_plugin(old)
            self.client.register_plugin(equipment, name)
        self._equipment = name

    def _result(self, future):
        try:
            return future.result()
        except KilledWorker as error:
            raise CnnlensError(
                f"{error.allowed_failures + 1} workers died of one task ({error.task}). Their logs say more: often "
                "they lack memory. What is finished is kept."
            ) from error
        except CancelledError as error:
            raise self._gone(error) from error

    @contextlib.contextmanager
    def _lost(self):
        try:
            yield
        except (OSError, CancelledError) as error:
            raise self._gone(error) from error

    def _gone(self, error):
        return CnnlensError(
            f"The Dask scheduler at {self.address} was lost ({first_line(error)}). What is finished is kept: start the "
            "scheduler and its workers again, then the same command, which goes on."
        )
