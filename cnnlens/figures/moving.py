"""A sequence of maps as an animation: a GIF or MP4 file that is small enough to be sent around."""

import base64
import io
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from .. import files
from ..errors import CnnlensError
from .base import LABEL, canvas, finish
from .embedding import BOX, MANY, colors_of, describe, extent, name_spots
from .interactive import TEMPLATES

LIMIT = 5_000_000  # bytes
SIZES = (
    (560, 10),
    (480, 8),
    (420, 6),
    (360, 5),
    (300, 4),
    (260, 2),
)  # px a side, steps from map to map: first that fits
HOLD, STEP = 0.9, 0.07  # seconds a map stands still, and a step between two lasts
COLORS = 64


def write(sequence, path, *, notes=None, limit=LIMIT, progress=True):
    """Write an animation to a file.

    Parameters
    ----------
    sequence : EmbeddingSequence
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
        If the ending is another, or even the smallest animation is over the limit.
    """
    path = Path(path)
    pack = WRITERS.get(path.suffix.lower())
    if pack is None:
        raise CnnlensError(f"An animation is written as {' or '.join(WRITERS)}; got {path.name!r}.")
    for size, steps in SIZES:
        # A few transitions tell how large the whole would be: most of the time goes into drawing it.
        some = shots(sequence, steps, last=min(len(sequence), 3))
        if len(sequence) > 4 and len(pack(_drawn(sequence, some, size, notes, False))) * len(sequence) / 3 > limit:
            continue
        data = pack(_drawn(sequence, shots(sequence, steps), size, notes, progress))
        if len(data) <= limit:
            with files.atomic(path) as partial:
                partial.write_bytes(data)
            return path
    smallest = f"{limit:,} bytes even at {SIZES[-1][0]} px"
    raise CnnlensError(f"{path.name} would be over {smallest}: take fewer maps, or allow more bytes.")


def shots(sequence, steps, last=None):
    """What is shown when: (place between 0 and the last map, seconds).

    A whole place is a map, held for a while; the others lie on the way, slow at both ends.
    """
    last = len(sequence) if last is None else last
    part = np.arange(1, steps) / steps
    part = part * part * (3 - 2 * part)
    found = []
    for i in range(last):
        found.append((float(i), HOLD))
        if i < last - 1:
            found += [(i + p, STEP) for p in part]
    return found


def _drawn(sequence, wanted, size, notes, progress):
    """Frames of an animation, one by one: (uint8 (size, size, 3), seconds)."""
    stage = _Stage(sequence, size, notes)
    for place, seconds in tqdm(wanted, desc="drawing", unit="frame", delay=2, leave=False, disable=not progress):
        yield stage.draw(place), seconds


class _Stage:
    """A figure that is set up once and then only moved."""

    def __init__(self, sequence, size, notes):
        self.maps, self.titles, self.frames = sequence.maps, sequence.titles, sequence.frames
        self.notes = notes or [" "] * len(sequence)
        self.spots = [name_spots(each) for each in sequence.maps]
        self.size = size - size % 2  # the coder of MP4 wants an even number
        self.fig = canvas(5, 5)
        self.axes = self.fig.add_subplot()
        self._points(sequence.labels)
        self._names(sequence.classes)
        reach = extent(sequence) * 1.06
        self.axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xticks=[], yticks=[])
        self.axes.spines[:].set_color("#cccccc")
        self.title = self.axes.set_title(" ", fontsize=LABEL + 3)
        self.note = self.axes.set_xlabel(" ", fontsize=LABEL)
        finish(self.fig, sequence.source)
        self.fig.set_dpi(self.size / 5)

    def _points(self, labels):
        count = self.frames.shape[1]
        self.order = np.random.default_rng(0).permutation(count)
        colors = colors_of(np.zeros(count, int) if labels is None else labels, labels is not None)
        area = float(np.clip(9000 / count, 3, 22))
        # Hard edges pack better, and among many points nobody sees them.
        style = {"c": np.array(colors)[self.order], "linewidths": 0, "antialiased": count < 3000}
        self.dots = self.axes.scatter(*self.frames[0, self.order].T, s=area, **style)
        self.crosses = self.axes.scatter([], [], s=area * 2, c="black", marker="x", linewidths=0.7)

    def _names(self, classes):
        box = {**BOX, "boxstyle": "round,pad=0.12", "alpha": 0.8}
        how = {"textcoords": "offset points", "fontsize": LABEL, "fontweight": "bold", "ha": "center", "bbox": box}
        names = {label: classes[label] if classes else str(label) for label in self.spots[0]}
        self.names = {label: self.axes.annotate(name, (0, 0), (0, 5), **how) for label, name in names.items()}

    def draw(self, place):
        """The picture at a place of the sequence: uint8 (size, size, 3)."""
        before, part = int(place), place - int(place)
        after, nearest = min(before + 1, len(self.maps) - 1), int(round(place))
        points = (1 - part) * self.frames[before] + part * self.frames[after]
        self.dots.set_offsets(points[self.order])
        wrong = self.maps[nearest].mistakes
        self.crosses.set_offsets(points[wrong & (wrong.mean() <= MANY)])
        for label, name in self.names.items():
            name.xy = (1 - part) * np.array(self.spots[before][label]) + part * np.array(self.spots[after][label])
        self.title.set_text(self.titles[nearest])
        self.note.set_text(self.notes[nearest])
        self.fig.canvas.draw()
        if self.fig.get_layout_engine() is not None:
            self.fig.set_layout_engine("none")  # laid out once: a layout that moves between frames would shake
        pixels = np.asarray(self.fig.canvas.buffer_rgba())[: self.size, : self.size, :3]
        return np.ascontiguousarray(pixels)


# --- formats ------------------------------------------------------------------------------------------------


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
    how = {"duration": times, "loop": 0, "optimize": False, "disposal": 1}
    frames[0].save(file, "gif", save_all=True, append_images=frames[1:], **how)
    return file.getvalue()


def _mp4(drawn):
    """Bytes of an MP4 (H.264), which every browser and slide program plays."""
    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise CnnlensError(
            "An MP4 needs the package imageio-ffmpeg: `pip install imageio-ffmpeg`. A .gif needs nothing more."
        ) from error
    how = {"fps": round(1 / STEP), "codec": "libx264", "macro_block_size": 2, "quality": None}
    how |= {"ffmpeg_log_level": "error", "output_params": ["-crf", "24", "-movflags", "+faststart"]}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "animation.mp4"
        writer = None
        for pixels, seconds in drawn:
            if writer is None:
                writer = imageio_ffmpeg.write_frames(str(path), pixels.shape[1::-1], **how)
                writer.send(None)
            for _ in range(max(1, round(seconds / STEP))):
                writer.send(pixels.tobytes())
        writer.close()
        return path.read_bytes()


WRITERS = {".gif": _gif, ".mp4": _mp4}


def show(sequence, path):
    """Display a GIF that :func:`write` has written, with its alternative text, in a notebook.

    As HTML, because notebooks that are exported to a page leave out the type image/gif.
    """
    from IPython.display import display

    alt = "Animation of " + describe(sequence)
    data = base64.b64encode(Path(path).read_bytes()).decode("ascii")
    page = TEMPLATES.get_template("animation.html").render(alt=alt, data=data)
    display({"text/html": page, "text/plain": alt}, raw=True)
