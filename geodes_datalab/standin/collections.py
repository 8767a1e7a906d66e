"""The 66 public collections as documents: legacy (REGARDS) and next generation."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from geodes_datalab.standin.catalogue import Catalogue
from geodes_datalab.standin.profiles import Profile
from geodes_datalab.standin.records import LICENCE, PORTAL, modern_collection

STAC = f"{PORTAL}/api/stac"

_UNLISTED = {
    "description": "Samples of a mission that the portal does not list",
    "keywords": [],
    "license": "other",
}
"""What is told of a collection that the portal does not have."""


def documents(catalogue: Catalogue, profile: Profile) -> dict[str, dict[str, Any]]:
    """Return every collection by its id on the wire, with the number of items really held."""
    counts = Counter(product.collection for product in catalogue.products)
    folder = files("geodes_datalab.standin.samples") / "data" / "records"
    recorded = json.loads((folder / "PEPS_S1_L1.collection.json").read_text("utf-8"))
    made = {}
    for name, known in _listed(counts).items():
        if profile.modern:
            made[modern_collection(name)] = _modern(name, known)
        elif name == recorded["id"]:
            made[name] = {
                **recorded,
                "summaries": {**recorded["summaries"], **_total(counts[name])},
            }
        else:
            made[name] = _legacy(name, known, counts[name])
    return made


def _listed(held: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The public collections that the package ships, by id, and those of samples that the portal has not."""
    text = (files("geodes_datalab.stac") / "data" / "collections.json").read_text("utf-8")
    result = {known["id"]: known for known in json.loads(text)["collections"]}
    for name in held:
        result.setdefault(name, {**_UNLISTED, "id": name, "title": name})
    return dict(sorted(result.items()))


def select(found: list[dict[str, Any]], query: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the documents that match a legacy collection query; unknown names are ignored."""
    for name, operators in query.items():
        for operator, wanted in (operators or {}).items():
            found = [item for item in found if _matches(item, name, operator, wanted)]
    return found


def _matches(document: dict[str, Any], name: str, operator: str, wanted: Any) -> bool:
    value = document.get(name, document["summaries"].get(name))
    if value is None:
        return True  # not a known attribute: the clause is ignored
    values = [str(item).casefold() for item in (value if isinstance(value, list) else [value])]
    sought = [str(item).casefold() for item in (wanted if isinstance(wanted, list) else [wanted])]
    if operator == "contains":
        return any(sought[0] in item for item in values)
    if operator in ("eq", "in"):
        return any(item in values for item in sought)
    return sought[0] not in values if operator == "neq" else True


def _legacy(name: str, known: dict[str, Any], total: int) -> dict[str, Any]:
    here = f"{STAC}/collections/{name}"
    title = "Link to this collection"
    links = [
        {"href": here, "rel": "self", "type": "application/json", "title": title},
        LICENCE,
        {"href": STAC, "rel": "root", "type": "application/json"},
    ]
    return {
        "stac_version": "1.0.0-beta.2",
        "stac_extensions": [],
        "type": "Collection",
        "id": name,
        "title": known["title"],
        "description": known["description"],
        "keywords": known["keywords"],
        "license": known["license"],
        "providers": [{"name": "CNES", "roles": ["host", "processor"]}],
        "extent": _extent(known),
        "summaries": {**_summaries(name, known), **_total(total)},
        "links": links,
        "assets": {},
        "context": {},
    }


def _extent(known: dict[str, Any]) -> dict[str, Any]:
    """The whole globe, as GEODES says of every collection; a time may be null."""
    times = [f"{day}T00:00:00Z" if day else None for day in (known.get("start"), known.get("end"))]
    return {
        "spatial": {"bbox": [[-180.0, -90.0, 180.0, 90.0]]},
        "temporal": {"interval": [times]},
    }


def _summaries(name: str, known: dict[str, Any]) -> dict[str, Any]:
    """Lists and scalars mixed, as in the recorded collection."""
    constellation = known.get("constellation")
    return {
        "instruments": known.get("instruments", []),
        "constellation": constellation.split(",") if constellation else [],
        "processing:level": str(known.get("level", "")).split(","),
        "item_type": "tile",
        "geometry_type": "raster",
        "latest": True,
        "platform": "satellite",
        "dataset": name,
        "version": "1",
        "contact_name": "GeoDataHub Helpdesk",
        "access_url": f"{PORTAL}/api/v1/rs-catalog/stac/download/collections/{name}/sample/zip",
        "format": "zip",
    }


def _total(count: int) -> dict[str, int]:
    return {"total_items": count}


def _modern(name: str, known: dict[str, Any]) -> dict[str, Any]:
    identifier = modern_collection(name)
    here = f"{STAC}/collections/{identifier}"
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": identifier,
        "title": known["title"],
        "description": known["description"],
        "license": "other",
        "keywords": known["keywords"],
        "extent": _extent(known),
        "providers": [{"name": "CNES", "roles": ["host", "processor"]}],
        "summaries": {"instruments": known.get("instruments", [])},
        "links": [
            {"rel": "root", "href": STAC, "type": "application/json"},
            {"rel": "parent", "href": STAC, "type": "application/json"},
            {"rel": "self", "href": here, "type": "application/json"},
            {"rel": "items", "href": f"{here}/items", "type": "application/geo+json"},
        ],
    }
