"""The control: the same network without what it has learned."""

from ...network import Network
from ...zoo import reinitialized


def untrained(net, seed=0):
    """A copy of a network with fresh random weights, to see what of a picture is the network's and what the method's.

    Parameters
    ----------
    net : Network, keras.Model, name or path
    seed : int

    Raises
    ------
    CnnlensError
        If the model's class does not let Keras copy it.

    Examples
    --------
    >>> from cnnlens import neurons
    >>> neurons.untrained("lenet", seed=1).source
    'untrained copy of lenet, seed 1'
    """
    net = Network.of(net)
    source = f"untrained copy of {net.name}, seed {seed}"
    return net.like(reinitialized(net.model, seed), name=f"untrained {net.name}", source=source)
