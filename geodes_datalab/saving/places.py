"""Where a cube's pixels lie, as files tell it: the grid, and a CRS that no step has left behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import odc.geo.xr  # noqa: F401 - registers the accessor .odc
import xarray as xr
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords

from geodes_datalab.ops.packing import is_place

GRID_MAPPING = "grid_mapping"


def with_coords(cube: xr.Dataset) -> xr.Dataset:
    """Return a cube whose CRS is a coordinate (opened by other means, it may be a variable).

    Short coordinates are in memory: what numbers mean may depend on them.
    """
    result = cube.set_coords([name for name, band in cube.data_vars.items() if is_place(band)])
    lazy = [name for name, coord in result.coords.items() if coord.chunks and coord.ndim < 2]
    return result.assign_coords({name: result[name].compute() for name in lazy})


def dims_of(cube: xr.Dataset) -> tuple[str, str] | None:
    """Return the names of the dimensions along y and x; None where a cube has none."""
    result = cube.odc.spatial_dims
    return None if result is None else (str(result[0]), str(result[1]))


def grid_of(cube: xr.Dataset) -> GeoBox | None:
    """Return a cube's pixel grid; None where its coordinates make none."""
    if dims_of(cube) is None:
        return None
    try:
        result = cube.odc.geobox
    except (ValueError, IndexError, KeyError):
        return None
    return result if isinstance(result, GeoBox) and _fits(result, cube) else None


def _fits(grid: GeoBox, cube: xr.Dataset) -> bool:
    """Tell whether a grid is that of all coordinates: it is guessed from the first ones."""
    made, dims = xr_coords(grid, always_yx=True), dims_of(cube)
    assert dims is not None
    return all(
        dim not in cube.coords
        or np.allclose(cube[dim].values, made[axis].values, rtol=0, atol=1e-3 * abs(step))
        for dim, axis, step in zip(dims, ("y", "x"), grid.resolution.yx, strict=True)
    )


def with_place(cube: xr.Dataset) -> tuple[xr.Dataset, str | None]:
    """Return a cube whose CRS says where its pixels lie now, and the name under which it does.

    After a selection, the attribute ``GeoTransform`` is still that of the whole; GDAL reads it.
    """
    grid = grid_of(cube)
    if grid is None or grid.crs is None:
        return cube, None
    name = next(
        (str(item) for item, result in cube.coords.items() if is_place(result)), "spatial_ref"
    )
    fresh = xr_coords(grid, always_yx=True)["spatial_ref"].variable
    known = cube.coords[name].attrs if name in cube.coords else {}
    fresh.attrs = {**known, **fresh.attrs} if _same_crs(known, fresh.attrs) else fresh.attrs
    return cube.assign_coords({name: fresh}), name


def _same_crs(known: dict[str, Any], fresh: dict[str, Any]) -> bool:
    return known.get("crs_wkt") == fresh.get("crs_wkt")
