"""The process in which answers run: ``python -m cnnlens.course.marker FOLDER``.

Started by :mod:`cnnlens.course.grading`. It reads ``tasks.json`` in the folder, the source of each answer by exercise,
says how much memory the libraries hold, and then one line of JSON for each answer, in order.
"""

import ast
import contextlib
import importlib
import inspect
import json
import os
import sys
import time
from pathlib import Path

import psutil

LARGEST = 100 * 2**20  # bytes of a file
WRITING = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC
ON_FILES = (
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.mkdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "os.chown",
)
REFUSED = {
    "subprocess.Popen": "starting another program",
    "os.system": "starting another program",
    "os.exec": "starting another program",
    "os.posix_spawn": "starting another program",
    "os.startfile": "starting another program",
    "os.fork": "starting another process",
    "os.forkpty": "starting another process",
    "os.kill": "ending another process",
    "os.killpg": "ending another process",
    "socket.connect": "using the network",
    "socket.bind": "using the network",
}


def settle(folder):
    """Make the folder the home of this process: what libraries keep for themselves goes there."""
    own = (
        "HOME",
        "USERPROFILE",
        "TMPDIR",
        "TEMP",
        "TMP",
        "MPLCONFIGDIR",
        "KERAS_HOME",
        "XDG_CACHE_HOME",
        "XDG_DATA_HOME",
    )
    os.environ.update(dict.fromkeys(own, str(folder)))
    os.environ.update({"CNNLENS_HEADLESS": "1", "CNNLENS_OFFLINE": "1", "MPLBACKEND": "agg"})
    sys.dont_write_bytecode = True


def limit():
    """No file may grow large, and none is left of a crash."""
    with contextlib.suppress(ImportError):  # not on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST, LARGEST))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def guard(folder):
    """Refuse, from now on, what Python code does to files outside of a folder, to programs, and to the network.

    No sandbox: code that calls into C directly is not seen.
    """
    root = os.path.realpath(folder)

    def refuse_outside(path):
        if isinstance(path, int) or path is None:
            return
        real = os.path.realpath(os.fsdecode(path))
        if real != root and not real.startswith(root + os.sep) and real != os.devnull:
            raise PermissionError(f"writing outside of its own folder is refused ({os.fsdecode(path)})")

    def hook(event, arguments):
        if event == "open":
            path, mode, flags = arguments
            if set(mode or "") & set("wax+") or (not mode and (flags or 0) & WRITING):
                refuse_outside(path)
        elif event in ON_FILES:
            for path in arguments[: 2 if event in ("os.rename", "os.link", "os.symlink") else 1]:
                refuse_outside(path)
        elif event in REFUSED:
            raise PermissionError(f"{REFUSED[event]} is refused")

    sys.addaudithook(hook)


def load(names):
    """Import what the checks of these exercises import as they run, so that it is no time and no memory of an answer.

    And nothing else, as a process without TensorFlow begins several times as soon.
    """
    from .exercise import exercises

    for file in {sys.modules[exercises()[name].reference.__module__] for name in names}:
        for node in ast.walk(ast.parse(inspect.getsource(file))):
            if isinstance(node, ast.ImportFrom):
                importlib.import_module("." * node.level + (node.module or ""), file.__package__)
            elif isinstance(node, ast.Import):
                for each in node.names:
                    importlib.import_module(each.name)


def mark(name, source):
    """The state and the words of the answer that a source gives to an exercise."""
    from .exercise import verdict

    space = {"__name__": "__main__"}
    try:
        exec(compile(source, f"<{name}>", "exec"), space)
        if name not in space:
            return "failed", f"The cell does not define {name}."
        found = verdict(name, space[name])
    except BaseException as error:  # also SystemExit: whatever it does, the other exercises are marked
        return "failed", f"The cell raised {type(error).__name__}: {error}"
    return found.state, str(found)


def main(folder):
    """Mark all tasks of a folder; answers see an input and an output that lead nowhere."""
    settle(folder)
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    tasks = json.loads((Path(folder) / "tasks.json").read_text(encoding="utf-8"))
    load(tasks)

    def tell(**line):
        print(json.dumps(line), file=told, flush=True)

    # Said here, before an answer runs: whoever reads this line later may find the answer's memory in it already.
    tell(loaded=psutil.Process().memory_info().rss)
    limit()
    guard(folder)
    for name, source in tasks.items():
        began = time.monotonic()
        state, words = mark(name, source)
        tell(name=name, state=state, words=words, seconds=time.monotonic() - began)
    told.flush()
    os._exit(0)  # whatever threads an answer left


if __name__ == "__main__":
    main(sys.argv[1])
