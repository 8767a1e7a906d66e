"""Measure a folder: every file once, at a pace that leaves the disk to those who work on it.

Standard library only: user servers import it too.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

BLOCK = 512
"""Unit of ``st_blocks``, whatever the file system's own blocks are."""

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
"""How a folder is opened: never through a link."""


@dataclass(frozen=True)
class Pace:
    """How much of a disk's attention a measurement may have."""

    share: float = 0.2
    """Part of the time in which files are looked at; in the rest it sleeps."""
    seconds: float = 1800.0
    """After this time the measurement ends, with what it has found."""
    batch: int = 500
    """Files looked at between two pauses."""


PACE = Pace()


@dataclass(frozen=True)
class Measured:
    """What a folder holds."""

    bytes: int
    """Space that its files and folders take on the disk."""
    files: int
    """How many files and folders there are."""
    changed: float
    """When the newest of them was changed, in seconds since 1970; 0: there is none."""
    complete: bool
    """False: time was over, or a part could not be read; it holds at least this."""
    at: float
    """When the measurement ended, in seconds since 1970."""
    seconds: float
    """How long it took, pauses included."""


@dataclass
class _Walk:
    """A measurement under way."""

    pace: Pace
    stop: threading.Event
    device: int = -1
    bytes: int = 0
    files: int = 0
    changed: float = 0.0
    complete: bool = True
    linked: set[int] = field(default_factory=set)
    began: float = field(default_factory=time.monotonic)
    resumed: float = field(default_factory=time.monotonic)
    left: int = 0

    def add(self, found: os.stat_result) -> None:
        """Count a file; one with several names only once."""
        if found.st_nlink > 1 and not _is_folder(found):
            if found.st_ino in self.linked:
                return
            self.linked.add(found.st_ino)
        self.bytes += found.st_blocks * BLOCK
        self.files += 1
        self.changed = max(self.changed, found.st_mtime)

    def may_go_on(self) -> bool:
        """Rest where a batch is done; tell whether there is time for more."""
        self.left -= 1
        if self.left > 0:
            return True
        self.left = self.pace.batch
        now = time.monotonic()
        worked = now - self.resumed
        ended = self.stop.wait(worked * (1 / self.pace.share - 1))
        self.resumed = time.monotonic()
        if ended or self.resumed - self.began > self.pace.seconds:
            self.complete = False
            return False
        return True


def measure(folder: Path | int, pace: Pace = PACE, stop: threading.Event | None = None) -> Measured:
    """Measure a folder, without following links or leaving its file system.

    Parameters
    ----------
    folder
        Its path, or a descriptor of it, which stays open.
    pace
        How much of the disk's attention it may have.
    stop
        Set it from another thread to end early.

    Returns
    -------
    Measured
        Of a folder that cannot be read: nothing, and not complete.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a").write_bytes(b"x" * 5000)
    ...     found = measure(Path(folder))
    >>> found.files, found.bytes >= 5000, found.complete
    (2, True, True)
    """
    walk = _Walk(pace, stop or threading.Event(), left=pace.batch)
    try:
        top = os.dup(folder) if isinstance(folder, int) else os.open(folder, FOLDER)
    except OSError:
        walk.complete = False
    else:
        try:
            _walk(walk, top)
        finally:
            os.close(top)
    now = time.time()
    lasted = time.monotonic() - walk.began
    return Measured(walk.bytes, walk.files, walk.changed, walk.complete, now, lasted)


def _walk(walk: _Walk, top: int) -> None:
    """Look at everything below an open folder."""
    here = os.fstat(top)
    walk.device = here.st_dev
    walk.add(here)
    waiting = [(".", here.st_ino)]
    while waiting:
        path, number = waiting.pop()
        for name, result in _entries(walk, top, path, number):
            walk.add(result)
            if _is_folder(result):
                waiting.append((f"{path}/{name}", result.st_ino))
            if not walk.may_go_on():
                return


def _entries(walk: _Walk, top: int, path: str, number: int) -> Iterator[tuple[str, os.stat_result]]:
    """Yield what lies in a folder, on the same file system.

    The folder must still be the one that was listed: a person who puts a link in its place, while
    homes are measured, gets nothing of others' counted.
    """
    try:
        opened = os.open(path, FOLDER, dir_fd=top)
    except FileNotFoundError:
        return  # deleted meanwhile
    except OSError:
        walk.complete = False
        return
    try:
        result = os.fstat(opened)
        if (result.st_dev, result.st_ino) != (walk.device, number):
            walk.complete = False
            return
        with os.scandir(opened) as entries:
            for entry in entries:
                try:
                    told = entry.stat(follow_symlinks=False)
                except OSError:
                    continue  # deleted meanwhile
                if told.st_dev == walk.device:
                    yield entry.name, told
    except OSError:
        walk.complete = False
    finally:
        os.close(opened)


def _is_folder(found: os.stat_result) -> bool:
    return (found.st_mode & 0o170000) == 0o040000
