"""Two small OpenSearch services: one like EUMETSAT's (GeoJSON by pages), one like FedEO's (Atom by items)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from json import dumps
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support.running import running

EUMETSAT = "EO:EUM:DAT:0409"
FEDEO = "EOP:ESA:PROBA.CHRIS.1A"

GEOJSON_OSDD = """<?xml version="1.0" encoding="UTF-8"?>
<OpenSearchDescription xmlns="http://a9.com/-/spec/opensearch/1.1/" xmlns:eo="urn:another-thing"
    xmlns:e="http://a9.com/-/opensearch/extensions/eo/1.0/" xmlns:when="http://a9.com/-/opensearch/extensions/time/1.0"
    xmlns:param="http://a9.com/-/spec/opensearch/extensions/parameters/1.0/">
  <ShortName>Products</ShortName>
  <Description>Like EUMETSAT's</Description>
  <Url type="application/atom+xml" pageOffset="0"
       template="URL/os?format=atom&amp;pi={e:parentIdentifier}&amp;c={count?}&amp;pw={startPage?}"/>
  <Url type="application/json" pageOffset="0" xmlns:place="http://a9.com/-/opensearch/extensions/geo/1.0/"
       template="/os?format=json&amp;pi={e:parentIdentifier}&amp;c={count?}&amp;pw={startPage?}&amp;box={place:box?}&amp;geo={place:geometry?}&amp;dtstart={when:start?}&amp;dtend={when:end?}&amp;sat={e:platform?}&amp;cloud={eo:cloudCover?}">
    <param:Parameter name="c" value="{count}" minimum="0" minInclusive="0" maxExclusive="4"/>
    <param:Parameter name="sat" value="{e:platform}"><param:Option value="Sentinel-3A"/><param:Option value="Metop-B"/></param:Parameter>
    <param:Parameter name="track" value="{e:track}"/>
  </Url>
</OpenSearchDescription>"""

ATOM_OSDD = """<os:OpenSearchDescription xmlns:os="http://a9.com/-/spec/opensearch/1.1/"
    xmlns:geo="http://a9.com/-/opensearch/extensions/geo/1.0/" xmlns:time="http://a9.com/-/opensearch/extensions/time/1.0/"
    xmlns:eo="http://a9.com/-/opensearch/extensions/eo/1.0/" xmlns:p="http://a9.com/-/spec/opensearch/extensions/parameters/1.0/">
  <os:ShortName>FedEO</os:ShortName>
  <os:Url type="text/html" template="URL/page?q={os:searchTerms}"/>
  <os:Url type="application/atom+xml" rel="collection" indexOffset="1"
      template="URL/series?startRecord={startIndex?}&amp;maximumRecords={count?}"/>
  <os:Url type="application/atom+xml" rel="results" indexOffset="1"
      template="URL/atom?httpAccept=application%2Fatom%2Bxml&amp;parentIdentifier={eo:parentIdentifier}&amp;startRecord={startIndex?}&amp;startPage={startPage?}&amp;maximumRecords={count?}&amp;bbox={geo:box?}&amp;uid={geo:uid?}&amp;startDate={time:start?}&amp;endDate={time:end?}&amp;clouds={eo:cloudCover?}">
  </os:Url>
</os:OpenSearchDescription>"""


class Service:
    """What it holds and was asked, and how it behaves."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.url = ""
        self.asked: list[dict[str, str]] = []
        """The parameters of each search."""
        self.osdd: bytes | None = None
        """A description in place of its own."""
        self.same_page = False
        """Whether every page is the first one."""
        self.total: str | None = "told"
        """``None`` where no total is told; a text for another one."""
        self.answer: bytes | None = None
        """In place of every answer to a search."""

    @property
    def address(self) -> str:
        """Of its description."""
        return f"{self.url}/osdd"

    def told(self) -> str | None:
        return str(self.count) if self.total == "told" else self.total


def feature(number: int) -> dict[str, Any]:
    """Return a feature as EUMETSAT serves it."""
    start, end = (
        f"2024-05-{number + 1:02d}T10:00:00.000Z",
        f"2024-05-{number + 1:02d}T10:03:00.000Z",
    )
    name = f"S3A_OL_1_EFR____202405{number + 1:02d}T100000"
    ring = [[1.0, 43.0], [2.0, 43.0], [2.0, 44.0], [1.0, 44.0], [1.0, 43.0]]
    return {
        "type": "Feature", "id": f"https://api.example/collections/products/{name}",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {
            "identifier": name, "title": name, "date": f"{start}/{end}", "updated": end,
            "parentIdentifier": EUMETSAT,
            "acquisitionInformation": [{
                "platform": {"platformShortName": "Sentinel-3", "platformSerialIdentifier": "A"},
                "instrument": {"instrumentShortName": "OLCI"},
                "acquisitionParameters": {
                    "orbitNumber": 42000 + number, "relativeOrbitNumber": 8, "orbitDirection": "DESCENDING",
                },
            }],
            "productInformation": {"productType": "OL_1_EFR___", "timeliness": "NT", "cloudCover": 12.5},
            "links": {
                "data": [{"href": f"https://api.example/{name}", "mediaType": "application/zip", "type": "Product",
                          "title": "Product download", "length": 1000}],
                "previews": [{"href": f"https://api.example/{name}.jpg", "type": "image/jpeg"}],
                "alternates": [{"href": f"https://api.example/{name}.xml", "type": "application/xml"}],
                "sip-entries": [{"href": f"https://api.example/{name}/manifest.xml", "title": "manifest.xml"}],
            },
        },
    }  # fmt: skip


