"""A network to draw for, in a frame of the notebook."""

from ..playground import page


def playground(net, images=None, labels=None, **options):
    """A page in which a small network answers while one draws; it needs no kernel once it is there.

    Parameters
    ----------
    net : Network, keras.Model, name or path
        A chain of convolution, pooling, dense, ReLU and softmax layers.
    images, labels, **options
        As of :func:`cnnlens.playground.pages.page`: ``at="task=4-9"`` opens it at a task, ``at="digit=4&unit=conv2/7"``
        at a digit and a unit.

    Returns
    -------
    Page
        Shows itself in a frame; ``save("playground.html")`` writes it as one file.

    Raises
    ------
    CnnlensError
        If the page cannot run this network; it names the layer.
    """
    return page(net, images, labels, **options)
