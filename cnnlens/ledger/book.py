"""The ledger: every claim with its measurement and verdict, kept in one JSON file that a broken run goes on from."""

import datetime
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tqdm.auto import tqdm

from .. import __version__, files
from ..errors import unknown
from ..results import Result
from . import io, on_activations, on_attribution, on_embedding, on_neurons, on_superpixels
from .claim import OPEN, VERDICTS, CannotTell, Support, settle
from .context import Context
from .fingerprint import fingerprint
from .intervals import Difference, difference

COMMITTED = ("data", "ledger.json")  # shipped: measured at full on the real data
PROFILES = ("quick", "full")
TECHNIQUES = (
    on_neurons,
    on_activations,
    on_embedding,
    on_superpixels,
    on_attribution,
)  # the dissertation's in its order, then others'
CLAIMS = {claim.key: claim for technique in TECHNIQUES for claim in technique.claims}


@dataclass(frozen=True)
class Entry:
    """One line of the ledger: what was measured. What the claim says is read from the claim.

    Attributes
    ----------
    key : str
        Of the claim.
    fingerprint : str
        Of the code and the sizes that it was measured with; see :func:`~.fingerprint.fingerprint`.
    support : str
        The range that the verdict was settled with.
    verdict : {"holds", "does not hold", "cannot be told here"}
    missing : str
        What it would have taken, where nothing could be measured.
    measured : dict or None
        ``value``, ``control``, ``low``, ``high``, ``seeds``, ``items``; None where nothing could be measured.
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
    fingerprint: str
    support: str
    verdict: str
    missing: str
    measured: dict | None
    sources: dict
    stands_in: tuple
    profile: str
    date: str
    version: str
    seconds: float
    seed: int = 0

    @property
    def claim(self):
        """The :class:`~.claim.Claim` that it answers."""
        if self.key not in CLAIMS:
            raise unknown("claim", self.key, CLAIMS)
        return CLAIMS[self.key]

    @property
    def technique(self):
        """Of the claim."""
        return self.claim.technique

    @property
    def found(self):
        """What was measured as a :class:`~.intervals.Difference`; None where nothing could be."""
        return None if self.measured is None else Difference(**self.measured)

    @property
    def range(self):
        """What counted as support, as a :class:`~.claim.Support`."""
        return Support.parse(self.support)

    @property
    def reason(self):
        """Why it cannot be told, or what was measured; one sentence."""
        found = self.found
        if found is None:
            return self.missing
        return (
            f"{found.value:.3g} against {found.control:.3g}: a difference of {found.difference:.3g} "
            f"({found.low:.3g} to {found.high:.3g}), where support is {self.support}."
        )

    @property
    def stale(self):
        """Whether the claim is measured in another way today: its code, its sizes, or its range of support changed."""
        today = fingerprint(self.claim.measure, self.claim.sizes[self.profile])
        return (self.fingerprint, self.support) != (today, str(self.claim.support))


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
        technique : {"neurons", "activations", "t-SNE", "LIME", "attribution"}
        """
        if technique not in self.techniques:
            raise unknown("technique", technique, self.techniques)
        return self.only(entry.key for entry in self.entries if entry.technique == technique)

    def only(self, keys):
        """Some of the claims, as a ledger; in the order of this one."""
        entries = {key: self[key] for key in keys}
        kept = tuple(entry for entry in self.entries if entry.key in entries)
        return Ledger(entries=kept, source=io.source(kept), settings=self.settings)

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
    size = claim.sizes[profile]
    context = Context(size, kept)
    began = time.perf_counter()
    try:
        values, controls = zip(*(claim.measure(context, seed + number) for number in range(size["seeds"])))
        found = difference(values, controls, seed=seed)
        verdict, missing, measured = settle(claim.support, found), "", asdict(found)
    except CannotTell as lacking:
        verdict, missing, measured = OPEN, str(lacking), None
    return Entry(
        key=claim.key,
        fingerprint=fingerprint(claim.measure, size),
        support=str(claim.support),
        verdict=verdict,
        missing=missing,
        measured=measured,
        sources=dict(context.sources),
        stands_in=context.stands_in,
        profile=profile,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        version=__version__,
        seconds=round(time.perf_counter() - began + context.borrowed, 2),
        seed=seed,
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
        A JSON file; claims that stand in it with the same profile, seed, version and sources are not measured again,
        unless their code, sizes, or support changed.
    progress : bool

    Returns
    -------
    Ledger

    Raises
    ------
    CnnlensError
        If there is no such claim or profile, or the file is no ledger.
    """
    if profile not in PROFILES:
        raise unknown("profile", profile, PROFILES)
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
            if entry is None or not _stands(entry, profile, seed, kept):
                entry = done[key] = measure(CLAIMS[key], profile=profile, seed=seed, kept=kept)
                if path:
                    write(Ledger(entries=tuple(sorted(done.values(), key=_place))), path)
            entries.append(entry)
    return Ledger(entries=tuple(entries), source=io.source(entries), settings={"profile": profile, "seed": seed})


def _stands(entry, profile, seed, kept=None):
    """Whether an old entry answers the claim as it is put today, on what is here today."""
    same = (entry.profile, entry.seed, entry.version) == (profile, seed, __version__)
    # an entry without a source found nothing to measure on: whether that is still so can only be seen by trying
    return same and not entry.stale and bool(entry.sources) and measurable(entry, kept)


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
    context = Context({}, kept)
    photos = {"photographs": context.photos, "photographs of packages": context.shipped}
    if name in photos:
        return photos[name]().source
    try:
        return (context.data(name) if name in ("mnist", "cifar10") else context.net(name)).source
    except CannotTell:  # the weights that it was measured with are not here
        return None


def _place(entry):
    return list(CLAIMS).index(entry.key)


def write(ledger, path):
    """Write a ledger as JSON, whole or not at all."""
    io.write(path, claims=ledger.entries)


def read(path=None):
    """A ledger from its JSON file; without a path the committed one, measured on the real data.

    Entries of claims that exist no longer are left out.

    Raises
    ------
    CnnlensError
        If the file is missing or is no ledger.
    """
    (entries,) = io.read(path or files.shipped(*COMMITTED), "ledger", claims=Entry)
    entries = tuple(entry for entry in entries if entry.key in CLAIMS)
    return Ledger(entries=entries, source=io.source(entries))
