"""A film of maps as a GIF or MP4 file that is small enough to be sent around."""

import base64
import html
import io
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from .. import files
from ..errors import CnnlensError
from .base import LABEL, canvas, finish
from .embedding import MANY, colors_of, describe, extent, name_spots

LIMIT = 5_000_000  # bytes
SIZES = (
    (560, 10),
    (480, 8),
    (420, 6),
    (360, 5),
    (300, 4),
    (260, 2),
)  # px a side, steps from map to map; the first that fits
HOLD, STEP = 0.9, 0.07  # seconds a map stands still, and a step between two lasts
COLORS = 64
WRITERS = {}


def write(film, path, *, notes=None, limit=LIMIT, progress=True):
    """Write a film to a file.

    Parameters
    ----------
    film : Film
    path : path
        Its ending decides: ``.gif`` or ``.mp4``.
    notes : sequence of str, optional
        A line for each map.
    limit : int
        Largest size in bytes; the picture gets smaller and the steps fewer until it fits.
    progress : bool

    Returns
    -------
    pathlib.Path

    Raises
    ------
    CnnlensError
        If the ending is another, or even the smallest film is over the limit.
    """
    path = Path(path)
    if path.suffix.lower() not in WRITERS:
        raise CnnlensError(f"A film is written as {' or '.join(WRITERS)}; got {path.name!r}.")
    pack = WRITERS[path.suffix.lower()]
    for size, steps in SIZES:
        # A few transitions tell how large the whole would be: most of a film's time goes into drawing it.
        some = shots(film, steps, last=min(len(film), 3))
        if len(film) > 4 and len(pack(_drawn(film, some, size, notes, False))) * len(film) / 3 > limit:
            continue
        data = pack(_drawn(film, shots(film, steps), size, notes, progress))
        if len(data) <= limit:
            with files.atomic(path) as partial:
                partial.write_bytes(data)
            return path
    raise CnnlensError(
        f"{path.name} would be over {limit:,} bytes even at {SIZES[-1][0]} px: take fewer maps, or allow more bytes."
    )


def shots(film, steps, last=None):
    """What is shown when: (place between 0 and the last map, seconds).

    A whole place is a map, held for a while; the others lie on the way, slow at both ends.
    """
    last = len(film) if last is None else last
    found = []
    for i in range(last):
        found.append((float(i), HOLD))
        if i < last - 1:
            part = np.arange(1, steps) / steps
            found += [(i + p, STEP) for p in part * part * (3 - 2 * part)]
    return found


def _drawn(film, wanted, size, notes, progress):
    """Frames of a film, one by one: (uint8 (size, size, 3), seconds)."""
    stage = _Stage(film, size, notes)
    for place, seconds in tqdm(wanted, desc="drawing", unit="frame", delay=2, leave=False, disable=not progress):
        yield stage.draw(place), seconds


