"""LIME for images: which superpixels decide a prediction.

The image is cut into superpixels (:mod:`.segmentation`); hundreds of copies with some of them hidden (:mod:`.masks`,
:mod:`.perturbation`) are shown to the network; a weighted linear regression on its answers (:mod:`.surrogate`) gives
each superpixel a weight (Ribeiro, Singh and Guestrin 2016, "Why should I trust you?").
"""

import dataclasses
import functools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

from .. import device
from ..errors import CnnlensError, unknown
from ..labels import class_index, class_name
from ..renamed import renamed
from ..results import Result
from . import masks as designs
from . import surrogate
from .classifier import classifier, frame, frame_segments, lowered, name_of, opened, source_of, warn_if_framed
from .perturbation import filling, perturb
from .segmentation import METHODS, at, segment, touching

__all__ = ["LIME_DEFAULTS", "METHODS", "Estimator", "Explanation", "ask", "explain", "repeat"]
__all__ += ["at", "classifier", "filling", "frame", "opened", "perturb", "segment", "source_of", "touching"]


@dataclass(frozen=True)
class Estimator:
    """How the weights are estimated; all ways estimate the same weights, with more or less scatter.

    Attributes
    ----------
    design : {"hadamard", "pairs", "random"}
        How the masks are drawn; ``random`` is LIME's own way.
    control_variate : bool
        Steady the regression by a surrogate model (:func:`cnnlens.lenses.surrogate.surrogate_corrected`).
    kernel_width : float
        Of the proximity kernel: small values listen mostly to copies with few superpixels hidden.
    ridge : float
        Penalty that keeps weights finite where masks are fewer than superpixels.
    stop_at : float or None
        Stop as soon as the split-half reliability of the ranking is this high, after three blocks of the design at the
        earliest, or two of 96 masks and more (from 45 superpixels on); None uses all samples.
    """

    design: str = "hadamard"
    control_variate: bool = True
    kernel_width: float = surrogate.KERNEL_WIDTH
    ridge: float = 0.1
    stop_at: float | None = 0.95

    @classmethod
    def of(cls, settings):
        """The estimator among the settings of an explanation."""
        return cls(**{field.name: settings[field.name] for field in dataclasses.fields(cls)})

    def block(self, masks):
        """Masks in an independent block of the design."""
        return designs.block_size(self.design, surrogate.varied(masks).sum())

    def reliability(self, masks, scores, seed):
        """Split-half reliability of weights from these answers."""
        how = {"kernel_width": self.kernel_width, "ridge": self.ridge}
        return surrogate.split_half_reliability(masks, scores, self.block(masks), seed=seed, **how)

    def fit(self, masks, scores, target, segments, seed):
        """Weights (K,) and intercept of what ``target`` takes from the scores (M, classes)."""
        how = {"kernel_width": self.kernel_width, "ridge": self.ridge}
        if self.control_variate:
            return surrogate.surrogate_corrected(masks, scores, touching(segments), target, seed=seed, **how)
        return surrogate.weighted_ridge(masks, target(scores), **how)


