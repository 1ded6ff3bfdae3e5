"""Pictures of superpixels: what was hidden, what decided, how two classes differ, how far to trust it."""

import textwrap

import numpy as np
from PIL import Image, ImageDraw

from ..lenses.superpixels import Explanation, filling, perturb
from ..pixels import as_bytes
from ..results import painter
from ..scores.superpixels import Trust
from ..scores.trust_in_words import report
from .base import LABEL, SIGNED, SMALL, TITLE, canvas, colored, finish, font

FOR, AGAINST = (38, 110, 180), (224, 110, 20)  # blue and orange: no common color blindness confuses them
VIEWS = ("for, alone", "for, in the image", "for and against", "strong ones", "all weights")
EDGE = (255, 255, 0)


# --- rasters ------------------------------------------------------------------------------------------------


def rgb(image):
    """An image (H, W, 1 or 3) in [0, 1] as uint8 RGB."""
    pixels = as_bytes(image)
    return pixels.repeat(3, -1) if pixels.shape[-1] == 1 else pixels


def _enlarged(pixels, segments, height=None):
    """Pixels and their superpixels, each pixel repeated until the image is about so many pixels high."""
    scale = max(1, round((height or len(pixels)) / len(pixels)))
    return tuple(np.repeat(np.repeat(array, scale, 0), scale, 1) for array in (pixels, segments))


def edges(segments):
    """Where a pixel's right or lower neighbor belongs to another superpixel: (H, W) bool."""
    found = np.zeros(segments.shape, bool)
    found[:-1] |= segments[:-1] != segments[1:]
    found[:, :-1] |= segments[:, :-1] != segments[:, 1:]
    return found


def chosen(why, view, count=5, least=0.1):
    """The superpixels that a view shows, the largest weight first.

    Parameters
    ----------
    why : Explanation
    view : one of ``VIEWS``
    count : int
        How many at most; "strong ones" and "all weights" show as many as there are.
    least : float
        Smallest absolute weight of "strong ones".

    Returns
    -------
    ndarray of int
    """
    order = why.order[why.weights[why.order] != 0]
    if view.startswith("for, "):
        return order[why.weights[order] > 0][:count]
    if view == "for and against":
        return order[:count]
    return order[np.abs(why.weights[order]) >= least] if view == "strong ones" else order


def painting(why, view, count=5, least=0.1, height=None):
    """One view of an explanation as a raster.

    Parameters
    ----------
    why, view, count, least
        As for :func:`chosen`.
    height : int, optional
        Pixels; the image's own by default.

    Returns
    -------
    ndarray (h, w, 3) uint8
    """
    parts = chosen(why, view, count, least)
    pixels, segments = _enlarged(rgb(why.image), why.segments, height)
    if view == "all weights":
        return heat(pixels, segments, why.weights)
    picked = np.isin(segments, parts)[..., None]
    if view == "for, alone":
        return _drawn(np.where(picked, pixels, np.uint8(128)), edges(segments * picked[..., 0]), FOR)
    if view == "for, in the image":
        pale = (pixels * 0.55 + 115).astype(np.uint8)
        return _signed(np.where(picked, pixels, pale), segments, why.weights, parts, tint=0)
    return _signed(pixels, segments, why.weights, parts, tint=0.5)


def _signed(pixels, segments, weights, parts, tint):
    """Superpixels outlined (and tinted) by the sign of their weight, and marked with a + or a −."""
    for ink, mine in ((FOR, parts[weights[parts] > 0]), (AGAINST, parts[weights[parts] < 0])):
        picked = np.isin(segments, mine)
        pixels = np.where(picked[..., None], ((1 - tint) * pixels + tint * np.array(ink)).astype(np.uint8), pixels)
        pixels = _drawn(pixels, edges(np.where(picked, segments, -1)), ink)
    return lettered(pixels, segments, {int(k): "+" if weights[k] > 0 else "−" for k in parts})


def _drawn(pixels, where, ink):
    thick = where | np.roll(where, 1, 0) | np.roll(where, 1, 1)
    thick[0], thick[:, 0] = where[0], where[:, 0]  # rolling brings the far edge around
    return np.where(thick[..., None], np.array(ink, np.uint8), pixels)


