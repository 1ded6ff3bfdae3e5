"""LIME: superpixels, masks, the line, what goes in, and what comes out."""

import numpy as np
import pytest

from cnnlens import datasets, superpixels, zoo
from cnnlens.errors import CnnlensError
from cnnlens.labels import class_index
from cnnlens.lenses import masks, surrogate
from cnnlens.network import Network
from cnnlens.pixels import fitted
from cnnlens.preprocessing import Preprocessing


@pytest.fixture(scope="module")
def cat():
    return fitted(datasets.photos()[0].image, 48)


def watcher(image, segments, part):
    """A classifier that looks at one superpixel only: sure when it sees it whole, less so the more it was changed."""
    where = segments == part

    def scores(images):
        seen = np.exp(-20 * np.abs(images - image)[:, where].mean((1, 2)))
        return np.stack([1 - seen, seen], 1)

    return scores


def linear(image, segments, weights, fill="grey"):
    """A classifier that is a sum over superpixels: 0.5 plus the weight of each that is shown."""
    filled = superpixels.filling(image, segments, fill)
    probes = [np.argmax(np.where(segments == k, np.abs(image - filled).sum(-1), -1)) for k in range(len(weights))]
    rows, cols = np.unravel_index(probes, segments.shape)

    def scores(images):
        shown = np.abs(images[:, rows, cols] - image[rows, cols]).max(-1) < 1e-4
        answer = 0.5 + shown @ weights
        return np.stack([1 - answer, answer], 1)

    return scores


def shaded(count=9, size=30):
    """A colorful image, no pixel of which is grey, and its grid."""
    image = np.random.default_rng(0).uniform(0.6, 1, (size, size, 3)).astype(np.float32)
    return image, superpixels.segment(image, "grid", count)


# --- superpixels --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", superpixels.METHODS)
def test_segments_are_numbered_from_0_without_gaps(cat, method):
    parts = superpixels.segment(cat, method, 12)
    assert parts.shape == (48, 48)
    assert parts.dtype.kind == "i"
    assert np.array_equal(np.unique(parts), np.arange(parts.max() + 1))
    assert 4 <= parts.max() + 1 <= 40
    assert np.array_equal(parts, superpixels.segment(cat, method, 12))


@pytest.mark.parametrize("method", superpixels.METHODS)
def test_every_superpixel_counts(cat, method):
    parts = superpixels.segment(cat, method, 8)
    for k in range(parts.max() + 1):
        why = superpixels.explain(watcher(cat, parts, k), cat, 1, parts, 128, fill="grey", stop_at=None)
        assert why.order[0] == k and why.weights[k] > 0
        assert np.abs(np.delete(why.weights, k)).max() < 0.2 * why.weights[k]


def test_settings_reach_scikit_image(cat):
    few, many = (superpixels.segment(cat, "felzenszwalb", scale=scale).max() for scale in (300, 3))
    assert few < many
    with pytest.raises(CnnlensError, match="does not take"):
        superpixels.segment(cat, "slic", kernel_size=3)
    with pytest.raises(CnnlensError, match="slic"):
        superpixels.segment(cat, "slick")
    with pytest.raises(CnnlensError, match="from 2 up"):
        superpixels.segment(cat, count=1)


def test_touching_and_at():
    parts = np.array([[0, 0, 1], [2, 2, 1]])
    assert superpixels.touching(parts).tolist() == [[0, 1], [0, 2], [1, 2]]
    assert superpixels.at(parts, [(0.1, 0.1), (0.9, 0.9), (0, 0), (1, 1)]) == [0, 1]


# --- masks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("least", [*range(1, 70), 100, 129])
def test_hadamard_matrices_are_orthogonal(least):
    matrix = masks.hadamard_matrix(least)
    assert least <= len(matrix) <= 2 * least
    assert set(np.unique(matrix)) <= {-1, 1}
    assert np.array_equal(matrix.T @ matrix, len(matrix) * np.eye(len(matrix)))


