"""What a unit looks for: images made by gradient ascent to activate it most (dissertation 4.4.2, 6.3.1).

Read :mod:`.fourier` first: the method "fourier", ours, is that one file, and :mod:`.pixels` is the dissertation's,
"pixels". Both give the same kind of result, so that they can be compared. The other files are tactics, which one need
not know to understand the method:

* :mod:`.maximization` is the lens, :mod:`.settings` what may be set, :mod:`.batches` makes many images;
* :mod:`.stepping` compiles one step for a network and a layer;
* :mod:`.framing` chooses sizes, disturbances, borders and batches;
* :mod:`.gates` rescues silent units, and :mod:`.colors` tries other initial colors than grey;
* :mod:`.targets` reads which units are asked for, and :mod:`.result` is what comes back;
* :mod:`.classes` makes class models, and :mod:`.control` the untrained copy.

The activation that a result names is always measured on the very image it holds, in float32 and undisturbed.
"""

from .classes import class_models as class_models
from .control import untrained as untrained
from .framing import fitting_size as fitting_size
from .batches import measure as measure
from .maximization import maximize as maximize
from .result import ClassModels as ClassModels
from .result import Optimized as Optimized
from .settings import FourierSettings as FourierSettings
from .settings import PixelSettings as PixelSettings
from .targets import targets as targets
from .targets import unit_number as unit_number
from .targets import whole_number as whole_number
