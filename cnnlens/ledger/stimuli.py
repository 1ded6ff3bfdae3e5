"""Test pictures of known shape, and how a unit's responses to them are summed up: the physiologist's way to a unit.

Every maker returns (O, K, size, size, 1) in [0, 1], float32: O directions evenly round the circle, K pictures of each.
Direction 0 is brighter to the right, a quarter turn is brighter to the top; ``flat`` and ``spots`` have no direction,
so O is 1. All shapes have the same contrast: the root of the mean square of their pixels' distance from mid grey is
:data:`CONTRAST`, so that none is favored for it. Gratings are plain waves from black to white. Repeat the last axis for
a color network.
"""

from dataclasses import dataclass

import numpy as np

from ..errors import CnnlensError

SHIFTS = (-1 / 6, 0.0, 1 / 6)  # where an edge may pass the middle, in widths of the picture: units need not be centered
NUDGES = (-1 / 12, 0.0, 1 / 12)  # the same for bars and disks, which would become edges if they came near the border
CONTRAST = 0.3  # the most that all can have: with pixels half inside a shape few pixels are far from grey
CLEARLY = 0.1  # how much stronger than to all other shapes a detector must respond to its own


# --- pictures -----------------------------------------------------------------------------------------------


def edges(size, orientations=16, shifts=SHIFTS):
    """A bright half-plane, turned all the way round: (orientations, shifts, size, size, 1)."""
    return _of_equal_contrast(
        _turned(size, orientations, 360, lambda across, along: [_step(across - shift * size) for shift in shifts])
    )


def corners(size, orientations=16, shifts=SHIFTS):
    """A bright or a dark quadrant, turned all the way round: (orientations, 2 · shifts², size, size, 1)."""

    def draw(across, along):
        sides = (across - along) / np.sqrt(2), (across + along) / np.sqrt(2)
        bright = [_step(sides[0] - i * size) * _step(sides[1] - j * size) for i in shifts for j in shifts]
        return bright + [1 - picture for picture in bright]

    return _of_equal_contrast(_turned(size, orientations, 360, draw))


def lines(size, orientations=8, shifts=NUDGES, widths=(0.2, 0.34)):
    """A bright or a dark bar across the whole picture: (orientations, 2 · shifts · widths, size, size, 1).

    Widths are in widths of the picture, at least one pixel; directions go half round, across the bar.
    """

    def draw(across, along):
        bright = [_step(max(width * size, 1) / 2 - abs(across - shift * size)) for shift in shifts for width in widths]
        return bright + [1 - picture for picture in bright]

    return _of_equal_contrast(_turned(size, orientations, 180, draw))


def spots(size, shifts=NUDGES, radii=(0.17, 0.24)):
    """A bright or a dark disk near the middle: (1, 2 · shifts² · radii, size, size, 1)."""
    x, y = _grid(size)
    bright = [
        _step(max(radius * size, 0.5) - np.hypot(x - i * size, y - j * size))
        for i in shifts
        for j in shifts
        for radius in radii
    ]
    return _of_equal_contrast([bright + [1 - picture for picture in bright]])


def flat(size):
    """All black and all white: (1, 2, size, size, 1)."""
    return _of_equal_contrast([[np.zeros((size, size)), np.ones((size, size))]])


def gratings(size, orientations=8, periods=(4, 8), phases=4):
    """Waves of brightness: (orientations, periods · phases, size, size, 1).

    Parameters
    ----------
    periods : sequence of float
        Pixels from crest to crest; at least 2.
    phases : int
        How many, evenly round.
    """
    if min(periods) < 2:
        raise CnnlensError(
            f"A grating of period {min(periods)} cannot be drawn in whole pixels. Give periods of at least 2."
        )

    def draw(across, along):
        return [
            0.5 + 0.5 * np.cos(2 * np.pi * (across / period + phase / phases))
            for period in periods
            for phase in range(phases)
        ]

    return np.asarray(_turned(size, orientations, 180, draw), np.float32)[..., None]


