"""Interferograms, time series and their auxiliary data of FLATSIM (NSBAS): GeoTIFFs of several bands beside notes.

NSBAS counts a longer way to the ground as positive, in radians. Displacements are turned round: positive is towards
the satellite, in millimetres (``options.factor``, -4.4563 mm per radian at C band: -wavelength / 4 pi). The two files
of lines of sight point in opposite ways: both become the unit vector from the ground to the satellite (east, north, up).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from geodes_datalab._types import Json
from geodes_datalab.cubes.formats import images
from geodes_datalab.cubes.formats.described import about, on_grid
from geodes_datalab.cubes.formats.files import ProductFiles
from geodes_datalab.cubes.formats.registry import Wanted
from geodes_datalab.errors import CubeError, UnknownBand
from geodes_datalab.stac.readers import Band, Reader

_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)-?(\d\d)-?(\d\d)(?!\d)")
_NOTES = (".meta", ".txt")
_POINTS = ("east", "north", "up")
_LINES: Mapping[str, tuple[tuple[int, int, int], float]] = {
    "CosENU": ((0, 1, 2), -1.0),  # points from the satellite to the ground
    "CosNEU": ((1, 0, 2), 1.0),  # points from the ground to the satellite; north comes first
}
"""File of lines of sight -> which of its bands are east, north and up, and the sign of its vectors."""


def open_product(files: ProductFiles, reader: Reader, item: Json, wanted: Wanted) -> xr.Dataset:
    """Open a product of FLATSIM; see `registry.Opener`."""
    there = {band.name: names[0] for band in reader.bands if (names := files.all(band.member))}
    if not there:
        _refuse_radar(files)
        raise files.changed(
            "has no file of its description", [band.member for band in reader.bands]
        )
    measured = [name for name in there if reader.band(name).role == "data"] or list(there)
    names = measured if wanted.bands is None else [reader.band(one).name for one in wanted.bands]
    if lost := [name for name in names if name not in there]:
        raise UnknownBand(f"{files.title} has no {lost[0]}", f"it holds: {', '.join(there)}")
    read = [_read(files, reader, reader.band(name), there[name]) for name in names]
    try:
        result: xr.Dataset = xr.merge(
            read, join="exact", combine_attrs="drop_conflicts", compat="no_conflicts"
        )
    except ValueError as error:
        raise CubeError(
            f"{', '.join(names)} of {files.title} do not lie on the same pixels",
            hint="open them one at a time, by name",
        ) from error
    return result


def _refuse_radar(files: ProductFiles) -> None:
    if any("_radar_" in name for name in files.names):
        raise CubeError(
            f"{files.title} is in the geometry of the radar, on no map",
            hint="open the product of the same name with _geo_ in it",
        )


def _read(files: ProductFiles, reader: Reader, band: Band, name: str) -> xr.Dataset:
    told = images.header(files, name)
    if not told.crs:
        raise files.changed(f"has no coordinate reference system in {name}")
    pixels = images.lazy(files, name, told)
    grid = GeoBox(told.shape[1:], told.transform, told.crs)
    if band.name in _LINES:
        return _lines(pixels, grid, band, files, name)
    if band.name in reader.options.get("series", ()):
        dates = _dates(files, name, told.shape[0])
        values = _physical(pixels, band, reader, missing=(pixels == 0).all(0))
        return on_grid(
            grid, {band.name: (("time", "y", "x"), values, about(band))}, {"time": dates}
        )
    values = _physical(pixels[0], band, reader, missing=pixels[0] == 0)
    return on_grid(grid, {band.name: (("y", "x"), values, about(band))})


def _physical(pixels: Any, band: Band, reader: Reader, *, missing: Any) -> Any:
    """Return values in the units of the band; NaN where a pixel holds nothing."""
    factor = float(reader.options.get("factor", {}).get(band.name, 1.0))
    return da.where(missing, np.nan, pixels.astype("float32") * np.float32(factor)).astype(
        "float32"
    )


def _lines(pixels: Any, grid: GeoBox, band: Band, files: ProductFiles, name: str) -> xr.Dataset:
    """Return unit vectors from the ground to the satellite, whichever way the file's own point."""
    order, sign = _LINES[band.name]
    if pixels.shape[0] != 3:
        raise files.changed(f"has {pixels.shape[0]} bands in {name}, which should be three")
    vectors = pixels[list(order)].astype("float32") * np.float32(sign)
    missing = (pixels == 0).all(0)
    values = da.where(missing, np.nan, vectors).astype("float32")
    attrs = {**about(band), "positive": "from the ground to the satellite"}
    return on_grid(
        grid, {"los": (("direction", "y", "x"), values, attrs)}, {"direction": list(_POINTS)}
    )


def _dates(files: ProductFiles, name: str, count: int) -> Any:
    """Return the dates of the bands, from the notes beside the file.

    Raises
    ------
    FormatChanged
        There are no notes, or they tell of more dates, or fewer, than the file has bands.
    """
    stem = name.rpartition(".")[0]
    notes = next((stem + ending for ending in _NOTES if stem + ending in files.names), "")
    if not notes:
        raise files.changed(f"has no notes with dates beside {name}", [f"{stem}.meta"])
    text = files.read(notes).decode("utf-8", "replace")
    lines = [
        line for line in text.splitlines() if "acqui" in line.lower() or "dates" in line.lower()
    ]
    dates = ["-".join(found) for line in lines for found in _DATE.findall(line)]
    if len(dates) != count or dates != sorted(set(dates)):
        raise files.changed(
            f"has {count} bands in {name}, and {len(dates)} dates in {notes}, in order"
        )
    return np.array(dates, "datetime64[ns]")
