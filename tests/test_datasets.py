"""Data sets, their stand-ins, and a user's own pictures."""

import io

import numpy as np
import PIL.Image
import pytest

from cnnlens import datasets, files
from cnnlens.errors import CnnlensError, StandInRefused


def fake(name, folder, **changes):
    """An .npz of the right shapes, all black, with some arrays changed."""
    arrays = {}
    for split, shape in zip(("train", "test"), datasets.SHAPES[name]):
        arrays[f"x_{split}"] = np.zeros(shape, np.uint8)
        arrays[f"y_{split}"] = np.zeros(shape[0], np.uint8)
    arrays.update(changes)
    np.savez(folder / f"{name}.npz", **{key: value for key, value in arrays.items() if value is not None})


def test_images_read_as_floats():
    images = datasets.Images(np.arange(2 * 3 * 3 * 1, dtype=np.uint8).reshape(2, 3, 3, 1))
    assert images[0].shape == (3, 3, 1) and images[:1].shape == (1, 3, 3, 1)
    assert images[:].dtype == np.float32 and np.asarray(images).max() == np.float32(17 / 255)
    assert len(list(images)) == len(images) == 2
    assert images[np.array([1])][0, 0, 0, 0] == np.float32(9 / 255)


@pytest.mark.parametrize(("name", "shape"), [("mnist", (28, 28, 1)), ("cifar10", (32, 32, 3))])
def test_stand_ins_are_used_and_labelled(name, shape):
    data = datasets.load(name)
    assert data.source.startswith("stand-in for")
    assert data.x_train.shape[1:] == shape and data.x_test[:1].dtype == np.float32
    assert len(data.classes) == 10 and set(data.y_train) == set(data.y_test) == set(range(10))
    assert len(data.x_train) == len(data.y_train)


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_a_stand_in_can_be_refused(name, monkeypatch):
    monkeypatch.setenv("CNNLENS_REQUIRE_REAL", "1")
    with pytest.raises(StandInRefused, match="cnnlens fetch"):
        datasets.load(name)


def test_digits_are_framed_as_mnist_frames_them():
    pixels = datasets.load("digits").x_train.pixels[..., 0]
    ink = pixels.astype(float)
    rows, columns = np.mgrid[:28, :28]
    total = ink.sum((1, 2))
    centres = np.stack([(ink * rows).sum((1, 2)) / total, (ink * columns).sum((1, 2)) / total])
    assert np.abs(centres - 13.5).max() < 1.0, "the centre of mass is in the middle"
    tall = [np.ptp(np.flatnonzero((image > 20).any(1))) + 1 for image in pixels]
    assert max(tall) <= 20, "the ink fits a 20 px box"


