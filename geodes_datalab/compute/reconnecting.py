"""Keep Dask's client from waiting for ever after it lost its scheduler for a moment.

When the connection breaks, `distributed.Client` cancels all its futures on its own thread, and iterates over
a dictionary that ``submit`` in the notebook's thread is filling: "dictionary changed size during iteration"
ends the reconnect half-way (seen with 2026.8.0). Some futures are told of the loss, others never; the
client stays "connecting", and so does everything that is submitted from then on. ``Client.restart``
cancels in the same way. With `install`, whoever adds futures and whoever cancels them take turns.

User servers name this module in ``DASK_DISTRIBUTED__CLIENT__PRELOAD``; `open_cluster` sees to the rest.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_log = logging.getLogger(__name__)

_LOST = (
    "the connection to the Dask scheduler was lost, and what it computed with it; "
    "the client connects again by itself: run this work once more"
)
_AGAIN = 0.1
"""Seconds between two attempts."""


def install() -> None:
    """Replace what `distributed.Client` does when its scheduler is lost or restarts; twice changes nothing."""
    from distributed import Client

    guarded: Any = Client
    if guarded._reconnect is not _reconnect:  # noqa: SLF001 - it has no public hook
        guarded._reconnect = _reconnect  # noqa: SLF001
        guarded._handle_restart = _taking_turns(guarded._handle_restart)  # noqa: SLF001


def dask_setup(client: object) -> None:
    """Install the guard; Dask calls this when a client has started."""
    install()


async def _reconnect(self: Any) -> None:
    """Cancel what the old connection has computed, then connect again within the client's time limit."""
    self.status, self.scheduler_comm = "connecting", None
    with self._refcount_lock:  # held by whoever adds futures
        for state in self.futures.values():
            state.cancel(reason="scheduler-connection-lost", msg=_LOST)
        self.futures.clear()
    try:
        async with asyncio.timeout(self._timeout):
            while self.status == "connecting":
                with suppress(OSError):  # not there yet
                    await self._ensure_connected(timeout=self._timeout)
                if self.status == "connecting":
                    await asyncio.sleep(_AGAIN)
    except TimeoutError:
        _log.error("the Dask scheduler did not come back within %s s: client closed", self._timeout)
        await self._close()
    except ImportError:  # it speaks another version
        await self._close()


def _taking_turns(inner: Callable[[Any], None]) -> Callable[[Any], None]:
    def handle_restart(self: Any) -> None:
        with self._refcount_lock:
            inner(self)

    return handle_restart
