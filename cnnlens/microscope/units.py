"""The three kinds of work, each a function of arrays: what a task needs goes in, the arrays that it keeps come out."""

import numpy as np
import tensorflow as tf

from ..errors import CnnlensError, first_line
from ..lenses import deconvnet, exemplars
from ..lenses.neurons import maximize
from ..pixels import as_bytes, fitted
from ..scores.activations import selectivity
from ..scores.preferences import alike, preferences
from .store import ALIKE, BINS, PREFERRED, SAYS

STATUS = ("live", "rescued", "stuck", "dead", "none")  # as the lens names them; none: no image could be made
AT_ONCE = 2**26  # values that a batch of images may give in all layers together
SENT_BACK = 8  # images that a deconvnet takes at a time


def reading(net, plan, pixels):
    """What every unit responds to some images: its strongest response, and where on the map.

    Parameters
    ----------
    net : Network
    plan : Plan
    pixels : ndarray (n, H, W, C) uint8

    Returns
    -------
    dict of str to ndarray (n, …)
    """
    paths = tuple(layer.path for layer in plan.layers)
    read = net.compiled(paths, linear=True)
    each = sum(layer.positions * layer.shape[-1] for layer in plan.layers)
    few = int(np.clip(AT_ONCE // each, 1, 64))
    parts = {f"{n}/{name}": [] for n in range(len(paths)) for name in ("peak", "position")}
    for first in range(0, len(pixels), few):
        outputs = read(tf.constant(net.prepare(pixels[first : first + few])))
        for n, layer in enumerate(plan.layers):
            output = outputs[layer.path]
            flat = tf.reshape(output, (len(output), -1, output.shape[-1]))[..., : layer.units]
            parts[f"{n}/peak"].append(tf.reduce_max(flat, 1).numpy())
            parts[f"{n}/position"].append(tf.argmax(flat, 1).numpy())
    answers = np.full(len(pixels), -1)
    if net.class_count is not None:
        answers = net.predict(pixels, progress=False).argmax(1)
    return {"predicted": answers, **{name: np.concatenate(part) for name, part in parts.items()}}


def summary(plan, number, peak, position, labels):
    """What follows for a layer from its responses to all images.

    Parameters
    ----------
    plan : Plan
    number : int
        Of the layer.
    peak, position : ndarray (N, units)
    labels : ndarray (N,) int

    Returns
    -------
    dict of str to ndarray (units, …)
    """
    order = np.argsort(-peak, axis=0, kind="stable")[: plan.top]
    low, high = peak.min(0), peak.max(0)
    span = np.where(high > low, high - low, 1)
    bins = np.minimum(((peak - low) / span * BINS).astype(int), BINS - 1)
    similar, correlation = alike(peak, ALIKE)
    likes = preferences(peak, labels)
    best = likes.best(PREFERRED)
    at = {name: np.take_along_axis(getattr(likes, name), best, 0).T for name in ("difference", "low", "high")}
    known = labels >= 0
    several = len(np.unique(labels[known])) > 1
    found = {
        "top_image": order.T,
        "top_value": np.take_along_axis(peak, order, 0).T,
        "top_position": np.take_along_axis(position, order, 0).T,
        "mean": peak.mean(0, dtype=np.float64),
        "deviation": peak.std(0, dtype=np.float64),
        "largest": high,
        "active": (peak > 0).mean(0),
        "selectivity": selectivity(peak[known], labels[known]).index if several else np.full(len(high), np.nan),
        "histogram": np.stack([np.bincount(column, minlength=BINS) for column in bins.T]),
        "edges": np.stack([low, high], 1),
        "alike": _wide(similar, ALIKE, -1),
        "correlation": _wide(correlation, ALIKE, np.nan),
        "preferred": _wide(likes.classes[best].T, PREFERRED, -1),
        **{name: _wide(values, PREFERRED, np.nan) for name, values in at.items()},
    }
    return {f"{number}/{name}": values for name, values in found.items()}


def _wide(values, width, nothing):
    """Rows filled up to a width."""
    return np.pad(values, ((0, 0), (0, width - values.shape[1])), constant_values=nothing)


def pictures(net, plan, task, tops, images):
    """What is made for a batch of units: the optimized image, the best patches, and what in the first activates it.

    Parameters
    ----------
    net : Network
    plan : Plan
    task : Task
    tops : dict of str to ndarray (units of the task, k)
        ``top_image`` and ``top_position``.
    images : dict of int to ndarray (H, W, C) uint8
        Those that are named there.

    Returns
    -------
    dict of str to ndarray (units of the task, …)
    """
    layer = plan.layers[task.layer]
    units = np.arange(task.first, task.last)
    with net.together(plan.together(task.layer)):
        found = {
            **_made(net, plan, layer, units),
            **_patches(net, layer, tops, images),
            **_sent_back(net, layer, units, tops, images),
        }
    return {f"{task.layer}/{name}": values for name, values in found.items()}


def _made(net, plan, layer, units):
    how = {name: plan[name] for name in ("steps", "seed", "objective", "precision")}
    try:
        made = maximize(net, layer.path, units, size=layer.made, progress=False, **how)
    except CnnlensError as error:  # no gradient flows back, say: the rest of the unit's page is worth having
        nothing = np.full(len(units), np.nan)
        grey = np.full((len(units), *layer.shown, net.channels), 128, np.uint8)
        says = np.stack([_told(first_line(error))] * len(units))
        return {"made": grey, "reached": nothing, "start": nothing, "status": np.full(len(units), 4), "says": says}
    top, left, bottom, right = layer.kept
    return {
        "made": as_bytes(made.images[:, top:bottom, left:right]),
        "reached": made.activation,
        "start": made.start,
        "status": np.array([STATUS.index(status) for status in made.status]),
        "says": np.stack([_told(words) for words in made.evidence]),
    }


def _told(words):
    """Words as a row of bytes."""
    text = words.encode()[:SAYS].decode(errors="ignore").encode()
    return np.frombuffer(text.ljust(SAYS, b"\0"), np.uint8)


def words_of(row):
    """The words in such a row.

    Examples
    --------
    >>> words_of(_told("a naïve unit"))
    'a naïve unit'
    """
    return bytes(row).rstrip(b"\0").decode()


def _boxes(net, layer, flat, size):
    """What flat positions (…) of a layer's map see, as boxes (…, 4)."""
    place = net.layer(layer.path)
    width = layer.shape[1] if len(layer.shape) == 3 else 1
    boxes = [exemplars.field_box(place, divmod(int(each), width), *size) for each in flat.ravel()]
    return np.array(boxes).reshape(*flat.shape, 4)


def _patches(net, layer, tops, images):
    height, width = next(iter(images.values())).shape[:2]
    boxes = _boxes(net, layer, tops["top_position"], (height, width))
    cut = [
        [_kept(exemplars.cut(images[int(i)] / np.float32(255), box), layer.patch) for i, box in zip(*pair)]
        for pair in zip(tops["top_image"], boxes)
    ]
    inside = (boxes[..., :2] >= 0).all(-1) & (boxes[..., 2] <= height) & (boxes[..., 3] <= width)
    return {"patches": as_bytes(np.array(cut)), "inside": inside}


def _kept(patch, size):
    return patch if patch.shape[:2] == size else fitted(patch, size, "stretch")


def _sent_back(net, layer, units, tops, images):
    """A deconvnet's projection of each first patch, in −127 to 127 of its largest value; 0 where there is none."""
    first = np.stack([images[int(i)] for i in tops["top_image"][:, 0]])
    boxes = _boxes(net, layer, tops["top_position"][:, 0], first.shape[1:3])
    kept = np.zeros((len(units), *layer.patch, first.shape[-1]), np.int8)
    sent = np.full(len(units), np.nan)
    for begin in range(0, len(units), SENT_BACK):
        some = slice(begin, begin + SENT_BACK)
        try:
            back = deconvnet.project(net, first[some], layer.path, units[some], batch_size=SENT_BACK)
        except CnnlensError:  # no ReLU stands between the image and this layer
            break
        sent[some] = back.activation
        for i, projection in enumerate(back.projection, begin):
            part = _kept(exemplars.cut(projection, boxes[i], outside=0), layer.patch)
            peak = np.quantile(np.abs(part), 0.998) or np.abs(part).max() or 1
            kept[i] = np.rint(np.clip(part / peak, -1, 1) * 127)
    return {"projection": kept, "sent": sent}
