"""Each trap of today's API, set in the legacy profile and gone in the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pystac
import pytest
import requests
from pystac_client import Client
from support.waiting import minutes

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.standin import PROFILES, Catalogue, StandIn, create_app
from geodes_datalab.standin.samples import sources

PATAGONIA = [-67.67, -47.87, -67.62, -47.84]
S1, S2, L2A = "THEIA_S1TILING_SENTINEL1_L1", "PEPS_S2_L1C", "THEIA_REFLECTANCE_SENTINEL2_L2A"
EVERY = tuple(PROFILES)


@pytest.fixture(params=EVERY)
def portal(request: pytest.FixtureRequest, geodes_factory: Callable[..., StandIn]) -> StandIn:
    return geodes_factory(profile=request.param)


def is_legacy(portal: StandIn) -> bool:
    return portal.portal.profile.name == "legacy"


def wire(portal: StandIn, collection: str) -> str:
    modern = portal.portal.profile.modern
    return collection.lower().replace("_", "-") if modern else collection


def post(portal: StandIn, body: Any) -> requests.Response:
    return requests.post(f"{portal.stac_url}/search", json=body, timeout=minutes(2))


def search(portal: StandIn, **body: Any) -> dict[str, Any]:
    reply = post(portal, {"limit": 80, **body})
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def matched(found: dict[str, Any]) -> int:
    return found["numberMatched"] if "numberMatched" in found else found["context"]["matched"]


def test_two_collections_find_nothing(portal: StandIn) -> None:
    found = search(portal, collections=[wire(portal, S2), wire(portal, L2A)], bbox=PATAGONIA)
    assert matched(found) == (0 if is_legacy(portal) else 14)


def test_several_datasets_can_be_asked_for(geodes: StandIn) -> None:
    found = search(geodes, query={"dataset": {"in": [S2, L2A]}}, bbox=PATAGONIA)
    assert matched(found) == 14


def test_a_point_is_ignored(portal: StandIn) -> None:
    everything = matched(search(portal))
    nowhere = {"type": "Point", "coordinates": [0, 0]}
    assert matched(search(portal, intersects=nowhere)) == (everything if is_legacy(portal) else 0)
    square = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
    assert matched(search(portal, intersects=square)) == 0


def test_datetime_is_the_day_of_publication(portal: StandIn) -> None:
    # acquired on 2025-04-02, published on the day after
    asked = {"collections": [wire(portal, S2)], "datetime": "2025-04-03T00:00:00Z/.."}
    assert matched(search(portal, **asked)) == (1 if is_legacy(portal) else 0)
    asked["datetime"] = "2025-04-02T00:00:00Z/2025-04-02T23:59:59Z"
    assert matched(search(portal, **asked)) == (0 if is_legacy(portal) else 1)
    (item,) = search(portal, collections=[wire(portal, S2)], bbox=[-102, 52, -100, 53])["features"]
    told = item["properties"]
    assert (told["datetime"] == told["start_datetime"]) is not is_legacy(portal)


def test_acquisition_can_be_searched_by_properties(portal: StandIn) -> None:
    found = search(
        portal,
        bbox=PATAGONIA,
        collections=[wire(portal, L2A)],
        query={
            "end_datetime": {"gte": "2021-12-01T00:00:00Z"},
            "start_datetime": {"lte": "2022-02-01T00:00:00Z"},
        },
    )
    days = [item["properties"]["start_datetime"][:10] for item in found["features"]]
    assert sorted(days) == ["2021-12-09", "2022-01-13"]


@pytest.mark.parametrize(
    "query", [{"cloudcover": {"lte": 1}}, {"eo:cloud_cover": {"lte": "1"}}], ids=["name", "type"]
)
def test_unknown_attributes_widen_the_search(portal: StandIn, query: dict[str, Any]) -> None:
    reply = post(portal, {"query": query, "limit": 1})
    assert reply.status_code == (200 if is_legacy(portal) else 400)
    if is_legacy(portal):
        assert matched(reply.json()) == len(portal.portal.catalogue.products)
    else:
        assert next(iter(query)) in reply.json()["message"]


def test_an_unknown_collection_is_refused(portal: StandIn) -> None:
    reply = post(portal, {"collections": ["MUSCATE_SENTINEL2_SENTINEL2_L2A"]})
    assert reply.status_code == 400
    assert set(reply.json()) == {"correlationId", "type", "message", "cause", "time"}


def test_filter_is_ignored(geodes: StandIn) -> None:
    cql = {"op": "=", "args": [{"property": "platform"}, "none"]}
    assert matched(search(geodes, filter=cql)) == matched(search(geodes))


def test_next_of_a_get_asks_for_one_item_too_many(portal: StandIn) -> None:
    address = f"{portal.stac_url}/collections/{wire(portal, S2)}/items?limit=2&page=1"
    found = requests.get(address, timeout=minutes(2)).json()
    (link,) = [link["href"] for link in found["links"] if link["rel"] == "next"]
    assert link.startswith(portal.stac_url)
    assert f"limit={3 if is_legacy(portal) else 2}&page=2" in link


def test_totals_stand_where_the_profile_puts_them(portal: StandIn) -> None:
    found = search(portal, limit=3)
    if portal.portal.profile.modern:
        assert found["numberReturned"] == 3
        assert "context" not in found
    else:
        total = len(portal.portal.catalogue.products)
        assert found["context"] == {"returned": 3, "limit": 3, "matched": total}
        assert list(found) == [
            "stac_version", "stac_extensions", "type", "features", "links", "context",
        ]  # fmt: skip
        assert found["stac_version"] == "1.0.0-beta.1"
        assert {item["stac_version"] for item in found["features"]} == {"1.0.0-beta.2"}


def test_ten_items_are_the_default_and_a_thousand_are_allowed(geodes: StandIn) -> None:
    assert post(geodes, {}).json()["context"]["returned"] == 10
    assert post(geodes, {"limit": 1000}).json()["context"]["returned"] == 45


def test_unsorted_pages_overlap(portal: StandIn) -> None:
    def ids(**body: Any) -> list[str]:
        pages = [search(portal, limit=10, page=page, **body) for page in (1, 2, 3, 4, 5)]
        return [item["id"] for page in pages for item in page["features"]]

    assert (len(set(ids())) < len(ids())) is is_legacy(portal)
    order = [{"field": "start_datetime", "direction": "asc"}]
    assert len(set(ids(sortBy=order))) == 45


@pytest.mark.parametrize(
    ("direction", "ascending"), [("asc", True), ("desc", False), ("dsc", False), ("up", False)]
)
def test_whatever_is_not_asc_sorts_descending(
    geodes: StandIn, direction: str, ascending: bool
) -> None:
    order = [{"field": "start_datetime", "direction": direction}]
    for spelling in ("sortBy", "sortby"):
        found = search(geodes, collections=[L2A], **{spelling: order})
        days = [item["properties"]["start_datetime"] for item in found["features"]]
        assert days == sorted(days, reverse=not ascending)


def test_ties_are_broken_by_the_next_key(geodes: StandIn) -> None:
    order = [
        {"field": "start_datetime", "direction": "asc"},
        {"field": "identifier", "direction": "desc"},
    ]
    found = search(geodes, collections=[S1], sortBy=order)["features"]
    names = [item["properties"]["identifier"] for item in found]
    assert "_vv_" in names[0]
    assert "_vh_" in names[1]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"grid:code": {"contains": "19gfg"}}, 13),  # strings ignore case
        ({"grid:code": {"eq": "T19GFG"}}, 13),
        ({"grid:code": {"eq": "19GFG"}}, 0),  # the T is part of the name
        ({"identifier": {"startsWith": "s2b_"}}, 3),
        ({"identifier": {"endsWith": "_filtered"}}, 10),
        ({"keywords": {"contains": "season:summer"}}, 10),
        ({"eo:cloud_cover": {"gte": 12, "lte": 30}}, 5),
        ({"eo:cloud_cover": {"gt": 12, "lt": 22}}, 0),
        ({"eo:cloud_cover": {"eq": 64, "lte": 1}}, 2),  # eq wins over the range
        ({"sat:relative_orbit": {"in": [9, 141]}}, 21),
        ({"platform": {"neq": "S1A"}}, 25),
        ({"latest": {"eq": False}}, 0),
        ({"datetime": {"gte": "2025-04-03"}}, 10),
    ],
    ids=str,
)
def test_query_operators(geodes: StandIn, query: dict[str, Any], count: int) -> None:
    assert matched(search(geodes, query=query)) == count


def test_null_members_count_as_absent(geodes: StandIn) -> None:
    nothing = dict.fromkeys(("query", "sortBy", "bbox", "intersects", "collections", "ids"))
    assert matched(search(geodes, page=1, **nothing)) == 45


def test_the_alias_and_the_get_answer_alike(geodes: StandIn) -> None:
    body = {"limit": 5, "bbox": PATAGONIA, "sortBy": [{"field": "identifier", "direction": "asc"}]}
    by_search = post(geodes, body).json()["features"]
    by_alias = requests.post(f"{geodes.stac_url}/items", json=body, timeout=minutes(2)).json()[
        "features"
    ]
    parameters = {"limit": "5", "bbox": ",".join(map(str, PATAGONIA)), "sortby": "identifier"}
    by_get = requests.get(f"{geodes.stac_url}/search", params=parameters, timeout=minutes(2)).json()
    assert by_search == by_alias == by_get["features"]


@pytest.mark.parametrize(
    "body",
    [
        [1],
        {"bbox": [1, 2, 3]},
        {"bbox": [0, 10, 1, 5]},
        {"page": 0},
        {"limit": "many"},
        {"datetime": "yesterday"},
        {"datetime": "2022-01-02/2022-01-01"},
        {"query": {"platform": "S2A"}},
        {"sortBy": [1]},
        {"intersects": {"type": "Polygon", "coordinates": "x"}},
    ],
    ids=str,
)
def test_unreadable_bodies_get_400(geodes: StandIn, body: Any) -> None:
    reply = post(geodes, body)
    assert reply.status_code == 400
    assert reply.json()["message"]


def test_a_box_across_the_antimeridian_works(geodes: StandIn) -> None:
    assert matched(search(geodes, bbox=[140, -10, -150, 0])) == 20
    assert matched(search(geodes, bbox=[150, -10, -150, 0])) == 0


def test_recorded_items_are_served_as_they_were_recorded(geodes: StandIn) -> None:
    for name in ("PEPS_S1_L1", "PEPS_S2_L1C"):
        record = (sources.folder() / "records" / f"{name}.item.json").read_text("utf-8")
        expected = json.loads(record.replace("https://geodes-portal.cnes.fr", geodes.url))
        address = f"{geodes.stac_url}/collections/{name}/items/{expected['id']}"
        assert requests.get(address, timeout=minutes(2)).json() == expected


def test_collections_have_the_legacy_envelope(geodes: StandIn) -> None:
    address = f"{geodes.stac_url}/collections"
    found = requests.post(address, json={"limit": 10000}, timeout=minutes(2)).json()
    assert found["stac_version"] == "1.0.0-beta.1.extended"
    assert found["context"] == {"returned": 66, "limit": 10000, "matched": 66}
    assert requests.get(address, timeout=minutes(2)).json()["collections"] == found["collections"]
    query = {"title": {"contains": "sentinel2 l2a"}}
    (one,) = requests.post(address, json={"query": query}, timeout=minutes(2)).json()["collections"]
    assert one["id"] == L2A
    assert one["summaries"]["total_items"] == 15
    assert requests.get(f"{address}/{L2A}", timeout=minutes(2)).json() == one
    intervals = {one["id"]: one["extent"]["temporal"]["interval"] for one in found["collections"]}
    assert intervals["FLATSIM_INTERFEROGRAM"] == [[None, None]]
    assert intervals[L2A][0][0] == "2015-07-04T00:00:00Z"
    assert requests.get(f"{address}/nothing", timeout=minutes(2)).status_code == 404


def test_pystac_stumbles_over_legacy_collections_as_over_the_real_ones(geodes: StandIn) -> None:
    document = requests.get(f"{geodes.stac_url}/collections/{S2}", timeout=minutes(2)).json()
    with pytest.raises(pystac.STACTypeError):
        pystac.Collection.from_dict(document)


@pytest.mark.filterwarnings("ignore::pystac_client.warnings.PystacClientWarning")
def test_next_links_of_a_legacy_search_lead_to_every_item(geodes: StandIn) -> None:
    order = [{"field": "start_datetime", "direction": "asc"}]
    found = Client.open(geodes.stac_url).search(collections=[S1], limit=7, sortby=order)
    assert found.matched() == 20
    assert len({item["id"] for item in found.items_as_dicts()}) == 20
    assert len(geodes.requests.to("/search/paginate")) == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_standard_client_reads_the_next_generation(
    geodes_factory: Callable[..., StandIn], method: str
) -> None:
    portal = geodes_factory(profile="nextgen")
    client = Client.open(portal.stac_url)
    assert len(list(client.get_collections())) == 66
    found = client.search(
        collections=["peps-s2-l1c"], bbox=PATAGONIA, limit=3, method=method,
        datetime="2021-11-01/2022-03-01", sortby="-datetime",
    )  # fmt: skip
    items = list(found.items())
    assert found.matched() == len(items) == 4
    assert items[0].id == "S2B_MSIL1C_20220217T142019_N0400_R010_T19GFG_20220217T174514"
    assert set(items[0].assets) == {"data", "overview"}
    assert items[0].properties["platform"] == "sentinel-2b"
    assert items[0].properties["grid:code"] == "MGRS-19GFG"
    assert items[0].stac_extensions
    assert items[0].properties["geodes_datalab:simulated"] is True


def test_unknown_profiles_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="legacy"):
        create_app(Catalogue(), profile="future")
