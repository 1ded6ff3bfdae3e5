"""The twins of explorers: which frames are rendered ahead, within which budget, and how they are written."""

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from cnnlens.errors import CnnlensError
from cnnlens.explore import twin
from cnnlens.explore.base import Explorer, Frame
from cnnlens.explore.controls import Choice, Number, Toggle

UNITS = {"first": 3, "second": 40, "third": 1}
PLENTY = twin.Budget(30)


def painted(values):
    """A picture that tells its values: one square each, on a ground that is the same for a layer."""
    picture = np.full((90, 150, 3), 40 * list(UNITS).index(values["layer"]), np.uint8)
    picture[10:20, 10:20] = values["image"] * 20
    picture[70:80, 130:140] = values["unit"] * 6
    return picture


def layered(**more):
    """An explorer like that of the activations, but of nothing; and what it computed."""
    computed = []

    def compute(values, step):
        computed.append(values["image"])
        step(0, 1)
        return values["image"]

    def draw(values, found):
        assert values["unit"] < UNITS[values["layer"]] and found == values["image"]
        return Frame(painted(values), f"image {found} <{values['layer']}> unit {values['unit']}")

    given = {
        "compute": compute,
        "key": lambda values: values["image"],
        "limits": lambda values: {"unit": UNITS[values["layer"]] - 1},
    }
    controls = [Number("image", 0, 4), Choice("layer", UNITS), Number("unit", 0, 2), Toggle("marked")]
    return Explorer(controls, draw, source="nowhere & everywhere", **{**given, **more}), computed


def told(page):
    """What a page tells its script."""
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', page, re.S)[1])


