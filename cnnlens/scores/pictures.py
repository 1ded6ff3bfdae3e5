"""The health of images: the same picture twice where it must not be, and classes that a simple property tells."""

from dataclasses import dataclass

import numpy as np

from ..errors import CnnlensError
from ..labels import class_names
from ..pixels import as_pixels, fitted, with_channels
from ..results import Result
from .findings import Finding
from .near_duplicates import near_duplicates

TELLS = 0.95  # strength from which a property tells a class by itself
FEWEST = 10  # images of a class, and of all others
CONTENT = ("brightness", "contrast", "sharpness", "color", "red against green", "yellow against blue")
SHOWN = 6  # pairs that are kept to be shown
SHOWN_SIDE = 96  # px


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageHealth(Result):
    """What is wrong with labeled images, before any network sees them.

    Attributes
    ----------
    classes : tuple of str
    pairs : ndarray (P, 2) int
        Numbers of images that are nearly the same, the most alike first.
    correlation : ndarray (P,)
        Of the two thumbnails of a pair; 1 for the same picture.
    across_groups, across_classes : ndarray (P,) bool
        Whether one lies in the training and one in the test group; whether their labels differ.
    properties : dict of str to ndarray (N,)
        Simple properties of each image, by name.
    strength : ndarray (properties, K)
        How well each property alone tells a class from all others: 0 (not at all) to 1 (always); NaN for a class with
        too few images.
    shown : ndarray (M, 2, h, w, C) float32 in [0, 1]
        The first pairs across groups or classes, or of any if there is none.
    findings : tuple of Finding
    """

    classes: tuple
    pairs: np.ndarray
    correlation: np.ndarray
    across_groups: np.ndarray
    across_classes: np.ndarray
    properties: dict
    strength: np.ndarray
    shown: np.ndarray
    findings: tuple


def of_images(images, labels, *, groups=None, classes=None, sizes=None, source=""):
    """Look for near-duplicates, and for properties that tell a class though they say nothing of what is to be seen.

    Near-duplicates are found by the correlation of small grey thumbnails, as copy detection and perceptual hashing do
    (Torralba, Fergus and Freeman 2008, "80 million tiny images", searched so); they survive compression, another size
    and another brightness, but not another crop. Between training and test images they make the accuracy too high
    (Barz and Denzler 2020, "Do we train on test data?"). A property tells a class by the area under the ROC curve of
    the class against the rest: of the property itself, and of how near it is to what is usual in the class.

    Parameters
    ----------
    images : array (N, H, W, C) in [0, 1]
    labels : array (N,) of int
        -1 where not known.
    groups : array (N,) of str, optional
        ``"train"`` or ``"test"``.
    classes : sequence of str, optional
    sizes : array (N, 2), optional
        Height and width of the files.
    source : str

    Returns
    -------
    ImageHealth

    Raises
    ------
    CnnlensError
        If labels, groups or sizes are not as many as the images.

    Examples
    --------
    >>> images = np.random.default_rng(0).random((4, 32, 32, 1))
    >>> images[3] = images[0] * 0.9
    >>> found = of_images(images, [0, 0, 1, 1], groups=["train", "train", "test", "test"])
    >>> found.pairs.tolist(), found.findings[0].name
    ([[0, 3]], 'same image in training and test')
    """
    images = as_pixels(images, np.shape(images)[-1])
    labels = np.asarray(labels)
    groups = np.full(len(images), "") if groups is None else np.asarray(groups)
    for name, given in (("labels", labels), ("groups", groups), ("sizes", images if sizes is None else sizes)):
        if len(given) != len(images):
            raise CnnlensError(f"{name}: expected one for each of the {len(images)} images; got {len(given)}.")
    count = len(classes) if classes is not None else int(labels.max(initial=-1)) + 1
    classes = class_names(classes, count)
    pairs, correlation = near_duplicates(images)
    one, other = pairs.T
    across_groups = (groups[one] != groups[other]) & (groups[one] != "") & (groups[other] != "")
    across_classes = (labels[one] != labels[other]) & (labels[one] >= 0) & (labels[other] >= 0)
    properties = simple_properties(images, sizes)
    strength = np.array([_strengths(values, labels, count) for values in properties.values()])
    findings = (
        *_leaked(pairs[across_groups], groups),
        *_contradicted(pairs[across_classes], labels, classes),
        *_told(list(properties), strength, classes, labels),
    )
    return ImageHealth(
        classes=classes,
        pairs=pairs,
        correlation=correlation,
        across_groups=across_groups,
        across_classes=across_classes,
        properties=properties,
        strength=strength,
        shown=_shown(images, pairs, across_groups | across_classes),
        findings=findings,
        source=source,
        settings={"images": len(images)},
    )


# --- to be shown --------------------------------------------------------------------------------------------


