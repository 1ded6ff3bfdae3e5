"""What all figures share: the house style, the source line at the foot, sheets of small pictures, and how to show one.

A painter makes a figure with :func:`canvas`, draws, and ends with ``return finish(fig, result.source), alt``, where
``alt`` says in one or two sentences what there is to see, for those who cannot. Colors: unsigned values in ``viridis``,
``cividis`` or grey, signed values in ``RdBu_r`` around zero, classes in ``CLASS_COLORS``; never color alone, always a
word or a shape with it.
"""

import base64
import functools
import io
import sys
import textwrap
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import ScaledTranslation
from PIL import Image, ImageDraw, ImageFont

from ..pixels import as_bytes

UNSIGNED, SIGNED = "viridis", "RdBu_r"
TITLE, LABEL, SMALL = 12, 10, 8  # font sizes in points
DPI = 110
# Ten colors that people with any common color vision tell apart (Petroff 2021, "Accessible color sequences").
CLASS_COLORS = tuple("#3f90da #ffa90e #bd1f01 #94a4a2 #832db6 #a96b59 #e76300 #b9ac70 #717581 #92dadd".split())
INK, PAPER, MARK = (34, 34, 34), (255, 255, 255), (214, 39, 40)
HAIRLINE = (205, 205, 205)  # round each picture of a sheet, so that a white one is seen as well
INK_HEX = "#222222"
CAPTION = 11  # px, height of the letters under a small picture
FOOT = 0.16  # inches a line of the source takes


# --- figures ------------------------------------------------------------------------------------------------


def canvas(width=8.0, height=4.5):
    """An empty Figure of this size in inches in which nothing is clipped; pyplot never sees it, so none leaks."""
    fig = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(fig)
    return fig


def finish(fig, source):
    """Stamp the source at the foot of a figure and make room for it; all its words are text, and none a formula.

    Parameters
    ----------
    fig : Figure
    source : str or sequence of str
        Where weights and data came from; several are joined.

    Returns
    -------
    Figure
        The same.
    """
    if fig.get_layout_engine() is None:
        fig.set_layout_engine("constrained")
    width, height = fig.get_size_inches()
    lines = _source_lines(source, width)
    foot = (len(lines) * FOOT + 0.06) / height if lines else 0
    _stamp(fig, lines, height)
    for words in fig.findobj(Text):
        words.set_parse_math(False)  # names of classes are names of folders, which may hold a dollar sign
    fig.get_layout_engine().set(rect=(0, foot, 1, 1 - foot))
    return fig


def legend_below(axes, columns=3, inches=0.5):
    """A legend so many inches below the axes, where it covers neither the data, the labels, nor the source."""
    below = axes.transAxes + ScaledTranslation(0, -inches, axes.figure.dpi_scale_trans)
    place = dict(loc="upper center", bbox_to_anchor=(0.5, 0), bbox_transform=below)
    return axes.legend(ncols=columns, fontsize=SMALL, frameon=False, **place)


def _source_lines(source, width):
    said = source if isinstance(source, str) else "; ".join(dict.fromkeys(filter(None, source)))
    return textwrap.wrap(said, max(20, int(width * 17)))


def _stamp(fig, lines, height):
    if lines:
        style = dict(fontsize=7.5, color="#555555", linespacing=1.15)
        fig.text(0.01, 0.05 / height, "\n".join(lines), va="bottom", ha="left", **style)


def png(fig, dpi=DPI):
    """A figure as the bytes of a PNG."""
    file = io.BytesIO()
    fig.savefig(file, format="png", dpi=dpi, facecolor="white")
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:  # only a figure made by pyplot needs closing, and then pyplot is loaded already
        pyplot.close(fig)
    return file.getvalue()


def bundle(fig, alt):
    """A figure as what ``_repr_mimebundle_`` returns: the PNG, and its alternative text as text and as metadata."""
    data = {"image/png": base64.b64encode(png(fig)).decode("ascii"), "text/plain": alt}
    return data, {"image/png": {"alt": alt}}


