"""Start, stop and find a run of local mode."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from geodes_datalab.errors import LocalModeError
from geodes_datalab.hub import pids
from geodes_datalab.local import ending, family, hpda, node, plan, ports, secrets, trust
from geodes_datalab.local import layout as layouts
from geodes_datalab.local import runtime as run
from geodes_datalab.local.child import tail
from geodes_datalab.local.layout import Layout
from geodes_datalab.local.supervisor import Supervisor, describe_run

Say = Callable[[str], None]

LONGEST_START = 600.0
"""Seconds: the first start installs the proxy and packs the sample archives."""


@dataclass(frozen=True)
class Start:
    """A start as asked for."""

    layout: Layout
    port: str = "8000"
    """Public port, or ``auto``."""
    wishes: plan.Wishes = field(default_factory=plan.Wishes)
    asked: dict[str, str] = field(default_factory=dict)
    """The command's options, for whoever asks for something else while it runs."""


def supervise(start: Start, *, say: Say, on_ready: Callable[[run.Runtime], None]) -> None:
    """Run the datalab in this process until it is told to stop.

    Parameters
    ----------
    start
        What to run.
    say
        Told what happens, one line at a time.
    on_ready
        Called once, when everything answers.

    Raises
    ------
    LocalModeError
        It runs already, a port is taken, a part does not start ...
    StorageError
        The state folder or the cache folder cannot be used.
    """
    layout = start.layout
    os.umask(0o077)  # logs and databases are nobody else's business
    layout.make()
    with layout.used(), run.locked(layout.lock) as free:
        if not free:
            raise LocalModeError(
                f"a datalab already runs from {layout.root}",
                hint="geodes-datalab status shows it, geodes-datalab down stops it",
            )
        runtime, supervisor = _prepare(start, say)
        asyncio.run(supervisor.run(lambda: on_ready(runtime)))


def _prepare(start: Start, say: Say) -> tuple[run.Runtime, Supervisor]:
    """Write what the parts are started with, and install what is missing."""
    layout = start.layout
    _tidy(layout, say)
    layouts.make_cache()
    chosen = ports.choose(start.port)
    chp = node.proxy_command(node.find(), say)
    secrets.ensure(layout)
    plan.prepare_key(layout, start.wishes)
    trust.prepare(layout)
    _write_settings(layout, chosen, start.wishes)
    runtime = describe_run(
        f"http://{ports.HOST}:{chosen.public}/",
        plan.describe(start.wishes),
        f"http://{ports.HOST}:{chosen.gateway_http}/services/dask-gateway",
    )
    runtime.asked = start.asked
    parts = plan.parts(layout, chosen, start.wishes, chp)
    return runtime, Supervisor(layout, runtime, parts, say=say, routes=plan.routes(chosen))


def _write_settings(layout: Layout, chosen: ports.Ports, wishes: plan.Wishes) -> None:
    settings = plan.make_settings(layout, chosen, wishes)
    plan.write_settings(layout, settings)
    if wishes.hpda:
        hpda.prepare(layout, chosen, settings)


def in_background(arguments: list[str], layout: Layout, say: Say) -> run.Runtime:
    """Start the datalab in a process of its own and wait until it is ready.

    Parameters
    ----------
    arguments
        Arguments of ``geodes-datalab up`` that bring it to the foreground of that process.
    layout
        The state folder that these arguments name.
    say
        Told what happens.

    Raises
    ------
    LocalModeError
        It did not become ready, and was ended with all its parts; the end of its log is in the message.
    """
    os.umask(0o077)
    layout.make()
    log = layout.log("supervisor")
    with layout.used(), log.open("ab") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "geodes_datalab.cli", "up", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    say(f"starting in the background; log: {log}")
    try:
        runtime = _wait_ready(layout, process)
    except BaseException:  # Ctrl-C: nobody waits for it any more
        say("stopping what was started")
        ending.end(layout, process.pid)
        raise
    if runtime is None:
        raise _given_up(layout, process)
    return runtime


def _given_up(layout: Layout, process: subprocess.Popen[bytes]) -> LocalModeError:
    """End a start that came to nothing with everything that belongs to it; return what to tell."""
    hint = "geodes-datalab doctor may know why"
    log = layout.log("supervisor")
    if process.poll() is not None:
        ending.end(layout, None)
        why = f"the datalab did not start; its last words:\n{tail(log, 15)}"
        return LocalModeError(why, hint=hint)
    missing = _missing(layout)
    ending.end(layout, process.pid)
    return LocalModeError(
        f"the datalab was not ready after {LONGEST_START:.0f} s, and was ended: {missing}; "
        f"its last words:\n{tail(log, 15)}",
        hint=hint,
    )


def _missing(layout: Layout) -> str:
    """Name the parts that a start still waits for, with their logs."""
    runtime = run.read(layout)
    if runtime is None:
        return f"it did not come to its parts (log: {layout.log('supervisor')})"
    late = [item for item in runtime.parts if item.state not in ("ready", "waiting")]
    told = [f"{item.title} does not answer (log: {layout.log(item.name)})" for item in late]
    return ", ".join(told) or "its addresses do not answer behind the proxies"


def wait_until_ready(layout: Layout) -> run.Runtime | None:
    """Wait for a run that another process is starting; None if it ended instead."""
    return _wait_ready(layout, None)


def down(layout: Layout, say: Say, *, patience: float = 60.0) -> bool:
    """Stop the run of a state folder and everything that belongs to it.

    Parameters
    ----------
    layout
        State folder.
    say
        Told what happens.
    patience
        Seconds to wait for an orderly end.

    Returns
    -------
    bool
        Whether anything ran.

    Raises
    ------
    LocalModeError
        Something cannot be stopped.
    """
    runtime = run.read(layout)
    if runtime is not None:
        import signal

        say("stopping the datalab")
        pids.send(runtime.pid, runtime.mark, signal.SIGTERM)
        deadline = time.monotonic() + patience
        while runtime.alive() and time.monotonic() < deadline:
            time.sleep(0.1)
        if runtime.alive():
            pids.send(runtime.pid, runtime.mark, signal.SIGKILL)
    left = ending.sweep(layout.instance)
    with layout.used():
        run.clear(layout)
    if family.members(layout.instance):
        raise LocalModeError(
            "some processes of the datalab do not end",
            hint="geodes-datalab doctor lists them; end them by their numbers",
        )
    return runtime is not None or left > 0


def _tidy(layout: Layout, say: Say) -> None:
    """Remove what a run that was killed left behind."""
    left = ending.sweep(layout.instance)
    if left:
        say(f"ended {left} processes that an earlier run had left behind")
    run.clear(layout)
    for suffix in ("", "-journal", "-wal", "-shm"):
        layout.gateway_database.with_name(layout.gateway_database.name + suffix).unlink(
            missing_ok=True
        )


def _wait_ready(layout: Layout, process: subprocess.Popen[bytes] | None) -> run.Runtime | None:
    deadline = time.monotonic() + LONGEST_START
    while time.monotonic() < deadline:
        runtime = run.read(layout)
        if runtime is not None and runtime.state in ("ready", "degraded"):
            return runtime
        gone = process.poll() is not None if process is not None else runtime is None
        if gone:
            return None
        time.sleep(0.1)
    return None
