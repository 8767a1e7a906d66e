"""Users of Dask Gateway are users of the hub; a token that does not work is told as that."""

from __future__ import annotations

from typing import Any

from aiohttp import ClientError, web
from dask_gateway_server.auth import JupyterHubAuthenticator

EXPIRED = (
    "the hub does not accept the token of this notebook (expired or revoked): "
    "stop and start your server in the hub's control panel, then try again"
)
UNREACHABLE = "the hub cannot be asked who you are just now: try again in a few seconds"


class HubAuthenticator(JupyterHubAuthenticator):
    """Answer 401 with advice where upstream answers 500, and 503 while the hub restarts.

    The advice is the ``error`` of the JSON body (Dask Gateway's Go proxy replaces status lines).
    """

    async def authenticate(self, request: Any) -> Any:
        """Return the user, or raise 401 (bad token) or 503 (no hub)."""
        try:
            return await super().authenticate(request)
        except web.HTTPInternalServerError:
            headers = {"WWW-Authenticate": "jupyterhub"}
            raise web.HTTPUnauthorized(headers=headers, reason=EXPIRED) from None
        except (web.HTTPBadGateway, ClientError, TimeoutError):
            raise web.HTTPServiceUnavailable(reason=UNREACHABLE) from None
