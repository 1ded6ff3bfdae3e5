"""Explore what one untrained convolution does to a photograph (section 4.4.1 of the dissertation)."""

from ..figures import convolution as figures
from ..lenses.convolution import convolve
from ..pixels import as_pixels
from .base import Explorer, Frame
from .controls import Number, Toggle


def convolution(image, *, source="", kernel=3, filters=3, seed=0):
    """A widget with the kernel's size, the number of filters, ReLU and pooling by slider.

    Parameters
    ----------
    image : array (H, W, C) in [0, 1]
    source : str
        Of the photograph.
    kernel, filters, seed : int
        What is shown first.

    Returns
    -------
    Explorer
    """
    pixels = as_pixels(image)[0]
    controls = [
        Number("kernel", 1, 15, kernel),
        Number("filters", 1, 11, filters),
        Toggle("relu"),
        Number("pool", 1, 8, 1),
        Number("seed", 0, 20, seed),
    ]

    def draw(values, _):
        result = convolve(pixels, source=source, **values)
        return Frame(figures.raster(result, 170, columns=3), figures.words(result))

    return Explorer(controls, draw, source=f"untrained filters; {source}" if source else "untrained filters")
