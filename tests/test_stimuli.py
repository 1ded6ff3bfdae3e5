"""Test pictures and measures of the responses to them: each with a case that scores high and one that scores low."""

import numpy as np
import pytest

from cnnlens.errors import CnnlensError
from cnnlens.ledger import stimuli

SOBEL = np.float64([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
CORNER = np.float64([[-1, -1, -1], [-1, 1, 1], [-1, 1, 1]])


def answers(filters, pictures):
    """Of linear units behind a ReLU, to pictures as large as they are: (O, K, U)."""
    return np.maximum(np.einsum("okhwc,uhwc->oku", pictures, filters), 0)


def shapes(size):
    makers = {
        "edge": stimuli.edges,
        "corner": stimuli.corners,
        "line": stimuli.lines,
        "spot": stimuli.spots,
        "flat": stimuli.flat,
    }
    return {kind: make(size) for kind, make in makers.items()}


@pytest.mark.parametrize("size", [3, 8, 21])
def test_pictures_are_images_of_the_same_strength(size):
    for kind, pictures in shapes(size).items():
        assert pictures.shape[2:] == (size, size, 1) and pictures.dtype == np.float32, kind
        assert pictures.min() >= 0 and pictures.max() <= 1, kind
        assert np.allclose(((pictures - 0.5) ** 2).mean((2, 3, 4)), stimuli.CONTRAST**2, atol=1e-5), kind


def test_edges_go_round_and_direction_zero_is_bright_to_the_right():
    pictures = stimuli.edges(9, 8, shifts=(0,))[:, 0, :, :, 0]
    assert pictures[0, 4, 8] > 0.7 and pictures[0, 4, 0] < 0.3
    assert pictures[2, 0, 4] > 0.7 and pictures[2, 8, 4] < 0.3  # a quarter turn: to the top
    assert np.allclose(pictures[0] + pictures[4], 1)
    assert np.allclose(np.rot90(pictures[1]), pictures[3])


def test_gratings_have_their_period_and_direction():
    pictures = stimuli.gratings(16, 4, periods=(4,), phases=2)[:, 0, :, :, 0]
    assert np.allclose(pictures[0], np.roll(pictures[0], 4, 1), atol=1e-6) and np.allclose(
        pictures[0], pictures[0][:1], atol=1e-6
    )
    assert np.allclose(pictures[2], np.roll(pictures[2], 4, 0), atol=1e-6) and np.allclose(
        pictures[2], pictures[2][:, :1], atol=1e-6
    )
    with pytest.raises(CnnlensError, match="at least 2"):
        stimuli.gratings(16, periods=(1,))


def test_favorites_know_an_edge_from_a_corner_and_from_brightness():
    filters = np.stack([SOBEL, np.rot90(SOBEL), CORNER, -np.rot90(CORNER), np.ones((3, 3)), np.zeros((3, 3))])[
        ..., None
    ]
    found = stimuli.favorites({kind: answers(filters, pictures) for kind, pictures in shapes(3).items()})
    assert found.detectors("edge").tolist() == [True, True, False, False, False, False]
    assert found.detectors("corner").tolist() == [False, False, True, True, False, False]
    assert found.detectors("flat", clearly=0).tolist() == [False, False, False, False, True, False]


def test_favorites_hold_at_the_size_of_a_second_layer():
    large = np.kron(np.stack([CORNER, SOBEL]), np.ones((1, 3, 3)))[..., None]
    found = stimuli.favorites({kind: answers(large, pictures) for kind, pictures in shapes(9).items()})
    assert found.detectors("corner").tolist() == [True, False] and found.detectors("edge").tolist() == [False, True]


def test_favorites_need_a_choice():
    with pytest.raises(CnnlensError, match="two kinds"):
        stimuli.favorites({"edge": np.ones((2, 3))})


def test_tuning_is_high_for_stripes_and_low_for_a_spot():
    stripes = stimuli.gratings(9, 8, periods=(4.5,), phases=1)[2, 0] - 0.5  # across 45 degrees
    x, y = np.meshgrid(np.arange(9) - 4, np.arange(9) - 4)
    spot = (np.exp(-(x**2 + y**2) / 2) - np.exp(-(x**2 + y**2) / 8) / 4)[..., None]
    found = stimuli.tuning(answers(np.stack([stripes, spot, np.zeros_like(spot)]), stimuli.gratings(9, 8)))
    assert found.selectivity[0] > 0.3 and found.selectivity[1] < 0.1 and found.selectivity[2] == 0
    assert found.preferred[0] == pytest.approx(45, abs=8)
    assert found.curve.shape == (8, 3)


def test_tuning_tells_the_polarity_of_edges_when_the_circle_is_whole():
    found = stimuli.tuning(answers(np.stack([SOBEL, -SOBEL])[..., None], stimuli.edges(3, 8)), circle=360)
    assert abs((found.preferred[0] + 180) % 360 - 180) < 5 and found.preferred[1] == pytest.approx(180, abs=5)
    with pytest.raises(CnnlensError, match="three directions"):
        stimuli.tuning(np.ones((2, 1, 1)))


def test_explained_is_one_for_a_color_edge_and_low_for_noise():
    edge = np.sign(SOBEL + 0.1)[..., None] * np.float64([1, -1, 0.5])
    noise = np.random.default_rng(0).normal(size=(50, 3, 3, 3))
    pictures = stimuli.edges(3).reshape(-1, 3, 3, 1)
    assert stimuli.two_color_response(edge[None], pictures)[0] == pytest.approx(1)
    assert stimuli.two_color_response(np.ones((1, 3, 3, 3)), stimuli.flat(3))[0] == pytest.approx(1)
    assert stimuli.two_color_response(noise, pictures).mean() < 0.7
    assert stimuli.two_color_response(np.zeros((1, 3, 3, 3)), pictures)[0] == 0


def test_scrambled_keeps_color_and_waves_but_not_places():
    image = np.zeros((1, 32, 32, 3))
    image[:, 8:24, 8:24] = (0.6, 0.5, 0.3)
    image = 0.3 + 0.4 * image
    found = stimuli.phase_scrambled(image, seed=1)
    assert np.allclose(found.mean((1, 2)), image.mean((1, 2)), atol=0.01)
    power = [np.abs(np.fft.fft2(x[0, ..., 0] - x[0, ..., 0].mean())).ravel() for x in (image, found)]
    assert np.corrcoef(power)[0, 1] > 0.95
    assert abs(np.corrcoef(image[0, ..., 0].ravel(), found[0, ..., 0].ravel())[0, 1]) < 0.6
    assert np.array_equal(found, stimuli.phase_scrambled(image, seed=1))


def test_beyond_waves_is_high_where_the_order_of_the_waves_counts():
    image, other = np.float64([[4, 0, 2]]), np.float64([[1, 0, 2]])
    assert stimuli.phase_sensitivity(image, 0 * image, 0 * image)[0] == 1
    assert stimuli.phase_sensitivity(image, other, other)[0] == pytest.approx(0.3)  # the silent unit has no say
    assert stimuli.phase_sensitivity(image, other, image)[0] == 0  # another scramble changes as much
    up_and_down = stimuli.phase_sensitivity(np.float64([[3, 1]]), np.float64([[1, 3]]), np.float64([[1, 3]]))
    assert up_and_down[0] == pytest.approx(0.5)
