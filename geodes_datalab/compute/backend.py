"""What `Cluster` needs of a backend, and which backend to take."""

from __future__ import annotations

from typing import Any, Literal, Protocol

from geodes_datalab._optional import need
from geodes_datalab.compute import access
from geodes_datalab.compute.request import Request
from geodes_datalab.errors import ClusterError

BackendName = Literal["auto", "gateway", "hpda", "local"]
"""How a cluster may be had."""


class Backend(Protocol):
    """A started scheduler whose number of workers can be changed."""

    kind: str
    """``gateway``, ``hpda`` or ``local``."""
    name: str
    """Name of the cluster."""
    cure: str
    """What a user can do when versions differ."""

    def dashboard_link(self) -> str | None:
        """Return where a browser finds the dashboard."""

    def connect(self) -> Any:
        """Return a `distributed.Client`, registered as the current one."""

    def scale(self, workers: int) -> tuple[int, str | None]:
        """Ask for a number of workers; return how many are allowed, and why not more."""

    def adapt(self, low: int, high: int) -> tuple[int, str | None]:
        """Let the number of workers follow the work; return the fewest, and what was trimmed."""

    def failure(self) -> str | None:
        """Return why no further workers can come, if so."""

    def waiting_for(self) -> str:
        """Return what workers that did not come in time may be waiting for."""

    def reasons(self) -> str | None:
        """Return why workers wait, where the backend knows it for certain."""

    def queued(self) -> bool:
        """Tell whether workers wait in a queue in which waiting is normal."""

    def close(self) -> None:
        """Stop scheduler and workers; calling it again does nothing."""


def start(backend: BackendName, request: Request) -> Backend:
    """Start a cluster without workers.

    Raises
    ------
    ClusterError
        It cannot be had, with the reason.
    MissingDependency
        Dask (or Dask Gateway) is not installed here.
    """
    need("distributed", extra="cluster")
    kind = chosen(backend)
    if kind != "local":
        need("dask_gateway", extra="cluster")
        from geodes_datalab.compute import gateway

        return gateway.start(request, kind)
    from geodes_datalab.compute import machine

    return machine.start(request)


def workers(backend: BackendName) -> int:
    """Return how many workers to start where nobody said how many."""
    from geodes_datalab.compute import machine

    return machine.by_default() if chosen(backend) == "local" else machine.WORKERS


def chosen(backend: BackendName) -> str:
    """Return what is asked for, or the first gateway that Dask's settings name, else ``local``."""
    if backend not in ("auto", "gateway", "hpda", "local"):
        raise ClusterError(
            f"unknown backend {backend!r}", hint='use "auto", "gateway", "hpda" or "local"'
        )
    if backend != "auto":
        return backend
    return next(iter(access.named()), "local")
