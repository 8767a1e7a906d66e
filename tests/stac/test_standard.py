"""The standard dialect: STAC APIs, and GEODES's next generation."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from support.running import running

from geodes_datalab import stac
from geodes_datalab.errors import (
    InvalidQuery,
    RequestError,
    ServiceError,
    UnknownCollection,
    UnknownProperty,
)
from geodes_datalab.stac.dialects.standard import _cql2, _query_extension, _standard
from geodes_datalab.stac.query.conditions import Clause
from geodes_datalab.standin import Catalogue, StandIn

PATAGONIA = (-67.67, -47.87, -67.62, -47.84)
S2, L2A = "peps-s2-l1c", "theia-reflectance-sentinel2-l2a"


@pytest.fixture
def modern(served: Callable[..., StandIn], monkeypatch: pytest.MonkeyPatch) -> StandIn:
    monkeypatch.setenv("GEODES_DIALECT", "stac")
    return served(profile="nextgen")


def test_the_same_search_as_today(modern: StandIn) -> None:
    found = stac.search(
        S2, bbox=PATAGONIA, datetime="2022", cloud_cover=20, query={"platform": "S2B"}
    )
    assert [item.properties["title"][:26] for item in found] == [
        "S2B_MSIL1C_20220217T142019",
        "S2B_MSIL1C_20220428T142019",
    ]
    assert found.matched == 2


def test_both_dialects_give_the_same_items(
    served: Callable[..., StandIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    served()
    today = stac.search("PEPS_S2_L1C", bbox=PATAGONIA)
    monkeypatch.setenv("GEODES_DIALECT", "stac")
    served(profile="nextgen")
    tomorrow = stac.search(S2, bbox=PATAGONIA)
    names = (
        "title", "datetime", "published", "platform", "constellation", "grid:code", "eo:cloud_cover",
        "proj:code", "proj:shape", "proj:transform", "sat:orbit_state",
    )  # fmt: skip
    for one, other in zip(today.dicts, tomorrow.dicts, strict=True):
        assert {name: one["properties"][name] for name in names} == {
            name: other["properties"][name] for name in names
        }
        for field in ("file:size", "file:checksum", "geodes:md5", "title", "type", "roles"):
            assert one["assets"]["data"][field] == other["assets"]["data"][field]
        assert "quicklook" in other["assets"]
    assert stac.reader(tomorrow.dicts[0]["collection"]) is stac.reader("PEPS_S2_L1C")


def test_pages_follow_their_links(
    served: Callable[..., StandIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODES_DIALECT", "stac")
    portal = served(Catalogue.bulk(250), profile="nextgen")
    found = stac.search(S2)
    assert len(set(found.ids)) == found.matched == 250
    assert len(portal.requests.to("/search")) == 4
    assert len(stac.search(S2, limit=120)) == 120


def test_several_collections_points_and_the_antimeridian(modern: StandIn) -> None:
    assert len(stac.search([S2, L2A], geometry="POINT (-67.645 -47.855)")) == 14
    assert len(stac.search([S2, L2A], bbox=(170, -50, -60, -40))) == 14


def test_a_search_that_finds_nothing_is_empty(modern: StandIn) -> None:
    found = stac.search("peps-s2-l1c", bbox=(100, 60, 101, 61))
    assert (len(found), found.matched) == (0, 0)


def test_order(modern: StandIn) -> None:
    found = stac.search(S2, sort="-datetime")
    dates = [item["properties"]["datetime"] for item in found.dicts]
    assert dates == sorted(dates, reverse=True)


def test_the_words_of_a_catalogue_that_refuses_are_passed_on(modern: StandIn) -> None:
    with pytest.raises(RequestError, match="the attribute published is not searchable"):
        stac.search(S2, published="2025/..")


def test_an_address_is_a_catalogue_and_gets_no_key(
    served: Callable[..., StandIn],
    geodes_factory: Callable[..., StandIn],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = served()
    monkeypatch.setenv("GEODES_API_KEY", home.api_key)
    other = geodes_factory(profile="nextgen")
    assert len(stac.search(S2, bbox=PATAGONIA, catalogue=other.stac_url)) == 8
    assert {request.key for request in other.requests} == {"absent"}
    assert not home.requests.to("/search")


def test_unknown_collections_and_catalogues(modern: StandIn) -> None:
    with pytest.raises(UnknownCollection) as caught:
        stac.search("PEPS_S2_L1C")
    assert '"peps-s2-l1c"' in str(caught.value)
    with pytest.raises(InvalidQuery, match="no catalogue"):
        stac.search(S2, catalogue="earth-search")


def test_a_catalogue_that_is_down(modern: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    modern.faults.down()
    monkeypatch.setenv("GEODES_RETRIES", "0")
    with pytest.raises(ServiceError, match="503"):
        stac.search(S2)


@pytest.mark.parametrize(
    ("clause", "cql2"),
    [
        (Clause("a", "eq", 1), {"op": "=", "args": [{"property": "a"}, 1]}),
        (Clause("a", "lte", 1.5), {"op": "<=", "args": [{"property": "a"}, 1.5]}),
        (Clause("a", "in", ("x", "y")), {"op": "in", "args": [{"property": "a"}, ["x", "y"]]}),
        (Clause("a", "contains", "x"), {"op": "like", "args": [{"property": "a"}, "%x%"]}),
        (Clause("a", "startsWith", "x"), {"op": "like", "args": [{"property": "a"}, "x%"]}),
    ],
)
def test_conditions_in_cql2(clause: Clause, cql2: Any) -> None:
    assert _cql2(clause) == cql2


def test_conditions_in_the_query_extension() -> None:
    clauses = [Clause("a", "gte", 1), Clause("a", "lte", 2), Clause("b", "in", ("x",))]
    assert _query_extension(clauses) == {"a": {"gte": 1, "lte": 2}, "b": {"in": ["x"]}}


def test_values_get_their_standard_names() -> None:
    assert _standard(Clause("grid:code", "in", ("31TCH", "31TCJ"))).value == (
        "MGRS-31TCH",
        "MGRS-31TCJ",
    )
    assert _standard(Clause("platform", "eq", "S2A")).value == "sentinel-2a"
    assert _standard(Clause("sat:orbit_state", "eq", "Ascending")).value == "ascending"
    assert _standard(Clause("title", "contains", "S2A")).value == "S2A"


CORE = ["core", "collections", "ogcapi-features", "item-search"]


@contextmanager
def small_api(
    *classes: str, methods: tuple[str, ...] = ("GET", "POST"), queryables: Any = None
) -> Iterator[Any]:
    """A STAC API of one item, which records what it is asked."""
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self, body: Any, status: int = 200) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/search":
                asked.append(self.path)
            pages = {
                "/": landing,
                "/collections/one": {"id": "one"},
                "/queryables": queryables,
                "/search": found,
            }
            page = pages.get(path)
            self.answer(page or {"description": "none"}, 200 if page else 404)

        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.answer(found)

        def log_message(self, *_: Any) -> None:
            pass

    with running(Handler) as server:
        url = server.url
        links = [
            {
                "rel": "search",
                "type": "application/geo+json",
                "href": f"{url}/search",
                "method": one,
            }
            for one in methods
        ]
        landing = {
            "type": "Catalog", "id": "small", "description": "small", "stac_version": "1.0.0",
            "links": [{"rel": "root", "href": url}, *links],
            "conformsTo": [f"https://api.stacspec.org/v1.0.0/{one}" for one in (*CORE, *classes)],
        }  # fmt: skip
        item = {
            "type": "Feature", "stac_version": "1.0.0", "id": "a", "collection": "one", "links": [],
            "geometry": None, "properties": {"datetime": "2024-05-03T00:00:00Z"},
            "assets": {"B04": {"href": f"{url}/a.tif", "roles": ["data"]}},
        }  # fmt: skip
        found = {"type": "FeatureCollection", "features": [item], "links": [], "numberMatched": 1}
        yield url, asked


def test_a_catalogue_that_understands_cql2() -> None:
    with small_api("item-search#filter") as (url, asked):
        found = stac.search("one", catalogue=url, cloud_cover=20, query={"platform": "S2A"})
    assert found.ids == ["a"]
    assert asked[0]["filter-lang"] == "cql2-json"
    assert asked[0]["filter"] == {
        "op": "and",
        "args": [
            {"op": "=", "args": [{"property": "platform"}, "sentinel-2a"]},
            {"op": ">=", "args": [{"property": "eo:cloud_cover"}, 0.0]},
            {"op": "<=", "args": [{"property": "eo:cloud_cover"}, 20.0]},
        ],
    }
    assert "sortby" not in asked[0]


def test_a_catalogue_that_understands_no_conditions() -> None:
    with small_api() as (url, asked):
        with pytest.raises(InvalidQuery, match="cannot search by properties") as caught:
            stac.search("one", catalogue=url, cloud_cover=20)
        assert "items.filter" in str(caught.value)
        assert not asked
        assert stac.search("one", catalogue=url, datetime="2024-05").ids == ["a"]


def test_a_catalogue_that_only_takes_get() -> None:
    with small_api(methods=("GET",)) as (url, asked):
        assert stac.search("one", catalogue=url, bbox=(1, 43, 2, 44)).ids == ["a"]
    assert asked == ["/search?limit=80&bbox=1.0%2C43.0%2C2.0%2C44.0&collections=one"]


def test_a_catalogue_that_tells_its_queryables() -> None:
    known = {
        "properties": {"platform": {"type": "string"}, "gsd": {"type": "number"}, "updated": {}},
        "additionalProperties": False,
    }
    with small_api("item-search#filter", "item-search#sort", queryables=known) as (url, asked):
        with pytest.raises(UnknownProperty) as caught:
            stac.search("one", catalogue=url, sort=None, query={"platfrm": "S2A"})
        assert 'did you mean "platform"?' in str(caught.value)
        stac.search("one", catalogue=url, sort="-gsd", query={"gsd": "10"}, published="2024")
    assert asked[-1]["filter"]["args"][0] == {"op": "=", "args": [{"property": "gsd"}, 10.0]}
    assert asked[-1]["filter"]["args"][1]["args"][0] == {"property": "updated"}
    assert [key["field"] for key in asked[-1]["sortby"]] == ["properties.gsd", "id"]
