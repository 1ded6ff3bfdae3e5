"""What all tests in a browser share: Chromium, a Jupyter server, pages that note complaints, axe-core, screenshots.

Without a browser these tests skip and say so; under CI (``CI=true``) that is a failure, since there they must run.
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
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
UNWANTED = (  # of Chromium: only the last list of features counts, so what Playwright turns off itself is here again
    "WebUIOmniboxPopup",  # for each window that nobody sees, two pages for its address bar: half of the time of all
    "WebUIOmniboxAimPopup",
    "SpareRendererForSitePerProcess",  # a process for a page that never comes
    "AimEnabled",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
)
PATIENCE = 420  # seconds until a whole lesson has run; it needs about 20 when the machine is idle
FINGERPRINTS = """pictures => Promise.all(pictures.map(async picture => {
    const bytes = new Uint8Array(await (await fetch(picture.src)).arrayBuffer());
    return bytes.length + ':' + bytes.reduce((sum, byte) => (sum * 31 + byte) >>> 0, 7);
}))"""


def missing(reason):
    """Skip for a reason, or fail for it under CI."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"under CI the browser test must run: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser():
    """Chromium. Of a file and not of all: while Playwright runs, no other code may run an event loop of its own."""
    try:
        import playwright.sync_api as playwright
    except ImportError:
        missing("playwright is not installed")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    with playwright.sync_playwright() as driver:
        if found is None and not Path(driver.chromium.executable_path).exists():
            missing(f"no browser: none of {', '.join(BROWSERS)} is on the PATH")
        options = ["--no-sandbox", "--disable-gpu", f"--disable-features={','.join(UNWANTED)}"]
        chromium = driver.chromium.launch(executable_path=found, args=options)
        yield chromium
        chromium.close()


