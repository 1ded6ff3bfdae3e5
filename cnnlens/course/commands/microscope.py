"""``cnnlens microscope``: a page for every unit of every layer; a run that was stopped goes on."""

from pathlib import Path

from . import workers_options


def add(subparsers):
    """Add the command."""
    command = subparsers.add_parser("microscope", help="every unit of every layer of a network: a store, and a site")
    option = command.add_argument
    option("network", metavar="MODEL", nargs="?", help="a .keras file, or a name such as vgg16 or lenet")
    option("--images", metavar="DIR", help="a folder of pictures, or mnist, cifar10 (the test images) or photos")
    option("--out", type=Path, required=True, metavar="DIR", help="where the store and the site go")
    option("--layers", metavar="PATTERN", help="such as 'block[45]*,predictions' (default: each layer with weights)")
    option("--units", type=int, help="so many of each layer, the first (default: all)")
    option("--steps", type=int, default=64, help="of the ascent to what a unit looks for (default: 64)")
    option("--objective", default="center", help="center or mean (default: center)")
    option("--weights", default="auto", help="auto, random, or a weights file")
    option("--seed", type=int, default=0)
    option("--site", action="store_true", help="compute nothing; write the site anew, as far as the store is filled")
    workers_options(command)
    command.set_defaults(run=run)


def run(options):
    """Fill the store, and make the site."""
    from ... import zoo
    from ...errors import CnnlensError
    from ...microscope import Site, microscope, opened

    if options.site:
        print(f"Site: {Site(opened(options.out)).write()}")
        return 0
    if not (options.network and options.images):
        raise CnnlensError("Expected MODEL and --images, or --site to make the site of a store that is there.")
    net = zoo.load(options.network, weights=options.weights)
    print(net, flush=True)
    asked = {
        name: getattr(options, name) for name in ("layers", "units", "steps", "objective", "seed", "workers", "cluster")
    }
    store = microscope(net, options.images, options.out, **asked)
    print(
        f"{store.plan.units} units of {len(store.plan.layers)} layers: {store.path}",
        f"Site: {Site(store).home}",
        sep="\n",
    )
    return 0
