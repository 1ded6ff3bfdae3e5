"""Fingerprints: whether a network, images or code are those from which something was made."""

import functools
import hashlib
import json
import platform
import re
from importlib import metadata
from pathlib import Path

import numpy as np

DIGITS = 20


def digest(*parts):
    """A fingerprint of texts, bytes and arrays: hexadecimal digits of a SHA-256.

    Examples
    --------
    >>> digest("a", "b") == digest("ab")
    False
    >>> digest(np.zeros(2)) == digest(np.zeros(2, np.float32))
    False
    """
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            found.update(f"{part.dtype}{part.shape}".encode())
            part = np.ascontiguousarray(part).astype("S") if part.dtype.kind == "U" else np.ascontiguousarray(part)
            found.update(part.tobytes())
        else:
            part = part if isinstance(part, bytes) else str(part).encode()
            found.update(str(len(part)).encode() + part)
    return found.hexdigest()[:DIGITS]


def of_network(net):
    """A fingerprint of a network: its weights, its architecture, and how it is fed and read."""
    try:
        architecture = _unnamed(json.dumps(net.model.get_config(), sort_keys=True, default=str))
    except NotImplementedError:  # a subclass that says nothing of how it is built
        architecture = type(net.model).__name__
    weights = [np.asarray(weight) for weight in net.model.weights]
    read = (net.name, net.source, net.classes, net.size, net.channels, net.fit, net.output, net.scores)
    return digest(architecture, read, repr(net.preprocessing), *weights)


def _unnamed(config):
    """An architecture without its layers' names: Keras counts them on, so that a second copy has others.

    Examples
    --------
    >>> _unnamed('[{"name": "relu_1"}, {"name": "relu_2", "after": "relu_1"}]')
    '[{"name": "#0"}, {"name": "#1", "after": "#0"}]'
    """
    for number, name in enumerate(dict.fromkeys(re.findall(r'"name": "([^"]+)"', config))):
        config = config.replace(f'"{name}"', f'"#{number}"')
    return config


def of_code():
    """A fingerprint of all code of cnnlens: a part that other code has made is made again."""
    here = Path(__file__).parent
    return digest(*(path.read_bytes() for path in sorted(here.rglob("*")) if path.suffix in (".py", ".html", ".js")))


@functools.cache
def of_environment():
    """What computes: versions by name, and the code of cnnlens, so that two machines can be told apart.

    Examples
    --------
    >>> list(of_environment())
    ['Python', 'cnnlens', 'keras', 'tensorflow', 'numpy', 'code of cnnlens']
    """
    from . import __version__

    others = {name: metadata.version(name) for name in ("keras", "tensorflow", "numpy")}
    python = ".".join(platform.python_version_tuple()[:2])
    return {"Python": python, "cnnlens": __version__, **others, "code of cnnlens": of_code()}
