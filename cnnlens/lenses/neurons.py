"""What a unit looks for: images made by gradient ascent to drive it as hard as possible (dissertation 4.4.2, 6.3.1).

Two methods give the same kind of result, so that they can be compared:

* ``"pixels"``, the dissertation's: grey noise, 500 steps of 0.1 along the gradient divided by its L2 norm, and if wanted
  the regularizers that it discusses, L2 decay and Gaussian blur.
* ``"fourier"``, ours: the image as waves in decorrelated colors, small random shifts and turns, 64 steps of Adam; begun on
  grey, and again on a plain color where that drives the unit harder than what grew.

The activation that a result names is always measured on the very image it holds, in float32 and undisturbed.
"""

import operator
import zlib
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from tqdm.auto import tqdm

from .. import device
from ..errors import CnnlensError, unknown
from ..labels import class_index
from ..network import NOMINAL_SIZE, Network
from ..results import Result
from ..zoo import reinitialized
from . import ascent, parametrize

METHODS = {"fourier": {"steps": 64, "path": 5.0}, "pixels": {"steps": 500, "path": 50.0}}
GREY = 6  # times as long a path for a map's texture where brightness alone does what three axes of color share; else it ends grey
RESCUE_STEPS = 24
FAINT = 0.05  # a unit that answers at fewer of its positions than this is woken; the border alone may wake a few
FINEST = 4  # px: units that see no more than this get textures without borders
COARSE = 12  # px: what is smaller would lose more by a shift of one pixel, or by a small turn, than it gains
SHEET = 64  # units that fit on a sheet, 8×8
SMALL = 64  # px: a network for images no larger than this is looked at in its own size
JITTER = 2  # px: its images are shifted by no more, as a position counts for much in them
MEMORY = 1.5 * 2**30  # bytes that a batch may take for its activations and their gradients
LARGEST_BATCH = 32


