"""The ledger: every claim with its measurement and verdict, kept in one JSON file that a broken run goes on from."""

import dataclasses
import datetime
import functools
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from .. import __version__, files
from ..cluster import Loop
from ..errors import CnnlensError, unknown
from ..results import Result
from . import io, on_activations, on_attribution, on_embedding, on_neurons, on_superpixels
from .claim import OPEN, VERDICTS, CannotTell, Support, settle
from .context import Context
from .fingerprint import fingerprint
from .intervals import CONFIDENCE, Difference, difference
from .power import Need, to_settle, to_tell_from_nothing

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
        The fields of a :class:`~.intervals.Difference`; None where nothing could be measured.
    sources : dict of str to str
        Networks and data it was measured on.
    stands_in : tuple of str
        Which of them are stand-ins.
    profile, date, version : str
    seconds : float
        That it takes alone, with what it shares with other claims made anew.
    seed : int
        The first of the seeds.
    design : str
        How the sample was drawn that the interval was computed for; empty in ledgers of before 0.2.
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
    design: str = ""

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
        said = (
            f"{found.value:.3g} against {found.control:.3g}: a difference of {found.difference:.3g} "
            f"({found.low:.3g} to {found.high:.3g}), where support is {self.support}."
        )
        return f"{said} It {self.would_need}." if self.would_need else said

    def at(self, confidence):
        """The entry as it would be with its interval at another confidence."""
        low, high = map(float, self.found.interval(confidence))
        verdict = settle(self.range, dataclasses.replace(self.found, low=low, high=high))
        return dataclasses.replace(self, verdict=verdict, measured={**self.measured, "low": low, "high": high})

    @property
    def would_need(self):
        """What would settle what cannot be told: "would need about 90 photographs"; empty where nothing is open."""
        if self.verdict != OPEN or self.found is None or np.isnan(self.found.by_seeds):
            return ""
        need = to_settle(self.found, self.range)
        words = f"would need {need.words(self.claim.items)}"
        return words if need != Need() else "is settled by no number: the difference lies at the range's end"

    @property
    def plan(self):
        """How many tell the claim's support from nothing, such as "about 24 photographs"; the difference plays no part.

        Empty where the spread is not known, or the range begins at nothing.
        """
        found = self.found
        if found is None or np.isnan(found.by_seeds) or found.exact:
            return ""
        need = to_tell_from_nothing(found, self.range)
        return "" if need == Need() else need.words(self.claim.items)

    @property
    def stale(self):
        """Whether the claim is measured in another way today: code, sizes, design, or range of support changed."""
        claim = self.claim
        today = fingerprint(claim.measure, claim.sizes[self.profile]), str(claim.support), claim.design
        return (self.fingerprint, self.support, self.design) != today


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

    @property
    def as_made(self):
        """The claims themselves, as a ledger: without other readings of them and without further networks."""
        return self.only(entry.key for entry in self.entries if entry.claim.as_made)

    def only(self, keys):
        """Some of the claims, as a ledger; in the order of this one."""
        entries = {key: self[key] for key in keys}
        kept = tuple(entry for entry in self.entries if entry.key in entries)
        return Ledger(entries=kept, source=io.source(kept), settings=self.settings)

    def adjusted(self, rate=1 - CONFIDENCE):
        """The same entries under intervals that allow for how many verdicts are asked for at once.

        Of the verdicts that are given here, not of all intervals, at most one in twenty is expected to be wrong. Each
        interval is taken at the confidence ``1 - rate * decided / asked``, with the largest number of decided claims
        that such intervals still decide: the false coverage-statement rate of Benjamini and Yekutieli (2005, "False
        discovery rate-adjusted multiple confidence intervals for selected parameters"), which selects as Benjamini and
        Hochberg (1995) do. Both hold for independent and for positively dependent claims; these share networks and
        images, which is such a dependence. Arithmetic stays as it is and is not counted.

        Parameters
        ----------
        rate : float
            Of wrong verdicts among those given, 0 to 1.

        Returns
        -------
        Ledger
            Whose ``settings["confidence"]`` is that of its intervals.
        """
        asked = [entry for entry in self.entries if entry.found is not None and not entry.found.exact]
        before, decided = None, len(asked)
        while decided != before:  # wider intervals decide fewer: from above this ends at the largest number that lasts
            before, confidence = decided, 1 - rate * max(decided, 1) / max(len(asked), 1)
            stricter = {entry.key: entry.at(confidence) for entry in asked}
            decided = sum(entry.verdict != OPEN for entry in stricter.values())
        entries = tuple(stricter.get(entry.key, entry) for entry in self.entries)
        return Ledger(entries=entries, source=self.source, settings={**self.settings, "confidence": confidence})

    def counts(self):
        """How many claims met each verdict, as a dict."""
        return {verdict: sum(entry.verdict == verdict for entry in self.entries) for verdict in VERDICTS}

    @property
    def summary(self):
        """How the claims fare, and how what asks once more does: two sentences."""
        made, everything = (
            "{} hold, {} do not hold, {} cannot be told here".format(*ledger.counts().values())
            for ledger in (self.as_made, self)
        )
        return (
            f"Of {len(self.as_made.entries)} claims {made}. With those that were asked once more, by another "
            f"measure, of another sample, or on another network, there are {len(self.entries)} entries: {everything}."
        )


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
        found = difference(values, controls, claim.design)
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
        design=claim.design,
    )


