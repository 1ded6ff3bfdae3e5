"""``cnnlens scorecard``: measure the claims; JSON and one HTML file, resumable."""

import os
import textwrap
from pathlib import Path

from . import workers_options

MARKS = "<!-- ledger: written by cnnlens scorecard --commit -->", "<!-- end of ledger -->"  # in the README


def add(subparsers):
    """Add the command."""
    command = subparsers.add_parser("scorecard", help="measure the claims, resumably, and write them as HTML and JSON")
    command.add_argument(
        "--profile", choices=("quick", "full"), default="quick", help="sizes to measure at (default: quick)"
    )
    command.add_argument(
        "--out", type=Path, default=Path("build/scorecard"), metavar="DIR", help="default: build/scorecard"
    )
    command.add_argument("--claims", nargs="+", metavar="KEY", help="only these claims, and no table (default: all)")
    command.add_argument("--seed", type=int, default=0, help="the first of the seeds (default: 0)")
    command.add_argument("--offline", action="store_true", help="the same as CNNLENS_OFFLINE=1")
    command.add_argument(
        "--commit", action="store_true", help="copy the JSON into the repository's data folder; at full, all claims"
    )
    command.add_argument(
        "--recheck",
        type=int,
        metavar="N",
        help="instead measure N entries of the committed ledger again, drawn by the seed",
    )
    command.add_argument(
        "--against",
        type=Path,
        metavar="FILE",
        help="then list what differs from another ledger at this profile and seed",
    )
    command.add_argument(
        "--restamp",
        action="store_true",
        help="with --against a ledger of the code before a rewriting: committed entries whose claims "
        "measure the same now as then count as measured by today's code",
    )
    workers_options(command)
    command.set_defaults(run=run)


def run(options):
    """Measure, write, and print the verdicts; 1 if an entry that was measured again lies outside its interval."""
    from ...errors import CnnlensError

    if options.offline:
        os.environ["CNNLENS_OFFLINE"] = "1"
    if options.commit and (options.profile != "full" or options.claims):
        raise CnnlensError("Only all claims at the full sizes are committed: use --profile full, and no --claims.")
    if options.restamp and not options.against:
        raise CnnlensError("--restamp needs a ledger of the code before: --against FILE.")
    if options.recheck is not None:
        if options.workers is not None or options.cluster is not None:
            raise CnnlensError("--recheck measures in this process alone: leave out --workers and --cluster.")
        return _recheck(options)
    ledger = _measure(options)
    for entry in ledger.entries:
        print(f"{entry.verdict:20} {entry.key:34} {entry.reason}")
    print("; ".join(f"{count} × {verdict}" for verdict, count in ledger.counts().items()))
    print(f"wrote {options.out / 'scorecard.html'}")
    if options.commit:
        _commit(options)
    if options.against:
        _against(options, ledger)
    return 0


def _measure(options):
    """The claims, then the table of techniques; what is done when it is stopped is written as well."""
    from ... import ledger
    from ...ledger import table
    from .. import report

    path, page = options.out / "ledger.json", options.out / "scorecard.html"
    try:
        found = _audit(options, path)
    except KeyboardInterrupt:
        if path.exists():
            report.write(ledger.read(path), page)
        raise
    report.write(found, page)
    if not options.claims:  # the table is of seconds as well, which are taken with nothing else running
        report.write(found, page, table.assess(options.profile, seed=options.seed, path=options.out / "table.json"))
    return found


def _audit(options, path):
    """The claims, each a task of its own where there are workers."""
    from ... import cluster, ledger

    asked = {"profile": options.profile, "seed": options.seed, "path": path}
    with (
        cluster.connected(options.workers, options.cluster) as connection,
        cluster.engine(connection, ledger.answer, {}, lambda: dict) as engine,
    ):
        return ledger.audit(options.claims, **asked, engine=engine)


def _commit(options):
    from ... import files

    for name in ("ledger.json", "table.json"):
        target = files.checkout() / "data" / name
        with files.atomic(target) as partial:
            partial.write_bytes((options.out / name).read_bytes())
        print(f"wrote data/{name}")
    _tell(files.checkout() / "README.md")


def _tell(readme):
    """Write between the marks of the README how the committed claims fare."""
    from ... import files, ledger

    before, rest = readme.read_text(encoding="utf-8").split(MARKS[0])
    told = textwrap.fill(ledger.read().summary, 128)
    with files.atomic(readme) as partial:
        partial.write_text(f"{before}{MARKS[0]}\n{told}\n{MARKS[1]}{rest.split(MARKS[1])[1]}", encoding="utf-8")


def _against(options, now):
    """Say what differs from another ledger, and restamp the committed one where nothing does."""
    from ... import files, ledger

    found = ledger.compare(ledger.read(options.against), now)
    changed = [each for each in found if not each.same]
    missing = sum(each.now.found is None for each in found)
    print(f"{len(found) - len(changed)} of {len(found)} entries are the same ({missing} of {len(found)} not measured)")
    for each in changed:
        print(f"changed: {each}")
    if not options.restamp:
        return
    committed = ledger.restamp(ledger.read(), found)
    ledger.write(committed, files.checkout() / "data" / "ledger.json")
    stale = [entry.key for entry in committed.entries if entry.stale]
    print(f"wrote data/ledger.json; {len(stale)} entries are still to be measured again: {' '.join(stale) or 'none'}")


def _recheck(options):
    from ... import ledger
    from ...errors import CnnlensError

    kept = {}
    chosen, candidates = ledger.draw(ledger.read(), options.recheck, seed=options.seed, kept=kept)
    if not chosen:
        raise CnnlensError("Nothing to measure again: no committed entry has all its networks and data here.")
    print(f"{len(chosen)} of {len(candidates)} entries that can be measured here")
    found = []
    for entry in chosen:
        found.append(ledger.recheck(entry, kept))
        print(found[-1], flush=True)
    return 0 if all(each.ok for each in found) else 1
