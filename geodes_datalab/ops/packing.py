"""Stored numbers and physical values.

A cube keeps the numbers of the product. Three attributes of a variable say what they mean::

    missing   where stored == nodata
    physical  =  stored * scale + offset

They are *not* called ``_FillValue``, ``scale_factor`` and ``add_offset`` on purpose: xarray acts upon
those names when a file is written or read, and would hand back other numbers, of another dtype, than
were saved. Under our names a cube comes back from netCDF or Zarr exactly as it was.

Where the offset changes within a time series (Sentinel-2 L1C, at processing baseline 04.00), it
stands in the coordinate ``stored_offset`` (time) instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import xarray as xr

from geodes_datalab.errors import CubeError

OFFSET = "stored_offset"
"""Coordinate that holds an offset for each time step, where it is not the same for all."""

STORED = ("nodata", "scale", "offset")
"""Attributes that say what stored numbers mean."""

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
    return each(data, _masked)


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
        float32, without those attributes, so that calling it twice does nothing.

    Examples
    --------
    >>> band = xr.DataArray(
    ...     np.array([0, 1000, 3500], "uint16"),
    ...     attrs={"nodata": 0, "scale": 0.0001, "offset": -0.1},
    ... )
    >>> to_physical(band).values
    array([ nan, 0.  , 0.25], dtype=float32)
    """
    result = each(data, _physical)
    return result.drop_vars(OFFSET) if OFFSET in result.coords else result


def physical(band: xr.DataArray) -> xr.DataArray:
    """Return physical values for a calculation: integers are converted, floats taken as they stand.

    Raises
    ------
    CubeError
        Floats whose attributes say that they are stored numbers. xarray keeps attributes through
        arithmetic, so it cannot be known whether ``scale`` was applied already.
    """
    packed = band.attrs.get("scale", 1) != 1 or band.attrs.get("offset", 0) != 0
    if band.dtype.kind == "f" and (packed or OFFSET in band.coords):
        raise CubeError(
            f"{'a band' if band.name is None else band.name} holds floats, but its attributes say that they still have to "
            "be scaled",
            hint="call ops.to_physical() on it; if that was done by hand, remove its attributes "
            '"scale" and "offset"',
        )
    return to_physical(band)


def is_mask(band: xr.DataArray) -> bool:
    """Tell whether a variable is a quality mask (its numbers are flags, not quantities)."""
    return "flag_meanings" in band.attrs or band.attrs.get("role") == "mask"


def each(data: Data, function: Callable[[xr.DataArray], xr.DataArray]) -> Data:
    """Apply a function to a band, or to each band of a cube (``Dataset.map`` mixes attributes up)."""
    if isinstance(data, xr.Dataset):
        return data.assign({name: function(band) for name, band in data.data_vars.items()})
    return function(data)


def _masked(band: xr.DataArray) -> xr.DataArray:
    if is_mask(band) or band.dtype.kind not in "iu" or "nodata" not in band.attrs:
        return band
    result = _as_float(band).where(band != band.attrs["nodata"])
    return _finish(result, band, drop=("nodata",))


def _physical(band: xr.DataArray) -> xr.DataArray:
    if is_mask(band) or band.dtype.kind not in "iuf":
        return band
    result = _as_float(_masked(band))
    missing = band.attrs.get("nodata", np.nan)
    if band.dtype.kind == "f" and not np.isnan(missing):
        result = result.where(result != missing)
    scale = band.attrs.get("scale", 1)
    # the offset is added first, in stored units, where it is a whole number: no rounding around zero
    if OFFSET in band.coords:
        offset = band.coords[OFFSET].drop_vars(OFFSET) / scale
        result = result + offset.astype(np.float32)
    elif band.attrs.get("offset", 0) != 0:
        result = result + np.float32(band.attrs["offset"] / scale)
    if scale != 1:
        result = result * np.float32(scale)
    return _finish(result, band, drop=STORED)


def _as_float(band: xr.DataArray) -> xr.DataArray:
    if band.dtype.kind == "f":
        return band
    return band.astype(np.float32 if band.dtype.itemsize <= 2 else np.float64)


def _finish(result: xr.DataArray, band: xr.DataArray, *, drop: tuple[str, ...]) -> xr.DataArray:
    """Give a result the attributes and the grid mapping of what it was made from."""
    result.attrs = {name: value for name, value in band.attrs.items() if name not in drop}
    result.encoding = {
        name: value for name, value in band.encoding.items() if name == "grid_mapping"
    }
    return result
