"""Copies of a network that have forgotten what it learned: what an explanation of the network must not survive."""

from ..errors import CnnlensError


def copied(net):
    """The same network around a copy of its model, whose weights may be changed.

    Examples
    --------
    >>> from cnnlens import zoo
    >>> net = zoo.load("lenet", weights="random")
    >>> copied(net).model is net.model
    False
    """
    import keras

    try:
        model = keras.models.clone_model(net.model)
        model.set_weights(net.model.get_weights())
    except (TypeError, ValueError, NotImplementedError) as error:
        raise CnnlensError(
            f"{net.name} cannot be copied ({error}), so its weights cannot be randomized without losing them. "
            "Rebuild it as a Sequential or functional model."
        ) from error
    return net.like(model)


def shuffle(values, generator):
    """An array with its values in other places.

    Examples
    --------
    >>> import numpy as np
    >>> shuffle(np.arange(4).reshape(2, 2), np.random.default_rng(2))
    array([[3, 2],
           [0, 1]])
    """
    return generator.permuted(values.ravel()).reshape(values.shape)
