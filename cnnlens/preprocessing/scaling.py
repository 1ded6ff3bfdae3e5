"""Preprocessing as scale and shift of each channel, or as a function of the user."""

from dataclasses import dataclass

from .. import device  # noqa: F401  (sets TensorFlow's environment before it is imported)
import keras
import numpy as np


@dataclass(frozen=True)
class Preprocessing:
    """From pixels in [0, 1] to what the model was trained on: optional RGB→BGR, then ``x * scale + shift``.

    Attributes
    ----------
    scale, shift : tuple of float
        One a channel, in the model's channel order.
    flip : bool
        Whether the model wants BGR.
    """

    scale: tuple = (1.0,)
    shift: tuple = (0.0,)
    flip: bool = False

    def __call__(self, pixels):
        """Apply to an array or tensor (N, H, W, C) in [0, 1]; differentiable."""
        if self.flip:
            # Of a tensor, a slice that runs backwards is seven times as slow, and its gradient five times.
            pixels = pixels[..., ::-1] if isinstance(pixels, np.ndarray) else keras.ops.flip(pixels, -1)
        return pixels * np.float32(self.scale) + np.float32(self.shift)

    def zero(self):
        """The pixel values, one a channel, that the model gets as zeros: the average color of its training images."""
        values = -np.float32(self.shift) / np.float32(self.scale)
        return values[::-1] if self.flip else values

    @classmethod
    def measured(cls, function, channels=3, peak=255, size=(8, 8)):
        """Read scale, shift and flip off a function by showing it black and each channel at its peak.

        Parameters
        ----------
        function : callable
            From pixels (N, H, W, channels) in [0, ``peak``] to as many images, such as a ``preprocess_input`` of
            ``keras.applications``.
        channels : int
        peak : float
            White, as the function expects it.
        size : (int, int)
            Height and width of the images that it is shown.

        Returns
        -------
        Preprocessing or None
            None if the function does more than that, such as a gamma correction or a mean over the image.
        """
        probes = np.zeros((channels + 3, *size, channels), np.float32)
        probes[1:-2] = np.eye(channels)[:, None, None]
        probes[-2] = np.linspace(0.2, 0.7, channels)  # the last two test the answer: a plain color, and noise
        probes[-1] = np.random.default_rng(0).random(probes.shape[1:])
        answers = np.asarray(function(probes * np.float32(peak)))
        black, *colors = answers[:-2, answers.shape[1] // 2, answers.shape[2] // 2]  # no padding reaches the middle
        gains = np.float32(colors) - black
        flip = channels == 3 and abs(gains[0, 2]) > abs(gains[0, 0])
        scale = np.diag(gains[::-1] if flip else gains)
        found = cls(tuple(scale.tolist()), tuple(black.tolist()), bool(flip))
        expected = found(probes)[-2:]
        if answers.shape != probes.shape:  # padded or resized: the middle of the plain color must do
            expected, answers = ((x[-2:-1, x.shape[1] // 2, x.shape[2] // 2]) for x in (found(probes), answers))
        tolerance = 1e-3 * (np.abs(expected).max() + 1e-6)
        exact = np.allclose(expected, answers[-len(expected) :], rtol=1e-3, atol=tolerance)
        return found if exact and scale.all() else None


@dataclass(frozen=True)
class OwnPreprocessing(Preprocessing):
    """A user's function from pixels in [0, 1] that is more than a scale and a shift of each channel."""

    function: object = None

    def __call__(self, pixels):
        return self.function(pixels)

    def zero(self):
        return np.float32([0.5])  # mid-grey: which pixels the function turns into zeros is not known
