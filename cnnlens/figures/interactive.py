"""The interactive map: one HTML page that needs neither kernel nor network.

Made with Bokeh, chosen after trying three: its page can be written into one file, hover shows HTML and so an image,
and it has a lasso, sliders and WebGL, in 1.8 MB. jupyter-scatter is faster beyond 100,000 points but draws through a
live kernel, so the exported lesson would be empty; plotly's library alone takes 4.8 MB and its hover shows no images.

The images travel as one contact sheet, of which hover and lasso show cut-outs; the page is shown in a frame of its
own, so that two maps, or JupyterLab's own scripts, do not get into each other's way.
"""

import base64
import html
import io
import math
from dataclasses import dataclass

import matplotlib.colors
import numpy as np
from PIL import Image

from .. import files
from ..errors import CnnlensError
from .embedding import as_film, colors_of, describe, extent, name_spots

THUMB = 32  # px a side of the images on the contact sheet, at most
HOVER, SHEET = 96, 40  # px a side of the image under the pointer and of those that the lasso shows
SHOWN = 120  # images that the lasso shows at most
WIDTH, HEIGHT = 600, 560

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>%(title)s</title>
<style>
body { margin: 4px; font: 13px/1.4 system-ui, sans-serif; color: #222; background: #fff }
.source { color: #555; font-size: 80%% }
</style>
%(library)s
</head><body>
<script>
// The contact sheet becomes an address once; its style reaches into Bokeh's shadow trees, where no style sheet does.
(() => {
  const bytes = Uint8Array.from(atob("%(sheet)s"), c => c.charCodeAt(0));
  const address = URL.createObjectURL(new Blob([bytes], {type: "image/webp"}));
  document.documentElement.style.setProperty("--sheet", `url(${address})`);
})();
</script>
%(plot)s
%(script)s
<script>
(function begin() {
  const update = window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].get_model_by_name("update");
  update ? update.execute(update) : setTimeout(begin, 50);
})();
</script>
<div class="source">%(source)s</div>
</body></html>"""

TOOLTIP = """<div style="font:13px system-ui;color:#222"><div class="thumb" style="width:%(side)dpx;height:%(side)dpx;image-rendering:pixelated;
background-image:var(--sheet);background-size:%(wide)dpx auto;background-position:@at"></div>
<b>@name</b><br>@said{safe}</div>"""

# Runs whenever a control moves: picks the frame, what is right and wrong in it, and which points are to be seen.
UPDATE = """
const i = slider ? Math.round(slider.value) : 0;
const [data, kept] = [source.data, store.data];
const guess = kept[varying ? `p${i}` : "p0"], truth = kept.truth, n = kept.x0.length;
const chosen = new Set(boxes ? boxes.active : []);
const [good, bad, said] = [new Array(n), new Array(n), new Array(n)];
let seen = 0, mistakes = 0;
for (let j = 0; j < n; j++) {
  const miss = judged && guess[j] != truth[j];
  const here = !boxes || chosen.has(kept.box[j]);
  good[j] = here && !miss && !(only && only.active);
  bad[j] = here && miss;
  said[j] = guess[j] < 0 ? `image ${j}` : `predicted ${answers[guess[j]]}${miss ? " ✗" : ""}<br>image ${j}`;
  seen += good[j] || bad[j]; mistakes += bad[j];
}
data.said = said;
right.booleans = good; wrong.booleans = bad;
title.text = titles[i];
if (slider) slider.title = `${i + 1} of ${titles.length}: ${titles[i]}`;
const count = judged ? `${seen} points, ${mistakes} mistakes` : `${seen} points`;
note.text = `<span role="status">${count}${notes[i] ? "<br>" + notes[i] : ""}</span>`;

const [fromX, fromY] = [data.x.slice(), data.y.slice()], [toX, toY] = [kept[`x${i}`], kept[`y${i}`]];
const names = spots.data, [nfx, nfy] = [Array.from(names.x), Array.from(names.y)], [ntx, nty] = [spotx[i], spoty[i]];
const still = fromX.every((x, j) => x === toX[j]);
window.cnnlensMove = (window.cnnlensMove || 0) + 1;
const mine = window.cnnlensMove, began = performance.now(), span = still ? 0 : 450;
function step(now) {
  if (mine !== window.cnnlensMove) return;
  const part = span ? Math.min(1, Math.max(0, (now - began) / span)) : 1, ease = part * part * (3 - 2 * part);
  for (let j = 0; j < n; j++) {
    data.x[j] = part < 1 ? fromX[j] + ease * (toX[j] - fromX[j]) : toX[j];
    data.y[j] = part < 1 ? fromY[j] + ease * (toY[j] - fromY[j]) : toY[j];
  }
  names.x = nfx.map((x, k) => x + ease * (ntx[k] - x)); names.y = nfy.map((y, k) => y + ease * (nty[k] - y));
  source.change.emit(); spots.change.emit();
  if (part < 1) requestAnimationFrame(step);
  else window.cnnlensFrame = i;
}
step(began);
"""

LASSO = """
const picked = source.selected.indices, truth = store.data.truth;
const guess = store.data[varying && slider ? `p${Math.round(slider.value)}` : "p0"];
const visible = picked.filter(j => right.booleans[j] || wrong.booleans[j]);
const counts = {};
let mistakes = 0;
for (const j of visible) { counts[source.data.name[j]] = (counts[source.data.name[j]] || 0) + 1; mistakes += wrong.booleans[j]; }
const said = Object.entries(counts).sort((a, b) => b[1] - a[1]).map(([name, count]) => `${count} × ${name}`).join(", ");
const step = Math.max(1, visible.length / most);
let cells = "";
for (let k = 0; k < visible.length && k / step < most; k = k + 1) {
  if (Math.floor(k / step) === Math.floor((k - 1) / step)) continue;
  const j = visible[k], [col, row] = [j % across, Math.floor(j / across)];
  cells += `<span class="picked" title="${source.data.name[j]}" style="display:inline-block;width:${side}px;height:${side}px;margin:1px;image-rendering:pixelated;` +
    `outline:${wrong.booleans[j] ? "3px solid #d62728" : "none"};outline-offset:-2px;background-image:var(--sheet);` +
    `background-size:${across * side}px auto;background-position:${-col * side}px ${-row * side}px"></span>`;
}
const head = visible.length ? `<b>${visible.length} images:</b> ${said}${judged ? `; ${mistakes} mistakes (framed in red)` : ""}` : hint;
album.text = `<div role="status">${head}</div><div style="line-height:0;margin-top:4px">${cells}</div>`;
"""

PLAY = """
clearInterval(window.cnnlensPlay);
if (play.active) {
  play.label = "❚❚ Pause";
  if (slider.value >= slider.end) slider.value = slider.start;
  window.cnnlensPlay = setInterval(() => {
    if (slider.value >= slider.end) play.active = false;
    else slider.value = slider.value + 1;
  }, 900);
} else play.label = "▶ Play";
"""


@dataclass(frozen=True)
class Page:
    """An interactive map; shows itself when it ends a cell.

    Attributes
    ----------
    html : str
        The whole page, with all that it needs inside.
    alt : str
        What there is to see, in words.
    """

    html: str
    alt: str
    height: int = HEIGHT + 330

    def save(self, path):
        """Write the page as one file; its path."""
        with files.atomic(path) as partial:
            partial.write_text(self.html, encoding="utf-8")
        return path

    def _repr_mimebundle_(self, include=None, exclude=None):
        frame = (
            f'<iframe title="{html.escape(self.alt, quote=True)}" srcdoc="{html.escape(self.html, quote=True)}" '
            f'style="width:100%;height:{self.height}px;border:0" loading="lazy"></iframe>'
        )
        return {"text/html": frame, "text/plain": self.alt}

    def __repr__(self):
        return f"<Page of {len(self.html) / 1e6:.1f} MB: {self.alt}>"


def interactive(maps, images, *, answers=None, notes=None):
    """The interactive page of a map or a film.

    Parameters
    ----------
    maps : Map or Film
        A film gets a slider and a play button.
    images : array (N, H, W, C) or None
        Those of the map, in its order, in [0, 1]; None for points that are no images, which show their color.
    answers : sequence of str, optional
        What predictions mean, where the network's classes are others than the labels'.
    notes : sequence of str, optional
        A line for each map, such as its numbers.

    Returns
    -------
    Page

    Raises
    ------
    CnnlensError
        If there are as many images as points, or notes as maps, but not so.
    """
    film = as_film(maps)
    first = film.maps[0]
    if images is None:
        images = _swatches(first)
    if len(images) != len(first.points):
        raise CnnlensError(
            f"The map has {len(first.points)} points; got {len(images)} images. Give the same images, in the same order."
        )
    if notes is not None and len(notes) != len(film):
        raise CnnlensError(f"There are {len(film)} maps; got {len(notes)} notes.")
    sheet, across = contact_sheet(images)
    parts = _Parts(film, across, answers or first.classes, [html.escape(note) for note in notes or [""] * len(film)])
    from bokeh.embed import components
    from bokeh.resources import Resources

    alt = describe(film) + " Hover shows each image; boxes filter by class; a lasso shows the chosen images."
    script, plot = components(parts.layout())
    library = Resources(mode="inline", minified=True, components=["bokeh", "bokeh-widgets", "bokeh-gl"]).render()
    said = {"title": html.escape(alt), "source": html.escape(film.source), "sheet": sheet}
    return Page(PAGE % {**said, "library": library, "plot": plot, "script": script}, alt)


def contact_sheet(images):
    """All images on one picture, row by row: (base64 of a WebP, images in a row)."""
    thumbs = [_thumb(image) for image in np.asarray(images, np.float32)]
    height, width = thumbs[0].shape[:2]
    across = math.ceil(math.sqrt(len(thumbs)))
    canvas = np.zeros((math.ceil(len(thumbs) / across) * height, across * width, 3), np.uint8)
    for i, thumb in enumerate(thumbs):
        row, col = divmod(i, across)
        canvas[row * height : (row + 1) * height, col * width : (col + 1) * width] = thumb
    file = io.BytesIO()
    Image.fromarray(canvas).save(file, "webp", quality=80, method=2)
    return base64.b64encode(file.getvalue()).decode("ascii"), across


def _swatches(mapped):
    """A plain square in its class's color for every point: (N, 2, 2, 3)."""
    labels = np.zeros(len(mapped.points), int) if mapped.labels is None else mapped.labels
    return (
        matplotlib.colors.to_rgba_array(colors_of(labels, mapped.labels is not None))[:, None, None, :3]
        .repeat(2, 1)
        .repeat(2, 2)
    )


def _thumb(image):
    """An image (H, W, C) in [0, 1] as a square uint8 RGB of at most THUMB px."""
    pixels = (image.clip(0, 1) * 255).round().astype(np.uint8)
    pixels = np.repeat(pixels, 3, -1) if pixels.shape[-1] == 1 else pixels
    side = min(THUMB, max(pixels.shape[:2]))
    if pixels.shape[:2] == (side, side):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BOX))


