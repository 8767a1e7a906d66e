"""Products that were processed again: the newest version is loaded, and the others are told."""

from __future__ import annotations

import json
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import rasterio

from geodes_datalab import cubes, errors
from geodes_datalab.stac import Items
from geodes_datalab.stac.items.normalise import normalise
from geodes_datalab.stac.items.versions import superseded

SAFE = "S2A_MSIL1C_20211104T142021_{}_R010_T19GFG_{}"
OLD, NEW = SAFE.format("N0301", "20211104T174514"), SAFE.format("N0500", "20230102T093000")
WEST = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 2], [0, 2], [0, 0]]]}
EAST = {"type": "Polygon", "coordinates": [[[0.9, 0], [2, 0], [2, 2], [0.9, 2], [0.9, 0]]]}
WHOLE = {"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]]}

load = partial(cubes.load, raw=True)
"""Stored numbers are compared with stored numbers."""


def named(name: str, geometry=None, **properties):
    return {
        "type": "Feature", "id": f"urn:{name}", "geometry": geometry, "collection": "c", "assets": {},
        "properties": {"identifier": name, "datetime": "2021-11-04T14:20:21Z", **properties},
    }  # fmt: skip


def pixels(item, band="B04"):
    with rasterio.open(item["assets"][band]["href"]) as file:
        return file.read(1)


def pair(shelf, older: str = OLD, newer: str = NEW, **shared):
    """Return two items of one acquisition; the older is the first by id, and by start."""
    first = shelf.item("a", start="2021-11-04T14:20:21.021Z", seed=0)
    second = shelf.item("b", start="2021-11-04T14:20:21.024Z", seed=1)
    first["properties"] |= {"identifier": older, **shared}
    second["properties"] |= {"identifier": newer, **shared}
    return first, second


@pytest.mark.parametrize("engine", ["odc", "stackstac"])
@pytest.mark.parametrize("turned", [False, True], ids=["older-first", "newer-first"])
def test_the_newest_version_is_loaded_and_the_other_is_told(shelf, engine, turned) -> None:
    older, newer = pair(shelf)
    items = [newer, older] if turned else [older, newer]
    with pytest.warns(
        errors.OlderVersions, match=r"1 of 2 products .*N0301.*03\.01, newest 05\.00"
    ):
        cube = load(items, "B04", engine=engine)
    assert cube.sizes["time"] == 1
    np.testing.assert_array_equal(cube["B04"].values[0], pixels(newer))  # its gaps stay gaps
    assert cube.attrs["older_versions_left_out"] == OLD


def test_all_versions_can_be_kept(shelf) -> None:
    older, newer = pair(shelf)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        each = load([older, newer], "B04", groupby="id")
        mosaic = load([older, newer], "B04", versions="all")
    np.testing.assert_array_equal(each["B04"].values[0], pixels(older))
    np.testing.assert_array_equal(each["B04"].values[1], pixels(newer))
    first, second = pixels(newer), pixels(older)
    np.testing.assert_array_equal(mosaic["B04"].values[0], np.where(first == 0, second, first))
    with pytest.raises(errors.CubeError, match='did you mean "newest"'):
        load([older, newer], versions="newst")


def test_the_tables_tell_which_is_older() -> None:
    items = Items(
        [named(OLD), named(NEW), named(SAFE.format("N0500", "20230102T093000") + "X")][:2]
    )
    assert items.older == {f"urn:{OLD}": f"urn:{NEW}"}
    assert items.newest().ids == [f"urn:{NEW}"]
    page = items._repr_html_()
    assert "03.01, older" in page
    assert "1 older version of another item" in page
    table = items.to_geodataframe()
    assert table["geodes_datalab:newer"][0] == f"urn:{NEW}"
    assert "older" not in Items([named(NEW)])._repr_html_()


S1 = "S1A_IW_GRDH_1SDV_20240101T054321_20240101T054348_051900_064ABC_{}"
MADE = "s2:generation_time"
TILE = {"grid:code": "MGRS-50HMH"}
BOW = {
    "type": "Polygon",
    "coordinates": [
        [[0, 0], [2, 0], [2, 2], [1.2, 2], [0.8, 1.9], [1.2, 1.9], [0.8, 2], [0, 2], [0, 0]]
    ],
}
ACROSS = {"type": "Polygon", "coordinates": [[[179, 0], [-178, 0], [-178, 1], [179, 1], [179, 0]]]}
PARTED = {
    "type": "MultiPolygon",
    "coordinates": [
        [[[179, 0], [180, 0], [180, 1], [179, 1], [179, 0]]],
        [[[-180, 0], [-178, 0], [-178, 1], [-180, 1], [-180, 0]]],
    ],
}
REPLACED = {
    "baseline": (named(OLD), named(NEW)),
    "baseline-by-property": (
        named(SAFE.format("R", "x"), **{"s2:processing_baseline": "04.00", "s2:mgrs_tile": "19GFG"}),
        named(SAFE.format("Q", "y"), **{"s2:processing_baseline": "05.10", "s2:mgrs_tile": "19GFG"}),
    ),
    "name-without-baseline": (
        named("S2B_MSIL2A_20190629T212529_R043_T06VVN_20190630T080531"),
        named("S2B_MSIL2A_20190629T212529_R043_T06VVN_20201006T080531"),
    ),
    "date-of-processing": (
        named(SAFE.format("N0500", "20220101T000000")), named(SAFE.format("N0500", "20230101T000000")),
    ),
    "theia": (
        named("SENTINEL2B_20200106-105907-758_L2A_T31TCH_C_V2-2"),
        named("SENTINEL2B_20200106-105907-758_L2A_T31TCH_C_V4-0"),
    ),
    "theia-tenth": (
        named("VENUS-XS_20190428-173944-000_L2A_ARM_D_V2-9"),
        named("VENUS-XS_20190428-173944-000_L2A_ARM_D_V2-15"),
    ),
    "landsat": (
        named("LC08_L2SP_028030_20200114_20200824_02_T1_SR"),
        named("LC08_L2SP_028030_20200114_20230824_02_T1_SR"),
    ),
    "landsat-in-real-time": (
        named("LC09_L1GT_028030_20220114_20220114_02_RT"), named("LC09_L1TP_028030_20220114_20220128_02_T1"),
    ),
    "landsat-in-real-time-and-made-later": (
        named("LE07_L1TP_028030_20200114_20200205_02_RT"), named("LE07_L1TP_028030_20200114_20200204_02_T2"),
    ),
    "landsat-whose-name-tells-no-date": (
        named("LC08_L2SP_028030_20200114_02_RT"), named("LC08_L2SP_028030_20200114_02_T1"),
    ),
    "another-time-of-the-same-datastrip": (
        named("S2A_50HMH_20190323_0_L2A", **TILE, **{
            "datetime": "2019-03-23T02:31:32Z", "s2:processing_baseline": "02.11",
            "s2:datastrip_id": "S2A_OPER_MSI_L2A_DS_SGS__20190323T054954_S20190323T022444_N02.11",
        }),
        named("S2A_50HMH_20190323_1_L2A", **TILE, **{
            "datetime": "2019-03-23T02:27:06Z", "s2:processing_baseline": "05.00",
            "s2:datastrip_id": "S2A_OPER_MSI_L2A_DS_S2RP_20230614T234954_S20190323T022444_N05.00",
        }),
    ),
    "footprint-that-crosses-itself": (named(OLD, BOW), named(NEW, WHOLE)),
    "footprint-that-is-empty": (
        named(OLD, {"type": "Polygon", "coordinates": []}), named(NEW, WHOLE),
    ),
    "footprint-that-is-none": (named(OLD, {"type": "Polygon"}), named(NEW, WHOLE)),
    "footprints-across-the-seam": (named(OLD, ACROSS), named(NEW, PARTED)),
    "most-of-a-footprint-across-the-seam": (
        named(OLD, ACROSS), named(NEW, {"type": "Polygon", "coordinates": PARTED["coordinates"][1]}),
    ),
    "sentinel1-published": (
        named(S1.format("1F2E"), published="2024-01-01T09:00:00Z"),
        named(S1.format("0A1B"), published="2024-06-01T09:00:00Z"),
    ),
    "sentinel1-version": (
        named(S1.format("1F2E"), **{"processing:version": "003.61"}),
        named(S1.format("0A1B"), **{"processing:version": "003.71"}),
    ),
    "latest": (named(NEW, latest=False), named(NEW, latest=True)),
    "any-product-with-a-version": (
        named("old", **{"grid:code": "MGRS-31TCJ", "processing:version": "1.9"}),
        named("new", **{"grid:code": "MGRS-31TCJ", "processing:version": "1.10"}),
    ),
    "same-footprint": (named(OLD, WHOLE), named(NEW, WHOLE)),
    "same-datastrip": (
        named(OLD, **{"s2:datastrip_id": "S2A_OPER_MSI_L1C_DS_EPAE_20211104T1_S20211104T142024_N03.01"}),
        named(NEW, **{"s2:datastrip_id": "S2A_OPER_MSI_L1C_DS_S2RP_20230102T0_S20211104T142024_N05.00"}),
    ),
}  # fmt: skip
APART = {
    "another-tile": (named(OLD), named(NEW.replace("T19GFG", "T19GEG"))),
    "another-satellite": (named(OLD), named(NEW.replace("S2A", "S2B"))),
    "another-day": (named(OLD), named(NEW.replace("20211104T142021", "20211114T142021"))),
    "another-level": (named(OLD), named(NEW.replace("MSIL1C", "MSIL2A"))),
    "half-of-a-tile": (named(OLD, WEST), named(NEW, EAST)),
    "two-halves-made-together": (
        named(SAFE.format("N0500", "20230102T093000")), named(SAFE.format("N0500", "20230102T094500")),
    ),
    "two-datastrips": (
        named(OLD, **{"s2:datastrip_id": "S2A_OPER_MSI_L1C_DS_EPAE_20211104T1_S20211104T142024_N03.01"}),
        named(NEW, **{"s2:datastrip_id": "S2A_OPER_MSI_L1C_DS_EPAE_20230102T0_S20211104T142150_N05.00"}),
    ),
    "two-polarisations": (
        named("s1a_31TCH_vv_DES_110_20200101t054321", version="1.0", **{"grid:code": "31TCH"}),
        named("s1a_31TCH_vh_DES_110_20200101t054321", version="1.1", **{"grid:code": "31TCH"}),
    ),
    "filtered-and-not": (
        named("s1a_31TCH_vv_DES_110_20200101t054321", version="1.0"),
        named("s1a_31TCH_vv_DES_110_20200101t054321_filtered", version="1.1"),
    ),
    "landsats-of-one-place-and-day": (
        named("LC08_L1TP_028030_20220114_20220114_02_RT"), named("LC09_L1TP_028030_20220114_20220128_02_T1"),
    ),
    "two-satellites-at-the-same-time": (
        named("a", **TILE, version="1", platform="sentinel-2a"),
        named("b", **TILE, version="2", platform="sentinel-2b"),
    ),
    "two-halves-across-the-seam": (
        named(OLD, PARTED), named(NEW, {"type": "Polygon", "coordinates": PARTED["coordinates"][0]}),
    ),
    "surface-temperature": (
        named("LC08_L2SP_028030_20200114_20200824_02_T1_SR"),
        named("LC08_L2SP_028030_20200114_20230824_02_T1_ST"),
    ),
    "nothing-told": (named("a"), named("b")),
    "one-version": (
        named("a", **{"grid:code": "MGRS-31TCJ", "processing:version": "1", MADE: "2021-11-05T00:00:00Z"}),
        named("b", **{"grid:code": "MGRS-31TCJ", "processing:version": "1", MADE: "2022-11-05T00:00:00Z"}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("turned", [False, True], ids=["older-first", "newer-first"])
@pytest.mark.parametrize("case", REPLACED)
def test_what_replaces_what(case: str, turned) -> None:
    older, newer = REPLACED[case]
    items = [newer, older] if turned else [older, newer]
    assert superseded(items) == ({1: 0} if turned else {0: 1})


@pytest.mark.parametrize("case", APART)
def test_what_is_no_version_of_another(case: str) -> None:
    first, second = APART[case]
    assert superseded([first, second]) == superseded([second, first]) == {}


@pytest.mark.parametrize("box", ["everywhere", [None] * 4, [1, 2], 5], ids=str)
def test_a_box_that_is_none_tells_nothing(box) -> None:
    """Of a place that no name tells."""
    items = [
        named(name, **{"processing:version": version}) | {"bbox": box}
        for name, version in (("old", "1"), ("new", "2"))
    ]
    assert superseded(items) == ({0: 1} if box == [1, 2] else {})


def test_of_three_versions_and_two_halves_the_newest_of_each_remain() -> None:
    halves = [
        named(SAFE.format(f"N0{n}00", f"202{n}0102T093000"), g)
        for n in (2, 3, 5)
        for g in (WEST, EAST)
    ]
    assert superseded(halves) == {0: 4, 1: 5, 2: 4, 3: 5}


def test_an_older_half_whose_tile_was_not_made_again_stays() -> None:
    items = [
        named(OLD, WEST),
        named(SAFE.format("N0301", "20211104T175514"), EAST),
        named(NEW, WEST),
    ]
    assert superseded(items) == {0: 2}


def test_recorded_names_of_other_catalogues() -> None:
    """Earth Search's ids tell nothing; the product's name in a property does."""
    path = Path(__file__).with_name("data") / "earth-search-s2-l2a.json"
    served = json.loads(path.read_text("utf-8"))
    again = {**served, "id": "S2A_13TDE_20231008_1_L2A", "properties": dict(served["properties"])}
    again["properties"] |= {
        "s2:product_uri": "S2A_MSIL2A_20231008T175231_N0510_R141_T13TDE_20241019T120000.SAFE",
        "s2:processing_baseline": "05.10",
    }
    for make in (lambda one: one, normalise):
        assert superseded([make(served), make(again)]) == {0: 1}
