"""Stored numbers and physical values.

A raw cube keeps the numbers of the product. Attributes of a variable say what they mean::

    missing   where stored == nodata
    physical  =  stored * scale + offset

They are *not* called ``_FillValue``, ``scale_factor`` and ``add_offset`` on purpose: xarray acts upon
those names when a file is written or read, and would hand back other numbers, of another dtype, than
were saved. Under our names a cube comes back from netCDF or Zarr exactly as it was.

An offset may differ from date to date (Sentinel-2, at processing baseline 04.00), also where each of two
cubes that somebody joins has but one. So it stands in a coordinate along time, ``stored_offset``, and the
attribute ``offset`` holds that coordinate's name: `xarray.concat`, ``to_zarr(append_dim="time")`` and all
selections keep it right. What is reduced along time has lost it; such numbers are refused, not guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import xarray as xr

from geodes_datalab.errors import CubeError, StoredOtherwise
from geodes_datalab.ops.scaling import shift

OFFSET = "stored_offset"
"""Coordinate that holds the offset of each time step; others begin with the same word."""

POSSIBLE = "possible"
"""Attribute of that coordinate: all values it may have, where they are known."""

STORED = ("nodata", "scale", "offset")
"""Attributes that say what stored numbers mean."""

CF = ("_FillValue", "scale_factor", "add_offset")
"""The words of files for the same; a cube has them where nobody acted upon them."""

STORED_UNITS = "stored numbers"
"""Units of what is not physical: plots and tables say so."""

PHYSICAL_UNITS = "physical_units"
"""Attribute with the units that stored numbers will have once they are physical."""

Data = TypeVar("Data", xr.Dataset, xr.DataArray)


def mask_nodata(data: Data) -> Data:
    """Replace missing pixels by NaN.

    Parameters
    ----------
    data
        Integers with an attribute ``nodata``. Quality masks and floats stay as they are.

    Returns
    -------
    xarray.Dataset or xarray.DataArray
        float32 (float64 for integers of more than 16 bits), still in stored units.

    Examples
    --------
    >>> band = xr.DataArray(np.array([0, 250], "uint16"), attrs={"nodata": 0})
    >>> mask_nodata(band).values
    array([ nan, 250.], dtype=float32)
    """
    return each(understood(data), _masked)


def to_physical(data: Data) -> Data:
    """Turn stored numbers into physical values (reflectance, backscatter); missing pixels become NaN.

    Parameters
    ----------
    data
        Variables with attributes ``nodata``, ``scale``, ``offset``. Quality masks stay as they are,
        and so does what carries no such attribute.

    Returns
    -------
    xarray.Dataset or xarray.DataArray
        float32 (float64 where the stored numbers need it), without those attributes, so that calling
        it twice does nothing.

    Raises
    ------
    StoredOtherwise
        The offsets were lost on the way, as ``cube.max("time")`` loses them.

    Examples
    --------
    >>> band = xr.DataArray(
    ...     np.array([0, 1000, 3500], "uint16"),
    ...     attrs={"nodata": 0, "scale": 0.0001, "offset": -0.1},
    ... )
    >>> to_physical(band).values
    array([ nan, 0.  , 0.25], dtype=float32)
    """
    data = understood(data)
    refuse_nameless(data)
    result = each(data, _physical)
    return result.drop_vars([name for name in result.coords if is_offset(name)])


def physical(band: xr.DataArray) -> xr.DataArray:
    """Return physical values for a calculation: integers are converted, floats taken as they stand.

    Raises
    ------
    CubeError
        Floats whose attributes say that they are stored numbers. xarray keeps attributes through
        arithmetic, so it cannot be known whether ``scale`` was applied already.
    StoredOtherwise
        Stored numbers whose offsets were lost on the way.
    """
    band = understood(band)
    if band.dtype.kind == "f" and _is_packed(band):
        raise CubeError(
            f"{_named(band)} holds floats, but its attributes say that they still have to be scaled",
            hint="call ops.to_physical() on it; if that was done by hand, remove its attributes "
            '"scale" and "offset"',
        )
    if _is_nameless(band) and (band.dtype.kind != "f" or _any_offset(band)):
        raise _nameless(band)
    return to_physical(band)


def understood(data: Data) -> Data:
    """Return a cube as `load` would have it, whoever opened it.

    Offsets are coordinates again, where ``reset_coords`` or a table made them variables. Numbers that were
    opened without being decoded have their meaning under our names.
    """
    if isinstance(data, xr.DataArray):
        return _in_our_words(data)
    data = data.set_coords([name for name in data.data_vars if is_offset(name)])
    if any(map(_speaks_cf, data.data_vars.values())):
        data = each(data, _in_our_words)
        data = data.drop_vars([name for name in data.coords if is_offset(name)])
    return data


def _speaks_cf(band: xr.DataArray) -> bool:
    """Tell whether what numbers mean is told in a file's words: nobody has acted upon them."""
    words = (*CF, "scales", "offsets")
    return any(name in band.attrs for name in words) and not any(
        item in band.attrs for item in STORED
    )


