"""Claims about neurons: the measures know high from low, and what is planted in networks and photographs comes out."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from cnnlens import datasets, ledger, neurons, zoo
from cnnlens.errors import CnnlensError
from cnnlens.ledger import annotations, on_neurons, pictures
from cnnlens.ledger.claim import CannotTell
from cnnlens.ledger.context import Context
from cnnlens.receptive_fields import Axis, Layer
from cnnlens.scores import neurons as scores

CLAIMS = [claim for claim in ledger.CLAIMS.values() if claim.technique == "neurons"]
SOBEL = np.float32([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
CORNER = np.float32([[-1, -1, -1], [-1, 1, 1], [-1, 1, 1]])


# --- measures -----------------------------------------------------------------------------------------------


def test_copies_name_the_units_that_are_turned():
    generator = np.random.default_rng(0)
    one, other, lone = generator.normal(size=(3, 5, 5, 1))
    found = scores.copies(np.stack([one, np.rot90(one), other, 2 * other, lone]))
    assert (found.nearest_turned > 0.99).tolist() == [True, True, False, False, False] and found.nearest_turned[
        2:
    ].max() < 0.7
    assert found.occurs.tolist() == [1, 1, 2, 2, 1]
    assert found.has_copy.tolist() == [False, False, True, True, False] and found.duplicated == pytest.approx(0.4)
    assert found.has_turned_copy.tolist() == [True, True, False, False, False]


def test_blur_is_high_for_a_ramp_and_low_for_noise():
    noise = np.random.default_rng(0).random((28, 28, 1))
    ramp = np.broadcast_to(np.linspace(0, 1, 28)[:, None, None], (28, 28, 1))
    soft, hard = pictures.blur(np.stack([ramp, noise]))
    assert soft > 0.6 > 0.3 > hard


def test_evenness_is_one_for_a_color_and_low_for_a_pattern():
    color = np.broadcast_to(np.float64([0.9, 0.4, 0.1]), (16, 16, 3))
    checks = np.broadcast_to((np.indices((16, 16)).sum(0) % 2)[..., None], (16, 16, 3))
    assert np.allclose(pictures.evenness(np.stack([color, checks, np.full((16, 16, 3), 0.5)])), [1, 0, 0])


def test_stripes_are_stripes_however_they_wind_and_spots_are_not():
    rows, cols = np.indices((48, 48))
    straight, spots = np.sin(rows), np.sin(rows) * np.sin(cols)
    rings, noise = np.sin(np.hypot(rows - 24, cols - 24)), np.random.default_rng(0).random((48, 48))
    found = pictures.coherence(0.5 + 0.5 * np.stack([straight, rings, spots, noise, 0 * noise])[..., None])
    assert found[0] > 0.95 and found[1] > 0.8 and found[2] < 0.4 and found[3] < 0.4 and found[4] == 0


def test_units_that_prefer_the_same_thing_everywhere_are_found_and_lucky_ones_are_not():
    luck = np.random.default_rng(0).uniform(-0.5, 0.5, (6, 300))
    planted = luck.copy()
    planted[:, :4] = 0.6
    assert pictures.held_out(planted, 4).min() == pytest.approx(0.6)
    assert abs(pictures.held_out(luck, 4).mean()) < 0.2
    with pytest.raises(CnnlensError, match="at least two"):
        pictures.held_out(luck[:1], 4)


def test_a_unit_points_at_where_it_answers_most():
    place = Layer("conv", "Conv2D", (8, 8, 3), 0, Axis(2, 4, -1), Axis(2, 4, -1))
    maps = np.zeros((8, 8, 3))
    maps[2, 5, 0] = maps[6, 1, 1] = 1  # their middles look at pixels (5, 11) and (13, 3)
    assert pictures.points_at(maps, place, [(4, 10, 8, 12)]).tolist() == [True, False, False]
    assert pictures.points_at(maps, place, [(4, 10, 8, 12), (12, 2, 14, 4)]).tolist() == [True, True, False]


def test_a_unit_outranks_where_position_by_position_it_answers_more():
    place = Layer("conv", "Conv2D", (8, 8, 4), 0, Axis(2, 4, -1), Axis(2, 4, -1))
    maps = np.zeros((8, 8, 4))
    maps[:2, :, 0] = maps[2:, :, 1] = 1  # pixels 1 to 4; the others
    maps[0, 0, 2] = 9  # one strong response of the sixteen positions that are marked
    found = pictures.outranks(maps, place, [(0, 0, 4, 16)])
    assert found.tolist() == pytest.approx([1, 0, 0.5 + 0.5 / 16, 0.5])
    noise = np.random.default_rng(0).random((8, 8, 500))
    assert abs(pictures.outranks(noise, place, [(0, 0, 4, 16)]).mean() - 0.5) < 0.02


def test_rise_is_one_where_a_number_grows_with_depth():
    assert np.allclose(pictures.rank_trend([[0, 1, 5, 6], [3, 2, 1, 0], [1, 1, 1, 1]]), [1, -1, 0])
    assert abs(pictures.rank_trend(np.random.default_rng(0).random((500, 13))).mean()) < 0.05


def test_a_reader_reads_digits_but_not_noise():
    data = datasets.load("digits")
    real, labels = data.x_train[:800], data.y_train[:800]
    assert pictures.read_as(data.x_test[:100], data.y_test[:100], real, labels).mean() > 0.7
    assert (
        pictures.read_as(np.random.default_rng(0).random((100, 28, 28, 1)), data.y_test[:100], real, labels).mean()
        < 0.3
    )


# --- what is planted comes out ------------------------------------------------------------------------------


def planted(pattern):
    """A LeNet whose first layer holds one pattern in 32 directions and strengths."""
    net = zoo.load("lenet", weights="random")
    filters = np.stack([(1 + k / 32) * np.rot90(pattern, k) for k in range(32)], -1)
    net.model.get_layer("conv1").set_weights([filters[:, :, None], np.zeros(32, np.float32)])
    net.source = "planted"
    return net


def at(net, name="lenet", **size):
    here = Context({"copies": 1, **size})
    here.shared(("net", name), lambda: net)
    return here


@pytest.mark.parametrize("pattern, edges, corners", [(SOBEL, 1, 0), (CORNER, 0, 1)])
def test_planted_detectors_are_counted(pattern, edges, corners):
    here = at(planted(pattern))
    for measure, share in ((on_neurons.lenet_conv1_edges, edges), (on_neurons.lenet_conv1_corners, corners)):
        own, chance = measure(here, 0)
        assert own.mean() == share and chance.shape == (32,) and chance.mean() < 0.6
    first, second = on_neurons.lenet_corners_only_first(here, 0)
    assert (first.mean() > 0.4) == bool(corners) and abs(second.mean()) < 0.5


def test_planted_copies_and_color_edges_are_counted():
    net = neurons.untrained(zoo.load("hed"))
    one, two = np.float32([1, -1, 0.5]), np.float32([-1, 0.5, 1])
    filters = np.random.default_rng(0).normal(size=(3, 3, 3, 64)).astype(np.float32)
    for unit in range(8):
        filters[..., unit] = np.where(SOBEL[..., None] > 0, one, two) * (1 + unit % 4)  # all eight are one pattern
    net.model.get_layer("block1_conv1").set_weights([filters, np.zeros(64, np.float32)])
    here = at(net, "vgg16")
    own, chance = on_neurons.vgg16_first_repeated(here, 0)
    assert own.mean() == 8 / 64 and chance.mean() == 0
    for here.size.by in ("occurs", "largest"):
        assert on_neurons.vgg16_first_up_to_four(here, 0) == [[8], [1]]
    kinds, chance = on_neurons.vgg16_first_only_color_edge_corner(here, 0)
    assert kinds[:8].all() and kinds[8:].mean() < 0.2 and chance.mean() < 0.2


def test_faces_are_known_again_and_their_eyes_are_on_them():
    photos = datasets.shipped()
    images, eyes = annotations.faces_of((*photos, *photos), size=64)
    assert np.shape(images) == (4, 64, 64, 3) and len(eyes) == 4
    for marked in eyes:
        for top, left, bottom, right in marked:
            assert 0 <= top < bottom <= 64 and 0 <= left < right <= 64
    wholes, heads = annotations.heads_of(photos, size=64)
    assert len(wholes) == len(heads) == 3  # the cat is all head
    assert annotations.faces_of(photos[1:2]) == ([], [])


def test_without_faces_or_animals_nothing_can_be_told():
    here = Context({"pixels": 64, "chosen": 2})
    for key in ("photos", "shipped"):
        here.shared(key, lambda: datasets.shipped()[1:2])
    for measure in (on_neurons.vgg16_eyes, on_neurons.vgg16_faces, on_neurons.vgg16_bodies):
        with pytest.raises(CannotTell, match="marked"):
            measure(here, 0)


def test_the_strongest_units_of_the_trained_network_are_the_same_ones_under_every_seed(monkeypatch):
    sheets = {seed: SimpleNamespace(images=np.arange(32), best_first=np.roll(np.arange(32), seed)) for seed in (0, 5)}
    monkeypatch.setattr(on_neurons, "_sheet", lambda context, net, layer, seed: sheets[seed])
    here = Context({}, {("net", "lenet"): (SimpleNamespace(source="planted"), {}, 0.0)})
    trained = here.net("lenet")
    for net, seed, expected in ((trained, 0, 0), (trained, 5, 0), (object(), 5, 5)):
        assert (
            on_neurons._strongest(here, net, "conv2", seed).tolist() == np.roll(np.arange(32), expected)[:24].tolist()
        )


def test_an_undertrained_network_has_learned_little():
    here = Context({"images": 256})
    net = on_neurons._barely_trained(here, 0)
    data = here.data("mnist")
    accuracy = (net.predict(data.x_test[:200], progress=False).argmax(1) == data.y_test[:200]).mean()
    assert accuracy < 0.9 and on_neurons._barely_trained(here, 0) is net


class Marked:
    """A network of 40 units of which some respond most at the white square of a picture, wherever it is."""

    def __init__(self, source, answer):
        self.source, self.answer = source, answer

    def layer(self, path):
        return Layer(path, "Conv2D", (8, 8, 40), 0, Axis(1, 1, 0), Axis(1, 1, 0))

    def read(self, images, paths, **_):
        maps = np.random.default_rng(len(self.source)).random((len(images), 8, 8, 40))
        for unit in range(10):
            maps[..., unit] = self.answer(np.asarray(images)[..., 0])
        return {paths[0]: maps}


def peak(images):
    """One strong response in the square, and weak ones all over the rest of the picture."""
    found = np.where(images > 0, 0.1, 0.2)
    for one, image in zip(found, images):
        one[tuple(np.argwhere(image > 0)[0])] = 1
    return found


def squares(photos, size, fold):
    """Eight pictures of a white square that is marked, in either fold the same."""
    images, corners = np.zeros((8, 8, 8, 3), np.float32), np.random.default_rng(0).integers(0, 6, (8, 2))
    for image, (top, left) in zip(images, corners):
        image[top : top + 2, left : left + 2] = 1
    return list(images), [[(top, left, top + 2, left + 2)] for top, left in corners.tolist()]


@pytest.mark.parametrize(
    "way, answer, verdict",
    [
        ("", peak, ledger.HOLDS),
        ("-by-maxima", peak, ledger.HOLDS),
        ("-by-position", peak, ledger.FAILS),  # only one position in four of the square answers more than the rest
        ("", lambda images: images, ledger.HOLDS),
        ("-by-maxima", lambda images: images, ledger.HOLDS),
        ("-by-position", lambda images: images, ledger.HOLDS),
        ("", lambda images: 1 - images, ledger.FAILS),
        ("-by-maxima", lambda images: 1 - images, ledger.FAILS),
        ("-by-position", lambda images: 1 - images, ledger.FAILS),
    ],
)
@pytest.mark.parametrize("part", ["eyes", "faces", "bodies"])
def test_units_for_a_marked_part_are_found_by_whatever_their_responses_have(part, way, answer, verdict, monkeypatch):
    entry = on_squares(monkeypatch, f"vgg16-{part}{way}", answer)
    assert entry.verdict == verdict, entry.reason


def on_squares(monkeypatch, key, answer, find=squares):
    """The entry of a claim where VGG16's units answer so to pictures of squares, and an untrained copy's do not."""
    marked = {name: (layer, find) for name, (layer, _) in on_neurons.MARKED.items()}
    monkeypatch.setattr(on_neurons, "MARKED", marked)
    monkeypatch.setattr(on_neurons, "_slate", lambda context, net, name: net)
    even = Marked("untrained", lambda images: np.random.default_rng(1).random(images.shape))
    kept = {("net", "vgg16"): Marked("planted", answer)} | {("untrained copy", "vgg16", seed): even for seed in (0, 1)}
    return ledger.measure(ledger.CLAIMS[key], kept={key: (net, {}, 0.0) for key, net in kept.items()})


def test_only_photographs_that_the_measure_was_not_settled_on_are_counted(monkeypatch):
    def find(photos, size, fold):
        images, boxes = squares(photos, size, fold)
        return (images, boxes) if fold == "verdict" else (images, [[(0, 0, 1, 1)]] * 8)

    found = on_squares(monkeypatch, "vgg16-eyes", peak, find).found
    assert found.items == 8 and found.value == 1  # about 0.5, were the others counted
    few = on_squares(monkeypatch, "vgg16-eyes", peak, lambda *asked, fold: [each[:5] for each in squares(*asked, fold)])
    assert few.verdict == ledger.OPEN and "Only 5 photographs with marked eyes" in few.reason


@pytest.mark.parametrize("by, grows", [("size", True), ("sign", False)])
def test_units_that_an_image_excites_and_units_that_it_silences_cancel_by_the_sign_alone(by, grows, monkeypatch):
    images = np.random.default_rng(0).random((4, 28, 28, 1), np.float32)

    def read(shown):
        excited = np.tile([1.5, 0.5], 4) if np.array_equal(shown, images) else np.ones(8)
        return {path: tf.ones((4, 2, 2, 8)) * deep for path, deep in (("conv1", np.ones(8)), ("conv2", excited))}

    monkeypatch.setattr(on_neurons, "_slate", lambda *_: SimpleNamespace(compiled=lambda layers: read))
    net = SimpleNamespace(source="planted")
    found = on_neurons._phase_sensitivity(Context({"by": by}), net, "lenet", ("conv1", "conv2"), images, 0)
    assert np.allclose(found[:, 0], 0)
    assert (abs(found[:, 1]) > 0.1).all() == grows


# --- every claim --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.key)
def test_a_claim_says_all_that_a_reader_needs(claim):
    assert claim.measure.__doc__ and claim.section.startswith(("7.4", "8"))
    assert all(len(getattr(claim, part)) > 8 for part in ("statement", "evidence", "value", "control", "why"))
    assert (
        claim.sizes["quick"].keys() == claim.sizes["full"].keys()
        and 2 <= claim.sizes["quick"]["seeds"] <= claim.sizes["full"]["seeds"]
    )


def test_quick_claims_on_a_small_network_settle():
    kept = {}
    for key in ("lenet-conv1-edges", "vgg16-first-repeated"):
        entry = ledger.measure(ledger.CLAIMS[key], kept=kept)
        assert (
            entry.verdict in ledger.VERDICTS
            and entry.measured["low"] <= entry.measured["value"] - entry.measured["control"] <= entry.measured["high"]
        )
    assert "mnist" not in entry.sources and entry.stands_in == ("vgg16",)
