"""The playground in Chromium, offline: its numbers are Keras's, drawing, units, the task, the address, axe-core."""

import collections

import keras
import numpy as np
import pytest
from browsing import elsewhere, faults, opened
from keras import layers as kl

from cnnlens import Network, datasets, playground, zoo

pytestmark = pytest.mark.browser
SAME = 1e-4
SHOWN = "playground.shown"
NINE = [[(9, 3), (7, 13), (18, 13)], [(17, 4), (16, 24)], [(9, 3), (17, 3)]]  # the last stroke closes a four


def everything():
    """A network with every kind of layer that the page runs, odd sizes, and random weights: RGB, BGR inside."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((15, 13, 3)),
            kl.Rescaling(0.01, offset=(0.1, 0.0, -0.1), name="rescaled"),
            kl.Conv2D(5, (3, 4), strides=2, padding="same", name="strided"),
            kl.BatchNormalization(name="normal"),
            kl.ReLU(name="relu"),
            kl.ZeroPadding2D(((1, 2), (0, 1)), name="padded"),
            kl.MaxPooling2D(3, strides=2, padding="same", name="largest"),
            kl.Dropout(0.5),
            kl.Conv2D(4, 2, activation="relu", use_bias=False, name="inner"),
            kl.AveragePooling2D(2, strides=1, padding="same", name="mean"),
            kl.Conv2D(6, 1, name="narrow"),
            kl.GlobalAveragePooling2D(name="all"),
            kl.Dense(4, name="scores"),
        ],
        name="everything",
    )
    generator = np.random.default_rng(0)
    model.get_layer("normal").set_weights([generator.uniform(0.5, 2, 5) for _ in range(4)])
    return Network.of(model, classes=["a", "b", "c", "d"], pixels="caffe", source="random weights")


@pytest.fixture(scope="module")
def net():
    return zoo.load("lenet")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, net):
    """The pages as files; what units look for is made in two steps, since it is not looked at here."""
    place = tmp_path_factory.mktemp("playground")
    playground.page(net, steps=2, progress=False).save(place / "lenet.html")
    images = np.random.default_rng(1).random((6, 15, 13, 3))
    playground.page(everything(), images, steps=0, progress=False).save(place / "everything.html")
    patches = datasets.load("patches")
    options = {"labels": patches.y_test[:20], "source": patches.source, "steps": 0, "progress": False}
    playground.page(zoo.load("vgg4"), patches.x_test[:20], **options).save(place / "vgg4.html")
    return place


@pytest.fixture(scope="module")
def idle():
    """Pages that are open and that no test uses, by how their context was made."""
    return collections.defaultdict(list)


@pytest.fixture
def open_page(browser, folder, idle):
    """A function that opens a page from the disk at an address; complaints and requests make the test fail."""
    pages = []

    def open_(address="", name="lenet", width=1280, **settings):
        address = f"{(folder / name).as_uri()}.html{address and '#' + address}"
        alike = idle[str(settings)]
        page = elsewhere(alike.pop(), address, width) if alike else opened(browser, address, width, **settings)
        page.wait_for_selector("body[data-ready]")
        pages.append((page, str(settings)))
        return page

    yield open_
    for page, how in pages:
        assert page.complaints == []
        idle[how].append(page)


def settled(page):
    """Wait until what was asked for last is drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def draw(page, strokes):
    """Strokes by mouse, in pixels of the network."""
    box = page.locator("#pad canvas").bounding_box()
    for stroke in strokes:
        points = [(box["x"] + x / 28 * box["width"], box["y"] + y / 28 * box["height"]) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point, steps=8)
        page.mouse.up()
    settled(page)


def clear(page):
    page.click("#clear")
    settled(page)


def seen(page):
    """The image that the network of the page is shown."""
    return np.reshape(page.evaluate("playground.seen()"), page.evaluate("playground.told.shape"))


def says(page):
    return page.inner_text("#answer .top")


def answers(page, images, scales=None):
    """What the page's own network answers to images."""
    ask = "([images, scales]) => images.map(image => playground.answer(image, scales))"
    return np.array(page.evaluate(ask, [images.reshape(len(images), -1).tolist(), scales or {}]))