def phase_scrambled(images, seed=0):
    """Images with the same waves in other places: each wave keeps its strength and color, but not where its crests lie.

    What is left is the color and how much there is of edges of each direction and width; textures, parts and things are
    gone (Oppenheim and Lim 1981, "The importance of phase in signals"). Values outside [0, 1] are cut.

    Parameters
    ----------
    images : ndarray (N, H, W, C) in [0, 1]

    Returns
    -------
    ndarray (N, H, W, C) float32
    """
    images = np.asarray(images, np.float32)
    noise = np.random.default_rng(seed).normal(size=images.shape[:3])[..., None]
    turn = np.exp(1j * np.angle(np.fft.fft2(noise, axes=(1, 2))))
    turn[:, 0, 0] = 1  # the mean color stays
    return np.fft.ifft2(np.fft.fft2(images, axes=(1, 2)) * turn, axes=(1, 2)).real.clip(0, 1).astype(np.float32)


def _grid(size):
    """Pixels' middles, to the right and to the top of the picture's middle."""
    line = np.arange(size) - (size - 1) / 2
    return line[None], -line[:, None]


def _turned(size, orientations, circle, draw):
    x, y = _grid(size)
    angles = np.deg2rad(np.arange(orientations) * circle / orientations)
    return [draw(x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)) for angle in angles]


def _step(distance):
    """White inside, black outside; a pixel whose middle lies on the border is half of each."""
    return np.heaviside(np.round(distance, 6), 0.5)


def _of_equal_contrast(pictures):
    """Pictures (O, K, size, size) that all stray equally far from mid grey, with a last axis for the channel."""
    stray = np.asarray(pictures) - 0.5
    strong = np.sqrt((stray**2).mean((2, 3), keepdims=True))
    return (0.5 + CONTRAST * stray / strong).clip(0, 1).astype(np.float32)[..., None]


# --- what a unit responds to --------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Favorites:
    """Which shape each unit responds to most.

    Attributes
    ----------
    kinds : tuple of str
    strongest : ndarray (U, kinds)
        The strongest response to any picture of each kind.
    """

    kinds: tuple
    strongest: np.ndarray

    def detectors(self, kind, clearly=CLEARLY):
        """Units that respond to one kind more than to each other kind, by this fraction at least: (U,) bool."""
        own = self.strongest[:, self.kinds.index(kind)]
        others = np.delete(self.strongest, self.kinds.index(kind), 1).max(1)
        return (own > 0) & (own >= (1 + clearly) * others)


def favorites(responses):
    """Sum up responses to several kinds of pictures.

    Parameters
    ----------
    responses : dict of str to ndarray (..., U)
        By kind, the units' responses to its pictures, not negative (behind a ReLU).

    Returns
    -------
    Favorites
    """
    if len(responses) < 2:
        raise CnnlensError(f"A favorite needs at least two kinds of pictures to choose from; got {list(responses)}.")
    strongest = [np.asarray(found).reshape(-1, np.shape(found)[-1]).max(0) for found in responses.values()]
    return Favorites(tuple(responses), np.stack(strongest, 1))


@dataclass(frozen=True, eq=False)
class Tuning:
    """How a unit's response depends on direction.

    Attributes
    ----------
    curve : ndarray (O, U)
        The strongest response in each direction.
    selectivity : ndarray (U,)
        0 (all directions alike) to 1 (one only); 0 for a silent unit.
    preferred : ndarray (U,)
        Degrees, from 0 up to, not including, the circle.
    """

    curve: np.ndarray
    selectivity: np.ndarray
    preferred: np.ndarray


