"""Searching OpenSearch services, which are spoken to as their descriptions say."""

from __future__ import annotations

from collections.abc import Iterator

import pystac
import pytest
from opensearch_services import (
    ATOM_OSDD,
    EUMETSAT,
    FEDEO,
    GEOJSON_OSDD,
    Service,
    feature,
    like_eumetsat,
    like_fedeo,
)

from geodes_datalab import errors, stac
from geodes_datalab.stac.dialects import opensearch
from geodes_datalab.stac.dialects.opensearch.description import EO, Token, described
from geodes_datalab.stac.federation.sources import Source, asked, source

AREA = (1.2, 43.4, 1.7, 43.8)


def osdd(template: str) -> bytes:
    """Return a description with one template."""
    return (
        '<OpenSearchDescription xmlns="http://a9.com/-/spec/opensearch/1.1/">'
        f'<Url type="application/json" template="{template}"/></OpenSearchDescription>'
    ).encode()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEODES_BACKOFF", "0.01")
    monkeypatch.setenv("GEODES_RETRIES", "1")


@pytest.fixture
def eumetsat() -> Iterator[Service]:
    with like_eumetsat() as service:
        yield service


@pytest.fixture
def fedeo() -> Iterator[Service]:
    with like_fedeo() as service:
        yield service


def test_geojson_is_taken_before_atom_and_pages_are_counted_as_told(eumetsat: Service) -> None:
    items = stac.search(EUMETSAT, catalogue=eumetsat.address, bbox=AREA, datetime="2024-05")
    assert items.ids == [feature(number)["properties"]["identifier"] for number in range(7)]
    assert [one["pw"] for one in eumetsat.asked] == ["0", "1", "2"]
    assert eumetsat.asked[0] == {
        "format": "json", "pi": EUMETSAT, "c": "3", "pw": "0", "box": "1.2,43.4,1.7,43.8",
        "dtstart": "2024-05-01T00:00:00.000Z", "dtend": "2024-05-31T23:59:59.999Z",
    }  # fmt: skip


def test_features_become_items(eumetsat: Service) -> None:
    item = stac.search(EUMETSAT, catalogue=eumetsat.address, limit=1, sort=None).dicts[0]
    told = item["properties"]
    assert item["collection"] == EUMETSAT
    assert item["bbox"] == [1.0, 43.0, 2.0, 44.0]
    assert told["datetime"] == told["start_datetime"] == "2024-05-01T10:00:00.000Z"
    assert told["end_datetime"] == "2024-05-01T10:03:00.000Z"
    assert (told["platform"], told["constellation"]) == ("sentinel-3a", "sentinel-3")
    assert (told["instruments"], told["product:type"]) == (["olci"], "OL_1_EFR___")
    assert (told["sat:absolute_orbit"], told["sat:relative_orbit"]) == (42000, 8)
    assert (told["sat:orbit_state"], told["eo:cloud_cover"]) == ("descending", 12.5)
    data = item["assets"]["data"]
    assert (data["type"], data["file:size"], data["roles"]) == ("application/zip", 1000, ["data"])
    assert set(item["assets"]) == {"data", "quicklook", "manifest.xml"}
    assert [link["rel"] for link in item["links"]] == ["alternate", "collection"]
    pystac.Item.from_dict({**item, "stac_extensions": []}).validate()


def test_entries_of_atom_become_items(fedeo: Service) -> None:
    items = stac.search(FEDEO, catalogue=fedeo.address)
    assert len(items) == items.matched == 7
    item = items.dicts[3]
    told = item["properties"]
    assert (item["id"], told["title"]) == ("PR1_OPER_CHR_003", "PR1_OPER_CHR_003 & more")
    assert item["collection"] == FEDEO
    assert item["geometry"]["coordinates"][0][:2] == [[1.0, 43.0], [2.0, 43.0]]
    assert item["bbox"] == [1.0, 43.0, 2.0, 44.0]
    assert (told["start_datetime"], told["end_datetime"]) == (
        "2020-01-04T10:00:00Z", "2020-01-04T10:00:20Z",
    )  # fmt: skip
    assert (told["platform"], told["instruments"]) == ("proba-1", ["chris"])
    assert (told["eo:cloud_cover"], told["sat:absolute_orbit"]) == (30.0, 103)
    assert item["assets"]["data"]["href"] == "https://fedeo.example/PR1_OPER_CHR_003.zip"
    assert set(item["assets"]) == {"data", "quicklook", "quicklook-2"}
    pystac.Item.from_dict({**item, "stac_extensions": []}).validate()


