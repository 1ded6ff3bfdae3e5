"""Images that activate units as strongly as possible: the method with all tactics, for as many units as asked for."""

import functools
from dataclasses import asdict

import numpy as np
from tqdm.auto import tqdm

from ...errors import unknown
from ...network import Network
from . import colors, framing, gates, stepping
from .batches import Plan, Progress, in_batches
from .result import Optimized
from .settings import checked, with_rate
from .targets import targets, whole_number

OBJECTIVES = ("mean", "center")


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
    for name, value, known in (("method", method, stepping.METHODS), ("objective", objective, OBJECTIVES)):
        if value not in known:
            raise unknown(name, value, known)
    place, module, settings = net.layer(layer), stepping.METHODS[method], checked(net, method, settings)
    weights, numbers, names = targets(place, units, directions)
    size = framing.checked_size(net, place, size, objective)
    steps = module.STEPS if steps is None else whole_number("steps", steps)
    grey_texture = method == "fourier" and net.channels == 1 and place.is_map and objective == "mean"
    settings = with_rate(settings, module.rates(steps)[0], grey_texture)
    asked = {"layer": layer, "method": method, "objective": objective}
    tactics = framing.tactics(net, place, objective, min(size), settings) if method == "fourier" else {}
    own = {"whole": weights is None, "penalty": settings.penalty, "precision": settings.precision}
    plan = Plan(
        net=net,
        how=stepping.How(**asked, **own, **tactics),
        settings=settings,
        size=size,
        steps=steps,
        seed=seed,
        kept=tuple(np.unique(np.linspace(0, steps, snapshots).round().astype(int)).tolist()),
        batch_size=batch_size or framing.fitting_batch(net, layer, *size),
    )
    with tqdm(total=0, desc=f"{net.name} {layer}", unit="step", delay=2, leave=False, disable=not progress) as bar:
        ascend = functools.partial(in_batches, progress=Progress(bar, on_step))
        made, notes = ascend(plan, names, weights), [""] * len(names)
        if method == "fourier" and weights is not None and not settings.penalty:  # it would speak against colors
            made, notes = colors.or_from_color(plan, names, weights, made, ascend)
    status, evidence = _statuses(made, notes, objective)
    return Optimized(
        **{name: made[name] for name in ("images", "activation", "start", "initial_color")},
        history=made["history"].T,
        snapshots=made["snapshots"].swapaxes(0, 1),
        snapshot_steps=plan.kept,
        units=numbers,
        names=names,
        status=status,
        evidence=evidence,
        layer=layer,
        objective=objective,
        source=net.source,
        settings={**asked, "size": size, "steps": steps, "seed": seed, **asdict(settings)},
    )


def _statuses(made, notes, objective):
    """The status of each image's target, and the evidence for it."""
    status, evidence = [], []
    names = ("tries", "awake", "ends_awake", "activity", "activation", "start", "history")
    for note, grey, *facts in zip(notes, (made["initial_color"] == 0.5).all(1), *(made[name] for name in names)):
        word, why = gates.status(*facts, opening=gates.OPENING[objective])
        says = [why, "" if grey and word != "dead" else note]
        status.append(word)
        evidence.append("; ".join(filter(None, says)))
    return tuple(status), tuple(evidence)
