"""The base of all explorers: controls, one expensive step that is cached, one cheap step that draws.

An explorer is a few lines::

    def neurons(net, images):
        layers = [layer.path for layer in net.layers()]
        controls = [Choice("layer", layers), Number("unit", high=net.layer(layers[0]).units - 1)]

        def limits(values):                       # optional: new ranges, asked whenever a control has moved
            return {"unit": net.layer(values["layer"]).units - 1}

        def compute(values, step):                # optional: what takes time; runs once for each key, then is cached
            step(0, 2, "forward pass")            # shows progress; ends the work if Stop was pressed
            ...
            return found

        def draw(values, found):                  # cheap: a Frame from what compute returned
            return Frame(raster, words)

        return Explorer(controls, draw, compute=compute, key=lambda v: v["layer"], limits=limits, source=net.source)

* ``values`` is a dict from the controls' names to their values. ``key(values)`` says which of them ``compute`` depends
  on: moving any other control only draws again.
* A :class:`Frame` holds a picture, which may be a raster (H, W, 3) uint8 or several, PNG bytes or a matplotlib Figure,
  and words: the numbers beside it, which are its alternative text too. A raster is drawn in milliseconds, a Figure in a
  quarter of a second: use rasters (``figures.tiles``, ``figures.colored``) wherever a slider is meant to be dragged.
* In a notebook, ``compute`` runs beside the kernel's own thread, so that Stop and the sliders keep answering; whatever
  the controls say when it is done gets drawn, so no frame is ever stale.
* Without a notebook (pytest), or with ``CNNLENS_HEADLESS=1`` (the course's runner), everything happens at once and an
  error is raised. In a notebook an error is shown in the widget, in words. Check arguments before the Explorer is made:
  that raises everywhere.
* Tests drive it without a browser: ``explorer.set(layer="conv1", unit=3)``, then look at ``explorer.frame``,
  ``explorer.values``, ``explorer.computed`` (how often compute ran); ``explorer.sweep()`` visits every value of every
  control.
"""

import base64
import collections
import html
import io
import os
import threading
import traceback
from dataclasses import dataclass, field
from time import process_time

import ipywidgets as widgets
import numpy as np
from IPython import get_ipython
from PIL import Image

from ..errors import CnnlensError
from ..figures.base import png, png_bytes, row
from . import twin
from .controls import NARROW
from .named import Picture

KEEP = 8  # results of compute that are kept, the oldest are forgotten first
READABLE = 564  # px, what JupyterLab leaves for a picture of a window that is 1024 px wide, with its list of files open


def headless():
    """Whether nobody watches: no notebook kernel, or ``CNNLENS_HEADLESS=1``."""
    shell = get_ipython()
    return os.environ.get("CNNLENS_HEADLESS", "") not in ("", "0") or getattr(shell, "kernel", None) is None


@dataclass(frozen=True)
class Frame:
    """What an explorer shows: a picture, and the words and numbers beside it.

    Attributes
    ----------
    picture : ndarray (H, W, 3) uint8, tuple of these, bytes of a PNG, or matplotlib Figure
        Several rasters stand side by side, or one below the other where the window is too narrow for that. One that
        holds letters is at most ``READABLE`` pixels wide: on a small screen the browser makes a wider one smaller.
    words : str
        Shown under the picture, and its alternative text; plain text, one thought a line.
    """

    picture: object
    words: str = ""

    def pixels(self):
        """The picture as ndarray (H, W, 3) uint8, several as one."""
        if isinstance(self.picture, tuple):
            return row(*self.picture)
        if isinstance(self.picture, np.ndarray):
            return self.picture
        return np.asarray(Image.open(io.BytesIO(self.png())).convert("RGB"))

    def png(self):
        """The picture as the bytes of a PNG."""
        if isinstance(self.picture, bytes):
            return self.picture
        return png_bytes(self.pixels()) if isinstance(self.picture, (np.ndarray, tuple)) else png(self.picture)

    def parts(self):
        """The bytes of a PNG for each raster of the picture."""
        return [png_bytes(raster) for raster in self.picture] if isinstance(self.picture, tuple) else [self.png()]


