"""Values along paths and at points, averaged in the pixels of a grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
import xarray as xr
from affine import Affine
from dask.delayed import delayed
from odc.geo import CRS
from odc.geo.geobox import GeoBox
from odc.geo.geom import box
from pyproj import Transformer

from geodes_datalab.cubes.formats.asked import Asked, Opened
from geodes_datalab.errors import CubeError

COUNT = "count"
"""Name of the variable that tells how many places were averaged in each pixel."""

_DEGREES = 5.0
"""Pixel sizes up to this one are taken for degrees where no CRS is given, larger ones for metres."""

_SLACK = 1e-9
"""Of a pixel: what lies on the edge of the last one belongs to it."""

_MOST = 2**26
"""Pixels of a grid: each takes 16 bytes for each variable while it is made."""

_SUM = "_sum"


def placed(products: Sequence[Opened], asked: Asked) -> tuple[list[xr.Dataset], GeoBox]:
    """Average the values of each product in the pixels of one grid.

    A pixel is the mean of the values whose place lies in it; `COUNT` tells of how many. Nothing is
    interpolated: where no value lies there is none.

    Raises
    ------
    CubeError
        Nothing lies in the area, or it is too much for memory.
    """
    geobox = _grid(_bounds([one.values for one in products], asked), asked)
    return [
        _binned(one.values, geobox).expand_dims(time=[np.datetime64(one.start, "ns")])
        for one in products
    ], geobox


def _bounds(products: Sequence[xr.Dataset], asked: Asked) -> tuple[float, float, float, float]:
    if asked.area is not None:
        return tuple(asked.area.bounds)
    places = [
        (np.asarray(one["longitude"].values), np.asarray(one["latitude"].values))
        for one in products
    ]
    longitude = np.concatenate([x.ravel() for x, _ in places])
    latitude = np.concatenate([y.ravel() for _, y in places])
    if not np.isfinite(longitude).any():
        raise CubeError("the products tell no places of their values", hint="open them as they are")
    longitude = np.where(longitude > 180, longitude - 360, longitude)
    return (
        float(np.nanmin(longitude)), float(np.nanmin(latitude)), float(np.nanmax(longitude)),
        float(np.nanmax(latitude)),
    )  # fmt: skip


def _grid(bounds: tuple[float, float, float, float], asked: Asked) -> GeoBox:
    """Make a grid whose pixels begin at multiples of the resolution.

    Raises
    ------
    CubeError
        It has more pixels than anybody means.
    """
    given = asked.resolution
    across, down = given if isinstance(given, tuple) else (given, given)
    crs = CRS(asked.crs or ("EPSG:4326" if max(across, down) <= _DEGREES else _utm(bounds)))
    left, bottom, right, top = box(*bounds, "EPSG:4326").to_crs(crs, 0.1).boundingbox.bbox
    first, last = math.floor(left / across + _SLACK), math.floor(right / across + _SLACK)
    low, high = math.floor(bottom / down - _SLACK), math.floor(top / down - _SLACK)
    shape = high - low + 1, last - first + 1
    if shape[0] * shape[1] > _MOST:
        raise CubeError(
            f"pixels of {across:g} x {down:g} make a grid of {shape[0]} x {shape[1]}",
            hint="give a larger resolution (in units of the CRS), or a smaller bbox",
        )
    return GeoBox(shape, Affine(across, 0, first * across, 0, -down, (high + 1) * down), crs)


def _utm(bounds: tuple[float, float, float, float]) -> str:
    """Return the UTM zone of the middle of an area."""
    west, south, east, north = bounds
    zone = math.floor(((west + east) / 2 + 180) / 6) % 60 + 1
    return f"EPSG:{(32600 if south + north >= 0 else 32700) + zone}"


def _binned(one: xr.Dataset, geobox: GeoBox) -> xr.Dataset:
    """Return sums and counts of a product in the pixels of a grid, lazily; `pooled` makes means of them."""
    dims = one["longitude"].dims
    names = [
        str(name)
        for name, band in one.data_vars.items()
        if band.dims == dims and band.dtype.kind == "f"
    ]
    if not names:
        raise CubeError(
            f"{one.attrs.get('title', 'the product')} has no values at places that can be averaged",
            hint="open it as it is with geodes_datalab.open(item)",
        )
    flat = [one[name].data for name in ("longitude", "latitude", *names)]
    sums = delayed(partial(_sums, geobox=geobox), pure=True)(*flat)
    shape = (2 * len(names), *geobox.shape)
    stack = da.from_delayed(sums, shape, "float64")
    variables: dict[str, Any] = {}
    for place, name in enumerate(names):
        variables[name] = (("y", "x"), stack[2 * place], one[name].attrs)
        variables[f"{name}{_SUM}"] = (("y", "x"), stack[2 * place + 1], {})
    return xr.Dataset(variables, attrs=one.attrs)


def _sums(longitude: Any, latitude: Any, *values: Any, geobox: GeoBox) -> npt.NDArray[np.float64]:
    """Return for each variable the sum of its values in each pixel, and how many they are."""
    assert geobox.crs is not None
    project = Transformer.from_crs("EPSG:4326", geobox.crs.proj, always_xy=True)
    shifted = np.where(np.asarray(longitude) > 180, np.asarray(longitude) - 360, longitude)
    x, y = project.transform(shifted.ravel(), np.asarray(latitude, "float64").ravel())
    column, row = ~geobox.transform @ (np.asarray(x), np.asarray(y))
    rows, columns = geobox.shape
    inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    pixel = np.where(inside, np.floor(row) * columns + np.floor(column), 0).astype("int64")
    result = []
    for one in values:
        flat = np.asarray(one, "float64").ravel()
        there = inside & np.isfinite(flat)
        for weights in (flat[there], None):
            binned = np.bincount(pixel[there], weights, rows * columns)
            result.append(binned.reshape(rows, columns).astype("float64"))
    return np.stack(result)


def pooled(found: Sequence[xr.Dataset]) -> xr.Dataset:
    """Return the means of products that make one time step, and how many values they are of."""
    names = [str(name) for name in found[0].data_vars if not str(name).endswith(_SUM)]
    result: dict[str, xr.DataArray] = {}
    for name in names:
        total: Any = sum(one[name] for one in found if name in one)
        count: Any = sum(one[f"{name}{_SUM}"] for one in found if name in one)
        attrs = {**found[0][name].attrs, "cell_methods": "area: mean"}
        result[name] = (total / count.where(count > 0)).assign_attrs(attrs)
        result.setdefault(COUNT, count.astype("int32").assign_attrs(
            long_name=f"number of values of {name}", units="1"))  # fmt: skip
    return xr.Dataset(result, attrs=found[0].attrs)
