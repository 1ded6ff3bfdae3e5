"""Claims about t-SNE (section 7.6 and what section 8 concludes of it), each as a test.

Maps are made with the lens's own settings (perplexity 30) where nothing else is said, and "the last layer" is the last
hidden one, ``dense1``. Every seed draws other test images, and starts another untrained network where one is compared with.
"""

import numpy as np

from ..lenses import embedding
from ..scores import embedding as scores
from .claim import CannotTell, Support, claim
from .on_activations import CLASSES, chosen, drawn

DATA = {"lenet": "mnist", "vgg4": "cifar10"}
QUICK, FULL = {"seeds": 2, "images": 180, "iterations": 500}, {"seeds": 5, "images": 2000, "iterations": 750}
ONE = {**QUICK, "seeds": 3}  # for claims with one figure a seed, whose interval rests on the seeds alone
MNIST = "Figure 21: t-SNE of MNIST at the start and at the end of training"
FIRST, LAST = "Figure 22: t-SNE of CIFAR-10 in VGG4's first layer", "Figure 23: t-SNE of CIFAR-10 in VGG4's last layer"
PAIRS = CLASSES * (CLASSES - 1) // 2
STEP = 0.25  # from one word to the next in Kaufman and Rousseeuw's (1990, table 4) reading of silhouettes: none, weak, reasonable, strong


def _vectors(at, name, layer, seed, untrained=False):
    """What a layer makes of the images of a seed, as 50 principal components, and the images' labels."""
    images, labels = drawn(at, DATA[name], seed)
    net = at.untrained(name, seed) if untrained else at.net(name)
    key = ("vectors", name, layer, seed, untrained, at.size.images)
    return at.shared(key, lambda: embedding.represent(net, images, layer, seed=seed, progress=False).vectors), labels


def _map(at, name, layer, seed, untrained=False, perplexity=30):
    """The map of these vectors, and the labels."""
    vectors, labels = _vectors(at, name, layer, seed, untrained)
    how = {"perplexity": perplexity, "iterations": at.size.iterations, "seed": seed}
    key = ("map", name, layer, untrained, at.size.images, *how.values())
    return at.shared(key, lambda: embedding.arrange(vectors, **how, progress=False)[0]), labels


def _shuffled(labels, seed):
    return np.random.default_rng(seed).permutation(labels)


def _objects(at):
    """The class names of CIFAR-10; its stand-in shows none of them, so that nothing about them can be told there."""
    classes = at.data("cifar10").classes
    if classes != at.net("vgg4").classes:
        raise CannotTell(
            "This is about airplanes, trucks and other classes of CIFAR-10; its stand-in has patches of photographs instead."
        )
    return classes


# --- MNIST, before and after training -----------------------------------------------------------------------


@claim(
    "mnist-groups-before-training",
    section="7.6",
    technique="t-SNE",
    says="Before training, a map of LeNet's representation of MNIST already has some small groupings of digits.",
    looked_at=MNIST,
    figure="how many times more often than by chance a digit is among its own ten nearest neighbors, in the map of untrained LeNet's last layer",
    control="the same map with shuffled labels",
    support=Support(1),
    why="with two of ten neighbors its own instead of one, a group begins to be seen",
    quick=QUICK,
    full=FULL,
)
def mnist_groups_before_training(at, seed):
    """Same-class neighbors over their number by chance, against a permutation of the labels."""
    points, labels = _map(at, "lenet", "dense1", seed, untrained=True)
    return scores.grouping(points, labels), scores.grouping(points, _shuffled(labels, seed))


@claim(
    "mnist-groups-by-itself",
    section="7.6",
    technique="t-SNE",
    says="These first groupings come of t-SNE separating the data by itself.",
    looked_at=MNIST,
    figure="how many times more often than by chance a digit is among its own ten nearest neighbors, in a map of the bare pixels",
    control="the same in a map of untrained LeNet's last layer",
    support=Support(-0.5),
    why="if the network is not needed for them, bare pixels group as well, give or take half of what chance gives",
    quick=QUICK,
    full=FULL,
)
def mnist_groups_by_itself(at, seed):
    """Same-class neighbors over their number by chance, with the network taken away."""
    return [scores.grouping(*_map(at, "lenet", layer, seed, untrained=True)) for layer in (embedding.INPUT, "dense1")]


@claim(
    "mnist-groups-by-training",
    section="7.6",
    technique="t-SNE",
    says="Over the course of training, the digits form their own groups.",
    looked_at=MNIST,
    figure="silhouette of each digit in the map of trained LeNet's last layer",
    control="the same for untrained LeNets",
    support=Support(STEP),
    why="0.25 is one step, such as from weak structure to a reasonable one, in Kaufman and Rousseeuw's reading",
    quick=QUICK,
    full=FULL,
)
def mnist_groups_by_training(at, seed):
    """Silhouettes (Rousseeuw 1987) in the map."""
    return [scores.silhouette(*_map(at, "lenet", "dense1", seed, untrained)) for untrained in (False, True)]


