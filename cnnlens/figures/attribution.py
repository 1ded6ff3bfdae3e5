"""Pictures of attributions: maps over images, methods side by side, the sanity check, deletion and insertion."""

import textwrap

import numpy as np
from scipy.ndimage import uniform_filter

from ..lenses.attribution import Attribution
from ..results import painter
from ..scores.attribution import Faithfulness
from ..scores.cascade import Cascade
from ..scores.hiding import Curve
from .base import CLASS_COLORS, LABEL, SIGNED, SMALL, TITLE, UNSIGNED, canvas, colored, drawable, finish, row
from .superpixels import hiding, lettered, rgb

OPACITY = 0.7
CLIP = 98.0  # percent: single pixels beyond would leave everything else pale
MOST = 4  # images in one figure


# --- rasters ------------------------------------------------------------------------------------------------------


def reach_of(heat):
    """What the strongest color stands for: nearly the largest absolute value of a map, (H, W)."""
    size = np.abs(heat)
    return float(np.percentile(size, CLIP)) or float(size.max()) or 1e-12


def overlay(image, heat, signed, opacity=OPACITY, reach=None):
    """A map in colors over a grey copy of its image.

    Parameters
    ----------
    image : ndarray (H, W, C) in [0, 1]
    heat : ndarray (H, W)
    signed : bool
        Red for and blue against, white none; else from dark (none) to bright.
    opacity : float
        Of the colors: 0 shows the image, 1 the map.
    reach : float, optional
        What the strongest color stands for (:func:`reach_of` by default).

    Returns
    -------
    ndarray (H, W, 3) uint8
    """
    reach = reach or reach_of(heat)
    colors = colored(heat, -reach if signed else 0, reach, SIGNED if signed else UNSIGNED)
    grey = (drawable(image).mean(-1, keepdims=True) * 255).clip(0, 255)
    return (opacity * colors + (1 - opacity) * grey).astype(np.uint8)


def side_by_side(image, panels, height=300, opacity=OPACITY, reach=None):
    """An image and maps over it, enlarged, as rasters: the image first.

    Where most speaks for the class on a signed map stands a +, where most speaks against it a −.

    Parameters
    ----------
    image : ndarray (H, W, C)
    panels : sequence of (map (H, W), signed)
    height : int
        Pixels, about.
    opacity, reach : float
        As for :func:`overlay`.
    """
    times = max(1, round(height / len(image)))
    shown = [rgb(drawable(image)), *(overlay(image, heat, signed, opacity, reach) for heat, signed in panels)]
    shown = [raster.repeat(times, 0).repeat(times, 1) for raster in shown]
    signs = [{}, *(extremes(heat) if signed else {} for heat, signed in panels)]
    return [_marked(raster, found, times) for raster, found in zip(shown, signs)]