def test_each_block_of_the_design_is_balanced_for_pairs_and_folded():
    parts = 13
    block = masks.block_size("hadamard", parts)
    design = masks.draw("hadamard", 1 + 3 * block, parts, 0)
    assert design[0].all()
    for start in (1, 1 + block, 1 + 2 * block):
        signs = np.where(design[start : start + block], 1, -1)
        assert np.array_equal(signs.T @ signs, block * np.eye(parts))
        assert np.array_equal(signs[::2], -signs[1::2])
        triples = np.einsum("mi,mj,mk->ijk", signs, signs, signs)
        assert not triples.any()  # no two superpixels together look like a third
    assert not np.array_equal(design[1 : 1 + block], design[1 + block : 1 + 2 * block])


@pytest.mark.parametrize("design", masks.DESIGNS)
def test_masks_repeat_under_a_seed_and_are_fair(design):
    drawn = masks.draw(design, 501, 10, 3)
    assert drawn.shape == (501, 10) and drawn.dtype == bool and drawn[0].all()
    assert np.array_equal(drawn, masks.draw(design, 501, 10, 3))
    assert not np.array_equal(drawn, masks.draw(design, 501, 10, 4))
    assert np.abs(drawn[1:].mean(0) - 0.5).max() < 0.12
    # Each mask by itself is a toss of fair coins: over seeds, any position is on half of the time.
    over_seeds = np.mean([masks.draw(design, 9, 6, seed)[1:] for seed in range(400)], 0)
    assert np.abs(over_seeds - 0.5).max() < 0.12


def test_bad_designs():
    with pytest.raises(CnnlensError, match="hadamard"):
        masks.draw("hadamar", 100, 5, 0)
    with pytest.raises(CnnlensError, match="too few"):
        masks.draw("pairs", 3, 5, 0)


# --- the line -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "how", [{}, {"design": "pairs"}, {"design": "random", "control_variate": False}, {"control_variate": False}]
)
def test_a_linear_classifier_is_recovered(how):
    image, parts = shaded(16, 32)
    weights = np.random.default_rng(1).uniform(-1, 1, 16) * 0.5 / 16 + np.linspace(-0.01, 0.01, 16)
    why = superpixels.explain(linear(image, parts, weights), image, 1, parts, 512, fill="grey", stop_at=None, **how)
    assert np.abs(why.weights - weights).max() < 0.05 * np.abs(weights).max()
    assert abs(why.intercept - 0.5) < 0.02
    large = np.abs(weights) > 0.2 * np.abs(weights).max()
    assert (np.abs(why.weights - weights)[large] < 0.05 * np.abs(weights[large])).all()


def test_plain_settings_equal_the_lime_package():
    from lime.lime_image import LimeImageExplainer

    image, parts = shaded()
    function = watcher(image, parts, 4)
    theirs = LimeImageExplainer(feature_selection="none", random_state=5).explain_instance(
        image.astype(float),
        function,
        labels=(1,),
        top_labels=None,
        num_samples=100,
        segmentation_fn=lambda _: parts,
        random_seed=0,
    )
    ours = superpixels.explain(function, image, 1, parts, 100, 5, **superpixels.LIME_DEFAULTS)
    expected = np.zeros(9)
    for part, weight in theirs.local_exp[1]:
        expected[part] = weight
    assert ours.weights == pytest.approx(expected, abs=1e-6)
    assert ours.intercept == pytest.approx(theirs.intercept[1], abs=1e-6)


def curved(image, parts):
    """A classifier in which superpixels act together, as in real networks: bent, and neighbors need each other."""
    weights = np.random.default_rng(2).normal(0, 1.2, parts.max() + 1)
    pairs = superpixels.touching(parts)
    bonds = np.random.default_rng(3).normal(0, 0.8, len(pairs))
    filled = superpixels.filling(image, parts, "grey")

    def scores(images):
        shown = np.stack(
            [
                (np.abs(images - image)[:, parts == k] < np.abs(filled - image)[parts == k] / 2).mean((1, 2))
                for k in range(len(weights))
            ],
            1,
        )
        total = (
            4 * (shown @ weights + (shown[:, pairs[:, 0]] * shown[:, pairs[:, 1]]) @ bonds) / len(weights) ** 0.5 - 2
        )
        answer = 1 / (1 + np.exp(-total))
        return np.stack([1 - answer, answer], 1)

    return scores


