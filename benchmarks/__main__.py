"""Run benchmarks, each in a process of its own, and write ``build/bench.md``.

python -m benchmarks                  all of them: an hour, most of it the peers'
python -m benchmarks lime neurons     these, and the table of all that were ever run here
python -m benchmarks --quick          small sizes, to see that they run
python -m benchmarks --readme         run nothing; put the table into README.md
"""

import subprocess
import sys

from . import table

NAMES = sorted(path.stem for path in table.Path(__file__).parent.glob("[!_]*.py") if path.stem != "table")


def main():
    """Run those asked for; 1 if one failed or broke a promise."""
    parser = table.parser(__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--readme", action="store_true", help="run nothing; put the table into README.md")
    options = parser.parse_args()
    if options.readme:
        return table.quote()
    how = ["--quick"] * options.quick + ["--seed", str(options.seed)]
    failed = []
    for name in options.names or NAMES:  # one that fails does not stop the others
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *how], cwd=table.ROOT).returncode:
            failed.append(name)
    print(table.write())
    print(f"{table.WRITTEN}" + (f"; failed or broke a promise: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
