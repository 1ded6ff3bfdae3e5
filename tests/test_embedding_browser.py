"""The interactive map in a real browser, without kernel and without network: hover, filters, slider, lasso, speed."""

import nbformat
import numpy as np
import pytest
from browsing import faults, opened

from cnnlens import embedding, explore
from cnnlens.lenses import film

pytestmark = pytest.mark.browser


def made_film(count=120, frames=3, classes=("ant", "bee", "cat", "dog"), words="made up for a test"):
    """Maps with known mistakes, without a network: image i is all of one brightness that names i."""
    generator = np.random.default_rng(0)
    labels = np.arange(count) % 4
    corners = np.array([[-20, -20], [20, -20], [-20, 20], [20, 20]])
    predictions = labels.copy()
    predictions[:10] = (labels[:10] + 1) % 4
    vectors = np.zeros((count, 2), np.float32)
    representation = embedding.Representation(vectors=vectors, layer="made", width=2, variance=1.0)
    shared = {"labels": labels, "predictions": predictions, "classes": classes, "judged": True, "source": words}
    maps = []
    for turn in range(frames):
        points = (corners[(labels + turn) % 4] + generator.normal(size=(count, 2))).astype(np.float32)
        maps.append(embedding.Embedding(points=points, representation=representation, divergence=0.0, **shared))
    images = np.ones((count, 8, 8, 1), np.float32) * (np.arange(count) / count)[:, None, None, None]
    titles = tuple(f"map {i}" if words.startswith("made") else f"{words} {i}" for i in range(frames))
    return film.EmbeddingSequence(maps=tuple(maps), titles=titles, source=words), images


PLACES = """() => {
  const doc = Bokeh.documents[0], plot = doc.get_model_by_name("map"), data = doc.get_model_by_name("points").data;
  const find = view => view.model === plot ? view : (view.child_views || []).map(find).find(Boolean);
  const view = Object.values(Bokeh.index.roots ? [...Bokeh.index.roots] : Bokeh.index).map(find).find(Boolean);
  const box = view.el.getBoundingClientRect(), frame = view.frame;
  const at = (x, y) => [box.left + frame.x_scale.compute(x), box.top + frame.y_scale.compute(y)];
  return Array.from(data.x).map((x, i) => at(x, data.y[i]));
}"""
SEEN = """() => {
  const doc = Bokeh.documents[0], plot = doc.get_model_by_name("map");
  return plot.renderers.map(each => each.view.filter.booleans.filter(Boolean).length);
}"""
SET = """([name, attribute, value]) => { Bokeh.documents[0].get_model_by_name(name)[attribute] = value }"""


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    maps, images = made_film()
    path = explore.embedding(maps, images).save(tmp_path_factory.mktemp("page") / "map.html")
    page = opened(browser, path, 1100, 950)
    page.wait_for_function("window.cnnlensFrame === 0", timeout=120_000)
    yield page
    assert page.complaints == []  # no error, and nothing asked of the network
    page.context.close()


THUMB = """() => { const look = root => { for (const e of root.querySelectorAll('*')) {
  if (e.classList.contains('thumb')) return e;
  const found = e.shadowRoot && look(e.shadowRoot); if (found) return found; } return null }; return look(document) }"""


def shown_at(page, x, y):
    page.mouse.move(x + 200, y + 2)
    page.mouse.move(x, y, steps=3)
    page.wait_for_function(f"!!({THUMB})()", timeout=60_000)
    return page.evaluate(f"""() => {{
      const thumb = ({THUMB})(), style = getComputedStyle(thumb);
      return {{words: thumb.parentElement.textContent, image: style.backgroundImage, at: style.backgroundPosition}};
    }}""")


