"""Which clusters a user has running."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from html import escape
from typing import Any, overload

from geodes_datalab._display import table
from geodes_datalab._language import gettext
from geodes_datalab.compute import access, opening, reasons
from geodes_datalab.compute.cluster import Cluster, opened
from geodes_datalab.errors import ClusterError, ClusterWarning, near


@dataclass(frozen=True)
class ClusterInfo:
    """A running cluster, as it was when `clusters` was called."""

    name: str
    """Name, as ``Clusters.stop`` takes it."""
    kind: str
    """``gateway``, ``hpda`` for jobs of an HPC centre, or ``local`` for processes here."""
    state: str
    """``pending``, ``running`` ..."""
    workers: int | None
    """Number of workers; None where the gateway does not count those of another process."""
    started: datetime | None
    """When it was started; None where unknown."""
    dashboard_link: str | None
    """Where a browser finds its dashboard."""
    reason: str | None = None
    """What it waits for (in a centre's queue: position, reason, expected start)."""
    core_hours: float | None = None
    """Cores times hours that its jobs have used so far; None where the gateway does not count."""


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

    def connect(self, name: str) -> Cluster:
        """Compute on a cluster that another notebook, or the Lab's Dask panel, opened.

        Its versions are compared with those here, and your GEODES key reaches its workers. At the end
        of a ``with`` statement the cluster goes on; `stop` ends it. A cluster that this very notebook
        opened is returned as it is held here already.

        Parameters
        ----------
        name
            Its name, or the beginning of it.

        Returns
        -------
        Cluster
            The cluster, whose client is Dask's current one.

        Raises
        ------
        ClusterError
            No such cluster, or several begin so; it does not run; or the gateway is away.

        Examples
        --------
        >>> with clusters().connect("1a2b") as cluster:  # doctest: +SKIP
        ...     cube.mean("time").compute()
        """
        item = self._find(name)
        for ours in list(opened):
            if ours.name == item.name:
                return ours
        if item.kind == "local":
            raise ClusterError(f"the cluster {item.name} is closed", hint="open a new one")
        from geodes_datalab.compute import gateway

        return opening.join(gateway.join(item.name, item.kind), item.workers or 0)

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
        _stop(self._find(name))

    def stop_all(self) -> None:
        """Stop every cluster of the list."""
        for item in self._found:
            _stop(item)

    def _find(self, name: str) -> ClusterInfo:
        fitting = [item for item in self._found if item.name == name] or [
            item for item in self._found if name and item.name.startswith(name)
        ]
        if len(fitting) != 1:
            names = [item.name for item in self._found]
            what = "several clusters begin with" if fitting else "no running cluster is called"
            hint = near(name, names) or (
                "running: " + ", ".join(names) if names else "none is running"
            )
            raise ClusterError(f"{what} {name!r}", hint=hint)
        return fitting[0]

    def __repr__(self) -> str:
        """Return one line for each cluster."""
        lines = [f"  {item.name} ({item.kind}): {_state(item)}" for item in self._found]
        return "\n".join([f"<Clusters: {len(self)} running>", *lines])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Return the table with a button for each cluster, where there are widgets."""
        from geodes_datalab.compute import buttons

        return buttons.bundle(self, include=include, exclude=exclude)

    def _repr_html_(self) -> str:
        if not self._found:
            return f"<p>{escape(gettext('No Dask cluster is running.'))}</p>"
        rows = [
            [escape(cell) for cell in _cells(item)[:-1]] + [_cells(item)[-1]]
            for item in self._found
        ]
        headers = (
            gettext("Name"), gettext("Kind"), gettext("State"), gettext("Workers"), gettext("Started"),
            gettext("Core hours"), gettext("Dashboard"),
        )  # fmt: skip
        return table(rows, headers, caption=gettext("Your Dask clusters"), raw=range(len(headers)))


def clusters() -> Clusters:
    """List your running Dask clusters: of the Dask Gateway, of an HPC centre, and of this process.

    Returns
    -------
    Clusters
        A table; ``.stop(name)`` ends one.

    Raises
    ------
    ClusterError
        No gateway can be reached.

    Warns
    -----
    ClusterWarning
        One of two gateways cannot be reached: its clusters are not in the table.
    """
    own = {item.name: item for item in list(opened) if item.status == "running"}
    result = [_local(item) for item in own.values() if item.kind == "local"]
    kinds, errors = access.named(), []
    for kind in kinds:
        try:
            result += _with_gateway(kind, partial(_listed, kind=kind, own=own))
        except ClusterError as away:
            errors.append(away)
    if errors and len(errors) == len(kinds):
        raise errors[0]
    for error in errors:
        warnings.warn(ClusterWarning(str(error)), stacklevel=2)
    return Clusters(result)


def _listed(gateway: Any, *, kind: str, own: dict[str, Cluster]) -> list[ClusterInfo]:
    return [
        _remote(report, reasons.waiting(gateway, report.name), kind, own)
        for report in gateway.list_clusters()
    ]


def _local(one: Cluster) -> ClusterInfo:
    return ClusterInfo(one.name, one.kind, one.status, one.workers, None, one.dashboard_link)


def _remote(report: Any, told: dict[str, Any], kind: str, own: dict[str, Cluster]) -> ClusterInfo:
    ours = own.get(report.name)
    running = (told.get("workers") or {}).get("running")
    return ClusterInfo(
        report.name,
        kind,
        report.status.name.lower(),
        ours.workers if ours else running,
        report.start_time,
        report.dashboard_link,
        reasons.text(told),
        told.get("core_hours"),
    )


def _state(one: ClusterInfo) -> str:
    return f"{one.state} ({one.reason})" if one.reason else one.state


def _stop(one: ClusterInfo) -> None:
    for ours in list(opened):
        if ours.name == one.name:
            ours.close()
    if one.kind != "local":  # one that was only joined here runs on
        _with_gateway(one.kind, lambda opened: access.stop(opened, one.name))


def _with_gateway(kind: str, ask: Callable[[Any], Any]) -> Any:
    with _gateway(kind) as opened:
        return ask(opened)


@contextlib.contextmanager
def _gateway(kind: str) -> Iterator[Any]:
    from geodes_datalab._optional import need

    need("dask_gateway", extra="cluster")
    opened = access.open_gateway(kind)
    try:
        with access.translated(opened.address):
            yield opened
    finally:
        opened.close()


def _cells(one: ClusterInfo) -> list[str]:
    link = one.dashboard_link
    anchor = (
        f'<a href="{escape(link, quote=True)}" target="_blank" rel="noopener">{escape(gettext("open"))}</a>'
        if link
        else "-"
    )
    started = one.started.strftime("%Y-%m-%d %H:%M") if one.started else "-"
    return [
        one.name,
        one.kind,
        _state(one),
        "-" if one.workers is None else str(one.workers),
        started,
        "-" if one.core_hours is None else f"{one.core_hours:.2f}",
        anchor,
    ]
