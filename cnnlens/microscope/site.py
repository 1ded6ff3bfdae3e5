"""The site: pages that a browser opens from the disk, made of what a store holds so far; no server, no network."""

import json
import math
from pathlib import Path
from urllib.parse import quote

import jinja2
import numpy as np

from .. import files
from ..errors import CnnlensError
from . import pictures
from .store import opened
from .told import MOST, NEARLY, Told, class_file, slug

TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("cnnlens.microscope"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
SAMPLES = 14  # units of a layer on the first page
ASSETS = ("microscope.css", "search.js", "sheet.js")


class Site:
    """The pages of a store; what has not changed since is not written again.

    Parameters
    ----------
    store : Store
    folder : path, optional
        By default ``site`` beside the store.
    """

    def __init__(self, store, folder=None):
        self.store, self.plan = store, store.plan
        self.folder = Path(folder) if folder else store.path.parent / "site"
        self._told, self._written = None, {}

    @property
    def home(self):
        """The page to open first."""
        return self.folder / "index.html"

    def write(self):
        """Write what can be shown by now; the page to open first.

        Raises
        ------
        CnnlensError
            If not even all images have been read yet, or the folder cannot be written.
        """
        missing = [task for task in (*self.plan.readings, *self.plan.summaries) if not self.store.seal(task)]
        if missing:
            raise CnnlensError(f"{self.store.path}: not all images have been read yet, so there is nothing to show.")
        self._told = self._told or Told(self.store)
        self._told.forget()
        sealed = [(layer, self.store.sealed(number)) for number, layer in enumerate(self.plan.layers)]
        for number, (_, there) in enumerate(sealed):
            self._pictures(number)
            if self._written.get(number) != there.tobytes():
                self._layer(number, there)
                self._written[number] = there.tobytes()
        for number, name in self._told.classes.items():
            self._class(number, name, sealed)
        for name in ASSETS:
            text = Path(__file__).with_name("templates").joinpath(name).read_text(encoding="utf-8")
            self._put(self.folder / name, text)
        index = json.dumps(self._told.index(sealed), ensure_ascii=False, separators=(",", ":"))
        self._put(self.folder / "search-index.js", f"window.microscope = {index};\n")
        done = sum(int(there.sum()) for _, there in sealed)
        told = {"done": done, "layers": self._layers(sealed), "classes": self._classes()}
        self._page(self.home, "network.html", "", **told)
        return self.home

    # --- pages ------------------------------------------------------------------------------------------------

    def _page(self, path, template, up, **values):
        """Write a page; ``up`` leads from it to the first."""
        names = self._told.classes
        told = {"plan": self.plan, "up": up, "names": names, "example": next(iter(names.values()), ""), **values}
        self._put(path, TEMPLATES.get_template(template).render(told))

    def _put(self, path, text):
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            with files.atomic(path) as partial:
                partial.write_text(text, encoding="utf-8")

    def _pictures(self, number):
        """Draw what was not drawn yet, or from something else: beside the pictures lies the seal of their task."""
        folder = self.folder / "pictures" / slug(self.plan.layers[number].path)
        for task in self.plan.batches(number):
            seal, note = self.store.seal(task), folder / f"{task.first}-{task.last - 1}.txt"
            if seal and not (note.is_file() and note.read_text(encoding="utf-8") == seal):
                pictures.draw(self.store, task, folder)
                self._put(note, seal)

    def _layer(self, number, there):
        layer, name = self.plan.layers[number], slug(self.plan.layers[number].path)
        units = np.flatnonzero(there).tolist()
        told, summary = self._told, self._told.summary(number)
        cards = [
            {
                "unit": unit,
                "likes": told.classes.get(told.best_class(number, unit), ""),
                "largest": float(summary["largest"][unit]),
                "selectivity": float(np.nan_to_num(summary["selectivity"][unit], nan=-1)),
            }
            for unit in units
        ]
        about = {"layer": layer, "number": number, "slug": quote(name)}
        self._page(self.folder / "layers" / f"{name}.html", "layer.html", "../", cards=cards, **about)
        for unit in units:
            near = {"before": unit - 1, "after": unit + 1}
            near = {word: n if 0 <= n < len(there) and there[n] else None for word, n in near.items()}
            values = {**about, **near, **self._unit(number, unit, there)}
            self._page(self.folder / "units" / name / f"{unit}.html", "unit.html", "../../", **values)

    def _unit(self, number, unit, there):
        told, summary = self._told, self._told.summary(number)
        numbers = ("mean", "deviation", "largest", "active", "selectivity")
        alike = [
            {"unit": n, "r": r, "there": bool(there[n]), "nearly": r >= NEARLY} for n, r in told.alike(number, unit)
        ]
        return {
            "unit": unit,
            "made": told.made(number, unit),
            "tops": summary["top_value"][unit].tolist(),
            "images": summary["top_image"][unit].tolist(),
            "preferred": _scaled(told.preferred(number, unit)),
            "alike": alike,
            "bars": _bars(summary["histogram"][unit]),
            "edges": summary["edges"][unit].tolist(),
            **{name: float(summary[name][unit]) for name in numbers},
        }

    def _class(self, number, name, sealed):
        fired = [each for each in self._told.fired[number] if sealed[each.layer][1][each.unit]]
        rows = [(each.difference, each.low, each.high) for each in fired[:MOST]]
        cards = []
        for each, row in zip(fired, _scaled([(number, name, *row) for row in rows])):
            layer = self.plan.layers[each.layer]
            cards.append({"layer": layer, "slug": quote(slug(layer.path)), "unit": each.unit, **row})
        images = int((self._told.labels == number).sum())
        told = {"name": name, "cards": cards, "count": len(fired), "images": images}
        self._page(self.folder / "classes" / f"{class_file(number, name)}.html", "class.html", "../", **told)

    def _layers(self, sealed):
        """A line for each layer: how far it is, and its most selective units as samples."""
        for number, (layer, there) in enumerate(sealed):
            units = np.flatnonzero(there)
            order = np.argsort(-np.nan_to_num(self._told.summary(number)["selectivity"][units]), kind="stable")
            samples = units[order[:: max(1, len(order) // SAMPLES)]][:SAMPLES].tolist()
            yield {"layer": layer, "slug": quote(slug(layer.path)), "done": len(units), "samples": samples}

    def _classes(self):
        """Each class with its page and how many units fire for it, in the order of their names."""
        rows = [
            {"name": name, "page": quote(class_file(number, name)), "count": len(self._told.fired[number])}
            for number, name in self._told.classes.items()
        ]
        return sorted(rows, key=lambda row: row["name"].lower())


def _scaled(rows):
    """Rows (number, name, difference, low, high), and where they lie on a scale from 0 to 100 that holds zero."""
    low, high = min([0, *(row[3] for row in rows)]), max([0, *(row[4] for row in rows)])
    span = high - low or 1

    def at(value):
        return round(100 * (value - low) / span, 2)

    return [
        {
            "page": quote(class_file(number, name)),
            "name": name,
            "difference": difference,
            "low": low_end,
            "high": high_end,
            "at": [at(low_end), at(difference), at(high_end), at(0)],
        }
        for number, name, difference, low_end, high_end in rows
    ]


def _bars(counts):
    """Heights of a histogram's bars in [0, 100], by the square root, so that rare large responses are seen."""
    peak = math.sqrt(max(counts.max(), 1))
    return [round(100 * math.sqrt(count) / peak, 1) for count in counts.tolist()]


def write(path):
    """Write the site of a store as far as it is filled, and compute nothing: the page to open first.

    Parameters
    ----------
    path : path
        Of the store, or of the folder that ``cnnlens microscope`` wrote it into.
    """
    return Site(opened(path)).write()


def short(value, digits=3):
    """A number as short as it can be read.

    Examples
    --------
    >>> short(0.61234), short(12345.6), short(float("nan"))
    ('0.612', '1.23e+04', '–')
    """
    return "–" if not math.isfinite(value) else f"{value:.{digits}g}"


def exact(layer):
    """The class of a layer's pictures: small ones are enlarged without blur."""
    return "exact" if max(layer.shown) <= pictures.FEW else "smooth"


TEMPLATES.filters |= {"short": short, "exact": exact}
