"""``cnnlens grade``: mark a class's notebooks with the checks of the exercises."""

from pathlib import Path

from ...errors import CnnlensError


def add(subparsers):
    """Add the command."""
    command = subparsers.add_parser("grade", help="mark a class's notebooks with the checks of the exercises")
    option = command.add_argument
    option("folder", type=Path, metavar="FOLDER", help="a notebook for each learner, under any name; also in folders")
    option("--out", type=Path, default=Path("marks.csv"), metavar="FILE", help="default: marks.csv")
    option("--seconds", type=float, default=60, help="for each exercise (default: 60)")
    option(
        "--memory",
        type=float,
        default=4,
        metavar="GIB",
        help="for the answers of each notebook, beside the libraries (default: 4)",
    )
    command.set_defaults(run=run)


def run(options):
    """Mark one notebook after the other, and write what is marked so far after each."""
    from .. import grading

    for name in ("seconds", "memory"):
        if not getattr(options, name) > 0:
            raise CnnlensError(f"--{name} must be above 0; got {getattr(options, name):g}.")
    if options.out.is_dir():
        raise CnnlensError(f"--out {options.out} is a folder. Expected a file such as marks.csv.")
    paths, marks = grading.notebooks(options.folder), []
    for number, path in enumerate(paths, 1):
        learner = path.relative_to(options.folder).with_suffix("").as_posix()
        found = grading.grade(path, learner, seconds=options.seconds, memory=options.memory)
        marks += found
        grading.write(marks, options.out)
        right = f"{sum(mark.passed for mark in found)} of {len(found)} right"
        print(f"{number:3} of {len(paths)}  {learner}: {right if found[0].exercise else found[0].words}", flush=True)
    print(f"wrote {options.out}: {sum(mark.passed for mark in marks)} of {len(marks)} right")
    return 0
