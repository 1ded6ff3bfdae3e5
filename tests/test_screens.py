"""Every explorer on a small and on a wide screen, in JupyterLab, light and dark, and in Notebook 7.

Nothing is cut off, covered, too small or too pale to read, and the picture follows its slider. The screenshots are in
``build/screens``: look at them after a change of how explorers look.
"""

from pathlib import Path

import pytest
from browsing import faults, pictures, until
from test_embedding_browser import filter_and_hover, inner_frame, made_film

from cnnlens import explore

pytestmark = pytest.mark.browser
SCREENS = Path(__file__).resolve().parents[1] / "build" / "screens"
BEGIN = """
import threading
from pathlib import Path

from cnnlens import datasets, explore, ledger, zoo
from cnnlens.errors import CnnlensError
from cnnlens.explore.base import Explorer
from cnnlens.explore.controls import Number
from cnnlens.figures.interactive import Page

lenet, digits = zoo.load("lenet"), datasets.load("mnist")
net, photos = zoo.load("squeezenet"), datasets.photos()[:2]
folder = Path("run", "snapshots")
folder.mkdir(parents=True)
for epoch, weights in enumerate(("random", "auto")):
    zoo.load("lenet", weights=weights).model.save_weights(folder / f"epoch_{epoch:03}.weights.h5")

def fail(values, found):
    raise CnnlensError("There is no such thing: expected another one.")

def never(values, step):
    step(1, 4, "looking through the real images")
    threading.Event().wait()
"""
# With the slider that is moved: one that asks the network nothing.
EXPLORERS = {
    "convolution": ("explore.convolution(photos[0].image, source=photos.source)", "filters"),
    "activations": ("explore.activations(net, photos, layer='conv10', unit=281)", "unit"),
    "dense": ("explore.activations(net, photos, layer='softmax', unit=281)", "unit"),
    "neurons": ("explore.neurons(net, photos, layer='fire4_expand3x3', steps=6)", "moment"),
    "lime": ("explore.lime(net, photos, samples=64)", "show"),
    "attribution": ("explore.attribution(net, photos, ['integrated_gradients', 'gradcam'])", "opacity"),
    "epochs": ("explore.epochs(lenet, digits, 'run')", "epoch"),
    "scorecard": ("explore.scorecard(ledger.read())", None),  # of which the test presses buttons
    "failed": ("Explorer([Number('image')], fail, source='nowhere')", None),
    "busy": ("Explorer([Number('image')], fail, compute=never, source='nowhere')", None),
}
PAGES = [
    "Page(open('map.html', encoding='utf-8').read(), 't-SNE maps')",
    "explore.playground(lenet, at='digit=4&unit=conv1/6&task=4-9', steps=0)",
]
NO_LETTERS = {"attribution": 0.6}  # how much smaller than it was drawn a picture may be shown
DRAWN = """count => [...document.querySelectorAll('.cnnlens-picture')]
    .filter(each => each.querySelector('img')?.naturalWidth).length >= count"""

