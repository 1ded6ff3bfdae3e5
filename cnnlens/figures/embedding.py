"""Maps, strips of maps, and the curves and tables of their scores, as figures."""

import textwrap

import numpy as np

from ..lenses.embedding import INPUT, Embedding
from ..lenses.film import EmbeddingSequence
from ..results import painter
from ..scores.embedding import EmbeddingScores, pairs
from .base import CLASS_COLORS, LABEL, SMALL, TITLE, canvas, finish

GREY = "#b5b5b5"  # points whose class has no color of its own
NAMED = len(CLASS_COLORS)  # classes that get a color and a name on a map
FEWEST = 3  # points that a class must have to be named on a map: fewer lie nowhere in particular
CORE = 300  # points of a class that are looked at for its name's place
PERCENT = 99.5  # of the points are surely inside a picture
MANY = 0.5  # fraction of mistakes above which they are not marked: the marks would hide the map
LINES = ("-", "--")
HATCHES = ("", "///", "...", "xx", "\\\\\\")
BOX = {"facecolor": "white", "edgecolor": "none"}


# --- maps ---------------------------------------------------------------------------------------------------


@painter(Embedding)
def draw_map(mapped):
    """One map with its classes named and its mistakes marked: (Figure, alternative text)."""
    fig = canvas(7.2, 6.6)
    axes = fig.add_subplot()
    scatter(axes, mapped)
    title = f"t-SNE of {named(mapped.layer)}, {len(mapped.points):,} images"
    axes.set_title("\n".join(textwrap.wrap(title, 60)), fontsize=TITLE)
    legend(axes, mapped)
    axes.set_xlabel(mapped.representation.dimensions, fontsize=SMALL + 0.5)
    return finish(fig, mapped.source), describe(as_sequence(mapped))


@painter(EmbeddingSequence)
def draw_sequence(sequence):
    """All maps of a sequence side by side on one scale: (Figure, alternative text)."""
    return strip(sequence)


def strip(sequence, *, notes=None, columns=None, title="", width=None, one_scale=True):
    """Maps side by side, on one scale.

    Parameters
    ----------
    sequence : EmbeddingSequence
    notes : sequence of str, optional
        A line or two under each map.
    columns : int, optional
        Maps in a row; up to four by default.
    title : str
    width : float, optional
        Inches; 2.9 a map by default.
    one_scale : bool
        False lets each map fill its panel.

    Returns
    -------
    Figure, str
        And its alternative text.
    """
    count = len(sequence)
    columns = columns or (count if count <= 4 else 3 if count in (5, 6, 9) else 4)
    rows = -(-count // columns)
    side = (width or 2.9 * columns) / columns
    fig = canvas(side * columns, (side + 0.55) * rows + (0.7 if title else 0.35))
    reach = extent(sequence) if one_scale else None
    style = {"size": min(1.0, (side / 5) ** 1.4), "names": LABEL if side > 4 else SMALL - 1.5}
    for i, (mapped, name) in enumerate(zip(sequence.maps, sequence.titles)):
        axes = fig.add_subplot(rows, columns, i + 1)
        scatter(axes, mapped, reach=reach, **style)
        axes.set_title(name, fontsize=LABEL)
        if notes:
            axes.set_xlabel(notes[i], fontsize=SMALL)
    if title:
        fig.suptitle(title, fontsize=TITLE)
    return finish(fig, sequence.source), describe(sequence)


def scatter(axes, mapped, *, reach=None, size=1.0, names=LABEL):
    """Draw the points of a map into axes.

    Parameters
    ----------
    axes : Axes
    mapped : Embedding
    reach : float, optional
        Half the width of what is shown, for maps on one scale.
    size : float
        Factor on the size of points.
    names : float
        Font size of the classes' names.
    """
    points, wrong = mapped.points, mapped.mistakes
    reach = (reach or extent(as_sequence(mapped))) * 1.06
    area = size * np.clip(12_000 / len(points), 2, 22)
    labels = np.zeros(len(points), int) if mapped.labels is None else mapped.labels
    colors = np.array(colors_of(labels, mapped.labels is not None))
    order = np.random.default_rng(0).permutation(np.flatnonzero(~wrong))  # so that no class lies on top of all others
    plain = {"linewidths": 0, "alpha": 0.85, "rasterized": True}
    axes.scatter(*points[order].T, s=area, c=colors[order], **plain)
    if wrong.mean() > MANY:
        axes.scatter(*points[wrong].T, s=area, c=colors[wrong], **plain)
        words, box = f"{wrong.sum()} of {len(wrong)} wrong: not marked", {**BOX, "alpha": 0.8, "pad": 2}
        axes.text(0.02, 0.02, words, transform=axes.transAxes, fontsize=SMALL, bbox=box)
    elif wrong.any():
        ring = {"edgecolors": "black", "linewidths": 0.5, "rasterized": True}
        cross = {"marker": "x", "linewidths": 0.7, "rasterized": True}
        axes.scatter(*points[wrong].T, s=area * 2.4, c=colors[wrong], **ring)
        axes.scatter(*points[wrong].T, s=area * 1.9, c="black", **cross)
    write_names(axes, mapped, reach, names)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xticks=[], yticks=[])
    axes.spines[:].set_color("#cccccc")


