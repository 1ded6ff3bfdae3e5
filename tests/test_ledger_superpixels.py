"""Claims about LIME: measures know high from low, annotations belong to one picture, claims go either way."""

import dataclasses
import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from cnnlens import datasets, ledger, superpixels
from cnnlens.ledger import annotations, on_superpixels, subjects
from cnnlens.ledger import superpixel_measures as measures
from cnnlens.ledger.claim import CannotTell
from cnnlens.ledger.context import Context
from cnnlens.scores import superpixels as scores
from cnnlens.zoo import imagenet_classes

CLAIMS = [claim for claim in ledger.CLAIMS.values() if claim.technique == "LIME"]


# --- measures -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).uniform(0.6, 1, (60, 60, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def parts(image):
    return superpixels.segment(image, "grid", 36)  # 6 × 6 squares of 10 px, numbered row by row


def counting(image, parts, answer):
    """A classifier that knows which superpixels are shown, and answers with a function of that."""

    def function(images):
        shown = np.stack([np.abs(images - image)[:, parts == k].mean((1, 2)) < 1e-4 for k in range(parts.max() + 1)], 1)
        return np.stack([1 - answer(shown), answer(shown)], 1)

    return function


def explanation(image, parts, weights, classes=("no", "yes"), scores_of=None):
    """An explanation with planted weights."""
    return superpixels.Explanation(
        image=image,
        segments=parts,
        weights=np.asarray(weights, float),
        intercept=0.0,
        label=1,
        classes=classes,
        prediction=np.array([0.2, 0.8]),
        masks=np.ones((8, len(weights)), bool),
        scores=np.full((8, 2), 0.5),
        reliability=1.0,
        settings={"fill": "grey", "seed": 0, "kernel_width": 0.25},
    )


def planted(*places):
    """Weights of 36 superpixels: 1 at these, 0 elsewhere."""
    weights = np.zeros(36)
    weights[list(places)] = 1
    return weights


def test_spread_keeps_the_sum_in_every_superpixel(parts):
    weights = np.random.default_rng(0).normal(size=36)
    heat = measures.spread(weights, parts)
    assert heat.sum() == pytest.approx(weights.sum())
    assert measures.weight_inside(heat, (1 / 6, 0, 2 / 6, 1 / 6)) == pytest.approx(weights[6])


def test_percentile_rank_of_the_heaviest_the_lightest_and_any_place(parts):
    heat = measures.spread(planted(7) - planted(28), parts)
    assert measures.percentile_rank(heat, (1 / 6, 1 / 6, 2 / 6, 2 / 6)) > 0.999
    assert measures.percentile_rank(heat, (4 / 6, 4 / 6, 5 / 6, 5 / 6)) < 0.001
    flat = np.ones((60, 60))
    assert measures.percentile_rank(flat, (0.2, 0.2, 0.5, 0.4)) == 0.5
    generator = np.random.default_rng(0)
    noise = generator.normal(size=(60, 60))
    boxes = measures.random_boxes([(0.2, 0.2, 0.4, 0.4)] * 400, generator)
    assert np.mean([measures.percentile_rank(noise, box) for box in boxes]) == pytest.approx(0.5, abs=0.06)


def test_percentile_rank_within_a_region_ignores_what_lies_outside(parts):
    heat = measures.spread(planted(0) + 2 * planted(35), parts)
    corner = (0, 0, 1 / 6, 1 / 6)
    assert measures.percentile_rank(heat, corner) < measures.percentile_rank(heat, corner, (0, 0, 0.5, 0.5))
    assert measures.percentile_rank(heat, corner, (0, 0, 0.5, 0.5)) > 0.99


def test_positive_weight_inside_boxes(parts):
    heat = measures.spread(planted(7, 8) - planted(9), parts)
    both = [(1 / 6, 1 / 6, 2 / 6, 2 / 6), (1 / 6, 2 / 6, 2 / 6, 3 / 6)]
    assert measures.positive_fraction_inside(heat, both) == pytest.approx(1)
    assert measures.positive_fraction_inside(heat, both[:1] * 2) == pytest.approx(0.5)  # a box twice is one box
    assert measures.positive_fraction_inside(heat, [(0.5, 0.5, 1, 1)]) == 0
    assert measures.positive_fraction_inside(-np.ones((9, 9)), [(0, 0, 1, 1)]) == 0


