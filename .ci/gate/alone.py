"""Run a command under an overseer of its own, which adopts and ends what the command leaves behind.

Two lanes run at once: each overseer is a process, so that it knows its own tier's processes by their
descent, and leaves those of the other lane alone. The command's output is kept in a file and shown,
each line behind the name of its tier.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from threading import Thread

from gate import processes
from gate.processes import TIDY, Ended

LAST_WORDS = 10.0
"""Seconds for the last lines of output, once the command and all that it started have ended."""

_running: set[subprocess.Popen[bytes]] = set()


class Stopped(Exception):
    """The run was stopped by hand."""


def run(
    command: list[str],
    *,
    seconds: float,
    variables: Mapping[str, str],
    log: Path,
    tidy: float = TIDY,
) -> Ended:
    """Run a command as `gate.processes.run` does, in a process of its own.

    Parameters
    ----------
    command, seconds, variables, tidy
        See there.
    log
        File for the output.

    Raises
    ------
    Stopped
        `stop` was called.
    """
    order = {"command": command, "seconds": seconds, "variables": dict(variables), "tidy": tidy}
    reads, writes = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-B", "-m", "gate.alone", str(writes), json.dumps(order)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=[writes],
        start_new_session=True,  # Ctrl-C in a terminal is handed on by `stop`, once
    )
    os.close(writes)
    assert isinstance(process.stdout, BufferedReader)
    reader = Thread(target=_show, args=(process.stdout, _name(command), log), daemon=True)
    _running.add(process)
    try:
        reader.start()
        process.wait()
    except KeyboardInterrupt:  # it has been told, too: it ends what it started, and then itself
        process.wait()
        raise
    finally:
        _running.discard(process)
        reader.join(LAST_WORDS)
    with os.fdopen(reads, encoding="utf-8") as told:
        result = told.read()
    if not result:
        raise Stopped
    code, took, cut_off, left = json.loads(result)
    return Ended(code, took, cut_off, tuple(left))


def stop() -> None:
    """Stop whatever runs, as Ctrl-C does; the threads that wait for it get `Stopped`."""
    for process in tuple(_running):
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)


def heed_interrupts() -> None:
    """Have Ctrl-C stop the tiers of both lanes before anything waits for them.

    Set, not inherited: a shell's background job ignores Ctrl-C, and so would every tier.
    """
    signal.signal(signal.SIGINT, _interrupted)


def _interrupted(*_: object) -> None:
    stop()
    raise KeyboardInterrupt


def _name(command: list[str]) -> str:
    return next((word for word in command[1:] if word[:1].isalpha()), command[0])


def _show(output: BufferedReader, name: str, log: Path) -> None:
    """Keep output as it comes, half lines too (pytest's dots), and show whole lines."""
    rest = b""
    with output, log.open("wb") as kept:
        while chunk := output.read1():
            kept.write(chunk)
            kept.flush()
            *lines, rest = (rest + chunk).split(b"\n")
            _print(lines, name)
        _print([rest] if rest else [], name)


def _print(lines: list[bytes], name: str) -> None:
    for line in lines:
        print(f"{name:<14}| {line.decode(errors='replace')}", flush=True)


def _oversee(writes: int, order: str) -> int:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    processes.adopt()
    told = json.loads(order)
    try:
        ended = processes.run(
            told["command"],
            seconds=told["seconds"],
            variables=told["variables"],
            tidy=told["tidy"],
        )
    except KeyboardInterrupt:
        return 130
    with os.fdopen(writes, "w", encoding="utf-8") as answer:
        json.dump([ended.code, ended.seconds, ended.cut_off, ended.left], answer)
    return 0


if __name__ == "__main__":
    sys.exit(_oversee(int(sys.argv[1]), sys.argv[2]))
