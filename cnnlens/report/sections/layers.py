"""The network's layers: what stands in the file, and how the network was opened."""

import numpy as np

from ...preprocessing import Preprocessing
from ...zoo.saved import named_layers
from ..parts import Part, Table

TITLE = "The network's layers"
SHOWS = (
    "Every layer that computes something, in the order of the forward pass: its path, kind, the shape of its output "
    "for one image, its weights, and its receptive field, which is how much of the image one position sees."
)
HEADER = ("layer", "kind", "output", "weights", "receptive field")


def make(subject, sizes):
    """The Part; of a network that cannot be opened, the layers that its file names."""
    if subject.net is None:
        return _from_the_file(subject)
    net = subject.net
    layers = net.layers()
    rows = tuple((each.path, each.kind, _times(each.shape), f"{each.params:,}", _field(each)) for each in layers)
    size = "any size" if net.size is None else f"{net.size[0]}×{net.size[1]} px"
    numbers = (
        ("parameters", f"{net.model.count_params():,}"),
        ("layers that compute", f"{len(layers)}"),
        ("images", f"{size}, {net.channels} channel{'s' * (net.channels != 1)}"),
        ("classes", "none: it is no classifier" if net.class_count is None else f"{net.class_count:,}"),
        ("fed with", _fed(net.preprocessing)),
    )
    notes = tuple(filter(None, (*subject.label_notes, _unreadable(subject.folder))))
    table = Table(f"The {len(layers)} layers of {net.name}", HEADER, rows)
    return Part(
        name="layers", title=TITLE, shows=SHOWS, numbers=numbers, tables=(table,), notes=notes, source=subject.source
    )


def _fed(preprocessing):
    """What becomes of black and white pixels before the network sees them, in words."""
    if not isinstance(preprocessing, Preprocessing):
        return "a function of its own"
    low, high = np.broadcast_arrays(preprocessing.shift, np.add(preprocessing.scale, preprocessing.shift))
    each = sorted({f"{black:.4g} to {white:.4g}" for black, white in zip(low, high)})
    order = ", blue before red" if preprocessing.flip else ""
    return f"values from {' or '.join(each)}{order}"


def _times(shape):
    return "×".join(map(str, shape))


def _field(layer):
    field = layer.receptive_field
    return "not known" if field is None else f"{field[0]}×{field[1]} px"


def _unreadable(folder):
    if not folder.unreadable:
        return ""
    names = "; ".join(f"{path} ({why})" for path, why in folder.unreadable[:5])
    more = f"; and {len(folder.unreadable) - 5} more" if len(folder.unreadable) > 5 else ""
    return f"{len(folder.unreadable)} pictures could not be read and were skipped: {names}{more}."


def _from_the_file(subject):
    """What the file says of its layers, read as text: no code of it is run."""
    rows = tuple((name, kind) for name, kind, _ in named_layers(subject.model))
    if not rows:
        subject.opened()
    table = Table(f"The layers that {subject.name} names", ("layer", "kind"), rows)
    return Part(
        name="layers",
        title=TITLE,
        shows="The network could not be opened, so this is what its file names, not what it computes.",
        tables=(table,),
        notes=tuple(filter(None, (_unreadable(subject.folder),))),
        source=subject.source,
    )
