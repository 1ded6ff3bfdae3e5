"""``cnnlens train``: train LeNet or VGG4; a killed run goes on from its last finished epoch."""

import sys
from pathlib import Path


def add(subparsers):
    """Add the command."""
    command = subparsers.add_parser("train", help="train lenet or vgg4, resumably")
    command.add_argument("network", metavar="NETWORK", help="lenet or vgg4")
    command.add_argument("--recipe", default="ours", help="ours or dissertation (default: ours)")
    command.add_argument("--data", help="default: mnist for lenet, cifar10 for vgg4")
    command.add_argument("--epochs", type=int, help="default: the recipe's")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--folder", type=Path, help="for snapshots and state (default: runs/NETWORK-RECIPE)")
    command.add_argument(
        "--save", type=Path, metavar="FILE", help="write the trained weights there as well (.weights.h5)"
    )
    command.add_argument(
        "--hold-back",
        type=int,
        default=0,
        metavar="N",
        help="measure on the last N training images instead of the test images, and do not train on them",
    )
    command.set_defaults(run=run)


def run(options):
    """Train, print each epoch, say the accuracy on the images that measure."""
    from ... import datasets, files, training, zoo

    data = datasets.load(options.data or {"lenet": "mnist", "vgg4": "cifar10"}.get(options.network, "mnist"))
    net = zoo.untrained(options.network, classes=data.classes, seed=options.seed)
    print(f"{net}\n{data}", flush=True)
    result = training.train(
        net,
        data,
        recipe=options.recipe,
        epochs=options.epochs,
        seed=options.seed,
        hold_back=options.hold_back,
        folder=options.folder or Path("runs") / f"{options.network}-{options.recipe}",
        on_epoch=[lambda history: print(history[-1], flush=True)],
        progress=sys.stderr.isatty(),  # a log has a line an epoch
    )
    state = "stopped" if result.interrupted else "done"
    measured = f"{options.hold_back or len(data.y_test):,} {'held-back' if options.hold_back else 'test'} images"
    print(f"{state}: {result.accuracy:.2%} of {measured} right ({result.source})")
    if options.save and not result.interrupted:
        with files.atomic(options.save) as path:
            net.model.save_weights(path)
        print(f"wrote {options.save}  sha256:{files.sha256(options.save)}")
    return 130 if result.interrupted else 0
