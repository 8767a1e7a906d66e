"""Points: SWOT's pixel cloud, Sentinel-3's altimeter, MicroCarb, against netCDF4 and against plain numbers."""

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

import geodes_datalab as gd
from geodes_datalab import cubes, errors, stac
from geodes_datalab.stac.readers import reader_of_product
from geodes_datalab.standin import Catalogue

CLOUD = "SWOT_L2_HR_PIXC_005_100_072L_20231016T011500_20231016T011511_PID0_01"


@pytest.fixture(scope="module")
def paths(missions_catalogue: Catalogue) -> dict[str, Path]:
    return {one.collection: missions_catalogue.locate(one.files[0]) for one in missions_catalogue.products}  # fmt: skip


def item_of(collection: str) -> Any:
    return gd.search(collection)[0]


def local(folder: Path, name: str, content: bytes, collection: str) -> Any:
    path = folder / f"{name}.nc"
    path.write_bytes(content)
    return {
        "type": "Feature", "stac_version": "1.1.0", "id": name, "collection": collection, "geometry": None,
        "properties": {"identifier": name, "datetime": "2023-10-15T01:15:00Z"}, "links": [],
        "assets": {path.name: {"href": str(path), "roles": ["data"]}},
    }  # fmt: skip


def changed(path: Path, change: Callable[[Any], None]) -> bytes:
    into = BytesIO(path.read_bytes())
    with h5netcdf.File(into, "r+") as file:
        change(file._h5file)
    return into.getvalue()


def test_water_heights_are_above_the_geoid_without_tides(portal, paths) -> None:
    opened = gd.open(item_of("SWOT_L2_HR_PIXC"))
    assert opened.wse.chunks is not None
    with netCDF4.Dataset(paths["SWOT_L2_HR_PIXC"]) as file:
        cloud = file["pixel_cloud"]
        terms = ("geoid", "solid_earth_tide", "load_tide_fes", "pole_tide")
        told = cloud["height"][:].astype(float) - sum(cloud[one][:].astype(float) for one in terms)
        useless = np.asarray(cloud["geolocation_qual"][:]) >= 536870912
    told = np.where(useless, np.nan, told.filled(np.nan))
    np.testing.assert_allclose(opened.wse, told, atol=1e-9)
    assert float(opened.wse[40]) == pytest.approx(120.0, abs=1e-4), "the river of the sample"
    assert float(opened.wse[0]) == pytest.approx(124.0, abs=1e-4), "its bank"
    assert float(opened.height[40]) == pytest.approx(120 + 49.204 + 0.11 - 0.006 + 0.004, abs=1e-4)
    assert opened.wse.attrs["vertical_datum"] == "EGM2008"
    assert opened.height.attrs["vertical_datum"] == "WGS 84 ellipsoid"
    assert opened.pixel_area.attrs["units"] == "m2"


def test_flags_call_heights_useless_by_default(portal) -> None:
    opened = gd.open(item_of("SWOT_L2_HR_PIXC"), ["wse", "height", "geolocation_qual"])
    assert np.isnan(opened.wse.values[[11, 12]]).all(), "tvp_bad"
    assert np.isnan(opened.height.values[[11, 12]]).all()
    assert np.isfinite(opened.wse.values[[9, 10, 13]]).all(), "good, and suspect"
    assert opened.geolocation_qual.dtype == np.uint32
    assert opened.geolocation_qual.values[[10, 11, 12]].tolist() == [4, 536870912, 536870913]
    assert opened.wse.attrs["valid_where"] == "geolocation_qual has none of tvp_bad"