@dataclass(frozen=True, kw_only=True, eq=False)
class Optimized(Result):
    """Images that drive units as hard as possible.

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
    fate : tuple of U str
        "live"; "rescued" (answered nothing for a while, woken by the redirected gradient); "stuck" (answered once, silent
        at the end); or "dead" (never had a gradient, and no plain color drives it either).
    evidence : tuple of U str
        Why a unit is called anything but live, and why an image was begun on a plain color; else "".
    ground : ndarray (U, C) float32 in [0, 1]
        The color that the image kept was begun on: mid grey, or the plain color that drove the unit harder than what grew
        from grey.
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
    fate: tuple
    evidence: tuple
    ground: np.ndarray
    layer: str
    objective: str
    history: np.ndarray
    snapshots: np.ndarray
    snapshot_steps: tuple

    @property
    def live(self):
        """Which units are not dead, (U,) bool."""
        return np.array([fate != "dead" for fate in self.fate])

    @property
    def colored(self):
        """Which images were begun on a plain color, (U,) bool."""
        return (self.ground != 0.5).any(1)

    @property
    def best_first(self):
        """Indices that put the strongest first and dead units last, (U,) int."""
        return np.lexsort((-self.activation, ~self.live))


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
    rate=None,
    color=None,
    robust=True,
    decay=0.0,
    blur=0.0,
    blur_every=4,
    penalty=0.0,
    snapshots=0,
    precision="auto",
    batch_size=None,
    progress=True,
    on_step=None,
):
    """Images that drive units of a layer as hard as possible.

    Parameters
    ----------
    net : Network
    layer : str
        Any layer that the gradient passes: convolution, pooling, dense, after Flatten. Of a last softmax or sigmoid the
        scores before it (the logits) are climbed, since a probability also rises when the other classes fall.
    units : int, or sequence of int or of tuples of int, or "layer", optional
        Channels of a map or neurons of a dense layer. A tuple asks for one image for several units together; "layer" for
        one that strengthens whatever the layer does (DeepDream). By default all of them, at most the first 64.
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
    rate : float, optional
        Length of the first step, which shrinks linearly to nothing ("fourier"), or of each step ("pixels", 0.1).
        By default such that the whole path is as long, whatever the number of steps.
    color : bool, optional
        False makes grey images for a color network, to see shape alone.
    robust : bool
        Disturb the images a little at each step; only for "fourier".
    decay, blur, blur_every : float, float, int
        The dissertation's regularizers, only for "pixels": share of the way to grey at each step; standard deviation in
        pixels of a Gaussian blur each so many steps.
    penalty : float
        λ times the squared norm of the image is taken off what is climbed (see :func:`class_models`).
    snapshots : int
        How many images on the way to keep, the first and the last among them.
    precision : {"auto", "float32", "mixed_bfloat16"}
        What the network computes the ascent in. "auto" takes bfloat16 where the processor has it.
    batch_size : int, optional
        Images optimized together; by default as many as should fit in 1.5 GiB.
    progress : bool
        Show a bar when it takes more than two seconds.
    on_step : callable, optional
        Called with (steps done, steps in all) after each step; what it raises ends the ascent. There may come to be more
        steps in all than at first: a plain color may turn out to be the better beginning.

    Returns
    -------
    Optimized
        In the order asked for; ``best_first`` sorts it.

    Raises
    ------
    CnnlensError
        If there is no such layer or unit, no gradient flows back from the layer, the layer cannot be had at this size, a
        grey network is asked for color, or the network answers NaN.

    References
    ----------
    Erhan et al. 2009, "Visualizing Higher-Layer Features of a Deep Network"; Olah, Mordvintsev and Schubert 2017,
    "Feature Visualization"; the dissertation, 4.4.2, 5.1.1 and 6.3.1.

    Examples
    --------
    >>> from cnnlens import zoo
    >>> found = maximize(zoo.load("lenet", weights="random"), "conv1", units=[0, 3], steps=4)
    >>> found.images.shape
    (2, 28, 28, 1)
    """
    for name, value, known in (("method", method, METHODS), ("objective", objective, ascent.OBJECTIVES)):
        if value not in known:
            raise unknown(name, value, known)
    steps = METHODS[method]["steps"] if steps is None else whole_number("steps", steps)
    place = net.layer(layer)
    weights, numbers, names = targets(place, units, directions)
    height, width = _checked_size(net, place, size, objective)
    if color and net.channels == 1:
        raise CnnlensError(f"{net.name} takes grey images, so no colored ones can be made for it. Leave color away.")
    if rate is None:
        rate = METHODS[method]["path"] / steps * (2 if method == "fourier" else 1)
        if (method, objective, net.channels) == ("fourier", "mean", 1) and place.is_map:
            rate *= GREY
    shift, turn = (
        _disturbance(net, place, objective, min(height, width)) if robust and method == "fourier" else (0, 0.0)
    )
    climb = {
        "method": method,
        "objective": objective,
        "whole": weights is None,
        "shift": shift,
        "turn": turn,
        "penalty": float(penalty),
        "precision": _precision(precision),
    }
    if method == "fourier":
        climb |= _borders(place, objective)
    plan = _Plan(
        net=net,
        layer=layer,
        size=(height, width),
        channels=1 if color is False else net.channels,
        climb=climb,
        steps=steps,
        rate=rate,
        seed=seed,
        kept=_kept(snapshots, steps),
        soften=(decay, blur, blur_every),
        most=batch_size or fitting_batch(net, layer, height, width),
    )
    with tqdm(total=0, desc=f"{net.name} {layer}", unit="step", delay=2, leave=False, disable=not progress) as bar:
        steps_made = _Steps(bar, on_step)
        made = _ascend(plan, names, weights, steps_made)
        if method == "fourier" and weights is not None and not penalty:  # a penalty would speak against colors
            made = _or_from_color(plan, names, weights, made, steps_made)
    settings = {
        "method": method,
        "objective": objective,
        "size": (height, width),
        "steps": steps,
        "seed": seed,
        "rate": rate,
        "color": color,
        "robust": robust,
        "decay": decay,
        "blur": blur,
        "blur_every": blur_every,
        "penalty": penalty,
        "precision": climb["precision"],
    }
    fate, evidence = (tuple(words) for words in zip(*made.pop("fates")))
    return Optimized(
        **made,
        units=numbers,
        names=names,
        fate=fate,
        evidence=evidence,
        layer=layer,
        objective=objective,
        snapshot_steps=plan.kept,
        source=net.source,
        settings=settings,
    )


def measure(net, layer, images, weights, objective="mean"):
    """How strongly each image drives its own target, in float32.

    Parameters
    ----------
    images : array (N, H, W, C) in [0, 1]
    weights : array (N, units) or None
        A direction for each image; None for the whole layer.
    objective : {"mean", "center"}

    Returns
    -------
    ndarray (N,) float32
    """
    read = net.compiled((layer,), linear=True)
    parts, few = [], max(1, fitting_batch(net, layer, *images.shape[1:3]))
    for first in range(0, len(images), few):
        these = slice(first, first + few)
        output = read(tf.constant(images[these]))[layer]
        parts.append(ascent.response(output, None if weights is None else weights[these], objective).numpy())
    return np.concatenate(parts)


# --- class models -------------------------------------------------------------------------------------------


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


def class_models(net, labels, *, penalty=None, steps=128, seed=0, **how):
    """Images of classes: ``argmax S_c(I) − λ‖I‖²``, from the scores before the softmax (dissertation 4.4.3).

    Parameters
    ----------
    net : Network
        That classifies.
    labels : sequence of str or int, or one of them
        Names or numbers of classes.
    penalty : float, optional
        λ. The norm counts from the color that the network takes as zero (black for LeNet, the mean color of ImageNet for
        VGG16). By default 20 divided by the number of pixel values: a weight that an image of any size feels alike.
    steps, seed, **how
        As for :func:`maximize`.

    Returns
    -------
    ClassModels

    References
    ----------
    Simonyan, Vedaldi and Zisserman 2014, "Deep Inside Convolutional Networks", section 2.
    """
    labels = [labels] if isinstance(labels, (str, int)) else list(labels)
    head = net.layer(net.head)
    if head.is_map:
        raise CnnlensError(
            f"{net.name} ({net.source}) has no classifier, so it has no class models. Use a network that classifies."
        )
    classes = net.classes or tuple(str(i) for i in range(head.units))
    numbers = [class_index(label, classes, len(classes)) for label in labels]
    height, width = net.size or (NOMINAL_SIZE, NOMINAL_SIZE)
    penalty = 20 / (height * width * net.channels) if penalty is None else penalty
    found = maximize(net, net.head, numbers, penalty=penalty, steps=steps, seed=seed, **how)
    answer = net.predict(found.images, progress=False)
    return ClassModels(
        **{**vars(found), "names": tuple(classes[number] for number in numbers)},
        predicted=tuple(classes[i] for i in answer.argmax(1)),
        probability=answer[np.arange(len(numbers)), numbers],
    )


# --- what is asked ------------------------------------------------------------------------------------------


def targets(place, units=None, directions=None):
    """What each image is for.

    Parameters
    ----------
    place : Layer
    units, directions
        As for :func:`maximize`.

    Returns
    -------
    weights : ndarray (U, units of the layer) float32, or None for the whole layer
    numbers : ndarray (U,) int
    names : tuple of U str

    Raises
    ------
    CnnlensError
        If a unit is out of range or no number, or a direction has the wrong length or none.
    """
    if directions is not None:
        return _directed(place, directions)
    if isinstance(units, str):
        if units != "layer":
            raise CnnlensError(
                f"units={units!r} is not understood. Expected numbers from 0 to {place.units - 1}, tuples of them, or 'layer'."
            )
        return None, np.array([-1]), ("whole layer",)
    if units is None:
        units = range(min(place.units, SHEET))
    asked = list(units) if np.iterable(units) else [units]
    if not asked:
        raise CnnlensError(f"units is empty. Expected numbers from 0 to {place.units - 1}.")
    weights, numbers, names = np.zeros((len(asked), place.units), np.float32), [], []
    for row, item in zip(weights, asked):
        several = [
            unit_number(place, unit) for unit in (item if np.iterable(item) and not isinstance(item, str) else [item])
        ]
        row[several] = 1 / len(several)
        numbers.append(several[0] if len(several) == 1 else -1)
        names.append("unit " + " + ".join(map(str, several)))
    return weights, np.array(numbers), tuple(names)


def unit_number(place, unit):
    """A unit of a layer as int, or the error that says which there are."""
    try:
        number = operator.index(unit)
    except TypeError:
        raise CnnlensError(
            f"Unit {unit!r} is no whole number. Layer {place.path!r} has units 0 to {place.units - 1}."
        ) from None
    if not 0 <= number < place.units:
        raise CnnlensError(f"There is no unit {number} in layer {place.path!r}: it has units 0 to {place.units - 1}.")
    return number


def _directed(place, directions):
    rows = np.atleast_2d(np.asarray(directions, np.float32))
    if rows.ndim != 2 or rows.shape[1] != place.units:
        raise CnnlensError(
            f"Directions have shape {rows.shape}; layer {place.path!r} wants (number of directions, {place.units})."
        )
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    if not (np.isfinite(length) & (length > 0)).all():
        raise CnnlensError(
            "A direction of length zero, or with NaN, points nowhere. Give each at least one number that is not 0."
        )
    return rows / length, np.full(len(rows), -1), tuple(f"direction {i}" for i in range(len(rows)))


def whole_number(name, value):
    """A number of steps or the like: an int of at least 1."""
    if not isinstance(value, (int, np.integer)) or value < 1:
        raise CnnlensError(f"{name}={value!r} is no whole number of at least 1.")
    return int(value)


def calls_for(net, place, objective="mean"):
    """The image size (height, width) that a layer's receptive field calls for.

    A network for small images, and a layer that sees the whole image, get the network's own size; else half again the
    receptive field, which leaves room around the thing or for a texture to repeat, between 64 px and the network's size.
    """
    own = net.size or (NOMINAL_SIZE, NOMINAL_SIZE)
    if not place.is_map or place.receptive_field is None or _is_small(net):
        return own
    return tuple(int(min(most, max(64, -(-1.5 * field // 16) * 16))) for most, field in zip(own, place.receptive_field))


def _is_small(net):
    return max(net.size or (NOMINAL_SIZE, NOMINAL_SIZE)) <= SMALL


def _checked_size(net, place, size, objective):
    if size is None:
        return calls_for(net, place, objective)
    height, width = (whole_number("size", side) for side in (size if np.ndim(size) else (size, size)))
    if not place.is_map and net.size and (height, width) != net.size:
        raise CnnlensError(
            f"Layer {place.path!r} has no map, so {net.name} reaches it at {net.size[0]}×{net.size[1]} px only, not {height}×{width}."
        )
    least = (place.rows.stride, place.cols.stride) if place.rows and place.is_map else (1, 1)
    if height < least[0] or width < least[1]:
        raise CnnlensError(
            f"size={size} is smaller than one position of layer {place.path!r}. Give at least {max(least)}."
        )
    return height, width


def _disturbance(net, place, objective, size):
    """How far to shift (pixels) and turn (radians) the images of a layer: in proportion to what one unit sees.

    A texture may be shifted all the way round, so that it leans on no border, but not in a network for small images, whose
    maps are little besides border; a thing has to stay in the middle.
    """
    field = min(min(place.receptive_field or (size, size)), size) if place.is_map else size
    turn = 0.0 if field < COARSE else 0.05  # turning resamples, which blurs what filters of a few pixels look for
    if place.is_map and objective == "mean":
        return JITTER if _is_small(net) else size // 2, turn
    return 0 if field < COARSE else max(1, field // 16), turn


def _borders(place, objective):
    """What to do where units look over the border of the image at nothing, which draws lines into the finest textures.

    Units that see little get the image repeated for so many pixels (``pad``), and the rows and columns of the map that
    still look over the border are not counted (``rim``). For others the border does good: it is an edge where all else is
    even, from which a texture can begin to grow.
    """
    pads, rims = [0, 0], [0, 0]
    if (
        place.is_map
        and place.receptive_field is not None
        and objective == "mean"
        and max(place.receptive_field) <= FINEST
    ):
        for i, axis in enumerate((place.rows, place.cols)):
            pads[i] = -(-axis.field // 2 // axis.stride) * axis.stride
            rims[i] = max(0, -(axis.start // axis.stride))
    return {"pad": tuple(pads), "rim": tuple(rims)}


def _precision(wanted):
    if wanted not in ("auto", "float32", "mixed_bfloat16"):
        raise unknown("precision", wanted, ("auto", "float32", "mixed_bfloat16"))
    chosen = device.training_policy() if wanted == "auto" else wanted
    return chosen if chosen == "mixed_bfloat16" else "float32"  # float16's gradients underflow without loss scaling


def fitting_batch(net, layer, height, width):
    """How many images of this size can be taken back through the network at once."""
    own = net.size or (NOMINAL_SIZE, NOMINAL_SIZE)
    values = 0
    for each in net.layers(all=True):
        values += int(np.prod(each.shape))
        if each.path == layer:
            break
    each_bytes = 3 * 4 * values * (height * width) / (own[0] * own[1])
    return int(np.clip(MEMORY / max(each_bytes, 1), 1, LARGEST_BATCH))


def _seeds(seed, names, count):
    """A pair of numbers for each image, from the seed and what it is made for; padded to a full batch."""
    pairs = [(seed, zlib.crc32(name.encode()) & 0x7FFFFFFF) for name in names]
    return pairs + pairs[-1:] * (count - len(pairs))


def _padded(rows, count):
    return np.concatenate([rows, np.repeat(rows[-1:], count - len(rows), 0)])


def _kept(snapshots, steps):
    """After which steps to keep a snapshot."""
    return tuple(sorted(set(np.linspace(0, steps, snapshots).round().astype(int).tolist()))) if snapshots else ()


# --- the ascent ---------------------------------------------------------------------------------------------

UNIT_AXIS = {
    "images": 0,
    "activation": 0,
    "start": 0,
    "ground": 0,
    "history": 1,
    "snapshots": 1,
}  # of the arrays of a result


@dataclass(frozen=True, kw_only=True, eq=False)
class _Plan:
    """What all images of one call have in common."""

    net: Network
    layer: str
    size: tuple
    channels: int  # of what is climbed: 1 also for grey images of a color network
    climb: dict  # settings of the compiled step
    steps: int
    rate: float
    seed: int
    kept: tuple
    soften: tuple
    most: int

    def measure(self, images, weights):
        return measure(self.net, self.layer, images, weights, self.climb["objective"])


class _Steps:
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


def _ascend(plan, names, weights, steps_made, ground=None):
    """Images for all names, batch by batch; a dict of what :class:`Optimized` holds of them, and their "fates"."""
    batches = -(-len(names) // plan.most)
    count = -(-len(names) // batches)  # as even as possible, so that no batch is padded by much
    steps_made.expect(plan.steps * batches)
    parts = []
    for first in range(0, len(names), count):
        these = slice(first, first + count)
        rows, colors = (None if each is None else _padded(each[these], count) for each in (weights, ground))
        begin = ascent.start(
            plan.climb["method"],
            _seeds(plan.seed, names[these], count),
            *plan.size,
            plan.channels,
            plan.climb["objective"],
            colors,
        )
        parts.append(_climb(plan, begin, count, rows, steps_made))
    made = {
        key: np.concatenate([part[key] for part in parts], axis).take(range(len(names)), axis)
        for key, axis in UNIT_AXIS.items()
        if key in parts[0]
    }
    first = np.concatenate([part["first"] for part in parts])[: len(names)]
    return made | {
        "fates": [fate for part in parts for fate in part["fates"]][: len(names)],
        "activation": plan.measure(made["images"], weights),
        "start": plan.measure(first, weights),
        "ground": np.full((len(names), plan.channels), 0.5, np.float32) if ground is None else ground,
    }


def _or_from_color(plan, names, weights, made, steps_made):
    """The same images, but for units that a plain color drives harder than theirs: those climb again, from that color.

    What has grown from grey is a texture. Many units of the first layers ask for a color instead, far from grey, and some
    answer to nothing else. Of the two images the one that drives the unit harder is kept.
    """
    colors, driven = _best_color(plan, weights)
    beaten = np.flatnonzero(driven > made["activation"])
    for unit in np.flatnonzero(driven <= 0):
        fate, why = made["fates"][unit]
        made["fates"][unit] = fate, f"{why}; no plain color drives it" if fate == "dead" else why
    if not len(beaten):
        return made
    again = _ascend(plan, tuple(names[i] for i in beaten), weights[beaten], steps_made, colors[beaten])
    better = again["activation"] > made["activation"][beaten]
    for row, unit in zip(np.flatnonzero(better), beaten[better]):
        fate, why = again["fates"][row]
        begun = f"begun on a plain color, which drives it to {driven[unit]:.3g}: what grew from grey drove it to {made['activation'][unit]:.3g}"
        made["fates"][unit] = fate, f"{begun}; {why}" if why else begun
    for key, axis in UNIT_AXIS.items():
        np.moveaxis(made[key], axis, 0)[beaten[better]] = np.moveaxis(again[key], axis, 0)[better]
    return made


def _best_color(plan, weights):
    """The plain color that drives each target hardest, (U, channels), and how hard, (U,)."""
    colors, read = parametrize.plain_colors(plan.channels), plan.net.compiled((plan.layer,), linear=True)
    answers = []
    for first in range(0, len(colors), plan.most):
        some = colors[first : first + plan.most, None, None].repeat(plan.net.channels // plan.channels, -1)
        images = np.broadcast_to(some, (len(some), *plan.size, plan.net.channels))
        answers.append(ascent.answers(read(tf.constant(images))[plan.layer], plan.climb["objective"]).numpy())
    driven = np.concatenate(answers) @ weights.T
    return colors[driven.argmax(0)], driven.max(0)


def _climb(plan, state, count, weights, steps_made):
    """All steps for one batch; a dict of arrays, with the images begun with under "first", and the fates."""
    net, layer, climb, steps = plan.net, plan.layer, plan.climb, plan.steps
    step = ascent.step(net, layer, **climb)
    weights = tf.zeros((count, 1)) if weights is None else tf.constant(weights)
    method, everyone = climb["method"], tf.ones(count)
    first = ascent.drawn(method, state, net.channels).numpy()
    history, seen = [], [first] if 0 in plan.kept else []
    awake, tries = np.zeros(count, int), np.zeros(count, int)
    for i in range(steps):
        length = plan.rate * (1 - i / steps) if method == "fourier" else plan.rate
        key = tf.constant([plan.seed, i], tf.int32)
        state, found, slopes, share = _checked(
            net, layer, step(state, weights, everyone, tf.constant(length, tf.float32), key)
        )
        history.append(found)
        awake += slopes > 0
        stuck = ((slopes == 0) | (share < FAINT)) & (tries < RESCUE_STEPS)
        if stuck.any():
            tries += stuck
            state = _rescue(net, layer, state, weights, stuck, climb, length, key)
        if method == "pixels" and any(plan.soften[:2]):
            decay, blur, every = plan.soften
            state = ascent.softened(state, decay, blur if (i + 1) % every == 0 else 0)
        if i + 1 in plan.kept:
            seen.append(ascent.drawn(method, state, net.channels).numpy())
        steps_made.made_one()
    images = ascent.drawn(method, state, net.channels).numpy()
    fates = [_fate(*each, steps) for each in zip(awake, tries, slopes > 0, np.max(history, 0))]
    snapshots = np.stack(seen) if seen else np.zeros((0, *images.shape), np.float32)
    return {"images": images, "first": first, "history": np.stack(history), "snapshots": snapshots, "fates": fates}


def _checked(net, layer, outcome):
    """A step's outcome as arrays, or the error that says why there is none."""
    state, found, slopes, share = outcome
    if slopes is None:
        raise CnnlensError(
            f"No gradient flows back from layer {layer!r} of {net.name}: between the image and it stands a step without one "
            "(rounding, argmax, a stopped gradient). Choose a layer before that step."
        )
    found, slopes = found.numpy(), slopes.numpy()
    if not (np.isfinite(found).all() and np.isfinite(slopes).all()):
        raise CnnlensError(
            f"{net.name} answered NaN at layer {layer!r}. Its weights ({net.source}) are damaged: load others."
        )
    return state, found, slopes, share.numpy()


