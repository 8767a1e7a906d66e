"""What cannot be saved is refused with what to do, in our words, before anything is computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import rasterio
import xarray as xr
from readers import SUFFIXES
from series import GRID, NEW, OLD, coordinates, identical, numbers, raw

import geodes_datalab as gd
from geodes_datalab import errors, ops


def never(block: np.ndarray) -> np.ndarray:
    raise AssertionError("computed, and then refused")


def uncomputed(dtype: str = "uint16") -> xr.Dataset:
    """A cube that must not be computed."""
    blank = da.zeros((3, *GRID.shape), dtype, chunks=(1, 16, 20))
    data = blank.map_blocks(never, dtype=dtype, meta=np.empty((0, 0, 0), dtype))
    return xr.Dataset({"B04": (("time", "y", "x"), data)}, coordinates())


def with_mask() -> xr.Dataset:
    return uncomputed().assign(CLM=uncomputed("uint8")["B04"])


def marked(nodata: float | None) -> xr.DataArray:
    band = uncomputed()["B04"]
    return band if nodata is None else band.assign_attrs(nodata=nodata)


REFUSED: dict[str, tuple[Any, str, str]] = {
    "types": (with_mask, "cube.tif", "numbers of one type"),
    "marks": (lambda: uncomputed().assign(B08=marked(0)), "cube.tif", "one number for what is missing"),
    "no map": (lambda: raw(numbers())["B04"].mean(("y", "x")), "mean.tif", "needs a regular grid"),
    "a series beside a map": (
        lambda: uncomputed().assign(mean=("time", [1.0, 2.0, 3.0])), "cube.tif", "mean has no place",
    ),
    "an uneven grid": (lambda: uncomputed().isel(x=[0, 1, 5, 9]), "cube.tif", "needs a regular grid"),
    "dates": (lambda: uncomputed()["B04"].astype("datetime64[ns]"), "cube.tif", "datetime64"),
    "no dates": (lambda: uncomputed().isel(time=slice(0)), "cube.tif", "1 to 65535 bands"),
    "complex": (lambda: uncomputed().astype("complex64"), "cube.nc", "netCDF cannot hold"),
    "an index of several": (
        lambda: uncomputed().stack(pixel=("y", "x")), "cube.nc", "cannot hold this cube",
    ),
    "a slash": (lambda: uncomputed().rename(B04="S2/B04"), "cube.zarr", "'S2/B04' cannot be saved"),
    "a number for a name": (lambda: uncomputed().rename(B04=4), "cube.nc", "named 4 cannot be saved"),
    "an attribute": (lambda: uncomputed().assign_attrs(how=object()), "cube.nc", "cannot be saved"),
    "a name netCDF has not": (lambda: uncomputed().rename(B04="{x}"), "cube.nc", "cannot hold this cube"),
    "an attribute's name": (lambda: uncomputed().assign_attrs({"a b/c": 1}), "cube.nc", "cannot hold this"),
    "no variables": (lambda: uncomputed()[[]], "cube.nc", "no variables"),
    "no cube": (numbers, "cube.nc", "of type ndarray"),
    "items": (lambda: [{"type": "Feature"}], "cube.nc", "of type list"),
    "no format": (uncomputed, "cube", "does not tell the format"),
    "another format": (uncomputed, "cube.grib", "does not tell the format"),
    "a server": (uncomputed, "s3://bucket/cube.zarr", "is on a server"),
    "a field": (uncomputed, "{tiem}.tif", "{tiem} could name"),
    "a brace": (uncomputed, "{time.tif", "no pattern"),
    "a form": (uncomputed, "{variable:%Y}.tif", "cannot be filled in"),
    "one name for all": (uncomputed, "{time:%Y}.tif", "would both be saved as"),
    "a date that is not there": (
        lambda: uncomputed().assign(dem=uncomputed()["B04"].isel(time=0, drop=True)),
        "{variable}_{time}.tif", "dem has no dimension time",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_saved_is_refused(tmp_path: Path, case: str) -> None:
    make, name, said = REFUSED[case]
    path = name if "://" in name else tmp_path / name
    with pytest.raises(errors.CubeError) as caught:
        gd.save(make(), path)
    assert said in str(caught.value)
    assert "What to do" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", [None, 3, "", b"cube.nc"])
def test_what_is_no_path_is_refused(path: Any) -> None:
    with pytest.raises(errors.CubeError, match="is no path"):
        gd.save(uncomputed(), path)


def test_a_mistyped_format_is_told(tmp_path: Path) -> None:
    with pytest.raises(errors.CubeError, match="did you mean") as caught:
        gd.save(uncomputed(), tmp_path / "cube.nc", format="netcfd")
    assert '"netcdf"' in str(caught.value)


@pytest.mark.parametrize("kind", SUFFIXES)
def test_stored_numbers_that_lost_their_offsets_are_refused(tmp_path: Path, kind: str) -> None:
    lost = raw(numbers(), (OLD, NEW, NEW)).max("time", keep_attrs=True)
    with pytest.raises(errors.StoredOtherwise):
        gd.save(lost, tmp_path / f"cube{SUFFIXES[kind]}", format=kind)
    assert list(tmp_path.iterdir()) == []


def test_what_others_wrote_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "theirs.tif"
    with rasterio.open(
        path, "w", driver="GTiff", height=2, width=2, count=1, dtype="uint8", crs="EPSG:32631",
        transform=GRID.transform,
    ):  # fmt: skip
        pass
    with pytest.raises(errors.CubeError, match="was not written by save") as caught:
        gd.open(path)
    assert "rioxarray.open_rasterio" in str(caught.value)
    with pytest.raises(errors.CubeError, match="there is no"):
        gd.open(tmp_path / "nowhere.nc")


def test_files_that_make_no_cube_are_told(tmp_path: Path) -> None:
    """Of one date each, without a dimension along which they could be joined."""
    cube = raw(numbers())
    paths = [gd.save(cube.isel(time=at), tmp_path / f"{at}.nc") for at in range(2)]
    with pytest.raises(errors.CubeError, match="no cube together") as caught:
        gd.open(paths)
    assert "xarray.concat" in str(caught.value)


def test_tables_and_series_are_saved_where_they_can_be(tmp_path: Path) -> None:
    series = ops.to_physical(raw(numbers()))["B04"].mean(("y", "x"))
    for name in ("series.nc", "series.zarr"):
        identical(gd.open(gd.save(series, tmp_path / name)), series)


@pytest.mark.parametrize("kind", SUFFIXES)
def test_a_cube_without_crs_stays_without(tmp_path: Path, kind: str) -> None:
    cube = ops.to_physical(raw(numbers())).drop_vars("spatial_ref")
    for axis in ("x", "y"):
        cube[axis].attrs = {}
    back = gd.open(gd.save(cube, tmp_path / f"cube{SUFFIXES[kind]}", format=kind))
    identical(back.drop_vars("spatial_ref", errors="ignore"), cube)
    assert back.odc.crs is None


@pytest.mark.parametrize("kind", SUFFIXES)
def test_what_plain_calls_opened_and_changed_can_be_saved_again(tmp_path: Path, kind: str) -> None:
    first = gd.save(raw(numbers()), tmp_path / "first.nc")
    with xr.open_dataset(first) as opened:
        second = gd.save(opened, tmp_path / f"second{SUFFIXES[kind]}", format=kind)
        xr.testing.assert_equal(gd.open(second).compute(), opened.compute())
    changed = tmp_path / "changed.nc"
    with xr.open_dataset(first) as opened:
        (opened.drop_encoding() * 2).to_netcdf(changed)
        xr.testing.assert_equal(gd.open(changed).compute(), (opened * 2).compute())
    masked_not = xr.open_dataset(first, mask_and_scale=False, decode_coords="all")
    with masked_not:
        again = gd.save(masked_not, tmp_path / f"third{SUFFIXES[kind]}", format=kind)
        xr.testing.assert_equal(gd.open(again).compute(), masked_not.compute())
