"""The interactive map: one HTML page that needs neither kernel nor network.

Made with Bokeh, chosen after trying three: its page can be written into one file, hover shows HTML and so an image,
and it has a lasso, sliders and WebGL, in 1.8 MB. jupyter-scatter is faster beyond 100,000 points but draws through a
live kernel, so the exported lesson would be empty; plotly's library alone takes 4.8 MB and its hover shows no images.

The images travel as one contact sheet, of which hover and lasso show cut-outs; the page is shown in a frame of its
own, so that two maps, or JupyterLab's own scripts, do not get into each other's way. Markup and scripts stand in
``templates/``: words that come from outside, such as the names of classes, are always shown as plain text.
"""

import base64
import math
from dataclasses import dataclass

import jinja2
import matplotlib.colors
import numpy as np
from PIL import Image

from .. import files
from ..errors import CnnlensError
from ..pixels import as_bytes
from .base import webp
from .embedding import as_sequence, colors_of, describe, extent, name_spots

THUMB = 32  # px a side of the images on the contact sheet, at most
HOVER = 96  # px a side of the image under the pointer
ALBUM = {"side": 40, "most": 120}  # px a side, and number at most, of the images that the lasso shows
BOXES = 40  # classes at most for which there are boxes to tick; a longer list would bury all else
WIDTH, HEIGHT = 600, 560
NARROW = 420  # px; where there is less beside the controls, they stand below
FLOWING = {"sizing_mode": "stretch_width"}
FIGURE = {
    "sizing_mode": "scale_width",  # distances in both directions stay of one scale
    "aspect_ratio": WIDTH / HEIGHT,
    "max_width": WIDTH,
    "styles": {"flex": f"1 1 {NARROW}px"},
    "tools": "lasso_select,pan,wheel_zoom,box_zoom,reset",
    "active_drag": "lasso_select",
    "active_scroll": "wheel_zoom",
    "toolbar_location": "above",
    "output_backend": "webgl",
    "lod_threshold": None,
    "name": "map",
}
GOOD = {"marker": "circle", "line_color": None, "fill_alpha": 0.75}
BAD = {"marker": "circle_x", "line_color": "#111111", "line_width": 1.2, "nonselection_line_alpha": 0.2}
NAMES = {
    "text_align": "center",
    "text_baseline": "middle",
    "text_font_size": "13px",
    "text_font_style": "bold",
    "text_color": "#111111",
    "background_fill_color": "#ffffff",
    "background_fill_alpha": 0.72,
}

TEMPLATES = jinja2.Environment(loader=jinja2.PackageLoader("cnnlens.figures"), autoescape=True)
HINT = "Draw around points with the lasso: their images appear here."


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
        frame = TEMPLATES.get_template("frame.html").render(alt=self.alt, page=self.html, height=self.height)
        return {"text/html": frame, "text/plain": self.alt}

    def __repr__(self):
        return f"<Page of {len(self.html) / 1e6:.1f} MB: {self.alt}>"


def interactive(maps, images, *, answers=None, notes=None):
    """The interactive page of a map or a sequence of maps.

    Parameters
    ----------
    maps : Embedding or EmbeddingSequence
        A sequence gets a slider and a play button.
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
        If there are not as many images as points, or not as many notes as maps.
    """
    from bokeh.embed import components
    from bokeh.resources import Resources

    sequence = as_sequence(maps)
    first = sequence.maps[0]
    if images is None:
        images = _swatches(first)
    if len(images) != len(first.points):
        raise CnnlensError(
            f"The map has {len(first.points)} points; got {len(images)} images. "
            "Give the same images, in the same order."
        )
    if notes is not None and len(notes) != len(sequence):
        raise CnnlensError(f"There are {len(sequence)} maps; got {len(notes)} notes.")
    sheet, across = contact_sheet(images)
    widgets = _Widgets(sequence, across, answers or first.classes, list(notes or [""] * len(sequence)))
    script, plot = components(widgets.layout())
    library = Resources(mode="inline", minified=True, components=["bokeh", "bokeh-widgets", "bokeh-gl"]).render()
    alt = describe(sequence) + " Hover shows each image; boxes filter by class; a lasso shows the chosen images."
    said = {"title": alt, "source": sequence.source, "sheet": sheet}
    return Page(TEMPLATES.get_template("map.html").render(**said, library=library, plot=plot, script=script), alt)


