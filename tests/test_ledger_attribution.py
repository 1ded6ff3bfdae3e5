"""Claims about attribution maps: measures know high from low on planted maps and networks, claims go either way."""

import datetime
import tomllib
from importlib import resources
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from cnnlens import Network, ledger
from cnnlens.ledger import annotations, on_attribution
from cnnlens.ledger.claim import CannotTell
from cnnlens.ledger.context import Context

CLAIMS = [claim for claim in ledger.CLAIMS.values() if claim.technique == "attribution"]
SIDE = 20


@pytest.fixture(scope="module")
def net():
    keras.utils.set_random_seed(0)
    layers = keras.layers
    found = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            layers.Conv2D(6, 5, activation="relu", name="below"),
            layers.MaxPooling2D(name="smaller"),
            layers.Conv2D(6, 3, activation="relu", name="maps"),
            layers.Flatten(name="flat"),
            layers.Dense(3, name="top"),
        ]
    )
    return Network.of(found, classes=["a", "b", "c"], pixels=(0.4, 0.5), scores="logits")


@pytest.fixture(scope="module")
def images():
    smooth = np.random.default_rng(0).uniform(0, 1, (3, 5, 5, 3))
    return np.float32(smooth.repeat(4, 1).repeat(4, 2))


SIZE = {"seeds": 1, "photos": 3, "noises": 4, "steps": 8, "masks": 40, "cells": 1000, "marks": "parts"}
SIZE |= {"network": "planted", "shared_out": False}


@pytest.fixture
def at(monkeypatch, net, images):
    """Claims see three images that this network knows, all marked in the upper left corner."""
    marked = annotations.Annotation(
        label="a", fingerprint="", animal=(0, 0, 1, 1), parts={"eye": ((0, 0, 0.25, 0.25),)}
    )
    found = [
        SimpleNamespace(image=image, label=int(label), name="a", marked=marked, fingerprint=str(i))
        for i, (image, label) in enumerate(zip(images, net.logits(images).argmax(1)))
    ]
    monkeypatch.setattr(on_attribution, "known", lambda context: found)
    context = Context(SIZE, {})
    monkeypatch.setattr(context, "net", lambda name: net)
    monkeypatch.setattr(context, "data", lambda name: SimpleNamespace(x_test=images))
    return context


# --- every claim ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.key)
def test_claims_measure_what_difference_takes_and_repeat(at, claim):
    values, controls = claim.measure(at, 1)
    assert len(values) == len(controls) == 3 and np.isfinite([*values, *controls]).all()
    again = Context(vars(at.size), {})
    again.net, again.data = at.net, at.data
    assert claim.measure(again, 1)[0] == pytest.approx(values, abs=1e-4)


def test_every_claim_says_what_it_is_and_when_it_was_fixed():
    assert len(CLAIMS) >= 6
    for claim in CLAIMS:
        assert claim.measure.__doc__ and claim.where == claim.section and not claim.section[0].isdigit(), claim.key
        assert datetime.date.fromisoformat(claim.fixed) and claim.sizes["quick"]["seeds"] >= 2
    assert all(
        not claim.fixed and claim.where.startswith("section ")
        for claim in ledger.CLAIMS.values()
        if claim not in CLAIMS
    )


def test_no_claim_was_measured_before_it_was_fixed():
    for entry in ledger.read().of("attribution").entries:
        assert entry.claim.fixed <= entry.date, entry.key


def test_every_claim_of_the_file_has_a_measure():
    words = tomllib.loads((resources.files(ledger) / "data" / "attribution.toml").read_text(encoding="utf-8"))
    first = [claim for claim in CLAIMS if claim.sizes["full"]["network"] != "MobileNetV2"]
    assert list(words["claims"]) == [claim.key for claim in first if not claim.alternative_to]


# --- planted networks and maps ----------------------------------------------------------------------------------


def test_a_shifted_network_answers_the_same(net, images):
    for by in (0, 0.5):
        assert on_attribution.shifted(net, by).logits(images / 2 + by) == pytest.approx(net.logits(images), abs=1e-4)
    assert np.ptp(on_attribution.shifted(net, 0).logits(images / 2 + 0.5) - net.logits(images)) > 0.01


def test_a_shift_moves_gradient_times_input_only(at):
    plain, times_input = on_attribution.shift_moves_gradient_input(at, 0)
    assert np.min(plain) > 0.999 and np.max(times_input) < 0.99


def test_weights_are_drawn_anew_from_the_top_and_the_network_keeps_its_own(at, net):
    before = net.model.get_weights()
    found = on_attribution.redrawn(at, on_attribution.subjects(at, 0), 0, ("gradcam", "gradient"), layers=1)
    copy = at.shared(("attribution copy", net.source, 1), None)
    for same, other in zip(before, net.model.get_weights()):
        assert np.array_equal(same, other)
    changed = [not np.array_equal(*pair) for pair in zip(before, copy.model.get_weights())]
    assert changed == [False, False, False, False, True, False]  # a bias of zeros has no spread to draw from
    assert all(np.ptp(maps[i]) > 0 for maps in found.values() for i in range(3))
    on_attribution.redrawn(at, on_attribution.subjects(at, 0), 0, ("gradient",))
    everything = at.shared(("attribution copy", net.source, None), None).model.get_weights()
    assert [not np.array_equal(*pair) for pair in zip(before, everything)][::2] == [True] * 3


