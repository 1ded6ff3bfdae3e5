"""Pictures of activations: a sheet of every unit of a layer, and an overview of all layers."""

import numpy as np
from matplotlib.colors import to_rgb
from PIL import Image, ImageDraw

from ..lenses.activations import Activations, most_active, responses
from ..pixels import as_bytes
from ..results import painter
from . import base

BARS = 12  # units of a dense layer that are drawn as bars with their names


# --- scales -------------------------------------------------------------------------------------------------

# This fraction of a layer's nonzero activations lies within its shared scale: a few large ones would darken all others.
CEILING = 0.995


def scale(maps, scaling="shared"):
    """Ends of the color map for the maps (h, w, c) of one layer, and its name.

    The shared scale ends where 99.5 % of the nonzero activations (of a sample of them) lie below it.

    Parameters
    ----------
    maps : ndarray (h, w, c)
    scaling : {"shared", "each"}
        One scale for all units of the layer, or one for each.

    Returns
    -------
    low, high : float or ndarray (c,)
    cmap : str
        Diverging around zero where activations are negative too.
    """
    if scaling == "each":
        low, high = maps.min((0, 1)), maps.max((0, 1))
        reach = np.maximum(-low, high)
    else:
        sizes = np.abs(maps.ravel()[:: max(1, maps.size // 100_003)])
        sizes = sizes[sizes > 0]
        low, high = maps.min(), np.quantile(sizes, CEILING) if sizes.size else maps.max()
        reach = high
    if np.min(low) < 0:
        return -reach, reach, base.SIGNED
    return np.zeros_like(high), high, base.UNSIGNED


def scale_words(low, high, scaling, cmap):
    """What the colors mean, in words."""
    zero = "white is 0" if cmap == base.SIGNED else "dark is 0"
    if scaling == "each":
        return f"each unit has its own scale of colors ({zero}): compare shapes, not brightness"
    return f"all units share one scale of colors ({zero}, brightest from {float(high):.3g} on)"


# --- sheets -------------------------------------------------------------------------------------------------


def sheet_raster(acts, layer, image=0, *, by="mean", scaling="shared", cell=96):
    """Every unit of a layer as one raster: number and size on each, the most active framed and marked *max*.

    Parameters
    ----------
    acts : Activations
    layer : str
    image : int
    by : {"mean", "peak"}
        What most active means.
    scaling : {"shared", "each"}
    cell : int
        Side of each picture in pixels.

    Returns
    -------
    ndarray (H, W, 3) uint8
    """
    values, best = acts.of(layer, image), _best(acts, layer, image, by)
    if values.ndim == 1:
        return dense_sheet(values, acts.names.get(layer), best)
    low, high, cmap = scale(values, scaling)
    height, width, units = values.shape
    labels = [f"{unit}: {width}×{height} px" for unit in range(units)]
    maps = values.transpose(2, 0, 1)
    return base.tiles(maps, labels=labels, marked={best: "max"}, cell=cell, low=low, high=high, cmap=cmap)


def sheet(acts, layer, image=0, *, by="mean", scaling="shared", cell=96):
    """The sheet of a layer as (Figure, alternative text); arguments as for :func:`sheet_raster`."""
    raster = sheet_raster(acts, layer, image, by=by, scaling=scaling, cell=cell)
    values, best = acts.of(layer, image), _best(acts, layer, image, by)
    found = next(found for found in acts.layers if found.path == layer)
    if values.ndim == 1:
        size, note = f"{found.units} neurons", f"max: the neuron with the highest activation (neuron {best})."
    else:
        low, high, cmap = scale(values, scaling)
        what = "responds most on the whole" if by == "mean" else "has the highest single activation"
        size = f"{found.units} units, {values.shape[1]}×{values.shape[0]} px each"
        note = f"max: the unit that {what} (by {by}: unit {best}); {scale_words(low, high, scaling, cmap)}."
    title = f"{acts.network}, {layer} ({found.kind}): {size}"
    fig = base.raster_figure(raster, title=title, note=note, source=acts.source)
    return fig, f"Sheet of {layer} of {acts.network}: {size}. {note}"


def _best(acts, layer, image, by):
    return int(most_active(acts[layer][image : image + 1], by)[0])


def dense_sheet(values, classes, best):
    """A dense layer: bars with names where names are few, else a grid of squares."""
    if len(values) <= 2 * BARS or classes:
        return bars(values, classes, best)
    few = len(values) <= 256
    return squares(values, best, labels=range(len(values)) if few else None, cell=34 if few else 10)


def squares(values, best, **how):
    """The neurons of a dense layer as colored squares, the most active framed."""
    low, high, cmap = scale(values[None, None])
    return base.tiles(
        values[:, None, None], marked={best: "max" if how["cell"] > 30 else ""}, low=low, high=high, cmap=cmap, **how
    )


def bars(values, names, chosen, *, width=440, count=BARS):
    """The strongest neurons of a dense layer as lying bars, the chosen one framed in red and always among them."""
    order = np.argsort(-values, kind="stable")
    shown = list(order[: 2 * count] if len(values) <= 2 * count else order[:count])
    if chosen is not None and chosen not in shown:
        shown[-1] = chosen
    letters, line = base.font(12), 20
    words = [names[unit].replace("_", " ") if names else f"neuron {unit}" for unit in shown]
    left = min(int(max(letters.getlength(word) for word in words)) + 10, 200)
    low, high = min(0.0, float(values.min())), max(float(values.max()), 1e-12)
    picture = Image.new("RGB", (width, line * len(shown) + 6), base.PAPER)
    draw = ImageDraw.Draw(picture)

    def across(value):
        return left + (value - low) / (high - low) * (width - left - 66)

    ink = tuple(round(part * 255) for part in to_rgb(base.CLASS_COLORS[0]))
    for i, (unit, word) in enumerate(zip(shown, words)):
        top = i * line + 3
        draw.text((left - 6, top + 8), word, base.INK, letters, anchor="rm")
        ends = sorted((across(0), across(float(values[unit]))))
        draw.rectangle((ends[0], top, ends[1] + 1, top + line - 5), fill=ink)
        draw.text((max(ends) + 6, top + 8), f"{values[unit]:.3g}", base.INK, letters, anchor="lm")
        if unit == chosen:
            draw.rectangle((ends[0] - 2, top - 2, ends[1] + 3, top + line - 3), outline=base.MARK, width=2)
    return np.asarray(picture)


# --- overview -----------------------------------------------------------------------------------------------


def overview(acts, image=0, *, units=8, by="mean", scaling="shared"):
    """One row a layer, from first to last: its most active units for one image, as (Figure, alternative text)."""
    rows = [_overview_row(acts, layer, image, units, by, scaling) for layer in acts.layers]
    top = base.titled(enlarged(acts.images[image], 150), "what it was shown", size=12)
    note = f"In each row the {units} units that respond most strongly by {by}, the strongest first. " + (
        "Colors are one scale within a row, not across rows."
        if scaling == "shared"
        else "Each unit has its own scale of colors."
    )
    title = f"What {acts.network} passes on, layer by layer"
    fig = base.raster_figure(base.stack(top, *rows, gap=4), title=title, note=note, source=acts.source)
    span = f"from {acts.layers[0].path} to {acts.layers[-1].path}"
    return fig, f"The most active units of {len(acts)} layers of {acts.network} for one image, {span}. {note}"


def _overview_row(acts, layer, image, units, by, scaling, cell=76):
    """A layer's name and size, and beside them its most active units."""
    values = acts.of(layer.path, image)
    best = np.argsort(-responses(acts[layer.path][image : image + 1], by)[0], kind="stable")[:units]
    if values.ndim == 1:
        size = f"{layer.units} neurons"
        names, wide = acts.names.get(layer.path), (cell + 4) * units
        if names or layer.units <= BARS:
            picture = bars(values, names, None, width=wide, count=5)
        else:
            side, gap = (16, 4) if layer.units <= 256 else (4, 1)
            picture = squares(values, int(best[0]), cell=side, columns=wide // (side + gap), gap=gap)
    else:
        size = f"{values.shape[1]}×{values.shape[0]} px, {layer.units} units"
        low, high, cmap = scale(values, scaling)
        low, high = (end[best] if np.ndim(end) else end for end in (low, high))
        colors = dict(low=low, high=high, cmap=cmap)
        maps = values[..., best].transpose(2, 0, 1)
        picture = base.tiles(maps, labels=best, marked={0: "max"}, cell=cell, columns=units, **colors)
    words = base.titled(np.full((1, 190, 3), 255, np.uint8), f"\n{layer.path}\n{size}", size=12)
    return base.row(words, picture, gap=8)


@painter(Activations)
def paint(acts):
    """One layer as its sheet, several as the overview; for the first image."""
    return sheet(acts, acts.layers[0].path) if len(acts) == 1 else overview(acts)


def enlarged(image, side):
    """An image (H, W, C) in [0, 1] as uint8 RGB whose longer side is about ``side``."""
    pixels = as_bytes(base.drawable(image))
    return fitted(pixels.repeat(3, -1) if pixels.shape[-1] == 1 else pixels, side)


def fitted(pixels, side):
    """Pixels (H, W, 3) uint8 whose longer side is about ``side``."""
    factor = side / max(pixels.shape[:2])
    return base.resized(pixels, [max(1, round(length * factor)) for length in pixels.shape[:2]])
