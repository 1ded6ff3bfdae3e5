"""Pictures of what units look for: sheets, class models, the ascent, exemplars, projections, the explorer's view."""

import numpy as np

from ..lenses.deconvnet import Projection
from ..lenses.exemplars import Exemplars
from ..lenses.neurons import ClassModels, Optimized
from ..results import painter
from . import base

VIEW = 224  # px, the optimized image in the explorer's view


def _tiles(images, **how):
    """Images in a grid, shown as what they are; of a network with other channels than grey or colors their mean."""
    images = images if images.shape[-1] in (1, 3) else images.mean(-1, keepdims=True)
    return base.tiles(images, low=0, high=1, cmap="gray", **how)


# --- sheets -------------------------------------------------------------------------------------------------


def sheet_raster(found, *, columns=8, cell=112, order=None, snapshot=None):
    """Optimized images as one raster, best first, the activation under each; dead and stuck units framed and named.

    Parameters
    ----------
    found : Optimized
    columns, cell : int
        Pictures in a row; pixels a picture.
    order : sequence of int, optional
        Another order than the best first.
    snapshot : int, optional
        Show this snapshot instead of the end.
    """
    order = found.best_first if order is None else np.asarray(order)
    pictures = (found.images if snapshot is None else found.snapshots[snapshot])[order]
    labels = [f"{_short(found.names[i])}: {found.activation[i]:.3g}" for i in order]
    marked = {place: found.status[i] for place, i in enumerate(order) if found.status[i] in ("dead", "stuck")}
    return _tiles(pictures, labels=labels, marked=marked, columns=columns, cell=cell)


def _short(name):
    return name.removeprefix("unit ")


def sheet(found, *, columns=8, title=None, cell=112):
    """A sheet of optimized images as (Figure, alternative text)."""
    raster = sheet_raster(found, columns=min(columns, len(found.names)), cell=cell)
    title = title or f"{found.layer}: what {_count(len(found.names))} look for"
    note = f"Best first; under each its unit and {_climbed(found)}.{_statuses(found)} Method: {_method(found)}."
    width = 9.0 if len(found.names) > 4 else 2.2 * len(found.names) + 0.4
    return base.raster_figure(raster, title=title, note=note, source=found.source, width=width), f"{title}. {note}"


def _count(number):
    return f"{number} units" if number != 1 else "one unit"


def _climbed(found):
    return "its mean activation" if found.objective == "mean" else "its activation in the middle"


def _method(found):
    basis = "Fourier basis, decorrelated colors" if found.images.shape[-1] == 3 else "Fourier basis"
    kind = basis if found.settings["method"] == "fourier" else "pixels, as in the dissertation"
    size = "×".join(map(str, found.settings.get("size", found.images.shape[1:3])))
    return f"{kind}, {found.settings.get('steps')} steps, {size} px"


def _statuses(found):
    words = [f"{found.status.count(kind)} {kind}" for kind in ("rescued", "stuck", "dead") if kind in found.status]
    if found.from_color.any():
        words.append(f"{found.from_color.sum()} started from a plain color")
    return f" Of them {' and '.join(words)}." if words else ""


@painter(Optimized)
def paint(found):
    """The sheet of a result that ends a cell."""
    return sheet(found)


def side_by_side(results, titles, *, columns=4, cell=100, same_order=True, width=9.0):
    """Sheets of the same units beside one another, as (Figure, alternative text).

    Parameters
    ----------
    results : sequence of Optimized
    titles : sequence of str
    same_order : bool
        Put all in the order of the first, so that the same place is the same unit.
    """
    order = results[0].best_first
    rasters = [
        base.titled(
            sheet_raster(found, columns=columns, cell=cell, order=order if same_order else None),
            title,
            size=15,
            bold=True,
        )
        for found, title in zip(results, titles)
    ]
    note = (
        "The same place shows the same unit; the number is the activation reached."
        if same_order
        else "Each sheet best first."
    )
    words = "; ".join(
        f"{title}: mean activation {found.activation.mean():.3g}" for found, title in zip(results, titles)
    )
    fig = base.raster_figure(
        base.row(*rasters, gap=24), note=f"{note} {words}.", source=[found.source for found in results], width=width
    )
    return fig, f"Sheets beside one another. {words}. {note}"


def ascent(found, units=6):
    """The way up: a row a unit, its snapshots from first to last, as (Figure, alternative text)."""
    chosen = found.best_first[:units]
    labels = [f"step {step}" for step in found.snapshot_steps]
    rows = [
        base.titled(
            _tiles(found.snapshots[:, i], labels=labels, columns=len(labels), cell=104), found.names[i], size=12
        )
        for i in chosen
    ]
    title = f"{found.layer}: the ascent"
    note = f"{_method(found)}. Each row is one unit, from the start to the end."
    return base.raster_figure(
        base.stack(*rows), title=title, note=note, source=found.source, width=min(9.0, 1.1 * len(labels) + 0.4)
    ), f"{title}. {note}"


