"""The report in a browser with no network: no request, no complaint, nothing cut off, axe-core, light and dark."""

import keras
import numpy as np
import pytest
from browsing import elsewhere, faults, opened

import cnnlens
from cnnlens.report.parts import Part
from cnnlens.scores.findings import Finding

pytestmark = pytest.mark.browser
LONG = "a_class_with_a_name_that_is_longer_than_any_phone_is_wide_and_has_no_space"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    """A page with every kind of part, a finding, one that failed, and long names."""
    keras.utils.set_random_seed(0)
    layers = [keras.Input((16, 16, 3)), *(keras.layers.Conv2D(4, 3, activation="relu") for _ in range(3))]
    model = keras.Sequential([*layers, keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")])
    images = np.random.default_rng(0).random((24, 16, 16, 3))
    how = {"labels": np.arange(24) % 3, "classes": [LONG, "b", "c"], "progress": False}
    found = cnnlens.report(model, images, parts=["layers", "attribution", "embedding"], **how)
    wrong = Finding(name="planted", sentence=f"{LONG} is wrong.", weight=0.5, advice="Mend it.")
    first = Part(**{**vars(found.parts[0]), "findings": (wrong,), "notes": (LONG,)})
    failed = Part(name="network", title="Health of the network", failed=f"It cannot be opened: {LONG}.")
    parts = (first, failed, *found.parts[1:])
    ill = type(found)(**{**vars(found), "parts": parts, "left_out": ("Everything else.",)})
    return ill.save(tmp_path_factory.mktemp("page") / "report.html")


@pytest.fixture(scope="module")
def page(browser):
    page = opened(browser, "about:blank")
    yield page
    page.context.close()


def read(page, page_file, width, scheme):
    page.emulate_media(color_scheme=scheme)
    elsewhere(page, page_file.as_uri(), width)
    page.locator("iframe").scroll_into_view_if_needed()
    page.frame_locator("iframe").locator(".bk-Figure").wait_for()


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (360, "dark"), (1920, "light"), (1920, "dark")])
def test_no_request_no_complaint_nothing_cut_off(page, page_file, width, scheme):
    read(page, page_file, width, scheme)
    assert page.complaints == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    wide = "e => e.getBoundingClientRect().right > innerWidth + 1"
    assert page.evaluate(f"[...document.querySelectorAll('p, li, h1, h2, img, iframe, dd')].filter({wide}).length") == 0
    assert faults(page) == []
    body, ink = (page.evaluate(f"getComputedStyle(document.body).{name}") for name in ("backgroundColor", "color"))
    bright = [sum(map(int, color[4:-1].split(","))) for color in (body, ink)]
    assert (bright[0] > bright[1]) == (scheme == "light")


def test_links_lead_to_parts_and_images_are_read_when_they_come_into_sight(page, page_file):
    read(page, page_file, 1280, "light")
    page.click("nav a[href='#attribution']")
    assert page.evaluate("document.querySelector('#attribution').getBoundingClientRect().top") < 400
    picture = page.locator("#attribution img")
    page.wait_for_function("picture => picture.naturalWidth > 100", arg=picture.element_handle())
    assert page.locator("ol.found a").get_attribute("href") == "#layers"
