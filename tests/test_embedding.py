"""t-SNE: the lens, its scores, its pictures, its animations, and what it says to bad input."""

import dataclasses
import re
import tracemalloc

import keras
import numpy as np
import pytest
from PIL import Image, ImageSequence

from cnnlens import datasets, embedding, explore, figures, zoo
from cnnlens.errors import CnnlensError
from cnnlens.figures import embedding as draw
from cnnlens.figures import interactive, moving
from cnnlens.lenses import film, layout, representation
from cnnlens.network import Network
from cnnlens.scores import embedding as score


@pytest.fixture(scope="module")
def data():
    return datasets.load("digits")


@pytest.fixture(scope="module")
def net():
    return zoo.load("lenet")


@pytest.fixture(scope="module")
def some(data):
    return data.x_test[:150], data.y_test[:150]


@pytest.fixture(scope="module")
def mapped(net, some):
    return embedding.tsne(net, some[0], "dense1", labels=some[1], perplexity=12, source="digits")


@pytest.fixture(scope="module")
def layers(net, some):
    return film.through_layers(net, some[0], ["input", "dense1", "dense2"], labels=some[1], perplexity=12)


@pytest.fixture(scope="module")
def blobs():
    """Three tight clouds in ten dimensions."""
    generator = np.random.default_rng(0)
    labels = np.arange(120) % 3
    return (10 * np.eye(10)[labels] + generator.normal(size=(120, 10))).astype(np.float32), labels


def small(seed=0):
    keras.utils.set_random_seed(seed)
    layers = [
        keras.Input((8, 8, 3)),
        keras.layers.Conv2D(40, 3, name="wide"),
        keras.layers.Flatten(),
        keras.layers.Dense(4, activation="softmax", name="out"),
    ]
    return Network(keras.Sequential(layers), "small")


# --- the lens -----------------------------------------------------------------------------------------------


def test_a_map_holds_what_belongs_to_its_points(mapped, net, some):
    assert mapped.points.shape == (150, 2) and np.isfinite(mapped.points).all()
    assert np.array_equal(mapped.predictions, net.predict(some[0]).argmax(1))
    assert mapped.judged and np.array_equal(mapped.mistakes, mapped.predictions != some[1])
    assert mapped.classes == net.classes and mapped.settings["perplexity"] == 12
    assert net.source in mapped.source and "digits" in mapped.source
    with pytest.raises(dataclasses.FrozenInstanceError):
        mapped.points = None


@pytest.mark.parametrize("engine", ["opentsne", "sklearn"])
def test_a_map_repeats_under_its_seed_and_differs_under_another(blobs, engine):
    how = {"perplexity": 10, "iterations": 300, "engine": engine, "start": "random", "progress": False}
    one, again, other = (embedding.arrange(blobs[0], seed=seed, **how)[0] for seed in (0, 0, 1))
    assert np.array_equal(one, again)
    assert not np.allclose(one, other)


@pytest.mark.parametrize("fft_from", [10, 1000])
def test_a_map_is_the_same_on_any_number_of_threads(blobs, monkeypatch, fft_from):
    monkeypatch.setattr(layout, "FFT_FROM", fft_from)
    found = []
    for threads in (1, 2):
        monkeypatch.setattr(layout, "_threads", lambda count, threads=threads: threads)
        found.append(embedding.arrange(blobs[0], perplexity=10, iterations=4, progress=False)[0])
    assert np.array_equal(*found)


def test_the_grid_of_a_large_map_is_fine_enough_for_its_forces():
    places = np.random.default_rng(1).uniform(-55, 55, (4000, 2))
    found = []
    for method in ("fft", "bh"):
        points = layout.opentsne_of(places, places, 5, seed=0, method=method)
        # One step of repulsion alone, by Barnes and Hut without their approximation and by interpolation.
        points.optimize(1, inplace=True, learning_rate=1, momentum=0, theta=0.0, exaggeration=1e-9)
        moved = np.asarray(points) - places
        found.append(moved - moved.mean(0))
    assert np.linalg.norm(found[0] - found[1]) < 0.2 * np.linalg.norm(found[1])


def test_clouds_stay_apart(blobs):
    points, divergence = embedding.arrange(blobs[0], perplexity=10, progress=False)
    assert score.knn_accuracy(points, blobs[1]) == 1.0
    assert (score.silhouette(points, blobs[1]) > 0.5).all()
    assert divergence > 0
    _, unfinished = embedding.arrange(blobs[0], perplexity=10, iterations=1, early_exaggeration_iter=0, progress=False)
    assert divergence < unfinished


