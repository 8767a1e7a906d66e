"""Products on grids of their own, put onto one grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_reproject

from geodes_datalab.cubes.formats.asked import Asked, Opened
from geodes_datalab.cubes.grid.boxes import named, touching
from geodes_datalab.cubes.grid.output import output_grid
from geodes_datalab.errors import CubeError


def placed(products: Sequence[Opened], asked: Asked) -> tuple[list[xr.Dataset], GeoBox]:
    """Put products onto one grid; pixels of grids that are parts of it stay as they are.

    Raises
    ------
    CubeError
        None of them touches the area; a method for a band that is not there.
    """
    timed = [_timed(one) for one in products]
    grids = [_grid(one) for one in timed]
    if asked.area is not None:
        touching(grids, asked.area)
    geobox = output_grid(grids, area=asked.area, crs=asked.crs, resolution=asked.resolution)
    methods = _methods(asked.resampling, timed)
    return [_onto(one, geobox, methods) for one in timed], geobox


def _timed(one: Opened) -> xr.Dataset:
    """Give a product a dimension of time, unless it has one."""
    if "time" in one.values.dims:
        return one.values
    start = [np.datetime64(one.start, "ns")]
    return one.values.drop_vars("time", errors="ignore").expand_dims(time=start)


def _grid(one: xr.Dataset) -> GeoBox:
    geobox = one.odc.geobox
    if not isinstance(geobox, GeoBox) or geobox.crs is None:
        raise CubeError(
            f"{one.attrs.get('title', 'a product')} has no grid in a coordinate reference system",
            hint="open it as it is with geodes_datalab.open(item)",
        )
    return named(geobox)


def _methods(given: str | Mapping[str, str], products: Sequence[xr.Dataset]) -> dict[str, str]:
    """Say by which method each variable is resampled: classes and flags by the nearest value."""
    names = {name: one[name] for one in products for name in map(str, one.data_vars)}
    chosen = given if isinstance(given, Mapping) else {"*": given}
    unknown = sorted(set(chosen) - set(names) - {"*"})
    if unknown:
        raise CubeError(
            f"resampling names {', '.join(unknown)}, which is not loaded",
            hint=f"the variables are: {', '.join(names)}",
        )
    rest = chosen.get("*", "nearest")
    return {
        name: "nearest" if array.dtype.kind in "iub" else chosen.get(name, rest)
        for name, array in names.items()
    }


def _onto(one: xr.Dataset, geobox: GeoBox, methods: Mapping[str, str]) -> xr.Dataset:
    """Put a product onto a grid."""
    if one.odc.geobox == geobox:
        return one
    flat = one.drop_vars(
        [name for name, item in one.coords.items() if item.ndim > 1 or name == "spatial_ref"]
    ).odc.assign_crs(one.odc.crs)
    return xr.Dataset(
        {name: _warped(flat[name], geobox, methods[str(name)]) for name in flat.data_vars},
        attrs=one.attrs,
    )


def _warped(band: xr.DataArray, geobox: GeoBox, method: str) -> xr.DataArray:
    y, x = band.odc.spatial_dims or ("y", "x")
    if not {y, x} <= set(band.dims):
        return band
    missing = _missing(band)
    result: Any = xr_reproject(
        band.transpose(..., y, x), geobox, resampling=method, dst_nodata=missing
    )
    own = dict(zip(result.odc.spatial_dims, ("y", "x"), strict=True))
    result = result.rename({old: new for old, new in own.items() if old != new})
    result.attrs = {**band.attrs, **({} if band.dtype.kind == "f" else {"nodata": missing})}
    return result  # type: ignore[no-any-return]


def _missing(band: xr.DataArray) -> float:
    """Return the value of pixels that a product does not have."""
    if band.dtype.kind == "f":
        return np.nan
    told = band.attrs.get("nodata", band.encoding.get("_FillValue"))
    return int(np.iinfo(band.dtype).max if told is None else told)
