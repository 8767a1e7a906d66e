"""Answers as Atom, with GeoRSS and the elements of OpenSearch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from geodes_datalab._markup import Element
from geodes_datalab._types import Json
from geodes_datalab.services.opensearch import facts
from geodes_datalab.services.opensearch.description import DESCRIPTION, KINDS, Place
from geodes_datalab.services.opensearch.elements import add, document, written
from geodes_datalab.services.opensearch.facts import Answer


def feed(answer: Answer) -> bytes:
    """Return a feed."""
    root = document("feed", "atom", "os", "geo", "time", "eo", "dc", "georss", "gml")
    place, asked, window = answer.place, answer.asked, answer.window
    here = place.search("atom")
    add(root, "id", _address(here, answer.given))
    add(root, "title", answer.title)
    add(root, "updated", answer.updated)
    add(add(root, "author"), "name", "GEODES datalab")
    if window.matched is not None:
        add(root, "os:totalResults", window.matched)
    add(root, "os:startIndex", asked.begin + 1)
    add(root, "os:itemsPerPage", asked.count)
    query = {"role": "request", "startIndex": asked.begin + 1, "count": asked.count}
    add(root, "os:Query", attributes=query)
    _add_pages(root, answer)
    for item in window.items:
        _add_entry(root, item, place)
    return written(root)


def _add_pages(root: Element, answer: Answer) -> None:
    """Link the feed itself, the description and other pages."""
    here = answer.place.search("atom")
    found = {"self": _address(here, answer.given)}
    found |= {rel: _address(here, paged(answer, begin)) for rel, begin in answer.pages().items()}
    for rel, href in found.items():
        add(root, "link", attributes={"rel": rel, "type": KINDS["atom"], "href": href})
    href = answer.place.description()
    add(root, "link", attributes={"rel": "search", "type": DESCRIPTION, "href": href})


def paged(answer: Answer, begin: int) -> list[tuple[str, str]]:
    """Return the parameters of another page."""
    kept = [pair for pair in answer.given if pair[0] not in ("startIndex", "startPage", "count")]
    return [*kept, ("count", str(answer.asked.count)), ("startIndex", str(begin))]


def _address(here: str, given: Iterable[tuple[str, str]]) -> str:
    query = urlencode(list(given))
    return f"{here}?{query}" if query else here


def _add_entry(root: Element, item: Json, place: Place) -> None:
    entry = add(root, "entry")
    name = facts.name(item)
    add(entry, "id", place.item(item["id"], "atom"))
    add(entry, "title", item["properties"].get("title") or name)
    add(entry, "updated", facts.moment(item))
    if published := item["properties"].get("published"):
        add(entry, "published", published)
    add(entry, "dc:identifier", name)
    if span := facts.span(item):
        add(entry, "dc:date", span)
    _add_links(entry, item, place)
    _add_place(entry, item)
    for key, value in facts.metadata(item).items():
        add(entry, f"eo:{key}", value)


def _add_links(entry: Element, item: Json, place: Place) -> None:
    for rel, file in (("enclosure", facts.data(item)), ("icon", facts.picture(item))):
        if file is not None:
            told = {"rel": rel, "href": file["href"], "length": file.get("file:size")}
            told |= {name: file.get(name) for name in ("type", "title")}
            add(entry, "link", attributes=told)
    stac = {"rel": "via", "type": "application/geo+json", "title": "STAC item"}
    if href := facts.itself(item):
        add(entry, "link", attributes={**stac, "href": href})
    href = place.item(item["id"], "json")
    add(entry, "link", attributes={"rel": "alternate", "type": KINDS["json"], "href": href})


def _add_place(entry: Element, item: Json) -> None:
    geometry, bbox = item.get("geometry"), item.get("bbox")
    if geometry and geometry.get("type") in _WRITERS:
        where = add(entry, "georss:where")
        _WRITERS[geometry["type"]](where, geometry["coordinates"])
    if bbox and len(bbox) in (4, 6):
        west, south, east, north = bbox if len(bbox) == 4 else [*bbox[:2], *bbox[3:5]]
        add(entry, "georss:box", _pairs([[west, south], [east, north]]))


def _add_polygon(parent: Element, rings: Any) -> None:
    polygon = add(parent, "gml:Polygon")
    for number, ring in enumerate(rings):
        side = add(polygon, "gml:interior" if number else "gml:exterior")
        add(add(side, "gml:LinearRing"), "gml:posList", _pairs(ring))


def _add_polygons(parent: Element, polygons: Any) -> None:
    surface = add(parent, "gml:MultiSurface")
    for rings in polygons:
        _add_polygon(add(surface, "gml:surfaceMember"), rings)


def _add_point(parent: Element, point: Any) -> None:
    add(add(parent, "gml:Point"), "gml:pos", _pairs([point]))


def _add_line(parent: Element, points: Any) -> None:
    add(add(parent, "gml:LineString"), "gml:posList", _pairs(points))


_WRITERS = {
    "Polygon": _add_polygon,
    "MultiPolygon": _add_polygons,
    "Point": _add_point,
    "LineString": _add_line,
}


def _pairs(points: Any) -> str:
    """Return points as GML has them: latitude before longitude."""
    return " ".join(f"{point[1]:.10g} {point[0]:.10g}" for point in points)
