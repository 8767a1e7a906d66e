"""Optical products and maps made of them, against plain numbers and against GDAL."""

from __future__ import annotations

import zipfile
from io import BytesIO

import numpy as np
import pytest
import rasterio

from geodes_datalab import cubes, ops
from geodes_datalab.errors import CubeError, FormatChanged
from geodes_datalab.stac.readers import reader, readers

pytest_plugins = ["geodes_datalab.testing.fixtures"]

L3A, VENUS = "THEIA_REFLECTANCE_SENTINEL2_L3A", "THEIA_REFLECTANCE_VENUS_VM1_L2A"
LANDSAT, TAKE5 = "THEIA_REFLECTANCE_LANDSAT8_L2A", "THEIA_REFLECTANCE_SPOT4_TAKE5_L2A"
OSO, SNOW = "THEIA_OSO_RASTER_L3B", "THEIA_SNOW_SENTINEL2_L2B"


def by_gdal(catalogue, collection: str, ending: str, start: str = ""):
    """Read a member as GDAL does, with the place of its pixels."""
    (product,) = [
        one
        for one in catalogue.products
        if one.collection == collection and one.properties["start_datetime"].startswith(start)
    ]
    path = catalogue.locate(product.files[0])
    with zipfile.ZipFile(path) as archive:
        (member,) = [name for name in archive.namelist() if name.endswith(ending)]
    with rasterio.open(f"/vsizip/{{{path}}}/{member}") as file:
        return file.read().astype("float64"), file.transform, file.crs


@pytest.mark.parametrize(
    "case",
    [
        (L3A, "", "red", 3, "FRC_B4.tif", 0, 1e-4),
        (L3A, "", "swir22", 10, "FRC_B12.tif", 0, 1e-4),
        (VENUS, "2019", "red", 7, "FRE_B7.tif", 0, 1e-4),
        (VENUS, "2019", "nir", 11, "FRE_B11.tif", 0, 1e-4),
        (VENUS, "2018", "red", 7, "SRE.DBL.TIF", 6, 1e-3),
        (VENUS, "2018", "B12", 12, "SRE.DBL.TIF", 11, 1e-3),
        (LANDSAT, "", "nir08", 5, "FRE_B5.tif", 0, 1e-4),
        (TAKE5, "", "nir", 3, "PENTE_CSudmipy-OD0000B0000.TIF", 2, 1e-3),
        (TAKE5, "", "swir16", 4, "PENTE_CSudmipy-OD0000B0000.TIF", 3, 1e-3),
    ],
)
def test_reflectance_is_that_of_the_file(find, missions_catalogue, case) -> None:
    collection, start, band, number, ending, layer, scale = case
    items = find(collection, datetime=start or None)
    cube = cubes.load(items, band).compute()
    values = cube[band].values[0]
    stored, transform, crs = by_gdal(missions_catalogue, collection, ending, start)
    truth = np.where(stored[layer] == -10_000, np.nan, stored[layer] * scale)
    np.testing.assert_allclose(values, truth, rtol=1e-6)
    assert values[10, 20] == pytest.approx((500 + 100 * number + 30 + 20) * scale)
    assert np.isnan(values[:5, :5]).all()
    assert np.isfinite(values[5:, 5:]).all()
    assert cube[band].attrs["units"] == "1"
    assert cube.odc.geobox.crs == crs
    assert cube.odc.geobox.transform.almost_equals(transform, 0.01 * abs(transform.a))


def test_all_measurements_are_each_once(find) -> None:
    assert list(cubes.load(find(L3A))) == [
        "B2",
        "B3",
        "B4",
        "B5",
        "B6",
        "B7",
        "B8",
        "B8A",
        "B11",
        "B12",
    ]
    names = list(cubes.load(find(TAKE5)))
    assert names == ["XS1", "XS2", "XS3", "SWIR"]


def test_two_bands_of_one_wavelength_have_no_common_name() -> None:
    venus = reader(VENUS)
    assert venus.band("B5").wavelength == pytest.approx(venus.band("B6").wavelength, abs=1e-3)
    assert venus.band("B5").common_name is None
    assert venus.band("B6").common_name is None


@pytest.mark.parametrize("collection", [VENUS, LANDSAT])
def test_clouds_go_by_the_products_own_mask(find, collection) -> None:
    items = find(collection, datetime="2018-07-04" if collection == LANDSAT else "2019")
    cube = cubes.load(items, "red", clear=True).compute()
    assert list(cube) == ["red"]
    assert np.isnan(cube["red"].values[0, 10:20, 10:20]).all()
    assert np.isfinite(cube["red"].values[0, 20:, 20:]).all()