def _in_our_words(band: xr.DataArray) -> xr.DataArray:
    if not _speaks_cf(band):
        return band
    told = {
        ours: band.attrs[name] for ours, name in zip(STORED, CF, strict=True) if name in band.attrs
    }
    if {"scales", "offsets"} & band.attrs.keys():  # so rioxarray tells of bands that differ
        raise StoredOtherwise(
            f"the bands of {_named(band)} are stored with different scales or offsets",
            hint="open the file with geodes_datalab.open(), or with mask_and_scale=True",
        )
    # of a file, all numbers have one offset
    result = band.drop_vars([name for name in band.coords if is_offset(name)])
    kept = {name: item for name, item in band.attrs.items() if name not in CF}
    result.attrs = kept | {name: item for name, item in told.items() if item is not False}
    return result


def refuse_nameless(data: xr.Dataset | xr.DataArray) -> None:
    """Refuse integers beside offsets of stored ones, if nothing says any more what they mean.

    Raises
    ------
    StoredOtherwise
        ``to_array``, `xarray.combine_nested` and others drop attributes. Where some bands have theirs
        still, the others are somebody's results.
    """
    bands = [data] if isinstance(data, xr.DataArray) else list(data.data_vars.values())
    counted = [item for item in bands if item.dtype.kind in "iu" and not is_place(item)]
    if counted and all(map(_is_nameless, counted)):
        raise _nameless(counted[0])


def _is_nameless(band: xr.DataArray) -> bool:
    numbers = band.dtype.kind in "iuf" and not band.attrs
    return numbers and any(map(is_offset, band.coords))


def _any_offset(band: xr.DataArray) -> bool:
    return any(bool((band[name] != 0).any()) for name in band.coords if is_offset(name))


def _nameless(band: xr.DataArray) -> StoredOtherwise:
    return StoredOtherwise(
        f"{_named(band)} stands beside the offsets of stored numbers, and the attributes that say what "
        "they mean were lost on the way",
        hint="call ops.to_physical() before that step, or let it keep attributes "
        '(combine_attrs="override", keep_attrs=True); if these are values already, say so: '
        f'drop_vars("{OFFSET}")',
    )


def _is_packed(band: xr.DataArray) -> bool:
    """Tell whether attributes say that physical values would be other numbers."""
    if is_mask(band):
        return False
    return bool(band.attrs.get("scale", 1) != 1 or np.any(offsets(band) != 0))


def _named(band: xr.DataArray) -> str:
    return "a band" if band.name is None else str(band.name)


def is_offset(name: Any) -> bool:
    """Tell whether a coordinate holds offsets of stored numbers."""
    return str(name) == OFFSET or str(name).startswith(f"{OFFSET}_")


def offset_name(band: xr.DataArray) -> str | None:
    """Return which coordinate holds a band's offsets; None where one number holds for all."""
    told = band.attrs.get("offset")
    if isinstance(told, str):
        return told
    # without a pointer to it, it counts for what is stored only: a cube may hold results as well
    stored = told is not None or "scale" in band.attrs
    return OFFSET if stored and OFFSET in band.coords else None


def offsets(band: xr.DataArray) -> Any:
    """Return the offset of a band's stored numbers, in physical units.

    Returns
    -------
    float or xarray.Variable
        One for all where they are equal, else one for each date.

    Raises
    ------
    StoredOtherwise
        They are not there any more.
    """
    name = offset_name(band)
    if name is None:
        return float(band.attrs.get("offset") or 0)
    if name not in band.coords:
        raise _lost(band)
    result = band.coords[name].variable
    possible = result.attrs.get(POSSIBLE)
    if possible is not None:
        known = np.isclose(result.values[..., None], possible).any(-1)
        if not (known | np.isnan(result.values)).all():  # a date that was added has none
            raise _lost(band)  # averaged, as `coarsen` does
    if not result.ndim and band.sizes.get("time", 1) > 1:
        raise _lost(band)  # the first date's, as `concat` takes it with compat="override"
    if not result.chunks and result.size and (result.values == result.values.flat[0]).all():
        return float(result.values.flat[0])
    return result


