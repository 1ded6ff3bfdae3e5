"""The store: a folder of Zarr arrays in which every finished task lies whole, with a checksum; the rest is missing.

A task is written array by array, and its checksum last. Only what has the right checksum counts as finished: a task
that was cut off, a chunk that is damaged or that is gone are all told by it, and are computed again.
"""

import contextlib
import shutil
from pathlib import Path

import numpy as np

from .. import files
from ..errors import CnnlensError, first_line
from ..fingerprints import DIGITS, digest
from . import plan as plans
from .plan import Plan

FIELD = "cnnlens"  # of the attributes: the settings
SAYS = 240  # bytes of what is said of a unit
BINS, ALIKE, PREFERRED = 24, 5, 5  # of a histogram; units that respond alike; classes that a unit prefers


def zarr():
    """The library, or the error that says how to get it."""
    try:
        import zarr as library
    except ImportError as error:
        raise CnnlensError('The microscope needs Zarr: pip install "cnnlens[microscope]".') from error
    return library


def arrays(plan, kind, layer=None):
    """The arrays of a kind of task: {name: (type, shape behind the first axis)}.

    Examples
    --------
    >>> from cnnlens.microscope.plan import planned
    >>> from cnnlens import zoo
    >>> net, images = zoo.load("lenet", weights="random"), np.zeros((5, 28, 28, 1), np.uint8)
    >>> plan = planned(net, images, np.zeros(5, int), "black", layers="conv1")
    >>> arrays(plan, "reading", plan.layers[0])
    {'peak': ('float32', (32,)), 'position': ('uint32', (32,))}
    """
    top, channels = plan.top, plan["images"]["size"][2]
    if kind == "reading":
        return {"peak": ("float32", (layer.units,)), "position": ("uint32", (layer.units,))}
    if kind == "summary":
        numbers = dict.fromkeys(("mean", "deviation", "largest", "active", "selectivity"), ("float32", ()))
        preferred = dict.fromkeys(("difference", "low", "high"), ("float32", (PREFERRED,)))
        return {
            "top_image": ("int32", (top,)),
            "top_value": ("float32", (top,)),
            "top_position": ("uint32", (top,)),
            **numbers,
            "histogram": ("int32", (BINS,)),
            "edges": ("float32", (2,)),
            "alike": ("int32", (ALIKE,)),
            "correlation": ("float32", (ALIKE,)),
            "preferred": ("int32", (PREFERRED,)),
            **preferred,
        }
    return {
        "made": ("uint8", (*layer.shown, channels)),
        "reached": ("float32", ()),
        "start": ("float32", ()),
        "status": ("uint8", ()),
        "says": ("uint8", (SAYS,)),
        "patches": ("uint8", (top, *layer.patch, channels)),
        "inside": ("bool", (top,)),
        "projection": ("int8", (*layer.patch, channels)),
        "sent": ("float32", ()),
    }


