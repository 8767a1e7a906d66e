"""Catalogue entries on the wire: legacy items, the same without quirks, and next-generation ones.

Addresses in records start with `PORTAL`; the server puts its own address in their place.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from geodes_datalab.standin.profiles import Profile
from geodes_datalab.standin.samples.grid import bbox
from geodes_datalab.standin.samples.product import Product, ProductFile

PORTAL = "https://geodes-portal.cnes.fr"
EXTENSION = "https://stac-extensions.github.io"
LEGACY_EXTENSIONS = [
    f"{EXTENSION}/{name}/schema.json"
    for name in (
        "product/v0.1.0", "processing/v1.2.0", "projection/v2.0.0", "sat/v1.1.0",
        "scientific/v1.0.0", "sar/v1.1.0", "eo/v2.0.0", "sentinel-2/v1.0.0", "view/v1.0.0",
        "grid/v1.1.0", "raster/v2.0.0",
    )
]  # fmt: skip
MODERN_EXTENSIONS = [
    f"{EXTENSION}/{name}/schema.json"
    for name in (
        "eo/v2.0.0", "file/v2.1.0", "grid/v1.1.0", "processing/v1.2.0", "product/v1.0.0",
        "projection/v2.0.0", "sar/v1.1.0", "sat/v1.1.0",
    )
]  # fmt: skip
NATURAL_EARTH = [
    {
        "url": f"http://www.naturalearthdata.com/downloads/{path}/",
        "author": "Natural Earth",
        "dataset": dataset,
        "license": "Free of Charge",
    }
    for path, dataset in (
        ("10m-physical-vectors/10m-coastline", "Coastline"),
        ("10m-cultural-vectors/10m-admin-0-countries", "Admin level 0 - Countries"),
    )
]
LICENCE = {
    "href": "https://spdx.org/licenses/Apache-2.0.html",
    "rel": "license",
    "type": "application/html",
    "title": "Apache License 2.0",
}
SATELLITES = {"S1": "sentinel-1", "S2": "sentinel-2"}
MODERN_DROPPED = (
    "instrument", "sci:doi", "proj:bbox", "references", "dataset", "identifier", "latest", "area",
    "keywords", "political", "continent_code", "endpoint_url", "endpoint_description", "hydrology",
    "version",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Record:
    """One item as one profile serves it, ready to be searched and sent."""

    product: Product
    item: dict[str, Any]
    """The GeoJSON feature; addresses start with `PORTAL`."""

    @property
    def id(self) -> str:
        """Item id on the wire."""
        return str(self.item["id"])

    @property
    def collection(self) -> str:
        """Collection id on the wire."""
        return str(self.item["collection"])

    @property
    def properties(self) -> dict[str, Any]:
        """Searchable properties."""
        result: dict[str, Any] = self.item["properties"]
        return result

    @cached_property
    def shape(self) -> Any:
        """The footprint as a shapely geometry (degrees)."""
        from shapely.geometry import shape

        return shape(self.item["geometry"])

    @cached_property
    def text(self) -> bytes:
        """The item as JSON, made once."""
        return json.dumps(self.item, separators=(",", ":"), ensure_ascii=False).encode()


def urn_of(product: Product) -> str:
    """Return the opaque item id: given, or a version-3 UUID of the product name."""
    if product.urn:
        return product.urn
    name = f"{product.collection}/{product.identifier}"
    return f"URN:FEATURE:DATA:gdh:{uuid.uuid3(uuid.NAMESPACE_URL, name)}:V1"


def record(product: Product, profile: Profile) -> Record:
    """Return a product in the wire form of a profile."""
    if profile.modern:
        return Record(product, _modern(product))
    item = _legacy(product)
    if not profile.datetime_is_publication:
        properties = item["properties"]
        properties["published"] = properties["datetime"]
        properties["datetime"] = properties["start_datetime"]
    return Record(product, item)


def modern_collection(collection: str) -> str:
    """Return the kebab-case id of the next generation."""
    return collection.lower().replace("_", "-")


def download_path(urn: str, file: ProductFile) -> str:
    """Return the path of a file's bytes below the portal's address."""
    if file.role == "data":
        return f"/api/download/{urn}/files/{file.md5}"
    return f"/api/quicklook/{urn}/files/{file.md5}?scope=gdh"


def _legacy(product: Product) -> dict[str, Any]:
    urn, ring = urn_of(product), product.geometry["coordinates"][0][:-1]
    item: dict[str, Any] = {
        "stac_version": "1.0.0-beta.2",
        "stac_extensions": LEGACY_EXTENSIONS,
        "id": urn,
        "bbox": bbox(product.geometry),
        "geometry": product.geometry,
        "centroid": {
            "lon": sum(point[0] for point in ring) / len(ring),
            "lat": sum(point[1] for point in ring) / len(ring),
        },
        "type": "Feature",
        "collection": product.collection,
        "properties": {
            **product.properties,
            "identifier": product.identifier,
            "dataset": product.collection,
            "references": NATURAL_EARTH,
        },
        "links": _legacy_links(product.collection, urn),
        "assets": {file.name: _legacy_asset(urn, file) for file in reversed(product.files)},
    }
    item |= product.extra
    item["properties"] = dict(item["properties"])
    return item


def _legacy_links(collection: str, urn: str) -> list[dict[str, Any]]:
    stac = f"{PORTAL}/api/stac"
    return [
        {"href": stac, "rel": "root", "type": "application/json", "title": "STAC gdh root"},
        {
            "href": f"{stac}/collections/{collection}",
            "rel": "collection",
            "type": "application/json",
            "title": "Item collection",
        },
        {
            "href": f"{stac}/collections/{collection}/items/{urn}",
            "rel": "self",
            "type": "application/geo+json",
            "title": urn,
        },
        LICENCE,
    ]


def _legacy_asset(urn: str, file: ProductFile) -> dict[str, Any]:
    online = "false" if file.role == "data" else "true"  # says nothing about availability
    lines = (
        f"File size: {file.size} bytes", "Is reference: false", f"Is online: {online}",
        f"Datatype: {file.datatype}", f"Checksum MD5: {file.md5}",
    )  # fmt: skip
    return {
        "href": PORTAL + download_path(urn, file),
        "title": file.name,
        "description": "\n\n".join(lines),
        "type": file.type,
        "roles": [file.role],
    }


def _modern(product: Product) -> dict[str, Any]:
    collection, stac = modern_collection(product.collection), f"{PORTAL}/api/stac"
    self_href = f"{stac}/collections/{collection}/items/{product.identifier}"
    links = [
        {"rel": "root", "href": stac, "type": "application/json"},
        {"rel": "parent", "href": f"{stac}/collections/{collection}", "type": "application/json"},
        {
            "rel": "collection",
            "href": f"{stac}/collections/{collection}",
            "type": "application/json",
        },
        {"rel": "self", "href": self_href, "type": "application/geo+json"},
    ]
    urn = urn_of(product)
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": MODERN_EXTENSIONS,
        "id": product.identifier,
        "collection": collection,
        "geometry": product.geometry,
        "bbox": bbox(product.geometry),
        "properties": _modern_properties(product),
        "links": links,
        "assets": {
            "data" if file.role == "data" else "overview": _modern_asset(urn, file)
            for file in product.files
        },
    }


def _modern_properties(product: Product) -> dict[str, Any]:
    old = product.properties
    satellite = SATELLITES.get(str(old["platform"])[:2], str(old["platform"]).lower())
    made = {key: value for key, value in old.items() if key not in MODERN_DROPPED}
    made |= {
        "title": old.get("title", product.identifier),
        "datetime": old["start_datetime"],
        "created": old["datetime"],
        "updated": old["datetime"],
        "published": old["datetime"],
        "platform": f"{satellite}{str(old['platform'])[2:].lower()}",
        "constellation": satellite,
        "instruments": ["sar"] if satellite == "sentinel-1" else ["msi"],
        "sat:orbit_state": str(old.get("sat:orbit_state", "")).lower(),
    }
    if satellite == "sentinel-1":
        made.pop("eo:cloud_cover", None)
        made["sar:frequency_band"] = "C"
        made["sar:polarizations"] = str(old.get("sar:polarizations", "")).split()
    else:
        made.pop("sar:instrument_mode", None)
    if "grid:code" in old:
        made["grid:code"] = f"MGRS-{str(old['grid:code']).removeprefix('T')}"
    return made


def _modern_asset(urn: str, file: ProductFile) -> dict[str, Any]:
    return {
        "href": PORTAL + download_path(urn, file),
        "title": file.name,
        "type": file.type,
        "roles": [file.role],
        "file:size": file.size,
        "file:checksum": f"d50110{file.md5}",
    }
