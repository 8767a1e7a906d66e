"""The catalogue served to tools that speak OpenSearch."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import requests
from opensearch_facade import facade
from support.waiting import minutes

from geodes_datalab import errors, stac
from geodes_datalab.config import load
from geodes_datalab.services.opensearch.facts import public
from geodes_datalab.standin import StandIn

S2 = "PEPS_S2_L1C"
NAMES = {
    "os": "http://a9.com/-/spec/opensearch/1.1/", "atom": "http://www.w3.org/2005/Atom",
    "p": "http://a9.com/-/spec/opensearch/extensions/parameters/1.0/", "ows": "http://www.opengis.net/ows/2.0",
    "dc": "http://purl.org/dc/elements/1.1/", "georss": "http://www.georss.org/georss",
    "gml": "http://www.opengis.net/gml",
}  # fmt: skip


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEODES_BACKOFF", "0.01")
    monkeypatch.setenv("GEODES_RETRIES", "1")


@pytest.fixture
def service(geodes: StandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("GEODES_PORTAL", geodes.url)
    monkeypatch.setenv("GEODES_API_KEY", geodes.api_key)
    with facade(load(portal=geodes.url)) as url:
        yield url


def asked(service: str, ending: str = "json", status: int = 200, **given: Any) -> requests.Response:
    reply = requests.get(f"{service}/opensearch/search.{ending}", params=given, timeout=minutes(1))
    assert reply.status_code == status, reply.text
    return reply


def feed(reply: requests.Response) -> ET.Element:
    return ET.fromstring(reply.content)


def test_the_description_has_a_parameter_for_every_token(service: str) -> None:
    reply = requests.get(f"{service}/opensearch/description.xml", timeout=minutes(1))
    assert reply.headers["Content-Type"] == "application/opensearchdescription+xml"
    root = ET.fromstring(reply.content)
    urls = root.findall("os:Url[@rel='results']", NAMES)
    assert [url.get("type") for url in urls] == ["application/atom+xml", "application/geo+json"]
    for url in urls:
        assert (url.get("indexOffset"), url.get("pageOffset")) == ("1", "1")
        tokens = {
            part.partition("={")[2].rstrip("?}")
            for part in url.get("template", "").partition("?")[2].split("&")
        }
        told = {one.get("value", "").strip("{}") for one in url.findall("p:Parameter", NAMES)}
        assert tokens == told
        assert {"startIndex", "startPage", "count", "geo:box", "eo:cloudCover"} <= told
        assert all(one.get("minimum") == "0" for one in url.findall("p:Parameter", NAMES))
    collections = urls[0].findall("p:Parameter[@name='parentIdentifier']/p:Option", NAMES)
    assert S2 in [one.get("value") for one in collections]
    assert len(root.findtext("os:ShortName", "", NAMES)) <= 16


def test_a_collection_has_a_description_of_its_own(service: str) -> None:
    root = ET.fromstring(
        requests.get(f"{service}/opensearch/{S2}/description.xml", timeout=minutes(1)).content
    )
    url = root.find("os:Url[@rel='results']", NAMES)
    assert url is not None
    assert f"parentIdentifier={S2}&" in url.get("template", "")
    assert "eo:parentIdentifier" not in url.get("template", "")
    options = {one.get("value") for one in url.iterfind("p:Parameter/p:Option", NAMES)}
    assert options == {"ASCENDING", "DESCENDING"}  # summaries name levels otherwise than items
    reply = requests.get(f"{service}/opensearch/<none>/description.xml", timeout=minutes(1))
    assert reply.status_code == 404
    assert "there is no collection &quot;&lt;none&gt;&quot;" in reply.text.replace('"', "&quot;")


def test_features_are_those_of_the_search(service: str) -> None:
    reply = asked(
        service, parentIdentifier=S2, cloudCover="[0,50]", startDate="2020-01-01", count=50
    )
    assert reply.headers["Content-Type"] == "application/geo+json"
    found = reply.json()
    items = stac.search(S2, cloud_cover=50, datetime="2020/..")
    assert [one["properties"]["identifier"] for one in found["features"]] == [
        one["properties"]["identifier"] for one in items.dicts
    ]
    assert found["properties"]["totalResults"] == len(items) > 2
    first, item = found["features"][0]["properties"], items.dicts[0]
    assert first["parentIdentifier"] == S2
    assert first["date"].startswith(item["properties"]["start_datetime"] + "/")
    assert first["links"]["data"][0]["href"] == item["assets"]["data"]["href"]
    assert first["acquisitionInformation"][0]["platform"]["platformShortName"] == "sentinel-2a"
    assert found["features"][0]["geometry"] == item["geometry"]


def test_every_condition_narrows_as_a_search_does(service: str) -> None:
    for given, query in (
        ({"platform": "S2A"}, {"platform": "S2A"}),
        ({"track": "10"}, {"sat:relative_orbit": 10}),
        ({"orbitNumber": "[33000,34000]"}, {"sat:absolute_orbit": (33000, 34000)}),
        ({"orbitDirection": "DESCENDING"}, {"sat:orbit_state": "descending"}),
        ({"productType": "S2MSI1C"}, {"product:type": "S2MSI1C"}),
        ({"cloudCover": "]10"}, {"eo:cloud_cover": {"gt": 10}}),
    ):
        found = asked(service, parentIdentifier=S2, count=80, **given).json()
        assert found["properties"]["totalResults"] == len(stac.search(S2, query=query)), given


def test_what_an_answer_tells_of_an_item_finds_it_again(service: str) -> None:
    """Lists are one text in the portal: a part of it is what is asked for."""
    root = feed(asked(service, "atom", parentIdentifier="PEPS_S1_L1"))
    entry = root.find("atom:entry", NAMES)
    assert entry is not None
    eo = "{http://a9.com/-/opensearch/extensions/eo/1.0/}"
    told = {one.tag.removeprefix(eo): one.text for one in entry if one.tag.startswith(eo)}
    assert told["polarisationChannels"] == "VV, VH"
    assert {"instrument", "platform", "processingLevel", "track", "orbitDirection"} <= set(told)
    for name, value in told.items():
        found = asked(service, **{"parentIdentifier": "PEPS_S1_L1", name: value}).json()
        assert found["properties"]["totalResults"] == 1, name
    assert asked(service, polarisationChannels="HH").json()["features"] == []


def test_atom_says_the_same(service: str) -> None:
    reply = asked(service, "atom", parentIdentifier=S2, count=2, bbox="-68,-48,-67,-47")
    root = feed(reply)
    items = stac.search(S2, bbox=(-68, -48, -67, -47))
    assert root.findtext("os:totalResults", "", NAMES) == str(len(items))
    assert root.findtext("os:startIndex", "", NAMES) == "1"
    assert root.findtext("os:itemsPerPage", "", NAMES) == "2"
    entry, item = root.find("atom:entry", NAMES), items.dicts[0]
    assert entry is not None
    told = item["properties"]
    assert entry.findtext("dc:identifier", "", NAMES) == told["identifier"]
    assert (
        entry.findtext("dc:date", "", NAMES) == f"{told['start_datetime']}/{told['end_datetime']}"
    )
    west, south, east, north = item["bbox"]
    assert (
        entry.findtext("georss:box", "", NAMES)
        == f"{south:.10g} {west:.10g} {north:.10g} {east:.10g}"
    )
    assert (
        entry.find("georss:where/gml:Polygon/gml:exterior/gml:LinearRing/gml:posList", NAMES)
        is not None
    )
    links = {link.get("rel"): link for link in entry.findall("atom:link", NAMES)}
    assert set(links) == {"enclosure", "icon", "via", "alternate"}
    assert links["enclosure"].get("length") == str(item["assets"]["data"]["file:size"])
    alone = requests.get(links["alternate"].get("href", ""), timeout=minutes(1)).json()
    assert [one["properties"]["identifier"] for one in alone["features"]] == [told["identifier"]]


def test_pages_by_index_and_by_number_give_each_item_once(service: str, geodes: StandIn) -> None:
    whole = stac.search().ids
    by_page: list[str] = []
    for page in range(1, 20):
        found = asked(service, count=7, startPage=page).json()["features"]
        by_page += [one["properties"]["identifier"] for one in found]
        if len(found) < 7:
            break
    by_index, link = [], f"{service}/opensearch/search.atom?count=10&startIndex=4"
    while link:
        root = feed(requests.get(link, timeout=minutes(1)))
        by_index += [one.text for one in root.findall("atom:entry/dc:identifier", NAMES)]
        following = root.find("atom:link[@rel='next']", NAMES)
        link = "" if following is None else following.get("href", "")
    names = [one["properties"]["identifier"] for one in stac.search().dicts]
    assert by_page == names
    assert by_index == names[3:]
    assert len(whole) == len(names) == 45
    assert (
        max(len(str(one.body.get("limit"))) for one in geodes.requests.to("/api/stac/search")) < 3
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cloudcover": "5"}, '"cloudcover": did you mean "cloudCover"?'),
        ({"q": "anything"}, 'no parameter "q"'),
        ({"count": "81"}, '"count" is 80 at most'),
        ({"count": "0"}, '"count" cannot be'),
        ({"startIndex": "3", "startPage": "2"}, "contradict"),
        ({"bbox": "1,2,3"}, '"bbox" cannot be'),
        ({"bbox": "43,1,44,200"}, "latitudes run from"),
        ({"startDate": "yesterday"}, '"startDate" cannot be'),
        ({"endDate": "2020-13-45"}, "2020-13-45"),
        ({"cloudCover": "[0,x"}, '"cloudCover" cannot be'),
        ({"cloudCover": "[20,5]"}, '"cloudCover" runs from 20 to 5'),
        ({"geometry": "POLYGON ((1 1))"}, "the geometry cannot be read"),
        ({"parentIdentifier": "PEPS_S2_L1D"}, "PEPS_S2_L1C"),
        ({"uid": ["a", "b"]}, '"uid" is given twice'),
        ({"platform": "<b>&"}, '"platform" cannot be'),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_by_name(
    service: str, geodes: StandIn, given, said
) -> None:
    told = asked(service, status=400, **given).json()
    assert said in told["description"]
    reply = asked(service, "atom", status=400, **given)
    text = feed(reply).findtext("ows:Exception/ows:ExceptionText", "", NAMES)
    assert said in text
    assert not geodes.requests.to("/api/stac/search")


def test_empty_parameters_are_those_that_a_template_left_open(service: str) -> None:
    found = asked(service, parentIdentifier=S2, bbox="", cloudCover="", startPage="").json()
    assert found["properties"]["totalResults"] == len(stac.search(S2))


def test_text_of_a_catalogue_is_escaped(
    geodes: StandIn, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    title = "a <b>&\"\x0b' \u00e9"
    product = next(one for one in geodes.portal.catalogue.products if one.collection == S2)
    identifier = product.identifier
    from geodes_datalab.services.opensearch import catalogue

    plain = catalogue.normalise

    def renamed(raw: Any, *rest: Any) -> Any:
        item = plain(raw, *rest)
        item["properties"]["title"] = title
        return item

    monkeypatch.setattr(catalogue, "normalise", renamed)
    root = feed(asked(service, "atom", uid=identifier))
    assert root.findtext("atom:entry/atom:title", "", NAMES) == title.replace("\x0b", "")
    assert asked(service, uid=identifier).json()["features"][0]["properties"]["title"] == title


def test_a_catalogue_that_is_down_is_told_in_a_sentence(
    service: str, geodes: StandIn, closed_port: int
) -> None:
    with facade(load(portal=f"http://127.0.0.1:{closed_port}")) as url:
        told = asked(url, status=502).json()["description"]
        assert "cannot be reached" in told
        assert "Traceback" not in told
        assert (
            feed(asked(url, "atom", status=502)).tag
            == "{http://www.opengis.net/ows/2.0}ExceptionReport"
        )
    geodes.settings.latency = 3.0
    impatient = load(portal=geodes.url, timeout=0.2, retries=0)  # patience: it is what is tested
    with facade(impatient) as url:
        assert "in time" in asked(url, status=504).json()["description"]


def test_no_answer_holds_the_key(service: str, geodes: StandIn) -> None:
    for ending in ("json", "atom"):
        assert geodes.api_key not in asked(service, ending, parentIdentifier=S2).text
    assert not public("https://a.example/b?access_token=x")
    assert not public("https://user:word@a.example/b")
    assert not public("/home/somebody/b.tif")


def test_other_addresses_are_not_there(service: str) -> None:
    assert asked(service, "csv", status=404).status_code == 404
    assert requests.post(f"{service}/opensearch/search.json", timeout=minutes(1)).status_code == 405
    assert requests.get(f"{service}/", timeout=minutes(1)).status_code == 404


def test_addresses_are_those_by_which_it_is_reached(geodes: StandIn) -> None:
    with facade(load(portal=geodes.url), public_url="https://hub.example/services/os/") as url:
        text = requests.get(f"{url}/opensearch/description.xml", timeout=minutes(1)).text
        assert 'template="https://hub.example/services/os/opensearch/search.atom?' in text
        assert url not in text + asked(url, "atom", count=1).text


def test_a_standard_catalogue_is_served_too(geodes_factory: Callable[..., StandIn]) -> None:
    portal = geodes_factory(profile="nextgen")
    with facade(load(stac_url=portal.stac_url, dialect="stac")) as url:
        whole = asked(url, count=80).json()
        names = [one["properties"]["identifier"] for one in whole["features"]]
        part = asked(url, count=3, startIndex=5).json()["features"]
        assert [one["properties"]["identifier"] for one in part] == names[4:7]
        assert len(names) > 10


def test_our_own_client_reads_it(service: str) -> None:
    """Both ways by the same description: the client, and the service."""
    address = f"{service}/opensearch/description.xml"
    there = stac.search(S2, catalogue=address, cloud_cover=50, datetime="2020/..", page_size=2)
    here = stac.search(S2, cloud_cover=50, datetime="2020/..")
    assert [one["properties"]["identifier"] for one in here.dicts] == there.ids
    assert [one["geometry"] for one in here.dicts] == [one["geometry"] for one in there.dicts]
    with pytest.raises(errors.UnknownCollection, match="PEPS_S2_L1C"):
        stac.search("PEPS_S2_L1X", catalogue=address)


def test_a_command_serves_it_on_the_loopback(geodes: StandIn) -> None:
    line = [sys.executable, "-m", "geodes_datalab.cli", "opensearch", "--port", "0"]
    environment = {**os.environ, "GEODES_PORTAL": geodes.url, "COLUMNS": "300"}
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split()[-1]
            assert address.startswith("http://127.0.0.1:")
            content = requests.get(address, timeout=minutes(1)).content
            assert b"OpenSearchDescription" in content
            process.send_signal(signal.SIGTERM)
            assert process.wait(minutes(1)) in (0, -signal.SIGTERM)
        finally:
            process.kill()
