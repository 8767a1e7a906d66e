"""Search against today's API, trap by trap (the legacy profile of the stand-in)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import shapely

from geodes_datalab import config, stac
from geodes_datalab.errors import IncompleteResult, InvalidQuery, ServerQuirk
from geodes_datalab.standin import Catalogue, StandIn

PATAGONIA = (-67.67, -47.87, -67.62, -47.84)
S2, L2A, S1 = "PEPS_S2_L1C", "THEIA_REFLECTANCE_SENTINEL2_L2A", "THEIA_S1TILING_SENTINEL1_L1"


def sent(portal: StandIn) -> list[Any]:
    return [request.body for request in portal.requests.to("/search")]


def test_a_search_end_to_end(portal: StandIn) -> None:
    found = stac.search(S2, bbox=PATAGONIA, datetime="2022", cloud_cover=20)
    assert [item.properties["title"][:26] for item in found] == [
        "S2B_MSIL1C_20220217T142019",
        "S2B_MSIL1C_20220428T142019",
        "S2A_MSIL1C_20220503T142021",
        "S2A_MSIL1C_20220602T142021",
    ]
    assert found.matched == 4
    assert found.query is not None
    assert found.query.collections == (S2,)


# 1.3 (1): two ids in `collections` find nothing
def test_several_collections_are_found_together(portal: StandIn) -> None:
    found = stac.search([S2, L2A], bbox=PATAGONIA)
    assert {item["collection"] for item in found.dicts} == {S2, L2A}
    assert len(found) == 14
    assert "collections" not in sent(portal)[0]


def test_no_collection_means_all(portal: StandIn) -> None:
    assert len(stac.search()) == 45


# 1.3 (2): points and lines are ignored, and everything comes
@pytest.mark.parametrize(
    "place",
    [
        {"type": "Point", "coordinates": [-67.645, -47.855]},
        shapely.LineString([(-67.65, -47.85), (-67.64, -47.86)]),
        "POLYGON ((-67.65 -47.86, -67.64 -47.86, -67.64 -47.85, -67.65 -47.85, -67.65 -47.86))",
    ],
)
def test_points_and_lines_find_what_they_touch(portal: StandIn, place: Any) -> None:
    found = stac.search(geometry=place)
    assert len(found) == 14
    assert sent(portal)[0]["intersects"]["type"] == "Polygon"


def test_items_from_elsewhere_are_left_out(portal: StandIn) -> None:
    """Should the server ignore even a polygon, everything would come: it is caught."""
    from geodes_datalab.stac.find import _checked
    from geodes_datalab.stac.query.canonical import Query

    everything = stac.search()
    with pytest.warns(ServerQuirk, match="31 items from outside the area"):
        kept = _checked(everything.dicts, 45, Query.of(bbox=PATAGONIA))
    assert len(kept) == kept.matched == 14


# 1.3 (3): `datetime` is the publication
def test_datetime_is_the_acquisition(portal: StandIn) -> None:
    found = stac.search(S2, bbox=PATAGONIA, datetime="2021-11-04")
    assert [item.properties["title"][:19] for item in found] == ["S2A_MSIL1C_20211104"]
    assert "datetime" not in sent(portal)[0]


def test_published_is_the_publication(portal: StandIn) -> None:
    everything = stac.search(S2)
    late = [item["id"] for item in everything.dicts if item["properties"]["published"] >= "2025"]
    found = stac.search(S2, published="2025/..")
    assert found.ids == late
    assert 0 < len(found) < len(everything)
    assert sent(portal)[-1]["datetime"] == "2025-01-01T00:00:00Z/.."


# 1.3 (4): unknown attributes are ignored; see test_trouble for what is refused
def test_every_known_condition_narrows(portal: StandIn) -> None:
    everything = len(stac.search(S2))
    for condition in (
        {"platform": "S2B"},
        {"platform": "sentinel-2b"},
        {"sat:relative_orbit": "141"},
        {"processing:version": {"startsWith": "05"}},
        {"grid:code": "MGRS-20GJM"},
        {"grid:code": ["20GJM", "14ULD"]},
        {"eo:cloud_cover": {"gt": 50}},
        {"identifier": {"contains": "20211104"}},
    ):
        assert 0 < len(stac.search(S2, query=condition)) < everything, condition


# 1.3 (5): no CQL2
def test_no_filter_member_is_sent(portal: StandIn) -> None:
    stac.search(S2, query={"platform": "S2A"})
    assert "filter" not in sent(portal)[0]


# 1.3 (6, 7): wrong `next` links, totals in `context`
@pytest.mark.parametrize("page_size", [1, 7, 80])
def test_pages_are_counted_not_followed(portal: StandIn, page_size: int) -> None:
    portal.faults.wrong_next()
    found = stac.search(page_size=page_size)
    assert len(set(found.ids)) == found.matched == 45
    numbers = sorted(body["page"] for body in sent(portal))
    assert numbers == list(range(1, -(-45 // page_size) + 1))
    assert {body["limit"] for body in sent(portal)} == {page_size}


# 1.3 (8): at most 80 per page
def test_page_size_is_80_and_never_more(portal: StandIn) -> None:
    stac.search(S2)
    assert sent(portal)[0]["limit"] == 80
    with pytest.raises(InvalidQuery, match="80 items per page"):
        stac.search(S2, page_size=500)


# 1.3 (9): without a unique order, pages overlap
def test_the_order_is_stable_and_complete(served: Callable[..., StandIn]) -> None:
    portal = served(Catalogue.bulk(400))
    found = stac.search(S2)
    starts = [
        (item["properties"]["start_datetime"], item["properties"]["identifier"])
        for item in found.dicts
    ]
    assert starts == sorted(starts)
    assert len(set(found.ids)) == 400
    assert all(body["sortBy"][-1]["field"] == "identifier" for body in sent(portal))
    down = stac.search(S2, sort="-start_datetime")
    dates = [item["properties"]["start_datetime"] for item in down.dicts]
    assert dates == sorted(dates, reverse=True)


# 1.3 (10): pystac stumbles over beta versions
def test_items_are_stac_1_1(portal: StandIn) -> None:
    found = stac.search()
    assert {item["stac_version"] for item in found.dicts} == {"1.1.0"}
    assert all(item.datetime is not None for item in found)


# 1.3 (12): slow answers and passing errors
def test_passing_errors_are_tried_again(portal: StandIn) -> None:
    portal.faults.fail("search", status=500, times=2)
    portal.faults.cut("search", times=1)
    assert len(stac.search(S2)) == 9


def test_pages_come_in_parallel_and_in_order(served: Callable[..., StandIn]) -> None:
    served(Catalogue.bulk(400))
    in_turn = config.load(max_requests=1)
    assert stac.search(S2, page_size=20) == stac.search(S2, page_size=20, catalogue=in_turn)


@pytest.mark.parametrize(
    ("limit", "pages"), [(1, 1), (5, 1), (80, 1), (81, 2), (200, 3), (1000, 5)]
)
def test_limit_is_kept_and_no_page_is_wasted(
    served: Callable[..., StandIn], limit: int, pages: int
) -> None:
    portal = served(Catalogue.bulk(400))
    found = stac.search(S2, limit=limit)
    assert len(found) == min(limit, 400)
    assert found.matched == 400
    assert len(sent(portal)) == pages


def test_a_flood_is_refused_before_it_comes(
    served: Callable[..., StandIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geodes_datalab.stac.find.FLOOD", 300)
    portal = served(Catalogue.bulk(400))
    with pytest.raises(InvalidQuery, match="400 items match") as caught:
        stac.search(S2)
    assert "limit=" in str(caught.value)
    assert len(sent(portal)) == 1
    assert len(stac.search(S2, limit=350)) == 350


def test_a_changing_catalogue_is_told(portal: StandIn) -> None:
    from geodes_datalab.stac.find import _checked
    from geodes_datalab.stac.query.canonical import Query

    everything = stac.search().dicts
    with pytest.warns(IncompleteResult, match="announced 45 items and sent 44: 1 are missing"):
        _checked(everything[:-1], 45, Query())
    with pytest.warns(IncompleteResult, match="sent 44, 1 of them more than once: 1 are missing"):
        _checked([*everything[:-1], everything[0]], 45, Query())
    with pytest.warns(IncompleteResult, match="1 are too many"):
        _checked(everything, 44, Query())


def test_ids_and_names(portal: StandIn) -> None:
    everything = stac.search(S2)
    assert stac.search(ids=everything.ids[:3]).ids == everything.ids[:3]
    assert "ids" in sent(portal)[-1]
    names = [item["properties"]["identifier"] for item in everything.dicts[:2]]
    assert stac.search(ids=names).ids == everything.ids[:2]
    assert stac.search(ids=names[0]).ids == everything.ids[:1]
    with pytest.warns(IncompleteResult, match="1 of the 2 ids were not found: S2A_NO_SUCH_PRODUCT"):
        assert len(stac.search(ids=[names[0], "S2A_NO_SUCH_PRODUCT"])) == 1


def test_across_the_antimeridian(portal: StandIn) -> None:
    assert len(stac.search(bbox=(170, -50, -60, -40))) == 14
    assert sent(portal)[-1]["intersects"]["type"] == "MultiPolygon"
    assert len(stac.search(bbox=(170, -50, -170, -40))) == 0


def test_no_result_is_empty_without_a_warning(portal: StandIn) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = stac.search(S2, bbox=(0, 0, 1, 1))
    assert (len(found), found.matched) == (0, 0)
    assert len(sent(portal)) == 1


def test_a_collection_newer_than_the_shipped_list_is_asked_for(
    portal: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geodes_datalab.stac.dialects.geodes.shipped_ids", frozenset)
    assert len(stac.search(S2, bbox=PATAGONIA)) == 8
    assert portal.requests.to("/collections")


def test_the_search_needs_and_sends_no_key(portal: StandIn) -> None:
    stac.search(S2)
    assert {request.key for request in portal.requests} == {"absent"}


def test_the_real_samples_pass_through_unchanged_in_meaning(
    portal: StandIn, recorded: Callable[[str], dict[str, Any]]
) -> None:
    """The recorded items, served by the stand-in and found by search, are what they were."""
    from geodes_datalab.stac.items.normalise import normalise

    for raw in (
        recorded("PEPS_S1_L1.item.json"),
        recorded("PEPS_S2_L1C.items-response.json")["features"][0],
    ):
        (item,) = stac.search(ids=raw["id"]).dicts
        here = {
            name: value for name, value in normalise(raw).items() if name not in ("links", "assets")
        }
        assert {name: item[name] for name in here} == here
        for key, asset in normalise(raw)["assets"].items():
            moved = asset["href"].replace("https://geodes-portal.cnes.fr", portal.url)
            assert item["assets"][key] == {**asset, "href": moved}
