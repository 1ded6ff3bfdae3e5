"""The microscope: its store against the lenses alone; damage, another network, a full disk."""

import errno
import shutil
import sys
from types import SimpleNamespace

import keras
import locket
import numpy as np
import pytest

import cnnlens
from cnnlens import Network, deconvnet, exemplars, neurons, zoo
from cnnlens.errors import CnnlensError
from cnnlens.microscope import kept, microscope, opened
from cnnlens.microscope.lock import writing_alone
from cnnlens.microscope.plan import planned
from cnnlens.microscope.progress import Estimate
from cnnlens.microscope.store import Store

HOW = {"steps": 3, "progress": False, "site": False}


def tiny(path=None, seed=0, units=40):
    """A network whose second convolution has two batches of units."""
    keras.utils.set_random_seed(seed)
    relu = {"activation": "relu"}
    layers = [keras.layers.Conv2D(4, 3, **relu, name="a"), keras.layers.Conv2D(units, 3, **relu, name="b")]
    layers += [keras.layers.GlobalMaxPooling2D(), keras.layers.Dense(3, activation="softmax", name="c")]
    model = keras.Sequential([keras.Input((16, 16, 3)), *layers], name="tiny")
    if path is None:
        return Network.of(model, pixels="0-1", classes=["cat", "dog", "fox"])
    model.save(path)
    return path


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).random((24, 16, 16, 3)), np.arange(24) % 3


@pytest.fixture(scope="module")
def whole(tmp_path_factory, pictures):
    """A network, and the store of an undisturbed run."""
    net, (images, labels) = tiny(), pictures
    return net, microscope(net, images, tmp_path_factory.mktemp("whole"), labels=labels, **HOW)


def contents(store):
    """All that lies in a store, by name."""
    group = store._group
    return {name: array[:] for name, array in group.members(max_depth=None) if hasattr(array, "dtype")}


def same(one, other):
    first, second = contents(one), contents(other)
    assert first.keys() == second.keys() and len(first) > 30
    return [
        name for name in first if not np.array_equal(first[name], second[name], equal_nan=first[name].dtype.kind == "f")
    ]


# --- what is in it --------------------------------------------------------------------------------------------------


def test_patches_are_those_that_the_lens_finds(whole, pictures):
    net, store = whole
    pixels = np.rint(pictures[0] * 255).astype(np.uint8)
    found = exemplars.find(net, ["a", "b", "c"], pixels, progress=False)
    for number, path in enumerate("abc"):
        tops = found[path]
        assert np.array_equal(store.read(number, "top_image"), tops.index)
        assert np.allclose(store.read(number, "top_value"), tops.activation, atol=1e-5)
        assert np.array_equal(store.read(number, "inside"), tops.inside)
        assert np.array_equal(store.read(number, "patches"), np.rint(tops.patches * 255).astype(np.uint8))


def test_optimized_images_are_those_that_the_lens_makes(whole):
    net, store = whole
    for batch in (range(20), range(20, 40)):
        made = neurons.maximize(net, "b", batch, objective="center", steps=3, size=store.plan.layers[1].made)
        kept = store.read(1, "made", batch[0], batch[-1] + 1)
        top, left, bottom, right = store.plan.layers[1].kept
        assert kept.shape[1:3] == (5, 5) == net.layer("b").receptive_field, "what the middle position sees"
        assert np.array_equal(kept, np.rint(made.images * 255).astype(np.uint8)[:, top:bottom, left:right])
        assert np.allclose(store.read(1, "reached", batch[0], batch[-1] + 1), made.activation)


def test_the_projection_is_the_deconvnets(whole, pictures):
    net, store = whole
    first = np.rint(pictures[0] * 255).astype(np.uint8)[store.read(1, "top_image")[:, 0]]
    back = deconvnet.project(net, first[7:8], "b", 7)
    kept = store.read(1, "projection")[7] / 127
    assert np.allclose(store.read(1, "sent")[7], back.activation[0])
    assert np.corrcoef(kept.ravel(), back.crop(0).ravel())[0, 1] > 0.99
    assert np.isnan(store.read(0, "sent")).sum() == 0, "a ReLU of its own is enough"


