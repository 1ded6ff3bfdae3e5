"""The ledger: every claim with its measurement and verdict, kept in one JSON file that a broken run goes on from."""

import datetime
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tqdm.auto import tqdm

from .. import __version__, files
from ..errors import unknown
from ..results import Result
from ..scores.evidence import Difference, difference
from . import rows
from .claim import CLAIMS, OPEN, VERDICTS, CannotTell, Support, settle
from .materials import Materials

COMMITTED = Path("data") / "ledger.json"  # in the repository: measured at full on the real data


@dataclass(frozen=True)
class Entry:
    """One line of the ledger.

    Attributes
    ----------
    key, section, technique, says, figure, control, support, why : str
        As the claim said before it was measured.
    verdict : {"holds", "does not hold", "cannot be told here"}
    reason : str
        Why it cannot be told, or what the figures say; one sentence.
    measured : dict or None
        ``figure``, ``control``, ``low``, ``high``, ``seeds``, ``items``; None where nothing could be measured.
    sources : dict of str to str
        Networks and data it was measured on.
    stands_in : tuple of str
        Which of them are stand-ins.
    profile, date, version : str
    seconds : float
        That it takes alone, with what it shares with other claims made anew.
    seed : int
        The first of the seeds.
    """

    key: str
    section: str
    technique: str
    says: str
    looked_at: str
    figure: str
    control: str
    support: str
    why: str
    verdict: str
    reason: str
    measured: dict | None
    sources: dict
    stands_in: tuple
    profile: str
    date: str
    version: str
    seconds: float
    seed: int = 0

    @property
    def found(self):
        """What was measured as a :class:`~cnnlens.scores.evidence.Difference`; None where nothing could be."""
        return None if self.measured is None else Difference(**self.measured)

    @property
    def range(self):
        """What would have counted as support, as a :class:`~.claim.Support`."""
        return Support.parse(self.support)


@dataclass(frozen=True, kw_only=True)
class Ledger(Result):
    """Entries in the order of the claims.

    Attributes
    ----------
    entries : tuple of Entry
    """

    entries: tuple = field(default_factory=tuple)

    def __getitem__(self, key):
        for entry in self.entries:
            if entry.key == key:
                return entry
        raise unknown("claim", key, [entry.key for entry in self.entries])

    @property
    def techniques(self):
        """The techniques of the claims, each once, as a tuple."""
        return tuple(dict.fromkeys(entry.technique for entry in self.entries))

    def of(self, technique):
        """The claims of one technique, as a ledger.

        Parameters
        ----------
        technique : {"neurons", "activations", "t-SNE", "LIME"}
        """
        if technique not in self.techniques:
            raise unknown("technique", technique, self.techniques)
        return self.only(entry.key for entry in self.entries if entry.technique == technique)

    def only(self, keys):
        """Some of the claims, as a ledger; in the order of this one."""
        entries = {key: self[key] for key in keys}
        kept = tuple(entry for entry in self.entries if entry.key in entries)
        return Ledger(entries=kept, source=rows.source(kept), settings=self.settings)

    def counts(self):
        """How many claims met each verdict, as a dict."""
        return {verdict: sum(entry.verdict == verdict for entry in self.entries) for verdict in VERDICTS}


def measure(claim, *, profile="quick", seed=0, kept=None):
    """Measure one claim under all its seeds and settle it.

    Parameters
    ----------
    claim : Claim
    profile : {"quick", "full"}
    seed : int
        The first of the seeds.
    kept : dict, optional
        Shared between claims so that networks, data and images are made once.

    Returns
    -------
    Entry
    """
    size = getattr(claim, profile)
    at = Materials(size, kept)
    began = time.perf_counter()
    try:
        figures, controls = zip(*(claim.measure(at, seed + number) for number in range(size["seeds"])))
        found = difference(figures, controls, seed=seed)
        verdict, reason = settle(claim.support, found), _sentence(claim, found)
        measured = asdict(found)
    except CannotTell as lacking:
        verdict, reason, measured = OPEN, str(lacking), None
    said = {
        name: getattr(claim, name)
        for name in ("key", "section", "technique", "says", "looked_at", "figure", "control", "why")
    }
    return Entry(
        **said,
        support=str(claim.support),
        verdict=verdict,
        reason=reason,
        measured=measured,
        sources=dict(at.sources),
        stands_in=at.stands_in,
        profile=profile,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        version=__version__,
        seconds=round(time.perf_counter() - began + at.borrowed, 2),
        seed=seed,
    )