def test_the_control_variate_estimates_the_same_weights_with_less_scatter():
    image, parts = shaded(16, 24)
    function = curved(image, parts)
    truth = superpixels.explain(function, image, 1, parts, 12000, 99, **superpixels.LIME_DEFAULTS, fill="grey").weights

    def errors(**how):
        found = [
            superpixels.explain(function, image, 1, parts, 160, seed, fill="grey", stop_at=None, **how).weights
            for seed in range(6)
        ]
        return np.sqrt(np.mean((np.array(found) - truth) ** 2)), np.abs(np.mean(found, 0) - truth).max()

    scatter, bias = errors()
    plain_scatter, _ = errors(control_variate=False, design="random")
    assert scatter < 0.7 * plain_scatter
    assert bias < 0.2 * np.abs(truth).max()


def test_the_proximity_kernel_is_lime_s():
    assert surrogate.proximity_kernel(np.array([[1, 1, 1, 1], [0, 1, 1, 0], [0, 0, 0, 0]], bool)) == pytest.approx(
        [1, np.exp(-((1 - np.sqrt(0.5)) ** 2) / 0.25**2) ** 0.5, np.exp(-16) ** 0.5]
    )


def test_split_half_reliability_tells_a_steady_answer_from_noise():
    design = masks.draw("hadamard", 97, 10, 0)
    steady = design @ np.linspace(0.01, 0.05, 10)
    noise = np.random.default_rng(0).random(97)
    assert surrogate.split_half_reliability(design, steady, 24) > 0.99
    assert surrogate.split_half_reliability(design, noise, 24) < 0.7
    assert np.isnan(surrogate.split_half_reliability(design[:30], steady[:30], 24))
    assert np.isnan(surrogate.split_half_reliability(design, np.ones(97), 24))


