"""How far a run is, and how long the rest will take: measured where something was measured, and weighed elsewhere."""

import collections

import numpy as np
from scipy.optimize import nnls
from tqdm.auto import tqdm

TREND = 0.1  # of all layers: about so many must be timed before it is believed that overhead grows from layer to layer


class Estimate:
    """How long what is left will take, from how long finished tasks took.

    The first task of a layer pays for more than its units: each process traces and compiles the layer then. So the time
    of a task is taken for the sum of such an overhead, which may grow from layer to layer, and of its multiplications;
    what each part costs is fitted to all finished tasks, none below zero. Where later tasks of a layer were timed,
    these say what its units take; and none takes longer than the first did.

    Parameters
    ----------
    plan : Plan
    tasks : sequence of Task
        What is left at the start.

    Examples
    --------
    >>> from types import SimpleNamespace as Any
    >>> layers = [Any(work=1.0, made=(4, 4)), Any(work=2.0, made=(4, 4))]
    >>> plan = Any(layers=layers)
    >>> tasks = [Any(layer=0, first=0, last=8), Any(layer=0, first=8, last=16), Any(layer=1, first=0, last=8)]
    >>> estimate = Estimate(plan, tasks)
    >>> estimate.took(tasks[0], 13.0), estimate.left(), estimate.took(tasks[1], 10.0), round(estimate.left(), 3)
    (None, None, None, 23.0)
    """

    def __init__(self, plan, tasks):
        self._layers, self._left = plan.layers, list(tasks)
        self._parts, self._seconds = [], []  # of finished tasks
        self._first, self._later = {}, {}  # by layer, seconds a unit of the tasks there, first ones and later ones

    def took(self, task, seconds, at_once=1):
        """Note that a task is finished, how long it took by itself, and how many processes there were."""
        self._left.remove(task)
        known = self._first.setdefault(task.layer, [])
        first = len(known) < at_once
        self._parts.append(self._parts_of(task, first))
        self._seconds.append(seconds)
        kept = known if first else self._later.setdefault(task.layer, [])
        kept.append(seconds / (task.last - task.first))

    def left(self, at_once=1):
        """Seconds that so many processes need for the rest; None as long as one task at most is finished."""
        if not self._left:
            return 0.0
        if len(self._seconds) < 2:
            return None
        costs, total = self._costs(), 0.0
        begun = collections.Counter({layer: len(first) for layer, first in self._first.items()})
        for task in self._left:
            overhead, trend, work = self._parts_of(task, begun[task.layer] < at_once) * costs
            begun[task.layer] += 1
            total += overhead + trend + self._corrected(work, task)
        return float(total) / max(1, min(at_once, len(self._left)))  # the last task is not shared

    def _parts_of(self, task, first):
        """What the time of a task is made of: an overhead, its growth with the layers, multiplications."""
        place = self._layers[task.layer]
        work = max(place.work, 1e-3) * place.made[0] * place.made[1] * (task.last - task.first)
        return np.array([first, first * task.layer, work], float)

    def _costs(self):
        """What each part costs: fitted to all finished tasks, each with the same weight, and to an even overhead."""
        parts = np.array([*self._parts, (0, TREND * len(self._layers), 0)])
        shares = parts / np.maximum([*self._seconds, np.mean(self._seconds)], 1e-9)[:, None]
        scale = np.where(shares.any(0), shares.max(0), 1)
        return nnls(shares / scale, np.array([*np.ones(len(self._seconds)), 0]))[0] / scale

    def _corrected(self, seconds, task):
        """What the units of a task take, where others of their layer were timed."""
        units = task.last - task.first
        if task.layer in self._later:
            return np.mean(self._later[task.layer]) * units
        return min([seconds, *(each * units for each in self._first.get(task.layer, ()))])


def in_words(seconds):
    """A time as one says it.

    Examples
    --------
    >>> in_words(None), in_words(8), in_words(100), in_words(8000)
    ('', 'under a minute left', 'about 2 min left', 'about 2 h 13 min left')
    """
    if not seconds:
        return ""
    if seconds < 45:
        return "under a minute left"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    return f"about {hours} h {rest} min left" if hours else f"about {minutes} min left"


class Bar:
    """A bar over units, with the estimate behind it.

    Parameters
    ----------
    plan : Plan
    tasks : sequence of Task
        That are left.
    at_once : callable
        How many tasks are worked on at the same time now: workers come and go.
    shown : bool
    """

    def __init__(self, plan, tasks, at_once, shown):
        done = plan.units - sum(task.last - task.first for task in tasks)
        self._estimate, self._at_once = Estimate(plan, tasks), at_once
        layout = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt} of {total_fmt} units, {elapsed}{postfix}"
        how = {"total": plan.units, "initial": done, "desc": "microscope", "bar_format": layout, "disable": not shown}
        self._bar = tqdm(**how)

    def __enter__(self):
        return self

    def __exit__(self, *failed):
        self._bar.close()

    def took(self, task, seconds):
        """A task is finished."""
        at_once = self._at_once()
        self._estimate.took(task, seconds, at_once)
        self._bar.set_postfix_str(in_words(self._estimate.left(at_once)), refresh=False)
        self._bar.update(task.last - task.first)
