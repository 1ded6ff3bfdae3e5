"""What decides: a mark at one place, or the background alone, instead of what is to be seen."""

import numpy as np

from ...errors import CnnlensError
from ...scores.reliance import FEWEST, of_reliance
from ..parts import Part
from .choosing import drawn

TITLE = "What decides"
SHOWS = (
    "Whether the answers are right for the wrong reason. A mark: the places where images of a class are most alike are "
    "exchanged with other classes, and the answer should not follow. The background: figures are taken away, or put "
    "before the backgrounds of other classes, and the answer should follow the figure."
)


def make(subject, sizes):
    """The Part."""
    net, judged = subject.opened(), subject.judged
    if net.class_count is None or not len(judged):
        raise CnnlensError(" ".join(("This takes images whose class is known.", *subject.label_notes)))
    some = np.sort(np.random.default_rng(subject.seed).permutation(judged)[: sizes["most"]])
    how = {"seed": subject.seed, "progress": subject.progress}
    found = of_reliance(net, subject.images[some], subject.labels[some], **how)
    tested = len(found.settings["classes"])
    if not tested:
        raise CnnlensError(
            f"Too few images: of no class does the network answer {FEWEST} rightly, among these {len(some)}."
        )
    numbers = (("images", f"{len(some)}"), ("classes tested for a mark", f"{len(found.marks)} of {tested}"))
    numbers += (("classes tested for their background", f"{len(found.backgrounds)} of {tested}"),)
    return Part(
        name="reliance",
        title=TITLE,
        shows=SHOWS,
        numbers=numbers,
        figures=(drawn(found),),
        findings=found.findings,
        source=subject.source,
    )


def cost(subject, sizes):
    """All images once, and some hundred changed ones for each class that is tested."""
    count = min(len(subject.judged), sizes["most"])
    return 2, count + 400 * min(12, count // 8), 2