@pytest.mark.parametrize("count", [4, 8, 12])
def test_halvings_are_drawn_at_random(count):
    halves = surrogate.halvings(count, seed=1)
    assert (halves.sum(1) == count // 2).all() and len(np.unique(halves, axis=0)) == len(halves) <= 40
    together = (halves[:, :, None] == halves[:, None]).mean(0)[~np.eye(count, dtype=bool)]
    # Two blocks fall into the same half about as often as any other two do; in order of the alphabet, always.
    assert np.abs(together - (count / 2 - 1) / (count - 1)).max() < 0.3
    assert np.array_equal(halves, surrogate.halvings(count, seed=1))
    assert len(halves) < 40 or not np.array_equal(halves, surrogate.halvings(count, seed=2))


# --- explaining ---------------------------------------------------------------------------------------------


def test_it_repeats_exactly_and_stops_early():
    image, parts = shaded()
    function = linear(image, parts, np.linspace(-0.03, 0.03, 9))
    ask = dict(label=1, segments=parts, samples=400, fill="grey")
    one, two = (superpixels.explain(function, image, **ask, seed=7) for _ in range(2))
    assert np.array_equal(one.weights, two.weights) and np.array_equal(one.scores, two.scores)
    assert one.calls == 1 + 3 * masks.block_size("hadamard", 9) < 400
    assert one.reliability > 0.95
    assert superpixels.explain(function, image, **ask, stop_at=None).calls == 400


def test_two_large_blocks_tell_a_steady_ranking_from_one_that_is_not():
    """Of 49 superpixels, the ranking of another run correlates by 0.996, or by 0.89 where answers are noisier."""
    block = masks.block_size("hadamard", 49)
    weights = np.random.default_rng(0).normal(size=49) * np.random.default_rng(1).exponential(0.1, 49)
    found = {0.02: [], 0.2: []}
    for seed in range(12):
        design = masks.hadamard(1 + 2 * block, 49, seed)
        for noise, each in found.items():
            scores = design @ weights + np.random.default_rng((seed, 7)).normal(0, noise, len(design))
            each.append(surrogate.split_half_reliability(design, scores, block, seed=seed))
    assert block >= surrogate.TELLING and min(found[0.02]) > 0.95 > 0.94 > max(found[0.2]), found
    assert np.std(found[0.2]) < 0.04


def test_a_steady_ranking_of_many_superpixels_needs_no_more_than_300_calls():
    image = np.random.default_rng(0).random((14, 14, 1)).astype(np.float32)
    parts = superpixels.segment(image, "grid", 49)
    steady = linear(image, parts, np.linspace(-0.01, 0.01, 49))
    why = superpixels.explain(steady, image, 1, parts, 512, fill="grey")
    assert why.calls == 1 + 2 * masks.block_size("hadamard", 49) <= 300 and why.reliability > 0.95


def test_another_class_costs_no_model_calls():
    image, parts = shaded()
    calls = []

    def function(images):
        calls.append(len(images))
        return watcher(image, parts, 2)(images)

    why = superpixels.explain(
        function, image, 1, parts, 100, stop_at=None, classes=["nothing", "the second"], batch_size=30
    )
    assert calls == [1, 30, 30, 30, 10]
    other = why.relabel("Nothing")
    assert sum(calls) == 101
    assert (why.name, other.name) == ("the second", "nothing")
    assert other.weights == pytest.approx(
        -why.weights, abs=0.02
    )  # two classes: what speaks for one speaks against the other
    assert [name for _, name, _ in why.top()] == ["the second", "nothing"]


def three_classes(image, parts):
    """A softmax over three sums of superpixels."""
    weights = np.random.default_rng(4).normal(0, 1.5, (parts.max() + 1, 3))

    def scores(images):
        shown = np.stack([np.abs(images - image)[:, parts == k].mean((1, 2)) < 1e-4 for k in range(len(weights))], 1)
        odds = np.exp(shown @ weights)
        return odds / odds.sum(1, keepdims=True)

    return scores


def test_a_contrast_explains_the_difference_of_two_scores():
    image, parts = shaded()
    function = three_classes(image, parts)
    how = {"segments": parts, "fill": "grey", "stop_at": None}
    why = superpixels.explain(function, image, 0, samples=97, classes=("cat", "dog", "fish"), **how)
    contrast = why.contrast("dog")
    assert contrast.name == "cat rather than dog" and contrast.calls == why.calls
    assert contrast.target(why.scores) == pytest.approx(why.scores[:, 0] - why.scores[:, 1])

    def difference(images):  # from 0 to 1, as a classifier of two classes
        scores = function(images)
        half = (1 + scores[:, 0] - scores[:, 1]) / 2
        return np.stack([half, 1 - half], 1)

    truth = 2 * superpixels.explain(difference, image, 0, samples=4000, control_variate=False, **how).weights
    assert np.abs(contrast.weights - truth).max() < 0.06 * np.abs(truth).max()
    for one in (why, superpixels.explain(function, image, 0, samples=97, control_variate=False, **how)):
        apart = one.weights - one.relabel(1).weights
        assert one.contrast(1).weights == pytest.approx(apart, abs=1e-6)  # what two pictures side by side suggest
        assert one.contrast(1).intercept == pytest.approx(one.intercept - one.relabel(1).intercept, abs=1e-6)
    again = superpixels.repeat(function, contrast, [0])[0]
    assert again.rival == 1 and again.weights == pytest.approx(contrast.weights, abs=1e-5)
    assert contrast.relabel("cat").weights == pytest.approx(why.weights)


def test_scores_that_do_not_sum_to_one_are_explained_too():
    image, parts = shaded()
    weights = np.linspace(-0.03, 0.03, 9)
    first, second = linear(image, parts, weights), linear(image, parts, -weights)

    def function(images):  # two independent probabilities, as from sigmoids
        return np.stack([first(images)[:, 1], 0.5 * second(images)[:, 1]], 1)

    why = superpixels.explain(function, image, 0, parts, 97, fill="grey", stop_at=None)
    assert why.weights == pytest.approx(weights, abs=2e-3)
    assert why.relabel(1).weights == pytest.approx(-weights / 2, abs=2e-3)


def test_fills():
    image, parts = shaded()
    mean = superpixels.filling(image, parts, "mean")
    assert mean[parts == 3] == pytest.approx(np.tile(image[parts == 3].mean(0), ((parts == 3).sum(), 1)), abs=1e-6)
    assert (superpixels.filling(image, parts, "grey") == 0.5).all()
    assert (superpixels.filling(image, parts, 0.25) == 0.25).all()
    assert superpixels.filling(image, parts, "blur").std() < image.std() / 3
    noise = superpixels.filling(image, parts, "noise", seed=1)
    assert np.array_equal(noise, superpixels.filling(image, parts, "noise", seed=1))
    assert noise.mean() == pytest.approx(image.mean(), abs=0.05)
    with pytest.raises(CnnlensError, match="blur"):
        superpixels.filling(image, parts, "blurr")


def test_perturb_hides_what_the_mask_leaves_out():
    image, parts = shaded()
    filled = superpixels.filling(image, parts, "grey")
    mask = np.random.default_rng(0).random((5, 9)) < 0.5
    copies = superpixels.perturb(image, filled, parts, mask)
    assert copies.dtype == np.float32
    assert copies == pytest.approx(np.where(mask[:, parts][..., None], image, filled), abs=1e-6)


def test_step_can_end_a_run():
    image, parts = shaded()
    told = []

    def step(done, total):
        told.append((done, total))
        if done >= 64:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        superpixels.explain(watcher(image, parts, 1), image, 1, parts, 200, stop_at=None, batch_size=32, on_step=step)
    assert told == [(32, 200), (64, 200)]


# --- networks and images ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small():
    """A network with random weights for 32 px RGB, with named classes."""
    import keras

    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            keras.layers.Conv2D(8, 5, 2, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(4, "softmax"),
        ]
    )
    model.layers[-1].set_weights([4 * value for value in model.layers[-1].get_weights()])
    return Network(
        model,
        "small",
        classes=("Siamese_cat", "tabby", "dog", "fish"),
        source="random",
        preprocessing=Preprocessing((4.0,), (-2.0,)),
    )


