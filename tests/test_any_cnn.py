"""Any Keras CNN opens: one model of each family of ``keras.applications``.

Nearly all the time goes into building TensorFlow's graphs, layer by layer, and most layers repeat a block. So of equal
blocks that follow one another only the first few are built, unless CNNLENS_EVERY_FAMILY=1 asks for the whole networks.
"""

import contextlib
import inspect
import os
import re
import sys
from unittest import mock

import keras
import numpy as np
import pytest

from cnnlens import activations, attribution, deconvnet, embedding, exemplars, neurons, superpixels
from cnnlens.errors import CnnlensError
from cnnlens.network import Network

ROUNDS = 2  # of a loop that puts equal blocks one behind the other
WORDS = ("nano", "tiny", "mobile", "small", "base", "medium", "large")


def smallness(name):
    """Sorts the models of a family, the smallest first, by how such names are given: B0, Tiny, 50, S."""
    letter = re.search(r"(?<=\d)[SML]$", name)
    words = [rank for rank, word in enumerate(WORDS) if word in name.lower()]
    words += [{"S": 3, "M": 5, "L": 6}[letter[0]]] if letter else []
    return max(words, default=-1), [int(number) for number in re.findall(r"\d+", name)]


def families():
    """The smallest builder of each module of ``keras.applications``, whatever the installed Keras has."""
    modules = {}
    for name, builder in vars(keras.applications).items():
        if inspect.isfunction(builder):
            modules.setdefault(builder.__module__.rsplit(".")[-1], []).append(name)
    return [min(names, key=smallness) for names in modules.values()]


@contextlib.contextmanager
def few_blocks(builder):
    """While a network is built: each loop of its builder goes round no more than ROUNDS times."""
    if os.environ.get("CNNLENS_EVERY_FAMILY"):
        yield
        return
    shared = keras.applications.ResNet50.__module__  # whose blocks ResNet50V2 takes
    with contextlib.ExitStack() as stack:
        for module in {builder.__module__, shared}:
            stack.enter_context(mock.patch(f"{module}.range", lambda *ends: range(*ends)[:ROUNDS]))
        yield


@pytest.fixture(scope="module", params=families())
def net(request):
    """An untrained network for the smallest images that its builder takes."""
    keras.utils.set_random_seed(0)
    builder = getattr(keras.applications, request.param)
    for side in (32, 64, 96):
        try:
            with few_blocks(builder):
                model = builder(weights=None, input_shape=(side, side, 3), classes=7)
            break
        except ValueError as error:  # "Input size must be at least 71x71"
            assert "at least" in str(error)
    return Network.of(model, pixels=sys.modules[builder.__module__].preprocess_input, classes="abcdefg")


@pytest.fixture(scope="module")
def images(net):
    return np.random.default_rng(0).random((4, *net.size, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def maps(net):
    """A first, an inner and a last layer with maps; the inner one a third of the way in, where there are positions."""
    found = [layer for layer in net.layers() if layer.is_map]
    return {"first": found[0], "inner": found[len(found) // 3], "last": found[-1]}


@pytest.fixture(scope="module")
def acts(net, images, maps):
    return activations.record(net, images, [layer.path for layer in maps.values()], progress=False)


@pytest.fixture
def together(net, maps):
    """One graph gives these layers, whoever reads them."""
    with net.together([layer.path for layer in maps.values()]):
        yield


def test_its_layers_answer(acts, maps):
    for layer in maps.values():
        assert acts[layer.path].shape == (4, *layer.shape) and np.isfinite(acts[layer.path]).all()
    assert maps["first"].receptive_field is not None, "the path from the image is known at least to the first layer"


def test_it_classifies_and_is_explained(net, images):
    scores = net.predict(images, progress=False)
    assert scores.shape == (4, 7) and np.allclose(scores.sum(1), 1, atol=1e-5)
    assert np.allclose(scores, net.model(net.preprocess(images), training=False), atol=1e-5), "as the model itself says"
    parts = superpixels.segment(images[0], "grid", 4)
    why = superpixels.explain(net, images[0], "c", parts, samples=8, precision="float32", progress=False)
    assert why.weights.shape == (4,) and np.isfinite(why.weights).all()


def made(net, acts, layer):
    """Two steps for the unit that is most awake, for which no gradient has to be redirected."""
    unit = int(activations.responses(acts[layer.path]).mean(0).argmax())
    return neurons.maximize(net, layer.path, [unit], size=net.size, steps=2, progress=False)


@pytest.mark.usefixtures("together")
def test_an_image_is_made_for_its_first_map(net, acts, maps):
    assert np.isfinite(made(net, acts, maps["first"]).images).all()


@pytest.mark.parametrize("which", ["inner", "last"])
@pytest.mark.usefixtures("together")
def test_images_are_made_for_its_deeper_maps(net, acts, maps, which):
    found = made(net, acts, maps[which])
    assert found.images.shape == (1, *net.size, 3) and np.isfinite(found.activation).all()


@pytest.mark.usefixtures("together")
def test_what_drives_a_unit_is_found(net, images, maps):
    tops = exemplars.find(net, maps["inner"].path, images, units=[0], k=2, progress=False)
    assert tops.activation.shape[-1] == 2


def test_what_drives_it_is_sent_back(net, images, maps):
    try:
        back = deconvnet.project(net, images[:1], maps["inner"].path, 0)
    except CnnlensError as error:
        assert "No ReLU stands between" in str(error), "a network of GELU or SiLU has nothing that could be rectified"
    else:
        assert back.rectifiers > 0 and np.isfinite(back.projection).all()


@pytest.mark.usefixtures("together")
def test_its_images_are_mapped(net, images, maps):
    assert len(embedding.represent(net, images, maps["inner"].path, progress=False).vectors) == 4


def test_it_is_asked_where_it_looks(net, images):
    found = attribution.explain(net, images[:2], "c", "gradcam", progress=False)
    assert found.maps.shape == (2, *net.size) and np.isfinite(found.maps).all()
    assert np.allclose(found.probabilities, net.predict(images[:2], progress=False)[:, 2], atol=1e-5)
