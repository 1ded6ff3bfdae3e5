"""One report for any network: what is wrong with it or with its images, if anything, and what the lenses show.

The room itself may be called, so that a notebook needs one name:

    import cnnlens
    found = cnnlens.report("my_model.keras", "my_images")
    found["answers"]                    # one part, which shows itself
    found.save("report.html")           # all of them, on one page that needs no network

:mod:`.making` goes through the parts that ``sections/`` make, one file each; :mod:`.subject` is the network and the
images that they look at, :mod:`.sizes` how much they look at, :mod:`.kept` what an earlier run has finished,
:mod:`.page` the page.
"""

import sys
import types

from .making import report
from .parts import Figure, Part, Report, Table

__all__ = ["Figure", "Part", "Report", "Table", "report"]


class _Callable(types.ModuleType):
    """A room that is also the function which it is named after."""

    def __call__(self, model, images, **settings):
        """As :func:`report`."""
        return report(model, images, **settings)


sys.modules[__name__].__class__ = _Callable
