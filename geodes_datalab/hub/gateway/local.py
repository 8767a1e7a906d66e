"""Dask clusters as local processes that outlive a crash of the gateway.

Upstream's ``LocalBackend`` must never run: it would change the owner of ``/`` (facts in
docs/explanation/local-mode.md). This one derives from ``UnsafeLocalBackend``, runs everything under
the account of the hub, and knows processes by number *and* start, so that a stranger who bears an
old number is never signalled.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from dask_gateway_server.backends import db_base
from dask_gateway_server.backends.local import UnsafeLocalBackend
from traitlets import Unicode

from geodes_datalab.hub import pids
from geodes_datalab.hub.gateway.extension import DatalabBackend
from geodes_datalab.hub.gateway.limits import PerUserLimits
from geodes_datalab.hub.gateway.routing import RoutingTable

INHERITED = ("GEODES_DATALAB_INSTANCE", "LD_LIBRARY_PATH")
"""Variables that Dask processes take over besides upstream's (PATH, LANG ...) and the settings'."""


class LocalBackend(DatalabBackend, PerUserLimits, UnsafeLocalBackend):
    """Schedulers and workers in the user's home, with per-user limits."""

    homes = Unicode("", config=True, help="Folder of the users' homes.")

    async def setup(self, app: Any) -> None:
        """Start, with our table of routes in place of upstream's."""
        db_base.Proxy = RoutingTable
        await super().setup(app)

    def active(self) -> list[Any]:
        """Return the clusters that are starting or running."""
        return [cluster.to_model() for cluster in self.db.active_clusters()]

    def present(self, cluster: Any) -> int:
        """Return how many worker processes of a cluster there are."""
        known = self.db.get_cluster(cluster.name)
        return len(known.active_workers()) if known is not None else 0

    def get_env(self, cluster: Any) -> dict[str, str]:
        """Return the environment of schedulers and workers."""
        env: dict[str, str] = super().get_env(cluster)
        env.update({name: os.environ[name] for name in INHERITED if name in os.environ})
        env["HOME"] = str(self._home(cluster))
        env["DASK_TEMPORARY_DIRECTORY"] = cluster.state["workdir"]  # goes with the cluster
        return env

    def make_preexec_fn(self, cluster: Any) -> Callable[[], None]:
        """Start in the user's home: a relative path means the same there as in the notebook."""
        home = self._home(cluster)
        folder = home if home.is_dir() else Path(cluster.state["workdir"])
        return lambda: os.chdir(folder)

    async def do_start_cluster(self, cluster: Any) -> AsyncIterator[dict[str, Any]]:
        """Start the scheduler; remember when it started."""
        async for state in super().do_start_cluster(cluster):
            yield _marked(state)

    async def do_start_worker(self, worker: Any) -> AsyncIterator[dict[str, Any]]:
        """Start a worker; remember when it started."""
        async for state in super().do_start_worker(worker):
            yield _marked(state)

    async def do_stop_cluster(self, cluster: Any) -> None:
        """Stop the scheduler and remove the cluster's folder."""
        await self._stop(cluster.state)
        if cluster.state.get("workdir"):
            self.cleanup_working_directory(cluster.state["workdir"])

    async def do_stop_worker(self, worker: Any) -> None:
        """Stop a worker."""
        await self._stop(worker.state)

    def _check_status(self, o: Any) -> bool:
        return pids.runs(o.state.get("pid", 0), o.state.get("started", ""))

    async def _stop(self, state: dict[str, Any]) -> None:
        """Stop a process if it still is ours, with everything in its process group."""
        pid, mark = state.get("pid", 0), state.get("started", "")
        if not pids.runs(pid, mark):
            return
        for number, seconds in (
            (signal.SIGINT, self.sigint_timeout),
            (signal.SIGTERM, self.sigterm_timeout),
        ):
            pids.send(pid, mark, number)
            if await _ended(pid, mark, seconds):
                break
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)  # its own session: what is left are its children

    def _home(self, cluster: Any) -> Path:
        return Path(self.homes, cluster.username)


async def _ended(pid: int, mark: str, seconds: float) -> bool:
    """Wait for the end of a process; tell whether it came in time."""
    deadline = time.monotonic() + seconds
    while pids.runs(pid, mark) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    return not pids.runs(pid, mark)


def _marked(state: dict[str, Any]) -> dict[str, Any]:
    return {**state, "started": pids.started(state["pid"])} if "pid" in state else state
