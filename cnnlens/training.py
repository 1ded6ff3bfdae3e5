"""Training: with progress, a snapshot of every epoch, and nothing lost when it is killed.

A run with a folder leaves there ``snapshots/epoch_000.weights.h5`` (before training) to the last epoch,
``history.json``, and ``state.npz``: all that is needed to go on from the last finished epoch as if nothing had
happened. The order of the images and their augmentation depend on the seed and the epoch alone, so a resumed run sees
what an unbroken one would.
"""

import functools
import json
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from . import device, files
from .errors import CnnlensError, unknown
from .folding import folded, normalized
from .muon import Muon
from .opening import recast, shadowed
from .results import Result
from .zoo import seeded

import keras
import tensorflow as tf
from tqdm.auto import tqdm


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes
    ----------
    epochs, batch_size : int
        The dissertation's, for every recipe.
    optimizer : callable
        From the number of steps of the whole run to a Keras optimizer.
    shift : int
        Images are moved by up to this many pixels each way, the border mirrored.
    flip : bool
        Half of the images are mirrored left to right; which half changes every epoch (Jordan 2024, "alternating flip").
    text : str
        The recipe in words.
    cut : int
        A square of this many pixels is greyed in each image, at a place drawn anew each time, so that no part of an
        object may be relied on alone (DeVries & Taylor 2017, "cutout").
    smooth : float
        This much of the label is spread over all classes (Szegedy et al. 2016, section 7, "label smoothing").
    normalize : bool
        A batch normalization stands before every ReLU while the network learns; the weights that the network keeps have
        it multiplied in, so that nothing of it is left (:mod:`cnnlens.folding`).
    plain : float
        For this share of the epochs, the last ones, no square is cut out and no unit is dropped: the network ends on
        images as it will be shown them (He et al. 2019, "Data augmentation revisited").
    """

    epochs: int
    batch_size: int
    optimizer: object
    shift: int
    flip: bool
    text: str
    cut: int = 0
    smooth: float = 0.0
    normalize: bool = False
    plain: float = 0.0

    def disturbed(self, epochs):
        """How many of so many epochs come before the plain ones."""
        return epochs - int(self.plain * epochs)


class Cosine(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that warms up over a twentieth of the run and then falls to zero along a cosine.

    Keras's own is a condition with two branches in the graph, once a reading: a fifth of what tracing a step took.

    Parameters
    ----------
    peak : float
    steps : int
        Of the whole run.

    Examples
    --------
    >>> rate = Cosine(0.5, 100)
    >>> [round(float(rate(step)), 3) for step in (0, 5, 100, 200)]
    [0.02, 0.5, 0.0, 0.0]
    """

    def __init__(self, peak, steps):
        self.peak, self.warm = peak, max(1, steps // 20)
        self.fall = max(1, steps - self.warm)

    def __call__(self, step):
        step = keras.ops.cast(step, "float32")
        rising = self.peak / 25 + self.peak * 24 / 25 * step / self.warm
        fallen = keras.ops.clip((step - self.warm) / self.fall, 0.0, 1.0)
        return keras.ops.minimum(rising, self.peak * 0.5 * (1.0 + keras.ops.cos(np.float32(np.pi) * fallen)))


def _adamw(steps):
    return keras.optimizers.AdamW(Cosine(0.003, steps), weight_decay=0.01)


def _adadelta(steps):
    # Table 1 calls the rate "adaptable": the original Adadelta's is 1.0 (Keras 3's default of 0.001 hardly learns).
    return keras.optimizers.Adadelta(1.0, rho=0.95, epsilon=1e-8)


def _muon(steps):
    return Muon(Cosine(0.008, steps), weight_decay=0.05, use_ema=True, ema_momentum=_momentum(steps))


def _momentum(steps):
    """Of averaged weights that look back over a twentieth of the run, however short it is (Polyak & Juditsky 1992)."""
    return max(0.0, 1 - 20 / steps)


def _rmsprop(steps):
    # Table 2's "rho 0.000001" cannot be RMSprop's rho; it is read as the decay of the rate, as in Keras's example then.
    rate = keras.optimizers.schedules.InverseTimeDecay(1e-4, 1, 1e-6)
    return keras.optimizers.RMSprop(rate, epsilon=1e-8)


RECIPES = {
    ("lenet", "ours"): Recipe(12, 128, _adamw, 2, False, "AdamW with a cosine, shifts of 2 px"),
    ("lenet", "dissertation"): Recipe(12, 128, _adadelta, 0, False, "Adadelta, no augmentation"),
    ("vgg4", "ours"): Recipe(
        30,
        128,
        _muon,
        4,
        True,
        "Muon with a cosine, averaged weights, smoothed labels, batch normalization folded into the weights, "
        "shifts of 4 px, mirrored, squares of 8 px cut out; no squares and no dropout in the last fifth of the epochs",
        cut=8,
        smooth=0.1,
        normalize=True,
        plain=0.2,
    ),
    ("vgg4", "dissertation"): Recipe(30, 128, _rmsprop, 3, True, "RMSprop, shifts and mirrored"),
}


@dataclass(frozen=True, kw_only=True)
class Training(Result):
    """What a training run gave.

    Attributes
    ----------
    history : tuple of dict
        One an epoch: epoch (from 1), loss, accuracy, val_loss, val_accuracy (on the images that measure: the test
        images, or those held back), seconds.
    interrupted : bool
        Whether it was stopped before its last epoch; the network holds the weights so far.
    folder : Path or None
        Where snapshots and state lie.
    """

    history: tuple
    interrupted: bool
    folder: Path | None = None

    @property
    def accuracy(self):
        """On the images that measure, after the last finished epoch; in [0, 1]."""
        return self.history[-1]["val_accuracy"] if self.history else float("nan")


class Batches(keras.utils.PyDataset):
    """Augmented batches of a data set; what they hold depends only on the seed, the epoch and the batch's number.

    Parameters
    ----------
    images : Images or array (N, H, W, C)
    labels : array (N,)
    prepare : callable
        From pixels in [0, 1] to the model's input.
    recipe : Recipe
    seed : int
    epoch : int
        The first epoch to serve.
    whole_from : float, optional
        The first epoch in which no square is cut out.
    """

    def __init__(self, images, labels, prepare, recipe, seed, epoch=0, whole_from=float("inf")):
        super().__init__()
        self.labels, self.prepare, self.recipe, self.seed, self.epoch = labels, prepare, recipe, seed, epoch
        self.whole_from = whole_from
        self.size = images.shape[1:3]
        pixels = getattr(images, "pixels", None)
        pixels = np.asarray(images) if pixels is None else pixels
        border = recipe.shift
        self.padded = np.pad(pixels, ((0, 0), (border, border), (border, border), (0, 0)), mode="reflect")
        self.mirrored_first = np.random.default_rng((seed, 0)).random(len(labels)) < 0.5
        self._shuffle()

    def _shuffle(self):
        self.order = np.random.default_rng((self.seed, 1, self.epoch)).permutation(len(self.labels))

    def __len__(self):
        return max(1, len(self.labels) // self.recipe.batch_size)

    def __getitem__(self, number):
        chosen = self.order[number * self.recipe.batch_size : (number + 1) * self.recipe.batch_size]
        batch = self._shifted(chosen, np.random.default_rng((self.seed, 2, self.epoch, number)))
        if self.recipe.flip:
            mirrored = self.mirrored_first[chosen] ^ (self.epoch % 2 == 1)
            batch[mirrored] = batch[mirrored, :, ::-1]
        if self.recipe.cut and self.epoch < self.whole_from:
            batch[self._squares(len(chosen), np.random.default_rng((self.seed, 3, self.epoch, number)))] = (
                128 if batch.dtype == np.uint8 else 0.5
            )
        pixels = batch.astype(np.float32)
        if batch.dtype == np.uint8:
            pixels /= np.float32(255)
        return self.prepare(pixels), self.labels[chosen]

    def _shifted(self, chosen, generator):
        height, width = self.size
        windows = np.lib.stride_tricks.sliding_window_view(self.padded, (height, width), axis=(1, 2))
        down, across = generator.integers(0, 2 * self.recipe.shift + 1, (2, len(chosen)))
        return np.ascontiguousarray(windows[chosen, down, across].transpose(0, 2, 3, 1))

    def _squares(self, count, generator):
        """Where each image is greyed: (count, H, W) of bool. Centers are drawn, so some squares hang over a border."""
        centers = generator.integers(0, np.array(self.size)[:, None], (2, count))
        within = [
            abs(np.arange(side) + 0.5 - center[:, None]) < self.recipe.cut / 2
            for side, center in zip(self.size, centers)
        ]
        return within[0][:, :, None] & within[1][:, None, :]

    def on_epoch_end(self):
        self.epoch += 1
        self._shuffle()


def train(
    net,
    data,
    *,
    recipe="ours",
    epochs=None,
    seed=0,
    folder=None,
    policy="auto",
    hold_back=0,
    on_epoch=(),
    progress=True,
):
    """Train a network in place.

    Parameters
    ----------
    net : Network
        From :func:`cnnlens.zoo.untrained`; holds the trained weights afterwards.
    data : Dataset
        Trained on its training images; its test images only measure.
    recipe : {"ours", "dissertation"} or Recipe
    epochs : int, optional
        Instead of the recipe's.
    seed : int
        For the order of the images, their augmentation and dropout.
    folder : path, optional
        For snapshots and state. A run of the same settings found there is gone on with.
    policy : str
        Keras dtype policy; ``auto`` asks :func:`cnnlens.device.training_policy`.
    hold_back : int
        So many of the training images (the last ones) are not trained on and measure in place of the test images: a
        recipe that is chosen by them leaves the test images untouched for the one figure that is published.
    on_epoch : sequence of callable
        Each is called with the history so far after every epoch, to draw it or to stop (by raising KeyboardInterrupt).
    progress : bool
        Show a bar.

    Returns
    -------
    Training

    Raises
    ------
    CnnlensError
        If data and network do not fit, more is held back than can be, or the folder holds a run of other settings.
    """
    recipe = _recipe(net, recipe)
    epochs = recipe.epochs if epochs is None else epochs
    _check_fit(net, data)
    learned, measured = _divided(data, hold_back)
    policy = device.training_policy() if policy == "auto" else policy
    settings = {
        "network": net.name,
        "data": data.name,
        "images": len(learned[1]),
        "recipe": recipe.text,
        "epochs": epochs,
        "batch_size": recipe.batch_size,
        "seed": seed,
        "policy": policy,
        "held_back": hold_back,
    }
    run = _Run(net, settings, Path(folder) if folder else None)
    steps = epochs * max(1, len(learned[1]) // recipe.batch_size)
    optimizer = recipe.optimizer(steps)
    with seeded(seed):  # what is dropped, too
        model = recast(net.model, policy)
        if recipe.normalize:
            model = normalized(model, optimizer.ema_momentum)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer = _scaled(optimizer, policy)
    # A metric that Keras had to make of its name while it traces the step would have it trace the step twice.
    accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
    model.compile(optimizer, loss=_cross_entropy(recipe.smooth), metrics=[accuracy])
    keeps_all = _switched(model)
    optimizer.build(model.trainable_variables)
    done = run.restore(model)
    disturbed = recipe.disturbed(epochs)
    batches = Batches(*learned, net.preprocessing, recipe, seed, epoch=done, whole_from=disturbed)
    keeper = _Keeper(run, model, on_epoch, epochs, progress)
    try:
        for last in sorted({disturbed, epochs}):
            keeps_all.assign(last > disturbed)
            if done < last:
                # Batches are shuffled already; Keras would do it once more, by a state that no resumed run could know.
                model.fit(
                    batches,
                    epochs=last,
                    initial_epoch=done,
                    shuffle=False,
                    validation_data=(net.preprocessing(np.asarray(measured[0])), measured[1]),
                    validation_batch_size=500,
                    callbacks=[keeper, *([keras.callbacks.SwapEMAWeights()] if _averages(optimizer) else [])],
                    verbose=0,
                )
                done = last
    except KeyboardInterrupt:
        net.model.set_weights(_weights(model))  # also what the unfinished epoch has learned
    finally:
        keeper.close()
    net.source = f"trained here on {data.name} for {len(run.history)} of {epochs} epochs, seed {seed} ({data.source})"
    return Training(
        history=tuple(run.history),
        interrupted=len(run.history) < epochs,
        folder=run.folder,
        source=net.source,
        settings=settings,
    )


def _switched(model):
    """A variable: while it is True the model keeps all of its units, without having its step traced anew."""
    keeps_all = tf.Variable(False, trainable=False)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout):
            shadowed(layer, "call", functools.partial(_dropped_unless, keeps_all, layer.call))
    return keeps_all


def _dropped_unless(keeps_all, drop, inputs, training=False):
    return tf.where(keeps_all, inputs, drop(inputs, training=training)) if training else inputs


def _scaled(optimizer, policy):
    """The optimizer, with loss scaling where gradients are taken in float16 (Micikevicius et al. 2018).

    float16 loses gradients below 6e-8. So the loss is multiplied up before they are taken, and they are divided again.
    Keras does it by itself where a whole model has that policy; ours has it layer by layer. bfloat16, which needs no
    scaling, would be simpler, but the GPUs of many classrooms have no bfloat16 (T4, V100).
    """
    return keras.optimizers.LossScaleOptimizer(optimizer) if policy == "mixed_float16" else optimizer


def _divided(data, hold_back):
    """The images to learn from and those that measure, each with its labels."""
    most = len(data.y_train) - 1
    if not 0 <= hold_back <= most:
        raise CnnlensError(f"hold_back is {hold_back}; {data.name} has training images to hold back 0 to {most:,} of.")
    if not hold_back:
        return (data.x_train, data.y_train), (data.x_test, data.y_test)
    cut = len(data.y_train) - hold_back
    return (data.x_train[:cut], data.y_train[:cut]), (data.x_train[cut:], data.y_train[cut:])


def _cross_entropy(smooth):
    """Cross-entropy against labels of which ``smooth`` is spread over all classes."""
    if not smooth:
        return "sparse_categorical_crossentropy"

    def smoothed(labels, probabilities):
        whole = keras.ops.one_hot(keras.ops.reshape(labels, (-1,)), probabilities.shape[-1])
        return keras.losses.categorical_crossentropy(whole, probabilities, label_smoothing=smooth)

    return smoothed


def _averages(optimizer):
    """The optimizer that averages weights, if this one, or the one that it scales the loss for, does."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return inner if inner.use_ema else None


def _weights(model):
    """The weights that the network keeps: the average over the last steps where the recipe takes one."""
    optimizer = _averages(model.optimizer)
    averages = {}
    if optimizer is not None:
        pairs = zip(model.trainable_variables, optimizer._model_variables_moving_average)
        averages = {id(variable): average for variable, average in pairs}
    return folded(model, [keras.ops.convert_to_numpy(averages.get(id(each), each)) for each in model.weights])


def _recipe(net, recipe):
    if isinstance(recipe, Recipe):
        return recipe
    if (net.name, recipe) not in RECIPES:
        known = [name for network, name in RECIPES if network == net.name]
        raise unknown(f"recipe for {net.name}", recipe, known or ["a Recipe of your own"])
    return RECIPES[net.name, recipe]


def _check_fit(net, data):
    have, want = data.x_train.shape[1:], (*(net.size or data.x_train.shape[1:3]), net.channels)
    outputs = net.model.output_shape[-1]
    if tuple(have) != tuple(want) or outputs != len(data.classes):
        raise CnnlensError(
            f"{net.name} takes images {want} of {outputs} classes; {data.name} has {tuple(have)} of "
            f"{len(data.classes)}. Choose the data set that fits."
        )


def snapshots(folder):
    """The snapshots in a run's folder.

    Returns
    -------
    list of (int, Path)
        Epoch (0 is before training) and weights file, in order; load one with ``zoo.fill(net.model, path)``.
    """
    paths = sorted((Path(folder) / "snapshots").glob("epoch_*.weights.h5"))
    if not paths:
        raise CnnlensError(f"There are no snapshots in {folder}. Train with folder={str(folder)!r} first.")
    return [(int(path.name[6:9]), path) for path in paths]


@dataclass
class _Run:
    """The files of one training run (or none, when it has no folder)."""

    net: object
    settings: dict
    folder: Path | None
    history: list = field(default_factory=list)

    def restore(self, model):
        """Bring back the last finished epoch, if there is one; the number of epochs already done."""
        if self.folder is None:
            return 0
        if not (self.folder / "state.npz").is_file():
            self.snapshot(0)
            return 0
        try:
            with np.load(self.folder / "state.npz", allow_pickle=False) as state:
                settings, history = json.loads(str(state["settings"])), json.loads(str(state["history"]))
                values = [state[f"v{i}"] for i in range(len(state.files) - 2)]
        except Exception as error:
            raise CnnlensError(
                f"{self.folder / 'state.npz'} is damaged ({type(error).__name__}). Delete the folder to start anew."
            ) from error
        if settings != self.settings:
            other = [f"{key}: {settings.get(key)}" for key in self.settings if settings.get(key) != self.settings[key]]
            raise CnnlensError(
                f"{self.folder} holds a run with other settings ({', '.join(other)}). "
                "Choose another folder, or delete this one to start anew."
            )
        variables = _variables(model)
        if len(variables) != len(values):
            raise CnnlensError(
                f"{self.folder} holds {len(values)} variables of a run that has {len(variables)}: another version "
                "wrote it. Delete the folder to start anew."
            )
        for variable, value in zip(variables, values):
            variable.assign(value)
        self.history = history
        self.net.model.set_weights(_weights(model))
        return len(history)

    def save(self, model, row):
        """Keep a finished epoch: snapshot first, state last, so that a kill between the two repeats the epoch."""
        self.history.append(row)
        self.net.model.set_weights(_weights(model))
        if self.folder is None:
            return
        self.snapshot(len(self.history))
        values = {f"v{i}": keras.ops.convert_to_numpy(variable) for i, variable in enumerate(_variables(model))}
        with files.atomic(self.folder / "state.npz") as path:
            np.savez(path, settings=json.dumps(self.settings), history=json.dumps(self.history), **values)
        with files.atomic(self.folder / "history.json") as path:
            path.write_text(
                json.dumps({"settings": self.settings, "history": self.history}, indent=1), encoding="utf-8"
            )

    def snapshot(self, epoch):
        """Write the network's weights of one epoch."""
        with files.atomic(self.folder / "snapshots" / f"epoch_{epoch:03d}.weights.h5") as path:
            self.net.model.save_weights(path)


def _variables(model):
    """Everything that changes in training: weights, the state of dropout's random numbers, the optimizer's memory."""
    found = {id(variable): variable for variable in [*model.variables, *model.optimizer.variables]}
    return list(found.values())


class _Keeper(keras.callbacks.Callback):
    """Keeps each finished epoch and shows how far the run is."""

    def __init__(self, run, model, on_epoch, epochs, progress):
        super().__init__()
        self.run, self.trained, self.on_epoch = run, model, on_epoch
        self.epochs, self.progress, self.bar = epochs, progress, None

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()
        steps = self.params["steps"]
        if self.bar is None:  # one bar for the whole run, which also says when it will be done
            self.bar = tqdm(
                total=self.epochs * steps, initial=epoch * steps, unit="batch", leave=False, disable=not self.progress
            )
        self.bar.set_description(f"epoch {epoch + 1}/{self.epochs}")

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update(1)
        if batch % 10 == 0:
            self.bar.set_postfix({key: f"{logs[key]:.3f}" for key in ("loss", "accuracy")}, refresh=False)

    def on_epoch_end(self, epoch, logs=None):
        row = {key: round(float(logs[key]), 5) for key in ("loss", "accuracy", "val_loss", "val_accuracy")}
        row = {"epoch": epoch + 1, **row, "seconds": round(time.perf_counter() - self.began, 1)}
        self.run.save(self.trained, row)
        for callback in self.on_epoch:
            callback(tuple(self.run.history))

    def close(self):
        if self.bar is not None:
            self.bar.close()
