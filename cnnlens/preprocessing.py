"""What a network is fed: from pixels in [0, 1] to the values that the model was trained on."""

from dataclasses import dataclass

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
            pixels = pixels[..., ::-1]
        return pixels * np.float32(self.scale) + np.float32(self.shift)

    def zero(self):
        """The pixel values, one a channel, that the model gets as zeros: the average color of what it was trained on."""
        values = -np.float32(self.shift) / np.float32(self.scale)
        return values[::-1] if self.flip else values

    @classmethod
    def measured(cls, function):
        """Read the three numbers off a ``keras.applications`` ``preprocess_input`` by showing it black and colours."""
        probes = np.zeros((4, 1, 1, 3), np.float32)
        probes[1:, 0, 0] = 255 * np.eye(3)
        answers = np.asarray(function(probes.copy()))[:, 0, 0]
        gains = answers[1:] - answers[0]
        flip = abs(gains[0, 2]) > abs(gains[0, 0])
        return cls(tuple(np.diag(gains[::-1] if flip else gains).tolist()), tuple(answers[0].tolist()), bool(flip))


def chosen(model, pixels="auto"):
    """The preprocessing of a model, and a sentence that says how it was come by."""
    ranges = {"auto": Preprocessing(), "0-1": Preprocessing(), "-1-1": Preprocessing((2.0,), (-1.0,))}
    ranges["0-255"] = Preprocessing((255.0,), (0.0,))
    return ranges[pixels], "" if pixels == "auto" else f"pixels {pixels}"


def check(net, images):
    """Whether the images are fed to the network as it was trained."""
    raise NotImplementedError
