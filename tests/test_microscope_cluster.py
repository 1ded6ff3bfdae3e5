"""The microscope in several processes: the same store, whoever is killed; and clusters that cannot be used.

Schedulers and workers are processes on loopback, which run Dask's own commands as a user's would.
"""

import contextlib
import errno
import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import keras
import numpy as np
import pytest
from distributed import Client, KilledWorker
from forking import Forked, dask, looks
from PIL import Image
from test_microscope import same, tiny

import cnnlens.cluster
from cnnlens import Network, device, fingerprints
from cnnlens.cluster import connected, connection
from cnnlens.cluster.connection import Lost, dashboard
from cnnlens.cluster.equipment import Equipment
from cnnlens.cluster.sent import Sent
from cnnlens.cluster.versions import compared
from cnnlens.cluster.workers import Workers
from cnnlens.errors import CnnlensError
from cnnlens.microscope import Site, kept, microscope, opened

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 300  # for what takes a few, on a machine that others use
STEPS = ("--steps", 10, "--layers", "b")  # four batches of units


SMALL = {  # processes share a small machine
    "CUDA_VISIBLE_DEVICES": "",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}


def forked(function, log):
    return Forked(function, log, PYTHONPATH=str(ROOT), **SMALL)


class Cluster:
    """``dask scheduler`` and ``dask worker`` on loopback; a client of the test's own looks at them."""

    def __init__(self, folder):
        self.folder, self.port, self.client, self.workers, self.count = folder, 0, None, {}, 0
        self.start()

    def _run(self, *arguments, path=ROOT):
        arguments, log = [str(each) for each in arguments], self.folder / "log"
        if path == ROOT:
            return forked(functools.partial(dask, *arguments), log)
        with open(log, "a") as told:  # what it imports is another
            command, how = [sys.executable, "-m", "dask", *arguments], {"stdout": told, "stderr": told}
            environment = {**os.environ, **SMALL, "PYTHONPATH": str(path)}
            return subprocess.Popen(command, env=environment, cwd=self.folder, **how)

    def start(self):
        """The scheduler; after a first time at the same port."""
        self._forget()
        file = self.folder / "scheduler.json"
        file.unlink(missing_ok=True)
        how = ("--host", "127.0.0.1", "--port", self.port, "--dashboard-address", "127.0.0.1:0")
        self.scheduler = self._run("scheduler", *how, "--scheduler-file", file)
        waits_until(lambda: file.exists() and file.read_text().endswith("}"), self.scheduler)
        self.address = json.loads(file.read_text())["address"]
        self.port = int(self.address.rpartition(":")[2])
        self.client = Client(self.address, timeout=SECONDS, set_as_default=False)

    def worker(self, **how):
        """One more worker: its name."""
        self.count += 1
        name = f"worker {self.count}"
        where = ("--host", "127.0.0.1", "--nthreads", 1, "--no-nanny", "--no-dashboard", "--name", name)
        self.workers[name] = self._run("worker", self.address, *where, "--local-directory", self.folder, **how)
        waits_until(lambda: name in self.addresses(), self.workers[name])
        return name

    def addresses(self):
        found = self.client.run(lambda dask_worker: dask_worker.name)
        return {name: address for address, name in found.items()}

    def have(self, count):
        """At least so many workers: their names."""
        while len(self.addresses()) < count:
            self.worker()
        return sorted(self.addresses())

    def kill(self, process):
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait(SECONDS) == -signal.SIGKILL

    @contextlib.contextmanager
    def held(self):
        """While a block runs, workers finish one batch of units and no second one."""
        file = self.folder / "held"
        file.touch()
        try:
            yield
        finally:
            file.unlink()

    def _forget(self):
        if self.client:
            with contextlib.suppress(Exception):  # of a scheduler that is gone
                self.client.close(5)

    def end(self):
        self._forget()
        for process in (self.scheduler, *self.workers.values()):
            process.kill()
            process.wait()


def waits_until(condition, process=None, seconds=SECONDS):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end and (process is None or process.poll() is None)
        time.sleep(0.05)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    yield found
    found.end()


def looked(*arguments):
    """The exit code of ``cnnlens microscope`` in this process; its site is what test_microscope_site.py looks at."""
    with mock.patch.object(Site, "write"):
        return looks(*arguments)


