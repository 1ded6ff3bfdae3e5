"""What activation maximization gives back."""

from dataclasses import dataclass, fields, replace

import numpy as np

from ...errors import CnnlensError
from ...results import Result

COMMON = ("layer", "objective", "snapshot_steps", "source", "settings")  # fields that say the same of all images
BY_STEP = ("history", "snapshots")  # fields whose first axis is the steps


@dataclass(frozen=True, kw_only=True, eq=False)
class Optimized(Result):
    """Images that activate units as strongly as possible.

    Attributes
    ----------
    images : ndarray (U, H, W, C) float32 in [0, 1]
    units : ndarray (U,) int
        The unit each was made for; -1 for a direction, several units together, or a whole layer.
    names : tuple of U str
        The same in words.
    activation : ndarray (U,) float32
        What was climbed, measured on the image itself: the mean over all positions, or the middle one.
    start : ndarray (U,) float32
        The same on the image that the ascent began with.
    status : tuple of U str
        "live"; "rescued" (silent for a while, active at the end thanks to a redirected gradient); "stuck" (had a
        gradient once, but is silent at the end); or "dead" (never had a gradient, and no plain color activates it
        either). At the middle position alone grey activates few units, so there a gradient that is redirected in the
        first few steps only makes no difference to the name.
    evidence : tuple of U str
        Why a unit is called anything but live, and why an image has another initial color than grey; else "".
    initial_color : ndarray (U, C) float32 in [0, 1]
        The color that the image started from: mid grey, or the plain color that led to a higher activation; NaN where
        that is not known any more.
    layer : str
    objective : {"mean", "center"}
    history : ndarray (steps, U) float32
        What was climbed, at each step, as the network saw it (disturbed, and perhaps in bfloat16).
    snapshots : ndarray (S, U, H, W, C) float32
        The images on the way; S is 0 unless asked for.
    snapshot_steps : tuple of S int
        After how many steps each was taken.
    """

    images: np.ndarray
    units: np.ndarray
    names: tuple
    activation: np.ndarray
    start: np.ndarray
    status: tuple
    evidence: tuple
    initial_color: np.ndarray
    layer: str
    objective: str
    history: np.ndarray
    snapshots: np.ndarray
    snapshot_steps: tuple

    @property
    def live(self):
        """Which units are not dead, (U,) bool."""
        return np.array([status != "dead" for status in self.status])

    @property
    def from_color(self):
        """Which images started from a plain color other than grey, (U,) bool."""
        return (np.isfinite(self.initial_color) & (self.initial_color != 0.5)).any(1)

    @property
    def best_first(self):
        """Indices that put the strongest first and dead units last, (U,) int."""
        return np.lexsort((-self.activation, ~self.live))

    def only(self, units):
        """The images of some of the units, in the order asked for.

        Parameters
        ----------
        units : sequence of int

        Raises
        ------
        CnnlensError
            If no image was made for one of them alone.
        """
        units = [int(unit) for unit in units]
        if missing := [unit for unit in units if unit < 0 or unit not in self.units]:
            raise CnnlensError(f"No image of {self.layer} was made for {missing}; expected some of {self.names}.")
        rows = [int(np.flatnonzero(self.units == unit)[0]) for unit in units]
        own = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in COMMON}
        return replace(self, **{name: _taken(values, rows, name in BY_STEP) for name, values in own.items()})


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassModels(Optimized):
    """Images that the network takes for the very model of a class.

    Attributes
    ----------
    predicted : tuple of U str
        What the network itself says each image is.
    probability : ndarray (U,) float32
        That it gives to the class each was made for.
    """

    predicted: tuple
    probability: np.ndarray

    @property
    def recognized(self):
        """Whether the network takes each for the class it was made for, (U,) bool."""
        return np.array([name == said for name, said in zip(self.names, self.predicted)])


def _taken(values, rows, by_step):
    if isinstance(values, tuple):
        return tuple(values[row] for row in rows)
    return values[:, rows] if by_step else values[rows]
