"""Follow all jobs of the gateway by one look at the queue at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from dask_gateway_server.backends.db_base import JobStatus
from dask_gateway_server.utils import timestamp

from geodes_datalab.hub.gateway.slurm import words
from geodes_datalab.hub.gateway.slurm.launch import LaunchError
from geodes_datalab.hub.gateway.slurm.queue import Job, Look, core_seconds, number_of

SETTLED = 10.0
"""Seconds after a submission from which a job must be in the queue."""


@dataclass
class Watch:
    """What the looks at the queue told; one for each gateway."""

    backend: Any
    look: Look = field(default_factory=lambda: Look(0.0))
    away: str = ""
    """Why Slurm does not answer, if so."""
    used: defaultdict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    """Core seconds by job, by cluster."""
    lost: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Ends of workers that nobody wanted, in words, by cluster."""
    _told: set[str] = field(default_factory=set)
    _strays: set[str] = field(default_factory=set)
    _left: set[str] = field(default_factory=set)
    """Strays that the launcher may not cancel: of accounts that are none of the datalab's."""

    async def once(self, look: Look) -> None:
        """Compare the records of the gateway with a look at the queue.

        Parameters
        ----------
        look
            The newest.
        """
        self.look, self.away = look, ""
        for cluster in list(self.backend.db.active_clusters()):
            if cluster.status in (JobStatus.SUBMITTED, JobStatus.RUNNING):
                with self._apart(f"cluster {cluster.name}"):
                    self._count(cluster)
                    await self._scheduler(cluster)
        for cluster in list(self.backend.db.active_clusters()):
            if cluster.status == JobStatus.RUNNING:
                with self._apart(f"workers of {cluster.name}"):
                    self._workers(cluster)
        with self._apart("jobs that belong to nothing"):
            await self._end_strays()

    @contextmanager
    def _apart(self, what: str) -> Iterator[None]:
        """Let the trouble with one cluster be no trouble of the others."""
        try:
            yield
        except Exception:
            self.backend.log.exception("Looking at %s failed; going on with the others", what)

    def core_hours(self, cluster: Any) -> float:
        """Return what the jobs of a cluster have used so far."""
        known: dict[str, int] = {
            **cluster.state.get("core_seconds", {}),
            **self.used.get(cluster.name, {}),
        }
        return sum(known.values()) / 3600

    def job(self, record: Any) -> Job | None:
        """Return the job of a cluster's scheduler or of a worker, as it was seen last."""
        job = self.look.jobs.get(record.state.get("job_id", ""))
        return job if job is not None and job.cluster == _cluster(record).name else None

    def own(self, cluster: Any, jobs: Iterable[str]) -> list[str]:
        """Return the jobs that are not another cluster's by now.

        A controller that crashes forgets the jobs of its last seconds, and gives their numbers again.

        Parameters
        ----------
        cluster
            Its record.
        jobs
            Numbers that Slurm gave to its jobs.
        """
        owners = self.look.clusters
        return [job for job in jobs if owners.get(number_of(job), cluster.name) == cluster.name]

    def forgotten(self, record: Any) -> bool:
        """Tell whether Slurm must know a record's job and does not."""
        state = record.state
        return (
            self.job(record) is None
            and self.look.began > state.get("submitted", float("inf")) + SETTLED
        )

    def _count(self, cluster: Any) -> None:
        used = self.used[cluster.name]
        before = sum(used.values())
        used.update(cluster.state.get("core_seconds", {}) if not used else {})
        used.update(core_seconds(self.look.of(cluster.name, cluster.state.get("account"))))
        if sum(used.values()) > before * 1.02 + 60:  # a restart of the gateway forgets the rest
            state = {**cluster.state, "core_seconds": dict(used)}
            self.backend.db.update_cluster(cluster, state=state)

    async def _scheduler(self, cluster: Any) -> None:
        job = self.job(cluster)
        waits = cluster.status == JobStatus.SUBMITTED
        if job is not None and not job.alive:
            text = f"the scheduler's job {job.id} {words.ended(job.state, job.nodes)}"
            if job.state in ("FAILED", "COMPLETED"):
                text += await self.backend.last_words(cluster)
            self.backend.fail(cluster, text, job.state.lower())
        elif job is None and waits and self.forgotten(cluster):
            text = f"the scheduler's job {cluster.state.get('job_id')} {words.ended(None)}"
            self.backend.fail(cluster, text, "forgotten")
        elif job is not None and waits and self._silent(job):
            text = (
                f"the scheduler's job {job.id} runs on {job.nodes} since {job.seconds} s, but the "
                f"gateway has not heard of it at {self.backend.api_url}: tell the administrator"
            ) + await self.backend.last_words(cluster)
            self.backend.fail(cluster, text, "silent")
        elif job is not None and job.state in ("SUSPENDED", "STOPPED"):
            cluster.last_heartbeat = timestamp()  # it cannot give a sign of life

    def _workers(self, cluster: Any) -> None:
        updates, blamed = [], set()
        for worker in list(cluster.workers.values()):
            job = self.job(worker)
            if job is not None and not job.alive:
                self._note_lost(cluster, worker, job)
            if not worker.is_active() or worker.status != JobStatus.SUBMITTED:
                continue
            silent = job is not None and job.alive and self._silent(job)
            if silent or self.forgotten(worker) or (job is not None and not job.alive):
                updates.append((worker, {"target": JobStatus.FAILED}))
                if job is not None and silent:
                    self._note_silent(cluster, job)
                if job is None or silent or job.state not in words.FORGIVEN:
                    blamed.add(number_of(worker.state["job_id"]))
        self.backend.db.update_workers(updates)
        cluster.worker_start_failure_count += len(blamed)
        for worker, _ in updates:
            self.backend.queue.put(worker)
        if updates or cluster.count > len(cluster.active_workers()):
            self.backend.queue.put_after(cluster, 1.0)

    def _silent(self, job: Job) -> bool:
        return job.state == "RUNNING" and job.seconds > self.backend.settings.start_seconds

    def _note_lost(self, cluster: Any, worker: Any, job: Job) -> None:
        """Remember the end of a worker that was not asked to go."""
        if job.id in self._told or job.state == "COMPLETED":
            return
        self._told.add(job.id)
        if not worker.close_expected and worker.target != JobStatus.STOPPED:
            self.lost[cluster.name][f"its job {words.ended(job.state, job.nodes)}"] += 1

    def _note_silent(self, cluster: Any, job: Job) -> None:
        """Remember why the gateway itself ends a worker."""
        self._told.add(job.id)
        seconds = self.backend.settings.start_seconds
        text = f"its job ran on {job.nodes}, but it did not report within {seconds:g} s"
        self.lost[cluster.name][text] += 1

    async def _end_strays(self) -> None:
        """Cancel jobs of this gateway that belong to nothing, seen in two looks one after another."""
        known = self._known()
        strays = {
            job.id: job
            for job in self.look.jobs.values()
            if job.alive
            and job.state != "COMPLETING"
            and (job.cluster, job.id) not in known
            and job.id not in self._left
            and job.cluster not in self.backend.submitting
        }
        due = [strays[item] for item in strays.keys() & self._strays]
        self._strays = set(strays)
        by_account: dict[str, list[Job]] = {}
        for job in due:
            by_account.setdefault(job.account, []).append(job)
        for account, jobs in by_account.items():
            await self._end(account, jobs)

    async def _end(self, account: str, jobs: list[Job]) -> None:
        self.backend.log.warning(
            "Cancelling %d jobs of %s that belong to no cluster", len(jobs), account
        )
        try:
            await self.backend.cancel(account, [job.id for job in jobs])
            for name in {job.cluster for job in jobs}:
                if self.backend.ended(name):
                    await self.backend.launcher(account, {"action": "tidy", "cluster": name})
        except LaunchError as error:
            self.backend.log.warning("Jobs of %s are not cancelled: %s", account, error)
            if not error.transient:
                self._left |= {job.id for job in jobs}
        else:
            self.backend.metrics.reaped.inc(len(jobs))

    def _known(self) -> set[tuple[str, str]]:
        """Return clusters and jobs that records of the gateway stand for."""
        result = set()
        for cluster in self.backend.db.name_to_cluster.values():
            if cluster.status < JobStatus.STOPPED:
                result.add((cluster.name, cluster.state.get("job_id")))
                living = [
                    item for item in cluster.workers.values() if item.status < JobStatus.STOPPED
                ]
                result |= {(cluster.name, item.state.get("job_id")) for item in living}
        return result


def _cluster(record: Any) -> Any:
    """Return the cluster of a worker's record, or the record if it is a cluster's."""
    return getattr(record, "cluster", record)