def test_random_boxes_keep_their_shape_and_stay_in_the_region():
    boxes = [(0, 0, 0.1, 0.2), (0.3, 0.3, 0.9, 0.5)]
    moved = measures.random_boxes(boxes * 50, np.random.default_rng(0), (0.1, 0.1, 0.9, 0.9))
    for before, after in zip(boxes * 50, moved):
        assert np.subtract(after[2:], after[:2]) == pytest.approx(np.subtract(before[2:], before[:2]))
        assert min(after[:2]) >= 0.1 and max(after[2:]) <= 0.9 + 1e-9
    assert len({after[0] for after in moved[::2]}) > 40


def test_the_score_is_lost_early_when_what_decides_is_hidden_first(image, parts):
    net = counting(image, parts, lambda shown: 0.8 * shown[:, 7])
    why = explanation(image, parts, planted(7))
    first = np.r_[7, np.delete(np.arange(36), 7)]
    early, late = measures.deletion_loss(net, why, [first, first[::-1]], steps=36)
    assert early > 0.95 and late < 0.05


def test_activation_in_superpixels(parts):
    maps = np.zeros((6, 6, 3))
    maps[1, 1, 2] = 5
    seen = measures.mean_activation(maps, parts)
    assert seen.argmax() == 7 and seen[35] == pytest.approx(0, abs=1e-9)


def test_top_overlap():
    assert measures.top_overlap([5, 4, 3, -9], [4, 5, 0, 1], top=2) == 1
    assert (
        measures.top_overlap([5, 4, 3, -9], [-9, 0, 4, 5], top=2) == 0
    )  # the largest absolute weight is not the most positive


def test_held_out_fidelity_of_a_sum_and_of_a_product(image, parts):
    found = {}
    for name, answer in {"sum": lambda shown: shown.mean(1), "product": lambda shown: shown[:, :4].sum(1) % 2}.items():
        net = counting(image, parts, answer)
        found[name] = scores.held_out_fidelity(
            net, superpixels.explain(net, image, 1, parts, 256, fill="grey", control_variate=False)
        )
    assert found["sum"] > 0.99 and found["product"] < 0.3


# --- annotations --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chelsea():
    return next(photo for photo in datasets.shipped() if photo.label == "tabby")


def test_annotations_belong_to_one_picture(chelsea):
    assert annotations.annotation_of(chelsea).parts["eye"]
    assert annotations.annotation_of(dataclasses.replace(chelsea, image=chelsea.image[:, ::-1])) is None
    assert annotations.annotation_of(dataclasses.replace(chelsea, label="goldfish")) is None


def test_annotations_survive_a_resave(chelsea):
    file = io.BytesIO()
    Image.fromarray((chelsea.image * 255).astype(np.uint8)).save(file, "JPEG", quality=60)
    assert annotations.annotation_of(dataclasses.replace(chelsea, image=np.asarray(Image.open(file)) / np.float32(255)))


AGAIN = tuple(annotations.Annotation(**row) for row in annotations.io.packaged("annotations_again")["photographs"])


@pytest.mark.parametrize("marking", [annotations.ANNOTATIONS, AGAIN])
def test_every_box_lies_in_the_picture_and_on_the_animal(marking):
    for marked in marking:
        for top, left, bottom, right in (*filter(None, [marked.animal, marked.cut]), *marked.boxes, *marked.eyes):
            assert 0 <= top < bottom <= 1 and 0 <= left < right <= 1
        for top, left, bottom, right in marked.boxes:
            down, across = (top + bottom) / 2, (left + right) / 2
            first, last = marked.animal[:2], marked.animal[2:]
            assert first[0] <= down <= last[0] and first[1] <= across <= last[1], marked.label
        assert marked.animal or marked.face
        assert bool(marked.face) == bool(marked.eyes), "a face has eyes"
    assert len({marked.fingerprint for marked in marking}) == len(marking)


def test_annotations_of_the_packaged_photographs_are_found():
    labels = {photo.label for photo in datasets.shipped() if annotations.annotation_of(photo)}
    assert {"tabby", "bull_mastiff", "dalmatian"} <= labels


