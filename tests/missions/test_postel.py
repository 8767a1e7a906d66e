"""POSTEL: HDF5 of the globe, packed and not, against plain numbers and GDAL's own driver."""

from __future__ import annotations

import gzip

import h5py
import netCDF4
import numpy as np
import pytest
import rasterio

import geodes_datalab as gd
from geodes_datalab.errors import CubeError, FormatChanged, ReadError

pytest_plugins = ["geodes_datalab.testing.fixtures"]

LAI, ALBEDO = "THEIA_POSTEL_VEGETATION_LAI", "THEIA_POSTEL_RADIATION_SURFACEALBEDO"


def item(path, collection: str) -> dict:
    return {
        "type": "Feature", "id": "a", "collection": collection, "geometry": None, "links": [],
        "properties": {"datetime": "2003-06-15T00:00:00Z", "title": "A"},
        "assets": {"data": {"href": str(path), "title": path.name, "roles": ["data"]}},
    }  # fmt: skip


def albedo(path, **attrs) -> None:
    with h5py.File(path, "w") as file:
        made = file.create_dataset(
            "SURFACEALBEDO", data=np.arange(18 * 36, dtype="i2").reshape(18, 36)
        )
        made.attrs.update(attrs)
        file.create_dataset("quality", data=np.zeros((18, 36), "u1"))
        file.create_dataset("lookup", data=np.zeros((4, 4)))


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")  # GDAL's own reading
def test_leaves_are_a_thirtieth_of_what_is_stored(find, missions_catalogue, tmp_path) -> None:
    leaves = gd.open(find(LAI)[0], bbox=(-1, 39, 11, 51))["LAI"]
    assert leaves.sel(x=0.025, y=45.025, method="nearest") == 0
    assert float(leaves.sel(x=7.525, y=45.025, method="nearest")) == pytest.approx(150 / 30)
    assert np.isnan(leaves.sel(x=-0.5, y=45, method="nearest"))
    assert leaves.attrs["units"] == "m2 m-2"
    (product,) = [one for one in missions_catalogue.products if one.collection == LAI]
    plain = tmp_path / "lai.h5"
    plain.write_bytes(gzip.decompress(missions_catalogue.locate(product.files[0]).read_bytes()))
    with rasterio.open(f'HDF5:"{plain}"://LAI') as file:
        stored = file.read(1)
    whole = gd.open(item(plain, LAI))["LAI"]
    truth = np.where(stored == 255, np.nan, stored / 30)
    np.testing.assert_allclose(whole, truth, rtol=1e-6)
    grid = whole.odc.geobox
    assert grid.crs.epsg == 4326
    assert grid.boundingbox.bbox == pytest.approx((-180, -90, 180, 90), abs=1e-6)


def test_a_cube_is_made_of_it(find) -> None:
    cube = gd.load(find(LAI), bbox=(0, 44, 10, 46)).compute()
    assert cube["LAI"].shape == (1, 40, 200)
    assert float(cube["LAI"].max()) == pytest.approx(199 / 30, rel=1e-6)


def test_values_are_divided_by_the_files_own_factor(tmp_path) -> None:
    path = tmp_path / "albedo.h5"
    albedo(path, SCALING_FACTOR=100.0, OFFSET=0.5, MISSING_VALUE=7)
    values = gd.open(item(path, ALBEDO), allow_provisional=True)["SURFACEALBEDO"]
    assert float(values[1, 0]) == pytest.approx(36 / 100 + 0.5)
    assert np.isnan(values[0, 7])
    assert gd.open(item(path, ALBEDO), "quality", allow_provisional=True)["quality"].shape == (
        18,
        36,
    )
    with pytest.raises(CubeError, match="allow_provisional=True"):
        gd.open(item(path, ALBEDO))


def test_what_is_cut_off_or_of_another_format_is_refused(
    find, missions_catalogue, tmp_path
) -> None:
    (product,) = [one for one in missions_catalogue.products if one.collection == LAI]
    packed = missions_catalogue.locate(product.files[0]).read_bytes()
    cut = tmp_path / "lai.h5.gz"
    cut.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(ReadError, match="packed by gzip, and broken"):
        gd.open(item(cut, LAI))
    old = tmp_path / "lai.hdf"
    old.write_bytes(b"\x0e\x03\x13\x01" + b"\0" * 100)
    with pytest.raises(CubeError, match="pyhdf"):
        gd.open(item(old, LAI))
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file.create_dataset("leaves", data=np.zeros((18, 36), "u1"))
    with pytest.raises(FormatChanged, match=r"has no variable LAI \(it has LEAVES\)"):
        gd.open(item(other, LAI))
    with h5py.File(other, "w") as file:
        file.create_dataset("LAI", data=np.zeros((18, 18), "u1"))
    with pytest.raises(FormatChanged, match="no squares"):
        gd.open(item(other, LAI))


