"""What the notebook is told of a cluster's jobs."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import datetime
from typing import Any

from dask_gateway_server.backends.db_base import JobStatus

from geodes_datalab.hub.gateway.slurm import words
from geodes_datalab.hub.gateway.slurm.queue import Job, SlurmAway


async def waiting(backend: Any, cluster: Any) -> dict[str, Any]:
    """Return what a cluster waits for, what it lost, why it failed, and what it has cost.

    Parameters
    ----------
    backend
        The gateway's.
    cluster
        Its record.
    """
    workers = [item for item in cluster.workers.values() if item.status < JobStatus.STOPPED]
    result = await _scheduler(backend, cluster)
    result += await _workers(backend, cluster, workers)
    return {
        "status": cluster.model_status.name,
        "queued": bool(result) and cluster.is_active(),
        "workers": {
            "wanted": cluster.count,
            "running": sum(item.status == JobStatus.RUNNING for item in workers),
            "pending": sum(item.status < JobStatus.RUNNING for item in workers),
        },
        "waiting": result if cluster.is_active() else [],
        "lost": [
            {"component": "worker", "count": count, "reason": "lost", "text": text}
            for text, count in backend.watch.lost.get(cluster.name, Counter()).items()
        ],
        "failure": cluster.state.get("failure"),
        "core_hours": round(backend.watch.core_hours(cluster), 4),
    }


async def _scheduler(backend: Any, cluster: Any) -> list[dict[str, Any]]:
    if cluster.status > JobStatus.SUBMITTED:
        job = backend.watch.job(cluster)
        odd = words.state(job.state) if job is not None else None
        return [_entry("scheduler", 1, "state", f"its job {odd}")] if odd else []
    note = backend.notes.get(cluster.name) or backend.watch.away
    if note:
        return [_entry("scheduler", 1, "slurm", f"Slurm does not answer just now ({note})")]
    job = backend.watch.job(cluster)
    if job is None:
        return [_entry("scheduler", 1, "submitted", "it was handed to Slurm")]
    if job.state == "RUNNING":
        return [_entry("scheduler", 1, "starting", f"it is starting on {job.nodes}")]
    return [_entry("scheduler", 1, _code(job), await _text(backend, job))]


async def _workers(backend: Any, cluster: Any, workers: list[Any]) -> list[dict[str, Any]]:
    result = []
    refusal = backend.refusals.get(cluster.name)
    missing = sum(item.status == JobStatus.CREATED for item in workers)
    if refusal and missing:
        result.append(_entry("worker", missing, "refused", refusal.text))
    groups: dict[tuple[str, str], list[Job]] = {}
    for worker in workers:
        job = backend.watch.job(worker)
        if job is not None and job.alive and job.state not in ("RUNNING", "COMPLETING"):
            groups.setdefault((job.state, job.reason), []).append(job)
    waits = list(groups.values())
    texts = [await _text(backend, jobs[0]) for jobs in waits]
    return result + [
        _entry("worker", len(jobs), _code(jobs[0]), text)
        for jobs, text in zip(waits, texts, strict=True)
    ]


async def _text(backend: Any, job: Job) -> str:
    """Return state, reason, position and expected start in words."""
    odd = words.state(job.state)
    if odd:
        return f"its job {odd}"
    text = words.reason(job.reason)
    with suppress(SlurmAway):
        place, length = await backend.slurm_queue.place(job)
        text = f"position {place} of {length} in the queue {job.partition}: {text}"
    if job.start is not None:
        text += f"; expected start {_clock(job.start)}"
    return text


def _clock(moment: datetime) -> str:
    """Return a time of the centre; with the date when it is another day's."""
    today = datetime.now().date()  # noqa: DTZ005  # Slurm's times are the centre's local ones too
    return moment.strftime("%H:%M" if moment.date() == today else "%Y-%m-%d %H:%M")


def _code(job: Job) -> str:
    key = job.reason.strip("()").split(",", maxsplit=1)[0]
    return words.LASTING.get(key, "queue")


def _entry(component: str, count: int, reason: str, text: str) -> dict[str, Any]:
    return {"component": component, "count": count, "reason": reason, "text": text}
