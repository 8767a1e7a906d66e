"""Find out how full a home is, by the cheapest way that tells the truth."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from geodes_datalab.server.home_usage import VARIABLE
from geodes_datalab.server.home_usage.measure import PACE, Measured, Pace, measure
from geodes_datalab.server.start.rescue import LINK
from geodes_datalab.server.start.rescue import VARIABLE as RESCUE

HIGH, FULL = 0.9, 0.98
"""Parts of the limit from which on a home is called nearly full, and full."""

SLACK = 1.25
"""A volume may be so much larger than what was promised and still be the home's own: file systems and
storage classes round up."""

MOMENT = 0.3
"""Seconds for which an answer waits for a measurement: small homes are told at once."""

LEAST_PAUSE = 60.0
"""Seconds between two measurements, however often somebody asks."""

REST = 10
"""A measurement rests at least so many times as long as the last one took."""

MOUNTS = Path("/proc/self/mountinfo")

NETWORK = ("nfs", "cifs", "smb", "fuse", "ceph", "gluster", "lustre", "9p", "virtiofs", "overlay")
"""Kinds of file systems, by their beginning, of which a mount is no proof of a volume of one's own."""


@dataclass(frozen=True)
class Told:
    """What the hub knows of the home."""

    own: bool = False
    """Whether it has a claim of its own."""
    limit: int | None = None
    """What was promised, in bytes; None: nobody said."""
    minutes: float = 60.0
    """Between two measurements of files."""

    @classmethod
    def read(cls, text: str) -> Told:
        """Read the hub's variable; what cannot be read is not known."""
        try:
            said = json.loads(text)
            limit = said.get("limit")
            return cls(
                own=bool(said.get("own", False)),
                limit=int(limit) if limit else None,
                minutes=float(said.get("minutes", cls.minutes)),
            )
        except (ValueError, TypeError, AttributeError):
            return cls()


@dataclass(frozen=True)
class Volume:
    """What the file system says of itself."""

    size: int
    used: int
    free: int
    files: int
    """How many files it can hold; 0: it sets no limit."""
    files_used: int

    @classmethod
    def of(cls, folder: Path) -> Volume:
        """Ask the file system."""
        said = os.statvfs(folder)
        return cls(
            size=said.f_blocks * said.f_frsize,
            used=(said.f_blocks - said.f_bfree) * said.f_frsize,
            free=said.f_bavail * said.f_frsize,
            files=said.f_files,
            files_used=said.f_files - said.f_ffree,
        )