def _rescue(net, layer, state, weights, stuck, climb, rate, key):
    """One step with the redirected gradient for those that are stuck; all others stay where they are."""
    step = ascent.step(net, layer, **climb, rescue=True)
    return _checked(
        net, layer, step(state, weights, tf.constant(stuck, tf.float32), tf.constant(rate, tf.float32), key)
    )[0]


def _fate(awake, tries, ends_awake, strongest, steps):
    """What became of a unit, and the evidence: for how many steps it had a gradient, how often it was redirected."""
    if not tries and ends_awake:
        return "live", ""
    evidence = f"a gradient in {awake} of {steps} steps, redirected in {tries}; strongest response {strongest:.3g}"
    return ("rescued" if ends_awake else "stuck" if awake else "dead"), evidence


# --- the control --------------------------------------------------------------------------------------------


def untrained(net, seed=0):
    """A copy of a network with fresh random weights, to see what of a picture is the network's and what the method's.

    Parameters
    ----------
    net : Network
    seed : int

    Raises
    ------
    CnnlensError
        If the model's class does not let Keras copy it.
    """
    model = reinitialized(net.model, seed)
    source = f"untrained copy of {net.name}, seed {seed}"
    return Network(model, f"untrained {net.name}", classes=net.classes, source=source, preprocessing=net.preprocessing)
