from __future__ import annotations

import json
import math
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest

from geodes_datalab.errors import UnknownBand, UnknownCollection
from geodes_datalab.stac import reader
from geodes_datalab.stac.readers import readers

NAMES = sorted(readers())
SHIPPED = json.loads(
    files("geodes_datalab.stac").joinpath("data/collections.json").read_text("utf-8")
)["collections"]
COMMON = {
    "coastal", "blue", "green", "red", "rededge071", "rededge075", "rededge078", "nir", "nir08", "nir09",
    "cirrus", "swir16", "swir22", "pan",
}  # fmt: skip


def test_every_collection_of_the_portal_is_described() -> None:
    listed = {one["id"] for one in SHIPPED}
    assert len(listed) == 66
    assert listed <= set(NAMES)
    elsewhere = set(NAMES) - listed
    assert all(reader(name).where != "GEODES" for name in elsewhere)
    assert all(reader(name).where == "GEODES" for name in listed)


@pytest.mark.parametrize("name", NAMES)
def test_every_descriptor_is_sound(name: str) -> None:
    found = reader(name)
    assert len(set(found.names)) == len(found.names)
    shared = [band.common_name for band in found.bands if band.common_name]
    assert len(set(shared)) == len(shared)
    assert set(shared) <= COMMON
    for band in found.bands:
        assert band.role in ("data", "mask", "auxiliary")
        assert "{" not in band.member
        assert found.band(band.name) == band
        assert band.wavelength is None or 0.4 < band.wavelength < 2.5


def test_sentinel2_l1c() -> None:
    found = reader("PEPS_S2_L1C")
    data = [band for band in found.bands if band.role == "data"]
    assert len(data) == 13
    assert [band.wavelength for band in data] == sorted(band.wavelength or 0 for band in data)
    assert {band.gsd for band in data} == {10, 20, 60}
    red = found.band("red")
    assert (red.name, red.dtype, red.scale, red.offset, red.nodata, red.units) == (
        "B04",
        "uint16",
        1e-4,
        0.0,
        0,
        "1",
    )
    path = "S2A_X.SAFE/GRANULE/L1C_T14ULD_A051075/IMG_DATA/T14ULD_20250402T175741_B04.jp2"
    assert [band.name for band in found.bands if band.matches(path)] == ["B04"]
    assert found.band("MSK_CLASSI").matches(
        "S2A_X.SAFE/GRANULE/L1C_T14ULD/QI_DATA/MSK_CLASSI_B00.jp2"
    )


@pytest.mark.parametrize(
    ("properties", "offset"),
    [
        ({"processing:version": "05.11"}, -0.1),
        ({"processing:version": "04.00"}, -0.1),
        ({"processing:version": "03.01"}, 0.0),
        ({"processing:version": 5.1}, -0.1),
        ({"processing:version": 2.14, "datetime": "2024-03-01T00:00:00Z"}, 0.0),
        ({"identifier": "S2A_MSIL1C_20220217T142021_N0400_R010_T19GFG_20220217T174514"}, -0.1),
        ({"identifier": "S2A_MSIL1C_20211104T142021_N0301_R010_T19GFG_20211104T174514"}, 0.0),
        ({"datetime": "2023-05-01T00:00:00Z"}, -0.1),
        ({"datetime": "2020-05-01T00:00:00Z"}, 0.0),
    ],
)
def test_the_baseline_decides_the_offset(properties: dict[str, str], offset: float) -> None:
    found = reader("PEPS_S2_L1C").for_item({"id": "x", "properties": properties})
    assert found.band("B04").offset == offset
    assert found.band("MSK_CLASSI").offset == 0


def test_theia() -> None:
    found = reader("THEIA_REFLECTANCE_SENTINEL2_L2A")
    name = "SENTINEL2B_20200106-105907-758_L2A_T31TCH_C_V4-0"
    for wish, file in (
        ("red", f"{name}/{name}_FRE_B4.tif"),
        ("B4", f"{name}/{name}_FRE_B4.tif"),
        ("FRE_B4", f"{name}/{name}_FRE_B4.tif"),
        ("SRE_B4", f"{name}/{name}_SRE_B4.tif"),
        ("B8A", f"{name}/{name}_FRE_B8A.tif"),
        ("CLM", f"{name}/MASKS/{name}_CLM_R1.tif"),
        ("MG2_R2", f"{name}/MASKS/{name}_MG2_R2.tif"),
    ):
        band = found.band(wish)
        assert band.matches(file)
        assert [one.name for one in found.bands if one.matches(file)] == [band.name]
    red = found.band("red")
    assert (red.scale, red.nodata, red.dtype) == (1e-4, -10000, "int16")


@pytest.mark.parametrize(
    "file",
    [
        "s1a_31TCH_vv_DES_110_20200101t054321.tif",
        "s1b_33NWB_vv_DES_007_20200108txxxxxx.tif",
        "s1a_54MYV_vv_ASC_009_20240123t084748_GammaNaughtRTC.tif",
        "s1a_54MYV_vv_ASC_009_20240123t084748_GammaNaughtRTC_filtered.tif",
    ],
)
def test_s1tiling_names(file: str) -> None:
    found = reader("THEIA_S1TILING_SENTINEL1_L1")
    assert found.geocoded
    assert [band.name for band in found.bands if band.matches(file)] == ["VV"]
    assert found.kind == "file"
    nodata = found.band("vv").nodata
    assert nodata is not None
    assert math.isnan(nodata)


