"""The explorers' logic, without a browser: what the controls do, what is computed again, what happens to errors."""

import importlib
import io
import pkgutil
import threading
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from cnnlens import datasets, explore, figures, scores, zoo
from cnnlens.errors import CnnlensError
from cnnlens.explore import base
from cnnlens.explore.base import Explorer, Frame
from cnnlens.explore.controls import Choice, Number, Toggle

UNITS = {"first": 3, "second": 8, "third": 1}


def dot(value):
    return np.full((4, 4, 3), value % 256, np.uint8)


def layered(**more):
    """An explorer like that of the activations, but of nothing."""
    drawn = []

    def draw(values, found):
        assert values["unit"] < UNITS[values["layer"]], "a frame was drawn from a unit that the layer does not have"
        drawn.append(values)
        return Frame(dot(values["unit"]), f"{found} {values['layer']} {values['unit']}")

    explorer = Explorer(
        [Number("image", 0, 4), Choice("layer", UNITS), Number("unit", 0, 2), Toggle("marked")],
        draw,
        key=lambda values: values["image"],
        limits=lambda values: {"unit": UNITS[values["layer"]] - 1},
        source="nowhere",
        **{"compute": lambda values, step: f"image {values['image']}", **more},
    )
    return explorer, drawn


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


@pytest.fixture
def watched(monkeypatch):
    """As in a notebook, where somebody watches: what takes time runs beside the kernel's thread."""
    monkeypatch.setattr(base, "headless", lambda: False)


# --- controls -----------------------------------------------------------------------------------------------


def test_slider_and_box_say_the_same():
    explorer, drawn = layered()
    explorer.controls["unit"].slider.value = 2
    assert explorer.controls["unit"].box.value == 2 and drawn[-1]["unit"] == 2
    explorer.controls["unit"].box.value = 1
    assert explorer.controls["unit"].slider.value == 1 and drawn[-1]["unit"] == 1
    explorer.controls["layer"].slider.value = 1
    assert explorer.controls["layer"].box.value == "second" and drawn[-1]["layer"] == "second"
    explorer.controls["layer"].box.value = "first"
    assert explorer.controls["layer"].slider.value == 0
    assert len(drawn) == 5, "each move draws one frame, the first look one more"


def test_another_layer_resets_the_range_before_anything_is_drawn():
    explorer, drawn = layered()
    explorer.set(layer="second", unit=7)
    unit = explorer.controls["unit"]
    before = len(drawn)
    explorer.controls["layer"].slider.value = 2  # one unit only; draw() itself asserts that no stale frame is drawn
    assert (unit.slider.max, unit.box.max, unit.value, unit.box.value) == (0, 0, 0, 0)
    assert len(drawn) == before + 1
    explorer.controls["layer"].box.value = "second"
    assert unit.slider.max == unit.box.max == 7


def test_a_value_within_the_new_range_stays():
    explorer, _ = layered()
    explorer.set(unit=2)
    explorer.set(layer="second")
    assert explorer.values["unit"] == 2


def test_names_and_numbers_can_be_given_new_ranges():
    choice = Choice("what", ["a", "b", "c"], "c")
    choice.allow(["b", "c", "d", "e"])
    assert choice.value == "c" and choice.slider.value == 1 and choice.slider.max == 3
    choice.allow(["x"])
    assert choice.value == "x" and choice.slider.disabled
    number = Number("weight", 0.0, 1.0, 0.5, step=0.25)
    assert number.all_values() == [0, 0.25, 0.5, 0.75, 1]
    number.allow((2.0, 3.0))
    assert number.value == 2.0 and number.slider.min == number.box.min == 2.0


def test_the_sweep_visits_every_value():
    explorer, _ = layered()
    seen = list(explorer.sweep())
    assert {values["image"] for values in seen} == set(range(5))
    assert {values["layer"] for values in seen} == set(UNITS)
    assert {values["unit"] for values in seen} == {0, 1, 2}
    assert {values["marked"] for values in seen} == {False, True}


# --- what is computed, and when -----------------------------------------------------------------------------


def test_only_the_first_look_computes():
    explorer, drawn = layered()
    for _ in range(2):
        for image in range(3):
            explorer.set(image=image)
            explorer.set(layer="second", unit=4)
            explorer.set(layer="first")
    assert explorer.computed == 3 and len(drawn) > 15
    assert explorer.frame.words.startswith("image 2")


