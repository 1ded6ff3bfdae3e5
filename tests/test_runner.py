"""The runner goes red when a lesson is broken: each fault is planted, and must be caught."""

import nbformat
import pytest

from cnnlens.__main__ import main
from cnnlens.course import runner, site
from cnnlens.course.commands.run import parse
from cnnlens.errors import CnnlensError

HEAD = 'profile = "quick"\nseed = 0\nrate = 0.5\nname = None'
PICTURE = "import base64\nfrom IPython.display import display\nfrom cnnlens.figures import base\nfig = base.canvas(2, 1)\nfig.text(0, 0, 'x')\nbase.show(fig, 'an x')"


def notebook(tmp_path, *cells):
    """A lesson of these cells; a cell is source, or (source, tag)."""
    found = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    )
    found.cells.append(nbformat.v4.new_markdown_cell("# A planted lesson"))
    for cell in ((HEAD, "parameters"), *cells):
        source, *tags = (cell,) if isinstance(cell, str) else cell
        found.cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": tags}))
    path = tmp_path / "99_planted.ipynb"
    nbformat.write(found, path)
    return path


def run(path, **how):
    return runner.run(path, path.parent / "out", progress=False, **how)


def test_a_sound_lesson_passes(tmp_path):
    path = notebook(
        tmp_path, "print(profile, seed, rate, name)", (PICTURE, "picture"), "open('left.txt', 'w').write('here')"
    )
    outcome = run(path, parameters={"seed": 3, "rate": 1, "name": "any"})
    assert outcome.passed and outcome.seconds > 0
    text = outcome.notebook.read_text()
    assert "quick 3 1 any" in text
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


SWALLOWED = {
    "interact": "from ipywidgets import interact\ninteract(lambda x: 1 / 0, x=3)",
    "interactive_output": "import ipywidgets as w\ns = w.IntSlider()\ndisplay(w.interactive_output(lambda x: 1 / 0, {'x': s}))",
    "with Output": "import ipywidgets as w\no = w.Output()\ndisplay(o)\nwith o:\n    1 / 0",
    "capture": "import ipywidgets as w\no = w.Output()\ndisplay(o)\n@o.capture()\ndef f():\n    1 / 0\nf()",
    "observe": "import ipywidgets as w\ns = w.IntSlider()\ns.observe(lambda change: 1 / 0, 'value')\ns.value = 3",
    "button": "import ipywidgets as w\nb = w.Button()\nb.on_click(lambda _: 1 / 0)\nb.click()",
    "thread": "import threading\nt = threading.Thread(target=lambda: 1 / 0)\nt.start()\nt.join()",
    "traceback printed into a widget": "import ipywidgets as w, traceback\no = w.Output()\ndisplay(o)\nwith o:\n    try:\n        1 / 0\n    except ZeroDivisionError:\n        print(traceback.format_exc())",
    "explorer": "from cnnlens.explore.base import Explorer, Frame, Number\nExplorer([Number('x', high=3)], lambda values, found: 1 / 0)",
}


@pytest.mark.parametrize("how", SWALLOWED)
def test_error_in_a_widget_however_attached(tmp_path, how):
    outcome = run(notebook(tmp_path, SWALLOWED[how]))
    assert not outcome.passed and "ZeroDivisionError" in outcome.problems[0]


def test_time_out(tmp_path):
    outcome = run(notebook(tmp_path, "import time\ntime.sleep(60)"), timeout=2)
    assert not outcome.passed and "longer than 2 s" in outcome.problems[0] and outcome.seconds < 30


def test_dead_kernel(tmp_path):
    outcome = run(notebook(tmp_path, "import os\nos._exit(9)"))
    assert not outcome.passed and "kernel died" in outcome.problems[0]


def test_missing_picture(tmp_path):
    outcome = run(notebook(tmp_path, ("print('no picture')", "picture")))
    assert outcome.problems == ("cell 3 shows no picture: print('no picture')",)


STAND_IN = "from cnnlens import datasets\nprint(datasets.load('mnist').source)"


def test_stand_in_where_the_real_thing_was_asked(tmp_path):
    path = notebook(tmp_path, STAND_IN)
    assert run(path).passed
    outcome = run(path, require_real=True)
    assert not outcome.passed and "StandInRefused" in outcome.problems[0]


def test_names_of_lessons():
    assert runner.find("01") == runner.find("1") == runner.find("train_lenet") == runner.find("01_train_lenet")
    with pytest.raises(CnnlensError, match="no lesson '01_train_lent'. Did you mean '01_train_lenet'"):
        runner.find("01_train_lent")
    with pytest.raises(CnnlensError, match="no notebook"):
        runner.find("nowhere.ipynb")


def test_command_is_red_and_writes_the_page(tmp_path, capsys):
    sound, out = notebook(tmp_path, (PICTURE, "picture")), tmp_path / "site"
    assert main(["run", str(sound), "--out", str(out), "-p", "seed=4"]) == 0
    page = (out / "index.html").read_text()
    assert "A planted lesson" in page and "ran without fault" in page and "data:image/png" in page
    assert (out / "99_planted.html").exists()
    assert main(["run", str(notebook(tmp_path, "1 / 0")), "--out", str(out)]) == 1
    assert "failed: cell" in (out / "index.html").read_text()
    assert "FAILED" in capsys.readouterr().out
    assert main(["run", "no_such_lesson"]) == 2
    assert main(["run", str(sound), "-p", "sede=4"]) == 2
    assert "Did you mean 'seed'" in capsys.readouterr().err


def test_a_lesson_that_left_no_notebook_still_gets_a_card(tmp_path):
    outcome = runner.Outcome("99_gone", ("the kernel <died>",), 1.0, tmp_path / "99_gone.ipynb")
    page = site.write([outcome], tmp_path, "quick").read_text()
    assert "the kernel &lt;died&gt;" in page and "0 of 1 lessons" in page


def test_values_on_the_command_line():
    assert parse("a=1") == ("a", 1) and parse("a=x y") == ("a", "x y") and parse("a=None") == ("a", None)
    assert parse("a='1'") == ("a", "1") and parse("a=1=2") == ("a", "1=2")
    for text in ("a", "=1", "1a=2"):
        with pytest.raises(CnnlensError, match="no NAME=VALUE"):
            parse(text)
