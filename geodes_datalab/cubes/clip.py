"""Masking what lies outside an area."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox
from odc.geo.geom import Geometry

from geodes_datalab.cubes.gdal import mute_rasterio


def outside(area: Any, geobox: GeoBox, chunks: tuple[int, int]) -> xr.DataArray:
    """Tell lazily which pixels have their centre outside an area.

    Parameters
    ----------
    area
        Polygon in longitude and latitude.
    geobox
        Grid of the cube.
    chunks
        Rows and columns of a chunk.

    Returns
    -------
    xarray.DataArray
        Booleans (y, x).
    """
    import dask.array as da

    west, south, east, north = area.bounds
    assert geobox.crs is not None
    dense = max(east - west, north - south) / 64 or 1.0
    shape = Geometry(area, "EPSG:4326").to_crs(geobox.crs, resolution=dense).geom
    template = da.zeros(tuple(geobox.shape), dtype=bool, chunks=chunks)
    mask = template.map_blocks(_rasterised, shape.wkb, geobox.transform, dtype=bool)
    return xr.DataArray(mask, dims=("y", "x"))


def _rasterised(block: Any, wkb: bytes, transform: Any, block_info: Any = None) -> Any:
    import shapely
    from affine import Affine
    from rasterio.features import geometry_mask

    mute_rasterio()
    (top, _), (left, _) = block_info[0]["array-location"] if block_info else ((0, 0), (0, 0))
    shape = shapely.from_wkb(wkb)
    if 0 in block.shape or shape.is_empty:
        return np.ones(block.shape, bool)
    return geometry_mask([shape], block.shape, transform @ Affine.translation(left, top))
