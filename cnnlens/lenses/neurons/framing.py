"""The size of images for a layer, how far they are disturbed, what happens at their borders, how many fit at once."""

import numpy as np

from ...errors import CnnlensError
from ...network import NOMINAL_SIZE
from .targets import whole_number

FINEST = 4  # px: units that see no more than this get textures without borders
COARSE = 12  # px: what is smaller would lose more by a shift of one pixel, or by a small turn, than it gains
SMALL = 64  # px: a network for images no larger than this is looked at in its own size
JITTER = 2  # px: its images are shifted by no more, as a position counts for much in them
FILLED = 5 / 7  # of the network's own image is enough for the thing that one unit of a deep layer looks for
STEEP = 0.25  # exponent by which slow waves are favored beyond 1/f for it; 0.5 drowns the thing in color
MEMORY = 1.5 * 2**30  # bytes that a batch may take for its activations and their gradients
LARGEST_BATCH = 32


def own_size(net):
    """The image size (height, width) that a network insists on, or a usual one.

    Examples
    --------
    >>> from cnnlens import zoo
    >>> own_size(zoo.load("lenet", weights="random"))
    (28, 28)
    """
    return net.size or (NOMINAL_SIZE, NOMINAL_SIZE)


def fitting_size(net, place, objective="mean"):
    """The image size (height, width) that a layer's receptive field calls for.

    A network for small images, and a layer that sees the whole image, get the network's own size; else half again the
    receptive field, which leaves room around the thing or for a texture to repeat, between 64 px and the network's
    size. The thing that the middle unit of a deep layer looks for fills less than the network's own image, as a unit
    depends but little on the outer parts of what it sees: there it is at most 5/7 of it. It is an odd multiple of the
    stride, so that a map padded to the same size has one position exactly in the middle.

    Examples
    --------
    >>> from cnnlens import zoo
    >>> net = zoo.load("lenet", weights="random")
    >>> fitting_size(net, net.layer("conv1"))
    (28, 28)
    """
    own = own_size(net)
    if not place.is_map or place.receptive_field is None or max(own) <= SMALL:
        return own
    size = tuple(int(min(most, max(64, -(-1.5 * field // 16) * 16))) for most, field in zip(own, place.receptive_field))
    if not deep_thing(net, place, objective):
        return size
    return tuple(_odd(min(side, FILLED * most), stride) for side, most, stride in zip(size, own, place.stride))


def _odd(side, stride):
    """The largest odd multiple of a stride within a side, at least the stride.

    Examples
    --------
    >>> _odd(160, 32), _odd(160, 16)
    (160, 144)
    """
    count = int(side // stride)
    return stride * max(1, count - 1 + count % 2)


def deep_thing(net, place, objective):
    """Whether one thing is asked for, not a texture, by units that see much of large images: what is deep.

    Examples
    --------
    >>> from cnnlens import zoo
    >>> net = zoo.load("lenet", weights="random")
    >>> deep_thing(net, net.layer("dense2"), "mean")
    False
    """
    if max(own_size(net)) <= SMALL:
        return False
    return not place.is_map or objective == "center" and max(place.receptive_field or own_size(net)) > SMALL


def checked_size(net, place, size, objective="mean"):
    """The size asked for as (height, width), if the layer can be had at it; by default what fits.

    Examples
    --------
    >>> from cnnlens import zoo
    >>> net = zoo.load("lenet", weights="random")
    >>> checked_size(net, net.layer("conv1"), 32), checked_size(net, net.layer("conv1"), None)
    ((32, 32), (28, 28))
    """
    if size is None:
        return fitting_size(net, place, objective)
    height, width = (whole_number("size", side) for side in (size if np.ndim(size) else (size, size)))
    if not place.is_map and net.size and (height, width) != net.size:
        own = "×".join(map(str, net.size))
        raise CnnlensError(
            f"Layer {place.path!r} has no map, so {net.name} reaches it at {own} px only, not {height}×{width}."
        )
    least = place.stride if place.stride and place.is_map else (1, 1)
    if height < least[0] or width < least[1]:
        raise CnnlensError(
            f"size={size} is smaller than one position of layer {place.path!r}. Give at least {max(least)}."
        )
    return height, width


def disturbance(net, place, objective, size):
    """How far to shift (pixels) and turn (radians) the images of a layer: in proportion to what one unit sees.

    A texture may be shifted all the way round, so that it leans on no border, but not in a network for small images,
    whose maps are little besides border; a thing has to stay in the middle.

    Examples
    --------
    >>> from cnnlens import zoo
    >>> net = zoo.load("lenet", weights="random")
    >>> disturbance(net, net.layer("conv1"), "mean", 28), disturbance(net, net.layer("dense1"), "mean", 28)
    ((2, 0.0), (1, 0.05))
    """
    field = min(min(place.receptive_field or (size, size)), size) if place.is_map else size
    turn = 0.0 if field < COARSE else 0.05  # turning resamples, which blurs what filters of a few pixels look for
    if place.is_map and objective == "mean":
        return JITTER if max(own_size(net)) <= SMALL else size // 2, turn
    return 0 if field < COARSE else max(1, field // 16), turn


def borders(place, objective):
    """What to do where units look over the border of the image at nothing, which draws lines into the finest textures.

    Units that see little get the image repeated for so many pixels (``pad``), and the rows and columns of the map that
    still look over the border are not counted (``rim``). For others the border does good: it is an edge where all else
    is even, from which a texture can begin to grow.

    Examples
    --------
    >>> from cnnlens import zoo
    >>> net = zoo.load("lenet", weights="random")
    >>> borders(net.layer("conv1"), "mean"), borders(net.layer("conv2"), "mean")
    ({'pad': (2, 2), 'rim': (0, 0)}, {})
    """
    axes = (place.rows, place.cols)
    if not place.is_map or None in axes or objective != "mean" or max(place.receptive_field) > FINEST:
        return {}
    return {
        "pad": tuple(-(-axis.field // 2 // axis.stride) * axis.stride for axis in axes),
        "rim": tuple(max(0, -(axis.start // axis.stride)) for axis in axes),
    }


def tactics(net, place, objective, side, settings):
    """Disturbance, borders and spectrum, as arguments of :class:`.How`.

    What is deep is written in slower waves than photographs: by 1/f alone a thing in the middle becomes a star of fine
    rays on grey, as the waves of all lengths meet in one point; with the power 1.25 it has parts and room around it.

    Examples
    --------
    >>> from cnnlens import zoo
    >>> net = zoo.load("lenet", weights="random")
    >>> from cnnlens.lenses.neurons import FourierSettings
    >>> tactics(net, net.layer("conv2"), "mean", 28, FourierSettings(robust=False))
    {'shift': 0, 'turn': 0.0}
    """
    shift, turn = disturbance(net, place, objective, side) if settings.robust else (0, 0.0)
    steep = {"steep": STEEP} if deep_thing(net, place, objective) else {}
    return {"shift": shift, "turn": turn, **borders(place, objective), **steep}


def fitting_batch(net, layer, height, width):
    """How many images of this size can be taken back through the network at once.

    Examples
    --------
    >>> from cnnlens import zoo
    >>> net = zoo.load("lenet", weights="random")
    >>> fitting_batch(net, "conv1", 28, 28), fitting_batch(net, "conv1", 2800, 2800)
    (32, 1)
    """
    own, values = own_size(net), 0
    for each in net.layers(all=True):
        values += int(np.prod(each.shape))
        if each.path == layer:
            break
    each_bytes = 3 * 4 * values * (height * width) / (own[0] * own[1])
    return int(np.clip(MEMORY / max(each_bytes, 1), 1, LARGEST_BATCH))
