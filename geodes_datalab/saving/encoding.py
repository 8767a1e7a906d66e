"""Cubes as netCDF and Zarr hold them, under the names of the CF conventions, which all tools know.

In memory, stored numbers keep their meaning under our own names (`geodes_datalab.ops.packing`). In files
it stands as ``_FillValue``, ``scale_factor`` and ``add_offset``: xarray, GDAL and QGIS hand out physical
values. CF has one offset for a variable. Where dates differ in theirs, numbers are shifted to one, in a
wider type, so that none of them overflows; `opened` shifts them back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from geodes_datalab.errors import CubeError
from geodes_datalab.ops.packing import (
    CF,
    PHYSICAL_UNITS,
    STORED,
    offset_name,
    physical_attrs,
)
from geodes_datalab.ops.scaling import shift
from geodes_datalab.saving import notes
from geodes_datalab.saving.meaning import is_stored, meaning
from geodes_datalab.saving.places import GRID_MAPPING, with_place

_RESERVED = ("coordinates", GRID_MAPPING)
_CONVENTIONS = "CF-1.11"
_STEPS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
_UNIT = "unit"
"""What is noted of dates that are counted in larger steps than nanoseconds."""
_WIDEST = 2048
"""Pixels along x and y of a block in a netCDF file, at most."""


def encoded(cube: xr.Dataset, facts: Mapping[str, Any]) -> xr.Dataset:
    """Return a cube as it is written: other tools read it right, and `decoded` gives it back.

    Parameters
    ----------
    cube
        Datasets of any shape; the CRS is found where there is a grid.
    facts
        What to note of the whole.

    Raises
    ------
    CubeError
        What cannot be written, or stored numbers whose offsets were lost.
    """
    for name in [*cube.variables, *cube.dims]:
        if not isinstance(name, str) or not name or "/" in name:
            raise CubeError(
                f"a variable named {name!r} cannot be saved", hint="rename it: cube.rename({...})"
            )
    cube, place = with_place(cube)
    variables = {name: _variable(cube[name]) for name in cube.data_vars}
    coords = {name: _coordinate(cube[name]) for name in cube.coords}
    held, noted = notes.holdable(cube.attrs)
    added = {} if "Conventions" in held else {"Conventions": _CONVENTIONS}
    told = {**facts, "attrs": noted, "added": list(added)}
    held |= added | {notes.NAME: notes.written(told, "the cube")}
    result = cube.drop_vars(cube.data_vars).assign_coords(coords).assign(variables)
    result.attrs = held
    return _with_pointers(result, place)


def _with_pointers(cube: xr.Dataset, place: str | None) -> xr.Dataset:
    """Say of each variable which coordinates it has, the CRS among them.

    Named so, the CRS is a coordinate for those who open the file without asking for all of them.
    """
    aside = [name for name in cube.coords if name not in cube.dims]
    for name in cube.data_vars:
        band = cube[name]
        fitting = [item for item in aside if set(cube[item].dims) <= set(band.dims)]
        if place and band.ndim > 1:
            cube[name].encoding[GRID_MAPPING] = place
        if fitting and not any(" " in str(item) for item in fitting):
            cube[name].encoding["coordinates"] = " ".join(sorted(map(str, fitting)))
    return cube


def _coordinate(coord: xr.DataArray) -> xr.Variable:
    result = coord.variable.copy(deep=False)
    result.attrs = _held(coord.attrs, _of_dates(coord.variable))
    result.encoding = _time(coord.variable)
    if coord.dtype.kind == "f":
        result.encoding["_FillValue"] = None
    return result


def _variable(band: xr.DataArray) -> xr.Variable:
    facts = _of_dates(band.variable)
    result = band.variable.copy(deep=False)
    if is_stored(band):
        names = (*STORED, *CF, "units", PHYSICAL_UNITS)
        result = _packed(band, facts)
        facts["stored"] = {name: band.attrs[name] for name in names if name in band.attrs}
        facts["dtype"] = band.dtype.name
        facts["file"] = _signs(result)
    attrs = {name: value for name, value in result.attrs.items() if name not in _RESERVED}
    cf = {name: attrs.pop(name) for name in CF if name in attrs}
    result.attrs = _held(attrs, facts) | cf
    result.encoding = _time(band.variable)
    return result


def _signs(variable: xr.Variable) -> list[Any]:
    """Return how a file holds numbers: whoever writes others under the same name, changes this."""
    marks = (variable.attrs.get(name) for name in CF)
    told = [None if item is None or np.isnan(item) else float(item) for item in marks]
    return [variable.dtype.name, *told]


def _held(attrs: Mapping[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    held, noted = notes.holdable(attrs)
    told = {**facts, "attrs": noted} if noted else facts
    return held | ({notes.NAME: notes.written(told, "a variable")} if told else {})


def _time(variable: xr.Variable) -> dict[str, Any]:
    """Return how dates are written: exactly."""
    if variable.dtype.kind != "M":
        return {}
    unit = np.datetime_data(variable.dtype)[0]
    if unit == "ns" and not variable.chunks:
        counted = variable.values[~np.isnat(variable.values)].astype("int64")
        unit = "ns" if (counted % 1000).any() else "us"  # which more tools know
    step = _STEPS[unit]
    units = f"{step} since 1970-01-01T00:00:00"
    return {"dtype": "int64", "calendar": "proleptic_gregorian", "units": units}


def _of_dates(variable: xr.Variable) -> dict[str, Any]:
    """Return what has to be noted of dates, so that they are opened in their own type."""
    unit = np.datetime_data(variable.dtype)[0] if variable.dtype.kind == "M" else "ns"
    return {} if unit == "ns" else {_UNIT: unit}


def coders_of(opened: xr.Dataset) -> dict[Any, xr.coders.CFDatetimeCoder]:
    """Return how dates are to be read that are not counted in nanoseconds; see `stored_in`."""
    units = {
        name: notes.read(result.attrs.get(notes.NAME)).get(_UNIT)
        for name, result in opened.variables.items()
    }
    return {name: xr.coders.CFDatetimeCoder(time_unit=unit) for name, unit in units.items() if unit}


def _packed(band: xr.DataArray, facts: dict[str, Any]) -> xr.Variable:
    """Return stored numbers with their meaning in CF's words."""
    nodata, scale, offset = meaning(band)
    attrs = {name: item for name, item in physical_attrs(band.attrs).items() if name not in CF}
    if not isinstance(offset, float):
        facts["offsets"] = offset_name(band)
        band, nodata, offset = _level(band, offset, nodata)
    cf: dict[str, Any] = {}
    if nodata is not None:
        cf["_FillValue"] = band.dtype.type(nodata)
    if (scale, offset) != (1.0, 0.0):
        cf |= {"scale_factor": scale, "add_offset": offset}
    result = band.variable.copy(deep=False)
    result.attrs = attrs | cf
    return result


