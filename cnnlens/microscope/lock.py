"""One run at a time writes to a store: a lock of the operating system, which ends with its process, however it ends."""

import contextlib
import datetime
import errno
import os
import platform
import warnings
from pathlib import Path

from .. import files
from ..errors import CnnlensError

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)  # of file systems that have none


@contextlib.contextmanager
def writing_alone(store):
    """While a block runs, no other run may write to a store; reading needs no lock.

    Beside the store lie two small files: the one that is locked, which stays and means nothing by itself, and one that
    says who has it.

    Parameters
    ----------
    store : path
        Of the store; it need not be there yet.

    Raises
    ------
    CnnlensError
        If another run has it, which it names, or the folder cannot be written.
    """
    try:
        import locket
    except ImportError as error:
        raise CnnlensError('The microscope needs locket: pip install "cnnlens[microscope]".') from error
    store = Path(store).resolve()
    who = store.with_name(f".{store.name}.user")
    with contextlib.ExitStack() as stack:
        try:
            with files.writing(store):
                store.parent.mkdir(parents=True, exist_ok=True)
                stack.enter_context(locket.lock_file(str(store.with_name(f".{store.name}.lock")), timeout=0))
        except locket.LockError as error:
            raise CnnlensError(
                f"{store} is in use: {_has_it(who)} writes to it. Wait until that run is finished, stop it, or choose "
                "another --out. What it has finished can be looked at meanwhile: cnnlens microscope --site --out "
                f"{store.parent}"
            ) from error
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            warnings.warn(
                f"{store.parent} lies on a file system without locks: see to it that no other run writes to {store}.",
                stacklevel=2,
            )
        stack.callback(who.unlink, missing_ok=True)
        with files.atomic(who) as partial:
            partial.write_text(_this_process(), encoding="utf-8")
        yield


def _this_process():
    since = datetime.datetime.now().astimezone().isoformat(" ", "minutes")
    return f"process {os.getpid()} on {platform.node()} (since {since})"


def _has_it(who):
    """The words that the other run left; it may be about to write them."""
    try:
        return who.read_text(encoding="utf-8")
    except OSError:
        return "another run"