def test_neighbors_that_cost_alike_share_what_is_traced():
    images = np.zeros((2, 224, 224, 3), np.uint8)
    plan = planned(zoo.load("MobileNetV2", weights="random"), images, np.zeros(2, int), "black", units=1)
    groups = list(dict.fromkeys(plan.together(number) for number in range(len(plan.layers))))
    assert [path for group in groups for path in group] == [layer.path for layer in plan.layers]
    known = {layer.path: layer for layer in plan.layers}
    for group in groups:
        members = [known[path] for path in group]
        assert len(members) == 1 or {len(each.shape) for each in members} == {3}
        assert len({each.made for each in members}) == 1 and members[-1].work <= 2 * members[0].work
    assert len(groups) < len(plan.layers) / 3 and groups[-1] == ("predictions",)


def test_statistics_and_preferences_of_a_planted_unit(tmp_path):
    net = tiny()
    kernel, bias = net.model.get_layer("a").get_weights()
    kernel[..., 0], bias[0] = np.float32([1, -1, -1]) / 9, 0  # red
    net.model.get_layer("a").set_weights([kernel, bias])
    images = np.random.default_rng(0).random((30, 16, 16, 3)) * 0.1
    labels = np.repeat([0, 1, 2], 10)
    images[labels == 2, :, :, 0] += 0.8
    images[:, :8, :8] = 0  # so that each image's map differs
    store = microscope(net, images, tmp_path, labels=labels, layers="a", **HOW)
    peak = store.read(0, "peak")[:, 0]
    assert store.read(0, "preferred")[0, 0] == 2 and store.read(0, "low")[0, 0] > 0 > store.read(0, "high")[0, 1]
    assert np.isclose(store.read(0, "mean")[0], peak.mean()) and np.isclose(store.read(0, "largest")[0], peak.max())
    assert np.isclose(store.read(0, "active")[0], (peak > 0).mean())
    assert store.read(0, "histogram")[0].sum() == 30 and store.read(0, "selectivity")[0] > 0.5


def test_without_classes_the_networks_answers_count(tmp_path, whole, pictures):
    net = whole[0]
    store = microscope(net, pictures[0], tmp_path, layers="a", units=1, **HOW)
    assert store.labels_are_answers and (store.labels() == net.predict(pictures[0]).argmax(1)).all()


def test_a_layer_without_gradient_or_relu_is_kept_with_what_can_be_had(tmp_path, pictures):
    inside = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(2, 3, name="plain")], name="plain")
    store = microscope(inside, pictures[0], tmp_path, **HOW)
    assert np.isnan(store.read(0, "sent")).all() and (store.read(0, "status") != 4).all()
    rounded = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(2, 3, name="x"), Rounding(name="y")])
    store = microscope(Network.of(rounded, pixels="0-1"), pictures[0], tmp_path / "2", layers="y", **HOW)
    from cnnlens.microscope.units import words_of

    assert (store.read(0, "status") == 4).all() and "No gradient" in words_of(store.read(0, "says")[0])


@keras.saving.register_keras_serializable()
class Rounding(keras.layers.Layer):
    def call(self, values):
        return keras.ops.round(keras.ops.stop_gradient(values))


def test_patterns_choose_layers_with_weights_and_others_where_they_fit_no_such():
    relu = keras.layers.ReLU
    layers = [
        keras.layers.Conv2D(2, 3, name="one_conv"),
        relu(name="one_relu"),
        keras.layers.Conv2D(2, 3, name="two_conv"),
    ]
    net = Network.of(keras.Sequential([keras.Input((16, 16, 3)), *layers, relu(name="two_relu")]), pixels="0-1")
    black = np.zeros((3, 16, 16, 3), np.uint8)

    def chosen(patterns):
        return [layer.path for layer in planned(net, black, np.zeros(3, int), "black", layers=patterns).layers]

    assert chosen(None) == ["one_conv", "two_conv"] and chosen("one*") == ["one_conv"]
    assert chosen("*_relu") == ["one_relu", "two_relu"] and chosen("two*, one_relu") == ["one_relu", "two_conv"]


# --- same seed, same pictures ---------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_store_and_another_seed_another(tmp_path, whole, pictures):
    images, labels = pictures
    again = microscope(tiny(), images, tmp_path / "again", labels=labels, **HOW)
    assert same(whole[1], again) == []
    other = microscope(whole[0], images, tmp_path / "other", labels=labels, seed=1, **HOW)
    differs = [name.partition("/")[2] for name in same(whole[1], other) if name[0] in "012"]
    assert set(differs) == {"made", "reached", "start"}


