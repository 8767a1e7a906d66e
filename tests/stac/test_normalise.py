from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import pystac
import pytest

from geodes_datalab.errors import DataError
from geodes_datalab.stac.items.assets import data_asset, file_name, quicklook_asset
from geodes_datalab.stac.items.normalise import normalise

Read = Callable[[str], dict[str, Any]]
S2 = "PEPS_S2_L1C.items-response.json"
S1 = "PEPS_S1_L1.item.json"
SPOT = "SWH_nextgen.item.json"
EXTENSIONS = "https://stac-extensions.github.io"


@pytest.fixture
def s2(recorded: Read) -> dict[str, Any]:
    item: dict[str, Any] = recorded(S2)["features"][0]
    return item


def extensions(item: dict[str, Any]) -> list[str]:
    return sorted(
        url.removeprefix(f"{EXTENSIONS}/").partition("/v")[0] for url in item["stac_extensions"]
    )


def test_sentinel2_field_by_field(s2: dict[str, Any]) -> None:
    untouched = copy.deepcopy(s2)
    item, old = normalise(s2), s2["properties"]
    assert s2 == untouched
    assert item["stac_version"] == "1.1.0"
    assert (item["id"], item["collection"]) == (s2["id"], "PEPS_S2_L1C")
    assert (item["geometry"], item["bbox"]) == (s2["geometry"], s2["bbox"])
    new = dict(item["properties"])
    # renamed, or given another type, with the same meaning
    assert new.pop("title") == new["identifier"] == old["identifier"]
    assert new.pop("grid:code") == "MGRS-14ULD"
    assert new.pop("platform") == "sentinel-2a"
    assert new.pop("constellation") == "sentinel-2"
    assert new.pop("instruments") == ["msi"]
    assert new.pop("sat:orbit_state") == "descending"
    assert new.pop("datetime") == new.pop("start_datetime") == "2025-04-02T17:57:41.024Z"
    assert new.pop("end_datetime") == "2025-04-02T17:57:41.024Z"
    assert new.pop("published") == "2025-04-03T09:00:26.809Z" == old["datetime"]
    assert new.pop("geodes:instrument_mode") == "INS-NOBS"
    assert new.pop("geodes:timeliness") == "Nominal"
    assert new.pop("geodes:corners") == [
        -101.99523907493,
        53.211977826627,
        -100.32145593499,
        52.255150748781,
    ]
    assert new.pop("proj:centroid") == {"lat": s2["centroid"]["lat"], "lon": s2["centroid"]["lon"]}
    # derived from the tile
    assert new.pop("proj:code") == "EPSG:32614"
    assert new.pop("proj:shape") == [10980, 10980]
    assert new.pop("proj:transform") == [10, 0, 300000, 0, -10, 5900040]
    assert new.pop("proj:bbox") == [300000, 5790240, 409800, 5900040]
    # everything else is as it was, and nothing is lost
    assert new == {name: old[name] for name in new}
    gone = {"instrument", "dataset", "sar:instrument_mode", "product:timeliness", "sci:doi"}
    mended = {
        "grid:code",
        "platform",
        "sat:orbit_state",
        "datetime",
        "start_datetime",
        "end_datetime",
        "proj:bbox",
    }
    assert set(old) == set(new) | gone | mended


def test_sentinel1_field_by_field(recorded: Read) -> None:
    raw = recorded(S1)
    item, old = normalise(raw), raw["properties"]
    new = dict(item["properties"])
    assert new.pop("title") == old["identifier"]
    assert new.pop("platform") == "sentinel-1c"
    assert new.pop("constellation") == "sentinel-1"
    assert new.pop("instruments") == ["sar-c", "sar"]
    assert new.pop("sar:polarizations") == ["VV", "VH"]
    assert new.pop("sar:frequency_band") == "C"
    assert new.pop("sat:orbit_state") == "ascending"
    assert new.pop("datetime") == new.pop("start_datetime") == "2025-12-17T23:02:48.679Z"
    assert new.pop("published") == "2025-12-18T02:11:12.800Z"  # 2025-12-18T02:11:12.800000Z
    assert new.pop("geodes:timeliness") == "Fast24h"
    assert new.pop("proj:centroid")["lat"] == raw["centroid"]["lat"]
    assert "eo:cloud_cover" not in new
    assert "geodes:corners" not in new  # served as ""
    assert not [name for name in new if name.startswith("proj:")]
    assert new == {name: old[name] for name in new}