def test_hover_shows_the_image_its_class_and_the_prediction(page):
    place = page.evaluate(PLACES)
    alone = max(
        range(10), key=lambda i: min(np.hypot(*np.subtract(place[i], other)) for j, other in enumerate(place) if j != i)
    )
    found = shown_at(page, *place[alone])
    assert found["image"].startswith('url("blob:') and f"image {alone}" in found["words"]
    assert found["words"].strip().startswith(("ant", "bee", "cat", "dog")[alone % 4])
    assert "predicted " + ("ant", "bee", "cat", "dog")[(alone + 1) % 4] + " ✗" in found["words"]
    row, col = divmod(alone, 11)
    assert found["at"] == f"{-col * 96}px {-row * 96}px"


def test_who_listens_hears_what_the_slider_is(page):
    assert page.get_by_role("slider", name="1 of 3: map 0").count() == 1
    assert faults(page) == []
    handle = page.get_by_role("slider")
    handle.evaluate("handle => { handle.ariaLabel = null }")
    assert "aria-input-field-name" in " ".join(faults(page))


def test_a_telephone_is_wide_enough(browser, page):
    phone = opened(browser, page.url, 344, 890)
    phone.wait_for_function("window.cnnlensFrame === 0", timeout=60_000)
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    across, down = np.ptp(phone.evaluate(PLACES), axis=0) / np.ptp(page.evaluate(PLACES), axis=0)
    assert 0.3 < across < 0.8 and abs(across / down - 1) < 0.1, "the map is smaller and not squeezed"
    phone.context.close()


def test_filters_by_class_and_by_mistakes(page):
    assert page.evaluate(SEEN) == [110, 10]
    page.get_by_text("Only mistakes").click()
    page.wait_for_function(
        "Bokeh.documents[0].get_model_by_name('map').renderers[0].view.filter.booleans.every(each => !each)"
    )
    assert page.evaluate(SEEN) == [0, 10]
    page.get_by_text("Only mistakes").click()
    page.get_by_label("bee").click()
    page.wait_for_function(
        "Bokeh.documents[0].get_model_by_name('map').renderers[0].view.filter.booleans.filter(Boolean).length < 110"
    )
    assert page.evaluate(SEEN) == [83, 7]
    page.get_by_label("bee").click()
    page.wait_for_function(
        "Bokeh.documents[0].get_model_by_name('map').renderers[0].view.filter.booleans.filter(Boolean).length == 110"
    )


def test_the_slider_moves_the_same_points(page):
    before = np.array(page.evaluate(PLACES))
    page.evaluate(SET, ["slider", "value", 1])
    page.wait_for_function("window.cnnlensFrame === 1", timeout=60_000)
    after = np.array(page.evaluate(PLACES))
    assert np.linalg.norm(after - before, axis=1).min() > 100
    page.evaluate(SET, ["slider", "value", 0])
    page.wait_for_function("window.cnnlensFrame === 0", timeout=60_000)
    assert np.allclose(page.evaluate(PLACES), before)


def test_play_runs_to_the_end(page):
    page.get_by_text("Play").click()
    page.wait_for_function("window.cnnlensFrame === 2", timeout=60_000)
    page.get_by_text("▶ Play").wait_for(timeout=60_000)  # it has stopped by itself
    page.evaluate(SET, ["slider", "value", 0])
    page.wait_for_function("window.cnnlensFrame === 0", timeout=60_000)


def lasso(page, label):
    """Draw around all points of a class."""
    place = np.array(page.evaluate(PLACES))
    ours = place[np.arange(120) % 4 == label]
    low, high = ours.min(0) - 12, ours.max(0) + 12
    corners = [(low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1]), (low[0], low[1])]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner, steps=8)
    page.mouse.up()
    page.get_by_text("30 images:").wait_for(timeout=60_000)


def test_the_lasso_shows_the_chosen_images(page):
    lasso(page, 2)
    assert page.locator(".picked").count() == 30
    assert page.get_by_text("30 × cat").count() == 1


PLANTED = "<img src=x onerror=window.top.planted=1>"
FORMS = (PLANTED, f'">{PLANTED}', f"</script><script>window.top.planted=1</script>{PLANTED}", f"$$x$$ '>{PLANTED}")


