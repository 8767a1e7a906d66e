"""Entries of Atom with the extensions of OGC 13-026, as FedEO serves them, made into STAC items."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from geodes_datalab._markup import Element, ParseError, local, namespace, root_of
from geodes_datalab._types import Json
from geodes_datalab.errors import ServiceError
from geodes_datalab.stac.dialects.opensearch import shapes
from geodes_datalab.stac.dialects.opensearch.description import EO, OPENSEARCH
from geodes_datalab.stac.dialects.opensearch.features import (
    MOST_FILES,
    as_count,
    asset,
    platform,
    times,
)

ATOM = "http://www.w3.org/2005/Atom"
DC = "http://purl.org/dc/elements/1.1"
MEDIA = "http://search.yahoo.com/mrss"

_EARTH = ("http://www.opengis.net/eop/", "http://www.opengis.net/opt/", "http://www.opengis.net/sar/",
          f"{EO}/")  # fmt: skip
"""Namespaces of metadata inside of entries, whatever their version."""

_TEXTS = {
    "orbitNumber": "sat:absolute_orbit",
    "wrsLongitudeGrid": "sat:relative_orbit",
    "track": "sat:relative_orbit",
    "orbitDirection": "sat:orbit_state",
    "operationalMode": "sar:instrument_mode",
    "sensorMode": "sar:instrument_mode",
    "productType": "product:type",
    "processingLevel": "processing:level",
}
_NUMBERS = {
    "cloudCoverPercentage": "eo:cloud_cover",
    "cloudCover": "eo:cloud_cover",
    "snowCoverPercentage": "eo:snow_cover",
    "snowCover": "eo:snow_cover",
}


def read(content: bytes) -> tuple[int | None, list[Element]]:
    """Read a feed: how many items there are for the search, where told, and its entries.

    Raises
    ------
    ServiceError
        It is none.
    """
    try:
        root = root_of(content)
    except ParseError as error:
        raise ServiceError(
            f"the catalogue's answer cannot be read as Atom: {error}",
            "try again; open the address in a browser to see what it sends",
        ) from error
    if _is(root, ATOM, "feed"):
        told = next((one.text for one in root if _is(one, OPENSEARCH, "totalResults")), None)
        return as_count(told), [one for one in root if _is(one, ATOM, "entry")]
    said = " ".join(part for text in root.itertext() if (part := " ".join(text.split())))
    raise ServiceError(
        f"the catalogue answered with <{local(root)}> in place of a feed: {said[:300]}",
        "read the message; ask for less, or for something else",
    )


def item(entry: Element, collection: str) -> Json:
    """Return a STAC item for an entry."""
    told = dict(_earth(entry))
    name = _text(entry, DC, "identifier") or _text(entry, ATOM, "id").rstrip("/").rpartition("/")[2]
    geometry, bbox = shapes.of_entry(entry)
    parent = told.pop("parentIdentifier", None) or _text(entry, DC, "parentIdentifier")
    return {
        "type": "Feature",
        "id": name or None,
        "collection": collection or parent or None,
        "geometry": geometry,
        "bbox": bbox,
        "properties": dict(_properties(entry, name)) | told,
        "links": list(_links(entry)),
        "assets": dict(_assets(entry)),
    }


def _properties(entry: Element, name: str) -> Iterator[tuple[str, Any]]:
    if name:
        yield "identifier", name
    if title := _text(entry, ATOM, "title"):
        yield "title", title
    yield "datetime", None
    yield from times(_text(entry, DC, "date"))
    for field in ("updated", "published"):
        if moment := _text(entry, ATOM, field):
            yield field, moment


def _earth(entry: Element) -> Iterator[tuple[str, Any]]:
    """Yield what the metadata inside of an entry tell: an observation of EOP, or loose elements."""
    short: dict[str, str] = {}
    for element in entry.iter():
        if not namespace(element).rstrip("/").startswith(tuple(one.rstrip("/") for one in _EARTH)):
            continue
        name, value = local(element), " ".join((element.text or "").split())
        if name in ("Platform", "Instrument"):
            short |= {
                f"{name} {local(one)}": (one.text or "").strip()
                for one in element
                if local(one) in ("shortName", "serialIdentifier")
            }
        elif value and name in _TEXTS:
            yield _TEXTS[name], value
        elif value and name in _NUMBERS:
            yield from _number(_NUMBERS[name], value)
        elif value and name in ("polarisationChannels", "parentIdentifier"):
            yield ("parentIdentifier", value) if name == "parentIdentifier" else (
                "sar:polarizations", value.replace(",", " ").split(),
            )  # fmt: skip
        elif value and name in ("platform", "instrument"):
            short.setdefault(f"{name.title()} shortName", value)
    yield from _satellite(short)


def _satellite(short: dict[str, str]) -> Iterator[tuple[str, Any]]:
    if satellite := short.get("Platform shortName"):
        yield "platform", platform(satellite, short.get("Platform serialIdentifier", ""))
    if instrument := short.get("Instrument shortName"):
        yield "instruments", [instrument.lower()]


def _number(name: str, text: str) -> Iterator[tuple[str, float]]:
    try:
        yield name, float(text)
    except ValueError:
        return


def _links(entry: Element) -> Iterator[Json]:
    for link in _linked(entry):
        if link.get("rel", "alternate") in ("via", "alternate"):
            kind = {"type": link.get("type", "")} if link.get("type") else {}
            yield {"rel": link.get("rel", "alternate"), "href": link.get("href", ""), **kind}


def _assets(entry: Element) -> Iterator[tuple[str, Json]]:
    files = [link for link in _linked(entry) if link.get("rel") == "enclosure"]
    for place, link in enumerate(files):
        name = "data" if place == 0 else link.get("title") or f"data-{place + 1}"
        yield name, asset(dict(link.attrib), "data")
    pictures = [dict(link.attrib) for link in _linked(entry) if link.get("rel") == "icon"]
    pictures += [{**one.attrib, "href": one.get("url", "")} for one in _pictured(entry)]
    known: set[str] = set()
    for picture in pictures:
        if picture["href"] and picture["href"] not in known:
            known.add(picture["href"])
            name = "quicklook" if len(known) == 1 else f"quicklook-{len(known)}"
            yield name, asset(picture, "overview")


def _linked(entry: Element) -> list[Element]:
    return [one for one in entry if _is(one, ATOM, "link") and one.get("href")][:MOST_FILES]


def _pictured(entry: Element) -> Iterator[Element]:
    """Yield the pictures of Media RSS, by their category."""
    for element in entry.iter(f"{{{MEDIA}/}}content"):
        told = {(one.text or "").strip().upper() for one in element.iter(f"{{{MEDIA}/}}category")}
        if told & {"THUMBNAIL", "QUICKLOOK"}:
            yield element


def _is(element: Element, uri: str, name: str) -> bool:
    return local(element) == name and namespace(element).rstrip("/") == uri


def _text(entry: Element, uri: str, name: str) -> str:
    found = (" ".join((one.text or "").split()) for one in entry if _is(one, uri, name))
    return next(found, "")
