"""The committed source rasters, read as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from geodes_datalab.standin.samples.grid import Grid

BANDS = ("B02", "B03", "B04", "B08", "B11", "B12")
GSD = {"B02": 10, "B03": 10, "B04": 10, "B08": 10, "B11": 20, "B12": 20}


@dataclass(frozen=True)
class Backscatter:
    """One Sentinel-1 scene: real OPERA RTC-S1, gamma0 in linear power."""

    name: str
    """File name in the source package, without its ending."""
    start: str
    """Acquisition, ``YYYYMMDDThhmmssZ``."""
    polarisation: str
    """``vh`` or ``vv``."""
    despeckled: bool
    """Whether the source package smoothed it (total variation)."""
    pixels: Any
    """``float32`` array (rows, columns), NaN outside of the swath."""
    grid: Grid


def folder() -> Path:
    """Return the folder of the committed data."""
    return Path(str(files("geodes_datalab.standin.samples") / "data"))


def sentinel2() -> tuple[Grid, dict[str, Any]]:
    """Return the 10 m grid and the bands (``uint16`` digital numbers, reflectance x 10000)."""
    bands: dict[str, Any] = {}
    grid = None
    for name in BANDS:
        bands[name], result = _read(folder() / "sentinel2" / f"{name}.tif")
        grid = grid or result
    assert grid is not None
    return grid, bands


def sentinel1() -> list[Backscatter]:
    """Return the Sentinel-1 scenes in order of date, VH before VV."""
    scenes = []
    for path in sorted((folder() / "sentinel1").glob("*.tif")):
        pixels, grid = _read(path)
        parts = path.stem.split("_")
        vh = "VH" in parts
        scenes.append(
            Backscatter(path.stem, parts[4], "vh" if vh else "vv", "tv" in parts, pixels, grid)
        )
    return scenes


def _read(path: Path) -> tuple[Any, Grid]:
    import rasterio

    with rasterio.open(path) as source:
        epsg, corner = source.crs.to_epsg(), source.transform
        grid = Grid(epsg, corner.c, corner.f, corner.a, source.width, source.height)
        return source.read(1), grid