# --- CIFAR-10, the first layer ------------------------------------------------------------------------------


@claim(
    "cifar-first-layer-random",
    section="7.6",
    technique="t-SNE",
    says="In VGG4's first layer, the classes lie mainly at random, with some small groupings.",
    looked_at=FIRST,
    figure="share of each image's ten nearest neighbors in the map that are of its own class",
    control="the same with shuffled labels",
    support=Support(0, 0.2),
    why="some grouping is more than none; with 0.2 above chance, seven of ten neighbors are strangers still, with more it is not mainly random",
    quick=QUICK,
    full=FULL,
)
def cifar_first_layer_random(at, seed):
    """Same-class neighbors, against a permutation of the labels."""
    _objects(at)
    points, labels = _map(at, "vgg4", "conv1", seed)
    return scores.same_class_fraction(points, labels), scores.same_class_fraction(points, _shuffled(labels, seed))


@claim(
    "cifar-first-groups-airplanes",
    section="7.6",
    technique="t-SNE",
    says="The small groupings in VGG4's first layer are mainly airplanes.",
    looked_at=FIRST,
    figure="share of airplanes among the images that lie in a group (most of their ten nearest neighbors are of their own class)",
    control="the share of the class that is most frequent there besides airplanes",
    support=Support(0.05),
    why="mainly airplanes means more than any other class, and visibly so: one in twenty",
    quick=ONE,
    full=FULL,
)
def cifar_first_groups_airplanes(at, seed):
    """What the groups of the map are made of."""
    airplane = _objects(at).index("airplane")
    shares = groups_by_class(*_map(at, "vgg4", "conv1", seed), classes=CLASSES)
    if np.isnan(shares).any():
        raise CannotTell(
            "No image of this draw lies in a group in the first layer, so there is nothing that could be airplanes."
        )
    return shares[[airplane]], [np.delete(shares, airplane).max()]


@claim(
    "cifar-airplanes-by-color",
    section="7.6",
    technique="t-SNE",
    says="Airplanes group in VGG4's first layer because of the color of their pictures.",
    looked_at=FIRST,
    figure="how much grouping airplanes lose in the first layer when all that depends on the picture's mean color is taken out "
    "(in times of chance, ten nearest neighbors)",
    control="what the other nine classes lose on average",
    support=Support(0.5),
    why="if color is what gives airplanes away, they must lose more than others, by at least half of what chance gives",
    quick=ONE,
    full=FULL,
)
def cifar_airplanes_by_color(at, seed):
    """A nuisance regressed out of the representation, linear and quadratic."""
    airplane = _objects(at).index("airplane")
    color = scores.mean_color(drawn(at, "cifar10", seed)[0])
    vectors, labels = _vectors(at, "vgg4", "conv1", seed)
    lost = scores.grouping(vectors, labels) - scores.grouping(scores.regress_out(vectors, color), labels)
    return lost[[airplane]], [np.delete(lost, airplane).mean()]


@claim(
    "cifar-airplanes-by-blue-sky",
    section="7.6",
    technique="t-SNE",
    says="What groups airplanes in VGG4's first layer is an abundance of blue sky.",
    looked_at=FIRST,
    figure="part of the picture that is blue as a clear sky is, on airplanes that lie in a group (most of their ten nearest neighbors are airplanes)",
    control="the same on airplanes that do not",
    support=Support(0.2),
    why="abundance: if blue sky is what groups them, it must fill at least a fifth of the picture more",
    quick=ONE,
    full=FULL,
)
def cifar_airplanes_by_blue_sky(at, seed):
    """Blue pixels, by a rule of thumb for their channels."""
    airplane = _objects(at).index("airplane")
    points, labels = _map(at, "vgg4", "conv1", seed)
    blue = sky_blue(drawn(at, "cifar10", seed)[0])[labels == airplane]
    grouped = scores.same_class_fraction(points, labels)[labels == airplane] > 0.5
    if grouped.all() or not grouped.any():
        raise CannotTell("In this draw all airplanes lie in a group or none does, so there is nothing to compare.")
    return [blue[grouped].mean()], [blue[~grouped].mean()]


# --- CIFAR-10, the last layer -------------------------------------------------------------------------------


@claim(
    "cifar-last-layer-groups",
    section="7.6",
    technique="t-SNE",
    says="VGG4's last layer has clear groupings of the classes, which its first has not.",
    looked_at=f"{LAST}, beside figure 22",
    figure="silhouette of each class in the map of the last hidden layer",
    control="the same in the map of the first convolution",
    support=Support(STEP),
    why="0.25 is one step, such as from no structure to a weak one, in Kaufman and Rousseeuw's reading",
    quick=QUICK,
    full=FULL,
)
def cifar_last_layer_groups(at, seed):
    """Silhouettes (Rousseeuw 1987) in the maps."""
    _objects(at)
    return [scores.silhouette(*_map(at, "vgg4", layer, seed)) for layer in ("dense1", "conv1")]


