"""Swaths: Sentinel-1 OCN and SWOT's sea surface heights, against netCDF4 and against plain numbers."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import h5netcdf
import netCDF4
import numpy as np
import pytest
import shapely

import geodes_datalab as gd
from geodes_datalab import cubes, errors, stac
from geodes_datalab.cubes.formats import netcdf, places
from geodes_datalab.stac.readers import reader_of_product
from geodes_datalab.standin import Catalogue
from geodes_datalab.standin.missions.hdf import Stored
from geodes_datalab.standin.missions.hdf import netcdf as written
from geodes_datalab.standin.missions.made import zipped

BASIC = "SWOT_L2_LR_SSH_Basic_005_100_20231015T011500_20231015T012000_PID0_01"


@pytest.fixture(scope="module")
def paths(missions_catalogue: Catalogue) -> dict[str, Path]:
    return {one.identifier: missions_catalogue.locate(one.files[0]) for one in missions_catalogue.products}  # fmt: skip


def item_of(collection: str, part: str) -> Any:
    return next(one for one in gd.search(collection) if part in one.properties["identifier"])


def path_of(paths: dict[str, Path], part: str) -> Path:
    return next(path for name, path in paths.items() if part in name)


def local(folder: Path, name: str, content: bytes, collection: str = "SWOT_L2_LR_SSH") -> Any:
    path = folder / f"{name}.nc"
    path.write_bytes(content)
    return {
        "type": "Feature", "stac_version": "1.1.0", "id": name, "collection": collection, "geometry": None,
        "properties": {"identifier": name, "datetime": "2023-10-15T01:15:00Z"}, "links": [],
        "assets": {path.name: {"href": str(path), "roles": ["data"]}},
    }  # fmt: skip


def changed(path: Path, change: Callable[[h5netcdf.File], None]) -> bytes:
    into = BytesIO(path.read_bytes())
    with h5netcdf.File(into, "r+") as file:
        change(file)
    return into.getvalue()


EXPERT = [
    "ssh_karin_2", "ssha_karin_2", "ssha_karin", "height_cor_xover", "swh_karin", "wind_speed_karin",
]  # fmt: skip


@pytest.mark.parametrize("name", EXPERT)
def test_packed_numbers_are_those_of_netcdf4(portal, paths, name: str) -> None:
    opened = gd.open(item_of("SWOT_L2_LR_SSH", "Expert_482"))
    assert opened[name].chunks is not None
    with netCDF4.Dataset(path_of(paths, "L2_LR_SSH_Expert_482")) as file:
        told = file[name][:].filled(np.nan)
        named = f"{name}_qual" in file.variables
        quality = file[f"{name}_qual"][:] if named else np.zeros(told.shape)
    told = np.where(np.asarray(quality, "int64") >= 16777216, np.nan, told)
    np.testing.assert_array_equal(opened[name].values, told)
    assert np.isnan(told[:, 30:39]).all()


def test_plain_numbers_units_and_datum(portal) -> None:
    opened = gd.open(item_of("SWOT_L2_LR_SSH", "Expert_482"))
    assert float(opened.ssha_karin_2[0, 10]) == pytest.approx(0.01, abs=5e-5)
    assert float(opened.ssh_karin_2[0, 10]) == pytest.approx(49.51, abs=5e-5)
    assert opened.ssh_karin_2.attrs["units"] == "m"
    assert opened.ssh_karin_2.attrs["vertical_datum"] == "WGS 84 ellipsoid"
    assert opened.wind_speed_karin.attrs["units"] == "m s-1"
    assert opened.attrs["source"] == "SWOT_L2_LR_SSH (simulated)"
    assert opened.time.values[0] == np.datetime64("2023-06-10T01:15:00")
    assert opened.time.values[65] == np.datetime64("2023-06-10T01:15:20")


def test_places_are_from_minus_180_to_180(portal) -> None:
    """The file counts from 0 to 360, and this pass crosses Greenwich."""
    opened = gd.open(item_of("SWOT_L3_LR_SSH", "Expert"))
    longitude = opened.longitude.values
    assert longitude[0, 0] == pytest.approx(-1.4, abs=1e-6)
    assert longitude[199, 68] == pytest.approx(0.994, abs=1e-6)
    assert (np.diff(longitude, axis=1) > 0).all()
    assert opened.longitude.attrs["units"] == "degrees_east"
    assert float(opened.latitude[100, 0]) == pytest.approx(38.75, abs=1e-6)


def test_useless_values_are_left_out_and_suspect_ones_kept(portal) -> None:
    opened = gd.open(item_of("SWOT_L2_LR_SSH", "Expert_005"), ["ssha_karin_2", "ssha_karin_2_qual"])
    values, flags = opened.ssha_karin_2.values, opened.ssha_karin_2_qual
    assert flags.dtype == np.uint32
    assert flags.values[10, 5] == 128
    assert np.isfinite(values[10, 5]), "suspect"
    assert np.isnan(values[10, 6]), "bad_not_usable"
    assert np.isnan(values[11, 5]), "bad_karin_telem, and suspect"
    assert flags.attrs["flag_masks"].tolist() == [128, 4096, 16777216, 2147483648]
    assert "bad_not_usable" in flags.attrs["flag_meanings"]
    assert "units" not in flags.attrs
    told = opened.ssha_karin_2.attrs["valid_where"]
    assert told == "ssha_karin_2_qual has none of bad_karin_telem, bad_not_usable"


def test_cycle_pass_version_and_phase(portal) -> None:
    daily = gd.open(item_of("SWOT_L2_LR_SSH", "Expert_482"), "ssha_karin_2")
    later = gd.open(item_of("SWOT_L2_LR_SSH", "Expert_005"), "ssha_karin_2")
    assert (daily.attrs["orbit_phase"], daily.attrs["crid"]) == ("1-day", "PIC0")
    assert (later.attrs["orbit_phase"], later.attrs["crid"]) == ("21-day", "PID0")
    both = gd.open(
        [item_of("SWOT_L2_LR_SSH", f"Expert_{one}") for one in ("482", "005")], "ssha_karin_2"
    )
    assert both.sizes["line"] == 400
    found = {(int(one.cycle), int(one["pass"])) for one in (both.isel(line=0), both.isel(line=-1))}
    assert found == {(482, 3), (5, 100)}
    assert "orbit_phase" not in both.attrs, "they differ"
    crossed = gd.open(item_of("SWOT_L3_LR_SSH", "Expert"))
    assert crossed.attrs["crid"] == "v2.0.1"
    assert int(crossed["pass"][0]) == 100, "only the file's name tells"


def test_columns_that_a_version_has_not(portal) -> None:
    item = item_of("SWOT_L2_LR_SSH", "Expert_005")
    assert "ssha_karin" not in gd.open(item)
    assert "ssha_karin" in gd.open(item_of("SWOT_L2_LR_SSH", "Expert_482"))
    with pytest.raises(errors.UnknownBand, match="has no ssha_karin") as error:
        gd.open(item, "ssha_karin")
    assert "ssh_karin_2" in str(error.value)


def test_what_is_told_once_for_all_lines(portal) -> None:
    opened = gd.open(item_of("SWOT_L3_LR_SSH", "Expert"), ["mdt", "cross_track_distance"])
    assert opened.cross_track_distance.dims == ("pixel",)
    assert opened.cross_track_distance.values[[0, 34, 68]].tolist() == [-68.0, 0.0, 68.0]
    assert opened.cross_track_distance.attrs["units"] == "km"


def test_variables_that_the_description_leaves_out(tmp_path, paths) -> None:
    def more(file: h5netcdf.File) -> None:
        one = file.create_variable("pole_tide", ("num_lines", "num_pixels"), "i4", fillvalue=9)
        one[...] = np.full((200, 69), 25)
        one.attrs["scale_factor"], one.attrs["units"] = 0.001, "m"

    content = changed(path_of(paths, "L2_LR_SSH_Expert_005"), more)
    item = local(tmp_path, BASIC, content)
    opened = gd.open(item, ["pole_tide", "ssha_karin_2"])
    assert float(opened.pole_tide[3, 3]) == pytest.approx(0.025)
    with pytest.raises(errors.UnknownBand, match="pole_tide"):
        gd.open(item, "pole_tides")


def test_sides_lie_beside_each_other(portal, paths) -> None:
    opened = gd.open(item_of("SWOT_L2_LR_SSH", "Unsmoothed")).compute()
    assert dict(opened.sizes) == {"line": 480, "pixel": 240}
    assert opened.side.values[[0, 119, 120, 239]].tolist() == ["left", "left", "right", "right"]
    with netCDF4.Dataset(path_of(paths, "Unsmoothed")) as file:
        told = [file[side]["ssh_karin_2"][:].filled(np.nan) for side in ("left", "right")]
        there = [file[side]["latitude"][:] for side in ("left", "right")]
    told[0][10, 6] = told[0][11, 5] = told[1][10, 6] = told[1][11, 5] = (
        np.nan
    )  # their flags are bad
    np.testing.assert_array_equal(opened.ssh_karin_2, np.concatenate(told, axis=1))
    np.testing.assert_array_equal(opened.latitude, np.concatenate(there, axis=1))


@pytest.mark.parametrize("kind", ["Expert_005", "Unsmoothed"])
def test_an_area_takes_whole_lines(portal, kind: str) -> None:
    item = item_of("SWOT_L2_LR_SSH", kind)
    whole = gd.open(item, "ssh_karin_2").compute()
    middle = whole.isel(line=whole.sizes["line"] // 2)
    west, south = float(middle.longitude.min()), float(middle.latitude.min())
    area = (west, south, west + 0.1, south + 0.05)
    part = gd.open(item, "ssh_karin_2", bbox=area).compute()
    assert 0 < part.sizes["line"] < whole.sizes["line"]
    assert part.sizes["pixel"] == whole.sizes["pixel"]
    inside = places.inside(whole.longitude, whole.latitude, shapely.box(*area)).any("pixel")
    assert set(whole.time.values[inside.values]) <= set(part.time.values)
    first = int(np.flatnonzero(whole.time.values == part.time.values[0])[0])
    same = whole.isel(line=slice(first, first + part.sizes["line"]))
    np.testing.assert_array_equal(part.ssh_karin_2, same.ssh_karin_2)
    assert gd.open(item, "ssh_karin_2", bbox=(100.0, 0.0, 101.0, 1.0)).sizes["line"] == 0


def test_wind_of_the_sea(portal, paths) -> None:
    opened = gd.open(item_of("PEPS_S1_L2", "OCN"))
    assert list(opened.data_vars) == ["owiWindSpeed", "owiWindDirection"]
    path = path_of(paths, "_OCN_")
    with zipfile.ZipFile(path) as archive:
        (name,) = [one for one in archive.namelist() if one.endswith(".nc")]
        with netCDF4.Dataset("x", memory=archive.read(name)) as file:
            told = file["owiWindSpeed"][:].filled(np.nan)
            east = file["owiLon"][:].filled(np.nan)
    np.testing.assert_array_equal(opened.owiWindSpeed, told)
    np.testing.assert_allclose(opened.longitude, east, atol=1e-6)
    assert float(opened.owiWindSpeed[20, 10]) == pytest.approx(6.1, rel=1e-6)
    assert np.isnan(opened.owiWindSpeed[0, 85]), "land"
    assert opened.owiWindSpeed.attrs["units"] == "m s-1"
    assert opened.owiWindDirection.attrs["standard_name"] == "wind_from_direction"
    assert opened.time.values[0] == np.datetime64("2024-03-15T05:55:30")
    assert opened.time.values[-1] == np.datetime64("2024-03-15T05:55:55")


def test_classes_of_quality_stay_integers(portal) -> None:
    quality = gd.open(item_of("PEPS_S1_L2", "OCN"), "owiWindQuality").owiWindQuality
    assert quality.dtype == np.uint8
    assert quality.attrs["flag_meanings"] == "good medium low poor"
    assert np.unique(quality).tolist() == [0, 1, 2, 3]


def ocean(folder: Path, content: dict[str, bytes]) -> Any:
    name = "S1A_WV_OCN__2SSV_20240315T055530_20240315T055555_053000_066B00_77D2"
    path = folder / f"{name}.zip"
    path.write_bytes(
        zipped({f"{name}.SAFE/measurement/{key}": one for key, one in content.items()})
    )
    return {
        "type": "Feature", "stac_version": "1.1.0", "id": name, "collection": "PEPS_S1_L2",
        "geometry": None, "links": [],
        "properties": {"identifier": name, "datetime": "2024-03-15T05:55:30Z"},
        "assets": {path.name: {"href": str(path), "type": "application/zip", "roles": ["data"]}},
    }  # fmt: skip


def test_later_processors_count_quality_the_other_way(tmp_path) -> None:
    """Up to 3.9, 0 is good; from 4.02 on, 4 is: the file's own words are told, and nothing is masked."""
    dims = ("owiAzSize", "owiRaSize")
    told = {
        "flag_values": np.arange(5, dtype="u1"),
        "flag_meanings": "no_data bad suspect acceptable good",
    }
    variables = {
        name: Stored(dims, np.full((3, 2), 4.0, "f4"))
        for name in ("owiLon", "owiLat", "owiWindSpeed")
    }
    variables["owiWindQuality"] = Stored(dims, np.full((3, 2), 4, "u1"), None, told)
    times = dict.fromkeys(("firstMeasurementTime", "lastMeasurementTime"), "2024-03-15T05:55:30Z")
    item = ocean(tmp_path, {"s1a-iw-ocn-vv-x-001.nc": written({"/": variables}, times)})
    quality = gd.open(item, ["owiWindQuality", "owiWindSpeed"]).owiWindQuality
    assert quality.attrs["flag_meanings"].split()[int(quality[0, 0])] == "good"