def test_a_service_that_sends_fewer_than_asked_for_is_read_to_the_end(fedeo: Service) -> None:
    stac.search(FEDEO, catalogue=fedeo.address, cloud_cover=(5, 20), ids="PR1_OPER_CHR_003")
    assert [one["startRecord"] for one in fedeo.asked] == ["1", "4", "7"]
    assert "startPage" not in fedeo.asked[0]
    assert fedeo.asked[0]["clouds"] == "[5,20]"
    assert fedeo.asked[0]["uid"] == "PR1_OPER_CHR_003"


def test_tokens_are_known_by_their_namespace_whatever_their_prefix() -> None:
    found = described(GEOJSON_OSDD.encode(), "https://a.example/osdd")
    geojson, atom = found.results
    assert (geojson.kind, atom.kind) == ("application/json", "application/atom+xml")
    assert geojson.template.startswith("https://a.example/os?format=json")
    assert geojson.offers(Token(EO, "parentIdentifier"))
    assert not geojson.offers(Token(EO, "cloudCover"))  # its "eo:" means another thing
    filled = geojson.filled({Token(EO, "parentIdentifier"): "a&b", Token(EO, "track"): "8"})
    assert filled == "https://a.example/os?format=json&pi=a%26b&track=8"


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"cloud_cover": 20}, "cannot be searched by cloud_cover"),
        ({"ids": "x"}, "cannot be searched by ids"),
        ({"published": "2024"}, "time of publication"),
        ({"query": {"platform": "Landsat-9"}}, "none of those that this service has"),
        ({"query": {"s2:datatake_id": "x"}}, 'cannot be searched by "s2:datatake_id"'),
        ({"query": {"sat:relative_orbit": [1, 2]}}, "by in"),
        ({"collections": None}, "must be told a collection"),
    ],
)  # fmt: skip
def test_what_the_description_does_not_offer_is_refused(eumetsat: Service, wish, said) -> None:
    with pytest.raises(errors.InvalidQuery, match=said):
        stac.search(wish.pop("collections", EUMETSAT), catalogue=eumetsat.address, **wish)
    assert eumetsat.asked == []


def test_values_are_written_as_the_service_lists_them(eumetsat: Service) -> None:
    stac.search(
        EUMETSAT, catalogue=eumetsat.address, geometry="POLYGON ((1 43, 2 43, 2 44, 1 43))",
        query={"platform": "S3A", "sat:relative_orbit": {"gt": 8}},
    )  # fmt: skip
    told = eumetsat.asked[0]
    assert (told["sat"], told["track"]) == ("Sentinel-3A", "]8")
    assert told["geo"].startswith("POLYGON ((")
    assert "box" not in told


def test_a_description_of_one_collection_is_searched_by_its_name_or_without(fedeo: Service) -> None:
    fedeo.osdd = (
        ATOM_OSDD.replace("URL", fedeo.url).replace("{eo:parentIdentifier}", FEDEO).encode()
    )
    assert len(stac.search(FEDEO, catalogue=fedeo.address)) == 7
    assert len(stac.search(catalogue=fedeo.address)) == 7
    assert fedeo.asked[0]["parentIdentifier"] == FEDEO
    with pytest.raises(errors.InvalidQuery, match="cannot be searched by collections"):
        stac.search("another", catalogue=fedeo.address)


def test_without_a_total_pages_end_with_a_short_one(eumetsat: Service) -> None:
    eumetsat.total = None
    assert len(stac.search(EUMETSAT, catalogue=eumetsat.address)) == 7


def test_a_page_that_comes_again_is_told_and_does_not_go_on_for_ever(eumetsat: Service) -> None:
    eumetsat.same_page = True
    with pytest.raises(errors.ServiceError, match="the same page again"):
        stac.search(EUMETSAT, catalogue=eumetsat.address)
    assert len(eumetsat.asked) == 2


def test_items_that_are_announced_and_missing_are_told(eumetsat: Service) -> None:
    eumetsat.total = "9"
    with pytest.warns(errors.IncompleteResult, match="announced 9 items and sent 7"):
        stac.search(EUMETSAT, catalogue=eumetsat.address)


def test_collections_are_searched_where_the_description_says_how(fedeo: Service) -> None:
    found = stac.collections(catalogue=fedeo.address)
    assert found.ids == [f"C{number}" for number in range(7)]
    with like_eumetsat() as service, pytest.raises(errors.InvalidQuery, match="does not list"):
        stac.collections(catalogue=service.address)


