"""A network to draw for: one HTML page in which a small network answers while one draws.

:mod:`.chains` reads a network as a chain of steps, or says why it cannot; :mod:`.gallery` collects what the page shows
of each unit; :mod:`.pages` writes the page. What runs in the browser stands in ``templates/``, a file for each thing.

The forward pass is our own (``templates/network.js``) and no library from npm, for three reasons. A learner can read
it: the convolution of lesson 01 stands there as loops. It keeps every value of every layer within reach and lets a unit
be scaled on the way, for which a library's graph would have to be cut into pieces. And the page stays small:
TensorFlow.js alone takes more than a LeNet with all its pictures. The one loop in which the time is spent is also there
as WebAssembly (``templates/sums.js``), which makes VGG4 quick enough to draw for; ``python -m benchmarks playground``
measures both. What we check instead of trusting a library is that the numbers are Keras's, in a test and again each
time that a page is opened.

Weights travel as float32: as float16 they would save a quarter of a megabyte, and cost the agreement with Keras.
"""

from .chains import Chain as Chain
from .chains import Step as Step
from .chains import chain as chain
from .pages import page as page
