"""Images for many units: batch by batch, with snapshots, the rescue of silent units, and a report of how far it is."""

import zlib
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from ...errors import CnnlensError
from ...network import Network
from . import colors, fourier, framing, gates, pixels, stepping
from .settings import Settings


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """What all images of one call have in common."""

    net: Network
    how: stepping.How
    settings: Settings
    size: tuple
    steps: int
    seed: int
    kept: tuple  # after which steps to keep a snapshot
    batch_size: int

    @property
    def method(self):
        """The module of the method."""
        return stepping.METHODS[self.how.method]

    @property
    def channels(self):
        """Channels of what is climbed: 1 also for grey images of a color network."""
        return 1 if self.settings.color is False else self.net.channels

    def images(self, state):
        """The images of a state as the network takes them."""
        return stepping.images(self.method, state, self.net.channels).numpy()


class Progress:
    """How far all ascents of a call are, for the bar and for whoever asked to be told."""

    def __init__(self, bar, on_step):
        self.bar, self.on_step, self.done, self.total = bar, on_step, 0, 0

    def expect(self, more):
        self.total += more
        self.bar.total = self.total

    def made_one(self):
        self.done += 1
        self.bar.update()
        if self.on_step:
            self.on_step(self.done, self.total)


def measure(net, layer, images, weights, objective="mean"):
    """How strongly each image activates its own target, in float32.

    Parameters
    ----------
    net : Network, keras.Model, name or path
    layer : str
    images : array (N, H, W, C) in [0, 1]
    weights : array (N, units) or None
        A direction for each image; None for the whole layer.
    objective : {"mean", "center"}

    Returns
    -------
    ndarray (N,) float32

    Examples
    --------
    >>> import numpy as np
    >>> from cnnlens import neurons
    >>> neurons.measure("lenet", "conv1", np.zeros((2, 28, 28, 1), "float32"), np.eye(2, 32, dtype="float32")).shape
    (2,)
    """
    net = Network.of(net)
    read = net.compiled((layer,), linear=True)
    parts, few = [], framing.fitting_batch(net, layer, *images.shape[1:3])
    for first in range(0, len(images), few):
        these = slice(first, first + few)
        output = read(tf.constant(images[these]))[layer]
        parts.append(fourier.objective(output, None if weights is None else weights[these], objective).numpy())
    return np.concatenate(parts)


def in_batches(plan, names, weights, begin=None, *, progress):
    """Images for all names, batch by batch, from grey or from the colors ``begin``: arrays (U, …) by name.

    Examples
    --------
    >>> import keras
    >>> from tqdm import tqdm
    >>> net = Network(keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(3, 1, name="c")]), "tiny")
    >>> how = stepping.How(layer="c", method="fourier", objective="mean")
    >>> asked = {"how": how, "settings": Settings(), "size": (4, 4), "steps": 2, "seed": 0, "kept": ()}
    >>> plan, progress = Plan(net=net, batch_size=2, **asked), Progress(tqdm(disable=True), None)
    >>> made = in_batches(plan, ("unit 0", "unit 1", "unit 2"), np.eye(3, dtype="float32"), progress=progress)
    >>> made["images"].shape, made["history"].shape, progress.done
    ((3, 4, 4, 1), (3, 2), 4)
    """
    batches = -(-len(names) // plan.batch_size)
    count = -(-len(names) // batches)  # as even as possible
    progress.expect(plan.steps * batches)
    parts = []
    for first in range(0, len(names), count):
        these = range(first, min(first + count, len(names)))
        rows, own = (None if each is None else each[these] for each in (weights, begin))
        seeds = [(plan.seed, zlib.crc32(names[i].encode()) & 0x7FFFFFFF) for i in these]
        parts.append(_batch(plan, seeds, rows, own, progress))
    made = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    for name, images in (("activation", made["images"]), ("start", made.pop("first"))):
        made[name] = measure(plan.net, plan.how.layer, images, weights, plan.how.objective)
    made["initial_color"] = np.full((len(names), plan.channels), 0.5, np.float32) if begin is None else begin
    return made


def _batch(plan, seeds, weights, begin, progress):
    """All steps for one batch: arrays (N, …) by name."""
    net, how, method, count = plan.net, plan.how, plan.method, len(seeds)
    step = stepping.compiled(net, how)
    state = method.start(seeds, *plan.size, plan.channels, method.NOISE[how.objective])
    if begin is not None:
        state = colors.begun_on(state, begin)
    weights = tf.zeros((count, 1)) if weights is None else tf.constant(weights)
    first, history, rescue = plan.images(state), [], gates.Rescue(count)
    snapshots = [first] if 0 in plan.kept else []

    def after(state, outcome, rate, key):
        reached, slopes, activity, own = (each.numpy() for each in outcome)
        if not (np.isfinite(reached).all() and np.isfinite(slopes).all()):
            raise CnnlensError(
                f"{net.name} answered NaN at layer {how.layer!r}. Its weights ({net.source}) are damaged: load others."
            )
        history.append(reached)
        needed = rescue.needed(slopes, activity, own)
        if needed.any():
            moved = step(state, weights, rate, key, tf.constant(needed))[0]
            state = tuple(tf.where(needed[:, None, None, None], new, old) for new, old in zip(moved, state))
        if how.method == "pixels":
            state = pixels.regularized(state, plan.settings, len(history))
        if len(history) in plan.kept:
            snapshots.append(plan.images(state))
        progress.made_one()
        return state

    rates = method.rates(plan.steps, plan.settings.rate)
    state = fourier.climb(step, state, weights, rates, plan.seed, after)
    images = plan.images(state)
    return {
        "images": images,
        "first": first,
        "history": np.stack(history, 1),
        "snapshots": np.stack(snapshots, 1) if snapshots else np.zeros((count, 0, *images.shape[1:]), np.float32),
        **vars(rescue),
    }
