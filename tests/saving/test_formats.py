"""What was saved is read right by xarray, GDAL and rioxarray, and opened again as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rioxarray
import xarray as xr
from readers import READERS, SUFFIXES, gdal_name, readers
from series import GRID, NEW, OLD, SCALE, TIMES, identical, meant, numbers, raw
from telling import told

import geodes_datalab as gd
from geodes_datalab import ops

PAIRS = [(kind, name) for kind in SUFFIXES for name in readers(kind)]


def named(folder: Path, kind: str, name: str = "cube") -> Path:
    return folder / f"{name}{SUFFIXES[kind]}"


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Two dates, on both sides of Sentinel-2's processing baseline 04.00."""
    folder = tmp_path_factory.mktemp("products")
    return [
        told(
            folder, f"p{day}", {"red": numbers(seed=day)[0], "nir": numbers(seed=10 + day)[0]},
            day=day, nodata=0, data_type="uint16", **{"raster:scale": 0.0001, "raster:offset": offset},
        )
        for day, offset in ((1, OLD), (4, NEW))
    ]  # fmt: skip


def truth(items: list[dict[str, Any]], band: str) -> np.ndarray:
    values = []
    for item in items:
        with rasterio.open(item["assets"][band]["href"]) as file:
            stored = file.read(1)
        offset = item["assets"][band]["bands"][0]["raster:offset"]
        values.append(np.where(stored == 0, np.nan, stored * 0.0001 + offset))
    return np.stack(values)