def test_many_points_are_laid_out_as_well_in_fewer_iterations(monkeypatch):
    data = datasets.load("mnist")
    vectors, labels = data.x_train.pixels[:300].reshape(300, -1) / 255, data.y_train[:300]
    usual, least = embedding.arrange(vectors, progress=False)
    monkeypatch.setattr(layout, "MANY", len(vectors))
    assert layout.Layout.of({}, len(vectors)).settings["iterations"] == layout.ITERATIONS[1]
    points, divergence = embedding.arrange(vectors, progress=False)
    assert score.knn_accuracy(points, labels) > score.knn_accuracy(usual, labels) - 0.03
    assert divergence < 1.03 * least and not np.array_equal(points, usual)
    theirs = layout.Layout.of({"engine": "sklearn"}, len(vectors))
    assert theirs.iterations == layout.ITERATIONS[0], "scikit-learn has a momentum of its own"


def test_the_dissertations_settings_run(blobs, net, some):
    found = embedding.tsne(net, some[0], "dense1", labels=some[1], **embedding.DISSERTATION)
    assert (
        found.settings["engine"] == "sklearn"
        and found.settings["learning_rate"] == 1000
        and found.settings["iterations"] == 1000
    )
    assert score.knn_accuracy(found.points, some[1]) > 0.8


def test_reduction_agrees_with_scikit_learn(net, some):
    from sklearn.decomposition import PCA

    found = embedding.represent(net, some[0], "pool2", components=12, batch_size=17)
    whole = net.read(some[0], ["pool2"])["pool2"].reshape(150, -1)
    best = PCA(12, svd_solver="full").fit(whole).explained_variance_ratio_.sum()
    assert found.width == whole.shape[1] and found.vectors.shape == (150, 12)
    assert best * 0.99 <= found.variance <= best + 1e-5
    assert np.allclose(found.vectors, (whole - whole.mean(0)) @ found.basis, atol=1e-3)
    assert np.isclose(
        found.variance, np.square(found.vectors).sum() / np.square(whole - whole.mean(0)).sum(), rtol=1e-4
    )
    assert f"{found.variance:.1%}" in str(found)


def test_a_narrow_layer_is_not_reduced():
    images = np.random.default_rng(0).random((20, 8, 8, 3), np.float32)
    found = embedding.represent(small(), images, "out")
    assert found.variance == 1 and found.basis is None and np.allclose(found.vectors.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("decades", [0, 4, 7])
def test_columns_of_any_lengths_become_orthonormal_and_span_the_same(monkeypatch, decades):
    monkeypatch.setattr(representation, "ROWS", 170)
    generator = np.random.default_rng(0)
    wanted, turn = (np.linalg.qr(generator.standard_normal((rows, 20)))[0] for rows in (500, 20))
    found = representation.orthonormal((wanted * np.logspace(0, -decades, 20) @ turn).astype(np.float32))
    assert found.dtype == np.float32 and np.allclose(found.T @ found, np.eye(20), atol=1e-5)
    reached = np.linalg.norm(wanted.T @ found, axis=1)
    assert reached[: 20 if decades < 6 else 12].min() > 0.999, "the shortest of all drown in the rounding of float32"
    flat = representation.orthonormal(np.pad(np.eye(500, 3, dtype=np.float32), ((0, 0), (0, 2))))
    assert np.allclose(flat.T @ flat, np.eye(5), atol=1e-5), "columns of zeros too"


def test_a_layer_too_large_for_memory_is_read_in_batches_with_the_same_result(monkeypatch):
    net, images = small(), np.random.default_rng(0).random((300, 8, 8, 3), np.float32)
    expected = embedding.represent(net, images, "wide", components=5)
    monkeypatch.setattr(representation, "IN_MEMORY", 0)
    tracemalloc.start()
    found = embedding.represent(net, images, "wide", components=5, batch_size=20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.allclose(found.vectors, expected.vectors, atol=1e-3)
    assert peak < 300 * found.width * 4 * 0.75  # the layer itself never lay in memory as a whole


def test_input_means_the_pixels(net, some):
    found = embedding.represent(net, some[0], "input", components=None)
    assert np.allclose(found.vectors, some[0].reshape(150, -1))


def test_new_points_land_among_their_own_and_move_nothing(net, data, some, mapped):
    before = mapped.points.copy()
    new = slice(150, 200)
    placed = embedding.place(net, mapped, data.x_test[new])
    assert np.array_equal(mapped.points, before) and placed.shape == (50, 2)
    nearest = np.linalg.norm(placed[:, None] - before[None], axis=2).argmin(1)
    full = score.knn_accuracy(embedding.represent(net, data.x_test[:200], "dense1").vectors, data.y_test[:200], 1)
    assert (some[1][nearest] == data.y_test[new]).mean() > full - 0.12
    again = embedding.place(net, mapped, some[0])
    assert np.median(np.linalg.norm(again - before, axis=1)) < 0.1 * before.std()


def test_labels_may_be_names_and_classes_of_another_kind_judge_nothing(net, some):
    names = [net.classes[label] for label in some[1]]
    found = embedding.tsne(net, some[0], "dense2", labels=names, perplexity=10, iterations=10)
    assert np.array_equal(found.labels, some[1])
    foreign = embedding.tsne(
        net, some[0], "dense2", labels=some[1], classes=list("abcdefghij"), perplexity=10, iterations=10
    )
    assert not foreign.judged and not foreign.mistakes.any() and foreign.classes == tuple("abcdefghij")
    nothing = embedding.tsne(net, some[0], "dense2", perplexity=10, iterations=10)
    assert nothing.labels is None and not nothing.mistakes.any()


def test_a_network_without_a_classifier_has_no_predictions():
    keras.utils.set_random_seed(0)
    net = Network(keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="only")]), "headless")
    images = np.random.default_rng(0).random((30, 8, 8, 3), np.float32)
    found = embedding.tsne(net, images, "only", labels=np.arange(30) % 3, classes="abc", perplexity=5, iterations=20)
    assert found.predictions is None and not found.judged