# --- claims come out either way -----------------------------------------------------------------------------

SIZE = {"seeds": 1, "photos": 4, "parts": 36, "calls": 1000, "fold": "all", "shared_out": False}
SIZE |= {"network": "inception_v3", "kind": "domestic cat", "marks": ("eye",), "rate": "rank"}


def at_size(**changes):
    return SimpleNamespace(size=SimpleNamespace(**{**SIZE, **changes}))


AT = at_size()
GOLDFISH = at_size(kind="goldfish", marks=("tail", "fin", "mouth"))
EYES = annotations.Annotation(
    label="tabby",
    fingerprint="",
    animal=(0, 0, 1, 1),
    parts={"eye": ((1 / 6, 1 / 6, 2 / 6, 2 / 6),), "nose": ((3 / 6, 3 / 6, 4 / 6, 4 / 6),)},
)


@pytest.fixture
def told(monkeypatch, image, parts):
    """Claims see one marked photograph, explained by the weights that the test plants."""

    def plant(weights, label="tabby"):
        marked = dataclasses.replace(EYES, label=label)
        found = [subjects.Subject(image, 1, label, marked, "", "verdict")] * 2
        monkeypatch.setattr(on_superpixels, "known", lambda at: found)
        monkeypatch.setattr(on_superpixels, "explained", lambda at, seed, subject: explanation(image, parts, weights))
        return found

    return plant


def test_the_cats_eye_decides_or_it_does_not(told):
    told(planted(7))
    found, chance = on_superpixels.cat_eye(AT, 0)
    assert min(found) > 0.99 and 0.3 < np.mean(chance) < 0.7
    told(planted(35) - planted(7))
    assert max(on_superpixels.cat_eye(AT, 0)[0]) < 0.01


def test_a_photograph_is_one_item_however_much_is_marked_on_it(told):
    told(planted(7) - planted(21))
    found, chance = on_superpixels.cat_eye(at_size(marks=("eye", "nose")), 0)
    assert len(found) == len(chance) == 2
    assert found == pytest.approx([0.5, 0.5], abs=0.01)  # the eye outweighs everything, the nose nothing


@pytest.mark.parametrize("heaviest, expected", [((7, 0, 1, 2, 3), 1), ((0, 1, 2, 3, 4), 0)])
def test_a_place_is_in_the_picture_of_the_five_heaviest_or_not(told, heaviest, expected):
    told(planted(*heaviest))
    found, chance = on_superpixels.cat_eye(at_size(rate="shown"), 0)
    assert found == [expected] * 2 and 0 < np.mean(chance) < 0.5


def test_wild_cats_count_only_where_the_claim_says_so(told):
    told(planted(7), label="lynx")
    with pytest.raises(CannotTell, match="domestic cat"):
        on_superpixels.cat_eye(AT, 0)
    assert on_superpixels.cat_eye(at_size(kind="cat, domestic or wild,"), 0)[0] == pytest.approx([1, 1], abs=0.01)


def test_kinds_of_animals_are_those_of_imagenet():
    names = {kind: [imagenet_classes()[slice(*ends)] for ends in found] for kind, found in on_superpixels.KINDS.items()}
    assert [*names["domestic cat"][0]] == ["tabby", "tiger_cat", "Persian_cat", "Siamese_cat", "Egyptian_cat"]
    (cats,), (dogs,), (fish, more) = names["cat, domestic or wild,"], names["dog"], names["fish"]
    assert (cats[5], cats[-1], dogs[0], dogs[-1]) == ("cougar", "cheetah", "Chihuahua", "Mexican_hairless")
    assert (fish[0], fish[-1], more[0], more[-1]) == ("tench", "stingray", "barracouta", "puffer")
    assert [*names["goldfish"][0]] == ["goldfish"] and [*names["African elephant"][0]] == ["African_elephant"]
    assert [*names["elephant"][0]] == ["Indian_elephant", "African_elephant"]