def show(fig, alt):
    """Display a figure with its alternative text in a notebook."""
    from IPython.display import display

    data, metadata = bundle(fig, alt)
    display(data, metadata=metadata, raw=True)


# --- pixels -------------------------------------------------------------------------------------------------


@functools.cache
def _lookup(cmap):
    return as_bytes(matplotlib.colormaps[cmap](np.linspace(0, 1, 256))[:, :3])


def colored(values, low=None, high=None, cmap=UNSIGNED):
    """Values as uint8 RGB, one axis more than came in.

    Parameters
    ----------
    values : array
        NaN is drawn grey.
    low, high : float or array that broadcasts, optional
        What the ends of the color map stand for; the smallest and largest value by default.
    cmap : str
        Name of a matplotlib color map.
    """
    values = np.asarray(values, np.float32)
    low = np.nanmin(values) if low is None else np.asarray(low, np.float32)
    high = np.nanmax(values) if high is None else np.asarray(high, np.float32)
    span = np.where(high > low, high - low, 1).astype(np.float32)
    index = np.nan_to_num((values - low) * (255 / span)).clip(0, 255).astype(np.uint8)
    pixels = _lookup(cmap)[index]
    holes = np.isnan(values)
    if holes.any():
        pixels[holes] = 128
    return pixels


def resized(pixels, size):
    """Pixels (H, W, 3) uint8 at (height, width): enlarged without blur, as a pixel stays a pixel; reduced smoothly."""
    height, width = size
    grows = height >= pixels.shape[0] and width >= pixels.shape[1]
    how = Image.Resampling.NEAREST if grows else Image.Resampling.BOX
    return np.asarray(Image.fromarray(pixels).resize((width, height), how))


@functools.cache
def font(size, bold=False):
    """The font of all rasters (matplotlib ships it, so it is the same on every machine)."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size)


def png_bytes(raster, compress=1):
    """A raster (H, W, 3) uint8 as the bytes of a PNG, packed for speed rather than size."""
    file = io.BytesIO()
    run_lengths = 3  # what flat colors want
    Image.fromarray(raster).save(file, "png", compress_level=compress, compress_type=run_lengths)
    return file.getvalue()


def webp(raster, **how):
    """A raster (H, W, 3) uint8 as the bytes of a WebP; ``how`` as Pillow takes it."""
    file = io.BytesIO()
    Image.fromarray(raster).save(file, "webp", **how)
    return file.getvalue()


def tiles(pictures, *, labels=None, marked=None, cell=64, columns=None, low=None, high=None, cmap=UNSIGNED, gap=4):
    """Small pictures in a grid, as one raster: a hundred times faster than an axes for each.

    Parameters
    ----------
    pictures : array (N, h, w) or (N, h, w, C)
        Three channels are colors in [0, 1] (or uint8); otherwise values for the color map, the mean of the channels.
    labels : sequence of N str, optional
        A word under each.
    marked : dict of int to str, optional
        Pictures to frame, with the word written into the frame's corner.
    cell : int
        Side of each picture in pixels, its longer one.
    columns : int, optional
        Pictures in a row; as many as make the sheet about half again as wide as high by default.
    low, high : float or array (N,), optional
        Ends of the color map; the smallest and largest value of all pictures by default.
    cmap : str
    gap : int
        Pixels between pictures.

    Returns
    -------
    ndarray (H, W, 3) uint8
    """
    pictures = np.asarray(pictures)
    count, tall, wide = pictures.shape[:3]
    columns = min(count, columns or max(1, int(np.ceil(np.sqrt(count * 1.5)))))
    height, width = (max(1, round(cell * side / max(tall, wide))) for side in (tall, wide))
    caption = CAPTION + 4 if labels is not None else 0
    rows = -(-count // columns)
    step_y, step_x = height + caption + gap, width + gap
    raster = np.full((rows * step_y + gap, columns * step_x + gap, 3), PAPER, np.uint8)
    small = _small(pictures, height, width, low, high, cmap)
    corners = [(gap + (i // columns) * step_y, gap + (i % columns) * step_x) for i in range(count)]
    for picture, (top, left) in zip(small, corners):
        if gap:
            raster[top - 1 : top + height + 1, left - 1 : left + width + 1] = HAIRLINE
        raster[top : top + height, left : left + width] = picture
    if labels is None and not marked:
        return raster
    sheet = Image.fromarray(raster)
    draw = ImageDraw.Draw(sheet)
    for label, (top, left) in zip(labels if labels is not None else (), corners):
        draw.text((left + width // 2, top + height + 1), str(label), INK, font(CAPTION - 1), anchor="ma")
    for i, word in (marked or {}).items():
        _mark(draw, *corners[i], height, width, word)
    return np.asarray(sheet)


def _mark(draw, top, left, height, width, word):
    """Frame a picture, with a word in the frame's corner."""
    draw.rectangle((left - 2, top - 2, left + width + 1, top + height + 1), outline=MARK, width=2)
    if word:
        letters = font(CAPTION, bold=True)
        box = draw.textbbox((left + 1, top), word, letters)
        draw.rectangle((box[0] - 2, box[1] - 2, box[2] + 2, box[3] + 1), fill=MARK)
        draw.text((left + 1, top), word, PAPER, letters)