def test_a_model_serves_as_well_as_a_network_and_earlier_words_still_work(mapped, net, some):
    model, images = small().model, np.random.default_rng(0).random((30, 8, 8, 3), np.float32)
    expected = embedding.represent(small(), images, "wide", components=5).vectors
    assert np.array_equal(embedding.represent(model, images, "wide", components=5).vectors, expected)
    assert film.through_layers(model, images, ["wide"], perplexity=5, iterations=10).maps[0].judged is False
    assert "layer out" in explore.embedding(model, images, "out", perplexity=5, iterations=10).alt
    with pytest.warns(DeprecationWarning, match="source"):
        found = embedding.tsne(model, images, "wide", perplexity=5, iterations=10, data="drawn at random")
    assert "drawn at random" in found.source
    earlier = embedding.place(mapped, net, some[0][:3])  # the map used to come first
    assert np.array_equal(earlier, embedding.place(net, mapped, some[0][:3]))


def test_images_of_another_size_are_fitted_and_counted_as_they_were_fed(net, data):
    larger = np.pad(data.x_test[:20], ((0, 0), (4, 4), (4, 4), (0, 0)))
    with pytest.warns(UserWarning, match="28×28 px"):
        assert embedding.represent(net, larger, "input", components=5).width == 784
    anywhere = Network(keras.Sequential([keras.Input((None, None, 1)), keras.layers.Conv2D(2, 3, name="c")]), "any")
    found = embedding.represent(anywhere, larger, "c", components=5)
    assert found.width == 34 * 34 * 2 == len(found.mean)


# --- bad input ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"perplexity": 60}, "at least 181 points"),
        ({"perplexity": 0.5}, "above 1"),
        ({"perplexity": "many"}, "above 1"),
        ({"labels": np.zeros(7, int)}, r"\(150,\), got \(7,\)"),
        ({"labels": np.full(150, 12)}, "0 to 9"),
        ({"labels": np.linspace(0, 1, 150)}, "whole numbers"),
        ({"labels": ["sevn"] * 150, "classes": ["seven", *"123456789"]}, "'seven'"),
        ({"labels": ["a"] * 150, "classes": ["a", "a", *"bcdefghi"]}, "2 classes are called 'a'"),
        ({"perplexty": 5}, "'perplexity'"),
        ({"engine": "opentsen"}, "'opentsne'"),
        ({"start": "pcs"}, "'pca'"),
        ({"start": np.zeros((3, 2))}, r"\(150, 2\)"),
        ({"iterations": 0}, "at least 1"),
        ({"learning_rate": -3}, "above 0"),
        ({"engine": "sklearn", "iterations": 100}, "at least 250"),
    ],
)
def test_settings_that_cannot_be_used(net, some, change, words):
    arguments = {"labels": some[1], "perplexity": 10, **change}
    with pytest.raises(CnnlensError, match=words):
        embedding.tsne(net, some[0], "dense2", **arguments)