class _Stage:
    """A figure that is set up once and then only moved."""

    def __init__(self, film, size, notes):
        self.film, self.notes, self.frames = film, notes, film.frames
        first, count = film.maps[0], self.frames.shape[1]
        labels = np.zeros(count, int) if film.labels is None else film.labels
        self.order = np.random.default_rng(0).permutation(count)
        self.spots = [name_spots(each) for each in film.maps]
        self.size = size - size % 2  # the coder of MP4 wants an even number
        self.fig = canvas(5, 5)
        self.axes = self.fig.add_subplot()
        colors = np.array(colors_of(labels, film.labels is not None))[self.order]
        smooth = count < 3000  # hard edges pack better, and among many points nobody sees them
        area = float(np.clip(9000 / count, 3, 22))
        self.dots = self.axes.scatter(*self.frames[0, self.order].T, s=area, c=colors, linewidths=0, antialiased=smooth)
        self.crosses = self.axes.scatter([], [], s=area * 2, c="black", marker="x", linewidths=0.7)
        box = {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
        names = {label: first.classes[label] if first.classes else str(label) for label in self.spots[0]}
        self.names = {
            label: self.axes.annotate(
                name,
                (0, 0),
                (0, 5),
                textcoords="offset points",
                fontsize=LABEL,
                fontweight="bold",
                ha="center",
                bbox=box,
            )
            for label, name in names.items()
        }
        reach = extent(film) * 1.06
        self.axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xticks=[], yticks=[])
        self.axes.spines[:].set_color("#cccccc")
        self.title = self.axes.set_title(" ", fontsize=LABEL + 3)
        self.note = self.axes.set_xlabel(" ", fontsize=LABEL)
        finish(self.fig, film.source)
        self.fig.set_dpi(self.size / 5)

    def draw(self, place):
        """The picture at a place of the film: uint8 (size, size, 3)."""
        before, part = int(place), place - int(place)
        after, nearest = min(before + 1, len(self.film) - 1), int(round(place))
        points = (1 - part) * self.frames[before] + part * self.frames[after]
        self.dots.set_offsets(points[self.order])
        wrong = self.film.maps[nearest].mistakes
        self.crosses.set_offsets(points[wrong & (wrong.mean() <= MANY)])
        for label, name in self.names.items():
            name.xy = (1 - part) * np.array(self.spots[before][label]) + part * np.array(self.spots[after][label])
        self.title.set_text(self.film.titles[nearest])
        self.note.set_text(self.notes[nearest] if self.notes else " ")
        self.fig.canvas.draw()
        if self.fig.get_layout_engine() is not None:
            self.fig.set_layout_engine("none")  # laid out once: a layout that moves between frames would shake
        pixels = np.asarray(self.fig.canvas.buffer_rgba())[: self.size, : self.size, :3]
        return np.ascontiguousarray(pixels)


# --- formats ------------------------------------------------------------------------------------------------


def _writer(ending):
    def register(function):
        WRITERS[ending] = function
        return function

    return register


@_writer(".gif")
def _gif(drawn):
    """Bytes of a GIF that runs forever; one palette for all frames, so that only what moved is stored."""
    frames, times, palette = [], [], None
    for pixels, seconds in drawn:
        picture = Image.fromarray(pixels)
        palette = palette or picture.quantize(COLORS, dither=Image.Dither.NONE)
        frames.append(picture.quantize(palette=palette, dither=Image.Dither.NONE))
        times.append(round(seconds * 1000))
    times[-1] *= 2
    file = io.BytesIO()
    frames[0].save(
        file, "gif", save_all=True, append_images=frames[1:], duration=times, loop=0, optimize=False, disposal=1
    )
    return file.getvalue()


@_writer(".mp4")
def _mp4(drawn):
    """Bytes of an MP4 (H.264), which every browser and slide program plays."""
    import tempfile

    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise CnnlensError(
            "An MP4 needs the package imageio-ffmpeg: `pip install imageio-ffmpeg`. A .gif needs nothing more."
        ) from error
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        writer = None
        for pixels, seconds in drawn:
            if writer is None:
                size = pixels.shape[1::-1]
                writer = imageio_ffmpeg.write_frames(
                    str(path),
                    size,
                    fps=round(1 / STEP),
                    codec="libx264",
                    macro_block_size=2,
                    quality=None,
                    ffmpeg_log_level="error",
                    output_params=["-crf", "24", "-movflags", "+faststart"],
                )
                writer.send(None)
            for _ in range(max(1, round(seconds / STEP))):
                writer.send(pixels.tobytes())
        writer.close()
        return path.read_bytes()


def show(film, path):
    """Display a GIF that :func:`write` has written, with its alternative text, in a notebook.

    As HTML, because notebooks that are exported to a page leave out the type image/gif.
    """
    from IPython.display import display

    alt = "Film of " + describe(film)
    data = base64.b64encode(Path(path).read_bytes()).decode("ascii")
    display(
        {"text/html": f'<img alt="{html.escape(alt)}" src="data:image/gif;base64,{data}">', "text/plain": alt}, raw=True
    )
