"""An identity provider on loopback: as much of OAuth 2 as log-ins ask of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import trustme
from aiohttp import web
from support.kubernetes_api import Serving


class Provider(Serving):
    """Gives a token for any code, and says who that is.

    Parameters
    ----------
    claims
        What it says of whoever logs in.
    host
        Name in its certificate; empty: it serves plain http.
    authority
        Who signs the certificate.
    """

    def __init__(
        self, claims: dict[str, Any], host: str = "", authority: trustme.CA | None = None
    ) -> None:
        self.claims = claims
        self.seen: list[tuple[str, str, str]] = []
        """Method, path, and body or authorization of each request."""
        if host and authority:
            self.signed(authority, host)

    def routes(self) -> list[web.RouteDef]:
        """Return what it serves."""
        return [
            web.post("/token", self._token),
            web.post("/login/oauth/access_token", self._token),
            web.get("/moved", self._moved),
            web.get("/{user:userinfo|api/v3/user|slow}", self._user),
            web.get("/.well-known/oauth-authorization-server", self._about),
            web.get("/apis/user.openshift.io/v1/users/~", self._user),
        ]

    async def _token(self, request: web.Request) -> web.Response:
        self.seen.append((request.method, request.path, await request.text()))
        return web.json_response({"access_token": "of-ada", "token_type": "Bearer"})

    async def _user(self, request: web.Request) -> web.Response:
        told = request.headers.get("Authorization", "")
        self.seen.append((request.method, request.path, told))
        return web.json_response(self.claims)

    async def _moved(self, request: web.Request) -> web.Response:
        raise web.HTTPFound("/userinfo")

    async def _about(self, request: web.Request) -> web.Response:
        self.seen.append((request.method, request.path, ""))
        return web.json_response({"issuer": f"{request.scheme}://{request.host}"})


def trusted(authority: trustme.CA, folder: Path) -> dict[str, str]:
    """Return the variables that make programs trust an authority, and it alone."""
    file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return {"SSL_CERT_FILE": str(file), "REQUESTS_CA_BUNDLE": str(file)}