def write_names(axes, mapped, reach, size):
    """Write the name of each class where its points are densest."""
    how = {"textcoords": "offset points", "fontsize": size, "fontweight": "bold"}
    box = {**BOX, "boxstyle": "round,pad=0.15", "alpha": 0.75}
    for label, (x, y) in name_spots(mapped).items():
        name = mapped.classes[label] if mapped.classes else str(label)
        side = "left" if x < -0.7 * reach else "right" if x > 0.7 * reach else "center"  # long names stay inside
        axes.annotate(name, (x, y), (0, 4), ha=side, bbox=box, **how)


def legend(axes, mapped):
    """What the marks mean, under the title's corner of the map; nothing when there are no mistakes to be seen."""
    wrong = int(mapped.mistakes.sum())
    if mapped.judged and wrong <= MANY * len(mapped.points):
        handle = axes.scatter([], [], s=40, c=GREY, edgecolors="black", linewidths=0.6)
        cross = axes.scatter([], [], s=32, c="black", marker="x", linewidths=0.9)
        words = f"mistake of the network ({wrong} of {len(mapped.points):,}), color of its true class"
        axes.legend([(handle, cross)], [words], loc="lower left", fontsize=SMALL, framealpha=0.85)


def as_sequence(maps):
    """A sequence of one map, or the sequence itself."""
    if isinstance(maps, EmbeddingSequence):
        return maps
    return EmbeddingSequence(maps=(maps,), titles=(named(maps.layer),), source=maps.source)


def named(layer):
    """A layer's name in a title."""
    return "the pixels" if layer == INPUT else f"layer {layer}"


def describe(sequence):
    """A sequence in words, for those who do not see it."""
    first, titles = sequence.maps[0], sequence.titles
    what = f"t-SNE map of {named(first.layer)}"
    if len(sequence) > 1:
        what = f"{len(sequence)} t-SNE maps ({titles[0]} to {titles[-1]})"
    classes = f", colored by {len(np.unique(first.labels))} classes" if first.labels is not None else ""
    mistakes = ""
    if first.judged:
        wrong = [int(each.mistakes.sum()) for each in sequence.maps]
        mistakes = f", {wrong[-1]} mistakes marked"
        if len(set(wrong)) > 1:
            mistakes = f", {wrong[0]} mistakes marked at first, {wrong[-1]} at last"
    return f"{what} of {len(first.points):,} images{classes}{mistakes}."


def colors_of(labels, known=True):
    """A color a point: the ten most frequent classes have their own, the rest are grey."""
    if not known:
        return [CLASS_COLORS[0]] * len(labels)
    present, counts = np.unique(labels, return_counts=True)
    top = set(present[np.argsort(-counts, kind="stable")][:NAMED].tolist())
    if present.max() < NAMED:
        lookup = {int(label): CLASS_COLORS[label] for label in present}  # a class keeps its color in every figure
    else:
        lookup = {int(label): color for label, color in zip(sorted(top), CLASS_COLORS)}
    return [lookup.get(int(label), GREY) for label in labels]


