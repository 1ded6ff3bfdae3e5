"""What a network is fed: from pixels in [0, 1] to the values that the model was trained on.

Wrong preprocessing is the commonest mistake with a network of one's own, and a silent one. :func:`chosen` finds what a
model wants, or takes it as given, and says in one sentence which of the two it was.
"""

import contextlib
import re
from dataclasses import dataclass

import numpy as np

from .errors import CnnlensError, unknown
from .opening import Enough, leaves, tapped

import tensorflow as tf
from keras import layers as kl

# Mean and standard deviation of ImageNet's pixels in [0, 1] (RGB), as torchvision's networks were trained with.
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)  # of pixels 0-255; the first ImageNet networks had it subtracted
WORDS = ("auto", "0-1", "-1-1", "0-255", "tf", "torch", "caffe")
TYPICAL = np.float32(0.45), np.float32(0.27)  # mean and standard deviation of a photograph's pixels in [0, 1]
WEIGHTED = (kl.Conv2D, kl.DepthwiseConv2D, kl.SeparableConv2D, kl.Conv2DTranspose, kl.Dense)


@dataclass(frozen=True)
class Preprocessing:
    """From pixels in [0, 1] to what the model was trained on: optional RGB→BGR, then ``x * scale + shift``.

    Attributes
    ----------
    scale, shift : tuple of float
        One a channel, in the model's channel order.
    flip : bool
        Whether the model wants BGR.
    """

    scale: tuple = (1.0,)
    shift: tuple = (0.0,)
    flip: bool = False

    def __call__(self, pixels):
        """Apply to an array or tensor (N, H, W, C) in [0, 1]; differentiable."""
        if self.flip:
            pixels = pixels[..., ::-1]
        return pixels * np.float32(self.scale) + np.float32(self.shift)

    def zero(self):
        """The pixel values, one a channel, that the model gets as zeros: the average color of what it was trained on."""
        values = -np.float32(self.shift) / np.float32(self.scale)
        return values[::-1] if self.flip else values

    @classmethod
    def measured(cls, function, channels=3, peak=255, size=(8, 8)):
        """Read scale, shift and flip off a function by showing it black and each channel at its peak.

        Parameters
        ----------
        function : callable
            From pixels (N, H, W, channels) in [0, ``peak``] to as many images, such as a ``preprocess_input`` of
            ``keras.applications``.
        channels : int
        peak : float
            White, as the function expects it.
        size : (int, int)
            Height and width of the images that it is shown.

        Returns
        -------
        Preprocessing or None
            None if the function does more than that, such as a gamma correction or a mean over the image.
        """
        probes = np.zeros((channels + 3, *size, channels), np.float32)
        probes[1:-2] = np.eye(channels)[:, None, None]
        probes[-2] = np.linspace(0.2, 0.7, channels)  # the last two test the answer: a plain color, and noise
        probes[-1] = np.random.default_rng(0).random(probes.shape[1:])
        answers = np.asarray(function(probes * np.float32(peak)))
        black, *colors = answers[:-2, answers.shape[1] // 2, answers.shape[2] // 2]  # no padding reaches the middle
        gains = np.float32(colors) - black
        flip = channels == 3 and abs(gains[0, 2]) > abs(gains[0, 0])
        scale = np.diag(gains[::-1] if flip else gains)
        found = cls(tuple(scale.tolist()), tuple(black.tolist()), bool(flip))
        expected = found(probes)[-2:]
        if answers.shape != probes.shape:  # padded or resized: the middle of the plain color must do
            expected, answers = ((x[-2:-1, x.shape[1] // 2, x.shape[2] // 2]) for x in (found(probes), answers))
        tolerance = 1e-3 * (np.abs(expected).max() + 1e-6)
        exact = np.allclose(expected, answers[-len(expected) :], rtol=1e-3, atol=tolerance)
        return found if exact and scale.all() else None


@dataclass(frozen=True)
class OwnPreprocessing(Preprocessing):
    """A user's function from pixels in [0, 1] that is more than a scale and a shift of each channel."""

    function: object = None

    def __call__(self, pixels):
        return self.function(pixels)

    def zero(self):
        return np.float32([0.5])  # mid-grey: which pixels the function turns into zeros is not known


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
    """
    channels = image_shape(model)[-1]
    if isinstance(pixels, str) and pixels == "auto":
        return _found(model)
    preprocessing, sentence = _given(pixels, channels)
    counts = {len(preprocessing.scale), len(preprocessing.shift)}
    if not counts <= {1, channels} or (preprocessing.flip and channels != 3):
        raise CnnlensError(f"pixels={pixels!r} is for {max(counts)} channels, and {model.name} takes {channels}.")
    return preprocessing, sentence


def image_shape(model):
    """Height, width and channels of a model's input (of the first that is an image, if it has several)."""
    shapes = [tuple(x.shape) for x in getattr(model, "inputs", None) or []]
    if not shapes:
        built = getattr(model, "_build_shapes_dict", None)
        shapes = list(built.values()) if isinstance(built, dict) else []
    found = next((shape for shape in shapes if shape and len(shape) == 4 and shape[-1]), None)
    if found is None:
        raise CnnlensError(
            f"Model {model.name!r} takes inputs of shapes {shapes}; an image (N, H, W, channels) is among none of them. "
            "A subclassed model must have been called or built once, so that its input shape is known."
        )
    return tuple(found[1:])


def _ranged(low, high):
    return Preprocessing((float(high) - float(low),), (float(low),))


def _given(pixels, channels):
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


def _found(model):
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


# --- is it right? -------------------------------------------------------------------------------------------

LISTENED_TO = (
    3  # batch normalizations; the first see the pixels' scale, later ones more and more of what is in the image
)
ENOUGH_IMAGES = 64
BETTER = 1.5  # times nearer to what was learned must another preprocessing be before it is called the better one
FAR = 0.5  # nats; images of another kind than the training images are some tenths away, a wrong range hundreds


@dataclass(frozen=True, eq=False)
class Check:
    """Whether a network is fed as it was trained.

    Attributes
    ----------
    verdict : {"fits", "wrong", "differs", "cannot tell"}
        ``differs``: the images are unlike those it was trained on, but no other preprocessing would bring them nearer.
    sentence : str
        What was found, with the figure.
    better : Preprocessing or None
        What fits better where the verdict is ``wrong``; give it to ``Network.of(model, pixels=…)``.
    distances : dict of str to float
        Of every preprocessing tried, in nats (see :func:`check`); ``now`` is the network's own. Empty if nothing in the
        network tells.
    """

    verdict: str
    sentence: str
    better: Preprocessing | None
    distances: dict

    def __str__(self):
        return self.sentence


def check(net, images):
    """Whether these images reach the network as those that it was trained on did.

    A batch normalization has learned the mean and the variance of its input, channel by channel. Where what it sees of
    these images is far from that, the network is not fed as it was trained. The distance is the Kullback-Leibler
    divergence from the learned normal distribution to the one seen, the mean over the channels of the first three layers.

    Parameters
    ----------
    net : Network
    images : array (N, H, W, C)
        Ordinary images of the kind it was trained on, a few dozen; no more than 64 are used.

    Returns
    -------
    Check
        Prints as one sentence.
    """
    pixels = net.prepare(images)[:ENOUGH_IMAGES]
    layers, seen, learned = _normalizations(net.model, net.preprocessing(pixels))
    if not layers:
        return _from_the_pixels_alone(net, pixels, learned)
    candidates = {"now": net.preprocessing, **_candidates(net.channels)}
    distances = {name: _distance(net.model, candidate(pixels)) for name, candidate in candidates.items()}
    now, best = distances["now"], min(distances, key=distances.get)
    figure = f"{_plural(layers, 'first batch normalization')} see{'s' if layers == 1 else ''} {seen}"
    if now > BETTER * distances[best] and now - distances[best] > 0.02:
        sentence = f"Wrong preprocessing: {figure}. {_capital(best)} would fit better: a distance of "
        sentence += f"{distances[best]:.2g} nats instead of {now:.2g}."
        return Check("wrong", sentence, candidates[best], distances)
    if now > FAR:
        sentence = f"{_capital(figure)}. No other preprocessing fits better, so these images are of another kind than "
        return Check("differs", f"{sentence}those it was trained on.", None, distances)
    swapped = _swapped(net.preprocessing)
    told = net.channels != 3 or _distance(net.model, swapped(pixels)) > BETTER * now
    order = "" if told else "; whether red and blue are in the right order, these images do not tell"
    return Check("fits", f"Fed as it was trained: {figure}{order}.", None, distances)


def _candidates(channels):
    """Preprocessing that is common, by name; for color images also with red and blue exchanged."""
    found = {f"pixels {word}": _given(word, channels)[0] for word in ("0-1", "-1-1", "0-255")}
    if channels == 3:
        found |= {f"preprocessing {word!r}": _given(word, channels)[0] for word in ("torch", "caffe")}
        found |= {f"{name} with red and blue exchanged": _swapped(item) for name, item in list(found.items())}
    return found


def _swapped(preprocessing):
    if isinstance(preprocessing, OwnPreprocessing):
        return OwnPreprocessing(function=lambda x: preprocessing.function(x[..., ::-1]))
    return Preprocessing(preprocessing.scale, preprocessing.shift, not preprocessing.flip)


def _statistics(model, inputs):
    """Means and variances (learned, seen) of the first batch normalizations, leaving out those that learned nothing."""
    found, asked = [], called(model, (kl.BatchNormalization,), inputs, LISTENED_TO)
    for layer, values in asked:
        mean, variance = (np.asarray(value, np.float32) for value in (layer.moving_mean, layer.moving_variance))
        if np.abs(mean).max() < 1e-4 and np.abs(variance - 1).max() < 0.01:
            continue  # as it was before training, or filled in when its own was folded into the convolution
        axes = tuple(range(values.ndim - 1))
        found.append((mean, variance + layer.epsilon, values.mean(axes), values.var(axes) + layer.epsilon))
    return found, len(asked)


def _distance(model, inputs):
    divergences = [
        ((variance + (mean - old_mean) ** 2) / old - 1 - np.log(variance / old)) / 2
        for old_mean, old, mean, variance in _statistics(model, inputs)[0]
    ]
    return float(np.concatenate(divergences).mean())


def _normalizations(model, inputs):
    """How many batch normalizations tell, what they see of these inputs in words, and how many there are in all."""
    statistics, asked = _statistics(model, inputs)
    if not statistics:
        return 0, "", asked
    old_mean, old, mean, variance = (np.concatenate(values) for values in zip(*statistics))
    away, ratio = np.mean(np.abs(mean - old_mean) / np.sqrt(old)), np.exp(np.log(variance / old).mean() / 2)
    text = f"means {away:.2g} learned standard deviations from the learned ones, and {ratio:.2g} times their spread"
    return len(statistics), text, asked


def _from_the_pixels_alone(net, pixels, normalizations):
    """What can be said without batch normalizations that learned something."""
    inputs = np.asarray(net.preprocessing(pixels))
    reason = "the moving statistics of its batch normalizations are 0 and 1, which says nothing about its training"
    reason = reason if normalizations else "it has no batch normalization that would remember what it was trained on"
    fed = f"It is fed values from {inputs.min():.3g} to {inputs.max():.3g}, mean {inputs.mean():.3g}"
    wanted, sentence = _found(net.model)
    if "guess" not in sentence:
        spread = np.std(wanted(pixels)) / max(np.std(inputs), 1e-9)
        if not 0.5 < spread < 2 or abs(np.mean(wanted(pixels)) - inputs.mean()) > 2 * np.std(wanted(pixels)):
            return Check("wrong", f"Wrong preprocessing: {fed}, but wants {sentence}.", wanted, {})
        return Check("fits", f"{fed}: it wants {sentence}. More cannot be told, for {reason}.", None, {})
    return Check("cannot tell", f"Cannot tell whether it is fed as it was trained: {reason}. {fed}.", None, {})


def _plural(count, noun):
    return f"its {noun}" if count == 1 else f"its {count} {noun}s".replace(f"{count} first", f"first {count}")


def _capital(text):
    return text[0].upper() + text[1:]


# --- listening ----------------------------------------------------------------------------------------------


def called(model, kinds, inputs, count):
    """The first calls of layers of some kinds in a forward pass, which then ends.

    Parameters
    ----------
    model : keras.Model
    kinds : tuple of type
    inputs : array (N, H, W, C)
        As the model wants it. Further inputs are fed zeros.
    count : int
        How many calls.

    Returns
    -------
    list of (Layer, ndarray)
        Each layer with what it was called with.
    """
    found = []

    def hear(call):
        if isinstance(call.layer, kinds):
            found.append((call.layer, tf.cast(call.inputs[0], tf.float32).numpy()))
        if len(found) == count:
            raise Enough

    with tapped(model, hear), contextlib.suppress(Enough):
        model(_with_the_others(model, inputs), training=False)
    return found


def _with_the_others(model, images):
    """All inputs of the model: the images where it wants images, zeros elsewhere."""
    wanted = getattr(model, "inputs", None) or [None]
    if len(wanted) == 1:
        return images
    shapes = [tuple(side or 1 for side in x.shape[1:]) for x in wanted]
    return [images if len(x.shape) == 4 else np.zeros((len(images), *s), np.float32) for x, s in zip(wanted, shapes)]
