"""Cubes made by hand, and what their numbers mean by numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords

GRID = GeoBox((40, 50), Affine(10, 0, 600_000, 0, -10, 4_850_020), "EPSG:32631")
TIMES = np.array(
    ["2021-12-03T10:50:31.024", "2022-03-01T10:50:21", "2022-03-11T00:00:00"], "datetime64[ns]"
)
OLD, NEW = 0.0, -0.1
SCALE = 0.0001


def numbers(
    dtype: str = "uint16", *, dates: int = 3, grid: GeoBox = GRID, seed: int = 0
) -> np.ndarray:
    """Return stored numbers, some of them 0."""
    chance = np.random.default_rng(seed)
    high = min(np.iinfo(dtype).max, 12_000) if np.dtype(dtype).kind in "iu" else 12_000
    found = chance.integers(1, high, (dates, *grid.shape)).astype(dtype)
    found[chance.random(found.shape) < 0.1] = 0
    return found


def coordinates(grid: GeoBox = GRID, dates: int = 3) -> dict[str, Any]:
    coords = {str(name): one.variable for name, one in xr_coords(grid, always_yx=True).items()}
    return coords | {"time": ("time", TIMES[:dates])}


def raw(
    stored: np.ndarray,
    offsets: Sequence[float] = (OLD, NEW, NEW),
    *,
    grid: GeoBox = GRID,
    chunks: Any = (1, 16, 20),
    nodata: float | None = 0,
    name: str = "B04",
) -> xr.Dataset:
    """Return a raw cube as `load` makes it, with the offset of each date in ``stored_offset``."""
    attrs = {
        "long_name": "red", "common_name": "red", "units": "stored numbers",
        "physical_units": "1", "scale": SCALE, "offset": "stored_offset",
    }  # fmt: skip
    if nodata is not None:
        attrs["nodata"] = nodata
    pixels = da.from_array(stored, chunks=chunks) if chunks else stored
    coords = coordinates(grid, len(stored)) | {"stored_offset": ("time", list(offsets))}
    return xr.Dataset({name: (("time", "y", "x"), pixels, attrs)}, coords, {"title": "a test"})


def meant(
    stored: np.ndarray, offsets: Sequence[float] = (OLD, NEW, NEW), nodata: float | None = 0
) -> np.ndarray:
    """Return the physical values of stored numbers, by numpy."""
    values = stored.astype("float64") * SCALE + np.array(offsets)[:, None, None]
    return values if nodata is None else np.where(stored == nodata, np.nan, values)


def identical(found: Any, expected: Any) -> None:
    """Assert that a cube is the one that was saved: numbers, types, attributes, coordinates.

    The attribute GeoTransform is not compared: after a selection, xarray keeps that of the whole.
    """
    found, expected = found.compute(), expected.compute()
    if isinstance(found, xr.Dataset) and isinstance(expected, xr.Dataset):
        assert {n: b.dtype for n, b in found.data_vars.items()} == {
            n: b.dtype for n, b in expected.data_vars.items()
        }
    else:
        assert found.dtype == expected.dtype
    xr.testing.assert_identical(_without(found), _without(expected))


def _without(cube: Any) -> Any:
    cube = cube.copy()
    if "spatial_ref" in cube.coords:
        cube["spatial_ref"].attrs.pop("GeoTransform", None)
    return cube
