"""``cnnlens lab``: the lessons in a folder of one's own, open in JupyterLab."""

import socket
from pathlib import Path

from ...errors import CnnlensError


def add(subparsers):
    """Add the command."""
    command = subparsers.add_parser(
        "lab", help="copy the lessons into a folder, never over changed ones, and open JupyterLab there"
    )
    command.add_argument(
        "folder", nargs="?", type=Path, default=Path("cnnlens-lessons"), metavar="DIR", help="default: cnnlens-lessons"
    )
    command.add_argument("--port", type=int, help="default: 8888, or the next one that is free")
    command.add_argument("--no-browser", action="store_true", help="print the address instead of opening a browser")
    command.add_argument("--copy-only", action="store_true", help="copy the lessons and stop")
    command.add_argument(
        "--server",
        action="append",
        default=[],
        metavar="OPTION",
        help="an option for JupyterLab's server, such as --server=--ip=0.0.0.0; may be repeated",
    )
    command.set_defaults(run=run)


def run(options):
    """Copy the lessons, say what was left alone, and serve the folder until it is stopped."""
    from .. import copies, runner

    folder = options.folder.expanduser().absolute()
    arguments = [] if options.copy_only else _arguments(options, folder)  # what cannot be served is not copied either
    found = copies.update(runner.lessons(), folder)
    for copy in found:
        if copy.words:
            print(copy.words)
    print(f"{sum(copy.state == 'new' for copy in found)} of {len(found)} lessons copied to {folder}", flush=True)
    if not options.copy_only:
        _serve(arguments)
    return 0


def _arguments(options, folder):
    """What JupyterLab is started with.

    Raises
    ------
    CnnlensError
        If the port is in use, or is none.
    """
    found = [f"--ServerApp.root_dir={folder}", *options.server]
    if options.no_browser:
        found.append("--no-browser")
    if options.port is None:
        return found
    if not 1 <= options.port <= 65535:
        raise CnnlensError(f"--port must be 1 to 65535; got {options.port}.")
    try:
        socket.create_server(("127.0.0.1", options.port)).close()
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]
        raise CnnlensError(
            f"Port {options.port} cannot be used ({reason}). Stop what listens there, perhaps another "
            "JupyterLab, name another port, or leave --port out: then a free one is taken."
        ) from error
    return [*found, f"--ServerApp.port={options.port}", "--ServerApp.port_retries=0"]


def _serve(arguments):
    from jupyterlab.labapp import LabApp

    LabApp.launch_instance(arguments)