def answer(kept, key, how):
    """What an engine does for a claim: :func:`measure` it.

    Parameters
    ----------
    kept : dict
        Shared between the claims that this process measures.
    key : str
    how : dict
        ``profile`` and ``seed``.

    Returns
    -------
    Entry
    """
    return measure(CLAIMS[key], kept=kept, **how)


def audit(keys=None, *, profile="quick", seed=0, path=None, progress=True, engine=None):
    """Measure claims, and keep each as soon as it is settled.

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
    engine : callable, optional
        From jobs (key, how) to (key, what :func:`answer` gives, seconds), in any order, such as the
        :class:`~cnnlens.cluster.workers.Workers` of a cluster. By default one claim is measured after the other, here.

    Returns
    -------
    Ledger

    Raises
    ------
    CnnlensError
        If there is no such claim or profile, the file is no ledger, or workers have other networks or data.
    """
    if profile not in PROFILES:
        raise unknown("profile", profile, PROFILES)
    for key in keys or ():
        if key not in CLAIMS:
            raise unknown("claim", key, CLAIMS)
    path = Path(path) if path else None
    done = {entry.key: entry for entry in read(path).entries} if path and path.exists() else {}
    asked, kept, how = list(dict.fromkeys(keys or CLAIMS)), {}, {"profile": profile, "seed": seed}
    left = [key for key in asked if key not in done or not _stands(done[key], profile, seed, kept)]
    sources = {}
    with tqdm(asked, desc="claims", unit="claim", delay=2, initial=len(asked) - len(left), disable=not progress) as bar:

        def jobs():
            for key in left:
                bar.set_postfix_str(key)
                yield key, how

        for key, entry, _ in (engine or Loop(functools.partial(answer, kept)))(jobs()):
            _agrees(entry, sources)
            done[key] = entry
            if path:
                write(Ledger(entries=tuple(sorted(done.values(), key=_place))), path)
            bar.update()
    entries = tuple(done[key] for key in asked)
    return Ledger(entries=entries, source=io.source(entries), settings=how)


def _agrees(entry, sources):
    """Note what an entry was measured on; all of a run must have been measured on the same."""
    for name, source in entry.sources.items():
        if sources.setdefault(name, source) != source:
            raise CnnlensError(
                f"{entry.key} was measured on {name}: {source}; another claim on {sources[name]}. The workers do not "
                "have the same networks and data: run cnnlens fetch on each, or give all the same CNNLENS_DATA."
            )


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
