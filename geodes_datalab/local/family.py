"""All processes of a state folder, found by the mark in their environment.

User servers, kernels, schedulers and workers run in sessions of their own and outlive their parents
on purpose; the mark is how they are found when everything must end. A stranger never bears it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import psutil

VARIABLE = "GEODES_DATALAB_INSTANCE"
"""Environment variable that holds the state folder's path."""

BIRTH_SECONDS = 2.0
"""How long a process may take to show its environment after its program was loaded."""

_KILLS = 3  # what a process starts between the look and the blow is met by the next one


def members(instance: str, *, without: Iterable[int] = ()) -> list[psutil.Process]:
    """Return the processes that bear a mark, except this one and those given.

    Parameters
    ----------
    instance
        The mark; see `geodes_datalab.local.layout.Layout.instance`.
    without
        Process numbers to leave out.
    """
    out = {os.getpid(), *without}
    return [p for p in psutil.process_iter() if p.pid not in out and _mark(p) == instance]


def end(instance: str, *, without: Iterable[int] = (), grace: float = 10.0) -> int:
    """End the processes that bear a mark.

    The eldest are asked to stop first, so that a user server can stop its kernels; what still runs
    after the grace time is killed.

    Parameters
    ----------
    instance, without
        As for `members`.
    grace
        Seconds between the request and the end.

    Returns
    -------
    int
        How many processes were there.
    """
    kept = set(without)
    result = members(instance, without=kept)
    numbers = {process.pid for process in result}
    for process in result:
        if _parent(process) not in numbers:
            _quietly(process.terminate)
    deadline = time.monotonic() + grace
    while members(instance, without=kept) and time.monotonic() < deadline:
        psutil.wait_procs(result, timeout=0.2)
    for _ in range(_KILLS):
        left = members(instance, without=kept)
        for process in left:
            _quietly(process.kill)
        psutil.wait_procs(left, timeout=2)
    return len(result)


def _mark(process: psutil.Process) -> str | None:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        deadline = time.monotonic() + BIRTH_SECONDS
        while not (environment := process.environ()) and _unborn(process):
            if time.monotonic() > deadline:
                return None
            time.sleep(0.001)
        return environment.get(VARIABLE)
    except (psutil.Error, OSError):
        return None


def _unborn(process: psutil.Process) -> bool:
    """Whether a program is loaded but has neither arguments nor environment yet.

    Linux shows both as empty until the new program's stack is made, which is after `Popen` returns;
    a thread of the kernel never has them, and no program either.
    """
    return not process.cmdline() and bool(process.exe())


def _parent(process: psutil.Process) -> int:
    try:
        return process.ppid()
    except psutil.Error:
        return 0


def _quietly(action: Callable[[], None]) -> None:
    with suppress(psutil.Error):  # it ended by itself
        action()