def folder(place):
    """Twenty-four pictures in folders of three classes."""
    drawn = np.random.default_rng(0).integers(0, 256, (24, 16, 16, 3), np.uint8)
    for number, pixels in enumerate(drawn):
        path = place / "train" / f"class {number % 3}" / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return place


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A model, images, and the store of an undisturbed plain run."""
    place = tmp_path_factory.mktemp("work")
    model, images = tiny(place / "tiny.keras", units=100), folder(place / "images")
    assert looked(model, "--images", images, *STEPS, "--out", place / "whole") == 0
    return model, images, opened(place / "whole")


def asked(work, out, *more):
    """The arguments of the command, and where its store will be."""
    return (work[0], "--images", work[1], *STEPS, "--out", out, *more), out / "store.zarr"


@contextlib.contextmanager
def meanwhile(function):
    """While a block runs, a function does too; an error of either counts."""
    errors = []

    def runs():
        try:
            function()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=runs)
    thread.start()
    try:
        yield
    finally:
        thread.join(SECONDS)
        assert not errors and not thread.is_alive(), errors


def done(place):
    """Whether some units are finished."""
    return place.is_dir() and opened(place).sealed(0).any()


def finished_tasks(place):
    store = opened(place)
    return [task for task in store.plan.tasks if store.finished(task)]


def seal_time(store, task):
    name = {"reading": "reading", "summary": f"{task.layer}/summary", "units": f"{task.layer}/units"}[task.kind]
    return (store.path / "seals" / name / "c" / str(task.number) / "0").stat().st_mtime_ns


# --- the same store -------------------------------------------------------------------------------------------------


def test_two_workers_of_this_machine_give_the_store_of_the_plain_loop(tmp_path, work, capsys):
    arguments, place = asked(work, tmp_path, "--workers", 2)
    assert looked(*arguments) == 0
    assert same(work[2], opened(place)) == []
    said = capsys.readouterr().err
    assert "Dask's dashboard: http://127.0.0.1:" in said and "100 of 100 units" in said


def test_a_networks_feeding_goes_with_it():
    images = np.random.default_rng(0).random((5, 16, 16, 3), np.float32)
    net = Network.of(tiny().model, pixels=([0.5, 0.4, 0.3], [0.2, 0.3, 0.4]), name="mine", classes=["a", "b", "c"])
    there = Sent(net)()
    assert (there.name, there.classes, there.source) == (net.name, net.classes, net.source)
    assert np.array_equal(there.predict(images), net.predict(images))


# --- nothing lost ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory, work):
    """A run without workers that waits when some units are finished, and what it was asked."""
    place = tmp_path_factory.mktemp("interrupted")
    (place / "held").touch()
    arguments, store = asked(work, place)
    run = forked(functools.partial(looks, *arguments), place / "log")
    waits_until(lambda: done(store), run)
    yield run, arguments, store
    run.kill()
    run.wait()


def test_a_second_run_is_refused_while_the_store_is_read(work, interrupted, capsys):
    run, arguments, place = interrupted
    assert looked(*arguments) == 2
    said = capsys.readouterr().err
    assert f"cnnlens: {place} is in use: process {run.pid} on " in said
    assert "stop it, or choose another --out" in said and "Traceback" not in said
    assert looks("--site", "--out", place.parent) == 0
    assert kept.exemplars(opened(place), Network.of(work[0], pixels="0-1"), "b", [0]).patches.shape[:2] == (1, 9)


def test_a_run_that_is_killed_and_started_again_gives_the_store_of_an_undisturbed_one(work, interrupted):
    run, arguments, place = interrupted
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    user = place.with_name(".store.zarr.user")
    assert user.is_file(), "it was killed in mid-run"
    times = {task: seal_time(opened(place), task) for task in finished_tasks(place)}
    assert 3 <= len(times) < len(opened(place).plan.tasks), "it was killed in mid-task"
    assert looked(*arguments) == 0, "a killed run leaves no lock"
    assert not user.exists()
    assert same(work[2], opened(place)) == []
    assert {task: seal_time(opened(place), task) for task in times} == times, "what was finished is not computed again"


def test_a_run_that_is_killed_goes_on_and_leaves_nothing_on_the_workers(tmp_path, work, cluster):
    cluster.have(1)
    arguments, place = asked(work, tmp_path, "--cluster", cluster.address)
    with cluster.held():
        killed = forked(functools.partial(looks, *arguments), tmp_path / "log")
        waits_until(lambda: done(place), killed)
        cluster.kill(killed)
    times = {task: seal_time(opened(place), task) for task in finished_tasks(place)}
    assert 3 <= len(times) < len(opened(place).plan.tasks), "it was killed in mid-task"
    assert len(left_on(cluster)) == 1
    assert looked(*arguments) == 0
    assert same(work[2], opened(place)) == []
    assert {task: seal_time(opened(place), task) for task in times} == times, "what was finished is not computed again"
    assert left_on(cluster) == []


def left_on(cluster):
    names = cluster.client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.worker_plugins))
    return [name for name in names if name.startswith("cnnlens")]


def test_a_worker_that_is_killed_in_mid_task_costs_nothing_but_time(tmp_path, work, cluster):
    victim = cluster.have(2)[0]
    address, lost = cluster.addresses()[victim], []

    def kills():
        def busy():
            lost[:] = [key for key in cluster.client.processing().get(address, ()) if key.startswith("b-")]
            return lost

        with cluster.held():
            waits_until(busy)
            cluster.kill(cluster.workers[victim])

    arguments, place = asked(work, tmp_path, "--cluster", cluster.address)
    with meanwhile(kills):
        assert looked(*arguments) == 0
    assert lost and victim not in cluster.addresses()
    assert same(work[2], opened(place)) == []


def lost_in_mid_run(cluster, place, how, then=lambda: None):
    """While a block runs, the scheduler ends once some units are finished; its workers end with it."""

    def ends():
        with cluster.held():
            waits_until(lambda: done(place))
            workers = cluster.addresses()
            cluster.scheduler.send_signal(how)
            cluster.scheduler.wait(SECONDS)
        for name in workers:
            cluster.workers[name].wait(SECONDS)
        then()

    return meanwhile(ends)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_scheduler_that_is_lost_is_waited_for_and_what_ran_there_is_done_again(tmp_path, work, cluster, capsys, how):
    cluster.have(1)
    arguments, place = asked(work, tmp_path, "--cluster", cluster.address)
    finished = {}

    def starts_again():
        finished.update({task: seal_time(opened(place), task) for task in finished_tasks(place)})
        cluster.start()
        cluster.worker()

    with lost_in_mid_run(cluster, place, how, starts_again):
        assert looked(*arguments) == 0
    assert same(work[2], opened(place)) == []
    assert 3 <= len(finished) < len(opened(place).plan.tasks), "it was lost in mid-run"
    assert {task: seal_time(opened(place), task) for task in finished} == finished, "and nothing was done twice"
    said = capsys.readouterr().err
    assert (
        f"The Dask scheduler at {cluster.address} was lost" in said and "Waiting up to 10 min until it is back" in said
    )
    assert f"The scheduler at {cluster.address} is back" in said and left_on(cluster) == []


def test_a_scheduler_that_does_not_come_back_ends_the_run_with_one_error_and_the_same_command_goes_on(
    tmp_path, work, cluster, capsys, monkeypatch
):
    monkeypatch.setattr(connection, "RETURN", 2)
    monkeypatch.setattr(connection, "PATIENCE", 1)
    cluster.have(1)
    arguments, place = asked(work, tmp_path, "--cluster", cluster.address)
    with lost_in_mid_run(cluster, place, signal.SIGKILL):
        assert looked(*arguments) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("cnnlens: ")]
    assert len(said) == 1 and f"The Dask scheduler at {cluster.address} was lost" in said[0]
    assert "was not back within 2 s" in said[0] and 3 <= len(finished_tasks(place)) < len(opened(place).plan.tasks)
    monkeypatch.setattr(connection, "PATIENCE", 10)
    cluster.start()
    cluster.worker()
    assert looked(*arguments) == 0
    assert same(work[2], opened(place)) == []


def test_ctrl_c_ends_the_waiting_at_once_and_keeps_what_is_finished(tmp_path, work, cluster):
    cluster.have(1)
    arguments, place = asked(work, tmp_path, "--cluster", cluster.address)
    with cluster.held():
        run = forked(functools.partial(looks, *arguments), tmp_path / "log")
        waits_until(lambda: done(place), run)
        cluster.kill(cluster.scheduler)
    waits_until(lambda: "was lost" in run.log.read_text(), run)
    run.send_signal(signal.SIGINT)
    assert run.wait(SECONDS) == 130 and "stopped; what is finished is kept" in run.log.read_text()
    assert len(finished_tasks(place)) >= 3
    cluster.start()


def test_what_a_task_or_a_job_raises_is_not_taken_for_a_lost_scheduler():
    def full():
        raise OSError(errno.ENOSPC, "No space left on device")

    engine = Workers(None, None, None)
    with pytest.raises(OSError, match="No space left"):
        engine._result(SimpleNamespace(result=full, status="error"))
    with pytest.raises(Lost, match="No space left"):
        engine._result(SimpleNamespace(result=full, status="finished"))
    client = SimpleNamespace(loop=object(), nthreads=lambda: {"tcp://w": 1})
    with pytest.raises(OSError, match="No space left"):
        list(Workers(SimpleNamespace(client=client), None, None)(full() for _ in range(2)))


def test_a_task_that_kills_its_workers_is_named():
    def dies():
        raise KilledWorker("b-3-abc", SimpleNamespace(address="tcp://w"), 3)

    engine = Workers(None, None, None)
    with pytest.raises(CnnlensError, match=r"4 workers died of one task \(b-3-abc\).*What is finished is kept"):
        engine._result(SimpleNamespace(result=dies, status="error"))


# --- versions -------------------------------------------------------------------------------------------------------


def test_a_worker_with_other_versions_is_named_before_any_work(tmp_path, cluster):
    shutil.copytree(ROOT / "cnnlens", tmp_path / "cnnlens", ignore=shutil.ignore_patterns("__pycache__"))
    init = tmp_path / "cnnlens" / "__init__.py"
    init.write_text(init.read_text().replace("__version__ = ", "__version__ = '0.0.1'  # "))
    metadata = tmp_path / "keras-3.0.0.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: keras\nVersion: 3.0.0\n")
    here = fingerprints.of_environment()
    with odd_worker(cluster, tmp_path) as address, pytest.raises(CnnlensError) as told:
        with connected(cluster=cluster.address, progress=False):
            pass
    for words in (
        f"Worker {address} has ",
        f"cnnlens 0.0.1, here is {here['cnnlens']}",
        f"keras 3.0.0, here is {here['keras']}",
        "code of cnnlens ",
        "install the same there",
    ):
        assert words in str(told.value)
    assert "tensorflow" not in str(told.value), "which is the same"


def test_a_worker_without_cnnlens_is_named(tmp_path, cluster):
    (tmp_path / "cnnlens").mkdir()
    (tmp_path / "cnnlens" / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'cnnlens'\")")
    with odd_worker(cluster, tmp_path) as address, pytest.raises(CnnlensError) as told:
        compared(cluster.client)
    assert f"Worker {address} has " in str(told.value) and "No module named 'cnnlens'" in str(told.value)


@contextlib.contextmanager
def odd_worker(cluster, path):
    name = cluster.worker(path=path)
    try:
        yield cluster.addresses()[name]
    finally:
        cluster.kill(cluster.workers[name])
        waits_until(lambda: name not in cluster.addresses())


@pytest.mark.parametrize("who", ["scheduler", "worker"])
def test_another_python_is_named(who):
    packages = {"python": "3.11.7.final.0", "distributed": "1", "numpy": "2", "cnnlens": "3"}
    other = {"packages": {**packages, "python": "3.10.1.final.0"}}
    found = {"client": {"packages": packages}, "scheduler": {"packages": packages}, "workers": {}}
    found |= {"scheduler": other} if who == "scheduler" else {"workers": {"tcp://w": other}}
    client = SimpleNamespace(get_versions=lambda packages: found, run=lambda *_, **how: {"tcp://w": {}})
    words = {"scheduler": "The scheduler", "worker": "Worker tcp://w"}[who]
    with pytest.raises(CnnlensError, match=f"{words} has Python 3.10, here is 3.11. "):
        compared(client)


def equipped(prepare, **changes):
    """What a worker gets, on a worker that is none."""
    equipment = Equipment(prepare, pow, "cnnlens of a test")
    equipment.setup(SimpleNamespace(address="tcp://w"))
    for name, value in changes.items():
        setattr(equipment, name, value)
    return equipment


def test_a_worker_with_another_version_that_comes_later_does_no_work():
    with pytest.raises(CnnlensError, match="Worker tcp://w has keras .*, here is 3.0.0. One result"):
        equipped(int, environment={**fingerprints.of_environment(), "keras": "3.0.0"}).work((), ())


# --- bad input ------------------------------------------------------------------------------------------------------


def refused(tmp_path, words, *more):
    images = np.zeros((2, 16, 16, 3))
    with pytest.raises(CnnlensError, match=words):
        microscope(tiny(), images, tmp_path / "out", steps=1, progress=False, **dict(more))
    assert not (tmp_path / "out").exists(), "nothing was begun"


def test_a_scheduler_that_cannot_be_reached_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(connection, "PATIENCE", 1)
    with socket.socket() as nobody:  # bound, but not listening: refuses
        nobody.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{nobody.getsockname()[1]}"
        refused(
            tmp_path, f"No Dask scheduler answers at '{address}' .*Start one with: dask scheduler", ("cluster", address)
        )
    for address in ("no where", "tcp://", "http://127.0.0.1:1", "127.0.0.1:port"):
        refused(tmp_path, f"No Dask scheduler answers at '{address}'", ("cluster", address))


def test_other_bad_input_is_named(tmp_path, monkeypatch):
    refused(tmp_path, "Both workers .2. and cluster .tcp://s. were given", ("workers", 2), ("cluster", "tcp://s"))
    for none in (0, -1, 1.5):
        refused(tmp_path, f"workers={none} is no whole number of at least 1", ("workers", none))
    monkeypatch.setattr(device, "gpus", lambda: ("A100",))
    refused(tmp_path, "workers=2: expected at most 1, since each takes a GPU", ("workers", 2))


def test_without_dask_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    for name in ("connection", "versions"):
        monkeypatch.delitem(sys.modules, f"cnnlens.cluster.{name}")
        monkeypatch.delattr(cnnlens.cluster, name)
    refused(tmp_path, r"Workers need Dask: pip install \"cnnlens\[microscope\]\"", ("workers", 1))


def test_a_network_that_a_worker_cannot_have_is_named(monkeypatch):
    code = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Lambda(lambda x: x + 1), *tiny().model.layers])
    with pytest.raises(CnnlensError, match="Worker tcp://w cannot use the network. .*Python code"):
        equipped(Sent(Network.of(code, pixels="0-1"))).work((), ())
    monkeypatch.setattr(keras.Model, "save", lambda *_: 1 / 0)
    with pytest.raises(CnnlensError, match="tiny cannot be sent to workers.*division by zero.*Leave out --workers"):
        Sent(tiny())


def test_a_cluster_without_workers_is_waited_for_and_that_is_said(monkeypatch, capsys):
    came = []
    waits = SimpleNamespace(
        nthreads=lambda: {},
        scheduler=SimpleNamespace(address="tcp://s:1"),
        wait_for_workers=came.append,
        close=came.append,
    )
    monkeypatch.setattr(connection, "_client", lambda address: waits)
    monkeypatch.setattr(connection, "compared", lambda client: came.append("compared"))
    with connected(cluster="tcp://s:1", progress=False):
        assert came == [1, "compared"], "versions are compared when there is a worker"
    assert "No worker yet: waiting for one. Start it with: dask worker tcp://s:1" in capsys.readouterr().err


# --- the dashboard --------------------------------------------------------------------------------------------------


def test_the_dashboard_is_named_only_where_there_is_one():
    def client(bokeh):
        found = {"scheduler": {"packages": {"bokeh": bokeh}}}
        return SimpleNamespace(get_versions=lambda packages: found, dashboard_link="http://127.0.0.1:8787/status")

    assert dashboard(client("3.4")) == "Dask's dashboard: http://127.0.0.1:8787/status"
    assert "has no Bokeh" in dashboard(client(None))
