"""The STAC side: landing page, conformance, collections, items and item search."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from geodes_datalab.standin import collections, openapi, portal, search
from geodes_datalab.standin.query import BadRequest
from geodes_datalab.standin.records import PORTAL

STAC = f"{PORTAL}/api/stac"
OGC = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf"
LEGACY_CLASSES = [
    "https://api.stacspec.org/v1.0.0-beta.1/core",
    "https://api.stacspec.org/v1.0.0-beta.1/item-search",
    "https://api.stacspec.org/v1.0.0-beta.1/ogcapi-features",
    f"{OGC}/core",
    f"{OGC}/oas30",
    f"{OGC}/geojson",
]
MODERN_CLASSES = [
    *(
        f"https://api.stacspec.org/v1.0.0/{name}"
        for name in (
            "core", "collections", "ogcapi-features", "item-search", "item-search#query",
            "item-search#sort",
        )
    ),
    f"{OGC}/core",
    f"{OGC}/geojson",
]  # fmt: skip


async def landing(request: Request) -> Response:
    """Describe the catalogue."""
    here = portal.of(request)
    modern = here.profile.modern
    links = [
        {"rel": "self", "href": STAC, "type": "application/json"},
        {"rel": "root", "href": STAC, "type": "application/json"},
        {"rel": "conformance", "href": f"{STAC}/conformance", "type": "application/json"},
        {"rel": "data", "href": f"{STAC}/collections", "type": "application/json"},
    ]
    if modern:
        links.append({"rel": "service-desc", "href": f"{STAC}/api", "type": openapi.MEDIA})
    for method in ("GET", "POST"):
        target = {"rel": "search", "href": f"{STAC}/search", "type": "application/geo+json"}
        links.append({**target, "method": method})
    body: dict[str, Any] = {
        "stac_version": "1.1.0" if modern else "1.0.0-beta.2",
        "stac_extensions": [],
        "title": "Stand-in for GEODES (not GEODES)",
        "id": "gdh",
        "description": f"{portal.NOTICE} Profile: {here.profile.name}.",
        "links": links,
        "conformsTo": MODERN_CLASSES if modern else LEGACY_CLASSES,
    }
    return here.json(request, {"type": "Catalog", **body} if modern else body)


async def description(request: Request) -> Response:
    """Describe the API in the words of OpenAPI."""
    here = portal.of(request)
    return here.json(request, openapi.document(STAC), media_type=openapi.MEDIA)


async def conformance(request: Request) -> Response:
    """List the conformance classes."""
    here = portal.of(request)
    classes = MODERN_CLASSES if here.profile.modern else LEGACY_CLASSES
    return here.json(request, {"conformsTo": classes})


async def list_collections(request: Request) -> Response:
    """List collections; the legacy catalogue takes a search body by POST."""
    here = portal.of(request)
    try:
        body = await _body(request)
        query = body.get("query")
        result = collections.select(list(here.documents.values()), query or {})
        limit = body.get("limit") or len(result) or 1
        start = ((body.get("page") or 1) - 1) * limit
        page = result[start : start + limit]
    except (BadRequest, AttributeError, TypeError) as problem:
        return portal.error(400, "BadRequest", str(problem))
    links = [{"rel": "self", "href": f"{STAC}/collections", "type": "application/json"}]
    if here.profile.modern:
        links.append({"rel": "root", "href": STAC, "type": "application/json"})
        totals = {"numberMatched": len(result), "numberReturned": len(page)}
        return here.json(request, {"collections": page, "links": links, **totals})
    return here.json(
        request,
        {
            "collections": page,
            "context": {"returned": len(page), "limit": limit, "matched": len(result)},
            "links": links,
            "stac_version": "1.0.0-beta.1.extended",
            "stac_extensions": [],
        },
    )


async def one_collection(request: Request) -> Response:
    """Describe one collection."""
    here = portal.of(request)
    document = here.documents.get(request.path_params["collection"])
    if document is None:
        return portal.error(404, "EntityNotFoundException", "No such collection")
    return here.json(request, document)


async def items(request: Request) -> Response:
    """List the items of a collection, by GET."""
    here = portal.of(request)
    collection = request.path_params["collection"]
    if collection not in here.known:
        return portal.error(404, "EntityNotFoundException", "No such collection")
    parameters = dict(request.query_params)
    return _get(request, parameters, {"collections": [collection]})


async def one_item(request: Request) -> Response:
    """Return one item by its id."""
    here = portal.of(request)
    wanted = request.path_params["item"]
    for record in here.catalogue.records(here.profile):
        if record.id == wanted and record.collection == request.path_params["collection"]:
            return here.geojson(request, record.text)
    return portal.error(404, "EntityNotFoundException", "No such item")


async def search_by_post(request: Request) -> Response:
    """Search with a JSON body (``/search`` and its alias ``/items``)."""
    here = portal.of(request)
    try:
        body = await _body(request)
        return _answer_post(request, body)
    except BadRequest as problem:
        return here.json(request, bytes(portal.error(400, "BadRequest", str(problem)).body),
                         status=400)  # fmt: skip


async def search_by_get(request: Request) -> Response:
    """Search with parameters."""
    return _get(request, dict(request.query_params), {})


async def paginate(request: Request) -> Response:
    """Return a further page of a POST search: the target of the legacy ``next`` links."""
    try:
        body = search.unpack(request.query_params.get("itemBody", ""))
        body["page"] = int(request.query_params.get("page", "1"))
        return _answer_post(request, body)
    except (BadRequest, ValueError) as problem:
        return portal.error(400, "BadRequest", str(problem))


async def paginate_collections(request: Request) -> Response:
    """Return a page of collections; all fit on one page, so every further one is empty."""
    here = portal.of(request)
    if request.query_params.get("page", "1") == "1":
        return await list_collections(request)
    total = len(here.documents)
    context = {"returned": 0, "limit": total, "matched": total}
    return here.json(request, {"collections": [], "context": context, "links": []})


def _answer_post(request: Request, body: dict[str, Any]) -> Response:
    here = portal.of(request)
    result = here.search.select(body, here.known)
    page = here.search.page(result, body)
    links = search.post_links(_linked(here, page), body, here.profile)
    return here.geojson(request, search.envelope(page, links, here.profile))


def _get(request: Request, parameters: dict[str, str], fixed: dict[str, Any]) -> Response:
    here = portal.of(request)
    try:
        body = {**search.body_of(parameters), **fixed}
        result = here.search.select(body, here.known)
        page = here.search.page(result, body)
    except BadRequest as problem:
        return portal.error(400, "BadRequest", str(problem))
    path = request.url.path
    links = search.get_links(_linked(here, page), path, parameters, here.profile)
    if here.profile.modern:
        query = f"?{request.url.query}" if request.url.query else ""
        links[0]["href"] = f"{PORTAL}{path}{query}"  # that of the request, as the standard has it
    return here.geojson(request, search.envelope(page, links, here.profile))


def _linked(here: portal.Portal, page: search.Page) -> search.Page:
    """Return the page that links are made for: an earlier one while ``next`` is broken."""
    if here.faults.take("", "/api/stac/search", kinds=("next",)):
        return search.Page(page.items, max(page.number - 1, 0), page.limit, page.matched)
    return page


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except ValueError as problem:
        raise BadRequest("JSON parse error") from problem
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object")
    return body
