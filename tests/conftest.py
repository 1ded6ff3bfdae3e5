"""Every test runs with no network, no data but the stand-ins, and an empty Keras cache, unless it asks for more."""

import functools
import gc
import itertools
import os
from pathlib import Path

import nbformat
import psutil
import pytest
from nbval.plugin import IPyNbFile, coalesce_streams

pytest_plugins = ["browsing"]  # the fixtures of the tests in a browser
REAL = os.environ.get("CNNLENS_DATA")
# These start kernels, browsers or training, or go through many networks: together most of the time of all tests.
SLOW = {
    "test_any_cnn.py",
    "test_attribution_scores.py",
    "test_book.py",
    "test_browser.py",
    "test_cluster.py",
    "test_contributing.py",
    "test_embedding.py",
    "test_embedding_browser.py",
    "test_faults_found.py",
    "test_grading.py",
    "test_ledger_activations.py",
    "test_ledger_committed.py",
    "test_ledger_coverage.py",
    "test_ledger_embedding.py",
    "test_ledger_intervals.py",
    "test_ledger_neurons.py",
    "test_ledger_superpixels.py",
    "test_ledger_table.py",
    "test_microscope.py",
    "test_microscope_cluster.py",
    "test_microscope_site.py",
    "test_neurons.py",
    "test_own_models.py",
    "test_report.py",
    "test_report_browser.py",
    "test_playground_browser.py",
    "test_preprocessing.py",
    "test_runner.py",
    "test_screens.py",
    "test_training.py",
    "test_wheel.py",
    "test_zoo.py",
}
MEMORY_PER_WORKER = 4 * 2**30  # bytes, with the kernels that it starts
FEW_FRAMES = 0.5  # seconds of the processor for an explorer's frames: that each leaves some shows as well with few
THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")

if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 0)):  # tests run side by side: they divide the cores
    for setting in THREADS:
        os.environ.setdefault(setting, str(max(1, os.cpu_count() // workers)))


def pytest_collection_modifyitems(items):
    """Mark what ``make check`` leaves out; what takes longest begins, so that no worker is left alone with it."""
    for item in items:
        if item.path.name in SLOW or "execute" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: (item.path.name != "test_lessons.py", item.path.name not in SLOW))


def pytest_collection_finish():
    """What has been imported by now stays: the garbage collector need not look through it again and again."""
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """A worker a core, and up to two where the memory reaches, as each waits for kernels and browsers now and then."""
    cores, reaches = os.cpu_count(), psutil.virtual_memory().available // MEMORY_PER_WORKER
    return max(cores, min(2 * cores, reaches))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Side by side (``-n 2 --dist loadscope``), a file stays on one worker, and so does a lesson or a family.

    xdist's own groups would say this by marks, but as of 3.8 pytest 9.2 does not heed them.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return unit_of_work(nodeid)

    return Scheduling(config, log)


def unit_of_work(nodeid):
    """What a test belongs to that must stay together: its file, or in two long files the lesson or the family.

    The files about clusters are one: the process that their processes are forked from imports TensorFlow once.
    """
    file, _, test = nodeid.partition("::")
    if file.endswith("cluster.py"):
        return "clusters"
    if not file.endswith(("test_lessons.py", "test_any_cnn.py")):
        return file
    return f"{file} {test.partition('[')[2].rstrip(']').partition('-')[0]}"


@pytest.fixture(scope="session")
def homes(tmp_path_factory):
    """Folders for thousands of tests: ``mktemp`` would look through all that there are to number one more."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch, homes):
    for name in ("CNNLENS_DATA", "CNNLENS_REQUIRE_REAL", "CNNLENS_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CNNLENS_OFFLINE", "1")
    own = next(homes)
    own.mkdir()
    monkeypatch.setenv("KERAS_HOME", str(own))
    monkeypatch.setenv("CNNLENS_PROGRESS", str(own / "progress.json"))


@pytest.fixture
def real_data(monkeypatch):
    """The folder with the real data sets; skips where CNNLENS_DATA named none."""
    if not REAL or not (Path(REAL) / "mnist.npz").is_file():
        pytest.skip("needs the real data: set CNNLENS_DATA to a folder with mnist.npz and cifar10.npz")
    monkeypatch.setenv("CNNLENS_DATA", REAL)
    return Path(REAL)


@pytest.fixture(scope="session")
def execute(tmp_path_factory):
    """A function that executes a lesson with its solutions in place, and gives the runner's Outcome.

    Once however many tests look at it.
    """
    from cnnlens.course import editions, forked, runner
    from cnnlens.explore import twin

    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    @functools.cache
    def once(name):
        (shared / f"{name} was executed").touch(exist_ok=False)  # raises where another worker has done it
        folder, lesson = tmp_path_factory.mktemp("lesson"), runner.find(name)
        solved = folder / "solved" / lesson.name
        solved.parent.mkdir()
        nbformat.write(editions.teacher(nbformat.read(lesson, as_version=4)), solved)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(twin.SECONDS, str(FEW_FRAMES))
            return next(runner.run_all([solved], folder, fork=forked.possible()))

    return once


@pytest.fixture
def differences(request):
    """A function that lets nbval compare a lesson as committed with the same lesson as papermill executed it.

    nbval would execute the lesson itself; here its comparison is given the outputs of papermill's run instead, so that
    a lesson runs once. As under ``--nbval-lax``, only the cells that are tagged ``nbval-check-output`` are compared.
    """

    def compare(committed, executed):
        file = IPyNbFile.from_parent(request.session, path=Path(committed))
        file.compare_outputs = False  # but where a cell's tags ask for it
        cells = [cell for cell in nbformat.read(executed, as_version=4).cells if cell.cell_type == "code"]
        ran = [cell for cell in cells if "injected-parameters" not in cell.metadata.get("tags", [])]
        found = []
        for item, cell in zip(file.collect(), ran, strict=True):
            before, after = coalesce_streams(item.cell.outputs), coalesce_streams(cell.outputs)
            if item.options["check"] and not item.compare_outputs(after, before):
                found.append("\n".join(item.comparison_traceback))
        return found

    return compare


@pytest.fixture
def toys(monkeypatch):
    """Made-up claims instead of the ledger's own; see :mod:`made_up`."""
    from made_up import toys

    yield from toys(monkeypatch)