def test_land_cover_is_named_by_the_classes_of_its_year(find, missions_catalogue) -> None:
    for year, seen in (("2017", {11: "summer_crops"}), ("2018", {5: "rapeseed", 23: "water"})):
        cube = cubes.load(find(OSO, datetime=year)).compute()
        band = cube["class"]
        meanings = dict(
            zip(
                band.attrs["flag_values"].tolist(), band.attrs["flag_meanings"].split(), strict=True
            )
        )
        assert {value: meanings[value] for value in seen} == seen
        assert len(band.attrs["flag_colors"].split()) == len(meanings)
        assert band.dtype == "uint8"
        assert cube.odc.geobox.crs.epsg == 2154
        stored, _, _ = by_gdal(missions_catalogue, OSO, ".tif", year)
        np.testing.assert_array_equal(band.values[0], stored[0])
    newest = reader(OSO).for_item(day("2018-01-01")).bands[0].classes
    assert [one.value for one in newest] == list(range(1, 24))


def day(text: str) -> dict:
    return {"id": "OCS", "properties": {"datetime": f"{text}T00:00:00Z"}}


def test_snow_of_both_forms_says_what_its_numbers_mean(find) -> None:
    old = cubes.load(find(SNOW, datetime="2018")).compute()["SNW"]
    assert old.attrs["flag_meanings"].split() == ["no_snow", "snow", "cloud_or_shadow", "no_data"]
    assert set(np.unique(old)) == {0, 100, 205, 254}
    new = cubes.load(find(SNOW, datetime="2022"), "FSC").compute()["FSC"]
    assert set(np.unique(new)) == {0, 37, 100, 205, 255}
    assert "205 is cloud" in new.attrs["long_name"]


def test_matter_in_water_has_units_and_no_value_on_land(find) -> None:
    cube = cubes.load(find("THEIA_WATERQUAL_SENTINEL2_L2B")).compute()["SPM"]
    assert cube.attrs["units"] == "mg L-1"
    assert np.isnan(cube.values[0, :5, :5]).all()
    assert cube.values[0, 10, 20] == pytest.approx(5.5)
    assert cube.attrs["source"].endswith("(simulated)")


def test_indices_take_the_common_names(find) -> None:
    cube = cubes.load(find(TAKE5), ["red", "nir"]).compute()
    ndvi = ops.ndvi(cube)
    red, nir = cube["red"].values[0, 30, 30], cube["nir"].values[0, 30, 30]
    assert float(ndvi.values[0, 30, 30]) == pytest.approx((nir - red) / (nir + red), rel=1e-5)


def test_a_guess_asks_for_consent() -> None:
    item = {
        "type": "Feature", "id": "a", "collection": "THEIA_REFLECTANCE_LANDSAT5_L2A", "geometry": None,
        "properties": {"datetime": "2010-01-01T00:00:00Z"}, "assets": {}, "links": [],
    }  # fmt: skip
    with pytest.raises(CubeError, match="allow_provisional=True"):
        cubes.load(item)


def test_other_files_than_described_are_named(tmp_path) -> None:
    """Bands of the former form (one file of twelve) under the name of the newer one."""
    into = BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        archive.writestr("VENUS-XS_A/VENUS-XS_A_SRE.DBL.TIF", b"")
    path = tmp_path / "VENUS-XS_A.zip"
    path.write_bytes(into.getvalue())
    item = {
        "type": "Feature", "id": "a", "collection": VENUS, "geometry": None, "links": [],
        "properties": {"datetime": "2019-01-01T00:00:00Z", "identifier": "VENUS-XS_A"},
        "assets": {"data": {"href": str(path), "title": path.name, "roles": ["data"], "type": "application/zip"}},
    }  # fmt: skip
    with pytest.raises(FormatChanged) as seen:
        cubes.load(item, "red")
    assert "has no file *_FRE_B7.tif; it holds VENUS-XS_A/VENUS-XS_A_SRE.DBL.TIF" in str(seen.value)


def test_tomorrows_ids_find_the_same_descriptor() -> None:
    for name in readers():
        assert reader(name.lower().replace("_", "-")) is reader(name)


def test_samples_say_that_nobody_observed_them(missions_catalogue) -> None:
    for one in missions_catalogue.products:
        simulated = one.properties["geodes_datalab:simulated"]
        assert one.properties["title"].endswith("(simulated)") is simulated


@pytest.mark.parametrize(
    ("collection", "band", "units", "value"),
    [("CO3D_DSM", "dsm", "m", (500 + 30 + 20) / 10), ("TRISHNA_L2_LST", "LST", "K", 275.5)],
)
def test_missions_without_a_public_format_need_a_word_of_consent(
    find, collection: str, band: str, units: str, value: float
) -> None:
    items = find(collection)
    with pytest.raises(CubeError, match=r"no format of .* is public yet"):
        cubes.load(items)
    cube = cubes.load(items, allow_provisional=True).compute()
    assert list(cube.data_vars) == [band]
    assert cube[band].attrs["units"] == units
    assert cube[band].values[0, 10, 20] == pytest.approx(value)
    assert np.isnan(cube[band].values[0, :5, :5]).all()
    assert "(simulated)" in cube[band].attrs["source"]
