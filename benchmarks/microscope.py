"""The microscope: what two workers cost beside the plain loop, and what whole networks cost, as an estimate.

    python -m benchmarks.microscope            # three quarters of an hour on two cores that do nothing else
    python -m benchmarks.microscope --layers 0 # what layers cost once, alone
    python -m benchmarks.microscope --quick    # a small network, two steps: a check that it runs

Workers: 128 units of one layer of VGG16, by the plain loop on all cores and by two workers with half of them each; both
have done it once before, so that nothing is compiled while the clock runs. Workers start once a run, and that time is
printed by itself.

Estimates: one batch of units is timed in each convolution of VGG16, and in some layers of the other networks, which are
spread evenly over their cost. The other layers are weighed as the bar of a run weighs them, by multiplications and
pixels. Eight machines cost an eighth, times what workers cost more. A
GPU is taken to reach the same fraction of what its data sheet promises as this machine reaches of its own large matrix
product: nothing was measured on one. Tracing and the first start are left out.

What a layer costs once, by contrast, is all that a batch of its units costs the first time and not the second: every
trace and every first run, those of the deconvnet and of the measured activation too. What it shares with its neighbors
is paid by a neighbor first, and divided among them. It stands beside what its steps
cost at 64 units, without those that are made again for silent units and from a color: in three networks of hundreds of
layers, for the first, the middle and the last convolution, with random weights.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from cnnlens import device, files, zoo
from cnnlens.lenses.neurons import maximize
from cnnlens.lenses.neurons.fourier import STEPS
from cnnlens.lenses.neurons.framing import fitting_batch
from cnnlens.cluster import connected
from cnnlens.microscope.plan import BATCH, Task, planned
from cnnlens.microscope.running import engine, fill, work
from cnnlens.microscope.store import Store
from cnnlens.timing import timed

from . import table
from .training import peak

MOST_TIME = 1.15  # promised: what a unit may cost with two workers beside the plain loop, at equal cores
MOST_ONCE, AT_UNITS = 0.1, 64  # promised: what a layer may cost once, beside its steps for so many units
DEEP = ("NASNetMobile", "DenseNet121", "Xception")
TIMED = 6  # steps
NETWORKS, LAYER = ("vgg16", "inception_v3", "ResNet50V2"), "block3_conv1"
IMAGES = 1000  # that an estimate reads
MACHINES = 8
GPU, GPU_PEAK = "NVIDIA T4", 8.1e12  # float32 operations a second, as its data sheet says
WRITTEN = table.KEPT / "microscope.md"


def main():
    """Run and print; 1 if a promise is broken."""
    parser = table.parser(__doc__)
    parser.add_argument("--layers", type=int, default=5, help="layers that are timed in a network besides VGG16")
    options = parser.parse_args()
    names, layer, steps = (("vgg4",), "conv3", 2) if options.quick else (NETWORKS, LAYER, STEPS)
    rows = [row for name in (("vgg4",) if options.quick else DEEP) for row in once(name, options.seed)]
    if not options.layers:
        return table.keep("microscope", rows, quick=options.quick)
    more, row = overhead(zoo.load(names[0]), layer, steps, options.seed)
    rows, lines = [*rows, row], []
    share = peak(device.lowered().removeprefix("mixed_")) / GPU_PEAK
    for name in names:
        plan, seconds = costs(name, None if name == names[0] else options.layers, steps, options.seed)
        hours, weighed = estimated(plan, seconds)
        rows += whole(name, plan, hours, more, share)
        lines += table_of(name, plan, seconds, weighed)
    with files.atomic(WRITTEN) as path:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines), f"{WRITTEN}", sep="\n")
    return table.keep("microscope", rows, quick=options.quick)


# --- workers --------------------------------------------------------------------------------------------------------


def overhead(net, layer, steps, seed):
    """What a unit costs with two workers, as a multiple of its cost in the plain loop; and the row that says so."""
    pixels = noise(net, 16)
    plan = planned(net, pixels, np.full(len(pixels), -1), "noise", layers=layer, units=128, steps=steps, seed=seed)
    plain, _ = per_unit(engine(None, net, plan), plan, pixels)
    began = time.perf_counter()
    with connected(workers=2) as connection:
        print(f"two workers started in {time.perf_counter() - began:.1f} s")
        two, first = per_unit(engine(connection, net, plan), plan, pixels)
    print(f"their first run took {first:.1f} s more than the second: TensorFlow starts, steps are traced")
    what = f"microscope, {plan.units} units of {net.name} ({layer}), {steps} steps: a unit by two workers"
    row = table.Row(what=what, peer="the plain loop, as many cores", theirs=plain, ours=two, ratio=MOST_TIME)
    return two / plain, row


def per_unit(context, plan, pixels):
    """Seconds a unit in a second run of an engine, and how many the first run took more."""
    seconds = []
    with context as doing, tempfile.TemporaryDirectory() as folder:
        for run in "12":
            store = Store.at(Path(folder) / run, plan, np.full(len(pixels), -1))
            seconds.append(timed(fill, store, pixels, doing)[1])
    return seconds[1] / plan.units, seconds[0] - seconds[1]


# --- what a layer costs once ----------------------------------------------------------------------------------------


def once(name, seed):
    """The rows of a network: what its first, middle and last convolution cost once, beside their steps."""
    net = zoo.load(name, weights="random")
    pixels = noise(net, 9)
    plan = planned(net, pixels, np.full(len(pixels), -1), "noise", units=AT_UNITS, steps=1, seed=seed)
    maps = [number for number, layer in enumerate(plan.layers) if len(layer.shape) == 3]
    return [once_of(net, plan, number, pixels) for number in (maps[0], maps[len(maps) // 2], maps[-1])]


def once_of(net, plan, number, pixels):
    """The row of a layer."""
    layer, group = plan.layers[number], plan.together(number)
    count = min(layer.units, BATCH, fitting_batch(net, layer.path, *layer.made))
    neighbors = [other for other, each in enumerate(plan.layers) if each.path in group and other != number]
    nearest = min(neighbors, key=lambda other: abs(other - number), default=None)  # its own part costs most alike
    shared = 0 if nearest is None else first_of(net, plan, nearest, count, pixels)
    own = first_of(net, plan, number, count, pixels)
    once = own + np.maximum(shared - own, 0) / len(group)
    steps = STEPS * AT_UNITS / count * step_of(net, plan, layer, count)
    return table.Row(
        what=f"microscope, {layer.path} of {net.name}: what a layer costs once",
        peer=f"its {STEPS} steps for {AT_UNITS} units",
        theirs=steps[0],
        ours=once[0],
        stated={"processor seconds": (steps[1], once[1])},
        ratio=MOST_ONCE,
    )


def first_of(net, plan, number, count, pixels):
    """What some units of a layer cost the first time more than the second: (clock, processor) seconds."""
    count = min(count, plan.layers[number].units)
    nowhere = np.zeros((count, len(pixels)), int)
    needs = {"top_image": nowhere, "top_position": nowhere}, {0: pixels[0]}
    times = [spent()]
    for _ in range(2):
        work((net, plan), Task("units", 0, 0, count, number), needs)
        times.append(spent())
    first, second = np.diff(times, axis=0)
    return first - second


def step_of(net, plan, layer, count):
    """What a step costs for a batch of directions, which unlike units are never silent: (clock, processor) seconds."""
    times, how = [], {name: plan[name] for name in ("objective", "precision")}
    directions = np.random.default_rng(plan["seed"]).normal(size=(count, net.layer(layer.path).units))
    told = {"progress": False, "on_step": lambda done, total: times.append(spent())}
    maximize(net, layer.path, directions=directions, size=layer.made, steps=TIMED, **how, **told)
    return np.median(np.diff(times[:TIMED], axis=0), axis=0)


def spent():
    """Seconds on the clock, and of the processor for this process."""
    return np.array([time.perf_counter(), time.process_time()])


# --- whole networks -------------------------------------------------------------------------------------------------


def costs(name, layers, steps, seed):
    """The plan for all of a network, and seconds for a unit of some layers, and for an image (under ``None``).

    Parameters
    ----------
    name : str
    layers : int, optional
        So many are timed; by default all that its stand-in has.
    steps, seed : int

    Returns
    -------
    plan : Plan
    seconds : dict of str to float
    """
    full = zoo.load(name, weights="random")  # a stand-in has no classifier, or is another network
    net = full if layers else zoo.load(name)
    pixels = noise(full, 9)
    given = pixels, np.full(len(pixels), -1), "noise"
    plan = planned(full, *given, steps=steps, seed=seed)
    known = {layer.path: layer for layer in plan.layers}
    timing, tracing = (planned(net, *given, steps=count, seed=seed) for count in (steps, 1))
    numbers = [number for number, layer in enumerate(timing.layers) if layer.path in known]
    seconds = {}
    for number in spread(timing, numbers, layers) if layers else numbers:
        task, path = timing.batches(number)[0], timing.layers[number].path
        nowhere = np.zeros((task.last, len(pixels)), int)
        needs = {"top_image": nowhere, "top_position": nowhere}, {0: pixels[0]}
        work((net, tracing), task, needs)
        seconds[path] = seconds_of(work, (net, timing), task, needs) / task.last
        print(f"{name} {path}: {seconds[path]:.3g} s a unit", flush=True)
    work((full, plan), plan.readings[0], (pixels,))
    return plan, {**seconds, None: seconds_of(work, (full, plan), plan.readings[0], (pixels,)) / len(pixels)}


def seconds_of(function, *given):
    """How long a call takes."""
    return timed(function, *given)[1]


def noise(net, count):
    """Images of noise as large as a network takes them: what they show does not change what they cost."""
    height, width = net.size or (224, 224)
    return np.random.default_rng(0).integers(0, 256, (count, height, width, net.channels), np.uint8)


def weight(layer):
    """Multiplications times pixels: how a unit of one layer is weighed against that of another."""
    return layer.work * layer.made[0] * layer.made[1]


def spread(plan, numbers, count):
    """Some layers, in the middle of equal parts of the cost of all."""
    ends = np.cumsum([plan.layers[number].units * weight(plan.layers[number]) for number in numbers])
    middles = (np.arange(count) + 0.5) / count * ends[-1]
    return sorted({numbers[place] for place in np.searchsorted(ends, middles)})


def estimated(plan, seconds):
    """Hours for all units of a plan and its images, and the seconds a unit of each layer, timed or weighed."""
    known = [layer for layer in plan.layers if layer.path in seconds]
    cost = sum(seconds[layer.path] for layer in known) / sum(weight(layer) for layer in known)
    each = [seconds.get(layer.path, cost * weight(layer)) for layer in plan.layers]
    total = sum(layer.units * one for layer, one in zip(plan.layers, each))
    return (total + IMAGES * seconds[None]) / 3600, each


def whole(name, plan, hours, more, share):
    """The rows of the estimates for a network: this machine, several of its kind, a GPU."""
    what = f"microscope, all {plan.units:,} units of {name}, {IMAGES:,} images, {plan['steps']} steps: an estimate"
    places = {
        "this machine": hours,
        f"{MACHINES} machines like it": hours / MACHINES * max(1, more),
        f"one {GPU}, by its data sheet": hours * share,
    }
    return [table.Row(what=what, peer=where, theirs=None, ours=cost, unit="h") for where, cost in places.items()]


def table_of(name, plan, seconds, each):
    """Lines of a table: what a unit of each layer costs here."""
    lines = [
        f"\n{name}, {seconds[None]:.3g} s an image\n",
        "| layer | units | pixels | s a unit | |",
        "|---|---|---|---|---|",
    ]
    for layer, cost in zip(plan.layers, each):
        size = "×".join(map(str, layer.made))
        lines.append(
            f"| {layer.path} | {layer.units} | {size} | {cost:.3g} | {'' if layer.path in seconds else 'weighed'} |"
        )
    return lines


if __name__ == "__main__":
    sys.exit(main())
