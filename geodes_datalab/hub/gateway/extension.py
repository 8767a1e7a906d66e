"""What the datalab's gateways do beyond Dask Gateway, for any backend.

Further addresses of the API, all under the gateway's own:

``GET /api/v1/clusters/{name}/waiting``
    For the owner: how many workers run and wait, and why, in words.
``GET /api/v1/sizes``
    For users: the named sizes of workers.
``POST /api/v1/stop``
    For the gateway's own token (`geodes_datalab.hub.gateway.stop_all`): end clusters.
``GET /metrics``
    For the monitoring token: `geodes_datalab.hub.gateway.metrics`.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from aiohttp import web
from dask_gateway_server import models
from dask_gateway_server.backends.base import PublicException
from dask_gateway_server.routes import api_handler
from traitlets import Any as AnyTrait
from traitlets import Dict, Float, Unicode
from traitlets.config import LoggingConfigurable

from geodes_datalab.hub.gateway.limits import Refused
from geodes_datalab.hub.gateway.metrics import ClusterUse, Metrics
from geodes_datalab.hub.gateway.reaper import Reaper
from geodes_datalab.hub.person import in_hub


class DatalabBackend(LoggingConfigurable):
    """Mixin in front of `PerUserLimits` and a backend: reasons, metrics, and the reaper."""

    hub_api_url = Unicode("", config=True, help="Address of the hub's API.")
    service_token = Unicode("", config=True, help="The gateway's own token as a hub service.")
    monitoring_token = Unicode("", config=True, help="Who has it may read /metrics.")
    reaper_seconds = Float(
        0, config=True, help="Time between two comparisons with the hub (0: never)."
    )
    sizes = Dict(config=True, help="Named sizes of workers, as users may know them.")
    metrics = AnyTrait(help="Counters and gauges.")
    _reaping = AnyTrait(None, allow_none=True)

    def _metrics_default(self) -> Metrics:
        return Metrics(self.uses)

    async def setup(self, app: Any) -> None:
        """Add the further addresses, start the backend, and begin to compare with the hub."""
        app.add_routes(ROUTES)
        await super().setup(app)  # type: ignore[misc]
        if self.reaper_seconds and self.service_token:
            reaper = Reaper(self, hub_api_url=self.hub_api_url, token=self.service_token)
            self._reaping = asyncio.ensure_future(reaper.run(self.reaper_seconds))

    async def cleanup(self) -> None:
        """Stop comparing, and the backend."""
        if self._reaping is not None:
            self._reaping.cancel()
            with suppress(asyncio.CancelledError):
                await self._reaping
        await super().cleanup()  # type: ignore[misc]

    async def start_cluster(self, user: Any, cluster_options: Any) -> Any:
        """Start a cluster; count what is refused."""
        try:
            return await super().start_cluster(user, cluster_options)  # type: ignore[misc]
        except PublicException as error:
            said = error if isinstance(error, Refused) else error.__context__
            self.metrics.refused.labels(reason=getattr(said, "reason", "option")).inc()
            raise

    async def get_cluster(self, cluster_name: str, wait: bool = False) -> Any:
        """Return a cluster, as its owner may see it."""
        cluster = await super().get_cluster(cluster_name, wait=wait)  # type: ignore[misc]
        return None if cluster is None else self.proxy.private(cluster)  # type: ignore[attr-defined]

    async def list_clusters(self, username: str | None = None, statuses: Any = None) -> list[Any]:
        """Return clusters, as their owners may see them."""
        result = await super().list_clusters(username, statuses)  # type: ignore[misc]
        return [self.proxy.private(item) for item in result]  # type: ignore[attr-defined]

    async def waiting(self, cluster: Any) -> dict[str, Any]:
        """Return how many workers of a cluster there are, and why others are not.

        Parameters
        ----------
        cluster
            As ``get_cluster`` returns it.
        """
        return {"status": cluster.status.name, "workers": {}, "waiting": [], "lost": []}

    def uses(self) -> Iterator[ClusterUse]:
        """Return what the active clusters use now."""
        for cluster in self.active():
            share = self.share(cluster)  # type: ignore[attr-defined]
            yield ClusterUse(
                user=in_hub(cluster.username) or cluster.username,
                status=cluster.status.name.lower(),
                wanted=self.asked_for(cluster),  # type: ignore[attr-defined]
                cores=share.cores,
                memory=share.memory,
                **self.details(cluster),
            )

    def active(self) -> list[Any]:
        """Return the clusters that are starting or running."""
        raise NotImplementedError

    def details(self, cluster: Any) -> dict[str, Any]:
        """Return what a backend knows more for the metrics of a cluster."""
        return {}


ROUTES = web.RouteTableDef()


@ROUTES.get("/api/v1/clusters/{cluster_name}/waiting")
@api_handler(user_authenticated=True)  # type: ignore[untyped-decorator]
async def waiting(request: web.Request) -> web.Response:
    """Tell the owner what a cluster waits for."""
    backend, user = request.app["backend"], request["user"]
    name = request.match_info["cluster_name"]
    cluster = await backend.get_cluster(name)
    if cluster is None or not user.has_permissions(cluster):
        raise web.HTTPNotFound(reason=f"Cluster {name} not found")
    return web.json_response(await backend.waiting(cluster))


@ROUTES.get("/api/v1/sizes")
@api_handler(user_authenticated=True)  # type: ignore[untyped-decorator]
async def sizes(request: web.Request) -> web.Response:
    """Tell the sizes of workers that have a name."""
    return web.json_response({"sizes": request.app["backend"].sizes})


@ROUTES.post("/api/v1/stop")
@api_handler  # type: ignore[untyped-decorator]
async def stop(request: web.Request) -> web.Response:
    """End the clusters of all users, or of some; with ``only_list`` name them only."""
    backend = request.app["backend"]
    _demand(request, backend.service_token)
    wish = await request.json()
    users = wish.get("users")
    result = await backend.list_clusters()
    chosen = [
        item
        for item in result
        if users is None or item.username in users or in_hub(item.username) in users
    ]
    if not wish.get("only_list"):
        for cluster in chosen:
            await backend.stop_cluster(cluster.name)
    told = [
        {
            "name": item.name,
            "user": in_hub(item.username) or item.username,
            "status": models.ClusterStatus(item.status).name,
        }
        for item in chosen
    ]
    return web.json_response({"clusters": told})


@ROUTES.get("/metrics")
@api_handler  # type: ignore[untyped-decorator]
async def metrics(request: web.Request) -> web.Response:
    """Tell Prometheus what it may know."""
    backend = request.app["backend"]
    if not backend.monitoring_token:
        raise web.HTTPNotFound(reason="no monitoring token is set (hub.monitoring_token)")
    _demand(request, backend.monitoring_token)
    kind = "text/plain; version=0.0.4; charset=utf-8"
    return web.Response(body=backend.metrics.text(), headers={"Content-Type": kind})


def _demand(request: web.Request, token: str) -> None:
    """Let only the bearer of a token pass."""
    _, _, given = request.headers.get("Authorization", "").partition(" ")
    if not token or not hmac.compare_digest(given.strip().encode(), token.encode()):
        raise web.HTTPUnauthorized(
            headers={"WWW-Authenticate": "Bearer"}, reason="this needs a token of its own"
        )
