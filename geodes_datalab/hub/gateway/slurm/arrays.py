"""Workers as tasks of job arrays: one sbatch for many, and one scancel for those that go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dask_gateway_server.backends.db_base import DBBackendBase, JobStatus

from geodes_datalab.hub.gateway.slurm import requests
from geodes_datalab.hub.gateway.slurm.launch import LaunchError
from geodes_datalab.hub.gateway.slurm.queue import number_of

GATHER = 0.3
"""Seconds in which tasks to cancel meet in one scancel."""

RETRY = 5.0
"""Seconds until the next try while Slurm's controller does not answer."""

LONGEST_PAUSE = 120.0
"""Seconds between two tries to have workers that Slurm refuses."""


@dataclass(frozen=True)
class Refusal:
    """Workers that Slurm does not take, such as those over a limit of the account."""

    times: int
    """How often in a row."""
    text: str
    """Slurm's words."""
    until: float
    """Before when it is not asked again (of `time.monotonic`)."""


class ArrayWorkers(DBBackendBase):
    """Part of the backend: submits all missing workers of a cluster at once."""

    settings: Any
    launcher: Any
    watch: Any
    refusals: dict[str, Refusal]
    """Of sbatch, by cluster."""
    submitting: set[str]
    """Clusters for which a submission is under way."""

    def account(self, cluster: Any) -> str:
        """Return the Unix account of a cluster's owner."""
        raise NotImplementedError

    async def accepted(self, cluster: Any, *, array: bool) -> str | None:
        """Return the job of a cluster that Slurm took, though its answer was lost on the way."""
        raise NotImplementedError

    async def _check_cluster_scale(self, cluster: Any) -> None:
        """Submit the workers that are missing, as few arrays as possible."""
        if cluster.worker_start_failure_count >= self.worker_start_failure_limit:
            await super()._check_cluster_scale(cluster)
            return
        refused = self.refusals.get(cluster.name)
        if refused and (left := refused.until - time.monotonic()) > 0:
            self.queue.put_after(cluster, left)
            return
        active = cluster.active_workers()
        for _ in range(cluster.count - len(active)):
            self.db.create_worker(cluster)
        new = [item for item in cluster.active_workers() if item.status == JobStatus.CREATED]
        size = self.settings.array_tasks
        for first in range(0, len(new), size):
            await self._submit_workers(cluster, new[first : first + size])

    async def reconcile_worker(self, worker: Any) -> None:
        """Leave a worker that is not submitted yet to its cluster."""
        if worker.status == JobStatus.CREATED and worker.target == JobStatus.RUNNING:
            self.queue.put(worker.cluster)
            return
        await super().reconcile_worker(worker)

    async def do_stop_worker(self, worker: Any) -> None:
        """Cancel one task."""
        job = worker.state.get("job_id")
        if job is not None and (own := self.watch.own(worker.cluster, [job])):
            await self.cancel(self.account(worker.cluster), own)

    async def cancel(self, account: str, jobs: Iterable[str]) -> None:
        """Cancel jobs of an account; those asked for at about the same time go together.

        Raises
        ------
        LaunchError
            Slurm did not do it.
        """
        gathered = self._gathered.get(account)
        if gathered is None:
            gathered = self._gathered[account] = ([], asyncio.ensure_future(self._flush(account)))
        gathered[0].extend(jobs)
        await asyncio.shield(gathered[1])

    @property
    def _gathered(self) -> dict[str, tuple[list[str], asyncio.Future[None]]]:
        result: dict[str, tuple[list[str], asyncio.Future[None]]]
        result = self.__dict__.setdefault("_gathered_jobs", {})
        return result

    async def _flush(self, account: str) -> None:
        await asyncio.sleep(GATHER)
        jobs = sorted(set(self._gathered.pop(account)[0]))
        for first in range(0, len(jobs), 1000):
            request = {"action": "cancel", "jobs": jobs[first : first + 1000]}
            await self.launcher(account, request)

    async def _submit_workers(self, cluster: Any, workers: list[Any]) -> None:
        request = requests.workers(cluster, [worker.name for worker in workers])
        request["environment"] = self.job_environment(cluster)
        self.submitting.add(cluster.name)
        try:
            told = await self.launcher(self.account(cluster), request)
            await self._note_tasks(cluster, workers, told["job"])
        except LaunchError as error:
            if not error.transient:
                self._refused(cluster, str(error))
                return
            await asyncio.sleep(RETRY)
            job = await self.accepted(cluster, array=True)
            if job is None:
                raise  # the queue of the gateway tries again, with the same workers
            await self._note_tasks(cluster, workers, job)
        finally:
            self.submitting.discard(cluster.name)

    def job_environment(self, cluster: Any) -> dict[str, str]:
        """Return the environment that scheduler and workers need of the gateway."""
        env: dict[str, str] = self.get_env(cluster)
        return env

    async def _note_tasks(self, cluster: Any, workers: list[Any], job: str) -> None:
        self.refusals.pop(cluster.name, None)
        now, late, updates = time.time(), [], []
        for number, worker in enumerate(workers):
            state = {"job_id": f"{job}_{number}", "submitted": now}
            if worker.status >= JobStatus.STOPPED:  # no longer wanted when sbatch answered
                late.append(state["job_id"])
            else:
                updates.append((worker, {"state": state, "status": JobStatus.SUBMITTED}))
        self.db.update_workers(updates)
        for worker, _ in updates:
            if worker.target > JobStatus.RUNNING:
                self.queue.put(worker)
        self.log.info("Job %s: %d workers of cluster %s", job, len(workers), cluster.name)
        if late:
            await self.cancel(self.account(cluster), [str(item) for item in late])

    def _refused(self, cluster: Any, text: str) -> None:
        """Let these workers wait; a cluster that has others goes on and tries again later."""
        before = self.refusals.get(cluster.name)
        times = before.times + 1 if before else 1
        pause = min(LONGEST_PAUSE, 2.0 ** min(times, 10))
        self.refusals[cluster.name] = Refusal(times, text, time.monotonic() + pause)
        self.log.warning("Cluster %s: %s", cluster.name, text)
        if not any(item.status == JobStatus.RUNNING for item in cluster.workers.values()):
            cluster.worker_start_failure_count += 1
        self.queue.put_after(cluster, pause)


def tasks(workers: Iterable[Any]) -> list[str]:
    """Return the arrays of workers that have not ended.

    Parameters
    ----------
    workers
        Records of the gateway.
    """
    living = [worker for worker in workers if worker.status < JobStatus.STOPPED]
    return sorted({number_of(job) for item in living if (job := item.state.get("job_id"))})
