"""Pictures of attributions, and the explorer."""

import re

import numpy as np
import pytest
from matplotlib.text import Text

from cnnlens import attribution, datasets, explore, zoo
from cnnlens.errors import CnnlensError
from cnnlens.figures import attribution as draw
from cnnlens.figures import painter_of, png
from cnnlens.scores import attribution as scores
from cnnlens.scores import cascade


@pytest.fixture(scope="module")
def net():
    return zoo.load("lenet")


@pytest.fixture(scope="module")
def images():
    return datasets.load("mnist").x_test[:6]


@pytest.fixture(scope="module")
def found(net, images):
    return attribution.explain(net, images, None, "gradient_input", source="stand-in for MNIST", progress=False)


def said(fig):
    return " ".join(text.get_text() for text in fig.findobj(Text)).replace("\n", " ")


def test_strong_and_weak_signed_and_unsigned_have_their_colors():
    heat = np.zeros((10, 10))
    heat[:5, :5], heat[5:, 5:] = 2, -2
    image = np.full((10, 10, 1), 0.5)
    signed, unsigned = (draw.overlay(image, heat, kind, 1.0).astype(int) for kind in (True, False))
    (r, _, b), (r2, _, b2), white = signed[0, 0], signed[9, 9], signed[0, 9]
    assert r > b + 50 and b2 > r2 + 50 and white.min() > 240, "red for, blue against, white none"
    assert unsigned[0, 0].sum() > unsigned[0, 9].sum() + 200 and (unsigned[0, 9] == unsigned[9, 9]).all()
    assert (draw.overlay(image, heat, True, 0.0) == 127).all(), "no opacity, only the image"
    one = np.zeros((10, 10))
    one[0, 0] = 5
    assert draw.reach_of(one) == 5 and draw.reach_of(np.zeros((2, 2))) > 0
    assert draw.overlay(image, np.zeros((10, 10)), False).std() < 60


def test_signs_stand_where_most_speaks_for_and_against():
    heat = np.full((32, 32), 0.1)
    heat[4:8, 20:24], heat[24:28, 4:8], heat[16, 16] = 1, -1, 3  # a single pixel counts little
    (top, left), (low, right) = (draw.extremes(heat)[sign] for sign in "+−")
    assert (4 <= top < 8 and 20 <= left < 24) and (24 <= low < 28 and 4 <= right < 8)
    assert set(draw.extremes(np.abs(heat))) == {"+"} and draw.extremes(np.zeros((32, 32))) == {}


def test_a_signed_map_and_its_contrary_differ_without_colors():
    heat = np.zeros((28, 28))
    heat[4:10, 4:10], heat[18:24, 18:24] = 1, -1
    grey = [draw.side_by_side(np.zeros((28, 28, 1)), [(each, True)])[1].mean(-1) for each in (heat, -heat)]
    plain = [draw.overlay(np.zeros((28, 28, 1)), each, True).mean(-1) for each in (heat, -heat)]
    assert np.abs(grey[0] - grey[1]).max() > 200 > 60 > np.abs(plain[0] - plain[1]).max(), "the signs tell them apart"


def test_a_result_draws_itself_with_class_score_and_source(found):
    fig, alt = painter_of(type(found))(found)
    words = said(fig)
    assert found.names[0] in words and f"{found.probabilities[0]:.1%}" in words and "stand-in for MNIST" in words
    assert "the first 4 of 6" in words and "Gradient × input" in words and "red speaks for the class" in alt
    assert len(png(fig)) > 5000 and "image/png" in found._repr_mimebundle_()[0]


def test_methods_side_by_side(net, images, found):
    founds = {"plain": found, "CAM": attribution.explain(net, images, layer="conv2", progress=False)}
    fig, alt = draw.methods(founds, image=2)
    assert "plain" in said(fig) and "CAM" in said(fig) and "explained by plain, CAM" in alt
    assert sum(bool(axes.images) for axes in fig.axes) == 3


