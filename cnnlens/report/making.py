"""Going through the parts: those that tell most first, for as long as there is time; one that fails stops no other."""

import dataclasses
import sys
import time
import traceback
import warnings

from tqdm.auto import tqdm

from .. import fingerprints, microscope
from ..errors import CnnlensError, first_line, unknown
from . import sections, sizes, subject
from .kept import Kept
from .parts import Part, Report


def report(
    model,
    images,
    *,
    minutes=None,
    profile="quick",
    seed=0,
    parts=None,
    classes=None,
    labels=None,
    pixels="auto",
    keep=None,
    store=None,
    progress=True,
):
    """A report on any network: what is wrong, if anything, and what the lenses show of it.

    Parameters
    ----------
    model : Network, keras.Model, name or path
        A ``.keras`` file is opened in safe mode; a name is one of the zoo's.
    images : path, Folder, Dataset, photographs, or array (N, H, W, C) in [0, 1]
        A folder may hold pictures, folders of classes, or ``train`` and ``test`` with these
        (:func:`cnnlens.datasets.folder`).
    minutes : float, optional
        Time to spend. Every part is made as at the quick profile, those that tell most first, and as long as there is
        time left, again at full. What found no time is named in ``left_out``.
    profile : {"quick", "full"}
        How much each part looks at.
    seed : int
    parts : sequence of str, optional
        Only these; see :data:`cnnlens.report.sections.SECTIONS`.
    classes : sequence of str, optional
        Names of the network's classes. By default its own, or the names of the folders where these are as many.
    labels : array (N,) of int, optional
        For an array of images.
    pixels : str, pair or callable
        What the network was trained on, as :meth:`Network.of` takes it.
    keep : path, optional
        A folder for finished parts, from which a run that was stopped goes on.
    store : path, optional
        Of a store that ``cnnlens microscope`` filled for this network: what units look for is read from there.
    progress : bool

    Returns
    -------
    Report

    Raises
    ------
    CnnlensError
        If there is no such network or no such folder of images. A network that cannot be opened is no error: the report
        says why, and looks at the images.

    Examples
    --------
    >>> import numpy as np
    >>> from cnnlens import zoo
    >>> found = report(zoo.load("lenet", weights="random"), np.zeros((2, 28, 28, 1)), parts=["layers"])
    >>> dict(found["layers"].numbers)["parameters"]
    '113,386'
    """
    sizes.of(profile)
    began = time.monotonic()
    names = _names(parts)
    how = {"classes": classes, "labels": labels, "pixels": pixels, "profile": profile}
    about = subject.opened(model, images, **how, seed=seed, progress=progress)
    about.store = microscope.kept.of_network(store, about.opened()) if store is not None else None
    kept = Kept(keep, _fingerprints(about, keep))
    about.kept = kept
    run = _Run(about, kept, None if minutes is None else began + 60 * minutes, progress)
    run.all(names, profile)
    if minutes is not None and profile == "quick":
        run.again(names)
    made = tuple(run.made[name] for name in names if name in run.made)
    return Report(
        parts=made,
        network=about.name,
        source=about.source,
        images=len(about.images),
        profile=profile,
        seed=seed,
        left_out=tuple(run.left_out),
        faults=tuple(run.faults),
    )


def _names(parts):
    """The parts to make, in the order of the page."""
    known = [section.name for section in sections.SECTIONS]
    for name in parts or ():
        if name not in known:
            raise unknown("part of a report", name, known)
    return [name for name in known if parts is None or name in parts]


def _fingerprints(about, keep):
    """What every part is made from; not needed, and so not computed, where nothing is kept."""
    if keep is None:
        return ()
    folder = about.folder
    read = (folder.images, folder.labels, folder.classes, folder.groups, folder.sizes, folder.source)
    network = fingerprints.of_network(about.net) if about.net else about.refusal
    looked_up = str(about.store and about.store.plan.settings)
    return network, fingerprints.digest(*read), fingerprints.of_code(), str(about.seed), looked_up


class _Run:
    """One run through the parts, until its time is over."""

    def __init__(self, about, kept, ends, progress):
        self.about, self.kept, self.ends, self.progress = about, kept, ends, progress
        self.made, self.left_out, self.faults = {}, [], []

    @property
    def left(self):
        """Seconds."""
        return float("inf") if self.ends is None else self.ends - time.monotonic()

    def all(self, names, profile):
        """Make all parts, those first that tell most."""
        order = sorted((section for section in sections.SECTIONS if section.name in names), key=lambda each: each.turn)
        with tqdm(order, unit="part", disable=not self.progress) as bar:
            for section in bar:
                bar.set_description(section.title)
                self.one(section, profile)

    def again(self, names):
        """Make parts at full that were made at quick, as long as they are likely to end in time."""
        for section in sorted(sections.SECTIONS, key=lambda each: each.turn):
            before = self.made.get(section.name)
            if section.cost and before and not before.failed:
                self.one(section, "full", before.seconds)

    def one(self, section, profile, before=None):
        """Make a part, or take the kept one; leave it out if it is likely to take longer than there is time."""
        settings = {"profile": profile, **sizes.of(profile).get(section.name, {})}
        part = self.kept.read(section.name, settings)
        if part is None:
            seconds = self.estimate(section, settings, before)
            if self.left < seconds:
                self.left_out.append(_left_out(section, profile, seconds, max(self.left, 0)))
                return
            part = self.make(section, settings)
            if not part.failed:
                self.kept.write(part, settings)
        if not part.failed or section.name not in self.made:
            self.made[section.name] = part

    def estimate(self, section, settings, before):
        """Seconds that a part is likely to take; minus infinity where that does not matter.

        What it took at quick, where that is known, tells how far the estimate of its passes is off.
        """
        if self.ends is None or section.cost is None or self.about.net is None:
            return float("-inf")
        quick = {"profile": "quick", **sizes.of("quick")[section.name]}
        expected, usual = (_seconds(self.about.pace, *section.cost(self.about, each)) for each in (settings, quick))
        return expected if before is None else max(before, before * expected / usual)

    def make(self, section, settings):
        """A part; one that says why, if it cannot be made."""
        began = time.monotonic()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that images were fitted, which the page says once
                part = section.make(self.about, {**settings})
        except CnnlensError as error:
            part = Part(name=section.name, title=section.title, failed=str(error))
        except Exception as error:  # lenses call the model's own code, which may raise anything: named, not hidden
            traceback.print_exc(file=sys.stderr)
            said = f"{type(error).__name__}: {first_line(error)} ({_where(error)})"
            self.faults.append(f"{section.title}: {said}")
            part = Part(
                name=section.name, title=section.title, failed=f"A fault of the program, not of the network: {said}."
            )
        return dataclasses.replace(part, seconds=time.monotonic() - began)


def _seconds(pace, graphs, passes, besides):
    return graphs * pace[0] + passes * pace[1] + besides


def _where(error):
    """File and line in which an error was raised."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename.rsplit('/', 1)[-1]}, line {last.lineno}"


def _left_out(section, profile, seconds, left):
    what = f"{section.title} at the full size" if profile == "full" else section.title
    return f"{what}: it would take about {seconds:.0f} s, and {left:.0f} s of the time given were left."
