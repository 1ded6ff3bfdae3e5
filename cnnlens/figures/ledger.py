"""Pictures of the scorecard: the claims with their intervals, the table of techniques, guesses against verdicts."""

import itertools
import textwrap

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ..ledger.book import Ledger
from ..ledger.claim import FAILS, HOLDS, OPEN
from ..ledger.guesses import DOUBTED, KINDS, MISLED, RIGHT, UNSETTLED, Tally
from ..ledger.table import Table
from ..results import painter
from .base import INK_HEX, LABEL, SMALL, TITLE, canvas, finish, legend_below

# Blue, vermilion and grey stay apart for every common color vision; the shapes do for everybody.
LOOKS = {HOLDS: ("#1f6fb5", "o"), FAILS: ("#bd1f01", "X"), OPEN: ("#717581", "D")}
MARK_SIZE = {HOLDS: 7.5, FAILS: 10, OPEN: 7.5}
SUPPORT, EDGE, TRACK, FAINT = "#cfe3f5", "#8fb8dd", "#f2f2f4", "#666666"
LINE = 0.16  # inches of a line of text
FAR = 4  # times the rest of a row's scale
# Where bars and words stand, in hundredths of the width; on a small screen the statement stands above them.
BAR, VERDICT, RIGHT_END = (41, 62), 64, 99.5
NARROW, NARROW_BAR, NARROW_VERDICT = 8, (0, 34), 37  # inches below which a figure is for a small screen
NOTE = (
    "Measured value minus control, and the 95 % interval of the difference. "
    "Each row has a scale of its own. "
    "Adjusted: for all claims shown at once.\n"
    "Plan: how many tell the support from no difference, in four of five cases, at the spread that was observed."
)
KIND_LOOKS = {
    RIGHT: ("#1f6fb5", ""),
    MISLED: ("#e98a78", "////"),
    DOUBTED: ("#ffd166", "...."),
    UNSETTLED: ("#d5d7db", ""),
}


# --- claims ---------------------------------------------------------------------------------------------------------


def forest(ledger, guesses=None, *, title="", width=11.5):
    """Every claim as a row: its interval against the range that counts as support, and the verdict.

    Each row is scaled to itself, since the claims are measured in different units.

    Parameters
    ----------
    ledger : Ledger
    guesses : dict of str to str, optional
        A guess by the key of a claim, written beside the verdict.
    title : str
    width : float
        Inches; below 8 the statement stands above the bar, not before it.

    Returns
    -------
    Figure, str
        And its alternative text.
    """
    narrow = width < NARROW
    letters = int(width * (14 if narrow else 6.1))
    labels = [textwrap.wrap(f"{entry.claim.statement} ({_where(entry.claim)})", letters) for entry in ledger.entries]
    adjusted = ledger.adjusted()
    plans = [_planned(entry, strict.verdict) for entry, strict in zip(ledger.entries, adjusted.entries)]
    if narrow:
        plans = [[part for line in plan for part in textwrap.wrap(line, int(width * 9))] for plan in plans]
    tall = [_room(len(label), len(plan), narrow) for label, plan in zip(labels, plans)]
    key = 0.7 if not narrow else 1.05 + LINE * len(_note(letters))
    height = sum(tall) + len(ledger.techniques) * 0.32 + key + 0.15
    fig = canvas(width, height + 0.6)
    axes = fig.add_subplot(xlim=(0, 100), ylim=(height, 0))
    axes.set_axis_off()
    _key(axes, letters if narrow else None)
    top = key
    for technique, rows in itertools.groupby(zip(ledger.entries, labels, plans, tall), lambda row: row[0].technique):
        _write(axes, 0, top + 0.2, technique, LABEL + 1, INK_HEX, weight="bold")
        top += 0.32
        for entry, label, plan, room in rows:
            axes.axhline(top, color="#dddddd", linewidth=0.6, zorder=0)
            _claim(axes, entry, label, plan, top, room, (guesses or {}).get(entry.key), narrow)
            top += room
    counts, strict = ledger.counts(), adjusted.counts()
    heading = (
        f"{counts[HOLDS]} hold · {counts[FAILS]} do not hold · {counts[OPEN]} cannot be told here "
        f"(adjusted: {strict[HOLDS]} · {strict[FAILS]} · {strict[OPEN]})"
    )
    fig.suptitle(textwrap.fill(title or heading, int(width * 10)), fontsize=TITLE)
    return finish(fig, ledger.source), _said(ledger, strict)


