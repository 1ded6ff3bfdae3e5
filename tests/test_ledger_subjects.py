"""The photographs of the claims: two halves, each photograph explained once where they are shared out, two networks."""

import dataclasses
import hashlib
import importlib
from types import SimpleNamespace

import numpy as np
import pytest

from cnnlens import datasets, ledger
from cnnlens.errors import CnnlensError
from cnnlens.ledger import annotations, book, subjects
from cnnlens.ledger.claim import CannotTell
from cnnlens.ledger.context import Context

agreement_module = importlib.import_module("cnnlens.ledger.agreement")  # whose function the package shows by its name
PHOTOGRAPHS = ("LIME", "attribution")


# --- two halves -------------------------------------------------------------------------------------------------


def test_the_half_that_settles_measures_was_drawn_by_hash_beside_what_had_been_looked_at():
    settling = annotations.io.packaged("settling")
    assert len(settling["looked_at"]) == 48 and len(set(annotations.SETTLING)) == len(annotations.SETTLING) == 131
    assert all(hashlib.sha256(each.encode()).digest()[0] < 0x60 for each in settling["drawn"])


def test_photographs_of_packages_have_been_looked_at():
    prints = [annotations.fingerprint(photo.image) for photo in datasets.shipped()]
    assert {annotations.fold_of(each) for each in prints} == {"settling"}
    other = annotations.fingerprint(datasets.shipped()[0].image[:, ::-1])
    assert annotations.fold_of(other) == "verdict"


def test_a_fold_has_its_own_faces_heads_and_animals():
    photos = datasets.shipped()
    for those_of in (annotations.faces_of, annotations.heads_of, annotations.animals_of):
        assert len(those_of(photos, 32, "settling")[0]) == len(those_of(photos, 32)[0]) > 0
        assert those_of(photos, 32, "verdict") == ([], [])


def test_no_verdict_at_full_rests_on_what_settled_its_measure_unless_the_measure_says_so():
    for claim in (claim for claim in ledger.CLAIMS.values() if claim.technique in PHOTOGRAPHS):
        if claim.sizes["full"].get("fold", "verdict") == "all":
            assert "was settled" in claim.measure.__doc__, claim.key


@pytest.mark.real
def test_both_halves_are_of_one_size(real_data):
    prints = subjects.photographs(Context({}, {}))
    others = [each for each in prints if annotations.fold_of(each) == "verdict"]
    assert len(prints) == 248 and abs(len(prints) - 2 * len(others)) <= 0.1 * len(prints)
    assert all(hashlib.sha256(each.encode()).digest()[0] >= 0x60 for each in others)


@pytest.fixture
def seen(monkeypatch):
    """A network that knows two photographs of four: not the one of another class, nor the one without a class."""
    photos = [
        datasets.Photo(np.full((8, 8, 3), shade, np.float32), label, "made up")
        for shade, label in ((0.1, "a"), (0.2, "b"), (0.3, "g"), (0.4, "nothing"))
    ]
    answers = np.tile([6, 5, 4, 3, 2, 1, 0.0], (4, 1))
    net = SimpleNamespace(source="made up", classes="abcdefg", size=(8, 8), predict=lambda images, progress: answers)
    monkeypatch.setattr(subjects.superpixels, "frame", lambda net, image: image)
    monkeypatch.setattr(annotations, "SETTLING", (annotations.fingerprint(photos[0].image),))

    def context(fold):
        found = Context({"network": "made up", "fold": fold}, {})
        found.net, found.photos, found.shipped = (lambda name: net), (lambda: photos), (lambda: photos[:1])
        return found

    return context


def test_what_a_network_knows_is_split_in_two(seen):
    names = {fold: {subject.name for subject in subjects.known(seen(fold))} for fold in ("all", "settling", "verdict")}
    assert names == {"all": {"a", "b"}, "settling": {"a"}, "verdict": {"b"}}
    assert len(subjects.known(seen("all"))) == 2, "a photograph that is in both folders counts twice"


# --- shared out among seeds -------------------------------------------------------------------------------------


def of_size(**size):
    return SimpleNamespace(size=SimpleNamespace(**size))


def test_photographs_are_shared_out_so_that_none_comes_back():
    context = of_size(seeds=3, photos=11, shared_out=True)
    rows = [subjects.of_seed(context, seed, list(range(20))) for seed in range(3)]
    assert [len(row) for row in rows] == [3, 3, 3] and len({each for row in rows for each in row}) == 9
    assert max(each for row in rows for each in row) < 11
    assert subjects.of_seed(context, 4, list(range(20))) == rows[1], "other seeds of as many share out the same"


def test_without_sharing_out_every_seed_takes_the_same():
    context = of_size(seeds=3, photos=4, shared_out=False)
    assert {tuple(subjects.of_seed(context, seed, list(range(20)))) for seed in range(3)} == {(0, 1, 2, 3)}


def test_fewer_photographs_than_seeds_settle_nothing():
    with pytest.raises(CannotTell, match="2 photographs are here"):
        subjects.of_seed(of_size(seeds=3, photos=9, shared_out=True), 0, [1, 2])
    with pytest.raises(CannotTell, match="0 photographs are here"):
        subjects.of_seed(of_size(seeds=3, photos=9, shared_out=False), 0, [])


