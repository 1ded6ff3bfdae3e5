"""Sites of the microscope in the book: copied as they are, and linked where a lesson names the command."""

import html
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from ...errors import CnnlensError

COMMAND = re.compile(r"cnnlens microscope (\S+)")


@dataclass(frozen=True)
class MicroscopeSite:
    """A site that is there.

    Attributes
    ----------
    name : str
        Of the network, as the command takes it.
    folder : Path
    units, layers : int
        How many it shows when it is finished.
    images : str
        Where those came from that were looked through.
    address : str
        Of its first page, from the first page of the book.
    """

    name: str
    folder: Path
    units: int
    layers: int
    images: str
    address: str


def sites(folders):
    """The sites in folders that ``cnnlens microscope`` wrote.

    Raises
    ------
    CnnlensError
        If one of them holds none, or two are of one network.
    """
    found = {}
    for site in map(_site, map(Path, folders)):
        if site.name in found:
            both = f"{site.folder.parent} and {found[site.name].folder.parent}"
            raise CnnlensError(f"{both} are both of {site.name}. Give one of the two.")
        found[site.name] = site
    return tuple(found.values())


def _site(folder):
    from ...microscope import opened  # starts TensorFlow
    from ...microscope.told import slug

    plan = opened(folder).plan
    name, site = plan["network"]["name"], folder / "site"
    if not (site / "index.html").is_file():
        raise CnnlensError(f"{folder} holds no site yet. Write it: cnnlens microscope --site --out {folder}")
    address = f"microscope/{slug(name)}/index.html"
    return MicroscopeSite(name, site, plan.units, len(plan.layers), plan["images"]["source"], address)


def copy(sites, extra):
    """Copy sites to where Sphinx takes over what it finds as it is."""
    for site in sites:
        shutil.copytree(site.folder, (extra / site.address).parent)


def link(chapter, sites):
    """In each text of a chapter that names the command for a network, link to the site of that network."""
    known = {site.name: site for site in sites}
    for cell in chapter.cells:
        named = dict.fromkeys(COMMAND.findall(cell.source)) if cell.cell_type == "markdown" else ()
        for site in (known[name] for name in named if name in known):
            words = f"every unit of {html.escape(site.name)}, on pages to browse"
            said = f'It was run for this book: <a href="../{html.escape(site.address)}">{words}</a>.'
            cell.source += f"\n\n```{{raw}} html\n<p>{said}</p>\n```"  # raw: no term of it is linked to the glossary