@pytest.mark.parametrize("stored", [True, False], ids=["raw", "physical"])
@pytest.mark.parametrize(("kind", "reader"), PAIRS)
def test_loaded_cubes_over_both_baselines(
    items, tmp_path: Path, kind: str, reader: str, stored: bool
) -> None:
    cube = gd.load(items, raw=stored)
    path = gd.save(cube, named(tmp_path, kind), format=kind)
    for band in ("red", "nir"):
        found = READERS[reader](path, band)
        np.testing.assert_allclose(found, truth(items, band), rtol=2e-6, atol=1e-8)
    back = gd.open(path)
    assert back["red"].dtype == ("uint16" if stored else "float32")
    identical(back, cube)
    red, nir = truth(items, "red"), truth(items, "nir")
    np.testing.assert_allclose(ops.ndvi(back), (nir - red) / (nir + red), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", SUFFIXES)
def test_gdal_is_told_what_numbers_mean_and_where_they_lie(tmp_path: Path, kind: str) -> None:
    stored = numbers("int16")
    cube = raw(stored, (NEW, NEW, NEW), nodata=-1).isel(y=slice(10, 30), x=slice(5, 45))
    path = gd.save(cube, named(tmp_path, kind), format=kind)
    with rasterio.open(gdal_name(path, "B04")) as file:
        assert (file.nodata, file.scales[0], file.offsets[0]) == (-1, 0.0001, -0.1)
        assert file.dtypes[0] == "int16"
        assert file.units[0] == "1"
        assert file.crs.to_epsg() == 32631
        assert file.transform == GRID[10:30, 5:45].transform
        assert (file.count, file.shape) == (3, (20, 40))


def test_bands_of_a_geotiff_say_what_they_are_and_of_which_date(tmp_path: Path) -> None:
    cube = raw(numbers()).assign(B08=raw(numbers(seed=1), name="B08")["B08"])
    with rasterio.open(gd.save(cube, tmp_path / "cube.tif")) as file:
        assert file.descriptions == (
            "B04 2021-12-03T10:50:31.024", "B04 2022-03-01T10:50:21", "B04 2022-03-11",
            "B08 2021-12-03T10:50:31.024", "B08 2022-03-01T10:50:21", "B08 2022-03-11",
        )  # fmt: skip
        assert file.offsets == (OLD, NEW, NEW, OLD, NEW, NEW)
        assert file.tags(2)["time"] == "2022-03-01T10:50:21"
        assert file.tags(2)["common_name"] == "red"
        assert file.tags()["title"] == "a test"
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"


def test_one_date_is_the_date_of_the_file(tmp_path: Path) -> None:
    path = gd.save(raw(numbers()).isel(time=1), tmp_path / "one.tif")
    with rasterio.open(path) as file:
        assert file.tags()["TIFFTAG_DATETIME"] == "2022:03:01 10:50:21"
        assert file.descriptions == ("B04 2022-03-01T10:50:21",)
        assert file.offsets == (NEW,)
    identical(gd.open(path), raw(numbers()).isel(time=1))


@pytest.mark.parametrize("kind", ["netcdf", "zarr"])
def test_plain_xarray_finds_the_crs_and_calculates_right(tmp_path: Path, kind: str) -> None:
    stored = numbers()
    path = gd.save(raw(stored), named(tmp_path, kind))
    opened = xr.open_zarr(path) if kind == "zarr" else xr.open_dataset(path)
    with opened:
        assert list(opened.data_vars) == ["B04"]
        assert opened.rio.crs.to_epsg() == 32631
        assert opened.odc.crs == "EPSG:32631"
        assert opened["B04"].attrs["units"] == "1"
        np.testing.assert_array_equal(opened["time"], TIMES)
        np.testing.assert_allclose(opened["stored_offset"], (OLD, NEW, NEW))
        expected = np.ma.median(np.ma.masked_invalid(meant(stored)), 0).filled(np.nan)
        np.testing.assert_allclose(ops.median(opened)["B04"], expected, rtol=1e-6)


@pytest.mark.parametrize("kind", SUFFIXES)
def test_booleans_stay_booleans(tmp_path: Path, kind: str) -> None:
    clouds = (raw(numbers())["B04"] > 6000).rename("clouds")
    path = gd.save(clouds, named(tmp_path, kind), format=kind)
    back = gd.open(path)
    assert isinstance(back, xr.DataArray)
    identical(back, clouds)
    with rasterio.open(gdal_name(path, "clouds")) as file:
        assert file.nodata is None
        np.testing.assert_array_equal(file.read(), clouds.values)
    if kind in ("netcdf", "zarr"):
        opened = xr.open_zarr(path) if kind == "zarr" else xr.open_dataset(path)
        with opened:
            assert opened["clouds"].dtype == bool


@pytest.mark.parametrize("nodata", [255, None])
@pytest.mark.parametrize("kind", SUFFIXES)
def test_quality_masks_stay_flags(tmp_path: Path, kind: str, nodata: int | None) -> None:
    attrs = {
        "role": "mask", "flag_masks": np.array([1, 2], "uint8"), "flag_meanings": "cloud shadow",
        "units": "1",
    } | ({} if nodata is None else {"nodata": nodata})  # fmt: skip
    flags = (numbers() % 256).astype("uint8")
    mask = raw(flags)["B04"].drop_vars("stored_offset").rename("CLM")
    mask.attrs = attrs
    path = gd.save(mask, named(tmp_path, kind), format=kind)
    back = gd.open(path)
    identical(back, mask)
    assert back.attrs["flag_masks"].dtype == np.uint8
    with rasterio.open(gdal_name(path, "CLM")) as file:
        assert file.nodata == nodata
        np.testing.assert_array_equal(file.read(), flags)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64"])
@pytest.mark.parametrize("kind", SUFFIXES)
def test_where_nothing_is_missing_every_number_is_a_value(
    tmp_path: Path, kind: str, dtype: str
) -> None:
    limits = np.iinfo(dtype)
    stored = np.zeros((1, *GRID.shape), dtype)
    stored[0, 0, :5] = limits.min, limits.min + 1, limits.min + 2, limits.max - 1, limits.max
    cube = raw(stored, (OLD,), nodata=None)
    path = gd.save(cube, named(tmp_path, kind), format=kind)
    with rasterio.open(gdal_name(path, "B04")) as file:
        assert file.nodata is None
        np.testing.assert_array_equal(file.read(), stored)
    for name in readers(kind):
        np.testing.assert_allclose(READERS[name](path, "B04").squeeze(), stored[0] * SCALE)
    identical(gd.open(path), cube)


@pytest.mark.parametrize("kind", ["netcdf", "zarr"])
def test_masks_that_plain_xarray_opened_still_tell_clouds(tmp_path: Path, kind: str) -> None:
    attrs = {"role": "mask", "native_name": "CLM_R1", "nodata": 255}
    flags = np.array([[[0, 3], [128, 255]]], "uint8")
    cube = xr.Dataset({"CLM": (("time", "y", "x"), flags, attrs)}, {"time": TIMES[:1]})
    path = gd.save(cube, named(tmp_path, kind))
    opened = xr.open_zarr(path) if kind == "zarr" else xr.open_dataset(path)
    with opened:
        np.testing.assert_array_equal(ops.cloud_mask(opened), [[[False, True], [True, True]]])


@pytest.mark.parametrize("kind", ["netcdf", "zarr"])
def test_blocks_are_those_of_the_cube(tmp_path: Path, kind: str) -> None:
    cube = raw(numbers(), chunks=(2, 16, 20))
    back = gd.open(gd.save(cube, named(tmp_path, kind)))
    assert back["B04"].chunks == cube["B04"].chunks
    uneven = cube.chunk({"x": (7, 30, 13)})
    identical(gd.open(gd.save(uneven, named(tmp_path, kind, "uneven"))), uneven)


@pytest.mark.parametrize("kind", SUFFIXES)
def test_results_of_any_shape(tmp_path: Path, kind: str) -> None:
    cube = ops.to_physical(raw(numbers()))
    monthly = cube.groupby("time.month").mean()
    flat = cube["B04"].max("time").rename(None)
    stacked = cube.assign(B08=cube["B04"] * 2).to_array("band", name="both")
    for number, one in enumerate((monthly, flat, stacked)):
        path = gd.save(one, named(tmp_path, kind, f"cube{number}"), format=kind)
        identical(gd.open(path), one)


def test_what_rioxarray_opens_of_a_geotiff(tmp_path: Path) -> None:
    cube = ops.to_physical(raw(numbers()))
    opened = rioxarray.open_rasterio(gd.save(cube, tmp_path / "cube.tif"), mask_and_scale=True)
    np.testing.assert_array_equal(opened.values, cube["B04"].values)
    assert opened.rio.crs.to_epsg() == 32631
    assert opened.attrs["long_name"][0] == "B04 2021-12-03T10:50:31.024"
    np.testing.assert_array_equal(opened["x"], cube["x"])
    np.testing.assert_array_equal(opened["y"], cube["y"])


def test_dates_taken_pixel_by_pixel(tmp_path: Path) -> None:
    cube = raw(numbers())
    best = ops.best_pixel(cube, ops.to_physical(cube)["B04"])
    assert best["observed"].isnull().any()
    for kind in ("netcdf", "zarr"):
        identical(gd.open(gd.save(best, named(tmp_path, kind))), best)


def test_attributes_of_any_kind_come_back(tmp_path: Path) -> None:
    cube = raw(numbers())
    cube.attrs |= {"checked": True, "nothing": None, "how": {"window": [3, 3]}, "names": ["a", "b"]}
    cube["B04"].attrs |= {"weights": np.array([0.5, 0.25], "float32"), "flag": False, "text": "é"}
    for kind in SUFFIXES:
        back = gd.open(gd.save(cube, named(tmp_path, kind, kind), format=kind))
        identical(back, cube)
        assert back["B04"].attrs["weights"].dtype == np.float32
        assert back.attrs["checked"] is True


def test_files_of_a_pattern_are_one_cube_again(tmp_path: Path) -> None:
    cube = raw(numbers()).assign(CLM=(("time", "y", "x"), (numbers() % 7).astype("uint8")))
    paths = gd.save(cube, tmp_path / "out" / "{variable}" / "{time:%Y%m%d}.tif")
    assert [str(one.relative_to(tmp_path / "out")) for one in paths] == [
        "B04/20211203.tif", "B04/20220301.tif", "B04/20220311.tif",
        "CLM/20211203.tif", "CLM/20220301.tif", "CLM/20220311.tif",
    ]  # fmt: skip
    with rasterio.open(paths[1]) as file:
        assert (file.count, file.offsets, file.dtypes) == (1, (NEW,), ("uint16",))
    xr.testing.assert_equal(gd.open(paths).compute(), cube.compute())


@pytest.mark.parametrize("kind", SUFFIXES)
@pytest.mark.parametrize("name", ["ndvi", None])
def test_dates_of_one_array_are_one_array_again(
    tmp_path: Path, kind: str, name: str | None
) -> None:
    array = ops.to_physical(raw(numbers()))["B04"].rename(name)
    paths = gd.save(array, tmp_path / f"{{time}}{SUFFIXES[kind]}", format=kind)
    assert [one.stem for one in paths] == ["2021-12-03", "2022-03-01", "2022-03-11"]
    identical(gd.open(paths), array)


@pytest.mark.parametrize(
    "offsets", [(1e9, -1e9, 0.0), (0.0, 300_000.0, -0.1)], ids=["huge", "large"]
)
@pytest.mark.parametrize(("kind", "reader"), PAIRS)
def test_offsets_however_far_apart(tmp_path: Path, kind: str, reader: str, offsets) -> None:
    """Their difference in stored units, 2e13, fits into no 32 bits."""
    stored = numbers()
    cube = raw(stored, offsets)
    path = gd.save(cube, named(tmp_path, kind), format=kind)
    found = READERS[reader](path, "B04")  # double precision holds 1e9 to 1e-7
    np.testing.assert_allclose(found, meant(stored, offsets), rtol=1e-6, atol=1e-6)
    identical(gd.open(path), cube)


@pytest.mark.parametrize("kind", SUFFIXES)
@pytest.mark.parametrize("offsets", [(NEW, NEW, NEW), (OLD, NEW, NEW)], ids=["one", "two"])
def test_what_was_masked_beside_what_is_missing(tmp_path: Path, kind: str, offsets) -> None:
    """Stored numbers that became floats, with NaN beside the number that means "missing"."""
    stored = numbers()
    cube = raw(stored, offsets)
    cube = cube.where((cube["B04"] > 3_000) | (cube["B04"] == 0))
    path = gd.save(cube, named(tmp_path, kind), format=kind)
    identical(gd.open(path), cube)
    expected = np.where(stored > 3_000, meant(stored, offsets), np.nan)
    for name in readers(kind):
        np.testing.assert_allclose(READERS[name](path, "B04"), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("kind", SUFFIXES)
def test_a_date_that_was_added(tmp_path: Path, kind: str) -> None:
    cube = raw(numbers(), chunks=None).reindex(time=[*TIMES, np.datetime64("2022-04-01", "ns")])
    path = gd.save(cube, named(tmp_path, kind), format=kind)
    identical(gd.open(path), cube)
    for name in readers(kind):
        found = READERS[name](path, "B04")
        np.testing.assert_allclose(found[:3], meant(numbers()), rtol=1e-6, atol=1e-7)
        assert np.isnan(found[3]).all()


DATES = {
    "s": np.array(["1000-01-01", "2022-03-01T10:50:21", "5000-01-01"], "datetime64[s]"),
    "ms": np.array(["1850-01-01", "2022-03-01T10:50:21.024", "NaT"], "datetime64[ms]"),
    "us": TIMES.astype("datetime64[us]"),
    "steps": np.array([0, 1, 10**15], "timedelta64[ns]"),
    "days": np.array([0, 1, 400], "timedelta64[s]"),
}


@pytest.mark.parametrize("kind", SUFFIXES)
@pytest.mark.parametrize("dates", DATES)
def test_dates_and_durations_of_any_type(tmp_path: Path, kind: str, dates: str) -> None:
    cube = ops.to_physical(raw(numbers())).assign_coords(time=DATES[dates])
    if kind in ("netcdf", "zarr"):
        cube["when"] = ("time", DATES[dates][::-1].copy())
    back = gd.open(gd.save(cube, named(tmp_path, kind), format=kind))
    identical(back, cube)
    assert back["time"].dtype == DATES[dates].dtype


@pytest.mark.parametrize("kind", ["cog", "geotiff"])
def test_half_precision(tmp_path: Path, kind: str) -> None:
    cube = ops.to_physical(raw(numbers())).astype("float16")
    path = gd.save(cube, named(tmp_path, kind), format=kind)
    identical(gd.open(path), cube)
    np.testing.assert_array_equal(READERS["gdal"](path, "B04"), cube["B04"].astype("float64"))


def test_braces_that_are_no_fields_are_braces(tmp_path: Path) -> None:
    path = gd.save(raw(numbers()), tmp_path / "{{cube}}.nc")
    assert path == tmp_path / "{cube}.nc"
    identical(gd.open(path), raw(numbers()))
