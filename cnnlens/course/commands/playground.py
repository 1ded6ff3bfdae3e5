"""``cnnlens playground``: one page in which a small network answers while one draws."""

from pathlib import Path


def add(subparsers):
    """Add the command."""
    command = subparsers.add_parser("playground", help="a page in which a small network answers while one draws")
    option = command.add_argument
    option("network", metavar="NET", nargs="?", default="lenet", help="a name, or a .keras file (default: lenet)")
    option("--out", type=Path, default=Path("playground.html"), metavar="FILE", help="default: playground.html")
    option("--at", default="", metavar="ADDRESS", help="what it opens at, such as digit=4&unit=conv2/7 or task=4-9")
    option("--weights", default="auto", help="auto, random, or a weights file")
    option(
        "--steps", type=int, default=64, help="of the ascent to what each unit looks for; 0: leave it out (default: 64)"
    )
    option("--seed", type=int, default=0)
    command.set_defaults(run=run)


def run(options):
    """Write the page."""
    from ... import playground, zoo

    net = zoo.load(options.network, weights=options.weights)
    page = playground.page(net, at=options.at, steps=options.steps, seed=options.seed)
    path = page.save(options.out)
    print(f"wrote {path}, {len(page.html) / 1e6:.1f} MB: open it in a browser, it needs nothing else")
    return 0