def test_patches_of_training_and_test_never_overlap(monkeypatch):
    """Each photograph is replaced by one whose pixels name their column: no column may be in both."""

    def columns(name):
        return np.broadcast_to((np.arange(600) // 3).astype(np.uint8)[None, :, None], (400, 600, 3)).copy()

    monkeypatch.setattr(datasets.stand_ins, "packaged", columns)
    data = datasets.load("patches")
    assert data.x_train.pixels.max() < data.x_test.pixels.min()


def test_same_patches_every_time():
    once, twice = datasets.load("patches"), datasets.load("patches")
    assert np.array_equal(once.x_train.pixels, twice.x_train.pixels) and np.array_equal(once.y_test, twice.y_test)


def test_take_says_so():
    data = datasets.load("digits").take(100, 50)
    assert len(data.x_train) == len(data.y_train) == 100 and len(data.y_test) == 50
    assert "first 100 training and 50 test" in data.source
    assert datasets.load("digits").take(10**6).source == datasets.load("digits").source


def test_unknown_data_set_names_the_nearest():
    with pytest.raises(CnnlensError, match="no data set 'mnits'. Did you mean 'mnist'"):
        datasets.load("mnits")


def test_wrong_contents_of_mnist(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNLENS_DATA", str(tmp_path))
    fake("mnist", tmp_path)
    with pytest.raises(CnnlensError, match="SHA-256 of the arrays differs"):
        datasets.load("mnist")


def test_truncated_file(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNLENS_DATA", str(tmp_path))
    fake("mnist", tmp_path)
    whole = (tmp_path / "mnist.npz").read_bytes()
    (tmp_path / "mnist.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CnnlensError, match="mnist.npz is truncated.*fetch"):
        datasets.load("mnist")
    (tmp_path / "mnist.npz").write_text("<html>")
    with pytest.raises(CnnlensError, match="mnist.npz is truncated or no .npz"):
        datasets.load("mnist")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x_test": None}, "holds no array 'x_test'"),
        ({"x_test": np.zeros((10, 32, 32, 3), np.uint8)}, r"x_test is uint8 \(10, 32, 32, 3\), expected uint8 \(10000"),
        ({"x_test": np.zeros((10000, 32, 32, 3), np.float32)}, "x_test is float32"),
        ({"y_test": np.zeros(9, np.uint8)}, r"y_test is uint8 \(9,\)"),
        ({"y_test": np.full(10000, 10, np.uint8)}, "expected 10000 whole numbers 0–9"),
        ({"y_train": np.array([{}], object)}, "truncated or no .npz"),  # a pickle: refused unread
    ],
)
def test_misshapen_arrays(monkeypatch, tmp_path, changes, words):
    monkeypatch.setenv("CNNLENS_DATA", str(tmp_path))
    fake("cifar10", tmp_path, **changes)
    with pytest.raises(CnnlensError, match=words):
        datasets.load("cifar10")


def test_a_right_file_is_read(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNLENS_DATA", str(tmp_path))
    fake("cifar10", tmp_path)
    data = datasets.load("cifar10")
    assert data.source == "CIFAR-10 from cifar10.npz in CNNLENS_DATA" and data.x_train.pixels.nbytes < 2**28


def test_damaged_cache_of_keras(monkeypatch):
    path = files.keras_folder("datasets") / "mnist.npz"
    path.parent.mkdir(parents=True)
    path.write_text("half")
    monkeypatch.setattr("keras.datasets.mnist.load_data", lambda: (_ for _ in ()).throw(OSError("bad zip")))
    with pytest.raises(CnnlensError, match="Keras's cache.*Delete .*mnist.npz and run `cnnlens fetch mnist`"):
        datasets.load("mnist")


def test_real_data(real_data):
    mnist, cifar10 = datasets.load("mnist"), datasets.load("cifar10")
    assert len(mnist.x_train) == 60000 and mnist.classes[3] == "3" and "stand-in" not in mnist.source
    assert cifar10.x_test.shape == (10000, 32, 32, 3) and cifar10.classes[6] == "frog"
    assert cifar10.x_train.pixels.nbytes + cifar10.x_test.pixels.nbytes < 2**30


# --- photographs and pictures ----------------------------------------------------------------------------------


def test_photos():
    photos = datasets.photos()
    assert len(photos) >= 20 and "tabby" in photos.labels and "foolbox" in photos.source
    assert np.asarray(photos[:3]).shape == (3, 224, 224, 3)
    assert all(
        photo.image.dtype == np.float32 and photo.image.min() >= 0 and photo.image.max() <= 1 for photo in photos
    )


def test_photos_of_the_user(monkeypatch, tmp_path):
    (tmp_path / "photos").mkdir()
    PIL.Image.new("RGB", (40, 30), "red").save(tmp_path / "photos" / "n02123045_tabby.jpg")
    monkeypatch.setenv("CNNLENS_DATA", str(tmp_path))
    photos = datasets.photos()
    assert photos.labels == ["tabby"] and photos.source == "photographs in CNNLENS_DATA"


GRADIENT = np.linspace(0, 255, 48 * 32 * 3).reshape(32, 48, 3).astype(np.uint8)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "bmp"])
def test_kinds_of_file(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    PIL.Image.fromarray(GRADIENT).save(path, quality=95)
    image = datasets.load_image(path)
    assert image.shape == (32, 48, 3) and image.dtype == np.float32
    assert np.abs(image - GRADIENT / 255).max() < 0.1
    assert datasets.load_image(path, size=16).shape == (16, 16, 3)
    assert datasets.load_image(path, size=16, grey=True).shape == (16, 16, 1)


def test_palette_alpha_and_sixteen_bits(tmp_path):
    path = tmp_path / "a.png"
    PIL.Image.new("P", (4, 4), 1).save(path)
    assert datasets.load_image(path).shape == (4, 4, 3)
    PIL.Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(path)
    assert datasets.load_image(path).min() == 1, "transparent is white"
    PIL.Image.new("LA", (4, 4), (0, 255)).save(path)
    assert datasets.load_image(path).max() == 0
    PIL.Image.fromarray(np.full((4, 4), 32768, np.uint16)).save(path)
    assert np.allclose(datasets.load_image(path), 0.5, atol=1e-3)
    PIL.Image.new("1", (4, 4), 1).save(path)
    assert datasets.load_image(path).min() == 1


def test_exif_rotation(tmp_path):
    picture = PIL.Image.fromarray(GRADIENT)
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it a quarter turn clockwise
    picture.save(tmp_path / "a.jpg", exif=exif, quality=95)
    image = datasets.load_image(tmp_path / "a.jpg")
    assert image.shape == (48, 32, 3)
    assert np.abs(image - np.rot90(GRADIENT / 255, -1)).max() < 0.1


def test_no_pictures(tmp_path):
    (tmp_path / "a.png").write_text("hello")
    with pytest.raises(CnnlensError, match="a.png is no picture"):
        datasets.load_image(tmp_path / "a.png")
    with pytest.raises(CnnlensError, match="no picture 'nowhere.png'"):
        datasets.load_image("nowhere.png")
    for kind in ("png", "jpeg"):
        buffer = io.BytesIO()
        PIL.Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(buffer, kind)
        (tmp_path / "half.png").write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
        with pytest.raises(CnnlensError, match="half.png is damaged or truncated"):
            datasets.load_image(tmp_path / "half.png")
