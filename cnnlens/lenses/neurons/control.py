"""The control: the same network without what it has learned."""

import keras

from ...errors import CnnlensError
from ...network import Network


def untrained(net, seed=0):
    """A copy of a network with fresh random weights, to see what of a picture is the network's and what the method's.

    Parameters
    ----------
    net : Network
    seed : int

    Raises
    ------
    CnnlensError
        If the model's class does not let Keras copy it.
    """
    keras.utils.set_random_seed(seed)
    try:
        model = keras.models.clone_model(net.model)
    except Exception as error:
        raise CnnlensError(
            f"{net.name} cannot be copied with fresh weights ({type(error).__name__}): "
            "Keras copies Sequential and functional models."
        ) from error
    source = f"untrained copy of {net.name}, seed {seed}"
    return Network(model, f"untrained {net.name}", classes=net.classes, source=source, preprocessing=net.preprocessing)
