"""Ends a run from outside: its supervisor, everything of its state folder, and whoever cleans up after it.

When this returns, the state folder's lock and the ports are free, and nothing that belonged to the run
can meet the next one: a guard that still tidies would end that one's parts.
"""

from __future__ import annotations

from contextlib import suppress

import psutil

from geodes_datalab.local import family, guard
from geodes_datalab.local import runtime as run
from geodes_datalab.local.layout import Layout

ORDERLY = 60.0
"""Seconds that a supervisor may take to stop its parts."""

TIDYING = 20.0
"""Seconds that a guard may take to end what a killed supervisor left behind."""


def end(layout: Layout, supervisor: int | None) -> None:
    """End a run and everything that belongs to it.

    Parameters
    ----------
    layout
        Its state folder.
    supervisor
        Process number of the supervisor, a child of this process; None if it ended already.
    """
    below: list[psutil.Process] = []
    if supervisor is not None:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(supervisor)
            below = process.children(recursive=True)
            _stop(process)
    sweep(layout.instance)
    for process in below:  # what installs the proxy, for one
        with suppress(psutil.NoSuchProcess):
            process.kill()
    run.clear(layout)


def sweep(instance: str) -> int:
    """End what bears the mark of a state folder; return how many processes that were.

    No guard tidies the folder any more then; one that does not come to an end is ended.
    """
    ended = family.end(instance, grace=5.0)
    _, left = psutil.wait_procs(_guards(instance), timeout=TIDYING)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    return ended


def _guards(instance: str) -> list[psutil.Process]:
    command = ["-m", guard.__name__, instance]
    running = psutil.process_iter(["cmdline"])
    return [process for process in running if (process.info["cmdline"] or [])[-3:] == command]


def _stop(process: psutil.Process) -> None:
    """Ask a supervisor to stop; end it if it does not, or if the user does not wait for that."""
    try:
        process.terminate()
        process.resume()  # a stopped one would not hear it
        process.wait(ORDERLY)
    except (psutil.TimeoutExpired, KeyboardInterrupt):
        process.kill()
        process.wait(ORDERLY)