def _lost(band: xr.DataArray) -> StoredOtherwise:
    return StoredOtherwise(
        f"{_named(band)} holds stored numbers whose offset may differ from date to date, and what was "
        "done with them has lost which date each is of",
        hint="load physical values (without raw=True), or call ops.to_physical() before reducing "
        "along time; ops.median(), ops.percentile() and ops.mean() mind the offsets themselves",
    )


def physical_attrs(attrs: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of what was stored, as physical values have them."""
    kept = {name: value for name, value in attrs.items() if name not in (*STORED, PHYSICAL_UNITS)}
    if attrs.get("units") == STORED_UNITS and ("scale" in attrs or PHYSICAL_UNITS in attrs):
        kept.pop("units")
        if PHYSICAL_UNITS in attrs:
            kept["units"] = attrs[PHYSICAL_UNITS]
    return kept


def is_mask(band: xr.DataArray) -> bool:
    """Tell whether a variable is a quality mask (its numbers are flags, not quantities)."""
    return "flag_meanings" in band.attrs or band.attrs.get("role") == "mask"


def is_place(band: xr.DataArray) -> bool:
    """Tell whether a variable holds no pixels but the CRS of others: so do files hold it."""
    return not band.ndim and any(name in band.attrs for name in ("crs_wkt", "grid_mapping_name"))


def each(data: Data, function: Callable[[xr.DataArray], xr.DataArray]) -> Data:
    """Apply a function to a band, or to each band of a cube (``Dataset.map`` mixes attributes up)."""
    if isinstance(data, xr.Dataset):
        bands = {name: band for name, band in data.data_vars.items() if not is_place(band)}
        return data.assign({name: function(band) for name, band in bands.items()})
    return function(data)


def _masked(band: xr.DataArray) -> xr.DataArray:
    if is_mask(band) or band.dtype.kind not in "iu" or "nodata" not in band.attrs:
        return band
    result = _as_float(band).where(band != band.attrs["nodata"])
    attrs = {name: value for name, value in band.attrs.items() if name != "nodata"}
    return _finish(result, band, attrs)


def _physical(band: xr.DataArray) -> xr.DataArray:
    if is_mask(band) or band.dtype.kind not in "iuf":
        return band
    result = _as_float(_masked(band))
    missing = band.attrs.get("nodata", np.nan)
    if band.dtype.kind == "f" and not np.isnan(missing):
        result = result.where(result != missing)
    scale, offset = band.attrs.get("scale", 1), offsets(band)
    kind = result.dtype.type
    # the offset is added first, in stored units, where it is a whole number: no rounding around zero
    if isinstance(offset, float):
        result = result + kind(shift(scale, offset)) if offset else result
    else:
        result = result + xr.DataArray(_shifts(offset, scale, result.dtype), dims=offset.dims)
    if scale != 1:
        result = result * kind(scale)
    return _finish(result, band, physical_attrs(band.attrs))


def _shifts(offset: xr.Variable, scale: float, dtype: np.dtype[Any]) -> Any:
    """Return the offsets of all dates in stored units."""

    def steps(values: Any) -> Any:
        each_one = np.vectorize(lambda one: shift(scale, one), otypes=["float64"])
        return each_one(values).astype(dtype) if np.size(values) else np.asarray(values, dtype)

    if offset.chunks:
        return offset.data.map_blocks(steps, dtype=dtype)
    return steps(offset.values)


def _as_float(band: xr.DataArray) -> xr.DataArray:
    if band.dtype.kind == "f":
        return band
    return band.astype(np.float32 if band.dtype.itemsize <= 2 else np.float64)


def _finish(result: xr.DataArray, band: xr.DataArray, attrs: dict[str, Any]) -> xr.DataArray:
    """Give a result its attributes, and the grid mapping of what it was made from."""
    result = result.copy(deep=False)  # it may be the caller's own still
    result.attrs = attrs
    result.encoding = {
        name: value for name, value in band.encoding.items() if name == "grid_mapping"
    }
    return result
