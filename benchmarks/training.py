"""One epoch of VGG4: cnnlens against Keras's plain float32 ``model.fit``, side by side in one run.

    python -m benchmarks.training [--quick]

Both train the same network from the same weights with the same optimizer, batch size and unaugmented images, so only
the way of training differs: precision and batches. Epochs alternate (A B A B …), so a machine that changes its speed
changes both. The matrix-product peak is measured in the same run, in float32 and in bfloat16.
"""

import sys
import time

import numpy as np

from cnnlens import datasets, device, training, zoo

import keras
import tensorflow as tf

from . import table

MOST_TIME = 0.65  # promised: the fraction of model.fit's time an epoch, where bfloat16 is to be had

# Multiplications and additions of one forward pass of VGG4 over one image; training costs about three forward passes.
FORWARD = 2 * (32 * 32 * 64 * 27 + 32 * 32 * 64 * 576 + 16 * 16 * 128 * 576 + 16 * 16 * 128 * 1152 + 8192 * 100 + 1000)


def peak(dtype, side=4096, runs=3):
    """Operations a second of the best of some square matrix products."""
    a = tf.cast(tf.random.normal((side, side)), dtype)
    product = tf.function(lambda: tf.matmul(a, a))
    product()
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        product().numpy()
        times.append(time.perf_counter() - began)
    return 2 * side**3 / min(times)


class Plain:
    """What a tutorial does: float images in memory, ``model.fit``."""

    def __init__(self, data, epochs, lr):
        net = zoo.untrained("vgg4", classes=data.classes)
        self.images, self.labels = net.preprocess(np.asarray(data.x_train)), data.y_train
        self.test, self.truth = net.preprocess(np.asarray(data.x_test)), data.y_test
        self.model = net.model
        self.model.compile(keras.optimizers.AdamW(lr), loss="sparse_categorical_crossentropy")

    def epoch(self):
        self.model.fit(self.images, self.labels, batch_size=128, verbose=0)

    def accuracy(self):
        return (self.model.predict(self.test, batch_size=500, verbose=0).argmax(1) == self.truth).mean()


class Ours:
    """cnnlens's batches and precision, driven epoch by epoch."""

    def __init__(self, data, epochs, lr):
        net = zoo.untrained("vgg4", classes=data.classes)
        recipe = training.Recipe(epochs, 128, lambda steps: keras.optimizers.AdamW(lr), 0, False, "benchmark")
        self.batches = training.Batches(data.x_train, data.y_train, net.preprocessing, recipe, seed=0)
        self.model = training.recast(net.model, device.training_policy())
        self.model.compile(recipe.optimizer(0), loss="sparse_categorical_crossentropy")
        self.test, self.truth = net.preprocess(np.asarray(data.x_test)), data.y_test

    def epoch(self):
        self.model.fit(self.batches, shuffle=False, verbose=0)

    accuracy = Plain.accuracy


def main():
    """Run and print a table; 1 if the promise is broken."""
    options = table.parser(__doc__).parse_args()
    data = datasets.load("cifar10")
    data = data.take(2560, 600) if options.quick else data.take(6400, 2000)
    epochs, lr = (2, 1e-3) if options.quick else (2, 1e-3)
    peaks = {"float32": peak(tf.float32), "mixed_bfloat16": peak(tf.bfloat16)}
    print(
        f"{device.describe()}\n{data}\nmatrix product: "
        + ", ".join(f"{value / 1e9:.0f} GFLOP/s {name}" for name, value in peaks.items())
    )
    contestants = {"model.fit, float32": Plain(data, epochs, lr), "cnnlens": Ours(data, epochs, lr)}
    times = {name: [] for name in contestants}
    for number in range(epochs + 1):  # the first compiles and is not counted, but it does train
        for name, contestant in contestants.items():
            began = time.perf_counter()
            contestant.epoch()
            if number:
                times[name].append(time.perf_counter() - began)
    operations = 3 * FORWARD * 128 * (len(data.y_train) // 128)
    for name, contestant in contestants.items():
        policy = "float32" if "float32" in name else device.training_policy()
        speed = operations / np.median(times[name])
        fraction = f"{speed / peaks[policy]:.0%} of the {policy} peak" if policy in peaks else ""
        accuracy = f"accuracy {contestant.accuracy():.2%}"
        spread = ", ".join(f"{value:.1f}" for value in times[name])
        took = f"{np.median(times[name]):7.1f} s an epoch ({spread})"
        print(f"{name:20} {took}  {speed / 1e9:5.0f} GFLOP/s {fraction}  {accuracy}")
    ratios = [b / a for a, b in zip(*times.values())]
    print(f"ratio, epoch by epoch: median {np.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    slow, fast = (float(np.median(values)) for values in times.values())
    # Two epochs on a few images tell nothing of accuracy: it is printed above, and not promised.
    row = table.Row(
        what=f"an epoch of VGG4, {len(data.y_train):,} images",
        peer=f"model.fit, float32 ({table.version('keras')})",
        theirs=slow,
        ours=fast,
        ratio=MOST_TIME if device.training_policy() != "float32" else None,
    )
    return table.keep("training", [row], quick=options.quick)


if __name__ == "__main__":
    sys.exit(main())
