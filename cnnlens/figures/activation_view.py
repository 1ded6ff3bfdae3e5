"""One unit's activation map beside its image and all the units of its layer: the view of the explorer, and on paper."""

import numpy as np
from PIL import Image, ImageDraw

from . import base
from .activations import bars, enlarged, fitted, scale

SIDE = 224  # px, the image and the map
SHEET = 470  # px, width of the sheet of units beside them
CHART = 540  # px, width of the bars of a dense layer beside the image
ORANGE = (255, 127, 14)


class Views:
    """Draws the views of one image's activations; what a layer needs is worked out when it is first looked at.

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
        self._image = enlarged(acts.images[0], SIDE)
        self._kept = {}

    def parts(self, layer, unit, *, by="mean", scaling="shared"):
        """Image, map and sheet, or image and bars: tuple of ndarray (H, W, 3) uint8.

        Parameters
        ----------
        layer : str
        unit : int
        by : {"mean", "peak"}
            What most active means.
        scaling : {"shared", "each"}
            One scale of colors for all units of the sheet, or one for each.
        """
        values, label = self.acts.of(layer), self.label or "image"
        if values.ndim == 1:
            names = self.acts.names.get(layer)
            chart = bars(values, names, unit, width=CHART)
            words = f"{layer}: the neurons with the highest activation\nframed: {_named(names, unit)}"
            return base.titled(self._image, f"{label}\n"), base.titled(chart, words)
        image, one, bar = self._map(layer, unit)
        across, down = self.acts.images.shape[2], self.acts.images.shape[1]
        height, width = values.shape[:2]
        middle = base.stack(base.titled(one, f"{layer}, unit {unit}\n{width}×{height} px"), bar)
        image = base.titled(image, f"{label}\n{across}×{down} px")
        return image, middle, self._framed(layer, unit, by, scaling)

    def raster(self, layer, unit, **how):
        """The same side by side, as one raster."""
        return base.row(*self.parts(layer, unit, **how))

    def _map(self, layer, unit):
        """The image and the unit's map, in both the strongest position framed, and the map's scale of colors."""
        values, found = self.acts.of(layer), self._layers[layer]
        one = values[..., unit]
        low, high, cmap = scale(values[..., unit : unit + 1], "each")
        low, high = float(low[0]), float(high[0])
        image, picture = self._image, fitted(base.colored(one, low, high, cmap), SIDE)
        if one.max() > one.min():
            row, col = np.unravel_index(one.argmax(), one.shape)
            zoom = picture.shape[0] / one.shape[0]
            picture = base.boxed(picture, *(round(edge * zoom) for edge in (row, col, row + 1, col + 1)))
            if found.is_map and found.rows:
                zoom = image.shape[0] / self.acts.images.shape[1]
                image = base.boxed(image, *(round(edge * zoom) for edge in found.box(row, col)))
        return image, picture, base.scale_bar(low, high, cmap=cmap, words="own scale")

    def _framed(self, layer, unit, by, scaling):
        """The sheet of the layer with this unit and the most active one framed."""
        sheet, (down, across), columns = self._once(_plain_sheet, layer, scaling)
        best = int(self._once(_summary, layer)[by].argmax())
        picture = Image.fromarray(sheet)
        draw = ImageDraw.Draw(picture)
        for number, ink in ((best, ORANGE), (unit, base.MARK)):
            top, left = 2 + number // columns * down, 2 + number % columns * across
            box = left - 2, top - 2, left + across - 1, top + down - 1
            draw.rectangle(box, outline=ink, width=2)
            if number != unit:
                _broken(draw, box)
        same = "this one" if best == unit else f"unit {best}, the broken frame"
        colors = "one scale" if scaling == "shared" else "each its own scale"
        words = f"all {self._layers[layer].units} units ({colors}), this one framed in red\nmax by {by}: {same}"
        return base.titled(np.asarray(picture), words)

    def words(self, layer, unit):
        """The numbers beside the view, one thought a line."""
        values, found = self.acts.of(layer), self._layers[layer]
        seen = self._once(_summary, layer)
        rank = int((seen["mean"] > seen["mean"][unit]).sum()) + 1
        if values.ndim == 1:
            named = _named(self.acts.names.get(layer), unit)
            kind = f"{found.kind}, {found.units} neurons"
            return f"{named[0].upper()}{named[1:]} of {layer} ({kind}): {values[unit]:.4g}, rank {rank}."
        one = values[..., unit]
        row, col = np.unravel_index(one.argmax(), one.shape)
        kind = f"{found.kind}, {found.units} units of {one.shape[1]}×{one.shape[0]} px"
        peak = f"peak {seen['peak'][unit]:.3g} at row {row}, column {col}"
        if one.min() < 0:
            low_row, low_col = np.unravel_index(one.argmin(), one.shape)
            peak += f", lowest {one.min():.3g} at row {low_row}, column {low_col}"
        mean = f"mean {seen['mean'][unit]:.3g}, rank {rank} of {found.units}; {(one == 0).mean():.0%} zeros"
        best = f"Most active by mean: unit {seen['mean'].argmax()}; by peak: unit {seen['peak'].argmax()}."
        constant = f"Constant over this image: {seen['constant'].sum()} of {found.units} units."
        return f"Unit {unit} of {layer} ({kind}): {peak}; {mean}.\n{best} {constant}{_field_words(found)}"

    def _once(self, function, layer, *how):
        """``function`` of the layer's maps, computed when first asked for."""
        key = (function, layer, *how)
        if key not in self._kept:
            self._kept[key] = function(self.acts.of(layer), *how)
        return self._kept[key]


def _broken(draw, box):
    """Break a frame in the middle of each side, so that two frames are told apart by more than their colors."""
    left, top, right, bottom = box
    across, down = (max(1, (end - start) // 6) for start, end in ((left, right), (top, bottom)))
    x, y = (left + right) // 2, (top + bottom) // 2
    for gap in ((x - across, top, x + across, top + 1), (x - across, bottom - 1, x + across, bottom)):
        draw.rectangle(gap, fill=base.PAPER)
    for gap in ((left, y - down, left + 1, y + down), (right - 1, y - down, right, y + down)):
        draw.rectangle(gap, fill=base.PAPER)


def _field_words(found):
    """How much of the image one position sees, where that is known."""
    if not found.is_map or not found.rows:
        return ""
    height, width = found.receptive_field
    return f" Each position sees {width}×{height} px of the image (framed), one every {found.stride[1]} px."


def _summary(values):
    """For each unit of maps (h, w, c) or values (units,): mean, peak, and whether it is the same everywhere."""
    flat = values.reshape(-1, values.shape[-1])
    peak = flat.max(0)
    return {"mean": flat.mean(0), "peak": peak, "constant": flat.min(0) == peak}


def _plain_sheet(values, scaling):
    """The sheet of maps (h, w, c) that stands in the view: raster, step from picture to picture, and columns."""
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


def view(acts, layer, unit=0, *, image=0, by="mean", scaling="shared", label=""):
    """The same view as the explorer's, for paper: (Figure, alternative text)."""
    views = Views(acts.only(image), label)
    raster, words = views.raster(layer, unit, by=by, scaling=scaling), views.words(layer, unit)
    note = words.replace("\n", " ")
    fig = base.raster_figure(raster, title=f"{acts.network}, {layer}", note=note, source=acts.source)
    return fig, words
