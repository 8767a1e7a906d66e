"""What the check runs in the user's kernel."""

from __future__ import annotations

from geodes_datalab.errors import ClusterError, ServiceError


def cluster(timeout: float) -> str:
    """Open a Dask cluster with one worker, compute on it, and close it.

    Raises
    ------
    ClusterError
        It cannot be had, or miscounts.
    """
    import geodes_datalab as gd

    with gd.open_cluster(workers=1, timeout=timeout, progress=False) as opened:
        total = opened.client.submit(sum, range(1000)).result(timeout=timeout)
        if opened.kind != "gateway" or total != 499500:
            raise ClusterError(
                f"a {opened.kind} cluster says that 0 + ... + 999 is {total}",
                hint="set gateway.enabled, or tests.cluster: false",
            )
        return f"{opened.workers} worker of {opened.name} computed"


def catalogue() -> str:
    """Ask the catalogue whether it answers.

    Raises
    ------
    ServiceError
        It does not.
    """
    import geodes_datalab as gd

    status = gd.status()
    if not status.reachable:
        raise ServiceError(
            f"the catalogue {status.catalogue} does not answer",
            hint="allow it in networkPolicy.egress if its address is private; on a site without a "
            "catalogue set tests.catalogue: false",
        )
    return f"{status.catalogue} answers"
