"""Attributions by tf-explain against cnnlens: the same maps, and the time of a run over photographs.

    python -m benchmarks.attribution            six photographs
    python -m benchmarks.attribution --quick    two photographs, few copies

Both get the same network, photographs and classes, as many steps, samples or patches, and explain probabilities, as
tf-explain knows no logits. A first run over photographs of different classes counts all that each does for it:
tf-explain traces its functions again for every class, cnnlens compiles once for a network and a method. The second run
over the same photographs finds all of that done. There, both do the same arithmetic for integrated gradients and
SmoothGrad, so no more than equal speed is to be expected, and nothing is promised. For Grad-CAM it is the second run
that is promised: tf-explain compiles nothing, and is as slow each time as at first, while our one compilation takes as
long as several of its maps. Where the processor has bfloat16, cnnlens looks at copies with parts hidden in it, and
tf-explain in float32 as it comes; gradients of both are float32. Each time is the best of three rounds, since other
work on the machine can only slow a run.

What must agree, and by how much: Grad-CAM (without guided gradients, before enlarging) by a correlation of 0.999;
occlusion (grey squares side by side) by 0.99 at their middles, as tf-explain's are interpolated; integrated gradients
by 0.99, because tf-explain takes the mean over evenly spaced points, whose two ends weigh half as much with us, and
does not multiply by the image (done here). SmoothGrad is not the same thing (there the gradient of the cross-entropy,
whose size differs from copy to copy): only its time is compared.
"""

import contextlib
import io
import sys
import time

import keras
import numpy as np

from cnnlens import attribution, datasets, zoo

from . import table

FASTER = 1.5  # promised: so many times
RUNS = "first run", "once more"
PROMISED = {"gradcam": "once more"}  # of the others, the first run
TOLERANCES = {"gradcam": 0.999, "integrated_gradients": 0.99, "occlusion": 0.99}
PEER = "tf-explain"


class Peer:
    """tf-explain around a network, each method as a function (image, label) -> map."""

    def __init__(self, net, size, layer, copies, patch):
        try:
            from tf_explain.core import grad_cam, integrated_gradients, occlusion_sensitivity, smoothgrad
        except ImportError as error:
            raise SystemExit("This benchmark needs tf-explain: pip install cnnlens[bench]") from error
        self.cam, self.ig = grad_cam.GradCAM, integrated_gradients.IntegratedGradients
        self.smooth, self.hide = smoothgrad.SmoothGrad, occlusion_sensitivity.OcclusionSensitivity(batch_size=32)
        self.net, self.layer, self.copies, self.patch = net, layer, copies, patch
        pixels = keras.Input((*size, net.channels))  # 0 to 255, where tf-explain's grey of 127.5 is a grey
        self.model = keras.Model(pixels, net.model(net.preprocessing(pixels / 255)))

    def gradcam(self, image, label):
        """At the size of the layer."""
        fed = np.asarray(self.net.preprocessing(image[None]), np.float32)
        found = self.cam.get_gradients_and_filters(self.net.model, fed, self.layer, label, use_guided_grads=False)
        return np.maximum(self.cam.generate_ponderated_output(*found)[0], 0)

    def integrated_gradients(self, image, label):
        """Multiplied by the image, and the channels added up."""
        path = self.ig.generate_interpolations(image[None] * 255, self.copies)
        slopes = self.ig.get_integrated_gradients(np.float32(path), self.model, label, self.copies)
        return (slopes[0].numpy() * image * 255).sum(-1)

    def smoothgrad(self, image, label):
        """The largest absolute value over the channels."""
        noise = 0.15 * 255 * np.ptp(image)
        copies = self.smooth.generate_noisy_images(image[None] * 255, self.copies, noise)
        slopes = self.smooth.get_averaged_gradients(np.float32(copies), self.model, label, self.copies)
        return np.abs(slopes[0].numpy()).max(-1)

    def occlusion(self, image, label):
        """At the size of the image; a square's value is 1 less the probability, which agrees but for a constant."""
        with contextlib.redirect_stdout(io.StringIO()):  # Keras's bar has no switch here
            return self.hide.get_sensitivity_map(self.model, image * 255, label, self.patch)