def _shown(images, pairs, telling):
    """Small copies of the first pairs: of those that are findings, or of any."""
    chosen = pairs[telling] if telling.any() else pairs
    side = min(SHOWN_SIDE, max(images.shape[1:3]))
    small = fitted(images[chosen[:SHOWN].ravel()], side, "pad") if len(chosen) else images[:0]
    return small.reshape(len(small) // 2, 2, *small.shape[1:])


# --- properties ---------------------------------------------------------------------------------------------


def simple_properties(images, sizes=None):
    """Properties that take no network, by name: an array (N,) each.

    Color is the colorfulness of Hasler and Süsstrunk (2003, "Measuring colourfulness in natural images"); sharpness the
    logarithm of the variance of the Laplacian. The border is the outermost sixteenth on each side; its brightness is
    less that of the rest, so that a frame counts and a dark picture does not.
    """
    from scipy.ndimage import laplace

    grey = with_channels(images, 1)[..., 0] if images.shape[-1] == 3 else images.mean(-1)
    edge = np.ones(grey.shape[1:], bool)
    wide = [max(1, side // 16) for side in edge.shape]
    edge[wide[0] : -wide[0], wide[1] : -wide[1]] = False
    found = {
        "brightness": grey.mean((1, 2)),
        "contrast": grey.std((1, 2)),
        "sharpness": np.log(np.array([laplace(each).var() for each in grey]) + 1e-6),
        "border brightness": grey[:, edge].mean(1) - grey[:, ~edge].mean(1),
        "border contrast": grey[:, edge].std(1),
    }
    if images.shape[-1] == 3:
        red, green, blue = np.moveaxis(images, -1, 0)
        opponents = red - green, (red + green) / 2 - blue
        spread, mean = (np.hypot(*(getattr(each, of)((1, 2)) for each in opponents)) for of in ("std", "mean"))
        found |= {"color": spread + 0.3 * mean}
        found |= dict(zip(CONTENT[4:], (each.mean((1, 2)) for each in opponents)))
    if sizes is not None:
        height, width = np.maximum(np.asarray(sizes, float), 1).T
        found |= {"size of the file": np.log(height * width), "shape of the file": np.log(width / height)}
    return found


def _strengths(values, labels, count):
    """How well one property tells each class, (K,)."""
    return np.array([_strength(values, labels == label, labels >= 0) for label in range(count)])


def _strength(values, inside, known):
    if inside.sum() < FEWEST or (known & ~inside).sum() < FEWEST:
        return np.nan
    near = -np.abs(values - np.median(values[inside]))
    straight, close = (auc(each[known], inside[known]) for each in (values, near))
    return max(abs(2 * straight - 1), 2 * close - 1)


def auc(values, inside):
    """The area under the ROC curve by which values (N, …) tell those inside, (N,) bool; Mann and Whitney's U."""
    from scipy.stats import rankdata  # scikit-learn's takes a hundred times as long, for hundreds of such questions

    own, others = inside.sum(), (~inside).sum()
    return (rankdata(values, axis=0)[inside].sum(0) - own * (own + 1) / 2) / (own * others)


# --- findings -----------------------------------------------------------------------------------------------


def _leaked(pairs, groups):
    """Test images that lie among the training images too."""
    found = np.unique(pairs[groups[pairs] == "test"])
    if len(found):
        total = int((groups == "test").sum())
        lies = "lies, nearly the same," if len(found) == 1 else "lie, nearly the same,"
        sentence = (
            f"{len(found)} of {total} test images {lies} among the training images as well: the accuracy on the test "
            "images is partly one on what was learned by heart."
        )
        advice = "Take these images out of one of the two groups, and measure the accuracy again."
        evidence = {"pairs": pairs.tolist()}
        weight = 0.2 + 0.6 * len(found) / total
        yield Finding(
            name="same image in training and test", sentence=sentence, weight=weight, advice=advice, evidence=evidence
        )


def _contradicted(pairs, labels, classes):
    """Images that lie in two classes."""
    if len(pairs):
        one, other = labels[pairs[0]]
        images = len(np.unique(pairs))
        sentence = (
            f"{images} images lie, nearly the same, in two classes, such as {classes[one]!r} and {classes[other]!r}: "
            "one of the two labels is wrong."
        )
        advice = "Look at these pairs and take the wrong one out."
        weight = 0.15 + 0.6 * images / len(labels)
        evidence = {"pairs": pairs.tolist()}
        yield Finding(
            name="same image in two classes", sentence=sentence, weight=weight, advice=advice, evidence=evidence
        )


def _told(names, strength, classes, labels):
    """The property that tells a class best, of what is no content, and of what may be."""
    for content in (False, True):
        rows = [row for row, name in enumerate(names) if (name in CONTENT) == content]
        if not rows or not strength.size or not (np.nan_to_num(strength[rows]) >= TELLS).any():
            continue
        place, label = np.unravel_index(np.nan_to_num(strength[rows]).argmax(), (len(rows), len(classes)))
        best = strength[rows[place], label]
        sentence = (
            f"The {names[rows[place]]} alone tells {classes[label]!r} from all other classes, in {(1 + best) / 2:.0%} "
            "of pairs: a network may learn that instead of what is to be seen."
        )
        advice = f"Ask whether other images of {classes[label]!r} would have it too; vary it in training if not."
        weight = 0.2 if content else 0.3
        evidence = {name: strength[row].tolist() for row, name in enumerate(names)}
        yield Finding(name="telling property", sentence=sentence, weight=weight, advice=advice, evidence=evidence)
