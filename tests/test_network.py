"""A network: what it takes, what it answers, and what it refuses."""

import gc
import subprocess
import sys
import threading
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as kl

from cnnlens import datasets, deconvnet, opened, opening, zoo
from cnnlens.errors import CnnlensError
from cnnlens.lenses.neurons import fourier, stepping
from cnnlens.network import Network
from cnnlens.pixels import as_pixels
from cnnlens.preprocessing import Preprocessing


def classifier(activation="softmax", size=8, channels=3):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((size, size, channels)),
            kl.Conv2D(4, 3, activation="relu", name="conv"),
            kl.Flatten(),
            kl.Dense(5, activation=activation, name="out"),
        ]
    )
    return Network(model, "small", classes="abcde")


IMAGES = np.random.default_rng(0).random((7, 8, 8, 3)).astype(np.float32)


def test_kinds_of_pixels():
    assert as_pixels(IMAGES) is IMAGES
    assert np.array_equal(as_pixels((IMAGES * 255).astype(np.uint8)), (IMAGES * 255).astype(np.uint8) / np.float32(255))
    assert as_pixels(IMAGES.astype(np.float64)).dtype == np.float32
    assert as_pixels(IMAGES[0]).shape == (1, 8, 8, 3)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (IMAGES * 255, r"in \[0, 1\].*values from .* to 25.*Divide 0–255 pixels by 255"),
        (IMAGES - 1, "values from -"),
        (np.where(IMAGES > 0.9, np.nan, IMAGES), "got NaN"),
        (IMAGES[..., 0][:, :, :, None].repeat(5, -1), r"got an array of shape \(7, 8, 8, 5\)"),
        (IMAGES[0, :, :, 0], r"shape \(8, 8\).*images\[..., None\]"),
        (IMAGES[:0], r"shape \(0, 8, 8, 3\)"),
        (np.array(["a.png"]), "shape"),
        (IMAGES.astype(object), "type object"),
    ],
)
def test_what_are_no_images(images, words):
    with pytest.raises(CnnlensError, match=words):
        as_pixels(images)


def test_images_are_fitted_and_it_is_said():
    net = classifier()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.prepare(IMAGES)
    with pytest.warns(UserWarning, match="takes 8×8 px; images of 16×12 px were cropped to the middle and resized"):
        assert net.prepare(np.ones((2, 16, 12, 3), np.float32)).shape == (2, 8, 8, 3)
    with pytest.warns(UserWarning, match=r"takes 3 channel\(s\); images with 1"):
        assert net.prepare(IMAGES[..., :1]).shape == (7, 8, 8, 3)
    with pytest.warns(UserWarning, match=r"takes 1 channel\(s\)"):
        assert classifier(channels=1).prepare(IMAGES).shape == (7, 8, 8, 1)


def test_photographs_are_cut_to_the_networks_size():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert zoo.load("squeezenet").prepare(datasets.photos()[:2]).shape == (2, 227, 227, 3)


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_predict_in_batches(batch_size):
    net = classifier()
    assert np.allclose(net.predict(IMAGES, batch_size), net.model.predict(IMAGES, verbose=0), atol=1e-6)


def test_logits_are_before_the_last_activation():
    for activation in ("softmax", "sigmoid"):
        net = classifier(activation)
        after = keras.ops.convert_to_numpy(getattr(keras.activations, activation)(net.logits(IMAGES)))
        assert np.allclose(after, net.predict(IMAGES), atol=1e-6)
        assert np.allclose(net.model.predict(IMAGES, verbose=0), net.predict(IMAGES), atol=1e-6), (
            "the model is left as it was"
        )
    plain = classifier(None)
    assert np.allclose(plain.logits(IMAGES), plain.model.predict(IMAGES, verbose=0), atol=1e-6)


def test_logits_before_a_softmax_layer():
    net = zoo.load("squeezenet")
    photos = datasets.photos()[:2]
    after = keras.ops.convert_to_numpy(keras.activations.softmax(net.logits(photos)))
    assert np.allclose(after, net.predict(photos), atol=1e-6)