def tuning(responses, circle=180):
    """Selectivity for direction: the length of the mean direction, weighted by responses.

    This is one minus the circular variance.

    Ringach, Shapley and Hawken 2002, "Orientation selectivity in macaque V1: diversity and laminar dependence".

    Parameters
    ----------
    responses : ndarray (O, K, U)
        Not negative, to pictures of O directions evenly round the circle, at least three; of the K of a direction
        (places, phases, widths) the strongest counts.
    circle : {180, 360}
        Degrees after which the pictures repeat: 180 for gratings and lines, 360 for edges and corners.

    Returns
    -------
    Tuning
    """
    curve = np.asarray(responses).max(1)
    if len(curve) < 3:
        raise CnnlensError(f"A tuning curve needs at least three directions; got {len(curve)}.")
    around = np.exp(2j * np.pi * np.arange(len(curve)) / len(curve))
    total, mean = curve.sum(0), (curve * around[:, None]).sum(0)
    selectivity = np.divide(abs(mean), total, out=np.zeros(len(total)), where=total > 0)
    return Tuning(curve, selectivity, np.rad2deg(np.angle(mean)) % 360 * circle / 360 % circle)


def two_color_response(filters, pictures):
    """The fraction of its largest possible response that a linear unit gives to its best picture in two even colors.

    The largest possible response, counted from mid grey, is half the sum of all weights' sizes: each pixel of each
    channel black or white as the sign of its weight wants. A picture that says which of two colors a pixel has reaches
    less, the colors being the best two for it.

    Parameters
    ----------
    filters : ndarray (U, h, w, C)
    pictures : ndarray (..., h, w, 1)
        Brighter than mid grey where the first color is, darker where the second is; half of each where it is mid grey.

    Returns
    -------
    ndarray (U,)
        0 to 1; 0 for a filter of nothing but zeros.
    """
    weights = np.asarray(filters, float).reshape(len(filters), -1, np.shape(filters)[-1])
    layout = _step(np.asarray(pictures, float).reshape(-1, weights.shape[1]) - 0.5)
    first, second = (np.abs(np.einsum("np,upc->unc", part, weights)).sum(-1) for part in (layout, 1 - layout))
    largest = np.abs(weights).sum((1, 2))
    return np.divide((first + second).max(1), largest, out=np.zeros(len(weights)), where=largest > 0)


def phase_sensitivity(responses, scrambled, again):
    """How much units care for how an image's waves are put together, beyond what any new order of them changes.

    ``|real - scrambled| / (real + scrambled)``, less the same between two ways of scrambling. Near 0 for units that see
    color and edges alone; above 0 for those that see how edges belong together. Freeman et al. 2013, "A functional and
    perceptual signature of the second visual area in primates", tell V2 from V1 by it; unlike there the size of the
    change counts and not its sign, else units that respond less to the image cancel those that respond more.

    Parameters
    ----------
    responses, scrambled, again : ndarray (N, U)
        Not negative, to N images and to the same :func:`phase_scrambled` with two seeds.

    Returns
    -------
    ndarray (N,)
        The mean over units that respond at all, -1 to 1.
    """
    changed, by_chance = (np.abs(_modulation(each, scrambled)) for each in (responses, again))
    return _over_live(changed, responses, scrambled) - _over_live(by_chance, again, scrambled)


def phase_preference(responses, scrambled):
    """How much more units respond to an image than to the same waves in other places.

    The modulation index with its sign: ``(real - scrambled) / (real + scrambled)``, as Freeman et al. 2013 have it.

    Parameters
    ----------
    responses, scrambled : ndarray (N, U)
        As for :func:`phase_sensitivity`.

    Returns
    -------
    ndarray (N,)
        The mean over units that respond at all, -1 to 1.
    """
    return _over_live(_modulation(responses, scrambled), responses, scrambled)


def _modulation(one, other):
    total = np.asarray(one) + other
    return np.divide(np.asarray(one) - other, total, out=np.zeros(total.shape), where=total > 0)


def _over_live(index, one, other):
    return index.sum(1) / np.maximum((np.asarray(one) + other > 0).sum(1), 1)