def test_the_numbers_draw_themselves(net, found):
    numbers = scores.faithfulness(net, found.only(0), progress=False)
    fig, alt = painter_of(type(numbers))(numbers)
    assert f"by map: {numbers.areas('deletion')[0]:.2f}" in said(fig)
    assert f"{numbers.gain()[0]:+.2f} in deletion" in alt
    steps = cascade.cascade(net, found.only(0), progress=False)
    fig, alt = painter_of(type(steps))(steps)
    assert all(layer in said(fig) for layer in ("trained", *steps.layers))
    assert f"rank correlation {steps.rank[-1].mean():.2f}" in alt
    line = fig.subfigs[0].axes[0].lines[0]
    np.testing.assert_allclose(line.get_ydata(), [1, *steps.rank.mean(1)])


@pytest.fixture(scope="module")
def explorer(net, images):
    few = {"smoothgrad": {"samples": 2}, "integrated_gradients": {"steps": 2, "complete_to": None}}
    few |= {"rise": {"masks": 8}, "occlusion": {"patch": 14}}
    return explore.attribution(net, images[:2], settings=few, steps=3)


def test_the_explorer_computes_once_and_opacity_costs_nothing(explorer):
    assert explorer.values["method"] == "gradcam" and explorer.values["layer"] == "pool2"
    before = explorer.computed
    pictures = {explorer.set(opacity=value).frame.png() for value in (0.0, 0.5, 1.0)}
    assert len(pictures) == 3 and explorer.computed == before
    explorer.set(layer="conv1")
    assert explorer.computed == before + 1
    explorer.set(layer="pool2")
    assert explorer.computed == before + 1


def test_the_numbers_follow(explorer):
    words = explorer.set(method="gradient_input").frame.words
    areas = re.findall(r"by map (\d\.\d\d), by edges (\d\.\d\d), at random (\d\.\d\d)", words)
    assert len(areas) == 2 and "deletion" in words and "insertion" in words
    assert explorer.values["layer"] == "the pixels"
    other = list(explorer.controls["class"].options)[1]
    assert explorer.set(**{"class": other}).frame.words != words
    assert "but for" in explorer.set(method="integrated_gradients").frame.words
    explorer.set(method="gradcam")
    assert explorer.values["layer"] == "pool2"


def test_every_value_of_the_explorer_can_be_shown(explorer):
    shown = {values["method"] for values in explorer.sweep(opacity=3) if explorer.frame is not None}
    assert shown == set(attribution.METHODS) and explorer.error is None


def test_an_explorer_of_a_function_offers_what_needs_no_gradient(net, images):
    found = explore.attribution(
        net.predict, images[:1], settings={"occlusion": {"patch": 14}, "rise": {"masks": 4}}, steps=2
    )
    assert list(found.controls["method"].options) == ["occlusion", "rise"]
    with pytest.raises(CnnlensError, match="There is no method for this network 'gradcam'"):
        explore.attribution(net.predict, images[:1], ["gradcam"])
    with pytest.raises(CnnlensError, match="There is no method of attribution 'gradcan'. Did you mean 'gradcam'"):
        explore.attribution(net, images[:1], ["gradcan"])
    with pytest.raises(CnnlensError, match="There are no images"):
        explore.attribution(net, images[:0])


def test_agreement_names_its_rows_and_columns_and_its_extremes():
    alike = np.array([[1, 0.9, -0.4], [0.9, 1, 0.1], [-0.4, 0.1, 1]])
    fig, words = draw.agreement(alike, ["gradient", "smoothgrad", "rise"], "where the weights came from")
    axes = fig.axes[0]
    heads = [[label.get_text() for label in ticks] for ticks in (axes.get_xticklabels(), axes.get_yticklabels())]
    assert heads[0] == heads[1] and len(set(heads[0])) == 3
    assert [text.get_text() for text in axes.texts[:3]] == ["1.00", "0.90", "-0.40"]
    assert "(0.90), least" in words and words.endswith("(-0.40).")