def lettered(pixels, segments, words):
    """A raster with a word in the middle of some superpixels: ``{superpixel: word}``."""
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    draw = ImageDraw.Draw(picture)
    letters = font(max(10, segments.shape[0] // 22), bold=True)
    outline = {"stroke_width": 2, "stroke_fill": (0, 0, 0)}
    for part, word in words.items():
        rows, cols = np.nonzero(segments == part)
        if len(rows):
            # A bent superpixel may not hold its own middle: its nearest pixel does.
            nearest = np.argmin((rows - rows.mean()) ** 2 + (cols - cols.mean()) ** 2)
            place = int(cols[nearest]), int(rows[nearest])
            draw.text(place, word, (255, 255, 255), letters, anchor="mm", **outline)
    return np.asarray(picture)


def heat(pixels, segments, weights, reach=None):
    """Weights as colors over a grey copy of an image: red and + for, blue and − against, white none.

    Marked are those that have at least a quarter of the strongest color.
    """
    weights = np.asarray(weights)
    reach = reach or max(float(np.abs(weights).max()), 1e-12)
    colors = colored(weights, -reach, reach, SIGNED)[segments]
    grey = pixels @ np.array([0.299, 0.587, 0.114])
    signs = {int(k): "+" if weights[k] > 0 else "−" for k in np.flatnonzero(np.abs(weights) >= reach / 4)}
    return lettered((colors * (0.35 + 0.65 * grey[..., None] / 255)).astype(np.uint8), segments, signs)


def outlined(image, segments, height=None):
    """An image with the borders of its superpixels."""
    pixels, segments = _enlarged(rgb(image), segments, height)
    return np.where(edges(segments)[..., None], np.array(EDGE, np.uint8), pixels)


# --- figures ------------------------------------------------------------------------------------------------


def _show(axes, raster, title):
    axes.imshow(raster, interpolation="nearest" if raster.shape[0] < 200 else "antialiased")
    axes.set_title(title, fontsize=LABEL)
    axes.axis("off")


def _row(rasters, titles, *, source, title="", size=2.9, columns=4):
    rows = -(-len(rasters) // columns)
    columns = min(columns, len(rasters))
    tall = rasters[0].shape[0] / rasters[0].shape[1]
    lines = max(text.count("\n") + 1 for text in titles)
    fig = canvas(size * columns, (size * tall + 0.2 * lines + 0.1) * rows + 0.55)
    grid = fig.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[len(rasters) :]:
        axes.axis("off")
    for axes, raster, text in zip(grid, rasters, titles):
        _show(axes, raster, text)
    if title:
        fig.suptitle(title, fontsize=TITLE)
    return finish(fig, source)


@painter(Explanation)
def panels(why):
    """The dissertation's five panels (figure 24), and the five most likely classes with bars.

    Parameters
    ----------
    why : Explanation

    Returns
    -------
    Figure, str
        And its alternative text.
    """
    large = 454
    pictures = [
        outlined(why.image, why.segments, large),
        *(painting(why, view, count, height=large) for view, count in zip(VIEWS[:4], (5, 5, 10, 0))),
    ]
    strong = len(chosen(why, "strong ones"))
    titles = [
        f"the image, {len(np.unique(why.segments))} superpixels",
        "the 5 most positive, alone",
        "the same, in the image",
        "the 10 largest:\nblue + for, orange − against",
        f"|weight| ≥ 0.1: {strong} superpixel{'s' * (strong != 1)}",
    ]
    tall = why.image.shape[0] / why.image.shape[1]
    fig = canvas(10.2, 2 * (3.2 * tall + 0.45) + 0.6)
    grid = fig.subplots(2, 3).ravel()
    for axes, picture, title in zip(grid, pictures, titles):
        _show(axes, picture, title)
    _bars(grid[5], why)
    fig.suptitle(f"Why “{why.name}”? ({why.calls} model calls)", fontsize=TITLE)
    return finish(fig, why.source), _words(why)


def _bars(axes, why):
    top = why.top(5)[::-1]
    colors = ["#266eb4" if index == why.label else "#94a4a2" for index, *_ in top]
    axes.barh(range(len(top)), [score for *_, score in top], height=0.45, color=colors)
    axes.set_yticks([])
    for row, (index, name, score) in enumerate(top):
        words = f"{textwrap.shorten(name, 30, placeholder='…')}  {score:.1%}"
        weight = "bold" if index == why.label else "normal"
        axes.text(0.02, row + 0.45, words, va="center", fontsize=SMALL + 1, weight=weight)
    axes.set_ylim(-0.5, len(top) - 0.1)
    axes.set_xlim(0, 1)
    axes.set_title("what the network says", fontsize=LABEL)
    axes.spines[["top", "right"]].set_visible(False)


def _words(why):
    strongest = ", ".join(f"number {k} ({why.weights[k]:+.2f})" for k in why.order[:3])
    score, positive = why.target(why.prediction[None])[0], int((why.weights > 0).sum())
    return (
        f"LIME explanation of “{why.name}”, which has a score of {score:.1%}: of {len(why.weights)} superpixels the "
        f"largest weights have {strongest}; {positive} are positive."
    )


def choices(image, cuts, source=""):
    """One image cut into superpixels in several ways.

    Parameters
    ----------
    image : ndarray (H, W, C)
    cuts : dict of str to ndarray (H, W) int
    source : str

    Returns
    -------
    Figure, str
    """
    titles = [f"{name}: {len(np.unique(parts))}" for name, parts in cuts.items()]
    pictures = [outlined(image, parts, 454) for parts in cuts.values()]
    fig = _row(pictures, titles, source=source, title="Superpixels, and how many")
    return fig, "The image cut into superpixels by " + ", ".join(titles) + "."


def numbered(image, segments, source=""):
    """An image with its superpixels outlined and numbered, to point at: Figure, str."""
    words = {int(k): str(k) for k in np.unique(segments)}
    raster = lettered(outlined(image, segments, 900), _enlarged(rgb(image), segments, 900)[1], words)
    fig = _row([raster], ["Which superpixels would you point at?"], source=source, size=6.4)
    return fig, f"The image with {len(words)} numbered superpixels."


def hidden(why, count=8):
    """Some of the images that the network was asked about, with its answers: Figure, str."""
    count = min(count, why.calls)
    filled = filling(why.image, why.segments, why.settings["fill"], why.settings["seed"])
    copies = perturb(why.image, filled, why.segments, why.masks[:count])
    titles = [f"{score:.1%}" for score in why.target(why.scores[:count])]
    title = f"Score of “{why.name}” while superpixels are hidden: {count} of {why.calls} model calls"
    fig = _row([rgb(copy) for copy in copies.clip(0, 1)], titles, size=2.2, source=why.source, title=title)
    return fig, f"{count} copies of the image with superpixels hidden; scores of {why.name}: " + ", ".join(titles) + "."


def pointed(why, mine):
    """What a person points at beside what the network used: Figure, str.

    Parameters
    ----------
    why : Explanation
    mine : sequence of int
        Superpixels that a person chose; as many of the network's most positive are shown.
    """
    mine = list(dict.fromkeys(int(part) for part in mine))
    theirs = chosen(why, "for, alone", max(1, len(mine)))
    both = sorted(set(mine) & set(theirs.tolist()))
    large, segments = _enlarged(rgb(why.image), why.segments, 454)
    rasters = [np.where(np.isin(segments, parts)[..., None], large, np.uint8(128)) for parts in (mine, theirs)]
    titles = [f"you pointed at {len(mine)}", f"the network used these {len(theirs)}"]
    rasters.append(heat(large, segments, why.weights))
    titles.append("all its weights: red + for, blue − against")
    common = f"{len(both)} of {len(mine)} in common"
    fig = _row(rasters, titles, source=why.source, columns=3, size=3.4, title=f"“{why.name}”: {common}")
    return fig, f"What a person pointed at, and what the network used for {why.name}: {common}."


def versus(one, other):
    """One image explained for two classes, and why it is the one rather than the other: Figure, str.

    The third panel is the explanation of the difference of the two scores (:meth:`Explanation.contrast`).

    Parameters
    ----------
    one, other : Explanation
        Of the same model calls: ``other = one.relabel(…)``.
    """
    contrast = one.contrast(other.label)
    reach = max(np.abs(why.weights).max() for why in (one, other, contrast))
    pixels, segments = _enlarged(rgb(one.image), one.segments, 454)
    borders = edges(segments)
    rasters = [
        _drawn(heat(pixels, segments, why.weights, reach), borders, (200, 200, 200)) for why in (one, other, contrast)
    ]
    titles = [f"{why.name} ({why.prediction[why.label]:.0%})" for why in (one, other)]
    titles.append(f"red +: for {one.name}\nrather than {other.name}")
    title = f"Two classes, one image (darkest: ±{reach:.2f})"
    fig = _row(rasters, titles, source=one.source, columns=3, size=3.4, title=title)
    best, worst = int(contrast.weights.argmax()), int(contrast.weights.argmin())
    return fig, (
        f"Weights for {one.name}, for {other.name}, and for the difference of their scores; superpixel {best} speaks "
        f"most for {one.name} ({contrast.weights[best]:+.2f}), superpixel {worst} most for {other.name} "
        f"({contrast.weights[worst]:+.2f})."
    )


def side_by_side(explanations, titles, view="for, alone", count=5, title=""):
    """The same view of several explanations, such as of several seeds or of two networks: Figure, str."""
    rasters = [painting(why, view, count, height=454) for why in explanations]
    sources = list(dict.fromkeys(why.source for why in explanations))
    fig = _row(rasters, list(titles), source=sources, title=title, size=2.6, columns=min(4, len(rasters)))
    return fig, f"{title or view}: " + ", ".join(str(text).replace("\n", " ") for text in titles) + "."


@painter(Trust)
def trusted(found):
    """The weights of several seeds, the deletion and insertion curves, and the sentence about them: Figure, str."""
    fig = canvas(11, 4.6)
    seeds, deletion, insertion = fig.subplots(1, 3, width_ratios=(1.25, 1, 1))
    _seeds(seeds, found)
    hiding(deletion, found.curves["deletion"], "deletion", "fraction of pixels hidden")
    hiding(insertion, found.curves["insertion"], "insertion", "fraction of pixels shown")
    deletion.set_ylabel(f"score of “{textwrap.shorten(found.name, 24)}”", fontsize=LABEL)
    fig.suptitle("\n".join(textwrap.wrap(found.sentence, 118)), fontsize=LABEL + 0.5)
    return finish(fig, found.source), f"{found.sentence}\n{report(found)}"


def _seeds(axes, found):
    order = np.argsort(-np.abs(found.weights[0]), kind="stable")[:15]
    places = np.arange(len(order))
    axes.axhline(0, color="#717581", linewidth=0.8)
    shown = found.weights[:, order]
    axes.vlines(places, shown.min(0), shown.max(0), color="#94a4a2", linewidth=5, alpha=0.6)
    axes.plot(places, shown.T, "o", color="#266eb4", markersize=4, alpha=0.7)
    axes.set_xticks(places, order, fontsize=SMALL)
    axes.set_xlabel("superpixel, largest |weight| first", fontsize=LABEL)
    axes.set_title(f"weights from {len(found.weights)} seeds", fontsize=LABEL)
    axes.spines[["top", "right"]].set_visible(False)


def hiding(axes, named, kind, xlabel):
    """Deletion or insertion curves by name, with their areas, into axes."""
    for (name, curve), (ink, style) in zip(named.items(), (("#266eb4", "o-"), ("#b9ac70", "s--"), ("#717581", ":"))):
        axes.plot(curve.fraction, curve.score, style, color=ink, markersize=3, label=f"{name}: {curve.area:.2f}")
    axes.set_xlabel(xlabel, fontsize=LABEL)
    axes.set_title(f"{kind} (area)", fontsize=LABEL)
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=SMALL, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
