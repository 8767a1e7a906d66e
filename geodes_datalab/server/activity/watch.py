"""Look at kernels, clusters and processes from time to time, and remember since when each one works."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Mapping, MutableMapping
from datetime import UTC, datetime, timedelta
from typing import Any

from geodes_datalab.server.activity import clusters, processes

SOURCE = "geodes_datalab_busy"
"""Name of our entry among the server's sources of activity."""

LOOK_SECONDS = 30.0


class Watch:
    """What keeps a user's server alive besides its user.

    Parameters
    ----------
    serverapp
        Jupyter Server's application.
    environ
        Where the settings stand; by default the process's environment.
    """

    def __init__(self, serverapp: Any, environ: Mapping[str, str] = os.environ) -> None:
        self._app = serverapp
        self._environ = environ
        self._since: dict[str, datetime] = {}
        self._seen: dict[str, datetime] = {}
        self._working: set[str] = set()
        self._clusters: list[str] = []
        self._asked: datetime | None = None
        self._looked: datetime | None = None
        self._mark = _mark()
        self._processes = processes.Processes(self._mark)
        self._limit = timedelta(hours=_number(environ, "GEODES_DATALAB_BUSY_HOURS", 24.0))
        told = _number(environ, "JUPYTERHUB_ACTIVITY_INTERVAL", 60.0)
        self.seconds = max(min(LOOK_SECONDS, told / 2), 0.5)
        # Asking the gateway costs it a request: seldom, but in time for the culler.
        patience = _number(environ, "GEODES_DATALAB_CULL_MINUTES", 20.0) * 60
        self._pause = timedelta(seconds=max(patience / 6, self.seconds))
        self._patience = timedelta(seconds=max(patience, self.seconds))

    def mark(self, environ: MutableMapping[str, str] = os.environ) -> None:
        """Let all that the server starts from now on bear its mark.

        Parameters
        ----------
        environ
            Of the server; what it starts inherits it.
        """
        environ[processes.SERVER] = self._mark
        processes.mark_terminals(self._app.web_app.settings, self._mark)

    async def look(self) -> None:
        """Look once; whatever goes wrong, the user's server goes on."""
        now = datetime.now(UTC)
        working: set[str] = set()
        for find in (self._busy_kernels, self._running_processes, self._computing_clusters):
            try:
                working |= set(await find(now))
            except Exception:  # a look that fails is a look that sees nothing
                self._app.log.debug("Looking for work that goes on failed", exc_info=True)
        if self._counts(working, now):
            self._app.web_app.settings["last_activity_times"][SOURCE] = now

    async def _busy_kernels(self, now: datetime) -> Collection[str]:  # as others
        return [
            f"kernel {kernel['id']}"
            for kernel in self._app.kernel_manager.list_kernels()
            if kernel.get("execution_state") == "busy"
        ]

    async def _running_processes(self, now: datetime) -> Collection[str]:
        seconds = (now - self._looked).total_seconds() if self._looked else self.seconds
        self._looked = now
        if processes.visible():
            return await asyncio.to_thread(self._processes.working, seconds)
        return processes.in_terminals(self._app.web_app.settings)

    async def _computing_clusters(self, now: datetime) -> Collection[str]:
        if self._asked is None or now - self._asked >= self._pause:
            self._asked = now
            self._clusters = [f"cluster {name}" for name in await clusters.computing(self._environ)]
        return self._clusters

    def _counts(self, working: Collection[str], now: datetime) -> bool:
        """Tell whether any of them works, and not for longer than is believable."""
        kept = {
            name: self._since.get(name, now)
            for name, seen in self._seen.items()
            if name in self._working or now - seen < self._gap(name)
        }
        self._since = {**dict.fromkeys(working, now), **kept}
        self._seen = {**{name: self._seen[name] for name in kept}, **dict.fromkeys(working, now)}
        self._working = set(working)
        return any(not self._limit or now - self._since[name] < self._limit for name in working)

    def _gap(self, name: str) -> timedelta:
        """Return how long something may rest and still be the same work.

        A job that writes now and then is one job, which must end once; a pause that outlasts the
        culler's patience ends the server anyway, if nothing else goes on.
        """
        return self._patience if name.startswith(processes.SESSION) else timedelta()


def _mark() -> str:
    """Return what no other server's processes bear, on this machine or another one."""
    import secrets

    return f"{os.getpid()}-{secrets.token_hex(8)}"


def _number(environ: Mapping[str, str], name: str, default: float) -> float:
    try:
        return float(environ[name])
    except (KeyError, ValueError):
        return default
