"""``cnnlens book``: the executed lessons as a site to read, from the disk and without network."""

import sys
from pathlib import Path


def add(subparsers):
    """Add the command."""
    command = subparsers.add_parser("book", help="make a book of the lessons that cnnlens run has executed")
    option = command.add_argument
    option("--course", type=Path, default=Path("build/course"), metavar="DIR", help="default: build/course")
    option("--out", type=Path, default=Path("build/book"), metavar="DIR", help="default: build/book")
    option("--no-library", action="store_true", help="leave out the pages of the library, which take most of the time")
    with_microscopes(command)
    command.set_defaults(run=run)


def with_microscopes(command):
    """Give a command that makes a book the option for sites of the microscope; :func:`.book.check` looks at them."""
    told = "take what cnnlens microscope wrote there into the book, and link to it where a lesson names the command"
    command.add_argument("--microscope", type=Path, nargs="+", action="extend", default=[], metavar="DIR", help=told)


def run(options):
    """Build the book."""
    from .. import book

    return say(book.make(options.course, options.out, library=not options.no_library, microscopes=options.microscope))


def say(made):
    """Say where a book is and of what Sphinx complained."""
    index, complaints = made
    for line in complaints:
        print(line, file=sys.stderr)
    print(f"wrote {index}")
    return 0
