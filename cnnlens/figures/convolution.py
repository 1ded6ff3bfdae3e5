"""Pictures of one untrained convolution."""

from ..lenses.convolution import Convolved
from ..results import painter
from . import base
from .activations import enlarged, fitted, scale

COLUMNS = 4


def raster(result, side=224, columns=COLUMNS):
    """The photograph and each filter's map beside it: ndarray (H, W, 3) uint8."""
    low, high, cmap = scale(result.maps)
    height, width, filters = result.maps.shape
    tall, wide = result.image.shape[:2]
    parts = [base.titled(enlarged(result.image, side), f"photograph\n{wide}×{tall} px", size=12)]
    for i in range(filters):
        one = result.maps[..., i]
        picture = fitted(base.colored(one, low, high, cmap), side)
        reach = f"{one.min():.2g} to {one.max():.2g}".replace("-", "−")  # red and blue are told apart in words too
        parts.append(base.titled(picture, f"filter {i}: {width}×{height} px\n{reach}", size=12))
    rows = [base.row(*parts[i : i + columns], gap=10) for i in range(0, len(parts), columns)]
    zero = "white is 0" if cmap == base.SIGNED else ""
    return base.stack(*rows, base.scale_bar(float(low), float(high), cmap=cmap, words=zero))


def words(result):
    """What was done and what is left, in numbers."""
    done = result.settings
    steps = [f"a {done['kernel']}×{done['kernel']} convolution with {done['filters']} untrained filters"]
    steps += ["ReLU"] if done["relu"] else []
    steps += [f"max pooling {done['pool']}×{done['pool']}"] if done["pool"] > 1 else []
    pixels = result.maps.shape[0] * result.maps.shape[1]
    before = result.image.shape[0] * result.image.shape[1]
    said = ", then ".join(steps)
    return (
        f"{said[0].upper()}{said[1:]}: {pixels:,} of {before:,} positions left ({pixels / before:.0%}); "
        f"{(result.maps == 0).mean():.0%} of the activations are zero, {(result.maps < 0).mean():.0%} negative."
    )


@painter(Convolved)
def convolved(result):
    """One untrained convolution as (Figure, alternative text)."""
    note = words(result)
    fig = base.raster_figure(raster(result), title="One untrained convolution", note=note, source=result.source)
    return fig, note
