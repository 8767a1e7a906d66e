"""A catalogue that sends whatever it is given, by today's interface and by that of STAC APIs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support.running import running

CLASSES = ("core", "collections", "ogcapi-features", "item-search", "item-search#filter")


class SmallCatalogue:
    """What it sends, how, and what it was asked."""

    def __init__(self, features: Sequence[Any], classes: Sequence[str] = CLASSES) -> None:
        self.features = list(features)
        self.url = ""
        self.classes = classes
        self.matched = True
        """Whether it tells how many items there are."""
        self.extra: dict[str, Any] = {}
        """More members of pages, in place of its own."""
        self.collections: Any = None
        """What it answers where all collections are asked for."""
        self.asked: list[dict[str, Any]] = []

    def landing(self) -> dict[str, Any]:
        return {
            "type": "Catalog", "id": "small", "description": "small", "stac_version": "1.0.0",
            "links": [
                {"rel": "root", "href": self.url},
                {
                    "rel": "search", "href": f"{self.url}/search", "method": "POST",
                    "type": "application/geo+json",
                },
            ],
            "conformsTo": [f"https://api.stacspec.org/v1.0.0/{one}" for one in self.classes],
        }  # fmt: skip

    def page(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return a page; the next one is asked for by number."""
        self.asked.append(asked)
        size, number = int(asked.get("limit", 10)), int(asked.get("page", 1))
        begin = (number - 1) * size
        links = []
        if begin + size < len(self.features):
            body = asked | {"page": number + 1}
            links = [{"rel": "next", "href": f"{self.url}/search", "method": "POST", "body": body}]
        found: dict[str, Any] = {
            "type": "FeatureCollection",
            "features": self.features[begin : begin + size],
            "links": links,
        }
        if self.matched:
            found["numberMatched"] = len(self.features)
        return found | self.extra


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: SmallCatalogue

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/search":
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            self.answer(self.state.page(asked))
        elif parts.path == "/":
            self.answer(self.state.landing())
        elif parts.path == "/collections":
            self.answer({"collections": self.state.collections, "links": []})
        elif parts.path.startswith("/collections/"):
            self.answer({"id": parts.path.rpartition("/")[2]})
        else:
            self.answer({"description": "there is nothing here"}, 404)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(self.state.page(body))

    def answer(self, body: Any, status: int = 200) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def sending(*features: Any, **options: Any) -> Iterator[SmallCatalogue]:
    """Serve until the end of the block."""
    state = SmallCatalogue(features, **options)
    handler = type("Handler", (_Handler,), {"state": state})
    with running(handler) as server:
        state.url = server.url
        yield state


def item(name: str = "a", **properties: Any) -> dict[str, Any]:
    """An item as a STAC API sends it."""
    ring = [[1.0, 43.0], [2.0, 43.0], [2.0, 44.0], [1.0, 44.0], [1.0, 43.0]]
    return {
        "type": "Feature", "stac_version": "1.0.0", "id": name, "collection": "one",
        "bbox": [1.0, 43.0, 2.0, 44.0],
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "links": [{"rel": "self", "href": f"http://127.0.0.1:9/{name}.json"}],
        "stac_extensions": ["https://stac-extensions.github.io/eo/v1.0.0/schema.json"],
        "properties": {
            "datetime": "2024-05-03T00:00:00Z", "title": name, "eo:cloud_cover": 5,
            "platform": "sentinel-2a", "constellation": "sentinel-2", "grid:code": "MGRS-31TCH",
            "proj:epsg": 32631, "proj:shape": [10, 10], **properties,
        },
        "assets": {
            "B04": {
                "href": f"http://127.0.0.1:9/{name}.tif", "roles": ["data"], "type": "image/tiff",
                "title": "B04.tif", "file:size": 5,
                "eo:bands": [{"name": "B04", "common_name": "red"}],
            },
            "thumbnail": {"href": f"http://127.0.0.1:9/{name}.png", "roles": ["thumbnail"]},
        },
    }  # fmt: skip
