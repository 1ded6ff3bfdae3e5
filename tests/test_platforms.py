"""Nothing rests on what only Linux has: every module is imported, and the runner is used, with these missing."""

import ast
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import nbformat
import psutil
import pytest

from cnnlens.course import forked, runner

ROOT = Path(__file__).resolve().parents[1]
# Modules and functions of Python that Windows lacks, and some that macOS lacks.
MODULES = "crypt curses fcntl grp nis posix pty pwd readline resource spwd syslog termios tty".split()
FUNCTIONS = {
    "os": "fork forkpty getegid geteuid getgid getloadavg getpgid getpgrp getuid killpg mkfifo sched_getaffinity "
    "setsid sysconf uname wait3 wait4".split(),
    "signal": "SIGKILL SIGHUP SIGUSR1 SIGCHLD alarm pause setitimer".split(),
}
IMPORTS = f"""
import builtins, importlib, os, pkgutil, signal, sys
from pathlib import Path

def only_ours(name, globals=None, *rest, real=builtins.__import__, **how):
    asked_by = (globals or {{}}).get("__name__", "")
    if asked_by.startswith("cnnlens") and name.partition(".")[0] in {MODULES!r}:
        raise ModuleNotFoundError(f"{{asked_by}} imports {{name}}, which is missing on Windows")
    return real(name, globals, *rest, **how)

def no_proc(path, *args, real=Path.open, **how):
    if str(path).startswith(("/proc", "/sys", "/dev")):
        raise FileNotFoundError(str(path))
    return real(path, *args, **how)

def import_all():
    import cnnlens
    for module in pkgutil.walk_packages(cnnlens.__path__, "cnnlens."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)

builtins.__import__, Path.open = only_ours, no_proc
import tensorflow, keras, matplotlib.pyplot, skimage.segmentation, sklearn.manifold, papermill, tqdm.auto, jupyterlab
import_all()  # others may import what they find on this system
for name in [name for name in sys.modules if name.startswith("cnnlens")]:
    del sys.modules[name]
for module, names in {FUNCTIONS!r}.items():
    for name in names:
        if hasattr(sys.modules[module], name):
            delattr(sys.modules[module], name)
import_all()
from cnnlens import device
from cnnlens.course import forked, runner
assert device.cpu_flags() == frozenset() and "cores" in device.describe()
assert runner.cores() >= 1 and runner.default_jobs(2) >= 1
print("all imported")
"""


def imports(tmp_path):
    """What comes of importing every module with these missing."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", IMPORTS]
    return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_every_module_is_imported_without_them(tmp_path):
    done = imports(tmp_path)
    assert done.stdout == "all imported\n", done.stderr[-2000:]


def found_in(source):
    """What a module's source names that is not there on every system: imports, functions, shells, paths."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name in MODULES}
        if isinstance(node, ast.ImportFrom) and node.module in MODULES:
            found.add(node.module)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = f"{node.value.id}.{node.attr}"
            if name in ("os.system", "os.popen") or node.attr in FUNCTIONS.get(node.value.id, ()):
                found.add(name)
        if isinstance(node, ast.keyword) and node.arg in ("shell", "preexec_fn", "start_new_session"):
            found.add(node.arg)
        if isinstance(node, ast.Constant) and str(node.value).startswith(("/proc/", "/dev/", "/sys/", "/tmp/")):
            found.add(node.value)
    return found


ALLOWED = {"os.sched_getaffinity", "/proc/cpuinfo"}  # each asked whether it is there, which the test above tries out
ALLOWED_IN = {  # only if it is there; a session of its own is what Windows takes no notice of
    "forked.py": {"os.setsid", *forked.GPUS},
    "marker.py": {"resource"},
    "grading.py": {"os.killpg", "signal.SIGKILL", "start_new_session"},
}
ALLOWED_IN_BENCHMARKS = {"table.py": {"resource"}}  # tried out in tests/test_benchmarks.py


def test_nothing_else_is_named():
    for path in (ROOT / "cnnlens").rglob("*.py"):
        assert found_in(path.read_text(encoding="utf-8")) <= ALLOWED | ALLOWED_IN.get(path.name, set()), path
    for path in (ROOT / "benchmarks").glob("*.py"):
        assert found_in(path.read_text(encoding="utf-8")) <= ALLOWED_IN_BENCHMARKS.get(path.name, set()), path
    planted = """
        import fcntl
        from resource import getrusage
        os.killpg(1, 2), os.system("ls"), signal.SIGKILL, subprocess.run("ls", shell=True), open("/proc/meminfo")
    """
    assert found_in(textwrap.dedent(planted)) == {
        "fcntl",
        "resource",
        "os.killpg",
        "os.system",
        "signal.SIGKILL",
        "shell",
        "/proc/meminfo",
    }


def test_text_is_read_and_written_as_utf8_whatever_the_system_prefers():
    """Windows still prefers another encoding; whoever opens text names UTF-8."""
    for path in (ROOT / "cnnlens").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in ("read_text", "write_text"):
                assert "encoding" in {keyword.arg for keyword in node.keywords}, f"{path.name}:{node.lineno}"


def lesson(folder, source):
    book = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    book.cells = [
        nbformat.v4.new_markdown_cell("# Planted"),
        nbformat.v4.new_code_cell('profile = "quick"', metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(source),
    ]
    nbformat.write(book, folder / "99_planted.ipynb")
    return folder / "99_planted.ipynb"


@pytest.mark.slow
def test_a_lesson_runs_where_processes_can_only_be_spawned(tmp_path, monkeypatch):
    monkeypatch.setattr(runner.multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    (outcome,) = runner.run_all([lesson(tmp_path, "print(profile)")], tmp_path / "out")
    assert outcome.passed, outcome.problems
    assert runner.processes().get_start_method() == "spawn"


def test_kernels_are_forked_on_linux_without_a_gpu_only(tmp_path, monkeypatch):
    monkeypatch.setattr(forked, "GPUS", (tmp_path / "gpu",))
    for system in ("linux", "darwin", "win32"):
        monkeypatch.setattr(forked.sys, "platform", system)
        assert forked.possible() == (system == "linux")
    (tmp_path / "gpu").touch()
    monkeypatch.setattr(forked.sys, "platform", "linux")
    assert not forked.possible()


def test_where_no_signal_can_be_sent_the_process_and_its_kernel_are_ended(monkeypatch):
    child = "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{child}; print(p.pid, flush=True); p.wait()"], stdout=subprocess.PIPE, text=True
    )
    kernel = psutil.Process(int(process.stdout.readline()))
    monkeypatch.setattr(runner, "SIGNALS", False)
    runner._end(process)
    assert process.wait(20) != 0 and not psutil.wait_procs([kernel], 20)[1]
    runner._end(process)  # one that has ended already