@claim(
    "cifar-less-clear-than-mnist",
    section="7.6",
    technique="t-SNE",
    says="The groupings of CIFAR-10 in VGG4's last layer are not as good as those of MNIST in LeNet's.",
    looked_at=f"{LAST}, beside figure 21",
    figure="silhouette of each digit in the map of LeNet's last hidden layer",
    control="silhouette of each class in the map of VGG4's",
    support=Support(0.1),
    why="a tenth of the scale is what one could see",
    quick=QUICK,
    full=FULL,
)
def cifar_less_clear_than_mnist(at, seed):
    """Silhouettes (Rousseeuw 1987) in the maps."""
    _objects(at)
    return [scores.silhouette(*_map(at, name, "dense1", seed)) for name in ("lenet", "vgg4")]


def _beside(at, seed):
    """How often two classes are neighbors in the map of VGG4's last layer, for every pair of classes."""
    return scores.class_neighbors(*_map(at, "vgg4", "dense1", seed), classes=CLASSES)


def _pair(at, one, other, seed):
    """This pair's share of all neighbors of another class, and the mean of the other pairs': no sample of pairs, but all of them."""
    classes = _objects(at)
    asked = {classes.index(one), classes.index(other)}
    every = scores.pairs(_beside(at, seed))
    return [share for *pair, share in every if set(pair) == asked], [
        np.mean([share for *pair, share in every if set(pair) != asked])
    ]


TOGETHER = {
    "section": "7.6",
    "technique": "t-SNE",
    "looked_at": LAST,
    "figure": "share of this pair in all neighbors that are of another class, in the map of VGG4's last hidden layer",
    "control": "the mean share of the 44 other pairs",
    "support": Support(1 / PAIRS),
    "why": "chance gives each of the 45 pairs its 45th; grouped together means at least twice that",
    "quick": ONE,
    "full": FULL,
}


@claim("cifar-automobile-truck", says="Automobiles and trucks are grouped together in VGG4's last layer.", **TOGETHER)
def cifar_automobile_truck(at, seed):
    """Neighbors of other classes, counted by pair."""
    return _pair(at, "automobile", "truck", seed)


@claim("cifar-deer-horse", says="Deer and horses are grouped together in VGG4's last layer.", **TOGETHER)
def cifar_deer_horse(at, seed):
    """Neighbors of other classes, counted by pair."""
    return _pair(at, "deer", "horse", seed)


@claim(
    "tsne-shows-similar-classes",
    section="8",
    technique="t-SNE",
    says="A map shows which classes the network believes to be similar.",
    looked_at=LAST,
    figure="rank correlation, over all pairs of classes, of being neighbors in the map of VGG4's last hidden layer with being taken for each other "
    "by VGG4, on other images",
    control="the same with the classes given each other's names at random",
    support=Support(0.5),
    why="0.5 is what is commonly called a strong correlation",
    quick={**ONE, "judged": 1000},
    full={**FULL, "judged": 10000},
)
def tsne_shows_similar_classes(at, seed):
    """Two orders of the pairs of classes compared, and permuted as by Mantel (1967)."""
    _objects(at)
    data, net, beside, many = at.data("cifar10"), at.net("vgg4"), _beside(at, seed), at.size.judged
    answers = at.shared(
        ("answers", "vgg4", many), lambda: net.predict(data.x_test[:many], batch_size=250, progress=False).argmax(1)
    )
    others = np.setdiff1d(np.arange(len(answers)), chosen(at, data, seed))
    taken = scores.confusions(data.y_test[others], answers[others], classes=CLASSES)
    return [scores.pair_rank_correlation(beside, taken)], [pair_rank_correlation_by_chance(beside, taken, seed=seed)]


# --- what is concluded of t-SNE -----------------------------------------------------------------------------


@claim(
    "tsne-little-tuning",
    section="8",
    technique="t-SNE",
    says="t-SNE needs very little fine tuning.",
    looked_at="Figures 21 to 23, all made with perplexity 30",
    figure="neighbor vote of each class in the map of VGG4's last hidden layer at perplexity 30",
    control="the same at the best of the perplexities 5, 15, 30 and 50, chosen with the answers known",
    support=Support(-0.03),
    why="if no tuning is needed, the best tuning gains less than three images in a hundred",
    quick=QUICK,
    full=FULL,
)
def tsne_little_tuning(at, seed):
    """Accuracy of a vote of the ten nearest neighbors; van der Maaten and Hinton (2008) recommend perplexities from 5 to 50."""
    votes = [
        knn_accuracy_by_class(*_map(at, "vgg4", "dense1", seed, perplexity=value), classes=CLASSES)
        for value in (30, 5, 15, 50)
    ]
    return votes[0], max(votes, key=np.nanmean)