def ours(net, layer, copies, patch):
    """The same by cnnlens: functions (image, label) -> map, by method."""

    def by(method, **settings):
        def function(image, label):
            how = dict(scores="probabilities", progress=False, **settings)
            found = attribution.explain(net, image[None], label, method, **how)
            return (found.maps if found.coarse is None else found.coarse)[0]

        return function

    return {
        "gradcam": by("gradcam", layer=layer),
        "integrated_gradients": by("integrated_gradients", steps=copies, complete_to=None),
        "smoothgrad": by("smoothgrad", samples=copies),
        "occlusion": by("occlusion", patch=patch, stride=patch),
    }


def timed(function, images, labels):
    """The maps of a run over photographs, and its seconds."""
    start = time.perf_counter()
    maps = [np.asarray(function(image, int(label))).squeeze() for image, label in zip(images, labels)]
    return maps, time.perf_counter() - start


def agreement(method, theirs, mine, patch):
    """The smallest correlation of a pair of maps; of occlusion, of the squares that both hide whole."""
    if method == "occlusion":
        side, count = mine[0].shape[0], mine[0].shape[0] // patch
        drawn = (np.arange(count) + 0.5) * side / -(-side // patch)  # tf-explain stretches a map of all begun squares
        hidden = (np.arange(count) + 0.5) * patch
        places = [np.ix_(each.astype(int), each.astype(int)) for each in (drawn, hidden)]
        theirs, mine = ([each[place] for each in maps] for place, maps in zip(places, (theirs, mine)))
    return min(float(np.corrcoef(np.ravel(one), np.ravel(other))[0, 1]) for one, other in zip(theirs, mine))


def main():
    """Run and print; 1 if a promise is broken."""
    parser = table.parser(__doc__)
    parser.add_argument("--network", default="squeezenet")
    parser.add_argument("--photos", type=int, default=6)
    parser.add_argument("--copies", type=int, default=32, help="steps of the path, samples of noise")
    parser.add_argument("--patch", type=int, default=28)
    parser.add_argument("--rounds", type=int, default=3, help="of all, each with a copy that nothing is compiled for")
    options = parser.parse_args()
    if options.quick:
        options.photos, options.copies, options.patch, options.rounds = 2, 8, 56, 1
    net = zoo.load(options.network)
    images = net.prepare(datasets.photos())
    answers = net.predict(images, progress=False)
    # One photograph a class: the surest first.
    _, first = np.unique(answers.argmax(1), return_index=True)
    chosen = first[np.argsort(-answers[first].max(1))][: options.photos]
    images, labels = images[chosen], answers[chosen].argmax(1)
    layer = attribution.explain(net, images[:1], progress=False, scores="probabilities").layer
    rounds = [one_round(net, images, labels, layer, options) for _ in range(options.rounds)]
    rows = []
    for method, (_, theirs, mine) in rounds[-1].items():
        quality = {}
        if method in TOLERANCES:
            quality = {"correlation with it": (TOLERANCES[method], agreement(method, theirs, mine, options.patch))}
        what = f"{method}, {len(images)} photographs, {net.name}: "
        shared = {"peer": table.version(PEER), "quality": quality}
        for run, (its, own) in enumerate(np.min([each[method][0] for each in rounds], 0)):
            promised = {"ratio": 1 / FASTER} if RUNS[run] == PROMISED.get(method, RUNS[0]) else {}
            rows.append(table.Row(what=what + RUNS[run], theirs=its, ours=own, **promised, **shared))
    return table.keep("attribution", rows, quick=options.quick)


def one_round(net, images, labels, layer, options):
    """By method: seconds, of both runs (rows) by both (columns), and the maps of both; of a copy of the network."""
    copy = net.like(keras.models.clone_model(net.model))  # nothing is compiled yet
    copy.model.set_weights(net.model.get_weights())
    peer = Peer(copy, images.shape[1:3], layer, options.copies, options.patch)
    found = {}
    for method, function in ours(copy, layer, options.copies, options.patch).items():
        both = getattr(peer, method), function
        (theirs, mine), seconds = zip(*(timed(each, images, labels) for each in both))
        again = [timed(each, images, labels)[1] for each in both]
        found[method] = [seconds, again], theirs, mine
        print(method, np.round(found[method][0], 3).tolist(), flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
