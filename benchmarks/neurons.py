"""Activation maximization beside tf-keras-vis and beside the dissertation's loop, in one run.

All three drive the same units of one layer of VGG16, and each image is measured by the same function: the mean
activation over the map, in float32, undisturbed. Two questions: how long does ours take to the level that tf-keras-vis
reaches with its defaults, and how long to the level of the dissertation's one-unit-at-a-time loop?

    python -m benchmarks.neurons            # 16 units of block3_conv2 at 112 px: minutes
    python -m benchmarks.neurons --quick    # 4 units at 64 px, fewer steps: a check that it runs

Ours is run with more and more steps until it reaches a level; the time named is that of the one run that does, start to
end, with the compilation of its step.
"""

import sys
import time

import keras
import numpy as np
import tensorflow as tf

from cnnlens import device, neurons, zoo
from cnnlens.lenses.neurons import fourier, stepping

from . import table

MOST_TIME = 1 / 12  # promised: the fraction of tf-keras-vis's time in which its level is reached

LADDER = (8, 12, 16, 24, 32, 48, 64, 96, 128)  # numbers of steps that ours is tried with
BOLD = {"robust": False, "rate": 1.0}


def main():
    parser = table.parser(__doc__)
    parser.add_argument("--layer", default="block3_conv2")
    parser.add_argument(
        "--dissertation-units",
        type=int,
        default=2,
        help="units that the dissertation's loop is timed on; its time is scaled up to all",
    )
    options = parser.parse_args()
    count, size, peer_steps, dissertation_steps = (4, 64, 8, 20) if options.quick else (16, 112, 128, 500)
    net = zoo.load("vgg16")
    print(f"{net}\n{device.describe()}\n{count} units of {options.layer}, {size} px\n")
    peer = tf_keras_vis(net, options.layer, count, size, peer_steps)
    loop = dissertation(net, options.layer, min(options.dissertation_units, count), count, size, dissertation_steps)
    rows = []
    # The dissertation's pixels are not disturbed, so against them ours is not either, and takes longer steps.
    for name, (seconds, level), timed, how in (
        (table.version("tf-keras-vis"), peer, count, {}),
        ("dissertation's loop", loop, min(options.dissertation_units, count), BOLD),
    ):
        ours, reached, steps, first = reach(options.layer, count, timed, size, level, how)
        rows.append(
            table.Row(
                what=f"{count} units of {options.layer} of VGG16, {size} px, to the same level",
                peer=name,
                theirs=seconds,
                ours=ours,
                quality={"mean activation": (level, reached)},
                ratio=None if how else MOST_TIME,
            )
        )
        said = f"ours {how or ''} {ours:.1f} s (compiling {first:.1f} s) to {reached:.1f} in {steps} steps"
        times = f"{seconds / ours:.1f} times as fast"
        print(f"{name}: {seconds:.1f} s to a mean of {level:.1f}; {said}: {times}", flush=True)
    fraction_of_peak(net, options.layer, count, size)
    print(f"peak memory of this process: {table.peak_memory() / 2**30:.2f} GiB")
    return table.keep("neurons", rows, quick=options.quick)


def level(net, layer, images, units):
    """Mean over units of the activation that each one's image reaches."""
    weights = np.eye(net.layer(layer).units, dtype=np.float32)[list(units)]
    return float(neurons.measure(net, layer, images, weights).mean())


def tf_keras_vis(net, layer, count, size, steps):
    """Seconds and level of tf-keras-vis with its defaults, all units in one batch."""
    try:
        from tf_keras_vis.activation_maximization import ActivationMaximization
        from tf_keras_vis.utils.scores import CategoricalScore
    except ImportError as error:
        raise SystemExit(
            "The peer is missing: pip install tf-keras-vis==0.8.7 (or pip install -e .[bench])."
        ) from error
    model = with_preprocessing(net, layer, size)
    start = time.perf_counter()
    visualizer = ActivationMaximization(model, clone=False)
    seeds = tf.random.stateless_uniform((count, size, size, 3), (0, 0), 0, 255)
    images = visualizer(CategoricalScore(list(range(count))), seed_input=seeds, steps=steps)
    seconds = time.perf_counter() - start
    return seconds, level(net, layer, np.asarray(images, np.float32).clip(0, 255) / 255, range(count))


