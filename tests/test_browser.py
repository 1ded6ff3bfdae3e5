"""Lesson 05 in a real JupyterLab, in a real browser: sliders move by mouse and by keyboard, and the picture follows.

Without a browser the test skips and says so; under CI (``CI=true``) that is a failure, since there it must run.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from cnnlens import files

LESSON = files.shipped("notebooks", "05_activations.ipynb")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 420  # seconds until the whole lesson has run; it needs about 20 when the machine is idle
SETTINGS = {
    "@jupyterlab/notebook-extension/tracker": {
        "windowingMode": "none"
    },  # else cells that are out of sight are not drawn
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
FINGERPRINT = """async picture => {
    const bytes = new Uint8Array(await (await fetch(picture.src)).arrayBuffer());
    return bytes.length + ':' + bytes.reduce((sum, byte) => (sum * 31 + byte) >>> 0, 7);
}"""


def missing(reason):
    """Skip for a reason, or fail for it under CI."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"under CI the browser test must run: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab on loopback, without token, that serves a copy of the lesson; yields its address."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copy(LESSON, home / LESSON.name)
    for name, settings in SETTINGS.items():
        path = home / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }
    environment = {**os.environ, **{key: str(home / folder) for key, folder in folders.items()}, "CNNLENS_OFFLINE": "1"}
    for name in ("CNNLENS_HEADLESS", "CNNLENS_DATA", "CNNLENS_REQUIRE_REAL"):
        environment.pop(name, None)
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={home}",
        "--IdentityProvider.token=",
        "--ServerApp.password=",
    ]
    address = f"http://127.0.0.1:{port}"
    with open(home / "log", "w") as log:
        server = subprocess.Popen(command, env=environment, cwd=home, stdout=log, stderr=log)
        try:
            wait_for_server(address, server, home / "log")
            yield address
        finally:
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(15)
            server.kill()


def wait_for_server(address, server, log):
    for _ in range(600):
        if server.poll() is not None:
            pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{address}/api", timeout=2)
            return
        time.sleep(0.2)
    pytest.fail(f"JupyterLab does not answer:\n{log.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def page(lab):
    """The lesson, open in Chromium with all cells run; what the console says is kept in ``page.complaints``."""
    try:
        import playwright.sync_api as playwright
    except ImportError:
        missing("playwright is not installed")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    with playwright.sync_playwright() as driver:
        if found is None and not Path(driver.chromium.executable_path).exists():
            missing(f"no browser: none of {', '.join(BROWSERS)} is on the PATH")
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(PATIENCE * 1000)
        page.complaints = []
        page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(f"{lab}/lab/tree/{LESSON.name}")
        page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]")
        run_all(page)
        yield page
        browser.close()


PROMPTS = (
    "[...document.querySelectorAll('.jp-Notebook .jp-CodeCell .jp-InputPrompt')].map(prompt => prompt.textContent)"
)
ERRORS = '[data-mime-type="application/vnd.jupyter.error"]'


def run_all(page):
    """Run all cells by the menu, again if the kernel was not ready for them; wait until all have run or one failed."""
    for _ in range(30):
        page.click(".jp-Notebook .jp-Cell >> nth=0")
        page.click(".lm-MenuBar-item:has-text('Run')")
        page.click(".lm-Menu-item:has-text('Run All Cells') >> nth=0")
        time.sleep(2)
        if page.evaluate(f"{PROMPTS}.some(text => /\\[(\\d+|\\*)\\]/.test(text))"):
            break
    finished = f"{PROMPTS}.every(text => /\\[\\d+\\]/.test(text))"
    page.wait_for_function(f"() => document.querySelector('{ERRORS}') || {finished}", polling=300)


def explorer(page, number):
    """An explorer of the lesson, scrolled into sight, once it shows a picture."""
    found = page.locator(".cnnlens-explorer").nth(number)
    found.scroll_into_view_if_needed()
    found.locator("img").wait_for()
    page.wait_for_function("picture => picture.naturalWidth > 100", arg=found.locator("img").element_handle())
    return found


def picture(found):
    return found.locator("img").evaluate(FINGERPRINT)


