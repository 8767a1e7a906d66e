"""The controller: makes pods, Services and Secrets of DaskCluster objects, and says why pods wait.

Run as ``python -m geodes_datalab.hub.gateway.kubernetes.controller --config FILE``. It writes into the
status of each DaskCluster, besides upstream's fields:

``waiting``
    ``[{component, reason, text, count}]``: pods that do not run, or could not be made.
``lost``
    The same of processes that ended badly, whether or not they run again.
``workers``
    ``{running, pending}``.
``failure``
    ``{reason, text}`` of a cluster that failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from dask_gateway_server.backends.kubernetes import controller
from dask_gateway_server.backends.kubernetes.controller import KubeController
from kubernetes_asyncio.client.rest import ApiException
from traitlets import Dict, Unicode

from geodes_datalab.hub.gateway.kubernetes import informers
from geodes_datalab.hub.gateway.kubernetes.pods import with_threads
from geodes_datalab.hub.gateway.kubernetes.reasons import (
    Reason,
    grouped,
    pod_loss,
    pod_reason,
    refusal,
)

ROUTE = "gateway-proxy"
"""What stands in a status where upstream names an IngressRoute."""

HTTP_INSIDE = "127.0.0.1:8787"
"""Where a worker's own HTTP server listens: packets of other users' workers may reach its pod."""

Pod = dict[str, Any]
Status = dict[str, Any]


class KubernetesController(KubeController):
    """Watches one namespace, makes no Traefik objects, and explains."""

    aliases: ClassVar[dict[str, str]] = {
        **KubeController.aliases,
        "f": "KubernetesController.config_file",
        "config": "KubernetesController.config_file",
        "log-level": "KubernetesController.log_level",
    }

    watched_namespace = Unicode(config=True, help="Where all clusters are.")
    refused = Dict(help="Why the last pod was not created: cluster -> Reason.")
    failures = Dict(help="Why clusters failed, remembered: their pods are gone a moment later.")
    losses = Dict(help="Processes that ended badly: cluster -> (pod -> (Reason, how often)).")

    async def setup(self) -> None:
        """Start with informers of one namespace."""
        informers.install()
        await super().setup()

    async def reconcile_cluster(self, cluster_key: str) -> bool:
        """Handle a cluster, and write its status unless the object has changed meanwhile.

        Upstream writes in any case: a status made from what the informer knew a moment ago would
        bring an ended cluster back. A change comes as an event, and with it the next try.
        """
        cluster = self.informers["cluster"].get(cluster_key)
        if cluster is None:
            return False
        status, requeue = await self.handle_cluster(cluster)
        if status is not None and status != cluster.get("status"):
            await self._write(cluster, status)
        return requeue

    async def handle_cluster(self, cluster: dict[str, Any]) -> tuple[Status | None, bool]:
        """Bring a cluster closer to what is wanted, and write down what it waits for."""
        key = _key(cluster)
        before = list(self._pods(key))
        try:
            status, requeue = await super().handle_cluster(self._named(cluster))
        except ApiException as error:
            if key not in self.refused or error.status not in (403, 422):
                raise
            status, requeue = self._pending(cluster), True
        if status is not None:
            status = self._explained(key, cluster, status)
            if status.get("phase") == "Failed":
                status["failure"] = self.failures.setdefault(key, _failure(before))
        return status, requeue

    async def create_scheduler_pod_if_not_exists(self, cluster: dict[str, Any]) -> Any:
        """Create the scheduler's pod; remember a refusal."""
        key = _key(cluster)
        try:
            made = await super().create_scheduler_pod_if_not_exists(cluster)
        except ApiException as error:
            self.refused[key] = refusal("scheduler", error.status, error.body)
            raise
        self.refused.pop(key, None)
        return made

    async def create_pod(self, namespace: str, pod: Pod, info: Any = None) -> Any:
        """Create a worker's pod; remember a refusal."""
        key = f"{namespace}.{pod['metadata']['labels']['gateway.dask.org/cluster']}"
        try:
            made = await super().create_pod(namespace, pod, info)
        except ApiException as error:
            self.refused[key] = refusal("worker", error.status, error.body)
            raise
        self.refused.pop(key, None)
        return made

    async def handle_scale_down(
        self, cluster: dict[str, Any], sched_pod: Pod, info: Any, replicas: int, delta: int
    ) -> Any:
        """Delete the pods that wait in vain; upstream counts them from the wrong end.

        Upstream takes ``list(pending)[:delta]`` with a negative ``delta``: of three pods none goes when
        three should.
        """
        return await super().handle_scale_down(cluster, sched_pod, info, replicas, -delta)

    def get_worker_command(self, namespace: str, cluster_name: str, config: Any) -> list[str]:
        """Return a worker's command; its HTTP server, which asks nobody who comes, stays inside."""
        command: list[str] = super().get_worker_command(namespace, cluster_name, config)
        where = command.index("--dashboard-address") + 1
        return [*command[:where], HTTP_INSIDE, *command[where + 1 :]]

    def make_pod(
        self, namespace: str, cluster_name: str, config: Any, is_worker: bool = False
    ) -> Pod:
        """Return a pod; its libraries are told how many cores it may use, not how many it sees."""
        pod: Pod = super().make_pod(namespace, cluster_name, config, is_worker)
        first, *others = pod["spec"]["containers"]
        dask = config.worker_threads if is_worker else None
        pod["spec"]["containers"] = [with_threads(first, dask), *others]
        return pod

    async def create_ingressroute_if_not_exists(
        self, cluster: dict[str, Any], sched_pod: Pod
    ) -> str:
        """Name who routes instead of making a Traefik object."""
        return ROUTE

    async def create_ingressroutetcp_if_not_exists(
        self, cluster: dict[str, Any], sched_pod: Pod
    ) -> str:
        """Name who routes instead of making a Traefik object."""
        return ROUTE

    def on_pod_update(self, pod: Pod, old: Pod | None = None) -> None:
        """Follow a pod, also one without any container yet, and its reasons."""
        super().on_pod_update(pod, old)
        key = controller.get_cluster_key(pod)
        if key is None:
            return
        self._note_loss(key, pod)
        info = self.cluster_info[key]
        name = pod["metadata"]["name"]
        if _waits_unscheduled(pod) and name not in info.all_pods:
            info.on_worker_pending(name)  # upstream overlooks it, and waits ten minutes for it
        before = (pod_reason(old), pod_loss(old)) if old else (None, None)
        if (pod_reason(pod), pod_loss(pod)) != before and key not in self.stopped_clusters:
            self.queue.put(key)

    def on_pod_delete(self, pod: Pod) -> None:
        """Follow the end of a pod, which nothing waits for any more."""
        super().on_pod_delete(pod)
        key = controller.get_cluster_key(pod)
        if key is not None and key not in self.stopped_clusters:
            self.queue.put(key)

    def on_cluster_delete(self, cluster: dict[str, Any]) -> None:
        """Forget a cluster."""
        super().on_cluster_delete(cluster)
        key = _key(cluster)
        for memory in (self.refused, self.losses, self.failures, self.cluster_info):
            memory.pop(key, None)

    async def _write(self, cluster: dict[str, Any], status: Status) -> None:
        meta = cluster["metadata"]
        place = ("gateway.dask.org", self.crd_version, meta["namespace"], "daskclusters")
        version = {"op": "test", "path": "/metadata/resourceVersion"}
        patch = [
            {**version, "value": meta["resourceVersion"]},
            {"op": "add", "path": "/status", "value": status},
        ]
        write = self.custom_client.patch_namespaced_custom_object_status
        try:
            await write(*place, meta["name"], patch)
        except ApiException as error:
            if error.status not in (404, 409, 422):
                raise
            self.log.debug("%s has changed meanwhile: %s", _key(cluster), error.status)

    def _named(self, cluster: dict[str, Any]) -> dict[str, Any]:
        """Return a cluster that is to end with all it may have: its status may not say so yet."""
        if cluster["spec"].get("active", True):
            return cluster
        name = cluster["metadata"]["name"]
        made = {
            "schedulerPod": f"dask-scheduler-{name}",
            "credentials": self.make_secret_name(name),
        }
        return {**cluster, "status": {**made, **cluster.get("status", {})}}

    def _explained(self, key: str, cluster: dict[str, Any], status: Status) -> Status:
        """Return a status with what the cluster waits for, or why it failed."""
        told = {name: value for name, value in status.items() if name not in ("waiting", "workers")}
        pods = list(self._pods(key))
        losses = self.losses.get(key, {}).values()
        if losses:
            counted = [loss for loss, count in losses for _ in range(count)]
            told["lost"] = grouped(counted)
        if status.get("phase") not in ("Pending", "Running"):
            return told
        workers = [pod for pod in pods if _is_worker(pod)]
        running = sum(pod["status"].get("phase") == "Running" for pod in workers)
        pending = sum(pod["status"].get("phase") == "Pending" for pod in workers)
        told["workers"] = {"running": running, "pending": pending}
        missing = cluster["spec"].get("replicas", 0) - running - pending
        told["waiting"] = grouped(self._waits(key, pods, missing))
        return told

    def _waits(self, key: str, pods: list[Pod], missing: int) -> Iterator[Reason]:
        yield from filter(None, map(pod_reason, pods))
        refused = self.refused.get(key)
        if refused is None:
            return
        if refused.component == "scheduler":  # a second try may be refused although the first came
            missing = int(all(map(_is_worker, pods)))
        yield from [refused] * missing

    def _pending(self, cluster: dict[str, Any]) -> Status:
        """Return the status of a cluster whose scheduler could not be made."""
        name = cluster["metadata"]["name"]
        status = dict(cluster.get("status", {}))
        status.setdefault("phase", "Pending")
        status["credentials"] = self.make_secret_name(name)
        return status

    def _pods(self, key: str) -> Iterator[Pod]:
        for pod in self.informers["pod"].cache.values():
            if controller.get_cluster_key(pod) == key:
                yield pod

    def _note_loss(self, key: str, pod: Pod) -> None:
        result = pod_loss(pod)
        if result and _is_worker(pod):
            self.losses.setdefault(key, {})[pod["metadata"]["name"]] = result


def _key(cluster: dict[str, Any]) -> str:
    return f"{cluster['metadata']['namespace']}.{cluster['metadata']['name']}"


def _failure(pods: list[Pod]) -> dict[str, str]:
    """Return why a cluster has no scheduler any more."""
    text = "the scheduler's pod was removed, as it is when its machine fails"
    for pod in pods:
        result = None if _is_worker(pod) else pod_reason(pod)
        if result and result.reason != "starting":
            return {"reason": result.reason, "text": f"the scheduler: {result.text}"}
        if pod["status"].get("phase") == "Succeeded":
            text = "the scheduler ended by itself"
    return {"reason": "scheduler_lost", "text": text}


def _is_worker(pod: Pod) -> bool:
    return bool(pod["metadata"]["labels"]["app.kubernetes.io/component"] == "dask-worker")


def _waits_unscheduled(pod: Pod) -> bool:
    status = pod["status"]
    started = status.get("containerStatuses")
    return _is_worker(pod) and status.get("phase") == "Pending" and not started


main = KubernetesController.launch_instance

if __name__ == "__main__":
    main()
