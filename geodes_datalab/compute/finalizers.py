"""Keep Dask Gateway's finalizers from hanging the process.

``dask_gateway.Gateway.__del__`` waits for its own event loop. When the garbage collector runs on the
thread of that loop, it waits for ever: the next ``new_cluster`` after a failed one then never returns.
With `install`, a dropped object is closed by a thread of its own.
"""

from __future__ import annotations

import logging
import sys
import threading
from typing import Any

_log = logging.getLogger(__name__)


def install() -> None:
    """Replace the finalizers of `dask_gateway.Gateway` and ``GatewayCluster``; twice changes nothing."""
    from dask_gateway import Gateway, GatewayCluster

    Gateway.__del__ = _drop_gateway
    GatewayCluster.__del__ = _drop_cluster


def _drop_gateway(self: Any) -> None:
    runner = getattr(self, "_loop_runner", None)
    if runner is not None and not getattr(self, "_asynchronous", True) and runner.is_started():
        _close_aside(self)


def _drop_cluster(self: Any) -> None:
    gateway = getattr(self, "gateway", None)
    if gateway is not None and not gateway.asynchronous and self.status != "closed":
        _close_aside(self)


def _close_aside(dropped: Any) -> None:
    if sys.is_finalizing():
        return
    threading.Thread(
        target=_close, args=(dropped,), name="close dask_gateway object", daemon=True
    ).start()


def _close(dropped: Any) -> None:
    try:
        dropped.close()
    except Exception:  # noqa: BLE001 - nobody is left who could handle it; the gateway's idle timeout remains
        _log.debug("closing %r failed", dropped, exc_info=True)
