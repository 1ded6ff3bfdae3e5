"""The book: what becomes of a lesson; and in Chromium with no network: no request, no complaint, search, axe-core."""

import base64
import json
import os
import re
import shutil
from concurrent.futures import ProcessPoolExecutor
from html import escape
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from browsing import elsewhere, faults, opened
from test_twin import PLENTY, layered

from cnnlens import zoo
from cnnlens.course import book, hygiene, record, runner
from cnnlens.course.book import ahead, around, chapters, extension
from cnnlens.course.book import microscope as book_microscope
from cnnlens.errors import CnnlensError
from cnnlens.explore import twin
from cnnlens.figures import base
from cnnlens.microscope import microscope

PLANTED = "99_planted"
WORDS = "Unit 3 of conv2: <peak> 1.34_5"
SENTENCE = "a sentence that is printed on one line and goes on for longer than any page is wide, word by word, " * 3
WIDGETS = {chapters.WIDGET: {"model_id": "1"}}


def picture():
    fig = base.canvas(2, 1)
    fig.text(0.1, 0.5, "x")
    return base64.b64encode(base.png(fig)).decode()


def executed():
    """A lesson with each kind of output, as papermill leaves it at another profile."""
    cell, shown = nbformat.v4.new_code_cell, nbformat.v4.new_output
    image = {"image/png": picture(), "text/plain": WORDS}
    html = [
        f'<img alt="Animation &lt;of&gt; a map" src="data:image/gif;base64,{picture()}">',
        f'<iframe title="A map" srcdoc="{escape(INSIDE)}" style="width:100%"></iframe>',
    ]
    cells = [
        nbformat.v4.new_markdown_cell(
            f"# A planted lesson\n\nEach *unit* has a receptive field. A unit, $x^2$.\n\n{FOLDED}"
        ),
        nbformat.v4.new_markdown_cell(
            "All of them: `cnnlens microscope lenet --images mnist`, and `cnnlens microscope vgg16`."
        ),
        cell('profile = "quick"  # or "full"\nseed = 0', metadata={"tags": ["parameters"]}),
        cell('# Parameters\nprofile = "full"\n', metadata={"tags": [chapters.INJECTED]}),
        cell("explore", outputs=[shown("display_data", data=WIDGETS | image)]),
        cell("show", outputs=[shown("display_data", data=image, metadata={"image/png": {"alt": "An [x] alone"}})]),
        cell("bar", outputs=[shown("stream", name="stderr", text="1 s left"), shown("display_data", data=WIDGETS)]),
        cell("print", outputs=[shown("stream", name="stdout", text=SENTENCE)]),
        *(cell("twin", outputs=[shown("display_data", data=WIDGETS | image | twin_of(**v))]) for v in TWINS),
        *(cell("page", outputs=[shown("display_data", data={"text/html": text})]) for text in html),
    ]
    return nbformat.v4.new_notebook(cells=cells, metadata={**hygiene.KERNEL, "widgets": {"x": {}}})


INSIDE = '<!DOCTYPE html><html lang="en"><title>A map</title><body><main><h1>A map</h1></main></body></html>'
TWINS = {"image": 2}, {"layer": "second", "unit": 30}


def twin_of(**values):
    return {"text/html": twin.page(layered()[0].set(**values), PLENTY)}


