"""The page: one HTML file that needs nothing else, and a part of it for a notebook."""

import base64
import itertools
import re
from pathlib import Path

import jinja2

from .. import files
from ..scores.findings import heaviest

TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("cnnlens.report"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
STYLE = Path(__file__).with_name("templates").joinpath("report.css").read_text(encoding="utf-8")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
NUMBERED = re.compile(r'(?<=")p\d{4,}(?=")')  # Bokeh counts its objects on, from the first of the process


def save(report, path):
    """Write a report as one HTML file, whole or not at all; its path."""
    path = Path(path)
    with files.atomic(path) as partial:
        partial.write_text(html(report), encoding="utf-8")
    return path


def html(report):
    """The whole page of a report."""
    return _render("report.html", report=report, **_top(report))


def summary(report):
    """The sentences of a report and a list of its parts, for a notebook."""
    return _render("summary.html", report=report, **_top(report))


def fragment(part):
    """One part, for a notebook."""
    return _render("fragment.html", part=part)


def _top(report):
    """What stands on top: the findings, each with the name of its part, and what was and was not looked at."""
    where = {id(finding): part.name for part in report.parts for finding in part.findings}
    found = [(finding, where[id(finding)]) for finding in heaviest(report.findings)]
    return {"found": found, "closing": report.sentences[len(found) :]}


def _render(name, **told):
    return TEMPLATES.get_template(name).render(style=STYLE, address=_address, **told)


def _address(figure):
    """A figure as the address of its own data."""
    return f"data:image/webp;base64,{base64.b64encode(figure.data).decode('ascii')}"


def steady(page):
    """An interactive page whose random and running names begin anew, so that the same report is the same file.

    Examples
    --------
    >>> steady("<div id=0f8fad5b-d9cb-469f-a165-70867728950e>")
    '<div id=00000000-0000-0000-0000-000000000000>'
    >>> steady('{"id":"p1933","in":["p2001","p1933"]}')
    '{"id":"p1000","in":["p1001","p1000"]}'
    """
    page = _renamed(UUID, "00000000-0000-0000-0000-{:012d}", itertools.count(), page)
    return _renamed(NUMBERED, "p{}", itertools.count(1000), page)


def _renamed(pattern, name, count, page):
    names = {found: name.format(next(count)) for found in dict.fromkeys(pattern.findall(page))}
    return pattern.sub(lambda found: names[found[0]], page)
