"""Claims about t-SNE (section 7.6 and what section 8 concludes of it), each as a test.

Maps are made with the lens's own settings (perplexity 30) where nothing else is said, and "the last layer" is the last
hidden one, ``dense1``. Every seed draws other test images, and starts another untrained network where one is compared
with.
"""

import numpy as np

from ..lenses import embedding
from ..scores import embedding as scores
from .claim import CannotTell, Claims
from .on_activations import CLASSES, chosen, drawn

claims = Claims("embedding")

DATA = {"lenet": "mnist", "vgg4": "cifar10"}


def _vectors(context, name, layer, seed, untrained=False):
    """What a layer makes of the images of a seed, as 50 principal components, and the images' labels."""
    images, labels = drawn(context, DATA[name], seed)
    net = context.untrained(name, seed) if untrained else context.net(name)
    key = ("vectors", name, layer, seed, untrained, context.size.images)
    how = {"seed": seed, "progress": False}
    return context.shared(key, lambda: embedding.represent(net, images, layer, **how).vectors), labels


def _map(context, name, layer, seed, untrained=False, perplexity=30):
    """The map of these vectors, and the labels."""
    vectors, labels = _vectors(context, name, layer, seed, untrained)
    how = {"perplexity": perplexity, "iterations": context.size.iterations, "seed": seed}
    key = ("map", name, layer, untrained, context.size.images, *how.values())
    return context.shared(key, lambda: embedding.arrange(vectors, **how, progress=False)[0]), labels


def _shuffled(labels, seed):
    return np.random.default_rng(seed).permutation(labels)


def _objects(context):
    """The class names of CIFAR-10; its stand-in shows none of them, so that nothing about them can be told there."""
    classes = context.data("cifar10").classes
    if classes != context.net("vgg4").classes:
        raise CannotTell(
            "This is about airplanes, trucks and other classes of CIFAR-10; "
            "its stand-in has patches of photographs instead."
        )
    return classes


# --- MNIST, before and after training -----------------------------------------------------------------------


@claims.measure("mnist-groups-before-training")
def mnist_groups_before_training(context, seed):
    """Same-class neighbors over their number by chance, against a permutation of the labels."""
    points, labels = _map(context, "lenet", "dense1", seed, untrained=True)
    return scores.grouping(points, labels), scores.grouping(points, _shuffled(labels, seed))


@claims.measure("mnist-groups-by-itself")
def mnist_groups_by_itself(context, seed):
    """Same-class neighbors over their number by chance, with the network taken away."""
    return [
        scores.grouping(*_map(context, "lenet", layer, seed, untrained=True)) for layer in (embedding.INPUT, "dense1")
    ]


@claims.measure("mnist-groups-by-training")
def mnist_groups_by_training(context, seed):
    """Silhouettes (Rousseeuw 1987) in the map."""
    return [scores.silhouette(*_map(context, "lenet", "dense1", seed, untrained)) for untrained in (False, True)]


# --- CIFAR-10, the first layer ------------------------------------------------------------------------------


@claims.measure("cifar-first-layer-random")
def cifar_first_layer_random(context, seed):
    """Same-class neighbors, against a permutation of the labels."""
    _objects(context)
    points, labels = _map(context, "vgg4", "conv1", seed)
    return scores.same_class_fraction(points, labels), scores.same_class_fraction(points, _shuffled(labels, seed))


@claims.measure("cifar-first-groups-airplanes")
def cifar_first_groups_airplanes(context, seed):
    """What the groups of the map are made of."""
    airplane = _objects(context).index("airplane")
    made_of = groups_by_class(*_map(context, "vgg4", "conv1", seed), classes=CLASSES)
    if np.isnan(made_of).any():
        raise CannotTell(
            "No image of this draw lies in a group in the first layer, so there is nothing that could be airplanes."
        )
    return made_of[[airplane]], [np.delete(made_of, airplane).max()]


@claims.measure("cifar-airplanes-by-color")
def cifar_airplanes_by_color(context, seed):
    """A nuisance regressed out of the representation, linear and quadratic."""
    airplane = _objects(context).index("airplane")
    color = scores.mean_color(drawn(context, "cifar10", seed)[0])
    vectors, labels = _vectors(context, "vgg4", "conv1", seed)
    lost = scores.grouping(vectors, labels) - scores.grouping(scores.regress_out(vectors, color), labels)
    return lost[[airplane]], [np.delete(lost, airplane).mean()]


