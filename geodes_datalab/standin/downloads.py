"""Files: downloads with and without byte ranges, quicklooks, availability and the quota."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from geodes_datalab.standin import portal
from geodes_datalab.standin.samples.product import Product, ProductFile

RANGE = re.compile(r"^bytes=(\d*)-(\d*)$")
DOWNLOAD = re.compile(r"/api/download/(?P<urn>[^/]+)/files/(?P<md5>[0-9a-f]{32})")


async def download(request: Request) -> Response:
    """Serve a data file to a holder of a key with quota left."""
    here = portal.of(request)
    refused = here.refusal(request)
    if refused is not None:
        return refused
    result = _find(here, request)
    if result is None:
        return portal.error(404, "EntityNotFoundException", "No such file")
    product, file, urn = result
    if urn in here.on_tape:
        message = "The file is on tape and must be restored first"
        return portal.error(here.settings.tape_status, "NearlineFileException", message)
    if request.method == "GET" and not here.accounts.use(request.headers["x-api-key"], urn):
        return here.over_quota()
    return _serve(here, request, file, product)


async def quicklook(request: Request) -> Response:
    """Serve a quicklook to anybody."""
    here = portal.of(request)
    result = _find(here, request)
    if result is None or here.catalogue.locate(result[1]) is None:
        return portal.error(404, "EntityNotFoundException", "No such file")
    return _serve(here, request, result[1], result[0])


async def fast_availability(request: Request) -> Response:
    """Tell which files can be read at once; asked and answered in bulk, without a key."""
    here = portal.of(request)
    try:
        asked = (await request.json())["availability"]
        hrefs = [str(entry["href"]) for entry in asked]
    except (ValueError, KeyError, TypeError):
        return portal.error(400, "HttpMessageNotReadableException", "availability is missing")
    products: dict[str, list[dict[str, Any]]] = {}
    for href in hrefs:
        matched = DOWNLOAD.search(href.replace("%3A", ":"))
        if matched and matched["urn"] in here.catalogue.by_urn:
            available = matched["urn"] not in here.on_tape
            files = products.setdefault(matched["urn"], [])
            files.append({"checksum": matched["md5"], "available": available})
    listed = [{"id": urn, "files": files} for urn, files in products.items()]
    return JSONResponse({"products": listed})


async def availability(request: Request) -> Response:
    """Tell the availability of one product by its name (pyGeodes' path)."""
    here = portal.of(request)
    refused = here.refusal(request)
    if refused is not None:
        return refused
    name = request.path_params["name"]
    for urn, product in here.catalogue.by_urn.items():
        if product.identifier == name:
            state = urn not in here.on_tape
            files = [{"checksum": product.files[0].md5, "available": state}]
            return JSONResponse({"id": urn, "files": files, "available": state})
    return portal.error(404, "EntityNotFoundException", f"No product {name}")


async def quota(request: Request) -> Response:
    """Tell how many products this hour still allows."""
    here = portal.of(request)
    refused = here.refusal(request)
    if refused is not None:
        return refused
    key = request.headers["x-api-key"]
    left = {"maxQuota": here.accounts.limit(key), "remainingQuota": here.accounts.remaining(key)}
    return JSONResponse(left)


def _find(here: portal.Portal, request: Request) -> tuple[Product, ProductFile, str] | None:
    urn, md5 = request.path_params["urn"], request.path_params["md5"]
    product = here.catalogue.by_urn.get(urn)
    for file in product.files if product else ():
        if file.md5 == md5 and product is not None:
            return product, file, urn
    return None


def _serve(here: portal.Portal, request: Request, file: ProductFile, product: Product) -> Response:
    """Answer with a whole file, or with the range that was asked for."""
    path = here.catalogue.locate(file)
    if path is None:
        return portal.error(404, "EntityNotFoundException", f"{product.identifier}: no bytes")
    etag = f'"{file.md5}"'
    name = file.name.rsplit("/", 1)[-1]
    headers = {"ETag": etag, "Content-Disposition": f'attachment; filename="{name}"'}
    ranges = here.settings.ranges
    if ranges == "on":
        headers["Accept-Ranges"] = "bytes"
    asked = request.headers.get("range")
    if asked and ranges == "error":
        return portal.error(500, "InternalServerError", "Range is not supported")
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    content = path.read_bytes()
    stale = request.headers.get("if-range", etag) != etag
    matched = RANGE.match(asked.strip()) if asked and ranges == "on" and not stale else None
    if matched is None or matched.groups() == ("", ""):  # several ranges at once: the whole file
        return Response(content, media_type=file.type, headers=headers)
    span = _span(matched[1], matched[2], len(content))
    if span is None:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{len(content)}"})
    first, last = span
    headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
    return Response(content[first : last + 1], 206, headers, file.type)


def _span(first: str, last: str, size: int) -> tuple[int, int] | None:
    """Return the first and last byte of a range, or None when it lies outside of the file."""
    if not first:  # the last n bytes
        length = min(int(last), size)
        return (size - length, size - 1) if length else None
    start = int(first)
    end = min(int(last), size - 1) if last else size - 1
    return (start, end) if start <= end and start < size else None
