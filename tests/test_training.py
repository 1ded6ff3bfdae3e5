"""Training: it learns, repeats, resumes after a kill, and hands back what it has on Ctrl-C."""

import dataclasses
import json
import os
import random
import shutil
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from cnnlens import datasets, device, training, zoo
from cnnlens.errors import CnnlensError
from cnnlens.figures import training as draw
from cnnlens.muon import Muon, orthogonal
from cnnlens.opening import recast


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits").take(512, 200)


def weights(net):
    return np.concatenate([value.ravel() for value in net.model.get_weights()])


def train(digits, folder=None, **how):
    net = zoo.untrained("lenet")
    return net, training.train(
        net, digits, folder=folder, **{"epochs": 3, "policy": "float32", "progress": False, **how}
    )


@pytest.fixture(scope="module")
def whole(digits, tmp_path_factory):
    """The network and the folder of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    return train(digits, folder)[0], folder


class Halt:
    """Presses Ctrl-C after some epochs."""

    def __init__(self, epochs):
        self.epochs = epochs

    def __call__(self, history):
        if len(history) == self.epochs:
            raise KeyboardInterrupt


def test_it_learns():
    data = datasets.load("digits")
    net = zoo.untrained("lenet")
    before = (net.predict(data.x_test, progress=False).argmax(1) == data.y_test).mean()
    run = training.train(net, data, epochs=5, progress=False)
    assert before < 0.3 < 0.8 < run.accuracy
    assert run.accuracy == pytest.approx(
        (net.predict(data.x_test, progress=False).argmax(1) == data.y_test).mean(), abs=0.02
    )
    assert [row["epoch"] for row in run.history] == [1, 2, 3, 4, 5] and not run.interrupted
    assert "trained here on digits for 5 of 5 epochs" in net.source and data.source in net.source


def test_seed_repeats_with_and_without_a_folder(digits, whole):
    again, other = (weights(train(digits, seed=seed)[0]) for seed in (0, 1))
    assert np.allclose(weights(whole[0]), again, atol=1e-4) and not np.allclose(again, other, atol=1e-3)


def test_resumes_as_if_nothing_had_happened(digits, whole, tmp_path):
    _, halted = train(digits, tmp_path, on_epoch=[Halt(2)])
    assert halted.interrupted and len(halted.history) == 2
    resumed, run = train(digits, tmp_path)
    assert len(run.history) == 3 and not run.interrupted and run.history[:2] == halted.history
    assert np.allclose(weights(whole[0]), weights(resumed), atol=1e-4)
    again, run = train(digits, tmp_path)
    assert len(run.history) == 3 and np.array_equal(weights(again), weights(resumed)), "a finished run is not run again"


def test_control_c_within_an_epoch_keeps_what_was_learned(digits, monkeypatch):
    net = zoo.untrained("lenet")
    start = weights(net)

    def press(self, batch, logs=None):
        if batch == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(training._Keeper, "on_train_batch_end", press)
    run = training.train(net, digits, epochs=2, progress=False)
    assert run.interrupted and run.history == () and np.isnan(run.accuracy)
    assert not np.array_equal(start, weights(net))


CHILD = """
import sys, time
from cnnlens import datasets, training, zoo
data = datasets.load("digits").take(512, 200)
def told(history):
    print(len(history), flush=True)
how = {"epochs": 60, "folder": sys.argv[1], "policy": "float32", "progress": False, "on_epoch": [told]}
training.train(zoo.untrained("lenet"), data, **how)
"""


def test_killed_process_loses_nothing(tmp_path):
    """SIGKILL, at any moment: the state is that of a finished epoch, and no half-written file is left in its place."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=os.environ.copy()
    )
    for line in child.stdout:
        if int(line) == 2:
            break
    time.sleep(0.05)
    child.kill()
    child.wait()
    child.stdout.close()
    history = json.loads((tmp_path / "history.json").read_text())["history"]
    assert len(history) >= 2
    found = dict(training.snapshots(tmp_path))
    assert set(range(len(history) + 1)) <= set(found)
    net = zoo.untrained("lenet")
    zoo.fill(net.model, found[len(history)])
    data = datasets.load("digits").take(512, 200)
    resumed = training.train(
        zoo.untrained("lenet"),
        data,
        epochs=60,
        folder=tmp_path,
        policy="float32",
        progress=False,
        on_epoch=[Halt(len(history) + 1)],
    )
    assert len(resumed.history) >= len(history) + 1 and list(resumed.history[: len(history)]) == history


