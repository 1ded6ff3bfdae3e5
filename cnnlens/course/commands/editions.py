"""``cnnlens student`` and ``cnnlens teacher``: the lessons without solutions, and with all of them in place."""

import tempfile
from pathlib import Path

EDITIONS = {
    "student": "the lessons without solutions, to hand out",
    "teacher": "the lessons with each solution in place, and the mistakes that its check names",
}


def add(subparsers):
    """Add both commands."""
    for edition, text in EDITIONS.items():
        command = subparsers.add_parser(edition, help=f"write {text}")
        out = Path("build") / edition
        command.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out.as_posix()}")
        command.set_defaults(run=run, edition=edition)


def run(options):
    """Write the edition of every lesson, and leave alone what somebody changed."""
    import nbformat

    from .. import copies, editions, hygiene, lesson

    make = getattr(editions, options.edition)
    with tempfile.TemporaryDirectory() as folder:
        written = {}
        for name, path in lesson.lessons().items():
            written[name] = Path(folder) / path.name
            hygiene.write(written[name], make(nbformat.read(path, as_version=4)))
        found = copies.update(written, options.out)
    for copy in found:
        if copy.words:
            print(copy.words)
    print(f"{len(found)} lessons in {options.out}: {EDITIONS[options.edition]}")
    return 0