def test_too_few_points_say_what_would_do(net, data):
    with pytest.raises(CnnlensError, match="perplexity=6 at most"):
        embedding.tsne(net, data.x_test[:20], "dense1")
    with pytest.raises(CnnlensError, match="at least 7 images"):
        embedding.tsne(net, data.x_test[:4], "dense1")
    with pytest.raises(CnnlensError, match="at least two images"):
        embedding.represent(net, data.x_test[:1], "dense1")
    embedding.tsne(net, data.x_test[:20], "dense1", perplexity=6, iterations=10)


def test_an_unknown_layer_names_the_nearest(net, some):
    with pytest.raises(CnnlensError, match="'dense1'"):
        embedding.tsne(net, some[0], "dense_1")


def test_identical_points_are_mapped_but_all_identical_are_refused(net, data):
    images = np.repeat(data.x_test[:15], 10, axis=0)
    found = embedding.tsne(net, images, "dense1", perplexity=5)
    assert np.isfinite(found.points).all()
    assert score.knn_accuracy(found.points, np.repeat(np.arange(15), 10), 5) > 0.9
    with pytest.raises(CnnlensError, match="same 128 numbers for all 60 images"):
        embedding.tsne(net, np.repeat(data.x_test[:1], 60, axis=0), "dense1", perplexity=5)
    with pytest.raises(CnnlensError, match="identical"):
        embedding.arrange(np.ones((50, 3)), perplexity=5)


def test_a_constant_layer_is_refused(some):
    net = zoo.load("lenet", weights="random")
    dense = net.model.get_layer("dense1")
    dense.set_weights([np.zeros_like(dense.get_weights()[0]), np.full(128, -1.0)])
    with pytest.raises(CnnlensError, match="'dense1' gives the same 128 numbers for all 150 images"):
        embedding.tsne(net, some[0], "dense1")


def test_nan_is_refused_where_it_appears():
    net = small()
    wide = net.model.get_layer("wide")
    wide.set_weights([np.full_like(wide.get_weights()[0], np.nan), np.zeros(40)])
    with pytest.raises(CnnlensError, match="'wide' of small gives NaN or infinity for image 0"):
        embedding.tsne(net, np.random.default_rng(0).random((60, 8, 8, 3), np.float32), "wide", perplexity=5)
    vectors = np.random.default_rng(0).normal(size=(50, 3))
    vectors[7, 1] = np.nan
    with pytest.raises(CnnlensError, match="1 of 50 rows, first in row 7"):
        embedding.arrange(vectors, perplexity=5)


# --- scores -------------------------------------------------------------------------------------------------


def test_trustworthiness_and_continuity_equal_scikit_learns(mapped):
    from sklearn.manifold import trustworthiness

    before, after = mapped.representation.vectors, mapped.points
    found = score.trustworthiness_and_continuity(before, after, 7)
    assert np.allclose(
        found, (trustworthiness(before, after, n_neighbors=7), trustworthiness(after, before, n_neighbors=7)), atol=1e-6
    )
    assert score.trustworthiness_and_continuity(after, after, 7) == (1, 1)


def test_a_shuffled_map_is_no_better_than_chance(mapped):
    shuffled = np.random.default_rng(0).permutation(mapped.points)
    trust, keep = score.trustworthiness_and_continuity(mapped.representation.vectors, shuffled, 7)
    assert 0.4 < trust < 0.6 and 0.4 < keep < 0.6
    assert score.knn_accuracy(shuffled, mapped.labels) < 0.4
    assert score.agreement([mapped.points, shuffled]) < 0.2
    assert score.agreement([mapped.points, 3 - 2 * mapped.points]) == 1


