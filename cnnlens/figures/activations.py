"""Pictures of activations: a sheet of every unit of a layer, an overview of all layers, the view of the explorer."""

import numpy as np
from matplotlib.colors import to_rgb
from PIL import Image, ImageDraw

from ..lenses.activations import Activations, Convolved, Silenced, most_active, strengths
from ..results import painter
from . import base

SIDE = 224  # px, the image and the map in the explorer's view
SHEET = 470  # px, width of the sheet of units beside them
ORANGE = (255, 127, 14)
BARS = 12  # units of a dense layer that are drawn as bars with their names


# --- scales -------------------------------------------------------------------------------------------------


CEILING = (
    0.995  # of the positive answers of a layer; brighter ones are drawn as bright, or a few would darken all others
)


def scale(maps, scaling="shared"):
    """Ends of the color map for the maps (h, w, c) of one layer, and its name.

    The shared scale ends where 99.5 % of the positive answers (of a sample of them) lie below it.

    Parameters
    ----------
    maps : ndarray (h, w, c)
    scaling : {"shared", "each"}
        One scale for all units of the layer, or one for each.

    Returns
    -------
    low, high : float or ndarray (c,)
    cmap : str
        Diverging around zero where answers are negative too.
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
        return f"each unit has its own scale of colors ({zero}): compare shapes, not strengths"
    return f"all units share one scale of colors ({zero}, brightest from {float(high):.3g} on)"


# --- sheets -------------------------------------------------------------------------------------------------


def sheet_raster(acts, layer, image=0, *, by="mean", scaling="shared", cell=None):
    """Every unit of a layer as one raster: number and size on each, the most active framed and marked *max*.

    Parameters
    ----------
    acts : Activations
    layer : str
    image : int
    by : {"mean", "peak"}
        What most active means.
    scaling : {"shared", "each"}
    cell : int, optional
        Side of each picture in pixels.

    Returns
    -------
    ndarray (H, W, 3) uint8
    """
    values = acts[layer][image]
    best = int(most_active(acts[layer][image : image + 1], by)[0])
    if values.ndim == 1:
        return dense_sheet(values, acts.classes if layer == list(acts)[-1] else None, best)
    low, high, cmap = scale(values, scaling)
    height, width, units = values.shape
    labels = [f"{unit}: {width}×{height} px" for unit in range(units)]
    return base.tiles(
        values.transpose(2, 0, 1), labels=labels, marked={best: "max"}, cell=cell or 96, low=low, high=high, cmap=cmap
    )


def sheet(acts, layer, image=0, *, by="mean", scaling="shared", cell=None):
    """The sheet of a layer as (Figure, alternative text); arguments as for :func:`sheet_raster`."""
    raster = sheet_raster(acts, layer, image, by=by, scaling=scaling, cell=cell)
    values, found = acts[layer][image], _layer(acts, layer)
    best = int(most_active(acts[layer][image : image + 1], by)[0])
    what = "answers most on the whole" if by == "mean" else "has the highest single answer"
    if values.ndim == 1:
        size, note = f"{found.units} neurons", f"max: the neuron that answers most (neuron {best})."
    else:
        low, high, cmap = scale(values, scaling)
        size = f"{found.units} units, {found.shape[1]}×{found.shape[0]} px each"
        note = f"max: the unit that {what} (by {by}: unit {best}); {scale_words(low, high, scaling, cmap)}."
    fig = base.raster_figure(
        raster, title=f"{acts.network}, {layer} ({found.kind}): {size}", note=note, source=acts.source
    )
    return fig, f"Sheet of {layer} of {acts.network}: {size}. {note}"


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
    words = [f"{names[unit].replace('_', ' ')}" if names else f"neuron {unit}" for unit in shown]
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
    rows, cell = [], 76
    for layer in acts.layers:
        values = acts[layer.path][image]
        power = strengths(acts[layer.path][image : image + 1], by)[0]
        best = np.argsort(-power, kind="stable")[:units]
        if values.ndim == 1:
            names = acts.classes if layer.path == list(acts)[-1] else None
            wide = (cell + 4) * units
            if names or layer.units <= BARS:
                picture = bars(values, names, None, width=wide, count=5)
            else:
                side, gap = (16, 4) if layer.units <= 256 else (4, 1)
                picture = squares(values, int(best[0]), cell=side, columns=wide // (side + gap), gap=gap)
            size = f"{layer.units} neurons"
        else:
            low, high, cmap = scale(values, scaling)
            low, high = (end[best] if np.ndim(end) else end for end in (low, high))
            labels = [f"{unit}" for unit in best]
            picture = base.tiles(
                values[..., best].transpose(2, 0, 1),
                labels=labels,
                marked={0: "max"},
                cell=cell,
                columns=units,
                low=low,
                high=high,
                cmap=cmap,
            )
            size = f"{layer.shape[1]}×{layer.shape[0]} px, {layer.units} units"
        words = base.titled(np.full((1, 190, 3), 255, np.uint8), f"\n{layer.path}\n{size}", size=12)
        rows.append(base.row(words, picture, gap=8))
    top = base.titled(_enlarged(acts.images[image], 150), "what it was shown", size=12)
    raster = base.stack(top, *rows, gap=4)
    note = f"In each row the {units} units that answer most strongly by {by}, the strongest first. " + (
        "Colors are one scale within a row, not across rows."
        if scaling == "shared"
        else "Each unit has its own scale of colors."
    )
    fig = base.raster_figure(
        raster, title=f"What {acts.network} passes on, layer by layer", note=note, source=acts.source
    )
    return (
        fig,
        f"The most active units of {len(acts)} layers of {acts.network} for one image, from {acts.layers[0].path} to {acts.layers[-1].path}. {note}",
    )


@painter(Activations)
def paint(acts):
    """One layer as its sheet, several as the overview; for the first image."""
    return sheet(acts, acts.layers[0].path) if len(acts) == 1 else overview(acts)


def _layer(acts, path):
    return next(layer for layer in acts.layers if layer.path == path)


def _enlarged(image, side):
    """An image (H, W, C) in [0, 1] as uint8 RGB whose longer side is about ``side``."""
    pixels = (image.clip(0, 1) * 255).round().astype(np.uint8)
    pixels = pixels.repeat(3, -1) if pixels.shape[-1] == 1 else pixels
    factor = side / max(pixels.shape[:2])
    return base.resized(pixels, [max(1, round(length * factor)) for length in pixels.shape[:2]])


# --- the explorer's view ------------------------------------------------------------------------------------


class Views:
    """Draws the explorer's view of some activations; what a layer needs is worked out when it is first looked at.

    Parameters
    ----------
    acts : Activations
        Of one image.
    label : str
        What the image shows.
    """

    def __init__(self, acts, label=""):
        self.acts, self.label = acts, label
        self._layers = {layer.path: layer for layer in acts.layers}
        self._image = _enlarged(acts.images[0], SIDE)
        self._kept = {}

    def raster(self, layer, unit, *, by="mean", scaling="shared"):
        """Image, map and sheet side by side: ndarray (H, W, 3) uint8; arguments as for :func:`sheet_raster`."""
        values, found = self.acts[layer][0], self._layers[layer]
        if values.ndim == 1:
            names = self._names(layer)
            chart = base.titled(
                bars(values, names, unit, width=SIDE + SHEET),
                f"{layer}: the neurons that answer most; framed: {_named(names, unit)}",
            )
            return base.row(base.titled(self._image, self.label or "image"), chart)
        one = values[..., unit]
        low, high, cmap = scale(values[..., unit : unit + 1], "each")
        low, high = float(low[0]), float(high[0])
        peak = np.unravel_index(one.argmax(), one.shape)
        image, picture = self._image, _fitted(base.colored(one, low, high, cmap), SIDE)
        if one.max() > one.min():
            picture = base.boxed(
                picture, *(round(edge * picture.shape[0] / one.shape[0]) for edge in (*peak, peak[0] + 1, peak[1] + 1))
            )
            if found.rows:
                image = base.boxed(
                    image, *(round(edge * image.shape[0] / self.acts.images.shape[1]) for edge in found.box(*peak))
                )
        bar = base.scale_bar(low, high, cmap=cmap, words="own scale")
        middle = base.stack(base.titled(picture, f"{layer}, unit {unit}\n{one.shape[1]}×{one.shape[0]} px"), bar)
        return base.row(
            base.titled(image, f"{self.label or 'image'}\n{self.acts.images.shape[2]}×{self.acts.images.shape[1]} px"),
            middle,
            self._framed(layer, unit, by, scaling),
        )

    def _framed(self, layer, unit, by, scaling):
        """The sheet of the layer with this unit and the most active one framed."""
        sheet, (down, across), columns = self._once(_plain_sheet, layer, scaling)
        best = int(self._once(_summary, layer)[by].argmax())
        picture = Image.fromarray(sheet)
        draw = ImageDraw.Draw(picture)
        for number, ink in ((best, ORANGE), (unit, base.MARK)):
            top, left = 2 + number // columns * down, 2 + number % columns * across
            draw.rectangle((left - 2, top - 2, left + across - 1, top + down - 1), outline=ink, width=2)
        same = "this one" if best == unit else f"unit {best}, in orange"
        colors = "one scale" if scaling == "shared" else "each its own scale"
        return base.titled(
            np.asarray(picture),
            f"all {self._layers[layer].units} units ({colors}), this one framed in red\nmax by {by}: {same}",
        )

    def words(self, layer, unit):
        """The numbers beside the view, one thought a line."""
        values, found = self.acts[layer][0], self._layers[layer]
        seen = self._once(_summary, layer)
        rank = int((seen["mean"] > seen["mean"][unit]).sum()) + 1
        if values.ndim == 1:
            named = _named(self._names(layer), unit)
            return f"{named[0].upper()}{named[1:]} of {layer} ({found.kind}, {found.units} neurons): {values[unit]:.4g}, rank {rank}."
        one = values[..., unit]
        row, col = np.unravel_index(one.argmax(), one.shape)
        where = (
            f" Each position sees {found.receptive_field[1]}×{found.receptive_field[0]} px of the image (framed), one every {found.stride[1]} px."
            if found.rows
            else ""
        )
        return (
            f"Unit {unit} of {layer} ({found.kind}, {found.units} units of {one.shape[1]}×{one.shape[0]} px): peak {seen['peak'][unit]:.3g} at row {row}, column {col}; "
            f"mean {seen['mean'][unit]:.3g}, rank {rank} of {found.units}; {(one == 0).mean():.0%} zeros.\n"
            f"Most active by mean: unit {seen['mean'].argmax()}; by peak: unit {seen['peak'].argmax()}. "
            f"Silent for this image: {seen['silent'].sum()} of {found.units} units.{where}"
        )

    def _names(self, layer):
        return self.acts.classes if layer == list(self.acts)[-1] else None

    def _once(self, function, layer, *how):
        """``function`` of the layer's maps, computed when first asked for."""
        key = (function, layer, *how)
        if key not in self._kept:
            self._kept[key] = function(self.acts[layer][0], *how)
        return self._kept[key]