def averaging(steps):
    return keras.optimizers.AdamW(0.003, use_ema=True, ema_momentum=0.7)


AVERAGED = training.Recipe(3, 128, averaging, 2, False, "averaged, for the test", cut=6, smooth=0.1)


def test_averaged_weights_are_what_a_run_keeps_and_goes_on_from(digits, tmp_path):
    """Measured, kept in snapshots and handed over: the average; trained on: the weights of the moment."""
    whole, run = train(digits, tmp_path / "whole", recipe=AVERAGED)
    train(digits, tmp_path / "halted", recipe=AVERAGED, on_epoch=[Halt(2)])
    resumed, _ = train(digits, tmp_path / "halted", recipe=AVERAGED)
    assert np.allclose(weights(whole), weights(resumed), atol=1e-4)
    measured = (whole.predict(digits.x_test, progress=False).argmax(1) == digits.y_test).mean()
    assert run.accuracy == pytest.approx(measured, abs=0.006)
    last = zoo.untrained("lenet")
    zoo.fill(last.model, training.snapshots(tmp_path / "whole")[-1][1])
    assert np.array_equal(weights(last), weights(whole))
    with np.load(tmp_path / "whole" / "state.npz") as state:
        kernel = np.asarray(whole.model.weights[0])
        assert not np.allclose(state["v0"], kernel, atol=1e-5), "an average lags behind"
        assert np.allclose(state["v0"], kernel, atol=0.1), "but not far"


def standing(steps):
    return keras.optimizers.SGD(0.0)


GREY = training.Recipe(4, 128, standing, 0, False, "all is cut out, then nothing, for the test", cut=60, plain=0.5)


def test_last_epochs_are_plain_also_in_a_resumed_run(digits, tmp_path):
    """Weights that stand still: a plain epoch finds the loss on the images as they are, with every unit at work."""
    same = dataclasses.replace(digits, x_test=digits.x_train, y_test=digits.y_train)
    net, run = train(same, tmp_path / "whole", recipe=GREY, epochs=None)
    train(same, tmp_path / "halted", recipe=GREY, epochs=None, on_epoch=[Halt(3)])
    _, resumed = train(same, tmp_path / "halted", recipe=GREY, epochs=None)
    for history in (run.history, resumed.history):
        apart = [abs(row["loss"] - row["val_loss"]) for row in history]
        assert min(apart[:2]) > 1e-3 > 1e-4 > max(apart[2:])
    assert [layer.rate for layer in net.model.layers if "dropout" in layer.name] == [0.25, 0.5], "as it was designed"


def test_plain_epochs_go_on_with_the_step_that_was_traced(digits, monkeypatch):
    traced, loss = [], keras.losses.get("sparse_categorical_crossentropy")

    def counted(labels, probabilities):
        traced.append(probabilities)
        return loss(labels, probabilities)

    monkeypatch.setattr(training, "_cross_entropy", lambda smooth: counted)
    counts = []
    for plain in (0, 0.5):
        traced.clear()
        train(digits, recipe=dataclasses.replace(GREY, plain=plain), epochs=None)
        counts.append(len(traced))
    assert counts[0] == counts[1] > 0


def test_seed_repeats_what_is_dropped(digits):
    """Also in the copy that has normalizations; weights stand still, so a loss differs by what is dropped only."""
    recipe = dataclasses.replace(GREY, cut=0, plain=0, normalize=True)
    losses = [train(digits, recipe=recipe, seed=seed, epochs=1)[1].history[0]["loss"] for seed in (0, 0, 1)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5) and abs(losses[0] - losses[2]) > 1e-4


def test_share_of_plain_epochs_is_rounded_down():
    assert [GREY.disturbed(epochs) for epochs in (1, 2, 3, 30)] == [1, 1, 2, 15]
    assert training.RECIPES["lenet", "ours"].disturbed(12) == 12


