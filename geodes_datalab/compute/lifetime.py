"""End a scheduler that Dask Gateway has given up, should nobody else end it.

The gateway ends a cluster by cancelling its job. A batch system may have forgotten the job: Slurm's
controller that crashes before it has saved the job's start tells, back again, that it never ran, while
its processes go on. Schedulers of the HPC's gateway load this module after Dask Gateway's own
(``--preload dask_gateway.scheduler_preload --preload geodes_datalab.compute.lifetime``); workers end
with their scheduler.
"""

from __future__ import annotations

import functools
import logging
from http import HTTPStatus
from typing import Any

from tornado.httpclient import HTTPClientError

logger = logging.getLogger("distributed.scheduler")

OVER = HTTPStatus.CONFLICT
"""How the gateway answers a sign of life of a cluster that it has ended."""


def dask_setup(scheduler: Any) -> None:
    """Look at the gateway's answers; Dask calls this when a scheduler has started.

    Parameters
    ----------
    scheduler
        A scheduler with Dask Gateway's service.
    """
    gateway = scheduler.services["gateway"].gateway
    gateway.heartbeat = _heeded(gateway.heartbeat, scheduler)


def _heeded(heartbeat: Any, scheduler: Any) -> Any:
    @functools.wraps(heartbeat)
    async def call(message: dict[str, Any]) -> None:
        try:
            await heartbeat(message)
        except HTTPClientError as error:
            if error.code == OVER:
                logger.warning("The gateway has ended this cluster, or runs it elsewhere: closing")
                scheduler.loop.add_callback(scheduler.close, reason="cluster-over")
            raise

    return call
