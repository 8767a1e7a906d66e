"""What is wrong with a home, and what fills it."""

from __future__ import annotations

import errno
import heapq
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from geodes_datalab.errors import DISK_FULL

NEEDED = 1024 * 1024
"""Bytes that a server writes while it starts: a home that has not even these is full."""

PATIENCE = 3.0
"""Seconds for looking what is large: the hub waits for this server."""


@dataclass(frozen=True)
class Problem:
    """Why a server cannot live in a home."""

    kind: str
    """``full``, ``read-only``, ``missing`` or ``not-writable``."""
    text: str
    """The reason in words, with the system's own."""


@dataclass
class Usage:
    """What a home holds, as far as it was looked at."""

    lines: list[str] = field(default_factory=list)
    """Space and number of files of its volume."""
    folders: list[tuple[int, Path]] = field(default_factory=list)
    files: list[tuple[int, Path]] = field(default_factory=list)
    complete: bool = True


def examine(home: Path) -> Problem | None:
    """Try whether a home takes what a server writes at its start.

    Parameters
    ----------
    home
        The home.

    Returns
    -------
    Problem or None
        None where a server can live in it.
    """
    if not home.is_dir():
        return Problem("missing", f"the home {home} is not a folder")
    try:
        with tempfile.NamedTemporaryFile(dir=home, prefix=".datalab-start-") as file:
            file.write(b"\0" * NEEDED)
            file.flush()
            os.fsync(file.fileno())  # quotas of network file systems speak up here
    except OSError as error:
        return _problem(home, error)
    return None


def usage(home: Path, *, largest: int = 10) -> Usage:
    """Find out what fills a home, within a few seconds.

    Parameters
    ----------
    home
        The home.
    largest
        How many folders and files to name.

    Returns
    -------
    Usage
        The volume's figures and the largest parts, largest first.
    """
    result = Usage(lines=_volume(home))
    folders: dict[Path, int] = {}
    files: list[tuple[int, Path]] = []
    deadline = time.monotonic() + PATIENCE
    for size, path in _files(home):
        for folder in [
            home.joinpath(*parts) for parts in _tops(path.relative_to(home).parent.parts)
        ]:
            folders[folder] = folders.get(folder, 0) + size
        files.append((size, path))
        if time.monotonic() > deadline:
            result.complete = False
            break
    result.folders = heapq.nlargest(largest, ((size, path) for path, size in folders.items()))
    result.files = heapq.nlargest(largest, files)
    return result


def readable(size: float) -> str:
    """Return a number of bytes in words."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _tops(parts: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the two outermost folders of a path: ``.local`` alone would not tell what is large."""
    yield from (parts[:depth] for depth in (1, 2) if len(parts) >= depth)


def _problem(home: Path, error: OSError) -> Problem:
    reason = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in DISK_FULL:
        return Problem("full", f"the home {home} is full ({reason})")
    if error.errno == errno.EROFS:
        return Problem("read-only", f"the home {home} can only be read ({reason})")
    return Problem("not-writable", f"the home {home} cannot be written to ({reason})")


def _volume(home: Path) -> list[str]:
    try:
        volume = os.statvfs(home)
    except OSError as error:
        return [f"Nothing can be said about the volume: {error}"]
    total, free = volume.f_blocks * volume.f_frsize, volume.f_bavail * volume.f_frsize
    lines = [f"{readable(total - free)} of {readable(total)} are used, {readable(free)} are free."]
    if volume.f_files:
        lines.append(f"{volume.f_files - volume.f_favail} of {volume.f_files} files exist.")
    return lines


def _files(home: Path) -> Iterator[tuple[int, Path]]:
    """Yield the space that each file takes, without following links or leaving the volume."""
    for folder, folders, names in os.walk(home):
        folders[:] = [each for each in folders if not Path(folder, each).is_mount()]
        for name in names:
            path = Path(folder, name)
            try:
                yield path.lstat().st_blocks * 512, path
            except OSError:
                continue
