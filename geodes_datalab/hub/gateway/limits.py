"""Limits per user, which Dask Gateway itself does not have, for any backend."""

from __future__ import annotations

import asyncio
import copy
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dask_gateway_server.backends.base import PublicException
from traitlets import Any as AnyTrait
from traitlets import Dict, Float, Integer
from traitlets.config import LoggingConfigurable

GIB = 2**30


class Refused(PublicException):
    """A cluster that is not started, with the reason as one word for the metrics."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True)
class Share:
    """Cores and bytes that a cluster reserves."""

    cores: float = 0.0
    memory: float = 0.0

    def __add__(self, other: Share) -> Share:
        """Return both together."""
        return Share(self.cores + other.cores, self.memory + other.memory)


def scheduler_share(config: Mapping[str, Any]) -> Share:
    """Return what a cluster's scheduler reserves."""
    return Share(config.get("scheduler_cores") or 0, config.get("scheduler_memory") or 0)


def workers_share(config: Mapping[str, Any], count: int) -> Share:
    """Return what a number of a cluster's workers reserve."""
    return Share(
        count * (config.get("worker_cores") or 0), count * (config.get("worker_memory") or 0)
    )


class PerUserLimits(LoggingConfigurable):
    """Mixin in front of a backend: clusters, workers, cores and memory that one user may hold.

    They are counted over all clusters of a user, as asked for: what one cluster does not use, another
    may. A cluster sees what is left as its own largest size, so that Dask Gateway itself trims a
    request and tells the user.
    """

    user_max_clusters = Integer(0, config=True, help="Active clusters per user (0: no limit).")
    user_max_workers = Integer(
        0, config=True, help="Workers over all clusters of a user (0: no limit)."
    )
    user_max_cores = Float(0, config=True, help="Cores that a user may reserve (0: no limit).")
    user_max_memory = Float(0, config=True, help="Bytes that a user may reserve (0: no limit).")
    asked = Dict(help="Workers asked for, by name of the cluster; heartbeats keep it true.")
    starting = AnyTrait(help="One lock per user: two starts at once must not pass one limit.")

    def _starting_default(self) -> defaultdict[str, asyncio.Lock]:
        return defaultdict(asyncio.Lock)

    async def start_cluster(self, user: Any, cluster_options: Any) -> Any:
        """Refuse a cluster above the limits, and name those that are open."""
        async with self.starting[user.name]:
            active = await self.list_clusters(username=user.name)  # type: ignore[attr-defined]
            self._check_count(active)
            _, config = await self.process_cluster_options(  # type: ignore[attr-defined]
                user, cluster_options
            )
            self._check_room(active, config.to_dict())
            name = await super().start_cluster(user, cluster_options)  # type: ignore[misc]
            await self.counts(name)
            return name

    async def counts(self, cluster_name: str) -> None:
        """Return when a new cluster is among those listed; for backends where that takes a moment."""

    async def get_cluster(self, cluster_name: str, wait: bool = False) -> Any:
        """Return a cluster; its largest size is what its owner may still take."""
        cluster = await super().get_cluster(cluster_name, wait=wait)  # type: ignore[misc]
        if cluster is None:
            return None
        most = await self._most(cluster)
        if most is None:
            return cluster
        seen = copy.copy(cluster)  # a backend may keep the original
        seen.config = {**cluster.config, "cluster_max_workers": most}
        return seen

    async def forward_message_to_scheduler(self, cluster: Any, msg: dict[str, Any]) -> None:
        """Pass a request on, and remember how many workers it asks for."""
        for name in ("count", "minimum", "maximum"):
            _check_number(name, msg.get(name))
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
        _check_number("count", msg.get("count"), optional=False)
        cluster = await super().get_cluster(cluster_name)  # type: ignore[misc]
        if cluster is not None:
            most = await self._most(cluster)
            if most is not None and msg["count"] > most:
                msg = {**msg, "count": most}
            self.asked[cluster_name] = msg["count"]
        await super().on_cluster_heartbeat(cluster_name, msg)  # type: ignore[misc]

    def wanted(self, cluster: Any) -> int:
        """Return how many workers count: those asked for, or those that are there if these are more.

        A tampered scheduler may deny workers that run on.
        """
        return max(self.asked_for(cluster), self.present(cluster))

    def asked_for(self, cluster: Any) -> int:
        """Return how many workers a cluster asks for."""
        return int(self.asked.get(cluster.name, 0))

    def present(self, cluster: Any) -> int:
        """Return how many workers of a cluster there are, whoever wants them."""
        return 0

    def share(self, cluster: Any) -> Share:
        """Return what a cluster reserves with the workers that it asks for."""
        return scheduler_share(cluster.config) + workers_share(cluster.config, self.wanted(cluster))

    def _check_count(self, active: list[Any]) -> None:
        if self.user_max_clusters and len(active) >= self.user_max_clusters:
            raise Refused(
                f"you already have {len(active)} active Dask cluster(s), which is the limit here "
                f"({_names(active)}): close one with geodes_datalab.clusters() first",
                "limit",
            )

    def _check_room(self, active: list[Any], config: Mapping[str, Any]) -> None:
        """Refuse a cluster that could not have a single worker."""
        held = sum((self.share(cluster) for cluster in active), Share())
        need = scheduler_share(config) + workers_share(config, 1)
        for most, has, needs, unit in (
            (self.user_max_cores, held.cores, need.cores, "cores"),
            (self.user_max_memory / GIB, held.memory / GIB, need.memory / GIB, "GiB of memory"),
        ):
            if most and has + needs > most:
                others = f", and your other clusters ({_names(active)}) hold {has:g}" * bool(active)
                cure = "close one with geodes_datalab.clusters() first, or " * bool(active)
                raise Refused(
                    f"a scheduler and one worker need {needs:g} {unit}; you may hold {most:g}{others}: "
                    f"{cure}choose smaller workers",
                    "limit",
                )

    async def _most(self, cluster: Any) -> int | None:
        """Return the workers that a cluster may have given its owner's others; None: any number."""
        active = await self.list_clusters(username=cluster.username)  # type: ignore[attr-defined]
        others = [item for item in active if item.name != cluster.name]
        bounds = [cluster.config.get("cluster_max_workers")]
        if self.user_max_workers:
            bounds.append(self.user_max_workers - sum(self.wanted(item) for item in others))
        held = sum((self.share(item) for item in others), scheduler_share(cluster.config))
        each = workers_share(cluster.config, 1)
        if self.user_max_cores and each.cores:
            bounds.append(int((self.user_max_cores - held.cores) / each.cores + 1e-6))
        if self.user_max_memory and each.memory:
            bounds.append(int((self.user_max_memory - held.memory) / each.memory + 1e-6))
        given = [bound for bound in bounds if bound is not None]
        return max(0, min(given)) if given else None


def _check_number(name: str, value: Any, *, optional: bool = True) -> None:
    """Refuse what is no number of workers; upstream looks at ``scale`` alone."""
    if optional and value is None:
        return
    if type(value) is not int or value < 0:
        raise PublicException(f"{name}={value!r} is no number of workers")


def _names(clusters: list[Any]) -> str:
    return ", ".join(cluster.name for cluster in clusters)
