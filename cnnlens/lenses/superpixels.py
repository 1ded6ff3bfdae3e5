"""LIME for images: which superpixels decide a prediction.

The image is cut into superpixels; hundreds of copies with some of them hidden are shown to the network; a straight
line through its answers gives each superpixel a weight (Ribeiro, Singh and Guestrin 2016, "Why should I trust you?").
The line is fitted by the ``lime`` package; the masks come from :mod:`cnnlens.lenses.masks`.
"""

import dataclasses
import functools
import inspect
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

from .. import device
from ..errors import CnnlensError, unknown
from ..labels import class_index, class_name
from ..network import NOMINAL_SIZE, Network, as_pixels
from ..pixels import fitted, middle, with_channels
from ..results import Result
from . import masks as designs
from . import surrogate

LIMIT = 512  # px a side: what an image is scaled down to for a function, whose wishes are not known
PLAIN = {"design": "random", "imitate": False, "settle": None, "ridge": 1.0}  # explain(…, **PLAIN) is lime as it comes


@dataclass(frozen=True, kw_only=True, eq=False)
class Explanation(Result):
    """What each superpixel adds to the score of one class.

    Attributes
    ----------
    image : ndarray (H, W, C) float32 in [0, 1]
        As the network saw it.
    segments : ndarray (H, W) int
        The superpixel of each pixel, 0 to K - 1.
    weights : ndarray (K,)
        How much the score rises when a superpixel is shown instead of hidden; a share of probability.
    intercept : float
        The line's score with every superpixel hidden.
    label : int
        The class that is explained.
    classes : tuple of str or None
    prediction : ndarray (classes,)
        The network's answer to the whole image.
    masks : ndarray (M, K) bool
        What was shown in each of the M model calls; the first shows everything.
    scores : ndarray (M, classes) float32
        What the network answered.
    settled : float
        The rank correlation to expect between this explanation and one from another seed, estimated from how well
        parts of this run agree (:func:`cnnlens.lenses.surrogate.agreement`); NaN if it was too short to tell.
    """

    image: np.ndarray
    segments: np.ndarray
    weights: np.ndarray
    intercept: float
    label: int
    classes: tuple | None
    prediction: np.ndarray
    masks: np.ndarray
    scores: np.ndarray
    settled: float

    @property
    def name(self):
        """The name of the explained class."""
        return class_name(self.classes, self.label)

    @property
    def calls(self):
        """Images shown to the network."""
        return len(self.masks)

    @property
    def order(self):
        """Superpixels, the one with the largest absolute weight first."""
        return np.argsort(-np.abs(self.weights), kind="stable")

    def top(self, count=5):
        """The most likely classes of the whole image: (index, name, score), best first."""
        best = np.argsort(-self.prediction, kind="stable")[:count]
        return [(int(i), class_name(self.classes, i), float(self.prediction[i])) for i in best]

    def answer(self, masks):
        """What the line answers for masks (M, K): scores (M,)."""
        return np.asarray(masks, float) @ self.weights + self.intercept

    def relabel(self, label):
        """The explanation of another class, from the same model calls."""
        index = class_index(label, self.classes, self.scores.shape[1])
        weights, intercept, settled = _fit(self.masks, self.scores[:, index], self.segments, self.settings)
        return dataclasses.replace(
            self,
            label=index,
            weights=weights,
            intercept=intercept,
            settled=settled,
            settings={**self.settings, "label": index},
        )


# --- superpixels --------------------------------------------------------------------------------------------


def segment(image, method="slic", count=50, **settings):
    """Cut an image into superpixels.

    Parameters
    ----------
    image : Photo or array (H, W, C) or (H, W)
        In [0, 1], or uint8.
    method : {"slic", "quickshift", "felzenszwalb", "grid"}
        The first three are scikit-image's.
    count : int
        About how many superpixels are wanted; what comes depends on the image.
    **settings
        Passed on to scikit-image, such as ``compactness`` (slic), ``ratio`` (quickshift) or ``sigma``. Naming
        ``kernel_size``, ``max_dist`` or ``scale`` overrules ``count``.

    Returns
    -------
    ndarray (H, W) int
        The number of each pixel's superpixel: from 0, without gaps.

    Raises
    ------
    CnnlensError
        If there is no such method, or ``count`` is no number from 2 up.
    """
    if method not in METHODS:
        raise unknown("segmentation method", method, METHODS)
    if not isinstance(count, (int, np.integer)) or count < 2:
        raise CnnlensError(
            f"count={count!r} superpixels were asked for; one cannot be compared with others. Give a whole number from 2 up."
        )
    pixels = _pixels(image)
    if pixels.shape[-1] == 1:
        pixels = pixels.repeat(3, -1)
    try:
        return _renumbered(METHODS[method](pixels.astype(float), int(count), **settings))
    except TypeError as error:
        raise CnnlensError(
            f"Method {method!r} does not take one of the settings {sorted(settings)}: {error}."
        ) from error