def test_names_that_hold_markup_stay_text(browser):
    """Names of classes are names of folders: what is planted in them, in titles, notes and sources, never runs."""
    maps, images = made_film(classes=FORMS, words=FORMS[2])
    shown = explore.embedding(maps, images, notes=FORMS[:3])
    context = browser.new_context(viewport={"width": 1100, "height": 950})
    context.route("http**", lambda route: route.abort())
    page = context.new_page()
    page.set_content(shown.html, wait_until="load")
    page.wait_for_function("window.cnnlensFrame === 0", timeout=120_000)

    place = page.evaluate(PLACES)
    words = shown_at(page, *place[3])["words"].strip()
    assert words == f"{FORMS[3]}predicted {FORMS[0]} ✗image 3"
    for label in (2, 1):
        lasso(page, label)
        assert page.get_by_text(f"30 × {FORMS[label]}").count() == 1
        assert page.locator(".picked").first.get_attribute("title") == FORMS[label]
    page.evaluate(SET, ["slider", "value", 1])
    page.wait_for_function("window.cnnlensFrame === 1", timeout=60_000)
    assert page.locator(".source").inner_text() == FORMS[2]
    for said in (f"2 of 3: {FORMS[2]} 1", FORMS[1]):  # the slider's title and the note below it
        assert page.get_by_text(said).count()
    assert page.title().startswith(f"3 t-SNE maps ({FORMS[2]} 0 to")
    assert page.get_by_label(FORMS[0], exact=True).count() == 1

    outer = context.new_page()
    outer.set_content(shown._repr_mimebundle_()["text/html"])
    frame = outer.wait_for_selector("iframe", state="attached")
    frame.content_frame().wait_for_function("window.cnnlensFrame === 0", timeout=120_000)
    assert frame.get_attribute("title") == shown.alt
    for each in (page, outer):
        assert each.locator("img").count() == 0 and each.evaluate("window.planted") is None
    context.close()


def test_ten_thousand_points_are_drawn_and_moved(browser, tmp_path):
    maps, images = made_film(10_000, 2)
    page = opened(browser, explore.embedding(maps, images).save(tmp_path / "many.html"), 1100, 950)
    page.wait_for_function("window.cnnlensFrame === 0", timeout=240_000)
    page.evaluate(SET, ["slider", "value", 1])
    page.wait_for_function("window.cnnlensFrame === 1", timeout=240_000)
    assert len(page.evaluate(PLACES)) == 10_000
    page.context.close()


# --- inside a notebook --------------------------------------------------------------------------------------


def inner_frame(page):
    """The frame of the interactive map inside a page, once it is drawn."""
    handle = page.wait_for_selector("iframe[title*='t-SNE']", timeout=120_000, state="attached")
    handle.scroll_into_view_if_needed()
    frame = handle.content_frame()
    frame.wait_for_function("window.cnnlensFrame === 0", timeout=120_000)
    return frame


def filter_and_hover(frame, page):
    frame.get_by_text("Only mistakes").click()
    frame.wait_for_function(
        "Bokeh.documents[0].get_model_by_name('map').renderers[0].view.filter.booleans.every(each => !each)"
    )
    assert frame.evaluate(SEEN) == [0, 10]
    corner = page.locator("iframe[title*='t-SNE']").bounding_box()
    x, y = frame.evaluate(PLACES)[3]
    page.mouse.move(corner["x"] + x + 60, corner["y"] + y)
    page.mouse.move(corner["x"] + x, corner["y"] + y, steps=4)
    frame.wait_for_function(f"(({THUMB})() || document.body).getBoundingClientRect().width == 96", timeout=60_000)


def test_hover_and_filters_work_in_the_exported_lesson(browser, tmp_path):
    from nbconvert import HTMLExporter

    maps, images = made_film()
    output = nbformat.v4.new_output(
        "execute_result", data=explore.embedding(maps, images)._repr_mimebundle_(), execution_count=1
    )
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("explore", outputs=[output], execution_count=1)]
    )
    (tmp_path / "lesson.html").write_text(HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")
    page = opened(browser, tmp_path / "lesson.html", 1300, 1100)
    filter_and_hover(inner_frame(page), page)
    page.context.close()