def _where(claim):
    """The section of the dissertation; or the paper, and the day on which the claim's words were fixed."""
    return f"{claim.section}; fixed {claim.fixed}" if claim.fixed else claim.section


def _room(label, plan, narrow):
    """Inches of a row, by the lines of its statement and of its plan."""
    return (label + max(3, 2 + plan)) * LINE + 0.22 if narrow else max(2 + plan, label) * LINE + 0.1


def _note(letters):
    """The lines of the note at the head of a narrow figure."""
    return [line for part in NOTE.splitlines() for line in textwrap.wrap(part, letters)]


def _key(axes, letters=None):
    """The legend, at the head; so many letters in a line if it is for a small screen."""

    def line(label, **look):
        return Line2D([], [], linewidth=2, markersize=7, label=label, **look)

    verdicts = [line(verdict, color=color, marker=mark) for verdict, (color, mark) in LOOKS.items()]
    hollow = line("on a stand-in", color=FAINT, marker="o", markerfacecolor="white")
    support = Patch(facecolor=SUPPORT, edgecolor=EDGE, label="counts as support")
    zero = Line2D([], [], color=FAINT, linestyle=":", label="no difference")
    look = {"fontsize": SMALL + 0.5, "frameon": False, "columnspacing": 1.6, "handletextpad": 0.5}
    handles, place = [*verdicts, hollow, support, zero], {"loc": "upper left", "borderaxespad": 0, "borderpad": 0}
    axes.legend(handles=handles, ncols=2 if letters else 6, bbox_to_anchor=(0, 1), **place, **look)
    if letters:
        _write(axes, 0, 0.8, "\n".join(_note(letters)), SMALL + 0.5, va="top")
    else:
        _write(axes, 0, 0.45, NOTE, SMALL + 0.5)


def _write(axes, x, y, text, size=SMALL, color=FAINT, **how):
    axes.text(x, y, text, **{"fontsize": size, "color": color, "va": "center", "linespacing": 1.25, **how})


def _claim(axes, entry, label, plan, top, room, guess, narrow=False):
    """One row: words, bar, verdict, and the guess where there is one."""
    color, mark = LOOKS[entry.verdict]
    head = len(label) * LINE if narrow else 0
    middle = top + (head + room) / 2 + 0.02 * narrow
    above, below, *lines = middle + (np.arange(2 + len(plan)) - (1 + len(plan)) / 2) * LINE
    _write(axes, 0, top + 0.05 + head / 2 if narrow else middle, "\n".join(label), SMALL + 0.5, INK_HEX)
    bar, words = (NARROW_BAR, NARROW_VERDICT) if narrow else (BAR, VERDICT)
    found = entry.found
    if found is not None:
        _bar(axes, entry, middle, color, mark, bar)
        numbers = f"{short(found.difference)}  ({short(found.low)} to {short(found.high)}, width {short(found.width)})"
    else:
        _write(axes, np.mean(bar), middle, "nothing to measure it on", style="italic", ha="center")
        numbers = "not measured"
    stands = "  · stand-in" if entry.stands_in else ""
    _write(axes, words, above, f"{entry.verdict}{stands}", SMALL + 0.5, color, weight="bold")
    _write(axes, words, below, numbers)
    for y, line in zip(lines, plan):
        _write(axes, words, y, line)
    above, below, edge = (middle - 0.19, middle + 0.19, bar[1]) if narrow else (above, below, RIGHT_END)
    _write(axes, edge, below, f"needs {needs(entry.range)}", ha="right")
    if guess is not None:
        right = "✓" if guess == entry.verdict else "✗"
        _write(axes, edge, above, f"guess: {guess} {right}", color=INK_HEX, ha="right")


def _planned(entry, adjusted):
    """The last lines of a row: the adjusted verdict where it is another, or what would settle it; and the plan."""
    lines = [f"adjusted: {adjusted}" if adjusted != entry.verdict else entry.would_need]
    return [line for line in (*lines, entry.plan and f"plan: {entry.plan}") if line]