class Stopped(Exception):
    """Ends a computation whose result nobody waits for any more."""


@dataclass
class _Job:
    """One run of compute, which may be told to stop."""

    key: object
    told: threading.Event = field(default_factory=threading.Event)


class Explorer(widgets.VBox):
    """Controls, and a picture that follows them. See the head of this file.

    Parameters
    ----------
    controls : sequence of Control
    draw : function (values, found) -> Frame
        Cheap. ``found`` is what ``compute`` returned, None without it.
    compute : function (values, step) -> object, optional
        Expensive. Calls ``step(done, total, words)`` now and then.
    key : function (values) -> hashable, optional
        Which values compute depends on; none of them by default.
    limits : function (values) -> dict, optional
        New ranges by control name: the last value of a Number (or a pair), the names of a Choice.
    source : str
        Shown at the foot, as on every figure.
    keep : int
        How many results of compute are kept.

    Attributes
    ----------
    frame : Frame or None
        What is shown.
    error : Exception or None
        What went wrong last.
    computed : int
        How often compute ran.
    seconds : float
        Of the processor that it took last.
    source : str
    """

    def __init__(self, controls, draw, *, compute=None, key=lambda values: (), limits=None, source="", keep=KEEP):
        self._draw_frame, self._compute, self._key, self._limits, self._keep = draw, compute, key, limits, keep
        self.controls = {control.name: control for control in controls}
        self._cache = collections.OrderedDict()
        self._lock = threading.RLock()
        self._job = None
        self._serial = 0
        self.frame, self.error, self.computed, self.seconds, self.source = None, None, 0, 0.0, source
        self._picture = Picture()
        self._words = widgets.HTML()
        self._error = widgets.HTML()
        self._bar = widgets.IntProgress(0, 0, 1)
        self._doing = widgets.Label()
        self._stop = widgets.Button(description="Stop", icon="stop", layout=widgets.Layout(width=NARROW))
        self._stop.on_click(lambda _: self.stop())
        self._status = widgets.HBox([self._bar, self._stop, self._doing], layout=widgets.Layout(visibility="hidden"))
        self._status.add_class("cnnlens-row")
        foot = widgets.HTML(f'<div class="cnnlens-faint">{html.escape(source)}</div>')
        super().__init__([*(c.widget for c in controls), self._status, self._error, self._picture, self._words, foot])
        self.add_class("cnnlens-explorer")
        for control in controls:
            control.changed = self._update
        self._update()

    def _repr_mimebundle_(self, **options):
        """The widget; for pages that show none its picture and words of the moment, and its twin if one was asked."""
        data = super()._repr_mimebundle_(**options) or {}
        if self.frame is not None:
            data["text/plain"] = self.frame.words
            data["image/png"] = base64.b64encode(self.frame.png()).decode("ascii")
            if budget := twin.asked():
                data["text/html"] = twin.page(self, budget)
        return data

    # --- for tests and teachers ------------------------------------------------------------------------------

    @property
    def values(self):
        """What the controls say, by name."""
        return {name: control.value for name, control in self.controls.items()}

    def set(self, **values):
        """Move controls as a user would, one after the other; headless, the frame is there when this returns."""
        for name, value in values.items():
            control = self.controls[name]
            if control.value != value:
                control.value = value
                self._update()
        return self

    def sweep(self, **limits):
        """Visit every value of every control in turn (of Numbers, at most ``limits[name]`` of them, ends included).

        Yields
        ------
        dict
            The values whose frame is shown now.
        """
        for name, control in self.controls.items():
            before, values = control.value, control.all_values()
            chosen = np.unique(
                np.linspace(0, len(values) - 1, min(len(values), limits.get(name, len(values)))).round().astype(int)
            )
            for i in chosen:
                self.set(**{name: values[i]})
                yield self.values
            if before in control.all_values():
                self.set(**{name: before})

    # --- for its twin ------------------------------------------------------------------------------------------

    def ranges(self, values):
        """The values that each control can take when all stand at some values, by name."""
        limits = self._limits(values) if self._limits else {}
        return {
            name: control.within(limits[name]) if name in limits else control.all_values()
            for name, control in self.controls.items()
        }

    def consistent(self, values):
        """Values as the controls would make them: one that is out of its range goes back to the first."""
        ranges = self.ranges(values)
        return {name: value if value in ranges[name] else ranges[name][0] for name, value in values.items()}

    def key(self, values):
        """What ``compute`` depends on."""
        return self._key(values)

    def found(self, values, step):
        """What ``compute`` returns for some values; what is kept is not computed again, and nothing more is kept."""
        key = self._key(values)
        with self._lock:
            if self._compute is None or key in self._cache:
                return self._cache.get(key)
        return self._compute(values, step)

    def drawn(self, values, found):
        """The frame of some values; the widget stays as it is."""
        return self._draw_frame(values, found)

    # --- the machinery ---------------------------------------------------------------------------------------

    def _update(self):
        """A control has moved: new ranges first, then the frame, so that no frame is drawn from half-changed values."""
        try:
            for name, limit in (self._limits(self.values) if self._limits else {}).items():
                self.controls[name].allow(limit)
            key = self._key(self.values)
            with self._lock:
                ready = self._compute is None or key in self._cache
                if self._job and self._job.key != key:
                    self._job.told.set()
            if ready:
                self._show()
            elif headless():
                self._run(_Job(key))
                self._show()
            else:
                self._start(key)
        except Exception as error:
            self._fail(error)

    def _start(self, key):
        """Compute beside the kernel's thread; what already runs there is let go first."""
        with self._lock:
            if self._job:
                return  # it was told to stop if nobody wants it, and goes on with what is wanted when it ends
            self._job = _Job(key)
            self._status.layout.visibility = "visible"
            self._stop.disabled = False
            threading.Thread(target=self._work, args=(self._job,), daemon=True).start()

    def _work(self, job):
        try:
            self._run(job)
        except Stopped:
            self._end(job)
            if self._key(self.values) == job.key:  # by the button; else the controls have moved on
                return
        except Exception as error:
            self._end(job)
            self._fail(error)
            return
        self._end(job)
        self._update()  # draws what the controls say now, or computes that

    def _run(self, job):
        values = self.values

        def step(done, total, words=""):
            if job.told.is_set():
                raise Stopped
            self._bar.max, self._bar.value, self._doing.value = max(total, 1), done, words

        began = process_time()
        found = self._compute(values, step)
        with self._lock:
            self.computed, self.seconds = self.computed + 1, process_time() - began
            self._cache[job.key] = found
            while len(self._cache) > self._keep:
                self._cache.popitem(last=False)

    def _end(self, job):
        with self._lock:
            if self._job is job:
                self._job = None
                self._status.layout.visibility = "hidden"
                self._doing.value, self._bar.value = "", 0

    def stop(self):
        """Stop what is being computed; the last picture stays."""
        with self._lock:
            if self._job:
                self._job.told.set()
                self._stop.disabled = True
                self._doing.value = "stopping…"

    def _show(self):
        with self._lock:
            values = self.values
            key = self._key(values)
            found = self._cache.get(key)
            if self._compute is not None:
                if key not in self._cache:
                    return
                self._cache.move_to_end(key)
            frame = self._draw_frame(values, found)
            with self._picture.hold_sync():
                self._picture.parts, self._picture.alt = frame.parts(), frame.words
            words = "<br>".join(html.escape(line) for line in frame.words.splitlines())
            self._words.value = f'<div role="status">{words}</div>'
            self._error.value = ""
            self.frame, self.error = frame, None

    def _fail(self, error):
        self.error = error
        if headless():
            raise error
        said = str(error) if isinstance(error, CnnlensError) else f"{type(error).__name__}: {error}"
        trace = "" if isinstance(error, CnnlensError) else "".join(traceback.format_exception(error)[-4:])
        details = f"<details><summary>Details</summary><pre>{html.escape(trace)}</pre></details>" if trace else ""
        words = f"<b>This could not be drawn.</b> {html.escape(said)}{details}"
        self._error.value = f'<div role="alert" class="cnnlens-error">{words}</div>'