def _level(
    band: xr.DataArray, offset: xr.Variable, nodata: float | None
) -> tuple[xr.DataArray, float | None, float]:
    """Shift numbers whose offsets differ to the lowest of them.

    Returns
    -------
    band
        Numbers of a type that holds them all, and one more for what is missing.
    nodata
        That one.
    offset
        Of all of them now.
    """
    there = offset.values[np.isfinite(offset.values)]  # a date that was added has none
    lowest = float(there.min()) if there.size else 0.0
    steps = _steps(offset, lowest, float(band.attrs.get("scale", 1)))
    dtype = _wide(band.dtype, steps)
    missing = np.nan if dtype.kind == "f" else float(np.iinfo(dtype).min)
    if band.dtype.kind == "f":  # NaN is missing there, and is another number
        missing = float(np.finfo(dtype).min)
    level = band.astype(dtype) + steps.astype(dtype)
    if nodata is not None:
        level = level.where(band != nodata, dtype.type(missing))
    level = level.transpose(*band.dims)
    level.attrs = band.attrs
    return level, None if nodata is None else missing, lowest


def _steps(offset: xr.Variable, base: float, scale: float) -> xr.DataArray:
    """Return by how much numbers are shifted, in stored units."""
    shifts = [shift(scale, float(item) - base) for item in offset.values.ravel()]
    return xr.DataArray(np.array(shifts, "float64").reshape(offset.shape), dims=offset.dims)


