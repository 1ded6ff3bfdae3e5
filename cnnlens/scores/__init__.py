"""The numbers that stand beside the pictures, one file a technique: ``scores.activations.sparsity``.

Each is a pure function of arrays, and says in its docstring what it measures, in which range, and where it comes from.
"""

import lazy_loader

_FILES = (
    "activations",
    "answer_findings",
    "answers",
    "attribution",
    "backgrounds",
    "cascade",
    "embedding",
    "feeding",
    "findings",
    "forgetting",
    "health",
    "hiding",
    "marks",
    "near_duplicates",
    "neurons",
    "pictures",
    "planted",
    "pointing",
    "preferences",
    "reliance",
    "superpixels",
    "training",
    "trust_in_words",
)
__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submodules=_FILES)
