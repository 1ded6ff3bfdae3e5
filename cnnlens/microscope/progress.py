"""How far a run is, and how long the rest will take: measured where something was measured, and weighed elsewhere."""

import time

from tqdm.auto import tqdm


class Estimate:
    """How long what is left will take, from how long finished tasks took.

    A task takes as long as the others of its layer took on average. For a layer of which none is finished it is weighed
    by its multiplications, and what such a weight costs is taken from all that is finished.

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
    >>> estimate.left(), estimate.took(tasks[0], 10.0), estimate.left()
    (None, None, 30.0)
    """

    def __init__(self, plan, tasks):
        self._layers, self._left = plan.layers, list(tasks)
        self._seconds, self._units = {}, {}

    def took(self, task, seconds):
        """Note that a task is finished, and how long it took by itself."""
        self._left.remove(task)
        self._seconds[task.layer] = self._seconds.get(task.layer, 0) + seconds
        self._units[task.layer] = self._units.get(task.layer, 0) + task.last - task.first

    def left(self, at_once=1):
        """Seconds that so many processes need for the rest; None as long as nothing is finished."""
        if not self._seconds:
            return None
        weighed = sum(self._weight(layer) * units for layer, units in self._units.items())
        cost = sum(self._seconds.values()) / weighed
        total = 0
        for task in self._left:
            timed = task.layer in self._seconds
            each = self._seconds[task.layer] / self._units[task.layer] if timed else cost * self._weight(task.layer)
            total += each * (task.last - task.first)
        return total / max(1, min(at_once, len(self._left)))  # the last task is not shared

    def _weight(self, layer):
        place = self._layers[layer]
        return max(place.work, 1e-3) * place.made[0] * place.made[1]


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
        self._estimate.took(task, seconds)
        self._bar.set_postfix_str(in_words(self._estimate.left(self._at_once())), refresh=False)
        self._bar.update(task.last - task.first)


def timed(function, *given):
    """What a function gives, and how many seconds it took."""
    began = time.perf_counter()
    return function(*given), time.perf_counter() - began