def test_next_generation_items_keep_their_meaning(recorded: Read) -> None:
    raw = recorded(SPOT)
    item = normalise(raw)
    assert {name: item["properties"][name] for name in raw["properties"]} == raw["properties"]
    assert item["properties"]["title"] == item["properties"]["identifier"] == raw["id"]
    assert item["assets"]["data"] == raw["assets"]["data"]
    assert item["assets"]["quicklook"] == raw["assets"]["overview"]
    assert sorted(item["stac_extensions"]) == sorted(raw["stac_extensions"])
    assert [link for link in item["links"] if link["rel"] == "related"] == [raw["links"][1]]


@pytest.mark.parametrize(
    ("name", "declared"),
    [
        (
            S2,
            [
                "eo",
                "file",
                "grid",
                "processing",
                "product",
                "projection",
                "sat",
                "sentinel-2",
                "timestamps",
                "version",
            ],
        ),
        (S1, ["file", "processing", "product", "projection", "sar", "sat", "timestamps"]),
    ],
)
def test_only_extensions_in_use_are_declared(
    recorded: Read, name: str, declared: list[str]
) -> None:
    raw = recorded(name)
    assert extensions(normalise(raw["features"][0] if "features" in raw else raw)) == declared


def test_assets(s2: dict[str, Any]) -> None:
    item = normalise(s2)
    assert list(item["assets"]) == ["data", "quicklook"]
    name = "S2A_MSIL1C_20250402T175741_N0511_R141_T14ULD_20250403T022035"
    md5 = "86f828c4c7e921615d1cd0476604f780"
    assert item["assets"]["data"] == {
        "href": s2["assets"][f"{name}.zip"]["href"],
        "title": f"{name}.zip",
        "type": "application/zip",
        "roles": ["data"],
        "file:size": 764210185,
        "file:checksum": f"d50110{md5}",
        "geodes:md5": md5,
        "geodes:online": False,
        "geodes:reference": False,
        "geodes:datatype": "RAWDATA",
    }
    quicklook = item["assets"]["quicklook"]
    assert quicklook["title"] == f"{name}_quicklook.jpg"
    assert quicklook["geodes:key"] == f"2025/04/02/S2A/{name}_quicklook.jpg"
    assert (quicklook["file:size"], quicklook["geodes:online"]) == (18684, True)


@pytest.mark.parametrize("name", [S2, S1, SPOT])
def test_the_result_is_valid_stac(recorded: Read, name: str) -> None:
    """Against the STAC 1.1 schemas that pystac ships; extensions have no schemas offline."""
    raw = recorded(name)
    item = normalise(raw["features"][0] if "features" in raw else raw)
    built = pystac.Item.from_dict({**item, "stac_extensions": []})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        built.validate()
    written = built.to_dict(transform_hrefs=False)["properties"]
    assert {**written, "datetime": item["properties"]["datetime"]} == item["properties"]


@pytest.mark.parametrize("name", [S2, S1, SPOT])
def test_normalising_twice_changes_nothing(recorded: Read, name: str) -> None:
    raw = recorded(name)
    once = normalise(raw["features"][0] if "features" in raw else raw)
    assert normalise(once) == once


def altered(item: dict[str, Any], **properties: Any) -> dict[str, Any]:
    changed = copy.deepcopy(item)
    changed["properties"] |= {name.replace("__", ":"): value for name, value in properties.items()}
    result: dict[str, Any] = normalise(changed)["properties"]
    return result


@pytest.mark.parametrize(
    ("served", "expected"),
    [
        ("2025-04-02T17:57:41Z", "2025-04-02T17:57:41Z"),
        ("2025-04-02T17:57:41.024Z", "2025-04-02T17:57:41.024Z"),
        ("2025-04-02T17:57:41.024100Z", "2025-04-02T17:57:41.024100Z"),
        ("2025-04-02T17:57:41.024000Z", "2025-04-02T17:57:41.024Z"),
        ("2025-04-02T19:57:41+02:00", "2025-04-02T17:57:41Z"),
        ("2025-04-02T17:57:41", "2025-04-02T17:57:41Z"),
    ],
)
def test_dates_with_any_number_of_decimals(s2: dict[str, Any], served: str, expected: str) -> None:
    assert altered(s2, start_datetime=served)["datetime"] == expected


def test_without_an_acquisition_the_publication_stands_in_and_says_so(s2: dict[str, Any]) -> None:
    found = altered(s2, start_datetime=None, end_datetime=None)
    assert found["datetime"] == found["published"]
    assert "publication" in found["geodes:datetime_is"]


@pytest.mark.parametrize(
    ("served", "doi"),
    [
        ("[]", None),
        ("", None),
        ('["10.5270/x"]', "10.5270/x"),
        ("10.5270/x", "10.5270/x"),
        (["10.5270/x"], "10.5270/x"),
    ],
)
def test_dois(s2: dict[str, Any], served: Any, doi: str | None) -> None:
    assert altered(s2, sci__doi=served).get("sci:doi") == doi


