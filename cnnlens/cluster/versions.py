"""Whether a cluster has the versions that this process has: one store, or one ledger, comes from one version."""

from .. import fingerprints
from ..errors import CnnlensError, first_line


def compared(client):
    """Compare what computes on each worker with what is installed here, before any work starts.

    Raises
    ------
    CnnlensError
        Names the worker, and both versions.
    """
    found = client.get_versions(packages=["cnnlens"])
    here = _plain(found["client"])
    relays = ("Python", "distributed", "numpy")  # what a scheduler needs, which computes nothing
    same("The scheduler", {name: _plain(found["scheduler"])[name] for name in relays}, here)
    more = client.run(fingerprints.of_environment, on_error="return")
    for address, theirs in found["workers"].items():
        there = _plain(theirs)
        if isinstance(more.get(address), Exception):
            there["cnnlens"] = f"{there['cnnlens'] or 'missing'} ({first_line(more[address])})"
        else:
            there.update(more.get(address, {}))
        same(f"Worker {address}", there, {**here, **fingerprints.of_environment()})


def _plain(versions):
    """Versions by name, as Dask gives them of a machine."""
    packages = versions["packages"]
    python = ".".join(packages["python"].split(".")[:2])
    return {"Python": python, **{name: packages.get(name) for name in ("cnnlens", "distributed", "numpy")}}


def same(who, theirs, here):
    different = [f"{name} {version}, here is {here[name]}" for name, version in theirs.items() if version != here[name]]
    if different:
        raise CnnlensError(
            f"{who} has {'; '.join(different)}. One result comes from one version: install the same there "
            "(requirements.lock names all), or stop it."
        )
