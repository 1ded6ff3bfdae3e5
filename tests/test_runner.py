"""The runner goes red when a lesson is broken: each fault is planted, and must be caught."""

import asyncio
import contextlib
import functools
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import PIL.Image
import psutil
import pytest
import zmq.asyncio
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.provisioning import LocalProvisioner
from jupyter_client.session import Session
from nbconvert import HTMLExporter

from cnnlens.__main__ import main
from cnnlens.course import book, forked, hygiene, record, runner
from cnnlens.course.attentive import AttentiveChannel
from cnnlens.course.commands.run import parse
from cnnlens.errors import CnnlensError

HEAD = 'profile = "quick"\nseed = 0\nrate = 0.5\nname = None'
PICTURE = """
from cnnlens.figures import base
fig = base.canvas(2, 1)
fig.text(0, 0, 'x')
base.show(fig, 'an x')
"""


def notebook(tmp_path, *cells, name="99_planted"):
    """A lesson of these cells; a cell is source, or (source, tag)."""
    found = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    )
    found.cells.append(nbformat.v4.new_markdown_cell("# A planted lesson"))
    for cell in ((HEAD, "parameters"), *cells):
        source, *tags = (cell,) if isinstance(cell, str) else cell
        found.cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": tags}))
    path = tmp_path / f"{name}.ipynb"
    nbformat.write(found, path)
    return path


def run(path, **how):
    return runner.run(path, path.parent / "out", **how)


def test_a_sound_lesson_passes(tmp_path, monkeypatch):
    monkeypatch.setenv("CNNLENS_AHEAD", "0.25")
    path = notebook(
        tmp_path,
        "import os\nprint(profile, seed, rate, name, os.environ['CNNLENS_AHEAD'])",
        (PICTURE, "picture"),
        "open('left.txt', 'w').write('here')",
    )
    outcome = run(path, parameters={"seed": 3, "rate": 1, "name": "any"})
    assert outcome.passed and outcome.seconds > 0 and outcome.memory > 2**24
    text = outcome.notebook.read_text()
    assert "quick 3 1 any 0.25" in text
    assert (tmp_path / "out" / "files" / "99_planted" / "left.txt").exists(), (
        "what a lesson writes stays out of the caller's folder"
    )


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"sede": 1}, "no parameter of 99_planted 'sede'. Did you mean 'seed'"),
        ({"seed": "one"}, "Parameter seed of 99_planted is int .default 0.; got 'one', which is str"),
        ({"seed": 1.5}, "which is float"),
        ({"seed": True}, "which is bool"),
        ({"rate": "fast"}, "Parameter rate .* is float"),
    ],
)
def test_unknown_parameter_and_wrong_type(tmp_path, parameters, words):
    with pytest.raises(CnnlensError, match=words):
        run(notebook(tmp_path), parameters=parameters)


def test_parameters_must_be_literals(tmp_path):
    path = notebook(tmp_path, ("other = len('abc')", "parameters"))
    with pytest.raises(CnnlensError, match="must hold literals only"):
        run(path)


def test_cell_error(tmp_path):
    outcome = run(notebook(tmp_path, "1 / 0"))
    assert not outcome.passed and "ZeroDivisionError" in outcome.problems[0]


def test_cell_error_that_is_tagged_away(tmp_path):
    outcome = run(notebook(tmp_path, ("1 / 0", "raises-exception")))
    assert not outcome.passed and "ZeroDivisionError" in outcome.problems[0]


OUTPUT = "import ipywidgets as w\no = w.Output()\ndisplay(o)\n"
SLIDER = "import ipywidgets as w\ns = w.IntSlider()\n"
SWALLOWED = {  # each raises its own error, which names it
    "interact": "from ipywidgets import interact\ninteract(lambda x: int('interact'), x=3)",
    "interactive_output": SLIDER + "display(w.interactive_output(lambda x: int('interactive_output'), {'x': s}))",
    "with Output": OUTPUT + "with o:\n    int('with Output')",
    "capture": OUTPUT + "@o.capture()\ndef f():\n    int('capture')\nf()",
    "thread": "import threading\nt = threading.Thread(target=lambda: int('thread'))\nt.start()\nt.join()",
    "traceback printed into a widget": OUTPUT
    + """
import traceback
with o:
    try:
        int('traceback printed into a widget')
    except ValueError:
        print(traceback.format_exc())
""",
}
RAISED = {  # these stop the lesson
    "observe": SLIDER + "s.observe(lambda change: 1 / 0, 'value')\ns.value = 3",
    "button": "import ipywidgets as w\nb = w.Button()\nb.on_click(lambda _: 1 / 0)\nb.click()",
    "explorer": """
from cnnlens.explore.base import Explorer, Frame
from cnnlens.explore.controls import Number
Explorer([Number('x', high=3)], lambda values, found: 1 / 0)
""",
}


