"""The ASGI application: routes of geodes-api section 1.1, but for on-demand processing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from geodes_datalab.standin import (
    collections,
    downloads,
    landing,
    pictures,
    portal,
    profiles,
    stac,
)
from geodes_datalab.standin.accounts import Accounts
from geodes_datalab.standin.catalogue import Catalogue
from geodes_datalab.standin.faults import Fault, Faults
from geodes_datalab.standin.middleware import CONTROL, Shell

DEFAULT_QUOTA = 10_000

ROUTES = [
    Route("/", landing.page),
    Route("/api/stac", stac.landing),
    Route("/api/stac/", stac.landing),
    Route("/api/stac/api", stac.description),
    Route("/api/stac/conformance", stac.conformance),
    Route("/api/stac/collections", stac.list_collections, methods=["GET", "POST"]),
    Route("/api/stac/collections/paginate", stac.paginate_collections),
    Route("/api/stac/collections/{collection}", stac.one_collection),
    Route("/api/stac/collections/{collection}/items", stac.items),
    Route("/api/stac/collections/{collection}/items/{item}", stac.one_item),
    Route("/api/stac/search/paginate", stac.paginate),
    Route("/api/stac/search", stac.search_by_get, methods=["GET"]),
    Route("/api/stac/search", stac.search_by_post, methods=["POST"]),
    Route("/api/stac/items", stac.search_by_post, methods=["POST"]),
    Route("/api/download/{urn}/files/{md5}", downloads.download),
    Route("/api/quicklook/{urn}/files/{md5}", downloads.quicklook),
    Route(
        "/api/v1/rs-catalog/stac/download/collections/{collection}/sample/zip", pictures.sample_zip
    ),
    Route("/fastavailability", downloads.fast_availability, methods=["POST"]),
    Route("/availability/{name}", downloads.availability),
    Route("/processing/download/get", downloads.quota),
    Route("/geoserver/{workspace}/wms", pictures.wms),
]


class StandInApp(Starlette):
    """A Starlette application inside of the shell that makes faults and keeps the log."""

    def __init__(self, state: portal.Portal, routes: list[Route]) -> None:
        super().__init__(routes=routes)
        self.router.redirect_slashes = False
        self.state.portal = state
        self._shell = Shell(super().__call__, state)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        scope["app"] = self
        await self._shell.handle(scope, receive, send)


def create_app(
    catalogue: Catalogue,
    *,
    profile: str | profiles.Profile = "legacy",
    api_keys: Iterable[str] | Mapping[str, int] = (),
    quota: int = DEFAULT_QUOTA,
    faults: Faults | None = None,
    settings: portal.Settings | None = None,
    latency: float | None = None,
) -> Starlette:
    """Return a stand-in GEODES as an ASGI application; nothing is made at import.

    Parameters
    ----------
    catalogue
        What to serve.
    profile
        ``legacy`` (today's API with its traps), ``fixed`` (the same without) or ``nextgen``.
    api_keys
        Valid keys; a mapping gives each its own hourly quota.
    quota
        Products per hour of each key of a plain list.
    faults
        Control object; kept by the caller, faults can be switched while the app runs.
    settings
        Answers to wrong keys, used-up quotas, ranges and tapes.
    latency
        Seconds that every catalogue answer takes; beats the one in `settings`.

    Returns
    -------
    Starlette
        The app; ``app.state.portal`` is its `portal.Portal`.
    """
    result = profiles.find(profile)
    options = settings or portal.Settings()
    if latency is not None:
        options = replace(options, latency=latency)
    state = portal.Portal(
        catalogue=catalogue,
        profile=result,
        accounts=Accounts.of(api_keys, quota),
        faults=faults if faults is not None else Faults(),
        settings=options,
        documents=collections.documents(catalogue, result),
    )
    routes = [*ROUTES, *(_control_routes() if options.control else [])]
    return StandInApp(state, routes)


def _control_routes() -> list[Route]:
    return [
        Route(f"{CONTROL}/faults", _faults, methods=["GET", "POST", "DELETE"]),
        Route(f"{CONTROL}/requests", _requests, methods=["GET", "DELETE"]),
    ]


async def _faults(request: Request) -> Response:
    faults = portal.of(request).faults
    if request.method == "DELETE":
        faults.clear()
    elif request.method == "POST":
        try:
            faults.add(Fault(**await request.json()))
        except (TypeError, ValueError) as problem:
            return portal.error(400, "BadRequest", str(problem))
    return JSONResponse(faults.rules)


async def _requests(request: Request) -> Response:
    log = portal.of(request).requests
    if request.method == "DELETE":
        log.clear()
    entries: list[dict[str, Any]] = [asdict(entry) for entry in log]
    return JSONResponse(entries)
