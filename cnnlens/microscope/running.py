"""Filling a store: what is finished stays, the rest is computed here, task by task, or by the workers of a cluster."""

import functools
import time
from pathlib import Path

from tqdm.auto import tqdm

from .. import cluster as clusters
from ..cluster.sent import Sent
from ..lenses.neurons.fourier import STEPS
from ..network import Network
from . import units
from .images import gathered
from .lock import writing_alone
from .plan import Plan, Task, planned
from .progress import Bar
from .site import Site
from .store import Store, zarr

REFRESHED = 30  # seconds between two writings of the site while the work goes on


def microscope(
    net,
    images,
    out,
    *,
    labels=None,
    layers=None,
    units=None,
    steps=STEPS,
    seed=0,
    objective="center",
    site=True,
    workers=None,
    cluster=None,
    progress=True,
):
    """Look at every unit of every layer, keep what is found, and make a site of it; a run that was stopped goes on.

    Parameters
    ----------
    net : Network, keras.Model, name or path
    images : name, path, or array (N, H, W, C) in [0, 1]
        ``"mnist"`` or ``"cifar10"`` (the test images), a folder of pictures, or images in memory.
    out : path
        A folder, for ``store.zarr`` and for the site, whose first page is ``site/index.html``.
    labels : array (N,) of int, optional
        For images in memory.
    layers : str, optional
        Patterns of paths with commas between. By default each layer with weights that is no normalization.
    units : int, optional
        So many of each layer, the first; all by default.
    steps, seed, objective
        As for :func:`cnnlens.neurons.maximize`.
    site : bool
        Write the site, from time to time while the work goes on, and at the end.
    workers : int, optional
        So many processes of this machine do the work, which divide its cores, or take a GPU each. By default this
        process does it.
    cluster : str, optional
        The address of a Dask scheduler, such as ``tcp://10.0.0.1:8786``, whose workers do it instead.
    progress : bool

    Returns
    -------
    Store

    Raises
    ------
    CnnlensError
        If the network or the images cannot be used, Zarr or Dask is missing, the store was made for something else or
        another run writes to it, the disk is full, or the cluster cannot be used or was lost. What was finished before
        is kept.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as out:
    ...     found = microscope("lenet", np.zeros((2, 28, 28, 1)), out, layers="conv1", units=2, steps=1, site=False)
    ...     found.read(0, "made").shape
    (2, 3, 3, 1)
    """
    zarr()
    with clusters.connected(workers, cluster, progress) as connection:
        net = Network.of(net)
        net, pixels, labels, source = gathered(net, images, labels, seed=seed, progress=progress)
        asked = {"layers": layers, "units": units, "steps": steps, "seed": seed, "objective": objective}
        plan = planned(net, pixels, labels, source, **asked)
        place = Path(out) / "store.zarr"
        with writing_alone(place), engine(connection, net, plan) as doing:
            store = Store.at(place, plan, labels)
            pages = Site(store) if site else None
            fill(store, pixels, doing, progress=progress, refresh=pages and pages.write)
            if pages:
                pages.write()
    return store


def engine(connection, net, plan):
    """What does a plan's tasks for a network (:func:`cnnlens.cluster.engine`)."""

    def named(task):
        return f"{plan.layers[task.layer].path if task.layer >= 0 else 'images'}-{task.number}"

    send = lambda: functools.partial(_there, Sent(net), plan.settings)  # noqa: E731
    return clusters.engine(connection, work, (net, plan), send, named)


def _there(sent, settings):
    """What a worker needs: the network and the plan."""
    return sent(), Plan(settings)


def work(ready, task, given):
    """Do one task, of whose fields a worker has a plain tuple, with a network and a plan."""
    (net, plan), task = ready, task if isinstance(task, Task) else Task(*task)
    if task.kind == "reading":
        return units.reading(net, plan, *given)
    return units.pictures(net, plan, task, *given)


def fill(store, pixels, engine, *, progress=True, refresh=None):
    """Compute what a store lacks.

    Parameters
    ----------
    store : Store
    pixels : ndarray (N, H, W, C) uint8
        The images of its plan.
    engine : callable
        From jobs to what they give, in any order, such as :func:`engine` gives.
    progress : bool
    refresh : callable, optional
        Called with nothing from time to time, when something more can be looked at.
    """
    plan = store.plan
    left = [task for task in plan.readings if not store.finished(task)]
    total = sum(task.last - task.first for task in left)
    how = {"desc": "reading images", "unit": "image", "delay": 2, "leave": False, "disable": not progress}
    with tqdm(total=total, **how) as bar:
        for task, found, _ in engine((task, (pixels[task.first : task.last],)) for task in left):
            store.write(task, found)
            bar.update(task.last - task.first)
    for task in plan.summaries:
        if not store.finished(task):
            given = (store.read(task.layer, name) for name in ("peak", "position"))
            store.write(task, units.summary(plan, task.layer, *given, store.labels()))
    left = [task for task in plan.tasks if task.kind == "units" and not store.finished(task)]
    last = time.monotonic()
    with Bar(plan, left, lambda: engine.at_once, progress) as bar:
        for task, found, seconds in engine((task, _needed(store, task, pixels)) for task in left):
            store.write(task, found)
            bar.took(task, seconds)
            if refresh and time.monotonic() - last > REFRESHED:
                refresh()
                last = time.monotonic()


def _needed(store, task, pixels):
    """What a batch of units needs: where each is strongest, and those images."""
    names = ("top_image", "top_position")
    tops = {name: store.read(task.layer, name, task.first, task.last) for name in names}
    return tops, {int(number): pixels[number] for number in sorted(set(tops["top_image"].ravel()))}
