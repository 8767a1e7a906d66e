"""README's table of missions, from what the package knows: what is found, what is loaded, what a notebook shows.

``python tests/support/missions.py`` writes it anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from geodes_datalab.errors import UnknownCollection
from geodes_datalab.stac import readers

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
MARKS = ("<!-- missions: python tests/support/missions.py -->\n", "<!-- end of missions -->")
MISSIONS = {
    "Sentinel-1": r"_S1_L|S1TILING",
    "Sentinel-1, deformation (FLATSIM)": r"FLATSIM",
    "Sentinel-2": r"PEPS_S2|REFLECTANCE_SENTINEL2",
    "Sentinel-2, vegetation and water": r"BIOPHY|WATERQUAL",
    "Sentinel-3": r"_S3_",
    "land cover of France (OSO)": r"OSO",
    "VENµS": r"VENUS",
    "Landsat 5, 7, 8": r"LANDSAT",
    "SPOT Take5": r"TAKE5",
    "SPOT World Heritage, SPIRIT": r"SWH|SPIRIT",
    "GRACE, gravity and water (SAGSA)": r"SAGSA",
    "POSTEL, global variables": r"POSTEL",
}
"""Mission -> the names of its collections."""
UPCOMING = {
    "SWOT": r"SWOT",
    "Pléiades": r"PHR|PLEIADES|PWH",
    "CO3D": r"CO3D",
    "MicroCarb": r"MICROCARB",
    "TRISHNA": r"TRISHNA",
    "snow (LIS)": r"SNOW",
}
"""Mission that GEODES does not list -> the names that its collections have elsewhere, or here."""


def collections() -> list[str]:
    """Return the names of the collections that GEODES has, as recorded in the package."""
    text = files("geodes_datalab.stac").joinpath("data/collections.json").read_text("utf-8")
    return [collection["id"] for collection in json.loads(text)["collections"]]


def mission(name: str) -> str:
    """Return the mission of a collection.

    Raises
    ------
    LookupError
        There is none, or more than one.
    """
    found = [title for title, pattern in MISSIONS.items() if re.search(pattern, name)]
    if len(found) != 1:
        raise LookupError(f"{name} is of {found or 'no mission'}")
    return found[0]


def read_by(name: str) -> tuple[str, ...]:
    """Return the verbs that read the products of a collection."""
    try:
        return readers.reader(name).verbs
    except UnknownCollection:
        return ()


def upcoming() -> dict[str, list[str]]:
    """Return the collections that are described, and that GEODES does not have, by their mission."""
    listed = set(collections())
    result: dict[str, list[str]] = {}
    for name in readers.readers():
        if name not in listed:
            found = [title for title, pattern in UPCOMING.items() if re.search(pattern, name)]
            if len(found) != 1:
                raise LookupError(f"{name} is of {found or 'no mission'}")
            result.setdefault(found[0], []).append(name)
    return result


def notebooks() -> dict[str, list[str]]:
    """Return links to the notebooks that search in a collection, by its name."""
    shown: dict[str, list[str]] = {}
    for path in sorted(ROOT.glob("notebooks/*/*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        title = "".join(cells[0]["source"]).splitlines()[0].removeprefix("# ")
        code = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        for name in collections():
            if f'"{name}"' in code:
                link = f"[{title}]({path.relative_to(ROOT).as_posix()})"
                shown.setdefault(name, []).append(link)
    return shown


def table() -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| mission | collections | read by | how sure | notebooks |\n"
    yield "|---|---|---|---|---|\n"
    shown = notebooks()
    for title in MISSIONS:
        names = [name for name in collections() if mission(name) == title]
        links = ", ".join(dict.fromkeys(link for name in names for link in shown.get(name, [])))
        yield f"| {title} | {len(names)} | {_verbs(names)} | {_sure(names)} | {links or '-'} |\n"
    for title, names in sorted(upcoming().items()):
        where = readers.reader(names[0]).where
        yield f"| {title}: {where} | {len(names)} | {_verbs(names)} | {_sure(names)} | - |\n"


def _verbs(names: list[str]) -> str:
    found = dict.fromkeys(f"`gd.{verb}`" for name in names for verb in read_by(name))
    return ", ".join(sorted(found)) or "-"


def _sure(names: list[str]) -> str:
    found = {readers.reader(name).status for name in names if read_by(name)}
    return ", ".join(sorted(found)) or "-"


def written(text: str) -> str:
    """Return a page with the table between its marks."""
    before, rest = text.split(MARKS[0])
    _, after = rest.split(MARKS[1])
    return "".join([before, MARKS[0], *table(), MARKS[1], after])


if __name__ == "__main__":
    README.write_text(written(README.read_text("utf-8")), "utf-8")
