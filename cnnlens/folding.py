"""Batch normalization that helps a network to learn and then disappears into its weights.

A batch normalization behind a layer (Ioffe & Szegedy 2015) keeps what the layer passes on at one scale, so that a short
training goes further. Once training is over it multiplies each unit by a constant and adds another, which the layer's
own kernel and bias can do as well (Jacob et al. 2018, section 3.2). What is left is the network as it was designed.
"""

import numpy as np

from .errors import CnnlensError
from .opening import activation_name

import keras
import tensorflow as tf
from keras import layers as kl

ENDING = "_normalized"  # what the name of a normalization adds to its layer's


@keras.saving.register_keras_serializable("cnnlens")
class Normalization(kl.BatchNormalization):
    """Keras's batch normalization, by TensorFlow's fused kernel where there are maps to normalize.

    Keras's own goes over the maps a dozen times, in float32: of a step of VGG4's training it took two thirds.
    """

    def call(self, inputs, training=None, mask=None):
        if not training or len(inputs.shape) != 4:
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, self.gamma, self.beta, epsilon=self.epsilon, is_training=True
        )
        count = tf.cast(tf.size(inputs) // inputs.shape[-1], variance.dtype)
        self._remember(self.moving_mean, mean)
        self._remember(self.moving_variance, variance * (count - 1) / count)  # the kernel's is that of a sample
        return outputs

    def _remember(self, moving, value):
        moving.assign(moving * self.momentum + value * (1 - self.momentum))


def normalized(model, momentum=0.99):
    """A copy of a model with a batch normalization between every layer with a kernel and its ReLU.

    Parameters
    ----------
    model : keras.Sequential
    momentum : float
        Of the running means and variances by which the units are scaled in the end. Where the weights themselves are
        averaged over many steps, it should be the same as theirs: only then do the two fit each other.

    Returns
    -------
    keras.Sequential
        Has the kernels of ``model``. Biases are left out: a normalization would take them away again.

    Raises
    ------
    CnnlensError
        If the model is not sequential: where layers branch, what stands before a ReLU may be more than one layer.

    Examples
    --------
    >>> model = keras.Sequential([keras.Input((4, 4, 1)), kl.Conv2D(2, 3, activation="relu", name="conv")])
    >>> [layer.name for layer in normalized(model).layers]
    ['conv', 'conv_normalized', 'conv_relu']
    """
    if not isinstance(model, keras.Sequential):
        raise CnnlensError(
            f"{model.name} is not sequential, so no batch normalization can be folded into its weights afterwards. "
            "Train it with a Recipe of normalize=False."
        )
    layers, weights = [keras.Input(model.input_shape[1:])], []
    for layer in model.layers:
        if not _followed_by_relu(layer):
            layers.append(type(layer).from_config(layer.get_config()))
            weights.append((layers[-1], layer.get_weights()))
            continue
        layers.append(type(layer).from_config({**layer.get_config(), "activation": "linear", "use_bias": False}))
        weights.append((layers[-1], layer.get_weights()[:1]))
        layers.append(Normalization(momentum=momentum, name=layer.name + ENDING, dtype=layer.dtype_policy))
        layers.append(kl.ReLU(name=f"{layer.name}_relu", dtype=layer.dtype_policy))
    copy = keras.Sequential(layers, name=model.name)  # at once: with each layer added alone Keras builds all anew
    for layer, values in weights:
        layer.set_weights(values)
    return copy


def folded(model, weights):
    """The weights that make the network without normalizations compute what this one does.

    Parameters
    ----------
    model : keras.Sequential
        From :func:`normalized`.
    weights : list of ndarray
        Its weights, in the order of ``model.weights``.

    Returns
    -------
    list of ndarray
        In the order of the weights of the model that ``model`` was made from.
    """
    values = {id(variable): np.asarray(value) for variable, value in zip(model.weights, weights)}
    found = []
    for layer in model.layers:
        if layer.name.endswith(ENDING):
            gain, offset, mean, variance = (
                values[id(variable)] for variable in (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance)
            )
            scale = gain / np.sqrt(variance + layer.epsilon)
            found[-1] = found[-1] * scale  # a kernel's last axis is its units, as the normalization's only one
            found.append(offset - mean * scale)
        else:
            found.extend(values[id(variable)] for variable in layer.weights)
    return found


def _followed_by_relu(layer):
    return bool(layer.weights) and activation_name(layer) == "relu"