def test_a_picture_does_not_depend_on_the_batch_that_it_is_made_in(tmp_path, whole, pictures):
    net, (images, labels) = whole[0], pictures
    few = microscope(net, images, tmp_path, labels=labels, layers="b", units=35, **HOW)
    alone = neurons.maximize(
        net, "b", [34], objective="center", steps=3, size=few.plan.layers[0].made, precision=few.plan["precision"]
    )
    top, left, bottom, right = few.plan.layers[0].kept
    assert np.abs(few.read(0, "made", 34, 35) / 255 - alone.images[:, top:bottom, left:right]).max() < 0.02


# --- nothing lost ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["truncated", "changed", "gone", "seal"])
def test_a_damaged_chunk_is_found_and_computed_anew(tmp_path, whole, pictures, damage):
    net, store = whole
    out = tmp_path / "out"
    shutil.copytree(store.path, out / "store.zarr")
    name = "seals/1/units/c/1/0" if damage == "seal" else "1/made/c/1/0/0/0"
    chunk = out / "store.zarr" / name
    content = chunk.read_bytes()
    if damage == "gone":
        chunk.unlink()
    else:
        at = len(content) // 2
        chunk.write_bytes(
            content[:at] if damage != "changed" else content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        )
    before = opened(out)
    assert [task.number for task in before.plan.batches(1) if not before.finished(task)] == [1]
    again = microscope(net, pictures[0], out, labels=pictures[1], **HOW)
    assert same(store, again) == []


def test_a_run_that_was_killed_while_it_made_the_store_begins_anew(tmp_path, whole, pictures):
    (tmp_path / ".partial-store.zarr" / "0").mkdir(parents=True)
    (tmp_path / ".partial-store.zarr" / "0" / "zarr.json").write_text("{")
    assert same(whole[1], microscope(whole[0], pictures[0], tmp_path, labels=pictures[1], **HOW)) == []


# --- one run at a time ----------------------------------------------------------------------------------------------


def test_two_runs_that_begin_at_the_same_time_do_not_both_write(tmp_path, whole):
    with writing_alone(tmp_path / "store.zarr"):
        (tmp_path / ".store.zarr.user").unlink()  # not written yet
        with pytest.raises(CnnlensError, match="is in use: another run writes to it"):
            microscope(whole[0], np.zeros((2, 16, 16, 3)), tmp_path, layers="a", **HOW)
    assert [path.name for path in tmp_path.iterdir()] == [".store.zarr.lock"], "nothing was begun"
    microscope(whole[0], np.zeros((2, 16, 16, 3)), tmp_path, layers="a", **HOW)


def test_on_a_file_system_without_locks_a_run_warns_and_goes_on(tmp_path, whole, monkeypatch):
    def lock_file(*_, code=errno.ENOLCK, **__):
        raise OSError(code, "No locks available")

    monkeypatch.setattr(locket, "lock_file", lock_file)
    with pytest.warns(UserWarning, match="file system without locks"):
        microscope(whole[0], np.zeros((2, 16, 16, 3)), tmp_path, layers="a", **HOW)
    monkeypatch.setattr(locket, "lock_file", lambda *_, **__: lock_file(code=errno.EACCES))
    with pytest.raises(CnnlensError, match="folder cannot be written"):
        microscope(whole[0], np.zeros((2, 16, 16, 3)), tmp_path, layers="a", **HOW)


# --- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 7}, "seed: 0 there, 7 asked"),
        ({"steps": 4}, "steps: 3 there, 4 asked"),
        ({"layers": "a"}, r"layers: a \(4 units\), b \(40 units\), c \(3 units\) there, a \(4 units\) asked"),
        ({"labels": np.zeros(24, int)}, "images, fingerprint: "),
        ({"net": 1}, "network, fingerprint: "),
    ],
)
def test_a_store_of_something_else_is_refused_with_what_differs(whole, pictures, change, words):
    asked = {"labels": pictures[1], **HOW, **change}
    net = tiny(seed=asked.pop("net", 0))
    with pytest.raises(CnnlensError, match=f"was made for something else. {words}[^;]*. Choose another --out"):
        microscope(net, pictures[0], whole[1].path.parent, **asked)


