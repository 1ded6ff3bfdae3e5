"""One convolution with random weights on a photograph (the dissertation's section 4.4.1)."""

from dataclasses import dataclass

import keras
import numpy as np

from ..errors import CnnlensError
from ..pixels import as_pixels
from ..results import Result


@dataclass(frozen=True, kw_only=True, eq=False)
class Convolved(Result):
    """A photograph after one untrained convolution.

    Attributes
    ----------
    image : ndarray (H, W, C) in [0, 1]
    kernels : ndarray (k, k, C, filters)
    maps : ndarray (h, w, filters)
    """

    image: np.ndarray
    kernels: np.ndarray
    maps: np.ndarray


def convolve(image, *, kernel=3, filters=3, relu=False, pool=1, seed=0, source="untrained convolution"):
    """What one convolution with random weights does to a photograph (section 4.4.1 of the dissertation).

    Weights are uniform with Glorot and Bengio's (2010) width, as Keras starts every convolution. A filter depends on
    the seed and its own number only, up to that width: with more filters the first ones stay.

    Parameters
    ----------
    image : array (H, W, C) in [0, 1]
    kernel : int
        Side of the kernel in pixels.
    filters : int
        How many.
    relu : bool
        Set what is negative to zero.
    pool : int
        Side of the max pooling that follows; 1 for none.
    seed : int
    source : str
        Of the photograph.

    Returns
    -------
    Convolved

    Raises
    ------
    CnnlensError
        If the kernel or the pooling is larger than what it moves over, or a number is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from cnnlens import convolution
    >>> convolution.convolve(np.zeros((20, 20, 3)), kernel=5, filters=2, pool=2).maps.shape
    (8, 8, 2)
    """
    pixels = as_pixels(image)[:1]
    side = min(pixels.shape[1:3])
    for name, number in (("kernel", kernel), ("filters", filters), ("pool", pool)):
        if int(number) != number or number < 1:
            raise CnnlensError(f"{name} is {number!r}; expected a whole number of at least 1.")
    if kernel + pool - 1 > side:
        raise CnnlensError(
            f"A kernel of {kernel} px and pooling of {pool} do not fit into an image of {side} px: make them smaller."
        )
    channels = pixels.shape[-1]
    width = np.sqrt(6 / (kernel * kernel * (channels + filters)))
    draw = [np.random.default_rng((seed, i)).uniform(-width, width, (kernel, kernel, channels)) for i in range(filters)]
    kernels = np.stack(draw, -1).astype(np.float32)
    maps = keras.ops.conv(pixels, kernels, padding="valid")
    if relu:
        maps = keras.ops.relu(maps)
    if pool > 1:
        maps = keras.ops.max_pool(maps, pool, pool)
    maps = keras.ops.convert_to_numpy(maps)[0]
    settings = dict(kernel=kernel, filters=filters, relu=relu, pool=pool, seed=seed)
    return Convolved(image=pixels[0], kernels=kernels, maps=maps, source=source, settings=settings)