def _small(pictures, height, width, low, high, cmap):
    """Pictures as uint8 RGB at the size of a cell."""
    if pictures.ndim == 4 and pictures.shape[-1] != 3:
        pictures = drawable(pictures)[..., 0]
    if pictures.ndim == 3:
        low = pictures.min() if low is None else np.reshape(low, (-1, 1, 1))
        high = pictures.max() if high is None else np.reshape(high, (-1, 1, 1))
        return colored(scaled(pictures, height, width), low, high, cmap)
    pictures = pictures if pictures.dtype != np.uint8 else pictures / np.float32(255)
    return as_bytes(scaled(pictures, height, width))


def drawable(pictures):
    """Pictures (…, C) of one channel or three; those of any other number of channels become the mean over them."""
    return pictures if pictures.shape[-1] in (1, 3) else pictures.mean(-1, keepdims=True)


def scaled(pictures, height, width):
    """Pictures (N, h, w) or (N, h, w, C) at another size: pixels repeated where they grow, averaged where they shrink.

    All of them at once, and before they are colored: coloring is where the time of a sheet would go.
    """
    down, across = _resampler(pictures.shape[1], height), _resampler(pictures.shape[2], width)
    flat = pictures.astype(np.float32, copy=False).reshape(len(pictures), pictures.shape[1], -1)
    rows = np.matmul(down, flat).reshape(len(pictures), height, pictures.shape[2], -1)
    return np.matmul(across, rows).reshape(len(pictures), height, width, *pictures.shape[3:])


