"""Pictures of what decides a network's answers: a place, or the background, class by class; and what was changed."""

from ..results import painter
from ..scores.reliance import Reliance
from . import base

TESTS = (
    ("marks", "become", "others become it with its most telling place", "o", base.CLASS_COLORS[0]),
    ("marks", "gone", "its own cease to be it without that place", "^", base.CLASS_COLORS[4]),
    ("backgrounds", "become", "others become it before its background", "s", base.CLASS_COLORS[2]),
    ("backgrounds", "alone", "its background alone is taken for it", "D", base.CLASS_COLORS[1]),
)


@painter(Reliance)
def reliance(result):
    """How often one place or the background makes a class, beside images so changed: (Figure, alternative text)."""
    labels = sorted({test.label for test in (*result.marks, *result.backgrounds)})
    fig = base.canvas(11 if result.shown else 7.5, max(2.2 + 0.3 * len(labels), 4.6 if result.shown else 0))
    panels = fig.subplots(1, 2 if result.shown else 1, squeeze=False)[0]
    _fractions(panels[0], result, labels)
    if result.shown:
        _changed(panels[1], result)
    return base.finish(fig, result.source), _words(result, labels)


def _fractions(axes, result, labels):
    for shift, (tests, field, label, shape, color) in zip((-0.24, -0.08, 0.08, 0.24), TESTS):
        found = getattr(result, tests)
        rows = [labels.index(test.label) + shift for test in found]
        axes.plot([getattr(test, field) for test in found], rows, shape, color=color, ms=6, alpha=0.85, label=label)
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(max(len(labels), 1) - 0.5, -0.5)
    axes.set_yticks(range(len(labels)), [str(result.classes[label])[:24] for label in labels], fontsize=base.SMALL)
    axes.set_xlabel("fraction of images", fontsize=base.LABEL)
    axes.set_title("Does one place, or the background, make the class?", fontsize=base.LABEL)
    axes.grid(color="#e5e5e5")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    base.legend_below(axes, columns=1)


def _changed(axes, result):
    """The images of the class that was found, and below them what the test made of them."""
    rows = [
        base.titled(base.tiles(base.drawable(images), cell=88, columns=len(images), low=0, high=1, cmap="gray"), words)
        for words, images in result.shown.items()
    ]
    axes.imshow(base.stack(*rows, gap=8))
    axes.axis("off")
    label = max(result.findings, key=lambda finding: finding.weight).evidence["label"]
    axes.set_title(f"What was tried with {result.classes[label]}"[:60], fontsize=base.LABEL)


def _words(result, labels):
    if not labels:
        return "No class has enough images that are answered rightly to find out what decides."
    places = max((test.become for test in result.marks), default=0)
    behind = max((test.become for test in result.backgrounds), default=0)
    words = (
        f"What decides, for {len(labels)} classes: one place brings at most {places:.0%} of other images to a class, "
        f"a background at most {behind:.0%}."
    )
    return " ".join([words, *(finding.sentence for finding in result.findings)])
