"""LIME: the numbers beside an explanation, its pictures, the explorer, the command and the exercises."""

import json

import numpy as np
import pytest
from PIL import Image

from cnnlens import __main__ as command
from cnnlens import datasets, explore, superpixels, zoo
from cnnlens.errors import CnnlensError
from cnnlens.figures import superpixels as draw
from cnnlens.lenses import masks
from cnnlens.network import Network
from cnnlens.scores import superpixels as scores
from cnnlens.scores import trust_in_words


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).uniform(0.6, 1, (30, 30, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def parts(image):
    return superpixels.segment(image, "grid", 9)


def counting(image, parts, answer):
    """A classifier that knows which superpixels are shown, and answers with a function of that."""

    def function(images):
        shown = np.stack([np.abs(images - image)[:, parts == k].mean((1, 2)) < 1e-4 for k in range(parts.max() + 1)], 1)
        return np.stack([1 - answer(shown), answer(shown)], 1)

    return function


@pytest.fixture(scope="module")
def adding(image, parts):
    return counting(image, parts, lambda shown: 0.1 + shown @ (np.array([5, 4, 3, 2, 1, 0, 0, 0, -0.5]) * 0.05))


@pytest.fixture(scope="module")
def why(adding, image, parts):
    return superpixels.explain(adding, image, 1, parts, 128, fill="grey", classes=("no", "yes"), stop_at=None)


# --- numbers ------------------------------------------------------------------------------------------------


def test_stability_of_known_weights():
    same = scores.stability([[3, 2, 1, -1]] * 3, top=2)
    assert (same.overlap, same.rank, same.flips) == (1, pytest.approx(1), 0)
    turned = scores.stability([[3, 2, 1, -1], [-1, 1, 2, 3]], top=2)
    assert turned.overlap == 0  # {0, 1} against {3, 2}
    assert turned.rank == pytest.approx(-1)
    assert turned.flips == 0.5
    assert scores.stability([[1, 2], [1, 2]]).overlap == 1  # fewer superpixels than five


def test_fidelity_is_one_for_a_sum_and_low_for_a_conspiracy(adding, why, image, parts):
    held = np.random.default_rng(5).random((200, 9)) < 0.5
    assert scores.fidelity(why, held, superpixels.ask(adding, why, held)[:, 1]) > 0.99
    odd = counting(image, parts, lambda shown: (shown[:, :4].sum(1) % 2) * 0.8 + 0.1)  # no superpixel matters by itself
    other = superpixels.explain(odd, image, 1, parts, 128, fill="grey", stop_at=None)
    assert scores.fidelity(other, held, superpixels.ask(odd, other, held)[:, 1]) < 0.3
    assert np.isnan(scores.fidelity(why, held, np.full(200, 0.5)))


def test_fidelity_is_not_fooled_by_fitting_noise(why):
    """On its own masks a line through pure noise looks good; on held-out masks it must not."""
    generator = np.random.default_rng(0)
    own, held = generator.random((12, 9)) < 0.5, generator.random((300, 9)) < 0.5
    noise = generator.random(12)
    weights, intercept = superpixels.surrogate.weighted_ridge(own, noise, ridge=1e-6)
    import dataclasses

    fitted = dataclasses.replace(why, weights=weights, intercept=intercept)
    assert scores.fidelity(fitted, own, noise) > 0.5
    assert scores.fidelity(fitted, held, generator.random(300)) < 0.1


def test_stairs_hide_in_order():
    masks = scores.stairs(np.array([2, 0, 1]), steps=3)
    assert masks.tolist() == [[1, 1, 1], [1, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert scores.stairs(np.arange(10), steps=4)[[0, -1]].sum(1).tolist() == [10, 0]


def test_curves_reward_the_right_order(adding, why):
    found = scores.curves(adding, why, steps=9)
    for kind in ("deletion", "insertion"):
        for curve in found[kind].values():
            assert curve.fraction[0] == pytest.approx(0) and curve.fraction[-1] == pytest.approx(1)
            assert (np.diff(curve.fraction) >= 0).all()
    deletion, insertion = (
        {name: curve.area for name, curve in found[kind].items()} for kind in ("deletion", "insertion")
    )
    assert deletion["by weight"] < deletion["at random"] - 0.05
    assert insertion["by weight"] > insertion["at random"] + 0.05
    # Of a sum and equal sizes the areas can be worked out: the mean score while the best go first.
    answers = 0.1 + 0.05 * np.array([14.5, 9.5, 5.5, 2.5, 0.5, -0.5, -0.5, -0.5, -0.5, 0])
    assert deletion["by weight"] == pytest.approx(np.mean((answers[1:] + answers[:-1]) / 2), abs=0.01)


def test_trust_of_a_plain_case(adding, why):
    found = scores.trust(adding, why, seeds=3, held_out=64, steps=9)
    assert found.r2 > 0.99 and found.stability.overlap == 1 and found.gain > 0.05
    assert "is stable" in found.sentence and "well" in found.sentence and "faster" in found.sentence
    assert found.weights.shape == (3, 9)
    assert len(trust_in_words.report(found).splitlines()) == 10
    fig, alt = draw.trusted(found)
    assert "is stable" in alt


def test_copies_with_parts_hidden_are_answered_in_a_lower_precision_which_changes_little():
    net, image = zoo.load("lenet"), datasets.load("mnist").x_test[0]
    parts = superpixels.segment(image, "grid", 16)
    how = dict(segments=parts, samples=128, fill=0.0, stop_at=None, progress=False)
    exact, lower = (superpixels.explain(net, image, precision=each, **how) for each in ("float32", "mixed_bfloat16"))
    assert lower.settings["precision"] == "mixed_bfloat16" and not np.array_equal(exact.scores, lower.scores)
    assert np.array_equal(exact.prediction, lower.prediction)
    assert scores.correlation(exact.weights, lower.weights) > 0.999
    for why in (exact, lower):
        assert np.array_equal(superpixels.ask(net, why, why.masks[:32]), why.scores[:32]), "asked in its precision"
    with pytest.raises(CnnlensError, match="precision"):
        superpixels.explain(net, image, precision="float16", **how)


def test_trust_asks_only_for_the_repetitions_that_are_missing(image, parts, adding, why):
    asked = []

    def listening(images):
        asked.append(len(images))
        return adding(images)

    plain = scores.trust(listening, why, seeds=4, held_out=16, steps=9, progress=False)
    all_of_it = sum(asked)
    asked.clear()
    repeated = superpixels.repeat(adding, why, [1, 2], progress=False)
    found = scores.trust(listening, why, seeds=4, repeated=repeated, held_out=16, steps=9, progress=False)
    assert sum(asked) == all_of_it - sum(one.calls + 1 for one in repeated)
    assert np.array_equal(found.weights, plain.weights) and found.settings == plain.settings


def test_trust_refuses_what_is_no_repetition(image, parts, adding, why):
    other = superpixels.explain(adding, image, 1 - why.label, parts, 64, seed=1, fill="grey", progress=False)
    with pytest.raises(CnnlensError, match=r"repeated\[1\] explains something else"):
        scores.trust(adding, why, repeated=[*superpixels.repeat(adding, why, [1], progress=False), other])
    with pytest.raises(CnnlensError, match=r"repeated\[0\] has the seed of the explanation itself, 0"):
        scores.trust(adding, why, repeated=[why])


def test_trust_of_noise(image, parts):
    """A classifier whose answer depends on everything and on nothing in particular."""

    def dice(shown):
        code = shown @ (2 ** np.arange(9)) + 1
        return np.modf(np.sin(code * 12.9898) * 43758.5453)[0] % 1 * 0.8 + 0.1

    function = counting(image, parts, dice)
    why = superpixels.explain(function, image, 1, parts, 64, fill="grey", stop_at=None, control_variate=False)
    found = scores.trust(function, why, seeds=4, held_out=128, steps=9)
    assert found.r2 < 0.2
    assert "not stable" in found.sentence or "order of the rest is not" in found.sentence
    assert "poorly" in found.sentence


def test_sentence_warns_when_hiding_is_no_better_than_chance(adding, why):
    import dataclasses

    reversed_ = dataclasses.replace(why, weights=-why.weights)
    found = scores.trust(adding, why, seeds=2, held_out=32, steps=9)
    curves = scores.curves(adding, reversed_, steps=9)
    assert "do not believe it" in dataclasses.replace(found, curves=curves).sentence


@pytest.fixture(scope="module")
def net():
    import keras

    keras.utils.set_random_seed(3)
    layers = [
        keras.Input((30, 30, 3)),
        keras.layers.Conv2D(8, 5, 2, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(3, "softmax"),
    ]
    return Network(keras.Sequential(layers), "small", classes=("cat", "dog", "fish"), source="random weights")


def test_shuffled_keeps_the_weights_and_loses_their_places(net, image):
    blind = scores.shuffled(net, 1)
    for before, after in zip(net.model.get_weights(), blind.model.get_weights()):
        assert np.array_equal(np.sort(before.ravel()), np.sort(after.ravel()))
    assert not np.array_equal(net.model.get_weights()[0], blind.model.get_weights()[0])
    assert "shuffled" in blind.source
    assert not np.allclose(net.predict(image[None]), blind.predict(image[None]))
    assert np.array_equal(blind.predict(image[None]), scores.shuffled(net, 1).predict(image[None]))


@pytest.mark.parametrize("head", [("linear", 3), ("sigmoid", 1)], ids=["logits", "one probability"])
def test_models_with_logits_or_one_probability_are_taken(image, parts, head):
    import keras

    activation, units = head
    keras.utils.set_random_seed(4)
    body = [keras.Input((30, 30, 3)), keras.layers.Conv2D(4, 5, 3, activation="relu"), keras.layers.Flatten()]
    model = keras.Sequential([*body, keras.layers.Dense(units, activation)])
    why = superpixels.explain(model, image, 1, parts, 32)
    assert why.scores.shape[1] == max(units, 2) and why.scores.sum(1) == pytest.approx(1, abs=1e-5)
    assert np.abs(why.weights).max() > 0
    found = scores.trust(model, why, seeds=2, held_out=16, steps=4)
    assert found.parts == 9 and found.source == why.source
    explorer = explore.lime(model, [image], samples=64, count=9)
    assert explorer.computed == 1 and "reliability" in explorer.frame.words


# --- pictures -----------------------------------------------------------------------------------------------


def test_what_each_view_shows(why):
    positive = set(np.flatnonzero(why.weights > 0))
    assert set(draw.chosen(why, "for, alone", 3)) == {0, 1, 2} <= positive
    assert len(draw.chosen(why, "for and against", 20)) == 9
    assert set(draw.chosen(why, "strong ones", least=0.12)) == {0, 1, 2}
    for view in draw.VIEWS:
        raster = draw.painting(why, view, 3, height=60)
        assert raster.shape == (60, 60, 3) and raster.dtype == np.uint8
    alone = draw.painting(why, "for, alone", 1)
    assert (alone[why.segments == 8] == 128).all()  # what is not shown is grey
    assert (alone[2:8, 2:8] == draw.rgb(why.image)[2:8, 2:8]).all()


def test_signs_have_their_own_colors(why):
    heat = draw.painting(why, "all weights", height=300).astype(int)
    segments = why.segments.repeat(10, 0).repeat(10, 1)
    assert (heat[segments == 0][:, 0] > heat[segments == 0][:, 2]).mean() > 0.8  # red for
    assert (heat[segments == 8][:, 2] > heat[segments == 8][:, 0]).mean() > 0.8  # blue against


def test_signs_are_written_too(monkeypatch):
    monkeypatch.setattr(draw, "lettered", lambda pixels, segments, words: words)
    segments = np.arange(4).reshape(2, 2)
    assert draw.heat(np.ones((2, 2, 3)), segments, [0.8, -0.4, 0.1, 0.2]) == {0: "+", 1: "−", 3: "+"}


def test_all_figures_draw(why, image, parts):
    other = why.relabel(0)
    for fig, alt in (
        draw.panels(why),
        draw.versus(why, other),
        draw.hidden(why, 4),
        draw.numbered(image, parts),
        draw.pointed(why, [0, 1, 1]),
        draw.choices(image, {"grid": parts}),
        draw.side_by_side([why, other], ["one", "other"]),
    ):
        assert fig.axes and len(alt) > 20


def test_versus_explains_the_difference_of_the_scores(why):
    _, alt = draw.versus(why, why.relabel(0))
    assert f"{why.contrast(0).weights.max():+.2f}" in alt


# --- the explorer -------------------------------------------------------------------------------------------


def test_explorer_asks_only_when_it_must(net):
    calls = []

    def function(images):
        calls.append(len(images))
        return net.predict(images, progress=False)

    photos = [np.random.default_rng(i).random((30, 30, 3)).astype(np.float32) for i in range(2)]
    explorer = explore.lime(function, photos, samples=64, count=9)
    assert explorer.computed == 1
    asked = sum(calls)
    for value in explorer.controls["class"].all_values():
        explorer.set(**{"class": value})
        assert value.split(" (")[0] in explorer.frame.words
    for view in explorer.controls["view"].all_values():
        explorer.set(view=view)
    explorer.set(show=3)
    assert explorer.computed == 1 and sum(calls) == asked
    explorer.set(photo="1: image")
    assert explorer.computed == 2
    explorer.set(fill="grey")
    assert explorer.computed == 3 and sum(calls) > asked
    for method in explorer.controls["method"].all_values():
        assert explorer.set(method=method).error is None


def test_explorer_needs_photographs(net):
    with pytest.raises(CnnlensError, match="at least one"):
        explore.lime(net, [])


# --- the command --------------------------------------------------------------------------------------------


@pytest.fixture
def pictures(tmp_path, net):
    net.model.save(tmp_path / "small.keras")
    for number in range(2):
        pixels = (np.random.default_rng(number).random((40, 50, 3)) * 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"picture{number}.png")
    return tmp_path


def test_command_writes_and_resumes(pictures, capsys):
    out = pictures / "out"
    arguments = [
        "explain",
        str(pictures / "small.keras"),
        *(str(pictures / f"picture{i}.png") for i in range(2)),
        "--out",
        str(out),
    ]
    arguments += ["--samples", "48", "--method", "grid", "--count", "6"]
    assert command.main(arguments) == 0
    found = json.loads((out / "picture0.json").read_text())
    assert len(found["weights"]) == np.max(found["segments"]) + 1
    assert found["calls"] <= 48 and "small.keras" in found["source"]
    with Image.open(out / "picture1.png") as picture:
        assert picture.format == "PNG" and picture.width > 500
    (out / "picture1.png").unlink()
    written = (out / "picture0.json").stat().st_mtime_ns
    capsys.readouterr()
    assert command.main(arguments) == 0
    said = capsys.readouterr().out
    assert "picture0.png: done before" in said and "picture1.png: class" in said
    assert (out / "picture0.json").stat().st_mtime_ns == written and (out / "picture1.png").is_file()
    assert command.main([*arguments, "--seed", "1"]) == 0
    assert "done before" not in capsys.readouterr().out


def test_command_goes_on_after_a_bad_picture(pictures, capsys):
    (pictures / "broken.png").write_bytes(b"no picture")
    arguments = [
        "explain",
        str(pictures / "small.keras"),
        str(pictures / "broken.png"),
        str(pictures / "picture0.png"),
        "--out",
        str(pictures / "out"),
    ]
    assert command.main([*arguments, "--samples", "32", "--method", "grid", "--count", "4"]) == 1
    said = capsys.readouterr()
    assert "broken.png" in said.err and "picture0.png" in said.out
    assert (pictures / "out" / "picture0.json").is_file() and not (pictures / "out" / "broken.json").exists()


def test_command_with_trust_and_bad_arguments(pictures, capsys):
    arguments = [
        "explain",
        str(pictures / "small.keras"),
        str(pictures / "picture0.png"),
        "--out",
        str(pictures / "out"),
        "--samples",
        "32",
        "--count",
        "4",
    ]
    assert command.main([*arguments, "--method", "grid", "--trust"]) == 0
    trust = json.loads((pictures / "out" / "picture0.json").read_text())["trust"]
    assert trust["sentence"] in capsys.readouterr().out
    assert (pictures / "out" / "picture0-trust.png").is_file()
    assert (
        command.main(["explain", "inception_v4", str(pictures / "picture0.png"), "--out", str(pictures / "new")]) == 2
    )
    assert "inception_v3" in capsys.readouterr().err
    assert command.main(["explain", "squeezenet", "a/x.png", "b/x.jpg", "--out", str(pictures / "new")]) == 2


# --- the lesson ---------------------------------------------------------------------------------------------


def test_designs_are_documented_by_the_lesson():
    """The numbers that the lesson's compared cell prints: exact balance for the design, not for coins."""
    for design, exact in (("hadamard", True), ("random", False)):
        shown = masks.draw(design, 25, 9, 0)[1:].astype(int)
        together = (shown.T @ shown)[~np.eye(9, dtype=bool)]
        assert (together.min() == together.max() == 6) == exact
