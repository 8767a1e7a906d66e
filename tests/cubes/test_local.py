"""Cubes from plain files on disk: grid, values, attributes, both engines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr

from geodes_datalab import cubes, errors, ops

ENGINES = ("odc", "stackstac")


def pixels(item, band):
    with rasterio.open(item["assets"][band]["href"]) as file:
        return file.read(1)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_cube_is_what_rasterio_reads(shelf, engine) -> None:
    item = shelf.item("a")
    cube = cubes.load([item], engine=engine, raw=True)
    assert cube["B04"].dims == ("time", "y", "x")
    assert cube["B04"].dtype == np.uint16
    assert cube["B04"].chunks is not None
    np.testing.assert_array_equal(cube["B04"].values[0], pixels(item, "B04"))
    np.testing.assert_array_equal(cube["B08"].values[0], pixels(item, "B08"))
    assert cube["time"].values.tolist() == [
        np.datetime64("2024-03-01T10:50:31.024", "ns").astype(int)
    ]
    assert cube["x"].values[0] == 600_005.0
    assert cube["y"].values[0] == 4_850_015.0
    assert cube.odc.crs.epsg == 32631
    assert tuple(cube.odc.transform)[:6] == (10, 0, 600_000, 0, -10, 4_850_020)
    assert cube["B04"].attrs["nodata"] == 0
    assert cube["B04"].attrs["common_name"] == "red"


def test_an_item_without_projection_fields_is_read_from_its_header(shelf) -> None:
    item = shelf.item("a", projection=False)
    cube = cubes.load([item], "red", raw=True)
    assert list(cube.data_vars) == ["red"]
    np.testing.assert_array_equal(cube["red"].values[0], pixels(item, "B04"))


def test_bbox_selects_pixels_that_keep_their_place(shelf) -> None:
    item = shelf.item("a")
    whole = cubes.load([item], raw=True)
    lon, lat = 4.2500, 43.7900
    part = cubes.load([item], bbox=(lon, lat, lon + 0.005, lat + 0.004), raw=True)
    assert 0 < part.sizes["x"] < whole.sizes["x"]
    xr.testing.assert_equal(part["B04"], whole["B04"].sel(x=part["x"], y=part["y"]))


def test_round_trip_through_netcdf_and_zarr_changes_nothing(shelf, tmp_path: Path) -> None:
    cube = cubes.load(
        [shelf.item("a"), shelf.item("b", start="2024-03-05T10:00:00.123456Z", seed=1)], raw=True
    )
    cube["B04"].attrs |= {"scale": 0.0001, "offset": -0.1}
    cube.to_netcdf(tmp_path / "cube.nc")
    cube.to_zarr(tmp_path / "cube.zarr", consolidated=False)
    for back in (
        xr.open_dataset(tmp_path / "cube.nc", decode_coords="all"),
        xr.open_zarr(tmp_path / "cube.zarr", consolidated=False, decode_coords="all"),
    ):
        with back:
            assert back["B04"].dtype == np.uint16
            xr.testing.assert_equal(back, cube)
            for name, value in cube["B04"].attrs.items():
                assert back["B04"].attrs[name] == value
            assert back["time"].values.tolist() == cube["time"].values.tolist()
            assert back.odc.crs == cube.odc.crs
            assert back["B04"].odc.nodata == 0


def test_a_band_asked_for_twice_or_by_two_names_is_read_as_asked(shelf) -> None:
    item = shelf.item("a")
    cube = cubes.load([item], ["red", "B04", "red"], raw=True)
    assert list(cube.data_vars) == ["red", "B04"]
    np.testing.assert_array_equal(cube["red"].values, cube["B04"].values)


def test_products_of_a_day_are_laid_over_each_other(shelf) -> None:
    first = shelf.item("a", start="2024-03-01T10:50:31Z")
    second = shelf.item("b", start="2024-03-01T10:50:45Z", origin=(601_000, 4_850_020), seed=1)
    cube = cubes.load([second, first], "B04", raw=True)
    assert cube.sizes == {"time": 1, "y": 200, "x": 400}
    one, two = pixels(first, "B04"), pixels(second, "B04")
    overlap = one[:, 100:]
    expected = np.zeros((200, 400), "uint16")
    expected[:, :300] = one
    expected[:, 300:] = two[:, 200:]
    expected[:, 100:300] = np.where(overlap == 0, two[:, :200], overlap)
    np.testing.assert_array_equal(cube["B04"].values[0], expected)
    assert cubes.load([first, second], "B04", groupby="id", raw=True).sizes["time"] == 2
    assert cubes.load([first, second], "B04", groupby="time", raw=True).sizes["time"] == 2


def test_physical_values_are_the_default_and_stored_numbers_say_what_they_are(shelf) -> None:
    item = shelf.item("a")
    item["assets"]["B04"]["bands"][0] |= {"raster:scale": 0.0001, "raster:offset": -0.1}
    raw = pixels(item, "B04")
    stored = cubes.load([item], "B04", raw=True)["B04"]
    np.testing.assert_array_equal(stored.values[0], raw)
    assert (stored.attrs["scale"], stored.attrs["offset"]) == (0.0001, "stored_offset")
    assert stored["stored_offset"].values.tolist() == [-0.1]
    assert (stored.attrs["units"], stored.attrs["physical_units"]) == ("stored numbers", "1")
    assert "stored numbers" in xr.plot.utils.label_from_attrs(stored)
    assert "stored numbers" in repr(stored)
    physical = cubes.load([item], "B04")["B04"]
    assert physical.dtype == np.float32
    assert physical.attrs["units"] == "1"
    assert not {"nodata", "scale", "offset", "physical_units"} & physical.attrs.keys()
    assert "stored_offset" not in physical.coords
    expected = np.where(raw == 0, np.nan, raw * 0.0001 - 0.1)
    np.testing.assert_allclose(physical.values[0], expected, rtol=1e-5, atol=1e-7)
    xr.testing.assert_identical(ops.to_physical(stored).compute(), physical.compute())


def test_words_of_the_former_release_say_what_to_write_instead(shelf) -> None:
    item = shelf.item("a")
    item["assets"]["B04"]["bands"][0] |= {"raster:scale": 0.0001, "raster:offset": -0.1}
    raw = pixels(item, "B04")
    with pytest.warns(FutureWarning, match="leave scaled=True out"):
        scaled = cubes.load([item], "B04", scaled=True)
    xr.testing.assert_equal(scaled, cubes.load([item], "B04"))
    with pytest.warns(FutureWarning, match="mask_nodata") as told:
        masked = cubes.load([item], "B04", masked=True)["B04"]
    assert told[0].filename == __file__
    assert masked.attrs["units"] == "stored numbers"
    np.testing.assert_array_equal(
        masked.values[0], np.where(raw == 0, np.nan, raw).astype("float32")
    )
    for words in ({"scaled": False}, {"masked": False}, {"masked": False, "scaled": False}):
        with pytest.warns(FutureWarning, match="raw=True"):
            stored = cubes.load([item], "B04", **words)
        np.testing.assert_array_equal(stored["B04"].values[0], raw)
    with pytest.raises(errors.CubeError, match="raw=True alone"):
        cubes.load([item], "B04", raw=True, scaled=True)


def test_clip_makes_pixels_outside_a_geometry_missing(shelf) -> None:
    from shapely.geometry import Polygon

    item = shelf.item("a")
    item["assets"] = {"B04": item["assets"]["B04"]}
    triangle = Polygon([(4.25, 43.785), (4.27, 43.785), (4.25, 43.795)])
    whole = cubes.load([item], geometry=triangle, chunks=64, raw=True)
    cut = cubes.load([item], geometry=triangle.__geo_interface__, clip=True, chunks=64, raw=True)
    assert cut.sizes == whole.sizes
    assert cut["B04"].dtype == np.uint16
    kept = cut["B04"].values != 0
    np.testing.assert_array_equal(cut["B04"].values[kept], whole["B04"].values[kept])
    share = kept.sum() / (whole["B04"].values != 0).sum()
    assert 0.4 < share < 0.6


def test_no_item_no_cube(shelf) -> None:
    with pytest.raises(errors.CubeError, match="no items to load"):
        cubes.load([], raw=True)
