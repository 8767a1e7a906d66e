"""Features of OGC 17-047, as EUMETSAT and others serve them, made into STAC items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from geodes_datalab._types import Json

MOST_FILES = 200
"""Files of one product that are taken over."""


def total(reply: Json) -> int | None:
    """Return how many items there are for the search; None where it is not told."""
    told = reply.get("properties")
    places = (reply, told if isinstance(told, Mapping) else {})
    for place in places:
        for name in ("totalResults", "os:totalResults", "numberMatched"):
            number = as_count(place.get(name))
            if number is not None:
                return number
    return None


def as_count(value: Any) -> int | None:
    """Read a number of items.

    Examples
    --------
    >>> as_count("12"), as_count(0), as_count(True), as_count("many")
    (12, 0, None, None)
    """
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 16:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def item(feature: Any, collection: str) -> Any:
    """Return a STAC item for a feature; what is no feature is returned as it is, and refused later."""
    if not isinstance(feature, Mapping) or not isinstance(feature.get("properties"), Mapping):
        return feature
    told = feature["properties"]
    name = text(told, "identifier") or _last(feature.get("id"))
    links = told.get("links")
    grouped = links if isinstance(links, Mapping) else {}
    return {
        "type": "Feature",
        "id": name,
        "collection": collection or text(told, "parentIdentifier") or None,
        "geometry": feature.get("geometry"),
        "bbox": feature.get("bbox"),
        "properties": dict(_properties(told, name)),
        "links": list(_links(grouped)),
        "assets": dict(_assets(grouped)),
    }


def text(place: Any, *path: str) -> str:
    """Return the text at a path of names; empty where there is none.

    Examples
    --------
    >>> text({"platform": {"platformShortName": "S3A"}}, "platform", "platformShortName"), text([], "a")
    ('S3A', '')
    """
    for name in path:
        place = place.get(name) if isinstance(place, Mapping) else None
    if isinstance(place, bool) or not isinstance(place, str | int | float):
        return ""
    return str(place).strip()


def times(span: str) -> Iterator[tuple[str, str]]:
    """Yield the properties of a time or ``start/end``.

    Examples
    --------
    >>> dict(times("2024-05-03T10:00:00Z/2024-05-03T10:05:00Z"))["end_datetime"]
    '2024-05-03T10:05:00Z'
    """
    first, slash, last = (part.strip() for part in span.partition("/"))
    if not first:
        return
    yield "datetime", first
    if slash and last:
        yield "start_datetime", first
        yield "end_datetime", last


def platform(short: str, serial: str) -> str:
    """Return the name of a satellite, whose number or letter some services tell apart.

    Examples
    --------
    >>> platform("Sentinel-2", "A"), platform("Sentinel-2A", "A"), platform("Metop", "B")
    ('Sentinel-2A', 'Sentinel-2A', 'Metop-B')
    """
    if not serial or short.upper().endswith(serial.upper()):
        return short
    return f"{short}{'' if short[-1:].isdigit() else '-'}{serial}"


def _last(identifier: Any) -> str | None:
    """Return the last part of an address, or an id that is none."""
    if not isinstance(identifier, str | int) or isinstance(identifier, bool):
        return None
    plain = str(identifier)
    return plain.rstrip("/").rpartition("/")[2] if "://" in plain else plain


def _properties(told: Mapping[str, Any], name: str | None) -> Iterator[tuple[str, Any]]:
    first = _first(told.get("acquisitionInformation"))
    acquired, product = first.get("acquisitionParameters"), told.get("productInformation")
    ends = (text(acquired, end) for end in ("beginningDateTime", "endingDateTime"))
    if name:
        yield "identifier", name
    yield "datetime", None
    yield from times(text(told, "date") or "/".join(filter(None, ends)))
    yield from _named(told, {"title": "title", "updated": "updated", "published": "published"})
    yield from _satellite(first)
    yield from _named(acquired, _ACQUIRED)
    if channels := text(acquired, "polarisationChannels"):
        yield "sar:polarizations", channels.replace(",", " ").split()
    yield from _named(product, _PRODUCT)
    processing = product.get("processingInformation") if isinstance(product, Mapping) else None
    yield from _named(processing, {"processingLevel": "processing:level"})
    for place in (product, acquired):
        yield from _numbers(place, {"cloudCover": "eo:cloud_cover", "snowCover": "eo:snow_cover"})


def _satellite(acquisition: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    short = text(acquisition, "platform", "platformShortName")
    if short:
        serial = text(acquisition, "platform", "platformSerialIdentifier")
        yield "platform", platform(short, serial)
    if instrument := text(acquisition, "instrument", "instrumentShortName"):
        yield "instruments", [instrument.lower()]


_ACQUIRED = {
    "orbitNumber": "sat:absolute_orbit",
    "relativeOrbitNumber": "sat:relative_orbit",
    "wrsLongitudeGrid": "sat:relative_orbit",
    "orbitDirection": "sat:orbit_state",
    "operationalMode": "sar:instrument_mode",
}
_PRODUCT = {
    "productType": "product:type",
    "processingLevel": "processing:level",
    "timeliness": "geodes:timeliness",
}


def _named(place: Any, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for theirs, ours in names.items():
        if value := text(place, theirs):
            yield ours, value


def _numbers(place: Any, names: Mapping[str, str]) -> Iterator[tuple[str, float]]:
    for theirs, ours in names.items():
        try:
            yield ours, float(text(place, theirs))
        except ValueError:
            continue


def _first(value: Any) -> Mapping[str, Any]:
    found = value[0] if isinstance(value, list) and value else value
    return found if isinstance(found, Mapping) else {}


def _links(grouped: Mapping[str, Any]) -> Iterator[Json]:
    for group, rel in (("via", "via"), ("alternates", "alternate")):
        for link in _files(grouped.get(group)):
            yield {"rel": rel, "href": text(link, "href"), **_kind(link)}


def _assets(grouped: Mapping[str, Any]) -> Iterator[tuple[str, Json]]:
    for place, link in enumerate(_files(grouped.get("data"))):
        name = "data" if place == 0 else text(link, "title") or f"data-{place + 1}"
        yield name, asset(link, "data")
    for link in _files(grouped.get("sip-entries")):
        yield text(link, "title") or text(link, "href"), asset(link, "metadata")
    for place, link in enumerate(_files(grouped.get("previews"))):
        yield "quicklook" if place == 0 else f"quicklook-{place + 1}", asset(link, "overview")


def _files(links: Any) -> list[Mapping[str, Any]]:
    found = links if isinstance(links, list) else []
    return [one for one in found[:MOST_FILES] if text(one, "href")]


def asset(link: Mapping[str, Any], role: str) -> Json:
    """Return a file for a link that tells where it is."""
    result: Json = {"href": text(link, "href"), "roles": [role], **_kind(link)}
    if title := text(link, "title"):
        result["title"] = title
    length = as_count(link.get("length"))
    if length:
        result["file:size"] = length
    return result


def _kind(link: Mapping[str, Any]) -> dict[str, str]:
    """Return the media type: EUMETSAT has words such as "Product" under the name of OGC 17-047."""
    kinds = (text(link, "mediaType"), text(link, "type"))
    kind = next((kind for kind in kinds if "/" in kind), "")
    return {"type": kind} if kind else {}
