"""The numbers beside attributions, on maps and networks of which the right number is known; and planted networks."""

import numpy as np
import pytest

from cnnlens import attribution, datasets, superpixels, zoo
from cnnlens.errors import CnnlensError
from cnnlens.scores import attribution as scores
from cnnlens.scores import cascade, hiding, planted, pointing

RNG = np.random.default_rng(0)


def reading(mask):
    """A function whose probability of class 0 is the mean brightness of the pixels of a mask."""

    def function(images):
        bright = images[:, mask].mean((1, 2))
        return np.stack([bright, 1 - bright], 1)

    return function


@pytest.fixture(scope="module")
def quarter():
    """A function that reads one quarter of an image, and its attribution."""
    mask = np.zeros((16, 16), bool)
    mask[:8, :8] = True
    image = np.ones((1, 16, 16, 1), np.float32)
    return reading(mask), attribution.explain(reading(mask), image, 0, "occlusion", fill=0.0, patch=4, progress=False)


# --- comparing ----------------------------------------------------------------------------------------------------


def test_cells_cover_an_image_evenly_and_are_averaged():
    parts = scores.cells((30, 45), 7)
    assert parts.min() == 0 and parts.max() == 48 and len(np.unique(parts)) == 49
    sizes = np.bincount(parts.ravel())
    assert sizes.min() >= 4 * 6 and sizes.max() <= 5 * 7
    assert scores.cells((3, 4), 16).max() == 11, "no more cells than pixels"
    maps = RNG.random((2, 30, 45))
    expected = [[each[parts == k].mean() for k in range(49)] for each in maps]
    np.testing.assert_allclose(scores.in_cells(maps, 7), expected)


def test_similarity_of_what_is_alike_and_what_is_not():
    maps = RNG.normal(size=(3, 32, 32))
    rank, ssim = scores.similarity(maps, -3 * maps)
    np.testing.assert_allclose([*rank, *ssim], 1, atol=1e-6)
    rank, ssim = scores.similarity(maps, RNG.normal(size=maps.shape))
    assert np.abs(rank).max() < 0.15 and np.abs(ssim).max() < 0.3
    rank, ssim = scores.similarity(maps, np.zeros_like(maps))
    assert (rank == 0).all() and np.isfinite(ssim).all() and ssim.max() < 0.5
    assert np.isfinite(scores.similarity(maps[:, :4, :4], maps[:, 4:8, :4])[1]).all(), "maps smaller than a window"


def test_methods_agree_with_themselves_and_lime_takes_part():
    weights = np.arange(16).repeat(16)[np.argsort(scores.cells((16, 16), 4).ravel(), kind="stable").argsort()]
    weights = weights.reshape(16, 16) / weights.sum()  # one cell more than the other

    def function(images):
        bright = (images[..., 0] * weights).sum((1, 2))
        return np.stack([bright, 1 - bright], 1)

    image = np.ones((16, 16, 1), np.float32)
    found = attribution.explain(function, image, 0, "occlusion", fill=0.0, patch=4, stride=4, progress=False)
    why = superpixels.explain(function, image, 0, superpixels.segment(image, "grid", 16), samples=257, fill=0.0)
    lime = pointing.spread(why.weights, why.segments)[None]
    matrix = scores.agreement({"occlusion": found.maps, "LIME": lime, "noise": RNG.random((1, 16, 16))}, 4)
    assert np.allclose(np.diag(matrix), 1) and np.allclose(matrix, matrix.T)
    assert matrix[0, 1] > 0.95 and abs(matrix[0, 2]) < 0.7


# --- hiding -------------------------------------------------------------------------------------------------------


def test_deletion_and_insertion_have_the_areas_that_they_must(quarter):
    function, found = quarter
    numbers = scores.faithfulness(function, found, count=4, steps=16, fill=0.0, progress=False)
    # The score falls from 1 to 0 over the first quarter of the pixels, and rises over the first quarter shown.
    assert numbers.areas("deletion")[0] == pytest.approx(0.125, abs=1e-6)
    assert numbers.areas("insertion")[0] == pytest.approx(0.875, abs=1e-6)
    assert 0.3 < numbers.areas("deletion", "at random")[0] < 0.7
    assert numbers.gain()[0] == pytest.approx(numbers.areas("deletion", "at random")[0] - 0.125)
    assert numbers.gain("insertion")[0] == pytest.approx(0.875 - numbers.areas("insertion", "at random")[0])
    wrong = attribution.repeat(function, found)
    wrong.maps[:] *= -1
    assert scores.faithfulness(function, wrong, count=4, fill=0.0).gain()[0] < 0, "the opposite map must be worse"


