"""The playground's page as it is made: which networks it takes, and which not, because; what it carries."""

import base64
import json
import re
import zlib

import keras
import numpy as np
import pytest
from keras import layers as kl

from cnnlens import Network, explore, playground, zoo
from cnnlens.__main__ import main
from cnnlens.errors import CnnlensError
from cnnlens.playground import pages
from cnnlens.preprocessing import OwnPreprocessing


def small(*layers, shape=(8, 8, 1)):
    """A network of these layers and a dense softmax behind them."""
    return keras.Sequential([keras.Input(shape), *layers, kl.Flatten(), kl.Dense(3, activation="softmax", name="end")])


def branched():
    inputs = keras.Input((8, 8, 1))
    left, right = (kl.Conv2D(2, 3, padding="same", name=name)(inputs) for name in ("left", "right"))
    return keras.Model(inputs, kl.Dense(2)(kl.Flatten()(kl.Add(name="sum")([left, right]))), name="branched")


def around():
    """A branch that no layer shows: the second convolution reads the image, not the first."""
    inputs = keras.Input((8, 8, 1))
    first, second = (kl.Conv2D(1, 3, padding="same", name=name)(inputs) for name in ("first", "second"))
    end = kl.Dense(2, activation="softmax", name="end")(kl.Flatten()(second))
    return keras.Model(inputs, [end, kl.Flatten()(first)], name="around")


def twice():
    """A layer that is used twice."""
    inputs, again = keras.Input((8, 8, 1)), kl.Conv2D(1, 3, padding="same", name="again")
    return keras.Model(inputs, kl.Dense(2, name="end")(kl.Flatten()(again(again(inputs)))), name="twice")


