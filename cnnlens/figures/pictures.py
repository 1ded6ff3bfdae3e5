"""Pictures of the health of images: which simple property tells which class, and pairs that are nearly the same."""

import numpy as np

from ..pixels import as_bytes
from ..results import painter
from ..scores.pictures import TELLS, ImageHealth
from . import base

MOST = 14  # classes whose names can still be read


@painter(ImageHealth)
def pictures(result):
    """Strength of each property for each class, beside the pairs found: (Figure, alternative text)."""
    paired = len(result.shown) > 0
    fig = base.canvas(10.5 if paired else 8, 1.6 + 0.34 * len(result.properties) + 0.5)
    axes = fig.subplots(1, 2 if paired else 1, squeeze=False, width_ratios=(2.2, 1) if paired else None)[0]
    _strengths(axes[0], result)
    if paired:
        _pairs(axes[1], result)
    return base.finish(fig, result.source), _words(result)


def _strengths(axes, result):
    strength = np.nan_to_num(result.strength)
    measured = np.flatnonzero(np.isfinite(result.strength).any(0))
    if not len(measured):
        axes.text(
            0.5, 0.5, "No class has images enough to tell\nwhether a property tells it.", ha="center", va="center"
        )
        axes.axis("off")
        return
    shown = np.sort(measured[np.argsort(-strength[:, measured].max(0), kind="stable")[:MOST]])
    axes.imshow(result.strength[:, shown], cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(result.strength[:, shown]):
        if value >= 0.5:
            ink, bold = ("white", "bold") if value >= TELLS else (base.INK_HEX, "normal")
            axes.text(
                column, row, f"{value:.2f}", ha="center", va="center", color=ink, weight=bold, fontsize=base.SMALL
            )
    names = [name if len(name) <= 14 else f"{name[:13]}…" for name in map(result.classes.__getitem__, shown)]
    axes.set_xticks(range(len(shown)), names, rotation=45, ha="right", fontsize=base.SMALL)
    axes.set_yticks(range(len(strength)), list(result.properties), fontsize=base.SMALL)
    some = "" if len(shown) == len(result.classes) else f" ({len(shown)} of {len(result.classes)} classes)"
    title = f"How well one property alone tells a class{some}\n0 not at all, 1 always"
    axes.set_title(title, fontsize=base.LABEL)


def _pairs(axes, result):
    sides = [base.row(*pair, gap=4) for pair in _as_rasters(result.shown)]
    columns = 1 if len(sides) < 4 else 2
    rows = [base.row(*sides[start : start + columns]) for start in range(0, len(sides), columns)]
    axes.imshow(base.stack(*rows, gap=8))
    axes.axis("off")
    telling = result.across_groups | result.across_classes
    what = "across groups or classes" if telling.any() else "within a group and class"
    count = int(telling.sum()) if telling.any() else len(result.pairs)
    axes.set_title(f"Nearly the same, {what}:\n{len(sides)} of {count} pairs", fontsize=base.LABEL)


def _as_rasters(shown):
    for pair in shown:
        yield [as_bytes(np.broadcast_to(base.drawable(image), (*image.shape[:2], 3))) for image in pair]


def _words(result):
    across, between = int(result.across_groups.sum()), int(result.across_classes.sum())
    words = f"{len(result.pairs)} pairs of images are nearly the same, {across} of them across training and test, "
    words += f"{between} across classes."
    if np.isfinite(result.strength).any():
        row, column = np.unravel_index(np.nan_to_num(result.strength).argmax(), result.strength.shape)
        words += f" What tells a class best is the {list(result.properties)[row]}, of {result.classes[column]}: "
        words += f"strength {result.strength[row, column]:.2f} of 1."
    return words
