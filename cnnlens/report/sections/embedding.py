"""Which images lie together in a layer: t-SNE maps from the pixels to the last layer but one."""

import numpy as np

from ... import embedding
from ...errors import CnnlensError
from ...figures.embedding import strip
from ...figures.interactive import interactive
from ...labels import class_names
from ...lenses.film import FIRST, LATER, SHRUNK, EmbeddingSequence
from ...scores.embedding import NEIGHBORS, score
from ..page import steady
from ..parts import Figure, Part, Table
from .choosing import listed, spread, weighted

TITLE = "Which images lie together"
SHOWS = (
    "t-SNE maps: images that a layer represents alike lie together. Only short distances mean something. The "
    "further back the layer, the more the classes should come apart; a mistake in the midst of another class is an "
    "image that the network takes for it, or one with a wrong label."
)
FEWEST = 12  # images below which a map says nothing
PERPLEXITY = 30
HEIGHT = 720  # px of the interactive map; what a lasso chooses appears below and can be scrolled to


def make(subject, sizes):
    """The Part."""
    net, chosen = subject.opened(), _chosen(subject, sizes["most"])
    if len(chosen) < FEWEST:
        raise CnnlensError(f"A map of {len(chosen)} images says nothing: it takes at least {FEWEST}.")
    images = subject.images[chosen]
    layers = _layers(net, len(chosen), sizes)
    vectors = {embedding.INPUT: images, **net.read(images, layers, progress=subject.progress, linear=True)}
    sequence, notes = _sequence(subject, chosen, vectors)
    scores = [score(each, k=min(NEIGHBORS, (len(chosen) - 1) // 2)) for each in sequence.maps]
    page = interactive(sequence, images)
    labeled = _grouped(sequence.labels)
    rows = tuple(_row(title, each, labeled) for title, each in zip(sequence.titles, scores))
    accuracy = ("accuracy of nearest neighbors in the layer",) if labeled else ()
    table = Table("How far each map can be trusted", ("layer", *accuracy, "trustworthiness", "continuity"), rows)
    if len(chosen) < len(subject.images):
        notes.append(f"{len(chosen)} of the {len(subject.images)} images were mapped, drawn with seed {subject.seed}.")
    return Part(
        name="embedding",
        title=TITLE,
        shows=SHOWS,
        numbers=(("images", f"{len(chosen)}"), ("layers", listed(sequence.titles, 12))),
        figures=(Figure.of(*strip(sequence, title="From the pixels to the last layers", one_scale=False)),),
        tables=(table,),
        explorers=((steady(page.html), page.alt, HEIGHT),),
        notes=tuple(notes),
        source=sequence.source,
    )


def cost(subject, sizes):
    """The mapped images once, and the layout of a map for each layer."""
    count = min(len(subject.images), sizes["most"])
    return 1, count, (sizes["layers"] + 2) * count / 150


def _chosen(subject, most):
    """Numbers of the images to map, sorted."""
    count = len(subject.images)
    return np.sort(np.random.default_rng(subject.seed).permutation(count)[:most])


def _layers(net, count, sizes):
    """Layers in the depth whose activations of all images fit, and the last one before the classes."""
    fitting = [layer for layer in weighted(net)[:-1] if count * np.prod(layer.shape) <= sizes["values"]]
    if not fitting:
        return [net.head]
    return list(dict.fromkeys([*(layer.path for layer in spread(fitting, sizes["layers"] + 1)[1:]), net.head]))


def _sequence(subject, chosen, vectors):
    """A map a layer, each started from the one before, and why a layer has none; all were read in one pass."""
    told = _told(subject, chosen)
    maps, notes, layout = [], [], {**FIRST, "perplexity": min(PERPLEXITY, (len(chosen) - 1) // 3)}
    settings = {"seed": subject.seed, "images": len(chosen), "perplexity": layout["perplexity"]}
    for layer, values in vectors.items():
        flat = values.reshape(len(values), -1)
        try:
            reduced, kept = embedding.reduce(flat, seed=subject.seed)
            points, left = embedding.arrange(reduced, seed=subject.seed, progress=False, **layout)
        except CnnlensError as error:
            notes.append(f"{layer}: no map. {error}")
            continue
        what = embedding.Representation(vectors=reduced, layer=layer, width=flat.shape[1], variance=kept)
        how = {"source": subject.source, "settings": {**settings, "layer": layer}}
        maps.append(embedding.Embedding(points=points, representation=what, divergence=left, **told, **how))
        layout |= {**LATER, "start": points * SHRUNK}
    if not maps:
        raise CnnlensError(" ".join(notes))
    titles = tuple("pixels" if each.layer == embedding.INPUT else each.layer for each in maps)
    return EmbeddingSequence(maps=tuple(maps), titles=titles, source=subject.source, settings=settings), notes


def _told(subject, chosen):
    """Labels, predictions and classes of the points: the network's, or else the folders'."""
    net, folder = subject.net, subject.folder
    predictions = subject.predictions[chosen].argmax(1) if net.class_count else None
    labels = subject.labels[chosen]
    if (labels >= 0).all():
        return {"labels": labels, "predictions": predictions, "classes": _names(net), "judged": predictions is not None}
    labels = folder.labels[chosen]
    if folder.classes and (labels >= 0).all():
        return {"labels": labels, "predictions": None, "classes": folder.classes, "judged": False}
    return {"labels": None, "predictions": predictions, "classes": _names(net), "judged": False}


def _names(net):
    return class_names(net.classes, net.class_count or 0) or None


def _grouped(labels):
    """Whether there are labels, and most images have others of their class that could be their neighbors."""
    if labels is None:
        return False
    _, place, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return bool((counts[place] > 2).mean() > 0.5)


def _row(title, score, labeled):
    accuracy = (f"{score.knn_layer:.1%}",) if labeled else ()
    return (title, *accuracy, f"{score.trustworthiness:.2f}", f"{score.continuity:.2f}")
