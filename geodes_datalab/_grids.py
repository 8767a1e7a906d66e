"""Grids by which PROJ turns heights and old datums: which are there, and the way to them.

Each of pyproj, rasterio and pyogrio comes with a PROJ of its own, which looks for grids beside its own
database and, but for pyproj's, nowhere else. So a grid is linked into the folder of each; no library is
given the database of another.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from geodes_datalab.errors import ConfigurationError

GRIDS = {
    "EGM96": ("us_nga_egm96_15.tif", "egm96_15.gtx"),
    "EGM2008": ("us_nga_egm08_25.tif", "egm08_25.gtx"),
    "NTF": ("fr_ign_ntf_r93.tif", "ntf_r93.gsb"),
}
"""What scientists ask for, and the names of its grid: PROJ's present one and the former one."""

SUFFIXES = (".gsb", ".gtx", ".tif")

_LIBRARIES = {
    "pyproj": "proj_dir/share/proj",
    "rasterio": "proj_data",
    "pyogrio": "proj_data",
    "fiona": "proj_data",
}

HINT = (
    "bring the grids: geodes-datalab grids FOLDER links those in a folder (docs: how-to/heights); with "
    "the network, PROJ_NETWORK=ON lets PROJ fetch them"
)
"""What to do where a grid is missing."""


def folders() -> dict[str, Path]:
    """Return the data folder of each library that is installed with a PROJ of its own."""
    result = {}
    for name, inside in _LIBRARIES.items():
        spec = find_spec(name)
        for place in (spec.submodule_search_locations or ()) if spec is not None else ():
            if (Path(place) / inside / "proj.db").is_file():
                result[name] = Path(place) / inside
    return result


def missing() -> dict[str, list[str]]:
    """Return, for each library, which of `GRIDS` it lacks."""
    return {name: _lacking(folder) for name, folder in folders().items()}


def fetched() -> bool:
    """Tell whether PROJ may fetch grids from the network when it needs them."""
    return os.environ.get("PROJ_NETWORK", "").upper() in ("ON", "YES", "TRUE")


def link(folder: Path) -> list[str]:
    """Link the grids of a folder into the libraries of this environment.

    Returns
    -------
    list of str
        The names of the grids.

    Raises
    ------
    ConfigurationError
        There is no grid in the folder, no library, or no right to write there.
    """
    grids = sorted(each for each in folder.resolve().glob("*") if each.suffix in SUFFIXES)
    if not grids:
        raise ConfigurationError(
            f"there is no grid in {folder}", hint=f"grids are files *{', *'.join(SUFFIXES)}"
        )
    for place in _folders_or_refusal():
        for grid in grids:
            _link(grid, place / grid.name)
    return [grid.name for grid in grids]


def _link(grid: Path, name: Path) -> None:
    if name.is_symlink() and name.resolve() == grid.resolve():
        return  # those of the image can only be read
    try:
        if name.is_symlink():
            name.unlink()
        if not name.exists():
            name.symlink_to(grid)
    except OSError as error:
        raise ConfigurationError(
            f"{name.parent} cannot be written: {error.strerror}",
            hint="make an environment of your own, where you may write, and run this there",
        ) from error


def _folders_or_refusal() -> list[Path]:
    result = list(folders().values())
    if not result:
        raise ConfigurationError(
            "there is no library with a PROJ of its own here",
            hint='pip install "geodes-datalab[cubes]"; packages of conda share one PROJ: '
            "conda install proj-data",
        )
    return result


def _lacking(folder: Path) -> list[str]:
    return [
        datum
        for datum, names in GRIDS.items()
        if not any((folder / name).exists() for name in names)
    ]
