"""The microscope's site: what its pages say, in a browser from the disk, and with four thousand units."""

import functools
import os
import re
import shutil

import numpy as np
import pytest
from browsing import elsewhere, faults
from browsing import opened as at
from test_microscope import HOW, contents, tiny

from cnnlens.__main__ import main
from cnnlens.cluster import Loop
from cnnlens.errors import CnnlensError
from cnnlens.microscope import Site, Store, microscope, opened, pictures
from cnnlens.microscope.plan import Plan
from cnnlens.microscope.running import fill, work
from cnnlens.microscope.units import words_of

CLASSES = ["tabby cat", "dog", "fox"]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """A folder with the store and the site of a network of three layers, one of whose units sees red."""
    net = tiny()
    net = net.like(net.model, classes=CLASSES)
    kernel, bias = net.model.get_layer("a").get_weights()
    kernel[..., 2], bias[2] = np.float32([1, -1, -1]) / 9, 0
    net.model.get_layer("a").set_weights([kernel, bias])
    images = np.random.default_rng(0).random((24, 16, 16, 3)) * 0.5
    labels = np.arange(24) % 3
    images[labels == 0, :, :, 0] += 0.45
    folder = tmp_path_factory.mktemp("out")
    microscope(net, images, folder, labels=labels, **{**HOW, "site": True})
    return folder


def text(path):
    """The words of a page."""
    return " ".join(re.sub(r"<[^>]*>", " ", path.read_text(encoding="utf-8")).split())


# --- pages ----------------------------------------------------------------------------------------------------------


def test_every_unit_has_a_page_and_every_link_leads_somewhere(out):
    site = out / "site"
    assert len(list((site / "units").rglob("*.html"))) == 4 + 40 + 3
    pages = list(site.rglob("*.html"))
    assert len(pages) == 47 + 3 + 3 + 1
    for page in pages:
        html = page.read_text(encoding="utf-8")
        for address in re.findall(r"(?:href|src)=\"([^\"#]+)\"|url\('([^']+)'\)", html):
            (found,) = filter(None, address)
            assert found == "data:," or (page.parent / found).is_file(), f"{page.name}: {found}"
        assert "http" not in html.replace("http-equiv", ""), "no network"


def test_a_unit_page_says_what_the_store_holds(out):
    store, page = opened(out), text(out / "site" / "units" / "b" / "7.html")
    value = store.read(1, "top_value")[7, 0]
    assert f"best real image reaches {value:.3g}" in page and f"{store.read(1, 'reached')[7]:.3g}" in page
    assert f"{store.read(1, 'mean')[7]:.3g} ± {store.read(1, 'deviation')[7]:.3g}" in page
    near = store.read(1, "alike")[7, 0], store.read(1, "correlation")[7, 0]
    assert f"{near[0]} r = {near[1]:.2f}" in page
    assert words_of(store.read(1, "says")[7]) in page


def test_a_class_page_names_the_units_that_fire_for_it(out):
    page = text(out / "site" / "classes" / "0-tabby-cat.html")
    assert page.index("a 2") < page.index("Seed"), "the unit that sees red fires for the class that is red"
    assert re.search(r"(\d+) units respond surely more to 8 images of tabby cat", page)
    assert "fires" not in page and "tabby cat" in text(out / "site" / "units" / "a" / "2.html")


def test_it_is_made_while_the_rest_runs_and_again_from_the_store_alone(tmp_path, out, capsys):
    store = opened(out)
    pixels = np.random.default_rng(0).integers(0, 256, (24, 16, 16, 3), np.uint8)
    (tmp_path / "out").mkdir()
    part = Store.at(tmp_path / "out" / "store.zarr", Plan(store.plan.settings), store.labels())
    site, seen = Site(part), []
    with pytest.raises(CnnlensError, match="not all images have been read yet"):
        site.write()

    class Watched(Loop):
        def __call__(self, jobs):
            for each in super().__call__(jobs):
                if each[0].kind == "units":
                    site.write()
                    seen.append(len(list((site.folder / "units").rglob("*.html"))))
                    index = text(site.home)
                    assert ("so far" in index) and "<a href=" in site.home.read_text(encoding="utf-8")
                yield each

    fill(part, pixels, Watched(functools.partial(work, (tiny(), part.plan))), progress=False)
    assert seen == [0, 4, 24, 44], "what is done can be looked at"
    shutil.rmtree(site.folder)
    assert main(["microscope", "--site", "--out", str(tmp_path / "out")]) == 0
    assert "so far" not in text(site.home) and len(list((site.folder / "units").rglob("*.html"))) == 47
    assert str(site.home) in capsys.readouterr().out
    assert main(["microscope", "--out", str(tmp_path / "out")]) == 2
    assert "Expected MODEL and --images, or --site" in capsys.readouterr().err


