"""Find what a person left running beside the kernels: jobs in terminals, detached ones, those of notebooks.

Whatever a server starts bears a mark of it in its environment, and what its terminals start bears another one.
By these a job is found wherever it went: into the background, out of its terminal, to another parent. What lost
them (``env -i``, programs that write a title over their environment) is found by its parent, or by its session.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SERVER = "GEODES_DATALAB_SERVER"
"""Variable of everything that a server starts: which server that was."""

TERMINAL = "GEODES_DATALAB_TERMINAL"
"""Variable of everything that its terminals start, with the same content."""

SESSION = "session "
"""How names of what was found begin; the number of the session of processes follows."""

SHELLS = frozenset({"ash", "bash", "csh", "dash", "fish", "ksh", "mksh", "sh", "tcsh", "zsh"})
"""What waits for a person when nothing else runs: counted while it works itself, as in a loop."""

HOLDERS = frozenset({"abduco", "dtach", "screen", "tmux", "zellij"})
"""What holds terminals open and does nothing itself: what runs in them is looked at."""

POOLS = ("distributed.cli", "ipykernel", "joblib.externals", "loky", "multiprocessing")
"""In command lines of processes that a notebook's libraries keep ready, as for a cluster on this machine."""

LEAST_SHARE = 0.005
"""Of a core, above which a process works; one that reads or writes works too."""

LEAST_SHARE_OF_POOLS = 0.1
"""The same of processes of `POOLS`, which talk to each other while they wait."""

_SERVER, _TERMINAL = SERVER.encode(), TERMINAL.encode()
_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_STOPPED = frozenset("TtZX")  # by Ctrl-Z, or no more


@dataclass(frozen=True)
class Process:
    """What the kernel of the operating system tells of a process."""

    pid: int
    started: int
    """Ticks since the machine started: with the number, it is this process and no other."""
    name: str
    state: str
    parent: int
    session: int
    terminal: bool
    """Whether it has one, so that its output is seen, and Ctrl-C ends it."""
    seconds: float
    """Of processors, with those of the children that it has waited for."""


class Processes:
    """Looks at the processes of a server from time to time.

    Parameters
    ----------
    mark
        Of the server, as in the environment of what it starts.
    """

    def __init__(self, mark: str) -> None:
        self._mark = mark.encode()
        self._before: dict[tuple[int, int], tuple[float, int]] = {}
        self._sessions: dict[int, Mapping[bytes, bytes]] = {}

    def working(self, seconds: float) -> set[str]:
        """Return names of the sessions in which something runs.

        Parameters
        ----------
        seconds
            Since the look before.
        """
        before: dict[tuple[int, int], tuple[float, int]] = {}
        result = set()
        for process, environment in self._started():
            kind = self._kind(process, environment)
            if kind == "other" or process.state in _STOPPED:
                continue
            key = process.pid, process.started
            before[key] = now = process.seconds, _moved(process.pid)
            if _waited_for(process) or self._works(kind, self._before.get(key), now, seconds):
                result.add(f"{SESSION}{process.session}")
        self._before = before
        return result

    def _started(self) -> Iterator[tuple[Process, Mapping[bytes, bytes]]]:
        """Yield what the server started, and what that started, with the environments of their origin."""
        seen = dict(_processes())
        result = [(process, _inherited(process, seen)) for process, _ in seen.values()]
        alive = {process.session for process, _ in result}
        self._sessions = {item: told for item, told in self._sessions.items() if item in alive}
        for process, told in result:
            if told is not None and told[_SERVER] == self._mark:
                self._remember(process, told)
        for process, told in result:
            origin = self._sessions.get(process.session) if told is None else told
            if origin is not None and origin[_SERVER] == self._mark:
                yield process, origin

    def _remember(self, process: Process, told: Mapping[bytes, bytes]) -> None:
        """Remember whose a session is: its number stays its own as long as one process of it lives."""
        if process.session not in self._sessions or _TERMINAL in told:
            self._sessions[process.session] = told

    def _kind(self, process: Process, environment: Mapping[bytes, bytes]) -> str:
        """Return ``job``, ``pool``, or ``other`` for what is none of the person's."""
        if process.name.lower().partition(":")[0] in HOLDERS:  # as in "tmux: server"
            return "other"
        if environment.get(_TERMINAL) == self._mark:
            return "job"
        of_kernel = environment.get(b"JPY_PARENT_PID") == b"%d" % os.getpid()
        if not of_kernel or process.parent == os.getpid():  # a helper of the server, or a kernel
            return "other"
        command = _read(process.pid, "cmdline")
        return "pool" if any(word.encode() in command for word in POOLS) else "job"

    @staticmethod
    def _works(
        kind: str, before: tuple[float, int] | None, now: tuple[float, int], seconds: float
    ) -> bool:
        if before is None:  # not known yet: the next look tells
            return False
        share = (now[0] - before[0]) / max(seconds, 1e-3)
        if kind == "pool":
            return share >= LEAST_SHARE_OF_POOLS
        return share >= LEAST_SHARE or now[1] > before[1]


