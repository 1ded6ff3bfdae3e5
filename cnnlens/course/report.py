"""The scorecard as one HTML file that needs nothing else: to read, to print, to send."""

from pathlib import Path

import jinja2

from .. import files
from ..figures.ledger import needs, scale, seconds, short
from ..ledger.claim import FAILS, HOLDS, OPEN

SIGNS = {  # verdict: sign and CSS class
    HOLDS: {"sign": "✓", "kind": "holds"},
    FAILS: {"sign": "✗", "kind": "fails"},
    OPEN: {"sign": "?", "kind": "open"},
}
WIDE, HIGH, MARGIN = 300, 30, 8  # px of a bar
TEMPLATES = jinja2.Environment(loader=jinja2.PackageLoader("cnnlens.course"), autoescape=True)
STYLE = Path(__file__).with_name("templates").joinpath("scorecard.css").read_text(encoding="utf-8")


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
    page = TEMPLATES.get_template("scorecard.html").render(style=STYLE, **told(ledger, table))
    with files.atomic(path) as partial:
        partial.write_text(page + "\n", encoding="utf-8")
    return Path(path)


def told(ledger, table=None):
    """What the templates of the scorecard are given, by name; see :func:`write`."""
    dates = sorted({entry.date for entry in ledger.entries})
    return dict(
        ledger=ledger,
        adjusted=ledger.adjusted(),
        as_made=ledger.as_made,
        table=table,
        dates=list(dict.fromkeys([*dates[:1], *dates[-1:]])),
        profiles=sorted({entry.profile for entry in ledger.entries}),
        signs=SIGNS,
        size=(WIDE, HIGH, MARGIN),
        places=_places,
        needs=needs,
        seconds=seconds,
        short=short,
    )


def _places(entry):
    """Where interval, support, and no difference lie on the bar of an entry, in px, and its numbers in words."""
    found, support, place = entry.found, entry.range, scale(entry, MARGIN, WIDE - MARGIN)
    ends = {"least": support.least, "most": support.most, "low": found.low, "high": found.high, "zero": 0}
    at = {name: round(place(number), 1) for name, number in {**ends, "difference": found.difference}.items()}
    return {
        **at,
        "width": round(at["most"] - at["least"], 1),
        "reach": f"{found.difference:.3g}, from {found.low:.3g} to {found.high:.3g}",
        "numbers": f"{short(found.difference)} ({short(found.low)} to {short(found.high)}, width {short(found.width)})",
    }