def test_small_images_of_the_wave_mode_follow_each_other(tmp_path) -> None:
    content = {}
    for number, (swath, minute) in enumerate([("wv1", 2), ("wv2", 1), ("wv1", 0)]):
        dims = ("oswAzSize", "oswRaSize")
        variables = {
            name: Stored(dims, np.full((1, 1), 10.0 + number)) for name in ("oswLon", "oswLat")
        }
        heights = np.array([[[1.0 + number, -999.0]]], "f4")
        variables["oswHs"] = Stored((*dims, "oswPartitions"), heights, -999.0, {"units": "m"})
        time = f"2024-03-15T05:{minute:02d}:30Z"
        times = dict.fromkeys(("firstMeasurementTime", "lastMeasurementTime"), time)
        content[f"s1a-{swath}-ocn-vv-x-{number:03d}.nc"] = written({"/": variables}, times)
    opened = gd.open(ocean(tmp_path, content))
    assert opened.oswHs.dims == ("line", "pixel", "oswPartitions")
    assert opened.oswHs.values[:, 0, 0].tolist() == [3.0, 2.0, 1.0], "in the order of time"
    assert np.isnan(opened.oswHs.values[:, 0, 1]).all()
    part = gd.open(ocean(tmp_path, content), bbox=(10.5, 10.5, 11.5, 11.5))
    assert part.longitude.values.tolist() == [[11.0]]