def test_a_normalized_network_with_new_weights_still_answers(at, monkeypatch, net, images):
    keras.utils.set_random_seed(1)
    layers = keras.layers
    model = keras.Sequential([keras.Input((SIDE, SIDE, 3)), layers.Conv2D(6, 5), layers.BatchNormalization()])
    for layer in (layers.ReLU(), layers.Flatten(), layers.Dense(3)):
        model.add(layer)
    spread = np.random.default_rng(0).uniform(0.5, 2, (4, 6))
    model.layers[1].set_weights(list(np.float32(spread)))
    normalized = Network.of(model, classes=["a", "b", "c"], pixels=(0.4, 0.5), scores="logits")
    monkeypatch.setattr(at, "net", lambda name: normalized)
    found = on_attribution.subjects(at, 0)
    maps = on_attribution.redrawn(at, found, 0, ("gradient",))["gradient"]
    assert np.isfinite(maps).all() and all(np.ptp(each) > 0 for each in maps)
    anew = at.shared(("attribution copy", normalized.source, None), None).model.layers[1].get_weights()
    for before, after in zip(spread, anew):
        assert sorted(after) == pytest.approx(sorted(before)) and list(after) != pytest.approx(list(before))


def left_half():
    """A network whose answer is how bright the left half is."""
    model = keras.Sequential([keras.Input((SIDE, SIDE, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    weights = np.zeros((SIDE, SIDE, 1, 2), np.float32)
    weights[:, : SIDE // 2, :, 1] = 0.05
    model.set_weights([weights.reshape(-1, 2), np.float32([0, -6])])
    return Network.of(model, pixels="0-1", scores="logits")


def test_the_order_of_what_decides_is_told_from_its_opposite():
    net, image = left_half(), np.ones((SIDE, SIDE, 1), np.float32)
    subject = SimpleNamespace(image=image, label=1)
    right = np.linspace(1, 0, SIDE)[None].repeat(SIDE, 0)
    for cells in (1000, 4):
        well, badly = (on_attribution.decision(net, subject, heat, cells) for heat in (right, -right))
        assert well > 0.1 and well == pytest.approx(-badly, abs=0.05)


@pytest.mark.parametrize("place, expected", [((1, 1), 1), ((15, 15), 0)])
def test_a_peak_lies_on_a_mark_or_not(at, monkeypatch, place, expected):
    maps = np.zeros((3, SIDE, SIDE))
    maps[:, *place] = 1
    monkeypatch.setattr(on_attribution, "explained", lambda context, found, method: maps)
    values, chance = on_attribution.gradcam_points(at, 0)
    assert values == [expected] * 3 and chance == pytest.approx([1 / 16] * 3)


@pytest.mark.parametrize("place, expected", [((1, 1), 1), ((9, 9), 1), ((15, 15), 0)])
def test_a_peak_lies_on_the_animal_or_not(at, monkeypatch, place, expected):
    maps = np.zeros((3, SIDE, SIDE))
    maps[:, *place] = 1
    monkeypatch.setattr(on_attribution, "explained", lambda context, found, method: maps)
    parts = {"eye": ((0, 0, 0.25, 0.25),)}
    marked = annotations.Annotation(label="a", fingerprint="", animal=(0, 0, 0.5, 0.5), parts=parts)
    monkeypatch.setattr(on_attribution, "known", lambda context: [SimpleNamespace(marked=marked)] * 3)
    at.size.marks = "animal"
    values, chance = on_attribution.gradcam_points(at, 0)
    assert values == [expected] * 3 and chance == pytest.approx([1 / 4] * 3)


@pytest.mark.parametrize("edgy, plain", [("guided", "gradient"), ("gradient", "guided")])
def test_edges_are_found_in_the_map_that_shows_them(at, monkeypatch, images, edgy, plain):
    noise = np.random.default_rng(0).random((3, SIDE, SIDE))
    maps = {edgy: on_attribution.scores.edges(images), plain: noise}
    monkeypatch.setattr(on_attribution, "explained", lambda context, found, method: maps[method])
    values, controls = on_attribution.guided_is_edges(at, 0)
    assert (np.mean(values) > 0.9 > 0.2 > np.mean(controls)) == (edgy == "guided")
    assert (np.mean(controls) > 0.9 > 0.2 > np.mean(values)) == (edgy == "gradient")


def test_without_photographs_nothing_can_be_told(at, monkeypatch):
    monkeypatch.setattr(on_attribution, "known", lambda context: [])
    with pytest.raises(CannotTell, match="0 photographs"):
        on_attribution.guided_is_edges(at, 0)
    lone = [SimpleNamespace(image=np.zeros((4, 4, 3)), label=0, marked=None)] * 2
    monkeypatch.setattr(on_attribution, "known", lambda context: lone)
    with pytest.raises(CannotTell, match="marked by hand"):
        on_attribution.gradcam_points(at, 0)