def test_a_photograph_is_cut_and_scaled_and_that_is_said(small):
    photo = datasets.photos()[0]
    parts = superpixels.segment(photo, count=30)
    assert parts.shape == photo.image.shape[:2]
    with pytest.warns(UserWarning, match="300×451 px.*32×32 px"):
        why = superpixels.explain(small, photo, "tabby", parts, 64)
    assert why.image.shape == (32, 32, 3)
    assert len(why.weights) == parts.max() + 1
    outside = np.setdiff1d(np.arange(len(why.weights)), why.segments)
    assert len(outside) and not why.weights[outside].any() and why.weights.any()
    assert "random" in why.source


def test_the_whole_image_is_not_warned_about(small, recwarn):
    image = superpixels.frame(small, datasets.photos()[0])
    superpixels.explain(small, image, samples=32, segments=superpixels.segment(image, "grid", 9))
    assert not [warning for warning in recwarn if issubclass(warning.category, UserWarning)]


def test_a_keras_model_is_opened_as_a_network(small):
    image, parts = shaded(size=32)
    opened = superpixels.explain(small.model, image, 0, parts, 32)
    network = superpixels.explain(Network.of(small.model), image, 0, parts, 32)
    assert opened.source == network.source and "function" not in opened.source
    assert opened.weights == pytest.approx(network.weights, abs=1e-6)
    with pytest.warns(UserWarning, match="32×32 px"):  # the network knows its size, a function would not
        assert superpixels.explain(small.model, np.ones((40, 60, 3), np.float32), 0, samples=16).image.shape == (
            32,
            32,
            3,
        )