# explain(…, **LIME_DEFAULTS) is lime as it comes
LIME_DEFAULTS = {"design": "random", "control_variate": False, "stop_at": None, "ridge": 1.0}


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
        How much the score rises when a superpixel is shown instead of hidden, in units of probability.
    intercept : float
        The regression's score with every superpixel hidden.
    label : int
        The class that is explained.
    classes : tuple of str or None
    prediction : ndarray (classes,)
        The network's answer to the whole image.
    masks : ndarray (M, K) bool
        What was shown in each of the M model calls; the first shows everything.
    scores : ndarray (M, classes) float32
        What the network answered.
    reliability : float
        The rank correlation to expect between this explanation and one from another seed, at least: the split-half
        reliability (:func:`cnnlens.lenses.surrogate.split_half_reliability`); NaN if the run was too short to tell.
    rival : int or None
        In a :meth:`contrast`, the class that ``label`` is preferred to: the score is then a difference of two.
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
    reliability: float
    rival: int | None = None

    @property
    def name(self):
        """The name of the explained class, or of both classes of a contrast."""
        name = class_name(self.classes, self.label)
        return name if self.rival is None else f"{name} rather than {class_name(self.classes, self.rival)}"

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

    def target(self, scores):
        """What is explained, of the network's scores (M, classes): those of the class, or a difference of two; (M,)."""
        return scores[:, self.label] - (0 if self.rival is None else scores[:, self.rival])

    def answer(self, masks):
        """What the regression answers for masks (M, K): (M,), as :meth:`target`."""
        return np.asarray(masks, float) @ self.weights + self.intercept

    def relabel(self, label):
        """The explanation of another class, from the same model calls."""
        index = class_index(label, self.classes, self.scores.shape[1])
        return self._refit(index, None)

    def contrast(self, other):
        """Why this class rather than another: the regression on the difference of their scores, same model calls.

        All classes share one surrogate model, so these weights are also the difference of the two explanations.

        Parameters
        ----------
        other : str or int
            The class that is to be told apart from the explained one.

        Returns
        -------
        Explanation
            Positive weights speak for the explained class, negative ones for the other.
        """
        rival = class_index(other, self.classes, self.scores.shape[1])
        return self._refit(self.label, rival)

    def _refit(self, label, rival):
        estimator, seed = Estimator.of(self.settings), self.settings["seed"]
        found = dataclasses.replace(self, label=label, rival=rival, settings={**self.settings, "label": label})
        weights, intercept = estimator.fit(self.masks, self.scores, found.target, self.segments, seed)
        reliability = estimator.reliability(self.masks, found.target(self.scores), seed)
        return dataclasses.replace(found, weights=weights, intercept=intercept, reliability=reliability)


# --- explaining ---------------------------------------------------------------------------------------------


@renamed(batch="batch_size", step="on_step", settle="stop_at", imitate="control_variate")
def explain(
    net,
    image,
    label=None,
    segments=None,
    samples=512,
    seed=0,
    *,
    fill="mean",
    classes=None,
    batch_size=None,
    precision="auto",
    progress=True,
    on_step=None,
    **estimator,
):
    """Give every superpixel its weight in the score of a class.

    Parameters
    ----------
    net : Network, keras.Model, name, path or callable
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
    fill : {"mean", "grey", "blur", "noise"} or float
        What a hidden superpixel is replaced by.
    classes : sequence of str, optional
        Names of the outputs of a function.
    batch_size : int, optional
        Images per call; by default 32, or 128 where there is a GPU.
    precision : {"auto", "float32", "mixed_bfloat16"}
        What a Network answers the copies in (:meth:`cnnlens.network.Network.lowered`); ``prediction`` is always in
        float32.
    progress : bool
        Show a bar when it takes more than two seconds.
    on_step : function (done, total), optional
        Called after each batch; what it raises ends the run.
    **estimator
        Settings of :class:`Estimator`: ``design``, ``control_variate``, ``kernel_width``, ``ridge``, ``stop_at``.
        ``**LIME_DEFAULTS`` explains as the lime package does.

    Returns
    -------
    Explanation

    Raises
    ------
    CnnlensError
        If the function returns no probabilities, the class is not known, or there is only one superpixel.

    Examples
    --------
    A classifier that is the surer, the brighter the right half of the image is:

    >>> image = np.ones((8, 8, 1), np.float32)
    >>> def right(images):
    ...     bright = 0.8 * images[:, :, 4:].mean((1, 2, 3))
    ...     return np.stack([bright, 1 - bright], 1)
    >>> explain(right, image, 0, segment(image, "grid", 4), samples=129, fill="grey").weights.round(2) + 0.0
    array([0. , 0.2, 0. , 0.2])
    """
    net, how, precision = opened(net), _estimator(estimator), lowered(net, precision)
    shown = frame(net, image)
    segments = (
        segment(shown) if segments is None else frame_segments(image, shown, segments, getattr(net, "fit", "crop"))
    )
    warn_if_framed(net, image, shown)
    seen = np.unique(segments)
    if len(seen) < 2:
        raise CnnlensError(
            "The image is one superpixel, so there is nothing to compare. Ask segment() for more, or use method='grid'."
        )
    predict, classes = classifier(net, precision=precision), classes or getattr(net, "classes", None)
    prediction = classifier(net)(shown[None])[0]
    index = int(prediction.argmax()) if label is None else class_index(label, classes, len(prediction))
    masks = np.ones((samples, segments.max() + 1), bool)
    masks[:, seen] = designs.draw(how.design, samples, len(seen), seed)
    hide = functools.partial(perturb, shown, filling(shown, segments, fill, seed), segments)
    ends = [*range(1 + how.block(masks), samples, how.block(masks))] if how.stop_at else []
    may_stop = ends[1 if how.block(masks) >= surrogate.TELLING else 2 :]
    answers, done = [], 0
    for batch in _answers(predict, hide, masks, [*ends, samples], batch_size, progress and "explaining"):
        answers.append(batch)
        done += len(batch)
        if on_step:
            on_step(done, samples)
        if done in may_stop and how.reliability(masks[:done], np.concatenate(answers)[:, index], seed) >= how.stop_at:
            break
    masks, scores = masks[:done], np.concatenate(answers)
    asked = {"label": index, "samples": samples, "seed": seed, "fill": fill, "precision": precision}
    weights, intercept = how.fit(masks, scores, lambda scores: scores[:, index], segments, seed)
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
        reliability=how.reliability(masks, scores[:, index], seed),
        source=source_of(net),
        settings={**asked, **dataclasses.asdict(how)},
    )


