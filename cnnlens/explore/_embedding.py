"""The explorer of t-SNE maps: a page with hover, filters, lasso and a slider through layers, epochs or perplexities."""

from ..figures.interactive import interactive
from ..lenses import film
from ..lenses.embedding import Embedding, tsne
from ..network import Network


def embedding(what, images, layers=None, *, answers=None, notes=None, **settings):
    """Explore a map, a sequence of maps, or a network's layers.

    Parameters
    ----------
    what : Embedding, EmbeddingSequence or Network
        A finished map or sequence costs nothing more; of a network the layers are mapped first.
    images : array (N, H, W, C)
    layers : str or sequence of str, optional
        For a network: one layer, or several to slide through; the last but one by default.
    answers, notes : optional
        As for :func:`cnnlens.figures.interactive.interactive`.
    **settings
        For a network: labels, classes, seed, perplexity and others of :func:`cnnlens.embedding.tsne`.

    Returns
    -------
    Page
        Shows itself when it ends a cell; works without a kernel, and from a saved file.
    """
    if not isinstance(what, (Embedding, film.EmbeddingSequence)):
        net = Network.of(what)
        layers = layers or [layer.path for layer in net.layers()][-2:][0]
        answers = answers or net.classes
        maps = tsne if isinstance(layers, str) else film.through_layers
        what = maps(net, images, layers, **settings)
    return interactive(what, images, answers=answers, notes=notes)
