"""What a network is fed: read off the model, or taken as given; and an alarm when it is wrong."""

import keras
import numpy as np
import pytest
from keras import layers as kl

from cnnlens import datasets, zoo
from cnnlens.errors import CnnlensError
from cnnlens.network import Network
from cnnlens.preprocessing import IMAGENET_MEAN, IMAGENET_STD, OwnPreprocessing, Preprocessing, check, chosen
from cnnlens.preprocessing.listening import called

IMAGES = np.random.default_rng(0).random((2, 16, 16, 3)).astype(np.float32)


def classifier(*first, shape=(16, 16, 3)):
    head = [kl.Conv2D(4, 3), kl.GlobalAveragePooling2D(), kl.Dense(3)]
    return keras.Sequential([keras.Input(shape), *first, *head])


def normalization(mean, deviation):
    return kl.Normalization(mean=mean, variance=[value**2 for value in deviation])


OF_255 = [255 * value for value in IMAGENET_MEAN], [255 * value for value in IMAGENET_STD]
FIRST_LAYERS = {
    "0-1": [
        [kl.Rescaling(2.0, -1)],
        [kl.Rescaling(255.0)],
        [normalization(IMAGENET_MEAN, IMAGENET_STD)],
        [normalization([0.13] * 3, [0.31] * 3)],  # MNIST's
    ],
    "0-255": [
        [kl.Rescaling(1 / 255)],
        [kl.RandomFlip(), kl.ZeroPadding2D(2), kl.Rescaling(1 / 127.5, -1)],
        [kl.Rescaling(1 / 255), normalization(IMAGENET_MEAN, IMAGENET_STD)],
        [normalization(*OF_255)],
    ],
    "-1-1": [[kl.Rescaling(0.5, 0.5)], [normalization([0.0] * 3, [0.58] * 3)]],
}
RANGES = {"0-1": (0, 1), "0-255": (0, 255), "-1-1": (-1, 1)}


@pytest.mark.parametrize(("pixels", "first"), [(name, first) for name, all in FIRST_LAYERS.items() for first in all])
def test_found_from_the_first_layers(pixels, first):
    low, high = RANGES[pixels]
    preprocessing, sentence = chosen(classifier(*first))
    assert np.allclose(preprocessing(IMAGES), low + (high - low) * IMAGES, atol=1e-4)
    assert f"pixels {pixels}, read off" in sentence and "guess" not in sentence


def test_found_two_models_deep():
    inner = classifier(kl.Rescaling(1 / 255))
    middle = keras.Sequential([keras.Input((16, 16, 3)), inner])
    image = keras.Input((16, 16, 3))
    assert chosen(keras.Model(image, middle(kl.RandomFlip()(image))))[0].scale == (255.0,)


@pytest.mark.parametrize("family", ["mobilenet_v2", "vgg16"])
def test_found_from_operations_that_are_no_layers(family):
    """As Keras's own guides for transfer learning write it."""
    image = keras.Input((16, 16, 3))
    model = keras.Model(image, classifier()(getattr(keras.applications, family).preprocess_input(image)))
    assert chosen(model) == (Preprocessing((255.0,), (0.0,)), "pixels 0-255, read off the scaling in its first steps")


def test_found_in_a_subclassed_model_and_beside_another_input():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = classifier(kl.Rescaling(1 / 255))

        def call(self, x):
            return self.inner(x)

    model = Own()
    model(IMAGES)
    assert chosen(model)[0].scale == (255.0,)
    image, meta = keras.Input((None, None, 3)), keras.Input((4,))
    x = kl.GlobalAveragePooling2D()(kl.Conv2D(4, 3)(kl.Rescaling(1 / 255)(image)))
    assert chosen(keras.Model([meta, image], kl.Dense(2)(kl.Concatenate()([x, meta]))))[0].scale == (255.0,)


def test_a_model_is_left_as_it_was():
    model = classifier(kl.Rescaling(1 / 255))
    before = model.predict(IMAGES, verbose=0)
    chosen(model)
    assert np.array_equal(before, model.predict(IMAGES, verbose=0)) and "call" not in vars(model.layers[1])


@pytest.mark.parametrize("first", [[], [kl.Rescaling(1.0)], [kl.UnitNormalization()]])
def test_a_guess_is_called_one(first):
    assert chosen(classifier(*first)) == (
        Preprocessing(),
        "pixels 0-1, a guess: nothing in the model says what it was trained on",
    )


def test_other_shapes():
    for shape in ((8, 12, 1), (16, 16, 5), (None, None, 3)):
        assert chosen(classifier(kl.Rescaling(1 / 255), shape=shape))[0].scale == (255.0,)


@pytest.mark.parametrize("word", ["tf", "torch", "caffe"])
def test_words_of_keras(word):
    preprocessing, sentence = chosen(classifier(), word)
    expected = keras.applications.imagenet_utils.preprocess_input(255 * IMAGES, mode=word)
    assert np.allclose(preprocessing(IMAGES), expected, atol=1e-3) and word in sentence


