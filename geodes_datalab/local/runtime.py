"""What runs now: a small file without secrets that `status` and `down` read."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from geodes_datalab.hub import pids
from geodes_datalab.local.layout import Layout


@dataclass
class PartState:
    """A part as seen from outside."""

    name: str
    title: str
    state: str = "waiting"
    """waiting, starting, ready, restarting, failed, stopped."""
    pid: int = 0
    mark: str = ""
    since: float = 0.0
    restarts: int = 0
    url: str = ""
    """Where it listens."""


@dataclass
class Runtime:
    """A run of local mode."""

    pid: int
    mark: str
    state: str
    """starting, ready, degraded, stopping."""
    url: str
    catalogue: str
    gateway: str
    started: float = field(default_factory=time.time)
    parts: list[PartState] = field(default_factory=list)
    asked: dict[str, str] = field(default_factory=dict)
    """Options of the command that started it."""

    def alive(self) -> bool:
        """Tell whether the supervisor of this run still runs."""
        return pids.runs(self.pid, self.mark)


def write(layout: Layout, runtime: Runtime) -> None:
    """Replace the file in one step."""
    temporary = layout.runtime.with_suffix(".writing")
    temporary.write_text(json.dumps(asdict(runtime), indent=1), "utf-8")
    temporary.replace(layout.runtime)


def read(layout: Layout) -> Runtime | None:
    """Return the present run, or None if nothing runs (a stale file counts as nothing)."""
    try:
        values: dict[str, Any] = json.loads(layout.runtime.read_text("utf-8"))
        parts = [PartState(**part) for part in values.pop("parts")]
        runtime = Runtime(**values, parts=parts)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return runtime if runtime.alive() else None


def clear(layout: Layout) -> None:
    """Forget the run."""
    if layout.runtime.exists():  # where nothing can be written, nothing need be
        layout.runtime.unlink(missing_ok=True)


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold the lock of a state folder; yields False if another process holds it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)
