"""The step that is compiled for a network and a layer: the method's, with what it takes to make it work on any network.

That is: colorless images, the image repeated beyond its borders, a penalty, a lower precision, and the gradient of
silent units redirected. Each network keeps its compiled steps.
"""

import functools
from dataclasses import dataclass

import tensorflow as tf

from ...errors import CnnlensError
from ...opening import in_precision, undisturbed
from . import fourier, gates, pixels

METHODS = {"fourier": fourier, "pixels": pixels}


@dataclass(frozen=True, kw_only=True)
class How:
    """All that a compiled step depends on besides the network and the size of the images.

    Attributes
    ----------
    layer, method, objective : str
    whole : bool
        The whole layer instead of directions in it.
    shift, turn : int, float
        See :func:`.fourier.transform`.
    pad : (int, int)
        Pixels of the image to repeat beyond its borders.
    rim : (int, int)
        Rows and columns at the border of the map that are not counted.
    penalty : float
        λ of Simonyan, Vedaldi and Zisserman 2014: subtracts λ times the squared norm of the image, counted from the
        color that the network takes as zero.
    precision : str
        Keras dtype policy to run the network in.
    steep : float
        See :func:`.fourier.favor`.
    """

    layer: str
    method: str
    objective: str
    whole: bool = False
    shift: int = 0
    turn: float = 0.0
    pad: tuple = (0, 0)
    rim: tuple = (0, 0)
    penalty: float = 0.0
    precision: str = "float32"
    steep: float = 0.0


def compiled(net, how):
    """The step for these settings, built at its first use for images of a size, and then for any number of them.

    Returns
    -------
    callable
        ``(state, weights, rate, key, redirect=None) -> (state, reached, slopes, activity, gates)``: one step up; what
        each image reached before it (N,), how long each gradient was, at which fraction of its positions the unit was
        active, and how many gates of its own the layer has. For images of ``redirect`` (N,) bool, by default none, the
        gradient passes those gates even where they are shut.

    Examples
    --------
    >>> from cnnlens import zoo
    >>> net = zoo.load("lenet", weights="random")
    >>> step = compiled(net, How(layer="conv1", method="fourier", objective="mean"))
    >>> state = fourier.start([(0, 1), (0, 2)], 28, 28, 1)
    >>> state, reached, *_, own = step(state, tf.eye(2, 32), tf.constant(0.1), tf.constant([0, 1]))
    >>> reached.shape.as_list(), int(own)
    ([2], 1)
    """

    def step(state, weights, rate, key, redirect=None):
        redirect = tf.zeros(len(state[0]), bool) if redirect is None else redirect
        given = state, weights, rate, key, redirect
        build = lambda: undisturbed(functools.partial(_step, net, how), input_signature=_for_any_number(*given))  # noqa: E731
        return net.once(("ascent", how, tuple(state[0].shape[1:])), build)(*given)

    return step


def _for_any_number(state, weights, rate, key, redirect):
    """The signature of a step like this one, whatever the number of images."""
    several = [tf.TensorSpec((None, *each.shape[1:]), each.dtype) for each in (*state, weights, redirect)]
    together = [tf.TensorSpec(each.shape, each.dtype) for each in (rate, key)]
    return tuple(several[:-2]), several[-2], *together, several[-1]


def _step(net, how, state, weights, rate, key, redirect):
    method, weights = METHODS[how.method], None if how.whole else weights

    def draw(state):
        return images(method, state, net.channels)

    def see(pixels, key):
        return _wrapped(fourier.transform(pixels, key, how.shift, how.turn), *how.pad)

    def read(pixels):
        return net.outputs(pixels, [how.layer], linear=True)[how.layer]

    def score(output, weights):
        return fourier.objective(_inside(output, how.rim), weights, how.objective)

    def uphill(reached, output, variable):
        gradient = gates.uphill(reached, output, variable, redirect)
        if gradient is None:
            raise CnnlensError(
                f"No gradient flows back from layer {how.layer!r} of {net.name}: between the image and it stands a "
                "step without one (rounding, argmax, a stopped gradient). Choose a layer before that step."
            )
        return gradient

    def move(state, gradient, rate):
        if how.penalty:
            norm = tf.reduce_sum((draw(state) - net.preprocessing.zero()) ** 2)
            gradient -= how.penalty * tf.gradients(norm, state[0])[0]
        if how.steep:
            rate = rate * fourier.favor(*state[0].shape[2:], how.steep)
        return method.move(state, gradient, rate)

    parts = {"draw": draw, "see": see, "score": score, "uphill": uphill, "move": move}
    with in_precision(net.model, how.precision):
        moved, reached, gradient, output = fourier.step(read, state, weights, rate, key, **parts)
    slopes = tf.sqrt(tf.reduce_sum(gradient**2, (1, 2, 3)))
    asked = fourier.middle(output) if how.objective == "center" else output
    return moved, reached, slopes, *gates.activity(asked, weights, state[0])


def images(method, state, channels):
    """The images (N, H, W, channels) in [0, 1] of a state; a colorless one is repeated over the channels.

    Examples
    --------
    >>> images(pixels, (tf.fill((1, 1, 1, 1), 0.25),), channels=3).numpy().tolist()
    [[[[0.25, 0.25, 0.25]]]]
    """
    drawn = method.draw(state)
    return drawn if drawn.shape[-1] == channels else tf.repeat(drawn, channels, -1)


def _wrapped(pixels, rows, cols):
    """The image with so many pixels of itself added all round, as if it were repeated without end."""
    height, width = pixels.shape[1:3]
    pixels = tf.concat([pixels[:, height - rows :], pixels, pixels[:, :rows]], 1) if rows else pixels
    return tf.concat([pixels[:, :, width - cols :], pixels, pixels[:, :, :cols]], 2) if cols else pixels


def _inside(output, rim):
    """A map without its rim, where units look over the border of the image at nothing."""
    rows, cols = rim
    if len(output.shape) != 4:
        return output
    # Not output[:, rows:-rows]: TensorFlow takes ten times as long for the gradient of such a slice, of any step.
    return tf.slice(output, (0, rows, cols, 0), (-1, output.shape[1] - 2 * rows, output.shape[2] - 2 * cols, -1))