# What is wrong with how an element looks. Letters count by the boxes of their lines, whatever they stand in.
FLAWS = """(root, least) => {
    const found = [], box = e => e.getBoundingClientRect(), styled = e => getComputedStyle(e);
    const seen = e => e.checkVisibility({opacityProperty: true, visibilityProperty: true});
    const pieces = [];
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let text; (text = walker.nextNode());) {
        const words = text.data.trim(), holder = text.parentElement, range = document.createRange();
        if (!words || !seen(holder) || holder.closest('option, style')) continue;
        range.selectNodeContents(text);
        for (const rect of range.getClientRects()) pieces.push([`"${words.slice(0, 40)}"`, holder, rect]);
    }
    const boxes = 'input, select, button, img';
    for (const e of root.querySelectorAll(`${boxes}, .progress`))
        if (seen(e)) pieces.push([`${e.localName} ${e.ariaLabel || e.title || e.className}`, e, box(e)]);

    const cut = (e, rect) => {
        if (rect.left < -1 || rect.right > innerWidth + 1) return true;
        for (let around = e; around; around = around.parentElement) {
            if (styled(around).overflowX === 'visible' || (around === e && e.matches(boxes))) continue;
            const left = box(around).left + around.clientLeft, top = box(around).top + around.clientTop;
            if (rect.left < left - 1 || rect.right > left + around.clientWidth + 1) return true;
            if (!root.contains(around)) continue;  // a notebook scrolls up and down
            if (rect.top < top - 1 || rect.bottom > top + around.clientHeight + 1) return true;
        }
    };
    const spoken = e => e && e !== root && (e.matches('label') && e.clientWidth < 2 || spoken(e.parentElement));
    const shown = pieces.filter(([, e]) => !spoken(e));  // a label without width is for who listens
    for (const [name, e, rect] of shown) if (cut(e, rect)) found.push(`cut off: ${name}`);
    shown.forEach(([name, e, a], i) => shown.slice(i + 1).forEach(([other, f, b]) => {
        const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (across > 2 && down > 2 && !e.contains(f) && !f.contains(e)) found.push(`covered: ${name} by ${other}`);
    }));

    const pen = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    for (const e of root.querySelectorAll('select, input[type=number]')) {
        shown.push([e.value, e]);
        const words = e.selectedOptions?.[0]?.text ?? e.value, arrow = e.matches('select') ? 20 : 0;
        pen.font = styled(e).font;
        const room = e.clientWidth - parseFloat(styled(e).paddingLeft) - arrow;
        if (pen.measureText(words).width > room) found.push(`cut off in its box: ${words}`);
    }
    const painted = layers => {  // the brightness of colors laid one over the other on white
        for (const [color, opacity] of [['white', 1], ...layers]) {
            Object.assign(pen, {globalAlpha: opacity, fillStyle: color});
            pen.fillRect(0, 0, 1, 1);
        }
        const parts = [...pen.getImageData(0, 0, 1, 1).data].map(part => part / 255);
        const [r, g, b] = parts.map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    for (const [name, e] of shown) {  // axe-core cannot tell the background of what is scrolled out of sight
        const layers = [];
        let opacity = 1;
        for (let around = e; around; around = around.parentElement) {
            layers.unshift([styled(around).backgroundColor, 1]);
            opacity *= styled(around).opacity;
        }
        const both = [painted(layers), painted([...layers, [styled(e).color, opacity]])].sort((a, b) => a - b);
        const contrast = (both[1] + 0.05) / (both[0] + 0.05);
        if (contrast < 4.5 && !e.matches('img, :disabled, input[type=range], .progress'))
            found.push(`pale: ${name}, contrast ${contrast.toFixed(1)}`);
    }
    for (const e of root.querySelectorAll('img'))
        if (e.width < least * e.naturalWidth - 1) found.push(`too small: ${e.width} of ${e.naturalWidth} px`);
    return found;
}"""
CHECKED = "button => getComputedStyle(button, '::before').visibility === 'visible'"


@pytest.fixture(scope="module")
def screens(browser, jupyter):
    """A function that shows all explorers in JupyterLab or Notebook 7, in a theme, in a window so wide; gives the page.

    One kernel has made them, which all pages ask.
    """
    explore.embedding(*made_film()).save(jupyter.folder / "map.html")
    jupyter.write("screens.ipynb", BEGIN, *(code for code, _ in EXPLORERS.values()), *PAGES)
    pages = {"JupyterLab": jupyter.run(browser, "screens.ipynb")}
    lab = pages["JupyterLab"]
    lab.wait_for_function(DRAWN, arg=len(EXPLORERS) - 2)
    lab.evaluate("jupyterapp.commands.execute('docmanager:save')")

    def show(app, theme, width):
        change = "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})"
        lab.evaluate(change, f"JupyterLab {theme.title()}")
        if app not in pages:
            pages[app] = jupyter.open(browser, "screens.ipynb", app="notebooks")
            pages[app].wait_for_function(DRAWN, arg=len(EXPLORERS) - 2)
        pages[app].set_viewport_size({"width": width, "height": 1000})
        return pages[app]

    SCREENS.mkdir(parents=True, exist_ok=True)
    yield show
    for page in pages.values():
        page.context.close()


def explorers(page):
    return {name: page.locator(".cnnlens-explorer").nth(number) for number, name in enumerate(EXPLORERS)}


def flaws(found, name=""):
    return found.evaluate(FLAWS, NO_LETTERS.get(name, 1))


