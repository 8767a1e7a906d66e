"""Wait for the scheduler of a gateway's cluster; `dask_gateway` itself would wait for ever."""

from __future__ import annotations

import time
from typing import Any

from geodes_datalab._display import progress
from geodes_datalab._language import gettext
from geodes_datalab.compute import access, reasons
from geodes_datalab.compute.outage import Outage
from geodes_datalab.compute.request import Request
from geodes_datalab.errors import ClusterError, GatewayAway

POLL = 0.25
"""Seconds between two looks whether it has started."""

SLOW_POLL = 2.0
"""The same, once it has not for `PATIENCE` seconds: in a queue it may take hours."""

LOOK_AT_REASONS = 3.0
"""Seconds between two questions why it has not."""

PATIENCE = 10.0
"""Seconds after which what waiting does not cure is an error."""


def wait(gateway: Any, name: str, request: Request) -> None:
    """Wait until a cluster's scheduler runs, and show why it does not yet.

    Parameters
    ----------
    gateway
        A `dask_gateway.Gateway`.
    name
        The cluster's.
    request
        How long to wait, and whether to show it.

    Raises
    ------
    ClusterError
        It failed, cannot start, or did not start in time, with what the gateway knows of it.
    """
    first = began = asked = time.monotonic()
    outage = Outage()
    label = gettext("Dask scheduler")
    with progress(total=1, label=label, unit="scheduler", enabled=request.show) as bar:
        while True:
            now = time.monotonic()
            try:
                with access.translated(gateway.address):
                    status = gateway.get_cluster(name).status.name
                    if status != "PENDING":
                        bar.update(status == "RUNNING")  # a bar that is not full stays for good
                        break
                    if now - began >= request.patience:
                        raise _late(reasons.waiting(gateway, name), request.patience)
                    if now - asked > LOOK_AT_REASONS:
                        asked = now
                        told = reasons.waiting(gateway, name)
                        if now - began > PATIENCE and reasons.lasting(told):
                            raise _failed(reasons.text(told) or "")
                        if told.get("queued") and not request.queue_counts:
                            began = now
                        bar.set_postfix_str(reasons.text(told) or "")
                outage.over()
            except ValueError:
                raise _failed("the gateway does not know it any more") from None
            except GatewayAway as error:
                bar.set_postfix_str(outage.bear(error))
            time.sleep(POLL if now - first < PATIENCE else SLOW_POLL)
    _must_run(gateway, name, status)


def _must_run(gateway: Any, name: str, status: str) -> None:
    if status != "RUNNING":
        why = reasons.failure(reasons.waiting(gateway, name))
        raise _failed(why or f"the gateway says {status.lower()}")


def _late(told: dict[str, Any], seconds: float) -> ClusterError:
    known = reasons.text(told)
    return ClusterError(
        f"the cluster's scheduler did not start within {seconds:g} s"
        + (f": {known}" if known else ""),
        hint="wait longer by timeout=..., or tell your operator",
    )


def _failed(why: str) -> ClusterError:
    return ClusterError(
        f"the Dask Gateway could not start the cluster: {why}",
        hint="try again; if it stays, tell your operator: the gateway's log has the cause",
    )