def test_average_looks_back_over_a_twentieth_of_the_run():
    assert training._momentum(10_000) == pytest.approx(0.998) and training._momentum(40) == 0.5
    assert training._momentum(4) == 0


def test_held_back_images_measure_and_are_not_learned_from(digits):
    seen, serve = set(), training.Batches.__getitem__

    def watch(batches, number):
        seen.add(len(batches.labels))
        return serve(batches, number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training.Batches, "__getitem__", watch)
        net, run = train(digits, hold_back=112, epochs=2)
    assert seen == {400}
    held = (net.predict(digits.x_train[400:], progress=False).argmax(1) == digits.y_train[400:]).mean()
    assert run.accuracy == pytest.approx(held, abs=0.01) and run.settings["held_back"] == 112
    for wrong in (-1, 512):
        with pytest.raises(
            CnnlensError, match=f"hold_back is {wrong}; digits has training images to hold back 0 to 511"
        ):
            train(digits, hold_back=wrong)


def test_smoothed_labels_forgive_less_certainty():
    labels = np.array([0])
    certain, modest = np.array([[0.999, 0.0005, 0.0005]], np.float32), np.array([[0.94, 0.03, 0.03]], np.float32)
    plain = keras.losses.get(training._cross_entropy(0))
    smoothed = training._cross_entropy(0.1)
    assert plain(labels, certain) < plain(labels, modest)
    assert smoothed(labels, certain) > smoothed(labels, modest)


def test_another_run_in_the_folder_is_refused(digits, whole, tmp_path):
    folder = shutil.copytree(whole[1], tmp_path / "copy")
    with pytest.raises(CnnlensError, match=r"run with other settings \(seed: 0\)"):
        train(digits, folder, seed=5)
    (folder / "state.npz").write_bytes(b"junk")
    with pytest.raises(CnnlensError, match="state.npz is damaged"):
        train(digits, folder)


def test_snapshots(whole, tmp_path):
    net, folder = whole
    found = training.snapshots(folder)
    assert [epoch for epoch, _ in found] == [0, 1, 2, 3]
    copy = zoo.untrained("lenet", seed=9)
    zoo.fill(copy.model, found[0][1])
    assert np.array_equal(weights(copy), weights(zoo.untrained("lenet")))
    zoo.fill(copy.model, found[3][1])
    assert np.array_equal(weights(copy), weights(net))
    with pytest.raises(CnnlensError, match="no snapshots"):
        training.snapshots(tmp_path / "nowhere")


def test_data_that_does_not_fit():
    with pytest.raises(CnnlensError, match=r"lenet takes images \(28, 28, 1\)"):
        training.train(zoo.untrained("lenet"), datasets.load("patches"))
    with pytest.raises(CnnlensError, match="Did you mean 'dissertation'"):
        training.train(zoo.untrained("lenet"), datasets.load("digits"), recipe="dissertaton")
    with pytest.raises(CnnlensError, match="no network to train"):
        zoo.untrained("vgg16")


@pytest.mark.parametrize("network", ["lenet", "vgg4"])
def test_every_recipe_runs(network):
    data = datasets.load("digits" if network == "lenet" else "patches").take(32, 16)
    for recipe in ("ours", "dissertation"):
        run = training.train(zoo.untrained(network), data, recipe=recipe, epochs=1, progress=False)
        assert np.isfinite(run.history[0]["loss"])


def test_samples_stand_beside_the_name_of_their_class():
    """Each class in a grey of its own, the last one without any image."""
    pixels = np.stack([np.full((8, 8, 1), value, np.uint8) for value in (64, 128, 64, 128, 64)])
    images, labels = datasets.Images(pixels), np.array([0, 1, 0, 1, 0])
    data = datasets.Dataset(images, labels, images, labels, ("dark", "bright", "none"), "planted", "planted")
    fig, words = draw.samples(data, per_class=2)
    raster = np.asarray(fig.axes[0].images[0].get_array())
    assert len(raster) == 3 * (64 + 8) and words == "2 training images of each of the classes dark, bright, none."
    for row, value, count in ((0, 64, 2), (1, 128, 2), (2, None, 0)):
        inside = raster[row * 72 + 4 + 32, -2 * 68 :, 0]
        found = np.flatnonzero(inside < 200)
        assert len(found) == 64 * count and set(inside[found]) == ({value} if count else set()), row


