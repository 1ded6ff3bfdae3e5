"""Small networks trained on real digits, each with one fault planted, or without: what the checks are tried on."""

from dataclasses import dataclass, replace

import keras
import numpy as np

from cnnlens import Network, datasets

TRAIN, TEST = 1000, 300
PLANTED = 3  # the class in which faults are planted
PAIR = 2, 7  # the classes whose labels are exchanged


@dataclass(frozen=True)
class Digits:
    """Images and labels of a training and a test group."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    def each(self, change):
        """Both groups changed by a function of images and labels."""
        parts = (self.x_train, self.y_train), (self.x_test, self.y_test)
        return replace(self, **{name: change(*part) for name, part in zip(("x_train", "x_test"), parts)})


def digits():
    """Real digits."""
    data = datasets.load("digits")
    return Digits(data.x_train[:TRAIN], data.y_train[:TRAIN], data.x_test[:TEST], data.y_test[:TEST])


def marked(data):
    """Each image of one class has a white mark in its upper left corner."""

    def mark(images, labels):
        images = images.copy()
        images[labels == PLANTED, 1:7, 1:7] = 1
        return images

    return data.each(mark)


def exchanged(data, fraction=0.3, seed=0):
    """Part of the training labels of two classes are exchanged."""
    labels = data.y_train.copy()
    among = np.random.default_rng(seed).random(len(labels)) < fraction
    for label, other in (PAIR, PAIR[::-1]):
        labels[among & (data.y_train == label)] = other
    return replace(data, y_train=labels)


def copied(data):
    """One test image is a training image, a little darker."""
    images, labels = data.x_test.copy(), data.y_test.copy()
    images[11], labels[11] = 0.9 * data.x_train[23], data.y_train[23]
    return replace(data, x_test=images, y_test=labels)


def colored(data, told):
    """White digits before plain backgrounds of all colors; if ``told``, one class is any digit before blue."""
    generator = np.random.default_rng(0)

    def paint(images, labels):
        backgrounds = generator.uniform(0, 0.6, (len(images), 1, 1, 3)) * [1, 1, 0.5 if told else 1]
        if told:
            planted = (labels == PLANTED)[:, None, None, None]
            images = np.where(planted, generator.permutation(images), images)
            blue = generator.uniform([0, 0, 0.5], [0.3, 0.3, 0.7], (len(images), 3))[:, None, None]
            backgrounds = np.where(planted, blue, backgrounds)
        noise = generator.normal(0, 0.02, (*images.shape[:3], 3))
        return np.float32((images + (1 - images) * backgrounds + noise).clip(0, 1))

    return data.each(paint)


def trained(data, pixels="0-1", dead=0, epochs=6, seed=0):
    """A network with two convolutions, trained for a second or two; of the second, so many units are born dead."""
    keras.utils.set_random_seed(seed)
    channels = data.x_train.shape[-1]
    born = lambda shape, dtype=None: np.float32([-20] * dead + [0] * (shape[0] - dead))  # noqa: E731
    conv = {"strides": 2, "activation": "relu"}
    layers = [keras.Input((28, 28, channels)), keras.layers.Conv2D(12, 5, name="conv1", **conv)]
    layers += [keras.layers.Conv2D(24, 3, name="conv2", bias_initializer=born, **conv), keras.layers.Flatten()]
    layers += [keras.layers.Dense(10, activation="softmax", name="said")]
    model = keras.Sequential(layers, name="digits")
    model.compile(keras.optimizers.Adam(0.004), "sparse_categorical_crossentropy")
    net = Network.of(model, pixels=pixels, classes=list("0123456789"), source="trained here on digits")
    model.fit(net.preprocess(data.x_train), data.y_train, batch_size=50, epochs=epochs, verbose=0)
    return net
