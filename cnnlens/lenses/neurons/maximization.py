"""Images that activate units as strongly as possible: the method with all tactics, for as many units as asked for."""

import zlib
from dataclasses import asdict, dataclass, fields, replace

import numpy as np
import tensorflow as tf
from tqdm.auto import tqdm

from ... import device
from ...errors import CnnlensError, unknown
from ...network import Network
from . import colors, fourier, framing, gates, pixels, stepping
from .result import Optimized
from .targets import targets, whole_number

OBJECTIVES = ("mean", "center")
PRECISIONS = ("auto", "float32", "mixed_bfloat16")
GREY = 6  # a grey map's texture needs so much longer a path: brightness alone does what three axes of color share


# --- settings of the two methods -----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What may be set for either method.

    Attributes
    ----------
    rate : float, optional
        Length of the first step, which shrinks linearly to nothing ("fourier"), or of each step ("pixels", 0.1). By
        default such that the whole path is as long, whatever the number of steps.
    color : bool, optional
        False makes grey images for a color network, to see shape alone.
    penalty : float
        λ times the squared norm of the image is taken off what is climbed (see :func:`.class_models`).
    precision : {"auto", "float32", "mixed_bfloat16"}
        What the network computes the ascent in. "auto" takes bfloat16 where the processor has it.
    """

    rate: float | None = None
    color: bool | None = None
    penalty: float = 0.0
    precision: str = "auto"


@dataclass(frozen=True, kw_only=True)
class FourierSettings(Settings):
    """Settings of the method "fourier".

    Attributes
    ----------
    robust : bool
        Disturb the images a little at each step.
    """

    robust: bool = True


@dataclass(frozen=True, kw_only=True)
class PixelSettings(Settings):
    """Settings of the method "pixels": the dissertation's regularizers.

    Attributes
    ----------
    decay : float
        Fraction of the way to grey at each step.
    blur, blur_every : float, int
        Standard deviation in pixels of a Gaussian blur each so many steps.
    """

    decay: float = 0.0
    blur: float = 0.0
    blur_every: int = 4


METHODS = {"fourier": (fourier, FourierSettings), "pixels": (pixels, PixelSettings)}


# --- the lens ------------------------------------------------------------------------------------------------


def maximize(
    net,
    layer,
    units=None,
    *,
    directions=None,
    objective="mean",
    method="fourier",
    size=None,
    steps=None,
    seed=0,
    snapshots=0,
    batch_size=None,
    progress=True,
    on_step=None,
    **settings,
):
    """Images that activate units of a layer as strongly as possible.

    Parameters
    ----------
    net : Network, keras.Model, name or path
    layer : str
        Any layer that the gradient passes: convolution, pooling, dense, after Flatten. Of a last softmax or sigmoid the
        scores before it (the logits) are climbed, since a probability also rises when the other classes fall.
    units : int, or sequence of int or of tuples of int, or "layer", optional
        Channels of a map or neurons of a dense layer. A tuple asks for one image for several units together; "layer"
        for one that strengthens whatever the layer does (DeepDream). By default all of them, at most the first 64.
    directions : array (D, units of the layer), optional
        Instead of units: directions in the space of the layer's units, each made to unit length.
    objective : {"mean", "center"}
        Of a map: its mean over all positions gives a texture, its middle position the thing itself.
    method : {"fourier", "pixels"}
        Ours, or the dissertation's.
    size : int or (int, int), optional
        Pixels (height, width). By default what the receptive field calls for.
    steps : int, optional
        64 for "fourier", 500 for "pixels".
    seed : int
        Each image depends on the seed and on its own unit only, not on which others are made with it.
    snapshots : int
        How many images on the way to keep, the first and the last among them.
    batch_size : int, optional
        Images optimized together; by default as many as should fit in 1.5 GiB.
    progress : bool
        Show a bar when it takes more than two seconds.
    on_step : callable, optional
        Called with (steps done, steps in all) after each step; what it raises ends the ascent. There may come to be
        more steps in all than at first: a plain color may turn out to be the better initial color.
    **settings
        Of the method: rate, color, penalty, precision; robust for "fourier"; decay, blur and blur_every for "pixels".
        See :class:`.FourierSettings` and :class:`.PixelSettings`.

    Returns
    -------
    Optimized
        In the order asked for; ``best_first`` sorts it.

    Raises
    ------
    CnnlensError
        If there is no such layer, unit or setting, no gradient flows back from the layer, the layer cannot be had at
        this size, a grey network is asked for color, or the network answers NaN.

    References
    ----------
    Erhan et al. 2009, "Visualizing Higher-Layer Features of a Deep Network"; Olah, Mordvintsev and Schubert 2017,
    "Feature Visualization"; the dissertation, 4.4.2, 5.1.1 and 6.3.1.

    Examples
    --------
    >>> from cnnlens import neurons
    >>> found = neurons.maximize("lenet", "conv1", units=[0, 3], steps=4)
    >>> found.images.shape
    (2, 28, 28, 1)
    """
    net = Network.of(net)
    place = net.layer(layer)
    settings = _checked(net, objective, method, settings)
    weights, numbers, names = targets(place, units, directions)
    height, width = framing.checked_size(net, place, size)
    steps = METHODS[method][0].STEPS if steps is None else whole_number("steps", steps)
    texture = place.is_map and objective == "mean"
    if settings.rate is None:
        path = GREY if (method, net.channels) == ("fourier", 1) and texture else 1
        settings = replace(settings, rate=float(METHODS[method][0].rates(steps)[0]) * path)
    plan = Plan(
        net=net,
        how=_how(net, place, objective, method, weights is None, settings, min(height, width)),
        settings=settings,
        size=(height, width),
        channels=1 if settings.color is False else net.channels,
        steps=steps,
        seed=seed,
        kept=_kept(snapshots, steps),
        batch_size=batch_size or framing.fitting_batch(net, layer, height, width),
    )
    with tqdm(total=0, desc=f"{net.name} {layer}", unit="step", delay=2, leave=False, disable=not progress) as bar:
        made, notes = _all(plan, names, weights, _Progress(bar, on_step))
    status, evidence = _statuses(made, notes)
    asked = {"method": method, "objective": objective, "size": plan.size, "steps": steps, "seed": seed}
    return Optimized(
        **{name: made[name] for name in ("images", "activation", "start", "initial_color")},
        units=numbers,
        names=names,
        status=status,
        evidence=evidence,
        layer=layer,
        objective=objective,
        history=made["history"].T,
        snapshots=made["snapshots"].swapaxes(0, 1),
        snapshot_steps=plan.kept,
        source=net.source,
        settings={**asked, **asdict(settings)},
    )


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


# --- what is asked -------------------------------------------------------------------------------------------


def _checked(net, objective, method, settings):
    """The settings of the method, or the error that says what is wrong with them."""
    for name, value, known in (("method", method, METHODS), ("objective", objective, OBJECTIVES)):
        if value not in known:
            raise unknown(name, value, known)
    kind = METHODS[method][1]
    names = [field.name for field in fields(kind)]
    for name in settings:
        if name not in names:
            raise unknown(f"setting of the method {method!r}", name, names)
    found = kind(**settings)
    if found.color and net.channels == 1:
        raise CnnlensError(f"{net.name} takes grey images, so no colored ones can be made for it. Leave color away.")
    if found.precision not in PRECISIONS:
        raise unknown("precision", found.precision, PRECISIONS)
    chosen = device.training_policy() if found.precision == "auto" else found.precision
    if chosen != "mixed_bfloat16":
        chosen = "float32"  # float16's gradients underflow without loss scaling
    return replace(found, penalty=float(found.penalty), precision=chosen)


def _how(net, place, objective, method, whole, settings, side):
    """What the compiled step for these settings depends on."""
    tactics = {}
    if method == "fourier":
        tactics = framing.borders(place, objective)
        if settings.robust:
            tactics["shift"], tactics["turn"] = framing.disturbance(net, place, objective, side)
    return stepping.How(
        layer=place.path,
        method=method,
        objective=objective,
        whole=whole,
        penalty=settings.penalty,
        precision=settings.precision,
        **tactics,
    )


def _kept(snapshots, steps):
    """After which steps to keep a snapshot."""
    return tuple(sorted(set(np.linspace(0, steps, snapshots).round().astype(int).tolist()))) if snapshots else ()


# --- batches -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """What all images of one call have in common."""

    net: Network
    how: stepping.How
    settings: Settings
    size: tuple
    channels: int  # of what is climbed: 1 also for grey images of a color network
    steps: int
    seed: int
    kept: tuple
    batch_size: int

    @property
    def method(self):
        """The module of the method."""
        return METHODS[self.how.method][0]

    def images(self, state):
        """The images of a state as the network takes them."""
        return stepping.images(self.method, state, self.net.channels).numpy()


class _Progress:
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


def _all(plan, names, weights, progress):
    """Images for all names, from grey or, where it is better, from a color: arrays (U, …), and notes on the colors."""

    def ascend(plan, names, weights, begin=None):
        return _in_batches(plan, names, weights, progress, begin)

    made = ascend(plan, names, weights)
    if plan.how.method == "pixels" or weights is None or plan.how.penalty:  # a penalty would speak against colors
        return made, [""] * len(names)
    return colors.or_from_color(plan, names, weights, made, ascend)


def _in_batches(plan, names, weights, progress, begin=None):
    """Images for all names, batch by batch, from grey or from the colors ``begin``: arrays (U, …) by name."""
    batches = -(-len(names) // plan.batch_size)
    count = -(-len(names) // batches)  # as even as possible, so that no batch is padded by much
    progress.expect(plan.steps * batches)
    parts = []
    for first in range(0, len(names), count):
        these = np.minimum(np.arange(first, first + count), len(names) - 1)  # the last one fills a batch up
        rows, own = (None if each is None else each[these] for each in (weights, begin))
        seeds = [(plan.seed, zlib.crc32(names[i].encode()) & 0x7FFFFFFF) for i in these]
        parts.append(_batch(plan, seeds, rows, own, progress))
    made = {name: np.concatenate([part[name] for part in parts])[: len(names)] for name in parts[0]}
    for name, images in (("activation", made["images"]), ("start", made.pop("first"))):
        made[name] = measure(plan.net, plan.how.layer, images, weights, plan.how.objective)
    made["initial_color"] = np.full((len(names), plan.channels), 0.5, np.float32) if begin is None else begin
    return made


def _batch(plan, seeds, weights, begin, progress):
    """All steps for one batch: arrays (N, …) by name."""
    net, how, method, count = plan.net, plan.how, plan.method, len(seeds)
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
            moved = stepping.compiled(net, how, redirect=True)(state, weights, rate, key)[0]
            state = tuple(tf.where(needed[:, None, None, None], new, old) for new, old in zip(moved, state))
        if how.method == "pixels":
            state = pixels.regularized(state, plan.settings, len(history))
        if len(history) in plan.kept:
            snapshots.append(plan.images(state))
        progress.made_one()
        return state

    rates = method.rates(plan.steps, plan.settings.rate)
    state = fourier.climb(stepping.compiled(net, how), state, weights, rates, plan.seed, after)
    images = plan.images(state)
    return {
        "images": images,
        "first": first,
        "history": np.stack(history, 1),
        "snapshots": np.stack(snapshots, 1) if snapshots else np.zeros((count, 0, *images.shape[1:]), np.float32),
        **vars(rescue),
    }


def _statuses(made, notes):
    """The status of each image's target, and the evidence for it."""
    status, evidence = [], []
    names = ("tries", "awake", "ends_awake", "activity", "activation", "start", "history")
    for note, grey, *facts in zip(notes, (made["initial_color"] == 0.5).all(1), *(made[name] for name in names)):
        word, why = gates.status(*facts)
        says = [why, "" if grey and word != "dead" else note]
        status.append(word)
        evidence.append("; ".join(filter(None, says)))
    return tuple(status), tuple(evidence)
