"""What a store holds as the lenses' own results, so that explorers and reports show it without computing it again."""

import numpy as np

from .. import fingerprints
from ..errors import CnnlensError, unknown
from ..lenses.deconvnet import Projection
from ..lenses.exemplars import Exemplars, field_box
from ..lenses.neurons import Optimized
from .store import Store, opened
from .units import STATUS, words_of


def of_network(path, net):
    """The store at a path, if it was made of this network.

    Parameters
    ----------
    path : path or Store
        Of the store, or of the folder that ``cnnlens microscope`` wrote it into.
    net : Network

    Raises
    ------
    CnnlensError
        If there is no store, or it is another network's.
    """
    store = path if isinstance(path, Store) else opened(path)
    made_of = store.plan["network"]
    named = net.like(net.model, classes=store.plan["classes"]) if net.classes is None else net  # as folders named them
    if made_of["fingerprint"] != fingerprints.of_network(named):
        raise CnnlensError(
            f"{store.path} was made of {made_of['name']} ({made_of['source']}), not of this {net.name} ({net.source}), "
            "or of the same with other weights or class names. Give the store of this network, or none."
        )
    return store


def number_of(store, path):
    """Where a layer stands in a store."""
    known = [layer.path for layer in store.plan.layers]
    if path not in known:
        raise unknown(f"layer in {store.path.name}", path, known)
    return known.index(path)


def _rows(store, path, units):
    """The number of a layer and of its units, if all of them are finished."""
    number, units = number_of(store, path), np.asarray(units)
    layer, there = store.plan.layers[number], store.sealed(number)
    bad = [unit for unit in units.tolist() if not 0 <= unit < layer.units or not there[unit]]
    if bad:
        raise CnnlensError(
            f"{store.path} holds no unit {bad[0]} of {path}: it is to hold units 0 to {layer.units - 1}, and "
            f"{there.sum()} of them are finished. Run the same cnnlens microscope again to finish it."
        )
    return number, units


def _read(store, number, name, units):
    return np.stack([store.read(number, name, unit, unit + 1)[0] for unit in units.tolist()])


def _source(store):
    return f"{store.plan['network']['source']}; read from a store of cnnlens microscope"


def optimized(store, path, units):
    """The images that were made for units of a layer, without the way to them.

    Returns
    -------
    Optimized
        Whose ``images`` are cut to what the unit sees, where that is little; ``history`` and ``snapshots`` are empty,
        and ``initial_color`` is NaN: they are not kept.
    """
    number, units = _rows(store, path, units)
    plan, layer = store.plan, store.plan.layers[number]
    images = _read(store, number, "made", units) / np.float32(255)
    return Optimized(
        images=images,
        units=units,
        names=tuple(f"unit {unit}" for unit in units),
        activation=_read(store, number, "reached", units),
        start=_read(store, number, "start", units),
        status=tuple(STATUS[code] for code in _read(store, number, "status", units)),
        evidence=tuple(words_of(row) for row in _read(store, number, "says", units)),
        initial_color=np.full((len(units), images.shape[-1]), np.nan, np.float32),
        layer=path,
        objective=plan["objective"],
        history=np.zeros((0, len(units)), np.float32),
        snapshots=np.zeros((0, *images.shape), np.float32),
        snapshot_steps=(plan["steps"],),
        source=_source(store),
        settings={"method": "fourier", "size": layer.made, "steps": plan["steps"], "seed": plan["seed"]},
    )


def exemplars(store, net, path, units):
    """The patches that activate units of a layer most.

    Returns
    -------
    Exemplars
        Without the images that they were cut from, which are not kept.
    """
    number, units = _rows(store, path, units)
    layer, place = store.plan.layers[number], net.layer(path)
    height, width, _ = store.plan["images"]["size"]
    flat = _read(store, number, "top_position", units)
    position = np.stack(np.divmod(flat.astype(int), layer.shape[1] if place.is_map else 1), -1)
    box = [[field_box(place, where, height, width) for where in row] for row in position]
    return Exemplars(
        units=units,
        activation=_read(store, number, "top_value", units),
        index=_read(store, number, "top_image", units),
        position=position,
        box=np.array(box),
        inside=_read(store, number, "inside", units),
        patches=_read(store, number, "patches", units) / np.float32(255),
        images={},
        layer=path,
        measure="peak",
        seen=store.plan.images,
        source=f"{_source(store)}; {store.plan['images']['source']}",
        settings={"layer": path, "k": store.plan.top, "measure": "peak"},
    )


def projection(store, path, unit):
    """What a deconvnet found in a unit's first patch; None where no ReLU stands between the image and the layer.

    Returns
    -------
    Projection or None
        Of the patch alone, as it is kept: in fractions of its largest value.
    """
    number, units = _rows(store, path, [unit])
    sent = _read(store, number, "sent", units)
    if np.isnan(sent[0]):
        return None
    patch = _read(store, number, "patches", units)[:, 0] / np.float32(255)
    return Projection(
        projection=_read(store, number, "projection", units) / np.float32(127),
        images=patch,
        activation=sent,
        position=np.full((1, 2), -1),
        box=np.array([[0, 0, *patch.shape[1:3]]]),
        layer=path,
        unit=int(unit),
        rectifiers=0,
        source=_source(store),
        settings={"layer": path, "unit": int(unit)},
    )
