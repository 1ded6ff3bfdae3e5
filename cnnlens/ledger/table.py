"""The table: each technique on each network, how faithful, how stable, how long an image takes."""

from dataclasses import dataclass, field

from ..results import Result


@dataclass(frozen=True)
class Row:
    """One technique on one network and one set of images.

    Attributes
    ----------
    technique : {"neurons", "activations", "t-SNE", "LIME"}
    network, data : str
        Names, such as "lenet" and "mnist".
    tells : str
        What the technique tells, in one sentence.
    faithful : float
        How far what it shows is true of the network.
    faithful_means : str
        What that number is, and what its best and worst would be.
    stable : float
        How far another seed shows the same.
    stable_means : str
    seconds : float
        For one image, measured on this machine.
    sources : dict of str to str
        Network and images it was measured on.
    stands_in : tuple of str
        Which of them are stand-ins.
    """

    technique: str
    network: str
    data: str
    tells: str
    faithful: float
    faithful_means: str
    stable: float
    stable_means: str
    seconds: float
    sources: dict
    stands_in: tuple


@dataclass(frozen=True)
class Gap:
    """A cell of the table that cannot be filled here, and why."""

    technique: str
    network: str
    data: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Table(Result):
    """Techniques × networks × images.

    Attributes
    ----------
    rows : tuple of Row
    gaps : tuple of Gap
        Combinations that cannot be measured with what is here.
    """

    rows: tuple = field(default_factory=tuple)
    gaps: tuple = field(default_factory=tuple)


def assess(profile="quick", *, seed=0, path=None, progress=True):
    """Measure every technique on every network.

    Parameters
    ----------
    profile : {"quick", "full"}
    seed : int
    path : path, optional
        A JSON file; rows that stand in it with the same profile, seed, version and sources are not measured again.
    progress : bool

    Returns
    -------
    Table
    """
    raise NotImplementedError
