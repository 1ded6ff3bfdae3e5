"""One table for all benchmarks: what is measured, beside whom, in what time, and how good both are.

A benchmark is a module of this package. Its ``main()`` measures, and ends with ``return table.keep("NAME", rows)``,
which prints the rows, keeps them in ``build/bench/NAME.json``, and gives 1 if a promise is broken.
"""

import argparse
import datetime
import json
import platform
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from cnnlens import device, files

ROOT = Path(__file__).resolve().parents[1]
KEPT, WRITTEN, README = ROOT / "build" / "bench", ROOT / "build" / "bench.md", ROOT / "README.md"
MARKS = "<!-- benchmarks: written by python -m benchmarks --readme -->", "<!-- end of benchmarks -->"
HEAD = ("what is measured", "beside", "its", "ours", "ratio", "promised", "quality: its → ours", "machine, day")


@dataclass(frozen=True, kw_only=True)
class Row:
    """Something measured for a peer and for us.

    Attributes
    ----------
    what : str
        With its size: "t-SNE of 60,000 × 128".
    peer : str
        With its version, where it is a package (:func:`version`).
    theirs, ours : float
        What it costs, in ``unit``: less is better. ``theirs`` is None if the peer could not do it.
    unit : str
    quality : dict of str to (float, float)
        What each reaches, the peer first: more is better.
    stated : dict of str to (float, float)
        The same, shown beside it and not promised.
    ratio : float, optional
        What ``ours / theirs`` is promised not to exceed, with each quality at least the peer's.
    limit : float, optional
        What ``ours`` is promised not to exceed, in ``unit``.
    """

    what: str
    peer: str
    theirs: float | None
    ours: float
    unit: str = "s"
    quality: dict = field(default_factory=dict)
    stated: dict = field(default_factory=dict)
    ratio: float | None = None
    limit: float | None = None

    @property
    def kept(self):
        """Whether all that is promised was measured; True where nothing is.

        Examples
        --------
        >>> one = {"what": "a sum", "peer": "abacus", "theirs": 10.0, "quality": {"digits": (3, 4)}, "ratio": 0.5}
        >>> Row(**one, ours=4.0).kept, Row(**one, ours=6.0).kept
        (True, False)
        """
        fast = self.ratio is None or (self.theirs is not None and self.ours <= self.ratio * self.theirs)
        good = self.ratio is None or all(ours >= theirs for theirs, ours in self.quality.values())
        return bool(fast and good and (self.limit is None or self.ours <= self.limit))

    @property
    def promise(self):
        """What is promised, in short, and whether it was kept."""
        said = [f"≤ {self.ratio:.3g}"] if self.ratio is not None else []
        said += [f"≤ {self.limit:g} {self.unit}"] if self.limit is not None else []
        return " and ".join(said) + ("" if self.kept else " **broken**")

    @property
    def cells(self):
        """Its words in the table, but for the machine."""
        theirs, ratio = (
            ("–", "–") if self.theirs is None else (self.cost(self.theirs), f"{self.ours / self.theirs:.3g}")
        )
        quality = "; ".join(f"{name} {a:.4g} → {b:.4g}" for name, (a, b) in {**self.quality, **self.stated}.items())
        return (self.what, self.peer, theirs, self.cost(self.ours), ratio, self.promise, quality)

    def cost(self, value):
        """A cost with its unit: three digits, and all of them before the point."""
        number = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
        return f"{number} {self.unit}".strip()


def parser(doc):
    """What every benchmark's command line has: ``--quick`` and ``--seed``.

    Parameters
    ----------
    doc : str
        The benchmark's own docstring, which ``--help`` shows.
    """
    found = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--quick", action="store_true", help="small sizes, to see that it runs; promises say nothing")
    found.add_argument("--seed", type=int, default=0)
    return found


def keep(name, rows, *, quick=False):
    """Print a benchmark's rows and keep them for the table.

    Parameters
    ----------
    name : str
        That of the module.
    rows : list of Row
    quick : bool
        Small sizes: the README does not quote them, and a broken promise is no fault.

    Returns
    -------
    int
        What the process should end with: 1 if a promise is broken, else 0.
    """
    found = {
        "day": datetime.date.today().isoformat(),
        "machine": machine(),
        "quick": quick,
        "rows": [asdict(row) for row in rows],
    }
    KEPT.mkdir(parents=True, exist_ok=True)
    with files.atomic(KEPT / f"{name}.json") as path:
        path.write_text(json.dumps(found, indent=1, default=float), encoding="utf-8")
    print(f"\n{markdown([found])}", flush=True)
    return 0 if quick or all(row.kept for row in rows) else 1


def machine():
    """What kind of machine this is: cores, what they are, bfloat16 or not, and what others computed on it meanwhile."""
    precision = "bfloat16" if device.training_policy() == "mixed_bfloat16" else device.training_policy()
    meanwhile = others()
    shared = f", {meanwhile:.0%} of it taken by other work" if meanwhile > 0.05 else ""
    return f"{psutil.cpu_count()} cores, {platform.machine()}, {precision}{shared}"


def others():
    """The fraction of all cores' time since this module was imported that went to other processes."""
    spent, own, seconds = (now - then for now, then in zip(_times(), BEGAN))
    return max(0.0, (spent - own) / (seconds * psutil.cpu_count()))


def peak_memory():
    """The most memory that this process ever held, in bytes."""
    try:
        import resource
    except ImportError:  # Windows has no such module, and tells psutil
        return psutil.Process().memory_info().peak_wset
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _times():
    """Seconds that all cores were busy, seconds of this process and its children, seconds on the clock."""
    every, mine = psutil.cpu_times(), psutil.Process().cpu_times()
    idle = every.idle + getattr(every, "iowait", 0) + getattr(every, "guest", 0)  # a guest's time is in user already
    return sum(every) - idle, sum(mine[:4]), time.monotonic()


def version(package):
    """A package with its version, or with words that it is not installed."""
    from importlib import metadata

    try:
        return f"{package} {metadata.version(package)}"
    except metadata.PackageNotFoundError:
        return f"{package} (not installed)"


def kept(folder=KEPT):
    """What the benchmarks left, in order of their names."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(Path(folder).glob("*.json"))]


def markdown(found):
    """The table of what was kept."""
    lines = [HEAD, ("---",) * len(HEAD)]
    for one in found:
        where = f"{one['machine']}, {one['day']}{' (quick sizes)' if one['quick'] else ''}"
        lines += [(*Row(**row).cells, where) for row in one["rows"]]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def write(path=WRITTEN, folder=KEPT):
    """Write the table of all that was kept; give its text."""
    found = kept(folder)
    words = "Ratio: ours through its, less is better. Quality: more is better. Other work on the machine slows both."
    text = f"# Benchmarks\n\n{words}\n\n{markdown(found)}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return text


def quote(path=README, folder=KEPT):
    """Put the table into the README, between the two marks, without the quick ones."""
    text = path.read_text(encoding="utf-8")
    before, rest = text.split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    table = markdown([one for one in kept(folder) if not one["quick"]])
    with files.atomic(path) as temporary:
        temporary.write_text(f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}", encoding="utf-8")


BEGAN = _times()
