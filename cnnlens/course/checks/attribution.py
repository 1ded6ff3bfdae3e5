"""The exercises of lesson 10."""

import functools

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


def _falls(score, image, patch, change, *, fresh=True, place=lambda square: square):
    """The map, where ``change(copy, square)`` hides the square in a copy that is new each time, or not."""
    falls, whole, copy = np.zeros(image.shape[:2]), score(image[None])[0], image.copy()
    for top in range(0, len(image), patch):
        for left in range(0, image.shape[1], patch):
            square = slice(top, top + patch), slice(left, left + patch)
            copy = image.copy() if fresh else copy
            change(copy, square)
            falls[place(square)] = whole - score(copy[None])[0]
    return falls


def _fill(value=0.5):
    def change(copy, square):
        copy[square] = value(copy) if callable(value) else value

    return change


def _only_first_channel(copy, square):
    copy[square][..., 0] = 0.5


def _all_but(copy, square):
    kept = copy[square].copy()
    copy[:] = 0.5
    copy[square] = kept


@exercise(
    _covered,
    {
        "The square is covered with black; mid-grey is 0.5.": lambda *given: _falls(*given, _fill(0)),
        "The square is covered with white; mid-grey is 0.5.": lambda *given: _falls(*given, _fill(1)),
        "The square is covered with the mean of the image, not with 0.5.": lambda *given: _falls(
            *given, _fill(np.mean)
        ),
        "The squares before it stay covered: begin each time with a new copy.": lambda *given: _falls(
            *given, _fill(), fresh=False
        ),
        "All but the square is covered.": lambda *given: _falls(*given, _all_but),
        "Only the first channel is covered.": lambda *given: _falls(*given, _only_first_channel),
        "The whole square gets what was measured, not only its first pixel.": lambda *given: _falls(
            *given, _fill(), place=lambda square: (square[0].start, square[1].start)
        ),
        "Each pixel gets what its square costs, not a part of that.": lambda score, image, patch: (
            cover(score, image, patch) / patch**2
        ),
        "That is the score that is left; asked is by how much it fell.": lambda score, image, patch: (
            score(image[None])[0] - cover(score, image, patch)
        ),
    },
)
def cover(score, image, patch):
    """How the score falls under each square (H, W), by our occlusion."""
    from ...lenses import attribution

    def network(images):
        return np.stack([score(images), 1 - score(images)], 1)

    how = {"patch": patch, "stride": patch, "fill": "grey", "progress": False}
    return attribution.explain(network, image, 0, "occlusion", **how).maps[0]


@exercise(
    mistakes={
        "That is the slope at the image alone, where the score rises no more; on the way it did.": lambda: 0,
        "That is the slope on a part of the way only: take the mean over all of it.": lambda: 2,
        "That is the part of the way on which the score rises; how steeply does it rise there?": lambda: 0.5,
    }
)
def gate_attribution():
    """By the other exercise of this lesson, for a gate of one pixel."""
    image = np.ones((1, 1, 1))
    return float(integrated_gradients(lambda images: 2.0 * (images < 0.5), image, 0 * image, 500)[0, 0])


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


def _part(slopes, image, baseline, *, way=None, join=np.sum):
    """The mean slope times a way, the channels joined."""
    from scipy.integrate import quad_vec

    path = image - baseline
    mean = quad_vec(lambda alpha: slopes((baseline + alpha * path)[None])[0], 0, 1, epsrel=1e-4)[0]
    return join((path if way is None else way) * mean, -1)


@exercise(
    _paths,
    {
        "The slopes are added up: take their mean.": lambda slopes, image, baseline, steps: (
            steps * _part(slopes, image, baseline)
        ),
        "That is the slope at the image alone: walk to it from the baseline.": lambda slopes, image, baseline, steps: (
            (image - baseline) * slopes(image[None])[0]
        ).sum(-1),
        "That is the slope at the baseline alone: walk from there to the image.": (
            lambda slopes, image, baseline, steps: ((image - baseline) * slopes(baseline[None])[0]).sum(-1)
        ),
        "The mean slope is not multiplied by the way.": lambda slopes, image, baseline, steps: _part(
            slopes, image, baseline, way=1
        ),
        "The mean slope is multiplied by the image, not by the way from the baseline.": (
            lambda slopes, image, baseline, steps: _part(slopes, image, baseline, way=image)
        ),
        "The way begins at the baseline, which need not be black.": lambda slopes, image, baseline, steps: _part(
            slopes, image, 0 * baseline
        ),
        "The channels are averaged, not added up.": lambda slopes, image, baseline, steps: _part(
            slopes, image, baseline, join=np.mean
        ),
        "The signs are lost: what speaks against the class is negative.": lambda slopes, image, baseline, steps: np.abs(
            _part(slopes, image, baseline)
        ),
    },
    tolerance=0.02,
)
def integrated_gradients(slopes, image, baseline, steps):
    """Each pixel's part of the rise (H, W), by SciPy's integral."""
    return _part(slopes, image, baseline)


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


@functools.lru_cache(maxsize=2)
def _network(model):
    """The same for all classes, so that its gradient is compiled once a layer."""
    from ...network import Network

    return Network.of(model, pixels="0-1", scores="logits")


