"""Tell a Dask cluster that waits for its workers from one that nobody uses.

Dask Gateway's service in the scheduler ends a cluster that is idle for some minutes, and calls one idle
whose workers are still in a queue, or whose images are being pulled: it would end under the eyes of a
user who waits. Schedulers load this module before Dask Gateway's own (``--preload
geodes_datalab.compute.idleness --preload dask_gateway.scheduler_preload``).

What is idle, Dask itself says: no task runs, waits for a worker, or is being planned. Fewer workers than
were asked for are no idleness either, but not for ever: where a quota lets no worker come and the user
has left, nobody asks again, and after `LONGEST_WAIT` the cluster ends as any other.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

logger = logging.getLogger("distributed.scheduler")

LONGEST_WAIT = 12 * 3600.0
"""Seconds from the last wish for another number of workers: so long it may keep a cluster. A night in a
centre's queue is within."""


def dask_setup(scheduler: Any) -> None:
    """Replace the look of Dask Gateway's service; Dask calls this when a scheduler has started."""
    from dask_gateway.scheduler_preload import GatewaySchedulerService

    GatewaySchedulerService.check_idle = check_idle


async def check_idle(service: Any) -> None:
    """Look again and again, and have the gateway end the cluster when it is idle.

    Parameters
    ----------
    service
        A ``dask_gateway.scheduler_preload.GatewaySchedulerService``.
    """
    idleness = Idleness(service, time.monotonic())
    while True:
        await asyncio.sleep(service.idle_timeout / 4)
        seconds = idleness.seconds(time.monotonic())
        if seconds <= service.idle_timeout:
            continue
        logger.warning("Cluster has been idle for %.2f seconds, shutting down", seconds)
        try:
            await service.gateway.shutdown()
        except Exception:  # a gateway that is away is asked again
            logger.warning("The gateway does not end this cluster; asking again", exc_info=True)


class Idleness:
    """How long a cluster has been idle.

    Parameters
    ----------
    service
        As `check_idle` has it.
    now
        Of ``time.monotonic``.
    """

    def __init__(self, service: Any, now: float) -> None:
        self._service = service
        self._idle_since: float | None = None
        self._wanted = 0
        self._asked = self._active = now

    def seconds(self, now: float) -> float:
        """Return for how long, as far as looks have shown.

        Parameters
        ----------
        now
            Of ``time.monotonic``.
        """
        works, waits = self._works(), self._waits(now)
        if works or waits:
            self._active = now
        return now - self._active

    def _works(self) -> bool:
        """Tell whether Dask has been busy since the last look."""
        before, self._idle_since = self._idle_since, self._service.scheduler.check_idle()
        return self._idle_since is None or self._idle_since != before

    def _waits(self, now: float) -> bool:
        """Tell whether workers are missing, and may still come."""
        if self._service.count != self._wanted:
            self._wanted, self._asked = self._service.count, now
        missing = self._wanted > len(self._service.active_workers)
        return missing and now - self._asked <= LONGEST_WAIT
