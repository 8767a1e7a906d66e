"""The STAC side in the words of OpenAPI: what a standard catalogue links as its service description."""

from __future__ import annotations

from typing import Any

from geodes_datalab import __version__

MEDIA = "application/vnd.oai.openapi+json;version=3.0"

_ITEMS = "A GeoJSON FeatureCollection of STAC items"
_PATHS = {
    "/": ("get", "The landing page"),
    "/conformance": ("get", "Classes that the catalogue conforms to"),
    "/collections": ("get", "All collections"),
    "/collections/{collection}": ("get", "One collection"),
    "/collections/{collection}/items": ("get", _ITEMS),
    "/collections/{collection}/items/{item}": ("get", "One item"),
    "/search": ("get post", _ITEMS),
}


def document(server: str) -> dict[str, Any]:
    """Return the description.

    Parameters
    ----------
    server
        Address that paths are below.
    """
    paths = {}
    for path, (methods, answer) in _PATHS.items():
        names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        asked = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ]
        responses = {"200": {"description": answer}}
        paths[path] = {
            method: {"summary": answer, "parameters": asked, "responses": responses}
            for method in methods.split()
        }
    info = {"title": "Stand-in for GEODES (not GEODES)", "version": __version__}
    return {"openapi": "3.0.3", "info": info, "servers": [{"url": server}], "paths": paths}