def test_ranges_pairs_and_functions():
    model = classifier()
    assert chosen(model, "-0.5-0.5") == (Preprocessing((1.0,), (-0.5,)), "pixels -0.5-0.5")
    torch = np.asarray(chosen(model, "torch")[0](IMAGES))
    assert np.allclose(chosen(model, (IMAGENET_MEAN, IMAGENET_STD))[0](IMAGES), torch, atol=1e-4)
    preprocessing, sentence = chosen(model, OF_255)
    assert np.allclose(preprocessing(IMAGES), torch, atol=1e-4) and "pixels 0-255 less 123.7" in sentence
    assert chosen(model, keras.applications.vgg16.preprocess_input)[0].flip, "a function of Keras gets pixels 0-255"
    assert chosen(model, lambda x: 2 * x - 1)[0] == Preprocessing((2.0,) * 3, (-1.0,) * 3)
    gamma = chosen(model, np.sqrt)[0]
    assert isinstance(gamma, OwnPreprocessing) and np.allclose(gamma(IMAGES), np.sqrt(IMAGES))
    whole = chosen(model, lambda x: x - x.mean((1, 2), keepdims=True))[0]
    assert isinstance(whole, OwnPreprocessing), "what looks at the whole image is no scale and shift"


def test_what_does_not_fit_is_refused():
    with pytest.raises(CnnlensError, match="no pixel range '0-254x'.*Did you mean"):
        chosen(classifier(), "0-254x")
    with pytest.raises(CnnlensError, match=r"is for 3 channels, and sequential\w* takes 1"):
        chosen(classifier(shape=(16, 16, 1)), "caffe")
    for wrong in ((1, 2, 3), (0.5, 0.0), 5):
        with pytest.raises(CnnlensError, match="neither one of auto"):
            chosen(classifier(), wrong)


# --- the check --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def patches():
    """Natural colors: (images to learn the statistics from, others to check on)."""
    data = datasets.load("patches")
    return np.asarray(data.x_train[:300]), np.asarray(data.x_test[:64])


def normalized(preprocessing, images):
    """A network whose batch normalizations have learned what these images give them, fed with this preprocessing."""
    keras.utils.set_random_seed(0)
    blocks = [[kl.Conv2D(16, 3, use_bias=False), kl.BatchNormalization(), kl.ReLU()] for _ in range(2)]
    head = [kl.GlobalAveragePooling2D(), kl.Dense(3)]
    model = keras.Sequential([keras.Input((None, None, images.shape[-1])), *blocks[0], *blocks[1], *head])
    for count in (1, 2):
        layer, seen = called(model, (kl.BatchNormalization,), preprocessing(images), count)[-1]
        layer.moving_mean.assign(seen.mean((0, 1, 2)))
        layer.moving_variance.assign(seen.var((0, 1, 2)))
    return model


def given(word):
    return chosen(classifier(), word)[0]


@pytest.mark.parametrize("trained", ["0-1", "-1-1", "0-255", "torch", "caffe"])
def test_no_alarm_when_fed_rightly(patches, trained):
    model = normalized(given(trained), patches[0])
    found = check(Network(model, preprocessing=given(trained)), patches[1])
    assert found.verdict == "fits" and found.better is None
    assert "first 2 batch normalizations see means 0." in str(found)


@pytest.mark.parametrize(
    ("trained", "fed"), [("0-1", "0-255"), ("0-255", "0-1"), ("-1-1", "0-1"), ("torch", "0-1"), ("caffe", "0-255")]
)
def test_a_wrong_range_is_seen_and_the_right_one_named(patches, trained, fed):
    model = normalized(given(trained), patches[0])
    found = check(Network(model, preprocessing=given(fed)), patches[1])
    assert found.verdict == "wrong" and f"{trained}" in str(found) and "would fit better" in str(found)
    assert found.better == given(trained)
    assert check(Network(model, preprocessing=found.better), patches[1]).verdict == "fits"


@pytest.mark.parametrize("trained", ["0-1", "caffe"])
def test_bgr_for_rgb_is_seen(patches, trained):
    right = given(trained)
    model = normalized(right, patches[0])
    wrong = Preprocessing(right.scale, right.shift, not right.flip)
    found = check(Network(model, preprocessing=wrong), patches[1])
    assert found.verdict == "wrong" and found.better == right


def test_grey_images_of_a_network_trained_on_0_to_255():
    digits = datasets.load("digits")
    images = np.asarray(digits.x_train[:300])
    model = normalized(Preprocessing((255.0,), (0.0,)), images)
    found = check(Network(model), digits.x_test[:50])
    assert found.verdict == "wrong" and "Pixels 0-255 would fit better" in str(found)


def test_images_of_another_kind_are_told_from_wrong_preprocessing(patches):
    model = normalized(Preprocessing(), patches[0])
    stripes = np.zeros((8, 32, 32, 3), np.float32)
    stripes[:, ::2] = 1
    found = check(Network(model), stripes)
    assert found.verdict == "differs" and "another kind" in str(found)


def test_it_cannot_tell_and_says_why(patches):
    untrained = keras.Sequential([keras.Input((32, 32, 3)), kl.Conv2D(4, 3), kl.BatchNormalization(), kl.Flatten()])
    found = check(Network(untrained), patches[1])
    assert found.verdict == "cannot tell" and "statistics of its batch normalizations are 0 and 1" in str(found)
    found = check(zoo.load("vgg4"), patches[1])
    assert found.verdict == "cannot tell" and "no batch normalization" in str(found) and found.distances == {}


def test_its_own_scaling_tells_where_no_normalization_does(patches):
    model = classifier(kl.Rescaling(1 / 255), shape=(32, 32, 3))
    assert check(Network(model, preprocessing=given("0-255")), patches[1]).verdict == "fits"
    found = check(Network(model), patches[1])
    assert found.verdict == "wrong" and found.better == given("0-255") and "values from 0" in str(found)