def test_preprocessing_belongs_to_the_network():
    net = classifier()
    shifted = Network(net.model, preprocessing=Preprocessing((2.0,), (-1.0,)))
    assert np.allclose(shifted.predict(IMAGES), net.model.predict(IMAGES * 2 - 1, verbose=0), atol=1e-6)
    turned = Network(net.model, preprocessing=Preprocessing(flip=True))
    assert np.allclose(turned.predict(IMAGES), net.model.predict(IMAGES[..., ::-1], verbose=0), atol=1e-6)
    assert np.allclose(turned.preprocess(IMAGES), IMAGES[..., ::-1])


def test_no_classifier():
    with pytest.raises(CnnlensError, match="has no classifier: its last layer 'block5_pool' gives maps"):
        zoo.load("vgg16").predict(np.zeros((1, 32, 32, 3), np.float32))


def test_damaged_weights():
    net = classifier()
    net.model.set_weights([np.full_like(value, np.nan) for value in net.model.get_weights()])
    with pytest.raises(CnnlensError, match="answered NaN.*damaged"):
        net.predict(IMAGES)


def test_unknown_layer():
    with pytest.raises(CnnlensError, match="no layer of small 'cnov'. Did you mean 'conv'"):
        classifier().layer("cnov")


def test_no_image_model():
    model = keras.Sequential([keras.Input((8,)), kl.Dense(2)])
    with pytest.raises(CnnlensError, match="looks into image models"):
        Network(model)


def test_a_head_left_away_comes_back():
    net = classifier()
    before = net.model.predict(IMAGES, verbose=0)
    with opening.linear(net.model.layers[-1]):
        assert not np.allclose(net.model(IMAGES), before)
    assert np.array_equal(before, net.model.predict(IMAGES, verbose=0))


@pytest.mark.parametrize("first", ["activations", "neurons"])
def test_whichever_lens_is_imported_first_tensorflow_starts_quietly(first):
    started = subprocess.run(
        [sys.executable, "-c", f"from cnnlens import {first}"], capture_output=True, text=True, check=True
    )
    assert started.stderr == "", "its log would stand in red in the exported lesson"


def test_a_network_keeps_the_compiled_functions_that_were_asked_for_last(monkeypatch):
    monkeypatch.setattr(opened, "KEPT", 2)
    net, made = classifier(), []

    def ask(key):
        return net.once(key, lambda: made.append(key) or key)

    assert [ask(key) for key in "abacb"] == list("abacb")
    assert made == ["a", "b", "c", "b"] and list(net._compiled) == ["c", "b"]


def test_what_one_thread_has_open_does_not_disturb_what_another_computes():
    """As when all cells of a lesson are run: each explorer computes in a thread of its own."""
    net, failed = classifier(), []
    state = fourier.start([(0, 1)], 8, 8, 3)
    climb = stepping.compiled(net, stepping.How(layer="conv", method="fourier", objective="mean"))
    send_back, _ = deconvnet._backward(net, ("conv",), whole=False, size=(8, 8, 3))

    def compute():
        try:
            climb(state, tf.eye(1, 4), tf.constant(0.1), tf.constant([0, 1]))
            send_back(tf.zeros((1, 8, 8, 3)), tf.constant([0]), tf.constant([-1, -1]), tf.constant(0))
        except Exception as error:
            failed.append(error)

    compute()
    assert failed == []  # else the thread would wait for the function's lock for ever
    thread = threading.Thread(target=compute)
    with opening.tapped(net.model, lambda call: None):
        thread.start()
        thread.join(1)
    thread.join()
    assert failed == []


def test_the_garbage_collector_waits_while_a_graph_grows():
    seen = []

    def grown(fails):
        seen.append(gc.isenabled())
        if fails:
            raise ValueError("no graph")
        return tf.zeros(())

    opening.undisturbed(grown)(False)
    with pytest.raises(ValueError, match="no graph"):
        opening.undisturbed(grown)(True)
    with opening.tapped(classifier().model, lambda call: None):
        seen.append(gc.isenabled())
    assert seen == [False] * 3
    assert gc.isenabled()