def test_old_results_are_forgotten():
    explorer, _ = layered(keep=2)
    explorer.set(image=1).set(image=2).set(image=1)
    assert explorer.computed == 3
    explorer.set(image=0)
    assert explorer.computed == 4


def test_the_picture_is_what_was_drawn():
    explorer, _ = layered()
    explorer.set(layer="second", unit=6)
    shown = np.asarray(Image.open(io.BytesIO(explorer._picture.parts[0])))
    np.testing.assert_array_equal(shown, dot(6))
    assert "image 0 second 6" in explorer._words.value
    data = explorer._repr_mimebundle_()
    assert data["image/png"] and data["text/plain"] == "image 0 second 6"


def test_a_picture_of_several_rasters_is_one_where_it_cannot_wrap():
    frame = Frame((dot(1), dot(2)), "two")
    parts = [np.asarray(Image.open(io.BytesIO(part))) for part in frame.parts()]
    np.testing.assert_array_equal(parts, [dot(1), dot(2)])
    assert frame.pixels().shape[0] == 4 and frame.pixels().shape[1] > 8
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(frame.png()))), frame.pixels())


def test_beside_the_kernel_the_last_move_wins(watched):
    gate, started = threading.Event(), []

    def compute(values, step):
        started.append(values["image"])
        gate.wait(10)
        step(1, 1)
        return f"image {values['image']}"

    explorer, drawn = layered(compute=compute)
    wait_for(lambda: started == [0])
    assert explorer.frame is None and explorer._status.layout.visibility == "visible"
    for image in (1, 2, 3):
        explorer.controls["image"].slider.value = image
    assert started == [0], "one computation at a time"
    gate.set()
    wait_for(lambda: explorer._job is None and explorer.frame is not None)
    assert started == [0, 3], "what was passed over is not computed"
    assert explorer.frame.words == "image 3 first 0" and all(values["image"] == 3 for values in drawn)
    assert explorer._status.layout.visibility == "hidden"


def test_a_slow_lens_shows_progress_and_can_be_stopped(watched):
    reached = threading.Event()

    def compute(values, step):
        for done in range(10_000):
            step(done, 10_000, f"part {done}")
            if done == 3:
                reached.set()
            time.sleep(0.002)

    explorer, drawn = layered(compute=compute)
    assert reached.wait(10)
    assert explorer._bar.value >= 3 and explorer._bar.max == 10_000 and "part" in explorer._doing.value
    explorer._stop.click()
    wait_for(lambda: explorer._job is None)
    assert explorer.frame is None and explorer.error is None and not drawn and explorer.computed == 0


# --- errors -------------------------------------------------------------------------------------------------


def failing(message=None):
    def draw(values, _):
        if values["n"] == 2:
            raise CnnlensError(message) if message else ZeroDivisionError("by <nothing>")
        return Frame(dot(values["n"]), f"n {values['n']}")

    return Explorer([Number("n", 0, 3)], draw)


def test_headless_an_error_is_raised():
    with pytest.raises(CnnlensError, match="two is no number"):
        failing("two is no number").set(n=2)
    with pytest.raises(ZeroDivisionError):
        failing().controls["n"].slider.value = 2
    with pytest.raises(RuntimeError, match="no network"):
        layered(compute=lambda values, step: (_ for _ in ()).throw(RuntimeError("no network")))


def test_watched_an_error_is_shown_in_words_and_goes_away(watched):
    explorer = failing("two is no number").set(n=2)
    assert "two is no number" in explorer._error.value and 'role="alert"' in explorer._error.value
    assert isinstance(explorer.error, CnnlensError) and explorer.frame.words == "n 0"
    explorer.set(n=3)
    assert explorer._error.value == "" and explorer.error is None and explorer.frame.words == "n 3"
    assert "ZeroDivisionError: by &lt;nothing&gt;" in failing().set(n=2)._error.value


def test_an_error_beside_the_kernel_is_shown_too(watched):
    def compute(values, step):
        raise CnnlensError("the weights are damaged")

    explorer, _ = layered(compute=compute)
    wait_for(lambda: explorer.error is not None)
    assert "the weights are damaged" in explorer._error.value and explorer._job is None


def test_headless_is_what_the_runner_says(monkeypatch):
    assert base.headless(), "pytest has no kernel"
    monkeypatch.setattr(base, "get_ipython", lambda: type("Shell", (), {"kernel": object()})())
    monkeypatch.delenv("CNNLENS_HEADLESS", raising=False)
    assert not base.headless()
    monkeypatch.setenv("CNNLENS_HEADLESS", "1")
    assert base.headless()


