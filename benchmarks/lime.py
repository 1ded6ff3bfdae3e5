"""LIME as the lime package does it against cnnlens: stability between seeds, model calls, time outside the network.

    python -m benchmarks.lime            six photographs, six seeds
    python -m benchmarks.lime --quick    two photographs, three seeds

Both explain the same class of the same image with the same superpixels and the same fill. Stability is the mean over
all pairs of seeds: rank correlation of all weights (Spearman), and overlap of the five with the largest |weight|. The
last column shows that both estimate the same thing: the correlation of the two mean explanations.
"""

import sys
import time

import numpy as np

from cnnlens import datasets, superpixels, zoo
from cnnlens.scores.superpixels import correlation, stability

from . import table

MOST_CALLS = 0.3  # promised: the fraction of lime's model calls with which its stability is reached


class Stopwatch:
    """A classifier that counts its images and its seconds."""

    def __init__(self, net):
        self.net, self.images, self.seconds = net, 0, 0.0

    def __call__(self, images):
        start = time.perf_counter()
        scores = self.net.predict(np.asarray(images, np.float32), batch_size=len(images), progress=False)
        self.seconds += time.perf_counter() - start
        self.images += len(images)
        return scores


def plain(function, image, parts, label, calls, seed):
    """Weights by the lime package, its traps disarmed so that the comparison is fair (see lenses/superpixels.py)."""
    try:
        from lime import lime_image
    except ImportError as error:
        raise SystemExit("This benchmark needs the lime package: pip install lime") from error
    lime_image.tqdm = lambda rows: rows  # its progress bar has no switch
    explainer = lime_image.LimeImageExplainer(feature_selection="none", random_state=seed)
    found = explainer.explain_instance(
        image,
        function,
        labels=(label,),
        top_labels=None,
        num_samples=calls,
        batch_size=superpixels.default_batch_size(),
        segmentation_fn=lambda _: parts,
        random_seed=0,
    )
    weights = np.zeros(parts.max() + 1)
    for part, weight in found.local_exp[label]:
        weights[part] = weight
    return weights


def ours(function, image, parts, label, calls, seed):
    """Weights by cnnlens, all calls used."""
    return superpixels.explain(function, image, label, parts, calls, seed, stop_at=None, progress=False).weights


def measured(explain, net, image, parts, label, calls, seeds):
    """Weights of all seeds, and what they cost."""
    watch = Stopwatch(net)
    start = time.perf_counter()
    weights = [explain(watch, image, parts, label, calls, seed) for seed in range(seeds)]
    total = time.perf_counter() - start
    return {"weights": np.array(weights), "images": watch.images / seeds, "total": total, "network": watch.seconds}


def main():
    """Run and print; 1 if a promise is broken."""
    parser = table.parser(__doc__)
    parser.add_argument("--network", default="squeezenet")
    parser.add_argument("--photos", type=int, default=6)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--theirs", type=int, default=1000, help="model calls of the lime package")
    words = "model calls of cnnlens, besides the one that names the class"
    parser.add_argument("--calls", type=int, default=299, help=words)
    options = parser.parse_args()
    if options.quick:
        options.photos, options.seeds = 2, 3
    net = zoo.load(options.network)
    images = [superpixels.frame(net, photo) for photo in datasets.photos()]
    answers = net.predict(np.stack(images), progress=False)
    sure = np.flatnonzero(answers.max(1) >= 0.3)[: options.photos]  # an explanation of a guess would measure little
    batch = np.repeat(images[0][None], superpixels.default_batch_size(), 0)
    net.predict(batch, progress=False)  # compiled before the clock runs
    print(f"{net.name}: {net.source}\n{'class':18}{'parts':>6} | {'lime':^15} | {'cnnlens':^15} | means")
    print(f"{'':24} | rank   top 5   | rank   top 5   | agree")
    rows = []
    for index in sure:
        image, label = images[index], int(answers[index].argmax())
        parts = superpixels.segment(image)
        task = image, parts, label
        runs = ((plain, options.theirs), (ours, options.calls))
        both = [measured(how, net, *task, calls, options.seeds) for how, calls in runs]
        theirs, mine = (stability(one["weights"]) for one in both)
        agree = correlation(*(one["weights"].mean(0) for one in both))
        rows.append((both, theirs, mine))
        numbers = " | ".join(f"{one.rank:.3f}  {one.overlap:.3f}  " for one in (theirs, mine))
        print(f"{net.classes[label][:17]:18}{parts.max() + 1:6} | {numbers} | {agree:.3f}", flush=True)
    return table.keep("lime", summary(rows, net.name), quick=options.quick)


def summary(photos, name):
    """The table's rows: means over photographs, and totals."""
    rank, overlap = np.mean([[(one.rank, one.overlap) for one in pair] for _, *pair in photos], 0).T
    calls = np.mean([[one["images"] for one in both] for both, *_ in photos], 0)
    total, network = (np.sum([[one[name] for one in both] for both, *_ in photos], 0) for name in ("total", "network"))
    print(f"{'mean':24} | {rank[0]:.3f}  {overlap[0]:.3f}   | {rank[1]:.3f}  {overlap[1]:.3f}   |")
    print("time outside the network: " + " against ".join(f"{1 - fraction:.1%}" for fraction in network / total))
    seconds = total / len(photos) / len(photos[0][0][0]["weights"])
    shared = {
        "peer": table.version("lime"),
        "quality": {"rank correlation between seeds": tuple(rank), "overlap of the first five": tuple(overlap)},
    }
    what = f"LIME, {len(photos)} photographs, {name}: "
    return [
        table.Row(
            what=what + "calls an explanation", theirs=calls[0], ours=calls[1], unit="", ratio=MOST_CALLS, **shared
        ),
        table.Row(what=what + "time an explanation", theirs=seconds[0], ours=seconds[1], **shared),
    ]


if __name__ == "__main__":
    sys.exit(main())
