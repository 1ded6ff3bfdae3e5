"""Checks of the exercises in lesson 10."""

import numpy as np

from ..exercise import compare, exercise


@exercise("cover")
def cover(answer):
    """A function (score, image (H, W, C), patch) -> how the score falls under each square (H, W)."""
    from ...lenses import attribution

    def reference(score, image, patch):
        def network(images):
            return np.stack([score(images), 1 - score(images)], 1)

        how = {"patch": patch, "stride": patch, "fill": "grey", "progress": False}
        return attribution.explain(network, image, 0, "occlusion", **how).maps[0]

    generator = np.random.default_rng(0)
    image = generator.random((8, 12, 3)).astype(np.float32)
    weights = generator.normal(0, 0.01, (8, 12, 3))

    def left(images):
        return np.asarray(images)[:, :, :6].mean((1, 2, 3))

    def linear(images):
        return 0.5 + (images * weights).sum((1, 2, 3))

    def both(images):
        return np.asarray(images)[:, :4].mean((1, 2, 3)) * np.asarray(images)[:, 4:].mean((1, 2, 3))

    cases = [
        ("a score that reads the left half", (left, image, 2)),
        ("a score that adds pixels up", (linear, image, 4)),
        ("squares of one pixel", (linear, image, 1)),
        ("two halves that count together only", (both, image, 4)),
        ("a grey image", (left, image[..., :1], 2)),
    ]
    return compare(lambda score, image, patch: answer(score, np.array(image), patch), reference, cases)


@exercise("integrated_gradients")
def integrated_gradients(answer):
    """A function (slopes, image, baseline, steps) -> each pixel's part of the rise (H, W), against SciPy's integral."""
    from scipy.integrate import quad_vec

    def reference(slopes, image, baseline, steps):
        way = image - baseline
        return (way * quad_vec(lambda alpha: slopes(baseline[None] + alpha * way)[0], 0, 1, epsrel=1e-4)[0]).sum(-1)

    def power(number):
        return lambda images: number * np.asarray(images) ** (number - 1)

    def gate(images):
        return np.where(np.asarray(images) < 0.1, 1.0, 0.0)

    image, other = np.random.default_rng(0).random((2, 4, 5, 3))
    black = np.zeros_like(image)
    cases = [
        ("a score that adds pixels up, from black", (power(1), image, black, 500)),
        ("a sum of squares, from black", (power(2), image, black, 500)),
        ("a sum of cubes, from another image", (power(3), image, other, 500)),
        ("a gate that is shut at the image", (gate, image + 0.2, black, 500)),
        ("a grey image", (power(2), image[..., :1], black[..., :1], 500)),
    ]
    return compare(answer, reference, cases, tolerance=0.02)


@exercise("grad_cam")
def grad_cam(answer):
    """A function (model, layer, image (H, W, C), label) -> map (h, w), against ours on models that end in logits."""
    import keras

    from ...lenses import attribution
    from ...network import Network

    def model(*top, seed):
        keras.utils.set_random_seed(seed)
        bottom = [keras.layers.Conv2D(4, 3, activation="relu", name="maps"), keras.layers.MaxPooling2D(name="smaller")]
        return keras.Sequential([keras.Input((12, 10, 3)), *bottom, *top, keras.layers.Dense(3, name="logits")])

    def reference(model, layer, image, label):
        net = Network.of(model, pixels="0-1", scores="logits")
        return attribution.explain(net, image[None], label, "gradcam", layer, progress=False).coarse[0]

    image = np.random.default_rng(0).random((12, 10, 3)).astype(np.float32)
    flat = model(keras.layers.Flatten(), seed=1)
    averaged = model(keras.layers.GlobalAveragePooling2D(), seed=2)
    cases = [
        ("maps that are flattened, class 0", (flat, "maps", image, 0)),
        ("the same, class 1", (flat, "maps", image, 1)),
        ("the same, class 2", (flat, "maps", image, 2)),
        ("a layer further up", (flat, "smaller", image, 0)),
        ("maps that are averaged, class 0", (averaged, "maps", image, 0)),
        ("the same, class 1", (averaged, "maps", image, 1)),
    ]
    return compare(answer, reference, cases, tolerance=1e-4)