# --- the explorers of this lesson ---------------------------------------------------------------------------


def test_the_package_gives_explorers_not_files():
    files = [found.name for found in pkgutil.iter_modules(explore.__path__)]
    for name in files:
        module = importlib.import_module(f"cnnlens.explore.{name}")
        if name.startswith("_"):
            assert getattr(explore, name[1:]) is getattr(module, name[1:]), "an explorer is listed in the package"
    assert {name.lstrip("_") for name in files} == set(explore.__all__)
    with pytest.raises(AttributeError, match="activation"):
        explore.activation  # noqa: B018


@pytest.mark.parametrize("package", [scores, figures])
def test_packages_list_their_files(package):
    files = {found.name for found in pkgutil.iter_modules(package.__path__)}
    assert files <= set(package.__all__) == set(dir(package))
    assert all(getattr(package, name) is not None for name in package.__all__)


def test_every_file_with_painters_is_asked_for_them():
    folder = Path(figures.__file__).parent
    assert set(figures._PAINTED) == {file.stem for file in folder.glob("*.py") if "@painter(" in file.read_text()}


def test_activations_over_the_whole_range_of_each_control():
    net = zoo.load("lenet", weights="random")
    explorer = explore.activations(net, datasets.load("digits").x_test[:3], labels=["seven", "two", "one"])
    pictures = {}
    for values in explorer.sweep(unit=4):
        pictures[tuple(values.values())] = tuple(explorer._picture.parts)
    assert {key[1] for key in pictures} == {layer.path for layer in net.layers()}
    assert len(set(pictures.values())) > 0.8 * len(pictures), "moving a control changes the picture"
    assert explorer.computed == 3, "the network ran once for each image"
    for layer in net.layers():
        explorer.set(layer=layer.path)
        for unit in (0, layer.units - 1):
            explorer.set(unit=unit)
            assert layer.path in explorer.frame.words and net.source in explorer.children[-1].value


def test_the_numbers_beside_the_map():
    net = zoo.load("lenet", weights="random")
    digits = datasets.load("digits").x_test[:1]
    explorer = explore.activations(net, digits).set(layer="conv2", unit=5)
    values = net.read(digits, ["conv2"])["conv2"][0]
    words = explorer.frame.words
    row, col = np.unravel_index(values[..., 5].argmax(), (11, 11))
    assert f"peak {values[..., 5].max():.3g} at row {row}, column {col}" in words
    assert f"by mean: unit {values.mean((0, 1)).argmax()}; by peak: unit {values.max((0, 1)).argmax()}" in words
    assert "sees 8×8 px" in words


def test_activations_refuse_at_once_what_cannot_be_shown(watched):
    net = zoo.load("lenet", weights="random")
    digits = datasets.load("digits").x_test[:2]
    with pytest.raises(CnnlensError, match="conv1"):
        explore.activations(net, digits, ["conv_1"])
    with pytest.raises(CnnlensError, match="NaN"):
        explore.activations(net, digits * np.nan)
    with pytest.raises(CnnlensError, match="2 images and 3 labels"):
        explore.activations(net, digits, labels="abc")


@pytest.mark.parametrize("units, activation, channels", [(3, None, 3), (1, "sigmoid", 1), (1, None, 5)])
def test_activations_of_models_as_users_have_them(units, activation, channels, tmp_path):
    kl = keras.layers
    maps = [kl.Conv2D(2, 3, activation="relu"), kl.Reshape((60, 2)), kl.Conv1D(3, 5)]
    dense = [kl.Flatten(), kl.Dense(units, activation)]
    model = keras.Sequential([keras.Input((12, 8, channels)), *maps, *dense])
    model.save(tmp_path / "own.keras")
    images = np.random.default_rng(0).random((2, 12, 8, channels))
    words = []
    for network in (model, tmp_path / "own.keras"):
        explorer = explore.activations(network, images, source="made up")
        words.append([explorer.frame.words for _ in explorer.sweep()])
        assert "made up" in explorer.children[-1].value
    assert words[0] == words[1] and len(words[0]) > 6


def test_convolution_over_the_whole_range_of_each_control():
    explorer = explore.convolution(datasets.photos()[0].image[:48, :48], source="chelsea")
    pictures = {
        tuple(values.values()): tuple(explorer._picture.parts) for values in explorer.sweep(kernel=4, filters=4, seed=3)
    }
    assert len(set(pictures.values())) == len(pictures)
    assert "positions left" in explorer.frame.words
