"""Dask Gateway's API on a login node: schedulers and workers are Slurm jobs of their owners."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from dask_gateway_server.backends import db_base
from dask_gateway_server.backends.base import ClusterConfig, PublicException
from dask_gateway_server.backends.db_base import DBBackendBase, JobStatus
from dask_gateway_server.traitlets import Type
from dask_gateway_server.utils import timestamp
from traitlets import Any as AnyTrait
from traitlets import Dict, Integer, Unicode

from geodes_datalab.hub.gateway.extension import DatalabBackend
from geodes_datalab.hub.gateway.limits import PerUserLimits, Refused
from geodes_datalab.hub.gateway.routing import RoutingTable
from geodes_datalab.hub.gateway.slurm import requests, told
from geodes_datalab.hub.gateway.slurm.accounts import Mapping
from geodes_datalab.hub.gateway.slurm.arrays import RETRY, ArrayWorkers, Refusal, tasks
from geodes_datalab.hub.gateway.slurm.launch import Launcher, LaunchError
from geodes_datalab.hub.gateway.slurm.queue import Queue, SlurmAway, number_of
from geodes_datalab.hub.gateway.slurm.watch import Watch

WORDS_SECONDS = 10.0
"""How long a log may take to be read, which says nothing that decides."""


class SlurmConfig(ClusterConfig):
    """What a cluster's jobs ask of Slurm."""

    partition = Unicode("", config=True, help="sbatch --partition")
    qos = Unicode("", config=True, help="sbatch --qos")
    account = Unicode("", config=True, help="sbatch --account")
    constraint = Unicode("", config=True, help="sbatch --constraint")
    gpus = Integer(0, config=True, help="GPUs of each worker")
    minutes = Integer(60, config=True, help="sbatch --time")
    extra = Dict(config=True, help="Further options of sbatch, by name.")