@pytest.mark.parametrize("code", ["T31TCH", "31TCH", "MGRS-31TCH"])
def test_tiles_of_any_spelling(s2: dict[str, Any], code: str) -> None:
    found = altered(s2, grid__code=code)
    assert (found["grid:code"], found["proj:code"]) == ("MGRS-31TCH", "EPSG:32631")


def test_a_grid_that_the_server_gives_wins(s2: dict[str, Any]) -> None:
    given = {
        "proj__code": "EPSG:32719",
        "proj__shape": [200, 300],
        "proj__transform": [10, 0, 6e5, 0, -10, 4.70002e6],
    }
    found = altered(s2, **given)
    assert found["proj:code"] == "EPSG:32719"
    assert found["proj:shape"] == [200, 300]
    assert "proj:bbox" not in found  # the tile's box would be wrong


def test_old_projection_codes_are_brought_up_to_date(recorded: Read) -> None:
    raw = recorded(SPOT)
    raw["properties"]["proj:epsg"] = 32614
    raw["stac_extensions"] = [
        f"{EXTENSIONS}/projection/v1.1.0/schema.json",
        "https://example.com/mine.json",
    ]
    item = normalise(raw)
    assert item["properties"]["proj:code"] == "EPSG:32614"
    assert "proj:epsg" not in item["properties"]
    assert f"{EXTENSIONS}/projection/v2.0.0/schema.json" in item["stac_extensions"]
    assert "https://example.com/mine.json" in item["stac_extensions"]


def test_values_that_stac_forbids_fall_out(s2: dict[str, Any]) -> None:
    found = altered(s2, eo__cloud_cover="-1", sat__orbit_state="", sat__absolute_orbit=0)
    assert not {"eo:cloud_cover", "sat:orbit_state", "sat:absolute_orbit"} & set(found)
    assert altered(s2, eo__cloud_cover="12.5")["eo:cloud_cover"] == 12.5


def test_a_product_without_a_place(s2: dict[str, Any]) -> None:
    item = normalise({**s2, "geometry": None, "bbox": None})
    assert item["geometry"] is None
    assert "bbox" not in item
    pystac.Item.from_dict({**item, "stac_extensions": []}).validate()


def test_a_box_is_kept_where_there_is_no_outline(s2: dict[str, Any]) -> None:
    """It is all that tells where such an item lies."""
    assert normalise({**s2, "geometry": None})["bbox"] == s2["bbox"]


def test_equal_credits_are_one_object(s2: dict[str, Any]) -> None:
    shared: dict[str, Any] = {}
    one, other = (normalise(copy.deepcopy(s2), shared) for _ in range(2))
    assert one["properties"]["references"] is other["properties"]["references"]
    assert one["properties"]["references"] == s2["properties"]["references"]


def asset(name: str, **fields: Any) -> dict[str, Any]:
    return {"href": f"https://x/{name}", "title": name, "roles": ["data"], **fields}


def test_the_data_file_is_the_archive_never_the_sidecar(s2: dict[str, Any]) -> None:
    files = {
        "a.xml": asset("a.xml", type="application/xml"),
        "a.tif": asset("a.tif", type="image/tiff"),
        "a.zip": asset("a.zip", type="application/zip"),
        "a_thumb.jpg": asset("a_thumb.jpg", roles=["thumbnail"], type="image/jpeg"),
    }
    item = normalise({**s2, "assets": files})
    assert {key: one["title"] for key, one in item["assets"].items()} == {
        "data": "a.zip",
        "metadata": "a.xml",
        "a.tif": "a.tif",
        "thumbnail": "a_thumb.jpg",
    }
    assert data_asset(item)[0] == "data"
    assert data_asset(pystac.Item.from_dict(item))[1]["title"] == "a.zip"
    assert quicklook_asset(item) == item["assets"]["thumbnail"]


def test_an_item_without_data_says_so(s2: dict[str, Any]) -> None:
    item = normalise({**s2, "assets": {}})
    assert quicklook_asset(item) is None
    with pytest.raises(DataError, match="no data file"):
        data_asset(item)


@pytest.mark.parametrize("name", ["..", "", "a/..", "/"])
def test_names_that_are_no_file_names(name: str) -> None:
    with pytest.raises(DataError, match="no file name"):
        file_name(name)


def test_names_cannot_leave_the_folder() -> None:
    assert file_name("../../.ssh/authorized_keys") == "authorized_keys"
    assert file_name("..\\..\\boot.ini") == "boot.ini"
    assert file_name("a\nb\x1b.zip") == "ab.zip"
