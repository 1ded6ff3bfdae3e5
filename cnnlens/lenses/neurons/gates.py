"""The rescue of silent units: the gradient redirected through their own gates (Olah, Mordvintsev and Schubert 2017).

A ReLU that is shut passes no gradient, so a unit that is silent on the starting image stays silent. For the first steps
that it needs, the gradient passes the gates that stand between the unit's weights and its output although they are
shut. Gates of other layers keep their true gradient: opening those too would climb something else.
"""

import numpy as np
import tensorflow as tf

from ...opening import between, fed_by
from .fourier import TINY

RESCUE_STEPS = 24  # at most so many steps of an image are made with a redirected gradient
OPENING = {"mean": 0, "center": 4}  # redirected steps that are a matter of course: on grey a middle unit is silent
FAINT = 0.05  # a unit active at fewer of its positions than this is rescued; the border alone may activate a few
WEIGHTS = {"MatMul", "BatchMatMulV2", "Einsum", "Conv2D", "DepthwiseConv2dNative", "Conv2DBackpropInput", "Conv3D"}
CHANNELWISE = "DepthwiseConv2dNative"  # weights that mix no channels: what gates the channel before gates the unit
GATES = {"Relu", "Relu6", "LeakyRelu", "Elu", "Selu"}
CHOICES = {"Maximum", "Minimum", "SelectV2", "Mul", "IdentityN"}  # what other gates are composed of
SUMS = {"Mean", "Sum", "Max"}  # over positions or channels: behind these a factor is attention, not a gate


# --- finding them --------------------------------------------------------------------------------------------


def own_gates(output, image):
    """The gates between a layer's output and the weights before it, as (input, output) pairs of tensors.

    Found by a walk back through the graph that ends at weights, at a gate, and at the image. A branched block has
    several. A unit of a depthwise convolution sees one channel only, whose gate is its own.

    Examples
    --------
    >>> with tf.Graph().as_default():
    ...     image = tf.zeros((1, 2))
    ...     output = tf.nn.relu(tf.nn.relu6(image) @ tf.eye(2))
    ...     [gate.op.type for _, gate in own_gates(output, image)]
    ['Relu']
    """
    fed, gates = fed_by(image), []
    todo, seen = [output.op], set()
    while todo:
        op = todo.pop()
        if op.name in seen or op.name not in fed or op.type in WEIGHTS - {CHANNELWISE}:
            continue
        seen.add(op.name)
        gated = _gated(op, fed)
        if gated is None:
            todo.extend(each.op for each in op.inputs)
        else:
            gates.append((gated, op.outputs[0]))
    return gates


def _gated(op, fed):
    """What an operation gates: its input, or the one that all others are functions of (x in max(x, 0.1 x))."""
    if op.type in GATES:
        return op.inputs[0]
    if op.type not in CHOICES:
        return None
    inputs = [each for each in op.inputs if each.op.name in fed]
    if len(inputs) == 1:
        return inputs[0] if op.type in ("Maximum", "Minimum") else None
    for one in inputs:
        if all(other is one or _is_function(other, one) for other in inputs):
            return one
    return None


def _is_function(tensor, of):
    """Whether a tensor is computed from another, position by position and without weights."""
    todo, seen = [tensor], set()
    while todo:
        each = todo.pop()
        if each is of:
            return True
        if each.name not in seen and each.op.type not in WEIGHTS | SUMS:
            seen.add(each.name)
            todo.extend(each.op.inputs)
    return False


# --- redirecting ---------------------------------------------------------------------------------------------


def uphill(reached, output, variable, redirect):
    """The gradient of what each image reached, for some images as if the unit's own gates were open.

    Stands in for :func:`.fourier.uphill`, which gives the same where nothing is redirected. One pass back serves both
    kinds of images: at the input of each gate joins in, for those of ``redirect`` (N,) bool, what the open gate would
    let through, less what the gate itself does.

    Behind a gate the unit is climbed where it comes nearest to becoming active: positions count by the softmax of what
    the gate gets, so that the image fills with what activates the unit. With equal counts, edges would cancel and leave
    a flat color.

    Examples
    --------
    >>> @tf.function(autograph=False)
    ... def slopes(image, redirect):
    ...     output = tf.nn.relu(2 * image)
    ...     return uphill(output[:, 0], output, image, redirect)
    >>> slopes(tf.constant([[-1.0], [-1.0], [1.0]]), tf.constant([False, True, False])).numpy().ravel().tolist()
    [0.0, 2.0, 2.0]
    """
    gates = own_gates(output, variable)
    shut = [gate for _, gate in gates]
    flows = tf.gradients(tf.reduce_sum(tf.where(redirect, reached, 0)), shut, stop_gradients=shut)
    ends, slopes = [reached], [tf.ones_like(reached)]
    for (into, gate), flow in zip(gates, flows):
        if flow is not None:
            own = tf.gradients(gate, into, grad_ys=flow, unconnected_gradients="zero")[0]
            ends.append(into)
            slopes.append(_toward_activity(into, flow) - own)
    return tf.gradients(ends, variable, grad_ys=slopes)[0]


