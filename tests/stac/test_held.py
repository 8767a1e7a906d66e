"""Whatever people hold, the same items come out of it; what holds none is told as our own error."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pystac
import pytest
import requests
from pystac_client import Client
from support.waiting import minutes

import geodes_datalab as gd
from geodes_datalab import stac
from geodes_datalab.cubes.parse.products import parse
from geodes_datalab.errors import CubeError, DataError, GeodesError
from geodes_datalab.stac.items.held import acquired, as_dicts
from geodes_datalab.stac.items.normalise import normalise
from geodes_datalab.standin import StandIn

Recorded = Callable[[str], dict[str, Any]]


@pytest.fixture
def served_items(recorded: Recorded) -> list[dict[str, Any]]:
    """What GEODES itself sent, recorded: traps and all."""
    page = recorded("PEPS_S2_L1C.items-response.json")
    return [recorded("PEPS_S1_L1.item.json"), *page["features"]]


FORMS: dict[str, Callable[[list[dict[str, Any]], Path], Any]] = {
    "dictionaries": lambda raw, _: raw,
    "tuple": lambda raw, _: tuple(raw),
    "generator": lambda raw, _: iter(raw),
    "array": lambda raw, _: np.array(raw, object),
    "column": lambda raw, _: pd.Series(raw),
    "FeatureCollection": lambda raw, _: {"type": "FeatureCollection", "features": raw},
    "text": lambda raw, _: json.dumps(raw),
    "bytes": lambda raw, _: json.dumps({"type": "FeatureCollection", "features": raw}).encode(),
    "pystac": lambda raw, _: [pystac.Item.from_dict(one) for one in raw],
    "ItemCollection": lambda raw, _: pystac.ItemCollection([pystac.Item.from_dict(o) for o in raw]),
    "search of ours": lambda raw, _: stac.Items([normalise(one) for one in raw]),
    "items of ours": lambda raw, _: list(stac.Items([normalise(one) for one in raw])),
    "not put right": lambda raw, _: stac.Items(raw),
    "several lists": lambda raw, _: [raw[:1], stac.Items([normalise(one) for one in raw[1:]])],
    "file": lambda raw, folder: written(folder / "items.json", raw),
    "name of a file": lambda raw, folder: str(written(folder / "items.geojson", raw)),
    "files": lambda raw, folder: [written(folder / f"{i}.json", [o]) for i, o in enumerate(raw)],
    "stac-geoparquet": lambda raw, folder: clean(raw).to_parquet(folder / "items.parquet"),
    "table": lambda raw, _: clean(raw).to_geodataframe(),
    "table in metres": lambda raw, _: clean(raw).to_geodataframe().to_crs(3857),
    "table by id": lambda raw, _: clean(raw).to_geodataframe().set_index("id"),
    "table of pandas": lambda raw, _: pd.DataFrame(clean(raw).to_geodataframe()),
    "table from a file": lambda raw, folder: table_in(folder, raw),
    "rows": lambda raw, _: [row for _, row in clean(raw).to_geodataframe().iterrows()],
}


def clean(raw: list[dict[str, Any]]) -> stac.Items:
    return stac.Items([normalise(one) for one in raw])


def written(path: Path, raw: list[dict[str, Any]]) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": raw}))
    return path


def table_in(folder: Path, raw: list[dict[str, Any]]) -> Any:
    clean(raw).to_geodataframe().to_parquet(folder / "table.parquet")
    return geopandas.read_parquet(folder / "table.parquet")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_holds_the_same_items(
    served_items: list[dict[str, Any]], tmp_path: Path, form: str
) -> None:
    expected = [normalise(one) for one in served_items]
    found = as_dicts(FORMS[form](served_items, tmp_path))
    for one, other in zip(found, expected, strict=True):
        for part in ("id", "collection", "properties", "assets", "geometry", "bbox"):
            assert one[part] == pytest.approx(other[part]) if part == "bbox" else part in one
        assert one["properties"] == other["properties"]
        assert one["assets"] == other["assets"]
    assert set(found[0]["assets"]) >= {"data", "quicklook"}
    assert "eo:cloud_cover" not in found[0]["properties"]  # served for a radar as 0.0


def test_one_item_in_every_form(served_items: list[dict[str, Any]], tmp_path: Path) -> None:
    raw = served_items[1]
    path = tmp_path / "item.json"
    path.write_text(json.dumps(raw))
    table = clean(served_items).to_geodataframe()
    forms = [raw, pystac.Item.from_dict(raw), clean([raw])[0], json.dumps(raw), path,
             table.iloc[1], table[table["id"] == raw["id"]]]  # fmt: skip
    for form in forms:
        (found,) = as_dicts(form)
        assert found["assets"] == normalise(raw)["assets"]


def test_what_was_served_is_not_changed(served_items: list[dict[str, Any]]) -> None:
    before = json.dumps(served_items)
    as_dicts(served_items)
    assert json.dumps(served_items) == before


def test_catalogues_and_their_files(served_items: list[dict[str, Any]], tmp_path: Path) -> None:
    catalog = pystac.Catalog("shelf", "some products")
    alone = [{**one, "links": []} for one in served_items]  # links would be followed by pystac
    catalog.add_items([pystac.Item.from_dict(one) for one in alone])
    assert len(as_dicts(catalog)) == len(served_items)
    catalog.normalize_and_save(str(tmp_path), pystac.CatalogType.SELF_CONTAINED)
    found = as_dicts(tmp_path / "catalog.json")
    assert sorted(one["id"] for one in found) == sorted(one["id"] for one in served_items)


@pytest.mark.filterwarnings("ignore")  # pystac-client's, of a portal that says little of itself
def test_what_others_got_from_the_portal_is_what_search_gets(portal: StandIn) -> None:
    ours = gd.search("PEPS_S2_L1C").dicts
    url = f"{portal.url}/api/stac"
    body = {"collections": ["PEPS_S2_L1C"], "limit": 80}
    reply = requests.post(f"{url}/search", json=body, timeout=minutes(1)).json()
    asked = Client.open(url).search(method="POST", collections=["PEPS_S2_L1C"], max_items=len(ours))
    by_id = {item["id"]: item for item in ours}
    for held in (reply, reply["features"], asked, asked.item_collection(), list(asked.items())):
        found = as_dicts(held)
        assert {item["id"] for item in found} <= set(by_id)
        assert found
        for item in found:
            assert item["assets"] == by_id[item["id"]]["assets"]
            assert item["properties"] == by_id[item["id"]]["properties"]


NOT_ITEMS: dict[str, Any] = {
    "None": None,
    "number": 5,
    "truth": True,
    "class": dict,
    "list of None": [None],
    "list of numbers": [3],
    "empty dictionary": {},
    "empty text": "",
    "word": "PEPS_S2_L1C",
    "address": "https://example.org/item.json",
    "broken JSON": '{"type": "Feature"',
    "no such file": Path("nowhere.json"),
    "folder": Path(),
    "nul": "a\0b",
    "feature": {"type": "Feature", "id": "a", "geometry": None, "properties": {}},
    "features": {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": None}]},
    "no list of features": {"type": "FeatureCollection", "features": None},
    "geometry": {"type": "Point", "coordinates": [1, 2]},
    "collection": {"type": "Collection", "id": "a", "assets": {}, "properties": {}},
    "assets are a list": {"type": "Feature", "id": "a", "properties": {}, "assets": []},
    "properties are a list": {"type": "Feature", "id": "a", "properties": [], "assets": {}},
    "asset without address": {"type": "Feature", "id": "a", "properties": {}, "assets": {"x": {}}},
    "asset is a text": {"type": "Feature", "id": "a", "properties": {}, "assets": {"x": "y"}},
    "no id": {"type": "Feature", "properties": {}, "assets": {}},
    "table without assets": pd.DataFrame({"id": ["a"]}),
    "table of numbers": pd.DataFrame({"a": [1]}),
    "column of a table": pd.Series([1, 2]),
    "geometries": geopandas.GeoSeries.from_wkt(["POINT (1 2)"]),
}


@pytest.mark.parametrize("form", NOT_ITEMS)
@pytest.mark.parametrize("verb", ["load", "explore", "download"])
def test_what_holds_no_item_is_told_as_our_own_error(
    form: str, verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as caught:
        getattr(gd, verb)(NOT_ITEMS[form])
    assert caught.value.hint


NO_ITEMS: dict[str, Any] = {
    "list": [],
    "search": stac.Items(),
    "FeatureCollection": {"type": "FeatureCollection", "features": []},
    "ItemCollection": pystac.ItemCollection([]),
    "table": stac.Items().to_geodataframe(),
    "table without columns": geopandas.GeoDataFrame(),
    "pandas": pd.DataFrame(),
    "column": pd.Series([], dtype=object),
    "array": np.array([]),
    "text": "[]",
}


@pytest.mark.parametrize("form", NO_ITEMS)
def test_no_items_make_no_cube(form: str) -> None:
    with pytest.raises(CubeError, match="there are no items to load"):
        gd.load(NO_ITEMS[form])
    assert isinstance(CubeError("x"), GeodesError)


DATES: dict[str, Any] = {
    "datetime": datetime(2024, 3, 1, 10, tzinfo=UTC),
    "Timestamp": pd.Timestamp("2024-03-01T10:00Z"),
    "of a zone": pd.Timestamp("2024-03-01T10:00Z").tz_convert("Asia/Tokyo"),
    "numpy": np.datetime64("2024-03-01T10:00"),
    "small letters": "2024-03-01t10:00:00z",
    "with a space": "2024-03-01 10:00:00Z",
}


@pytest.mark.parametrize("form", DATES)
def test_dates_of_items_may_be_objects(served_items: list[dict[str, Any]], form: str) -> None:
    item = normalise(served_items[1])
    times = dict.fromkeys(("datetime", "start_datetime", "end_datetime"), DATES[form])
    item["properties"] |= times | {"proj:shape": np.array([10, 10]), "cloud": pd.NA}
    item["bbox"] = np.array(item["bbox"])
    (found,) = parse(as_dicts([item]), "B04")
    assert found.start == datetime(2024, 3, 1, 10)  # noqa: DTZ001 - as it is kept
    assert json.dumps(found.item)
    assert as_dicts(np.array(item, object))[0]["id"] == item["id"]


@pytest.mark.parametrize("date", ["yesterday", 1_709_287_200, "2024-13-01T00:00:00Z", "../2024"])
def test_dates_that_are_none_are_told(served_items: list[dict[str, Any]], date: Any) -> None:
    item = normalise(served_items[1])
    item["properties"] |= {"start_datetime": date, "datetime": date}
    with pytest.raises(CubeError, match="date of acquisition"):
        parse(as_dicts([item]), "B04")


def test_an_end_rounded_to_before_its_start_is_no_fault(served_items: list[dict[str, Any]]) -> None:
    item = normalise(served_items[1])
    item["properties"] |= {
        "start_datetime": "2024-03-01T10:00:00.900Z", "end_datetime": "2024-03-01T10:00:00Z",
    }  # fmt: skip
    assert acquired([item], "2024-03-01") == [item]
    assert acquired([item], "2024-03-02") == []
