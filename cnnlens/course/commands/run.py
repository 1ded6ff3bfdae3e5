"""``cnnlens run``: execute lessons headlessly."""

import ast
import contextlib
import os
from pathlib import Path

from tqdm import tqdm

from ...errors import CnnlensError
from .book import say, with_microscopes


def add(subparsers):
    """Add the command."""
    command = subparsers.add_parser("run", help="execute lessons headlessly")
    option = command.add_argument
    option("lessons", nargs="*", metavar="LESSON", help="name or number; all of them by default")
    option("--profile", choices=("quick", "full"), default="quick", help="sizes to run at (default: quick)")
    option("--out", type=Path, default=Path("build/course"), metavar="DIR", help="default: build/course")
    option("--book", type=Path, metavar="DIR", help="then make a book of all lessons in --out, as cnnlens book does")
    with_microscopes(command)
    option("-p", "--parameter", action="append", default=[], metavar="NAME=VALUE", help="set a lesson's parameter")
    option("--jobs", type=int, metavar="N", help="lessons side by side (default: from cores and free memory)")
    option("--timeout", type=float, metavar="SECONDS", help="for one cell (default: 300 at quick, 7200 at full)")
    option("--require-real", action="store_true", help="fail where a lesson would use stand-ins for data or weights")
    option("--offline", action="store_true", help="the same as CNNLENS_OFFLINE=1")
    command.set_defaults(run=run)


def run(options):
    """Run the lessons side by side, and say how each went; 1 if any is broken."""
    from .. import book, runner

    if options.book:  # what stands in its way is told before the lessons run, not after
        book.check(options.book, options.microscope)
    elif options.microscope:
        raise CnnlensError("--microscope is for the book of the lessons: give --book DIR as well.")
    if options.offline:
        os.environ["CNNLENS_OFFLINE"] = "1"
    parameters = dict(parse(text) for text in options.parameter)
    asked = dict.fromkeys(runner.find(name) for name in options.lessons)  # each once
    paths = list(asked or runner.lessons().values())
    for path in paths:  # all are checked before the first one runs
        runner.check_parameters(path, {"profile": options.profile, **parameters})
    if options.jobs is not None and options.jobs < 1:
        raise CnnlensError(f"--jobs must be 1 or more; got {options.jobs}.")
    jobs = options.jobs or runner.default_jobs(len(paths))
    settings = dict(parameters=parameters, timeout=options.timeout, require_real=options.require_real)
    settings["profile"] = options.profile
    with book.parts() if options.book else contextlib.nullcontext() as begun:
        settings["when_free"] = begun and begun.start  # its parts that need no lesson are made beside the last one
        outcomes = _execute(paths, options, jobs=jobs, **settings)
        print(f"wrote {options.out}. {_and_the_book(options)}")
        if options.book:
            say(book.finish(begun, options.out, options.book, microscopes=options.microscope))
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def _execute(paths, options, **settings):
    """Run lessons, say how each went and keep it in the record; their outcomes."""
    from .. import record, runner

    outcomes = []
    # without a terminal there is no bar, and the log is one line a lesson
    with tqdm(total=runner.count_cells(paths), unit=" cells", leave=False, disable=None) as bar:
        for outcome in runner.run_all(paths, options.out, on_cell=bar.update, **settings):
            outcomes.append(outcome)
            with bar.external_write_mode():
                print(outcome, flush=True)
            record.keep(outcome, options.out, options.profile)
    return outcomes


def _and_the_book(options):
    """How to read what was executed."""
    from .. import book

    if options.book:
        return "Now the book of them:"
    return book.missing() or f"To read it as a book: cnnlens book --course {options.out}"


def parse(text):
    """A ``NAME=VALUE`` as a pair; the value is a Python literal, else a string."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise CnnlensError(f"-p {text!r} is no NAME=VALUE.")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value
