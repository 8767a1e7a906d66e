"""Run a command with a limit, stop it as Ctrl-C does, and leave nothing of it behind."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
TIDY = 90.0
"""Seconds that a tier has to end by itself after SIGINT: pytest's fixtures take down what they started."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    seconds: float
    cut_off: bool
    """Whether its time was over."""
    left: tuple[str, ...]
    """Programs that it left running, and that were ended here."""


def adopt() -> None:
    """Become the parent of whatever a tier leaves behind, however it was started.

    So a tier's processes are known by their descent: daemons, too, that gave up their session, their
    environment and their parent. On systems without this, only children in the tier's group are ended.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def run(
    command: list[str], *, seconds: float, variables: Mapping[str, str], tidy: float = TIDY
) -> Ended:
    """Run a command, at most for some time, and end what it leaves.

    Parameters
    ----------
    command
        The program and its arguments.
    seconds
        Its limit. Past it, SIGINT goes to its process group; SIGTERM would end pytest at once, with the
        hubs and clusters that its fixtures have started.
    variables
        Added to the environment.
    tidy
        Seconds for that; afterwards everything is killed.
    """
    began, cut_off = time.monotonic(), False
    process = subprocess.Popen(command, env=os.environ | dict(variables), start_new_session=True)
    try:
        if not _ends(process, seconds):
            cut_off = True
            _interrupt(process, tidy)
    except KeyboardInterrupt:
        _interrupt(process, tidy)
        _end_all(process.pid)
        raise
    left = _end_all(process.pid)
    _ends(process, 10)
    code = -signal.SIGKILL if process.returncode is None else process.returncode
    return Ended(code, time.monotonic() - began, cut_off, left)


def _interrupt(process: subprocess.Popen[bytes], seconds: float) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    _ends(process, seconds)


def _ends(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait for a command, and tell whether it ended in time.

    What it orphaned is adopted here: reaped as soon as it has ended, as init would. Whoever asks whether
    a process is gone would find it there for ever otherwise.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return True
        with suppress(ChildProcessError, AttributeError):  # macOS has no waitid, and adopts nothing
            _reap_others(process.pid)
        time.sleep(0.1)
    return process.poll() is not None


def _reap_others(child: int) -> None:
    """Take the exit codes of adopted processes; the child's own is left to `subprocess`."""
    peek = os.WEXITED | os.WNOHANG | os.WNOWAIT
    while (one := os.waitid(os.P_ALL, 0, peek)) and one.si_pid != child:
        os.waitpid(one.si_pid, os.WNOHANG)


def _end_all(child: int) -> tuple[str, ...]:
    """End every process that comes from this one, and return the names of those that still ran.

    Parameters
    ----------
    child
        The one whose exit code `subprocess` will ask for; the others are ours to reap.
    """
    names: dict[int, str] = {}
    for sign, grace in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 10.0)):
        deadline, told = time.monotonic() + grace, set[int]()
        while (found := _descendants(child)) and time.monotonic() < deadline:
            for pid in found.keys() - told:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, sign)
            told |= found.keys()
            names |= found
            time.sleep(0.1)
    return tuple(sorted(names.values()))


def _descendants(child: int) -> dict[int, str]:
    """Return the names of the processes that come from this one; reap those that have ended."""
    with suppress(ChildProcessError, AttributeError):
        _reap_others(child)
    known, found = dict(_processes()), {}
    for pid, (state, parent, name) in known.items():
        above = parent
        while above in known and above != os.getpid():
            above = known[above][1]
        if above == os.getpid() and state not in "ZX":
            found[pid] = name
    return found


def _processes() -> Iterator[tuple[int, tuple[str, int, str]]]:
    """Read /proc: the number of every process, with its state, its parent's number, and its name."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            name, _, rest = (folder / "stat").read_text().partition(" (")[2].rpartition(") ")
            state, parent, *_ = rest.split()
            yield int(folder.name), (state, int(parent), name)