def _positive(values):
    return np.maximum(values, 0)


def _mean_slope(slopes):
    return slopes.mean((0, 1))


def _cam(pick=lambda logits, label: logits[label], weigh=_mean_slope, finish=lambda parts: _positive(parts.sum(-1))):
    """The mistake of another score, other weights, or another sum of the weighted maps (h, w, units)."""

    def mistaken(model, layer, image, label):
        import keras
        import tensorflow as tf

        both = keras.Model(model.inputs[0], [model.get_layer(layer).output, model.outputs[0]])
        with tf.GradientTape() as tape:
            maps, logits = both(image[None])
            score = pick(logits[0], label)
        slopes = tape.gradient(score, maps)[0].numpy()
        return finish(maps[0].numpy() * weigh(slopes))

    return mistaken


def _probability(logits, label):
    import tensorflow as tf

    return tf.nn.softmax(logits)[label]


def _largest(logits, label):
    import tensorflow as tf

    return tf.reduce_max(logits)


def _scaled(parts):
    found = _positive(parts.sum(-1))
    return found / max(found.max(), 1e-12)


@exercise(
    _models,
    {
        "What is negative in the sum must be set to 0.": _cam(finish=lambda parts: parts.sum(-1)),
        "Cut off what is negative after the maps were added up, not before.": _cam(
            finish=lambda parts: _positive(parts).sum(-1)
        ),
        "Each place is multiplied by its own slope, which is HiResCAM: take the mean slope of a map first.": _cam(
            weigh=lambda slopes: slopes
        ),
        "The slopes are added up over the places: take their mean.": _cam(weigh=lambda slopes: slopes.sum((0, 1))),
        "Negative slopes count too: what speaks against the class is taken off.": _cam(
            weigh=lambda slopes: _positive(slopes).mean((0, 1))
        ),
        "The maps are added up without their slopes.": _cam(weigh=np.ones_like),
        "That is the gradient of the probability: take that of the logit.": _cam(_probability),
        "That is the gradient of all logits together: choose the class first.": _cam(lambda logits, label: logits),
        "That is the class with the highest logit, not the label.": _cam(_largest),
        "The map is divided by its maximum: leave its scale as it is.": _cam(finish=_scaled),
    },
    tolerance=1e-4,
)
def grad_cam(model, layer, image, label):
    """Ours, on models that end in logits."""
    from ...lenses import attribution

    return attribution.explain(_network(model), image[None], label, "gradcam", layer, progress=False).coarse[0]


def _masked():
    generator = np.random.default_rng(4)

    def case(height, width, channels, count):
        image, weights = generator.random((2, height, width, channels))
        masks = generator.random((count, height, width))
        masks[:, 0] **= 3  # the first row is shown less often

        def score(images):
            return 0.2 + (images * weights).mean((1, 2, 3))

        return score, image, masks

    def constant(images):
        return np.full(len(images), 0.7)

    _, image, masks = case(3, 4, 3, 30)
    return {
        "12 masks for a 4 × 5 image": case(4, 5, 3, 12),
        "a grey image of 6 × 3": case(6, 3, 1, 20),
        "masks of 0 and 1": (case(3, 4, 3, 30)[0], image, (masks > 0.4).astype(float)),
        "a network that looks at nothing": (constant, image, masks),
    }


def _shown(image, masks, fill=0.0):
    return image * masks[..., None] + fill * (1 - masks[..., None])


def _means(scores, weights):
    return np.tensordot(scores, weights, 1) / weights.sum(0)


@exercise(
    _masked,
    {
        "The mean of all scores is still in it.": lambda score, image, masks: _means(
            score(_shown(image, masks)), masks
        ),
        "Divide by how much the masks show of a pixel, not by their number.": lambda score, image, masks: (
            np.tensordot(score(_shown(image, masks)), masks, 1) / len(masks) - score(_shown(image, masks)).mean()
        ),
        "The scores are added up: divide by the sum of the weights.": lambda score, image, masks: (
            np.tensordot(score(_shown(image, masks)), masks, 1) - score(_shown(image, masks)).mean()
        ),
        "That is the mean score while a pixel is hidden; asked is while it is shown.": lambda score, image, masks: rise(
            lambda images: score(_shown(image, masks)), image, 1 - masks
        ),
        "A mask shows where it is 1; that hides there.": lambda score, image, masks: rise(
            lambda images: score(_shown(image, 1 - masks)), image, masks
        ),
        "What is taken off is the score of the whole image, not the mean of all scores.": lambda score, image, masks: (
            _means(score(_shown(image, masks)), masks) - score(image[None])[0]
        ),
        "What a mask hides is filled with grey, not with black.": lambda score, image, masks: rise(
            lambda images: score(_shown(image, masks, 0.5)), image, masks
        ),
        "The network sees the whole image each time: multiply it by the mask.": lambda score, image, masks: np.zeros(
            image.shape[:2]
        ),
    },
)
def rise(score, image, masks):
    """By numpy's weighted average, pixel by pixel; a test compares it with our lens."""
    scores = score(np.stack([image * mask[..., None] for mask in masks]))
    return np.apply_along_axis(lambda shown: np.average(scores, weights=shown), 0, masks) - scores.mean()