def _bar(axes, entry, middle, color, mark, ends):
    place = scale(entry, *ends)
    found, support = entry.found, entry.range
    least, most, low, high = map(place, (support.least, support.most, found.low, found.high))
    axes.barh(middle, ends[1] - ends[0], 0.2, ends[0], color=TRACK, zorder=1)
    axes.barh(middle, most - least, 0.2, least, color=SUPPORT, edgecolor=EDGE, linewidth=0.8, zorder=2)
    axes.plot([place(0)] * 2, [middle - 0.14, middle + 0.14], ":", color=FAINT, linewidth=1.1, zorder=3)
    axes.plot([low, high], [middle] * 2, color=color, linewidth=2.4, zorder=4, solid_capstyle="butt")
    look = {"color": color, "markerfacecolor": "white" if entry.stands_in else color}
    axes.plot([place(found.difference)], [middle], mark, markersize=MARK_SIZE[entry.verdict], zorder=5, **look)


def scale(entry, low=BAR[0], high=BAR[1]):
    """A function from differences to places on the row of an entry, whose scale holds interval, zero, and support.

    An end of the support that lies so far off that all the rest would be squeezed together is left outside.

    Parameters
    ----------
    entry : Entry
        One that was measured.
    low, high : float
        Ends of the row; what lies outside the scale is put there.

    Returns
    -------
    callable
    """
    found, support = entry.found, entry.range
    near, far = sorted((support.least, support.most), key=lambda end: abs(end - found.difference))
    shown = [0, found.low, found.high, near]
    if np.ptp([*shown, far]) < FAR * np.ptp(shown):
        shown.append(far)
    margin = 0.1 * np.ptp(shown) or 1
    first, last = min(shown) - margin, max(shown) + margin

    def place(value):
        return float(np.clip(low + (high - low) * (np.clip(value, first, last) - first) / (last - first), low, high))

    return place


def needs(support):
    """A range of support in signs, such as ``≥ 0.1``."""
    if np.isinf(support.most):
        return f"≥ {short(support.least)}"
    return f"≤ {short(support.most)}" if np.isinf(support.least) else f"{short(support.least)} to {short(support.most)}"


def short(value):
    """A number in three digits, with a proper minus."""
    return f"{value:.3g}".replace("-", "−")


def _said(ledger, adjusted):
    counts = ledger.counts()
    said = "; ".join(f"{count} {'claims' if count != 1 else 'claim'}: {verdict}" for verdict, count in counts.items())
    rows = " ".join(
        f"{entry.key}: {entry.verdict}{' (stand-in)' if entry.stands_in else ''}." for entry in ledger.entries
    )
    strict = "; ".join(f"{count}: {verdict}" for verdict, count in adjusted.items())
    return (
        f"Intervals of {len(ledger.entries)} claims against what would support them. {said}. Adjusted: {strict}. {rows}"
    )


# --- techniques -----------------------------------------------------------------------------------------------------

COLUMNS = {  # title: width in inches
    "technique": 1.0,
    "network, images": 1.5,
    "tells": 3.0,
    "how faithful": 2.3,
    "how stable": 2.3,
    "s / image": 0.8,
}


