"""The health of the network: whether it is fed as it was trained, and whether its units work."""

import numpy as np

from ...scores.findings import Finding
from ..parts import Part

TITLE = "Health of the network"
SHOWS = (
    "Whether the images reach the network as those did that it was trained on: its batch normalizations remember the "
    "mean and the spread of what they saw."
)
FED_WRONG, OTHER_IMAGES = 0.95, 0.15  # weights: with other pixels nearly every answer is spoiled


def make(subject, sizes):
    """The Part."""
    net = subject.net
    if net is None:
        return Part(name="network", title=TITLE, failed=subject.refusal, findings=(_refused(subject.refusal),))
    some = np.random.default_rng(subject.seed).permutation(len(subject.images))[:64]
    fed = net.check(subject.images[np.sort(some)])
    return Part(
        name="network",
        title=TITLE,
        shows=SHOWS,
        numbers=(("how it is fed", fed.sentence),),
        findings=_fed(fed),
        source=subject.source,
    )


def _refused(why):
    advice = "What can be looked at without it stands below."
    return Finding(name="cannot be opened", sentence=why, weight=1.0, advice=advice)


def _fed(check):
    if check.verdict == "wrong":
        advice = "Give it the pixels that it was trained on: cnnlens.report(…, pixels=…), or cnnlens report --pixels."
        return (Finding(name="wrong range", sentence=check.sentence, weight=FED_WRONG, advice=advice),)
    if check.verdict == "differs":
        advice = "Ask whether these images are of the kind that it is meant for."
        return (Finding(name="other images", sentence=check.sentence, weight=OTHER_IMAGES, advice=advice),)
    return ()
