"""Limits per user, which Dask Gateway itself does not have, for any backend."""

from __future__ import annotations

from typing import Any

from dask_gateway_server.backends.base import PublicException
from traitlets import Dict, Integer
from traitlets.config import LoggingConfigurable


class PerUserLimits(LoggingConfigurable):
    """Mixin in front of a backend: clusters and workers that one user may hold.

    The workers of a user are counted over all clusters, as asked for: what one cluster does not use,
    another may. A cluster sees what is left as its own largest size, so that Dask Gateway itself
    trims a request and tells the user.
    """

    user_max_clusters = Integer(0, config=True, help="Active clusters per user (0: no limit).")
    user_max_workers = Integer(
        0, config=True, help="Workers over all clusters of a user (0: no limit)."
    )
    asked = Dict(help="Workers asked for, by name of the cluster; heartbeats keep it true.")

    async def start_cluster(self, user: Any, cluster_options: Any) -> Any:
        """Refuse a cluster above the limit, and name those that are open."""
        active = await self.list_clusters(username=user.name)  # type: ignore[attr-defined]
        if self.user_max_clusters and len(active) >= self.user_max_clusters:
            names = ", ".join(cluster.name for cluster in active)
            raise PublicException(
                f"you already have {len(active)} active Dask cluster(s), which is the limit here "
                f"({names}): close one with geodes_datalab.clusters() first"
            )
        return await super().start_cluster(user, cluster_options)  # type: ignore[misc]

    async def get_cluster(self, cluster_name: str, wait: bool = False) -> Any:
        """Return a cluster; its largest size is what its owner may still take."""
        cluster = await super().get_cluster(cluster_name, wait=wait)  # type: ignore[misc]
        if cluster is not None and self.user_max_workers:
            most = await self._most(cluster)
            cluster.config = {**cluster.config, "cluster_max_workers": most}
        return cluster

    async def forward_message_to_scheduler(self, cluster: Any, msg: dict[str, Any]) -> None:
        """Pass a request on, and remember how many workers it asks for."""
        asked = msg.get("count", msg.get("maximum"))
        if asked is not None:
            self.asked[cluster.name] = asked
        await super().forward_message_to_scheduler(cluster, msg)  # type: ignore[misc]

    async def stop_cluster(self, cluster_name: str, failed: bool = False) -> None:
        """Stop a cluster and forget what it asked for."""
        self.asked.pop(cluster_name, None)
        await super().stop_cluster(cluster_name, failed=failed)  # type: ignore[misc]

    async def on_cluster_heartbeat(self, cluster_name: str, msg: dict[str, Any]) -> None:
        """Bound what a scheduler asks for, also one that was tampered with."""
        if self.user_max_workers:
            cluster = await super().get_cluster(cluster_name)  # type: ignore[misc]
            if cluster is not None:
                count = min(msg["count"], await self._most(cluster))
                msg = {**msg, "count": count}
                self.asked[cluster_name] = count
        await super().on_cluster_heartbeat(cluster_name, msg)  # type: ignore[misc]

    async def _most(self, cluster: Any) -> int:
        """Return the workers that a cluster may have, given its owner's other clusters."""
        active = await self.list_clusters(username=cluster.username)  # type: ignore[attr-defined]
        others = sum(self.asked.get(c.name, 0) for c in active if c.name != cluster.name)
        left = max(0, int(self.user_max_workers) - others)
        own = cluster.config.get("cluster_max_workers")
        most: int = left if own is None else min(left, int(own))
        return most