def test_the_accuracy_equals_scikit_learns_leave_one_out(blobs):
    from sklearn.model_selection import LeaveOneOut, cross_val_score
    from sklearn.neighbors import KNeighborsClassifier

    vectors, labels = blobs[0][:60] + np.random.default_rng(1).normal(size=(60, 10)) * 5, blobs[1][:60]
    assert (
        score.knn_accuracy(vectors, labels, 1)
        == cross_val_score(KNeighborsClassifier(1), vectors.astype(np.float32), labels, cv=LeaveOneOut()).mean()
    )
    assert list(score.majority(np.array([[2, 1, 1], [2, 1, 0], [1, 2, 2], [0, 1, 2]]))) == [1, 2, 2, 0]


def test_the_accuracy_in_the_whole_layer_is_that_of_its_vectors(net, some):
    whole = embedding.represent(net, some[0], "pool2", components=None).vectors
    assert np.isclose(
        score.knn_accuracy_full(net, *some, "pool2", k=5), score.knn_accuracy(whole, some[1], 5), atol=0.007
    )
    part = score.knn_accuracy_full(net, *some, "pool2", k=5, sample=40)
    assert 0.5 < part <= 1 and part * 40 == pytest.approx(round(part * 40))


@pytest.fixture
def reads(monkeypatch):
    """The layers of each forward pass, and for how many images."""
    passes, read = [], Network.read

    def counted(net, images, layers, **how):
        passes.append((tuple(layers), len(images)))
        return read(net, images, layers, **how)

    monkeypatch.setattr(Network, "read", counted)
    return passes


def test_several_layers_are_read_in_one_pass(net, some, reads, monkeypatch):
    layers = ["input", "pool2", "dense1"]
    both = score.knn_accuracy_full(net, *some, layers[1:], k=5, sample=40)
    sequence = film.through_layers(net, some[0], layers, perplexity=5, iterations=20, components=7, seed=3)
    assert reads == [(("pool2", "dense1"), len(some[0]))] * 2

    monkeypatch.setattr(representation, "IN_MEMORY", 1)
    assert both == {layer: score.knn_accuracy_full(net, *some, layer, k=5, sample=40) for layer in layers[1:]}
    alone = embedding.represent(net, some[0], "pool2", components=7, seed=3)
    assert np.allclose(sequence.maps[1].representation.vectors, alone.vectors, atol=1e-3)
    assert sequence.maps[1].representation.settings == alone.settings
    film.through_layers(net, some[0], layers, perplexity=5, iterations=20)
    assert {layers for layers, _ in reads[2:]} == {("pool2",), ("dense1",)}


def test_images_that_are_all_asked_for_are_read_once(net, some, reads):
    score.knn_accuracy_full(net, *some, "pool2", k=5)
    assert reads == [(("pool2",), len(some[0]))]


def test_a_representation_that_is_known_is_not_read_again(net, some, mapped, reads):
    known = mapped.representation
    again = embedding.tsne(net, some[0], "dense1", representation=known, perplexity=12, predictions=mapped.predictions)
    assert np.allclose(again.points, mapped.points, atol=1e-3) and not reads
    with pytest.raises(CnnlensError, match="150 images in layer 'dense1'; expected 150 in 'dense2'"):
        embedding.tsne(net, some[0], "dense2", representation=known)


def test_silhouettes_by_class(blobs):
    from sklearn.metrics import silhouette_samples

    found = score.silhouette(blobs[0], blobs[1], classes=4)
    assert np.allclose(
        found[:3], [silhouette_samples(blobs[0], blobs[1])[blobs[1] == label].mean() for label in range(3)]
    )
    assert np.isnan(found[3]) and np.isnan(score.silhouette(blobs[0], np.zeros(120, int))).all()


def test_grouping_is_one_by_chance_and_high_in_clouds(blobs):
    assert np.allclose(score.grouping(blobs[0], blobs[1]), 119 / 39)
    random = np.random.default_rng(0).normal(size=(2000, 2))
    assert np.allclose(score.grouping(random, np.arange(2000) % 4), 1, atol=0.15)


def test_taking_out_the_color_leaves_what_is_not_color():
    generator = np.random.default_rng(0)
    color, labels = generator.random((400, 3)), np.arange(400) % 2
    by_color = np.column_stack([color[:, 0] + 0.5 * color[:, 1] ** 2, color[:, 2] * color[:, 0]])
    assert np.abs(score.regress_out(by_color, color)).max() < 1e-5
    mixed = np.column_stack([300 * by_color, labels])  # color drowns the class until it is taken out
    assert score.knn_accuracy(score.regress_out(mixed, color), labels) == 1 > score.knn_accuracy(mixed, labels) + 0.2
    assert np.allclose(score.mean_color(np.ones((2, 4, 4, 3)) * [0.1, 0.2, 0.3]), [[0.1, 0.2, 0.3]] * 2)