REFUSED = {
    "a layer of another kind": (lambda: small(kl.UpSampling2D(name="up")), "'up'.*UpSampling2D"),
    "a branch": (branched, "'sum' is of the kind Add"),
    "an activation": (lambda: small(kl.Conv2D(2, 3, activation="tanh", name="odd")), "'odd' has the activation 'tanh'"),
    "a sigmoid at the end": (
        lambda: keras.Sequential([keras.Input((8, 8, 1)), kl.Flatten(), kl.Dense(4, activation="sigmoid", name="top")]),
        "'top' has the activation",
    ),
    "groups": (lambda: small(kl.Conv2D(2, 3, groups=2, name="split"), shape=(8, 8, 2)), "channels|'split'"),
    "dilation": (lambda: small(kl.Conv2D(2, 3, dilation_rate=2, name="wide")), "'wide'.*dilation"),
    "a softmax inside": (lambda: small(kl.Softmax(name="early")), "'early' is a softmax before the end"),
    "a leaky ReLU": (lambda: small(kl.ReLU(negative_slope=0.1, name="leaky")), "'leaky'.*slope"),
    "dense on maps": (lambda: small(kl.Dense(2, name="flat")), "'flat' is a dense layer on maps"),
    "any size": (
        lambda: keras.Sequential([keras.Input((None, None, 1)), kl.Conv2D(2, 3), kl.GlobalMaxPooling2D(), kl.Dense(2)]),
        "any size",
    ),
    "too large": (lambda: small(kl.Flatten(), kl.Dense(40000)), "weights; a page"),
    "large images": (lambda: small(kl.GlobalMaxPooling2D(), kl.Dense(2), shape=(200, 200, 1)), "200 px"),
    "maps at the end": (
        lambda: keras.Sequential([keras.Input((8, 8, 1)), kl.Conv2D(2, 3, name="maps")]),
        "no classifier",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_the_page_cannot_run_is_refused_with_the_layer_that_stands_in_the_way(what):
    build, says = REFUSED[what]
    with pytest.raises(CnnlensError, match=f"^Not .*because.*({says})"):
        playground.chain(build())


@pytest.mark.parametrize("build", [around, twice])
def test_layers_that_are_no_chain_are_found_by_their_answer(build):
    with pytest.raises(CnnlensError, match="do not give its answer|they branch"):
        playground.chain(build())


def test_preprocessing_that_is_code_is_refused():
    net = Network(small(), preprocessing=OwnPreprocessing(function=lambda pixels: pixels**2))
    with pytest.raises(CnnlensError, match="a function of its own"):
        playground.chain(net)


def test_lenet_is_a_chain_of_nine_steps():
    found = playground.chain(zoo.load("lenet", weights="random"))
    assert [step.kind for step in found.steps] == [
        *("convolution", "relu", "largest", "convolution", "relu", "largest", "dense", "relu", "dense", "softmax")
    ]
    assert sum(values.size for step in found.steps for values in step.weights.values()) == 113_386
    assert [layer.path for layer in found.layers] == ["conv1", "pool1", "conv2", "pool2", "dense1", "dense2"]


@pytest.fixture(scope="module")
def toy():
    """A page of a tiny network on images of its own."""
    model = small(kl.Conv2D(2, 3, activation="relu", name="conv"), kl.MaxPooling2D(name="pool"))
    images = np.random.default_rng(0).random((9, 8, 8, 1))
    net = Network.of(model, classes=["<b>one</b>", "two & three", "</script>"], source="made up for a test")
    return playground.page(net, images, [0, 1, 2] * 3, source="noise", at="unit=conv/1", steps=2, progress=False)


def told(page):
    return json.loads(re.search(r'id="told">(.*?)</script>', page.html, re.S)[1])


def test_a_page_carries_images_best_images_and_sources(toy):
    found = told(toy)
    assert found["source"].startswith("made up for a test") and found["source"].endswith("noise")
    assert found["classes"] == ["<b>one</b>", "two & three", "</script>"] and found["at"] == "unit=conv/1"
    assert len(found["picks"]) == 9 and found["layers"][0]["boxes"][0][0][2:] != [8, 8]
    assert all(len(layer["best"]) == layer["shape"][-1] for layer in found["layers"])
    assert "http" not in re.sub(r'id="packed">.*?</script>', "", toy.html, flags=re.S).replace("http-equiv", "")


def test_arrays_come_back_as_they_went_in():
    arrays = {"b": np.arange(5, dtype=np.uint8), "a": np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)}
    text, table = pages.pack(arrays)
    content = zlib.decompress(base64.b64decode(text))
    for name, (kind, place, shape) in table.items():
        size = int(np.prod(shape))
        back = np.frombuffer(content, kind, size, place).reshape(shape)
        assert np.array_equal(back, arrays[name])
    assert table["a"][1] % 4 == 0


def test_modules_are_joined_without_imports_and_exports_and_share_no_name():
    text = 'import { a,\n  b } from "./x.js";\nexport const c = 1;\nexport async function d() {}\n// export stays\n'
    assert pages.joined(text) == "const c = 1;\nasync function d() {}\n// export stays\n"
    names = re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", pages.script(), re.M)
    assert len(names) == len(set(names)) > 40
    files = {path.stem for path in pages.TEMPLATES.glob("*.js")}
    assert files == set(pages.MODULES)
    for number, name in enumerate(pages.MODULES):  # each stands behind what it imports
        needs = re.findall(r'from "\./(\w+)\.js"', (pages.TEMPLATES / f"{name}.js").read_text())
        assert set(needs) <= set(pages.MODULES[:number]), name


def test_an_address_that_is_none_and_labels_that_do_not_fit():
    net = zoo.load("lenet", weights="random")
    with pytest.raises(CnnlensError, match="Expected pairs such as"):
        playground.page(net, at="conv2/7")
    with pytest.raises(CnnlensError, match="got 2 labels"):
        playground.page(net, np.zeros((3, 28, 28, 1)), [1, 2])


def test_the_command_and_the_explorer(tmp_path, capsys, toy):
    path = tmp_path / "own.keras"
    small(kl.Conv2D(2, 3), kl.ReLU()).save(path)
    assert main(["playground", str(path), "--out", str(tmp_path / "own.html"), "--steps", "2"]) == 0
    assert "own.html" in capsys.readouterr().out and (tmp_path / "own.html").read_text().startswith("<!doctype html>")
    bundle = toy._repr_mimebundle_()
    assert (
        bundle["text/html"].startswith("<iframe")
        and "srcdoc" in bundle["text/html"]
        and toy.alt in bundle["text/plain"]
    )
    assert explore.playground.__doc__


def test_the_command_says_why_not(tmp_path, capsys):
    path = tmp_path / "branched.keras"
    branched().save(path)
    assert main(["playground", str(path), "--out", str(tmp_path / "no.html")]) == 2
    assert (
        "because its layer 'sum' is of the kind Add" in capsys.readouterr().err and not (tmp_path / "no.html").exists()
    )