def test_sentinel1_in_radar_geometry_is_marked() -> None:
    found = reader("PEPS_S1_L1")
    assert not found.geocoded
    path = "S1C_IW_GRDH.SAFE/measurement/s1c-iw-grd-vh-20251217t230248-20251217t230317-005497-00af3c-002.tiff"
    assert [band.name for band in found.bands if band.matches(path)] == ["VH"]


GRD = "S1C_IW_GRDH_1SDV_20251217T230248_20251217T230317_005497_00AF3C_C5D6"
SLC = "S1A_IW_SLC__1SDV_20240101T054321_20240101T054348_051900_064ABC_1F2E"


@pytest.mark.parametrize(
    ("item", "file", "bands"),
    [
        (
            {"properties": {"product:type": "GRD"}},
            "s1c-iw-grd-vh-20251217t230248-20251217t230317-005497-00af3c-002.tiff",
            ["VH"],
        ),
        (
            {"properties": {"product:type": "SLC"}},
            "s1a-iw2-slc-vv-20240101t054322-20240101t054347-051900-064abc-005.tiff",
            ["IW2_VV"],
        ),
        (
            {"properties": {"identifier": SLC}},
            "s1a-iw3-slc-vh-20240101t054322-20240101t054347-051900-064abc-003.tiff",
            ["IW3_VH"],
        ),
        (
            {"id": GRD, "properties": {}},
            "s1c-iw-grd-vv-20251217t230248-20251217t230317-005497-00af3c-001.tiff",
            ["VV"],
        ),
        (
            {"id": GRD, "properties": {}},
            "s1a-iw3-slc-vh-20240101t054322-20240101t054347-051900-064abc-003.tiff",
            [],
        ),
        (
            {"properties": {"product:type": "SLC"}},
            "s1a-s6-slc-hh-20240101t054322-20240101t054347-051900-064abc-003.tiff",
            ["S6_HH"],
        ),
    ],
    ids=["grd", "slc", "slc-by-name", "grd-by-name", "slc-is-no-grd", "strip-map"],
)
def test_sentinel1_level1_is_of_two_kinds(item, file: str, bands: list[str]) -> None:
    """An SLC has three files of one polarisation: a pattern that fits all of them names none."""
    found = reader("PEPS_S1_L1").for_item(item)
    path = f"X.SAFE/measurement/{file}"
    assert [band.name for band in found.bands if band.matches(path)] == bands
    assert not found.geocoded


def test_the_recorded_item_of_sentinel1_is_of_a_kind(recorded: Callable[[str], Any]) -> None:
    found = reader("PEPS_S1_L1").for_item(recorded("PEPS_S1_L1.item.json"))
    assert "GRD" in found.description
    assert "SLC" not in found.description


def test_sentinel1_level2_is_of_the_ocean() -> None:
    found = reader("PEPS_S1_L2")
    assert not found.geocoded
    assert found.kind == "netcdf-swath"
    assert "OCN" in found.description
    told = next(one for one in SHIPPED if one["id"] == "PEPS_S1_L2")["description"]
    assert "Level-2 Ocean (OCN)" in told  # what the portal itself says of it
    path = "S1A_IW_OCN.SAFE/measurement/s1a-iw-ocn-vv-20240101t054321-20240101t054348-051900-064abc-001.nc"
    assert all(band.matches(path) for band in found.bands)
    assert not any(band.matches("s1a_31TCH_vv_DES_110_20200101t054321.tif") for band in found.bands)


def test_next_generation_ids_and_loose_names() -> None:
    assert reader("peps-s2-l1c") is reader("PEPS_S2_L1C")
    assert reader("PEPS_S2_L1C").band("b8a").name == "B8A"
    assert reader("PEPS_S2_L1C").band("B4").name == "B04"
    assert reader("THEIA_REFLECTANCE_SENTINEL2_L2A").band("B04").name == "B4"


def test_unknown_bands_and_collections_say_what_is_near() -> None:
    with pytest.raises(UnknownBand, match='has no band "nirr"') as band:
        reader("PEPS_S2_L1C").band("nirr")
    assert '"nir"' in str(band.value)
    with pytest.raises(UnknownBand) as none:
        reader("PEPS_S1_L1").band("temperature")
    assert "VV, VH, HH, HV" in str(none.value)
    with pytest.raises(UnknownCollection) as collection:
        reader("PEPS_S2_L1")
    assert '"PEPS_S2_L1C"' in str(collection.value)


def test_the_served_samples_match_their_descriptors(
    samples_catalogue: Any, recorded: Callable[[str], dict[str, Any]]
) -> None:
    """Each band that a stand-in archive holds is found by exactly one pattern."""
    import zipfile

    for product in samples_catalogue.products:
        path = samples_catalogue.locate(product.files[0])
        if path is None:
            continue
        found = reader(product.collection)
        names = zipfile.ZipFile(path).namelist() if found.kind == "zip" else [product.files[0].name]
        images = [
            name
            for name in names
            if name.endswith((".jp2", ".tif")) and "TCI" not in name and "ATB" not in name
        ]
        assert images
        for name in images:
            assert len([band for band in found.bands if band.matches(name)]) == 1, name


def test_a_reader_shows_its_bands() -> None:
    found = reader("PEPS_S2_L1C")
    assert repr(found).startswith("Reader(PEPS_S2_L1C: B01, B02")
    page = found._repr_html_()
    assert page.count("<tr>") == len(found.bands) + 1
    assert "rededge071" in page
