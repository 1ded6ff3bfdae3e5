"""From slider event to new picture: the explorer of activations beside matplotlib, keract and tf-explain.

    python -m benchmarks.explorer [--quick]

Everything is measured in one run on one machine, and headless: from the slider's event until the widget holds the bytes
of the new PNG. The first look at an image runs the network and is listed apart. The processor's own time stands beside
the clock's: where the two are far apart, the machine was busy with something else.
"""

import importlib.metadata
import io
import sys
import time

import matplotlib
import numpy as np

from cnnlens import device, explore, zoo
from cnnlens.figures.activation_view import view
from cnnlens.figures.base import png
from cnnlens.lenses.activations import record

from . import table

LIMIT = 100  # ms, what the 95th percentile must stay under


def image_for(net, seed=0):
    """A smooth random image of the network's size: (1, H, W, C) in [0, 1]."""
    from scipy.ndimage import gaussian_filter

    height, width = net.size or (224, 224)
    noise = np.random.default_rng(seed).normal(size=(2, height, width, net.channels))
    smooth = gaussian_filter(noise, (0, height / 28, width / 28, 0))
    return ((smooth - smooth.min()) / np.ptp(smooth)).astype(np.float32)


def milliseconds(function, *arguments, repeat=1):
    """Times of several calls."""
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        function(*arguments)
        times.append(1000 * (time.perf_counter() - began))
    return times


def explorer_times(net, images, events):
    """The first look; by layer, the times of slider events (its own, then units up and down); processor time."""
    explorer = None

    def open_it():
        nonlocal explorer
        explorer = explore.activations(net, images)

    first = milliseconds(open_it)[0]
    layers, busy = {}, {}
    for layer in explorer.controls["layer"].options:
        slider = explorer.controls["layer"].slider
        index = explorer.controls["layer"].options.index(layer)
        explorer.controls["layer"].slider.value = (index + 1) % (slider.max + 1)
        began = time.process_time()
        times = milliseconds(setattr, slider, "value", index)
        for i in range(events):
            unit = explorer.controls["unit"].slider
            times += milliseconds(setattr, unit, "value", (unit.value + 1 + i * 7) % (unit.max + 1)) if unit.max else []
        layers[layer], busy[layer] = times, 1000 * (time.process_time() - began) / len(times)
    assert explorer.computed == 1, "after the first look the network must not run again"
    return first, layers, busy


def axes_for_each_unit(acts, layer):
    """The usual way: a matplotlib axes for each unit, as most tutorials and the dissertation do."""
    from matplotlib.figure import Figure

    maps = acts[layer][0]
    units = maps.shape[-1]
    columns = int(np.ceil(np.sqrt(units)))
    figure = Figure(figsize=(8, 8))
    for unit in range(units):
        axes = figure.add_subplot(columns, columns, unit + 1)
        axes.imshow(maps[..., unit])
        axes.set_axis_off()
    figure.savefig(io.BytesIO(), format="png")


def peers(net, images, layer):
    """Times or faults of the peers for the same sheet: {name: milliseconds or words}."""
    model, inputs = net.model, net.preprocess(images[:1])

    def keract_sheet():
        import keract

        found = keract.get_activations(model, inputs, layer_names=layer)
        axes_for_each_unit({layer: found[layer]}, layer)

    def tf_explain_sheet():
        from tf_explain.core.activations import ExtractActivations

        ExtractActivations().explain((inputs, None), model, [layer])

    results = {}
    for name, package, function in (("keract", "keract", keract_sheet), ("tf-explain", "tf-explain", tf_explain_sheet)):
        try:
            label = f"{name} {importlib.metadata.version(package)}"
        except importlib.metadata.PackageNotFoundError:
            results[name] = f"not installed (pip install {package})"
            continue
        try:
            function()  # the first call may compile
            results[label] = float(np.median(milliseconds(function, repeat=3)))
        except Exception as error:  # a peer that fails is a finding, not the end of the run
            results[label] = f"fails: {type(error).__name__}: {str(error).splitlines()[0][:70]}"
    return results


def network_named(name):
    """A network with its weights where they can be had; the time does not depend on them."""
    try:
        return zoo.load(name)
    except ValueError:
        return zoo.load(name, weights="random")


def beside(net, images, ours, layer):
    """What else takes time for the same layer: {name: milliseconds or words}."""
    acts = record(net, images[:1])
    forward = np.median(milliseconds(record, net, images[:1], repeat=5))
    figure = np.median(milliseconds(lambda: png(view(acts, layer, 0)[0]), repeat=3))
    axes = milliseconds(axes_for_each_unit, acts, layer)[0]
    rows = {
        "ours, an event": ours,
        "the network, all layers": forward,
        "our view as a matplotlib Figure": figure,
        "matplotlib, an axes a unit": axes,
    }
    return rows | peers(net, images, layer)


def measure(name, events):
    """Measure one network and print its tables; give the table's rows."""
    net = network_named(name)
    images = image_for(net)
    milliseconds(explore.activations, net, images)  # compiles
    first, layers, busy = explorer_times(net, images, events)
    print(f"\n{name} ({net.source})\n  first look {first:.0f} ms; then, in ms:")
    print(f"  {'layer':15}{'median':>8}{'95th':>8}{'worst':>8}{'processor':>11}")
    for layer, times in layers.items():
        print(f"  {layer:15}{np.median(times):8.1f}{np.quantile(times, 0.95):8.1f}{max(times):8.1f}{busy[layer]:11.1f}")
    p95 = {layer: float(np.quantile(times, 0.95)) for layer, times in layers.items()}
    slowest = max(p95, key=p95.get)
    side = "under" if p95[slowest] < LIMIT else "OVER"
    print(f"  slowest layer {slowest}: 95th percentile {p95[slowest]:.1f} ms, {side} {LIMIT} ms")
    widest = max(
        (layer for layer in net.layers() if layer.is_map), key=lambda layer: (layer.units, np.prod(layer.shape))
    )
    rows = beside(net, images, np.median(layers[widest.path]), widest.path)
    print(f"  for {widest.path} ({widest.units} units):")
    for label, value in rows.items():
        words = (
            value if isinstance(value, str) else f"{value:8.1f} ms  {value / rows['ours, an event']:6.1f} times ours"
        )
        print(f"    {label:34}{words}")
    what = f"explorer of {name}, widest layer ({widest.units} units), a new unit"
    ours = float(np.median(layers[widest.path]))
    slow = table.Row(
        what=f"explorer of {name}, slowest layer, 95th percentile",
        peer="the network, all layers",
        theirs=float(rows["the network, all layers"]),
        ours=p95[slowest],
        unit="ms",
        limit=LIMIT,
    )
    beside_it = {peer: value for peer, value in rows.items() if peer.startswith(("matplotlib", "keract", "tf-explain"))}
    return [slow] + [
        table.Row(what=what, peer=peer, theirs=None if isinstance(value, str) else float(value), ours=ours, unit="ms")
        for peer, value in beside_it.items()
    ]


def main():
    """Run and print; 1 if an explorer is slower than promised."""
    options = table.parser(__doc__).parse_args()
    matplotlib.use("Agg")
    print(device.describe())
    rows = [row for name in ("lenet", "vgg4", "vgg16") for row in measure(name, 10 if options.quick else 40)]
    return table.keep("explorer", rows, quick=options.quick)


if __name__ == "__main__":
    sys.exit(main())