def changed(found, act):
    """Do something, and wait until another picture comes."""
    before = pictures(found)
    act()
    until(lambda: pictures(found) != before, "another picture")


def move(found, name):
    """Move a slider one step, there or back."""
    slider = found.get_by_role("slider", name=name, exact=True)
    last = slider.evaluate("bar => bar.value === bar.max")
    changed(found, lambda: slider.press("ArrowLeft" if last else "ArrowRight"))


@pytest.mark.parametrize("width", [1024, 1920])
@pytest.mark.parametrize(("app", "theme"), [("JupyterLab", "light"), ("JupyterLab", "dark"), ("Notebook 7", "light")])
def test_nothing_is_cut_off_or_covered_or_pale(screens, app, theme, width):
    page = screens(app, theme, width)
    place = SCREENS / f"{app} {theme} {width}".replace(" ", "-")
    place.mkdir(exist_ok=True)
    bad = {}
    for name, found in explorers(page).items():
        if slider := EXPLORERS[name][1]:
            move(found, slider)
        if name == "scorecard":
            bad["verdicts"] = reveal(page, found, place)
        bad[name] = flaws(found, name)
        found.scroll_into_view_if_needed()
        (found if name != "scorecard" else page).screenshot(path=place / f"{name}.png")
    for name, frame in zip(("map", "playground"), page.locator("iframe").all()):
        frame.scroll_into_view_if_needed()
        page.screenshot(path=place / f"{name}.png")
        inside = frame.element_handle().content_frame()
        bad[name] = [] if inside.evaluate("document.documentElement.scrollWidth <= innerWidth") else ["too wide"]
    bad["axe-core"] = faults(page, ".cnnlens-explorer")
    wrong = "\n".join(f"{name}: {each}" for name, each in bad.items() if each)
    assert not wrong, wrong
    assert app == "Notebook 7" or page.complaints == []  # Notebook 7 complains of itself


def reveal(page, found, place):
    """Guess the first claim and reveal its verdict: what is wrong with how that looks. Then take both back."""
    guess, button = found.locator(".cnnlens-guess button").first, found.get_by_role("button", name="Reveal")
    if not guess.evaluate(CHECKED):
        changed(found, guess.click)
        assert guess.evaluate(CHECKED), "which guess it is must not be told by its color alone"
    changed(found, button.click)
    found.locator("img").scroll_into_view_if_needed()
    page.screenshot(path=place / "verdicts.png")
    wrong = flaws(found)
    changed(found, button.click)
    return wrong


FAULTS = {
    "cut off": "each => { each.style.width = '1500px' }",
    "covered": "each => { each.querySelector('select').style.marginLeft = '-80px' }",
    "cut off in its box": "each => { each.querySelector('select').style.fontSize = '40px' }",
    "pale: fire4_expand3x3": "each => { each.querySelector('select').style.color = '#777' }",
    'pale: "SqueezeNet': "each => { each.querySelector('.cnnlens-faint').style.opacity = 0.4 }",
    "too small": "each => { each.querySelector('img').style.width = '150px' }",
    'cut off: "layer"': "each => { each.querySelector('.widget-label').style.width = '20px' }",
}


@pytest.mark.parametrize("words", FAULTS)
def test_planted_faults_are_found(screens, words):
    found = explorers(screens("JupyterLab", "dark", 1024))["neurons"]
    assert flaws(found) == []
    kept = found.evaluate("each => [...each.querySelectorAll('*'), each].map(e => e.style?.cssText)")
    found.evaluate(FAULTS[words])
    assert words in " ".join(flaws(found))
    back = "(each, kept) => [...each.querySelectorAll('*'), each].forEach((e, i) => { e.style.cssText = kept[i] })"
    found.evaluate(back, kept)


def test_play_goes_from_step_to_step_to_the_end(screens):
    found = explorers(screens("JupyterLab", "light", 1920))["epochs"]
    slider, button = found.get_by_role("slider"), found.get_by_role("button")
    slider.press("Home")
    button.click()
    until(
        lambda: slider.input_value() == "1" and "Play" in button.inner_text(), "the last step, and the end of playing"
    )


def test_hover_and_filters_of_the_map_work_in_jupyterlab(screens):
    page = screens("JupyterLab", "light", 1920)
    filter_and_hover(inner_frame(page), page)
