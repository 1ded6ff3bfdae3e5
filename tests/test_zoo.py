"""Networks by name: the facts of the dissertation, where weights come from, and what is refused."""

import pickle

import keras
import numpy as np
import pytest
from keras import layers as kl

from cnnlens import datasets, zoo
from cnnlens.errors import CnnlensError, StandInRefused
from cnnlens.preprocessing import Preprocessing


@pytest.mark.parametrize(("name", "count"), [("lenet", 113_386), ("vgg4", 1_080_470)])
def test_architectures_of_the_dissertation(name, count):
    net = zoo.load(name, weights="random")
    assert net.model.count_params() == count
    assert len(net.classes) == 10 and net.source.startswith("untrained")


def test_random_weights_follow_the_seed():
    first, again, other = (zoo.load("lenet", weights="random", seed=seed).model.get_weights()[0] for seed in (5, 5, 6))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


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
        raise zoo.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(zoo.importlib.metadata, "distribution", gone)
    with pytest.raises(CnnlensError, match=r"pip install -e \.\[offline\]"):
        zoo.load("vgg16")


def test_pickle_admits_arrays_only(tmp_path):
    class Evil:
        def __reduce__(self):
            return print, ("run",)

    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"conv1": Evil()}))
    with pytest.raises(CnnlensError, match="only numpy arrays are read"), open(tmp_path / "a.pkl", "rb") as file:
        zoo._ArraysOnly(file).load()


# --- weights files -------------------------------------------------------------------------------------------


def test_weights_file_by_path_and_by_data_folder(tmp_path, monkeypatch):
    net = zoo.untrained("lenet", seed=3)
    net.model.save_weights(tmp_path / "mine.weights.h5")
    again = zoo.load("lenet", weights=tmp_path / "mine.weights.h5")
    assert again.source == "weights from mine.weights.h5"
    for a, b in zip(net.model.get_weights(), again.model.get_weights()):
        assert np.array_equal(a, b)


def test_keras_weights_from_the_data_folder(tmp_path, monkeypatch):
    """A full VGG16 file is half a gigabyte; a model of the same name with a small head stands for it."""
    head = [kl.GlobalAveragePooling2D(), kl.Dense(1000, activation="softmax")]
    small = keras.Sequential([keras.Input((8, 8, 3)), kl.Conv2D(2, 3), *head])
    monkeypatch.setattr(zoo, "_builder", lambda name: keras.applications.VGG16)
    monkeypatch.setattr(zoo, "_filled", lambda build, path: small)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / zoo.KERAS_WEIGHTS["vgg16"][0]).write_text("")
    monkeypatch.setenv("CNNLENS_DATA", str(tmp_path))
    net = zoo.load("vgg16")
    assert net.source == f"ImageNet weights from {zoo.KERAS_WEIGHTS['vgg16'][0]}" and net.model is small


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


def test_keras_file_with_code_is_refused(tmp_path):
    model = keras.Sequential([keras.Input((8, 8, 3)), kl.Lambda(lambda x: x + 1), kl.Flatten(), kl.Dense(4)])
    model.save(tmp_path / "lambda.keras")
    with pytest.raises(CnnlensError, match="lambda.keras was not opened: it holds Python code"):
        zoo.load(tmp_path / "lambda.keras")


def test_no_keras_file(tmp_path):
    (tmp_path / "text.keras").write_text("hello")
    with pytest.raises(CnnlensError, match="text.keras was not opened: it is no readable Keras model"):
        zoo.load(tmp_path / "text.keras")
    with pytest.raises(CnnlensError, match="no model file"):
        zoo.load(tmp_path / "nowhere.keras")