def test_it_is_the_superpixels_own_curve(quarter):
    """Deletion of a map that is constant on superpixels is deletion of the superpixels: one implementation."""
    function, found = quarter
    parts = superpixels.segment(found.images[0], "grid", 16)
    why = superpixels.explain(function, found.images[0], 0, parts, samples=129, fill=0.0)
    from cnnlens.scores.superpixels import curves

    map_of = attribution.repeat(function, found)
    map_of.maps[:] = pointing.spread(why.weights, parts)
    mine = scores.faithfulness(function, map_of, count=4, steps=12, fill=0.0)
    theirs = curves(function, why, steps=12)
    for kind in ("deletion", "insertion"):
        assert mine.areas(kind)[0] == pytest.approx(theirs[kind]["by weight"].area, abs=1e-6)
    assert isinstance(theirs["deletion"]["by weight"], hiding.Curve)


def test_an_edge_detector_finds_edges():
    image = np.zeros((1, 16, 16, 3))
    image[:, :, 8:] = 1
    found = scores.edges(image)[0]
    assert found[:, 7:9].min() > 0.5 and found[:, :6].max() == 0


# --- pointing -----------------------------------------------------------------------------------------------------


def test_the_pointing_game():
    maps = np.full((2, 10, 10), -1.0)
    maps[0, 2, 3], maps[0, 9, 9] = 3, 1
    maps[1, 8, 8] = 1
    boxes = [[(0.1, 0.1, 0.4, 0.5)], [(0.0, 0.0, 0.2, 0.2), (0.7, 0.7, 0.8, 0.8)]]
    hit, inside = scores.pointing_game(maps, boxes)
    assert hit.tolist() == [1, 0] and inside.tolist() == [0.75, 0]
    assert pointing.hits(np.zeros((10, 10)), [(0, 0, 0.5, 1)]) == 0.5, "a flat map points blindly"
    with pytest.raises(ValueError):
        scores.pointing_game(maps, boxes[:1])


# --- stability ----------------------------------------------------------------------------------------------------


def test_what_draws_nothing_is_the_same_from_seed_to_seed_and_what_draws_is_not():
    net = zoo.load("lenet")
    images = datasets.load("mnist").x_test[:2]
    calm = scores.stability(net, attribution.explain(net, images, method="gradient_input", progress=False))
    still = attribution.explain(net, images, method="gradient_input", progress=False)
    assert (scores.stability(net, still, noise=0).under_noise == 1).all(), "no noise, no change"
    few = attribution.explain(net, images, method="rise", masks=24, progress=False)
    many = attribution.explain(net, images, method="rise", masks=900, progress=False)
    few, many = (scores.stability(net, found, seeds=2, repeats=1) for found in (few, many))
    assert (calm.over_seeds == 1).all() and 0.5 < calm.under_noise.min() <= calm.under_noise.max() < 1
    assert few.over_seeds.max() < 0.5 < many.over_seeds.min()
    assert calm.moved.max() < 0.1 and "over seeds 1.00" in str(calm)


# --- the sanity check ---------------------------------------------------------------------------------------------


def test_maps_change_when_the_network_forgets_unless_they_never_knew():
    net = zoo.load("vgg4")
    images = datasets.load("cifar10").x_test[:2]
    before = [weight.copy() for weight in net.model.get_weights()]
    found = attribution.explain(net, images, method="gradient_input", progress=False)
    steps = cascade.cascade(net, found, depths=3, progress=False)
    assert all(np.array_equal(*pair) for pair in zip(before, net.model.get_weights())), "the network itself is kept"
    assert steps.layers[-1] == cascade.weighted_layers(net)[-1][0] and len(steps.layers) == 3
    assert steps.maps.shape == (4, 2, 32, 32) and np.array_equal(steps.maps[0], found.maps)
    assert steps.rank[-1].max() < 0.7 and steps.ssim.shape == (3, 2)
    again = cascade.cascade(net, found, depths=3, progress=False)
    assert np.array_equal(again.rank, steps.rank)
    one = cascade.cascade(net, found, depths=1, progress=False)
    assert one.layers == ("dense2",) or len(one.layers) == 1