def put_together(data, frame):
    """The picture of a frame, from its tiles, as the script does it."""
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(data["sheet"]))).convert("RGB"))
    side, across = data["side"], -(-frame["wide"] // data["side"])
    rows = []
    for start in range(0, len(frame["tiles"]), across):
        places = [divmod(tile, data["across"]) for tile in frame["tiles"][start : start + across]]
        rows.append(np.hstack([sheet[row * side :, column * side :][:side, :side] for row, column in places]))
    return np.vstack(rows)[: frame["high"], : frame["wide"]]


def test_the_plan_starts_with_what_is_shown_and_has_no_impossible_frame_and_none_twice():
    explorer, _ = layered()
    explorer.set(layer="second", unit=17)
    planned = list(twin.plan(explorer))
    assert planned[0] == explorer.values
    assert all(values["unit"] < UNITS[values["layer"]] for values in planned)
    assert len({tuple(values.items()) for values in planned}) == len(planned)
    alone = {tuple(name for name in values if values[name] != explorer.values[name]) for values in planned[1:12]}
    assert {("image",), ("layer", "unit"), ("unit",), ("marked",)} <= alone, "no other layer here has a unit 17"
    pairs = {(values["layer"], values["unit"]) for values in planned}
    assert {("first", unit) for unit in range(3)} <= pairs, "another layer's units can be chosen as well"


def test_from_coarse_to_fine():
    assert twin.coarse(list(range(9)), 3) == [3, 0, 8, 4, 2, 6, 1, 5, 7]
    assert twin.coarse(["a"], "a") == ["a"] and twin.coarse([0, 1], 1) == [1, 0]


def test_each_computation_is_made_once_and_the_explorer_stays_as_it_is():
    explorer, computed = layered()
    before = explorer.values, explorer.frame, explorer.computed
    found = twin.rendered(explorer, PLENTY)
    assert sorted(computed) == [0, 1, 2, 3, 4] and len(found) > 60
    assert (explorer.values, explorer.frame, explorer.computed) == before
    assert all(frame.words == f"image {v['image']} <{v['layer']}> unit {v['unit']}" for v, frame in found)


def test_pictures_and_words_come_back_from_the_page():
    explorer, _ = layered()
    page = twin.page(explorer, PLENTY)
    data = told(page)
    assert [control["kind"] for control in data["controls"]] == ["range", "range", "range", "check"]
    for frame in data["frames"]:
        image, layer, unit, _ = (data["ranges"][number][place] for number, place in frame["at"])
        assert frame["words"] == f"image {image} <{layer}> unit {unit}"
        values = {"image": int(image), "layer": layer, "unit": int(unit)}
        np.testing.assert_array_equal(put_together(data, frame), painted(values))
    assert len({tile for frame in data["frames"] for tile in frame["tiles"]}) < 2 * len(data["frames"])
    assert "nowhere &amp; everywhere" in page and "&lt;first&gt;" in page and "<first>" not in page
    assert f"{len(data['frames'])} frames" in page and "Other values" in page


def test_all_combinations_need_no_excuse():
    explorer = Explorer([Number("n", 0, 3)], lambda values, _: Frame(np.zeros((9, 9, 3), np.uint8), str(values["n"])))
    page = twin.page(explorer, PLENTY)
    assert "4 frames" in page and "Other values" not in page


def test_the_budget_of_bytes_and_the_most_tiles_are_kept(monkeypatch):
    noise = np.random.default_rng(0)

    def draw(values, _):
        return Frame(noise.integers(0, 255, (128, 128, 3), np.uint8), f"{values}")

    explorer = Explorer([Number("n", 0, 200)], draw)
    page = twin.page(explorer, twin.Budget(30, size=200_000))
    assert 100_000 < len(page.encode()) <= 200_000
    places = [frame["at"][0][1] for frame in told(page)["frames"]]
    assert {0, 200} <= set(places) and len(places) < 100, "what was wanted most is kept"
    monkeypatch.setattr(twin, "MOST_TILES", 9)
    assert len(twin.tiled([noise.integers(0, 255, (128, 128, 3), np.uint8) for _ in range(5)])[2]) == 2


@pytest.mark.parametrize("shared", [0, 8])
def test_what_would_not_fit_is_not_drawn(shared):
    noise = np.random.default_rng(0)
    ground, drawn = noise.integers(0, 255, (64, 64 * shared, 3), np.uint8), []

    def draw(values, _):
        drawn.append(values["n"])
        return Frame(np.hstack([ground, noise.integers(0, 255, (64, 128, 3), np.uint8)]), f"{values}")

    explorer = Explorer([Number("n", 0, 200)], draw)
    drawn.clear()
    written = len(told(twin.page(explorer, twin.Budget(30, size=900_000)))["frames"])
    assert 1.5 * twin.LEAST < written <= len(drawn) <= 1.25 * written


def test_time_is_divided_and_no_computation_without_time_begins(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(twin, "clock", lambda: now[0])

    def slow(values, step):
        now[0] += 1.5
        step(1, 1)
        return values["image"]

    explorer, _ = layered(compute=slow)
    found = twin.rendered(explorer, twin.Budget(3.5))
    images = [values["image"] for values, _ in found]
    assert len(set(images)) == 3, "the one that was there, and two that took 1.5 s each"
    now[0] = 0.0
    explorer.seconds = 100
    assert {values["image"] for values, _ in twin.rendered(explorer, twin.Budget(3.5))} == {0}


def test_a_computation_that_takes_too_long_is_left(monkeypatch):
    now, steps = [0.0], []
    monkeypatch.setattr(twin, "clock", lambda: now[0])

    def endless(values, step):
        while values["image"]:
            now[0] += 0.1
            steps.append(now[0])
            step(0, 1)
        return 0

    explorer, _ = layered(compute=endless)
    assert {values["image"] for values, _ in twin.rendered(explorer, twin.Budget(2))} == {0}
    assert max(steps) < 3.2


def test_what_cannot_be_shown_is_left_out_and_what_is_broken_is_told():
    def failing(error):
        def draw(values, _):
            if values["n"] == 2:
                raise error
            return Frame(np.zeros((9, 9, 3), np.uint8), str(values["n"]))

        return Explorer([Number("n", 0, 3)], draw)

    assert len(told(twin.page(failing(CnnlensError("two is no number")), PLENTY))["frames"]) == 3
    with pytest.raises(ZeroDivisionError):
        twin.page(failing(ZeroDivisionError()), PLENTY)


def test_a_control_that_is_left_out_is_named():
    explorer, computed = layered()
    explorer.controls["image"].ahead = False
    page = twin.page(explorer, PLENTY)
    assert [control["name"] for control in told(page)["controls"]] == ["layer", "unit", "marked"]
    assert computed == [0] and "In JupyterLab only: image." in page


def test_a_start_between_two_steps_stays():
    draw = lambda values, _: Frame(np.zeros((9, 9, 3), np.uint8), f"{values['weight']:g} {values['n']}")  # noqa: E731
    explorer = Explorer([Number("weight", 0.0, 1.0, 0.3, step=0.25), Number("n", 64, 256, 100, step=64)], draw)
    frames = told(twin.page(explorer, PLENTY))["frames"]
    assert frames[0]["words"] == "0.3 100" and len(frames) == 6 * 5


def test_only_who_renders_for_readers_gets_a_twin(monkeypatch):
    explorer, _ = layered()
    assert "text/html" not in explorer._repr_mimebundle_()
    monkeypatch.setenv(twin.SECONDS, "5")
    data = explorer._repr_mimebundle_()
    assert "cnnlens-twin" in data["text/html"] and data["image/png"] and data["text/plain"] == explorer.frame.words
