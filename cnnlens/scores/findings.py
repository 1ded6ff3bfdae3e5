"""What was found wrong: one plain sentence each, in order of weight."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that is wrong with a network or with its images, or that makes its figures untrustworthy.

    Attributes
    ----------
    name : str
        What kind of fault, in two or three words, such as ``"dead units"``.
    sentence : str
        What was found and how large it is: one whole sentence that a practitioner understands.
    weight : float
        In [0, 1]: about which share of the answers it can have spoiled, or makes doubtful. Sorts the findings.
    advice : str
        What to do next, one sentence.
    evidence : dict
        The numbers behind the sentence, by name.
    """

    name: str
    sentence: str
    weight: float
    advice: str = ""
    evidence: dict = field(default_factory=dict, compare=False)

    def __str__(self):
        return self.sentence


def heaviest(findings, most=5):
    """The findings that weigh most, the heaviest first; of equal ones, the one found first.

    Parameters
    ----------
    findings : iterable of Finding
    most : int
        No more than so many.

    Returns
    -------
    list of Finding

    Examples
    --------
    >>> dead = Finding(name="dead units", sentence="Half of conv2 is dead.", weight=0.5)
    >>> fed = Finding(name="wrong range", sentence="It is fed 0 to 1, and learned 0 to 255.", weight=1.0)
    >>> [str(each) for each in heaviest([dead, fed], most=1)]
    ['It is fed 0 to 1, and learned 0 to 255.']
    """
    return sorted(findings, key=lambda finding: -finding.weight)[:most]