def test_the_cascade_goes_from_the_top_one_layer_after_the_other(monkeypatch):
    net = zoo.load("lenet")
    found = attribution.explain(net, datasets.load("mnist").x_test[:1], method="gradient", progress=False)
    original, seen = net.model.get_weights(), []

    def watch(copy, found, **how):
        changed = [not np.array_equal(*pair) for pair in zip(original, copy.model.get_weights())]
        seen.append(changed[::2])  # the kernels
        return found

    monkeypatch.setattr(cascade.attribution, "repeat", watch)
    steps = cascade.cascade(net, found, progress=False)
    assert steps.layers == ("dense2", "dense1", "conv2", "conv1")
    assert seen == [[False] * (3 - k) + [True] * (k + 1) for k in range(4)]
    assert (steps.rank == 1).all() and (steps.ssim == 1).all(), "maps that never knew stay the same"


def test_a_network_without_weights_has_nothing_to_randomize():
    import keras

    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.GlobalAveragePooling2D()])
    found = attribution.explain(model, RNG.random((1, 8, 8, 3)), 0, "occlusion", scores="logits", progress=False)
    with pytest.raises(CnnlensError, match="no layers with weights"):
        cascade.cascade(model, found)


# --- planted networks ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=list(planted.PLANTED))
def plant(request):
    return request.param, planted.PLANTED[request.param]()


def test_a_planted_network_reads_what_it_is_said_to_read(plant):
    name, found = plant
    assert (found.net.predict(found.images, progress=False)[:, planted.YES] > 0.9).all()
    assert not (found.truth & found.decoy).any() and found.truth.any((1, 2)).all() and found.decoy.any((1, 2)).all()
    without = np.where(found.truth[..., None], np.float32(0.1), found.images)
    assert (found.net.predict(without, progress=False)[:, planted.YES] < 0.2).all(), "its answer is in the truth"
    beside = np.where(found.truth[..., None], found.images, np.float32(0.1))
    assert (found.net.predict(beside, progress=False)[:, planted.YES] > 0.9).all(), "and nowhere else"


def test_who_finds_the_mark_in_the_corner():
    marks = planted.corner_mark()
    for method in ("gradient", "gradient_input", "smoothgrad", "integrated_gradients", "guided"):
        assert marks.tried(method)[0].min() > 0.99, method
    assert marks.tried("hirescam")[0].min() > 0.9 and marks.tried("hirescam")[1].max() < 0.05
    for method in ("gradcam", "gradcam++"):
        assert marks.tried(method)[1].min() > 0.3, "Grad-CAM's mean over the map forgets where the gradient was"
    for method in ("occlusion", "rise"):
        inside, aside = marks.tried(method)
        assert (inside > 3 * marks.truth.mean((1, 2))).all() and (inside > 2 * aside).all(), method


def test_who_finds_the_color():
    color = planted.only_color()
    for method in attribution.METHODS:
        inside, aside = color.tried(method)
        assert (inside > 3 * color.truth.mean((1, 2))).all() and (inside > 3 * aside).all(), method


def test_plain_gradients_fail_at_a_gate_that_saturates():
    gate = planted.saturating_gate()
    for method in ("gradient", "gradient_input", "smoothgrad", "guided", "gradcam", "gradcam++", "hirescam"):
        assert gate.tried(method)[0].max() == 0, f"{method} looks at the gradient where there is none"
    assert gate.tried("integrated_gradients")[0].min() > 0.99
    assert gate.tried("occlusion", patch=8, fill=0.0)[0].min() > 0.9, "a patch that hides the square finds it"
    assert gate.tried("occlusion", patch=4, fill=0.0)[0].max() == 0, "a smaller one does not open the gate"
    inside, aside = gate.tried("rise")
    assert (inside > 2.5 * gate.truth.mean((1, 2))).all() and (inside > 2 * aside).all()
