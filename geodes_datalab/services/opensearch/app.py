"""The ASGI application."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from geodes_datalab.config import Config
from geodes_datalab.errors import GeodesError, InvalidQuery
from geodes_datalab.services.opensearch import atom, geojson
from geodes_datalab.services.opensearch.catalogue import Catalogue
from geodes_datalab.services.opensearch.description import DESCRIPTION, KINDS, Place, described
from geodes_datalab.services.opensearch.elements import add, document, written
from geodes_datalab.services.opensearch.facts import Answer
from geodes_datalab.services.opensearch.parameters import asked, offered
from geodes_datalab.stac.federation.report import kind_of

WRITERS: dict[str, Callable[[Answer], bytes]] = {"atom": atom.feed, "json": geojson.collection}


def create_app(config: Config, *, public_url: str = "") -> Starlette:
    """Make the application.

    Parameters
    ----------
    config
        The catalogue that is asked.
    public_url
        Where callers reach the service, where that is not the address that requests name.

    Returns
    -------
    Starlette
        Serves ``/opensearch/description.xml``, ``/opensearch/{collection}/description.xml``,
        ``/opensearch/search.atom`` and ``/opensearch/search.json``.
    """
    catalogue = Catalogue(config)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        catalogue.close()

    app = Starlette(
        routes=[
            Route("/opensearch/description.xml", _description),
            Route("/opensearch/{collection}/description.xml", _description),
            Route("/opensearch/search.{ending:str}", _search),
        ],
        exception_handlers=dict.fromkeys((GeodesError, HTTPException, Exception), _refused),
        lifespan=lifespan,
    )
    app.state.catalogue, app.state.public_url = catalogue, public_url.rstrip("/")
    return app


def _description(request: Request) -> Response:
    catalogue: Catalogue = request.app.state.catalogue
    known = catalogue.collections()
    one, wanted = None, request.path_params.get("collection")
    if wanted is not None:
        one = next((entry for entry in known if entry.id == wanted), None)
        if one is None:
            raise HTTPException(404, f'there is no collection "{wanted}"')
    content = described(_place(request), offered(catalogue.attributes()), known, one)
    return Response(content, media_type=DESCRIPTION)


def _search(request: Request) -> Response:
    ending = request.path_params["ending"]
    if ending not in WRITERS:
        raise HTTPException(404, "there is search.atom, and search.json")
    catalogue: Catalogue = request.app.state.catalogue
    given = tuple(request.query_params.multi_items())
    wanted = asked(given, catalogue.attributes())
    window = catalogue.find(wanted)
    answer = Answer(_place(request), wanted, window, given, wanted.query.describe())
    return Response(WRITERS[ending](answer), media_type=KINDS[ending])


def _place(request: Request) -> Place:
    return Place(request.app.state.public_url or str(request.base_url).rstrip("/"))


def _refused(request: Request, error: Exception) -> Response:
    """Answer with what is wrong, as Atom's and GeoJSON's readers expect it: nothing of the inside of it."""
    status, text = _told(error)
    if request.url.path.endswith(".json"):
        content = json.dumps({"code": status, "description": text}).encode()
        return Response(content, status, media_type="application/json")
    root = document("ExceptionReport", "ows")
    root.set("version", "2.0.0")
    code = "InvalidParameterValue" if status == 400 else "NoApplicableCode"
    exception = add(root, "Exception", attributes={"exceptionCode": code})
    add(exception, "ExceptionText", text)
    return Response(written(root), status, media_type="application/xml")


def _told(error: Exception) -> tuple[int, str]:
    """Return the status and the sentence for an error."""
    if isinstance(error, InvalidQuery):
        return 400, f"{error.message}: {error.hint}" if error.hint else error.message
    if isinstance(error, HTTPException):
        return error.status_code, error.detail
    if not isinstance(error, GeodesError):
        return 500, "the service failed"
    status = 504 if kind_of(error) == "timeout" else 502
    return status, f"the catalogue did not answer as it should: {error.message}"
