"""Which layers and units a report looks at, and how results become figures."""

import numpy as np

from ...figures import painter_of
from ..parts import Figure

PASSING = ("Activation", "ReLU", "Softmax", "BatchNormalization", "LayerNormalization", "GroupNormalization")


def weighted(net):
    """Layers that have learned to look for something: those with weights that are no normalization."""
    found = [layer for layer in net.layers() if layer.params and layer.kind not in PASSING]
    return found or list(net.layers())


def spread(layers, count):
    """So many of the layers, as evenly over the depth as can be, the first and the last among them.

    Examples
    --------
    >>> spread("abcdefg", 3)
    ['a', 'd', 'g']
    """
    places = np.linspace(0, len(layers) - 1, min(count, len(layers))).round().astype(int)
    return [layers[place] for place in np.unique(places)]


def drawn(result):
    """The figure of a result, as its painter draws it."""
    return Figure.of(*painter_of(type(result))(result))


def listed(names, most=6):
    """Names with commas between, cut where they are too many."""
    names = list(map(str, names))
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