def _slic(pixels, count, **settings):
    from skimage.segmentation import slic

    # Numbered from 0: with slic's own start at 1, lime never hides the last superpixel.
    return slic(pixels, n_segments=count, start_label=0, **{"compactness": 20, "sigma": 1, **settings})


def _quickshift(pixels, count, **settings):
    from skimage.segmentation import quickshift

    settings = {"ratio": 0.2, "rng": 0, **settings}
    if "kernel_size" in settings or "max_dist" in settings:
        return quickshift(pixels, **settings)
    # The kernel takes time in proportion to its area, so the distance is searched and the kernel is not.
    kernel = max(1.0, np.sqrt(pixels[..., 0].size / count) / 14)
    return _nearest_count(
        lambda value: quickshift(pixels, kernel_size=kernel, max_dist=value, **settings),
        count,
        3 * kernel,
        40 * kernel,
        tries=4,
    )


def _felzenszwalb(pixels, count, **settings):
    from skimage.segmentation import felzenszwalb

    settings = {"sigma": 0.5, "min_size": max(2, pixels[..., 0].size // (8 * count)), **settings}
    if "scale" in settings:
        return felzenszwalb(pixels, **settings)
    return _nearest_count(lambda value: felzenszwalb(pixels, scale=value, **settings), count, 1, 10000, tries=10)


def _nearest_count(cut, count, low, high, tries):
    """Bisect a setting that makes superpixels larger until their number is about the one wanted."""
    best = None
    for _ in range(tries):
        middle = np.sqrt(low * high)
        found = cut(middle)
        number = len(np.unique(found))
        if best is None or abs(number - count) < abs(len(np.unique(best)) - count):
            best = found
        low, high = (middle, high) if number > count else (low, middle)
    return best


def _grid(pixels, count):
    height, width = pixels.shape[:2]
    rows = max(1, round(np.sqrt(count * height / width)))
    cols = max(1, round(count / rows))
    return (np.arange(height) * rows // height)[:, None] * cols + (np.arange(width) * cols // width)[None]


METHODS = {"slic": _slic, "quickshift": _quickshift, "felzenszwalb": _felzenszwalb, "grid": _grid}


def at(segments, points):
    """The superpixels at some points of the image.

    Parameters
    ----------
    segments : ndarray (H, W) int
    points : sequence of (float, float)
        Down and across, each from 0 to 1.

    Returns
    -------
    list of int
        Each once, in the order of the points.
    """
    height, width = segments.shape
    found = [
        int(segments[min(int(down * height), height - 1), min(int(across * width), width - 1)])
        for down, across in points
    ]
    return list(dict.fromkeys(found))


def touching(segments):
    """Pairs of superpixels that share a border: (P, 2) int, the smaller number first."""
    pairs = [(segments[:-1], segments[1:]), (segments[:, :-1], segments[:, 1:])]
    pairs = np.concatenate([np.stack([a.ravel(), b.ravel()], -1)[(a != b).ravel()] for a, b in pairs])
    return np.unique(np.sort(pairs, 1), axis=0)


def _renumbered(segments):
    return np.unique(segments, return_inverse=True)[1].reshape(np.shape(segments))


# --- hiding -------------------------------------------------------------------------------------------------


def filling(image, segments, fill="mean", seed=0):
    """What shows where a superpixel is hidden.

    Parameters
    ----------
    image : ndarray (H, W, C)
    segments : ndarray (H, W) int
    fill : {"mean", "grey", "blur", "noise"} or float
        The superpixel's own mean color (LIME's choice); mid-grey, or the grey of this number; the image blurred over a
        sixteenth of its side; or noise with the mean and spread of the image's colors.
    seed : int
        For the noise.

    Returns
    -------
    ndarray (H, W, C) float32
    """
    if fill == "mean":
        sizes = np.bincount(segments.ravel())
        sums = [np.bincount(segments.ravel(), image[..., c].ravel()) for c in range(image.shape[-1])]
        return (np.stack(sums, -1) / np.maximum(sizes, 1)[:, None])[segments].astype(np.float32)
    if fill == "blur":
        from scipy.ndimage import gaussian_filter

        sigma = min(image.shape[:2]) / 16
        return gaussian_filter(image, (sigma, sigma, 0)).astype(np.float32)
    if fill == "noise":
        noise = np.random.default_rng(seed).normal(image.mean((0, 1)), image.std((0, 1)), image.shape)
        return noise.clip(0, 1).astype(np.float32)
    if fill == "grey" or (isinstance(fill, (int, float)) and 0 <= fill <= 1):
        return np.full_like(image, 0.5 if fill == "grey" else fill)
    raise unknown("fill", fill, ("mean", "grey", "blur", "noise", "a number from 0 to 1"))


def perturb(image, filled, segments, masks):
    """Copies of an image with the superpixels that a mask leaves out hidden: (M, H, W, C) float32.

    Parameters
    ----------
    image, filled : ndarray (H, W, C) float32
        What shows where a superpixel is on, and where it is off.
    segments : ndarray (H, W) int
    masks : ndarray (M, K) bool
    """
    where = np.repeat(segments[..., None], image.shape[-1], -1)
    difference = image - filled
    copies = np.empty((len(masks), *image.shape), np.float32)
    for mask, copy in zip(np.asarray(masks, np.float32), copies):  # image by image, so that each stays in the cache
        np.take(mask, where, out=copy, mode="clip")
        copy *= difference
        copy += filled
    return copies


# --- explaining ---------------------------------------------------------------------------------------------


def explain(
    net,
    image,
    label=None,
    segments=None,
    samples=512,
    seed=0,
    *,
    design="hadamard",
    imitate=True,
    fill="mean",
    kernel_width=surrogate.KERNEL_WIDTH,
    ridge=0.1,
    settle=0.95,
    classes=None,
    batch=None,
    progress=True,
    step=None,
):
    """Give every superpixel its weight in the score of a class.

    Parameters
    ----------
    net : Network or callable
        Or any function from images (N, H, W, C) to probabilities (N, classes).
    image : Photo or array (H, W, C) or (H, W)
        In [0, 1], or uint8. Cut and scaled to the network's size if need be, which is then said in a warning.
    label : str or int, optional
        The class; the most likely one by default.
    segments : ndarray (H, W) int, optional
        From :func:`segment`, of this image; :func:`segment`'s defaults otherwise.
    samples : int
        Model calls at most.
    seed : int
        The same seed gives the same weights.
    design : {"hadamard", "pairs", "random"}
        How the masks are drawn; ``random`` is LIME's own way. All estimate the same weights.
    imitate : bool
        Steady the line by an imitation of the network (:func:`cnnlens.lenses.surrogate.imitated_line`).
    fill : {"mean", "grey", "blur", "noise"} or float
        What a hidden superpixel is replaced by.
    kernel_width : float
        Small values listen mostly to copies with few superpixels hidden (distance is the cosine's).
    ridge : float
        Penalty that keeps weights finite where masks are fewer than superpixels.
    settle : float or None
        Stop as soon as the ranking is this well settled (see ``Explanation.settled``); None uses all samples.
    classes : sequence of str, optional
        Names of the outputs of a function.
    batch : int, optional
        Images per call; by default 32, or 128 where there is a GPU.
    progress : bool
        Show a bar when it takes more than two seconds.
    step : function (done, total), optional
        Called after each batch; what it raises ends the run.

    Returns
    -------
    Explanation

    Raises
    ------
    CnnlensError
        If the function returns no probabilities, the class is not known, or there is only one superpixel.
    """
    predict = classifier(net)
    classes = classes or getattr(net, "classes", None)
    shown = frame(net, image)
    segments = segment(shown) if segments is None else _framed_segments(image, shown, segments)
    _announce(net, image, shown)
    seen = np.unique(segments)
    if len(seen) < 2:
        raise CnnlensError(
            "The image is one superpixel, so there is nothing to compare. Ask segment() for more, or use method='grid'."
        )
    prediction = predict(shown[None])[0]
    index = int(prediction.argmax()) if label is None else class_index(label, classes, len(prediction))
    masks = np.ones((samples, segments.max() + 1), bool)
    masks[:, seen] = designs.draw(design, samples, len(seen), seed)
    filled = filling(shown, segments, fill, seed)
    settings = {
        "label": index,
        "samples": samples,
        "seed": seed,
        "design": design,
        "imitate": imitate,
        "fill": fill,
        "kernel_width": kernel_width,
        "ridge": ridge,
        "settle": settle,
    }
    ask = functools.partial(_ask, predict, shown, filled, segments, batch=batch or batch_size())
    scores = _ask_until_settled(ask, masks, index, settings, progress, step)
    masks = masks[: len(scores)]
    weights, intercept, settled = _fit(masks, scores[:, index], segments, settings)
    return Explanation(
        image=shown,
        segments=segments,
        weights=weights,
        intercept=intercept,
        label=index,
        classes=classes and tuple(classes),
        prediction=prediction,
        masks=masks,
        scores=scores,
        settled=settled,
        source=source_of(net),
        settings=settings,
    )


def ask(net, why, masks, *, progress=False):
    """The network's scores for an explained image with other masks: (M, classes)."""
    filled = filling(why.image, why.segments, why.settings["fill"], why.settings["seed"])
    with tqdm(total=len(masks), desc=source_name(net), unit="image", delay=2, leave=False, disable=not progress) as bar:
        return _ask(classifier(net), why.image, filled, why.segments, masks, after=bar.update, batch=batch_size())


def repeat(net, why, seeds=range(1, 6), *, progress=True):
    """The same explanation from other seeds: a list of Explanation, for measuring how much they differ."""
    settings = {key: value for key, value in why.settings.items() if key != "seed"}
    return [
        explain(net, why.image, segments=why.segments, seed=seed, classes=why.classes, progress=progress, **settings)
        for seed in seeds
    ]


def batch_size():
    """Images per call that this device takes well."""
    return 128 if device.gpus() else 32


def _ask(predict, image, filled, segments, masks, *, after, batch):
    """Scores of masks, in batches; ``after`` is told the size of each."""
    chunks = [masks[start : start + batch] for start in range(0, len(masks), batch)]
    answers = []
    for copies in _ahead(functools.partial(perturb, image, filled, segments), chunks):
        answers.append(predict(copies))
        after(len(copies))
    return np.concatenate(answers)


def _ahead(function, items):
    """Values of a function, each computed in a thread while the one before it is used: the network never waits."""
    with ThreadPoolExecutor(1) as worker:
        coming = worker.submit(function, items[0])
        for item in items[1:]:
            ready, coming = coming.result(), worker.submit(function, item)
            yield ready
        yield coming.result()


def _ask_until_settled(ask, masks, index, settings, progress, step):
    """Scores of the masks, block by block; of three blocks or more if the ranking settles before the last."""
    block = designs.block_size(settings["design"], surrogate.varied(masks).sum())
    starts = [0, *range(1 + block, len(masks), block)] if settings["settle"] else [0]
    scores = []
    done = 0
    with tqdm(total=len(masks), desc="explaining", unit="image", delay=2, leave=False, disable=not progress) as bar:

        def after(count):
            nonlocal done
            done += count
            bar.update(count)
            if step:
                step(done, len(masks))

        for start, end in zip(starts, [*starts[1:], len(masks)]):
            scores.append(ask(masks[start:end], after=after))
            if (
                settings["settle"]
                and len(scores) >= 3
                and _settled(masks[:end], np.concatenate(scores)[:, index], block, settings)
            ):
                break
    return np.concatenate(scores)


def _settled(masks, scores, block, settings):
    return (
        surrogate.agreement(masks, scores, block, kernel_width=settings["kernel_width"], ridge=settings["ridge"])
        >= settings["settle"]
    )


def _fit(masks, scores, segments, settings):
    """Weights (K,), intercept, and how settled they are."""
    how = {"kernel_width": settings["kernel_width"], "ridge": settings["ridge"]}
    settled = surrogate.agreement(
        masks, scores, designs.block_size(settings["design"], surrogate.varied(masks).sum()), **how
    )
    if settings["imitate"]:
        return *surrogate.imitated_line(masks, scores, touching(segments), seed=settings["seed"], **how), settled
    return *surrogate.line(masks, scores, **how), settled


# --- networks, images and names in --------------------------------------------------------------------------


def classifier(net):
    """A function from images (N, H, W, C) to probabilities (N, classes) that checks what it gives.

    Parameters
    ----------
    net : Network or callable

    Raises
    ------
    CnnlensError
        When called: if the answer is not one row of probabilities an image.
    """
    if not (isinstance(net, Network) or callable(net) or hasattr(net, "predict")):
        raise CnnlensError(f"Expected a Network or a function from images to scores; got {type(net).__name__}.")

    def predict(images):
        return _checked(_predict(net)(images), len(images))

    return predict


def _predict(net):
    if isinstance(net, Network):
        return lambda images: net.predict(images, batch_size=len(images), progress=False)
    return net if inspect.isroutine(net) or not hasattr(net, "predict") else net.predict


def _checked(scores, images):
    scores = np.asarray(scores, dtype=np.float32)
    if scores.ndim == 1 or scores.ndim == 2 and scores.shape[1] == 1:
        raise CnnlensError(
            f"The classifier returned one value an image (shape {scores.shape}); expected one a class. "
            "For a network with a single probability p use lambda x: np.hstack([1 - p(x), p(x)])."
        )
    if scores.ndim != 2 or len(scores) != images:
        raise CnnlensError(
            f"The classifier returned shape {scores.shape} for {images} images; expected ({images}, classes)."
        )
    if np.isnan(scores).any():
        raise CnnlensError(
            "The classifier returned NaN. Check its weights, and that it divides by nothing that can be 0 in a flat image."
        )
    if scores.min() < -1e-4 or scores.max() > 1 + 1e-4:
        raise CnnlensError(
            f"The classifier returned values from {scores.min():.3g} to {scores.max():.3g}: logits, not probabilities. "
            "Add the softmax: lambda x: scipy.special.softmax(f(x), axis=1)."
        )
    return scores


def frame(net, image):
    """The image as a network sees it: the centered square at its size, with its channels.

    Parameters
    ----------
    net : Network or callable
        A network of any size gets 224 px. A function gets the image as it is, scaled down to 512 px a side if larger.
    image : Photo or array (H, W, C) or (H, W)

    Returns
    -------
    ndarray (h, w, c) float32 in [0, 1]
    """
    pixels = _pixels(image)
    if not isinstance(net, Network):
        return pixels if max(pixels.shape[:2]) <= LIMIT else _scaled(pixels, _smaller(pixels.shape[:2]))
    if pixels.shape[-1] != net.channels:
        pixels = with_channels(pixels, net.channels)
    return fitted(pixels, net.size or NOMINAL_SIZE)


def _smaller(shape):
    return tuple(max(1, round(side * LIMIT / max(shape))) for side in shape)


def _scaled(pixels, shape):
    from skimage.transform import resize

    return resize(pixels, shape, anti_aliasing=True).clip(0, 1).astype(np.float32)


def _framed_segments(image, shown, segments):
    """Superpixels cut and scaled as the image was; those outside the square keep their number and get weight 0."""
    segments = np.asarray(segments)
    if segments.ndim != 2 or segments.dtype.kind not in "iu" or segments.min() < 0:
        raise CnnlensError(
            f"segments must be whole numbers (H, W) from 0; got {segments.dtype} {segments.shape}. Make them with superpixels.segment(image)."
        )
    if segments.shape == shown.shape[:2]:
        return segments.astype(np.intp)
    if segments.shape != _pixels(image).shape[:2]:
        raise CnnlensError(
            f"segments have shape {segments.shape}, the image {_pixels(image).shape[:2]}: they belong to another image."
        )
    segments = middle(segments, shown.shape[:2])
    rows, cols = ((np.arange(want) + 0.5) * have / want for want, have in zip(shown.shape[:2], segments.shape))
    return segments[rows.astype(int)[:, None], cols.astype(int)[None]].astype(np.intp)


def _announce(net, image, shown):
    came = _pixels(image).shape
    if came != shown.shape:
        size = "×".join(map(str, came[:2]))
        warnings.warn(
            f"The image of {size} px and {came[2]} channel(s) was cut and scaled to {shown.shape[0]}×{shown.shape[1]} px and "
            f"{shown.shape[2]} channel(s) for {source_name(net)}. superpixels.frame(net, image) gives what it sees.",
            stacklevel=3,
        )


def _pixels(image):
    array = np.asarray(image.image if hasattr(image, "label") and hasattr(image, "image") else image)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3:
        raise CnnlensError(f"Expected one image (H, W, C) or (H, W); got an array of shape {array.shape}.")
    return as_pixels(array)[0]


def source_name(net):
    """What to call a network or a function."""
    return getattr(net, "name", None) or getattr(net, "__name__", type(net).__name__)


def source_of(net):
    """Name and origin of a network or a function."""
    return f"{net.name}: {net.source}" if isinstance(net, Network) else f"the function {source_name(net)}"