def opened(browser, address, width=1280, height=900, *, offline=True, **settings):
    """A page in a context of its own; what its console says, and offline what it asks for, is in ``page.complaints``.

    Parameters
    ----------
    browser : Browser
    address : str or Path
        Of a server, or of a file.
    width, height : int
        Of the window, in pixels.
    offline : bool
        Refuse all requests but those for files, and note them.
    **settings
        Of Playwright's ``new_context``: ``color_scheme="dark"``, ``has_touch=True`` …
    """
    context = browser.new_context(viewport={"width": width, "height": height}, offline=offline, **settings)
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda said: said.type == "error" and page.complaints.append(said.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    if offline:
        page.on("request", lambda asked: asked.url.startswith("http") and page.complaints.append(asked.url))
    page.goto(address.as_uri() if isinstance(address, Path) else address)
    return page


def elsewhere(page, address, width=1280, height=900):
    """A page that was opened goes to another address as if it were new; a context of its own costs 0.25 s more."""
    page.goto("about:blank")  # to an address that differs only behind its # no page would go
    page.complaints.clear()
    page.set_viewport_size({"width": width, "height": height})
    page.goto(address)
    return page


def faults(page, within=None, **rules):
    """What axe-core finds that is serious or critical, in a page and in each of its frames, or within some elements."""
    from axe_playwright_python.base import AXE_SCRIPT

    found = []
    for frame in [page.main_frame] if within else page.frames:  # one by one: from the disk, they cannot ask each other
        if not frame.evaluate("'axe' in window"):
            frame.evaluate(WITH_PLAIN_MAPS % AXE_SCRIPT)
            frame.evaluate(COLORS_ONCE)
        found += frame.evaluate(AXE, [within, rules])
    return found


WITH_PLAIN_MAPS = """(() => {  // axe-core gives each of its many colors seven entries of weak maps: half of its time
    class Plain {
        key = Symbol();
        has(each) { return this.key in each; }
        get(each) { return each[this.key]; }
        set(each, value) { each[this.key] = value; return this; }
        add(each) { return this.set(each, true); }
        delete(each) { return delete each[this.key]; }
    }
    ((WeakMap, WeakSet) => {
        %s
    })(Plain, Plain);
})()"""
COLORS_ONCE = """() => {  // axe-core reads a page's dozen colors from text 76,749 times, which takes half of its time
    const known = new Map(), color = axe.commons.color.Color.prototype, read = color.parseString;
    color.parseString = function (text) {
        if (known.has(text)) return Object.assign(this, known.get(text));
        const {r, g, b, alpha} = read.call(this, text);
        known.set(text, {r, g, b, alpha});
        return this;
    };
}"""
AXE = """async ([within, rules]) => {
    const grave = ['serious', 'critical'];  // of a rule's findings, as the rule itself is: others need not be asked
    const less = axe._audit.rules.filter(({impact}) => impact && !grave.includes(impact));
    const asked = {rules: Object.fromEntries(less.map(({id}) => [id, {enabled: false}])), ...rules};
    const told = await axe.run(
        within ? {include: within} : document, {iframes: false, resultTypes: ['violations'], ...asked});
    return told.violations.filter(found => grave.includes(found.impact))
        .flatMap(found => found.nodes.map(node => `${found.id}: ${node.target.join(' ')} ${node.html.slice(0, 200)}`));
}"""


def pictures(found):
    """A fingerprint of each picture that an explorer shows: equal as long as they are."""
    return found.locator("img").evaluate_all(FINGERPRINTS)


def until(condition, what, seconds=60):
    """Wait until a condition holds; fail, saying what did not happen, if it never does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen in {seconds} s"
        time.sleep(0.05)


# --- Jupyter ----------------------------------------------------------------------------------------------------------

SETTINGS = {
    "@jupyterlab/notebook-extension/tracker": {
        "windowingMode": "none"
    },  # else cells that are out of sight are not drawn
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
RUN = """async () => {  // what cells raised
    const panel = jupyterapp.shell.currentWidget;
    await Promise.all([panel.revealed, panel.sessionContext.ready]);
    await jupyterapp.commands.execute('notebook:run-all-cells');
    return panel.content.model.toJSON().cells.flatMap(cell => cell.outputs || [])
        .filter(output => output.output_type === 'error').map(error => `${error.ename}: ${error.evalue}`);
}"""


@dataclass(frozen=True)
class Jupyter:
    """A server on loopback, without token: ``ADDRESS/lab`` is JupyterLab, ``ADDRESS/notebooks`` Notebook 7.

    Attributes
    ----------
    folder : Path
        What it serves.
    address : str
    """

    folder: Path
    address: str

    def write(self, name, *cells):
        """A notebook of these cells of code; it names a kernel, or JupyterLab would ask which."""
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        cells = [nbformat.v4.new_code_cell(code) for code in cells]
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), self.folder / name)

    def open(self, browser, notebook, app="lab/tree", width=1400, height=1000):
        """A notebook of its folder, open and idle, and alone: else JupyterLab opens what was open last as well."""
        page = opened(browser, f"{self.address}/{app}/{notebook}?reset", width, height, offline=False)
        page.set_default_timeout(PATIENCE * 1000)
        page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]")
        return page

    def run(self, browser, notebook, **size):
        """A notebook of its folder in JupyterLab, once all its cells have run; none may raise."""
        page = self.open(browser, notebook, **size)
        run_cells(page)
        return page


def run_cells(page):
    """Run all cells of the notebook in front in JupyterLab; none may raise."""
    errors = page.evaluate(RUN)
    assert not errors, errors


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory):
    """A :class:`Jupyter`; of a file and not of all, so that the kernels of a file end with it."""
    home = tmp_path_factory.mktemp("jupyter")
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
    environment["CNNLENS_PROGRESS"] = str(home / "progress.json")
    for name in ("CNNLENS_HEADLESS", "CNNLENS_DATA", "CNNLENS_REQUIRE_REAL"):
        environment.pop(name, None)
    options = [
        "--no-browser",
        "--allow-root",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={home}",
        "--IdentityProvider.token=",
        "--ServerApp.password=",
        "--LabApp.expose_app_in_browser=True",
    ]
    with open(home / "log", "w") as log:
        command = [sys.executable, "-m", "jupyterlab", *options]
        server = subprocess.Popen(command, env=environment, cwd=home, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(address, server, home / "log")
            yield Jupyter(home, address)
        finally:
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(15)
            server.kill()


def _wait_for(address, server, log):
    for _ in range(600):
        if server.poll() is not None:
            pytest.fail(f"Jupyter did not start:\n{log.read_text()[-2000:]}")
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{address}/api", timeout=2)
            return
        time.sleep(0.2)
    pytest.fail(f"Jupyter does not answer:\n{log.read_text()[-2000:]}")
