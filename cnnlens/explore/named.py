"""A slider with a name and a picture with a text, for who listens: those of ipywidgets 8 can be given none.

noUiSlider, which ipywidgets draws, has a handle with the role of a slider and no label, and no option of the widget
reaches it: a screen reader says "slider, 2". The one here, the browser's own range input, says "layer, slider, conv2".
"""

from pathlib import Path

import anywidget
import traitlets

TEMPLATES = Path(__file__).with_name("templates")
STYLE = TEMPLATES.joinpath("explorer.css").read_text(encoding="utf-8")


class Slider(anywidget.AnyWidget):
    """A number between ``min`` and ``max``, in the browser's own range input.

    Attributes
    ----------
    name : str
        What assistive technology calls it.
    value, min, max, step : float
    words : list of str
        What to say at each place from 0 on, where a number would say little, such as the names of layers.
    live : bool
        Tell the value while the slider is dragged, not only when it is let go; as it was when it was shown.
    play : int
        Milliseconds from step to step of a button that plays all values; 0 for no such button.
    disabled : bool
    """

    _esm = TEMPLATES.joinpath("slider.js").read_text(encoding="utf-8")
    _css = STYLE

    name = traitlets.Unicode().tag(sync=True)
    value = traitlets.CFloat(0).tag(sync=True)
    min = traitlets.CFloat(0).tag(sync=True)
    max = traitlets.CFloat(1).tag(sync=True)
    step = traitlets.CFloat(1).tag(sync=True)
    words = traitlets.List(traitlets.Unicode()).tag(sync=True)
    live = traitlets.Bool(True).tag(sync=True)
    play = traitlets.Int(0).tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)

    def __init__(self, **given):
        super().__init__(**given)
        self.add_class("cnnlens-slider")

    @traitlets.validate("value")
    def _within(self, proposal):
        return min(max(proposal.value, self.min), self.max)


class WholeSlider(Slider):
    """A :class:`Slider` of whole numbers."""

    value = traitlets.CInt(0).tag(sync=True)
    min = traitlets.CInt(0).tag(sync=True)
    max = traitlets.CInt(1).tag(sync=True)
    step = traitlets.CInt(1).tag(sync=True)


class Picture(anywidget.AnyWidget):
    """One PNG, or several side by side, which wrap where there is no room.

    Attributes
    ----------
    parts : list of bytes
        Of the PNGs.
    alt : str
        What it shows, in words.
    """

    _esm = TEMPLATES.joinpath("picture.js").read_text(encoding="utf-8")
    _css = STYLE

    parts = traitlets.List(traitlets.Bytes()).tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)

    def __init__(self, **given):
        super().__init__(**given)
        self.add_class("cnnlens-picture")
