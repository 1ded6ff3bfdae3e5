"""Attributions against what is known of them: closed forms, finite differences, and expectations over all masks."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import softmax

from cnnlens import Network, attribution, datasets, device, zoo
from cnnlens.course.exercise import exercises
from cnnlens.errors import CnnlensError
from cnnlens.lenses.attribution import perturbing
from cnnlens.preprocessing import Preprocessing

kl = keras.layers
SIDE = 12


def network(*layers, channels=3, side=SIDE, seed=0, **how):
    """A Network of these layers with random weights, biases included."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((side, side, channels)), *layers])
    generator = np.random.default_rng(seed)
    model.set_weights([generator.normal(0, 0.3, weight.shape) for weight in model.get_weights()])
    return Network(model, **how)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).random((3, SIDE, SIDE, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def pooled():
    """A network that ends in global average pooling and one dense layer, so that it has a CAM."""
    return network(
        kl.Conv2D(6, 3, activation="relu", name="a"),
        kl.Conv2D(5, 3, strides=2, activation="relu", name="b"),
        kl.GlobalAveragePooling2D(),
        kl.Dense(4, activation="softmax", name="top"),
    )


@pytest.fixture(scope="module")
def flat():
    """A network whose last map goes through one linear layer, in pixels that it wants as BGR and scaled."""
    how = Preprocessing(scale=(2.0, 3.0, 4.0), shift=(-1.0, 0.5, 0.0), flip=True)
    layers = kl.Conv2D(6, 3, name="a"), kl.ReLU(name="r"), kl.Flatten(), kl.Dense(4, activation="softmax", name="top")
    return network(*layers, preprocessing=how, classes=["ant", "bee", "cat", "dog"])


@pytest.fixture(scope="module")
def linear():
    """A linear network and the weights (H, W, C, classes) that it multiplies the pixels with."""
    net = network(kl.Flatten(), kl.Dense(3), scores="logits")
    return net, net.model.get_weights()[0].reshape(SIDE, SIDE, 3, 3)


def explain(net, images, *how, **settings):
    return attribution.explain(net, images, *how, progress=False, **settings)


# --- gradients ----------------------------------------------------------------------------------------------------


def test_the_gradient_is_what_the_logit_gains_by_a_pixel(flat, images):
    signed = explain(flat, images, "cat", "gradient_input")
    plain = explain(flat, images, "cat", "gradient")
    step, row, column = 1e-3, 4, 7
    slopes = []
    for channel in range(3):
        more, less = images.copy(), images.copy()
        more[:, row, column, channel] += step
        less[:, row, column, channel] -= step
        slopes.append((flat.logits(more, progress=False) - flat.logits(less, progress=False))[:, 2] / (2 * step))
    slopes = np.stack(slopes, -1)
    np.testing.assert_allclose(plain.maps[:, row, column], np.abs(slopes).max(-1), rtol=0.01)
    np.testing.assert_allclose(signed.maps[:, row, column], (slopes * images[:, row, column]).sum(-1), rtol=0.02)
    assert plain.settings["scores"] == "logits" and not plain.signed and signed.signed
    np.testing.assert_allclose(plain.scores, flat.logits(images, progress=False)[:, 2], rtol=1e-5)
    np.testing.assert_allclose(plain.probabilities, flat.predict(images, progress=False)[:, 2], rtol=1e-5)


def test_the_gradient_of_a_probability_is_taken_through_the_softmax(linear, images):
    net, weights = linear
    p = softmax(net.logits(images, progress=False), 1)
    expected = p[:, None, None, None, :1] * (
        weights[..., :1] - (weights * p[:, None, None, None]).sum(-1, keepdims=True)
    )
    found = explain(net, images, 0, "gradient", scores="probabilities")
    np.testing.assert_allclose(found.maps, np.abs(expected[..., 0]).max(-1), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(found.scores, found.probabilities)


def test_smoothgrad_of_a_linear_network_is_its_weights_and_elsewhere_the_mean_of_gradients(linear, flat, images):
    net, weights = linear
    found = explain(net, images, 1, "smoothgrad", samples=4)
    np.testing.assert_allclose(found.maps, np.repeat(np.abs(weights[None, ..., 1]).max(-1), 3, 0), rtol=1e-5)
    noise = np.random.default_rng((5, 0)).standard_normal((8, SIDE, SIDE, 3), np.float32)
    copies = images[0] + np.float32(0.1) * np.ptp(images[0]) * noise
    slopes = numeric_slopes(flat, copies, 2)
    found = explain(flat, images[:1], 2, "smoothgrad", seed=5, samples=8, noise=0.1, batch_size=3)
    np.testing.assert_allclose(found.maps[0], np.abs(slopes.mean(0)).max(-1), rtol=1e-4, atol=1e-6)


def numeric_slopes(net, pixels, label):
    """Of a logit for the pixels, by a GradientTape over a second model: independent of the lens."""
    pixels, dense = tf.constant(pixels), net.model.layers[-1]
    body = keras.Model(net.model.inputs, net.model.layers[-2].output)
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        logit = (body(net.preprocessing(pixels)) @ dense.kernel + dense.bias)[:, label]
    return tape.gradient(logit, pixels).numpy()


@pytest.mark.parametrize("baseline", [0.0, "mean", "blur"])
def test_integrated_gradients_add_up_to_the_difference_of_the_scores(flat, images, baseline):
    found = explain(flat, images, 1, "integrated_gradients", baseline=baseline)
    bases = np.stack([perturbing.filling(image, np.zeros((SIDE, SIDE), int), baseline) for image in images])
    differences = (flat.logits(images, progress=False) - flat.logits(bases, progress=False))[:, 1]
    np.testing.assert_allclose(found.maps.sum((1, 2)), differences, rtol=0.01)
    assert (found.gap <= 0.01).all() and found.signed


def test_integrated_gradients_are_complete_on_a_trained_network():
    net, photos = zoo.load("vgg4"), datasets.load("cifar10").x_test[:4]
    found = explain(net, photos, method="integrated_gradients", steps=8)
    black = net.logits(np.zeros_like(photos[:1]), progress=False)[0]
    differences = found.scores - black[found.labels]
    np.testing.assert_allclose(found.maps.sum((1, 2)), differences, rtol=0.01)
    coarse = explain(net, photos, method="integrated_gradients", steps=3, complete_to=None)
    assert coarse.gap.max() > 0.01, "three points are too few, so the test would see a path that is too coarse"
    missing = coarse.maps.sum((1, 2)) / differences - 1
    np.testing.assert_allclose(np.abs(missing), coarse.gap, rtol=0.01, atol=1e-4)


@pytest.mark.parametrize("gate", [kl.ReLU(), kl.ReLU(6.0), kl.LeakyReLU(0.2)])
def test_guided_backpropagation_by_hand(images, gate):
    how = {"scores": "logits", "preprocessing": Preprocessing(scale=(2.0,))}
    net = network(kl.Flatten(), kl.Dense(40), gate, kl.Dense(2), **how)
    first, bias, second, _ = net.model.get_weights()
    hidden = (2 * images.reshape(3, -1)) @ first + bias
    assert (hidden > 6).any() and (hidden < 0).any()
    is_open = (hidden > 0) & (hidden < 6 if gate.get_config().get("max_value") else True)
    back = 2 * (np.maximum(second[:, 1], 0) * is_open) @ first.T
    assert is_open.any() and not is_open.all() and (second[:, 1] < 0).any()
    found = explain(net, images, 1, "guided")
    np.testing.assert_allclose(found.maps, np.abs(back.reshape(images.shape)).max(-1), rtol=1e-4, atol=1e-6)


def test_guided_needs_a_relu(linear, images):
    with pytest.raises(CnnlensError, match="No ReLU stands between the image and the classes"):
        explain(linear[0], images, 0, "guided")


# --- class activation maps ------------------------------------------------------------------------------------------


def test_grad_cam_equals_cam_on_a_network_that_ends_in_global_pooling(pooled, images):
    found = explain(pooled, images, 2, "gradcam")
    activations = pooled.read(images, ["b"], progress=False)["b"]
    cam = activations @ pooled.model.get_layer("top").get_weights()[0][:, 2]
    assert found.layer == "b" and found.coarse.shape == cam.shape
    assert (cam < 0).any() and (cam > 0).any()
    np.testing.assert_allclose(found.coarse * cam[0].size, np.maximum(cam, 0), rtol=1e-4, atol=1e-6)
    assert found.maps.shape == (3, SIDE, SIDE)
    np.testing.assert_allclose(found.maps.mean((1, 2)), found.coarse.mean((1, 2)), rtol=0.2)


def test_hirescam_adds_up_to_the_logit_but_for_the_bias(flat, images):
    found = explain(flat, images, "dog", "hirescam")
    bias = flat.model.get_layer("top").get_weights()[1][3]
    np.testing.assert_allclose(found.coarse.sum((1, 2)) + bias, found.scores, rtol=1e-4)
    assert found.signed and (found.coarse < 0).any()


def test_hirescam_and_grad_cam_agree_where_the_gradient_is_the_same_everywhere(pooled, images):
    hires, grad = (explain(pooled, images, 1, method, "b") for method in ("hirescam", "gradcam"))
    np.testing.assert_allclose(np.maximum(hires.coarse, 0), grad.coarse, rtol=1e-4, atol=1e-7)


def test_grad_cam_plus_plus_is_the_papers_sum(flat, images):
    found = explain(flat, images[:1], 0, "gradcam++", "r")
    maps = flat.read(images[:1], ["r"], progress=False)["r"][0].astype(float)
    slopes = flat.model.get_layer("top").get_weights()[0][:, 0].reshape(maps.shape).astype(float)
    grown = np.exp(float(found.scores[0]))
    expected = np.zeros(maps.shape[:2])
    for k in range(maps.shape[2]):
        weight = 0.0
        for g in slopes[..., k].ravel():
            alpha = grown * g**2 / (2 * grown * g**2 + maps[..., k].sum() * grown * g**3)
            weight += alpha * max(grown * g, 0)
        expected += weight * maps[..., k]
    expected = np.maximum(expected, 0)
    np.testing.assert_allclose(found.coarse[0] / found.coarse.max(), expected / expected.max(), rtol=1e-3, atol=1e-4)


def test_the_layer_is_the_last_with_a_map_on_the_way_to_the_classes(images):
    image = keras.Input((SIDE, SIDE, 3))
    trunk = kl.Conv2D(4, 3, activation="relu", name="trunk")(image)
    answer = kl.Dense(3, name="answer")(kl.GlobalAveragePooling2D(keepdims=True, name="one")(trunk)[:, 0, 0])
    aside = kl.Conv2D(2, 3, name="aside")(trunk)
    net = Network.of(keras.Model(image, [answer, aside]), output="answer")
    assert explain(net, images).layer == "trunk"
    with pytest.raises(CnnlensError, match="No gradient flows .* back to layer 'aside'"):
        explain(net, images, layer="aside")


# --- hiding ---------------------------------------------------------------------------------------------------------


def additive(weights):
    """A function whose score of class 0 adds up the pixels, each by its weight (H, W); class 1 has the rest."""

    def function(images):
        score = 0.5 + (images[..., 0] * weights).sum((1, 2))
        return np.stack([score, 1 - score], 1)

    return function


@pytest.mark.parametrize(("patch", "stride"), [(1, 1), (3, 3), (4, 3), (5, 2)])
def test_occlusion_is_exact_on_a_linear_model(patch, stride):
    generator = np.random.default_rng(2)
    image, weights = generator.random((11, 13, 1)).astype(np.float32), generator.normal(0, 0.01, (11, 13))
    parts = weights * (image[..., 0] - 0.5)
    drops = {}
    for top in {*range(0, 11 - patch + 1, stride), 11 - patch}:
        for left in {*range(0, 13 - patch + 1, stride), 13 - patch}:
            covered = np.s_[top : top + patch, left : left + patch]
            for row, column in np.argwhere(np.ones((patch, patch))) + (top, left):
                drops.setdefault((row, column), []).append(parts[covered].sum())
    expected = [[np.mean(drops[row, column]) for column in range(13)] for row in range(11)]
    how = dict(patch=patch, stride=stride, fill=0.5)
    for batch_size in (7, 64):
        found = explain(additive(weights), image, 0, "occlusion", batch_size=batch_size, **how)
        np.testing.assert_allclose(found.maps[0], expected, atol=2e-6)
    assert found.signed and found.settings["scores"] == "probabilities"


def test_occlusion_of_a_linear_networks_logits(linear, images):
    net, weights = linear
    found = explain(net, images, 2, "occlusion", scores="logits", patch=1, stride=1, fill="grey")
    np.testing.assert_allclose(found.maps, ((images - 0.5) * weights[..., 2]).sum(-1), atol=1e-4)


def test_rise_converges_to_the_occlusion_that_its_masks_expect():
    """On an additive model RISE is occlusion by the mean shape of a mask around each pixel, times 1 − shown."""
    side, grid, shown = 12, 3, 0.5
    generator = np.random.default_rng(3)
    image, weights = generator.random((side, side, 1)).astype(np.float32), np.zeros((side, side))
    weights[2:5, 6:9], weights[8:10, 1:4] = 0.03, -0.02
    parts = weights * image[..., 0]
    cell = side // grid
    matrices = perturbing.shifted_interpolation(side, grid, 4000, np.random.default_rng(4))
    every = np.unique(matrices, axis=0)
    assert len(every) == cell, "all shifts of a cell"
    overlap = np.mean([matrix @ matrix.T for matrix in every], 0)  # of the masks at two pixels of a row: (side, side)
    # Cov(M_i, M_j) = p (1 − p) overlap(rows) overlap(columns), and E[M_i] = p: the expectation of the map is
    expected = (1 - shown) * overlap @ parts @ overlap.T
    errors = []
    for masks in (500, 8000):
        found = explain(additive(weights), image, 0, "rise", masks=masks, grid=grid, shown=shown, batch_size=500)
        errors.append(np.sqrt(np.mean((found.maps[0] - expected) ** 2)))
    assert errors[1] < 0.03 * np.ptp(expected) and errors[1] < errors[0] / 2, errors
    correlation = np.corrcoef(found.maps.ravel(), expected.ravel())[0, 1]
    assert correlation > 0.99


def test_the_exercise_on_rise_wants_what_the_lens_computes(images):
    def two(images):
        bright = np.asarray(images)[:, :4, 2:7].mean((1, 2, 3))
        return np.stack([bright, 1 - bright], 1)

    found = explain(two, images[:1], 0, "rise", masks=20, grid=3, shown=0.5, seed=5, batch_size=20)
    masks = perturbing.smooth_masks(20, (SIDE, SIDE), 3, 0.5, np.random.default_rng((5, 0)))
    asked = exercises()["rise"].reference(lambda images: two(images)[:, 0], images[0], masks)
    np.testing.assert_allclose(found.maps[0], asked, atol=1e-6)
    assert np.ptp(asked) > 0.01


def test_a_score_that_ignores_the_image_gives_flat_maps(images):
    def always(images):
        return np.tile([0.25, 0.75], (len(images), 1))

    np.testing.assert_allclose(explain(always, images, 0, "rise", masks=32).maps, 0, atol=1e-6)
    assert np.abs(explain(always, images, 0, "occlusion").maps).max() < 1e-6


# --- what comes in and out ------------------------------------------------------------------------------------------


def test_every_method_gives_maps_at_the_images_size_and_repeats_exactly(flat, images):
    few = {
        "smoothgrad": {"samples": 3},
        "integrated_gradients": {"steps": 4, "baseline": "noise"},
        "rise": {"masks": 20},
    }
    for name in attribution.METHODS:
        how = few.get(name, {})
        one, again = (explain(flat, images, None, name, seed=3, **how) for _ in range(2))
        assert one.maps.shape == (3, SIDE, SIDE) and one.maps.dtype == np.float32 and np.isfinite(one.maps).all()
        assert np.array_equal(one.maps, again.maps) and one.maps.std() > 0, name
        assert one.settings == again.settings and one.source == flat.source and one.settings["seed"] == 3
        assert (one.maps >= 0).all() or one.signed, name
        assert one.labels.tolist() == flat.predict(images, progress=False).argmax(1).tolist()
    other = explain(flat, images, None, "rise", seed=4, masks=20)
    assert not np.array_equal(one.maps, other.maps)


def test_labels_are_names_or_numbers_one_for_all_or_one_an_image(flat, images):
    by_name = explain(flat, images, "bee")
    assert by_name.label == 1 and by_name.names == ("bee",) * 3
    several = explain(flat, images, ["cat", 1, "ant"])
    assert several.labels.tolist() == [2, 1, 0] and several.label is None
    np.testing.assert_allclose(several.maps[1], by_name.maps[1], rtol=1e-5)
    assert several.only(1).names == ("bee",) and len(several.only(1).maps) == 1
    one = explain(flat, images[0], "cat")
    np.testing.assert_allclose(one.maps[0], several.maps[0], rtol=1e-5)
    with pytest.raises(CnnlensError, match="3 images and 2 labels"):
        explain(flat, images, ["cat", "ant"])
    with pytest.raises(CnnlensError, match="Did you mean 'bee'"):
        explain(flat, images, "beee")
    with pytest.raises(CnnlensError, match="There is no class 4"):
        explain(flat, images, 4)


def test_nested_and_branched_networks_give_the_same_as_flat_ones(images):
    inner = keras.Sequential([keras.Input((SIDE, SIDE, 3)), kl.Conv2D(4, 3, activation="relu", name="c")], name="inner")
    top = kl.Dense(3, activation="softmax", name="top")
    image = keras.Input((SIDE, SIDE, 3))
    branches = [kl.GlobalAveragePooling2D()(inner(image)), kl.GlobalMaxPooling2D()(kl.Conv2D(2, 5, name="d")(image))]
    net = Network(keras.Model(image, top(kl.Concatenate()(branches))))
    only = network(
        kl.Conv2D(4, 3, activation="relu", name="c"), kl.GlobalAveragePooling2D(), kl.Dense(3, activation="softmax")
    )
    only.model.set_weights([*inner.get_weights(), top.get_weights()[0][:4], top.get_weights()[1]])
    for method in ("gradcam", "hirescam"):
        found = explain(net, images, 1, method, "inner/c")
        expected = explain(only, images, 1, method, "c")
        np.testing.assert_allclose(found.coarse, expected.coarse, rtol=1e-4, atol=1e-7)
    assert explain(net, images, 1, "gradient").maps.std() > 0


def test_a_single_probability_is_two_classes(images):
    net = network(kl.Conv2D(3, 3, activation="relu"), kl.Flatten(), kl.Dense(1, activation="sigmoid"))
    no, yes = (explain(net, images, label, "gradient_input") for label in (0, 1))
    np.testing.assert_allclose(no.maps, -yes.maps, atol=1e-6)
    np.testing.assert_allclose(no.probabilities + yes.probabilities, 1, rtol=1e-5)
    np.testing.assert_allclose(yes.probabilities, net.predict(images, progress=False)[:, 1], rtol=1e-5)


def test_it_is_compiled_once(flat, images):
    explain(flat, images, 0, "gradient")
    explain(flat, images, 0, "gradcam")
    before = dict(flat._compiled)
    for count, label in ((1, 3), (2, "bee"), (3, None)):
        explain(flat, images[:count], label, "gradient")
        explain(flat, images[:count], label, "gradcam")
        explain(flat, images[:count], label, "integrated_gradients", steps=2, complete_to=None)
    added = [key for key in flat._compiled if key not in before]
    assert not [key for key in added if key[0] == "attribution"], "a gradient was compiled again"
    assert all(flat._compiled[key] is value for key, value in before.items())


def test_steps_are_told_and_can_stop(flat, images):
    told = []
    explain(flat, images[:2], 0, "smoothgrad", samples=10, batch_size=4, on_step=lambda *how: told.append(how))
    assert (
        told[-1] == (22, 22)
        and len(told) == 7
        and all(before < after for (before, _), (after, _) in zip(told, told[1:]))
    )

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        explain(flat, images, 0, "rise", on_step=stop)


# --- what cannot be used --------------------------------------------------------------------------------------------


def test_what_cannot_be_used_is_said(flat, linear, images):
    for how, words in (
        (dict(method="grad-cam"), "There is no method of attribution 'grad-cam'. Did you mean 'gradcam'"),
        (dict(layer="b"), "There is no layer of .* 'b'"),
        (dict(layer="top"), "Layer 'top' .* gives values of shape .*, not a map .* such as 'r'"),
        (dict(method="gradient", layer="r"), "looks at the pixels, so it takes no layer"),
        (dict(method="gradcam", steps=3), "There is no setting of gradcam 'steps'"),
        (dict(method="smoothgrad", sample=3), "Did you mean 'samples'"),
        (dict(method="smoothgrad", samples=0), "samples=0 is too small"),
        (dict(method="smoothgrad", noise=-1), "noise=-1 is too small"),
        (dict(method="integrated_gradients", steps=1), "steps=1 is too small"),
        (dict(method="integrated_gradients", baseline="red"), "There is no fill 'red'"),
        (dict(method="occlusion", patch=SIDE + 1), "does not cover an image"),
        (dict(method="occlusion", patch=2, stride=3), "does not cover an image"),
        (dict(method="occlusion", precision="int8"), "precision"),
        (dict(method="rise", shown=1.5), "shown=1.5 is no fraction"),
        (dict(scores="percent"), "There is no kind of scores"),
    ):
        with pytest.raises(CnnlensError, match=words):
            explain(flat, images, 0, **how)
    with pytest.raises(CnnlensError, match="has no layer that gives maps"):
        explain(linear[0], images, 0, "gradcam")
    with pytest.raises(CnnlensError, match="takes gradients, so it needs a network that can be opened; predict is a"):
        explain(flat.predict, images, 0, "gradcam")


def test_images_of_another_size_are_fitted_and_said_so(flat):
    with pytest.warns(UserWarning, match="12×12 px; images of 24×24 px were resized"):
        found = explain(flat, np.random.default_rng(0).random((2, 24, 24, 3)), 0)
    assert found.maps.shape == (2, SIDE, SIDE) and found.images.shape == (2, SIDE, SIDE, 3)


@pytest.mark.parametrize("method", ["gradcam", "rise"])
def test_nan_is_refused(flat, images, method):
    with pytest.raises(CnnlensError, match="got NaN"):
        explain(flat, np.full_like(images, np.nan), 0, method)
    damaged = flat.like(keras.models.clone_model(flat.model))
    damaged.model.set_weights([np.full_like(weight, np.nan) for weight in flat.model.get_weights()])
    with pytest.raises(CnnlensError, match="answered NaN|returned NaN"):
        explain(damaged, images, 0, method)


def test_a_step_without_a_gradient_is_named(images):
    @keras.saving.register_keras_serializable()
    class Rounded(kl.Layer):
        def call(self, inputs):
            return keras.ops.stop_gradient(inputs)

    net = network(kl.Conv2D(3, 3, name="c"), Rounded(), kl.Flatten(), kl.Dense(2), scores="logits")
    with pytest.raises(CnnlensError, match="No gradient flows .* back to the pixels"):
        explain(net, images, 0, "gradient")
    with pytest.raises(CnnlensError, match="No gradient flows .* back to layer 'c'"):
        explain(net, images, 0, "gradcam", "c")
    assert explain(net, images, 0, "occlusion", scores="logits").maps.std() > 0


def test_a_network_that_is_no_classifier_is_refused(images):
    with pytest.raises(CnnlensError, match="has no classifier"):
        explain(network(kl.Conv2D(2, 3)), images, 0, "gradient")


def test_the_channels_of_a_grey_network_are_one():
    net = zoo.load("lenet", weights="random")
    found = explain(net, np.random.default_rng(0).random((2, 28, 28, 1)), method="integrated_gradients", steps=4)
    assert found.maps.shape == (2, 28, 28)


# --- precision ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "how"), [("occlusion", {"patch": 8}), ("rise", {"masks": 64})])
def test_maps_of_hidden_parts_agree_in_a_lower_precision(method, how):
    net, data = zoo.load("vgg4"), datasets.load("cifar10")
    exact, lower = (
        explain(net, data.x_test[:4], None, method, precision=precision, **how)
        for precision in ("float32", "mixed_bfloat16")
    )
    assert lower.settings["precision"] == "mixed_bfloat16" and not np.array_equal(exact.maps, lower.maps)
    assert min(np.corrcoef(*map(np.ravel, pair))[0, 1] for pair in zip(exact.maps, lower.maps)) >= 0.999
    np.testing.assert_array_equal(exact.scores, lower.scores)  # and what is said of the image itself is exact


@pytest.mark.parametrize(("name", "policy"), [("vgg4", "mixed_bfloat16"), ("MobileNetV2", "float32")])
def test_a_network_is_lowered_where_it_gains_from_it(name, policy, monkeypatch):
    monkeypatch.setattr(device, "training_policy", lambda: "mixed_bfloat16")
    net = zoo.load(name, weights="random")
    assert net.lowered() == policy
    assert [net.lowered(asked) for asked in ("float32", "mixed_bfloat16")] == ["float32", "mixed_bfloat16"]
    with pytest.raises(CnnlensError, match="precision"):
        net.lowered("float16")


def test_hiding_what_changes_nothing_gives_nothing_in_a_lower_precision_too(pooled):
    grey = np.full((1, SIDE, SIDE, 3), 0.7, np.float32)
    assert not explain(pooled, grey, 0, "occlusion", fill=0.7, precision="mixed_bfloat16").maps.any()
    assert explain(pooled, grey, 0, "occlusion", fill=0.2, precision="mixed_bfloat16").maps.all()


def test_gradients_are_exact_whatever_is_asked(pooled, images):
    for method in ("gradient", "gradcam"):
        one, other = (explain(pooled, images, 0, method, precision=each) for each in ("float32", "mixed_bfloat16"))
        np.testing.assert_array_equal(one.maps, other.maps)


def test_vectors_and_a_users_own_layers_stay_in_float32(images):
    @keras.saving.register_keras_serializable()
    class Own(kl.Layer):
        def call(self, inputs):
            return inputs * tf.constant(1.001)  # which no other precision may be multiplied by

    added = kl.Lambda(lambda maps: maps + tf.constant(0.125))
    layers = kl.Conv2D(1, 1, use_bias=False), Own(), added, kl.GlobalAveragePooling2D(), kl.Dense(2)
    net = network(*layers, channels=1, scores="logits")
    weights = [np.ones((1, 1, 1, 1)), np.array([[16.03, -3.01]]), np.array([0.017, 0.0])]
    net.model.set_weights(weights)
    ones = np.ones((1, SIDE, SIDE, 1), np.float32)
    expected = 1.126 * weights[1] + weights[2]
    np.testing.assert_allclose(net.logits(ones, precision="mixed_bfloat16"), expected, rtol=1e-6)
    net.model.set_weights([np.full((1, 1, 1, 1), 1.001), *weights[1:]])
    rounded = net.logits(ones, precision="mixed_bfloat16")
    assert np.abs(rounded - net.logits(ones)).max() > 0.01, "the convolution itself is rounded: 1.001 is 1"


def test_pixels_reach_a_network_that_wants_bgr_alike_as_array_and_as_tensor(images):
    bgr = Preprocessing((255.0, 2.0, 1.0), (-100.0, 0.0, 1.0), flip=True)
    expected = images[..., [2, 1, 0]] * [255, 2, 1] + [-100, 0, 1]
    assert isinstance(bgr(images), np.ndarray)
    for pixels in (images, tf.constant(images)):
        np.testing.assert_allclose(bgr(pixels), expected, rtol=1e-6, atol=1e-4)