def contact_sheet(images):
    """All images on one picture, row by row: (base64 of a WebP, images in a row)."""
    thumbs = [_thumb(image) for image in np.asarray(images, np.float32)]
    height, width = thumbs[0].shape[:2]
    across = math.ceil(math.sqrt(len(thumbs)))
    canvas = np.zeros((math.ceil(len(thumbs) / across) * height, across * width, 3), np.uint8)
    for i, thumb in enumerate(thumbs):
        row, col = divmod(i, across)
        canvas[row * height : (row + 1) * height, col * width : (col + 1) * width] = thumb
    return base64.b64encode(webp(canvas, quality=80, method=2)).decode("ascii"), across


def _swatches(first):
    """A plain square in its class's color for every point: (N, 2, 2, 3)."""
    labels = np.zeros(len(first.points), int) if first.labels is None else first.labels
    colors = matplotlib.colors.to_rgba_array(colors_of(labels, first.labels is not None))[:, :3]
    return np.tile(colors[:, None, None], (1, 2, 2, 1))


def _thumb(image):
    """An image (H, W, C) in [0, 1] as a square uint8 RGB of at most THUMB px."""
    pixels = as_bytes(image)
    pixels = np.repeat(pixels, 3, -1) if pixels.shape[-1] == 1 else pixels
    side = min(THUMB, max(pixels.shape[:2]))
    if pixels.shape[:2] == (side, side):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BOX))


