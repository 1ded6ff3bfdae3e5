"""Batch normalizations that disappear into the weights leave a network that computes the same."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnnlens import training, zoo
from cnnlens.errors import CnnlensError
from cnnlens.folding import Normalization, folded, normalized


@pytest.fixture(scope="module", params=["lenet", "vgg4"])
def plain(request):
    return zoo.untrained(request.param).model


def unsettled(model, seed=0):
    """Give every weight of a model a value of its own, as training would; variances stay positive."""
    generator = np.random.default_rng(seed)
    model.set_weights([np.abs(generator.normal(0.5, 0.3, value.shape)) + 0.01 for value in model.get_weights()])
    for layer in model.layers:
        if layer.name.endswith("_normalized"):
            layer.beta.assign(generator.normal(0, 1, layer.beta.shape))
            layer.moving_mean.assign(generator.normal(0, 30, layer.moving_mean.shape))
    return model


def test_the_folded_network_computes_the_same(plain):
    learning = unsettled(normalized(plain))
    images = np.random.default_rng(1).random((8, *plain.input_shape[1:]), np.float32)
    wanted = [learning.get_layer(f"{name}_relu").output for name in ("conv1", "conv2", "dense1")]
    wanted = keras.Model(learning.inputs[0], wanted)(images)
    copy = keras.models.clone_model(plain)
    copy.set_weights(folded(learning, learning.get_weights()))
    found = keras.Model(copy.inputs[0], [copy.get_layer(name).output for name in ("conv1", "conv2", "dense1")])(images)
    for one, other in zip(wanted, found):
        one, other = np.asarray(one), np.asarray(other)
        assert one.std() > 0 and np.abs(one - other).max() < 1e-4 * np.abs(one).max()


def test_a_network_without_normalizations_keeps_its_weights(plain):
    weights = plain.get_weights()
    assert all(one is other or (one == other).all() for one, other in zip(weights, folded(plain, weights)))


def test_its_kernels_are_those_of_the_network(plain):
    learning = normalized(plain)
    assert (learning.get_layer("conv2").kernel == plain.get_layer("conv2").kernel).numpy().all()
    assert learning.get_layer("conv2").bias is None
    assert learning.count_params() > plain.count_params()


@pytest.mark.parametrize("shape", [(6, 5, 4, 3), (12, 3)])
def test_normalization_learns_as_that_of_keras_does(shape):
    generator = np.random.default_rng(0)
    values = tf.constant(generator.normal(2, 3, shape), tf.float32)
    wanted_outputs = tf.constant(generator.normal(0, 1, shape), tf.float32)
    gain, offset = generator.normal(1, 0.5, (2, 3))

    def learned(layer):
        layer.build(shape)
        layer.gamma.assign(gain), layer.beta.assign(offset)
        with tf.GradientTape() as tape:
            tape.watch(values)
            outputs = layer(values, training=True)
            loss = tf.reduce_sum((outputs - wanted_outputs) ** 2)
        slopes = tape.gradient(loss, [values, *(each.value for each in layer.trainable_variables)])
        return outputs, *slopes, layer.moving_mean, layer.moving_variance, layer(values, training=False)

    ours, theirs = (learned(kind(momentum=0.7)) for kind in (Normalization, keras.layers.BatchNormalization))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=1e-4, atol=1e-4)


def test_branches_are_refused():
    given = keras.Input((8, 8, 3))
    model = keras.Model(given, keras.layers.Conv2D(2, 3, activation="relu")(given), name="forked")
    with pytest.raises(CnnlensError, match="forked is not sequential"):
        normalized(model)


def test_training_keeps_the_folded_weights():
    from cnnlens import datasets

    data = datasets.load("digits").take(256, 100)
    recipe = training.Recipe(1, 64, training._adamw, 1, False, "with normalization", normalize=True)
    net = zoo.untrained("lenet")
    run = training.train(net, data, recipe=recipe, epochs=2, policy="float32", progress=False)
    right = (net.predict(data.x_test, progress=False).argmax(1) == data.y_test).mean()
    assert right == pytest.approx(run.accuracy, abs=0.005)  # measured with its normalizations
    assert net.model.count_params() == 113_386 and np.abs(net.model.get_layer("conv1").bias).max() > 0
