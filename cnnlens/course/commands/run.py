"""``cnnlens run``: execute lessons headlessly."""

import ast
import os
from pathlib import Path

from ...errors import CnnlensError


def add(subparsers):
    """Add the command."""
    command = subparsers.add_parser("run", help="execute lessons headlessly and write them as web pages")
    command.add_argument("lessons", nargs="*", metavar="LESSON", help="name or number; all of them by default")
    command.add_argument(
        "--profile", choices=("quick", "full"), default="quick", help="sizes that the lessons run at (default: quick)"
    )
    command.add_argument("--out", type=Path, default=Path("build/course"), metavar="DIR", help="default: build/course")
    command.add_argument(
        "-p", "--parameter", action="append", default=[], metavar="NAME=VALUE", help="set a parameter of the lessons"
    )
    command.add_argument(
        "--timeout", type=float, metavar="SECONDS", help="for one cell (default: 300 at quick, 7200 at full)"
    )
    command.add_argument(
        "--require-real", action="store_true", help="fail where a lesson would use a stand-in for real data or weights"
    )
    command.add_argument("--offline", action="store_true", help="the same as CNNLENS_OFFLINE=1")
    command.set_defaults(run=run)


def run(options):
    """Run the lessons one after the other; 1 if any is broken."""
    from .. import runner, site

    if options.offline:
        os.environ["CNNLENS_OFFLINE"] = "1"
    parameters = dict(parse(text) for text in options.parameter)
    paths = [runner.find(name) for name in options.lessons] or list(runner.lessons().values())
    for path in paths:  # all are checked before the first one runs
        runner.check_parameters(path, {"profile": options.profile, **parameters})
    outcomes = []
    for path in paths:
        outcome = runner.run(
            path,
            options.out,
            profile=options.profile,
            parameters=parameters,
            timeout=options.timeout,
            require_real=options.require_real,
        )
        outcomes.append(outcome)
        print(
            f"{'ok    ' if outcome.passed else 'FAILED'} {outcome.lesson:22} {outcome.seconds:6.1f} s  {'; '.join(outcome.problems)}",
            flush=True,
        )
        index = site.write(outcomes, options.out, options.profile)
    print(f"wrote {index}")
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def parse(text):
    """A ``NAME=VALUE`` as a pair; the value is a Python literal, else a string."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise CnnlensError(f"-p {text!r} is no NAME=VALUE.")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value