def _summary(values):
    """For each unit of maps (h, w, c) or values (units,): mean, peak, and whether it is silent."""
    flat = values.reshape(-1, values.shape[-1])
    peak = flat.max(0)
    return {"mean": flat.mean(0), "peak": peak, "silent": flat.min(0) == peak}


def _plain_sheet(values, scaling):
    """The sheet of maps (h, w, c) that stands in the view: raster, its step from picture to picture, and its columns."""
    height, width, units = values.shape
    columns = min(units, int(np.ceil(np.sqrt(units * SHEET / (SIDE + 16)))))
    cell = min(SHEET // columns - 2, 96)
    low, high, cmap = scale(values, scaling)
    tall, wide = (max(1, round(cell * side / max(height, width))) for side in (height, width))
    small = base.scaled(values[None], tall, wide)[0].transpose(2, 0, 1)
    raster = base.tiles(small, cell=cell, columns=columns, low=low, high=high, cmap=cmap, gap=2)
    return raster, (tall + 2, wide + 2), columns


def _named(names, unit):
    return f"{names[unit].replace('_', ' ')} (neuron {unit})" if names else f"neuron {unit}"


def _fitted(pixels, side):
    factor = side / max(pixels.shape[:2])
    return base.resized(pixels, [max(1, round(length * factor)) for length in pixels.shape[:2]])


def view(acts, layer, unit=0, *, image=0, by="mean", scaling="shared", label=""):
    """The same view as the explorer's, for paper: (Figure, alternative text)."""
    views = Views(one_image(acts, image), label)
    raster = views.raster(layer, unit, by=by, scaling=scaling)
    words = views.words(layer, unit)
    fig = base.raster_figure(
        raster, title=f"{acts.network}, {layer}", note=words.replace("\n", " "), source=acts.source
    )
    return fig, words


def one_image(acts, image):
    """The activations of one image alone."""
    if not 0 <= image < len(acts.images):
        raise IndexError(f"There is no image {image}: there are {len(acts.images)}.")
    maps = {path: values[image : image + 1] for path, values in acts.items()}
    return Activations(
        maps=maps,
        images=acts.images[image : image + 1],
        layers=acts.layers,
        network=acts.network,
        classes=acts.classes,
        source=acts.source,
        settings=acts.settings,
    )


# --- numbers over layers ------------------------------------------------------------------------------------


def agreement(found, source="", title="How often two images share their most active unit"):
    """Agreement of the most active units, layer by layer, as (Figure, alternative text).

    Parameters
    ----------
    found : dict of str to SharedMaximum
        By layer.
    source, title : str
    """
    fig = base.canvas(8, 1.5 + 0.42 * len(found))
    axes = fig.add_subplot()
    for place, result in enumerate(found.values()):
        axes.plot(
            result.chance,
            (place, place),
            color="#bbbbbb",
            lw=9,
            solid_capstyle="butt",
            zorder=1,
            label="" if place else "same class, labels shuffled (95 %)",
        )
        axes.plot((result.different, result.same), (place, place), color="#777777", lw=1, zorder=2)
        axes.plot(
            result.different,
            place,
            "D",
            mfc="white",
            mec=base.INK_HEX,
            ms=7,
            zorder=3,
            label="" if place else "two images of different classes",
        )
        axes.plot(
            result.same,
            place,
            "o",
            color=base.CLASS_COLORS[2],
            ms=9,
            zorder=3,
            label="" if place else "two images of the same class",
        )
    _layer_axis(axes, found)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("share of pairs whose most active unit is the same", fontsize=base.LABEL)
    axes.set_title(title, fontsize=base.TITLE)
    base.legend_below(axes)
    words = "; ".join(
        f"{layer}: {result.same:.0%} within a class, {result.different:.0%} across" for layer, result in found.items()
    )
    return base.finish(fig, source), f"{title}. {words}."


def selectivities(found, control, source="", title="How selective single units are for a class"):
    """Class selectivity of all units, layer by layer, against shuffled labels, as (Figure, alternative text).

    Parameters
    ----------
    found, control : dict of str to Selectivity
        By layer; with the true labels, and with shuffled ones.
    source, title : str
    """
    fig = base.canvas(8, 1.5 + 0.55 * len(found))
    axes = fig.add_subplot()
    for place, layer in enumerate(found):
        for shift, result, color, shape, label in (
            (-0.14, found, base.CLASS_COLORS[0], "o", "true labels"),
            (0.16, control, "#999999", "|", "shuffled labels"),
        ):
            index = result[layer].index
            axes.plot(
                index,
                np.full(index.shape, place + shift),
                shape,
                color=color,
                ms=5,
                alpha=0.55,
                label="" if place else label,
            )
            axes.plot(
                np.median(index),
                place + shift,
                "D",
                color=base.INK_HEX,
                ms=6,
                label="median" if place == 0 and result is found else "",
            )
    _layer_axis(axes, found)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("selectivity: 0 all classes alike, 1 one class only (one mark a unit)", fontsize=base.LABEL)
    axes.set_title(title, fontsize=base.TITLE)
    base.legend_below(axes)
    words = "; ".join(
        f"{layer}: median {np.median(found[layer].index):.2f}, shuffled {np.median(control[layer].index):.2f}"
        for layer in found
    )
    return base.finish(fig, source), f"{title}. {words}."


@painter(Silenced)
def silenced(result):
    """Strength of each unit against what the right class loses without it, averaged over images: (Figure, text)."""
    strength, drop = result.strength.mean(0), result.drop.mean(0)
    fig = base.canvas(7.5, 4.6)
    axes = fig.add_subplot()
    axes.axhline(0, color="#999999", lw=1)
    axes.plot(strength, drop, "o", color=base.CLASS_COLORS[0], ms=6)
    named = sorted(
        {*np.argsort(-strength)[:3].tolist(), *np.argsort(-drop)[:3].tolist()}, key=lambda unit: strength[unit]
    )
    for i, unit in enumerate(named):  # to the left and right in turn, so that neighbors do not overwrite each other
        side = dict(xytext=(6, 4), ha="left") if i % 2 else dict(xytext=(-6, 4), ha="right")
        axes.annotate(
            f"unit {unit}", (strength[unit], drop[unit]), textcoords="offset points", fontsize=base.SMALL, **side
        )
    axes.set_xlabel("how strongly the unit answers (mean over the map)", fontsize=base.LABEL)
    axes.set_ylabel("what the score of the right class\nloses when the unit is silenced", fontsize=base.LABEL)
    axes.set_title(f"{result.layer}: how brightly a unit answers, and how much it is needed", fontsize=base.TITLE)
    axes.margins(x=0.14)
    axes.spines[["top", "right"]].set_visible(False)
    strongest, needed = int(strength.argmax()), int(drop.argmax())
    words = f"Units of {result.layer}: the strongest is unit {strongest}, the one most needed is unit {needed}. Averages over {len(result.drop)} images."
    return base.finish(fig, result.source), words


def _layer_axis(axes, layers):
    axes.set_yticks(range(len(layers)), layers, fontsize=base.LABEL)
    axes.set_ylim(len(layers) - 0.5, -0.5)
    axes.grid(axis="x", color="#e5e5e5")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)


