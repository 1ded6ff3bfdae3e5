"""The exercises of lesson 10."""

import numpy as np

from ..exercise import exercise


def _covered():
    generator = np.random.default_rng(0)
    image = generator.random((8, 12, 3)).astype(np.float32)
    weights = generator.normal(0, 0.01, (8, 12, 3))

    def left(images):
        return np.asarray(images)[:, :, :6].mean((1, 2, 3))

    def linear(images):
        return 0.5 + (images * weights).sum((1, 2, 3))

    def both(images):
        return np.asarray(images)[:, :4].mean((1, 2, 3)) * np.asarray(images)[:, 4:].mean((1, 2, 3))

    return {
        "a score that reads the left half": (left, image, 2),
        "a score that adds pixels up": (linear, image, 4),
        "squares of one pixel": (linear, image, 1),
        "two halves that count together only": (both, image, 4),
        "a grey image": (left, image[..., :1], 2),
    }


@exercise(_covered)
def cover(score, image, patch):
    """How the score falls under each square (H, W), by our occlusion."""
    from ...lenses import attribution

    def network(images):
        return np.stack([score(images), 1 - score(images)], 1)

    how = {"patch": patch, "stride": patch, "fill": "grey", "progress": False}
    return attribution.explain(network, image, 0, "occlusion", **how).maps[0]


def _paths():
    def power(number):
        return lambda images: number * np.asarray(images) ** (number - 1)

    def gate(images):
        return np.where(np.asarray(images) < 0.1, 1.0, 0.0)

    image, other = np.random.default_rng(0).random((2, 4, 5, 3))
    black = np.zeros_like(image)
    return {
        "a score that adds pixels up, from black": (power(1), image, black, 500),
        "a sum of squares, from black": (power(2), image, black, 500),
        "a sum of cubes, from another image": (power(3), image, other, 500),
        "a gate that is shut at the image": (gate, image + 0.2, black, 500),
        "a grey image": (power(2), image[..., :1], black[..., :1], 500),
    }


@exercise(_paths, tolerance=0.02)
def integrated_gradients(slopes, image, baseline, steps):
    """Each pixel's part of the rise (H, W), by SciPy's integral."""
    from scipy.integrate import quad_vec

    way = image - baseline
    return (way * quad_vec(lambda alpha: slopes(baseline[None] + alpha * way)[0], 0, 1, epsrel=1e-4)[0]).sum(-1)


def _models():
    import keras

    def model(*top, seed):
        keras.utils.set_random_seed(seed)
        bottom = [keras.layers.Conv2D(4, 3, activation="relu", name="maps"), keras.layers.MaxPooling2D(name="smaller")]
        return keras.Sequential([keras.Input((12, 10, 3)), *bottom, *top, keras.layers.Dense(3, name="logits")])

    image = np.random.default_rng(0).random((12, 10, 3)).astype(np.float32)
    flat = model(keras.layers.Flatten(), seed=1)
    averaged = model(keras.layers.GlobalAveragePooling2D(), seed=2)
    return {
        "maps that are flattened, class 0": (flat, "maps", image, 0),
        "the same, class 1": (flat, "maps", image, 1),
        "the same, class 2": (flat, "maps", image, 2),
        "a layer further up": (flat, "smaller", image, 0),
        "maps that are averaged, class 0": (averaged, "maps", image, 0),
        "the same, class 1 of those": (averaged, "maps", image, 1),
    }


@exercise(_models, tolerance=1e-4)
def grad_cam(model, layer, image, label):
    """Ours, on models that end in logits."""
    from ...lenses import attribution
    from ...network import Network

    net = Network.of(model, pixels="0-1", scores="logits")
    return attribution.explain(net, image[None], label, "gradcam", layer, progress=False).coarse[0]
