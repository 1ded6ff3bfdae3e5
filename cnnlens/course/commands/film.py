"""``cnnlens film``: t-SNE maps through the epochs of a training or the layers of a network, as GIF and MP4."""

from pathlib import Path


def add(subparsers):
    """Add the command."""
    what = "an animation of t-SNE maps, through the epochs of a training or the layers of a network"
    command = subparsers.add_parser("film", help=what)
    add = command.add_argument
    add("network", metavar="NETWORK", help="a name, such as lenet, or a .keras file")
    run_help = "of `cnnlens train`: its snapshots become the animation"
    add("--run", dest="folder", type=Path, metavar="FOLDER", help=run_help)
    add("--layer", help="for an animation of epochs (default: the last hidden one)")
    layers_help = "for an animation of layers, without --run (default: input and all layers)"
    add("--layers", nargs="+", metavar="LAYER", help=layers_help)
    add("--weights", default="auto", help="for an animation of layers: auto, random, or a weights file")
    add("--data", help="default: mnist for grey networks, cifar10 for others")
    add("--images", type=int, default=2000, metavar="N", help="test images (default: 2000)")
    add("--perplexity", type=float, default=30)
    add("--seed", type=int, default=0)
    out_help = ".gif, .mp4 or .html (default: NETWORK.gif NETWORK.mp4)"
    add("--out", type=Path, nargs="+", metavar="FILE", help=out_help)
    command.set_defaults(run=run)


def run(options):
    """Map, write every file, say how large each is."""
    from ... import datasets, training, zoo
    from ...errors import CnnlensError
    from ...figures import interactive, moving
    from ...lenses import film

    paths = options.out or [Path(f"{Path(options.network).stem}{ending}") for ending in moving.WRITERS]
    for path in paths:  # before an hour of work, not after it
        if path.suffix.lower() not in (*moving.WRITERS, ".html"):
            raise CnnlensError(f"An animation is written as .gif, .mp4 or .html; got {path.name!r}.")
    snapshots = training.snapshots(options.folder) if options.folder else None
    net = zoo.load(options.network, weights=snapshots[-1][1] if snapshots else options.weights)
    data = datasets.load(options.data or ("mnist" if net.channels == 1 else "cifar10"))
    images, labels = data.x_test[: options.images], data.y_test[: options.images]
    settings = {"labels": labels, "classes": data.classes, "source": data.source}
    settings |= {"perplexity": options.perplexity, "seed": options.seed}
    shown = [layer.path for layer in net.layers()]
    if snapshots:
        maps = film.through_training(net, images, snapshots, options.layer or shown[-2], **settings)
    else:
        maps = film.through_layers(net, images, options.layers or ["input", *shown], **settings)
    print(f"{len(maps)} maps of {len(images):,} images ({maps.source})", flush=True)
    for path in paths:
        if path.suffix.lower() == ".html":
            interactive.interactive(maps, images, answers=net.classes).save(path)
        else:
            moving.write(maps, path)
        print(f"wrote {path}, {path.stat().st_size / 1e6:.1f} MB")
    return 0