class _Parts:
    """The Bokeh models of a page."""

    def __init__(self, film, across, answers, notes):
        self.film, self.across, self.notes = film, across, notes
        self.first, self.count = film.maps[0], len(film.maps[0].points)
        self.truth = self.first.labels if self.first.labels is not None else np.zeros(self.count, int)
        self.names = self.first.classes or tuple(str(label) for label in range(self.truth.max() + 1))
        self.answers = list(answers or self.names)
        guesses = [np.full(self.count, -1) if each.predictions is None else each.predictions for each in film.maps]
        self.varying = any((guess != guesses[0]).any() for guess in guesses)
        self.guesses = guesses if self.varying else guesses[:1]
        if max(guess.max() for guess in guesses) >= len(self.answers):
            self.answers = [str(i) for i in range(max(guess.max() for guess in guesses) + 1)]

    def layout(self):
        """All of it: controls, plot, album."""
        from bokeh.layouts import column, row
        from bokeh.models import BooleanFilter, CustomJS, Div, Slider

        source, store = self.sources()
        everything = np.ones(self.count, bool)
        right, wrong = (
            BooleanFilter(booleans=list(everything & ~self.first.mistakes)),
            BooleanFilter(booleans=list(self.first.mistakes)),
        )
        spots, spotx, spoty = self.spots()
        plot = self.plot(source, right, wrong, spots)
        note = Div(text="", height=56, width=300)
        hint = "Draw around points with the lasso: their images appear here."
        album = Div(text=hint, width=980)
        boxes, only, tick = self.filters()
        slider = (
            Slider(
                start=0,
                end=len(self.film) - 1,
                value=0,
                step=1,
                title="map",
                show_value=False,
                width=280,
                name="slider",
            )
            if len(self.film) > 1
            else None
        )
        shared = {
            "source": source,
            "store": store,
            "right": right,
            "wrong": wrong,
            "slider": slider,
            "varying": self.varying,
            "judged": self.first.judged,
        }
        update = CustomJS(
            args=shared
            | {
                "boxes": boxes,
                "only": only,
                "title": plot.title,
                "note": note,
                "titles": list(self.film.titles),
                "notes": self.notes,
                "answers": self.answers,
                "spots": spots,
                "spotx": spotx,
                "spoty": spoty,
            },
            code=UPDATE,
            name="update",
        )
        lasso = CustomJS(
            args=shared | {"album": album, "across": self.across, "side": SHEET, "most": SHOWN, "hint": hint},
            code=LASSO,
        )
        source.selected.js_on_change("indices", lasso)
        controls = [
            *self.film_controls(slider, update),
            *([only] if only else []),
            *([tick, boxes] if boxes else []),
            note,
        ]
        for widget, attribute in ((boxes, "active"), (only, "active")):
            if widget is not None:
                widget.js_on_change(attribute, update, lasso)
        return column(row(plot, column(*controls, width=310)), album)

    def sources(self):
        """What is drawn, and what is kept to be drawn."""
        from bokeh.models import ColumnDataSource

        points = self.first.points
        places = [divmod(i, self.across) for i in range(self.count)]
        drawn = {
            "x": points[:, 0].copy(),
            "y": points[:, 1].copy(),
            "color": colors_of(self.truth, self.first.labels is not None),
            "name": [self.names[label] for label in self.truth] if self.first.labels is not None else [""] * self.count,
            "said": [""] * self.count,
            "at": [f"{-col * HOVER}px {-row * HOVER}px" for row, col in places],
        }
        kept = {"truth": self.truth.astype(np.int32), "box": self.box_of().astype(np.int32)}
        for i, each in enumerate(self.film.maps):
            kept |= {f"x{i}": each.points[:, 0].copy(), f"y{i}": each.points[:, 1].copy()}
        kept |= {f"p{i}": guess.astype(np.int32) for i, guess in enumerate(self.guesses)}
        return ColumnDataSource(drawn, name="points"), ColumnDataSource(kept)

    def box_of(self):
        """Which filter box a point belongs to: the place of its class among those that are there."""
        return np.searchsorted(np.unique(self.truth), self.truth)

    def spots(self):
        """The classes' names and where they stand in each map."""
        from bokeh.models import ColumnDataSource

        found = [name_spots(each) for each in self.film.maps]
        labels = list(found[0])
        xs, ys = ([[float(spots[label][axis]) for label in labels] for spots in found] for axis in (0, 1))
        return ColumnDataSource({"x": xs[0], "y": ys[0], "text": [self.names[label] for label in labels]}), xs, ys

    def plot(self, source, right, wrong, spots):
        """The scatter plot, on one scale for all maps."""
        from bokeh.models import CDSView, HoverTool, LabelSet
        from bokeh.plotting import figure

        reach = extent(self.film) * 1.04
        plot = figure(
            width=WIDTH,
            height=HEIGHT,
            tools="lasso_select,pan,wheel_zoom,box_zoom,reset",
            active_drag="lasso_select",
            active_scroll="wheel_zoom",
            x_range=(-reach * WIDTH / HEIGHT, reach * WIDTH / HEIGHT),
            y_range=(-reach, reach),
            output_backend="webgl",
            title=self.film.titles[0],
            toolbar_location="above",
            lod_threshold=None,
            name="map",
        )
        plot.grid.visible = plot.axis.visible = False
        plot.toolbar.logo = None
        plot.title.text_font_size = "15px"
        size = float(np.clip(180 / math.sqrt(self.count), 3.5, 9))
        style = {"x": "x", "y": "y", "source": source, "fill_color": "color", "nonselection_fill_alpha": 0.12}
        good = plot.scatter(
            **style, view=CDSView(filter=right), marker="circle", size=size, line_color=None, fill_alpha=0.75
        )
        bad = plot.scatter(
            **style,
            view=CDSView(filter=wrong),
            marker="circle_x",
            size=size + 3,
            line_color="#111111",
            line_width=1.2,
            nonselection_line_alpha=0.2,
        )
        tooltip = TOOLTIP % {"side": HOVER, "wide": self.across * HOVER}
        plot.add_tools(HoverTool(renderers=[good, bad], tooltips=tooltip, limit=1, attachment="horizontal"))
        plot.add_layout(
            LabelSet(
                x="x",
                y="y",
                text="text",
                source=spots,
                text_align="center",
                text_baseline="middle",
                text_font_size="13px",
                text_font_style="bold",
                text_color="#111111",
                background_fill_color="#ffffff",
                background_fill_alpha=0.72,
            )
        )
        return plot

    def filters(self):
        """Boxes for the classes, a switch for the mistakes, and a button that ticks or clears all boxes."""
        from bokeh.models import Button, CheckboxGroup, CustomJS, Toggle

        boxes = tick = only = None
        if self.first.labels is not None:
            present = np.unique(self.truth)
            boxes = CheckboxGroup(
                labels=[self.names[label] for label in present], active=list(range(len(present))), width=280
            )
            tick = Button(label="All classes / none", width=150)
            tick.js_on_click(
                CustomJS(
                    args={"boxes": boxes},
                    code="boxes.active = boxes.active.length ? [] : boxes.labels.map((_, i) => i);",
                )
            )
        if self.first.judged:
            only = Toggle(label="Only mistakes", width=150)
        return boxes, only, tick

    def film_controls(self, slider, update):
        """Slider and play button, for a film."""
        from bokeh.models import CustomJS, Toggle

        if slider is None:
            return []
        slider.js_on_change("value", update)
        play = Toggle(label="▶ Play", width=150)
        play.js_on_change("active", CustomJS(args={"play": play, "slider": slider}, code=PLAY))
        return [slider, play]
