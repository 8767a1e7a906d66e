"""One supervised process: its command, its log, its start and its end."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from geodes_datalab.hub import pids

LARGEST_LOG = 5_000_000
"""Bytes from which a log is put aside (``.1``) at the next start."""


@dataclass(frozen=True)
class Part:
    """What to run, and how to see that it works."""

    name: str
    title: str
    """For people."""
    command: tuple[str, ...]
    """Never holds a secret."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Over the supervisor's own."""
    health: str = ""
    """Address that answers when the part works (see `health.answers`); empty: it only has to run."""
    after: tuple[str, ...] = ()
    """Parts that must be ready first."""
    patience: float = 180.0
    """Seconds that a start may take."""
    grace: float = 15.0
    """Seconds that a stop may take."""


class Child:
    """A running (or not running) part."""

    def __init__(self, part: Part, log: Path, cwd: Path) -> None:
        self.part = part
        self.log = log
        self._cwd = cwd
        self._process: asyncio.subprocess.Process | None = None
        self.mark = ""
        self.since = 0.0
        """When it was started (seconds since 1970)."""

    @property
    def pid(self) -> int:
        """Process number; 0 while it does not run."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else 0

    async def start(self) -> None:
        """Start the process in a session of its own, which ends with its parent."""
        _rotate(self.log)
        with self.log.open("ab") as log:
            head = f"--- {time.strftime('%Y-%m-%d %H:%M:%S')} {self.part.name}\n".encode()
            with suppress(OSError):  # a full disk: a part may live without its log
                os.write(log.fileno(), head)
            self._process = await asyncio.create_subprocess_exec(
                *self.part.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                cwd=self._cwd,
                env={**os.environ, **self.part.environment},
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        self.mark = pids.started(self._process.pid)
        self.since = time.time()

    async def wait(self) -> int:
        """Wait for the end; return the exit code (negative: the signal's number)."""
        return await self._process.wait() if self._process is not None else 0

    async def stop(self) -> None:
        """Ask it to stop, then kill it and what is left in its session."""
        if self._process is None:
            return
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), self.part.grace)
        self.kill()
        await self._process.wait()

    def kill(self) -> None:
        """Kill the whole session at once."""
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def tail(self, lines: int = 12) -> str:
        """Return the last lines of the log."""
        return tail(self.log, lines)


def tail(path: Path, lines: int) -> str:
    """Return the last lines of a file; empty where there is none."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - 400 * lines))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def die_with_parent() -> Callable[[], None] | None:
    """Return what a child runs first, so that it ends when its parent is killed (Linux only)."""
    if sys.platform != "linux":
        return None
    prctl, parent = ctypes.CDLL(None, use_errno=True).prctl, os.getpid()

    def before_exec() -> None:
        prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:  # it died before that line
            os._exit(1)

    return before_exec


def _rotate(log: Path) -> None:
    with suppress(FileNotFoundError):
        if log.stat().st_size > LARGEST_LOG:
            log.replace(log.with_name(log.name + ".1"))
