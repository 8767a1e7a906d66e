"""Small STAC APIs with manners that can be chosen: slow ones, broken ones, ones that repeat themselves."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from support.running import running
from support.waiting import minutes

CORE = "https://api.stacspec.org/v1.0.0/core"
SEARCH = "https://api.stacspec.org/v1.0.0/item-search"
SORT = "https://api.stacspec.org/v1.0.0/item-search#sort"
QUERY = "https://api.stacspec.org/v1.0.0/item-search#query"


class Api:
    """What it serves, how, and what it was asked."""

    def __init__(self, items: Sequence[dict[str, Any]]) -> None:
        self.items = list(items)
        self.url = ""
        self.page = 100
        self.refuse: list[int] = []
        """Statuses of the next searches, before they are answered."""
        self.always = 0
        """Status of every search; 0 for an answer."""
        self.hang: threading.Event | None = None
        """What every search waits for."""
        self.repeat = False
        """Whether each page begins with the last item of the one before."""
        self.lost_next = False
        """Whether the link to the next page is missing though there is one."""
        self.queries = True
        """Whether conditions on properties are understood."""
        self.pause = 0.0
        self.moments: list[float] = []
        """When searches came."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: Api

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path.startswith("/search"):
            self._search({})
            return
        if self.path.startswith("/queryables") or self.path.startswith("/collections/none"):
            self._send({"description": "no such thing"}, 404)
            return
        classes = [CORE, SEARCH, SORT, *([QUERY] if self.api.queries else [])]
        links = [
            {"rel": "self", "href": self.api.url}, {"rel": "root", "href": self.api.url},
            {"rel": "search", "href": f"{self.api.url}/search", "method": "POST", "type": "application/geo+json"},
        ]  # fmt: skip
        self._send({
            "type": "Catalog", "id": "small", "description": "small", "stac_version": "1.0.0",
            "conformsTo": classes, "links": links,
        })  # fmt: skip

    def do_POST(self) -> None:
        self._search(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _search(self, body: dict[str, Any]) -> None:
        api = self.api
        api.moments.append(time.monotonic())
        if api.hang is not None:
            api.hang.wait(minutes(1))
        time.sleep(api.pause)  # patience: how slow it is
        status = api.refuse.pop(0) if api.refuse else api.always
        if status:
            self._send({"description": "no"}, status)
            return
        begin = int(body.get("token", 0))
        size = min(int(body.get("limit", api.page)), api.page)
        part = api.items[max(0, begin - (1 if api.repeat and begin else 0)) : begin + size]
        links = []
        if begin + size < len(api.items) and not api.lost_next:
            following = {**body, "token": begin + size}
            links.append({
                "rel": "next", "href": f"{api.url}/search", "method": "POST", "body": following,
                "type": "application/geo+json",
            })  # fmt: skip
        self._send({
            "type": "FeatureCollection", "features": part, "links": links,
            "numberMatched": len(api.items), "numberReturned": len(part),
        })  # fmt: skip

    def _send(self, value: Any, status: int = 200) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serving(items: Sequence[dict[str, Any]]) -> Iterator[Api]:
    """Serve until the end of the block."""
    api = Api(items)
    handler = type("Handler", (_Handler,), {"api": api})
    with running(handler) as server:
        api.url = server.url
        yield api


def scene(
    name: str, *, day: str = "2022-01-01", clouds: float = 10.0, **more: Any
) -> dict[str, Any]:
    """Return an item as a catalogue sends it."""
    ring = [[1.0, 43.0], [2.0, 43.0], [2.0, 44.0], [1.0, 44.0], [1.0, 43.0]]
    return {
        "type": "Feature", "stac_version": "1.0.0", "stac_extensions": [], "id": name, "collection": "c",
        "geometry": {"type": "Polygon", "coordinates": [ring]}, "bbox": [1.0, 43.0, 2.0, 44.0],
        "properties": {"datetime": f"{day}T10:53:39Z", "eo:cloud_cover": clouds, **more}, "links": [],
        "assets": {"B04": {"href": f"https://example.com/{name}/B04.tif", "type": "image/tiff; application=geotiff"}},
    }  # fmt: skip
