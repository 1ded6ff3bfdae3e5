"""Pictures of data, of training, and of the mistakes that are left."""

import numpy as np
from matplotlib.ticker import MaxNLocator
from PIL import Image, ImageDraw

from ..results import painter
from ..training import Training
from .base import CLASS_COLORS, INK, LABEL, PAPER, SMALL, TITLE, UNSIGNED
from .base import bundle, canvas, finish, font, legend_below, raster_figure, sheet, tiles

GREY = "gray"
SAMPLE = 64  # px, side of a training image where samples of each class are shown, at most


def samples(data, per_class=10):
    """Some training images of every class, a row a class.

    Parameters
    ----------
    data : Dataset
    per_class : int

    Returns
    -------
    Figure, str
        And its alternative text.
    """
    side = max(data.x_train.shape[1:3])
    cell = side * (SAMPLE // side) or SAMPLE  # a multiple, so that all pixels are of one size
    letters = font(14)
    names = max(round(letters.getlength(name)) for name in data.classes) + 8
    rows = []
    for label, name in enumerate(data.classes):
        picture = Image.new("RGB", (names + per_class * (cell + 4) + 4, cell + 8), PAPER)
        ImageDraw.Draw(picture).text((names - 8, cell // 2 + 4), name, INK, letters, anchor="rm")
        chosen = np.flatnonzero(data.y_train == label)[:per_class]
        if len(chosen):
            strip = tiles(data.x_train[chosen], columns=per_class, cell=cell, low=0, high=1, cmap=GREY)
            picture.paste(Image.fromarray(strip), (names, 0))
        rows.append(np.asarray(picture))
    title = f"{per_class} training images of each class"
    fig = raster_figure(np.concatenate(rows), title=title, source=data.source)
    return fig, f"{per_class} training images of each of the classes {', '.join(data.classes)}."


def curves(runs):
    """Loss and accuracy by epoch.

    Parameters
    ----------
    runs : dict of str to Training (or to its history)

    Returns
    -------
    Figure, str
    """
    fig = canvas(9, 3.6)
    left, right = fig.subplots(1, 2)
    sources = []
    for number, (name, run) in enumerate(runs.items()):
        history = getattr(run, "history", run)
        sources.append(getattr(run, "source", ""))
        epochs = [row["epoch"] for row in history]
        # a shape for each run, filled or hollow: a reader who sees no colors tells them apart as well
        look = {"color": ("#832db6", "#e76300", "#3f90da", "#717581")[number % 4], "marker": "osD^"[number % 4]}
        for axes, key in ((left, "loss"), (right, "accuracy")):
            test, fit = [row[f"val_{key}"] for row in history], [row[key] for row in history]
            axes.plot(epochs, test, "-", markersize=4.5, label=f"{name}, test", **look)
            hollow = {"linewidth": 1.2, "markersize": 4, "markerfacecolor": "white"}
            axes.plot(epochs, fit, "--", label=f"{name}, training", **hollow, **look)
    for axes, key in ((left, "loss"), (right, "accuracy")):
        axes.set_xlabel("epoch", fontsize=LABEL)
        axes.set_title(key, fontsize=TITLE)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    right.legend(fontsize=SMALL)
    last = {name: getattr(run, "history", run)[-1]["val_accuracy"] for name, run in runs.items()}
    return finish(fig, sources), "Loss and accuracy by epoch. Last test accuracy: " + ", ".join(
        f"{n} {v:.2%}" for n, v in last.items()
    ) + "."


@painter(Training)
def _training(result):
    return curves({result.settings["recipe"]: result})


class LiveCurves:
    """Redraws the curves in place after every epoch; give it to ``train(on_epoch=[LiveCurves()])``."""

    def __init__(self, name="this run"):
        self.name, self.handle = name, None

    def __call__(self, history):
        from IPython.display import display

        data, metadata = bundle(*curves({self.name: history}))
        if self.handle is None:
            self.handle = display(data, metadata=metadata, raw=True, display_id=True)
        else:
            self.handle.update(data, metadata=metadata, raw=True)


def confusion(matrix, classes, source):
    """A confusion matrix, its diagonal left out of the color scale so that the mistakes show.

    Parameters
    ----------
    matrix : array (classes, classes) int
        True by predicted.
    classes : sequence of str
    source : str

    Returns
    -------
    Figure, str
    """
    mistakes = np.array(matrix, float)
    np.fill_diagonal(mistakes, np.nan)
    fig = canvas(6.4, 5.6)
    axes = fig.add_subplot()
    picture = axes.imshow(mistakes, cmap=UNSIGNED, vmin=0, vmax=max(1, np.nanmax(mistakes)))
    for row, column in np.ndindex(*mistakes.shape):
        if matrix[row][column]:
            dark = row != column and mistakes[row, column] < 0.6 * np.nanmax(mistakes)
            axes.text(
                column,
                row,
                str(matrix[row][column]),
                ha="center",
                va="center",
                fontsize=SMALL,
                color="white" if dark else "black",
            )
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right", fontsize=SMALL + 1)
    axes.set_yticks(range(len(classes)), classes, fontsize=SMALL + 1)
    axes.set_xlabel("predicted", fontsize=LABEL)
    axes.set_ylabel("true", fontsize=LABEL)
    axes.set_title("What was taken for what (right answers on white)", fontsize=TITLE)
    fig.colorbar(picture, ax=axes, label="mistakes", shrink=0.8)
    wrong = int(np.nansum(mistakes))
    return finish(
        fig, source
    ), f"Confusion matrix of {len(classes)} classes with {wrong} mistakes among {int(np.sum(matrix))} images."


def by_class(measured, classes, source, title="Accuracy of each class"):
    """The accuracy of each class with its interval, measured in several ways: Figure, str.

    Parameters
    ----------
    measured : dict of str to list of Accuracy or None
        By what to call each way; from :func:`cnnlens.scores.training.by_class`.
    classes : sequence of str
    source : str or sequence of str
    title : str
    """
    fig = canvas(max(7.0, 1.6 + 0.62 * len(classes)), 3.9)
    axes = fig.subplots()
    step = 0.8 / len(measured)
    for number, (name, found) in enumerate(measured.items()):
        there = [place for place, each in enumerate(found) if each is not None]
        value = np.array([found[place].value for place in there])
        reach = np.abs([[found[place].low for place in there], [found[place].high for place in there]] - value)
        places = np.array(there) + (number - (len(measured) - 1) / 2) * step
        look = {
            "color": CLASS_COLORS[(0, 1, 2)[number % 3]],
            "hatch": ("", "//", "..")[number % 3],
            "edgecolor": "white",
        }
        axes.bar(places, value, 0.92 * step, yerr=reach, label=name, error_kw={"elinewidth": 1.2, "capsize": 2}, **look)
    axes.set_xticks(range(len(classes)), classes, fontsize=LABEL)
    axes.set_yticks(np.linspace(0, 1, 5), [f"{tick:.0%}" for tick in np.linspace(0, 1, 5)], fontsize=SMALL + 1)
    axes.set_ylim(0, 1.04)
    axes.set_xlabel("true class", fontsize=LABEL)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(title, fontsize=TITLE)
    legend_below(axes, len(measured), 0.5)
    worst = {
        name: min((each.value, classes[place]) for place, each in enumerate(found) if each is not None)
        for name, found in measured.items()
    }
    said = "; ".join(f"{name}: least for {label} ({value:.0%})" for name, (value, label) in worst.items())
    return finish(fig, source), f"{title}, with 95 % intervals. {said}."


def mistakes(images, labels, probabilities, chosen, classes, source, title="The mistakes it is most sure of"):
    """Images with what they are, what they were taken for, and how certainly.

    Parameters
    ----------
    images : Images or array (N, H, W, C)
    labels : array (N,) int
    probabilities : array (N, classes)
    chosen : sequence of int
        Which images to show.
    classes : sequence of str
    source : str
    title : str

    Returns
    -------
    Figure, str
    """
    chosen = list(chosen)
    columns = min(6, max(1, len(chosen)))
    rows = max(1, -(-len(chosen) // columns))
    fig = canvas(max(4.6, 1.6 * columns + 0.4), 2.25 * rows + 0.7)  # wide enough for the title
    for axes in fig.subplots(rows, columns, squeeze=False).flat[len(chosen) :]:
        axes.axis("off")
    for axes, index in zip(fig.axes, chosen):
        guess = int(np.argmax(probabilities[index]))
        axes.imshow(images[int(index)].squeeze(), cmap=GREY)
        axes.set_title(
            f"{classes[labels[index]]}\ntaken for {classes[guess]}\n({probabilities[index][guess]:.0%} sure)",
            fontsize=SMALL,
        )
        axes.axis("off")
    if not chosen:
        fig.text(0.5, 0.5, "no mistakes", ha="center", fontsize=TITLE)
    fig.suptitle(title, fontsize=TITLE)
    return finish(fig, source), f"{title}: {len(chosen)} images, each with what it is and what it was taken for."


def kernels(weights, title, source):
    """The kernels of a first convolution: for grey images from black to white, for color images as colors.

    Parameters
    ----------
    weights : array (height, width, channels, units)
    title, source : str

    Returns
    -------
    Figure, str
    """
    units = np.moveaxis(np.asarray(weights), -1, 0)
    reach = np.abs(units).max()
    if units.shape[-1] == 3:
        pictures, how = 0.5 + 0.5 * units / reach, {}
        note = "grey is a weight of zero; one brightness scale for all kernels"
    else:
        pictures, how = units.mean(-1), {"cmap": "gray", "low": -reach, "high": reach}
        note = f"black −{reach:.2f}, mid-grey 0, white +{reach:.2f}; one scale for all kernels"
    fig = sheet(
        pictures,
        title=title,
        source=source,
        note=note,
        labels=[str(i) for i in range(len(units))],
        cell=48,
        width=7,
        **how,
    )
    return fig, f"{title}: {len(units)} kernels of {units.shape[1]} × {units.shape[2]} weights."
