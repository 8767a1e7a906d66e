"""What the Lab's Dask panel calls for each cluster (``labextension.factory`` of Dask's settings)."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from geodes_datalab.compute import access

submitted: ContextVar[str | None] = ContextVar("submitted", default=None)
"""Name of a cluster on the HPC centre that is to be waited for, in place of a new one."""


async def cluster(*, asynchronous: bool = True) -> Any:
    """Return a running `dask_gateway.GatewayCluster`.

    Parameters
    ----------
    asynchronous
        As the panel calls it: its methods are awaited.
    """
    from dask_gateway import GatewayCluster

    name = submitted.get()
    if name is None:
        address, arguments = access.parameters(next(iter(access.named()), "gateway"))
        with access.way_to(address):
            made = GatewayCluster(asynchronous=asynchronous, **arguments)
        return await made
    address, arguments = access.parameters("hpda")
    with access.way_to(address):
        made = GatewayCluster.from_name(
            name, shutdown_on_close=True, asynchronous=asynchronous, **arguments
        )
    return await made
