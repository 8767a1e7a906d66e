"""Settings of how user servers are started, wherever they run."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from geodes_datalab.settings.base import Filled, Model


class Spawner(Model):
    """How user servers are started."""

    kind: Filled[str] = "local"
    """``local`` (processes of one account), ``kubernetes``, or the dotted class of a spawner."""
    homes: Filled[Path] = Path("homes")
    """local: folder of the users' homes."""
    logs: Filled[Path | None] = None
    """local: folder of one log per user; else everything goes to the hub's log."""
    poll_seconds: Filled[int] = Field(default=5, ge=1)
    """How often the hub looks whether a server still runs."""