@claims.measure("cifar-airplanes-by-blue-sky")
def cifar_airplanes_by_blue_sky(context, seed):
    """Blue pixels, by a rule of thumb for their channels."""
    airplane = _objects(context).index("airplane")
    points, labels = _map(context, "vgg4", "conv1", seed)
    blue = sky_blue(drawn(context, "cifar10", seed)[0])[labels == airplane]
    grouped = scores.same_class_fraction(points, labels)[labels == airplane] > 0.5
    if grouped.all() or not grouped.any():
        raise CannotTell("In this draw all airplanes lie in a group or none does, so there is nothing to compare.")
    return [blue[grouped].mean()], [blue[~grouped].mean()]


# --- CIFAR-10, the last layer -------------------------------------------------------------------------------


@claims.measure("cifar-last-layer-groups")
def cifar_last_layer_groups(context, seed):
    """Silhouettes (Rousseeuw 1987) in the maps."""
    _objects(context)
    return [scores.silhouette(*_map(context, "vgg4", layer, seed)) for layer in ("dense1", "conv1")]


@claims.measure("cifar-less-clear-than-mnist")
def cifar_less_clear_than_mnist(context, seed):
    """Silhouettes (Rousseeuw 1987) in the maps."""
    _objects(context)
    return [scores.silhouette(*_map(context, name, "dense1", seed)) for name in ("lenet", "vgg4")]


def _beside(context, seed):
    """How often two classes are neighbors in the map of VGG4's last layer, for every pair of classes."""
    return scores.class_neighbors(*_map(context, "vgg4", "dense1", seed), classes=CLASSES)


def _pair(context, one, other, seed):
    """This pair's fraction of all neighbors of another class, and the mean of all other pairs."""
    classes = _objects(context)
    asked = {classes.index(one), classes.index(other)}
    every = {frozenset((a, b)): fraction for a, b, fraction in scores.pairs(_beside(context, seed))}
    return [every.pop(frozenset(asked))], [np.mean(list(every.values()))]


@claims.measure("cifar-automobile-truck")
def cifar_automobile_truck(context, seed):
    """Neighbors of other classes, counted by pair."""
    return _pair(context, "automobile", "truck", seed)


@claims.measure("cifar-deer-horse")
def cifar_deer_horse(context, seed):
    """Neighbors of other classes, counted by pair."""
    return _pair(context, "deer", "horse", seed)


@claims.measure("tsne-shows-similar-classes")
def tsne_shows_similar_classes(context, seed):
    """Two orders of the pairs of classes compared, and permuted as by Mantel (1967)."""
    _objects(context)
    data, net, beside, many = context.data("cifar10"), context.net("vgg4"), _beside(context, seed), context.size.judged

    def predict():
        return net.predict(data.x_test[:many], batch_size=250, progress=False).argmax(1)

    predicted = context.shared(("answers", "vgg4", many), predict)
    others = np.setdiff1d(np.arange(len(predicted)), chosen(context, data, seed))
    taken = scores.confusions(data.y_test[others], predicted[others], classes=CLASSES)
    return [scores.pair_rank_correlation(beside, taken)], [pair_rank_correlation_by_chance(beside, taken, seed=seed)]


# --- what is concluded of t-SNE -----------------------------------------------------------------------------


@claims.measure("tsne-little-tuning")
def tsne_little_tuning(context, seed):
    """Accuracy of a ten-nearest-neighbor classifier; van der Maaten and Hinton recommend perplexities from 5 to 50."""
    maps = [_map(context, "vgg4", "dense1", seed, perplexity=value) for value in (30, 5, 15, 50)]
    accuracies = [knn_accuracy_by_class(*each, classes=CLASSES) for each in maps]
    return accuracies[0], max(accuracies, key=np.nanmean)