def test_pairs_of_classes():
    labels = np.repeat(np.arange(4), 30)
    centers = np.array([[0, 0], [0, 3], [50, 50], [90, 0]])  # classes 0 and 1 touch
    points = centers[labels] + np.random.default_rng(0).normal(size=(120, 2))
    found = score.class_neighbors(points, labels)
    assert score.pairs(found)[0][:2] == (0, 1) and score.rank_of_pair(found, 1, 0) == 1
    assert np.nansum(found) == pytest.approx(2) and np.array_equal(found, found.T, equal_nan=True)
    predictions = labels.copy()
    predictions[:5], predictions[60:62] = 1, 3
    confused = score.confusions(labels, predictions)
    assert confused[0, 1] == confused[1, 0] == 5 / 7 and confused[2, 3] == 2 / 7
    assert score.pair_rank_correlation(confused, confused) == pytest.approx(1) and np.isnan(
        score.pair_rank_correlation(confused, np.zeros((4, 4)))
    )


def test_all_scores_of_a_map(mapped):
    found = score.score(mapped)
    assert found.knn_map == score.knn_accuracy(mapped.points, mapped.labels)
    assert found.variance == mapped.representation.variance and len(found.silhouette_map) == 10
    assert f"{found.knn_layer:.3f}" in str(found)
    unlabeled = score.score(dataclasses.replace(mapped, labels=None, classes=None, judged=False))
    assert np.isnan(unlabeled.knn_map) and unlabeled.trustworthiness == found.trustworthiness


@pytest.mark.parametrize("k", [0, 150, 75])
def test_neighbors_that_are_not_there(mapped, k):
    with pytest.raises(CnnlensError):
        score.trustworthiness_and_continuity(mapped.representation.vectors, mapped.points, k)


def test_known_clouds_and_what_the_map_makes_of_them():
    found = film.clouds([5, 30], each=40)
    cloud, labels = found.maps[0].representation.vectors, found.labels
    radius, gap = score.sizes(cloud, labels), score.gaps(cloud, labels)
    assert radius[1] / radius[0] == pytest.approx(5, rel=0.1) and radius[2] / radius[0] == pytest.approx(1, rel=0.1)
    assert gap[0, 2] / gap[0, 1] == pytest.approx(4, rel=0.1)
    drawn = score.sizes(found.maps[1].points, labels)
    assert drawn[1] / drawn[0] < 3  # the map hides how much wider the wide cloud is
    assert found.titles == ("perplexity 5", "perplexity 30") and found.at(-1).titles == ("perplexity 30",)


def test_vectors_in_memory_are_reduced_alike(net, some):
    whole = embedding.represent(net, some[0], "dense1", components=None).vectors
    reduced, kept = embedding.reduce(whole, 20)
    layer = embedding.represent(net, some[0], "dense1", components=20)
    assert reduced.shape == (150, 20) and kept == pytest.approx(layer.variance, rel=1e-3)
    assert embedding.reduce(whole, 500)[1] == 1.0


# --- animations ---------------------------------------------------------------------------------------------


def test_points_travel_instead_of_jumping(net, some, layers):
    apart = [
        embedding.tsne(net, some[0], layer, labels=some[1], perplexity=12, start="random", seed=i)
        for i, layer in enumerate(["input", "dense1", "dense2"])
    ]
    jumping = film.EmbeddingSequence(maps=tuple(apart), titles=layers.titles)
    assert layers.frames.shape == (3, 150, 2)
    assert (layers.travel < 0.6 * jumping.travel).all()
    for mine, fresh in zip(layers.maps, apart):
        assert score.knn_accuracy(mine.points, some[1]) > score.knn_accuracy(fresh.points, some[1]) - 0.05


