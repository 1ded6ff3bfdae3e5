"""Whether a network is fed as it was trained."""

from dataclasses import dataclass

import numpy as np

from .choosing import found_in, given
from .listening import called
from .scaling import OwnPreprocessing, Preprocessing

from keras import layers as kl

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
        What was found, with what was measured.
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
    divergence of the normal distribution seen from the one learned, the mean over the channels of the first three
    layers.

    Parameters
    ----------
    net : Network
    images : array (N, H, W, C)
        Ordinary images of the kind it was trained on, a few dozen; no more than 64 are used.

    Returns
    -------
    Check
        Prints as one sentence.

    Examples
    --------
    >>> from cnnlens import zoo
    >>> found = check(zoo.load("lenet", weights="random"), np.zeros((2, 28, 28, 1)))
    >>> found.verdict
    'cannot tell'
    """
    pixels = net.prepare(images)[:ENOUGH_IMAGES]
    layers, seen, learned = _normalizations(net.model, net.preprocessing(pixels))
    if not layers:
        return _from_the_pixels_alone(net, pixels, learned)
    tried = {"now": net.preprocessing, **candidates(net.channels)}
    distances = {name: _distance(net.model, candidate(pixels)) for name, candidate in tried.items()}
    now, best = distances["now"], min(distances, key=distances.get)
    measured = f"{_plural(layers, 'first batch normalization')} see{'s' if layers == 1 else ''} {seen}"
    if now > BETTER * distances[best] and now - distances[best] > 0.02:
        sentence = f"Wrong preprocessing: {measured}. {_capital(best)} would fit better: a distance of "
        sentence += f"{distances[best]:.2g} nats instead of {now:.2g}."
        return Check("wrong", sentence, tried[best], distances)
    if now > FAR:
        sentence = (
            f"{_capital(measured)}. No other preprocessing fits better, so these images are of another kind than "
        )
        return Check("differs", f"{sentence}those it was trained on.", None, distances)
    swapped = _swapped(net.preprocessing)
    told = net.channels != 3 or _distance(net.model, swapped(pixels)) > BETTER * now
    order = "" if told else "; whether red and blue are in the right order, these images do not tell"
    return Check("fits", f"Fed as it was trained: {measured}{order}.", None, distances)


def candidates(channels):
    """Preprocessing that is common, by name; for color images also with red and blue exchanged."""
    found = {f"pixels {word}": given(word, channels)[0] for word in ("0-1", "-1-1", "0-255")}
    if channels == 3:
        found |= {f"preprocessing {word!r}": given(word, channels)[0] for word in ("torch", "caffe")}
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
    wanted, sentence = found_in(net.model)
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
