"""Lesson 05 in a real JupyterLab, in a real browser: sliders move by mouse and by keyboard, and the picture follows."""

import shutil

import pytest
from browsing import faults, pictures, run_cells, until

from cnnlens import files

pytestmark = pytest.mark.browser
LESSON = files.shipped("notebooks", "05_activations.ipynb")


@pytest.fixture(scope="module")
def page(browser, jupyter):
    """A copy of the lesson, open in JupyterLab with all cells run."""
    shutil.copy(LESSON, jupyter.folder / LESSON.name)
    page = jupyter.run(browser, LESSON.name)
    yield page
    page.context.close()


def explorer(page, number):
    """An explorer of the lesson, scrolled into sight, once it shows a picture."""
    found = page.locator(".cnnlens-explorer").nth(number)
    found.scroll_into_view_if_needed()
    found.locator("img").first.wait_for()
    page.wait_for_function("picture => picture.naturalWidth > 100", arg=found.locator("img").first.element_handle())
    return found


def handle(found, number):
    return found.get_by_role("slider").nth(number)


def drag(page, found, number, share):
    """Drag a slider's handle with the mouse to a share of its length."""
    handle(found, number).scroll_into_view_if_needed()
    bar = handle(found, number).bounding_box()
    now = handle(found, number).evaluate("bar => (bar.value - bar.min) / (bar.max - bar.min)")
    knob = 16  # px; its middle stays within the bar
    places = [bar["x"] + knob / 2 + (bar["width"] - knob) * place for place in (now, share)]
    page.mouse.move(places[0], bar["y"] + bar["height"] / 2)
    page.mouse.down()
    page.mouse.move(places[1], bar["y"] + bar["height"] / 2, steps=6)
    page.mouse.up()


def press(found, number, key):
    handle(found, number).focus()
    handle(found, number).press(key)


IMAGE, LAYER, UNIT = 0, 1, 2  # the order of the sliders in the explorer of activations


def test_the_lesson_is_drawn(page):
    assert page.locator(".cnnlens-explorer").count() == 3
    assert page.locator(".jp-OutputArea-output img").count() >= 12
    assert "Error displaying widget" not in page.content()


def test_the_sliders_move_by_keyboard(page):
    found = explorer(page, 1)
    for slider, key in ((UNIT, "ArrowRight"), (LAYER, "ArrowRight"), (IMAGE, "ArrowRight"), (UNIT, "ArrowLeft")):
        before = pictures(found)
        press(found, slider, key)
        until(lambda before=before: pictures(found) != before, f"a new picture after {key} on slider {slider}")


def test_the_sliders_move_by_mouse_and_the_range_follows(page):
    found = explorer(page, 1)
    words, boxes = found.locator("[role=status]"), found.locator("input[type=number]")
    before = pictures(found)
    drag(page, found, LAYER, 0.0)
    until(lambda: "of conv1" in words.inner_text(), "the first layer's numbers")
    assert pictures(found) != before
    drag(page, found, UNIT, 1.0)
    until(lambda: "Unit 31 of conv1" in words.inner_text(), "the last unit's numbers")
    assert boxes.nth(1).input_value() == "31"
    drag(page, found, LAYER, 0.8)
    until(lambda: "of dense1" in words.inner_text(), "the dense layer's numbers")
    drag(page, found, UNIT, 1.0)
    until(lambda: boxes.nth(1).input_value() == "127", "the unit's range following the layer")
    before = pictures(found)
    drag(page, found, LAYER, 1.0)
    until(lambda: "of dense2" in words.inner_text(), "the last layer's numbers")
    assert boxes.nth(1).input_value() == "0" and pictures(found) != before, "unit 127 is not in a layer of ten"


def test_names_and_numbers_can_be_typed(page):
    found = explorer(page, 1)
    found.locator("select").first.select_option("conv2")
    until(lambda: "of conv2" in found.locator("[role=status]").inner_text(), "the layer that was chosen")
    box = found.locator("input[type=number]").nth(1)
    box.fill("17")
    box.press("Enter")
    until(lambda: "Unit 17 of conv2" in found.locator("[role=status]").inner_text(), "the unit that was typed")


def test_the_convolution_and_vgg16_follow_too(page):
    for number, slider in ((0, 0), (2, UNIT), (2, LAYER)):
        found = explorer(page, number)
        before = pictures(found)
        press(found, slider, "ArrowRight")
        until(lambda before=before, found=found: pictures(found) != before, f"a new picture in explorer {number}")
    assert page.locator(".cnnlens-explorer [role=alert]").count() == 0


def test_sliders_and_boxes_have_names_that_a_screen_reader_says(page):
    found = explorer(page, 1)
    for name in ("image", "layer", "unit", "sheet", "max"):
        assert found.get_by_role("slider", name=name, exact=True).count() == 1
        assert found.get_by_role("spinbutton" if name in ("image", "unit") else "combobox", name=name).count() == 1
    found.locator("select").first.select_option("conv2")
    layer = found.get_by_role("slider", name="layer")
    until(lambda: layer.get_attribute("aria-valuetext") == "conv2", "the layer's name for who listens")
    # JupyterLab gives no picture of a cell its alternative text (.jp-RenderedImage): only the book can
    found = faults(page, ".jp-OutputArea-output")
    assert [each for each in found if not each.startswith("image-alt") or "jp-RenderedImage" not in each] == []


def test_a_slider_without_a_name_would_be_found(page):
    found = explorer(page, 1).get_by_role("slider").first
    found.evaluate("slider => { slider.kept = slider.ariaLabel; slider.ariaLabel = null }")
    assert "label: input" in " ".join(faults(page, ".cnnlens-explorer"))
    found.evaluate("slider => { slider.ariaLabel = slider.kept }")


def test_a_cell_that_raises_is_found(page, jupyter):
    jupyter.write("raises.ipynb", "1 / 0")
    page.evaluate("async path => { await jupyterapp.commands.execute('docmanager:open', {path}) }", "raises.ipynb")
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        run_cells(page)


def test_the_console_has_no_complaints(page):
    assert page.complaints == []
