"""Look at kernels and clusters from time to time, and remember since when each one works."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from geodes_datalab.hub.activity import clusters

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
        self._clusters: list[str] = []
        self._asked: datetime | None = None
        self._limit = timedelta(hours=_number(environ, "GEODES_DATALAB_BUSY_HOURS", 24.0))
        told = _number(environ, "JUPYTERHUB_ACTIVITY_INTERVAL", 60.0)
        self.seconds = max(min(LOOK_SECONDS, told / 2), 0.5)
        # Asking the gateway costs it a request: seldom, but in time for the culler.
        patience = _number(environ, "GEODES_DATALAB_CULL_MINUTES", 20.0) * 60
        self._pause = timedelta(seconds=max(patience / 6, self.seconds))

    async def look(self) -> None:
        """Look once; whatever goes wrong, the user's server goes on."""
        try:
            now = datetime.now(UTC)
            working = [*self._busy_kernels(), *await self._computing_clusters(now)]
            if self._counts(working, now):
                self._app.web_app.settings["last_activity_times"][SOURCE] = now
        except Exception:  # a look that fails is a look that sees nothing
            self._app.log.debug("Looking for work that goes on failed", exc_info=True)

    def _busy_kernels(self) -> list[str]:
        return [
            f"kernel {kernel['id']}"
            for kernel in self._app.kernel_manager.list_kernels()
            if kernel.get("execution_state") == "busy"
        ]

    async def _computing_clusters(self, now: datetime) -> list[str]:
        if self._asked is None or now - self._asked >= self._pause:
            self._asked = now
            self._clusters = [f"cluster {name}" for name in await clusters.computing(self._environ)]
        return self._clusters

    def _counts(self, working: Iterable[str], now: datetime) -> bool:
        """Tell whether any of them works, and not for longer than is believable."""
        self._since = {name: self._since.get(name, now) for name in working}
        return any(not self._limit or now - since < self._limit for since in self._since.values())


def _number(environ: Mapping[str, str], name: str, default: float) -> float:
    try:
        return float(environ[name])
    except (KeyError, ValueError):
        return default