@claims.measure("tsne-no-preprocessing")
def tsne_no_preprocessing(context, seed):
    """Accuracy of a ten-nearest-neighbor classifier; both maps start at random, as the dissertation's did."""
    images, labels = drawn(context, "mnist", seed)
    bare = context.net("lenet").read(images, ["conv1"], progress=False)["conv1"].reshape(len(images), -1)
    how = {"start": "random", "iterations": context.size.iterations, "seed": seed, "progress": False}
    both = [embedding.arrange(vectors, **how)[0] for vectors in (bare, embedding.reduce(bare, seed=seed)[0])]
    return [knn_accuracy_by_class(points, labels, classes=CLASSES) for points in both]


STAGES = (("lenet", "dense1"), ("vgg4", "conv1"), ("vgg4", "dense1"))


def _in_map_and_layer(context, seed, measure):
    """A measure of each class, stage by stage: (stages, classes) in the maps, and in the layers."""
    return [
        np.stack([measure(*look(context, *stage, seed), classes=CLASSES) for stage in STAGES])
        for look in (_map, _vectors)
    ]


@claims.measure("tsne-keeps-neighbors")
def tsne_keeps_neighbors(context, seed):
    """Accuracy of a ten-nearest-neighbor classifier, in the map and behind it; each class is one item, not three."""
    return [found.mean(0) for found in _in_map_and_layer(context, seed, knn_accuracy_by_class)]


@claims.measure("tsne-orders-separation")
def tsne_orders_separation(context, seed):
    """Silhouettes (Rousseeuw 1987) in the map and behind it, ranked within each layer: no layer speaks for a class."""
    pairs = list(zip(*_in_map_and_layer(context, seed, scores.silhouette)))
    orders = [np.random.default_rng((seed, number)).permutation(CLASSES) for number in range(100)]
    chance = [np.mean([scores.rank_correlation(layer[order], seen) for order in orders]) for seen, layer in pairs]
    return [scores.rank_correlation(layer, seen) for seen, layer in pairs], chance


@claims.measure("tsne-true-extent")
def tsne_true_extent(context, seed):
    """Silhouettes (Rousseeuw 1987) in the map and behind it; each class is one item, not three."""
    return [found.mean(0) for found in _in_map_and_layer(context, seed, scores.silhouette)]


# --- measures that only these claims use --------------------------------------------------------------------


def knn_accuracy_by_class(positions, labels, k=scores.NEIGHBORS, classes=None):
    """The leave-one-out k-nearest-neighbor accuracy of each class, (classes,); NaN for a class without images."""
    labels = np.asarray(labels)
    right = scores.majority(labels[scores.neighbors(positions, k)]) == labels
    members = np.bincount(labels, minlength=classes or 0)
    found = np.full(len(members), np.nan)
    return np.divide(np.bincount(labels, right, len(members)), members, out=found, where=members > 0)


def groups_by_class(positions, labels, k=scores.NEIGHBORS, classes=None):
    """What the groups of a map are made of: the fraction of each class in the points that lie in a group, (classes,).

    A point lies in a group if more than half of its k nearest neighbors are of its own class. All NaN if none does.
    """
    labels = np.asarray(labels)
    members = np.bincount(
        labels[scores.same_class_fraction(positions, labels, k) > 0.5], minlength=classes or labels.max() + 1
    )
    return members / members.sum() if members.any() else np.full(len(members), np.nan)


def sky_blue(images):
    """What part of each image is blue as a clear sky is, from pale to deep: (N,), 0 to 1.

    A pixel counts when blue is its strongest channel and red its weakest, blue leads red by a tenth of full scale, and
    it is no darker than a third. A rule of thumb: water that mirrors the sky counts too, a grey sky does not.

    Parameters
    ----------
    images : array (N, H, W, 3) in [0, 1]
    """
    red, green, blue = np.moveaxis(np.asarray(images), -1, 0)
    return ((blue >= green) & (green >= red) & (blue - red > 0.1) & (blue > 1 / 3)).mean((1, 2))


def pair_rank_correlation_by_chance(one, other, *, shuffles=100, seed=0):
    """The rank correlation of two matrices when the classes of one get each other's names at random: a mean of many.

    Rows and columns move together, so that a matrix keeps its own structure (Mantel 1967, "The detection of disease
    clustering and a generalized regression approach").
    """
    generator = np.random.default_rng(seed)
    orders = (generator.permutation(len(one)) for _ in range(shuffles))
    return float(np.mean([scores.pair_rank_correlation(one[order][:, order], other) for order in orders]))