def test_the_page_answers_as_keras_does_on_200_digits(open_page, net):
    images = np.asarray(datasets.load("mnist").x_test[:200])
    page = open_page()
    assert np.abs(answers(page, images) - net.predict(images, progress=False)).max() < SAME
    assert page.evaluate("Number(document.body.dataset.worst)") < SAME and "Equal to Keras" in page.inner_text("footer")


def test_every_layer_is_that_of_keras(open_page, net):
    digit = np.asarray(datasets.load("mnist").x_test[3:4])
    page = open_page()
    answers(page, digit)
    paths = [layer.path for layer in net.layers()]
    for path, values in net.read(digit, paths, linear=True, progress=False).items():
        found = page.evaluate("path => Array.from(playground.network.outputs[path])", path)
        assert np.abs(np.array(found) - values.ravel()).max() < SAME, path


def test_every_kind_of_layer(open_page):
    net, images = everything(), np.random.default_rng(2).random((20, 15, 13, 3), np.float32)
    page = open_page(name="everything")
    assert np.abs(answers(page, images) - net.predict(images, progress=False)).max() < SAME
    values = net.read(images[-1:], ["largest", "mean"], progress=False)
    for path in values:
        found = page.evaluate("path => Array.from(playground.network.outputs[path])", path)
        assert np.abs(np.array(found) - values[path].ravel()).max() < 1e-3, path  # they are larger than one


def test_with_webassembly_and_without_it_vgg4_is_that_of_keras(open_page):
    net, images = zoo.load("vgg4"), np.asarray(datasets.load("patches").x_test[20:28])
    page = open_page(name="vgg4")
    want = net.predict(images, progress=False)
    assert np.abs(answers(page, images) - want).max() < SAME
    plainly = """images => { const { told, arrays, Network } = playground;
        const net = new Network(told.shape, told.steps, arrays, true);
        return [net.kind, images.map(image => Array.from(net.run(Float32Array.from(image))))]; }"""
    kind, found = page.evaluate(plainly, images.reshape(8, -1).tolist())
    assert np.abs(np.array(found) - want).max() < SAME
    assert (kind, page.evaluate("playground.network.kind")) == ("JavaScript", "WebAssembly")


