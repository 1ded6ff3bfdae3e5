"""A twin of an explorer that needs no kernel: the same controls, over frames that were rendered ahead.

It goes into the notebook's output beside the widget, so that the book, or any page that shows HTML, has sliders which
work from the disk. Only the course's runner asks for it, by the seconds in ``CNNLENS_AHEAD``: a learner's kernel has
the widget, and never waits for frames.

Which frames: each control alone around what is shown, then pairs, from coarse to fine, as far as a :class:`Budget`
reaches. What takes a lens long is done only if time is left for it. The pictures are cut into tiles, of which each is
kept once: between two units of a layer little else changes than one map.
"""

import base64
import itertools
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time as clock  # of this process, so that the frames are the same on a busy machine

import jinja2
import numpy as np

from ..errors import CnnlensError
from ..figures.base import webp

SECONDS = "CNNLENS_AHEAD"
SIDE = 64  # px of a tile; a multiple of what WebP compresses as one block
MOST_TILES = 4000  # so that a telephone can hold the sheet: 16 million pixels
COMPILED = 2  # the first computation has compiled and loaded what later ones find; so much faster they are at least
SHARED = 2.5  # how many times more frames fit than the bytes of one say, since they share tiles
LEAST = 24  # so many frames are tried however large the first ones are
SAMPLED = 6  # of so many frames one tells how many bytes a tile takes: packing each would take as long as the sheet
LOSSY = {"quality": 72, "method": 2}
LOSSLESS = {"lossless": True, "quality": 10, "method": 1}
TEMPLATES = jinja2.Environment(loader=jinja2.PackageLoader("cnnlens.explore"), autoescape=True)
FOLDER = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class Budget:
    """How much may be rendered ahead.

    Attributes
    ----------
    seconds : float
        Of the processor, for computing and drawing; half as much again at most.
    size : int
        Bytes of the whole twin.
    frames : int
    """

    seconds: float
    size: int = 3 * 2**19
    frames: int = 240


class OutOfTime(Exception):
    """Ends a computation for which there is no time."""


def asked():
    """The budget that the course's runner set; None if nobody wants a twin."""
    seconds = float(os.environ.get(SECONDS) or 0)
    return Budget(seconds) if seconds > 0 else None


def page(explorer, budget):
    """The twin as HTML.

    Parameters
    ----------
    explorer : Explorer
        As it is shown; stays as it is.
    budget : Budget

    Returns
    -------
    str
        At most ``budget.size`` bytes.
    """
    frames = rendered(explorer, budget)
    while True:
        text, count = _written(explorer, frames)
        over = len(text.encode()) / budget.size
        if over <= 1 or count == 1:
            return text
        frames = frames[: max(1, int(count / over * 0.93))]


# --- which frames ---------------------------------------------------------------------------------------------------


def plan(explorer):
    """Combinations of values worth rendering, each once, the most wanted first.

    Yields
    ------
    dict
        Values by name, consistent with the explorer's limits; the first are those it shows.
    """
    seen = set()
    for values in _wanted(explorer):
        values = explorer.consistent(values)
        if (found := tuple(values.items())) not in seen:
            seen.add(found)
            yield values