@pytest.mark.parametrize("how", RAISED)
def test_error_in_a_widget_that_is_not_swallowed(tmp_path, how):
    outcome = run(notebook(tmp_path, RAISED[how]))
    assert not outcome.passed and "ZeroDivisionError" in outcome.problems[0]


@pytest.fixture(scope="module")
def swallowed(tmp_path_factory):
    """What is found in a lesson whose every cell swallows an error in another way."""
    return run(notebook(tmp_path_factory.mktemp("swallowed"), *SWALLOWED.values())).problems


@pytest.mark.parametrize("how", SWALLOWED)
def test_error_in_a_widget_however_attached(swallowed, how):
    assert [each for each in swallowed if f"ValueError: invalid literal for int() with base 10: {how!r}" in each]


@pytest.mark.parametrize(("channel", "hears"), [(AsyncZMQSocketChannel, False), (AttentiveChannel, True)])
def test_an_answer_that_comes_while_something_is_sent_is_heard(channel, hears):
    """jupyter_client's own channel does not hear it; once it does, ours is needed no more."""
    session, context = Session(key=b""), zmq.asyncio.Context()

    async def heard():
        ours, theirs = context.socket(zmq.PAIR), zmq.Context.shadow(context.underlying).socket(zmq.PAIR)
        with ours, theirs:
            theirs.bind("inproc://answers")
            ours.connect("inproc://answers")
            waiting = asyncio.create_task(channel(ours, session).get_msg(timeout=60))
            await asyncio.sleep(0.1)
            session.send(theirs, "execute_reply")
            while not zmq.Socket.shadow(ours.underlying).get(zmq.EVENTS) & zmq.POLLIN:
                pass  # as sending does, this takes note of what came without waking who waits
            await asyncio.wait([waiting], timeout=3)
            waiting.cancel()
            return waiting.done() and not waiting.cancelled()

    assert asyncio.run(heard()) == hears
    context.term()


def test_time_out(tmp_path):
    outcome = run(notebook(tmp_path, "import time\ntime.sleep(60)"), timeout=2)
    assert not outcome.passed and "longer than 2 s" in outcome.problems[0] and outcome.seconds < 30


def test_dead_kernel(tmp_path):
    outcome = run(notebook(tmp_path, "import os\nos._exit(9)"))
    assert not outcome.passed and "kernel died" in outcome.problems[0]


def test_missing_picture(tmp_path):
    outcome = run(notebook(tmp_path, ("print('no picture')", "picture")))
    assert outcome.problems == ("cell 3 shows no picture: print('no picture')",)


EXPLORER = """
import os
from cnnlens.explore.base import Explorer, Frame
from cnnlens.explore.controls import Number
os.environ["CNNLENS_AHEAD"] = {seconds!r}
Explorer([Number('x', high=3)], lambda values, found: Frame(open({path!r}, "rb").read(), "x"))
"""


def test_an_explorer_without_frames_for_readers(tmp_path):
    PIL.Image.new("RGB", (9, 9)).save(tmp_path / "x.png")
    cells = [EXPLORER.format(seconds=seconds, path=str(tmp_path / "x.png")) for seconds in ("1", "0")]
    outcome = run(notebook(tmp_path, *cells))
    assert outcome.problems == ("cell 4 shows an explorer that left no frames for readers without a kernel",)
    executed = nbformat.read(outcome.notebook, as_version=4)
    page = HTMLExporter().from_notebook_node(executed)[0]
    assert page.count('<div class="cnnlens-twin"') == 1, "a page that nbconvert makes shows it"


STAND_IN = "from cnnlens import files; files.stand_in('MNIST', 'digits', 'Fetch it.')"  # which all data sets ask


