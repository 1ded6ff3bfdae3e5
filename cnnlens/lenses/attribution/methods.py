"""Of each method: what it asks the network for, of which score, and what its values mean."""

import inspect
from dataclasses import dataclass

from ...errors import unknown
from . import cam, gradients, perturbing


@dataclass(frozen=True)
class Method:
    """A method of attribution.

    Attributes
    ----------
    compute : function (seen, look, **settings) -> maps (N, h, w), or a pair (maps, gap)
    asks : {"pixels", "layer", "predictions"}
        What is read: the slopes of the score for the pixels, those for a layer and its activations, or scores only.
    scores : {"logits", "probabilities"}
        What is explained by default. Gradients are taken of logits, because a softmax that is sure has none; what is
        hidden is measured on probabilities, as in the papers.
    signed : bool
        Whether negative values speak against the class.
    guided : bool
        Whether ReLUs rectify the gradient on its way back.
    copies : str or None
        The setting that says how many copies of an image are shown; None for one.
    """

    compute: callable
    asks: str
    scores: str = "logits"
    signed: bool = False
    guided: bool = False
    copies: str | None = None

    @property
    def defaults(self):
        """The method's own settings and their defaults."""
        parameters = inspect.signature(self.compute).parameters.values()
        return {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY}

    def count(self, settings, size):
        """How many copies of each image are shown to the network, after the image itself."""
        if self.compute is perturbing.occlusion:
            how = perturbing.patch_and_stride(size, settings["patch"], settings["stride"])
            return 1 + len(perturbing.windows(size, *how))
        return settings[self.copies] if self.copies else 0


METHODS = {
    "gradient": Method(gradients.gradient, "pixels"),
    "gradient_input": Method(gradients.gradient_input, "pixels", signed=True),
    "smoothgrad": Method(gradients.smoothgrad, "pixels", copies="samples"),
    "integrated_gradients": Method(gradients.integrated_gradients, "pixels", signed=True, copies="steps"),
    "guided": Method(gradients.guided, "pixels", guided=True),
    "gradcam": Method(cam.gradcam, "layer"),
    "gradcam++": Method(cam.gradcam_plus_plus, "layer"),
    "hirescam": Method(cam.hirescam, "layer", signed=True),
    "occlusion": Method(perturbing.occlusion, "predictions", "probabilities", signed=True),
    "rise": Method(perturbing.rise, "predictions", "probabilities", signed=True, copies="masks"),
}


def method_of(name):
    """The Method of a name.

    Raises
    ------
    CnnlensError
        If there is none; names the nearest.

    Examples
    --------
    >>> method_of("gradcam").asks
    'layer'
    """
    if name not in METHODS:
        raise unknown("method of attribution", name, METHODS)
    return METHODS[name]


def settings_of(name, given, seed):
    """A method's settings: the defaults, what was given instead, and the seed where it takes one.

    Examples
    --------
    >>> settings_of("smoothgrad", {"samples": 8}, seed=1)
    {'samples': 8, 'noise': 0.15, 'seed': 1}
    """
    defaults = method_of(name).defaults
    for setting in given:
        if setting not in defaults:
            raise unknown(f"setting of {name}", setting, [each for each in defaults if each != "seed"] or ["none"])
    seeds = {"seed": seed} if "seed" in defaults else {}
    return {**defaults, **given, **seeds}