def test_a_photograph_is_drawn_on_in_color_and_hidden_by_grey(open_page):
    page = open_page(name="vgg4")
    before = seen(page)
    page.fill("#color", "#ff0080")
    draw(page, [[(4, 4), (10, 4)]])
    page.get_by_text("Hide", exact=True).click()
    draw(page, [[(14, 20), (20, 20)]])
    after = seen(page)
    row, column = 4 * 32 // 28, 7 * 32 // 28
    assert np.abs(after[row, column] - [1, 0, 128 / 255]).max() < 1e-6
    assert np.abs(after[20 * 32 // 28, 17 * 32 // 28] - 0.5).max() < 1e-6
    assert np.array_equal(after[28:], before[28:]) and np.array_equal(after[:, 28:], before[:, 28:])


def test_a_wrong_weight_is_told(open_page, folder):
    text = (folder / "lenet.html").read_text()
    (folder / "wrong.html").write_text(text.replace('"expected":[[0.', '"expected":[[0.5', 1))
    assert "Do not trust this page" in open_page(name="wrong").inner_text("footer")


def test_a_changed_unit_changes_the_answer_as_in_keras(open_page, net):
    page = open_page("digit=4&unit=conv2/7&set=conv2/7:0,dense1/3:2")
    images = np.asarray(datasets.load("mnist").x_test[:20])
    factors = {"conv2": np.ones(32, np.float32), "dense1": np.ones(128, np.float32)}
    factors["conv2"][7], factors["dense1"][3] = 0, 2
    changed = {path: lambda x, path=path: x * factors[path] for path in factors}
    want = net.class_scores(images, logits=False, changed=changed).numpy()
    assert np.abs(answers(page, images, page.evaluate(f"{SHOWN}.scales")) - want).max() < SAME
    assert np.abs(want - net.predict(images, progress=False)).max() > 100 * SAME, "else nothing was tested"
    assert "With all units as they were: 4" in page.inner_text("#answer")
    page.click("#reset")
    settled(page)
    assert page.evaluate(f"{SHOWN}.scales") == {} and "set=" not in page.url


def test_the_slider_sets_a_unit_to_zero(open_page):
    page = open_page("digit=0&unit=dense1/4")
    before = page.inner_text("#answer")
    page.locator("#strength").focus()
    page.keyboard.press("Home")
    settled(page)
    assert page.inner_text("output") == "× 0" and page.inner_text("#answer") != before
    assert page.locator("#layers .off").get_attribute("title") == "dense1/4" and "set=dense1/4:0" in page.url
    page.click("[data-part=off]")
    settled(page)
    assert page.inner_text("output") == "× 1" and page.locator("#layers .off").count() == 0


def test_what_is_drawn_is_framed_as_mnist_does(open_page):
    page = open_page()
    clear(page)
    assert says(page) == "–"
    draw(page, [[(4, 3), (5, 12)]])  # a one, small and in a corner
    image = seen(page)[..., 0]
    rows, columns = (np.flatnonzero(image.max(axis) > 0.1) for axis in (1, 0))
    assert abs(np.ptp(rows) + 1 - 20) <= 1, "the longer side is 20 px"
    centers = (np.arange(28) + 0.5) @ np.stack([image.sum(1), image.sum(0)], 1) / image.sum()
    assert np.abs(centers - 14.5).max() < 0.05, "its center of mass is MNIST's"
    assert says(page) == "1"
    page.uncheck("#framed")
    settled(page)
    corner = seen(page)[..., 0]
    assert corner[:, 8:].max() == 0 and corner[14:].max() == 0 and corner[3:12, 3:6].max() > 0.9
    assert abs(corner.sum() * (20 / 11.2) ** 2 / image.sum() - 1) < 0.1, "the same ink, before it was enlarged"


def test_a_picked_digit_is_shown_as_it_is(open_page, net):
    page = open_page("digit=7.1")
    told = page.evaluate("[playground.drawing.picked, playground.told.picks]")
    assert told[0]["label"] == "7" and told[0]["number"] in told[1]
    digits = np.asarray(datasets.load("mnist").x_test)
    assert np.abs(digits - seen(page)).reshape(len(digits), -1).max(1).min() < 1e-6
    page.get_by_role("button", name="Put a 2 on the pad").nth(2).click()
    settled(page)
    assert page.evaluate("playground.drawing.picked.label") == "2" and "#digit=2.2" in page.url


def test_the_answer_grows_with_the_stroke(open_page):
    page = open_page()
    clear(page)
    said = []
    for stroke in NINE:
        draw(page, [stroke])
        said.append(says(page))
    assert said[1:] == ["4", "9"]
    page.click("#undo")
    settled(page)
    assert says(page) == "4"


def test_the_brush_hides(open_page):
    page = open_page("digit=4")
    before = seen(page)[..., 0]
    page.get_by_text("Hide", exact=True).click()
    draw(page, [[(0, 13), (28, 13)]])
    after = seen(page)[..., 0]
    assert after[12:14].max() == 0 and before[12:14].max() > 0.5
    assert np.array_equal(after[:10], before[:10]) and np.array_equal(after[17:], before[17:])


def test_all_goes_by_keyboard(open_page):
    page = open_page("digit=1")
    page.locator("#pad").focus()
    for key in ("ArrowUp", "Shift+ArrowRight", "Space", "ArrowRight", "ArrowRight", "Space", "ArrowRight"):
        page.keyboard.press(key)
    settled(page)
    ink = seen(page)[..., 0]
    assert ink[12, 17:20].min() > 0.9 and "Row 12, column 20, brush up" in page.inner_text("#cursor-spoken")
    page.get_by_role("button", name="Put a 0 on the pad").first.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowRight", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    assert page.locator("#picks [tabindex='0']").count() == 1
    settled(page)
    assert says(page) == "3"
    page.locator('[role=option][title="conv1/0"]').focus()
    for key in ("ArrowRight", "ArrowDown", "End", "ArrowLeft"):
        page.keyboard.press(key)
    assert page.inner_text("#unit-title") == "conv1 · unit 30" and "unit=conv1/30" in page.url
    assert page.locator('.tiles[aria-label="Units of conv1"] [tabindex="0"]').count() == 1


def test_a_unit_says_where_it_looks(open_page, net):
    page = open_page("digit=4&unit=conv2/7")
    image = seen(page)[None].astype(np.float32)
    values = net.read(image, ["conv2"], progress=False)["conv2"][0, ..., 7]
    row, column = np.unravel_index(values.argmax(), values.shape)
    assert f"at row {row}, column {column} of its map" in page.inner_text("[data-part=says]")
    top, left, bottom, right = np.clip(net.layer("conv2").box(row, column), 0, 28)
    for box in ("#pad .box", "#seen-box", "[data-part=looks-over] .box"):
        sides = page.evaluate(
            f"['x', 'y', 'width', 'height'].map(n => +document.querySelector('{box}').getAttribute(n))"
        )
        assert sides == [left, top, right - left, bottom - top], box
    clear(page)
    draw(page, [[(4, 3), (5, 12)]])  # framed: the box on the pad is the box on the network's image, brought back
    pad, own = (
        page.evaluate(f"+document.querySelector('{box}').getAttribute('width')") for box in ("#pad .box", "#seen-box")
    )
    assert pad < own


def test_a_unit_shows_its_kernel_and_its_best_digits(open_page, net):
    page = open_page("digit=4&unit=conv1/3")
    kernel = net.model.get_layer("conv1").get_weights()[0][:, :, 0, 3]
    numbers = [float(text.replace("−", "-")) for text in page.locator("[data-part=numbers] span").all_inner_texts()]
    assert np.abs(np.array(numbers) - kernel.ravel()).max() <= 0.005001
    best = page.locator("[data-part=best] button")
    label = best.first.get_attribute("title")
    best.first.click()
    settled(page)
    assert best.count() == 6 and page.evaluate("playground.drawing.picked.label") == label
    page.locator('[role=option][title="pool1/5"]').click()
    assert "in each 2 × 2 of" in page.inner_text(".kernel")
    page.click("[data-part=source-unit]")
    assert page.inner_text("#unit-title") == "conv1 · unit 5"


def test_the_task_is_done_when_little_is_changed(open_page):
    page = open_page("task=4-9")
    status = page.locator("[data-part=status]")
    assert "Now change it" in status.inner_text() and page.evaluate("playground.drawing.picked.label") == "4"
    clear(page)
    assert "Pick a 4, or draw one" in status.inner_text()
    draw(page, NINE[:2])
    assert "Now change it" in status.inner_text() and page.locator("#challenge.done").count() == 0
    draw(page, NINE[2:])
    assert "Done!" in status.inner_text() and page.locator("#challenge.done").count() == 1
    page.get_by_role("button", name="Put a 9 on the pad").first.click()
    settled(page)
    assert "Pick a 4" in status.inner_text(), "a picked nine is no four that was changed"
    clear(page)
    draw(page, [NINE[0], NINE[2], NINE[1]])  # a nine from the beginning
    assert "Done!" not in status.inner_text()


def test_the_task_wants_little_changed(open_page):
    page = open_page("task=1-7")
    clear(page)
    draw(page, [[(14, 4), (14, 22)]])
    page.uncheck("#framed")
    draw(page, [[(2, 3), (14, 4)], [(2, 4), (14, 5)], [(2, 5), (13, 5)]])
    assert "of the ink is changed" in page.inner_text("[data-part=status]")
    assert page.locator("#challenge.done").count() == 0


def test_any_pair_is_a_task_and_the_address_holds_it(open_page):
    page = open_page()
    page.get_by_label("What a person still reads").select_option("3")
    page.get_by_label("What the network must say").select_option("8")
    page.get_by_role("button", name="Begin").click()
    settled(page)
    assert "task=3-8" in page.url and says(page) == "3" and "8 has" in page.inner_text("[data-part=status]")


def test_it_opens_where_its_address_says_also_when_that_changes(open_page):
    page = open_page("digit=4&unit=conv2/7&theme=dark")
    assert says(page) == "4" and page.inner_text("#unit-title") == "conv2 · unit 7"
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.evaluate("location.hash = 'digit=0&unit=dense1/100'")
    page.wait_for_function("document.querySelector('#unit-title').textContent === 'dense1 · unit 100'")
    settled(page)
    assert says(page) == "0"
    nowhere = open_page("digit=x&unit=conv9/7&set=conv1/99:0,conv1/2:nonsense&task=4-4")
    assert nowhere.evaluate(f"{SHOWN}.scales") == {}


def test_drawing_by_touch_and_a_unit_that_comes_up_on_a_phone(open_page):
    page = open_page(width=360, has_touch=True, is_mobile=True)
    assert not page.locator("#unit").is_visible()
    clear(page)
    touch = """([x0, y0, x1, y1]) => {
        const pad = document.querySelector('#pad'), { left, top, width } = pad.getBoundingClientRect();
        const send = (type, x, y) => pad.dispatchEvent(new PointerEvent(type, { pointerId: 1, pointerType: 'touch',
            clientX: left + x / 28 * width, clientY: top + y / 28 * width, bubbles: true, isPrimary: true }));
        pad.setPointerCapture = () => {};
        send('pointerdown', x0, y0);
        for (let i = 1; i <= 8; i++) send('pointermove', x0 + (x1 - x0) * i / 8, y0 + (y1 - y0) * i / 8);
        send('pointerup', x1, y1);
    }"""
    page.evaluate(touch, [14, 4, 13, 24])
    settled(page)
    assert says(page) == "1" and page.evaluate("getComputedStyle(document.querySelector('#pad')).touchAction") == "none"
    tile = page.locator('[role=option][title="conv2/9"]')
    tile.tap()
    assert page.locator("#unit").is_visible() and page.inner_text("#unit-title") == "conv2 · unit 9"
    page.wait_for_timeout(300)
    assert tile.bounding_box()["y"] + tile.bounding_box()["height"] <= page.locator("#unit").bounding_box()["y"] + 1
    page.locator("[data-part=close]").tap()
    assert not page.locator("#unit").is_visible()


@pytest.mark.parametrize("width", [360, 768, 1280, 1920])
def test_nothing_is_cut_off_and_nothing_jumps(open_page, width):
    page = open_page(width=width)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tops = (
        "[...document.querySelectorAll('section.card, .layer, #pad, #picks')].map(e => e.getBoundingClientRect().top)"
    )
    before = page.evaluate(tops)
    draw(page, NINE[:1])
    page.evaluate("playground.shown.scales = { conv1: { 0: 0 } }; playground.update()")
    assert np.abs(np.array(page.evaluate(tops)) - before).max() < 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_serious_for_who_sees_or_points_little(open_page, scheme, width):
    page = open_page("digit=4&unit=conv1/6&set=conv1/6:0&task=4-9", width=width, color_scheme=scheme)
    assert faults(page) == []
    page.evaluate(
        "document.querySelector('.how').style.color = 'grey'; document.querySelector('#undo').textContent = ''"
    )
    found = " ".join(faults(page, runOnly=["button-name", "color-contrast"]))
    assert "button-name" in found and "color-contrast" in found, "planted faults are found"


def test_words_of_classes_are_only_words(browser, tmp_path):
    model = keras.Sequential([keras.Input((8, 8, 1)), kl.Flatten(), kl.Dense(2, activation="softmax", name="end")])
    net = Network.of(model, classes=["<img src=x onerror=alert(1)>", "</script>"], source="<i>made up</i>")
    path = tmp_path / "words.html"
    playground.page(net, np.random.default_rng(0).random((4, 8, 8, 1)), [0, 1, 0, 1], steps=0, progress=False).save(
        path
    )
    page = browser.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-ready]")
    sides = "[...document.querySelectorAll('[data-part=weights]')].map(canvas => [canvas.width, canvas.height])"
    assert page.evaluate(sides) == [[8, 8]], "the weights of a neuron on the image are an image"
    assert page.locator("img").count() == 0 and "<i>made up</i>" in page.inner_text("footer")
    assert "onerror" in page.inner_text("#answer")
    page.close()
