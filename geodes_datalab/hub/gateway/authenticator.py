"""Users of Dask Gateway are users of the hub; a token that does not work is told as that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import ClientError, web
from dask_gateway_server.auth import JupyterHubAuthenticator

EXPIRED = (
    "the hub does not accept the token of this notebook (expired or revoked): "
    "stop and start your server in the hub's control panel, then try again"
)
ADVICE = web.RequestKey("advice", str)
UNREACHABLE = "the hub cannot be asked who you are just now: try again in a few seconds"


class HubAuthenticator(JupyterHubAuthenticator):
    """Answer 401 with advice where upstream answers 500, and 503 while the hub restarts."""

    async def setup(self, app: web.Application) -> None:
        """Prepare, and let the advice stand in the status line: clients show that one only."""
        app.middlewares.append(_tell)
        await super().setup(app)

    async def authenticate(self, request: Any) -> Any:
        """Return the user, or raise 401 (bad token) or 503 (no hub)."""
        try:
            return await super().authenticate(request)
        except web.HTTPInternalServerError:
            request[ADVICE] = EXPIRED
            headers = {"WWW-Authenticate": "jupyterhub"}
            raise web.HTTPUnauthorized(headers=headers, reason=EXPIRED) from None
        except (web.HTTPBadGateway, ClientError, TimeoutError):
            request[ADVICE] = UNREACHABLE
            raise web.HTTPServiceUnavailable(reason=UNREACHABLE) from None


@web.middleware
async def _tell(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Keep the reason that upstream's error handler drops."""
    response = await handler(request)
    if ADVICE in request:
        response.set_status(response.status, reason=request[ADVICE])
    return response