@pytest.mark.parametrize(
    ("attrs", "collection", "name", "truth"),
    [
        ({"SCALING_FACTOR": 30.0}, LAI, "LAI", 60 / 30),
        ({"scale_factor": 1 / 30}, LAI, "LAI", 60 / 30),
        ({}, LAI, "LAI", 60 / 30),
        ({"SCALING_FACTOR": 100.0}, ALBEDO, "SURFACEALBEDO", 0.6),
        ({"scale_factor": 0.01}, ALBEDO, "SURFACEALBEDO", 0.6),
        ({"scale_factor": np.float32(0.01), "add_offset": 1.0}, ALBEDO, "SURFACEALBEDO", 1.6),
        ({"SCALING_FACTOR": "none", "MISSING_VALUE": "none"}, ALBEDO, "SURFACEALBEDO", 60.0),
        ({"SCALING_FACTOR": 250.0}, "THEIA_POSTEL_VEGETATION_FAPAR", "FAPAR", 0.24),
    ],
)
def test_factors_go_the_way_that_their_names_say(tmp_path, attrs, collection, name, truth) -> None:
    """SCALING_FACTOR divides, CF's scale_factor multiplies; numbers in words are none."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset(name, data=np.full((18, 36), 60, "u1")).attrs.update(attrs)
    values = gd.open(item(path, collection), allow_provisional=True)[name]
    assert float(values[3, 3]) == pytest.approx(truth, rel=1e-6)


def test_another_factor_than_the_described_one_is_refused(tmp_path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("LAI", data=np.zeros((18, 36), "u1")).attrs["SCALING_FACTOR"] = 10.0
    with pytest.raises(FormatChanged, match=r"a factor of 10 for LAI, .* has 0\.0333"):
        gd.open(item(path, LAI))


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_rows_that_go_northwards_are_turned(tmp_path) -> None:
    """NetCDF files tell their latitudes: GDAL and this reader put the same value at the same place."""
    path = tmp_path / "a.nc"
    stored = np.arange(18 * 36, dtype="i2").reshape(18, 36)
    with netCDF4.Dataset(path, "w") as file:
        for axis, centres in (
            ("lat", np.arange(-85, 90, 10.0)),
            ("lon", np.arange(-175, 180, 10.0)),
        ):
            file.createDimension(axis, centres.size)
            one = file.createVariable(axis, "f4", (axis,))
            one[:], one.units = centres, {"lat": "degrees_north", "lon": "degrees_east"}[axis]
        file.createVariable("SURFACEALBEDO", "i2", ("lat", "lon"))[:] = stored
    values = gd.open(item(path, ALBEDO), allow_provisional=True)["SURFACEALBEDO"]
    assert float(values.sel(x=-175, y=-85)) == 0
    assert float(values.sel(x=175, y=85)) == 18 * 36 - 1
    with rasterio.open(f'NETCDF:"{path}":SURFACEALBEDO') as file:
        np.testing.assert_array_equal(values, file.read(1))
        assert values.odc.geobox.transform.almost_equals(file.transform, 1e-4)
    part = gd.open(item(path, ALBEDO), bbox=(-180, -90, -161, -71), allow_provisional=True)
    np.testing.assert_array_equal(part["SURFACEALBEDO"], [[36, 37], [0, 1]])


def test_other_places_than_longitudes_and_latitudes_of_a_map_are_refused(tmp_path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("SURFACEALBEDO", data=np.zeros((18, 36), "u1"))
        file.create_dataset("lat", data=np.arange(85, -90, -10.0))
        file.create_dataset("lon", data=np.arange(5, 360, 10.0))
    with pytest.raises(FormatChanged, match="longitudes go from 5 to 355"):
        gd.open(item(path, ALBEDO), allow_provisional=True)


def test_a_broken_part_of_a_file_is_told(tmp_path) -> None:
    path = tmp_path / "a.h5"
    noise = np.random.default_rng(0).integers(0, 200, (180, 360)).astype("u1")
    with h5py.File(path, "w") as file:
        made = file.create_dataset("LAI", data=noise, chunks=(90, 90), fletcher32=True)
        place = made.id.get_chunk_info(3).byte_offset
    content = bytearray(path.read_bytes())
    content[place : place + 50] = bytes(50)
    path.write_bytes(content)
    with pytest.raises(ReadError, match="LAI of A could not be read"):
        gd.open(item(path, LAI))


def test_netcdf_of_the_old_form_is_refused(tmp_path) -> None:
    path = tmp_path / "a.nc"
    netCDF4.Dataset(path, "w", format="NETCDF3_CLASSIC").close()
    with pytest.raises(CubeError, match=r"(?s)netCDF 3.*xarray\.open_dataset"):
        gd.open(item(path, LAI))


def test_units_are_those_that_the_portal_tells() -> None:
    told = {
        name: gd.stac.reader(f"THEIA_POSTEL_{name}").bands[0].units
        for name in ("RADIATION_DLR", "WATER_SOILMOISTURE", "WATER_PRECIP")
    }
    assert told == {"RADIATION_DLR": "W m-2", "WATER_SOILMOISTURE": "mm", "WATER_PRECIP": ""}


def test_files_of_two_dates_follow_each_other(tmp_path) -> None:
    found = []
    for month, value in ((7, 60), (6, 30)):
        path = tmp_path / f"{month}.h5"
        with h5py.File(path, "w") as file:
            file.create_dataset("LAI", data=np.full((18, 36), value, "u1"))
        one = item(path, LAI)
        found.append(
            {**one, "id": path.name, "properties": {"datetime": f"2003-0{month}-15T00:00:00Z"}}
        )
    leaves = gd.open(found)["LAI"]
    assert leaves.dims == ("time", "y", "x")
    assert leaves["time"].dt.month.values.tolist() == [6, 7]
    np.testing.assert_allclose(leaves[:, 0, 0], [1, 2], rtol=1e-6)
    assert str(gd.open(found[0])["time"].values)[:10] == "2003-07-15"
