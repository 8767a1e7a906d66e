"""Masking what lies outside an area."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import shapely
import xarray as xr
from odc.geo.geobox import GeoBox

from geodes_datalab.cubes import notice
from geodes_datalab.cubes.grid import seam
from geodes_datalab.cubes.read.gdal import mute_rasterio
from geodes_datalab.errors import CubeWarning

_MOST = 2**22
"""Pixels around a part of an area, at most, among which one that it keeps is looked for: a part with
more around it keeps some, but for slivers of some thousand pixels' length."""


def outside(
    area: Any, geobox: GeoBox, chunks: tuple[int, int], *, all_touched: bool = False
) -> xr.DataArray:
    """Tell lazily which pixels have their centre outside an area.

    What is of no width, points and lines, keeps the pixels that it lies in. A warning is given where
    the area, or a part of it, keeps none.

    Parameters
    ----------
    area
        Polygon in longitude and latitude.
    geobox
        Grid of the cube.
    chunks
        Rows and columns of a chunk.
    all_touched
        Whether pixels that the area touches count as inside.

    Returns
    -------
    xarray.DataArray
        Booleans (y, x).
    """
    import dask.array as da

    assert geobox.crs is not None
    mute_rasterio()
    shape = seam.projected(area, geobox.crs)
    template = da.zeros(tuple(geobox.shape), dtype=bool, chunks=chunks)
    shape = shapely.union_all(seam.turned(shape, geobox))
    _tell_lost(shape, geobox.transform, all_touched)
    mask = template.map_blocks(
        _rasterised, shape.wkb, geobox.transform, all_touched=all_touched, dtype=bool
    )
    return xr.DataArray(mask, dims=("y", "x"))


def _tell_lost(shape: Any, transform: Any, all_touched: bool) -> None:
    """Warn of parts that keep no pixel: the cube would be empty, or lack a plot, without a word."""
    if all_touched:
        return
    parts = list(shapely.get_parts(shape))
    lost = sum(not _keeps(part, transform) for part in parts)
    if not lost:
        return
    if len(parts) == 1:
        what = "the geometry to clip to holds the centre of no pixel: all pixels become missing"
    else:
        what = f"{lost} of the {len(parts)} parts to clip to hold the centre of no pixel"
    notice.warn(
        f"{what}. Give all_touched=True to keep the pixels that they touch, or a finer resolution",
        CubeWarning,
    )


def _keeps(part: Any, transform: Any) -> bool:
    """Tell whether a part of an area keeps any pixel of a grid, as far as it reaches."""
    from affine import Affine

    (left, bottom, right, top), back = part.bounds, ~transform
    corners = [
        back @ corner for corner in ((left, top), (right, bottom), (left, bottom), (right, top))
    ]
    columns, rows = zip(*corners, strict=True)
    column, row = math.floor(min(columns)), math.floor(min(rows))
    size = math.ceil(max(rows)) - row + 1, math.ceil(max(columns)) - column + 1
    if size[0] * size[1] > _MOST:
        return True
    place = transform @ Affine.translation(column, row)
    return not _rasterised(np.empty(size, bool), part.wkb, place).all()


def _rasterised(
    block: Any, wkb: bytes, transform: Any, *, all_touched: bool = False, block_info: Any = None
) -> Any:
    from affine import Affine
    from rasterio.features import geometry_mask

    mute_rasterio()
    (top, _), (left, _) = block_info[0]["array-location"] if block_info else ((0, 0), (0, 0))
    shape = shapely.from_wkb(wkb)
    if 0 in block.shape or shape.is_empty:
        return np.ones(block.shape, bool)
    place = transform @ Affine.translation(left, top)
    return geometry_mask([shape], block.shape, place, all_touched=all_touched)
