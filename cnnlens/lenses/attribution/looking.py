"""The network as a method of attribution sees it: scores, and their slopes for the pixels or for a layer's output."""

import contextlib
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from ...errors import CnnlensError
from ...opening import gradients_overridden
from ..deconvnet import RECTIFIERS

BATCH = 16  # images at a time: more are no faster on a processor, and gradients keep every layer's output


class NoGradient(CnnlensError):
    """No gradient flows from the score of a class to what was asked for."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What a network was seen to do with images.

    Attributes
    ----------
    images : ndarray (N, H, W, C)
    labels : ndarray (N,) int
        The classes looked at.
    scores : ndarray (N, classes)
    slopes : ndarray (N, H, W, C), (N, h, w, c) or None
        Of those classes' scores: for the pixels, or for the layer.
    activations : ndarray (N, h, w, c) or None
        Of the layer.
    """

    images: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    slopes: np.ndarray | None = None
    activations: np.ndarray | None = None


class Look:
    """A way to ask a network about images, in batches; calling it gives what was Seen.

    Parameters
    ----------
    scores : function (N, H, W, C) -> (N, classes)
    slopes : function (images, labels) -> dict of Tensors, optional
        As :func:`slopes_for` compiles it.
    batch_size : int
    tell : function (count)
        Told after each batch how many images were looked at; what it raises ends the work.
    """

    def __init__(self, scores, slopes=None, batch_size=BATCH, tell=lambda count: None):
        self._scores, self._slopes, self._size, self._tell = scores, slopes, batch_size, tell

    def batches(self, items):
        """A sequence cut into batches."""
        return [items[start : start + self._size] for start in range(0, len(items), self._size)]

    def scores(self, images):
        """Scores (N, classes) of images."""
        found = []
        for some in self.batches(images):
            found.append(np.asarray(self._scores(some)))
            self._tell(len(some))
        return np.concatenate(found)

    def __call__(self, images, labels):
        """What is Seen of images for these classes: one, or one an image; -1 is the class of the highest score."""
        images = np.asarray(images, np.float32)
        labels = np.broadcast_to(np.asarray(labels, np.int32), len(images))
        if self._slopes is None:
            scores = self.scores(images)
            return Seen(images, np.where(labels < 0, scores.argmax(1), labels), scores)
        parts = []
        for some, their in zip(self.batches(images), self.batches(labels)):
            parts.append({name: each.numpy() for name, each in self._slopes(some, their).items()})
            self._tell(len(some))
        return Seen(images, **{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def slopes_for(net, shape, *, layer=None, logits=True, guided=False):
    """The compiled function from images and classes to scores and their slopes; compiled once for each network.

    Parameters
    ----------
    net : Network
    shape : (int, int, int)
        Of an image.
    layer : str, optional
        Whose output the slopes are for; the pixels by default.
    logits : bool
        Take the slopes of logits, else of probabilities.
    guided : bool
        Rectify what comes back at each ReLU.

    Returns
    -------
    function (images (N, H, W, C), labels (N,) int32) -> dict
        ``labels``, ``scores``, ``slopes`` and, of a layer, ``activations``.

    Raises
    ------
    NoGradient
        If no gradient flows to the layer or the pixels.
    CnnlensError
        If the layer gives no map, the network is no classifier, or nothing is there to be guided.
    """

    def build():
        signature = [tf.TensorSpec((None, *shape), tf.float32), tf.TensorSpec((None,), tf.int32)]
        passed = []

        def look(pixels, labels):
            taps, guide = [], _rectifying() if guided else contextlib.nullcontext([])
            with guide as relus:
                scores = net.class_scores(pixels, logits=logits, changed=_tapping(layer, taps))
                labels = tf.where(labels < 0, tf.argmax(scores, 1, tf.int32), labels)
                target = _target(net, layer, taps) if layer else pixels
                slopes = tf.gradients(tf.gather(scores, labels, batch_dims=1), target)[0]
            passed[:] = relus
            _refuse_missing(net, layer, slopes)
            found = {"labels": labels, "scores": scores, "slopes": tf.cast(slopes, tf.float32)}
            return {**found, "activations": tf.cast(target, tf.float32)} if layer else found

        function = tf.function(look, input_signature=signature, autograph=False).get_concrete_function()
        if guided and not passed:
            raise CnnlensError(
                f"No ReLU stands between the image and the classes of {net.name}, so there is nothing for guided "
                "backpropagation to rectify: the result would be the plain gradient, which method='gradient' gives."
            )
        return function

    function = net.once(("attribution", layer, logits, guided, tuple(shape)), build)
    return lambda images, labels: function(tf.constant(images), tf.constant(labels))


@contextlib.contextmanager
def _rectifying():
    with gradients_overridden(RECTIFIERS, rectified) as names:
        yield names


def rectified(inputs, output, upstream):
    """Guided backpropagation's way back through a ReLU: only where it is open, and only what is positive.

    A ReLU is open where it hands on its input unchanged; that also holds for one that is cut off at 6, or leaks.
    """
    is_open = tf.cast((inputs > 0) & tf.equal(inputs, output), upstream.dtype)
    return tf.nn.relu(upstream) * is_open


def _tapping(layer, taps):
    """What listens to a layer while the network runs: its output is noted and goes on as it is."""

    def note(output):
        taps.append(output)
        return output

    return {layer: note} if layer else None


def _target(net, layer, taps):
    """The layer's output, refused if there is none or it is no map."""
    if not taps:
        raise NoGradient(f"Layer {layer!r} of {net.name} is not reached by its forward pass, so it has no output.")
    if taps[0].shape.rank != 4:
        kind = f"values of shape {tuple(taps[0].shape[1:])}"
        maps = [each.path for each in net.layers() if each.is_map]
        hint = f"Choose one that does, such as {maps[-1]!r}" if maps else "No layer of this network does"
        raise CnnlensError(
            f"Layer {layer!r} of {net.name} gives {kind}, not a map with rows and columns. {hint}, or a method that "
            "looks at the pixels."
        )
    return taps[0]


def _refuse_missing(net, layer, slopes):
    if slopes is None:
        where = f"to layer {layer!r}" if layer else "to the pixels"
        raise NoGradient(
            f"No gradient flows from the class scores of {net.name} back {where}: it does not lie on the way to them, "
            "or a step between cannot be differentiated. "
            + ("Choose another layer, or m" if layer else "M")
            + "ethod='occlusion' or 'rise', which need predictions only."
        )
