"""From what a user gives to an attribution: images and classes checked, a method run, its maps enlarged."""

import contextlib
import dataclasses

import numpy as np
import tensorflow as tf
from tqdm.auto import tqdm

from ...errors import CnnlensError, unknown
from ...labels import class_index
from ...network import Network
from ...results import sources
from ..classifier import as_image, classifier, lowered, name_of, opened, source_of
from .looking import BATCH, Look, NoGradient, slopes_for
from .methods import method_of, settings_of
from .result import Attribution

SCORES = ("auto", "logits", "probabilities")


def explain(
    net,
    images,
    label=None,
    method="gradcam",
    layer=None,
    seed=0,
    *,
    scores="auto",
    classes=None,
    source="",
    batch_size=BATCH,
    precision="auto",
    progress=True,
    on_step=None,
    **settings,
):
    """Which pixels of each image speak for a class.

    Parameters
    ----------
    net : Network, keras.Model, name, path or callable
        Occlusion and RISE also take any function from images (N, H, W, C) to probabilities (N, classes).
    images : array (N, H, W, C) or (H, W, C) in [0, 1], or photographs
        Fitted to the network's size and channels, with a warning that says so.
    label : str, int or sequence of N of them, optional
        The class; by default the most likely one of each image.
    method : {"gradient", "gradient_input", "smoothgrad", "integrated_gradients", "guided", "gradcam", "gradcam++", \
"hirescam", "occlusion", "rise"}
        Formula, paper, settings and sign of each stand in its own docstring: ``METHODS[method].compute``.
    layer : str, optional
        For the CAM family: the layer whose maps are weighed; by default the last one that gives maps with more than one
        position and lies on the way to the classes.
    seed : int
        The same seed gives the same maps.
    scores : {"auto", "logits", "probabilities"}
        What is explained; ``auto`` takes logits where gradients are taken and probabilities where images are hidden.
    classes : sequence of str, optional
        Names of the outputs of a function.
    source : str
        Where the images came from; photographs bring their own.
    batch_size : int
        Images, or copies of one, in a pass.
    precision : {"auto", "float32", "mixed_bfloat16"}
        What a network computes in while parts of images are hidden (occlusion, RISE); ``auto`` takes bfloat16 where it
        pays (:meth:`cnnlens.network.Network.lowered`): in VGG4 float32 takes one and a half times as long, and the maps
        agree with it by a correlation of
        at least 0.999. Gradients are always float32: those of bfloat16 agree by 0.96 to 0.99 only.
    progress : bool
        Show a bar when it takes more than two seconds.
    on_step : function (done, total), optional
        Called after each batch; what it raises ends the run.
    **settings
        Of the method, such as ``steps``, ``samples``, ``patch``, ``masks``.

    Returns
    -------
    Attribution

    Raises
    ------
    CnnlensError
        If there is no such method, setting, class or layer; the layer gives no map; no gradient flows to it; the images
        are no images in [0, 1] or hold NaN; or the network's answer does.

    Examples
    --------
    >>> import numpy as np
    >>> from cnnlens import attribution, zoo
    >>> net = zoo.load("lenet", weights="random")
    >>> found = attribution.explain(net, np.zeros((2, 28, 28, 1)), label=3)
    >>> found.maps.shape, found.layer, found.names, found.settings["scores"]
    ((2, 28, 28), 'pool2', ('3', '3'), 'logits')
    """
    net, how, precision = opened(net), method_of(method), lowered(net, precision)
    settings = settings_of(method, settings, seed)
    if scores not in SCORES:
        raise unknown("kind of scores", scores, SCORES)
    kind = how.scores if scores == "auto" else scores
    _refuse_unfit(net, method, how, layer)
    source = sources(net, images, source) if isinstance(net, Network) else source or source_of(net)
    pixels = _pixels(net, images)
    classes = classes or getattr(net, "classes", None)
    predict = classifier(net, logits=kind == "logits")
    labels = _labels(net, label, classes, len(pixels), lambda: predict(pixels[:1]).shape[1])
    slopes, layer = _slopes(net, how, layer, pixels.shape[1:], kind == "logits")
    total = len(pixels) * (1 + how.count(settings, pixels.shape[1:3]))
    with _told(total, progress and name_of(net), on_step) as tell:
        seen = Look(predict, slopes, batch_size, tell)(pixels, labels)
        if not np.isfinite(seen.scores).all():
            raise CnnlensError(f"{name_of(net)} answered NaN or infinity. Its weights are damaged: load others.")
        hiding = classifier(net, logits=kind == "logits", precision=precision)
        found = how.compute(seen, Look(hiding, slopes, batch_size, tell), **_own(how, settings))
    maps, gap = found if isinstance(found, tuple) else (found, None)
    explained = np.arange(len(pixels)), seen.labels
    asked = {"method": method, "layer": layer, "scores": kind, "label": label, "seed": seed}
    return Attribution(
        maps=enlarged(maps, pixels.shape[1:3]),
        images=pixels,
        labels=seen.labels.astype(int),
        scores=seen.scores[explained],
        probabilities=_probabilities(net, seen.scores, kind)[explained],
        method=method,
        layer=layer,
        signed=how.signed,
        classes=classes and tuple(classes),
        coarse=maps if how.asks == "layer" else None,
        gap=gap,
        source=source,
        settings={**asked, "precision": precision, **settings},
    )