class _Widgets:
    """The Bokeh models of a page."""

    def __init__(self, sequence, across, answers, notes):
        self.sequence, self.across, self.notes = sequence, across, notes
        self.first, self.count = sequence.maps[0], len(sequence.maps[0].points)
        self.labeled = self.first.labels is not None
        self.truth = self.first.labels if self.labeled else np.zeros(self.count, int)
        self.names = self.first.classes or tuple(str(label) for label in range(self.truth.max() + 1))
        guesses = [np.full(self.count, -1) if each.predictions is None else each.predictions for each in sequence.maps]
        self.varying = any((guess != guesses[0]).any() for guess in guesses)
        self.guesses = guesses if self.varying else guesses[:1]
        most = max(guess.max() for guess in guesses)
        self.answers = list(answers or self.names)
        if most >= len(self.answers):
            self.answers = [str(i) for i in range(most + 1)]

    def layout(self):
        """All of it: controls, plot, album."""
        from bokeh.layouts import column, row
        from bokeh.models import BooleanFilter, Div

        drawn, wrong = self.drawn(), self.first.mistakes
        views = {"right": BooleanFilter(booleans=list(~wrong)), "wrong": BooleanFilter(booleans=list(wrong))}
        spots, places = self.spots()
        plot, slider, note = self.plot(drawn, views, spots), self.slider(), Div(text="", height=56, width=300)
        album = Div(text=HINT, **FLOWING, max_width=980)
        only, tick, boxes = self.filters()

        shared = {"source": drawn, "store": self.store(), "slider": slider, "judged": self.first.judged, **views}
        told = {"titles": list(self.sequence.titles), "notes": self.notes, "answers": self.answers}
        controls = {"boxes": boxes, "only": only, "title": plot.title, "note": note, "varying": self.varying}
        update = _script("update", {**shared, **told, **controls, "spots": spots, **places})
        lasso = _script("lasso", {**shared, "album": album, "hint": HINT, "across": self.across, **ALBUM})

        drawn.selected.js_on_change("indices", lasso)
        for widget in filter(None, (boxes, only)):
            widget.js_on_change("active", update, lasso)
        play = None
        if slider:
            slider.js_on_change("value", update)
            play = self.play(slider)
        shown = [widget for widget in (slider, play, only, tick, boxes, note) if widget]
        beside = row(plot, column(*shown, width=310), **FLOWING, styles={"flex-wrap": "wrap"})  # below, on a telephone
        return column(beside, album, **FLOWING)

    def drawn(self):
        """What the plot shows now."""
        from bokeh.models import ColumnDataSource

        rows, columns = np.divmod(np.arange(self.count), self.across)
        x, y = self.first.points.T.copy()
        return ColumnDataSource(
            {
                "x": x,
                "y": y,
                "color": colors_of(self.truth, self.labeled),
                "name": [self.names[label] if self.labeled else "" for label in self.truth],
                "said": [""] * self.count,
                "number": list(range(self.count)),
                "at": [f"{-column * HOVER}px {-row * HOVER}px" for row, column in zip(rows, columns)],
            },
            name="points",
        )

    def store(self):
        """What is kept to be drawn: of every map the places and predictions, and each point's class and filter box."""
        from bokeh.models import ColumnDataSource

        kept = {"truth": self.truth, "box": np.searchsorted(np.unique(self.truth), self.truth)}
        kept |= {f"p{i}": guess for i, guess in enumerate(self.guesses)}
        kept = {name: values.astype(np.int32) for name, values in kept.items()}
        for i, each in enumerate(self.sequence.maps):
            kept[f"x{i}"], kept[f"y{i}"] = each.points.T.copy()
        return ColumnDataSource(kept)

    def spots(self):
        """The classes' names where they stand in the first map, and their places in every map."""
        from bokeh.models import ColumnDataSource

        found = [name_spots(each) for each in self.sequence.maps]
        labels = list(found[0])
        xs, ys = ([[float(spots[label][axis]) for label in labels] for spots in found] for axis in (0, 1))
        names = ColumnDataSource({"x": xs[0], "y": ys[0], "text": [self.names[label] for label in labels]})
        return names, {"spotx": xs, "spoty": ys}

    def plot(self, drawn, views, spots):
        """The scatter plot, on one scale for all maps."""
        from bokeh.models import CDSView, HoverTool, LabelSet
        from bokeh.plotting import figure

        reach = extent(self.sequence) * 1.04
        wide = reach * WIDTH / HEIGHT
        plot = figure(**FIGURE, x_range=(-wide, wide), y_range=(-reach, reach), title=self.sequence.titles[0])
        plot.grid.visible = plot.axis.visible = False
        plot.toolbar.logo = None
        plot.title.text_font_size = "15px"
        size = float(np.clip(180 / math.sqrt(self.count), 3.5, 9))
        style = {"x": "x", "y": "y", "source": drawn, "fill_color": "color", "nonselection_fill_alpha": 0.12}
        good = plot.scatter(**style, **GOOD, view=CDSView(filter=views["right"]), size=size)
        bad = plot.scatter(**style, **BAD, view=CDSView(filter=views["wrong"]), size=size + 3)
        tooltip = TEMPLATES.get_template("tooltip.html").render(side=HOVER, wide=self.across * HOVER)
        plot.add_tools(HoverTool(renderers=[good, bad], tooltips=tooltip, limit=1, attachment="horizontal"))
        plot.add_layout(LabelSet(x="x", y="y", text="text", source=spots, **NAMES))
        return plot

    def slider(self):
        """From map to map; None for a single map."""
        from bokeh.models import Slider

        if len(self.sequence) == 1:
            return None
        last = len(self.sequence) - 1
        return Slider(start=0, end=last, value=0, step=1, title="map", show_value=False, width=280, name="slider")

    def play(self, slider):
        """The button that moves the slider."""
        from bokeh.models import Toggle

        play = Toggle(label="▶ Play", width=150)
        play.js_on_change("active", _script("play", {"play": play, "slider": slider}))
        return play

    def filters(self):
        """A switch for the mistakes, a button that ticks or clears all boxes, and a box for each class."""
        from bokeh.models import Button, CheckboxGroup, CustomJS, Toggle

        only = Toggle(label="Only mistakes", width=150) if self.first.judged else None
        if not self.labeled:
            return only, None, None
        names = [self.names[label] for label in np.unique(self.truth)]
        if len(names) > BOXES:
            return only, None, None
        boxes = CheckboxGroup(labels=names, active=list(range(len(names))), width=280)
        tick = Button(label="All classes / none", width=150)
        all_or_none = "boxes.active = boxes.active.length ? [] : boxes.labels.map((_, i) => i);"
        tick.js_on_click(CustomJS(args={"boxes": boxes}, code=all_or_none))
        return only, tick, boxes


def _script(name, models):
    """The JavaScript of this name, which sees these models and values."""
    from bokeh.models import CustomJS

    code = TEMPLATES.loader.get_source(TEMPLATES, f"{name}.js")[0]
    return CustomJS(args=models, code=code, name=name)
