"""The command line; each file in ``course/commands`` adds one command."""

import argparse
import importlib
import pkgutil
import sys

from . import __version__
from .course import commands
from .errors import CnnlensError


def parser():
    """The parser with all commands."""
    top = argparse.ArgumentParser(
        prog="cnnlens",
        description="Look inside convolutional networks: run the course, or point its lenses at a network.",
    )
    top.add_argument("--version", action="version", version=f"cnnlens {__version__}")
    subparsers = top.add_subparsers(metavar="COMMAND", required=True)
    for module in sorted(pkgutil.iter_modules(commands.__path__), key=lambda module: module.name):
        importlib.import_module(f"{commands.__name__}.{module.name}").add(subparsers)
    return top


def main(arguments=None):
    """Run one command; the exit code is 0 when all went well, 1 for a fault, 2 for unusable arguments."""
    options = parser().parse_args(arguments)
    try:
        return options.run(options)
    except CnnlensError as error:
        print(f"cnnlens: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("cnnlens: stopped; what is finished is kept.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