def repeat(net, found, *, images=None, seed=None, progress=False):
    """The same attribution once more: of other images, with another seed, or of a network with other weights.

    Parameters
    ----------
    net : Network or callable
    found : Attribution
        Whose method, layer, classes and settings are taken.
    images : ndarray (N, H, W, C), optional
        Instead of its images; as many.
    seed : int, optional
        Instead of its seed.
    progress : bool

    Returns
    -------
    Attribution

    Examples
    --------
    >>> from cnnlens import attribution, zoo
    >>> net = zoo.load("lenet", weights="random")
    >>> found = attribution.explain(net, np.eye(28)[None, ..., None], 3, "smoothgrad", samples=4)
    >>> again, other = repeat(net, found), repeat(net, found, seed=1)
    >>> np.array_equal(again.maps, found.maps), np.array_equal(other.maps, found.maps)
    (True, False)
    """
    settings = {name: value for name, value in found.settings.items() if name != "label"}
    settings |= {"seed": seed} if seed is not None else {}
    images = found.images if images is None else images
    how = {"label": found.labels, "classes": found.classes, "source": found.source, "progress": progress}
    again = explain(net, images, **how, **settings)
    return dataclasses.replace(again, source=found.source)


def enlarged(maps, size):
    """Maps (N, h, w) at another height and width, bilinearly: float32.

    Examples
    --------
    >>> enlarged(np.array([[[0.0, 1.0]]]), (1, 4))
    array([[[0.  , 0.25, 0.75, 1.  ]]], dtype=float32)
    """
    if maps.shape[1:] == tuple(size):
        return np.float32(maps)
    return tf.image.resize(np.float32(maps)[..., None], size)[..., 0].numpy()


def last_map(net, shape, logits=True):
    """The last layer with maps of more than one position that lies on the way to the classes: its path.

    Parameters
    ----------
    net : Network
    shape : (int, int, int)
        Of an image.
    logits : bool
        Whether the slopes are those of logits.

    Raises
    ------
    CnnlensError
        If there is none.

    Examples
    --------
    >>> from cnnlens import zoo
    >>> last_map(zoo.load("lenet", weights="random"), (28, 28, 1))
    'pool2'
    """
    net = Network.of(net)
    for place in reversed(net.layers()):
        if place.is_map and max(place.shape[:2]) > 1:
            with contextlib.suppress(NoGradient):
                slopes_for(net, shape, layer=place.path, logits=logits)
                return place.path
    raise CnnlensError(
        f"{net.name} has no layer that gives maps with rows and columns on the way to its classes, so there is nothing "
        "for a class activation map to weigh. Choose a method that looks at the pixels, such as 'gradient'."
    )


def _refuse_unfit(net, method, how, layer):
    """Raise if the method cannot be had of this network, or a layer was named for a method that takes none."""
    if how.asks != "predictions" and not isinstance(net, Network):
        raise CnnlensError(
            f"method={method!r} takes gradients, so it needs a network that can be opened; {name_of(net)} is a "
            "function. method='occlusion' or 'rise' need predictions only."
        )
    if layer is not None and how.asks != "layer":
        raise CnnlensError(
            f"method={method!r} looks at the pixels, so it takes no layer. Leave layer={layer!r} away, or choose a "
            "method that weighs a layer's maps: 'gradcam', 'gradcam++' or 'hirescam'."
        )


def _pixels(net, images):
    """The images as the network sees them, or as a function gets them."""
    images = images.image if hasattr(images, "label") and hasattr(images, "image") else images  # one photograph
    if isinstance(net, Network):
        return net.prepare(images)
    images = images.batch() if hasattr(images, "batch") else images
    return np.stack([as_image(image) for image in (images if np.ndim(images) == 4 else [images])])


def _labels(net, label, classes, count, width):
    """The classes to explain, (count,) int32; -1 is the most likely one."""
    if label is None:
        return np.full(count, -1, np.int32)
    several = [label] * count if isinstance(label, str) or np.ndim(label) == 0 else list(label)
    if len(several) != count:
        raise CnnlensError(f"There are {count} images and {len(several)} labels; expected one label, or one an image.")
    outputs = getattr(net, "class_count", None) or width()  # which also raises if there is no classifier
    return np.int32([class_index(each, classes, outputs) for each in several])


def _slopes(net, how, layer, shape, logits):
    """What gives the slopes that a method asks for, and the layer that they are for."""
    if how.asks == "predictions":
        return None, None
    if how.asks == "pixels":
        return slopes_for(net, shape, logits=logits, guided=how.guided), None
    layer = layer or net.once(("last map", shape, logits), lambda: last_map(net, shape, logits))
    return slopes_for(net, shape, layer=net.layer(layer).path, logits=logits), layer


def _own(how, settings):
    return {name: value for name, value in settings.items() if name in how.defaults}


def _probabilities(net, scores, kind):
    """Probabilities (N, classes) from scores of either kind."""
    return net.probabilities(scores) if kind == "logits" and isinstance(net, Network) else scores


@contextlib.contextmanager
def _told(total, title, on_step):
    """A function that is told how many images are done, and shows it; a title asks for a bar."""
    done = 0
    with tqdm(total=total, desc=title or None, unit="image", delay=2, leave=False, disable=not title) as bar:

        def tell(count):
            nonlocal done
            done += count
            bar.total = max(bar.total, done)
            bar.update(count)
            if on_step:
                on_step(done, max(done, total))

        yield tell
