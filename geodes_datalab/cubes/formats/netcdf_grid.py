"""Grids in netCDF files: SWOT's rasters of water, and other CF files on a map.

The descriptor's options tell where things are: ``group`` of the file; ``y`` and ``x`` are names of the coordinates (of
pixel centres); ``crs`` is the name of the variable with the grid mapping, or a code; ``time`` an attribute of the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from odc.geo import CRS
from odc.geo.geom import Geometry
from odc.geo.xr import assign_crs
from pyproj.exceptions import CRSError

from geodes_datalab._types import Json
from geodes_datalab.cubes.formats import netcdf
from geodes_datalab.cubes.formats.files import ProductFiles
from geodes_datalab.cubes.formats.registry import Wanted
from geodes_datalab.stac.readers import Reader

_WKT = ("crs_wkt", "spatial_ref", "epsg_code")
"""Attributes of a grid mapping that tell a CRS by themselves."""


def open_product(files: ProductFiles, reader: Reader, item: Json, wanted: Wanted) -> xr.Dataset:
    """Open a grid; see `registry.Opener`."""
    name = files.one(*dict.fromkeys(band.member for band in reader.bands))
    raw = netcdf.File(files, name).group(reader.options.get("group"))
    y, x = (str(reader.options.get(axis, axis)) for axis in ("y", "x"))
    if lost := [axis for axis in (y, x) if axis not in raw.variables]:
        raise files.changed(f"has no coordinate {' or '.join(lost)} in {name}", lost)
    bands = netcdf.chosen(files, reader, raw.variables, wanted.bands)
    variables = {}
    for key, (band, variable) in bands.items():
        values = netcdf.decoded(raw, variable, band)
        if band.quality in raw.variables:
            values = netcdf.kept(values, raw[band.quality].variable, band, ())
        if {y, x} <= set(values.dims):
            variables[key] = values
    coords = {"y": (y, _centres(raw, y)), "x": (x, _centres(raw, x))}
    flat = xr.Dataset(variables).rename_dims({y: "y", x: "x"} if (y, x) != ("y", "x") else {})
    grid = flat.assign_coords({key: (key, values) for key, (_, values) in coords.items()})
    grid = assign_crs(grid, _crs(files, reader, raw))
    return _told(_inside(_downwards(grid), wanted.area), reader, raw, name)


def _centres(raw: xr.Dataset, name: str) -> Any:
    return np.asarray(raw[name].values, "float64")


def _downwards(grid: xr.Dataset) -> xr.Dataset:
    """Turn rows so that they go southwards, as those of images do."""
    return (
        grid
        if grid.sizes["y"] < 2 or grid.y[0] > grid.y[-1]
        else grid.isel(y=slice(None, None, -1))
    )


def _crs(files: ProductFiles, reader: Reader, raw: xr.Dataset) -> CRS:
    told = str(reader.options.get("crs", "crs"))
    if ":" in told:
        return CRS(told)
    if told not in raw.variables:
        raise files.changed(f"has no grid mapping {told}", [told])
    attrs = raw[told].attrs
    text = next((str(attrs[key]) for key in _WKT if key in attrs), "")
    try:
        if text:
            return CRS(text)
        import pyproj

        return CRS(pyproj.CRS.from_cf(dict(attrs)))
    except (CRSError, KeyError, ValueError) as error:
        raise files.changed(f"tells no coordinate reference system in {told} ({error})") from error


def _inside(grid: xr.Dataset, area: Any) -> xr.Dataset:
    """Return the rows and columns that the box of an area touches; all, where none does."""
    if area is None:
        return grid
    box = Geometry(area, "EPSG:4326").to_crs(grid.odc.crs, 0.1).boundingbox
    steps = [abs(float(grid[axis].diff(axis)[0])) if grid.sizes[axis] > 1 else 0.0 for axis in "yx"]
    rows = _touching(grid.y.values, box.bottom, box.top, steps[0])
    columns = _touching(grid.x.values, box.left, box.right, steps[1])
    part = grid.isel(y=rows, x=columns)
    return part if all(part.sizes[axis] for axis in "yx") else grid


def _touching(centres: Any, low: float, high: float, step: float) -> slice:
    inside = np.flatnonzero((centres > low - step) & (centres < high + step))
    return slice(int(inside[0]), int(inside[-1]) + 1) if inside.size else slice(0, 0)


def _told(grid: xr.Dataset, reader: Reader, raw: xr.Dataset, name: str) -> xr.Dataset:
    """Say when it was acquired, and of which pass it is."""
    attrs: Mapping[str, Any] = raw.attrs
    moment = attrs.get(str(reader.options.get("time", "")))
    if moment:
        time = pd.Timestamp(str(moment).rstrip("Z")).to_datetime64().astype("datetime64[ns]")
        grid = grid.assign_coords(time=((), time, {"standard_name": "time"}))
    numbers, texts = netcdf.passing(attrs, name.rpartition("/")[2])
    for key, number in numbers.items():
        grid.coords[key] = ((), number, {"long_name": key})
    if "crid" in texts:
        grid.coords["crid"] = ((), texts["crid"], {"long_name": "version of the processing"})
    return grid.assign_attrs(texts)
