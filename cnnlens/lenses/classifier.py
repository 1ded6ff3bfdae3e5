"""What is asked for predictions, a network or any function from images to scores, and what it sees of an image."""

import inspect
import os
import warnings

import keras
import numpy as np

from .. import device
from ..errors import CnnlensError
from ..network import NOMINAL_SIZE, Network
from ..pixels import as_pixels, fitted, sampled, with_channels

MOST_CHANNELS = 16  # of an image; more, and it is rather a batch of grey images that lacks its last axis
LIMIT = 512  # px a side: what an image is scaled down to for a function, whose wishes are not known


def opened(net):
    """The Network of whatever :meth:`Network.of` takes; any other function from images to scores as it is.

    Raises
    ------
    CnnlensError
        If it is neither.

    Examples
    --------
    >>> opened("lenet").name
    'lenet'
    >>> opened(np.mean) is np.mean
    True
    """
    if isinstance(net, (Network, keras.Model, str, os.PathLike)):
        return Network.of(net)
    if not (callable(net) or hasattr(net, "predict")):
        raise CnnlensError(f"Expected a Network or a function from images to scores; got {type(net).__name__}.")
    return net


def lowered(net, precision="auto"):
    """What a Network computes in where it need not be exact (:meth:`Network.lowered`); a function computes as it does.

    Examples
    --------
    >>> lowered("lenet"), lowered(np.mean, "float32")
    ('float32', 'float32')
    """
    net = opened(net)
    return (net.lowered if isinstance(net, Network) else device.lowered)(precision)


def classifier(net, logits=False, precision="float32"):
    """A function from images (N, H, W, C) to probabilities (N, classes) that checks what it gives.

    Parameters
    ----------
    net : Network or callable
        As :func:`opened` returns it.
    logits : bool
        Give the scores before the last softmax instead; of a function, whatever it answers.
    precision : str
        As :meth:`Network.predict` takes it; a function computes as it does.

    Raises
    ------
    CnnlensError
        When called: if the answer is not one row of probabilities an image.

    Examples
    --------
    >>> predict = classifier(lambda images: np.full((len(images), 2), 0.5))
    >>> predict(np.zeros((1, 8, 8, 3), np.float32))
    array([[0.5, 0.5]], dtype=float32)
    """
    net = opened(net)

    def predict(images):
        if isinstance(net, Network):
            ask = net.logits if logits else net.predict
            scores = ask(images, batch_size=len(images), progress=False, precision=precision)
        else:
            function = net if inspect.isroutine(net) or not hasattr(net, "predict") else net.predict
            scores = function(images)
        return _checked(scores, len(images), logits)

    return predict


def _checked(scores, count, logits=False):
    scores = np.asarray(scores, dtype=np.float32)
    if scores.ndim == 1 or scores.ndim == 2 and scores.shape[1] == 1:
        raise CnnlensError(
            f"The classifier returned one value an image (shape {scores.shape}); expected one a class. "
            "For a network with a single probability p use lambda x: np.hstack([1 - p(x), p(x)])."
        )
    if scores.ndim != 2 or len(scores) != count:
        raise CnnlensError(
            f"The classifier returned shape {scores.shape} for {count} images; expected ({count}, classes)."
        )
    if np.isnan(scores).any():
        raise CnnlensError(
            "The classifier returned NaN. Check its weights, and that it divides by nothing that is 0 in a flat image."
        )
    if not logits and (scores.min() < -1e-4 or scores.max() > 1 + 1e-4):
        raise CnnlensError(
            f"The classifier returned values from {scores.min():.3g} to {scores.max():.3g}: logits, not probabilities. "
            "Add the softmax: lambda x: scipy.special.softmax(f(x), axis=1)."
        )
    return scores


# --- images -------------------------------------------------------------------------------------------------


def as_image(image):
    """One image as float32 (H, W, C) in [0, 1], from a Photo or an array (H, W, C) or (H, W).

    Examples
    --------
    A grey image of bytes gets an axis for its channel, and its white becomes 1:

    >>> pixels = as_image(np.uint8([[0, 255]]))
    >>> pixels.shape, pixels.ravel().tolist()
    ((1, 2, 1), [0.0, 1.0])
    """
    array = np.asarray(image.image if hasattr(image, "label") and hasattr(image, "image") else image)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3:
        raise CnnlensError(f"Expected one image (H, W, C) or (H, W); got an array of shape {array.shape}.")
    channels = array.shape[-1] if array.shape[-1] <= MOST_CHANNELS else None
    return as_pixels(array, channels)[0]


