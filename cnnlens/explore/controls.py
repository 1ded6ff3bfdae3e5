"""The controls of explorers: a number, a choice, a yes or no, each by slider and by a box beside it."""

import contextlib

import ipywidgets as widgets
import numpy as np

from .named import Slider, WholeSlider

NARROW = "90px"


class Control:
    """A slider and a box beside it that always say the same. ``value`` reads and sets both.

    The words in front of them belong to neither, for who listens: so the slider has a name, and the box a description
    that takes no room.
    """

    ahead = True  # whether frames are rendered ahead over its values; see cnnlens.explore.twin
    light = False  # whether another value costs compute little

    def __init__(self, name, slider, box):
        self.name, self.slider, self.box = name, slider, box
        self.changed = lambda: None
        self._quiet = False
        slider.observe(self._moved, "value")
        if box is not None:
            box.observe(self._moved, "value")
        said = name.replace("_", " ")
        if isinstance(slider, Slider):
            slider.name = said
        if box is not None:
            box.description, box.style.description_width = said, "0px"
        label = widgets.Label(said, layout=widgets.Layout(width=NARROW))
        self.widget = widgets.HBox([part for part in (label, slider, box) if part is not None])
        self.widget.add_class("cnnlens-row")

    def _moved(self, change):
        if not self._quiet:
            self.value = self._read(change.owner)
            self.changed()

    def _read(self, widget):
        return widget.value

    def _write(self, value):
        self.slider.value = value
        if self.box is not None:
            self.box.value = value

    @contextlib.contextmanager
    def quietly(self):
        """While open, a change of this control makes nothing be drawn."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    @property
    def value(self):
        """What the control says."""
        return self._read(self.slider)

    @value.setter
    def value(self, value):
        with self.quietly():
            self._write(value)

    def allow(self, limit):
        """Give the control a new range; a value outside it goes back to the first."""
        raise NotImplementedError

    def all_values(self):
        """Every value it can take now."""
        raise NotImplementedError

    def within(self, limit):
        """Every value it could take within a range, given as to :meth:`allow`."""
        raise NotImplementedError

    def said(self, value):
        """A value in words."""
        return str(value)

    @property
    def kind(self):
        """What a page needs to draw it: {"kind": "range" or "check"}, and "play", milliseconds, where it plays."""
        return {"kind": "range"}


class Number(Control):
    """A number, by slider and by a box to type into.

    Parameters
    ----------
    name : str
    low, high : int or float
        First and last value.
    value : int or float, optional
        Where it starts; ``low`` by default.
    step : int or float
        A float makes it a control of floats.
    live : bool
        Follow the slider while it is dragged, not only when it is let go.
    play : int, optional
        Adds a play button that takes one step each so many milliseconds, up to the last value.
    light : bool
        What took longest in ``compute`` serves all its values; see :mod:`cnnlens.explore.twin`.
    """

    def __init__(self, name, low=0, high=1, value=None, *, step=1, live=True, play=None, light=False):
        self.light = light
        whole = all(isinstance(number, (int, np.integer)) for number in (low, high, step))
        make_slider, make_box = (WholeSlider, widgets.BoundedIntText) if whole else (Slider, widgets.BoundedFloatText)
        span = dict(min=low, max=max(low, high), value=low if value is None else value, step=step)
        slider = make_slider(**span, live=live, play=play or 0)
        box = make_box(**span, layout=widgets.Layout(width=NARROW))
        self._interval = play
        super().__init__(name, slider, box)
        self._of_words()

    def _of_words(self):
        self._last = widgets.Label(f"of {self.slider.min:g}–{self.slider.max:g}")
        self.widget.children = (*self.widget.children, self._last)

    def allow(self, limit):
        """``limit`` is the new last value, or the pair of first and last."""
        low, high = self._ends(limit)
        if (low, high) == (self.slider.min, self.slider.max):
            return
        value = self.value if low <= self.value <= high else low
        with self.quietly():
            for widget in (self.slider, self.box):
                with widget.hold_sync():  # the browser must never see the new range with the old value
                    widget.min, widget.max = min(low, widget.min), max(high, widget.max)
                    widget.value = value
                    widget.min, widget.max = low, high
        self._last.value = f"of {low:g}–{high:g}"

    def _ends(self, limit):
        return limit if isinstance(limit, tuple) else (self.slider.min, limit)

    def all_values(self):
        return self.within((self.slider.min, self.slider.max))

    def within(self, limit):
        low, high = self._ends(limit)
        if isinstance(self.slider, WholeSlider):
            steps = range(low, high + 1, self.slider.step)
        else:
            steps = np.arange(low, high + self.slider.step / 2, self.slider.step).round(9).tolist()
        return sorted({*steps, *([self.value] if low <= self.value <= high else [])})  # a start may lie between steps

    def said(self, value):
        return f"{value:g}"

    @property
    def kind(self):
        return {"kind": "range", "play": self._interval}


class Choice(Control):
    """One of several names, by slider and by a box that lists them.

    Parameters
    ----------
    name : str
    options : sequence of str
    value : str, optional
        Where it starts; the first by default.
    live : bool
        As for :class:`Number`.
    """

    def __init__(self, name, options, value=None, *, live=True):
        self.options = list(options)
        index = self.options.index(value) if value is not None else 0
        slider = WholeSlider(live=live)
        slider.max, slider.value, slider.words = max(1, len(self.options) - 1), index, self.options
        slider.disabled = len(self.options) < 2
        box = widgets.Dropdown(options=self.options, index=index, layout=widgets.Layout(width="220px"))
        super().__init__(name, slider, box)

    def _read(self, widget):
        return self.options[min(widget.value, len(self.options) - 1)] if widget is self.slider else widget.value

    def _write(self, value):
        self.slider.value = self.options.index(value)
        self.box.value = value

    def allow(self, limit):
        """``limit`` is the new list of names."""
        if list(limit) == self.options:
            return
        value = self.value if self.value in limit else limit[0]
        with self.quietly():
            self.options = list(limit)
            with self.slider.hold_sync():
                self.slider.value = 0
                self.slider.max, self.slider.words = max(1, len(limit) - 1), self.options
                self.slider.disabled = len(limit) < 2
            self.box.options = self.options
            self._write(value)

    def all_values(self):
        return list(self.options)

    def within(self, limit):
        return list(limit)


class Toggle(Control):
    """Yes or no."""

    def __init__(self, name, value=False):
        said = name.replace("_", " ")
        box = widgets.Checkbox(value, description=said, indent=False)
        super().__init__(name, box, None)
        self.widget = widgets.HBox([widgets.Label(layout=widgets.Layout(width=NARROW)), box])

    def all_values(self):
        return [False, True]

    @property
    def kind(self):
        return {"kind": "check"}