def test_a_claim_that_shares_out_says_that_its_seeds_draw_items_of_their_own():
    for claim in (claim for claim in ledger.CLAIMS.values() if claim.technique in PHOTOGRAPHS):
        for size in claim.sizes.values():
            shared = size.get("shared_out", True)  # VGG4's test images are drawn anew for each seed
            assert shared == (claim.design == "nested"), claim.key


# --- two networks -----------------------------------------------------------------------------------------------


def test_every_claim_on_photographs_is_asked_of_a_second_network():
    claims = [claim for claim in ledger.CLAIMS.values() if claim.technique in PHOTOGRAPHS]
    first = [claim for claim in claims if claim.sizes["full"]["network"] == "inception_v3"]
    assert len(first) > 20
    for claim in first:
        base = claim.alternative_to or claim.key
        again = ledger.CLAIMS[f"{base}-mobilenetv2{claim.key.removeprefix(base)}"]
        assert again.measure is claim.measure and again.support == claim.support
        assert again.sizes["full"] == {**claim.sizes["full"], "network": "MobileNetV2"}
        assert "On MobileNetV2" in again.statement and "MobileNetV2" not in claim.statement
        assert again.alternative_to == (f"{base}-mobilenetv2" if claim.alternative_to else "")


def test_without_its_weights_a_claim_says_what_is_missing(monkeypatch):
    tried = []

    def nothing(name):
        tried.append(name)
        raise CnnlensError(f"The weights of {name} are not here.")

    monkeypatch.setattr("cnnlens.ledger.context.zoo.load", nothing)
    kept = {}
    for key in ("lime-negative-mobilenetv2", "attribution-guided-is-edges-mobilenetv2"):
        entry = ledger.measure(ledger.CLAIMS[key], kept=kept)
        assert entry.verdict == ledger.OPEN and "weights of MobileNetV2" in entry.missing and entry.measured is None
    assert tried == ["MobileNetV2"], "what cannot be loaded is tried once"
    measured = dataclasses.replace(entry, sources={"MobileNetV2": "weights that were here"})
    assert not book.measurable(measured, kept)


# --- two markings -----------------------------------------------------------------------------------------------


def marking(label="tabby", fingerprint="00" * 16, cut=None, **parts):
    return annotations.Annotation(label=label, fingerprint=fingerprint, animal=(0, 0, 1, 1), cut=cut, parts=parts)


EYE, EAR, FAR = (0.2, 0.2, 0.4, 0.4), (0.0, 0.5, 0.2, 0.7), (0.8, 0.8, 1.0, 1.0)


def test_the_same_marks_agree_and_moved_ones_by_as_much_as_they_share():
    both = marking(eye=(EYE, FAR), ear=(EAR,))
    assert agreement_module.overlaps(both, marking(eye=(FAR, EYE), ear=(EAR,))) == ([1, 1, 1], 0, 0)
    half = (0.2, 0.2, 0.4, 0.3)
    assert agreement_module.overlaps(marking(eye=(EYE,)), marking(eye=(half,))) == (
        [pytest.approx(0.5, abs=0.02)],
        0,
        0,
    )


def test_marks_of_other_places_or_other_parts_do_not_agree():
    assert agreement_module.overlaps(marking(eye=(EYE,)), marking(eye=(FAR,))) == ([], 1, 1)
    assert agreement_module.overlaps(marking(eye=(EYE,)), marking(ear=(EYE,), eye=(EYE,))) == ([1], 0, 1)
    assert agreement_module.overlaps(marking(eye=(EYE,)), marking(nose=(EYE,))) == ([], 1, 1)


def test_only_markings_of_one_picture_are_compared(monkeypatch):
    monkeypatch.setattr(agreement_module, "known", lambda context: [])
    first = [marking(eye=(EYE,))]
    others = (marking("lynx", eye=(EYE,)), marking(fingerprint="99" * 16), marking(cut=(0, 0, 0.5, 0.5), eye=(EYE,)))
    for other in others:
        found = ledger.agreement(first=first, second=[other])
        assert found.photographs == 0 and found.sentence.startswith("0 photographs")
    found = ledger.agreement(first=first, second=[*others, marking(eye=(EYE,))])
    assert found.photographs == 1 and found.overlaps.tolist() == [1] and found.lone == (0, 0)
    assert not len(found.ranks)


def test_ranks_move_with_the_marks(monkeypatch):
    first, second = marking(eye=(EYE,)), marking(eye=(FAR,))
    segments = np.zeros((50, 50), int)
    segments[10:20, 10:20], segments[40:, 40:] = 1, 2
    why = SimpleNamespace(weights=np.array([0, 1, -1.0]), segments=segments)
    monkeypatch.setattr(agreement_module, "known", lambda context: [SimpleNamespace(marked=first)])
    monkeypatch.setattr(agreement_module, "explained", lambda context, seed, subject: why)
    found = ledger.agreement(first=[first], second=[second])
    assert found.ranks[0] == pytest.approx([1, 0], abs=0.01) and found.fractions[0] == pytest.approx([1, 0])
    assert "1.000 and 0.000 of its positive weight" in str(found)
    assert found.lone == (1, 1)
