"""A slice of a cube as a picture on a web map: pixels, bounds, colours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from geodes_datalab._optional import need
from geodes_datalab.errors import CubeError
from geodes_datalab.maps.colours import Scale, Stretch
from geodes_datalab.maps.mercator import degrees_of_metres


@dataclass(frozen=True)
class Plane:
    """Values on a regular grid of EPSG:3857, north up; NaN where there is nothing."""

    values: np.ndarray[Any, np.dtype[np.float32]]
    """Shape (band, y, x), with one or three bands."""
    bounds: tuple[tuple[float, float], tuple[float, float]]
    """South-west and north-east corner as (latitude, longitude) in degrees."""


def plane(flat: Any, dims: tuple[str, str], widest: int) -> Plane:
    """Bring a slice of a cube onto the map's grid.

    Parameters
    ----------
    flat
        `xarray.DataArray` with a CRS and dims ([band], y, x). Large arrays are thinned out first, so
        that only what is seen is computed.
    dims
        Names of y and x.
    widest
        Pixels of the longer side of the picture, at most.

    Raises
    ------
    CubeError
        Nothing of it can be shown on a web map.
    """
    values = seen(flat, dims, 2 * widest)
    target = _web_grid(values.odc.geobox, widest)
    source = values.values.reshape(-1, *values.odc.geobox.shape)
    pixels = np.full((len(source), *target.shape), np.nan, dtype="float32")
    warp = need("odc.geo.warp", extra="cubes").rio_reproject
    warp(source, pixels, values.odc.geobox, target, "nearest", np.nan, np.nan)
    return Plane(pixels, _bounds(target))


def seen(flat: Any, dims: tuple[str, str], widest: int) -> Any:
    """Compute what can be seen of an array: thinned out, as float32, with NaN for what is missing.

    Parameters
    ----------
    flat
        `xarray.DataArray`; its last two dims are y and x.
    dims
        Their names.
    widest
        Pixels of the longer side that are left: at least so many, and less than twice as many.
    """
    step = max(1, max(flat.sizes[dim] for dim in dims) // widest)
    thin = flat.isel(dict.fromkeys(dims, slice(None, None, step)))
    nodata = thin.odc.nodata
    values = thin.compute().astype("float32")
    if nodata is not None and not math.isnan(nodata):
        values = values.where(values != nodata)
    return values


def limits(values: np.ndarray[Any, Any], percentiles: tuple[float, float]) -> tuple[float, float]:
    """Return the two percentiles of the finite values; (0, 1) where there are none."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = np.percentile(finite, percentiles)
    return float(low), float(high)


def rgba(
    values: np.ndarray[Any, Any], colours: Scale | Stretch
) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Colour pixels (band, y, x): (y, x, 4) bytes, transparent where there is no value."""
    there = np.isfinite(values).all(axis=0)
    shares = np.nan_to_num(colours.shares(values))
    if isinstance(colours, Stretch):
        pixels = np.rint(np.moveaxis(shares, 0, -1) * 255)
    else:
        cmap = need("matplotlib", extra="maps").colormaps[colours.cmap]
        pixels = np.rint(cmap(shares[0])[..., :3] * 255)
    return np.dstack([pixels, there * 255]).astype("uint8")


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
    left, lower, right, upper = target.boundingbox.bbox
    west, south = degrees_of_metres(left, lower)
    east, north = degrees_of_metres(right, upper)
    return (south, west), (north, east)
