"""Class models: images that a network takes for the very model of a class (dissertation 4.4.3)."""

import numpy as np

from ...errors import CnnlensError
from ...labels import class_index
from ...network import Network
from .framing import own_size
from .maximization import maximize
from .result import ClassModels


def class_models(net, labels, *, penalty=None, steps=128, seed=0, **settings):
    """Images of classes: ``argmax S_c(I) − λ‖I‖²``, from the scores before the softmax.

    Parameters
    ----------
    net : Network, keras.Model, name or path
        That classifies.
    labels : sequence of str or int, or one of them
        Names or numbers of classes.
    penalty : float, optional
        λ. The norm counts from the color that the network takes as zero (black for LeNet, the mean color of ImageNet
        for VGG16). By default 20 divided by the number of pixel values: a weight that an image of any size feels alike.
    steps, seed, **settings
        As for :func:`.maximize`.

    Returns
    -------
    ClassModels

    References
    ----------
    Simonyan, Vedaldi and Zisserman 2014, "Deep Inside Convolutional Networks", section 2.

    Examples
    --------
    >>> from cnnlens import neurons
    >>> neurons.class_models("lenet", [3, "7"], steps=2).names
    ('3', '7')
    """
    net = Network.of(net)
    labels = [labels] if isinstance(labels, (str, int)) else list(labels)
    if net.class_count is None:
        raise CnnlensError(
            f"{net.name} ({net.source}) has no classifier, so it has no class models. Use a network that classifies."
        )
    classes = net.classes or tuple(str(i) for i in range(net.class_count))
    numbers = [class_index(label, classes, net.class_count) for label in labels]
    goal = {"units": numbers}
    if net.layer(net.head).units != net.class_count:  # one unit for two classes: up for the one, down for the other
        goal = {"directions": [net.class_direction(number) for number in numbers]}
    penalty = 20 / (np.prod(own_size(net)) * net.channels) if penalty is None else penalty
    found = maximize(net, net.head, **goal, penalty=penalty, steps=steps, seed=seed, **settings)
    scores = net.predict(found.images, progress=False)
    named = {"units": np.array(numbers), "names": tuple(classes[number] for number in numbers)}
    return ClassModels(
        **{**vars(found), **named},
        predicted=tuple(classes[i] for i in scores.argmax(1)),
        probability=scores[np.arange(len(numbers)), numbers],
    )
