"""Weights put into a model: from a file, or drawn anew."""

import contextlib
import random
from pathlib import Path

import numpy as np

from .. import device  # noqa: F401  (sets TensorFlow's environment before it is imported)
from ..errors import CnnlensError, first_line

import keras


def fill(model, path):
    """Load a weights file into a model, or say in one error why it does not fit.

    Raises
    ------
    CnnlensError
        If the file is no weights file or is of another architecture; the model keeps its weights.
    """
    before = model.get_weights()
    try:
        model.load_weights(path)
    except Exception as error:  # Keras and h5py raise a dozen kinds here
        model.set_weights(before)
        raise CnnlensError(
            f"{Path(path).name} does not fit {model.name} ({model.count_params():,} parameters): {first_line(error)} "
            "It must be a Keras weights file (.weights.h5, or .h5 of keras.applications) of the same architecture."
        ) from error


@contextlib.contextmanager
def seeded(seed):
    """While open, models are built with the weights of this seed; afterwards the generators are where they were.

    Keras draws the seed of each layer's initializer and dropout from Python's generator; NumPy's is for layers of a
    user that initialize themselves.
    """
    python, numpy = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


def reinitialized(model, seed=0):
    """A copy of a model with fresh random weights: the control that a claim about trained weights needs.

    Parameters
    ----------
    model : keras.Model
        Sequential, functional, or a class of its own with ``get_config`` and ``from_config``.
    seed : int
        Repeats the same weights.

    Returns
    -------
    keras.Model

    Raises
    ------
    CnnlensError
        If the model's class does not let Keras copy it.
    """
    with seeded(seed):
        try:
            return keras.models.clone_model(model)
        except Exception as error:
            raise CnnlensError(
                f"{model.name} cannot be copied with fresh weights ({type(error).__name__}): "
                "Keras copies Sequential and functional models."
            ) from error
