"""A network on its way to the workers of a cluster."""

import tempfile
from pathlib import Path

from .. import zoo
from ..errors import CnnlensError, first_line
from ..network import Network

FEEDING = ("name", "classes", "preprocessing", "output", "fixed", "fit", "scores")  # of a network, besides its model


class Sent:
    """A network on its way to workers: the bytes of a ``.keras`` file, opened there in safe mode as any other.

    Parameters
    ----------
    net : Network

    Raises
    ------
    CnnlensError
        If it cannot be saved.
    """

    def __init__(self, net):
        self._feeding = {**{each: getattr(net, each) for each in FEEDING}, "source": net.source}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "network.keras"
            try:
                net.model.save(path)
                self._file = path.read_bytes()
            except Exception as error:  # Keras complains in many ways of what it cannot save
                raise CnnlensError(
                    f"{net.name} cannot be sent to workers, because Keras cannot save it ({first_line(error)}). Leave "
                    "out --workers and --cluster."
                ) from error

    def __call__(self):
        """The network, as it was."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "network.keras"
            path.write_bytes(self._file)
            return Network(zoo.load(path).model, **self._feeding)
