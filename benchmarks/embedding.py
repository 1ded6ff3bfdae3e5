"""t-SNE: ours against scikit-learn, side by side in one run.

    python -m benchmarks.embedding           60,000 images (half an hour, most of it scikit-learn's)
    python -m benchmarks.embedding --quick   4,000 images, maps of 4 epochs

1. Representations of MNIST (``dense1`` of LeNet) mapped by both, with the accuracy of ten nearest neighbors and the
   fraction of the ten nearest that a map keeps; how the cost grows from 2,000 images to all.
2. Maps of 12 epochs of 10,000 images, each started from the last, in runs of scikit-learn on the same images.
3. Peak memory of this process while the first layer of VGG4 is read and reduced for 10,000 images.

Without the real data the stand-ins are repeated with a little noise, and the output says so.
"""

import sys
import tempfile
from pathlib import Path

import keras
import numpy as np

from cnnlens import datasets, device, embedding, zoo
from cnnlens.lenses import film
from cnnlens.scores import embedding as score
from cnnlens.timing import timed

from . import table

MOST_TIME, MOST_RUNS, MOST_MEMORY = 1 / 6, 4, 4.0  # what is promised: fraction of its time, runs that 12 maps cost, GiB
WORDS = "accuracy of 10 nearest neighbors"


def main():
    """Run all parts; 1 if a promise is broken."""
    parser = table.parser(__doc__)
    parser.add_argument("--film", action="store_true", help="only the maps of epochs")
    parser.add_argument("--counts", type=int, nargs="*", help="numbers of images, instead of 2,000 to 60,000")
    options = parser.parse_args()
    counts = options.counts or ((500, 1000, 2000, 4000) if options.quick else (2000, 5000, 10000, 20000, 60000))
    print(f"device: {device.describe()}")
    rows = []
    if not options.film:
        rows += [memory(2000 if options.quick else 10000), *growth(counts, options.seed)]
    rows.append(filmed(2000 if options.quick else 10000, 4 if options.quick else 12, options.seed))
    return table.keep("embedding", rows, quick=options.quick)


def images_of(name, count):
    """So many images with labels, repeated with noise where there are fewer."""
    data = datasets.load(name)
    pixels = np.concatenate([data.x_train.pixels, data.x_test.pixels])
    labels = np.concatenate([data.y_train, data.y_test])
    if count > len(labels):
        print(f"only {len(labels):,} images here ({data.source}): repeated with noise")
    chosen = np.arange(count) % len(labels)
    found = pixels[chosen].astype(np.float32) / 255
    noise = np.random.default_rng(0).normal(0, 0.05, found[len(labels) :].shape)
    found[len(labels) :] = (found[len(labels) :] + noise).clip(0, 1)
    return found, labels[chosen], data.source


def growth(counts, seed):
    """Both engines on growing sets."""
    images, labels, source = images_of("mnist", counts[-1])
    net = zoo.load("lenet")
    whole = net.read(images, ["dense1"], batch_size=500)["dense1"]
    print(f"\ndense1 of LeNet ({net.source}), {source}")
    rows = []
    for count in counts:
        ours, fast = timed(ours_of, whole[:count], seed)
        theirs, slow = timed(sklearn_of, whole[:count])
        row = table.Row(
            what=f"t-SNE of {count:,} × {whole.shape[1]}",
            peer=table.version("scikit-learn"),
            theirs=slow,
            ours=fast,
            quality={WORDS: tuple(score.knn_accuracy(points, labels[:count]) for points in (theirs, ours))},
            stated={"neighbors kept": neighbors_kept(whole[:count], (theirs, ours))},
            ratio=MOST_TIME if count == counts[-1] else None,
        )
        print(" ".join(row.cells), flush=True)
        rows.append(row)
    return rows


def neighbors_kept(vectors, maps):
    """The fraction of the ten nearest neighbors that each map of the same vectors keeps."""
    near = score.neighbors(vectors)
    return tuple(score.shared_neighbors(near, score.neighbors(points)) for points in maps)


def ours_of(vectors, seed):
    """Ours on the same vectors as the peer, 128 wide: reducing them first would cost five images in ten thousand."""
    return embedding.arrange(vectors, seed=seed, progress=False)[0]


def sklearn_of(vectors):
    """scikit-learn with its defaults, on all cores."""
    try:
        from sklearn.manifold import TSNE
    except ImportError:
        sys.exit("The peer is missing: pip install scikit-learn")
    return TSNE(perplexity=30, random_state=0, n_jobs=-1).fit_transform(vectors)


def filmed(count, epochs, seed):
    """Maps of epochs in runs of scikit-learn."""
    images, labels, _ = images_of("mnist", count)
    start, end = zoo.load("lenet", weights="random"), zoo.load("lenet")
    with tempfile.TemporaryDirectory() as folder:
        snapshots = list(between(start.model, end.model, epochs, Path(folder)))
        made, seconds = timed(
            lambda: film.through_training(end, images, snapshots, "dense1", labels=labels, seed=seed, progress=False)
        )
    whole = end.read(images, ["dense1"], batch_size=500)["dense1"]
    theirs, one = timed(sklearn_of, whole)
    accuracies = score.knn_accuracy(made.maps[-1].points, labels), score.knn_accuracy(theirs, labels)
    return table.Row(
        what=f"t-SNE maps of {epochs} epochs, {count:,} images, beside one map",
        peer=table.version("scikit-learn"),
        theirs=one,
        ours=seconds,
        stated={f"{WORDS} in the last": accuracies[::-1]},
        ratio=MOST_RUNS,
    )


def between(start, end, epochs, folder):
    """Weights between an untrained and the trained network stand for snapshots; what they cost to map is the same."""
    model = keras.models.clone_model(end)
    for epoch in range(epochs):
        part = (epoch / (epochs - 1)) ** 2
        model.set_weights([(1 - part) * a + part * b for a, b in zip(start.get_weights(), end.get_weights())])
        path = folder / f"{epoch}.weights.h5"
        model.save_weights(path)
        yield epoch, path


def memory(count):
    """Peak memory while a wide layer is reduced (before anything else, since the peak never falls)."""
    data = datasets.load("cifar10")
    pixels = np.resize(data.x_train.pixels, (count, *data.x_train.shape[1:]))
    net = zoo.load("vgg4", weights="random")
    found, seconds = timed(lambda: embedding.represent(net, datasets.Images(pixels), "conv1", progress=False))
    peak = table.peak_memory() / 2**30
    alone = count * found.width * 4 / 2**30
    print(f"\n{count:,} images of {found}: {seconds:.1f} s")
    what = f"peak memory, a layer of {found.width:,} values reduced for {count:,} images"
    return table.Row(what=what, peer="the layer alone", theirs=alone, ours=peak, unit="GiB", limit=MOST_MEMORY)


if __name__ == "__main__":
    sys.exit(main())
