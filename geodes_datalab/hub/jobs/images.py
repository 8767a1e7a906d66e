"""Wait until a DaemonSet runs on all nodes: the job of ``prePuller.hook``.

::

    python -m geodes_datalab.hub.jobs.images NAME [--seconds 1200]

Its pods become ready when the images that they name have been pulled.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from geodes_datalab.errors import GeodesError, ServiceError
from geodes_datalab.hub.jobs.in_cluster import Api

PAUSE = 2.0
"""Seconds between two looks."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    parser = argparse.ArgumentParser(prog="images_job", description="Wait for a DaemonSet.")
    parser.add_argument("name", help="of the DaemonSet")
    parser.add_argument("--seconds", type=float, default=1200, help="how long to wait")
    given = parser.parse_args(arguments)
    try:
        done = wait(Api.from_pod(), given.name, given.seconds)
    except GeodesError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{done}\n")
    return 0


def wait(api: Api, name: str, seconds: float, pause: float = PAUSE) -> str:
    """Wait until every node runs the DaemonSet's pod.

    Parameters
    ----------
    api
        The API server.
    name
        Of the DaemonSet, in the pod's own namespace.
    seconds
        How long to wait.
    pause
        Seconds between two looks.

    Raises
    ------
    ServiceError
        The time is over, or the API server refused.
    """
    path = f"/apis/apps/v1/namespaces/{api.namespace}/daemonsets/{name}"
    deadline = time.monotonic() + seconds
    while True:
        status, answer = api.call("GET", path)
        if status != HTTPStatus.OK:
            raise ServiceError(
                f"the DaemonSet {name} cannot be read: {answer.get('message', status)}",
                hint="check the job's Role",
            )
        ready, wanted = progress(answer)
        if ready >= wanted >= 0:
            return f"images are on all {wanted} nodes"
        if time.monotonic() > deadline:
            raise ServiceError(
                f"images are on {ready} of {max(wanted, 0)} nodes after {seconds:.0f} s",
                hint="look at the pods of the puller, raise prePuller.hook.timeoutSeconds, or "
                "switch prePuller.hook off",
            )
        time.sleep(pause)


def progress(daemonset: Mapping[str, Any]) -> tuple[int, int]:
    """Return nodes that are ready and nodes that should be (-1: not known yet)."""
    status = daemonset.get("status", {})
    if status.get("observedGeneration", 0) < daemonset.get("metadata", {}).get("generation", 1):
        return 0, -1
    if status.get("updatedNumberScheduled", 0) < status.get("desiredNumberScheduled", 0):
        return 0, status["desiredNumberScheduled"]
    return status.get("numberReady", 0), status.get("desiredNumberScheduled", 0)


if __name__ == "__main__":
    raise SystemExit(main())
