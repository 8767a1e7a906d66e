"""Drives OWSLib's OpenSearch client against our service, in its own process and home.

Called with: address of the description, collection. Prints one JSON object as its last line.
"""

from __future__ import annotations

import json
import sys

from loopback import only_loopback

only_loopback()

from owslib.opensearch import OpenSearch  # noqa: E402

ATOM, GEOJSON = "application/atom+xml", "application/geo+json"
AREA = "-68,-48,-67,-47"


def main(address: str, collection: str) -> None:
    service = OpenSearch(address)
    entries = service.search(ATOM, parentIdentifier=collection, bbox=AREA, count="50")
    features = service.search(GEOJSON, parentIdentifier=collection, bbox=AREA, count="50")
    clear = service.search(GEOJSON, parentIdentifier=collection, cloudCover="[0,10]", count="50")
    refused = ""
    try:
        service.search(GEOJSON, geo_box=AREA)
    except RuntimeError as error:
        refused = str(error)
    told = {
        "types": sorted(service.description.urls),
        "atom": [one["properties"]["title"] for one in entries["features"]],
        "geometry": [one["geometry"][:12] for one in entries["features"]],
        "json": [one["properties"]["identifier"] for one in features["features"]],
        "total": features["properties"]["totalResults"],
        "clear": [one["properties"]["productInformation"]["cloudCover"] for one in clear["features"]],
        "refused": refused,
    }  # fmt: skip
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
