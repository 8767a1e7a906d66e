"""Clusters that this process holds: closed at its end, and not opened twice by a cell that is run again."""

from __future__ import annotations

import sys
from dataclasses import replace

from geodes_datalab._display import interactive
from geodes_datalab.compute.cluster import Cluster, opened, warn
from geodes_datalab.compute.request import Request

_ASIDE = "open_cluster(..., another=True) opens a second one beside it"


def former(kind: str, request: Request) -> Cluster | None:
    """Return a cluster that serves a request as it is; close those that the request replaces.

    A cell that is run again asks anew for what it had opened before: left open, its clusters would
    pile up to the limit. Ones within a ``with`` statement are left alone, as are ones that were
    joined, ones that compute, and all of other kinds.

    Parameters
    ----------
    kind
        ``gateway``, ``hpda`` or ``local``.
    request
        What is asked for.

    Warns
    -----
    ClusterWarning
        A cluster was closed, or computes and was left open.
    """
    for cluster in [item for item in opened if item.kind == kind and item.loose]:
        works = _works(cluster)
        if works and _is_current(cluster) and _same(cluster.request, request):
            _note(f"This is the cluster {cluster.name}, opened before; {_ASIDE}.")
            return cluster
        if works and _computes(cluster):
            warn(f"the cluster {cluster.name}, opened before, computes and is left open")
            continue
        cluster.close()
        warn(f"the cluster {cluster.name}, opened before, is closed; {_ASIDE}")
    return None


def _works(cluster: Cluster) -> bool:
    """Tell whether a cluster runs."""
    if cluster.status != "running" or cluster.client.status != "running":
        return False
    try:
        return not cluster.failure()
    except ValueError:  # a gateway that began anew knows it no more
        return False


def _is_current(cluster: Cluster) -> bool:
    """Tell whether this process computes on a cluster, and not on one that it connected to later."""
    from distributed import default_client

    try:
        return default_client() is cluster.client
    except ValueError:  # there is none
        return False


def _computes(cluster: Cluster) -> bool:
    """Tell whether something is under way, be it that it still waits for its workers."""
    if any(future.status == "pending" for future in list(cluster.client.futures.values())):
        return True
    try:
        return any(cluster.client.processing().values())
    except (OSError, ValueError, TimeoutError):  # the scheduler has gone
        return False


def _same(one: Request, other: Request) -> bool:
    """Tell whether two requests ask for the same cluster, however long they wait for it."""
    alike = {"patience": 0.0, "queue_counts": True, "show": None}
    return replace(one, **alike) == replace(other, **alike)  # type: ignore[arg-type]


def _note(text: str) -> None:
    """Say what is as it should be: no warning."""
    if interactive():
        sys.stderr.write(f"{text}\n")
