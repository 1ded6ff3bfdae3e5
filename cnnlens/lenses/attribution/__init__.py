"""Attribution: which pixels of an image speak for a class, by ten methods of one shape.

Every method is a short function that stands beside its paper's formula:

* :mod:`.gradients`: ``gradient``, ``gradient_input``, ``smoothgrad``, ``integrated_gradients``, ``guided``;
  :mod:`.path` is the integral of the fourth;
* :mod:`.cam`: ``gradcam``, ``gradcam++``, ``hirescam``, which weigh the maps of a layer;
* :mod:`.perturbing`: ``occlusion``, ``rise``, which hide parts of the image and need predictions only;
* :mod:`.methods` says of each what it asks the network for, and what its values mean;
* :mod:`.looking` is the network as the methods see it: scores and slopes, batch by batch, from one compiled graph;
* :mod:`.engine` takes what a user gives, runs a method, and hands back an :class:`.result.Attribution`.
"""

from .engine import explain, repeat
from .methods import METHODS, settings_of
from .result import Attribution

__all__ = ["METHODS", "Attribution", "explain", "repeat", "settings_of"]
