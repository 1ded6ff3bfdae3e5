"""Pictures of a network's answers: how many are right, which classes are confused, what its confidence is worth."""

import numpy as np

from ..results import painter
from ..scores.answers import Answers
from . import base

MOST = 12  # classes of a confusion matrix whose names can still be read


@painter(Answers)
def answers(result):
    """The confusion matrix beside the reliability diagram: (Figure, alternative text)."""
    fig = base.canvas(10.5, 5.2)
    left, right = fig.subplots(1, 2, width_ratios=(1.15, 1))
    shown = _confusion(left, result)
    _reliability(right, result)
    total = int(result.confusion.sum())
    right_in = f"{result.accuracy:.0%} of {total} images right ({result.low:.0%} to {result.high:.0%})"
    fig.suptitle(right_in, fontsize=base.TITLE)
    confused = result.confusion * (1 - np.eye(len(result.classes), dtype=int))
    one, other = np.unravel_index(confused.argmax(), confused.shape)
    words = f"{right_in}. Expected calibration error {result.ece:.2f}. Confusion of {shown} classes"
    if confused.any():
        words += f"; {result.classes[one]} is called {result.classes[other]} {confused.max()} times"
    return base.finish(fig, result.source), f"{words}."


def _confusion(axes, result):
    """Fractions of each class answered with each other; of many classes, those that are confused most."""
    shown = _most_confused(result.confusion)
    counts = result.confusion[np.ix_(shown, shown)]
    fractions = counts / np.maximum(result.confusion[shown].sum(1, keepdims=True), 1)
    axes.imshow(fractions, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            ink = "white" if fractions[row, column] > 0.5 else base.INK_HEX
            axes.text(column, row, f"{count}", ha="center", va="center", color=ink, fontsize=base.SMALL)
    names = [_short(result.classes[i]) for i in shown]
    axes.set_xticks(range(len(shown)), names, rotation=45, ha="right", fontsize=base.SMALL)
    axes.set_yticks(range(len(shown)), names, fontsize=base.SMALL)
    axes.set_xlabel("what the network says", fontsize=base.LABEL)
    axes.set_ylabel("what the label says", fontsize=base.LABEL)
    few = len(shown) == (result.confusion.sum(1) > 0).sum()
    axes.set_title("Confusion: images" if few else f"Confusion: the {len(shown)} most confused", fontsize=base.LABEL)
    return len(shown)


def _most_confused(confusion):
    """Classes with images, or of many, those that take part in most mistakes; in their own order."""
    mistakes = confusion.sum(1) + confusion.sum(0) - 2 * confusion.diagonal()
    present = np.flatnonzero(confusion.sum(1))
    return np.sort(present[np.argsort(-mistakes[present], kind="stable")][:MOST])


def _reliability(axes, result):
    """Accuracy over confidence: on the diagonal, a network is as often right as it claims."""
    axes.plot([0, 1], [0, 1], color="#999999", lw=1, label="as often right as it claims")
    full = result.bin_count > 0
    sizes = 20 + 260 * result.bin_count[full] / result.bin_count.max()
    color = base.CLASS_COLORS[0]
    axes.plot(result.bin_confidence[full], result.bin_accuracy[full], color=color, lw=1)
    label = "a tenth of confidence (area: how many images)"
    axes.scatter(result.bin_confidence[full], result.bin_accuracy[full], sizes, color=color, zorder=3, label=label)
    axes.set_xlim(-0.03, 1.05)
    axes.set_ylim(-0.05, 1.08)
    axes.set_xlabel("mean confidence", fontsize=base.LABEL)
    axes.set_ylabel("fraction answered right", fontsize=base.LABEL)
    axes.set_title(f"Calibration: expected error {result.ece:.2f}", fontsize=base.LABEL)
    axes.spines[["top", "right"]].set_visible(False)
    base.legend_below(axes, columns=1)


def _short(name, most=16):
    return name if len(name) <= most else f"{name[: most - 1]}…"
