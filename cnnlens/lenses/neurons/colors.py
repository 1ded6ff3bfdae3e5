"""Other initial colors than grey, for units that a plain color activates more than what grew from grey.

What grows from grey is a texture. Many units of the first layers ask for a color instead, far from grey, and some
respond to nothing else.
"""

import itertools

import numpy as np
import tensorflow as tf

from .fourier import COLOR_AXES, CONTRAST, responses, scaling

DARKEST, COLORFUL = 0.02, 0.4  # black that is tried; distance of plain colors from grey: strong, yet telling hues apart


def plain_colors(channels):
    """Plain colors that are tried as initial colors: black, white, and all hues at one distance from grey.

    Returns
    -------
    ndarray (N, channels) float32
        2 shades of grey for one channel, 28 colors for three; for other numbers each channel up or down. Black and
        white lie a little inside the range, of which the sigmoid never reaches the ends.

    Examples
    --------
    >>> plain_colors(1).ravel(), plain_colors(3).shape
    (array([0.02, 0.98], dtype=float32), (28, 3))
    """
    extremes = np.repeat([[DARKEST], [1 - DARKEST]], channels, 1)
    if channels == 1:
        return np.float32(extremes)
    directions = np.concatenate([np.eye(channels), -np.eye(channels)])
    if channels == 3:
        directions = np.array([way for way in itertools.product((-1, 0, 1), repeat=3) if any(way)])
    hues = 0.5 + COLORFUL * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    return np.float32(np.concatenate([hues, extremes]))


def begun_on(state, colors):
    """A state of the Fourier method with other initial colors (N, channels) in (0, 1), each image its own.

    Examples
    --------
    >>> from cnnlens.lenses.neurons import fourier
    >>> state = begun_on(fourier.start([(0, 1)], 4, 4, 3, noise=0.0), np.float32([[0.8, 0.2, 0.2]]))
    >>> fourier.draw(state).numpy()[0, 0, 0].round(3)
    array([0.8, 0.2, 0.2], dtype=float32)
    """
    _, channels, height, width = state[0].shape
    logits = np.log(colors) - np.log1p(-colors)
    axes = np.linalg.solve(COLOR_AXES, logits.T).T if channels == 3 else logits
    constant = np.float32(axes * np.sqrt(height * width) / (CONTRAST * scaling(height, width)[0, 0]))
    first = np.zeros((height, width), bool)
    first[0, 0] = True
    return tf.where(first, constant[:, :, None, None], state[0]), *state[1:]


def best_color(plan, weights):
    """The plain color that each target responds to most, (U, channels), and its response, (U,).

    Examples
    --------
    >>> import keras
    >>> from cnnlens import Network
    >>> from cnnlens.lenses.neurons import batches, settings, stepping
    >>> net = Network(keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(1, 1, name="dark")]), "tiny")
    >>> net.model.set_weights([np.full((1, 1, 1, 1), -1.0), np.ones(1)])  # 1 − brightness
    >>> how = stepping.How(layer="dark", method="fourier", objective="mean")
    >>> asked = {"how": how, "settings": settings.Settings(), "size": (4, 4), "steps": 2, "seed": 0, "kept": ()}
    >>> plan = batches.Plan(net=net, batch_size=2, **asked)
    >>> color, reached = best_color(plan, np.eye(1, dtype="float32"))
    >>> print(color, reached)
    [[0.02]] [0.98]
    """
    net, layer, channels = plan.net, plan.how.layer, plan.channels
    colors, read, found = plain_colors(channels), net.compiled((layer,), linear=True), []
    for first in range(0, len(colors), plan.batch_size):
        some = colors[first : first + plan.batch_size, None, None].repeat(net.channels // channels, -1)
        images = np.broadcast_to(some, (len(some), *plan.size, net.channels))
        found.append(responses(read(tf.constant(images))[layer], plan.how.objective).numpy())
    reached = np.concatenate(found) @ weights.T
    return colors[reached.argmax(0)], reached.max(0)


def or_from_color(plan, names, weights, made, ascend):
    """The same images, but targets that a plain color activates more than theirs ascend again, from that color.

    Of the two images the one with the higher activation is kept.

    Parameters
    ----------
    made : dict of ndarray (U, …)
        What has been made from grey.
    ascend : callable
        ``(plan, names, weights, colors) -> dict of ndarray``.

    Returns
    -------
    made : dict of ndarray (U, …)
    notes : list of U str
        What is to be said about colors of each image kept.

    Examples
    --------
    >>> import keras
    >>> from cnnlens import Network
    >>> from cnnlens.lenses.neurons import batches, settings, stepping
    >>> net = Network(keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(1, 1, name="dark")]), "tiny")
    >>> net.model.set_weights([np.full((1, 1, 1, 1), -1.0), np.ones(1)])  # 1 − brightness
    >>> how = stepping.How(layer="dark", method="fourier", objective="mean")
    >>> asked = {"how": how, "settings": settings.Settings(), "size": (4, 4), "steps": 2, "seed": 0, "kept": ()}
    >>> plan = batches.Plan(net=net, batch_size=2, **asked)
    >>> made = {"activation": np.float32([0.6])}  # from grey; let it become 0.99 from the color
    >>> again = lambda plan, names, weights, colors: {"activation": np.float32([0.99])}
    >>> made, notes = or_from_color(plan, ["unit 0"], np.eye(1, dtype="float32"), made, again)
    >>> print(made["activation"], *notes)
    [0.99] started from a plain color, to which alone the response is 0.98: from grey the ascent came to 0.6
    """
    colors, reached = best_color(plan, weights)
    notes = ["no plain color activates it" if each <= 0 else "" for each in reached]
    beaten = np.flatnonzero(reached > made["activation"])
    if not len(beaten):
        return made, notes
    again = ascend(plan, [names[i] for i in beaten], weights[beaten], colors[beaten])
    better = again["activation"] > made["activation"][beaten]
    for unit in beaten[better]:
        notes[unit] = (
            f"started from a plain color, to which alone the response is {reached[unit]:.3g}: "
            f"from grey the ascent came to {made['activation'][unit]:.3g}"
        )
    for key in made:
        made[key][beaten[better]] = again[key][better]
    return made, notes