def with_preprocessing(net, layer, size):
    """The network up to a layer, fed with pixels of 0 to 255 as tf-keras-vis has them, by a 1×1 convolution."""
    image = keras.Input((size, size, 3))
    first = keras.layers.Conv2D(3, 1, name="preprocess")
    x = first(image)
    for inner in net.model.layers[1:]:
        x = inner(x)
        if inner.name == layer:
            break
    order = [2, 1, 0] if net.preprocessing.flip else [0, 1, 2]
    kernel = np.eye(3, dtype=np.float32)[:, order] * (np.float32(net.preprocessing.scale) / 255)
    first.set_weights([kernel[None, None], np.float32(net.preprocessing.shift)])
    return keras.Model(image, x)


def dissertation(net, layer, timed, count, size, steps):
    """Seconds (for all units) and level (of those timed) of the dissertation's loop: one unit at a time, float32."""
    how = {"method": "pixels", "size": size, "precision": "float32", "progress": False}
    neurons.maximize(net, layer, 0, steps=1, **how)  # compiles
    start = time.perf_counter()
    found = [neurons.maximize(net, layer, unit, steps=steps, **how).activation[0] for unit in range(timed)]
    return (time.perf_counter() - start) * count / timed, float(np.mean(found))


def reach(layer, count, timed, size, wanted, how):
    """The shortest run of ours that reaches a level: (seconds, level, steps, seconds of compilation).

    All units are made; the level is the mean of the first ``timed``, which the other method was measured on.
    """
    net = zoo.load("vgg16")  # nothing compiled yet: the compilation is timed and added to the run
    start = time.perf_counter()
    neurons.maximize(net, layer, range(count), size=size, steps=1, progress=False, **how)
    first = time.perf_counter() - start
    for steps in LADDER:
        start = time.perf_counter()
        found = neurons.maximize(net, layer, range(count), size=size, steps=steps, progress=False, **how)
        seconds = time.perf_counter() - start
        level = float(found.activation[:timed].mean())
        if level >= wanted:
            break
    else:
        print(f"ours did not reach {wanted:.1f} in {steps} steps")
    return seconds + first, level, steps, first


def fraction_of_peak(net, layer, count, size):
    """Print what a step achieves, as a fraction of what a large matrix product achieves at this moment."""
    policy = device.training_policy()
    kind = tf.bfloat16 if policy == "mixed_bfloat16" else tf.float32
    matrix = tf.cast(tf.random.normal((4096, 4096)), kind)
    multiply = tf.function(lambda a: a @ a)
    peak = 2 * 4096**3 / best_time(lambda: multiply(matrix))
    precision = policy if kind == tf.bfloat16 else "float32"
    how = stepping.How(layer=layer, method="fourier", objective="mean", precision=precision)
    step = stepping.compiled(net, how)
    state = fourier.start([(0, i) for i in range(count)], size, size, 3)
    weights, rate = tf.eye(count, net.layer(layer).units), tf.constant(0.1)
    seconds = best_time(lambda: step(state, weights, rate, tf.constant([0, 0])))
    work = 2 * count * flops(net, layer, size)  # the way back costs as much as the way there: no gradient of weights
    product = f"a 4096³ product in {kind.name} ({peak / 1e9:.0f} GFLOP/s)"
    print(f"a step: {seconds:.2f} s, {work / seconds / 1e9:.0f} GFLOP/s, {work / seconds / peak:.0%} of {product}")


def best_time(call, tries=4):
    call()
    times = []
    for _ in range(tries):
        start = time.perf_counter()
        tf.nest.map_structure(lambda x: x.numpy(), call())
        times.append(time.perf_counter() - start)
    return min(times)


def flops(net, layer, size):
    """Multiplications and additions of the convolutions up to a layer, for one image."""
    total = 0
    for each in net.layers():
        if each.kind == "Conv2D":
            rows, cols = size // each.stride[0], size // each.stride[1]
            total += 2 * rows * cols * (each.params - each.units)
        if each.path == layer:
            return total
    return total


if __name__ == "__main__":
    sys.exit(main())