def test_collections_that_are_listed_are_the_only_ones(fedeo: Service) -> None:
    parameter = (
        '<p:Parameter name="parentIdentifier" value="{eo:parentIdentifier}">'
        f'<p:Option value="{FEDEO}"/></p:Parameter></os:Url>\n</os:Open'
    )
    text = ATOM_OSDD.replace("URL", fedeo.url).replace("</os:Url>\n</os:Open", parameter)
    fedeo.osdd = text.encode()
    assert len(stac.search(FEDEO, catalogue=fedeo.address)) == 7
    with pytest.raises(errors.UnknownCollection, match="CHRIS"):
        stac.search("EOP:ESA:PROBA.CHRIS.1B", catalogue=fedeo.address)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "declares a document type"),
        (b"<a>" * 2000, "inside one another"),
        (b"<html><body>Log in</body></html>", "no OpenSearch description"),
        (b"\xff\xfe not xml", "cannot be read"),
        (b'<OpenSearchDescription xmlns="http://a9.com/-/spec/opensearch/1.1/"/>', "offers no search"),
        (GEOJSON_OSDD.replace('"URL/os', '"file:///etc/passwd').replace('"/os', '"file:///etc/passwd').encode(),
         "offers no search"),
        (b"<a>" + b" " * (9 * 2**20) + b"</a>", "more than 8 MB"),
        (osdd("x://[/?n={startIndex?}"), "offers no search"),
        (osdd("https://name:word@a.example/?n={startIndex?}"), "offers no search"),
    ],
    ids=["entity", "deep", "login", "broken", "empty", "file", "long", "host", "secret"],
)  # fmt: skip
def test_a_hostile_or_broken_description_is_a_plain_error(eumetsat: Service, text, said) -> None:
    eumetsat.osdd = text
    with pytest.raises(errors.ServiceError, match=said):
        stac.search(EUMETSAT, catalogue=eumetsat.address)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"<ows:ExceptionReport xmlns:ows='urn:x'>no such series</ows:ExceptionReport>",
         "ExceptionReport> in place of a feed: no such series"),
        (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "document type"),
    ],
)  # fmt: skip
def test_an_answer_that_is_no_feed_is_a_plain_error(fedeo: Service, answer, said) -> None:
    fedeo.answer = answer
    with pytest.raises(errors.ServiceError, match=said):
        stac.search(FEDEO, catalogue=fedeo.address)


def test_features_of_the_wrong_kind_are_told_by_name(eumetsat: Service) -> None:
    eumetsat.answer = b'{"features": [{"type": "Feature", "properties": {"links": [], "date": 5}}]}'
    with pytest.raises(errors.DataError, match="has no id"):
        stac.search(EUMETSAT, catalogue=eumetsat.address)


def test_several_catalogues_with_one_that_speaks_opensearch(eumetsat: Service) -> None:
    one = Source(
        "eum", "Like EUMETSAT", eumetsat.address, "opensearch", collections={"olci": EUMETSAT}
    )
    items = stac.search("olci", sources=[one], cloud_cover=10, limit=3)
    assert items.ids == []  # all have 12.5 %
    assert items.report["eum"].notes == ("eo:cloud_cover tried here: it cannot search by that",)
    assert len(stac.search("olci", sources=[one], cloud_cover=20)) == 7
    assert len(stac.search(EUMETSAT, catalogue=one)) == 7


def test_it_can_be_the_configured_catalogue(
    eumetsat: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODES_STAC_URL", eumetsat.address)
    monkeypatch.setenv("GEODES_DIALECT", "opensearch")
    assert len(stac.search(EUMETSAT)) == 7
    assert stac.status().reachable
    eumetsat.osdd = b"<html/>"
    assert not stac.status().reachable


def test_known_sources_speak_it() -> None:
    assert {source(name).config().dialect for name in ("eumetsat", "fedeo")} == {"opensearch"}
    assert source("https://a.example/x/description.xml").dialect == "opensearch"
    assert source("https://a.example/stac").dialect == "stac"
    named = asked([f"eumetsat:{EUMETSAT}"], [source("eumetsat"), source("cdse")])
    assert named == {"eumetsat": (EUMETSAT,), "cdse": ()}


def test_an_answer_without_end_is_not_read_to_its_end(
    eumetsat: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opensearch, "_MOST_FOUND", 2**20)
    eumetsat.answer = b'{"features": [], "more": "' + b"a" * 2**21 + b'"}'
    with pytest.raises(errors.ServiceError, match="more than 1 MB"):
        stac.search(EUMETSAT, catalogue=eumetsat.address)