def _wanted(explorer):
    start, ranges = explorer.values, explorer.ranges(explorer.values)
    yield start
    names = [name for name, control in explorer.controls.items() if control.ahead and len(ranges[name]) > 1]
    names += [name for name, control in explorer.controls.items() if control.ahead and name not in names]
    pairs = list(itertools.permutations(names, 2))
    bound = [pair for pair in pairs if _bound(explorer, *pair)]
    free = [pair for pair in pairs if pair not in bound and pair[::-1] not in bound and pair < pair[::-1]]
    for reach in (4, 8, 16, 32, 64):
        alone = [[{**start, name: value} for value in coarse(ranges[name], start[name])[: 2 * reach]] for name in names]
        yield from (values for row in itertools.zip_longest(*alone) for values in row if values)
        for grids, count in ((bound, reach), (free, reach // 2)):
            for first, second in grids:
                yield from _grid(explorer, start, first, second, count)


def _grid(explorer, start, first, second, count):
    """Both controls at so many values each; the range of the second may follow the first."""
    for value in coarse(explorer.ranges(start)[first], start[first])[:count]:
        values = explorer.consistent({**start, first: value})
        for other in coarse(explorer.ranges(values)[second], values[second])[:count]:
            yield {**values, second: other}


def _bound(explorer, first, second):
    """Whether the range of the second control follows the first."""
    start, before = explorer.values, explorer.ranges(explorer.values)
    return any(
        explorer.ranges({**start, first: value})[second] != before[second]
        for value in coarse(before[first], start[first])[:4]
    )


def coarse(values, first):
    """Values from coarse to fine: the given one, both ends, the middle, the quarters, and so on."""
    last = max(1, len(values) - 1)
    steps = [0, last]
    size = last
    while size > 1:
        size = (size + 1) // 2
        steps += range(0, last, size)
    steps += range(len(values))
    return list(dict.fromkeys([first, *(values[step] for step in steps if step < len(values))]))


def rendered(explorer, budget):
    """Frames with their values, the most wanted first: [(values, Frame)].

    What depends on one computation is drawn together; the computation that is there already gets half of the time. Then
    the kinds of change (another layer, another unit) take turns: next is that on which least time was spent, so that a
    slow kind leaves time for a quick one. Nothing is drawn for which no bytes would be left.
    """
    first, *rest = _groups(explorer, _most(explorer.frame, budget))
    room = _Room(explorer.frame, budget.size)
    end = clock() + budget.seconds
    half = end - budget.seconds / 2 if rest else end
    found, spent, last = list(_drawn(explorer, first, explorer.found(first[0][1], _hurry(end)), half, room)), {}, {}
    while rest:
        began = clock()
        expected = [last.get(_change(explorer, group), _cost(explorer, group)) for group in rest]
        rest = [group for group, cost in zip(rest, expected) if cost <= end - began]
        ready = [group for group in rest if room.holds(group[0][0])]
        if not ready:
            break
        group = min(ready, key=lambda group: (spent.get(_change(explorer, group), 0), group[0][0]))
        share, change = (end - began) / len(ready), _change(explorer, group)
        rest.remove(group)
        try:
            made = explorer.found(group[0][1], _hurry(end + budget.seconds / 2))
        except OutOfTime:
            break
        last[change] = clock() - began
        found += _drawn(explorer, group, made, began + share, room)
        spent[change] = spent.get(change, 0) + clock() - began
    return [(values, frame) for _, values, frame in sorted(found, key=lambda each: each[0])]


def _most(frame, budget):
    """How many frames may fit into the budget, by the bytes of one."""
    one = min(len(webp(frame.pixels(), **how)) for how in (LOSSY, LOSSLESS)) * 4 / 3
    return min(budget.frames, max(LEAST, int(SHARED * budget.size / one)))


class _Room:
    """How many frames fit, as far as those that are drawn tell: what would be left out is not drawn.

    Parameters
    ----------
    frame : Frame
        The first.
    size : int
        Bytes of the whole twin.
    """

    def __init__(self, frame, size):
        self.how, self.size = _packing(frame.pixels()), size
        self.known, self.frames, self.packed, self.bytes = set(), 0, 0, 0

    def take(self, frame):
        """Count a frame's tiles; those of every few frames are packed too."""
        new = [tile for tile in dict.fromkeys(_cut(frame.pixels())) if tile not in self.known]
        if new and self.frames % SAMPLED == 0:
            self.bytes += len(webp(_sheet(new)[0], **self.how)) * 4 / 3
            self.packed += len(new)
        self.known.update(new)
        self.frames += 1

    def holds(self, rank):
        """Whether a frame may fit, if those before it have as many tiles of their own as the drawn ones."""
        if not self.frames:
            return True
        most = min(MOST_TILES, self.size * self.packed / self.bytes)
        return rank < max(LEAST, most * self.frames / len(self.known))


def _cost(explorer, group):
    """Seconds that the computation of a group may take, if none like it was done before."""
    light = all(explorer.controls[name].light for name in _change(explorer, group))
    return 0 if light else explorer.seconds / COMPILED


def _groups(explorer, most):
    """The plan, in groups that one computation serves: lists of (rank, values), that of what is shown first."""
    groups = {}
    for rank, values in enumerate(itertools.islice(plan(explorer), most)):
        groups.setdefault(explorer.key(values), []).append((rank, values))
    return list(groups.values())


def _change(explorer, group):
    """The names of the controls that a group's first frame has elsewhere than they stand."""
    return tuple(name for name, value in explorer.values.items() if group[0][1][name] != value)


def _hurry(end):
    def step(done, total, words=""):
        if clock() > end:
            raise OutOfTime

    return step


def _drawn(explorer, group, made, end, room):
    """The frames of one computation until the time is over or no more fit, and one at least."""
    for number, (rank, values) in enumerate(group):
        if number and (clock() > end or not room.holds(rank)):
            return
        try:
            frame = explorer.drawn(values, made)
            frame = replace(frame, picture=frame.pixels())  # a Figure is drawn each time it is asked for them
        except CnnlensError:  # in the notebook it is shown in words
            continue
        room.take(frame)
        yield rank, values, frame


# --- how they are written -------------------------------------------------------------------------------------------


def _written(explorer, frames):
    """The page, and how many of the frames it holds."""
    pictures = [frame.pixels() for _, frame in frames]
    sheet, across, places = tiled(pictures)
    frames = frames[: len(places)]
    names = [name for name, control in explorer.controls.items() if control.ahead]
    ranges, told = [], []
    for (values, frame), picture, tiles in zip(frames, pictures, places):
        limits, at = explorer.ranges(values), []
        for name in names:
            words = [explorer.controls[name].said(value) for value in limits[name]]
            if words not in ranges:
                ranges.append(words)
            at.append([ranges.index(words), limits[name].index(values[name])])
        size = {"wide": picture.shape[1], "high": picture.shape[0]}
        told.append({"tiles": tiles, **size, "words": frame.words, "at": at})
    controls = [{"name": name.replace("_", " "), **explorer.controls[name].kind} for name in names]
    best = _packing(pictures[0])
    size = {"wide": max(each["wide"] for each in told), "high": max(each["high"] for each in told)}
    data = {"controls": controls, "ranges": ranges, "frames": told, "side": SIDE, "across": across, **size}
    data |= {"longest": _longest(controls, ranges), "sheet": _text(webp(sheet, **best))}
    text = TEMPLATES.get_template("twin.html").render(
        data=json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
        style=FOLDER.joinpath("twin.css").read_text(encoding="utf-8"),
        script=FOLDER.joinpath("twin.js").read_text(encoding="utf-8"),
        picture=_text(webp(pictures[0], **best)),
        words=frames[0][1].words,
        foot=_foot(explorer, frames),
        source=explorer.source,
        **size,
    )
    return text, len(frames)


def _packing(picture):
    """How pictures like this one are packed: without loss where that takes not much more."""
    return min((LOSSY, LOSSLESS), key=lambda how: len(webp(picture, **how)) * (2 if how is LOSSLESS else 3))


def _longest(controls, ranges):
    """About as long a note as can come, so that room is kept for it."""
    word = max((word for words in ranges for word in words), key=len)
    name = controls[0]["name"]
    return f"Not rendered ahead: {name} {word} with {word}; shown with {word}. The notebook has every combination."


def _foot(explorer, frames):
    only = [name.replace("_", " ") for name, control in explorer.controls.items() if not control.ahead]
    words = f"Rendered ahead: {len(frames)} frames, so that the sliders work without a kernel."
    if len(frames) < _combinations(explorer, len(frames)):
        words += " Other values, and combinations of them, can be chosen when the lesson is run in JupyterLab."
    if only:
        words += f" In JupyterLab only: {', '.join(only) if len(only) < 4 else f'{len(only)} more controls'}."
    return words


def _combinations(explorer, most):
    """How many combinations there are, counted to one more than ``most``."""
    known = [{}]
    for name, control in explorer.controls.items():
        if control.ahead:
            start = [explorer.consistent({**explorer.values, **values}) for values in known[: most + 1]]
            known = [{**values, name: value} for values in start for value in explorer.ranges(values)[name]]
    return len(known)


def tiled(pictures):
    """Pictures cut into tiles, each of which is kept once; as many pictures as make MOST_TILES tiles at most.

    Parameters
    ----------
    pictures : iterable of ndarray (H, W, 3) uint8
        Of any sizes.

    Returns
    -------
    sheet : ndarray (H, W, 3) uint8
        All tiles, row by row.
    across : int
        Tiles in a row of the sheet.
    places : list of list of int
        For each picture its tiles on the sheet, row by row; at the right and at the bottom they reach over the edge.
    """
    known, places = {}, []
    for picture in pictures:
        tiles = _cut(picture)
        if places and len(known) + len(set(tiles) - known.keys()) > MOST_TILES:
            break
        places.append([known.setdefault(tile, len(known)) for tile in tiles])
    return *_sheet(list(known)), places


def _cut(picture):
    """The tiles of a picture, row by row, each as bytes."""
    rows, columns = (-(-side // SIDE) for side in picture.shape[:2])
    full = np.full((rows * SIDE, columns * SIDE, 3), 255, np.uint8)
    full[: picture.shape[0], : picture.shape[1]] = picture
    cut = full.reshape(rows, SIDE, columns, SIDE, 3).swapaxes(1, 2).reshape(-1, SIDE * SIDE * 3)
    return [tile.tobytes() for tile in cut]


def _sheet(tiles):
    """Tiles side by side in about as many rows as columns, and how many there are in a row."""
    across = int(np.ceil(np.sqrt(len(tiles))))
    rows = -(-len(tiles) // across)
    sheet = np.full((rows * across, SIDE, SIDE, 3), 255, np.uint8)
    for number, tile in enumerate(tiles):
        sheet[number] = np.frombuffer(tile, np.uint8).reshape(SIDE, SIDE, 3)
    sheet = sheet.reshape(rows, across, SIDE, SIDE, 3).swapaxes(1, 2).reshape(rows * SIDE, across * SIDE, 3)
    return sheet, across


def _text(content):
    return base64.b64encode(content).decode("ascii")