def extremes(heat):
    """Where a signed map (H, W) speaks most for and most against the class: dict of "+" and "−" to (row, column).

    An eighth of the image at a time, since the strongest single pixels lie anywhere. A sign that is weak beside the
    other, or nowhere on the map, is left out.
    """
    mean = uniform_filter(heat.astype(float), max(1, min(heat.shape) // 8), mode="constant")
    strong = np.abs(mean).max() / 4
    found = {sign: values.argmax() for sign, values in (("+", mean), ("−", -mean)) if values.max() >= strong > 0}
    return {sign: np.unravel_index(place, mean.shape) for sign, place in found.items()}


def _marked(raster, signs, times):
    """A raster with signs written at these places of the image before it was enlarged."""
    if not signs:
        return raster
    parts = np.full(raster.shape[:2], -1)
    for number, (y, x) in enumerate(signs.values()):
        parts[y * times : (y + 1) * times, x * times : (x + 1) * times] = number
    return lettered(raster, parts, dict(enumerate(signs)))


def view(found, opacity=OPACITY, height=454):
    """The first image beside its map, as one raster for the explorer: (h, w, 3) uint8."""
    return row(*side_by_side(found.images[0], [(found.maps[0], found.signed)], height, opacity))


def view_words(found, numbers=None):
    """What the explorer says: class and score, what the colors mean, and the numbers, a line each.

    Parameters
    ----------
    found : Attribution
        Of one image.
    numbers : Faithfulness, optional
    """
    lines = [f"{found.names[0]}: {_score(found, 0)}.", words(found)]
    if numbers is not None:
        for kind, goal in (("deletion", "smaller is better"), ("insertion", "larger is better")):
            areas = [f"{name} {numbers.areas(kind, name)[0]:.2f}" for name in numbers.curves[0][kind]]
            lines.append(f"Area under the {kind} curve ({goal}): {', '.join(areas)}.")
    if found.gap is not None:
        lines.append(
            f"The map adds up to the difference of the scores of image and baseline but for {found.gap[0]:.1%}."
        )
    return "\n".join(lines)


# --- figures ------------------------------------------------------------------------------------------------------


@painter(Attribution)
def maps(found):
    """Each image, and its map over it: Figure, str.

    Parameters
    ----------
    found : Attribution
        The first four images are shown.
    """
    count = min(MOST, len(found.maps))
    tall = found.images.shape[1] / found.images.shape[2]
    fig = canvas(max(5.6, 2.6 * count), 2 * 2.45 * tall + 1.35)
    grid = fig.subplots(2, count, squeeze=False)
    for i, (top, bottom) in enumerate(grid.T):
        image, heat = side_by_side(found.images[i], [(found.maps[i], found.signed)])
        _show(top, image, f"{textwrap.shorten(found.names[i], 22, placeholder='…')}\n{_score(found, i)}")
        _show(bottom, heat)
    bar = fig.colorbar(
        _scale(found.signed), ax=grid[1].tolist(), orientation="horizontal", shrink=0.6, aspect=30, pad=0.03
    )
    ticks, labels = _ticks(found.signed)
    bar.set_ticks(ticks, labels=labels)
    more = f" (the first {count} of {len(found.maps)})" if count < len(found.maps) else ""
    fig.suptitle(f"{called(found.method, found.layer)}{more}", fontsize=TITLE)
    return finish(fig, found.source), words(found)


def methods(attributions, image=0):
    """One image explained by several methods: Figure, str.

    Parameters
    ----------
    attributions : dict of str to Attribution
        By what to call each; all of the same images.
    image : int
        Which of them.
    """
    attributions = {name: found.only(image) for name, found in attributions.items()}
    first = next(iter(attributions.values()))
    panels = [(found.maps[0], found.signed) for found in attributions.values()]
    rasters = side_by_side(first.images[0], panels)
    titles = [f"{textwrap.shorten(first.names[0], 22, placeholder='…')}, {first.probabilities[0]:.0%}", *attributions]
    columns = min(len(rasters), 3 if len(rasters) in (5, 6, 9) else 4)
    rows = -(-len(rasters) // columns)
    tall = rasters[0].shape[0] / rasters[0].shape[1]
    fig = canvas(2.5 * columns, rows * (2.5 * tall + 0.3) + 0.9)
    grid = fig.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, raster, title in zip(grid, rasters, titles):
        _show(axes, raster, title)
    fig.suptitle(
        "One image, one class, several methods\n"
        "signed: red for, most at +; blue against, most at −; unsigned: dark none, yellow much",
        fontsize=LABEL,
    )
    sources = [found.source for found in attributions.values()]
    return finish(fig, sources), f"“{first.names[0]}” explained by " + ", ".join(attributions) + "."


def agreement(alike, names, source=""):
    """How alike methods rank the places of the same images, as a table of squares: Figure, str.

    Parameters
    ----------
    alike : ndarray (M, M) in [-1, 1]
        From :func:`cnnlens.scores.attribution.agreement`.
    names : sequence of M str
    source : str
    """
    names = [NAMES.get(name, name) for name in names]
    fig = canvas(2.9 + 0.62 * len(names), 2.3 + 0.42 * len(names))
    axes = fig.subplots()
    axes.imshow(alike, cmap=SIGNED, vmin=-1, vmax=1, aspect="auto")
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor", fontsize=LABEL)
    axes.set_yticks(range(len(names)), names, fontsize=LABEL)
    axes.tick_params(length=0)
    for (i, j), value in np.ndenumerate(alike):
        axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=SMALL, color=_ink(value))
    axes.set_title("Rank correlation of maps: 1 same order, 0 no relation", fontsize=LABEL)
    pairs = [(alike[i, j], f"{names[i]} and {names[j]}") for i in range(len(names)) for j in range(i)]
    least, most = min(pairs), max(pairs)
    text = f"Rank correlation of the maps of {len(names)} methods: most between {most[1]} ({most[0]:.2f}), least "
    return finish(fig, source), text + f"between {least[1]} ({least[0]:.2f})."


def _ink(value):
    """What can be read on the square of a value."""
    return "white" if abs(value) > 0.6 else "black"


@painter(Cascade)
def cascade(found):
    """How alike maps stay while layers are randomized from the top, as curves, and the maps of the first image.

    Parameters
    ----------
    found : Cascade

    Returns
    -------
    Figure, str
    """
    depths = len(found.layers)
    fig = canvas(max(7.5, 1.35 * (depths + 2)), 5.6)
    curves, strip = fig.subfigures(2, 1, height_ratios=(1.5, 1))
    axes = curves.subplots()
    places = np.arange(depths + 1)
    for values, name, style, ink in ((found.rank, "rank correlation", "o-", 0), (found.ssim, "SSIM", "s--", 2)):
        values = np.concatenate([np.ones((1, values.shape[1])), values])
        axes.plot(
            places, values.mean(1), style, color=CLASS_COLORS[ink], label=f"{name}, mean of {values.shape[1]} images"
        )
        axes.fill_between(places, values.min(1), values.max(1), color=CLASS_COLORS[ink], alpha=0.15, linewidth=0)
    axes.axhline(0, color="#717581", linewidth=0.8)
    names = ["trained", *(textwrap.shorten(layer.split("/")[-1], 18, placeholder="…") for layer in found.layers)]
    axes.set_xticks(places, names, rotation=30, ha="right", fontsize=SMALL)
    axes.set_xlabel("weights shuffled from the top down to this layer", fontsize=LABEL)
    axes.set_ylabel("like the trained network's map", fontsize=LABEL)
    axes.set_ylim(min(-0.1, found.rank.min(), found.ssim.min()), 1.05)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=SMALL, frameon=False)
    for place, heat, name in zip(strip.subplots(1, depths + 1), found.maps[:, 0], names):
        _show(place, overlay(found.images[0], heat, found.signed, 1.0))
        place.set_title(name, fontsize=SMALL - 1)
    fig.suptitle(f"{called(found.method)}: does it know what the network learned?", fontsize=TITLE)
    end = f"rank correlation {found.rank[-1].mean():.2f}, SSIM {found.ssim[-1].mean():.2f}"
    return finish(fig, found.source), (
        f"Maps by {called(found.method)} while the weights of {depths} depths are shuffled from the top; with all "
        f"shuffled they are like those of the trained network by {end}."
    )


@painter(Faithfulness)
def faithfulness(found):
    """Mean deletion and insertion curves over the images, by the map, by edges, and at random: Figure, str."""
    fig = canvas(8.6, 4.0)
    for axes, kind, doing in zip(fig.subplots(1, 2), ("deletion", "insertion"), ("hidden", "shown")):
        hiding(axes, mean_curves(found, kind), kind, f"fraction of pixels {doing}")
    fig.axes[0].set_ylabel("probability of the class", fontsize=LABEL)
    gains = [found.gain(kind).mean() for kind in ("deletion", "insertion")]
    better = f"better than at random by {gains[0]:+.2f} in deletion, {gains[1]:+.2f} in insertion"
    title = f"{called(found.method)}, mean of {len(found.curves)} image{'s' * (len(found.curves) != 1)}: {better}"
    fig.suptitle("\n".join(textwrap.wrap(title, 92)), fontsize=LABEL + 0.5)
    return finish(fig, found.source), f"{title}."


def mean_curves(found, kind, points=25):
    """The mean over the images of each order's curve: dict of str to Curve."""
    fraction = np.linspace(0, 1, points)
    return {
        name: Curve(
            fraction,
            np.mean([np.interp(fraction, c[kind][name].fraction, c[kind][name].score) for c in found.curves], 0),
        )
        for name in found.curves[0][kind]
    }


# --- words --------------------------------------------------------------------------------------------------------

NAMES = {
    "gradient": "Gradient",
    "gradient_input": "Gradient × input",
    "smoothgrad": "SmoothGrad",
    "integrated_gradients": "Integrated gradients",
    "guided": "Guided backpropagation",
    "gradcam": "Grad-CAM",
    "gradcam++": "Grad-CAM++",
    "hirescam": "HiResCAM",
    "occlusion": "Occlusion",
    "rise": "RISE",
}


def called(method, layer=None):
    """What papers call a method, and the layer whose maps it weighs."""
    return NAMES.get(method, method) + (f" at {layer}" if layer else "")


def words(found):
    """What a figure of an Attribution shows, in a sentence."""
    each = ", ".join(f"{name} ({probability:.0%})" for name, probability in zip(found.names, found.probabilities))
    signed = "red speaks for the class, most at +, and blue against, most at −"
    meaning = signed if found.signed else "bright pixels count most"
    return f"{called(found.method, found.layer)} for {each}: {meaning}."


def _score(found, i):
    if found.settings["scores"] == "logits":
        return f"{found.probabilities[i]:.1%}, logit {found.scores[i]:.1f}"
    return f"{found.probabilities[i]:.1%}"


def _show(axes, raster, title=""):
    axes.imshow(raster, interpolation="nearest" if raster.shape[0] < 200 else "antialiased")
    axes.set_title(title, fontsize=LABEL)
    axes.axis("off")


def _scale(signed):
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    return ScalarMappable(Normalize(-1 if signed else 0, 1), SIGNED if signed else UNSIGNED)


def _ticks(signed):
    return ([-1, 0, 1], ["against", "0", "for the class"]) if signed else ([0, 1], ["none", "most in this image"])
