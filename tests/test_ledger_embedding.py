"""Claims about t-SNE: the measures tell a planted case from its opposite, and the claims find what was planted."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from cnnlens import datasets
from cnnlens.ledger import CLAIMS, FAILS, HOLDS, OPEN, measure
from cnnlens.ledger import on_embedding as measures
from cnnlens.network import Network
from cnnlens.scores import embedding as scores
from cnnlens.zoo import CLASSES

COUNT = 200
NAMES = CLASSES["vgg4"]
AIRPLANE, AUTOMOBILE, DEER, HORSE, SHIP, TRUCK = (
    NAMES.index(name) for name in ("airplane", "automobile", "deer", "horse", "ship", "truck")
)
LABELS = np.arange(COUNT) % 10


def noise(seed=0, width=20):
    return np.random.default_rng(seed).normal(size=(COUNT, width)).astype(np.float32)


def clusters(centers, spread=0.1):
    """A cloud a class; classes with the same number lie in the same place."""
    return np.eye(20, dtype=np.float32)[np.asarray(centers)[LABELS]] + spread * noise(1)


# --- measures -----------------------------------------------------------------------------------------------


def test_accuracies_and_same_class_fractions_of_clouds_apart_and_of_noise():
    apart = clusters(range(10))
    assert measures.knn_accuracy_by_class(apart, LABELS) == pytest.approx(np.ones(10)) and scores.same_class_fraction(
        apart, LABELS
    ) == pytest.approx(np.ones(COUNT))
    assert measures.knn_accuracy_by_class(noise(), LABELS).mean() < 0.2 and scores.same_class_fraction(
        noise(), LABELS
    ).mean() == pytest.approx(0.1, abs=0.04)


def test_knn_accuracy_by_class_agrees_with_the_whole_and_knows_absent_classes():
    mixed = clusters(range(10), spread=0.4)
    found = measures.knn_accuracy_by_class(mixed, LABELS, classes=12)
    assert found[:10].mean() == pytest.approx(scores.knn_accuracy(mixed, LABELS)) and np.isnan(found[10:]).all()


def test_groups_are_made_of_the_class_that_groups():
    only = np.where((LABELS == SHIP)[:, None], clusters(range(10)), 5 * noise())
    assert measures.groups_by_class(only, LABELS) == pytest.approx(np.eye(10)[SHIP])
    assert measures.groups_by_class(clusters(range(10)), LABELS) == pytest.approx(np.full(10, 0.1))
    assert np.isnan(measures.groups_by_class(noise(), LABELS)).all()


def test_sky_is_blue_and_grass_clouds_night_and_violets_are_not():
    colors = {
        "sky": (0.4, 0.6, 0.9),
        "deep": (0.1, 0.3, 0.7),
        "grass": (0.3, 0.6, 0.2),
        "cloud": (0.8, 0.8, 0.82),
        "night": (0, 0, 0.2),
        "violet": (0.6, 0.2, 0.9),
    }
    found = measures.sky_blue(np.stack([np.full((4, 4, 3), color) for color in colors.values()]))
    assert found.tolist() == [1, 1, 0, 0, 0, 0]
    half = np.full((1, 4, 4, 3), colors["grass"])
    half[:, :2] = colors["sky"]
    assert measures.sky_blue(half) == pytest.approx([0.5])


def test_ranks_and_chance():
    values = np.array([3.0, 1, 4, 1.5, 9])
    assert scores.rank_correlation(values, np.exp(values)) == pytest.approx(1) and scores.rank_correlation(
        values, -values
    ) == pytest.approx(-1)
    assert np.isnan(scores.rank_correlation(values, np.ones(5)))
    line = -np.abs(np.subtract.outer(np.arange(10.0), np.arange(10)))
    assert scores.pair_rank_correlation(line, line) == pytest.approx(1)
    assert abs(measures.pair_rank_correlation_by_chance(line, line, shuffles=200)) < 0.1


# --- claims on representations made up so that the answer is known ------------------------------------------


class Planted(Network):
    """A network whose layers give what they are told; it knows an image by the number in its first pixel."""

    name = source = "planted"

    def __init__(self, layers, answers=None, classes=NAMES):
        self.layers, self.answers, self.classes = layers, answers, classes

    def layer(self, path):
        return SimpleNamespace(shape=self.layers[path].shape[1:])

    def read(self, images, paths, **_):
        return {path: self.layers[path][numbers(images)] for path in paths}

    def prepare(self, images):
        return np.pad(self.layers["input"][numbers(images)], ((0, 0), (0, 172)))  # as wide as the pixels

    def predict(self, images, **_):
        return np.eye(10)[self.answers[numbers(images)]]


def numbers(images):
    return np.round(images[:, 0, 0, 0] * COUNT).astype(int)


def verdict(key, layers, **planted):
    """The verdict of a claim where VGG4 and LeNet have these layers (LeNet's before training: ``before``)."""
    return verdicts([key], layers, **planted)[0]


def verdicts(keys, layers, *, before=None, lenet=None, images=None, answers=None, seeds=2):
    """Those of several claims, which share their maps."""
    images = np.zeros((COUNT, 8, 8, 3), np.float32) if images is None else images.astype(np.float32)
    images[:, 0, 0, 0] = np.arange(COUNT) / COUNT
    data = SimpleNamespace(x_test=images, y_test=LABELS, classes=NAMES, source="planted")
    kept = {("net", "vgg4"): Planted(layers, answers), ("net", "lenet"): Planted(lenet or layers)}
    kept |= {("data", name): data for name in ("mnist", "cifar10")} | {
        ("untrained", "lenet", seed): Planted(before) for seed in range(seeds)
    }
    kept = {
        key: (thing, {}, 0.0) for key, thing in kept.items()
    }  # with the sources that a thing was made from, and its seconds
    size = {"seeds": seeds, "images": 160, "iterations": 500, "judged": COUNT}
    entries = [measure(replace(CLAIMS[key], sizes={"quick": size}), kept=kept) for key in keys]
    print(*((entry.key, entry.reason) for entry in entries))  # seen when a test fails
    return [entry.verdict for entry in entries]


APART, HEAP = clusters(range(10)), noise()
NEARLY = APART + 0.1 * noise(2)  # as far apart, but not the same: where all goes alike nothing tells of chance
ASTRAY = np.where((np.arange(COUNT) % 13 == 0)[:, None], np.roll(APART, 1, 0), APART)  # some in another class's cloud


@pytest.mark.parametrize(
    "key, holds, fails",
    [
        ("mnist-groups-before-training", {"before": {"dense1": APART}}, {"before": {"dense1": HEAP}}),
        (
            "mnist-groups-by-itself",
            {"before": {"input": APART, "dense1": ASTRAY}},
            {"before": {"input": HEAP, "dense1": APART}},
        ),
        ("mnist-groups-by-training", {"before": {"dense1": HEAP}}, {"before": {"dense1": NEARLY}}),
        ("cifar-first-layer-random", {"layers": {"conv1": clusters(range(10), 0.55)}}, {"layers": {"conv1": APART}}),
        (
            "cifar-last-layer-groups",
            {"layers": {"conv1": HEAP, "dense1": APART}},
            {"layers": {"conv1": APART, "dense1": HEAP}},
        ),
        (
            "cifar-less-clear-than-mnist",
            {"layers": {"dense1": HEAP}, "lenet": {"dense1": APART}},
            {"layers": {"dense1": APART}, "lenet": {"dense1": NEARLY}},
        ),
    ],
)
def test_groups_are_found_where_they_are(key, holds, fails):
    both = {"layers": {"conv1": APART, "dense1": APART}}
    assert verdict(key, **{**both, **holds}) == HOLDS
    assert verdict(key, **{**both, **fails}) == FAILS


def alone(label, others):
    """A first layer in which only one class groups."""
    return np.where((LABELS == label)[:, None], APART, others)


def test_airplanes_are_named_only_where_it_is_they_that_group():
    some = np.where(((LABELS == TRUCK) & (np.arange(COUNT) % 3 > 0))[:, None], APART, 5 * HEAP)  # trucks group in part
    assert verdict("cifar-first-groups-airplanes", {"conv1": alone(AIRPLANE, some)}, seeds=3) == HOLDS
    assert verdict("cifar-first-groups-airplanes", {"conv1": alone(SHIP, some)}, seeds=3) == FAILS
    assert verdict("cifar-first-groups-airplanes", {"conv1": HEAP}) == OPEN


def colored(blue):
    """Images in random colors; those asked for are blue as the sky."""
    colors = np.random.default_rng(0).random((COUNT, 3)) * (0.9, 0.9, 0.5)
    colors[blue] = (0.3, 0.5, 0.9)
    return np.broadcast_to(colors[:, None, None], (COUNT, 8, 8, 3)).copy()


def test_color_accounts_for_airplanes_only_where_the_layer_sees_no_more_of_them():
    images = colored(LABELS == AIRPLANE)
    seen = np.concatenate([20 * images.mean((1, 2)), HEAP], 1)
    assert verdict("cifar-airplanes-by-color", {"conv1": seen}, images=images, seeds=4) == HOLDS
    assert (
        verdict("cifar-airplanes-by-color", {"conv1": np.concatenate([seen, 30 * APART], 1)}, images=images, seeds=4)
        == FAILS
    )


def test_sky_accounts_for_airplanes_only_where_those_that_group_are_blue():
    grouping = (LABELS == AIRPLANE) & (np.arange(COUNT) // 10 % 4 > 0)
    layers = {"conv1": np.where(grouping[:, None], APART - 5, 5 * HEAP)}
    assert verdict("cifar-airplanes-by-blue-sky", layers, images=colored(grouping), seeds=4) == HOLDS
    assert (
        verdict("cifar-airplanes-by-blue-sky", layers, images=colored((LABELS == AIRPLANE) & ~grouping), seeds=4)
        == FAILS
    )
    assert verdict("cifar-airplanes-by-blue-sky", {"conv1": HEAP}) == OPEN


def test_pairs_are_together_where_they_share_a_place():
    centers = np.arange(10)
    centers[TRUCK] = AUTOMOBILE
    layers = {"dense1": clusters(centers, 0.22)}
    assert verdict("cifar-automobile-truck", layers, seeds=4) == HOLDS
    assert verdict("cifar-deer-horse", layers, seeds=4) == FAILS


def test_a_map_shows_similar_classes_where_mistakes_go_to_neighbors():
    line = {"dense1": (LABELS[:, None] + 0.5 * noise(width=2)).astype(np.float32)}
    generator = np.random.default_rng(0)
    near = (LABELS + generator.integers(-1, 2, COUNT)).clip(0, 9)
    assert verdict("tsne-shows-similar-classes", line, answers=near) == HOLDS
    assert verdict("tsne-shows-similar-classes", line, answers=generator.integers(10, size=COUNT)) == FAILS


def test_what_a_map_keeps_and_what_it_cannot():
    """Clouds apart can be kept in the plane; ten that overlap in nineteen dimensions cannot be drawn as they lie."""
    near, thick = ({"conv1": each, "dense1": each} for each in (clusters(range(10), 0.23), clusters(range(10), 0.2)))
    wide = {"conv1": np.concatenate([near["conv1"], 0.05 * noise(3, 60)], 1)}  # 80 dimensions, of which 50 are kept
    assert verdicts(["tsne-keeps-neighbors", "tsne-little-tuning"], near, seeds=4) == [HOLDS, HOLDS]
    assert verdict("tsne-no-preprocessing", wide, seeds=4) == HOLDS
    assert verdicts(["tsne-true-extent", "tsne-true-extent-these-classes"], thick) == [FAILS, FAILS]


def test_separation_is_ordered_where_classes_differ_in_it():
    spread = 0.05 * 1.6 ** LABELS[:, None]
    layer = (np.eye(20)[LABELS] + spread * noise()).astype(np.float32)
    assert verdict("tsne-orders-separation-these-layers", {"conv1": layer, "dense1": layer}) == HOLDS


def test_nothing_is_said_of_airplanes_where_there_are_none():
    patches = datasets.load("patches")
    kept = {("data", "cifar10"): (patches, {}, 0.0), ("net", "vgg4"): (Planted({}), {}, 0.0)}
    asked = [key for key, claim in CLAIMS.items() if key.startswith("cifar-") or key == "tsne-shows-similar-classes"]
    for entry in (measure(CLAIMS[key], kept=kept) for key in asked):
        assert entry.verdict == OPEN and "airplanes" in entry.reason and entry.measured is None
