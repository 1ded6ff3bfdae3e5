"""The scorecard as one HTML file that needs nothing else: to read, to print, to send."""

import html
from pathlib import Path

from .. import files
from ..figures.ledger import needs, scale, seconds, short
from ..ledger.claim import FAILS, HOLDS, OPEN

SIGNS = {HOLDS: ("✓", "holds"), FAILS: ("✗", "fails"), OPEN: ("?", "open")}  # verdict: sign, CSS class
WIDE, HIGH = 300, 30  # px of a bar

STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1f; --faint: #5b5b66; --paper: #fafafa; --card: #fff; --line: #d8d8de; --track: #eeeef1;
  --support: #cfe3f5; --edge: #6fa3d2; --holds: #1a5f9e; --fails: #b01a00; --open: #5f6470; --badge: #fff1cc; --badge-ink: #5c4300; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececf0; --faint: #a9a9b5; --paper: #17171a; --card: #212126; --line: #3a3a42; --track: #33333b;
  --support: #24435f; --edge: #5b8fc0; --holds: #7db8ee; --fails: #ff9580; --open: #b3b7c2; --badge: #4d3d10; --badge-ink: #ffe4a0; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 66rem; padding: 0 1rem; color: var(--ink); background: var(--paper); }
h1 { margin-bottom: .2rem; } h2 { margin: 2.2rem 0 .6rem; } p { margin: .3rem 0; }
.faint, dt, footer { color: var(--faint); } .faint, footer { font-size: .9rem; }
.counts { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1rem 0; padding: 0; list-style: none; }
.counts li { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .4rem 1rem; } .counts b { font-size: 1.5rem; }
article { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .9rem 1.1rem; margin: .8rem 0; break-inside: avoid; }
article header { display: flex; flex-wrap: wrap; gap: .3rem 1.5rem; justify-content: space-between; }
article h3 { margin: 0; font-size: 1.05rem; flex: 1 1 24rem; } article header > div { flex: 0 0 300px; max-width: 100%; }
.verdict { font-weight: 700; } .holds { color: var(--holds); } .fails { color: var(--fails); } .open { color: var(--open); }
.one { white-space: nowrap; } .badge { background: var(--badge); color: var(--badge-ink); border-radius: .3rem; padding: 0 .4rem; font-size: .8rem; font-weight: 600; white-space: nowrap; }
dl { display: grid; grid-template-columns: 8.5rem 1fr; gap: .1rem .8rem; margin: .6rem 0 0; } dd { margin: 0; overflow-wrap: anywhere; }
summary { cursor: pointer; color: var(--faint); font-size: .9rem; margin-top: .3rem; }
.index ul { margin: .2rem 0 .6rem; } a { color: inherit; }
svg { display: block; max-width: 100%; height: auto; } svg .track { fill: var(--track); } svg .support { fill: var(--support); stroke: var(--edge); }
svg .zero { stroke: var(--faint); stroke-dasharray: 2 3; } svg .reach { stroke: currentColor; stroke-width: 3; } svg .mark { fill: currentColor; }
svg .hollow { fill: var(--card); stroke: currentColor; stroke-width: 2; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .9rem; background: var(--card); }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid var(--line); } td b { font-variant-numeric: tabular-nums; }
@media (max-width: 34rem) { dl { grid-template-columns: 1fr; } dt { margin-top: .3rem; } }
@media print { :root { --paper: #fff; } body { margin: 0; max-width: none; font-size: 10pt; } summary, .index { display: none; } article { padding: .4rem .6rem; } }
"""

HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>cnnlens: scorecard</title><style>{style}</style></head><body>
"""


def write(ledger, path, table=None):
    """Write a ledger, and the table of techniques where there is one, as an HTML file.

    Parameters
    ----------
    ledger : Ledger
    path : path
    table : Table, optional

    Returns
    -------
    Path
    """
    parts = [HEAD.replace("{style}", STYLE), _summary(ledger)]
    for technique in ledger.techniques:
        parts += [
            f"<h2>{_text(technique)}</h2>",
            *(_claim(entry) for entry in ledger.entries if entry.technique == technique),
        ]
    if table is not None:
        parts.append(_table(table))
    parts.append("</body></html>\n")
    with files.atomic(path) as partial:
        partial.write_text("\n".join(parts), encoding="utf-8")
    return Path(path)


def _text(value):
    return html.escape(str(value), quote=True)


def _summary(ledger):
    dates = sorted({entry.date for entry in ledger.entries})
    ran = f"Measured {' to '.join(dict.fromkeys((dates[0], dates[-1])))}" if dates else "Nothing is measured"
    profiles = " and ".join(sorted({entry.profile for entry in ledger.entries}))
    counts = "".join(
        f'<li class="{SIGNS[verdict][1]}"><b>{count}</b> {SIGNS[verdict][0]} {_text(verdict)}</li>'
        for verdict, count in ledger.counts().items()
    )
    stands = sum(bool(entry.stands_in) for entry in ledger.entries)
    return f"""<h1>Scorecard</h1>
<p>Claims of <i>Strategies for Extracting Knowledge from Convolutional Deep Learning Architectures</i> (2017), each made into a test that
could have come out either way.</p>
<ul class="counts">{counts}</ul>
<p class="faint">{ran} at profile {_text(profiles)}; {stands} of {len(ledger.entries)} on a stand-in.</p>
<p class="faint">A bar shows the difference of figure and control with its 95 % interval. Shaded: what counts as support, said before measuring.
Dotted: no difference. A claim holds if the whole interval lies in the shaded range, does not hold if all of it lies outside, and cannot be told here
if it lies across an end. Hollow marks: measured on a stand-in. Each bar has a scale of its own.</p>
{"".join(_index(ledger, verdict) for verdict in SIGNS)}"""


def _index(ledger, verdict):
    """The claims of a verdict, to jump to."""
    found = [
        f'<li><a href="#{_text(entry.key)}">{_text(entry.claim.statement)}</a></li>'
        for entry in ledger.entries
        if entry.verdict == verdict
    ]
    sign, kind = SIGNS[verdict]
    return (
        f'<details class="index"><summary class="{kind}">{sign} {_text(verdict)}: {len(found)}</summary><ul>{"".join(found)}</ul></details>'
        if found
        else ""
    )


def _claim(entry):
    sign, kind = SIGNS[entry.verdict]
    badge = f' <span class="badge">stand-in: {_text(", ".join(entry.stands_in))}</span>' if entry.stands_in else ""
    rows = {
        "read from": entry.claim.evidence,
        "measured value": entry.claim.value,
        "control": entry.claim.control,
        "support": f"{entry.support}: {entry.claim.why}",
        "measured": entry.reason,
        "on": "; ".join(f"{name}: {source}" for name, source in entry.sources.items()) or "nothing",
        "how": _how(entry),
    }
    listed = "".join(f"<dt>{_text(name)}</dt><dd>{_text(said)}</dd>" for name, said in rows.items())
    return f"""<article id="{_text(entry.key)}"><header><h3>{_text(entry.claim.statement)} <span class="faint">section {_text(entry.claim.section)}</span></h3>
<div class="{kind}">{_bar(entry)}<span class="verdict">{sign} {_text(entry.verdict)}</span>{badge}</div></header>
<details open><summary>How it was measured</summary><dl>{listed}</dl></details></article>"""


def _how(entry):
    found = entry.measured
    taken = f"{found['seeds']} seeds × {found['items']} items, " if found else ""
    return f"{taken}profile {entry.profile}, first seed {entry.seed}, {entry.seconds:.1f} s alone, {entry.date}, cnnlens {entry.version}; {entry.key}"


def _bar(entry):
    """Interval, support and no difference as a small picture; nothing where nothing was measured."""
    found = entry.found
    if found is None:
        return ""
    place, middle = scale(entry, 8, WIDE - 8), HIGH / 2
    low, high, value, zero = (place(number) for number in (found.low, found.high, found.difference, 0))
    least, most = place(entry.range.least), place(entry.range.most)
    said = f"{found.difference:.3g}, from {found.low:.3g} to {found.high:.3g}; support is {entry.support}"
    return f"""<svg viewBox="0 0 {WIDE} {HIGH}" width="{WIDE}" height="{HIGH}" role="img" aria-label="{_text(said)}"><title>{_text(said)}</title>
<rect class="track" x="8" y="8" width="{WIDE - 16}" height="14"/><rect class="support" x="{least:.1f}" y="8" width="{most - least:.1f}" height="14"/>
<line class="zero" x1="{zero:.1f}" x2="{zero:.1f}" y1="3" y2="27"/><line class="reach" x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}"/>
{_mark(entry, value, middle)}</svg><span class="faint">{short(found.difference)} ({short(found.low)} to {short(found.high)}), <span class="one">needs {_text(needs(entry.range))}</span></span><br>"""


def _mark(entry, x, y):
    kind = "hollow" if entry.stands_in else "mark"
    if entry.verdict == HOLDS:
        return f'<circle class="{kind}" cx="{x:.1f}" cy="{y}" r="6"/>'
    if entry.verdict == OPEN:
        return f'<path class="{kind}" d="M{x:.1f} {y - 7}l7 7l-7 7l-7 -7z"/>'
    return f'<path class="{kind}" d="M{x:.1f} {y - 3}l4 -4l3 3l-4 4l4 4l-3 3l-4 -4l-4 4l-3 -3l4 -4l-4 -4l3 -3z"/>'


def _table(table):
    names = ("technique", "network, images", "tells", "how faithful", "how stable", "seconds an image")
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    gaps = "".join(
        f"<li>{_text(gap.technique)} on {_text(gap.network)}, {_text(gap.data)}: {_text(gap.reason)}</li>"
        for gap in table.gaps
    )
    missing = f'<p class="faint">Not measured here:</p><ul class="faint">{gaps}</ul>' if gaps else ""
    return f"""<h2>What each technique tells</h2><div class="scroll"><table><thead><tr>{head}</tr></thead>
<tbody>{"".join(map(_row, table.rows))}</tbody></table></div>{missing}<p class="faint">{_text(table.source)}</p>"""


def _row(row):
    badge = ' <span class="badge">stand-in</span>' if row.stands_in else ""
    cells = (
        _text(row.technique),
        f"{_text(row.network)}, {_text(row.data)}{badge}",
        _text(row.tells),
        f"<b>{short(row.faithful)}</b> {_text(row.faithful_means)}",
        f"<b>{short(row.stable)}</b> {_text(row.stable_means)}",
        f"<b>{seconds(row.seconds)}</b>",
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