class Store:
    """What was made for a plan, as far as it is finished.

    Attributes
    ----------
    path : Path
    plan : Plan
    """

    def __init__(self, path, group):
        self.path, self._group = Path(path), group
        self.plan = plans.checked(dict(group.attrs).get(FIELD))
        self._open = {}

    @classmethod
    def at(cls, path, plan, labels):
        """The store of a plan: the one that is there, if it was made for the same, or a new one.

        Raises
        ------
        CnnlensError
            If the one that is there was made for something else, which it names; or none can be written.
        """
        path = Path(path)
        if path.exists():
            found = cls.open(path)
            different = plans.differences(found.plan.settings, plan.settings)
            if different:
                raise CnnlensError(
                    f"{path} was made for something else. {'; '.join(different)}. Choose another --out, ask for what "
                    "it was made for, or delete it."
                )
            for litter in path.rglob("*.partial"):  # of a run that was killed while it wrote a chunk
                litter.unlink(missing_ok=True)
            return found
        with files.writing(path):
            partial = path.with_name(f".partial-{path.name}")
            shutil.rmtree(partial, ignore_errors=True)  # of a run that was killed while it made one
            partial.parent.mkdir(parents=True, exist_ok=True)
            _create(partial, plan, labels)
            partial.rename(path)
        return cls.open(path)

    @classmethod
    def open(cls, path):
        """A store that is there.

        Raises
        ------
        CnnlensError
            If there is none, or it is damaged.
        """
        path = Path(path)
        if not path.is_dir():
            raise CnnlensError(
                f"There is no store {str(path)!r}. Make one: cnnlens microscope MODEL --images … --out …"
            )
        try:
            return cls(path, zarr().open_group(path, mode="r+"))
        except CnnlensError as error:
            raise CnnlensError(f"{path} cannot be used. {error}") from error
        except Exception as error:  # Zarr complains of damage in many ways
            raise CnnlensError(
                f"{path} is no store of a microscope ({first_line(error)}). Name the folder of one. If this is one "
                "that was damaged, delete it and have it computed again."
            ) from error

    def array(self, name):
        """A Zarr array by its name in the store, such as ``0/peak``."""
        if name not in self._open:
            self._open[name] = self._group[name]
        return self._open[name]

    def read(self, layer, name, first=0, last=None):
        """What is kept for some units, or of ``peak`` and ``position`` for some images: an ndarray."""
        return self.array(f"{layer}/{name}")[first:last]

    # --- tasks ------------------------------------------------------------------------------------------------

    def write(self, task, found):
        """Keep what a task gave, whole: its checksum is written when all else is.

        Parameters
        ----------
        task : Task
        found : dict of str to ndarray
            By the names of :meth:`names`.
        """
        names = self.names(task)
        with files.writing(self.path):
            for name in names:
                array = self.array(name)
                array[task.first : task.last] = np.asarray(found[name]).astype(array.dtype)
            seal = digest(*(np.asarray(found[name]).astype(self.array(name).dtype) for name in names))
            self.array(_seals(task))[task.number] = np.frombuffer(seal.encode(), np.uint8)

    def names(self, task):
        """The names of the arrays that a task fills."""
        layers = range(len(self.plan.layers)) if task.layer < 0 else [task.layer]
        own = ["predicted"] if task.kind == "reading" else []
        return own + [f"{n}/{name}" for n in layers for name in arrays(self.plan, task.kind, self.plan.layers[n])]

    def seal(self, task):
        """The checksum that a task was sealed with; empty if it never was."""
        with contextlib.suppress(Exception):  # a damaged seal is none
            return bytes(self.array(_seals(task))[task.number]).rstrip(b"\0").decode()
        return ""

    def finished(self, task):
        """Whether a task is done and undamaged: reads it, and compares the checksum."""
        seal = self.seal(task)
        if not seal:
            return False
        try:
            return seal == digest(*(self.array(name)[task.first : task.last] for name in self.names(task)))
        except Exception:  # what is damaged cannot even be unpacked, or its description is gone
            return False

    # --- what is in it ----------------------------------------------------------------------------------------

    def labels(self):
        """The class of each image, (N,) int: as it came with the image, or else as the network answers."""
        labels = self.array("labels")[:]
        return labels if (labels >= 0).any() else self.array("predicted")[:]

    @property
    def labels_are_answers(self):
        """Whether no image came with a class."""
        return not (self.array("labels")[:] >= 0).any()

    def sealed(self, layer):
        """Which units of a layer are there, (units,) bool, without reading them."""
        there = np.zeros(self.plan.layers[layer].units, bool)
        if self.seal(self.plan.summaries[layer]):
            for task in self.plan.batches(layer):
                there[task.first : task.last] = bool(self.seal(task))
        return there


def _seals(task):
    return f"seals/{task.kind}" if task.layer < 0 else f"seals/{task.layer}/{task.kind}"


def _create(path, plan, labels):
    group = zarr().create_group(path)
    count = plan.images

    def empty(name, shape, kind, chunk):
        group.create_array(name, shape=shape, dtype=kind, chunks=chunk, fill_value=0)

    empty("labels", (count,), "int32", (count,))
    group["labels"][:] = labels
    empty("predicted", (count,), "int32", (plan["shard"],))
    empty("seals/reading", (len(plan.readings), DIGITS), "uint8", (1, DIGITS))
    for number, layer in enumerate(plan.layers):
        sizes = {
            "reading": (count, plan["shard"]),
            "summary": (layer.units, layer.units),
            "units": (layer.units, layer.batch),
        }
        for kind, (length, chunk) in sizes.items():
            for name, (dtype, rest) in arrays(plan, kind, layer).items():
                empty(f"{number}/{name}", (length, *rest), dtype, (min(chunk, length), *rest))
        for kind, tasks in (("summary", 1), ("units", len(plan.batches(number)))):
            empty(f"seals/{number}/{kind}", (tasks, DIGITS), "uint8", (1, DIGITS))
    group.attrs[FIELD] = plan.settings


def opened(path):
    """The store in a folder that ``cnnlens microscope`` wrote, or at this path itself."""
    path = Path(path)
    return Store.open(path / "store.zarr" if (path / "store.zarr").is_dir() else path)


__all__ = ["Plan", "Store", "arrays", "opened", "zarr"]