def test_maps_of_training_follows_the_snapshots_and_leaves_the_network_alone(tmp_path, data, net, some):
    start = zoo.untrained("lenet", seed=3)
    paths = [tmp_path / f"epoch_{i:03d}.weights.h5" for i in range(2)]
    start.model.save_weights(paths[0])
    net.model.save_weights(paths[1])
    before = [weight.copy() for weight in start.model.get_weights()]
    found = film.through_training(start, some[0], list(enumerate(paths)), "dense1", labels=some[1], perplexity=12)
    assert found.titles == ("before training", "epoch 1") and "epochs 0 to 1" in found.source
    assert found.maps[1].mistakes.sum() < found.maps[0].mistakes.sum()
    assert np.allclose(
        found.maps[1].representation.vectors, embedding.represent(net, some[0], "dense1").vectors, atol=1e-3
    )
    assert all(np.array_equal(a, b) for a, b in zip(before, start.model.get_weights()))
    with pytest.raises(CnnlensError, match="no snapshots"):
        film.through_training(start, some[0], [], "dense1")


def test_maps_of_perplexities_maps_one_representation(net, some):
    found = film.through_perplexities(net, some[0], "dense1", [2, 20], labels=some[1])
    assert found.titles == ("perplexity 2", "perplexity 20")
    assert np.array_equal(found.maps[0].representation.vectors, found.maps[1].representation.vectors)
    assert [each.settings["perplexity"] for each in found.maps] == [2, 20]


def test_an_animation_begins_and_ends_with_its_maps_and_moves_between(layers):
    places = [place for place, _ in moving.shots(layers, 6)]
    assert (
        places[0] == 0
        and places[-1] == 2
        and {0.0, 1.0, 2.0} <= set(places)
        and np.all(np.diff(places) > 0)
        and len(places) == 13
    )


@pytest.mark.parametrize("ending", ["gif", "mp4"])
def test_an_animation_is_written_whole_and_small(tmp_path, layers, ending):
    path = moving.write(layers, tmp_path / f"film.{ending}", notes=["a", "b", "c"])
    assert 1000 < path.stat().st_size < moving.LIMIT
    if ending == "gif":
        frames = [np.asarray(frame.convert("RGB")).astype(int) for frame in ImageSequence.Iterator(Image.open(path))]
        assert len(frames) == 2 * moving.SIZES[0][1] + 1
        assert all(np.abs(one - other).sum() > 0 for one, other in zip(frames, frames[1:]))
    else:
        import imageio_ffmpeg

        frames, seconds = imageio_ffmpeg.count_frames_and_secs(str(path))
        assert frames >= 2 * moving.SIZES[0][1] + 1 and seconds > 3


