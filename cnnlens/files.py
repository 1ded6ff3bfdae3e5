"""Where files are looked for, how they are downloaded, and how they are written so that none is ever half there."""

import contextlib
import errno
import functools
import hashlib
import os
import socket
import tempfile
import time
from importlib import resources
from pathlib import Path

import platformdirs
import pooch
import requests
from tqdm.auto import tqdm

from .errors import CnnlensError, StandInRefused

PROBED_HOST = ("storage.googleapis.com", 443)  # where keras.datasets and keras.applications keep their files
CHUNK = 1 << 16  # bytes; at most so many are fetched twice

pooch.get_logger().setLevel("WARNING")  # the bar says it all


def shipped(*names):
    """The path of what comes with cnnlens, such as ``shipped("data", "ledger.json")`` or ``shipped("notebooks")``.

    In git it lies beside the package; the build puts it inside (``setup.py``), so that a wheel is whole.
    """
    return (_inside() if _inside().is_dir() else _package().parent).joinpath(*names)


def checkout():
    """The folder of the checkout, for what writes into its ``data`` folder.

    Raises
    ------
    CnnlensError
        If this package was installed from a wheel, which has none.
    """
    if _inside().is_dir():
        raise CnnlensError(
            f"This cnnlens was installed into {_package()}; only a checkout has a data folder to write to. Clone the "
            "repository and run there, or leave out the option that writes into it."
        )
    return _package().parent


def _package():
    return Path(resources.files(__package__))


def _inside():
    return _package() / "shipped"


def data_folder():
    """The folder that ``CNNLENS_DATA`` names, or None when it is not set.

    Raises
    ------
    CnnlensError
        If the variable is set but names no folder.
    """
    value = os.environ.get("CNNLENS_DATA")
    if not value:
        return None
    folder = Path(value).expanduser()
    if not folder.is_dir():
        raise CnnlensError(
            f"CNNLENS_DATA names {str(folder)!r}, which is not a folder. Create it or unset the variable."
        )
    return folder


def keras_folder(kind):
    """Keras's own cache: ``~/.keras/datasets`` or ``~/.keras/models``, moved by ``KERAS_HOME``."""
    return Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")).expanduser() / kind


def cache_folder():
    """The folder for what cnnlens computes or keeps for itself, as this operating system wants it."""
    return platformdirs.user_cache_path("cnnlens")


def find(name):
    """The first file of this name in ``CNNLENS_DATA``, its ``weights`` folder, or Keras's cache; None if nowhere."""
    folder = data_folder()
    places = [folder, folder / "weights"] if folder else []
    places += [keras_folder("datasets"), keras_folder("models")]
    return next((place / name for place in places if (place / name).is_file()), None)


def online():
    """Whether downloads may be tried: False under ``CNNLENS_OFFLINE=1`` or when a two-second probe fails."""
    return os.environ.get("CNNLENS_OFFLINE", "") in ("", "0") and _reachable()


@functools.cache
def _reachable():
    try:
        socket.create_connection(PROBED_HOST, timeout=2).close()
    except OSError:
        return False
    return True


def stand_in(wanted, instead, remedy):
    """The source line of a stand-in, or the refusal of it under ``CNNLENS_REQUIRE_REAL=1``.

    Every stand-in in cnnlens passes through here, so none can be used unseen.

    Parameters
    ----------
    wanted, instead, remedy : str
        What was asked for, what stands in for it, and how to get the real thing.

    Returns
    -------
    str
        The source line, which begins with ``stand-in``.

    Raises
    ------
    StandInRefused
        If the environment asks for the real thing.
    """
    if os.environ.get("CNNLENS_REQUIRE_REAL", "") not in ("", "0"):
        raise StandInRefused(f"{wanted} is required here and could not be had, only a stand-in ({instead}). {remedy}")
    return f"stand-in for {wanted}: {instead}"


def ways_out(filename):
    """The three ways to get a file that is missing, as one sentence for an error message."""
    return (
        f"Three ways out: run `cnnlens fetch` while connected; copy {filename} from another machine into a folder "
        'and set CNNLENS_DATA to it; or use the stand-in (`pip install "cnnlens[offline]"`).'
    )