def _sentence(claim, found):
    return (
        f"{found.figure:.3g} against {found.control:.3g}: a difference of {found.value:.3g} "
        f"({found.low:.3g} to {found.high:.3g}), where support is {claim.support}."
    )


def audit(keys=None, *, profile="quick", seed=0, path=None, progress=True):
    """Measure claims, one after the other, and keep each as soon as it is settled.

    Parameters
    ----------
    keys : sequence of str, optional
        Which claims; all by default.
    profile : {"quick", "full"}
    seed : int
    path : path, optional
        A JSON file; claims that stand in it with the same profile, seed, version and sources are not measured again.
    progress : bool

    Returns
    -------
    Ledger

    Raises
    ------
    CnnlensError
        If there is no such claim or profile, or the file is no ledger.
    """
    if profile not in ("quick", "full"):
        raise unknown("profile", profile, ("quick", "full"))
    for key in keys or ():
        if key not in CLAIMS:
            raise unknown("claim", key, CLAIMS)
    path = Path(path) if path else None
    done = {entry.key: entry for entry in read(path).entries} if path and path.exists() else {}
    kept, entries = {}, []
    with tqdm(list(keys or CLAIMS), desc="claims", unit="claim", delay=2, disable=not progress) as bar:
        for key in bar:
            bar.set_postfix_str(key)
            entry = done.get(key)
            if entry is None or not _stands(entry, CLAIMS[key], profile, seed, kept):
                entry = done[key] = measure(CLAIMS[key], profile=profile, seed=seed, kept=kept)
                if path:
                    write(Ledger(entries=tuple(sorted(done.values(), key=_place))), path)
            entries.append(entry)
    return Ledger(entries=tuple(entries), source=rows.source(entries), settings={"profile": profile, "seed": seed})


def _stands(entry, claim, profile, seed, kept=None):
    """Whether an old entry answers the claim as it is put today, on what is here today."""
    same = (entry.profile, entry.seed, entry.version) == (profile, seed, __version__)
    put = all(
        getattr(entry, name) == getattr(claim, name) for name in ("says", "figure", "control", "why")
    ) and entry.support == str(claim.support)
    # an entry without a source found nothing to measure on: whether that is still so can only be seen by trying
    return same and put and bool(entry.sources) and measurable(entry, kept)


def measurable(entry, kept=None):
    """Whether what an entry was measured on is here now, source for source.

    Parameters
    ----------
    entry : Entry
    kept : dict, optional
        As for :func:`measure`.
    """
    return all(_source_now(name, kept) == source for name, source in entry.sources.items())


def _source_now(name, kept):
    at = Materials({}, kept)
    photos = {"photographs": at.photos, "photographs of packages": at.shipped}
    if name in photos:
        return photos[name]().source
    return (at.data(name) if name in ("mnist", "cifar10") else at.net(name)).source


def _place(entry):
    return list(CLAIMS).index(entry.key) if entry.key in CLAIMS else len(CLAIMS)


def write(ledger, path):
    """Write a ledger as JSON, whole or not at all."""
    rows.write(path, claims=ledger.entries)


def read(path=None):
    """A ledger from its JSON file; without a path the committed one, measured on the real data.

    Raises
    ------
    CnnlensError
        If the file is missing or is no ledger.
    """
    (entries,) = rows.read(path or files.repository() / COMMITTED, "ledger", claims=Entry)
    return Ledger(entries=entries, source=rows.source(entries))