def test_old_names_of_arguments_are_passed_on_and_unknown_ones_refused():
    image, parts = shaded()
    function = watcher(image, parts, 2)
    with pytest.warns(DeprecationWarning, match="stop_at"):
        old = superpixels.explain(function, image, 1, parts, 64, settle=None, imitate=False, batch=16)
    new = superpixels.explain(function, image, 1, parts, 64, stop_at=None, control_variate=False)
    assert np.array_equal(old.weights, new.weights)
    with pytest.raises(CnnlensError, match="'design'"):
        superpixels.explain(function, image, 1, parts, 64, desing="random")


def test_a_huge_photograph_is_scaled_for_a_function():
    image = np.random.default_rng(0).random((2000, 4000, 1)).astype(np.float32)
    shown = superpixels.frame(lambda images: images, image)
    assert shown.shape == (256, 512, 1)
    with pytest.warns(UserWarning, match="2000×4000 px"):
        superpixels.explain(
            lambda x: np.stack([x.mean((1, 2, 3)), 1 - x.mean((1, 2, 3))], 1),
            image,
            segments=superpixels.segment(shown, "grid", 4),
            samples=16,
        )


def test_grey_images(small):
    image = np.random.default_rng(0).random((32, 32)).astype(np.float32)
    assert superpixels.frame(small, image).shape == (32, 32, 3)
    net = zoo.untrained("lenet")
    with pytest.warns(UserWarning, match="28×28 px and 1"):
        why = superpixels.explain(net, image, samples=40)
    assert why.image.shape == (28, 28, 1) and len(why.weights) > 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda x: np.zeros(len(x)), "one value an image"),
        (lambda x: np.zeros((len(x), 1)), "np.hstack"),
        (lambda x: np.full((len(x), 3), np.nan), "NaN"),
        (lambda x: np.tile([-3.0, 8.0], (len(x), 1)), "softmax"),
        (lambda x: np.zeros((len(x), 2, 2)), "expected \\(1, classes\\)"),
        (lambda x: np.full((3, 2), 0.5), "for 1 images"),
    ],
)
def test_unusable_classifiers(answer, said):
    image, parts = shaded()
    with pytest.raises(CnnlensError, match=said):
        superpixels.explain(answer, image, 0, parts, 32)


def test_unusable_input(small):
    image, parts = shaded(size=32)
    with pytest.raises(CnnlensError, match="one superpixel"):
        superpixels.explain(small, image, 0, np.zeros((32, 32), int), 32)
    with pytest.raises(CnnlensError, match="'tabby'"):
        superpixels.explain(small, image, "taby", parts, 32)
    with pytest.raises(CnnlensError, match="no class 4"):
        superpixels.explain(small, image, 4, parts, 32)
    with pytest.raises(CnnlensError, match="another image"):
        superpixels.explain(small, image, 0, parts[:20], 32)
    with pytest.raises(CnnlensError, match="no names"):
        superpixels.explain(lambda x: small.predict(x, progress=False), image, "tabby", parts, 32)
    with pytest.raises(CnnlensError, match="whole numbers"):
        superpixels.explain(small, image, 0, parts / 2, 32)
    with pytest.raises(CnnlensError, match="one image"):
        superpixels.explain(small, np.zeros((2, 32, 32, 3), np.float32), 0)
    with pytest.raises(CnnlensError, match="Network or a function"):
        superpixels.explain(7, image, 0, parts, 32)


def test_labels():
    classes = ("Siamese_cat", "tabby", "crane", "crane")
    assert class_index("siamese cat", classes, 4) == 0
    assert class_index(np.int64(3), classes, 4) == 3
    with pytest.raises(CnnlensError, match="2 or 3"):
        class_index("crane", classes, 4)


def test_an_explanation_shows_itself(small):
    image, parts = shaded(size=32)
    why = superpixels.explain(small, image, 0, parts, 64)
    data, _ = why._repr_mimebundle_()
    assert {"image/png", "text/plain"} <= set(data)
    assert "Siamese cat" in data["text/plain"]