def test_sub_swaths_of_the_radial_velocity(portal) -> None:
    """They lie beside each other, on a grid of their own: 3 swaths of 6 pixels."""
    opened = gd.open(item_of("PEPS_S1_L2", "OCN"), "rvlRadVel").compute()
    assert dict(opened.sizes) == {"line": 20, "pixel": 18}
    assert float(opened.rvlRadVel[2, 13]) == pytest.approx(0.1 * 2 + 0.01 * 1 + 0.001 * 2)
    assert (np.diff(opened.longitude.values, axis=1) > 0).all()
    assert opened.rvlRadVel.attrs["positive"] == "away from the radar"
    with pytest.raises(errors.CubeError, match="owi and rvl of PEPS_S1_L2 lie on grids"):
        gd.open(item_of("PEPS_S1_L2", "OCN"), ["owiWindSpeed", "rvlRadVel"])


def test_next_generation_ids_and_other_catalogues_names() -> None:
    assert stac.reader("swot-l3-lr-ssh") is stac.reader("SWOT_L3_LR_SSH")
    assert stac.reader("SWOT_L2_LR_SSH_Expert") is stac.reader("SWOT_L2_LR_SSH")
    item = {"id": BASIC, "properties": {}}
    assert reader_of_product(item).collection == "SWOT_L2_LR_SSH"