def entry(number: int) -> str:
    """Return an entry as FedEO serves it; latitude comes first."""
    name = f"PR1_OPER_CHR_{number:03d}"
    return f"""<entry xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:georss="http://www.georss.org/georss"
      xmlns:gml="http://www.opengis.net/gml" xmlns:media="http://search.yahoo.com/mrss/">
    <id>https://fedeo.example/atom?uid={name}</id><title>{name} &amp; more</title>
    <dc:identifier>{name}</dc:identifier>
    <dc:date>2020-01-{number + 1:02d}T10:00:00Z/2020-01-{number + 1:02d}T10:00:20Z</dc:date>
    <published>2020-02-01T00:00:00Z</published><updated>2020-02-02T00:00:00Z</updated>
    <georss:where><gml:Polygon><gml:exterior><gml:LinearRing>
      <gml:posList>43 1 43 2 44 2 44 1 43 1</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></georss:where>
    <georss:box>43 1 44 2</georss:box>
    <link rel="enclosure" type="application/zip" length="2000" href="https://fedeo.example/{name}.zip"/>
    <link rel="icon" type="image/png" href="https://fedeo.example/{name}.png"/>
    <link rel="via" type="application/gml+xml" href="https://fedeo.example/{name}.xml"/>
    <media:group><media:content url="https://fedeo.example/{name}_big.png" type="image/png">
      <media:category>QUICKLOOK</media:category></media:content></media:group>
    <o:EarthObservation xmlns:o="http://www.opengis.net/opt/2.1" xmlns:e="http://www.opengis.net/eop/2.1">
      <e:Platform><e:shortName>PROBA</e:shortName><e:serialIdentifier>1</e:serialIdentifier></e:Platform>
      <e:Instrument><e:shortName>CHRIS</e:shortName></e:Instrument>
      <e:orbitNumber>{100 + number}</e:orbitNumber><e:orbitDirection>ASCENDING</e:orbitDirection>
      <o:cloudCoverPercentage uom="%">{number * 10}</o:cloudCoverPercentage>
      <e:productType>CHR_MO1_1P</e:productType>
    </o:EarthObservation>
  </entry>"""


class _Handler(BaseHTTPRequestHandler):
    service: Service

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, urlsplit(self.path).query
        if path == "/osdd":
            text = self.service.osdd or self.own_osdd().replace("URL", self.service.url).encode()
            self._send(text, "application/opensearchdescription+xml")
            return
        asked = {name: told[0] for name, told in parse_qs(query, keep_blank_values=True).items()}
        self.service.asked.append(asked)
        if self.service.answer is not None:
            self._send(self.service.answer, "application/json")
            return
        self.answer(path, asked)

    def own_osdd(self) -> str:
        raise NotImplementedError

    def answer(self, path: str, asked: dict[str, str]) -> None:
        raise NotImplementedError

    def _send(self, content: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class _LikeEumetsat(_Handler):
    def own_osdd(self) -> str:
        return GEOJSON_OSDD

    def answer(self, path: str, asked: dict[str, str]) -> None:
        size = min(int(asked.get("c", 10)), 3)
        begin = 0 if self.service.same_page else int(asked.get("pw", 0)) * size
        found = [feature(one) for one in range(self.service.count)][begin : begin + size]
        reply: dict[str, Any] = {"type": "FeatureCollection", "features": found, "properties": {}}
        if (told := self.service.told()) is not None:
            reply["totalResults"] = int(told)
        self._send(dumps(reply).encode(), "application/json")


class _LikeFedeo(_Handler):
    def own_osdd(self) -> str:
        return ATOM_OSDD

    def answer(self, path: str, asked: dict[str, str]) -> None:
        size = min(int(asked.get("maximumRecords", 10)), 3)  # fewer than it is asked for
        begin = int(asked.get("startRecord", 1)) - 1
        numbers = range(self.service.count)[begin : begin + size]
        told = self.service.told()
        entries = "".join(map(entry, numbers))
        if path == "/series":
            entries = "".join(
                f'<entry><dc:identifier xmlns:dc="http://purl.org/dc/elements/1.1/">C{one}</dc:identifier>'
                f"<title>Collection {one}</title></entry>" for one in numbers
            )  # fmt: skip
        total = f"<os:totalResults>{told}</os:totalResults>" if told is not None else ""
        feed = (
            '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:os="http://a9.com/-/spec/opensearch/1.1/">'
            f"{total}{entries}</feed>"
        )
        self._send(feed.encode(), "application/atom+xml")


@contextmanager
def like_eumetsat(count: int = 7) -> Iterator[Service]:
    """Serve GeoJSON, at most three items a page, whose pages are counted from 0."""
    with _serving(_LikeEumetsat, count) as service:
        yield service


@contextmanager
def like_fedeo(count: int = 7) -> Iterator[Service]:
    """Serve Atom, at most three items at a time, which are counted from 1."""
    with _serving(_LikeFedeo, count) as service:
        yield service


@contextmanager
def _serving(kind: type[_Handler], count: int) -> Iterator[Service]:
    service = Service(count)
    with running(type("Handler", (kind,), {"service": service})) as server:
        service.url = server.url
        yield service
