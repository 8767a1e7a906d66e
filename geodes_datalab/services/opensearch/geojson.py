"""Answers as GeoJSON, in the form of OGC 17-047r1."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from geodes_datalab._types import Json
from geodes_datalab.services.opensearch import facts
from geodes_datalab.services.opensearch.atom import paged
from geodes_datalab.services.opensearch.description import DESCRIPTION, KINDS, Place
from geodes_datalab.services.opensearch.facts import Answer


def collection(answer: Answer) -> bytes:
    """Return a collection of features."""
    place, asked, window = answer.place, answer.asked, answer.window
    here = place.search("json")
    told: Json = {
        "title": answer.title,
        "creator": "GEODES datalab",
        "updated": answer.updated,
        "startIndex": asked.begin + 1,
        "itemsPerPage": asked.count,
        "links": {
            "search": [{"href": place.description(), "type": DESCRIPTION}],
            **{
                rel: [{"href": f"{here}?{urlencode(paged(answer, begin))}", "type": KINDS["json"]}]
                for rel, begin in answer.pages().items()
            },
        },
    }
    if window.matched is not None:
        told["totalResults"] = window.matched
    query = urlencode(answer.given)
    return json.dumps(
        {
            "type": "FeatureCollection",
            "id": f"{here}?{query}" if query else here,
            "properties": told,
            "features": [_feature(item, place) for item in window.items],
        },
        ensure_ascii=False,
        allow_nan=False,
    ).encode()


def _feature(item: Json, place: Place) -> Json:
    told = item["properties"]
    name = facts.name(item)
    properties = {
        "title": told.get("title") or name,
        "identifier": name,
        "parentIdentifier": item.get("collection"),
        "date": facts.span(item),
        "updated": facts.moment(item),
        "published": told.get("published"),
        "acquisitionInformation": _acquisition(item),
        "productInformation": _product(item),
        "links": _links(item, place),
    }
    feature = {
        "type": "Feature",
        "id": place.item(item["id"], "json"),
        "geometry": item.get("geometry"),
        "properties": {key: value for key, value in properties.items() if value},
    }
    return feature | ({"bbox": item["bbox"]} if item.get("bbox") else {})


def _acquisition(item: Json) -> list[Json]:
    told, properties = facts.metadata(item), item["properties"]
    start = properties.get("start_datetime") or properties.get("datetime")
    parameters = {
        "beginningDateTime": start,
        "endingDateTime": properties.get("end_datetime"),
        "orbitNumber": properties.get("sat:absolute_orbit"),
        "relativeOrbitNumber": properties.get("sat:relative_orbit"),
        "orbitDirection": told.get("orbitDirection"),
        "operationalMode": told.get("sensorMode"),
        "polarisationChannels": told.get("polarisationChannels"),
    }
    found: dict[str, Any] = {
        "platform": _short("platform", told),
        "instrument": _short("instrument", told),
        "acquisitionParameters": {key: value for key, value in parameters.items() if value},
    }
    return [{key: value for key, value in found.items() if value}]


def _short(kind: str, told: dict[str, str]) -> Json:
    return {f"{kind}ShortName": told[kind]} if kind in told else {}


def _product(item: Json) -> Json:
    told = facts.metadata(item)
    found: Json = {key: told[key] for key in ("productType", "processingLevel") if key in told}
    clouds = item["properties"].get("eo:cloud_cover")
    return found if clouds is None else {**found, "cloudCover": clouds}


def _links(item: Json, place: Place) -> Json:
    found: Json = {
        "alternates": [
            {"href": place.item(item["id"], "atom"), "type": KINDS["atom"], "title": "Atom"}
        ]
    }
    for group, file in (("data", facts.data(item)), ("previews", facts.picture(item))):
        if file is not None:
            link = {
                "href": file["href"],
                "type": file.get("type"),
                "title": file.get("title"),
                "length": file.get("file:size"),
            }
            found[group] = [{key: value for key, value in link.items() if value}]
    if via := facts.itself(item):
        found["via"] = [{"href": via, "type": "application/geo+json", "title": "STAC item"}]
    return found