def test_what_has_not_changed_is_not_drawn_again(out, monkeypatch):
    drawn = []
    monkeypatch.setattr(pictures, "draw", lambda store, task, folder: drawn.append(task))
    times = {path: path.stat().st_mtime_ns for path in (out / "site").rglob("*")}
    Site(opened(out)).write()
    assert drawn == [] and {path: path.stat().st_mtime_ns for path in (out / "site").rglob("*")} == times
    note = out / "site" / "pictures" / "b" / "0-19.txt"
    kept = note.read_text()
    note.write_text("something else")
    Site(opened(out)).write()
    assert [(task.layer, task.number) for task in drawn] == [(1, 0)] and note.read_text() == kept


def test_names_of_classes_are_text_and_file_names(tmp_path):
    net = tiny()
    net = net.like(net.model, classes=["<b>a/b</b>", "$x$ & y", "ü"])
    images = np.random.default_rng(0).random((12, 16, 16, 3))
    microscope(net, images, tmp_path, labels=np.arange(12) % 3, layers="c", **{**HOW, "site": True})
    home = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;a/b&lt;/b&gt;" in home and "<b>a/b</b>" not in home
    assert len(list((tmp_path / "site" / "classes").iterdir())) == 3
    assert "<b>" not in (tmp_path / "site" / "search-index.js").read_text(encoding="utf-8").replace("<b>a/b", "")


def test_where_no_class_has_two_images_nothing_is_said_of_classes(tmp_path):
    images = np.random.default_rng(0).random((3, 16, 16, 3))
    microscope(tiny(), images, tmp_path, labels=np.arange(3), layers="a", units=1, **{**HOW, "site": True})
    page = text(tmp_path / "site" / "units" / "a" / "0.html")
    assert "No class has two images" in page and "selectivity" not in page
    assert not (tmp_path / "site" / "classes").exists() and "Which units fire" not in text(
        tmp_path / "site" / "index.html"
    )


# --- in a browser ---------------------------------------------------------------------------------------------------


def show(browser, address, width=1280, scheme="light", offline=True):
    """A page, with all that it asks for in ``page.asked``."""
    page = at(browser, "about:blank", width, color_scheme=scheme, offline=offline)
    page.asked = []
    page.on("request", lambda asked: page.asked.append(asked.url))
    page.goto(address)
    return page


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1024, "dark"), (1920, "light")])
def test_it_opens_from_the_disk_and_nothing_is_cut_off(browser, out, width, scheme):
    page = show(browser, "about:blank", width, scheme)
    for name in ("index.html", "layers/b.html", "units/b/7.html", "classes/0-tabby-cat.html"):
        elsewhere(page, (out / "site" / name).as_uri(), width)
        assert page.complaints == [] and not [url for url in page.asked if not url.startswith(("file:", "data:"))]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert faults(page) == [], name
        page.asked.clear()  # axe-core asks for style sheets
    page.context.close()


@pytest.mark.browser
def test_from_the_network_to_a_unit_and_by_search_to_a_class(browser, out):
    page = show(browser, (out / "site" / "index.html").as_uri())
    assert not [url for url in page.asked if "search-index" in url], "no page waits for the index"
    page.click("main a:text-is('b')")
    page.wait_for_url("**/layers/b.html")
    page.click("#sheet a >> nth=7")
    page.wait_for_url("**/units/b/7.html")
    page.wait_for_function("document.querySelector('.made').naturalWidth > 0")
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/units/b/8.html")
    for typed, address in (
        ("tabby", "classes/0-tabby-cat.html"),
        ("b/31", "units/b/31.html"),
        ("b 31", "units/b/31.html"),
    ):
        page.keyboard.press("/")
        page.keyboard.type(typed)
        page.locator("#found a").first.wait_for()
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/{address}")
    page.fill("#search", "zebra")
    page.wait_for_function("document.querySelector('#found').innerText === 'Nothing is called so.'")
    page.context.close()


