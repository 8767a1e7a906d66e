"""The table of routes that the Go proxy fetches from the gateway's API, and then follows.

The proxy asks nobody who comes, so a dashboard's address must not be guessable: a second user could
open it through a server of their own as soon as they know a cluster's name, which stands in logs and
in names of pods. Here the path carries, after the name, a word that only the gateway can make; its
API tells it to the owner alone, as part of the dashboard's link.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from contextlib import suppress
from typing import Any

from aiohttp import ClientConnectionResetError, web
from dask_gateway_server import models
from dask_gateway_server.proxy import Proxy

CLUSTERS = "/clusters/"
"""Where dashboards begin."""


def private_path(name: str, key: str) -> str:
    """Return the path of a cluster's dashboard, which follows from its name for the gateway only.

    Parameters
    ----------
    name
        The cluster's.
    key
        Token that the gateway shares with its proxy.

    Examples
    --------
    >>> private_path("one", "key")[:14], private_path("one", "key") == private_path("one", "other")
    ('/clusters/one/', False)
    """
    word = hmac.new(key.encode(), name.encode(), hashlib.sha256).hexdigest()[:32]
    return f"{CLUSTERS}{name}/{word}"


class PrivateCluster(models.Cluster):
    """A cluster whose dashboard has a private path."""

    def __init__(self, *, path: str, **fields: Any) -> None:
        super().__init__(**fields)
        self.path = path

    def to_dict(self, full: bool = True) -> dict[str, Any]:
        """Return what the owner may know."""
        told: dict[str, Any] = super().to_dict(full)
        if told["dashboard_route"]:
            told["dashboard_route"] = f"{self.path}/status"
        return told


class RoutingTable(Proxy):
    """Private paths; and numbers of changes that no earlier API can have given.

    A proxy follows changes by their number. Upstream counts from one in every process: a proxy that
    knows a former API's number 9 would wait for the tenth change of the new one, and miss nine. Here a
    new API begins far above, so that the proxy is told to fetch the whole table.
    """

    async def setup(self, app: Any) -> None:
        """Start with no routes but the API's own."""
        await super().setup(app)
        first = time.time_ns() // 1_000_000
        self.offset += first
        self._next_id += first
        for event in self.events:
            event["id"] += first

    def private(self, cluster: Any) -> PrivateCluster:
        """Return a cluster as its owner may see it."""
        return PrivateCluster(path=private_path(cluster.name, self.api_token), **vars(cluster))

    async def add_route(
        self,
        kind: str | None = None,
        sni: str | None = None,
        path: str | None = None,
        target: str | None = None,
    ) -> None:
        """Add a route; that of a dashboard under its private path."""
        await super().add_route(kind=kind, sni=sni, path=self._hidden(path), target=target)

    async def remove_route(
        self, kind: str | None = None, sni: str | None = None, path: str | None = None
    ) -> None:
        """Remove a route."""
        await super().remove_route(kind=kind, sni=sni, path=self._hidden(path))

    async def routes_handler(self, request: web.Request) -> web.StreamResponse:
        """Answer the proxy; one that went away is no error."""
        with suppress(ClientConnectionResetError):
            answer: web.StreamResponse = await super().routes_handler(request)
            return answer
        return web.Response()

    def _hidden(self, path: str | None) -> str | None:
        if path is None or not path.startswith(CLUSTERS):
            return path
        return private_path(path.removeprefix(CLUSTERS), self.api_token)
