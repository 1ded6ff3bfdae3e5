"""``cnnlens report``: one page on any network and images: what is wrong, if anything, and what the lenses show."""

from pathlib import Path


def add(subparsers):
    """Add the command."""
    command = subparsers.add_parser("report", help="one page on your own network: what is wrong, what it looks at")
    command.add_argument("network", metavar="MODEL", help="a .keras file, or a name such as mobilenet_v2 or lenet")
    command.add_argument(
        "--images",
        type=Path,
        required=True,
        metavar="DIR",
        help="pictures: loose, in class folders, or in train and test with class folders",
    )
    command.add_argument(
        "--out", type=Path, required=True, metavar="PAGE", help="the page to write, such as report.html"
    )
    command.add_argument("--minutes", type=float, help="time to spend (default: as long as the profile takes)")
    command.add_argument("--profile", default="quick", help="quick or full (default: quick)")
    command.add_argument("--pixels", default="auto", help="what the network was trained on, such as 0-255 or 0-1")
    command.add_argument("--store", type=Path, metavar="DIR", help="where cnnlens microscope put what it found")
    command.add_argument("--seed", type=int, default=0)
    command.set_defaults(run=run)


def run(options):
    """Write the page; 1 if a part ended with a fault of the program, which the page names."""
    from ... import report

    _check(options)
    found = report(
        options.network,
        options.images,
        minutes=options.minutes,
        profile=options.profile,
        seed=options.seed,
        pixels=options.pixels,
        keep=options.out.with_suffix(".parts"),
        store=options.store,
    )
    found.save(options.out)
    print(found, f"Page: {options.out}", sep="\n")
    return 1 if found.faults else 0


def _check(options):
    from ...errors import CnnlensError

    if options.out.is_dir() or not options.out.suffix:
        raise CnnlensError(f"--out {options.out} is no file name. Expected one such as report.html.")
    if options.minutes is not None and not options.minutes > 0:
        raise CnnlensError(f"--minutes {options.minutes:g}: expected a number above 0.")