FOLDED = "<details><summary>Solution</summary>\n\n```python\nanswer = 42\n```\n\n</details>"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A book of two lessons, one of which failed, and one room of the library; and what Sphinx complained of."""
    course = tmp_path_factory.mktemp("course")
    shutil.copy(runner.lessons()["05_activations"], course)
    nbformat.write(executed(), course / f"{PLANTED}.ipynb")
    for name, problems in (("05_activations", ()), (PLANTED, ("cell 3 raised <Error>: a|b*c*",))):
        record.keep(runner.Outcome(name, problems, 12.0, 2**30, course / f"{name}.ipynb"), course, "quick")
    looked_at = tmp_path_factory.mktemp("looked-at")
    net = zoo.load("lenet", weights="random")
    microscope(net, np.zeros((2, 28, 28, 1)), looked_at, layers="conv1", units=1, steps=1, progress=False)
    options = {"library": ["network"], "playground": {"lenet": {"steps": 0, "progress": False}}, "progress": False}
    options["microscopes"] = [looked_at]
    index, warnings = book.make(course, tmp_path_factory.mktemp("book") / "site", **options)
    return index.parent, warnings


def test_a_chapter_shows_what_a_page_can_show(tmp_path):
    chapter = chapters.chapter(executed(), PLANTED, tmp_path / "lessons", tmp_path / "extra")
    code = [cell.source for cell in chapter.cells if cell.cell_type == "code"]
    assert code[0] == 'profile = "full"  # or "full"\nseed = 0'
    assert not [cell for cell in chapter.cells if chapters.INJECTED in chapters.tags(cell)]
    assert chapters.WIDGET not in json.dumps(chapter) and "widgets" not in chapter.metadata
    assert "left" not in json.dumps([cell.get("outputs") for cell in chapter.cells])
    said = [
        output.data["text/markdown"]
        for cell in chapter.cells
        for output in cell.get("outputs", ())
        if "data" in output and "text/markdown" in output.data
    ]
    kept = [
        output.data.get("text/html", "")
        for cell in chapter.cells
        for output in cell.get("outputs", ())
        if "data" in output
    ]
    assert sum("cnnlens-twin" in each for each in kept) == len(TWINS)
    assert "In JupyterLab" in said[0] and said[1].startswith(r"![An \[x\] alone](pictures/") and "Animation" in said[2]
    assert len(list((tmp_path / "lessons" / "pictures").iterdir())) == 3
    assert [path.read_text() for path in (tmp_path / "extra" / "frames").iterdir()] == [INSIDE]


def test_sphinx_does_not_complain(site):
    assert site[1] == []


def test_every_picture_has_a_text_and_nothing_is_asked_of_a_server(site):
    folder, _ = site
    page = (folder / "lessons" / f"{PLANTED}.html").read_text()
    alts = re.findall(r'<img alt="([^"]*)"', page)
    twins = ["image 2 &lt;first&gt; unit 0", "image 0 &lt;second&gt; unit 30"]
    assert alts[1:] == ["An [x] alone", *twins, "Animation &lt;of&gt; a map"] and "Unit 3 of conv2" in alts[0]
    assert "<math" in page and page.count("glossary.html#term-unit") == 1, "a term is linked where it is met first"
    assert (folder / "lessons" / re.search(r'<iframe[^>]*src="([^"]+)"', page)[1]).read_text() == INSIDE
    for path in folder.rglob("*.html"):
        loads = re.findall(r'(?:<script|<img|<iframe|<source)[^>]*src="([^"]*)"', path.read_text())
        loads += re.findall(r'<link[^>]*rel="(?:stylesheet|preload|icon)"[^>]*href="([^"]*)"', path.read_text())
        assert not [address for address in loads if re.match(r"(https?:)?//", address)], path


def test_the_record_the_scorecard_and_the_library_are_pages(site):
    folder, _ = site
    run = (folder / "run.html").read_text()
    assert "1 of 2 lessons" in run and "cell 3 raised &lt;Error&gt;: a|b*c*" in run
    assert "This run of the lesson failed" in (folder / "lessons" / f"{PLANTED}.html").read_text()
    assert (folder / "scorecard.html").read_text().count("<svg viewBox") > 20
    library = (folder / "library" / "network.html").read_text()
    assert 'id="cnnlens.network.Network.of"' in library and "_modules/cnnlens/network.html#Network.of" in library


def test_the_playground_is_in_the_contents(site):
    folder, _ = site
    index, page = ((folder / name).read_text() for name in ("index.html", "playground.html"))
    assert index.count('href="playground.html"') >= 2, "in the contents and in the text"
    (frame,) = re.findall(r'<iframe[^>]*src="([^"]*)"', page)
    addresses = re.findall(r'href="(playground/[^"#]+)#[^"]+"', page)
    assert len(addresses) >= 5 and set(addresses) == {frame} and (folder / frame).stat().st_size > 500_000


def test_a_lesson_links_to_the_microscopes_site_of_the_network_that_it_names(site):
    folder, _ = site
    page = (folder / "lessons" / f"{PLANTED}.html").read_text()
    links = re.findall(r'<a href="([^"]*microscope/[^"]*)">([^<]*)</a>', page)
    assert links == [("../microscope/lenet/index.html", "every unit of lenet, on pages to browse")], "and to no other"
    assert "vgg16</span>" in page, "the command is told all the same"
    assert (folder / "lessons" / links[0][0]).resolve().is_file()
    assert (folder / "microscope" / "lenet" / "units" / "conv1" / "0.html").is_file()
    assert (folder / "index.html").read_text().count('href="microscope.html"') >= 2, "in the contents and in the text"
    assert 'href="microscope/lenet/index.html"' in (folder / "microscope.html").read_text()


def test_folders_without_a_microscopes_site_are_named(tmp_path):
    net = zoo.load("lenet", weights="random")
    how = {"layers": "conv1", "units": 1, "steps": 1, "progress": False}
    for name in ("one", "two"):
        microscope(net, np.zeros((2, 28, 28, 1)), tmp_path / name, site=name == "two", **how)
    with pytest.raises(CnnlensError, match="one holds no site yet. Write it: cnnlens microscope --site --out "):
        book_microscope.sites([tmp_path / "one"])
    with pytest.raises(CnnlensError, match="are both of lenet. Give one of the two."):
        book_microscope.sites([tmp_path / "two", tmp_path / "two"])
    with pytest.raises(CnnlensError, match="There is no store"):
        book_microscope.sites([tmp_path / "none"])


def test_terms_of_the_glossary():
    found = extension.terms(ahead.SOURCE / "glossary.md")
    assert found["receptive fields"] == found["receptive field"] == "receptive field" and len(set(found.values())) > 40


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path, site):
    (tmp_path / "thesis.txt").write_text("mine")
    record.keep(runner.Outcome("a", (), 1.0, 1.0, tmp_path / "a.ipynb"), tmp_path, "quick")
    with pytest.raises(CnnlensError, match="is not a book. Give --book another folder"):
        book.make(tmp_path, tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_process_that_dies_is_told(tmp_path):
    with ProcessPoolExecutor(1, runner.processes(), os._exit, (9,)) as pool:
        with pytest.raises(CnnlensError, match="made a part of the book died; most often memory ran out"):
            ahead.Parts(tmp_path, pool, False, {}).wait()


# --- in a browser -----------------------------------------------------------------------------------------------------

COLORS = {"runOnly": ["color-contrast", "link-in-text-block"]}  # all else is the same in the dark


@pytest.fixture(scope="module")
def open_page(site, browser):
    """A function that opens a page from the disk with every request to elsewhere noted and refused."""

    def open_(name, width=1280, touch=False, scripts=True):
        how = {"has_touch": touch, "java_script_enabled": scripts}
        return opened(browser, site[0] / name, width, **how)

    return open_


def names(site):
    return sorted(
        path.relative_to(site[0]).as_posix()
        for path in site[0].rglob("*.html")
        if path.parent.name != "frames"
        and not path.is_relative_to(site[0] / "microscope")  # which has tests of its own
    )


@pytest.mark.browser
def test_no_page_asks_for_anything_complains_is_cut_off_or_hard_to_read(site, open_page):
    """One visit for both widths and both color schemes: the pages take their colors from style sheets alone."""
    page = open_page("index.html")
    for name in names(site):
        page.emulate_media(color_scheme="light")
        elsewhere(page, (site[0] / name).as_uri())
        page.wait_for_load_state("networkidle")
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} at {width} px"
            wide = "e => e.scrollWidth > e.clientWidth + 1 || e.getBoundingClientRect().right > innerWidth"
            found = page.evaluate(f"[...document.querySelectorAll('pre, img, table')].filter({wide}).length")
            assert found == 0, f"{name} at {width} px"
        assert page.complaints == [], name
        assert faults(page) == [], name  # after the complaints: axe-core itself asks for style sheets, and is refused
        page.emulate_media(color_scheme="dark")
        if len(page.frames) > 1:  # such as a playground, which takes its colors when it is opened
            page.reload()
        assert faults(page, **COLORS) == [], f"{name} in the dark"
    page.context.close()


@pytest.mark.browser
def test_a_request_would_be_noticed(open_page):
    page = open_page("index.html")
    page.evaluate("() => { document.body.append(Object.assign(new Image(), {src: 'http://example.com/a.png'})) }")
    page.wait_for_timeout(300)
    assert "http://example.com/a.png" in page.complaints


@pytest.mark.browser
def test_search_finds_what_a_lesson_says(open_page):
    page = open_page("index.html")
    page.fill("input[name=q]", "receptive field")
    page.press("input[name=q]", "Enter")
    page.wait_for_selector("#search-results li a")
    titles = page.locator("#search-results li a").all_inner_texts()
    assert any("Activations" in title for title in titles) and "Glossary" in titles
    assert page.complaints == []


@pytest.mark.browser
def test_planted_pale_text_and_a_picture_without_words_are_found(open_page):
    page = open_page("index.html")
    page.evaluate("document.querySelector('main p, article p').style.color = '#333'")
    page.evaluate("document.querySelector('article p').append(Object.assign(new Image(), {src: 'x.png'}))")
    assert "color-contrast" not in " ".join(faults(page)), "dark on white is read well"
    page.emulate_media(color_scheme="dark")
    found = " ".join(faults(page))
    assert "color-contrast: p" in found and "image-alt" in found


@pytest.mark.browser
def test_solutions_are_folded_and_open_by_keyboard(open_page):
    page = open_page(f"lessons/{PLANTED}.html")
    solution = page.locator("details:has-text('Solution')")
    assert not solution.locator("pre").is_visible()
    solution.locator("summary").press("Enter")
    assert solution.locator("pre").is_visible()


# --- explorers without a kernel --------------------------------------------------------------------------------------

CORNERS = """stage => {  // what a picture that tells its values says of image and unit; see test_twin.painted
    const canvas = stage.querySelector('canvas'), pen = canvas && canvas.getContext('2d');
    return pen && [pen.getImageData(15, 15, 1, 1).data[0] / 20, pen.getImageData(135, 75, 1, 1).data[0] / 6];
}"""


def twins(page):
    return [page.locator(".cnnlens-twin").nth(number) for number in range(len(TWINS))]


def shows(page, found, image, unit):
    """Wait until the picture, its text and the words are those of an image and a unit."""
    stage = found.locator(".stage").element_handle()
    page.wait_for_function(f"stage => String(({CORNERS})(stage)) === '{image},{unit}'", arg=stage)
    words = found.locator(".words").inner_text()
    assert f"image {image} " in words and f"unit {unit}" in words
    assert found.get_by_role("img").get_attribute("aria-label") == words.strip()


@pytest.mark.browser
def test_sliders_move_by_keyboard_without_a_kernel(open_page):
    page = open_page(f"lessons/{PLANTED}.html")
    first, second = twins(page)
    tall = page.evaluate("document.documentElement.scrollHeight")
    second.get_by_role("slider", name="unit").press("ArrowRight")
    shows(page, second, 0, 31)
    second.get_by_role("slider", name="image").press("End")
    shows(page, second, 4, 30)  # another unit with another image was not rendered: the nearest is, and words say so
    assert "Not rendered ahead: image 4 with unit 31; shown with unit 30" in second.inner_text()
    assert second.get_by_role("slider", name="layer").get_attribute("aria-valuetext") == "second"
    second.get_by_role("combobox", name="unit").select_option("39")
    shows(page, second, 4, 39)
    assert first.locator("canvas").count() == 0, "the other explorer of the page stays as it was"
    first.get_by_role("slider", name="layer").press("End")
    assert first.get_by_role("slider", name="unit").is_disabled(), "the last layer has one unit"
    first.get_by_role("checkbox", name="marked").press("Space")
    assert page.evaluate("document.documentElement.scrollHeight") == tall, "nothing jumps"
    assert page.complaints == []


@pytest.mark.browser
def test_sliders_move_by_touch(open_page):
    page = open_page(f"lessons/{PLANTED}.html", width=360, touch=True)
    slider = twins(page)[0].get_by_role("slider", name="image")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] - 4, box["y"] + box["height"] / 2)
    shows(page, twins(page)[0], 4, 0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth") and page.complaints == []


@pytest.mark.browser
def test_without_scripts_there_are_picture_and_words_and_no_dead_slider(open_page):
    page = open_page(f"lessons/{PLANTED}.html", scripts=False)
    found = page.locator(".cnnlens-twin").first
    assert (
        found.locator("img").get_attribute("alt") in found.inner_text()
        and page.locator("input[type=range]").count() == 0
    )


def test_no_page_is_large(site):
    assert max(path.stat().st_size for path in site[0].rglob("*.html")) < 12 * 2**20


def test_names_are_found_as_users_write_them():
    held = {"cnnlens.lenses.neurons.maximization.maximize": ("library/lenses", "place", "function", False)}
    domain = SimpleNamespace(objects=dict(held))
    extension.names_as_users_write_them(None, SimpleNamespace(get_domain=lambda name: domain))
    assert set(domain.objects) - set(held) == {"cnnlens.neurons.maximize"}
    assert domain.objects["cnnlens.neurons.maximize"][:2] == ("library/lenses", "place")
    assert "cnnlens.explore._lime" in around.modules("explore"), "explore.lime is handed out, and stands there"