@pytest.mark.browser
def test_a_sheet_shows_best_patches_and_other_orders(browser, out):
    page = show(browser, (out / "site" / "layers" / "b.html").as_uri())
    largest = opened(out).read(1, "largest")
    page.select_option("#order", "largest")
    order = page.locator("#sheet a").evaluate_all("cards => cards.map(card => +card.dataset.unit)")
    assert np.array_equal(largest[order], np.sort(largest)[::-1])
    page.select_option("#show", "best")
    page.wait_for_function("document.querySelector('#sheet img').currentSrc.endsWith('-best.webp')")
    page.select_option("#show", "made")
    assert page.locator("#sheet img").first.get_attribute("src").endswith(f"/{order[0]}.webp")
    assert page.complaints == []
    page.context.close()


# --- four thousand units --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(tmp_path_factory, out):
    """The site of eight layers of 512 units and 300 classes: made-up numbers, and one picture for all of them.

    Units have pages in one of the layers; those of the others would be alike.
    """
    settings = opened(out).plan.settings
    layer = {**settings["layers"][1], "units": 512, "shape": [14, 14, 512]}
    names = [f"block{n}_conv" for n in range(8)]
    settings = {
        **settings,
        "layers": [{**layer, "path": name} for name in names],
        "classes": [f"class {n}" for n in range(300)],
    }
    settings["images"] = {**settings["images"], "count": 900}
    plan, folder = Plan(settings), tmp_path_factory.mktemp("large")
    store = Store.at(folder / "store.zarr", plan, np.arange(900) % 300)
    drawn, generator = contents(opened(out)), np.random.default_rng(0)
    for task in plan.tasks:
        given = {}
        for name in store.names(task):
            array, like = store.array(name), drawn.get(re.sub(r"^\d/", "1/", name))
            given[name] = np.resize(like, (task.last - task.first, *array.shape[1:])) if like is not None else 0
            if name.endswith("peak"):
                given[name] = generator.random((task.last - task.first, 512))
        store.write(task, given)
    one = folder / "one.webp"
    one.write_bytes(generator.bytes(6000))
    pages = Site._layer
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "draw", lambda store, task, folder: stand_ins(one, task, folder))
        patch.setattr(Site, "_layer", lambda site, number, there: number == 3 and pages(site, number, there))
        return Site(store).write().parent


def stand_ins(one, task, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for unit in range(task.first, task.last):
        for what in ("", "-best", "-sent"):
            os.link(one, folder / f"{unit}{what}.webp")


def test_pages_of_four_thousand_units_are_small(large):
    sizes = {
        name: (large / name).stat().st_size for name in ("index.html", "layers/block3_conv.html", "search-index.js")
    }
    units = [path.stat().st_size for path in (large / "units").rglob("*.html")]
    assert len(units) == 512 and max(units) < 15_000
    assert sizes["index.html"] < 60_000 and sizes["layers/block3_conv.html"] < 200_000
    assert sizes["search-index.js"] < 60_000
    assert sum((large / name).stat().st_size for name in ("microscope.css", "search.js", "sheet.js")) < 20_000


@pytest.mark.browser
def test_pages_of_four_thousand_units_ask_for_little(browser, large):
    # Chromium looks farther ahead for pictures when it knows that it is offline.
    page = show(browser, (large / "units" / "block3_conv" / "100.html").as_uri(), offline=False)
    assert len(page.asked) < 16
    page.goto((large / "layers" / "block3_conv.html").as_uri())
    page.asked.clear()
    page.reload()
    page.wait_for_load_state("networkidle")
    pictured = [url for url in page.asked if url.endswith(".webp")]
    assert 20 < len(pictured) < 400, "those far below are not asked for"
    page.fill("#search", "class 29")
    page.locator("#found a").first.wait_for()
    assert "class 29" in page.locator("#found a").first.inner_text()
    page.fill("#search", "block3 511")
    assert page.locator("#found a").first.inner_text().startswith("block3_conv 511")
    page.context.close()
