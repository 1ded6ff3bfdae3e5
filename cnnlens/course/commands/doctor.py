"""``cnnlens doctor``: what is here, what is missing, and how to get it."""

from ...errors import CnnlensError


def add(subparsers):
    """Add the command."""
    command = subparsers.add_parser("doctor", help="show versions, device, and which data and weights are present")
    command.set_defaults(run=run)


def run(options):
    """Print the report; 1 if a package is missing or too old, or a file is damaged."""
    from ... import device, files
    from .. import lesson

    problems = lesson.outdated()
    print("versions  " + ", ".join(lesson.versions()))
    print(f"device    {device.describe()}")
    print(f"network   {'reachable' if files.online() else 'offline: nothing will be downloaded'}")
    print(f"cache     {files.cache_folder()}")
    print(f"CNNLENS_DATA  {files.data_folder() or 'not set'}")
    for name, load in _things().items():
        try:
            source = load()
            state = "stand-in" if source.startswith("stand-in") else "ok"
            print(f"{state:9} {name:13} {source}")
        except CnnlensError as error:
            problems.append(f"{name}: {error}")
            print(f"{'MISSING':9} {name:13} {error}")
    print("Real data and weights replace stand-ins after `cnnlens fetch`, or from a folder that CNNLENS_DATA names.")
    for problem in problems:
        print(f"problem   {problem}")
    return 1 if problems else 0


def _things():
    from ... import datasets, zoo

    things = {name: lambda name=name: datasets.load(name).source for name in ("mnist", "cifar10")}
    things["photographs"] = lambda: datasets.photos().source
    things.update(
        {name: lambda name=name: zoo.load(name).source for name in ("lenet", "vgg4", "vgg16", "inception_v3")}
    )
    return things