@contextlib.contextmanager
def atomic(path):
    """Write a file whole or not at all: yields a temporary name beside it that is renamed at the end.

    Parameters
    ----------
    path : path
        The file to write. The temporary name keeps its suffix, because writers look at it.

    Yields
    ------
    pathlib.Path
        Where to write.

    Raises
    ------
    CnnlensError
        If the folder cannot be written or the disk is full; nothing is left behind.
    """
    path = Path(path)
    partial = None
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=".partial-", suffix="-" + path.name, dir=path.parent)
            os.close(handle)
            partial = Path(name)
            yield partial
            os.chmod(partial, 0o666 & ~_umask())  # mkstemp makes it private; a shared folder wants the usual mode
            os.replace(partial, path)
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


@contextlib.contextmanager
def writing(path):
    """What the system says of a full disk, or of a folder that cannot be written, as an error that says what to do.

    Raises
    ------
    CnnlensError
    """
    try:
        yield
    except OSError as error:
        # h5py wraps the system's error number away, so its text is read as well.
        full = error.errno == errno.ENOSPC or "No space left" in str(error)
        readonly = error.errno in (errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOTDIR, errno.EEXIST)
        if not (full or readonly):
            raise
        reason = "the disk is full" if full else "the folder cannot be written"
        raise CnnlensError(f"{path} was not written: {reason}. Free or choose another folder and run again.") from error


def _umask():
    current = os.umask(0)
    os.umask(current)
    return current


def sha256(path):
    """The SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(url, target, known_hash, *, progress=True, timeout=20, tries=4):
    """Fetch one file, going on where a broken download stopped, and keep it only if its hash is right.

    Parameters
    ----------
    url : str
        Where from.
    target : path
        Where to. A file already there with the right hash is left alone.
    known_hash : str
        ``sha256:…`` or ``md5:…`` (Keras publishes MD5 for its older weights).
    progress : bool
        Show a bar.
    timeout : float
        Seconds without a byte after which a connection counts as stalled.
    tries : int
        How often in a row a connection may fail without a byte gained.

    Returns
    -------
    pathlib.Path
        The target.

    Raises
    ------
    CnnlensError
        If the server cannot be reached, keeps stalling, or serves another file.
    """
    target = Path(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        pooch.retrieve(
            url,
            known_hash,
            fname=target.name,
            path=target.parent,
            downloader=functools.partial(_resume, part=_part(target), progress=progress, timeout=timeout, tries=tries),
        )
    except ValueError as error:
        if isinstance(error, CnnlensError):
            raise
        raise CnnlensError(
            f"{url} served another file than expected (wanted {known_hash}). It was thrown away. "
            "Run again; if it happens twice, the file at the source was changed or a proxy alters it."
        ) from error
    except OSError as error:
        raise CnnlensError(
            f"{target} was not written: {error.strerror or error}. Free or choose another folder."
        ) from error
    _part(target).unlink(missing_ok=True)
    return target


def _part(target):
    return target.with_name(target.name + ".part")


def _resume(url, output_file, _, *, part, progress, timeout, tries):
    """A pooch downloader that keeps what came in ``NAME.part`` and asks the server only for the rest."""
    failures = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            _append(url, part, before, progress, timeout)
            break
        except (requests.RequestException, TimeoutError) as error:
            gained = (part.stat().st_size if part.exists() else 0) > before
            failures = 0 if gained else failures + 1
            if failures >= tries:
                raise CnnlensError(
                    f"{url} could not be downloaded ({type(error).__name__} {tries} times in a row). What came is "
                    f"kept in {part.name}: run again to go on from there. {ways_out(part.stem)}"
                ) from error
            time.sleep(min(2**failures, 8) * 0.1)
    os.replace(part, output_file)


def _append(url, part, start, progress, timeout):
    headers = {"Range": f"bytes={start}-"} if start else {}
    with requests.get(url, headers=headers, stream=True, timeout=timeout) as reply:
        if reply.status_code == 416:  # nothing left to send: the part is whole (or wrong, which the hash will tell)
            return
        reply.raise_for_status()
        resumed = reply.status_code == 206
        length = int(reply.headers.get("Content-Length", 0))
        total = (start if resumed else 0) + length
        with (
            open(part, "ab" if resumed else "wb") as file,
            tqdm(
                total=total or None,
                initial=start if resumed else 0,
                unit="B",
                unit_scale=True,
                desc=part.stem,
                disable=not progress,
            ) as bar,
        ):
            for chunk in reply.iter_content(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
        if length and part.stat().st_size < total:
            raise requests.ConnectionError(f"cut off at {part.stat().st_size} of {total} bytes")