@functools.lru_cache(256)
def _resampler(before, after):
    """The matrix (after, before) that brings a row of pixels to another length; each of its rows sums to 1."""
    if after >= before:
        return np.eye(before, dtype=np.float32)[np.arange(after) * before // after]
    edges = np.arange(after + 1) * (before / after)
    pixels = np.arange(before)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return (overlap.clip(0) * (after / before)).astype(np.float32)


def row(*rasters, gap=16):
    """Rasters side by side, their tops aligned."""
    height = max(raster.shape[0] for raster in rasters)
    edges = [(0, gap)] * (len(rasters) - 1) + [(0, 0)]
    padded = [
        np.pad(raster, ((0, height - raster.shape[0]), edge, (0, 0)), constant_values=255)
        for raster, edge in zip(rasters, edges)
    ]
    return np.concatenate(padded, 1)


def stack(*rasters, gap=6):
    """Rasters one under the other, their left sides aligned."""
    return row(*(raster.swapaxes(0, 1) for raster in rasters), gap=gap).swapaxes(0, 1)


def titled(raster, words, size=13, bold=False):
    """A raster with words above it; it gets wider where the words need it."""
    lines = words.splitlines() or [""]
    letters = font(size, bold)
    width = max(raster.shape[1], *(int(letters.getlength(line)) + 2 for line in lines))
    head = Image.new("RGB", (width, round(size * 1.35) * len(lines) + 4), PAPER)
    ImageDraw.Draw(head).multiline_text((0, 0), words, INK, letters, spacing=round(size * 0.2))
    return stack(np.asarray(head), raster, gap=0)


def scale_bar(low, high, *, width=120, height=10, cmap=UNSIGNED, words=""):
    """A lying color bar with its two ends and some words written beside it, as a raster."""
    bar = np.repeat(colored(np.linspace(0, 1, width)[None], 0, 1, cmap), height, 0)
    letters = font(11)
    left, right = f"{low:.3g} ", f" {high:.3g}{'  ' + words if words else ''}"
    start, end = int(letters.getlength(left)), int(letters.getlength(right))
    picture = Image.new("RGB", (start + width + end + 4, height + 6), PAPER)
    draw = ImageDraw.Draw(picture)
    middle = height // 2 + 3
    draw.text((0, middle), left, INK, letters, anchor="lm")
    draw.text((start + width, middle), right, INK, letters, anchor="lm")
    picture.paste(Image.fromarray(bar), (start, 3))
    return np.asarray(picture)


def boxed(raster, top, left, bottom, right, width=2):
    """A copy of a raster with a frame around these pixels, cut where it would leave the raster."""
    picture = Image.fromarray(raster)
    top, left = max(top, 0), max(left, 0)
    bottom, right = min(bottom, raster.shape[0]), min(right, raster.shape[1])
    draw = ImageDraw.Draw(picture)
    for grow, ink in ((0, PAPER), (width, MARK)):  # white beside red, so that it is seen on any picture
        box = left - grow, top - grow, right - 1 + grow, bottom - 1 + grow
        draw.rectangle(box, outline=ink, width=width)
    return np.asarray(picture)


def sheet(pictures, *, title="", source="", note="", width=9.0, **how):
    """A grid of small pictures as a Figure.

    Parameters
    ----------
    pictures, **how
        As for :func:`tiles`; the cells are as large as the width allows unless ``cell`` says otherwise.
    title : str
    source : str
        For the foot.
    note : str
        A line under the sheet: the scale of colors, what the mark means.
    width : float
        Inches.

    Returns
    -------
    Figure
    """
    count = len(pictures)
    columns = how.setdefault("columns", min(count, max(1, int(np.ceil(np.sqrt(count * 1.5))))))
    how.setdefault("cell", max(8, int(width * DPI * 0.97) // columns - how.get("gap", 4)))
    return raster_figure(tiles(pictures, **how), title=title, source=source, note=note, width=width)


def raster_figure(raster, *, title="", source="", note="", width=None):
    """A raster as a Figure with title, note and source; pixel for pixel, so that its letters stay sharp.

    Parameters
    ----------
    raster : ndarray (H, W, 3) uint8
    title, source, note : str
        Above it, at the foot, and between.
    width : float, optional
        Inches of the figure, at least the raster's own.

    Returns
    -------
    Figure
    """
    height, across = raster.shape[:2]
    wide = max(across + 12, round((width or 0) * DPI), 420)
    titles = textwrap.wrap(title, max(20, wide // 9)) if title else []
    notes = textwrap.wrap(note, max(20, wide // 7))
    sources = _source_lines(source, wide / DPI)
    head = 24 * len(titles) + (8 if titles else 4)
    foot = 17 * len(notes) + (10 if notes else 4) + round(FOOT * DPI * len(sources)) + 10
    tall = height + head + foot
    fig = Figure(figsize=(wide / DPI, tall / DPI), dpi=DPI)
    FigureCanvasAgg(fig)
    axes = fig.add_axes(((wide - across) // 2 / wide, foot / tall, across / wide, height / tall))
    axes.imshow(raster, interpolation="nearest", aspect="auto")
    axes.set_axis_off()
    fig.text(0.5, 1 - 6 / tall, "\n".join(titles), fontsize=TITLE, va="top", ha="center")
    fig.text(0.5, (foot - 6) / tall, "\n".join(notes), fontsize=SMALL + 0.5, va="top", ha="center", linespacing=1.2)
    _stamp(fig, sources, tall / DPI)
    return fig
