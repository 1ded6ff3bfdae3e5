"""Network: a Keras model, how to feed it, what it answers, and where it came from."""

import functools
import importlib
import os
import warnings

import numpy as np

from . import device  # noqa: F401  (sets TensorFlow's environment before it is imported)
import keras
import tensorflow as tf
from tqdm.auto import tqdm

from . import preprocessing as preprocessings
from .errors import CnnlensError, unknown
from .opened import NOMINAL_SIZE, OpenedModel
from .pixels import FITS, as_pixels, fitted, with_channels
from .preprocessing import Preprocessing


class Network(OpenedModel):
    """A Keras CNN with what is needed to look inside it: images in, arrays out.

    Parameters
    ----------
    model : keras.Model
        Any image model: one input (N, H, W, C), and others only if ``fixed`` holds them.
    name : str, optional
        What to call it; the model's own name by default.
    classes : sequence of str, optional
        Names of its classes.
    source : str
        One line that says where its weights came from; every figure carries it, with what was assumed or added.
    preprocessing : Preprocessing
        From pixels in [0, 1] to the model's own input.
    output : int or str, optional
        Which of several outputs to look at, by number or name; the first by default.
    fixed : dict of str to array, optional
        Values at which inputs that are no images are held, by the input's name: one row each.
    fit : {"crop", "stretch", "pad"}
        What is done to images of another size (:func:`cnnlens.pixels.fitted`).
    scores : {"auto", "logits", "as given"}
        What the output is. ``auto`` takes a dense layer or convolution that ends without an activation for logits, to
        which :meth:`predict` adds the softmax. Say ``as given`` for one that is no classifier, such as an embedding or
        a regression.

    Attributes
    ----------
    size : (int, int) or None
        Height and width that the model insists on, None if any will do.
    channels : int
        1 (grey), 3 (RGB), or as many as the model takes.
    origin : str
        ``source`` without what was chosen or added.
    """

    def __init__(
        self,
        model,
        name=None,
        *,
        classes=None,
        source="weights as given",
        preprocessing=Preprocessing(),
        output=None,
        fixed=None,
        fit="crop",
        scores="auto",
    ):
        if fit not in FITS:
            raise unknown("way to fit images", fit, FITS)
        super().__init__(model, name or model.name, preprocessing, output, fixed, scores)
        self.classes = tuple(classes) if classes is not None else None
        self.fit = fit
        self.origin, self._fed_with = source, ""

    @classmethod
    def of(cls, network, *, classes=None, pixels="auto", output=None, fixed=None, **settings):
        """The Network around whatever a lens is given: every lens and explorer goes through this one door.

        Parameters
        ----------
        network : Network, keras.Model, str or path
            A Network stays as it is unless something else is given; so does the one made of a model, which the model
            keeps, so that nothing is compiled twice. A name is one of the zoo's, a path that of a ``.keras`` file.
        classes : sequence of str, optional
            Names of the classes.
        pixels : str, pair, callable or Preprocessing
            What to feed (:func:`cnnlens.preprocessing.chosen`): ``"0-1"``, ``"-1-1"``, ``"0-255"``; a pair (mean,
            standard deviation); Keras's words ``"tf"``, ``"torch"``, ``"caffe"``; a function; or ``"auto"``, which
            looks for layers that scale, and says in ``source`` where it guessed.
        output : int or str, optional
            Which of several outputs.
        fixed : dict, optional
            Values of inputs that are no images.
        **settings
            ``name``, ``source``, ``fit`` and ``scores`` as of :class:`Network`.

        Returns
        -------
        Network

        Raises
        ------
        CnnlensError
            If it is nothing that can be opened, or an option does not fit the model.

        Examples
        --------
        >>> import keras
        >>> model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
        >>> net = Network.of(model, classes=["cat", "dog"], pixels="0-255")
        >>> net.predict(np.zeros((1, 8, 8, 3))).tolist()
        [[0.5, 0.5]]
        """
        given = {"classes": classes, "output": output, "fixed": fixed, **settings}
        given = {key: value for key, value in given.items() if value is not None}
        as_it_is = isinstance(pixels, str) and pixels == "auto"
        if as_it_is and not given:
            return cls._kept(network)
        if isinstance(network, keras.Model):
            net = cls._fed(network, pixels, **given)
        else:
            known = cls._kept(network)
            net = known.like(known.model, **given) if as_it_is else cls._fed(known.model, pixels, known, **given)
        if classes is not None and net.class_count not in (None, len(net.classes)):
            raise CnnlensError(f"{net.name} has {net.class_count} classes; {len(net.classes)} names came for them.")
        return net

    @classmethod
    def _kept(cls, network):
        """The Network itself, the one that a model keeps, or the one that a name or path means."""
        if isinstance(network, cls):
            return network
        if isinstance(network, (str, os.PathLike)):
            # A name means a network of the zoo, which is a floor above and so is looked up only now.
            return importlib.import_module(".zoo", __package__).load(network)
        if not isinstance(network, keras.Model):
            kind = type(network).__name__
            raise CnnlensError(f"Expected a Network, a Keras model, the name of a network, or a path; got {kind}.")
        if "_cnnlens" not in vars(network):
            object.__setattr__(network, "_cnnlens", cls._fed(network))  # past Keras's tracker, which would look into it
        return vars(network)["_cnnlens"]

    @classmethod
    def _fed(cls, model, pixels="auto", known=None, **given):
        """A Network that is fed these pixels, and says so in its source; all else as that of a known one."""
        preprocessing, sentence = preprocessings.chosen(model, pixels)
        given["preprocessing"] = preprocessing
        net = cls(model, **given) if known is None else known.like(model, **given)
        net._fed_with = sentence
        return net

    def like(self, model, **changes):
        """The same network around another model of the same inputs and outputs, such as a copy with other weights.

        Parameters
        ----------
        model : keras.Model
        **changes
            Arguments of :class:`Network` that are to differ, such as ``name`` or ``source``.
        """
        names = ("name", "classes", "preprocessing", "output", "fixed", "fit", "scores")
        net = Network(model, **{**{name: getattr(self, name) for name in names}, "source": self.origin, **changes})
        net._fed_with = "" if "preprocessing" in changes else self._fed_with
        return net

    @property
    def source(self):
        """Where the weights came from, and what was chosen or added to read the model's answer."""
        return "; ".join(filter(None, [self.origin, self._fed_with, *self._notes]))

    @source.setter
    def source(self, origin):
        self.origin = origin

    @functools.cached_property
    def _notes(self):
        """What a reader of a figure must know of how the model is read: whole phrases, none for a plain classifier."""
        held = [f"input {name!r} held at given values" for name in self.fixed]
        try:
            return held + self._head.notes(self.output is not None)
        except CnnlensError:  # a model that cannot be opened says so when it is asked for more
            return held

    def __repr__(self):
        size = "any size" if self.size is None else f"{self.size[0]}×{self.size[1]} px"
        what = f"{size}, {self.channels} channel(s), {self.model.count_params():,} parameters"
        return f"<Network {self.name}: {what}; {self.source}>"

    # --- images in -------------------------------------------------------------------------------------------

    def prepare(self, images, fit=None):
        """Check images and fit them to the network's size and channels; says so in a warning when it must.

        Parameters
        ----------
        images : array (N, H, W, C) or (H, W, C), float in [0, 1] or uint8
            uint8 is divided by 255.
        fit : {"crop", "stretch", "pad"}, optional
            How to fit images of another size (:func:`cnnlens.pixels.fitted`); the network's own ``fit`` by default.

        Returns
        -------
        ndarray (N, h, w, c), float32 in [0, 1]

        Raises
        ------
        CnnlensError
            If the array is no batch of images, holds NaN, is not in [0, 1], or has channels that cannot be converted.
        """
        fit = fit or self.fit
        if hasattr(images, "batch"):  # photographs of different sizes, cut to the size that this network wants
            images = images.batch(self.size or NOMINAL_SIZE, fit)
        pixels = as_pixels(images, self.channels)
        height, width, have = pixels.shape[1:]
        if self.size and (height, width) != self.size:
            alike = height * self.size[1] == width * self.size[0]
            done = "resized" if alike else FITS[fit]
            self._warn(f"{self.size[0]}×{self.size[1]} px; images of {height}×{width} px were {done}")
            pixels = fitted(pixels, self.size, fit)
        pixels = with_channels(pixels, self.channels)
        if have != self.channels:
            self._warn(f"{self.channels} channel(s); images with {have} were converted")
        return pixels

    def _warn(self, what):
        warnings.warn(f"{self.name} takes {what}.", stacklevel=4)

    def preprocess(self, images):
        """What the model itself is fed for these images: :meth:`prepare`, then :attr:`preprocessing`."""
        return self.preprocessing(self.prepare(images))

    def check(self, images):
        """Whether these images are fed to the model as it was trained (:func:`cnnlens.preprocessing.check`)."""
        return preprocessings.check(self, images)

    # --- scores out ------------------------------------------------------------------------------------------

    def predict(self, images, batch_size=64, progress=True, precision="float32"):
        """The probabilities of the classes for images, in batches: (N, classes).

        A model that ends in logits gets the softmax, one of a single probability p (or its logit) two classes, 1 − p
        and p; both are said in :attr:`source`. Several sigmoids stay what they are: independent probabilities.

        ``precision="auto"`` is for many images that need not be answered exactly: layers that give maps then compute in
        bfloat16 where the processor does (:meth:`lowered`).

        Raises
        ------
        CnnlensError
            If the network has no classifier, or its answer holds NaN.
        """
        return self._answer(images, batch_size, progress, False, precision)

    def logits(self, images, batch_size=64, progress=True, precision="float32"):
        """The scores before the last softmax or sigmoid, (N, classes); the output itself if there is none.

        Of a single logit z, the scores of the two classes are −z and z: the log-odds of each.
        """
        return self._answer(images, batch_size, progress, True, precision)

    def probabilities(self, logits):
        """The probabilities that :meth:`predict` would give, from what :meth:`logits` gave: (N, classes)."""
        return np.asarray(self._head.probabilities(logits))

    def _answer(self, images, batch_size, progress, logits, precision):
        how = {"logits": logits, "precision": self.lowered(precision)}
        function = self._graph(("scores", *how.values()), lambda pixels: {"": self.class_scores(pixels, **how)})
        scores = self._batches(function, images, [""], batch_size, progress)[""]
        if np.isnan(scores).any():
            raise CnnlensError(f"{self.name} answered NaN. Its weights ({self.source}) are damaged: load others.")
        return scores

    # --- layers ----------------------------------------------------------------------------------------------

    def read(self, images, layers, *, batch_size=64, progress=True, linear=False):
        """Outputs of several layers in one forward pass.

        Parameters
        ----------
        images : array (N, H, W, C)
            Pixels in [0, 1]; an array, or anything that can be sliced.
        layers : sequence of str
            Paths.
        batch_size : int
            Images per forward pass.
        progress : bool
            Show a bar when it takes more than two seconds.
        linear : bool
            Leave the last softmax or sigmoid away.

        Returns
        -------
        dict of str to ndarray (N, …)
        """
        paths = tuple(layers)
        return self._batches(self.compiled(paths, linear), images, paths, batch_size, progress)

    def _batches(self, function, images, paths, batch_size, progress):
        if len(images) == 0:
            raise CnnlensError("There are no images: expected an array (N, H, W, C) with N of at least 1.")
        if not hasattr(images, "batch") and np.ndim(images) == 3:
            images = images[None]
        parts = {path: [] for path in paths}
        starts = range(0, len(images), batch_size)
        for start in tqdm(starts, desc=self.name, unit="batch", delay=2, leave=False, disable=not progress):
            found = function(tf.constant(self.prepare(images[start : start + batch_size])))
            for path in paths:
                parts[path].append(found[path].numpy())
        return {path: np.concatenate(parts[path]) for path in paths}