def test_other_bad_input_is_named(tmp_path, whole, pictures):
    net = whole[0]
    with pytest.raises(CnnlensError, match="There is no folder"):
        microscope(net, tmp_path / "none", tmp_path / "out", **HOW)
    (tmp_path / "empty").mkdir()
    with pytest.raises(CnnlensError, match="holds no picture"):
        microscope(net, tmp_path / "empty", tmp_path / "out", **HOW)
    with pytest.raises(CnnlensError, match="no layer of tiny like 'conv.'"):
        microscope(net, pictures[0], tmp_path / "out", layers="a,conv*", **HOW)
    with pytest.raises(CnnlensError, match="units=0 is no whole number"):
        microscope(net, pictures[0], tmp_path / "out", units=0, **HOW)
    assert not (tmp_path / "out").exists(), "nothing was begun"
    with pytest.raises(CnnlensError, match="There is no store"):
        opened(tmp_path / "out")
    with pytest.raises(CnnlensError, match="is no store of a microscope"):
        opened(tmp_path / "empty")
    shutil.copytree(whole[1].path, tmp_path / "old.zarr")
    settings = tmp_path / "old.zarr" / "zarr.json"
    settings.write_text(settings.read_text().replace('"format": 1', '"format": 0'))
    with pytest.raises(CnnlensError, match="format 0, expected 1"):
        opened(tmp_path / "old.zarr")


def test_a_full_disk_is_said_and_loses_nothing(tmp_path, whole, pictures, monkeypatch):
    images, labels = pictures
    put, count = Store.array, [0]

    class Full:
        def __init__(self, array):
            self.array, self.dtype = array, array.dtype

        def __setitem__(self, *where):
            raise OSError(errno.ENOSPC, "No space left on device")

    def full(self, name):
        count[0] += 1
        return Full(put(self, name)) if name == "2/made" else put(self, name)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "array", full)
        with pytest.raises(CnnlensError, match="store.zarr was not written: the disk is full"):
            microscope(whole[0], images, tmp_path, labels=labels, **HOW)
    assert opened(tmp_path).sealed(1).all() and not opened(tmp_path).sealed(2).any()
    assert same(whole[1], microscope(whole[0], images, tmp_path, labels=labels, **HOW)) == []


def test_without_zarr_it_says_what_to_install(tmp_path, monkeypatch, pictures):
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(CnnlensError, match=r"pip install \"cnnlens\[microscope\]\""):
        microscope(tiny(), pictures[0], tmp_path, **HOW)


# --- read by others -------------------------------------------------------------------------------------------------


def test_the_store_gives_the_lenses_own_results(whole, pictures):
    net, store = whole
    pixels = np.rint(pictures[0] * 255).astype(np.uint8)
    tops, found = kept.exemplars(store, net, "b", [7, 30]), exemplars.find(net, "b", pixels, [7, 30], progress=False)
    for name in ("units", "index", "position", "box", "inside"):
        assert np.array_equal(getattr(tops, name), getattr(found, name)), name
    assert np.abs(tops.patches - found.patches).max() < 0.003
    made = kept.optimized(store, "b", [7, 30])
    assert made.images.shape == (2, 5, 5, 3) and made.names == ("unit 7", "unit 30") and not made.from_color.any()
    assert "image/png" in made._repr_mimebundle_()[0] and "image/png" in tops._repr_mimebundle_()[0]
    back, again = kept.projection(store, "b", 7), deconvnet.project(net, pixels[tops.index[:1, 0]], "b", 7)
    assert np.corrcoef(back.crop(0).ravel(), again.crop(0).ravel())[0, 1] > 0.99


def test_the_explorer_reads_it_and_computes_nothing(whole, monkeypatch):
    from cnnlens.explore import _neurons

    for name in ("maximize", "exemplars", "deconvnet"):
        monkeypatch.setattr(_neurons, name, None)
    net, store = whole
    explorer = _neurons.neurons(net, store=store.path.parent, layer="b")
    explorer.set(unit=33)
    assert f"{store.read(1, 'top_value')[33, 0]:.3g} in the best of 24 real ones" in explorer.frame.words
    assert "was sent back." in explorer.frame.words and explorer.values["unit"] == 33
    explorer.set(layer="c")
    assert explorer.values["unit"] <= 2 and "c, unit" in explorer.frame.words
    with pytest.raises(CnnlensError, match="was made of tiny"):
        _neurons.neurons(tiny(seed=1), store=store.path)
    with pytest.raises(CnnlensError, match="no layer in store.zarr 'd'"):
        _neurons.neurons(net, store=store.path, layer="d")
    with pytest.raises(CnnlensError, match="Expected images to search, or store="):
        _neurons.neurons(net)


