"""How much each part looks at, by profile; a part is made at ``quick`` first, and at ``full`` where there is time."""

from ..errors import unknown

SIZES = {
    "quick": {
        "images": {"most": 1000, "pixels": 12_000_000},
        "network": {"most": 256, "pixels": 2_500_000},
        "answers": {"mistakes": 8},
        "activations": {"layers": 6, "units": 8, "images": 1},
        "units": {"layers": 3, "units": 6, "patches": 6, "steps": 48, "side": 96},
        "embedding": {"layers": 2, "most": 500, "values": 40_000_000},
        "attribution": {"images": 4, "methods": ("gradcam",)},
        "reliance": {"most": 600},
        "superpixels": {"images": 2, "samples": 192, "count": 40},
    },
    "full": {
        "images": {"most": 10_000, "pixels": 120_000_000},
        "network": {"most": 2000, "pixels": 25_000_000},
        "answers": {"mistakes": 24},
        "activations": {"layers": 10, "units": 10, "images": 2},
        "units": {"layers": 8, "units": 8, "patches": 9, "steps": 64, "side": 160},
        "embedding": {"layers": 5, "most": 3000, "values": 200_000_000},
        "attribution": {"images": 4, "methods": ("gradcam", "integrated_gradients", "occlusion")},
        "reliance": {"most": 5000},
        "superpixels": {"images": 6, "samples": 512, "count": 50},
    },
}


def of(profile):
    """The sizes of a profile, by part.

    Raises
    ------
    CnnlensError
        If there is no such profile.
    """
    if profile not in SIZES:
        raise unknown("profile", profile, SIZES)
    return SIZES[profile]


def most_images(profile, size):
    """How many images of this height and width are read.

    Examples
    --------
    >>> most_images("quick", (28, 28)), most_images("quick", (224, 224))
    (1000, 239)
    """
    limits = of(profile)["images"]
    return min(limits["most"], max(50, limits["pixels"] // (size[0] * size[1])))
