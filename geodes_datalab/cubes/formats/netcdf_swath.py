"""Swaths in netCDF files: values by line and pixel, each with its place.

The descriptor's options tell where things are: ``longitude``, ``latitude`` and ``time`` are names of variables;
``times`` two attributes with the times of the first and the last line, where no variable tells; ``groups`` those
of the file that lie beside each other; ``parts`` beginnings of names of variables that lie on a grid of their own;
``several`` a pattern of files that follow each other, such as the small images of Sentinel-1's wave mode.
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
from geodes_datalab.errors import CubeError
from geodes_datalab.stac.readers import Band, Reader

_STEPS = 2000
"""Lines of which the places are compared with an area, at most: between them, the track is straight."""


def open_product(files: ProductFiles, reader: Reader, item: Json, wanted: Wanted) -> xr.Dataset:
    """Open a swath; see `registry.Opener`."""
    member = reader.bands[0].member
    names = _names(files, member, reader.options.get("several", ""))
    found = [_file(files, name, reader, wanted) for name in names]
    if len(found) == 1:
        return found[0]
    try:
        whole = xr.concat(found, "line", join="exact", combine_attrs="drop_conflicts")
    except ValueError as error:
        raise files.changed(f"has {len(names)} files {member} of several widths") from error
    return whole.sortby("time")


def _names(files: ProductFiles, member: str, several: str) -> list[str]:
    """Return the files to open: all of small images that follow each other, or else one."""
    if several and (names := files.all(several)):
        return names
    return [files.one(member)]


def _file(files: ProductFiles, name: str, reader: Reader, wanted: Wanted) -> xr.Dataset:
    groups = reader.options.get("groups") or [None]
    file = netcdf.File(files, name)
    parts = [file.group(group) for group in groups]
    sides = [_side(files, name, reader, wanted, part) for part in parts]
    whole = parts[0] if groups == [None] else file.group()
    numbers, texts = netcdf.passing(whole.attrs, name.rpartition("/")[2])
    if len(sides) > 1:
        sides = [
            side.assign_coords(side=("pixel", np.full(side.sizes["pixel"], str(group))))
            for side, group in zip(sides, groups, strict=True)
        ]
    try:
        result = xr.concat(
            sides, "pixel", join="exact", data_vars="minimal", coords="minimal", compat="override"
        )
    except ValueError as error:
        raise files.changed(f"has sides of different lengths in {name}") from error
    result = result.isel(line=_lines(result, wanted.area))
    lines = result.sizes["line"]
    for key, number in numbers.items():
        result.coords[key] = ("line", np.full(lines, number, "int16"), {"long_name": key})
    return result.assign_attrs(texts)


def _side(
    files: ProductFiles, name: str, reader: Reader, wanted: Wanted, raw: xr.Dataset
) -> xr.Dataset:
    """Return the swath in one group of a file."""
    bands = netcdf.chosen(files, reader, raw.variables, wanted.bands)
    part = _part(reader, raw, bands, named=wanted.bands is not None)
    bands = {key: one for key, one in bands.items() if one[1].startswith(part)}
    where = _places(files, name, reader, raw, part)
    axes = where["longitude"].dims
    variables = {}
    for key, (band, variable) in bands.items():
        values = netcdf.decoded(raw, variable, band)
        if set(axes) <= set(values.dims):
            values = _checked(values, band, raw, reader)
        elif not set(values.dims) & set(axes):
            raise files.changed(f"has {variable} by {values.dims}, not by {axes} ({name})")
        variables[key] = _flat(values, axes)
    coords = {key: _flat(one, axes) for key, one in where.items()}
    coords["time"] = _time(files, reader, raw, axes[0], name)
    return xr.Dataset(variables, coords)


def _part(
    reader: Reader, raw: xr.Dataset, bands: Mapping[str, tuple[Band, str]], *, named: bool
) -> str:
    """Return how the names of variables on one grid begin: of the first there is, where none is named."""
    parts: Sequence[str] = reader.options.get("parts", ())
    there = [one for one in parts if any(name.startswith(one) for _, name in bands.values())]
    if len(there) > 1 and named:
        raise CubeError(
            f"{' and '.join(there)} of {reader.collection} lie on grids of their own",
            hint=f"open one at a time, such as the bands whose names begin with {there[0]}",
        )
    return there[0] if there else ""


def _places(
    files: ProductFiles, name: str, reader: Reader, raw: xr.Dataset, part: str
) -> dict[str, xr.Variable]:
    result = {}
    for key in ("longitude", "latitude"):
        variable = str(reader.options.get(key, key)).replace("{part}", part)
        if variable not in raw.variables:
            raise files.changed(f"has no variable {variable} in {name}", [variable])
        result[key] = netcdf.decoded(raw, variable)
        result[key].attrs = {
            "units": "degrees_east" if key == "longitude" else "degrees_north",
            "standard_name": key,
            "long_name": key,
        }
        if result[key].ndim < 2:
            raise files.changed(
                f"has {variable} by {result[key].dims} in {name}, which is no swath"
            )
    attributes = result["longitude"].attrs
    result["longitude"] = places.wrapped(result["longitude"].astype("float64"))
    result["longitude"].attrs = attributes
    return result


def _checked(values: xr.Variable, band: Band, raw: xr.Dataset, reader: Reader) -> xr.Variable:
    """Leave out what the product itself calls useless."""
    patterns = reader.options.get("bad", ())
    if band.quality in raw.variables and (patterns or band.good):
        return netcdf.kept(values, raw[band.quality].variable, band, patterns)
    return values


def _flat(values: xr.Variable, axes: Sequence[Any]) -> xr.Variable:
    """Return values by line and pixel: sub-swaths lie beside each other, other axes come last."""
    line, *across = axes
    along = [line] if line in values.dims else []
    there = [axis for axis in reversed(across) if axis in values.dims]
    rest = [axis for axis in values.dims if axis not in axes]
    result = values.transpose(*along, *there, *rest)
    if len(there) > 1:
        stacked = xr.DataArray(result).stack(pixel=there, create_index=False)
        result = stacked.transpose(*along, "pixel", *rest).variable
    dims = (*("line" for _ in along), *("pixel" for _ in there[:1]), *rest)
    return xr.Variable(dims, result.data, result.attrs)


def _time(
    files: ProductFiles, reader: Reader, raw: xr.Dataset, axis: Any, name: str
) -> xr.Variable:
    attributes = {"standard_name": "time", "long_name": "time (UTC)"}
    variable = reader.options.get("time", "time")
    if variable in raw.variables:
        told = netcdf.decoded(raw, variable)
        return xr.Variable("line", told.data, attributes)
    try:
        begin, end = (
            np.datetime64(str(raw.attrs[key]).removesuffix("Z"), "ns")
            for key in reader.options.get("times", (variable, variable))
        )
    except (KeyError, ValueError) as error:
        raise files.changed(f"does not tell the time of its lines in {name}") from error
    count = raw.sizes[axis]
    along = np.linspace(0.0, 1.0, count) if count > 1 else np.zeros(1)
    moments = begin + ((end - begin).astype("float64") * along).astype("timedelta64[ns]")
    return xr.Variable("line", moments, attributes)


def _lines(swath: xr.Dataset, area: Any) -> slice:
    """Return the lines from the first to the last that touches the box of an area."""
    count, width = swath.sizes["line"], swath.sizes["pixel"]
    if area is None or not count:
        return slice(0, count)
    rows = np.unique([*range(0, count, max(1, count // _STEPS)), count - 1])
    columns = np.unique(np.linspace(0, width - 1, min(width, 9)).astype(int))
    some = swath[["longitude", "latitude"]].isel(line=rows, pixel=columns).compute()
    longitude, latitude = some.longitude.values, some.latitude.values
    if len(rows) == 1 or len(columns) == 1:
        near = places.inside(longitude, latitude, area).any(axis=1)
        return places.span(near)
    cells = places.span(places.touching(longitude, latitude, area).any(axis=1))
    if cells.start == cells.stop:
        return slice(0, 0)
    return slice(int(rows[cells.start]), int(rows[cells.stop]) + 1)
