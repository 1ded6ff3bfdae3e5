"""``cnnlens neurons``: sheets of optimized images, a PNG a layer; a killed run goes on where it stopped."""

import json
from pathlib import Path

from . import workers_options

ASKED = ("size", "steps", "method", "objective", "seed")  # options that maximize takes under the same name


def add(subparsers):
    """Add the command."""
    command = subparsers.add_parser("neurons", help="8×8 sheets of what units look for, a PNG a layer")
    command.add_argument("network", metavar="NETWORK", help="a name, such as vgg16 or lenet, or a .keras file")
    command.add_argument("--layers", default="all", help="all, or names with commas between (default: all)")
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the sheets go")
    command.add_argument("--units", type=int, default=64, help="how many units of each layer, the first (default: 64)")
    command.add_argument("--size", type=int, help="pixels a side (default: what the receptive field calls for)")
    command.add_argument("--steps", type=int, help="default: 64, or 500 for the method pixels")
    command.add_argument("--method", default="fourier", help="fourier (ours) or pixels (the dissertation's)")
    command.add_argument("--objective", default="mean", help="mean or center")
    command.add_argument("--weights", default="auto", help="auto, random, or a weights file")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--force", action="store_true", help="make sheets again that are there already")
    workers_options(command)
    command.set_defaults(run=run)


def run(options):
    """Make each sheet that is not there yet; each is written whole or not at all."""
    from tqdm.auto import tqdm

    from ... import cluster, zoo
    from ...cluster.sent import Sent

    net = zoo.load(options.network, weights=options.weights)
    paths = {layer: _path(options, number, layer) for number, layer in enumerate(_layers(net, options.layers), 1)}
    left = [layer for layer in paths if options.force or not _same(paths[layer], _order(net, layer, options))]
    print(net, flush=True)
    with (
        cluster.connected(options.workers, options.cluster) as connection,
        cluster.engine(connection, made, net, lambda: Sent(net)) as engine,
        tqdm(total=len(paths), initial=len(paths) - len(left), unit="layer") as bar,
    ):
        asked = {name: getattr(options, name) for name in ASKED} | {"progress": connection is None}
        jobs = ((layer, {"units": _units(net, layer, options), **asked}) for layer in left)
        for layer, found, _ in engine(jobs):
            _sheet(net, layer, found, paths[layer], options)
            bar.set_description(layer)
            bar.update()
    print(f"{len(left)} sheets made, {len(paths) - len(left)} were there already: {options.out}")
    return 0


def made(net, layer, asked):
    """The optimized images of a layer, as :func:`cnnlens.neurons.maximize` gives them."""
    from ... import neurons

    return neurons.maximize(net, layer, **asked)


def _path(options, number, layer):
    return options.out / f"{number:02d}_{layer.replace('/', '.')}.png"


def _units(net, layer, options):
    return range(min(options.units, net.layer(layer).units))


def _layers(net, asked):
    if asked != "all":
        return [net.layer(name.strip()).path for name in asked.split(",")]
    passing = ("Activation", "ReLU", "Softmax", "BatchNormalization")
    return [layer.path for layer in net.layers() if layer.kind not in passing]


def _order(net, layer, options):
    """What a sheet was made from, as text that goes into the PNG: a sheet made otherwise is made again."""
    asked = {name: getattr(options, name) for name in ("units", *ASKED)}
    return json.dumps({"layer": layer, "source": net.source, **asked}, sort_keys=True)


def _same(path, order):
    from PIL import Image

    if not path.is_file():
        return False
    try:
        with Image.open(path) as picture:
            return picture.text.get("cnnlens") == order
    except (OSError, AttributeError, SyntaxError):
        return False


def _sheet(net, layer, found, path, options):
    from ... import files
    from ...figures.neurons import sheet

    units = net.layer(layer).units
    fig, _ = sheet(found, title=f"{net.name}, {layer}: what {len(found.units)} of {units} units look for")
    made_from = {"cnnlens": _order(net, layer, options)}
    with files.atomic(path) as partial:
        fig.savefig(partial, format="png", dpi=160, facecolor="white", metadata=made_from)
