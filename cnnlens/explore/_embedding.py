"""The explorer of t-SNE maps: a page with hover, filters, lasso and a slider through layers, epochs or perplexities."""

from ..figures.interactive import interactive
from ..lenses import film
from ..lenses.embedding import tsne
from ..network import Network


def embedding(what, images, layers=None, *, labels=None, classes=None, answers=None, notes=None, **how):
    """Explore a map, a film, or a network's layers.

    Parameters
    ----------
    what : Map, Film or Network
        A finished map or film costs nothing more; of a network the layers are mapped first.
    images : array (N, H, W, C)
    layers : str or sequence of str, optional
        For a network: one layer, or several to slide through; the last but one by default.
    labels, classes : optional
        For a network, as for :func:`cnnlens.embedding.tsne`.
    answers, notes : optional
        As for :func:`cnnlens.figures.interactive.interactive`.
    **how
        More settings of :func:`cnnlens.embedding.tsne`.

    Returns
    -------
    Page
        Shows itself when it ends a cell; works without a kernel, and from a saved file.
    """
    if isinstance(what, Network):
        shown = [layer.path for layer in what.layers()]
        layers = layers or shown[-2:][0]
        answers = answers or what.classes
        if isinstance(layers, str):
            what = tsne(what, images, layers, labels=labels, classes=classes, **how)
        else:
            what = film.through_layers(what, images, layers, labels=labels, classes=classes, **how)
    return interactive(what, images, answers=answers, notes=notes)
