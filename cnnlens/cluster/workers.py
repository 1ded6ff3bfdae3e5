"""The engine that lets the workers of a cluster do the jobs.

Dask starts workers, hands tasks to them, and gives the task of a lost one to another. Arrays go to a worker and come
back, and only this process keeps what was found: so the machines need not share a disk, and a worker that is killed
can leave nothing half written. A scheduler that is lost is waited for, and what was lost with it is done again.
"""

import contextlib
import itertools
import uuid
from dataclasses import astuple, is_dataclass

from distributed import KilledWorker, as_completed

from ..errors import CnnlensError
from .connection import LOST, Lost, told_lost
from .equipment import Equipment

AHEAD = 2  # tasks a worker: one that it computes, and one that lies there when it is done


class Workers:
    """An engine, and a context, which takes from the workers what they were given.

    Parameters
    ----------
    connection : Connection
    send : callable
        Gives what makes on each worker what the work needs, as :class:`~.equipment.Equipment` takes it; called when
        there is a first job.
    work : callable
        As of :class:`~.equipment.Equipment`. A task that is a dataclass comes to it as a tuple of its fields.
    named : callable
        What Dask's dashboard calls a task.
    """

    def __init__(self, connection, send, work, named=str):
        self._connection, self._send, self._work, self._named = connection, send, work, named
        self._equipment, self._count = None, 1

    def __enter__(self):
        return self

    def __exit__(self, *failed):
        if self._equipment:
            with contextlib.suppress(Exception):  # a scheduler that is gone has forgotten it
                self._client.unregister_worker_plugin(self._equipment)

    @property
    def _client(self):
        return self._connection.client

    @property
    def at_once(self):
        """How many workers there are now; or were last, when the scheduler is lost."""
        with contextlib.suppress(*LOST):
            self._count = max(1, len(self._client.nthreads()))
        return self._count

    def __call__(self, jobs):
        """Do jobs (task, what it needs); yields (task, what it gave, seconds) as they come.

        Raises
        ------
        CnnlensError
            If a task kills its workers, or the scheduler is lost and does not come back.
        """
        jobs, running = iter(jobs), {}
        while True:
            try:
                yield from self._done(jobs, running)
                return
            except Lost as lost:
                self._equipment = None
                self._connection.again(lost)

    def _done(self, jobs, running):
        """Do jobs; ``running`` holds those that were taken from them and are not done, which come first."""
        tasks, waiting = {}, as_completed(loop=self._client.loop)

        def hand_out(some):
            for task, given in some:
                running[task] = given
                future = self._submitted(task, given)
                tasks[future.key] = task
                waiting.add(future)

        hand_out(list(running.items()))
        hand_out(itertools.islice(jobs, max(0, AHEAD * self.at_once - len(tasks))))
        for future in waiting:
            found, seconds = self._result(future)
            task = tasks.pop(future.key)
            del future  # the worker may forget it
            hand_out(itertools.islice(jobs, max(0, AHEAD * self.at_once - len(tasks))))
            del running[task]
            yield task, found, seconds

    def _submitted(self, task, given):
        if self._equipment is None:
            self._equip()
        if self._client.status != "running":  # it may be about to connect to a new scheduler, which has no equipment
            raise Lost("the connection was closed")

        def done(name, task, given):  # goes to the worker as it stands here: the scheduler need not have cnnlens
            from distributed import get_worker

            return get_worker().plugins[name].work(task, given)

        plain = astuple(task) if is_dataclass(task) else task
        key = f"{self._named(task)}-{uuid.uuid4().hex}"
        with told_lost():
            return self._client.submit(done, self._equipment, plain, given, key=key, pure=False)

    def _equip(self):
        """Send to the workers what they need, after what a run that was killed has left there is gone."""

        def left_behind(dask_scheduler):
            there = [name for name in dask_scheduler.worker_plugins if name.startswith("cnnlens of ")]
            return [name for name in there if name.removeprefix("cnnlens of ") not in dask_scheduler.clients]

        name = f"cnnlens of {self._client.id}"
        equipment = Equipment(self._send(), self._work, name)
        with told_lost():
            for old in self._client.run_on_scheduler(left_behind):
                self._client.unregister_worker_plugin(old)
            self._client.register_plugin(equipment, name)
        self._equipment = name

    def _result(self, future):
        try:
            with told_lost(unless=lambda: future.status == "error"):  # then it is the task that failed
                return future.result()
        except KilledWorker as error:
            raise CnnlensError(
                f"{error.allowed_failures + 1} workers died of one task ({error.task}). Their logs say more: often "
                "they lack memory. What is finished is kept."
            ) from error
