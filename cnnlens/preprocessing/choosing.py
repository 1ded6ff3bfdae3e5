"""Which preprocessing a model wants: read off its own first steps, or as the caller says."""

import re

import numpy as np

from ..errors import CnnlensError, unknown
from ..opening import leaves
from .listening import called, image_shape
from .scaling import OwnPreprocessing, Preprocessing

from keras import layers as kl

# Mean and standard deviation of ImageNet's pixels in [0, 1] (RGB), as torchvision's networks were trained with.
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)  # of pixels 0-255; the first ImageNet networks had it subtracted
WORDS = ("auto", "0-1", "-1-1", "0-255", "tf", "torch", "caffe")
TYPICAL = np.float32(0.45), np.float32(0.27)  # mean and standard deviation of a photograph's pixels in [0, 1]
WEIGHTED = (kl.Conv2D, kl.DepthwiseConv2D, kl.SeparableConv2D, kl.Conv2DTranspose, kl.Dense)


def chosen(model, pixels="auto"):
    """The preprocessing of a model, and a sentence that says how it was come by.

    Parameters
    ----------
    model : keras.Model
    pixels : str, pair, callable or Preprocessing
        ``auto`` looks for the scaling that the model does itself before its first convolution, also inside a nested
        backbone, and chooses the range that suits it; without any, pixels stay in [0, 1], and the sentence calls that a
        guess. Or a range such as ``"0-1"``, ``"-1-1"``, ``"0-255"``; one of Keras's words ``tf``, ``torch``, ``caffe``;
        a pair (mean, standard deviation) of numbers or of one number a channel; or a function from pixels in [0, 1]
        (from 0–255 for a ``preprocess_input`` of ``keras.applications``).

    Returns
    -------
    Preprocessing
    str
        For the network's ``source``.

    Raises
    ------
    CnnlensError
        If there is no such range or word, or it does not fit the model's channels.

    Examples
    --------
    >>> import keras
    >>> first = [keras.Input((8, 8, 3)), keras.layers.Rescaling(1 / 255), keras.layers.Conv2D(2, 3)]
    >>> preprocessing, sentence = chosen(keras.Sequential(first))
    >>> preprocessing.scale, sentence
    ((255.0,), 'pixels 0-255, read off its own Rescaling')
    """
    channels = image_shape(model)[-1]
    if isinstance(pixels, str) and pixels == "auto":
        return found_in(model)
    preprocessing, sentence = given(pixels, channels)
    counts = {len(preprocessing.scale), len(preprocessing.shift)}
    if not counts <= {1, channels} or (preprocessing.flip and channels != 3):
        raise CnnlensError(f"pixels={pixels!r} is for {max(counts)} channels, and {model.name} takes {channels}.")
    return preprocessing, sentence


def _ranged(low, high):
    return Preprocessing((float(high) - float(low),), (float(low),))


def given(pixels, channels):
    """The preprocessing that the caller names."""
    if isinstance(pixels, Preprocessing):
        return pixels, "preprocessing as given"
    if callable(pixels):
        keras_own = (getattr(pixels, "__module__", None) or "").startswith("keras.")
        peak = 255 if keras_own else 1
        try:
            found = Preprocessing.measured(pixels, channels, peak)
        except Exception:  # a user's function may demand tensors, or another size
            found = None
        name = getattr(pixels, "__name__", "a function")
        return found or OwnPreprocessing(function=lambda x: pixels(x * peak)), f"preprocessing by {name}"
    if not isinstance(pixels, str):
        return _standardized(pixels)
    match = re.fullmatch(r"(-?\d+(?:\.\d+)?)\s*[-–]\s*(-?\d+(?:\.\d+)?)", pixels)
    if match and float(match[1]) < float(match[2]):
        return _ranged(*match.groups()), f"pixels {pixels}"
    if pixels == "tf":
        return _ranged(-1, 1), "pixels -1-1 (tf)"
    if pixels == "torch":
        return _standardized((IMAGENET_MEAN, IMAGENET_STD))[0], "pixels less ImageNet's mean by its deviation (torch)"
    if pixels == "caffe":
        shift = tuple(-value for value in CAFFE_MEAN_BGR)
        return Preprocessing((255.0,) * 3, shift, flip=True), "pixels 0-255, BGR less ImageNet's mean (caffe)"
    raise unknown("pixel range", pixels, WORDS)


def _standardized(pair):
    """From (mean, standard deviation), each a number or one a channel."""
    try:
        mean, deviation = (np.atleast_1d(np.float32(value)) for value in pair)
        if mean.ndim != 1 or deviation.ndim != 1 or not (deviation > 0).all():
            raise ValueError
    except (TypeError, ValueError) as error:
        words = ", ".join(WORDS)
        raise CnnlensError(
            f"pixels={pair!r} is neither one of {words}, nor a pair (mean, standard deviation), nor a function."
        ) from error
    peak = 255 if np.abs(mean).max() > 2 else 1  # a mean of 123.7 is one of pixels 0-255
    scale, shift = peak / deviation, -mean / deviation
    text = f"pixels {0}-{peak} less {_numbers(mean)}, divided by {_numbers(deviation)}"
    return Preprocessing(tuple(scale.tolist()), tuple(shift.tolist())), text


def _numbers(values):
    return ", ".join(f"{value:.4g}" for value in values)


def found_in(model):
    """The range of pixels that suits what the model itself does before its first convolution."""
    guess = Preprocessing(), "pixels 0-1, a guess: nothing in the model says what it was trained on"
    own = _own_scaling(model)
    if own is None or (np.allclose(own.scale, 1, atol=1e-3) and np.allclose(own.shift, 0, atol=1e-3)):
        return guess
    mean, deviation = TYPICAL

    def strangeness(low, high):
        """How far from mean 0 and deviation 1 a typical photograph in this range arrives at the first convolution."""
        arrives = np.float32(own.scale) * (low + (high - low) * mean) + np.float32(own.shift)
        spread = np.abs(np.float32(own.scale)) * (high - low) * deviation
        return np.abs(arrives / spread).mean() + np.abs(np.log(spread)).mean()

    # Where two suit alike, pixels from -1 to 1 are the rarer: models that want them seldom scale once more.
    ranges = {"0-1": (0, 1, 0.0), "0-255": (0, 255, 0.0), "-1-1": (-1, 1, 1.0)}
    best = min(ranges, key=lambda name: strangeness(*ranges[name][:2]) + ranges[name][2])
    kinds = dict.fromkeys(type(x).__name__ for _, x in leaves(model) if isinstance(x, (kl.Rescaling, kl.Normalization)))
    reason = f"its own {' and '.join(kinds)}" if kinds else "the scaling in its first steps"
    return _ranged(*ranges[best][:2]), f"pixels {best}, read off {reason}"


def _own_scaling(model):
    """What the model does to each channel before its first layer with a kernel; None if it cannot be read off."""
    height, width, channels = image_shape(model)
    try:
        return Preprocessing.measured(
            lambda images: called(model, WEIGHTED, images, 1)[0][1], channels, 1, (height or 32, width or 32)
        )
    except Exception:  # whatever a user's model may raise on plain colors: then nothing is known
        return None