def _toward_activity(inputs, upstream):
    """The gradient, shared out among positions by how near each comes to being active; its size stays the same."""
    if len(inputs.shape) < 4:
        return upstream
    spread, nearest = tf.math.reduce_std(inputs, (1, 2), keepdims=True), tf.reduce_max(inputs, (1, 2), keepdims=True)
    shared = upstream * tf.exp((inputs - nearest) / (spread + tf.cast(TINY, inputs.dtype)))
    before, after = (tf.reduce_sum(tf.abs(each), (1, 2), keepdims=True) for each in (upstream, shared))
    return shared * tf.math.divide_no_nan(before, after)


def activity(output, weights, variable):
    """At which fraction of its positions each target is active, (N,), and how many gates of its own the layer has.

    Active is what is above zero; for a direction, and behind a depthwise convolution, also what is below. Without a
    gate of its own no unit is ever silent.

    Examples
    --------
    >>> @tf.function(autograph=False)
    ... def found(image):
    ...     return activity(tf.nn.relu(image), tf.ones((1, 1)), image)
    >>> [each.numpy().tolist() for each in found(tf.reshape([-1.0, -1.0, -1.0, 2.0], (1, 2, 2, 1)))]
    [[0.25], 1]
    """
    gates = own_gates(output, variable)
    signed = any(op.type == CHANNELWISE for _, gate in gates for op in between(gate, output))
    positions = tf.reshape(output, (tf.shape(output)[0], -1, output.shape[-1]))
    driven = tf.reduce_sum(positions, -1) if weights is None else tf.linalg.matvec(positions, weights)
    mixed = tf.constant([[False]]) if weights is None else tf.reduce_any(weights < 0, 1, keepdims=True)
    active = (driven > 0) | ((mixed | signed) & (driven < 0)) if gates else tf.ones_like(driven, bool)
    return tf.reduce_mean(tf.cast(active, tf.float32), 1), tf.constant(len(gates))


# --- the bookkeeping -----------------------------------------------------------------------------------------


class Rescue:
    """Which images of a batch need a redirected gradient, step by step.

    Attributes
    ----------
    tries : ndarray (N,) int
        For how many steps each gradient was redirected.
    awake : ndarray (N,) int
        In how many steps each image had a gradient of its own.
    ends_awake : ndarray (N,) bool
        Whether it had one in the last.
    activity : ndarray (N,)
        At which fraction of its positions each target was active in the last.
    """

    def __init__(self, count):
        self.tries, self.awake = np.zeros(count, int), np.zeros(count, int)
        self.ends_awake, self.activity = np.zeros(count, bool), np.zeros(count)

    def needed(self, slopes, activity, gates):
        """Which images need a redirected gradient after a step, (N,) bool, from what the step found."""
        self.ends_awake, self.activity = slopes > 0, activity
        self.awake += self.ends_awake
        needed = ((slopes == 0) | (activity < FAINT)) & (self.tries < RESCUE_STEPS) & (gates > 0)
        self.tries += needed
        return needed


def status(tries, awake, ends_awake, activity, activation, start, history, opening=0):
    """What became of one unit, and the evidence.

    It is rescued only if its image activates it in the end, and more than the starting image did. Behind a gate that
    lets negative values pass the mean over a map may stay below zero: there it counts whether enough positions are
    above. A unit that is redirected in no more than ``opening`` steps is called live.

    Examples
    --------
    >>> facts = {"ends_awake": True, "activity": 0.4, "start": 0.0, "history": np.array([0.0, 0.0, 0.7])}
    >>> status(tries=2, awake=1, activation=0.9, **facts)
    ('rescued', 'a gradient in 1 of 3 steps, redirected in 2; strongest response 0.7')
    """
    if tries <= opening and ends_awake:
        return "live", ""
    redirected = f"redirected in {tries}" if tries else "and no gate of its own was found to redirect it through"
    evidence = f"a gradient in {awake} of {len(history)} steps, {redirected}; strongest response {history.max():.3g}"
    rescued = tries and activation > start and (activation > 0 or start < 0 and activity >= FAINT)
    return ("rescued" if rescued else "stuck" if awake else "dead"), evidence
