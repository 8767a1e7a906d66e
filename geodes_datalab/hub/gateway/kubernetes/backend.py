"""Dask Gateway's API on Kubernetes: clusters are DaskCluster objects of one namespace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from dask_gateway_server import models
from dask_gateway_server.backends.kubernetes.backend import KubeBackend
from kubernetes_asyncio.client.rest import ApiException
from traitlets import Any as AnyTrait
from traitlets import Unicode

from geodes_datalab.hub.gateway.extension import DatalabBackend
from geodes_datalab.hub.gateway.kubernetes import informers
from geodes_datalab.hub.gateway.limits import PerUserLimits
from geodes_datalab.hub.gateway.routing import RoutingTable

SEEN = 5.0
"""Seconds to wait until a DaskCluster, and what belongs to it, comes back from the API server."""


class KubernetesBackend(DatalabBackend, PerUserLimits, KubeBackend):
    """Routes through the Go proxy, limits per user, and reasons from the DaskCluster's status."""

    watched_namespace = Unicode(config=True, help="Where all clusters are.")
    proxy = AnyTrait(help="The routes that the Go proxy fetches.")

    async def setup(self, app: Any) -> None:
        """Know all clusters and their routes before the API answers anybody."""
        informers.install()
        self.routed: set[str] = set()
        self.proxy = RoutingTable(parent=self, log=self.log)
        await self.proxy.setup(app)
        await super().setup(app)
        self.unread = set(self.informer.cache)  # upstream reads them one by one, beside
        for name, obj in list(self.informer.cache.items()):
            await self._route(name, obj)
        await self._soon(lambda: not self.unread)

    async def cleanup(self) -> None:
        """Stop; the proxy keeps its routes."""
        await super().cleanup()
        await self.proxy.cleanup()

    async def counts(self, cluster_name: str) -> None:
        """Wait until a new DaskCluster has come back from the API server."""
        await self._soon(lambda: cluster_name in self.clusters)

    async def stop_cluster(self, cluster_name: str, failed: bool = False) -> None:
        """Stop a cluster; one whose record is gone is no error."""
        try:
            await super().stop_cluster(cluster_name, failed=failed)
        except ApiException as error:
            if error.status != 404:
                raise

    async def sync_cluster(self, cluster_name: str) -> None:
        """Follow a DaskCluster: its state, its routes, and its failure."""
        before = self.clusters.get(cluster_name)
        await self._route(cluster_name, self.informer.get(cluster_name))  # before anybody is told
        try:
            await super().sync_cluster(cluster_name)
        except ApiException as error:
            if error.status != 404:  # its credentials are gone when it ends: an event will say so
                raise
        self.unread.discard(cluster_name)
        after = self.clusters.get(cluster_name)
        if before is None or after is None or before.status == after.status:
            return
        if after.status == models.ClusterStatus.FAILED:
            failure = self._status(cluster_name).get("failure") or {}
            self.metrics.failed.labels(reason=failure.get("reason", "unknown")).inc()
        if after.status > models.ClusterStatus.RUNNING:
            self.asked.pop(cluster_name, None)

    async def waiting(self, cluster: Any) -> dict[str, Any]:
        """Return what the controller wrote into the DaskCluster's status."""
        status = self._status(cluster.name)
        return {
            "status": cluster.status.name,
            "workers": {"wanted": self.asked_for(cluster), **(status.get("workers") or {})},
            "waiting": status.get("waiting") or [],
            "lost": status.get("lost") or [],
            "failure": status.get("failure"),
        }

    def active(self) -> list[Any]:
        """Return the clusters that are starting or running."""
        running = models.ClusterStatus.RUNNING
        return [cluster for cluster in self.clusters.values() if cluster.status <= running]

    def details(self, cluster: Any) -> dict[str, Any]:
        """Return running and waiting pods."""
        status = self._status(cluster.name)
        workers = status.get("workers") or {}
        waiting: dict[str, int] = {}
        for item in status.get("waiting") or []:
            waiting[item["reason"]] = waiting.get(item["reason"], 0) + item["count"]
        return {
            "running": workers.get("running"),
            "pending": workers.get("pending"),
            "waiting": waiting,
        }

    def asked_for(self, cluster: Any) -> int:
        """Return how many workers a cluster asks for; after a restart, as its object says."""
        spec = (self.informer.get(cluster.name) or {}).get("spec") or {}
        return int(self.asked.get(cluster.name, max(0, int(spec.get("replicas") or 0))))

    def present(self, cluster: Any) -> int:
        """Return how many worker pods of a cluster there are, as the controller counted them."""
        workers = self._status(cluster.name).get("workers") or {}
        return int(workers.get("running", 0)) + int(workers.get("pending", 0))

    def _status(self, name: str) -> dict[str, Any]:
        result: dict[str, Any] = (self.informer.get(name) or {}).get("status") or {}
        return result

    @staticmethod
    async def _soon(done: Callable[[], bool]) -> None:
        """Wait until something is so, or until it takes too long."""
        for _ in range(int(SEEN / 0.05)):
            if done():
                return
            await asyncio.sleep(0.05)

    async def _route(self, name: str, obj: dict[str, Any] | None) -> None:
        """Have the proxy reach a running cluster, and no other."""
        status = (obj or {}).get("status") or {}
        service = status.get("service")
        runs = status.get("phase") == "Running" and service
        path = f"/clusters/{name}"
        if runs and name not in self.routed:
            host = f"{service}.{(obj or {})['metadata']['namespace']}"
            self.routed.add(name)
            await self.proxy.add_route(kind="PATH", path=path, target=f"http://{host}:8787")
            await self.proxy.add_route(kind="SNI", sni=name, target=f"tls://{host}:8786")
        elif not runs and name in self.routed:
            self.routed.discard(name)
            await self.proxy.remove_route(kind="PATH", path=path)
            await self.proxy.remove_route(kind="SNI", sni=name)