def frame(net, image):
    """The image as a network sees it: fitted to its size by its own rule, with its channels.

    Parameters
    ----------
    net : Network or callable
        A network of any size gets 224 px. A function gets the image as it is, scaled down to 512 px a side if larger.
    image : Photo or array (H, W, C) or (H, W)

    Returns
    -------
    ndarray (h, w, c) float32 in [0, 1]

    Examples
    --------
    >>> from cnnlens import zoo
    >>> frame(zoo.load("lenet", weights="random"), np.zeros((40, 60, 3), np.float32)).shape
    (28, 28, 1)
    """
    net, pixels = opened(net), as_image(image)
    if isinstance(net, Network):
        return with_channels(fitted(pixels, net.size or NOMINAL_SIZE, net.fit), net.channels)
    longest = max(pixels.shape[:2])
    if longest <= LIMIT:
        return pixels
    return fitted(pixels, [max(1, round(side * LIMIT / longest)) for side in pixels.shape[:2]], "stretch")


def frame_segments(image, shown, segments, fit="crop"):
    """Superpixels cut and scaled as the image was; those outside the square keep their number and get weight 0.

    Parameters
    ----------
    image : Photo or array
        As it came.
    shown : ndarray (h, w, c)
        As :func:`frame` made it.
    segments : ndarray (H, W) int
        Of either of them.
    fit : {"crop", "stretch", "pad"}
        How the image was fitted.

    Examples
    --------
    Of four superpixels side by side, the square in the middle keeps the two inner ones and their numbers:

    >>> image, shown = np.zeros((2, 4, 1)), np.zeros((2, 2, 1))
    >>> frame_segments(image, shown, [[0, 1, 2, 3], [0, 1, 2, 3]])
    array([[1, 2],
           [1, 2]])
    """
    segments = np.asarray(segments)
    if segments.ndim != 2 or segments.dtype.kind not in "iu" or segments.min() < 0:
        raise CnnlensError(
            f"segments must be whole numbers (H, W) from 0; got {segments.dtype} {segments.shape}. "
            "Make them with superpixels.segment(image)."
        )
    if segments.shape == shown.shape[:2]:
        return segments.astype(np.intp)
    came = as_image(image).shape[:2]
    if segments.shape != came:
        raise CnnlensError(f"segments have shape {segments.shape}, the image {came}: they belong to another image.")
    return segments[sampled(segments.shape, shown.shape[:2], fit)].astype(np.intp)


def warn_if_framed(net, image, shown):
    """Say so if the network sees something else than the image that was given.

    Examples
    --------
    >>> with warnings.catch_warnings(record=True) as said:
    ...     warnings.simplefilter("always")
    ...     warn_if_framed(np.mean, np.zeros((4, 6)), np.zeros((4, 4, 1)))
    >>> print(str(said[0].message).split(".")[0])
    The image of 4×6 px and 1 channel(s) was cut and scaled to 4×4 px and 1 channel(s) for mean
    """
    came = as_image(image).shape
    if came != shown.shape:
        size = "×".join(map(str, came[:2]))
        warnings.warn(
            f"The image of {size} px and {came[2]} channel(s) was cut and scaled to {shown.shape[0]}×{shown.shape[1]} "
            f"px and {shown.shape[2]} channel(s) for {name_of(net)}. superpixels.frame(net, image) gives what it sees.",
            stacklevel=4,
        )


def name_of(net):
    """What to call a network or a function.

    Examples
    --------
    >>> from cnnlens import zoo
    >>> name_of(zoo.load("lenet", weights="random")), name_of(np.mean)
    ('lenet', 'mean')
    """
    return getattr(net, "name", None) or getattr(net, "__name__", type(net).__name__)


def source_of(net):
    """Name and origin of a network or a function.

    Examples
    --------
    >>> from cnnlens import zoo
    >>> source_of(zoo.load("lenet", weights="random"))
    'lenet: untrained, seed 0'
    >>> source_of(np.mean)
    'the function mean'
    """
    return f"{net.name}: {net.source}" if isinstance(net, Network) else f"the function {name_of(net)}"
