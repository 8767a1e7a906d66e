"""Heights: a DEM brought from one vertical datum to another.

PROJ turns heights by grids. Where a grid is missing, it passes heights through as they are, tens of
metres wrong, without a word; here that is refused.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from geodes_datalab import _grids
from geodes_datalab.errors import CubeError, near
from geodes_datalab.ops.packing import to_physical

ELLIPSOID = "ellipsoid"

DATUMS = {ELLIPSOID: "EPSG:4979", "EGM96": "EPSG:4326+5773", "EGM2008": "EPSG:4326+3855"}
"""Vertical datums by the field's names, and with WGS 84's longitude and latitude as PROJ knows them."""

_CODES = {5773: "EGM96", 3855: "EGM2008"}
UNNAMED = "a datum that has no code: "
"""Begins what is said of a datum that nobody can turn by its name."""

_WGS84 = 6378137.0, 298.2572
"""Half the axis of its ellipsoid, and how flat it is: those of all datums that agree with it to a metre or two."""

_METRES = ("m", "metre", "metres", "meter", "meters")


def to_vertical_datum(
    heights: xr.DataArray, datum: str, *, source: str | None = None
) -> xr.DataArray:
    """Turn heights above one vertical datum into heights above another, lazily.

    Parameters
    ----------
    heights
        In metres, with y, x and a CRS.
    datum
        ``"ellipsoid"`` (WGS 84), ``"EGM96"``, ``"EGM2008"``, or the EPSG code of another vertical system
        (``"EPSG:5720"`` is NGF-IGN69).
    source
        The datum of the given heights. None: what their attribute ``vertical_datum`` or their CRS says.
        The Copernicus DEM is above EGM2008, SRTM and ASTER above EGM96, SAR and altimetry give heights
        above the ellipsoid.

    Returns
    -------
    xarray.DataArray
        In metres, with attributes ``vertical_datum`` and CF's ``standard_name``. NaN outside the grid of
        a regional datum.

    Raises
    ------
    CubeError
        A datum that is unknown or not told, heights that are not in metres or have no place, or a grid
        that PROJ lacks.

    Examples
    --------
    >>> import odc.geo.xr
    >>> dem = xr.DataArray([[200.0]], coords={"latitude": [43.6], "longitude": [1.44]})
    >>> dem.attrs["vertical_datum"] = "EGM2008"
    >>> to_vertical_datum(dem.odc.assign_crs("EPSG:4326"), "EGM2008").item()
    200.0
    """
    heights = to_physical(_checked(heights))
    crs = heights.odc.crs
    told = source if source is not None else heights.attrs.get("vertical_datum") or datum_of(crs)
    if told is None or told.startswith(UNNAMED):
        raise CubeError(
            "it is not known above what these heights are"
            + (f" ({told})" if told is not None else ""),
            hint='say it: source="EGM2008" (Copernicus DEM), "EGM96" (SRTM), "ellipsoid" (SAR, altimetry)',
        )
    known, wanted = _named(told), _named(datum)
    result = heights
    if known != wanted:
        _transformer(known, wanted)  # refused here, not in the middle of a calculation
        result = heights + _difference(heights, crs, known, wanted)
    return _described(result, heights, flat(crs), wanted)


def _checked(heights: Any) -> xr.DataArray:
    import odc.geo.xr  # noqa: F401 - gives arrays their .odc

    if not isinstance(heights, xr.DataArray):
        raise CubeError(
            f"a {type(heights).__name__} is no variable of a cube", hint='pick one: cube["dem"]'
        )
    units = heights.attrs.get("units")
    if units is not None and units not in _METRES:
        raise CubeError(f"heights in {units!r} are not in metres", hint="convert them first")
    dims, crs = heights.odc.spatial_dims, heights.odc.crs
    placed = crs is not None and not crs.proj.is_geocentric
    if dims is None or not placed or not set(dims) <= set(heights.coords):
        raise CubeError(
            "these heights have no place: y, x and a CRS are needed",
            hint='say which CRS: dem.odc.assign_crs("EPSG:32631")',
        )
    return heights


def _difference(heights: xr.DataArray, crs: Any, source: str, target: str) -> xr.DataArray:
    """Return what is to be added to the heights, for each pixel of the grid."""
    pixels = partial(_separations, crs=flat(crs).to_wkt(), source=source, target=target)
    down, across = (_along(heights, dim) for dim in heights.odc.spatial_dims)
    kind = np.result_type(heights.dtype, "float32")
    result: xr.DataArray = xr.apply_ufunc(
        pixels, down, across, dask="parallelized", output_dtypes=["float64"]
    )
    return result.astype(kind)


def _along(heights: xr.DataArray, dim: Any) -> xr.DataArray:
    """Return a coordinate without an index, chunked as the heights are."""
    values = xr.DataArray(np.asarray(heights[dim].values, "float64"), dims=dim)
    return values if heights.chunks is None else values.chunk({dim: heights.chunksizes[dim]})


def _separations(
    y: npt.NDArray[np.float64],
    x: npt.NDArray[np.float64],
    crs: str,
    source: str,
    target: str,
) -> npt.NDArray[np.float64]:
    x, y = np.broadcast_arrays(x, y)
    x, y = _lonlat(crs).transform(x, y)
    wrapped = (np.asarray(x) + 180) % 360 - 180
    _, _, result = _transformer(source, target).transform(wrapped, y, np.zeros(np.shape(y)))
    return np.where(np.isfinite(result), result, np.nan)


@lru_cache(16)
def _lonlat(crs: str) -> Any:
    from pyproj import Transformer

    return Transformer.from_crs(crs, "EPSG:4326", always_xy=True)


@lru_cache(16)
def _transformer(source: str, target: str) -> Any:
    """Return what turns heights, by grids alone.

    Raises
    ------
    CubeError
        A grid is missing. PROJ would pass heights through ("ballpark").
    """
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    pair = _spelt(source), _spelt(target)
    try:
        return Transformer.from_crs(*pair, always_xy=True, allow_ballpark=False)
    except ProjError as error:
        lacking = ", ".join(_lacking(*pair))
        raise CubeError(
            f"heights cannot be turned from {source} to {target}: PROJ has no grid for it"
            + (f" ({lacking})" if lacking else ""),
            hint=_grids.HINT,
        ) from error


def _lacking(source: str, target: str) -> list[str]:
    """Return the grids that PROJ asks for, of the way that needs the fewest."""
    import warnings

    from pyproj.transformer import TransformerGroup

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says what is said here better
        ways = TransformerGroup(source, target, always_xy=True, allow_ballpark=False)
    asked = [
        [grid.short_name for grid in way.grids if not grid.available]
        for way in ways.unavailable_operations
    ]
    return min(asked, key=len, default=[])


def _spelt(name: str) -> str:
    return DATUMS.get(name) or f"EPSG:4326+{name.removeprefix('EPSG:')}"


def _named(datum: Any) -> str:
    """Return a vertical datum under one of its names."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    text = str(datum).strip()
    for name in DATUMS:
        if text.lower() == name.lower():
            return name
    if text.upper().startswith("EPSG:"):
        try:
            result = CRS(text)
        except CRSError as error:
            raise CubeError(
                f"PROJ does not know {text}", hint=f"use {', '.join(DATUMS)}"
            ) from error
        vertical = result if result.is_vertical and not result.is_compound else None
        known = datum_of(result) if vertical is None else _of_vertical(result)
        if known is not None and not known.startswith(UNNAMED):
            return _in_metres(known)
    raise CubeError(
        f"unknown vertical datum {datum!r}",
        hint=near(text, DATUMS) or f'use {", ".join(DATUMS)}, or a code such as "EPSG:5720"',
    )