@claim(
    "tsne-no-preprocessing",
    section="8",
    technique="t-SNE",
    says="t-SNE needs no preprocessing: it can be fed the high-dimensional output of a layer.",
    looked_at="Figures 21 to 23, maps of layers of thousands of numbers",
    figure="neighbor vote of each digit in a map of LeNet's first convolution, all 21,632 numbers",
    control="the same in a map of its 50 principal components, the customary preprocessing",
    support=Support(-0.03),
    why="if preprocessing is not needed, it gains less than three images in a hundred",
    quick=QUICK,
    full=FULL,
)
def tsne_no_preprocessing(at, seed):
    """Accuracy of a vote of the ten nearest neighbors; both maps start at random, as the dissertation's did."""
    images, labels = drawn(at, "mnist", seed)
    bare = at.net("lenet").read(images, ["conv1"], progress=False)["conv1"].reshape(len(images), -1)
    how = {"start": "random", "iterations": at.size.iterations, "seed": seed, "progress": False}
    both = [embedding.arrange(vectors, **how)[0] for vectors in (bare, embedding.reduce(bare, seed=seed)[0])]
    return [knn_accuracy_by_class(points, labels, classes=CLASSES) for points in both]


STAGES = (("lenet", "dense1"), ("vgg4", "conv1"), ("vgg4", "dense1"))


@claim(
    "tsne-keeps-neighbors",
    section="8",
    technique="t-SNE",
    says="t-SNE turns a layer of many dimensions into two that can be understood, with nothing lost of how the classes lie.",
    looked_at="Figures 21 to 23",
    figure="neighbor vote of each class in the map, for LeNet's last hidden layer and VGG4's first convolution and last hidden layer",
    control="the same in the layer itself (its 50 principal components)",
    support=Support(-0.03),
    why="nothing lost means less than three images in a hundred",
    quick=QUICK,
    full=FULL,
)
def tsne_keeps_neighbors(at, seed):
    """Accuracy of a vote of the ten nearest neighbors, in the map and behind it."""
    return [
        np.concatenate([knn_accuracy_by_class(*look(at, *stage, seed), classes=CLASSES) for stage in STAGES])
        for look in (_map, _vectors)
    ]


@claim(
    "tsne-orders-separation",
    section="8",
    technique="t-SNE",
    says="The separation of clusters in a map shows which classes the network has separated well and which not.",
    looked_at="Figures 21 to 23",
    figure="rank correlation, over the classes, of silhouettes in the map with those in the layer (LeNet's last hidden layer, VGG4's first "
    "convolution and last hidden layer)",
    control="the same with the classes given each other's names at random",
    support=Support(0.3),
    why="0.3 is what is commonly called a moderate correlation",
    quick=QUICK,
    full=FULL,
)
def tsne_orders_separation(at, seed):
    """Silhouettes (Rousseeuw 1987) in the map and behind it, ranked within each layer, so that no layer speaks for a class."""
    inside, seen = (
        np.stack([scores.silhouette(*look(at, *stage, seed), classes=CLASSES) for stage in STAGES])
        for look in (_vectors, _map)
    )
    orders = np.stack([np.random.default_rng((seed, number)).permutation(CLASSES) for number in range(100)])
    chance = [
        np.mean([scores.rank_correlation(one[order], other) for order in orders]) for one, other in zip(inside, seen)
    ]
    return [scores.rank_correlation(*pair) for pair in zip(inside, seen)], chance


@claim(
    "tsne-true-extent",
    section="8",
    technique="t-SNE",
    says="How far apart the clusters of a map lie shows to what extent the network has separated the classes.",
    looked_at="Figures 21 to 23",
    figure="silhouette of each class in the map, for LeNet's last hidden layer and VGG4's first convolution and last hidden layer",
    control="silhouette in the layer itself (its 50 principal components)",
    support=Support(-0.1, 0.1),
    why="to show the extent, the map must neither sharpen nor blur it by more than a tenth of the scale",
    quick=QUICK,
    full=FULL,
)
def tsne_true_extent(at, seed):
    """Silhouettes (Rousseeuw 1987) in the map and behind it."""
    return [
        np.concatenate([scores.silhouette(*look(at, *stage, seed), classes=CLASSES) for stage in STAGES])
        for look in (_map, _vectors)
    ]


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

    A pixel counts when blue is its strongest channel and red its weakest, blue leads red by a tenth of full scale, and it
    is no darker than a third. A rule of thumb: water that mirrors the sky counts too, a grey sky does not.

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
