"""Pictures of the numbers beside activations: agreement, selectivity, and what ablating each unit costs."""

import numpy as np

from ..lenses.ablation import Ablation
from ..results import painter
from . import base


def agreement(found, source="", title="How often two images share their most active unit"):
    """Agreement of the most active units, layer by layer, as (Figure, alternative text).

    Parameters
    ----------
    found : dict of str to SharedMaximum
        By layer.
    source, title : str
    """
    fig, axes = _layer_axes(found, 0.42, title, "fraction of pairs whose most active unit is the same")
    rows = range(len(found))
    same, different = ([getattr(result, name) for result in found.values()] for name in ("same", "different"))
    low, high = np.transpose([result.chance for result in found.values()])
    shuffled = dict(color="#bbbbbb", lw=9, capstyle="butt", zorder=1, label="same class, labels shuffled (95 %)")
    axes.hlines(rows, low, high, **shuffled)
    axes.hlines(rows, different, same, color="#777777", lw=1, zorder=2)
    hollow = dict(mfc="white", mec=base.INK_HEX, ms=7, zorder=3, label="two images of different classes")
    axes.plot(different, rows, "D", **hollow)
    full = dict(color=base.CLASS_COLORS[2], ms=9, zorder=3, label="two images of the same class")
    axes.plot(same, rows, "o", **full)
    base.legend_below(axes)
    words = "; ".join(
        f"{layer}: {result.same:.0%} within a class, {result.different:.0%} across" for layer, result in found.items()
    )
    return base.finish(fig, source), f"{title}. {words}."


def selectivities(found, control, source="", title="How selective single units are for a class"):
    """Class selectivity of all units, layer by layer, against shuffled labels, as (Figure, alternative text).

    Parameters
    ----------
    found, control : dict of str to Selectivity
        By layer; with the true labels, and with shuffled ones.
    source, title : str
    """
    scale = "selectivity: 0 all classes alike, 1 one class only (one mark a unit)"
    fig, axes = _layer_axes(found, 0.55, title, scale)
    rows = np.arange(len(found))
    for results, shift, color, shape, label in (
        (found, -0.14, base.CLASS_COLORS[0], "o", "true labels"),
        (control, 0.16, "#999999", "|", "shuffled labels"),
    ):
        indices = [results[layer].index for layer in found]
        places = np.repeat(rows + shift, [len(index) for index in indices])
        axes.plot(np.concatenate(indices), places, shape, color=color, ms=5, alpha=0.55, label=label)
        name = "median" if results is found else ""
        axes.plot([np.median(index) for index in indices], rows + shift, "D", color=base.INK_HEX, ms=6, label=name)
    base.legend_below(axes)
    words = "; ".join(
        f"{layer}: median {np.median(found[layer].index):.2f}, shuffled {np.median(control[layer].index):.2f}"
        for layer in found
    )
    return base.finish(fig, source), f"{title}. {words}."


def _layer_axes(layers, inches, title, label):
    """A figure with a row for each layer, so many inches high, and an axis from 0 to 1."""
    fig = base.canvas(8, 1.5 + inches * len(layers))
    axes = fig.add_subplot()
    axes.set_yticks(range(len(layers)), layers, fontsize=base.LABEL)
    axes.set_ylim(len(layers) - 0.5, -0.5)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel(label, fontsize=base.LABEL)
    axes.set_title(title, fontsize=base.TITLE)
    axes.grid(axis="x", color="#e5e5e5")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    return fig, axes


@painter(Ablation)
def ablation(result):
    """Response of each unit against what the right class loses without it, averaged over images: (Figure, text)."""
    response, drop = result.response.mean(0), result.drop.mean(0)
    fig = base.canvas(7.5, 4.6)
    axes = fig.add_subplot()
    axes.axhline(0, color="#999999", lw=1)
    axes.plot(response, drop, "o", color=base.CLASS_COLORS[0], ms=6)
    strongest, needed = np.argsort(-response)[:3].tolist(), np.argsort(-drop)[:3].tolist()
    for i, unit in enumerate(sorted({*strongest, *needed}, key=lambda unit: response[unit])):
        # to the left and right in turn, so that neighbors do not overwrite each other
        side = dict(xytext=(6, 4), ha="left") if i % 2 else dict(xytext=(-6, 4), ha="right")
        place = response[unit], drop[unit]
        axes.annotate(f"unit {unit}", place, textcoords="offset points", fontsize=base.SMALL, **side)
    axes.set_xlabel("response of the unit (mean over the map)", fontsize=base.LABEL)
    axes.set_ylabel("what the score of the right class\nloses when the unit is ablated", fontsize=base.LABEL)
    axes.set_title(f"{result.layer}: how strongly a unit responds, and how much it is needed", fontsize=base.TITLE)
    axes.margins(x=0.14)
    axes.spines[["top", "right"]].set_visible(False)
    words = (
        f"Units of {result.layer}: the strongest is unit {response.argmax()}, the one most needed is unit "
        f"{drop.argmax()}. Averages over {len(result.drop)} images."
    )
    return base.finish(fig, result.source), words