def table(result, *, title="What each technique tells, and how far to trust it"):
    """Techniques × networks × images, each with how faithful, how stable, how long an image takes.

    Parameters
    ----------
    result : Table
    title : str

    Returns
    -------
    Figure, str
    """
    before = (None, *result.rows)
    cells = [
        [_wrapped(text, inches) for text, inches in zip(_cells(row, last), COLUMNS.values())]
        for row, last in zip(result.rows, before)
    ]
    missing = [
        textwrap.wrap(f"Not measured: {gap.technique} on {gap.network}, {gap.data}: {gap.reason}", 150)
        for gap in result.gaps
    ]
    tall = [max(map(len, row)) * LINE + 0.12 for row in cells]
    height = sum(tall) + 0.4 + sum(map(len, missing)) * LINE
    width = sum(COLUMNS.values())
    fig = canvas(width + 0.2, height + 0.5)
    axes = fig.add_subplot(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    lefts = [0, *itertools.accumulate(COLUMNS.values())]
    for left, name in zip(lefts, COLUMNS):
        _write(axes, left, 0.15, name, LABEL, INK_HEX, weight="bold")
    top = 0.32
    for texts, room in zip(cells, tall):
        axes.axhline(top, color=INK_HEX if texts[0] else "#dddddd", linewidth=0.9 if texts[0] else 0.6)
        for left, lines in zip(lefts, texts):
            _write(axes, left, top + 0.08, "\n".join(lines), SMALL + 0.5, INK_HEX, va="top")
        top += room
    axes.axhline(top, color=INK_HEX, linewidth=0.9)
    if missing:
        _write(axes, 0, top + 0.08, "\n".join(itertools.chain(*missing)), va="top")
    fig.suptitle(title, fontsize=TITLE)
    said = " ".join(
        f"{row.technique} on {row.network}, {row.data}: faithful {row.faithful:.2g}, stable {row.stable:.2g}."
        for row in result.rows
    )
    return finish(fig, result.source), f"Table of {len(result.rows)} rows. {said}"


def _cells(row, last):
    """The texts of a row; what its technique has said in the row before is not said again."""
    same = last is not None and last.technique == row.technique
    said = [
        "" if same and getattr(last, name) == getattr(row, name) else getattr(row, name)
        for name in ("technique", "tells", "faithful_means", "stable_means")
    ]
    stands = " (stand-in)" if row.stands_in else ""
    faithful, stable = (
        f"{short(number)}: {means}" if means else short(number)
        for number, means in ((row.faithful, said[2]), (row.stable, said[3]))
    )
    return said[0], f"{row.network}, {row.data}{stands}", said[1], faithful, stable, seconds(row.seconds)


def seconds(value):
    """A time in two digits, or whole seconds."""
    return f"{value:.2g}" if value < 100 else f"{value:.0f}"


def _wrapped(text, inches):
    return textwrap.wrap(text, max(6, int(inches * 12.6)))


# --- guesses --------------------------------------------------------------------------------------------------------


def guessed(result, *, title="", width=8.5):
    """Guesses against verdicts, a bar a technique.

    Parameters
    ----------
    result : Tally
    title : str
    width : float
        Inches.

    Returns
    -------
    Figure, str
    """
    techniques = list(dict.fromkeys(guess.technique for guess in result.guesses))
    counts = {
        kind: [sum(guess.technique == name for guess in result.of(kind)) for name in techniques] for kind in KINDS
    }
    fig = canvas(width, 0.5 * max(1, len(techniques)) + 1.9)
    axes = fig.add_subplot()
    left = np.zeros(len(techniques))
    for kind, (color, hatch) in KIND_LOOKS.items():
        if any(counts[kind]):
            _stack(axes, techniques, counts[kind], left, kind, color, hatch)
            left += counts[kind]
    axes.invert_yaxis()
    axes.set_xlabel("claims", fontsize=LABEL)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.spines[["top", "right"]].set_visible(False)
    heading = f"Guessed from the pictures: {len(result.of(RIGHT))} of {len(result.guesses)} right"
    axes.set_title(title or heading, fontsize=TITLE)
    if result.guesses:
        legend_below(axes, columns=2)
    return finish(fig, result.source), result.sentence


def _stack(axes, techniques, counts, left, kind, color, hatch):
    """One kind of guess on every bar, with its counts written into it."""
    look = {"color": color, "hatch": hatch, "edgecolor": "#555555" if hatch else "white", "linewidth": 0.5}
    axes.barh(techniques, counts, 0.62, left, label=KINDS[kind], **look)
    box = {"boxstyle": "round,pad=0.15", "facecolor": color, "edgecolor": "none"} if hatch else None
    ink = "white" if kind == RIGHT else INK_HEX
    for y, (count, start) in enumerate(zip(counts, left)):
        if count:
            _write(axes, start + count / 2, y, str(count), LABEL, ink, ha="center", bbox=box)


# --- how results draw themselves ------------------------------------------------------------------------------------


@painter(Ledger)
def _ledger(result):
    return forest(result)


@painter(Table)
def _table(result):
    return table(result)


@painter(Tally)
def _tally(result):
    return guessed(result)