def _wide(dtype: np.dtype[Any], steps: xr.DataArray) -> np.dtype[Any]:
    """Return a type that holds all numbers of another when they are shifted, and one more."""
    if dtype.kind != "f" and bool((steps == steps.round()).all()):
        limits = np.iinfo(dtype)
        low, high = limits.min + int(steps.min()), limits.max + int(steps.max())
        for wider in ("int32", "int64"):
            if np.iinfo(wider).min < low and high <= np.iinfo(wider).max:
                return np.dtype(wider)
    return np.dtype("float64")


def decoded(opened: xr.Dataset, stored: Collection[str]) -> tuple[xr.Dataset, dict[str, Any]]:
    """Make what was read from a file the cube that `encoded` was given.

    Parameters
    ----------
    opened
        With stored numbers as they are.
    stored
        The variables that have some (`stored_in`).

    Returns
    -------
    cube
        As it was saved.
    facts
        What was noted of the whole.
    """
    facts = notes.read(opened.attrs.get(notes.NAME))
    result = opened.assign({name: _restored(opened, name, stored) for name in opened.data_vars})
    result = result.assign_coords({name: _restored(opened, name, stored) for name in opened.coords})
    result.attrs = _without({**opened.attrs, **facts.pop("attrs", {})}, facts.pop("added", ()))
    return result, facts


def stored_in(opened: xr.Dataset) -> list[str]:
    """Return the variables of a file whose numbers are stored ones; of it as nobody has decoded it.

    Attributes survive calculations: what was noted of other numbers does not count.
    """
    return [
        str(name)
        for name, result in opened.variables.items()
        if notes.read(result.attrs.get(notes.NAME)).get("file") == _signs(result)
    ]


def _restored(opened: xr.Dataset, name: Any, stored: Collection[str]) -> xr.Variable:
    band = opened[name]
    facts = notes.read(band.attrs.get(notes.NAME))
    result = band.variable
    attrs = dict(band.attrs)
    if name in stored:
        if "offsets" in facts:
            result = _shifted_back(band, opened[facts["offsets"]].variable, facts)
        attrs = {key: item for key, item in attrs.items() if key not in (*CF, "units")}
        attrs |= facts["stored"]
    made: xr.Variable = result.copy(deep=False)
    made.attrs = _without(attrs | facts.get("attrs", {}))
    made.encoding = {key: item for key, item in band.encoding.items() if key == GRID_MAPPING}
    return made


def _shifted_back(band: xr.DataArray, offset: xr.Variable, facts: Mapping[str, Any]) -> xr.Variable:
    stored, dtype = facts["stored"], np.dtype(facts["dtype"])
    steps = _steps(offset, float(band.attrs.get("add_offset", 0)), float(stored.get("scale", 1)))
    numbers: Any = band - steps.astype(band.dtype)
    missing = band.attrs.get("_FillValue")
    numbers = numbers.round() if dtype.kind != "f" and band.dtype.kind == "f" else numbers
    if missing is not None and "nodata" in stored:
        bad = band.isnull() if np.isnan(missing) else band == missing
        numbers = numbers.where(~bad, band.dtype.type(stored["nodata"]))
    result: xr.Variable = numbers.astype(dtype).transpose(*band.dims).variable
    return result


def _without(attrs: Mapping[str, Any], added: Iterable[str] = ()) -> dict[str, Any]:
    unknown = {notes.NAME, "coordinates", *added}
    return {name: item for name, item in attrs.items() if name not in unknown}


def in_blocks(cube: xr.Dataset) -> xr.Dataset:
    """Return an encoded cube with the blocks that a netCDF file holds it in, compressed.

    Where no number means "missing", that is said as well: GDAL takes netCDF's own numbers for it, such as
    -32767, otherwise.
    """
    for name, band in cube.data_vars.items():
        if band.dtype.kind in "iu" and "_FillValue" not in band.attrs:
            cube[name].attrs["_FillValue"] = False
        if not band.chunks or band.dtype.kind not in "biufM":
            continue
        sizes = [sizes[0] for sizes in band.chunks]
        wide = [size if at < band.ndim - 2 else min(size, _WIDEST) for at, size in enumerate(sizes)]
        cube[name].encoding |= {
            "chunksizes": tuple(wide),
            "zlib": True,
            "complevel": 4,
            "shuffle": True,
        }
    return cube
