"""How often the pictures misled: guesses made before measuring, set against the verdicts."""

from dataclasses import dataclass, field

from ..errors import unknown
from ..results import Result
from .claim import FAILS, HOLDS, VERDICTS

RIGHT, MISLED, DOUBTED, UNSETTLED = "right", "misled", "doubted", "unsettled"
KINDS = {
    RIGHT: "guessed the verdict",
    MISLED: "guessed that it holds; it does not",
    DOUBTED: "guessed that it does not hold; it does",
    UNSETTLED: "one of the two, guess or measurement, could not tell",
}


@dataclass(frozen=True)
class Guess:
    """One guess and what came of it.

    Attributes
    ----------
    key, technique, statement : str
        The claim.
    guess, verdict : {"holds", "does not hold", "cannot be told here"}
    """

    key: str
    technique: str
    statement: str
    guess: str
    verdict: str

    @property
    def kind(self):
        """One of ``KINDS``."""
        if self.guess == self.verdict:
            return RIGHT
        return {(HOLDS, FAILS): MISLED, (FAILS, HOLDS): DOUBTED}.get((self.guess, self.verdict), UNSETTLED)


@dataclass(frozen=True, kw_only=True)
class Tally(Result):
    """Guesses against verdicts.

    Attributes
    ----------
    guesses : tuple of Guess
        In the order of the ledger; claims without a guess are left out.
    """

    guesses: tuple = field(default_factory=tuple)

    def of(self, kind):
        """The guesses of one of ``KINDS``."""
        return tuple(guess for guess in self.guesses if guess.kind == kind)

    @property
    def sentence(self):
        """The count in one sentence, and the claims where the picture misled."""
        count, right, misled = len(self.guesses), len(self.of(RIGHT)), self.of(MISLED)
        said = f"Right in {right} of {count}."
        if misled:
            said += (
                f" Said to hold, and measured not to ({len(misled)}): " + ", ".join(guess.key for guess in misled) + "."
            )
        return said

    def __str__(self):
        return self.sentence


def tally(ledger, guesses):
    """Set guesses against the verdicts of a ledger.

    Parameters
    ----------
    ledger : Ledger
    guesses : dict of str to str
        A verdict by the key of its claim; None means no guess yet. Claims may be left out.

    Returns
    -------
    Tally

    Raises
    ------
    CnnlensError
        If there is no such claim or verdict.
    """
    made = {key: guess for key, guess in guesses.items() if guess is not None}
    for key, guess in made.items():
        ledger[key]
        if guess not in VERDICTS:
            raise unknown("verdict", guess, VERDICTS)
    rows = (
        Guess(entry.key, entry.technique, entry.claim.statement, made[entry.key], entry.verdict)
        for entry in ledger.entries
        if entry.key in made
    )
    return Tally(guesses=tuple(rows), source=ledger.source)


def authors(ledger):
    """The guesses of those who made the claims, the dissertation's author and others: that every one of them holds."""
    return {entry.key: HOLDS for entry in ledger.entries}