def name_spots(mapped):
    """Where to write each class's name: at the densest place of its points, {label: (x, y)}."""
    if mapped.labels is None:
        return {}
    present, counts = np.unique(mapped.labels, return_counts=True)
    present, counts = present[counts >= FEWEST], counts[counts >= FEWEST]
    top = sorted(present[np.argsort(-counts, kind="stable")][:NAMED])
    return {int(label): _core(mapped.points[mapped.labels == label]) for label in top}


def _core(points):
    """The point that has a third of the others nearest around it."""
    some = points[:: max(1, len(points) // CORE)].astype(np.float64)
    distances = np.linalg.norm(some[:, None] - some[None], axis=2)
    return tuple(some[np.sort(distances, axis=1)[:, len(some) // 3].argmin()])


def extent(sequence):
    """Half the side of a square around zero that holds the points of all maps, but for a few strays."""
    places = [np.abs(each.points) for each in sequence.maps]
    return float(max(max(np.percentile(each, PERCENT), each.max() * 0.9) for each in places)) or 1.0


# --- scores -------------------------------------------------------------------------------------------------


@painter(EmbeddingScores)
def draw_scores(scores):
    """Silhouettes of each class in the layer and in the map, the other scores above: (Figure, alternative text)."""
    fig = canvas(8, 0.32 * len(scores.classes) + 1.7)
    axes = fig.add_subplot()
    bars(axes, scores.classes, {"in the layer": scores.silhouette_layer, "in the map": scores.silhouette_map})
    axes.set_xlabel("silhouette, mean of the class", fontsize=LABEL)
    accuracy = f"nearest-neighbor accuracy {scores.knn_layer:.3f} in the layer, {scores.knn_map:.3f} in the map"
    kept = f"trustworthiness {scores.trustworthiness:.3f}, continuity {scores.continuity:.3f}"
    axes.set_title(f"{named(scores.layer)}: {accuracy}\n{kept}", fontsize=LABEL + 1)
    return finish(fig, scores.source), str(scores) + "."


def curves(found, *, titles=None, axis="layer", title="How separable the classes are"):
    """The scores of several maps as curves.

    Parameters
    ----------
    found : sequence of EmbeddingScores
    titles : sequence of str, optional
        What stands below; the layers by default.
    axis : str
        What the horizontal axis is.
    title : str

    Returns
    -------
    Figure, str
    """
    titles = list(titles or [each.layer for each in found])
    panels = {
        f"accuracy of {found[0].settings['neighbors']} nearest neighbors": {
            "in the layer": [each.knn_layer for each in found],
            "in the map": [each.knn_map for each in found],
        },
        "silhouette": {
            "in the layer": [np.nanmean(each.silhouette_layer) for each in found],
            "in the map": [np.nanmean(each.silhouette_map) for each in found],
        },
        "trustworthiness and continuity": {
            "trustworthiness": [each.trustworthiness for each in found],
            "continuity": [each.continuity for each in found],
        },
    }
    slanted = {"rotation": 40, "ha": "right"} if max(map(len, titles)) > 4 else {}
    fig = canvas(11, 3.9)
    for i, (name, lines) in enumerate(panels.items()):
        axes = fig.add_subplot(1, len(panels), i + 1)
        for (label, values), line, marker, color in zip(lines.items(), LINES, "os", (CLASS_COLORS[0], CLASS_COLORS[2])):
            axes.plot(range(len(found)), values, line, marker=marker, color=color, label=label)
        axes.set_xticks(range(len(found)), titles, fontsize=SMALL, **slanted)
        axes.set_title(name, fontsize=LABEL)
        axes.set_xlabel(axis, fontsize=SMALL)
        axes.grid(alpha=0.25)
        axes.legend(fontsize=SMALL)
    fig.suptitle(title, fontsize=TITLE)
    first, last = (f"{found[i].knn_layer:.3f} at {titles[i]}" for i in (0, -1))
    return finish(fig, found[0].source), f"{title}, by {axis}: accuracy in the layer from {first} to {last}."


def groupings(found, classes, *, source="", title="How much a class keeps to itself among its nearest neighbors"):
    """Groupings of the classes in several spaces, as bars.

    Parameters
    ----------
    found : dict of str to ndarray (classes,)
        As :func:`cnnlens.scores.embedding.grouping` gives them; 1 is chance.
    classes : sequence of str
    source, title : str

    Returns
    -------
    Figure, str
    """
    fig = canvas(9, 0.2 * len(classes) * len(found) + 1.8)
    axes = fig.add_subplot()
    bars(axes, classes, found)
    axes.axvline(1, color="black", linewidth=1, linestyle="--")
    axes.text(1, -0.75, " chance", fontsize=SMALL, va="center")
    axes.set_xlabel("times as many neighbors of its own class as chance would give", fontsize=LABEL)
    axes.set_title(title, fontsize=TITLE)
    best = ", ".join(f"{classes[int(np.nanargmax(values))]} in {name}" for name, values in found.items())
    return finish(fig, source), f"{title}. Most of all: {best}."


def bars(axes, classes, found):
    """Horizontal bars, a group for each class; told apart by hatching as well as by color."""
    high = 0.8 / len(found)
    for i, ((name, values), hatch) in enumerate(zip(found.items(), HATCHES)):
        places = np.arange(len(classes)) + (i - (len(found) - 1) / 2) * high
        style = {"color": CLASS_COLORS[i], "hatch": hatch, "edgecolor": "white", "linewidth": 0.3}
        axes.barh(places, np.nan_to_num(values), high * 0.95, label=name, **style)
    axes.set_yticks(range(len(classes)), classes, fontsize=SMALL + 1)
    axes.set_ylim(len(classes) - 0.4, -1)
    axes.grid(axis="x", alpha=0.25)
    axes.legend(fontsize=SMALL, loc="center left", bbox_to_anchor=(1.01, 0.5))


def pair_matrices(found, classes, *, source="", title="Which classes lie side by side, and which are confused", mark=3):
    """Symmetric tables of pairs of classes, side by side.

    Parameters
    ----------
    found : dict of str to ndarray (classes, classes)
        As :func:`cnnlens.scores.embedding.class_neighbors` and ``confusions`` give them.
    classes : sequence of str
    source, title : str
    mark : int
        So many of the largest pairs are numbered.

    Returns
    -------
    Figure, str
    """
    fig = canvas(4.4 * len(found) + 0.6, 5.3)
    circle = {"boxstyle": "circle,pad=0.15", "facecolor": "white"}
    number = {"ha": "center", "va": "center", "fontsize": LABEL, "fontweight": "bold", "bbox": circle}
    largest = []
    for i, (name, matrix) in enumerate(found.items()):
        axes = fig.add_subplot(1, len(found), i + 1)
        image = axes.imshow(np.where(np.triu(np.ones_like(matrix)) > 0, np.nan, matrix * 100), cmap="cividis")
        axes.set_xticks(range(len(classes)), classes, rotation=50, ha="right", fontsize=SMALL)
        axes.set_yticks(range(len(classes)), classes if i == 0 else [""] * len(classes), fontsize=SMALL)
        axes.set_title(name, fontsize=LABEL)
        axes.spines[:].set_visible(False)
        bar = fig.colorbar(image, ax=axes, shrink=0.6, pad=0.02)
        bar.ax.tick_params(labelsize=SMALL)
        bar.set_label("% of all such pairs", fontsize=SMALL)
        for place, (a, b, _) in enumerate(pairs(matrix)[:mark]):
            axes.text(a, b, place + 1, **number)
        a, b, fraction = pairs(matrix)[0]
        largest.append(f"{name}: {classes[a]} and {classes[b]} first, {fraction:.0%}")
    fig.suptitle(title + "\n", fontsize=TITLE)  # a line more, since square axes push their own titles up
    return finish(fig, source), title + ". " + "; ".join(largest) + "."