def until(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen in {seconds} s"
        time.sleep(0.05)


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


@pytest.mark.browser
def test_the_lesson_runs_without_an_error(page):
    errors = page.locator(ERRORS)
    assert errors.count() == 0, errors.first.inner_text()
    assert page.locator(".cnnlens-explorer").count() == 3
    assert page.locator(".jp-OutputArea-output img").count() >= 12
    assert "Error displaying widget" not in page.content()


@pytest.mark.browser
def test_the_sliders_move_by_keyboard(page):
    found = explorer(page, 1)
    for slider, key in ((UNIT, "ArrowRight"), (LAYER, "ArrowRight"), (IMAGE, "ArrowRight"), (UNIT, "ArrowLeft")):
        before = picture(found)
        press(found, slider, key)
        until(lambda before=before: picture(found) != before, f"a new picture after {key} on slider {slider}")


@pytest.mark.browser
def test_the_sliders_move_by_mouse_and_the_range_follows(page):
    found = explorer(page, 1)
    words, boxes = found.locator("[role=status]"), found.locator("input[type=number]")
    before = picture(found)
    drag(page, found, LAYER, 0.0)
    until(lambda: "of conv1" in words.inner_text(), "the first layer's numbers")
    assert picture(found) != before
    drag(page, found, UNIT, 1.0)
    until(lambda: "Unit 31 of conv1" in words.inner_text(), "the last unit's numbers")
    assert boxes.nth(1).input_value() == "31"
    drag(page, found, LAYER, 0.8)
    until(lambda: "of dense1" in words.inner_text(), "the dense layer's numbers")
    drag(page, found, UNIT, 1.0)
    until(lambda: boxes.nth(1).input_value() == "127", "the unit's range following the layer")
    before = picture(found)
    drag(page, found, LAYER, 1.0)
    until(lambda: "of dense2" in words.inner_text(), "the last layer's numbers")
    assert boxes.nth(1).input_value() == "0" and picture(found) != before, "unit 127 is not in a layer of ten"


@pytest.mark.browser
def test_names_and_numbers_can_be_typed(page):
    found = explorer(page, 1)
    found.locator("select").first.select_option("conv2")
    until(lambda: "of conv2" in found.locator("[role=status]").inner_text(), "the layer that was chosen")
    box = found.locator("input[type=number]").nth(1)
    box.fill("17")
    box.press("Enter")
    until(lambda: "Unit 17 of conv2" in found.locator("[role=status]").inner_text(), "the unit that was typed")


@pytest.mark.browser
def test_the_convolution_and_vgg16_follow_too(page):
    for number, slider in ((0, 0), (2, UNIT), (2, LAYER)):
        found = explorer(page, number)
        before = picture(found)
        press(found, slider, "ArrowRight")
        until(lambda before=before, found=found: picture(found) != before, f"a new picture in explorer {number}")
    assert page.locator(".cnnlens-explorer [role=alert]").count() == 0


def faults(page, within=None, **rules):
    """What axe-core finds that is serious or critical, in a page and in each of its frames, or within some elements."""
    from axe_playwright_python.base import AXE_SCRIPT

    found = []
    for frame in [page.main_frame] if within else page.frames:  # one by one: from the disk, they cannot ask each other
        frame.evaluate(AXE_SCRIPT)
        found += frame.evaluate(AXE, [within, rules])
    return found


AXE = """async ([within, rules]) => (await axe.run(
    within ? {include: within} : document, {iframes: false, resultTypes: ['violations'], ...rules})).violations
    .filter(found => ['serious', 'critical'].includes(found.impact))
    .flatMap(found => found.nodes.map(node => `${found.id}: ${node.target.join(' ')} ${node.html.slice(0, 200)}`))"""


@pytest.mark.browser
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


@pytest.mark.browser
def test_a_slider_without_a_name_would_be_found(page):
    found = explorer(page, 1).get_by_role("slider").first
    found.evaluate("slider => { slider.kept = slider.ariaLabel; slider.ariaLabel = null }")
    assert "label: input" in " ".join(faults(page, ".cnnlens-explorer"))
    found.evaluate("slider => { slider.ariaLabel = slider.kept }")


@pytest.mark.browser
def test_the_console_has_no_complaints(page):
    assert page.complaints == []
