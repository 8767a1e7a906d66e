"""Dask clusters of processes on this machine, or on what a pod may use of it."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from geodes_datalab import _limits
from geodes_datalab._display import size
from geodes_datalab._optional import have
from geodes_datalab.compute import links, tls
from geodes_datalab.compute.request import Request
from geodes_datalab.errors import ClusterError

LEAST_MEMORY = 2**29
"""Bytes below which a worker with the usual libraries does little but spill."""


ROOM = 2**28
"""Bytes that are left at least to what runs beside the workers."""

WORKERS = 4
"""How many there are by default."""


class MachineBackend:
    """A `distributed.LocalCluster` that listens on loopback only, with TLS where possible."""

    kind = "local"
    cure = "restart the kernel: packages were changed after it had started"

    def __init__(self, cluster: Any, limit: int, reason: str) -> None:
        self._cluster = cluster
        self._limit = limit
        self._reason = reason
        self.name: str = str(cluster.name)

    def dashboard_link(self) -> str | None:
        """Return where a browser finds the dashboard; None where Bokeh is not installed."""
        port = self._cluster.scheduler_info.get("services", {}).get("dashboard")
        return links.local_dashboard(port) if port else None

    def connect(self) -> Any:
        """Return a client, registered as the current one."""
        from distributed import Client

        return Client(self._cluster)

    def scale(self, workers: int) -> tuple[int, str | None]:
        """Start or stop worker processes."""
        allowed = min(workers, self._limit)
        self._cluster.scale(allowed)
        return allowed, self._reason if allowed < workers else None

    def adapt(self, low: int, high: int) -> tuple[int, str | None]:
        """Start worker processes as work comes."""
        allowed = min(low, self._limit)
        self._cluster.adapt(minimum=allowed, maximum=min(high, self._limit))
        return allowed, self._reason if high > self._limit else None

    def failure(self) -> str | None:
        """Return why no further workers can come."""
        status = self._cluster.status.name
        return None if status == "running" else f"the local cluster is {status}"

    def waiting_for(self) -> str:
        """Return what is known of workers that did not come."""
        ended = [w for w in self._cluster.workers.values() if w.status.name in ("failed", "closed")]
        if ended:
            return f"{len(ended)} worker process(es) ended at once; what they said stands above"
        load = os.getloadavg()[0]
        return f"worker processes are still starting (load of this machine: {load:.1f})"

    def reasons(self) -> str | None:
        """Return nothing: what keeps a process from starting is not known before it ended."""
        return None

    def queued(self) -> bool:
        """Tell that there is no queue."""
        return False

    def close(self) -> None:
        """Stop all processes."""
        self._cluster.close()


def scratch() -> str:
    """Return a folder for temporary files that no other account of this machine has made.

    Dask imports modules from it, and would take a folder in ``/tmp`` that anybody may have made.
    """
    name = f"geodes-datalab-{os.getuid()}"
    folder = Path(tempfile.gettempdir(), name)
    with suppress(FileExistsError):
        folder.mkdir(0o700)
    result = folder.lstat()
    own = stat.S_ISDIR(result.st_mode) and result.st_uid == os.getuid()
    if own and not stat.S_IMODE(result.st_mode) & 0o077:
        return str(folder)
    return tempfile.mkdtemp(prefix=f"{name}-")


def start(request: Request) -> MachineBackend:
    """Start a scheduler in this process; workers follow by ``scale``.

    Raises
    ------
    ClusterError
        The options cannot be met here.
    """
    import dask
    from distributed import LocalCluster

    if request.options:
        raise ClusterError(
            f"a cluster on this machine takes no options, got {sorted(request.options)}",
            hint="leave options out, or name a Dask Gateway by DASK_GATEWAY__ADDRESS",
        )
    cores, memory = _total()
    limit, reason = most_workers(request, cores, memory, shared=_limits.cores() is not None)
    workers = max(1, min(request.high, limit))
    threads = int(request.cores or max(1, cores // workers))
    folder = dask.config.get("temporary-directory", None) or scratch()
    cluster = LocalCluster(
        n_workers=0,
        local_directory=folder,
        scheduler_kwargs={"local_directory": folder},
        threads_per_worker=threads,
        memory_limit=request.memory or memory // workers,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        security=have("cryptography")
        or None,  # else any account of this machine could run code here
        preload=_preloads(),
        env={**_pools(threads), **request.environment},
    )
    return MachineBackend(cluster, limit, reason)


def most_workers(
    request: Request, cores: int, memory: int, *, shared: bool = False
) -> tuple[int, str]:
    """Return how many workers fit a machine, and the sentence that says why not more.

    Where nothing else is said, a worker has a thread at least. Two of them to a core serve a machine
    that one has for oneself, as they wait for servers in turn; a share of a machine is stopped for most
    of the time when more threads compute than it has cores.

    Parameters
    ----------
    request
        What was asked.
    cores, memory
        What the machine has for workers; memory in bytes.
    shared
        Whether that is a share of a machine, as of a pod.

    Raises
    ------
    ClusterError
        Not one worker fits.

    Examples
    --------
    >>> most_workers(Request(8, 8, memory=6_000_000_000), 4, 20_000_000_000)
    (3, 'this machine has 20 GB of memory to spare, which holds 3 workers of 6 GB')
    """
    each = request.memory or LEAST_MEMORY
    by_memory = memory // each
    freely = cores if shared else max(4, 2 * cores)
    by_cores = cores // int(request.cores) if request.cores and request.cores >= 1 else freely
    if by_memory < 1 or by_cores < 1:
        raise ClusterError(
            f"one such worker is more than this machine has ({_count(cores, 'core')}, "
            f"{size(memory)} of memory to spare)",
            hint="ask for smaller workers by worker_cores and worker_memory, or stop other kernels",
        )
    if by_memory <= by_cores:
        held = _count(by_memory, "worker")
        return by_memory, (
            f"this machine has {size(memory)} of memory to spare, which holds {held} of {size(each)}"
        )
    each_core = "(one to a core)" if shared else "(two to a core)"
    share = f"of {request.cores:g} cores each" if request.cores else each_core
    served = _count(by_cores, "worker")
    return by_cores, f"this machine has {_count(cores, 'core')}, which serve {served} {share}"


def by_default() -> int:
    """Return how many workers to start where nobody said how many: at most `WORKERS`."""
    return min(WORKERS, _limits.cores() or WORKERS)


def _total() -> tuple[int, int]:
    """Return cores and bytes of memory that workers may use here.

    The rule for memory: what is left at this moment, of the machine and below the limit of the pod,
    less an eighth of the whole and at least `ROOM`, by which kernels, the server and the scheduler may
    still grow. (Measured: a server with one notebook open takes 0.25 GB, a kernel that opened a cluster
    0.3 GB; both are in use by then.)
    """
    from distributed.system import MEMORY_LIMIT

    whole = min(int(MEMORY_LIMIT), _limits.memory() or int(MEMORY_LIMIT))
    left = min(result for result in (whole, _limits.free(), _available()) if result is not None)
    return _limits.processors(), max(0, left - max(ROOM, whole // 8))


def _available() -> int | None:
    """Return how many bytes the machine could give, where Linux tells."""
    with suppress(OSError):
        rows = Path("/proc/meminfo").read_text("ascii").splitlines()
        return next((int(row.split()[1]) * 1024 for row in rows if "MemAvailable" in row), None)
    return None


def _pools(threads: int) -> dict[str, str]:
    """Return variables by which each worker's pools of threads are as large as its share of cores."""
    return {name: str(threads) for name in _limits.POOLS if name in _limits.ours(os.environ)}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _preloads() -> list[str]:
    import dask

    result = dask.config.get("distributed.worker.preload", None) or []
    named = [result] if isinstance(result, str) else list(result)
    return list(dict.fromkeys([*named, tls.__name__]))
