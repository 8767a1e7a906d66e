from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pystac
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodes_datalab import stac
from geodes_datalab.errors import DataError, StorageError, UnknownProperty
from geodes_datalab.stac import Items
from geodes_datalab.stac.items.normalise import normalise
from geodes_datalab.standin import Catalogue, StandIn


@pytest.fixture
def found(portal: StandIn) -> Items:
    return stac.search()


@pytest.fixture
def real(recorded: Callable[[str], dict[str, Any]]) -> Items:
    raw = [
        recorded("PEPS_S1_L1.item.json"),
        recorded("PEPS_S2_L1C.items-response.json")["features"][0],
    ]
    return Items(normalise(item) for item in raw)


def test_a_sequence_of_pystac_items_built_when_asked_for(found: Items) -> None:
    assert len(found) == found.matched == 45
    assert not found._built
    assert isinstance(found[0], pystac.Item)
    assert found[0] is found[0]
    assert found[-1].id == found.ids[-1]
    assert [item.id for item in found] == found.ids
    with pytest.raises(IndexError):
        found[45]


def test_slices_are_items(found: Items) -> None:
    part = found[2:5]
    assert isinstance(part, Items)
    assert part.dicts == found.dicts[2:5]
    assert part.matched == 3
    assert part.query is found.query


def test_sums_hold_each_item_once(found: Items) -> None:
    assert found[:3] + found[2:5] == found[:5]


def test_building_an_item_does_not_touch_the_dictionaries(found: Items) -> None:
    found[0].properties["title"] = "mine"
    assert found.dicts[0]["properties"]["title"] != "mine"


def test_repr(found: Items, real: Items) -> None:
    assert repr(found).startswith(
        "Items(45 of 45, PEPS_S1_L1, PEPS_S2_L1C, THEIA_REFLECTANCE_SENTINEL2_L2A, ..., 2021-11-04 to "
    )
    assert repr(real) == "Items(2 of 2, PEPS_S1_L1, PEPS_S2_L1C, 2025-04-02 to 2025-12-17, 2.77 GB)"


def test_the_table_shows_what_matters(real: Items) -> None:
    page = real._repr_html_()
    for text in (
        "2025-04-02 17:57", "sentinel-2a", "PEPS_S2_L1C", "14ULD", "68 %", "764 MB",
        "S1C_IW_GRDH_1SDV_20251217T230248_20251217T230317_005497_00AF3C_C5D6", "2.01 GB", "2.77 GB in all",
    ):  # fmt: skip
        assert text in page
    assert page.count("<path") == 2


def test_what_is_online_is_a_column_only_where_something_is_known(real: Items) -> None:
    page = real._repr_html_()
    assert ">online<" not in page
    assert "the archive tells: <code>geodes_datalab.stac.availability(items)</code>" in page
    real.available[real.ids[0]] = True
    page = real._repr_html_()
    assert ">online<" in page
    assert ">?<" in page
    assert "the archive tells" in page


def test_what_is_simulated_says_so_where_nothing_hides_it(found: Items) -> None:
    page = found._repr_html_()
    made = sum("(simulated)" in item["properties"]["title"] for item in found.dicts)
    assert made > 0
    told = "all" if made == len(found) else made
    assert f", {told} of them simulated" in page
    shown = sum("(simulated)" in item["properties"]["title"] for item in found.dicts[:20])
    assert page.count("</span> (simulated)</td>") == shown


def test_names_are_whole_under_the_mouse_and_escaped(real: Items) -> None:
    name = real.dicts[0]["properties"]["title"]
    assert f'title="{name}"' in real._repr_html_()
    assert "simulated" not in real._repr_html_()
    evil = copy.deepcopy(real.dicts[0])
    evil["properties"]["title"] = '"><script>x</script> (simulated)'
    assert "<script" not in Items([evil])._repr_html_()


def test_the_table_shows_the_answer_of_the_archive(real: Items) -> None:
    real.available.update(dict(zip(real.ids, (True, False), strict=True)))
    page = real._repr_html_()
    assert ">yes<" in page
    assert ">on tape<" in page
    assert "the archive tells" not in page


def test_long_results_show_the_first_rows(found: Items) -> None:
    page = found._repr_html_()
    assert page.count("<tr>") == 21
    assert "... and 25 more" in page


def test_an_empty_result_says_what_to_do() -> None:
    page = Items()._repr_html_()
    assert "Nothing was found" in page
    assert "widen" in page


def test_an_empty_result_tells_of_swapped_coordinates(served: Callable[..., StandIn]) -> None:
    served()
    page = stac.search("PEPS_S2_L1C", bbox=(43.5, 1.4, 43.6, 1.5))._repr_html_()
    assert "If latitude and longitude were swapped: bbox=(1.4, 43.5, 1.5, 43.6)" in page


def test_the_collection_is_a_column_only_where_there_are_several(found: Items) -> None:
    assert ">collection<" in found._repr_html_()
    one = found.filter(collection="THEIA_S1TILING_SENTINEL1_L1")
    assert len(one) > 1
    assert ">collection<" not in one._repr_html_()


def test_names_from_the_catalogue_are_escaped(real: Items) -> None:
    real.dicts[0]["properties"]["title"] = "<script>alert(1)</script>"
    assert "<script>" not in real._repr_html_()


