"""Sites of the microscope in the book: copied as they are, and linked where a lesson names the command."""

import html
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from ...errors import CnnlensError
from ...microscope import opened
from ...microscope.told import slug

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
    """

    name: str
    folder: Path
    units: int
    layers: int
    images: str

    @property
    def address(self):
        """Of its first page, from the first page of the book."""
        return f"microscope/{slug(self.name)}/index.html"


def sites(folders):
    """The sites in folders that ``cnnlens microscope`` wrote.

    Raises
    ------
    CnnlensError
        If one of them holds none, or two are of one network.
    """
    found = {}
    for folder in map(Path, folders):
        plan = opened(folder).plan
        name = plan["network"]["name"]
        if not (folder / "site" / "index.html").is_file():
            raise CnnlensError(f"{folder} holds no site yet. Write it: cnnlens microscope --site --out {folder}")
        if name in found:
            raise CnnlensError(f"{folder} and {found[name].folder.parent} are both of {name}. Give one of the two.")
        found[name] = MicroscopeSite(name, folder / "site", plan.units, len(plan.layers), plan["images"]["source"])
    return tuple(found.values())


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