def test_stand_in_where_the_real_thing_was_asked(tmp_path):
    outcome = run(notebook(tmp_path, STAND_IN), require_real=True)  # without it every lesson of the course passes
    assert not outcome.passed and "StandInRefused" in outcome.problems[0]


def test_names_of_lessons():
    assert runner.find("01") == runner.find("1") == runner.find("train_lenet") == runner.find("01_train_lenet")
    with pytest.raises(CnnlensError, match="no lesson '01_train_lent'. Did you mean '01_train_lenet'"):
        runner.find("01_train_lent")
    with pytest.raises(CnnlensError, match="no notebook"):
        runner.find("nowhere.ipynb")


def test_command_is_red_and_keeps_a_record(tmp_path, capsys):
    """One broken lesson of three stops none of the others; the log is one line a lesson, in their order.

    Where the system can, their kernels are forked from a process that has imported TensorFlow.
    """
    for name in ("1_slow", "2_broken", "3_threads"):
        (tmp_path / name).mkdir()
    drawn = "import numpy as np\nprint('drawn', np.random.random())"
    slow = notebook(tmp_path / "1_slow", "import time\ntime.sleep(2)", (PICTURE, "picture"), drawn, name="slow")
    broken = notebook(tmp_path / "2_broken", "1 / 0", name="broken")
    threads = "import os, sys\nprint('threads', os.environ['OMP_NUM_THREADS'], 'tensorflow' in sys.modules)"
    plotted = ("import matplotlib.pyplot as plt\nplt.plot([0, 1]);", "picture")
    child = "import multiprocessing\nchild = multiprocessing.get_context('spawn').Process(target=len, args=('',))"
    ended = "child.start()\nchild.join()\nassert child.exitcode == 0"
    last = notebook(tmp_path / "3_threads", threads, plotted, drawn, child, ended, name="threads")
    out = tmp_path / "site"
    command = [
        sys.executable,
        "-m",
        "cnnlens",
        "run",
        *map(str, (slow, broken, last)),
        "--out",
        str(out),
        "--jobs",
        "2",
    ]
    ended = subprocess.run([*command, "-p", "seed=4"], capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr == "", "without a terminal there is no bar, and a kernel says nothing of its connection"
    lines = ended.stdout.splitlines()
    assert [line.split()[:2] for line in lines[:3]] == [["ok", "slow"], ["FAILED", "broken"], ["ok", "threads"]]
    assert len(lines) == 4 and "GiB  cell 3 raised ZeroDivisionError" in lines[1] and lines[3].startswith("wrote ")
    assert lines[3].endswith(book.missing() or f"To read it as a book: cnnlens book --course {out}")
    assert re.fullmatch(r"ok +slow +[\d.]+ s +0\.[1-9] GiB", lines[0]), "time and memory of a kernel"
    kept = {entry.lesson: entry for entry in record.read(out)}
    assert [kept[name].passed for name in ("slow", "broken", "threads")] == [True, False, True]
    assert kept["broken"].problems[0].startswith("cell 3 raised ZeroDivisionError") and kept["slow"].seconds > 2
    found = {path.stem: path.read_text() for path in out.glob("*.ipynb")}
    threads = os.environ.get("OMP_NUM_THREADS", max(1, runner.cores() // 2))
    assert f"threads {threads} {forked.possible()}" in found["threads"]
    assert len({re.search("drawn [0-9.]+", found[name])[0] for name in ("slow", "threads")}) == 2


def test_a_kernel_of_another_environment_is_started_and_not_forked(monkeypatch):
    started = []

    async def launch(self, cmd, **how):
        started.append(cmd)

    monkeypatch.setattr(LocalProvisioner, "launch_kernel", launch)
    command = ["/elsewhere/bin/python", "-m", "ipykernel_launcher", "-f", "connection.json"]
    asyncio.run(forked.Provisioner(spare=None).launch_kernel(command, env={}))
    assert started == [command]


def test_command_refuses_before_anything_runs(tmp_path, capsys):
    sound = notebook(tmp_path)
    assert main(["run", "no_such_lesson"]) == 2
    assert main(["run", str(sound), "-p", "sede=4"]) == 2
    assert "Did you mean 'seed'" in capsys.readouterr().err
    assert main(["run", str(sound), "--jobs", "0"]) == 2
    assert "--jobs must be 1 or more" in capsys.readouterr().err


def kernels(folder):
    """Processes that work in a folder or below it."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if Path(process.cwd()).is_relative_to(folder):
                found.append(process)
    return found


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no signals to a process")
@pytest.mark.parametrize("send", ("kill", "killpg"), ids=("the command alone", "Ctrl-C, which reaches all"))
def test_interrupt_ends_the_kernels(tmp_path, send):
    endless = notebook(tmp_path, "import time\nopen('begun', 'w')\ntime.sleep(600)")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "cnnlens", "run", str(endless), "--out", str(out)]
    heeding = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a job in the background ignores Ctrl-C
    how = {"stderr": subprocess.PIPE, "text": True, "start_new_session": True, "preexec_fn": heeding}
    process = subprocess.Popen(command, **how)
    begun = out / "files" / "99_planted" / "begun"
    deadline = time.monotonic() + 60
    while not begun.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    try:
        assert begun.exists() and kernels(out)
        getattr(os, send)(process.pid, signal.SIGINT)
        assert process.wait(timeout=120) == 130
        assert process.stderr.read() == "cnnlens: stopped; what is finished is kept.\n"
        assert not kernels(out)
    finally:  # nothing stays behind when this fails
        for left in (process, *kernels(out)):
            left.kill()


def test_a_lesson_whose_process_dies_is_a_failed_one(tmp_path):
    died = notebook(tmp_path, "import os, psutil\npsutil.Process(os.getppid()).kill()")
    (outcome,) = runner.run_all([died], tmp_path / "out")
    assert outcome.problems == ("the process that ran it died; most often memory ran out",)
    deadline = time.monotonic() + 60
    while kernels(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not kernels(tmp_path), "a kernel ends with the process that started it"


def test_jobs_follow_cores_and_memory(monkeypatch):
    free = SimpleNamespace(available=7 * 2**30)
    monkeypatch.setattr(runner.psutil, "virtual_memory", lambda: free)
    monkeypatch.setattr(runner, "cores", lambda: 8)
    assert [runner.default_jobs(count) for count in (1, 2, 9)] == [1, 2, 2]
    free.available = 2**30
    assert runner.default_jobs(9) == 1
    free.available = 2**36
    assert runner.default_jobs(99) == 8


def test_longest_lessons_start_first():
    order = sorted(runner.lessons().values(), key=runner._rank)
    assert [path.stem[:2] for path in order[:2]] == list(runner.LONGEST_FIRST[:2])
    assert set(runner.LONGEST_FIRST) <= {path.stem[:2] for path in order}


def test_an_old_notebook_does_not_pass_for_this_run(tmp_path):
    assert run(notebook(tmp_path)).notebook.exists()
    outcome = run(notebook(tmp_path, "import os\nos._exit(9)"))
    assert not outcome.passed and not outcome.notebook.exists()


def test_the_record_keeps_other_lessons_and_refuses_what_it_cannot_read(tmp_path):
    for name, seconds in (("b", 1.0), ("a", 2.0), ("b", 3.0)):
        record.keep(runner.Outcome(name, (), seconds, 2**29, tmp_path / f"{name}.ipynb"), tmp_path, "quick")
    assert [(entry.lesson, entry.seconds) for entry in record.read(tmp_path)] == [("a", 2.0), ("b", 3.0)]
    (tmp_path / record.NAME).write_text("[{}]")
    with pytest.raises(CnnlensError, match="is not a record of a run.*run the lessons again"):
        record.read(tmp_path)
    with pytest.raises(CnnlensError, match="run the lessons first, with `cnnlens run --out"):
        record.read(tmp_path / "nowhere")


def test_without_sphinx_the_command_says_what_the_book_needs_before_anything_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(book.build, "NEEDS", ("sphinx", "surely_missing"))
    sound = notebook(tmp_path)
    assert main(["run", str(sound), "--out", str(tmp_path / "out"), "--book", str(tmp_path / "book")]) == 2
    assert main(["book", "--course", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.count('The book needs surely_missing: pip install "cnnlens[book]"') == 2
    assert not (tmp_path / "out").exists()


def test_what_no_book_can_take_is_told_before_anything_runs(tmp_path, capsys):
    sound, other = notebook(tmp_path), tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("mine")
    run_, site = ["run", str(sound), "--out", str(tmp_path / "out")], ["--book", str(tmp_path / "book")]
    for more, said in (
        ([*site, "--microscope", str(other)], f"{other} is no store of a microscope"),
        (["--microscope", str(other)], "--microscope is for the book of the lessons: give --book DIR as well."),
        (["--book", str(other)], "holds something that is not a book"),
    ):
        assert main([*run_, *more]) == 2
        assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists() and (other / "thesis.txt").read_text() == "mine"


def test_both_commands_hand_the_microscopes_folders_on_to_the_book(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(book, "check", lambda target, folders: asked.append(folders))
    for name in ("make", "finish"):
        made = lambda *_, microscopes, **__: asked.append(microscopes) or (tmp_path, [])  # noqa: E731
        monkeypatch.setattr(book, name, made)
    monkeypatch.setattr(runner, "run_all", lambda *_, **__: iter(()))
    folders = ["--microscope", "a", "b", "--microscope", "c"]
    assert main(["run", str(notebook(tmp_path)), "--out", str(tmp_path), "--book", str(tmp_path), *folders]) == 0
    assert main(["book", *folders]) == 0
    assert asked == 3 * [[Path("a"), Path("b"), Path("c")]], "checked before the lessons, then twice made"


def test_the_book_is_begun_when_no_lesson_waits_for_the_place(tmp_path, monkeypatch):
    happened = []
    monkeypatch.setattr(book.ahead.Parts, "start", lambda parts: happened.append("begun"))
    monkeypatch.setattr(book, "finish", lambda parts, *_, **__: happened.append("finished") or (tmp_path, []))
    lessons = [str(notebook(tmp_path, name=name)) for name in "abc"]
    settings = {"profile": "of no lesson"}  # so that each fails before it starts a kernel
    for jobs, times in ((1, 0), (2, 1), (4, 1)):
        begun = []
        when_free = functools.partial(begun.append, jobs)
        outcomes = list(runner.run_all(lessons, tmp_path, jobs=jobs, when_free=when_free, **settings))
        assert len(outcomes) == 3 and len(begun) == times, jobs
    monkeypatch.setattr(runner, "run_all", lambda *_, when_free, **__: iter(when_free() or ()))
    assert main(["run", lessons[0], "--out", str(tmp_path), "--book", str(tmp_path / "book")]) == 0
    assert happened == ["begun", "finished"]


def test_values_on_the_command_line():
    assert parse("a=1") == ("a", 1) and parse("a=x y") == ("a", "x y") and parse("a=None") == ("a", None)
    assert parse("a='1'") == ("a", "1") and parse("a=1=2") == ("a", "1=2")
    for text in ("a", "=1", "1a=2"):
        with pytest.raises(CnnlensError, match="no NAME=VALUE"):
            parse(text)


COMPARED = "nbval-check-output"
CHANGES = {
    "another value": "print('seven 8')",
    "one more line": "print('seven 7')\nprint('more')",
    "nothing printed": "pass",
    "a text beside it": "print('seven 7')\n'a result'",
}


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A lesson as :mod:`cnnlens.course.hygiene` commits it, and as executed after four of its cells were changed.

    Of the two others the first is compared and prints the same again; the last is not, and prints what it likes.
    """
    sources = ["print('seven', 3 + 4)", *["print('seven 7')"] * len(CHANGES)]
    cells = [*((source, COMPARED) for source in sources), "import random\nprint(random.random())"]
    path = notebook(tmp_path_factory.mktemp("compared"), *cells)
    book = hygiene.clean(nbformat.read(run(path).notebook, as_version=4))
    book.cells = [cell for cell in book.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    nbformat.write(book, path)
    for cell, change in zip(book.cells[3:], CHANGES.values()):
        cell.source = change
    changed = path.parent / "changed" / path.name
    changed.parent.mkdir()
    nbformat.write(book, changed)
    return path, run(changed).notebook


def test_nbval_finds_each_planted_change_of_an_output_and_nothing_else(compared, differences):
    found = differences(*compared)
    assert len(found) == len(CHANGES)
    for words in found:
        assert any(word in words for word in ("mismatch", "output fields", "dissimilar"))


def test_planted_cell_more(compared, differences, tmp_path):
    path, executed = compared
    shorter = nbformat.read(path, as_version=4)
    del shorter.cells[-1]
    nbformat.write(shorter, tmp_path / path.name)
    with pytest.raises(ValueError, match="zip"):
        differences(tmp_path / path.name, executed)
