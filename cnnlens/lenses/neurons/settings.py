"""What may be set for the two methods, beside what is asked for."""

from dataclasses import dataclass, fields, replace

from ...errors import CnnlensError, unknown

GREY = 6  # a grey map's texture needs so much longer a path: brightness alone does what three axes of color share


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What may be set for either method.

    Attributes
    ----------
    rate : float, optional
        Length of the first step, which shrinks linearly to nothing ("fourier"), or of each step ("pixels", 0.1). By
        default such that the whole path is as long, whatever the number of steps.
    color : bool, optional
        False makes grey images for a color network, to see shape alone.
    penalty : float
        λ times the squared norm of the image is taken off what is climbed (see :func:`.class_models`).
    precision : {"auto", "float32", "mixed_bfloat16"}
        What the network computes the ascent in. "auto" takes bfloat16 where the processor
        has it and the network gains from it (:meth:`cnnlens.network.Network.lowered`).
    """

    rate: float | None = None
    color: bool | None = None
    penalty: float = 0.0
    precision: str = "auto"


@dataclass(frozen=True, kw_only=True)
class FourierSettings(Settings):
    """Settings of the method "fourier".

    Attributes
    ----------
    robust : bool
        Disturb the images a little at each step.
    """

    robust: bool = True


@dataclass(frozen=True, kw_only=True)
class PixelSettings(Settings):
    """Settings of the method "pixels": the dissertation's regularizers.

    Attributes
    ----------
    decay : float
        Fraction of the way to grey at each step.
    blur, blur_every : float, int
        Standard deviation in pixels of a Gaussian blur each so many steps.
    """

    decay: float = 0.0
    blur: float = 0.0
    blur_every: int = 4


KINDS = {"fourier": FourierSettings, "pixels": PixelSettings}


def checked(net, method, settings):
    """The settings of a method, or the error that says what is wrong with them.

    Examples
    --------
    >>> from cnnlens import zoo
    >>> checked(zoo.load("lenet", weights="random"), "fourier", {"precision": "float32", "robust": False})
    FourierSettings(rate=None, color=None, penalty=0.0, precision='float32', robust=False)
    """
    names = [field.name for field in fields(KINDS[method])]
    for name in settings:
        if name not in names:
            raise unknown(f"setting of the method {method!r}", name, names)
    found = KINDS[method](**settings)
    if found.color and net.channels == 1:
        raise CnnlensError(f"{net.name} takes grey images, so no colored ones can be made for it. Leave color away.")
    return replace(found, penalty=float(found.penalty), precision=net.lowered(found.precision))


def with_rate(settings, usual, is_grey_texture):
    """The settings with a rate, of ``usual`` by default.

    Examples
    --------
    >>> with_rate(Settings(), 0.5, is_grey_texture=True).rate, with_rate(Settings(rate=0.1), 0.5, True).rate
    (3.0, 0.1)
    """
    if settings.rate is not None:
        return settings
    return replace(settings, rate=float(usual) * (GREY if is_grey_texture else 1))