@pytest.mark.parametrize("sign, expected", [(-1, 1), (1, 0)])
def test_ears_speak_against_the_other_elephant_or_for_it(told, monkeypatch, parts, sign, expected):
    found = told(planted(), label="African_elephant")
    marked = dataclasses.replace(EYES, parts={"ear": EYES.parts["eye"]})
    found[:] = [dataclasses.replace(each, marked=marked) for each in found]
    for_the_other = SimpleNamespace(weights=sign * planted(7), segments=parts)
    why = SimpleNamespace(relabel=lambda name: for_the_other)
    why.contrast = lambda name: SimpleNamespace(weights=-for_the_other.weights, segments=parts)
    why.classes, why.label = ("Indian_elephant", "African_elephant"), 1
    monkeypatch.setattr(on_superpixels, "explained", lambda at, seed, subject: why)
    for measure in (on_superpixels.elephant_ears, on_superpixels.elephants_apart):
        assert measure(AT, 0)[0] == pytest.approx([expected] * 2, abs=0.01)


def test_a_photograph_that_is_not_here_settles_nothing(told):
    told(planted(7))
    with pytest.raises(CannotTell, match="goldfish"):
        on_superpixels.goldfish_tail_and_fins(GOLDFISH, 0)
    with pytest.raises(CannotTell, match="African elephant"):
        on_superpixels.elephant_ears(AT, 0)


def test_what_a_human_points_at_is_used_or_not(told):
    told(planted(7, 21))
    found, chance = on_superpixels.human_features(AT, 0)
    assert found == pytest.approx([1, 1]) and max(chance) < 0.5
    told(planted(35))
    found, chance = on_superpixels.human_features(AT, 0)
    assert found == [0, 0]


def test_negative_weights_are_tested_by_hiding_them(monkeypatch, told, image, parts):
    weights = planted(0, 1, 2) * -0.1 + planted(*range(6, 36)) * 0.01
    for sign in (1, -1):  # the network agrees with the explanation, then does the opposite
        told(weights)
        net = counting(image, parts, lambda shown, sign=sign: 0.5 + sign * 0.1 * (shown @ np.sign(weights)) / 36)
        why = dataclasses.replace(explanation(image, parts, weights), prediction=net(image[None])[0])
        monkeypatch.setattr(on_superpixels, "explained", lambda *_, why=why: why)
        found, neutral = on_superpixels.negative_features(
            SimpleNamespace(size=AT.size, net=lambda name, net=net: net), 0
        )
        assert found.tolist() == [sign == 1] * 2
        assert neutral.tolist() == [False] * 2  # superpixels 3, 4 and 5 change nothing


def test_seeds_that_agree_and_that_do_not(monkeypatch, told):
    told(planted(7))
    steady, other = [np.arange(36.0)] * 2, [np.arange(36.0), -np.arange(36.0)]
    monkeypatch.setattr(
        on_superpixels,
        "_steadiness",
        lambda at, seed, subject, cut, how: other if how is superpixels.LIME_DEFAULTS else steady,
    )
    ours, plain = on_superpixels.no_improvement(AT, 0)
    assert ours == pytest.approx([1, 1]) and plain == pytest.approx([-1, -1])
    found, chance = on_superpixels.repeats(AT, 0)
    assert found == [0, 0] and chance == [5 / 36] * 2


# --- on the network itself ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def at():
    return Context({**SIZE, "parts": 12, "calls": 40, "photos": 2, "steps": 4}, {})


def test_the_network_knows_the_marked_cat(at):
    names = [subject.name for subject in on_superpixels.known(at) if subject.marked]
    assert "tabby" in names and len(names) >= 3


@pytest.mark.parametrize("key", ["lime-cat-eye", "lime-human-features", "lime-negative", "lime-over-activations"])
def test_claims_measure_what_difference_takes(at, key):
    figures, controls = ledger.CLAIMS[key].measure(at, 0)
    assert len(figures) and len(controls) and np.isfinite([*figures, *controls]).all()
    assert ledger.CLAIMS[key].measure(at, 0)[0] == pytest.approx(figures)


def test_every_claim_says_what_it_is():
    assert len(CLAIMS) >= 8
    for claim in CLAIMS:
        assert (
            claim.section in ("7.7", "8")
            and claim.measure.__doc__
            and claim.sizes["quick"]["seeds"] >= 2
            and claim.sizes["full"]["seeds"] >= 2
        )
