"""A slice of a cube as a picture on a web map: pixels, bounds, colours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from geodes_datalab._optional import need
from geodes_datalab.errors import CubeError
from geodes_datalab.maps.colours import Scale

_RADIUS = 6378137.0
"""Radius of EPSG:3857's sphere in metres."""


@dataclass(frozen=True)
class Plane:
    """Values on a regular grid of EPSG:3857, north up; NaN where there is nothing."""

    values: np.ndarray[Any, np.dtype[np.float32]]
    """Shape (band, y, x), with one or three bands."""
    bounds: tuple[tuple[float, float], tuple[float, float]]
    """South-west and north-east corner as (latitude, longitude) in degrees."""

    @property
    def is_rgb(self) -> bool:
        """Whether the bands are red, green and blue."""
        return bool(self.values.shape[0] == 3)


def plane(array: Any, widest: int) -> Plane:
    """Bring a slice of a cube onto the map's grid.

    Parameters
    ----------
    array
        `xarray.DataArray` with a CRS and dims (y, x), or three bands and (y, x); dims of length one are
        dropped. Large arrays are thinned out first, so that only what is seen is computed.
    widest
        Pixels of the longer side of the picture, at most.

    Raises
    ------
    CubeError
        Other dimensions, no CRS, or nothing of it can be shown on a web map.
    """
    flat, (y, x) = _two_or_three_dims(array)
    thin = _thinned(flat, y, x, widest)
    nodata = thin.odc.nodata
    values = thin.compute().astype("float32")
    if nodata is not None and not math.isnan(nodata):
        values = values.where(values != nodata)
    target = _web_grid(values.odc.geobox, widest)
    source = values.values.reshape(-1, *values.odc.geobox.shape)
    pixels = np.full((len(source), *target.shape), np.nan, dtype="float32")
    warp = need("odc.geo.warp", extra="cubes").rio_reproject
    warp(source, pixels, values.odc.geobox, target, "nearest", np.nan, np.nan)
    return Plane(pixels, _bounds(target))


def limits(values: np.ndarray[Any, Any], percentiles: tuple[float, float]) -> tuple[float, float]:
    """Return the two percentiles of the finite values; (0, 1) where there are none."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = np.percentile(finite, percentiles)
    return float(low), float(high)


def rgba(found: Plane, scale: Scale) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Colour a plane: (y, x, 4) bytes, transparent where there is no value."""
    span = scale.high - scale.low
    shares = (
        np.clip((found.values - scale.low) / span, 0, 1) if span > 0 else found.values * 0 + 0.5
    )
    seen = np.isfinite(found.values).all(axis=0)
    filled = np.nan_to_num(shares)
    if found.is_rgb:
        colours = np.moveaxis(np.rint(filled * 255), 0, -1)
    else:
        cmap = need("matplotlib", extra="maps").colormaps[scale.cmap]
        colours = np.rint(cmap(filled[0])[..., :3] * 255)
    return np.dstack([colours, seen * 255]).astype("uint8")


def _two_or_three_dims(array: Any) -> tuple[Any, tuple[str, str]]:
    """Drop dims of length one, put the bands first, and return the names of y and x."""
    xarray = need("xarray", extra="cubes")
    need("odc.geo.xr", extra="cubes")
    if not isinstance(array, xarray.DataArray):
        raise CubeError(
            f"a {type(array).__name__} is no slice of a cube", hint='pick a variable: cube["red"]'
        )
    dims = array.odc.spatial_dims
    if dims is None:
        raise CubeError(f"no spatial dims among {list(array.dims)}", hint="name them y and x")
    flat = array.squeeze(
        [d for d in array.dims if d not in dims and array.sizes[d] == 1], drop=True
    )
    others = [d for d in flat.dims if d not in dims]
    if len(others) > 1 or (others and flat.sizes[others[0]] != 3):
        sizes = {str(d): flat.sizes[d] for d in others}
        raise CubeError(
            f"one slice or three bands can be shown, not {sizes}",
            hint=f"pick one: .isel({', '.join(f'{d}=0' for d in sizes)})",
        )
    if array.odc.crs is None or array.odc.geobox is None:
        raise CubeError(
            "the array has no CRS, or no regular grid",
            hint='say which: array.odc.assign_crs("EPSG:32631")',
        )
    return flat.transpose(*others, *dims), dims


def _thinned(flat: Any, y: str, x: str, widest: int) -> Any:
    """Take every n-th pixel, so that about twice the picture's resolution is left."""
    step = max(1, max(flat.sizes[y], flat.sizes[x]) // (2 * widest))
    return flat.isel({y: slice(None, None, step), x: slice(None, None, step)})


def _web_grid(box: Any, widest: int) -> Any:
    """Return the grid of the picture in EPSG:3857, no finer than the data."""
    web = box.to_crs("EPSG:3857")
    finest = max(web.shape)
    if not finest or not all(map(math.isfinite, web.boundingbox.bbox)):
        raise CubeError(
            "this area cannot be shown on a web map", hint="cut the poles (beyond 85 degrees) off"
        )
    return web if finest <= widest else web.zoom_to(widest)


def _bounds(target: Any) -> tuple[tuple[float, float], tuple[float, float]]:
    west, south, east, north = target.boundingbox.bbox
    return (_latitude(south), _longitude(west)), (_latitude(north), _longitude(east))


def _longitude(x: float) -> float:
    return math.degrees(x / _RADIUS)


def _latitude(y: float) -> float:
    return math.degrees(math.atan(math.sinh(y / _RADIUS)))