def test_the_report_reads_it(whole, pictures, monkeypatch):
    from cnnlens.report.sections import units

    monkeypatch.setattr(units, "neurons", None)
    monkeypatch.setattr(units, "exemplars", None)
    net, store = whole
    asked = {"labels": pictures[1], "parts": ["units"], "progress": False}
    found = cnnlens.report(net, pictures[0], store=store.path.parent, **asked)["units"]
    assert not found.failed and len(found.figures) == 3 and "looked at 24 images" in found.notes[0]
    with pytest.raises(CnnlensError, match="was made of tiny"):
        cnnlens.report(tiny(seed=1), pictures[0], store=store.path, **asked)


def test_what_is_not_finished_is_not_read(tmp_path, whole):
    shutil.copytree(whole[1].path, tmp_path / "store.zarr")
    (tmp_path / "store.zarr" / "seals" / "1" / "units" / "c" / "1" / "0").unlink()
    store = kept.of_network(tmp_path, whole[0])
    kept.optimized(store, "b", [19])
    with pytest.raises(CnnlensError, match="holds no unit 20 of b: .* units 0 to 39, and 20 of them are finished"):
        kept.optimized(store, "b", [19, 20])


# --- how long it takes ----------------------------------------------------------------------------------------------


LENET = ([(160, 32), (1000, 32), (1100, 128), (1100, 10)], lambda layer: 2.5, 1e-6)
VGG = ([(4 + 30 * n, 64 + 32 * n) for n in range(16)], lambda layer: 1 + 0.3 * layer, 1e-3)
DEEP = ([(10 + 5 * n, 32 + n) for n in range(120)], lambda layer: 1 + 0.2 * layer, 1e-3)
DEEP_AND_QUICK = (DEEP[0], lambda layer: 2.0, 1e-8)


@pytest.mark.parametrize("network", [LENET, VGG, DEEP, DEEP_AND_QUICK])
@pytest.mark.parametrize("at_once", [1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_after_a_tenth_of_the_work_the_estimate_is_within_a_third(network, at_once, seed):
    """Planted times: an overhead for the first tasks of a layer, then its multiplications, each with some noise."""
    layers, overhead, cost = network
    layers = [SimpleNamespace(work=work, made=(1, 1), units=units) for work, units in layers]
    batches = [np.arange(layer.units) for layer in layers]
    tasks = [
        SimpleNamespace(layer=n, number=k, first=32 * k, last=min(32 * (k + 1), len(units)))
        for n, units in enumerate(batches)
        for k in range(-(-len(units) // 32))
    ]
    rng = np.random.default_rng(seed)
    first, work = (np.exp(0.05 * rng.normal(size=len(layers))) for _ in range(2))
    times = [
        (task.number < at_once) * overhead(task.layer) * first[task.layer]
        + cost * layers[task.layer].work * work[task.layer] * (task.last - task.first)
        for task in tasks
    ]
    estimate, done = Estimate(SimpleNamespace(layers=layers), tasks), 0
    while sum(times[:done]) < sum(times) / 10 or done < 2:
        estimate.took(tasks[done], times[done], at_once)
        done += 1
    left = at_once * estimate.left(at_once)
    assert 2 / 3 < left / sum(times[done:]) < 4 / 3


def test_the_estimate_is_corrected_by_what_was_timed_and_divided_among_processes():
    layers = [SimpleNamespace(work=work, made=(4, 4)) for work in (1.0, 3.0)]
    tasks = [SimpleNamespace(layer=n, first=8 * k, last=8 * k + 8) for n in (0, 1) for k in range(4)]
    estimate = Estimate(SimpleNamespace(layers=layers), tasks)
    for task, seconds in zip(tasks[:4], (7.0, 5.0, 5.0, 5.0)):
        estimate.took(task, seconds)
    assert np.isclose(estimate.left(), 2 + 4 * 15), "an overhead and three times the multiplications"
    estimate.took(tasks[4], 9.0)
    assert 3 * 6 < estimate.left() <= 3 * 9, "no task of a layer takes longer than the first"
    estimate.took(tasks[5], 6.0)
    assert np.isclose(estimate.left(), 2 * 6)
    assert np.isclose(estimate.left(at_once=2), (2 + 2 * 6 + 5.5) / 2, rtol=0.3), "a second process traces as well"
    estimate.took(tasks[6], 6.0)
    assert np.isclose(estimate.left(at_once=8), estimate.left(at_once=2)), "the last task is not shared"
    estimate.took(tasks[7], 6.0)
    assert estimate.left() == 0
