"""Checks of the exercises in lesson 08."""

import numpy as np

from ..exercise import compare, exercise


@exercise("hide")
def hide(answer):
    """A function (image (H, W, C), segments (H, W), mask (K,)) -> image with superpixels under their mean color."""
    from ...lenses import superpixels

    def reference(image, segments, mask):
        return superpixels.perturb(image, superpixels.filling(image, segments, "mean"), segments, mask[None])[0]

    generator = np.random.default_rng(0)
    image = generator.random((8, 12, 3)).astype(np.float32)
    quarters = superpixels.segment(image, "grid", 4)
    uneven = np.minimum(np.arange(12)[None] // 3 + np.arange(8)[:, None] // 5, 4)
    cases = [
        ("four superpixels, the last one hidden", (image, quarters, np.array([True, True, True, False]))),
        ("the first one hidden", (image, quarters, np.array([False, True, True, True]))),
        ("superpixels of different sizes", (image, uneven, np.array([True, False, True, False, True]))),
        ("nothing hidden", (image, quarters, np.ones(4, bool))),
        ("everything hidden", (image, quarters, np.zeros(4, bool))),
        ("a grey image", (image[..., :1], quarters, np.array([False, True, False, True]))),
    ]
    return compare(_untouching(answer), reference, cases)


@exercise("weighted_regression")
def weighted_regression(answer):
    """A function (masks (M, K), scores (M,), proximity (M,)) -> weights (K,), against scikit-learn's regression."""
    from sklearn.linear_model import LinearRegression

    from ...lenses import masks, surrogate

    def reference(shown, scores, weight):
        return LinearRegression().fit(shown, scores, sample_weight=weight).coef_

    generator = np.random.default_rng(0)
    shown = masks.random(60, 5, 0).astype(float)
    exact = shown @ np.array([0.3, -0.2, 0.0, 0.1, 0.05]) + 0.2
    noisy = exact + generator.normal(0, 0.1, 60)
    curved = np.where(shown[:, 0] * shown[:, 1] > 0, 0.9, 0.1)
    near = surrogate.proximity_kernel(masks.random(60, 5, 0))
    cases = [
        ("scores that are a sum of superpixels", (shown, exact, np.ones(60))),
        ("noisy scores", (shown, noisy, np.ones(60))),
        ("masks near the whole image counting more", (shown, noisy, near**4)),
        ("two superpixels that act only together", (shown, curved, near)),
    ]
    return compare(answer, reference, cases, tolerance=1e-3)


def _untouching(answer):
    """The learner's function on copies, so that one that writes into its arguments cannot change the next case."""
    return lambda *arguments: answer(*(np.array(argument) for argument in arguments))
