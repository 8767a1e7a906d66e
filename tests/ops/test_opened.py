"""Cubes that xarray opened by its plain calls: the CRS is a variable among others, flags are floats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import odc.geo.xr  # noqa: F401 - the accessor .odc
import pytest
import rioxarray
import xarray as xr

from geodes_datalab import errors, ops
from geodes_datalab.saving import save

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


STORED = np.array([[[0, 4_000], [2_000, 9_000]], [[5_000, 0], [1_500, 3_000]]], "uint16")
OFFSETS = {"one": (-0.1, -0.1), "two": (0.0, -0.1)}


def saved(folder: Path, offsets: str, end: str) -> Path:
    """A raw cube of two dates that `save` wrote."""
    attrs = {"nodata": 0, "scale": 0.0001, "offset": "stored_offset", "units": "stored numbers"}
    pixels = {"red": STORED, "nir": STORED[:, ::-1]}
    coords = {"time": TIMES[:2], "y": [15.0, 5.0], "x": [5.0, 15.0]}
    raw = xr.Dataset(
        {name: (("time", "y", "x"), values, attrs) for name, values in pixels.items()},
        coords | {"stored_offset": ("time", list(OFFSETS[offsets]))},
    )
    return save(raw.odc.assign_crs("EPSG:32631"), folder / f"cube{end}")


def values(offsets: str) -> dict[str, np.ndarray]:
    """What they mean, by numpy."""
    shifts = np.array(OFFSETS[offsets])[:, None, None]
    red = np.where(STORED == 0, np.nan, STORED * 0.0001 + shifts)
    return {"red": red, "nir": red[:, ::-1]}


@pytest.mark.parametrize("offsets", OFFSETS)
@pytest.mark.parametrize("end", [".nc", ".zarr"])
def test_files_that_were_opened_undecoded(tmp_path: Path, end: str, offsets: str) -> None:
    path, expected = saved(tmp_path, offsets, end), values(offsets)
    engine = "zarr" if end == ".zarr" else None
    with xr.open_dataset(path, engine=engine, mask_and_scale=False) as opened:
        np.testing.assert_allclose(ops.to_physical(opened)["red"], expected["red"], rtol=1e-6)
        np.testing.assert_allclose(ops.to_physical(opened["red"]), expected["red"], rtol=1e-6)
        index = (expected["nir"] - expected["red"]) / (expected["nir"] + expected["red"])
        np.testing.assert_allclose(ops.ndvi(opened), index, rtol=1e-5, atol=1e-6)
        found = ops.median(opened)["red"]
        np.testing.assert_allclose(found, np.nanmedian(expected["red"], 0), rtol=1e-6)
        assert np.isnan(ops.mask_nodata(opened)["red"][0, 0, 0])


@pytest.mark.filterwarnings("ignore:Offsets differ across bands")
@pytest.mark.parametrize("offsets", OFFSETS)
def test_geotiffs_that_rioxarray_opened_undecoded(tmp_path: Path, offsets: str) -> None:
    opened = rioxarray.open_rasterio(saved(tmp_path, offsets, ".tif"))
    if offsets == "two":
        for use in (ops.to_physical, lambda band: ops.difference(band, band)):
            with pytest.raises(errors.StoredOtherwise, match="different scales or offsets"):
                use(opened)
        return
    expected = values(offsets)
    found = ops.to_physical(opened)
    np.testing.assert_allclose(found, [*expected["red"], *expected["nir"]], rtol=1e-6)
