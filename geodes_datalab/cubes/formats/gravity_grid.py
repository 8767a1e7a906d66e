"""Grids of gravity and water of SAGSA (GRACE, GRACE-FO): text of 64800 numbers, one for each degree of the globe.

The file has 6480 lines of ten numbers, ``10(1X,E13.6)``: from longitude -179.5, latitude 89.5 eastwards, row by row to
the south (facts: GRGS, grace.obs-mip.fr, formats).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from odc.geo.geobox import GeoBox

from geodes_datalab._types import Json
from geodes_datalab.cubes.formats import packed
from geodes_datalab.cubes.formats.described import about, on_grid
from geodes_datalab.cubes.formats.files import LARGEST, ProductFiles
from geodes_datalab.cubes.formats.registry import Wanted
from geodes_datalab.stac.readers import Reader

SHAPE = (180, 360)


def open_product(files: ProductFiles, reader: Reader, item: Json, wanted: Wanted) -> xr.Dataset:
    """Open a grid of one degree; see `registry.Opener`."""
    band = reader.bands[0] if wanted.bands is None else reader.band(wanted.bands[0])
    name = files.one(band.member)
    grid = GeoBox.from_bbox((-180, -90, 180, 90), "EPSG:4326", shape=SHAPE)
    return on_grid(grid, {band.name: (("y", "x"), _numbers(files, name), about(band))})


def text_of(files: ProductFiles, name: str) -> str:
    """Return a text file, unpacked where it is packed by gzip.

    Raises
    ------
    ReadError
        It is packed, and ends too early.
    FormatChanged
        It is too large to be what it should be.
    """
    with packed.plain(files, name, LARGEST) as stream:
        return stream.read(LARGEST).decode("ascii", "replace")


def _numbers(files: ProductFiles, name: str) -> npt.NDArray[Any]:
    words = text_of(files, name).replace("D", "E").split()
    if len(words) != SHAPE[0] * SHAPE[1]:
        raise files.changed(
            f"has {len(words)} numbers in {name}, which should be 64800 (a grid of one degree)"
        )
    try:
        return np.array(words, "float64").reshape(SHAPE).astype("float32")
    except ValueError as error:
        raise files.changed(f"has words in {name} that are no numbers ({error})") from error