class HomeLook:
    """Knows how full one home is.

    Parameters
    ----------
    home
        The home.
    told
        What the hub knows of it.
    pace
        Of measurements.
    """

    def __init__(self, home: Path, told: Told = Told(), pace: Pace = PACE) -> None:
        self._home = home
        self._told = told
        self._pace = pace
        self._lock = threading.Lock()
        self._measured: Measured | None = None
        self._thread: threading.Thread | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> HomeLook:
        """Take what the hub told; in rescue mode the true home is looked at."""
        home = Path(environ.get("HOME") or Path.home())
        if environ.get(RESCUE):
            home = (home / LINK).resolve()
        return cls(home, Told.read(environ.get(VARIABLE, "{}")))

    def tell(self, *, anew: bool = False) -> dict[str, Any]:
        """Return what is known, and begin to measure where that is due.

        Parameters
        ----------
        anew
            Somebody asks for a new measurement.

        Returns
        -------
        dict
            ``used``, ``limit``, ``free`` (bytes or None), ``level`` (``ok``, ``high``, ``full`` or
            ``unknown``), ``complete``, ``measured`` (a time or None), ``measuring``; ``files`` and
            ``files_limit`` where their number runs out before the space, or None; ``error``: why the
            home cannot be looked at, or None.
        """
        try:
            volume = Volume.of(self._home)
        except OSError as error:
            return _answer(None, None, None) | {"error": error.strerror}
        if self._is_own(volume):
            return _of_volume(volume)
        self._measure(anew)
        measuring = not self.wait(MOMENT)
        return _of_files(self._measured, self._told.limit, volume, measuring=measuring)

    def wait(self, seconds: float) -> bool:
        """Wait for a measurement that goes on; tell whether it ended."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
        return thread is None or not thread.is_alive()

    def _is_own(self, volume: Volume) -> bool:
        """Tell whether the volume's figures are the home's.

        A claim of one's own is no proof: some storage classes give a folder of a large disk.
        """
        if not volume.size:
            return False
        limit = self._told.limit
        if limit and volume.size <= limit * SLACK:
            return True
        return self._told.own and mounted_alone(self._home)

    def _measure(self, anew: bool) -> None:
        """Begin a measurement where one is due."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            last = self._measured
            if last is not None:
                pause = LEAST_PAUSE if anew else self._told.minutes * 60
                if time.time() - last.at < max(pause, REST * last.seconds):
                    return
            # A daemon: a server that ends does not wait for it.
            self._thread = threading.Thread(target=self._run, name="home-usage", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        result = measure(self._home, self._pace)
        before = self._measured
        if not result.complete and before is not None and before.bytes > result.bytes:
            result = replace(result, bytes=before.bytes, files=before.files)
        self._measured = result


def mounted_alone(folder: Path, mounts: Path = MOUNTS) -> bool:
    """Tell whether a folder is the root of a disk of its own.

    Parameters
    ----------
    folder
        A folder.
    mounts
        Linux's table of mounts.
    """
    try:
        lines = mounts.read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    alone = False
    for line in lines:  # a later mount hides an earlier one
        fields, _, rest = line.partition(" - ")
        words, kind = fields.split(), rest.split(" ", 1)[0]
        if len(words) > 4 and _unescaped(words[4]) == str(folder):
            alone = words[3] == "/" and not kind.startswith(NETWORK)
    return alone


def _unescaped(path: str) -> str:
    r"""Return a path of the table of mounts as it is.

    Examples
    --------
    >>> _unescaped(r"/home/a\040b")
    '/home/a b'
    """
    for code, character in ((r"\040", " "), (r"\011", "\t"), (r"\012", "\n"), (r"\134", "\\")):
        path = path.replace(code, character)
    return path


def _of_volume(volume: Volume) -> dict[str, Any]:
    limit = volume.used + volume.free  # what root alone may use is nobody's here
    part = volume.used / limit if limit else 1.0
    files = volume.files_used / volume.files if volume.files > 0 else 0.0
    told = _answer(volume.used, limit, volume.free)
    if files > part and files >= HIGH:
        told |= {"files": volume.files_used, "files_limit": volume.files}
    return told | {"level": _level(max(part, files)), "measured": _now(), "complete": True}


def _of_files(
    found: Measured | None, limit: int | None, volume: Volume, *, measuring: bool
) -> dict[str, Any]:
    if found is None:
        return _answer(None, limit, volume.free) | {"measuring": measuring}
    part = found.bytes / limit if limit else 0.0
    if volume.size and volume.free <= volume.size * (1 - FULL):
        part = 1.0  # the volume that all share is full: for this home too
    return _answer(found.bytes, limit, volume.free) | {
        "level": _level(part),
        "complete": found.complete,
        "measured": _time(found.at),
        "measuring": measuring,
    }


def _level(part: float) -> str:
    return "full" if part >= FULL else "high" if part >= HIGH else "ok"


def _answer(used: int | None, limit: int | None, free: int | None) -> dict[str, Any]:
    return {
        "used": used,
        "limit": limit,
        "free": free,
        "level": "unknown",
        "complete": False,
        "measured": None,
        "measuring": False,
        "files": None,
        "files_limit": None,
        "error": None,
    }


def _now() -> str:
    return _time(time.time())


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