# --- one untrained convolution ------------------------------------------------------------------------------


def convolved_raster(result, side=SIDE):
    """The photograph and each filter's answer, the filter itself above it: ndarray (H, W, 3) uint8."""
    low, high, cmap = scale(result.maps)
    height, width, filters = result.maps.shape
    parts = [
        base.titled(
            _enlarged(result.image, side), f"photograph\n{result.image.shape[1]}×{result.image.shape[0]} px", size=12
        )
    ]
    for i in range(filters):
        picture = _fitted(base.colored(result.maps[..., i], low, high, cmap), side)
        parts.append(base.titled(picture, f"filter {i}\n{width}×{height} px", size=12))
    columns = 4
    rows = [base.row(*parts[i : i + columns], gap=10) for i in range(0, len(parts), columns)]
    return base.stack(
        *rows, base.scale_bar(float(low), float(high), cmap=cmap, words="white is 0" if cmap == base.SIGNED else "")
    )


def convolved_words(result):
    """What was done and what is left, in numbers."""
    done = result.settings
    steps = [f"a {done['kernel']}×{done['kernel']} convolution with {done['filters']} untrained filters"]
    steps += ["ReLU"] if done["relu"] else []
    steps += [f"max pooling {done['pool']}×{done['pool']}"] if done["pool"] > 1 else []
    pixels = result.maps.shape[0] * result.maps.shape[1]
    before = result.image.shape[0] * result.image.shape[1]
    words = ", then ".join(steps)
    return (
        f"{words[0].upper()}{words[1:]}: {pixels:,} of {before:,} positions left ({pixels / before:.0%}); "
        f"{(result.maps == 0).mean():.0%} of the answers are zero, {(result.maps < 0).mean():.0%} negative."
    )


@painter(Convolved)
def convolved(result):
    """One untrained convolution as (Figure, alternative text)."""
    raster, words = convolved_raster(result), convolved_words(result)
    return base.raster_figure(raster, title="One untrained convolution", note=words, source=result.source), words