def mark_terminals(settings: Mapping[str, Any], mark: str) -> None:
    """Let terminals that are opened from now on mark what they start.

    Parameters
    ----------
    settings
        Of Jupyter Server's web application.
    mark
        Of the server.
    """
    manager = settings.get("terminal_manager")
    if manager is not None:
        manager.extra_env = {**(manager.extra_env or {}), TERMINAL: mark}


def in_terminals(settings: Mapping[str, Any]) -> set[str]:
    """Return names of the terminals' sessions in which a program runs: the way without ``/proc``.

    Parameters
    ----------
    settings
        Of Jupyter Server's web application.
    """
    result = set()
    terminals = getattr(settings.get("terminal_manager"), "terminals", None) or {}
    for terminal in list(terminals.values()):
        with suppress(OSError):  # it was closed just now
            shell = terminal.ptyproc
            if os.tcgetpgrp(shell.fd) != shell.pid:
                result.add(f"{SESSION}{shell.pid}")
    return result


def visible() -> bool:
    """Tell whether this machine shows its processes as Linux does."""
    return (_PROC / "self" / "stat").is_file()


def _waited_for(process: Process) -> bool:
    """Tell whether a program has a terminal: it was left running even while it sleeps."""
    return process.terminal and process.name not in SHELLS


def _processes() -> Iterator[tuple[int, tuple[Process, Mapping[bytes, bytes]]]]:
    """Yield all other processes that this machine shows, by their numbers, with their environments."""
    for folder in _PROC.iterdir():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            pid, told = int(folder.name), {}
            with suppress(OSError, ValueError, IndexError):  # it ended meanwhile
                process = _described(pid)
                with suppress(OSError):  # not ours to read
                    told = _environment(pid)
                yield pid, (process, told)


def _inherited(
    process: Process, seen: Mapping[int, tuple[Process, Mapping[bytes, bytes]]]
) -> Mapping[bytes, bytes] | None:
    """Return the environment of the nearest one with a server's mark, from a process up to its eldest parent."""
    passed = set()
    pid = process.pid
    while pid in seen and pid not in passed:  # read one after another, parents could be a circle
        parent, told = seen[pid]
        if _SERVER in told:
            return told
        passed.add(pid)
        pid = parent.parent
    return None


def _described(pid: int) -> Process:
    """Read ``/proc/<pid>/stat``; the fields are numbered in the manual page proc_pid_stat(5)."""
    head, _, tail = _read(pid, "stat").decode(errors="replace").rpartition(")")
    fields = tail.split()
    return Process(
        pid=pid,
        started=int(fields[19]),
        name=head.partition("(")[2],
        state=fields[0],
        parent=int(fields[1]),
        session=int(fields[3]),
        terminal=fields[4] != "0",
        seconds=sum(map(int, fields[11:15])) / _TICKS,
    )


def _moved(pid: int) -> int:
    """Return how many bytes a process has read and written, with what its children had."""
    try:
        lines = _read(pid, "io").decode().splitlines()
        told = dict(line.split(": ", 1) for line in lines)
        return int(told["rchar"]) + int(told["wchar"])
    except (OSError, ValueError, KeyError):  # hardened machines do not tell
        return 0


def _environment(pid: int) -> dict[bytes, bytes]:
    pairs = _read(pid, "environ").split(b"\0")
    return dict(pair.split(b"=", 1) for pair in pairs if b"=" in pair)


def _read(pid: int, name: str) -> bytes:
    return (_PROC / str(pid) / name).read_bytes()
