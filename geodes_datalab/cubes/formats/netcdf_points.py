"""Points in netCDF files: pixel clouds, soundings, and measurements along a track.

The descriptor's options tell where things are: ``group`` of the file; ``longitude``, ``latitude`` and ``time`` are
names of variables (the first of several that there is); ``computed`` are sums of variables, of which those with a
minus in front are taken off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from geodes_datalab._types import Json
from geodes_datalab.cubes.formats import netcdf, places
from geodes_datalab.cubes.formats.files import ProductFiles
from geodes_datalab.cubes.formats.registry import Wanted
from geodes_datalab.errors import UnknownBand
from geodes_datalab.stac.readers import Band, Reader

_PLACES = {
    "longitude": {"units": "degrees_east", "standard_name": "longitude", "long_name": "longitude"},
    "latitude": {"units": "degrees_north", "standard_name": "latitude", "long_name": "latitude"},
}


def open_product(files: ProductFiles, reader: Reader, item: Json, wanted: Wanted) -> xr.Dataset:
    """Open points; see `registry.Opener`."""
    name = files.one(*dict.fromkeys(band.member for band in reader.bands))
    file = netcdf.File(files, name)
    raw = file.group(reader.options.get("group"))
    computed: Mapping[str, Sequence[str]] = reader.options.get("computed", {})
    there = {
        key: terms
        for key, terms in computed.items()
        if all(term.lstrip("-") in raw.variables for term in terms)
    }
    bands = netcdf.chosen(files, reader, {**there, **raw.variables}, wanted.bands)
    coords = _coordinates(files, name, reader, raw)
    axis = coords["longitude"].dims[0]
    variables = {
        key: _values(raw, reader, band, there.get(variable, (variable,)))
        for key, (band, variable) in bands.items()
    }
    _check(variables, axis, name, named=wanted.bands is not None)
    along = {key: one for key, one in variables.items() if one.dims[:1] == (axis,)}
    whole = xr.Dataset(along, coords)
    result = _inside(whole if axis == "point" else whole.rename_dims({axis: "point"}), wanted.area)
    attrs = file.group().attrs if "group" in reader.options else raw.attrs
    numbers, texts = netcdf.passing(attrs, name.rpartition("/")[2])
    for key, number in numbers.items():
        column = np.full(result.sizes["point"], number, "int16")
        result.coords[key] = ("point", column, {"long_name": key})
    return result.assign_attrs(texts)


def _check(variables: Mapping[str, xr.Variable], axis: Any, name: str, *, named: bool) -> None:
    """Refuse names of variables that do not tell something of each point."""
    for key, one in variables.items():
        if named and one.dims[:1] != (axis,):
            raise UnknownBand(
                f"{key} has no value for each point in {name.rpartition('/')[2]}",
                "leave it out, or download the product and open the file with xarray.open_dataset",
            )


def _coordinates(
    files: ProductFiles, name: str, reader: Reader, raw: xr.Dataset
) -> dict[str, xr.Variable]:
    result = {}
    for key, attributes in _PLACES.items():
        names = _names(reader, key)
        variable = next((one for one in names if one in raw.variables), "")
        if not variable:
            raise files.changed(f"has no variable {' or '.join(names)} in {name}", names)
        values = netcdf.decoded(raw, variable)
        if values.ndim != 1:
            raise files.changed(f"has {variable} by {values.dims} in {name}, which are no points")
        if key == "longitude":
            values = places.wrapped(values.astype("float64"))
        result[key] = xr.Variable(values.dims, values.data, attributes)
    axis = result["longitude"].dims
    time = next((one for one in _names(reader, "time") if one in raw.variables), "")
    if time and raw[time].dims == axis:
        told = netcdf.decoded(raw, time)
        attributes = {"standard_name": "time", "long_name": "time (UTC)"}
        result["time"] = xr.Variable(axis, told.data, attributes)
    return result


def _names(reader: Reader, key: str) -> list[str]:
    told = reader.options.get(key, key)
    return [told] if isinstance(told, str) else list(told)


def _values(raw: xr.Dataset, reader: Reader, band: Band, terms: Sequence[str]) -> xr.Variable:
    """Return one variable, or a sum of several."""
    first, *others = terms
    result = netcdf.decoded(raw, first, band)
    for term in others:
        other = netcdf.decoded(raw, term.lstrip("-")).astype("float64")
        sign = -1.0 if term.startswith("-") else 1.0
        total = result.astype("float64") + sign * other
        result = xr.Variable(result.dims, total.data, result.attrs)
    if others:
        result.attrs |= {"units": band.units, "long_name": band.description}
        result.attrs.pop("comment", None)
    if band.quality in raw.variables:
        flags = raw[band.quality].variable
        if flags.dims == result.dims[: flags.ndim]:
            result = netcdf.kept(result, flags, band, reader.options.get("bad", ()))
    return result


def _inside(points: xr.Dataset, area: Any) -> xr.Dataset:
    """Return the points in the box of an area."""
    if area is None:
        return points
    where = points[["longitude", "latitude"]].compute()
    mask = places.inside(where.longitude.values, where.latitude.values, area)
    part = places.span(mask)
    return points.isel(point=part).isel(point=np.flatnonzero(mask[part]))
