"""Cubes that xarray opened by its plain calls: the CRS is a variable among others, flags are floats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import odc.geo.xr  # noqa: F401 - the accessor .odc
import pytest
import xarray as xr

from geodes_datalab import ops

TIMES = np.array(["2024-03-01", "2024-03-11", "2024-04-01"], "datetime64[ns]")


def cube() -> xr.Dataset:
    chance = np.random.default_rng(1)
    pixels = chance.random((3, 4, 5)).astype("float32")
    pixels[0, :2] = np.nan
    coords = {"time": TIMES, "y": np.arange(4.0)[::-1], "x": np.arange(5.0)}
    bands = {
        name: (("time", "y", "x"), pixels * factor) for name, factor in (("red", 1), ("nir", 2))
    }
    made = xr.Dataset(bands, coords)
    return made.odc.assign_crs("EPSG:32631")


@pytest.fixture
def opened(tmp_path: Path):
    cube().to_netcdf(tmp_path / "cube.nc")
    with xr.open_dataset(tmp_path / "cube.nc") as found:
        assert "spatial_ref" in found.data_vars
        yield found


REDUCED: dict[str, Callable[[xr.Dataset], xr.Dataset]] = {
    "median": ops.median,
    "mean": ops.mean,
    "percentile": lambda data: ops.percentile(data, 25),
    "count": ops.count,
    "monthly median": lambda data: ops.median(data, period="month"),
    "best pixel": lambda data: ops.best_pixel(data, data["nir"]),
}


@pytest.mark.parametrize("name", REDUCED)
def test_composites_leave_what_has_no_time(opened: xr.Dataset, name: str) -> None:
    result, expected = REDUCED[name](opened), REDUCED[name](cube())
    for band in ("red", "nir"):
        np.testing.assert_array_equal(result[band], expected[band])
    assert result.odc.crs == "EPSG:32631"


def test_a_map_beside_the_series_stays(opened: xr.Dataset) -> None:
    heights = np.arange(20.0).reshape(4, 5)
    result = ops.median(opened.assign(height=(("y", "x"), heights)))
    np.testing.assert_array_equal(result["height"], heights)


def test_physical_values_leave_the_crs_as_it_is(opened: xr.Dataset) -> None:
    xr.testing.assert_identical(ops.to_physical(opened)["spatial_ref"], opened["spatial_ref"])
