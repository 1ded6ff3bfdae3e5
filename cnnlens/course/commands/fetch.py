"""``cnnlens fetch``: download every data set and weight ahead of a class."""

import os

from ... import files
from ...errors import CnnlensError, unknown


def add(subparsers):
    """Add the command."""
    command = subparsers.add_parser("fetch", help="download data sets and weights ahead of a class")
    command.add_argument(
        "names", nargs="*", metavar="NAME", help="mnist, cifar10, vgg16, inception_v3; all of them by default"
    )
    command.add_argument(
        "--timeout",
        type=float,
        default=20,
        metavar="SECONDS",
        help="give up on a connection silent for so long (default: 20)",
    )
    command.set_defaults(run=run)


def catalog():
    """What can be fetched: {name: (url, target, hash)}. The targets are where Keras itself looks.

    ``CNNLENS_MIRROR`` replaces the servers by another that has the same files under the same names, such as one in the
    school's own network.
    """
    from ... import datasets, zoo

    found = {
        name: (url, files.keras_folder("datasets") / file, known)
        for name, (url, file, known) in datasets.DOWNLOADS.items()
    }
    for name, (file, known) in zoo.KERAS_WEIGHTS.items():
        found[name] = (zoo.KERAS_URL.format(name=name, file=file), files.keras_folder("models") / file, known)
    mirror = os.environ.get("CNNLENS_MIRROR")
    if mirror:
        found = {
            name: (f"{mirror.rstrip('/')}/{url.rsplit('/', 1)[1]}", target, known)
            for name, (url, target, known) in found.items()
        }
    return found


def run(options):
    """Fetch one after the other; what fails is said at the end, and the rest is fetched all the same."""
    known = catalog()
    for name in options.names:
        if name not in known:
            raise unknown("download", name, known)
    if os.environ.get("CNNLENS_OFFLINE", "") not in ("", "0"):
        raise CnnlensError("CNNLENS_OFFLINE=1 forbids the network. Unset it to fetch.")
    failed = []
    for name in options.names or known:
        url, target, known_hash = known[name]
        try:
            files.download(url, target, known_hash, timeout=options.timeout)
            print(f"ok      {name:13} {target}  sha256:{remembered(target)}")
        except CnnlensError as error:
            failed.append(name)
            print(f"FAILED  {name:13} {error}")
    return 1 if failed else 0


def remembered(path):
    """The SHA-256 of a fetched file, which must be the one of the first time it was fetched.

    Keras publishes SHA-256 for data sets but only MD5 for its older weights, and a file can be forged to an MD5. So the
    stronger sum is written down beside the file once that one was right, and holds from then on.

    Raises
    ------
    CnnlensError
        If the file is another one than then.
    """
    note, digest = path.with_name(path.name + ".sha256"), files.sha256(path)
    first = note.read_text(encoding="utf-8").split()[:1] if note.is_file() else [digest]
    if first != [digest]:
        raise CnnlensError(
            f"{path.name} is not the file that was fetched first (SHA-256 {digest}, then {' '.join(first)}). "
            f"Delete it and {note.name} if you trust the new one."
        )
    with files.atomic(note) as partial:
        partial.write_text(f"{digest}  {path.name}\n", encoding="utf-8")
    return digest