def test_runs_are_told_apart_by_more_than_color():
    history = [{"epoch": 1, "loss": 1.0, "val_loss": 1.0, "accuracy": 0.5, "val_accuracy": 0.5}]
    fig, _ = draw.curves(dict.fromkeys("abcd", history))
    looks = {line.get_marker() + line.get_linestyle() + line.get_markerfacecolor()[:1] for line in fig.axes[0].lines}
    assert len(looks) == len(fig.axes[0].lines) == 8


def test_epochs_and_batches_are_the_dissertations():
    for (network, _), recipe in training.RECIPES.items():
        assert (recipe.epochs, recipe.batch_size) == ({"lenet": 12, "vgg4": 30}[network], 128)


# --- batches --------------------------------------------------------------------------------------------------


def batches(shift=2, flip=False, epoch=0, seed=0, cut=0):
    images = datasets.Images(np.random.default_rng(0).integers(0, 256, (10, 6, 6, 3), np.uint8))
    recipe = training.Recipe(1, 4, None, shift, flip, "", cut)
    return images, training.Batches(images, np.arange(10), lambda x: x, recipe, seed, epoch)


def test_batches_shift_by_whole_pixels():
    images, found = batches(shift=2)
    pixels, labels = found[0]
    assert pixels.shape == (4, 6, 6, 3) and pixels.dtype == np.float32
    for image, label in zip(pixels, labels):
        padded = np.pad(images[int(label)], ((2, 2), (2, 2), (0, 0)), mode="reflect")
        assert any(np.array_equal(image, padded[y : y + 6, x : x + 6]) for y in range(5) for x in range(5))


def test_batches_mirror_the_other_half_every_other_epoch():
    images, found = batches(shift=0, flip=True)
    seen = {}
    for epoch in (0, 1):
        for number in range(len(found)):
            for image, label in zip(*found[number]):
                seen[epoch, int(label)] = np.array_equal(image, images[int(label)][:, ::-1])
        found.on_epoch_end()
    both = [label for epoch, label in seen if epoch == 0 and (1, label) in seen]
    assert both and all(seen[0, label] != seen[1, label] for label in both)


def test_batches_grey_one_square_an_image_wherever_it_falls():
    sizes = set()
    for epoch in range(20):
        images, found = batches(shift=0, cut=2, epoch=epoch)
        for image, label in zip(*found[0]):
            greyed = (image != images[int(label)]).any(-1)
            assert np.allclose(image[greyed], 0.5, atol=0.005)
            down, across = greyed.any(1), greyed.any(0)
            assert greyed.sum() == down.sum() * across.sum(), "a rectangle"
            sizes.add((int(down.sum()), int(across.sum())))
    assert (2, 2) in sizes and max(max(size) for size in sizes) == 2


def test_batches_depend_on_seed_and_epoch_alone():
    _, first = batches()
    _, moved = batches()
    moved.on_epoch_end()
    _, later = batches(epoch=1)
    assert np.array_equal(moved[1][0], later[1][0]) and not np.array_equal(first[1][0], later[1][0])
    _, other = batches(seed=1)
    assert not np.array_equal(first[0][0], other[0][0])


# --- the optimizer and the precision -----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(40, 64), (300, 33), (64, 64)])
def test_orthogonal_keeps_directions_and_levels_lengths(shape):
    matrix = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    found = keras.ops.convert_to_numpy(orthogonal(matrix))
    u, _, vt = np.linalg.svd(matrix, full_matrices=False)
    lengths = np.diag(u.T @ found @ vt.T)
    assert np.abs(u.T @ found @ vt.T - np.diag(lengths)).max() < 1e-3, "the singular directions stay"
    assert 0.5 < lengths.min() and lengths.max() < 1.3


def test_muon_steps_have_the_size_of_adamw_steps():
    kernel = keras.Variable(np.zeros((3, 3, 32, 64), np.float32), name="kernel")
    optimizer = Muon(0.01, weight_decay=0.0)
    optimizer.build([kernel])
    optimizer.apply(
        [keras.ops.convert_to_tensor(np.random.default_rng(0).normal(size=kernel.shape).astype(np.float32))], [kernel]
    )
    size = np.sqrt(np.mean(keras.ops.convert_to_numpy(kernel) ** 2))
    assert size == pytest.approx(0.2 * 0.01, rel=0.3)