def test_the_notice_of_a_sample_catalogue_is_shown(
    real: Items, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODES_CATALOGUE_NOTICE", "sample catalogue, not GEODES")
    assert "sample catalogue, not GEODES" in real._repr_html_()


def test_pickles_are_small_and_whole(
    samples_catalogue: Catalogue, served: Callable[..., StandIn]
) -> None:
    served(Catalogue.bulk(300))
    found = stac.search("PEPS_S2_L1C")
    list(found)
    packed = pickle.dumps(found)
    again = pickle.loads(packed)
    assert again == found
    assert (again.matched, again.query) == (found.matched, found.query)
    assert len(packed) < 300 * 500  # bytes per item; as dictionaries they take ten times that


@pytest.mark.parametrize(
    ("wish", "count"),
    [
        ({"cloud_cover": (0, 20)}, 17),
        ({"cloud_cover": 20}, 17),
        ({"platform": "S1A"}, 20),
        ({"platform": "sentinel-1a"}, 20),
        ({"platform": ["S1A", "S1C"]}, 21),
        ({"tile": "T19GFG"}, 13),
        ({"tile": ["19GFG", "MGRS-20GJM"]}, 14),
        ({"collection": "THEIA_S1TILING_SENTINEL1_L1"}, 20),
        ({"datetime": "2022"}, 10),
        ({"datetime": "../2021-11-04"}, 2),
        ({"query": {"sar:polarizations": "vv"}}, 11),
        ({"query": {"sat:relative_orbit": [9, 76]}}, 21),
        ({"query": {"title": {"contains": "msil1c"}}}, 9),
        ({"query": {"sat:relative_orbit": {"neq": 9}}}, 25),
        ({"query": {"sat:absolute_orbit": {"gt": 51000}}}, 1),
        ({"tile": "19GFG", "cloud_cover": 20, "collection": "PEPS_S2_L1C"}, 5),
    ],
)
def test_filters(found: Items, wish: dict[str, Any], count: int) -> None:
    kept = found.filter(**wish)
    assert len(kept) == kept.matched == count
    assert [item for item in found.dicts if item in kept.dicts] == kept.dicts


def test_filters_take_any_test(found: Items) -> None:
    assert len(found.filter(lambda item: "data" in item["assets"])) == 45
    assert len(found.filter(lambda item: item["properties"]["title"].startswith("S1C"))) == 1


def test_filters_refuse_properties_that_no_item_has(found: Items) -> None:
    with pytest.raises(UnknownProperty) as caught:
        found.filter(query={"eo:cloudcover": 3})
    assert 'did you mean "eo:cloud_cover"?' in str(caught.value)


@given(st.integers(0, 100), st.integers(0, 100))
def test_cloud_cover_filters_like_a_comparison(one: int, other: int) -> None:
    low, high = sorted((one, other))
    covers = [0, 12.5, 40, 99.9, 100]
    items = Items(
        {"id": str(value), "properties": {"eo:cloud_cover": value}, "assets": {}}
        for value in covers
    )
    kept = [
        item["properties"]["eo:cloud_cover"] for item in items.filter(cloud_cover=(low, high)).dicts
    ]
    assert kept == [value for value in covers if low <= value <= high]


def test_pystac_collection(found: Items) -> None:
    collection = found.to_pystac()
    assert isinstance(collection, pystac.ItemCollection)
    assert len(collection) == 45
    assert collection.to_dict()["type"] == "FeatureCollection"


def test_geodataframe(found: Items) -> None:
    frame = found.to_geodataframe()
    assert len(frame) == 45
    assert frame.crs.to_epsg() == 4326
    assert str(frame["datetime"].dtype).startswith("datetime64")
    assert frame["datetime"].dt.tz is not None
    first = found.dicts[0]
    assert frame.loc[0, "id"] == first["id"]
    assert frame.loc[0, "file:size"] == first["assets"]["data"]["file:size"]
    assert tuple(frame.geometry.iloc[0].bounds) == pytest.approx(tuple(first["bbox"]))


def test_an_empty_geodataframe_has_its_columns() -> None:
    frame = Items().to_geodataframe()
    assert len(frame) == 0
    assert frame.crs.to_epsg() == 4326


def test_bbox(found: Items, real: Items) -> None:
    assert Items().bbox is None
    assert real[:1].bbox == tuple(real.dicts[0]["bbox"])
    west, south, east, north = found.bbox or (0, 0, 0, 0)
    assert west < -101
    assert east > 140
    assert south < -47
    assert north > 53


@pytest.mark.parametrize("which", ["found", "real"])
def test_parquet_there_and_back(request: pytest.FixtureRequest, tmp_path: Path, which: str) -> None:
    items: Items = request.getfixturevalue(which)
    path = items.to_parquet(tmp_path / "items.parquet")
    assert Items.from_parquet(path) == items
    assert [file.name for file in tmp_path.iterdir()] == ["items.parquet"]


def test_parquet_is_read_by_others(found: Items, tmp_path: Path) -> None:
    import geopandas

    frame = geopandas.read_parquet(found.to_parquet(tmp_path / "items.parquet"))
    assert sorted(frame["id"]) == sorted(found.ids)
    assert frame.crs.to_epsg() == 4326


def test_parquet_replaces_a_file_whole_or_not_at_all(
    found: Items, real: Items, tmp_path: Path
) -> None:
    path = found.to_parquet(tmp_path / "items.parquet")
    before = path.read_bytes()
    with pytest.raises(DataError, match="no items"):
        Items().to_parquet(path)
    assert path.read_bytes() == before
    real.to_parquet(path)
    assert len(Items.from_parquet(path)) == 2


def test_parquet_that_cannot_be_written_or_read(found: Items, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        found.to_parquet(tmp_path / "nowhere" / "items.parquet")
    with pytest.raises(DataError, match="cannot be read"):
        Items.from_parquet(tmp_path / "none.parquet")
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 this is none")
    with pytest.raises(DataError, match="cannot be read"):
        Items.from_parquet(broken)


def test_items_are_written_as_stac_without_a_request(found: Items, portal: StandIn) -> None:
    before = len(portal.requests)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        written = found[0].to_dict()
    assert written["stac_version"] == "1.1.0"
    assert len(portal.requests) == before
