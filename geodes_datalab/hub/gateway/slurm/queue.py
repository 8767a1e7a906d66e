"""One look at Slurm for all clusters, instead of one for each job."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from geodes_datalab.hub.gateway.slurm.words import ALIVE

FORMAT = "%i|%T|%r|%S|%M|%C|%N|%u|%P|%Q|%k"
MARK = re.compile(r"geodes-datalab:([0-9a-f]{32})")
"""Comment of all jobs of a cluster."""

SECONDS = 60.0
"""How long squeue may take."""


@dataclass(frozen=True)
class Job:
    """A job, or one task of an array."""

    id: str
    state: str
    reason: str
    start: datetime | None
    """When it started or, while it waits, is expected to (local time of the centre)."""
    seconds: int
    """How long it has run."""
    cpus: int
    nodes: str
    account: str
    """Unix account."""
    partition: str
    priority: int
    cluster: str
    """Name of the cluster."""

    @property
    def alive(self) -> bool:
        """Whether it runs or may run."""
        return self.state in ALIVE


@dataclass(frozen=True)
class Look:
    """All jobs of one gateway, as they were."""

    began: float
    """Seconds since 1970."""
    jobs: dict[str, Job] = field(default_factory=dict)

    def of(self, cluster: str, account: str | None = None) -> list[Job]:
        """Return the jobs of a cluster; with an account, those of that one only."""
        return [
            job
            for job in self.jobs.values()
            if job.cluster == cluster and account in (None, job.account)
        ]

    @cached_property
    def clusters(self) -> dict[str, str]:
        """Whose each number of a job is; the tasks of an array share one."""
        return {number_of(job.id): job.cluster for job in self.jobs.values()}


class SlurmAway(Exception):
    """Slurm does not answer just now."""


@dataclass
class Queue:
    """Asks ``squeue``; never in a shell."""

    squeue: str
    job_name: str
    _pending: tuple[float, list[tuple[str, int]]] = (0.0, [])

    async def look(self) -> Look:
        """Return the jobs that bear this gateway's name.

        Raises
        ------
        SlurmAway
            No answer.
        """
        began = time.time()
        lines = await self._ask(
            f"--name={self.job_name}", "--states=all", "--array", f"--format={FORMAT}"
        )
        result = [job for line in lines if (job := parse(line)) is not None]
        return Look(began, {job.id: job for job in result})

    async def place(self, job: Job, *, patience: float = 10.0) -> tuple[int, int]:
        """Return a waiting job's position in its partition's queue, and that queue's length.

        Parameters
        ----------
        job
            Which.
        patience
            Seconds for which an earlier answer serves.
        """
        if time.monotonic() - self._pending[0] > patience:
            lines = await self._ask("--states=PENDING", "--format=%P|%Q")
            pairs = [line.split("|") for line in lines if line.count("|") == 1]
            known = [(name, int(value)) for name, value in pairs if value.isdecimal()]
            self._pending = (time.monotonic(), known)
        others = [priority for name, priority in self._pending[1] if name == job.partition]
        return sum(item > job.priority for item in others) + 1, max(1, len(others))

    async def _ask(self, *arguments: str) -> list[str]:
        try:
            process = await asyncio.create_subprocess_exec(
                self.squeue,
                "--noheader",
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            async with asyncio.timeout(SECONDS):
                out, err = await process.communicate()
        except OSError as error:
            raise SlurmAway(f"{self.squeue}: {error.strerror}") from error
        except TimeoutError:
            process.kill()
            raise SlurmAway(f"squeue did not answer within {SECONDS:g} s") from None
        if process.returncode:
            raise SlurmAway(err.decode("utf-8", "replace").strip()[-300:])
        return out.decode("utf-8", "replace").splitlines()


def parse(line: str) -> Job | None:
    """Return a line of squeue; None for what is not a cluster's.

    Examples
    --------
    >>> mark = "geodes-datalab:" + 32 * "a"
    >>> job = parse(f"7_2|RUNNING|None|2026-01-01T00:00:00|1-00:00:10|2|n1|ada|normal|12|{mark}")
    >>> job.id, job.seconds, job.cpus, job.alive
    ('7_2', 86410, 2, True)
    """
    cells = line.split("|")
    mark = MARK.fullmatch(cells[-1].strip())
    if mark is None or len(cells) != len(FORMAT.split("|")):
        return None
    job, state, reason, start, elapsed, cpus, nodes, user, partition, priority, _ = cells
    return Job(
        id=job,
        state=state.split(maxsplit=1)[0],
        reason=reason,
        start=_moment(start),
        seconds=_duration(elapsed),
        cpus=_whole(cpus),
        nodes=nodes,
        account=user,
        partition=partition,
        priority=_whole(priority),
        cluster=mark[1],
    )


def number_of(job: str) -> str:
    """Return the number of a job, without that of a task in its array.

    Examples
    --------
    >>> number_of("7_2"), number_of("7")
    ('7', '7')
    """
    return job.partition("_")[0]


def core_seconds(jobs: Sequence[Job]) -> dict[str, int]:
    """Return what jobs have used so far: processors times seconds, by job."""
    return {job.id: job.cpus * job.seconds for job in jobs if job.seconds}


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _duration(text: str) -> int:
    """Return ``[days-][hours:]minutes:seconds`` in seconds; 0 where it is none."""
    days, _, rest = text.rpartition("-")
    parts = rest.split(":")
    if not all(part.isdecimal() for part in parts) or (days and not days.isdecimal()):
        return 0
    total = 0
    for part in parts:
        total = total * 60 + int(part)
    return total + int(days or 0) * 86400


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() else 0
