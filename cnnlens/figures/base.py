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
from PIL import Image, ImageDraw, ImageFont

UNSIGNED, SIGNED = "viridis", "RdBu_r"
TITLE, LABEL, SMALL = 12, 10, 8  # font sizes in points
DPI = 110
# Ten colors that people with any common color vision tell apart (Petroff 2021, "Accessible color sequences").
CLASS_COLORS = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip
INK, PAPER, MARK = (34, 34, 34), (255, 255, 255), (214, 39, 40)
CAPTION = 11  # px, height of the letters under a small picture
FOOT = 0.16  # inches a line of the source takes


# --- figures ------------------------------------------------------------------------------------------------


def canvas(width=8.0, height=4.5):
    """An empty Figure of this size in inches, laid out so that nothing is clipped; pyplot never sees it, so none leaks."""
    fig = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(fig)
    return fig


def finish(fig, source):
    """Stamp the source at the foot of a figure and make room for it.

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
    said = source if isinstance(source, str) else "; ".join(dict.fromkeys(filter(None, source)))
    lines = textwrap.wrap(said, max(20, int(width * 17)))
    foot = (len(lines) * FOOT + 0.06) / height if lines else 0
    if lines:
        fig.text(0.01, 0.05 / height, "\n".join(lines), fontsize=7.5, color="#555555", va="bottom", ha="left", linespacing=1.15)
    fig.get_layout_engine().set(rect=(0, foot, 1, 1 - foot))
    return fig


def png(fig, dpi=DPI):
    """A figure as the bytes of a PNG."""
    file = io.BytesIO()
    fig.savefig(file, format="png", dpi=dpi, facecolor="white")
    _close(fig)
    return file.getvalue()


def _close(fig):
    # Only a figure made by pyplot needs closing, and then pyplot is loaded already.
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close(fig)


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
    return (matplotlib.colormaps[cmap](np.linspace(0, 1, 256))[:, :3] * 255).round().astype(np.uint8)


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
    """Pixels (H, W, 3) uint8 at (height, width): enlarged without blur, so that a pixel stays a pixel; reduced smoothly."""
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
    Image.fromarray(raster).save(file, "png", compress_level=compress)
    return file.getvalue()


def tiles(pictures, *, labels=None, marked=None, cell=64, columns=None, low=None, high=None, cmap=UNSIGNED, gap=4):
    """Small pictures in a grid, as one raster: a hundred times faster than an axes for each.

    Parameters
    ----------
    pictures : array (N, h, w), (N, h, w, 1) or (N, h, w, 3)
        Three channels are colors in [0, 1] (or uint8); otherwise values for the color map.
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
        raster[top : top + height, left : left + width] = picture
    if labels is None and not marked:
        return raster
    sheet = Image.fromarray(raster)
    draw = ImageDraw.Draw(sheet)
    for label, (top, left) in zip(labels if labels is not None else (), corners):
        draw.text((left + width // 2, top + height + 1), str(label), INK, font(CAPTION - 1), anchor="ma")
    for i, word in (marked or {}).items():
        top, left = corners[i]
        draw.rectangle((left - 2, top - 2, left + width + 1, top + height + 1), outline=MARK, width=2)
        if word:
            box = draw.textbbox((left + 1, top), word, font(CAPTION, bold=True))
            draw.rectangle((box[0] - 2, box[1] - 2, box[2] + 2, box[3] + 1), fill=MARK)
            draw.text((left + 1, top), word, PAPER, font(CAPTION, bold=True))
    return np.asarray(sheet)


def _small(pictures, height, width, low, high, cmap):
    """Pictures as uint8 RGB at the size of a cell."""
    if pictures.ndim == 4 and pictures.shape[-1] == 1:
        pictures = pictures[..., 0]
    if pictures.ndim == 3:
        low = pictures.min() if low is None else np.reshape(low, (-1, 1, 1))
        high = pictures.max() if high is None else np.reshape(high, (-1, 1, 1))
        pictures = colored(_reduced(pictures, height, width), low, high, cmap)
    elif pictures.dtype != np.uint8:
        pictures = (_reduced(pictures, height, width).clip(0, 1) * 255).round().astype(np.uint8)
    return (resized(picture, (height, width)) for picture in pictures)


def _reduced(pictures, height, width):
    """Large pictures averaged over whole blocks before they are colored, which is where the time of a sheet would go."""
    down, across = pictures.shape[1] // height, pictures.shape[2] // width
    if down < 2 or across < 2:
        return pictures
    cut = pictures[:, : pictures.shape[1] // down * down, : pictures.shape[2] // across * across]
    blocks = cut.reshape(cut.shape[0], cut.shape[1] // down, down, cut.shape[2] // across, across, *cut.shape[3:])
    return blocks.mean((2, 4), dtype=np.float32)


def row(*rasters, gap=16):
    """Rasters side by side, their tops aligned."""
    height = max(raster.shape[0] for raster in rasters)
    parts = []
    for raster in rasters:
        parts += [np.pad(raster, ((0, height - raster.shape[0]), (0, 0), (0, 0)), constant_values=255), np.full((height, gap, 3), PAPER, np.uint8)]
    return np.concatenate(parts[:-1], 1)


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
    """A lying color bar with its two ends written beside it, as a raster."""
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
    for grow, ink in ((0, PAPER), (1, MARK)):  # white beside red, so that it is seen on any picture
        draw.rectangle((left - grow * width, top - grow * width, right - 1 + grow * width, bottom - 1 + grow * width), outline=ink, width=width)
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


def raster_figure(raster, *, title="", source="", note="", width=9.0):
    """A raster as a Figure with title, note and source, its pixels as square as they are."""
    lines = title.count("\n") + 1 if title else 0
    notes = textwrap.wrap(note, int(width * 14))
    room = 0.24 * lines + 0.17 * len(notes) + 0.3
    fig = canvas(width, width * raster.shape[0] / raster.shape[1] + room)
    axes = fig.add_subplot()
    axes.imshow(raster, interpolation="lanczos" if raster.shape[1] > width * DPI else "nearest")
    axes.set_xticks([]), axes.set_yticks([])
    axes.spines[:].set_visible(False)
    if title:
        axes.set_title(title, fontsize=TITLE)
    if notes:
        axes.set_xlabel("\n".join(notes), fontsize=SMALL + 0.5)
    return finish(fig, source)
