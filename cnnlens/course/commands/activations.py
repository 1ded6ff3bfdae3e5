"""``cnnlens activations``: what each layer passes on, one PNG a layer."""

from pathlib import Path


def add(subparsers):
    """Add the command."""
    command = subparsers.add_parser(
        "activations", help="draw what each layer of a network passes on for an image, one PNG a layer"
    )
    command.add_argument("network", metavar="NET", help="a network's name, or a .keras file")
    command.add_argument(
        "image",
        metavar="IMAGE",
        help="a picture file, the label of a sample photograph (tabby), or DATA:NUMBER (mnist:3)",
    )
    command.add_argument("--weights", default="auto", help="auto, random, or a weights file")
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the pictures")
    command.add_argument("--layers", nargs="+", metavar="LAYER", help="default: all worth looking at")
    command.add_argument(
        "--by",
        choices=("mean", "peak"),
        default="mean",
        help="what the unit marked max is the greatest by (default: mean)",
    )
    command.add_argument(
        "--scale",
        choices=("shared", "each"),
        default="shared",
        help="one scale of colors a layer, or one a unit (default: shared)",
    )
    command.set_defaults(run=run)


def run(options):
    """Write ``01_LAYER.png``, ``02_LAYER.png`` and so on, in the order of the forward pass."""
    from ... import files, zoo
    from ...figures import activations as figures
    from ...figures.base import png
    from ...lenses.activations import record

    net = zoo.load(options.network, weights=options.weights)
    acts = record(net, _image(options.image, net), options.layers)
    digits = len(str(len(acts)))
    for number, layer in enumerate(acts.layers, 1):
        figure, alt = figures.sheet(acts, layer.path, by=options.by, scaling=options.scale)
        target = options.out / f"{number:0{max(2, digits)}}_{layer.path.replace('/', '-')}.png"
        with files.atomic(target) as partial:
            partial.write_bytes(png(figure))
        print(f"{target}: {alt}", flush=True)
    return 0


def _image(name, net):
    """The image that a name on the command line means: (1, H, W, C), cut to the square that the network wants."""
    from ... import datasets
    from ...errors import unknown
    from ...network import NOMINAL_SIZE

    size = net.size[0] if net.size else NOMINAL_SIZE
    if Path(name).is_file():
        print(f"{name}: cut to its centered square, {size} px")
        return datasets.load_image(name, size=size, grey=net.channels == 1)[None]
    data, _, number = name.partition(":")
    if number.isdigit():
        images = datasets.load(data).x_test
        if int(number) >= len(images):
            raise unknown(f"image of {data}", number, [f"0 to {len(images) - 1}"])
        return images[int(number)][None]
    photos = datasets.photos()
    if name not in photos.labels:
        raise unknown("picture file or sample photograph", name, photos.labels)
    return photos[photos.labels.index(name) : photos.labels.index(name) + 1]