def _estimator(settings):
    known = [field.name for field in dataclasses.fields(Estimator)]
    for name in settings.keys() - set(known):
        raise unknown("setting of explain", name, known)
    return Estimator(**settings)


def ask(net, why, masks, *, progress=False):
    """The network's scores for an explained image with other masks.

    Parameters
    ----------
    net : Network or callable
        The one that was explained.
    why : Explanation
    masks : ndarray (M, K) bool
    progress : bool

    Returns
    -------
    ndarray (M, classes)

    Examples
    --------
    >>> def bright(images):
    ...     return np.stack([images.mean((1, 2, 3)), 1 - images.mean((1, 2, 3))], 1)
    >>> image = np.ones((8, 8, 1), np.float32)
    >>> why = explain(bright, image, 0, segment(image, "grid", 4), samples=9, fill=0.0)
    >>> ask(bright, why, [[True, True, True, False]])
    array([[0.75, 0.25]], dtype=float32)
    """
    net = opened(net)
    filled = filling(why.image, why.segments, why.settings["fill"], why.settings["seed"])
    hide = functools.partial(perturb, why.image, filled, why.segments)
    title, predict = progress and name_of(net), classifier(net, precision=why.settings.get("precision", "float32"))
    return np.concatenate([*_answers(predict, hide, masks, [len(masks)], None, title)])


def repeat(net, why, seeds=range(1, 6), *, progress=True):
    """The same explanation from other seeds, for measuring how much they differ.

    Parameters
    ----------
    net : Network or callable
        The one that was explained.
    why : Explanation
    seeds : iterable of int
    progress : bool

    Returns
    -------
    list of Explanation

    Examples
    --------
    >>> def bright(images):
    ...     return np.stack([images.mean((1, 2, 3)), 1 - images.mean((1, 2, 3))], 1)
    >>> image = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8, 1)
    >>> why = explain(bright, image, 0, segment(image, "grid", 4), samples=65, fill=0.0)
    >>> [int(one.order[0]) for one in repeat(bright, why, [1, 2])]
    [3, 3]
    """
    net = opened(net)
    settings = {key: value for key, value in why.settings.items() if key != "seed"}
    same = {"segments": why.segments, "classes": why.classes, "progress": progress, **settings}
    found = [explain(net, why.image, seed=seed, **same) for seed in seeds]
    return found if why.rival is None else [one.contrast(why.rival) for one in found]


def default_batch_size():
    """Images per call that this device takes well.

    Examples
    --------
    A GPU works on more images at once than the processor:

    >>> default_batch_size() == (128 if device.gpus() else 32)
    True
    """
    return 128 if device.gpus() else 32


def _answers(predict, hide, masks, ends, batch_size, title):
    """Scores of masks, batch by batch; no batch reaches over one of the ``ends``. A title asks for a bar."""
    size = batch_size or default_batch_size()
    batches = [masks[i : min(i + size, end)] for start, end in zip([0, *ends], ends) for i in range(start, end, size)]
    with tqdm(total=len(masks), desc=title, unit="image", delay=2, leave=False, disable=not title) as bar:
        for copies in _ahead(hide, batches):
            yield predict(copies)
            bar.update(len(copies))


def _ahead(function, items):
    """Values of a function, each computed in a thread while the one before it is used: the network never waits."""
    with ThreadPoolExecutor(1) as worker:
        coming = worker.submit(function, items[0])
        for item in items[1:]:
            ready, coming = coming.result(), worker.submit(function, item)
            yield ready
        yield coming.result()