def test_an_animation_shrinks_until_it_fits(tmp_path, layers, monkeypatch):
    monkeypatch.setattr(moving, "SIZES", ((200, 3), (160, 3), (100, 2)))
    large = moving.write(layers, tmp_path / "large.gif").stat().st_size
    small = moving.write(layers, tmp_path / "small.gif", limit=large // 2)
    assert small.stat().st_size <= large // 2 and Image.open(small).width < Image.open(tmp_path / "large.gif").width
    with pytest.raises(CnnlensError, match="over 1,000 bytes"):
        moving.write(layers, tmp_path / "tiny.gif", limit=1000)
    assert not (tmp_path / "tiny.gif").exists()
    with pytest.raises(CnnlensError, match=".gif or .mp4"):
        moving.write(layers, tmp_path / "film.avi")


def test_the_command_writes_an_animation_of_a_run(tmp_path, data, monkeypatch, capsys):
    from cnnlens.__main__ import main

    monkeypatch.chdir(tmp_path)
    for i in range(2):
        (tmp_path / "run" / "snapshots").mkdir(parents=True, exist_ok=True)
        zoo.untrained("lenet", seed=i).model.save_weights(tmp_path / "run" / "snapshots" / f"epoch_{i:03d}.weights.h5")
    arguments = ["film", "lenet", "--run", "run", "--data", "digits", "--images", "60", "--perplexity", "8"]
    assert main([*arguments, "--out", "a.gif", "b.html"]) == 0
    assert (tmp_path / "a.gif").stat().st_size > 1000 and "epoch 1" in (tmp_path / "b.html").read_text()
    assert "2 maps of 60 images" in capsys.readouterr().out
    assert main([*arguments, "--out", "a.avi"]) == 2
    assert main(["film", "lenet", "--run", "nowhere"]) == 2 and "no snapshots" in capsys.readouterr().err


# --- pictures -----------------------------------------------------------------------------------------------


def test_results_show_themselves_with_words(mapped, layers):
    for result in (mapped, layers, score.score(mapped)):
        data, metadata = result._repr_mimebundle_()
        assert data["image/png"] and metadata["image/png"]["alt"] == data["text/plain"]
    fig, alt = draw.draw_map(mapped)
    words = " ".join(text.get_text() for text in fig.findobj(match=lambda item: hasattr(item, "get_text")))
    assert (
        all(name in words for name in mapped.classes)
        and "digits" in words
        and f"{mapped.mistakes.sum()} mistakes" in alt
    )


def test_a_strip_has_one_scale_and_marks_the_mistakes(layers):
    fig, _ = draw.strip(layers, notes=["a", "b", "c"], title="Layers")
    limits = {axes.get_xlim() for axes in fig.axes}
    assert len(fig.axes) == 3 and len(limits) == 1
    marked = [len(drawn.get_offsets()) for axes in fig.axes for drawn in axes.collections]
    assert marked.count(int(layers.maps[0].mistakes.sum())) >= 6  # each map: a ring and a cross


def test_colors_stay_with_their_class_and_run_out_into_grey():
    labels = np.arange(30) % 10
    assert draw.colors_of(labels[:10]) == list(figures.CLASS_COLORS)
    assert draw.colors_of(np.array([7, 7, 2])) == [figures.CLASS_COLORS[7]] * 2 + [figures.CLASS_COLORS[2]]
    many = draw.colors_of(np.repeat(np.arange(15), np.arange(1, 16)))
    assert many[0] == draw.GREY and len(set(many)) == 11


def test_names_of_classes_are_no_formulas(mapped):
    """A folder may be called so, and matplotlib would refuse to draw it."""
    names = (r"$_$ \frac", *"123456789")
    odd = dataclasses.replace(mapped, classes=names, source=r"$^ \frac$")
    tables = {"map": score.class_neighbors(mapped.points, mapped.labels, classes=10)}
    for fig, _ in (draw.draw_map(odd), draw.draw_scores(score.score(odd)), draw.pair_matrices(tables, names)):
        assert len(figures.png(fig)) > 5000


def test_other_figures_are_drawn(mapped, layers):
    found = [score.score(each) for each in layers.maps]
    matrix = score.class_neighbors(mapped.points, mapped.labels, classes=10)
    pictures = [
        draw.curves(found, titles=layers.titles),
        draw.groupings({"map": score.grouping(mapped.points, mapped.labels, classes=10)}, mapped.classes, source="s"),
        draw.pair_matrices(
            {"map": matrix, "confusions": score.confusions(mapped.labels, mapped.predictions, 10)}, mapped.classes
        ),
    ]
    for fig, alt in pictures:
        assert alt and len(figures.png(fig)) > 5000


def test_the_page_needs_nothing_from_outside(layers, some, tmp_path):
    page = explore.embedding(layers, some[0], notes=["a <b>", "b", "c"])
    tags = re.findall(r"<(?:script|link|img|iframe)[^>]{0,300}", page.html.split("<body>")[0])
    assert tags and not any(
        "src=" in tag or "href=" in tag for tag in tags
    )  # the browser test watches what is asked for
    assert "a &lt;b&gt;" in page.html or "a \\u0026lt;b" in page.html or "&amp;lt;" in page.html
    assert 1e6 < len(page.html) < 4e6 and page.save(tmp_path / "page.html").stat().st_size > 1e6
    shown = page._repr_mimebundle_()
    assert shown["text/html"].startswith("<iframe") and shown["text/plain"] == page.alt


def test_the_contact_sheet_holds_every_image(some):
    import base64
    import io

    sheet, across = interactive.contact_sheet(some[0])
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(sheet))).convert("RGB")) / 255
    for i in (0, 13, 149):
        row, col = divmod(i, across)
        cut = pixels[row * 28 : row * 28 + 28, col * 28 : col * 28 + 28]
        assert np.abs(cut - some[0][i]).mean() < 0.06


def test_the_explorer_maps_a_network_and_refuses_what_does_not_fit(net, some, layers):
    page = explore.embedding(net, some[0], "dense2", labels=some[1], perplexity=10, iterations=20)
    assert "layer dense2" in page.alt
    with pytest.raises(CnnlensError, match="150 points; got 10 images"):
        explore.embedding(layers, some[0][:10])
    with pytest.raises(CnnlensError, match="3 maps; got 1 notes"):
        explore.embedding(layers, some[0], notes=["a"])
