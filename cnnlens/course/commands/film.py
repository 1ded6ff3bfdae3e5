"""``cnnlens film``: t-SNE maps through the epochs of a training or the layers of a network, as GIF and MP4."""

from pathlib import Path


def add(subparsers):
    """Add the command."""
    command = subparsers.add_parser(
        "film", help="a film of t-SNE maps, through the epochs of a training or the layers of a network"
    )
    command.add_argument("network", metavar="NETWORK", help="a name, such as lenet, or a .keras file")
    command.add_argument(
        "--run", dest="folder", type=Path, metavar="FOLDER", help="of `cnnlens train`: its snapshots become the film"
    )
    command.add_argument("--layer", help="for a film of epochs (default: the last hidden one)")
    command.add_argument(
        "--layers",
        nargs="+",
        metavar="LAYER",
        help="for a film of layers, without --run (default: input and all layers)",
    )
    command.add_argument("--weights", default="auto", help="for a film of layers: auto, random, or a weights file")
    command.add_argument("--data", help="default: mnist for grey networks, cifar10 for others")
    command.add_argument("--images", type=int, default=2000, metavar="N", help="test images (default: 2000)")
    command.add_argument("--perplexity", type=float, default=30)
    command.add_argument("--seed", type=int, default=0)
    command.add_argument(
        "--out", type=Path, nargs="+", metavar="FILE", help=".gif, .mp4 or .html (default: NETWORK.gif NETWORK.mp4)"
    )
    command.set_defaults(run=run)


def run(options):
    """Map, write every file, say how large each is."""
    from ... import datasets, training, zoo
    from ...errors import CnnlensError
    from ...figures import interactive, moving
    from ...lenses import film

    paths = options.out or [Path(f"{Path(options.network).stem}.{ending}") for ending in ("gif", "mp4")]
    for path in paths:  # before an hour of work, not after it
        if path.suffix.lower() not in (*moving.WRITERS, ".html"):
            raise CnnlensError(f"A film is written as .gif, .mp4 or .html; got {path.name!r}.")
    snapshots = training.snapshots(options.folder) if options.folder else None
    net = (
        zoo.load(options.network, weights=snapshots[-1][1])
        if snapshots
        else zoo.load(options.network, weights=options.weights)
    )
    data = datasets.load(options.data or ("mnist" if net.channels == 1 else "cifar10"))
    images, labels = data.x_test[: options.images], data.y_test[: options.images]
    shared = {
        "labels": labels,
        "classes": data.classes,
        "perplexity": options.perplexity,
        "seed": options.seed,
        "source": data.source,
    }
    shown = [layer.path for layer in net.layers()]
    if snapshots:
        maps = film.through_training(net, images, snapshots, options.layer or shown[-2], **shared)
    else:
        maps = film.through_layers(net, images, options.layers or ["input", *shown], **shared)
    print(f"{len(maps)} maps of {len(images):,} images ({maps.source})", flush=True)
    for path in paths:
        interactive.interactive(maps, images, answers=net.classes).save(
            path
        ) if path.suffix == ".html" else moving.write(maps, path)
        print(f"wrote {path}, {path.stat().st_size / 1e6:.1f} MB")
    return 0
