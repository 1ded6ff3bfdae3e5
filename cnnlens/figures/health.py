"""Pictures of a network's health: layer by layer, what its units do and how large what they pass on is."""

import numpy as np
from matplotlib.ticker import LogLocator

from ..results import painter
from ..scores.health import NetworkHealth
from . import base

MOST = 40  # layers that one figure shows
KINDS = {
    "dead": ("dead", base.CLASS_COLORS[2], "o"),
    "saturated": ("saturated", base.CLASS_COLORS[1], "s"),
    "duplicates": ("filter occurs twice", base.CLASS_COLORS[0], "^"),
}


@painter(NetworkHealth)
def health(result):
    """Fractions of idle units, and the mean size of the activations, a row a layer: (Figure, alternative text)."""
    layers = _shown(result.layers)
    fig = base.canvas(10, 1.9 + 0.24 * len(layers))
    idle, size = fig.subplots(1, 2, sharey=True, width_ratios=(1.4, 1))
    rows = np.arange(len(layers))
    for shift, (field, (label, color, shape)) in zip(
        (-0.2, 0, 0.2), KINDS.items()
    ):  # equal ones do not hide each other
        values = [getattr(layer, field) for layer in layers]
        idle.plot(values, rows + shift, shape, color=color, ms=5, alpha=0.85, label=label, clip_on=False)
    idle.set_xlim(-0.02, 1.02)
    idle.set_xlabel("fraction of the layer's units", fontsize=base.LABEL)
    idle.set_yticks(rows, [f"{layer.path} ({layer.units})" for layer in layers], fontsize=base.SMALL)
    idle.set_ylim(len(layers) - 0.5, -0.5)
    base.legend_below(idle)
    _sizes(size, rows, layers)
    for axes in (idle, size):
        axes.grid(axis="both", color="#e5e5e5")
        axes.set_axisbelow(True)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(left=False)
    some = "" if len(layers) == len(result.layers) else f", {len(layers)} of {len(result.layers)} layers"
    title = f"{result.network} on {result.images} images{some}"
    fig.suptitle(title, fontsize=base.TITLE)
    return base.finish(fig, result.source), f"{title}. {_words(result)}"


def _shown(layers):
    """All layers; of more than can be shown, those with most units idle, in their own order."""
    if len(layers) <= MOST:
        return layers
    idle = [max(np.nan_to_num([getattr(layer, field) for field in KINDS])) for layer in layers]
    return [layers[i] for i in np.sort(np.argsort(idle, kind="stable")[::-1][:MOST])]


def _sizes(axes, rows, layers):
    sizes = np.array([layer.magnitude for layer in layers])
    sizes = np.where(np.isfinite(sizes) & (sizes > 0), sizes, np.nan)
    axes.plot(sizes, rows, "-", color="#999999", lw=1)
    axes.plot(sizes, rows, "D", color=base.INK_HEX, ms=4)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")  # the scale's own labels are formulas
    axes.xaxis.set_minor_formatter("")
    axes.set_xlabel("mean size of the activations", fontsize=base.LABEL)


def _words(result):
    said = []
    for field, (label, *_) in KINDS.items():
        values = np.nan_to_num([getattr(layer, field) for layer in result.layers])
        if len(values) and values.max() > 0:
            said.append(f"Most {label}: {result.layers[values.argmax()].path}, {values.max():.0%} of its units.")
    return " ".join(said) or "No unit is dead or saturated, and no filter occurs twice."
