"""What stands in a Dask worker on behalf of its user."""

from __future__ import annotations

import os
import socket
from typing import Any

from distributed.diagnostics.plugin import WorkerPlugin

from geodes_datalab import auth, config
from geodes_datalab.cubes.share import credentials


class CredentialsPlugin(WorkerPlugin):
    """Dask worker plugin that lets a worker read as its user does.

    Parameters
    ----------
    key
        The key of the settings' portal, or None where the user has none.
    settings
        Portal, CA bundle and so on.

    Examples
    --------
    >>> CredentialsPlugin(auth.ApiKey("s3cret"), config.Config())
    CredentialsPlugin(****)
    """

    name = credentials.NAME

    def __init__(self, key: auth.ApiKey | None, settings: config.Config) -> None:
        self._key = key
        self._settings = settings
        self._home = _process()

    def __repr__(self) -> str:
        """Return the class's name, and nothing of the key."""
        return "CredentialsPlugin(****)"

    def __getstate__(self) -> dict[str, Any]:
        """Return what travels to the workers: the one place where the key is written out."""
        revealed = self._key.reveal() if self._key else None
        return {"key": revealed, "settings": self._settings, "home": self._home}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what came."""
        self._key = auth.ApiKey(state["key"]) if state["key"] else None
        self._settings = state["settings"]
        self._home = state["home"]

    def setup(self, worker: Any) -> None:
        """Let the worker's process use the key; the user's own process needs no telling."""
        if _process() != self._home:
            credentials.adopt(self._key, self._settings)


def _process() -> tuple[str, int]:
    return socket.gethostname(), os.getpid()
