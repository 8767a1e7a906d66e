"""Which clusters a user has running."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any, overload

from geodes_datalab._display import table
from geodes_datalab.compute import backend, cluster
from geodes_datalab.errors import ClusterError, near

_HEADERS = ("Name", "Kind", "State", "Workers", "Started", "Dashboard")


@dataclass(frozen=True)
class ClusterInfo:
    """A running cluster, as it was when `clusters` was called."""

    name: str
    """Name, as ``Clusters.stop`` takes it."""
    kind: str
    """``gateway``, or ``local`` for processes on this machine."""
    state: str
    """``pending``, ``running`` ..."""
    workers: int | None
    """Number of workers; None for a cluster that another process opened."""
    started: datetime | None
    """When it was started; None where unknown."""
    dashboard_link: str | None
    """Where a browser finds its dashboard."""


class Clusters(Sequence[ClusterInfo]):
    """The user's running clusters; shows itself as a table.

    Parameters
    ----------
    found
        The clusters.
    """

    def __init__(self, found: Sequence[ClusterInfo]) -> None:
        self._found = tuple(found)

    @overload
    def __getitem__(self, index: int) -> ClusterInfo: ...
    @overload
    def __getitem__(self, index: slice) -> Clusters: ...
    def __getitem__(self, index: int | slice) -> ClusterInfo | Clusters:
        """Return a cluster, or a part of the list."""
        return Clusters(self._found[index]) if isinstance(index, slice) else self._found[index]

    def __len__(self) -> int:
        """Return how many are running."""
        return len(self._found)

    def stop(self, name: str) -> None:
        """Stop a cluster, and with it all that runs on it.

        Parameters
        ----------
        name
            Its name, or the beginning of it.

        Raises
        ------
        ClusterError
            No such cluster, or several begin so; or the gateway is away.
        """
        fitting = [one for one in self._found if one.name == name] or [
            one for one in self._found if name and one.name.startswith(name)
        ]
        if len(fitting) != 1:
            names = [one.name for one in self._found]
            what = "several clusters begin with" if fitting else "no running cluster is called"
            hint = near(name, names) or (
                "running: " + ", ".join(names) if names else "none is running"
            )
            raise ClusterError(f"{what} {name!r}", hint=hint)
        _stop(fitting[0])

    def stop_all(self) -> None:
        """Stop every cluster of the list."""
        for one in self._found:
            _stop(one)

    def __repr__(self) -> str:
        """Return one line for each cluster."""
        lines = [f"  {one.name} ({one.kind}): {one.state}" for one in self._found]
        return "\n".join([f"<Clusters: {len(self)} running>", *lines])

    def _repr_html_(self) -> str:
        if not self._found:
            return "<p>No Dask cluster is running.</p>"
        rows = [
            [escape(cell) for cell in _cells(one)[:-1]] + [_cells(one)[-1]] for one in self._found
        ]
        return table(rows, _HEADERS, caption="Your Dask clusters", raw=range(len(_HEADERS)))


def clusters() -> Clusters:
    """List your running Dask clusters: those of the Dask Gateway, and those of this process.

    Returns
    -------
    Clusters
        A table; ``.stop(name)`` ends one.

    Raises
    ------
    ClusterError
        The gateway cannot be reached.
    """
    own = {one.name: one for one in list(cluster.opened) if one.status == "running"}
    found = [_local(one) for one in own.values() if one.kind == "local"]
    if backend.gateway_named():
        found += _with_gateway(
            lambda gateway: [_remote(report, own) for report in gateway.list_clusters()]
        )
    return Clusters(found)


def _local(one: cluster.Cluster) -> ClusterInfo:
    return ClusterInfo(one.name, one.kind, one.status, one.workers, None, one.dashboard_link)


def _remote(report: Any, own: dict[str, cluster.Cluster]) -> ClusterInfo:
    ours = own.get(report.name)
    return ClusterInfo(
        report.name,
        "gateway",
        report.status.name.lower(),
        ours.workers if ours else None,
        report.start_time,
        report.dashboard_link,
    )


def _stop(one: ClusterInfo) -> None:
    for ours in list(cluster.opened):
        if ours.name == one.name:
            ours.close()
            return
    if one.kind == "gateway":
        from geodes_datalab.compute import gateway

        _with_gateway(lambda opened: gateway.stop(opened, one.name))


def _with_gateway(ask: Callable[[Any], Any]) -> Any:
    with _gateway() as opened:
        return ask(opened)


@contextlib.contextmanager
def _gateway() -> Iterator[Any]:
    from geodes_datalab._optional import need
    from geodes_datalab.compute import gateway

    need("dask_gateway", extra="cluster")
    opened = gateway.open_gateway()
    try:
        with gateway.translated(opened.address):
            yield opened
    finally:
        opened.close()


def _cells(one: ClusterInfo) -> list[str]:
    link = one.dashboard_link
    anchor = (
        f'<a href="{escape(link, quote=True)}" target="_blank" rel="noopener">open</a>'
        if link
        else "-"
    )
    started = one.started.strftime("%Y-%m-%d %H:%M") if one.started else "-"
    return [
        one.name,
        one.kind,
        one.state,
        "-" if one.workers is None else str(one.workers),
        started,
        anchor,
    ]