@painter(ClassModels)
def paint_classes(found):
    """Class models, with what the network says of each."""
    labels = [f"{name.replace('_', ' ')[:18]}" for name in found.names]
    says = [
        f"{said.replace('_', ' ')[:14]} {p:.0%}" if name != said else f"says so: {p:.0%}"
        for name, said, p in zip(found.names, found.predicted, found.probability)
    ]
    marked = {i: "not recognized" for i, right in enumerate(found.recognized) if not right}
    columns = min(5, len(labels))
    cell = max(112, 900 // columns - 8)
    words = [f"{label} ({say})" for label, say in zip(labels, says)]
    raster = _tiles(found.images, labels=words, marked=marked, columns=columns, cell=cell)
    title = "Class models: what the network takes for the class itself"
    right = f"{int(found.recognized.sum())} of {len(labels)}"
    note = f"The network takes {right} for the class they were made for; in brackets, the probability that it gives."
    return base.raster_figure(raster, title=title, note=note, source=found.source), note


# --- real images and projections ----------------------------------------------------------------------------


@painter(Exemplars)
def paint_exemplars(tops):
    """A row a unit: the patches that activate it most."""
    return exemplar_rows(tops)


def exemplar_rows(tops, optimized=None, units=8, k=9):
    """The best real patches of units, a row each; before them the optimized image if it is given.

    Returns
    -------
    (Figure, str)
    """
    shown = tops.units[:units] if optimized is None else optimized.units[optimized.best_first][:units]
    rows = []
    for unit in shown:
        row = tops.row(unit)
        labels = [f"{value:.3g}" for value in tops.activation[row, :k]]
        pictures = _tiles(tops.patches[row, :k], labels=labels, columns=k, cell=84)
        parts = [base.titled(np.full((1, 66, 3), 255, np.uint8), f"\n\nunit {unit}", size=12)]
        if optimized is not None:
            i = int(np.flatnonzero(optimized.units == unit)[0])
            parts.append(_tiles(optimized.images[i : i + 1], labels=[f"made: {optimized.activation[i]:.3g}"], cell=84))
        rows.append(base.row(*parts, pictures, gap=8))
    what = "the strongest position" if tops.measure == "peak" else "the mean over the image"
    title = f"{tops.layer}: real patches with the highest activation"
    note = f"Of {tops.seen} images, best first; under each the activation of {what}." + (
        " First the optimized image." if optimized is not None else ""
    )
    return base.raster_figure(base.stack(*rows, gap=2), title=title, note=note, source=tops.source), f"{title}. {note}"


def projected(projection):
    """A signed projection (H, W, C) as colors in [0, 1]: mid grey where nothing comes back."""
    peak = np.quantile(np.abs(projection), 0.998) or np.abs(projection).max() or 1
    return (0.5 + 0.5 * projection / peak).clip(0, 1)


@painter(Projection)
def paint_projection(back):
    """Each image, the projection, and both cut to what the unit saw."""
    columns = []
    for i in range(min(len(back.images), 4)):
        top, left, bottom, right = back.box[i]
        cell = 200
        seen = _tiles(back.images[i : i + 1], cell=cell)
        zoom = cell / max(back.images.shape[1:3])
        seen = base.boxed(seen, *(4 + int(round(edge * zoom)) for edge in (top, left, bottom, right)))
        parts = [back.images[i, top:bottom, left:right], projected(back.crop(i))]
        cuts = [_tiles(part[None], cell=cell) for part in parts]
        columns.append(base.titled(base.stack(seen, *cuts, gap=2), f"activation {back.activation[i]:.3g}", size=12))
    title = f"{back.layer}, unit {back.unit}: what in the image activates it"
    sent = f"what a deconvnet sends back to it through {back.rectifiers} ReLUs (grey is nothing)"
    note = f"From top: the image, the patch that the unit sees, and {sent}."
    width = 2.3 * len(columns)
    return base.raster_figure(
        base.row(*columns), title=title, note=note, source=back.source, width=width
    ), f"{title}. {note}"


# --- the explorer -------------------------------------------------------------------------------------------


def view(found, tops, row, back, moment):
    """One unit as a raster: its optimized image, its best patches, and the first one's projection, if any."""
    picture = found.snapshots[moment, 0] if len(found.snapshots) else found.images[0]
    made = base.titled(_tiles(picture[None], cell=VIEW), f"optimized, step {found.snapshot_steps[moment]}")
    count = min(9, tops.patches.shape[1])
    labels = [f"{value:.3g}" for value in tops.activation[row, :count]]
    real = base.titled(
        _tiles(tops.patches[row, :count], labels=labels, columns=3, cell=VIEW // 3 - 18), "best real patches"
    )
    if back is None:
        return base.row(made, real)
    top, left, bottom, right = back.box[0]
    cut = _tiles(back.images[:1, top:bottom, left:right], cell=VIEW // 2 + 4)
    sent = _tiles(projected(back.crop(0))[None], cell=VIEW // 2 + 4)
    first = base.titled(base.stack(cut, sent, gap=2), "the first: patch, deconvnet")
    return base.row(made, real, first)


def view_words(found, tops, row, back):
    """The numbers beside that view, one thought a line."""
    real = tops.activation[row, 0]
    reached = f"activation {found.activation[0]:.3g} in the optimized image"
    best = f"{real:.3g} in the best of {tops.seen} real ones"
    times = f" ({found.activation[0] / real:.1f} times as much)" if real > 0 else ""
    lines = [f"{found.layer}, {found.names[0]}: {reached}, {best}{times}."]
    if found.evidence[0]:
        begins = "The image" if found.status[0] == "live" else f"This unit is {found.status[0]}:"
        lines.append(f"{begins} {found.evidence[0]}.")
    if back is None:
        lines.append("No deconvnet: no ReLU stands between the image and this layer.")
    else:
        through = f" through {back.rectifiers} ReLUs" if back.rectifiers else ""
        lines.append(f"Deconvnet: {back.activation[0]:.3g} was sent back{through}.")
    return "\n".join(lines)