class SlurmBackend(DatalabBackend, PerUserLimits, ArrayWorkers, DBBackendBase):
    """Schedulers and arrays of workers in Slurm's queue, with their owners' accounts."""

    cluster_config_class = Type(
        SlurmConfig, klass="dask_gateway_server.backends.base.ClusterConfig", config=True
    )
    settings = AnyTrait(config=True, help="geodes_datalab.settings.slurm.SlurmGateway")
    supports_bulk_shutdown = True  # one scancel ends a whole cluster

    async def setup(self, app: Any) -> None:
        """Start, with our table of routes in place of upstream's."""
        db_base.Proxy = RoutingTable
        slurm = self.settings
        self.accounts = Mapping(slurm.accounts)
        self.launcher = Launcher(
            (str(slurm.launcher_path),), str(slurm.sudo) if slurm.launcher == "sudo" else ""
        )
        self.slurm_queue = Queue(str(slurm.squeue), f"geodes-datalab-{slurm.instance}")
        self.watch = Watch(self)
        self.refusals: dict[str, Refusal] = {}
        self.submitting: set[str] = set()
        self.notes: dict[str, str] = {}
        await super().setup(app)

    def account(self, cluster: Any) -> str:
        """Return the Unix account of a cluster's owner."""
        return self.accounts.account(cluster.username)

    async def process_cluster_options(self, user: Any, request: Any) -> Any:
        """Refuse a user without an account before anything is started."""
        self.accounts.account(user.name)
        return await super().process_cluster_options(user, request)

    async def check_clusters_loop(self) -> None:
        """Look at the queue, for schedulers and workers alike, for ever."""
        while True:
            await asyncio.sleep(self.settings.look_seconds)
            try:
                await self.watch.once(await self.slurm_queue.look())
            except SlurmAway as error:
                if not self.watch.away:
                    self.log.warning("Slurm does not answer: %s", error)
                self.watch.away = str(error) or "no reason given"
            except Exception:  # one surprise must not end the watch
                self.log.exception("Looking at Slurm's queue failed; going on")

    async def check_workers_loop(self) -> None:
        """Nothing is left to do: `check_clusters_loop` looks at workers too."""

    async def do_start_cluster(self, cluster: Any) -> AsyncIterator[dict[str, Any]]:
        """Submit the scheduler; while Slurm's controller is away, try again."""
        request = requests.scheduler(cluster, heartbeat=self.cluster_heartbeat_period)
        request["environment"] = self.job_environment(cluster)
        self.submitting.add(cluster.name)
        try:
            job = await self._submit(cluster, request)
            account = self.account(cluster)
            yield {**cluster.state, "job_id": job, "submitted": time.time(), "account": account}
        except LaunchError as error:
            self.note_failure(cluster, str(error), "refused")
            raise
        finally:
            self.submitting.discard(cluster.name)
            self.notes.pop(cluster.name, None)

    async def do_stop_cluster(self, cluster: Any) -> None:
        """Cancel first, then tidy; what could not be cancelled is found as a stray later."""
        account = self.account(cluster)
        jobs = [*filter(None, [cluster.state.get("job_id")]), *tasks(cluster.workers.values())]
        try:
            if own := self.watch.own(cluster, jobs):
                await self.cancel(account, own)
        finally:
            await self.launcher(account, {"action": "tidy", "cluster": cluster.name})
        for memory in (self.refusals, self.notes):
            memory.pop(cluster.name, None)

    async def on_cluster_heartbeat(self, cluster_name: str, msg: dict[str, Any]) -> None:
        """Take a scheduler's sign of life; one that Slurm has forgotten is told to end.

        Raises
        ------
        PublicException
            The cluster is over, or another scheduler than this one was taken for it.
        """
        cluster = self.db.get_cluster(cluster_name)
        runs = cluster is not None and cluster.status == JobStatus.RUNNING == cluster.target
        if runs and msg["scheduler_address"] != cluster.scheduler_address:
            text = f"Slurm started the scheduler's job {cluster.state.get('job_id')} a second time"
            self.fail(cluster, f"{text}: what was computed is lost", "restarted")
        if cluster is None or cluster.target > JobStatus.RUNNING:
            raise PublicException(f"cluster {cluster_name} is over")
        await super().on_cluster_heartbeat(cluster_name, msg)

    def fail(self, cluster: Any, text: str, reason: str) -> None:
        """End a cluster, with the reason in words for its owner."""
        self.log.info("Cluster %s failed: %s", cluster.name, text)
        self.note_failure(cluster, text, reason)
        self.db.update_cluster(cluster, target=JobStatus.FAILED)
        self.queue.put(cluster)

    def note_failure(self, cluster: Any, text: str, reason: str) -> None:
        """Keep why a cluster failed where a restart of the gateway finds it."""
        self.metrics.failed.labels(reason=reason).inc()
        state = {**cluster.state, "failure": {"reason": reason, "text": text}}
        self.db.update_cluster(cluster, state=state)

    async def last_words(self, cluster: Any) -> str:
        """Return the end of a cluster's newest log; nothing where it cannot be read."""
        try:
            request = {"action": "log", "cluster": cluster.name}
            account = self.account(cluster)
            told = await self.launcher(account, request, seconds=WORDS_SECONDS)
        except (LaunchError, Refused):
            return ""
        result = str(told["words"])
        return f"; its last words:\n{result}" if result else ""

    def ended(self, name: str) -> bool:
        """Tell whether no cluster of a name runs."""
        cluster = self.db.get_cluster(name)
        return cluster is None or cluster.status >= JobStatus.STOPPED

    async def waiting(self, cluster: Any) -> dict[str, Any]:
        """Return queue, losses, failure and cost of a cluster."""
        known = self.db.get_cluster(cluster.name)
        return await told.waiting(self, known) if known else await super().waiting(cluster)

    def active(self) -> list[Any]:
        """Return the clusters that are starting or running."""
        return [cluster.to_model() for cluster in self.db.active_clusters()]

    def present(self, cluster: Any) -> int:
        """Return how many workers of a cluster are submitted or run."""
        known = self.db.get_cluster(cluster.name)
        return len(known.active_workers()) if known is not None else 0

    def details(self, cluster: Any) -> dict[str, Any]:
        """Return running and waiting workers."""
        known = self.db.get_cluster(cluster.name)
        workers = known.active_workers() if known is not None else []
        running = sum(item.status == JobStatus.RUNNING for item in workers)
        return {"running": running, "pending": len(workers) - running}

    async def _check_cluster_scale(self, cluster: Any) -> None:
        if cluster.worker_start_failure_count >= self.worker_start_failure_limit:
            refused = self.refusals.get(cluster.name)
            told = refused.text if refused else await self.last_words(cluster)
            text = "its workers do not start" + (told if told.startswith(";") else f": {told}")
            self.note_failure(cluster, text.removesuffix(": "), "workers")
        await super()._check_cluster_scale(cluster)

    async def _submit(self, cluster: Any, request: dict[str, Any]) -> str:
        while True:
            try:
                told = await self.launcher(self.account(cluster), request)
            except LaunchError as error:
                if not error.transient or cluster.target > JobStatus.RUNNING or self.queue.closed:
                    raise
                self.notes[cluster.name] = str(error)
                await asyncio.sleep(RETRY)
                if job := await self.accepted(cluster, array=False):
                    return job
            else:
                return str(told["job"])

    async def accepted(self, cluster: Any, *, array: bool) -> str | None:
        """Return the job of a cluster that Slurm took, though its answer was lost on the way."""
        try:
            look = await self.slurm_queue.look()
        except SlurmAway:
            return None
        known = set(tasks(cluster.workers.values()))
        result = [job for job in look.of(cluster.name, self.account(cluster)) if job.alive]
        new = {number_of(job.id) for job in result if ("_" in job.id) is array} - known
        return min(new, default=None)

    async def _check_timeouts(self) -> None:
        """Give up what was silent for too long, with words for its owner."""
        now = timestamp()
        for cluster in list(self.db.active_clusters()):
            waited = (now - cluster.start_time) / 1000
            silent = (now - (cluster.last_heartbeat or now)) / 1000
            if cluster.status == JobStatus.SUBMITTED and waited > self.cluster_start_timeout:
                text = f"it did not start within {self.cluster_start_timeout / 3600:g} hours"
                self.fail(cluster, text, "late")
            elif cluster.status == JobStatus.RUNNING and silent > self.cluster_heartbeat_timeout:
                text = f"its scheduler gave no sign of life for {silent:.0f} s"
                self.fail(cluster, text + await self.last_words(cluster), "silent")
        await super()._check_timeouts()
