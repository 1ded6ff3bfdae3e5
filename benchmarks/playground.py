"""From a piece of a stroke to a new answer, in the playground's page, beside Keras on the same network.

    python -m benchmarks.playground [--quick]

Measured in Chromium: a pen goes round over an image, and for each piece of its way the page frames the drawing, runs
the network and draws every map anew. What the browser then needs to bring that to the screen is not in it; the time
from one frame of the screen to the next, which is printed beside it, is.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from cnnlens import datasets, device, playground, zoo

from . import table

LIMITS = {"lenet": 16, "vgg4": 50}  # ms, what the 95th percentile must stay under
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
STROKE = """async pieces => {
    const { drawing, update, told } = playground, [height, width] = told.shape, times = [], frames = [];
    const at = i => [width / 2 + width / 3 * Math.cos(i / 9), height / 2 + height / 3 * Math.sin(i / 7)];
    const frame = () => new Promise(requestAnimationFrame);
    let last = await frame();
    for (let i = 0; i < pieces; i++) {
        const began = performance.now();
        drawing.stroke('draw', at(i), at(i + 1), 0.6, told.shape[2] === 3 ? [255, 128, 0] : null);
        update();
        document.body.offsetHeight; // the layout is part of it
        times.push(performance.now() - began);
        const now = await frame();
        frames.push(now - last);
        last = now;
    }
    return [times, frames];
}"""
FORWARD = """([plainly, count]) => {
    const { told, arrays, Network } = playground, times = [];
    const net = new Network(told.shape, told.steps, arrays, plainly);
    const size = told.shape.reduce((a, b) => a * b), images = told.picks.map(number =>
        Float32Array.from(arrays.images.subarray(number * size, (number + 1) * size), byte => byte / 255));
    for (let i = 0; i < count; i++) {
        const began = performance.now();
        net.run(images[i % images.length]);
        times.push(performance.now() - began);
    }
    return times;
}"""


def of_keras(net, image, count):
    """Milliseconds that Keras needs for the same forward pass of one image, called from Python."""
    times = []
    for _ in range(count + 5):
        began = time.perf_counter()
        net.predict(image, progress=False)
        times.append(1000 * (time.perf_counter() - began))
    return times[5:]


def measure(name, browser, count):
    """The rows of one network."""
    net = zoo.load(name)
    data = datasets.load("mnist" if net.channels == 1 else "cifar10")
    with tempfile.TemporaryDirectory() as folder:
        made = playground.page(net, data.x_test[:100], data.y_test[:100], source=data.source, steps=0, progress=False)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(made.save(Path(folder, f"{name}.html")).as_uri())
        page.wait_for_selector("body[data-ready]")
        page.evaluate(STROKE, 30)  # until the browser has compiled it
        page.click("#clear")
        strokes, frames = page.evaluate(STROKE, count)
        quick, plain = (page.evaluate(FORWARD, [plainly, count + 20])[20:] for plainly in (False, True))
        page.close()
    keras = of_keras(net, data.x_test[:1], count)
    print(f"\n{name} ({net.source}), in ms:\n  {'':38}{'median':>8}{'95th':>8}")
    named = {
        "a piece of a stroke, all of it": strokes,
        "from frame to frame of the screen": frames,
        "the network alone, WebAssembly": quick,
        "the network alone, plain JavaScript": plain,
        "Keras, called from Python": keras,
    }
    for words, times in named.items():
        print(f"  {words:38}{np.median(times):8.1f}{np.quantile(times, 0.95):8.1f}")
    what, peer = f"playground, {name}:", "Keras in Python"
    return [
        table.Row(
            what=f"{what} a piece of a stroke, 95th percentile",
            peer=f"{peer}, the network alone",
            theirs=float(np.quantile(keras, 0.95)),
            ours=float(np.quantile(strokes, 0.95)),
            unit="ms",
            limit=LIMITS[name],
        ),
        table.Row(
            what=f"{what} the network alone, median",
            peer=peer,
            theirs=float(np.median(keras)),
            ours=float(np.median(quick)),
            unit="ms",
        ),
    ]


def main():
    """Run and print; 1 if a page is slower than promised."""
    options = table.parser(__doc__).parse_args()
    import playwright.sync_api as playwright

    print(device.describe())
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        rows = [row for name in LIMITS for row in measure(name, browser, 40 if options.quick else 300)]
        browser.close()
    return table.keep("playground", rows, quick=options.quick)


if __name__ == "__main__":
    sys.exit(main())