@pytest.mark.parametrize("make", [Muon, keras.optimizers.AdamW])
def test_weights_decay_in_proportion_to_the_rate_of_the_step(make):
    kernel, bias = (keras.Variable(np.ones(shape), name=name) for shape, name in (((4, 4), "kernel"), ((4,), "bias")))
    optimizer = make(keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.1, 0.2]), weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.build([kernel, bias])
    for _ in range(2):
        optimizer.apply([keras.ops.zeros_like(kernel), keras.ops.zeros_like(bias)], [kernel, bias])
    assert np.allclose(kernel, (1 - 0.5 * 0.1) * (1 - 0.5 * 0.2)) and np.allclose(bias, 1)


def test_muon_can_be_saved():
    again = Muon.from_config(Muon(0.02, adam_ratio=0.5, momentum=0.8).get_config())
    assert (again.adam_ratio, again.momentum) == (0.5, 0.8)


def test_precision_follows_what_the_device_reports(monkeypatch):
    monkeypatch.setattr(device, "gpus", lambda: ("a GPU",))
    assert device.training_policy() == "mixed_float16"
    monkeypatch.setattr(device, "gpus", lambda: ())
    monkeypatch.setattr(device, "cpu_flags", lambda: frozenset({"avx2", "avx512_bf16"}))
    assert device.training_policy() == "mixed_bfloat16"
    monkeypatch.setattr(device, "cpu_flags", lambda: frozenset({"avx2"}))
    assert device.training_policy() == "float32"


@pytest.fixture
def optimizers(monkeypatch):
    """The optimizer of each finished epoch, as (type of it, its numbers)."""
    seen, save = [], training._Run.save

    def spying(run, model, row):
        values = [(v.name, keras.ops.convert_to_numpy(v).copy()) for v in model.optimizer.variables]
        seen.append((type(model.optimizer), values))
        save(run, model, row)

    monkeypatch.setattr(training._Run, "save", spying)
    return seen


def test_float16_scales_the_loss_and_resumes_with_the_scale(digits, tmp_path, optimizers):
    """mixed_float16 is what a GPU trains in; without scaling, its small gradients are zeros."""
    small = dataclasses.replace(training.RECIPES["lenet", "ours"], batch_size=16)  # as a CPU has to imitate float16
    how = {"epochs": 2, "policy": "mixed_float16", "recipe": small}
    data = digits.take(32, 8)
    train(data, **how)
    train(data, tmp_path, on_epoch=[Halt(1)], **how)
    net, run = train(data, tmp_path, **how)
    assert [kind for kind, _ in optimizers] == [keras.optimizers.LossScaleOptimizer] * 4
    whole, resumed = optimizers[1][1], optimizers[3][1]
    assert len(whole) == len(resumed) > 10
    assert all(name == other for (name, _), (other, _) in zip(whole, resumed))
    assert all(np.allclose(a, b, atol=0.05) for (_, a), (_, b) in zip(whole, resumed))
    assert dict(whole)["step_counter"] > 0 and dict(whole)["dynamic_scale"] >= 2**13
    assert np.isfinite(weights(net)).all() and run.history[1]["loss"] < run.history[0]["loss"]


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_other_precisions_need_no_scaling(policy):
    optimizer = keras.optimizers.SGD()
    assert training._scaled(optimizer, policy) is optimizer


def test_training_leaves_the_global_generators_as_they_were(digits):
    keras.utils.set_random_seed(3)
    expected = random.random(), np.random.rand()
    keras.utils.set_random_seed(3)
    train(digits.take(128, 64), epochs=1)
    assert (random.random(), np.random.rand()) == expected


def test_recast_computes_nearly_the_same():
    net = zoo.load("lenet")
    images = datasets.load("digits").x_test[:50]
    half = keras.ops.convert_to_numpy(recast(net.model, "mixed_bfloat16")(images))
    assert half.dtype == np.float32 and np.abs(half - net.predict(images, progress=False)).max() < 0.05
