"""Long-running programs: started apart from us, found again by pid file, stopped by pid."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from support.waiting import eventually, minutes

from .errors import ClusterError
from .places import NETNS_FOLDER, SYSTEM_PATH, Places

OWNER = "CLUSTER_STATE"  # in the environment of all that we start: whose it is


def entered(netns: str, command: list[str]) -> list[str]:
    """A command, run inside a network namespace (and in no other namespace of its own)."""
    return ["nsenter", f"--net={NETNS_FOLDER / netns}", *command]


def run(
    command: list[str], *, stdin: str | None = None, environment: Mapping[str, str] | None = None
) -> str:
    """Run a command to its end and return what it printed.

    Raises
    ------
    ClusterError
        It failed, or had not ended after half an hour: the message holds the command and what it said.
    """
    try:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            env=environment,
            timeout=minutes(30),
        )
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"{' '.join(command)} did not end: {error.stderr!r}") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-2000:]
        raise ClusterError(f"{' '.join(command)} failed ({done.returncode}): {said}")
    return done.stdout


def start(places: Places, name: str, command: list[str], environment: Mapping[str, str]) -> None:
    """Start a program that outlives this process, with a log and a pid file."""
    places.logs.mkdir(parents=True, exist_ok=True)
    places.run.mkdir(parents=True, exist_ok=True)
    log = os.open(places.logs / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    usual = {"PATH": SYSTEM_PATH, "HOME": str(places.run), OWNER: str(places.state)}
    try:
        number = os.posix_spawnp(
            "env",
            ["env", "--chdir=/", *command],
            {**usual, **environment},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsid=True,
        )
    finally:
        os.close(log)
    _children.add(number)
    _pid_file(places, name).write_text(f"{number} {_birth(number)}\n")


_children: set[int] = set()  # to be asked for their end, so that none stays a zombie


def pid(places: Places, name: str) -> int | None:
    """Process id of a program that runs; a reused id is told apart by its time of birth."""
    try:
        number, birth = _pid_file(places, name).read_text().split()
    except (FileNotFoundError, ValueError):
        return None
    return int(number) if _birth(int(number)) == birth else None


def stop(places: Places, name: str, *, hard: bool = False, within: float = 1) -> None:
    """Ask a program to end, and kill it when it has not within so many minutes."""
    number = pid(places, name)
    if number is not None:
        end([number], hard=hard, within=within)
    _pid_file(places, name).unlink(missing_ok=True)


def end(pids: Iterable[int], *, hard: bool = False, within: float = 1) -> None:
    """End processes, softly first unless told otherwise; each way gets so many minutes."""
    births = {number: _birth(number) for number in pids}
    births = {number: birth for number, birth in births.items() if birth}

    def ended() -> bool:
        return not any(_birth(number) == birth for number, birth in births.items())

    for sent in [signal.SIGKILL] if hard else [signal.SIGTERM, signal.SIGKILL]:
        for number, birth in births.items():
            if _birth(number) == birth:
                _signal(number, sent)
        if comes_true(ended, "the end of processes", within=within):
            return


def comes_true(check: Callable[[], bool], what: str, *, within: float = 1) -> bool:
    """Wait as `eventually` does, where cleaning up goes on whether or not it comes true."""
    try:
        eventually(check, what, within=within)
    except AssertionError:
        return False
    return True


def tail(places: Places, name: str, lines: int = 10) -> str:
    """Return the end of a program's log, for messages of failures."""
    log = places.logs / f"{name}.log"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def in_netns(netns: str) -> list[int]:
    """Processes inside a network namespace; empty when there is none of that name."""
    if not (NETNS_FOLDER / netns).exists():
        return []
    told = subprocess.run(["ip", "netns", "pids", netns], capture_output=True, text=True)
    return [int(number) for number in told.stdout.split()]


def command_of(number: int) -> str:
    """Command line of a process; empty when it is gone."""
    try:
        return Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return ""


def owned(places: Places) -> Iterator[int]:
    """Processes that were started for a cluster, whoever their parent is by now."""
    mark = f"{OWNER}={places.state}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended while we looked
            known = mark in (folder / "environ").read_bytes().split(b"\0")
            if known and int(folder.name) not in _our_own_line():
                yield int(folder.name)


def _our_own_line() -> set[int]:
    """This process and those above it: their environment may name the cluster too."""
    line, number = set[int](), os.getpid()
    while number > 0:
        line.add(number)
        stat = Path(f"/proc/{number}/stat").read_text()
        number = int(stat.rsplit(")", 1)[1].split()[1])
    return line


def _pid_file(places: Places, name: str) -> Path:
    return places.run / f"{name}.pid"


def _birth(number: int) -> str:
    """When a process started, in ticks since boot; empty for none and for zombies."""
    if number in _children:
        with suppress(ChildProcessError):
            if os.waitpid(number, os.WNOHANG) == (0, 0):
                return _told_birth(number)
        _children.discard(number)
    return _told_birth(number)


def _told_birth(number: int) -> str:
    """Read it from /proc. A zombie with threads left still holds its ports: it is not gone yet."""
    process = Path(f"/proc/{number}")
    try:
        fields = (process / "stat").read_text().rsplit(")", 1)[1].split()
        ended = fields[0] == "Z" and len(list((process / "task").iterdir())) == 1
    except OSError:
        return ""
    return "" if ended else fields[19]


def _signal(number: int, sent: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(number, sent)