def test_classes_are_integers_with_names(portal) -> None:
    kind = gd.open(item_of("SWOT_L2_HR_PIXC")).classification
    assert kind.dtype == np.uint8
    assert kind.attrs["flag_values"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert kind.attrs["flag_meanings"].split()[3] == "open_water"
    assert set(np.unique(kind)) == {1, 3, 4}
    assert "units" not in kind.attrs


def test_places_times_and_the_pass(portal, paths) -> None:
    opened = gd.open(item_of("SWOT_L2_HR_PIXC"))
    with netCDF4.Dataset(paths["SWOT_L2_HR_PIXC"]) as file:
        for name in ("longitude", "latitude"):
            told = file["pixel_cloud"][name][:]
            np.testing.assert_allclose(opened[name], told, atol=1e-12)
    assert opened.time.values[0] == np.datetime64("2023-10-16T01:15:00")
    assert (int(opened.cycle[0]), int(opened["pass"][-1])) == (5, 100)
    told = {name: opened.attrs[name] for name in ("tile", "crid", "orbit_phase")}
    assert told == {"tile": "072L", "crid": "PID0", "orbit_phase": "21-day"}


def test_an_area_takes_its_points(portal) -> None:
    whole = gd.open(item_of("SWOT_L2_HR_PIXC")).compute()
    area = (1.305, 43.702, 1.310, 43.706)
    part = gd.open(item_of("SWOT_L2_HR_PIXC"), bbox=area).compute()
    longitude, latitude = whole.longitude.values, whole.latitude.values
    inside = (longitude >= area[0]) & (longitude <= area[2])
    inside &= (latitude >= area[1]) & (latitude <= area[3])
    assert 0 < inside.sum() < 32000
    np.testing.assert_array_equal(part.wse, whole.wse[inside])
    assert gd.open(item_of("SWOT_L2_HR_PIXC"), bbox=(50.0, 0.0, 51.0, 1.0)).sizes["point"] == 0


def test_one_variable_costs_less_than_the_file(portal, paths) -> None:
    with cubes.counted() as tally:
        gd.open(item_of("SWOT_L2_HR_PIXC"), "water_frac").water_frac.compute()
    assert 0 < tally.received < 0.8 * paths["SWOT_L2_HR_PIXC"].stat().st_size


def test_several_tiles_follow_each_other(portal) -> None:
    item = item_of("SWOT_L2_HR_PIXC")
    both = gd.open([item, item], "wse")
    assert both.sizes["point"] == 64000
    assert both.cycle.sizes["point"] == 64000


def test_variables_that_the_description_leaves_out(portal) -> None:
    item = item_of("SWOT_L2_HR_PIXC")
    opened = gd.open(item, ["load_tide_got", "interferogram"])
    assert float(opened.load_tide_got[5]) == pytest.approx(-0.007)
    assert opened.interferogram.dims == ("point", "complex_depth")
    with pytest.raises(errors.UnknownBand, match="pixc_line_qual has no value for each point"):
        gd.open(item, "pixc_line_qual")


def test_rivers_of_points(portal) -> None:
    opened = gd.open(item_of("SWOT_L2_HR_PIXCVec")).compute()
    assert "lake_id" not in opened, "this file has none"
    assert opened.reach_id.values[0] == "23261000051"
    assert opened.reach_id.values[79] == ""
    assert float(opened.height_vectorproc[0]) == pytest.approx(169.3)
    assert float(opened.longitude[0]) == pytest.approx(1.30001)


def test_echoes_of_the_altimeter(portal, paths) -> None:
    opened = gd.open(item_of("PEPS_S3_L1"))
    with zipfile.ZipFile(paths["PEPS_S3_L1"]) as archive:
        (name,) = [one for one in archive.namelist() if one.endswith(".nc")]
        with netCDF4.Dataset("x", memory=archive.read(name)) as file:
            end = "_l1b_echo_sar_ku"
            height, echo = file[f"alt{end}"][:], file[f"i2q2_meas_ku{end}"][:]
    np.testing.assert_allclose(opened.altitude, height, atol=1e-9)
    np.testing.assert_array_equal(opened.waveform, echo)
    assert opened.waveform.dims == ("point", "echo_sample_ind")
    assert float(opened.altitude[2]) == pytest.approx(800_001.0)
    assert int(np.argmax(opened.waveform.values[0])) == 44
    assert opened.time.values[20] == np.datetime64("2024-03-15T10:00:01")
    assert float(opened.latitude[100]) == pytest.approx(36.3)
    kind = gd.open(item_of("PEPS_S3_L1"), "surface_type").surface_type
    assert kind.attrs["flag_meanings"].startswith("open_ocean")
    assert kind.values[[0, 299]].tolist() == [0, 1]


def test_a_format_that_nobody_has_published_wants_consent(portal) -> None:
    item = item_of("MICROCARB_L2")
    with pytest.raises(errors.CubeError, match="no format of MICROCARB_L2 is public yet") as error:
        gd.open(item)
    assert "allow_provisional=True" in str(error.value)
    opened = gd.open(item, allow_provisional=True)
    assert "provisional" in opened.attrs["comment"]
    assert float(opened.xco2[3]) == pytest.approx(421.01, abs=1e-4)
    assert np.isnan(opened.xco2[7]), "its flag says that it is not good"
    assert np.count_nonzero(np.isnan(opened.xco2)) == 24
    assert opened.xco2.attrs["units"] == "ppm"
    assert opened.time.values[0] == np.datetime64("2026-06-01T12:00:00")


def test_next_generation_ids_and_other_catalogues_names() -> None:
    assert stac.reader("swot-l2-hr-pixc") is stac.reader("SWOT_L2_HR_PIXC")
    assert stac.reader("peps-s3-l1") is stac.reader("PEPS_S3_L1")
    assert stac.reader("microcarb-l2") is stac.reader("MICROCARB_L2")
    for name, collection in (
        (CLOUD, "SWOT_L2_HR_PIXC"),
        (CLOUD.replace("PIXC", "PIXCVec"), "SWOT_L2_HR_PIXCVec"),
    ):
        assert reader_of_product({"id": name, "properties": {}}).collection == collection


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ("pixel_cloud/geoid", "has no variable geoid"),
        ("pixel_cloud/pole_tide", "has no variable pole_tide"),
        ("pixel_cloud/longitude", "has no variable longitude in"),
        ("pixel_cloud", "has no group pixel_cloud in"),
    ],
)
def test_what_must_be_there(tmp_path, paths, lost: str, said: str) -> None:
    def change(file: Any) -> None:
        del file[lost]

    content = changed(paths["SWOT_L2_HR_PIXC"], change)
    with pytest.raises(errors.FormatChanged, match=said) as error:
        gd.open(local(tmp_path, CLOUD, content, "SWOT_L2_HR_PIXC"))
    assert CLOUD in str(error.value)


def test_columns_that_may_be_missing(tmp_path, paths) -> None:
    def change(file: Any) -> None:
        del file["pixel_cloud/sig0"], file["pixel_cloud/geolocation_qual"]

    content = changed(paths["SWOT_L2_HR_PIXC"], change)
    opened = gd.open(local(tmp_path, CLOUD, content, "SWOT_L2_HR_PIXC"))
    assert "sig0" not in opened
    assert np.isfinite(opened.wse).all(), "no flag tells that any is useless"


def test_files_that_are_none(tmp_path, paths) -> None:
    whole = paths["SWOT_L2_HR_PIXC"].read_bytes()
    with pytest.raises(errors.ReadError, match="could not be read as netCDF"):
        gd.open(local(tmp_path, CLOUD, whole[: len(whole) // 3], "SWOT_L2_HR_PIXC"))
    with pytest.raises(errors.FormatChanged, match=r"has no file \*measurement\*.nc; it holds"):
        gd.open(local(tmp_path, "S3A_SR_1_SRA_X", whole, "PEPS_S3_L1"))