def without(*names: str) -> Callable[[h5netcdf.File], None]:
    def change(file: h5netcdf.File) -> None:
        for name in names:
            del file._h5file[name]

    return change


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["ssh_karin_2"], "has no variable ssh_karin_2 .it has .*ssha_karin_2"),
        (["latitude"], "has no variable latitude in"),
        (["time"], "does not tell the time of its lines in"),
    ],
    ids=["height", "place", "time"],
)
def test_variables_that_must_be_there(tmp_path, paths, names: list[str], said: str) -> None:
    content = changed(path_of(paths, "L2_LR_SSH_Expert_005"), without(*names))
    with pytest.raises(errors.FormatChanged, match=said):
        gd.open(local(tmp_path, BASIC, content))


def test_other_files_under_the_name(tmp_path, paths) -> None:
    whole = path_of(paths, "L2_LR_SSH_Expert_005").read_bytes()
    with pytest.raises(errors.FormatChanged, match="has no group left"):
        gd.open(local(tmp_path, BASIC.replace("Basic", "Unsmoothed"), whole))
    with pytest.raises(errors.ReadError, match="could not be read as netCDF"):
        gd.open(local(tmp_path, BASIC, whole[: len(whole) // 2]))
    with pytest.raises(errors.ReadError, match="could not be read as netCDF"):
        gd.open(local(tmp_path, BASIC, b"<html>no</html>" * 50))


def test_names_of_earlier_versions(tmp_path) -> None:
    grid = {"latitude": 38.0, "longitude": 3.0, "mdt": 0.1, "ssha_noiseless": 0.2, "ssha": 0.3}
    dims = ("num_lines", "num_pixels")
    variables = {key: Stored(dims, np.full((4, 3), value)) for key, value in grid.items()}
    variables["time"] = Stored(
        ("num_lines",), np.arange(4.0), None, {"units": "seconds since 2000-01-01"}
    )
    name = "SWOT_L3_LR_SSH_Basic_005_100_20231015T011500_20231015T012000_v0.3"
    opened = gd.open(local(tmp_path, name, written({"/": variables}, {}), "SWOT_L3_LR_SSH"))
    assert set(opened.data_vars) == {"ssha_filtered", "ssha_unfiltered", "mdt"}
    assert float(opened.ssha_filtered[0, 0]) == 0.2


def test_classic_netcdf_files(tmp_path) -> None:
    path = tmp_path / "classic.nc"
    with netCDF4.Dataset(path, "w", format="NETCDF3_CLASSIC") as file:
        file.createDimension("num_lines", 4)
        file.createDimension("num_pixels", 3)
        for name in ("latitude", "longitude", "ssh_karin_2"):
            file.createVariable(name, "f8", ("num_lines", "num_pixels"))[:] = 1.5
        file.createVariable("time", "f8", ("num_lines",))[:] = range(4)
        file["time"].units = "seconds since 2000-01-01"
    opened = gd.open(local(tmp_path, BASIC, path.read_bytes()))
    assert float(opened.ssh_karin_2.mean()) == 1.5


def test_one_variable_costs_less_than_the_file(portal, paths) -> None:
    with cubes.counted() as tally:
        gd.open(item_of("SWOT_L2_LR_SSH", "Unsmoothed"), "sig0_karin_2").sig0_karin_2[
            :10, :10
        ].compute()
    assert 0 < tally.received < 0.8 * path_of(paths, "Unsmoothed").stat().st_size


def test_bits_are_found_by_what_the_file_calls_them() -> None:
    import xarray as xr

    flags = xr.Variable(
        "a", [0], {"flag_masks": [1, 4, 8], "flag_meanings": "bad_a b_bad suspect_c"}
    )
    assert netcdf.bad_bits(flags, ["bad_*", "*_bad"]) == (5, ["bad_a", "b_bad"])
    assert netcdf.bad_bits(xr.Variable("a", [0]), ["bad_*"]) == (0, [])