def _in_metres(name: str) -> str:
    """Refuse a vertical system in feet, and depths: heights are in metres here, and count upwards."""
    from pyproj import CRS

    axis = CRS(name).axis_info[-1] if name.startswith("EPSG:") else None
    if axis is not None and (axis.unit_conversion_factor != 1 or axis.direction != "up"):
        raise CubeError(
            f"{name} ({CRS(name).name}) counts {axis.direction} in {axis.unit_name}, and heights here count "
            "up in metres",
            hint="use the system of the same datum in metres (EPSG:5703 for NAVD88, EPSG:5714 for MSL)",
        )
    return name


def datum_of(crs: Any) -> str | None:
    """Return the vertical datum that a CRS of odc-geo or pyproj speaks of; None for one of maps alone."""
    proj = getattr(crs, "proj", crs)
    proj = proj.source_crs if proj.is_bound else proj
    for part in proj.sub_crs_list:
        if part.is_vertical or part.is_bound:
            return _of_vertical(part.source_crs or part)
    return _of_ellipsoid(proj) if len(proj.axis_info) > 2 else None


def _of_vertical(crs: Any) -> str:
    code = crs.to_epsg()
    return f"{UNNAMED}{crs.name}" if code is None else _CODES.get(code, f"EPSG:{code}")


def _of_ellipsoid(crs: Any) -> str:
    """Return ELLIPSOID, unless heights are above that of an old datum, which lies tens of metres off."""
    axis, flat = _WGS84
    own = crs.ellipsoid
    same = (
        own is not None
        and abs(own.semi_major_metre - axis) < 1
        and abs(own.inverse_flattening - flat) < 1e-3
    )
    if same and not crs.is_geocentric and crs.axis_info[-1].unit_conversion_factor == 1:
        return ELLIPSOID
    return f"{UNNAMED}{crs.name}"


def flat(crs: Any) -> Any:
    """Return a CRS without its heights."""
    proj = crs.proj
    flat = proj.sub_crs_list[0] if proj.is_compound else proj
    return flat.to_2d() if len(flat.axis_info) > 2 else flat


def _described(result: xr.DataArray, heights: xr.DataArray, crs: Any, datum: str) -> xr.DataArray:
    kind = "reference_ellipsoid" if datum == ELLIPSOID else "geopotential_datum"
    told = {"units": "m", "standard_name": f"height_above_{kind}", "vertical_datum": datum}
    result = result if crs == heights.odc.crs.proj else result.odc.assign_crs(crs)
    result = result.copy(deep=False)
    result.attrs = {**heights.attrs, **told}
    result.encoding = {k: v for k, v in heights.encoding.items() if k == "grid_mapping"}
    result.name = heights.name
    return result
