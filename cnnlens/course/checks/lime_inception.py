"""The exercises of lesson 08."""

import numpy as np

from ..exercise import exercise


def _hidden():
    from ...lenses import superpixels

    image = np.random.default_rng(0).random((8, 12, 3)).astype(np.float32)
    quarters = superpixels.segment(image, "grid", 4)
    uneven = np.minimum(np.arange(12)[None] // 3 + np.arange(8)[:, None] // 5, 4)
    return {
        "four superpixels, the last one hidden": (image, quarters, np.array([True, True, True, False])),
        "the first one hidden": (image, quarters, np.array([False, True, True, True])),
        "superpixels of different sizes": (image, uneven, np.array([True, False, True, False, True])),
        "nothing hidden": (image, quarters, np.ones(4, bool)),
        "everything hidden": (image, quarters, np.zeros(4, bool)),
        "a grey image": (image[..., :1], quarters, np.array([False, True, False, True])),
    }


@exercise(_hidden)
def hide(image, segments, mask):
    """The image with superpixels under their mean color, as LIME's perturbations have it."""
    from ...lenses import superpixels

    return superpixels.perturb(image, superpixels.filling(image, segments, "mean"), segments, mask[None])[0]


def _samples():
    from ...lenses import masks, surrogate

    generator = np.random.default_rng(0)
    shown = masks.random(60, 5, 0).astype(float)
    exact = shown @ np.array([0.3, -0.2, 0.0, 0.1, 0.05]) + 0.2
    noisy = exact + generator.normal(0, 0.1, 60)
    curved = np.where(shown[:, 0] * shown[:, 1] > 0, 0.9, 0.1)
    near = surrogate.proximity_kernel(masks.random(60, 5, 0))
    return {
        "scores that are a sum of superpixels": (shown, exact, np.ones(60)),
        "noisy scores": (shown, noisy, np.ones(60)),
        "masks near the whole image counting more": (shown, noisy, near**4),
        "two superpixels that act only together": (shown, curved, near),
    }


@exercise(_samples, tolerance=1e-3)
def weighted_regression(masks, scores, proximity):
    """Scikit-learn's."""
    from sklearn.linear_model import LinearRegression

    return LinearRegression().fit(masks, scores, sample_weight=proximity).coef_
