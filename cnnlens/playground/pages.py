"""The page itself: what it needs as data, and the files of ``templates/`` joined into one."""

import base64
import functools
import json
import re
import zlib
from pathlib import Path

import jinja2
import numpy as np

from ..errors import CnnlensError
from ..figures.interactive import Page
from .chains import chain as read
from .gallery import class_name, gather

TEMPLATES = Path(__file__).with_name("templates")
MODULES = (  # in this order: what a file needs stands before it
    *("words", "arrays", "sums", "network", "colors", "drawing", "framing", "address"),
    *("pad", "layers", "answer", "unit", "challenge", "main"),
)
HEIGHT = 1160  # px, in a notebook: the drawing, and the task under it
FRAMED = 28  # px: digits of this size are framed as MNIST frames them
ADDRESS = re.compile(r"(\w+=[^=&]*(&\w+=[^=&]*)*)?")


def page(net, images=None, labels=None, *, source="", at="", steps=64, seed=0, progress=True):
    """A page in which a network answers while one draws.

    Parameters
    ----------
    net : Network, keras.Model, name or path
        A small chain of convolution, pooling, dense, ReLU and softmax layers (:func:`.chains.chain`).
    images : array (N, H, W, C) in [0, 1], optional
        Images to begin with, and among which each unit's best are sought; by default MNIST's or CIFAR-10's test images,
        or what stands in for them.
    labels : sequence of N int or str, optional
        Their classes, by number or name.
    source : str
        Where the images came from.
    at : str
        What the page opens at, as in its address: ``"digit=4&unit=conv2/7"``, ``"task=4-9"``.
    steps : int
        Of the ascent to what each unit looks for; 0 leaves that out, and with it most of the time.
    seed : int
    progress : bool
        Show bars.

    Returns
    -------
    Page
        Shows itself in a frame when it ends a cell; ``save(path)`` writes it as one file.

    Raises
    ------
    CnnlensError
        If the page cannot run this network, with the layer that stands in its way; or for an address that is none.
    """
    if not ADDRESS.fullmatch(at):
        raise CnnlensError(f"at is {at!r}. Expected pairs such as 'digit=4&unit=conv2/7' or 'task=4-9'.")
    steps_of = read(net)
    found = gather(steps_of, images, labels, source=source, steps=steps, seed=seed, progress=progress)
    arrays, weights = _arrays(steps_of, found)
    packed, table = pack(arrays)
    told = {**_told(steps_of, found), "steps": _steps(steps_of, weights), "arrays": table, "at": at}
    name = title(steps_of.net)
    filled = _template().render(
        name=name,
        net=steps_of.net,
        source=told["source"],
        digits=is_framed(steps_of),
        styles=_text("playground.css"),
        script=script(),
        told=_json(told),
        packed=packed,
    )
    alt = f"A page to draw for {name}: it answers as one draws, and shows every layer and unit."
    return Page(filled, alt, HEIGHT)


def title(net):
    """A network's name as a title: our own two as the papers write them."""
    return {"lenet": "LeNet", "vgg4": "VGG4"}.get(net.name, net.name)


def is_framed(chain):
    """Whether what is drawn is a digit, to be framed as MNIST frames digits."""
    return chain.shape == (FRAMED, FRAMED, 1)


def _told(chain, found):
    """What the page is told of the network and the images, as plain numbers and words."""
    net = chain.net
    return {
        "name": title(net),
        "source": "; ".join([net.source, found.source]),
        "shape": chain.shape,
        "framed": is_framed(chain),
        "classes": [class_name(net, i) for i in range(net.class_count)],
        "labels": found.labels,
        "picks": found.picks,
        "expected": found.expected.round(7).tolist(),
        "layers": [_layer(chain, layer, found.layers[layer.path]) for layer in chain.layers],
    }


def _layer(chain, layer, room):
    axes = [None if axis is None else [axis.start, axis.stride, axis.field] for axis in (layer.rows, layer.cols)]
    return {
        "path": layer.path,
        "kind": layer.kind,
        "shape": layer.shape,
        "axes": None if None in axes or not layer.is_map else axes,
        "last": layer.path == chain.layers[-1].path,
        "scale": room.scale,
        "signed": room.signed,
        "dead": room.dead,
        "best": room.best,
        "boxes": room.boxes,
    }


def _arrays(chain, found):
    """All arrays of a page by name, and the names of each step's weights."""
    arrays, names = {}, []
    for number, step in enumerate(chain.steps):
        names.append({name: f"{number} {name}" for name in step.weights})
        arrays |= {f"{number} {name}": values for name, values in step.weights.items()}
    arrays["images"] = found.images
    made = {path: room.portraits for path, room in found.layers.items() if room.portraits is not None}
    arrays |= {f"portraits {path}": portraits for path, portraits in made.items()}
    return arrays, names


def _steps(chain, names):
    return [
        {"kind": step.kind, "layer": step.layer, "shape": step.shape, **step.settings, "weights": named}
        for step, named in zip(chain.steps, names)
    ]


def pack(arrays):
    """Arrays as text: all their bytes in a row, compressed, in base64.

    Parameters
    ----------
    arrays : dict of str to ndarray
        float32 or uint8; those of float32 come first, so that each begins at a multiple of four bytes.

    Returns
    -------
    text : str
    table : dict of str to list
        By name: the type, the first byte, the shape.
    """
    kinds = {np.dtype(np.float32): "float32", np.dtype(np.uint8): "uint8"}
    ordered = sorted(arrays.items(), key=lambda pair: pair[1].dtype == np.uint8)
    table, parts, place = {}, [], 0
    for name, values in ordered:
        content = values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
        table[name] = [kinds[values.dtype], place, list(values.shape)]
        parts.append(content)
        place += len(content)
    return base64.b64encode(zlib.compress(b"".join(parts), 9)).decode("ascii"), table


def _json(told):
    """JSON that can stand inside a page whatever words it holds."""
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def script():
    """The modules of ``templates/`` as one script.

    Each is a module of JavaScript that says what it imports; a page that is one file cannot import files, so they are
    joined in their order, without the words ``import`` and ``export``.
    """
    return "\n".join(joined(_text(f"{name}.js")) for name in MODULES)


def joined(text):
    """A module's text without its imports and without the word export."""
    text = re.sub(r"^import\b[^;]*;\n", "", text, flags=re.M)
    return re.sub(r"^export (?=(async |)(function|class|const|let)\b)", "", text, flags=re.M)


@functools.cache
def _template():
    return jinja2.Environment(loader=jinja2.PackageLoader(__package__), autoescape=True).get_template("playground.html")


def _text(name):
    return (TEMPLATES / name).read_text(encoding="utf-8")
