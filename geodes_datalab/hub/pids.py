"""Which process is it? A process number alone is not enough: numbers are used again.

A process is known by its number *and* the moment it started. Nothing here signals a process whose
start does not fit.
"""

from __future__ import annotations

import os
import signal
from functools import cache
from pathlib import Path

_PROC = Path("/proc")


def started(pid: int) -> str:
    """Return a mark of the moment a process started.

    Parameters
    ----------
    pid
        Process number.

    Returns
    -------
    str
        Unique for this process on this machine, over restarts; ``""`` if it does not run (a zombie
        does not run).
    """
    if pid <= 0:
        return ""
    return _started_linux(pid) if _boot_id() else _started_elsewhere(pid)


def runs(pid: int, mark: str) -> bool:
    """Tell whether the process that had this mark still runs."""
    return bool(mark) and started(pid) == mark


def send(pid: int, mark: str, number: signal.Signals) -> bool:
    """Signal a process, if it is still the same; return whether it was."""
    if not runs(pid, mark):
        return False
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


@cache
def _boot_id() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _started_linux(pid: int) -> str:
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()  # the name before it may hold blanks and brackets
    state, ticks = fields[0], fields[19]
    return "" if state in "ZX" else f"{_boot_id()}/{ticks}"


def _started_elsewhere(pid: int) -> str:
    import psutil

    try:
        process = psutil.Process(pid)
        return "" if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.3f}"
    except psutil.NoSuchProcess:
        return ""
