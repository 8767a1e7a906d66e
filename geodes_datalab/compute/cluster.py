"""The cluster as users hold it, and the verb that opens it."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from html import escape
from typing import Any, Self

from geodes_datalab._display import in_notebook, interactive, size, table
from geodes_datalab.compute import backend as backends
from geodes_datalab.compute import held, reconnecting, tls, versions, waiting
from geodes_datalab.compute import request as requests
from geodes_datalab.compute.backend import Backend, BackendName
from geodes_datalab.compute.request import Request
from geodes_datalab.errors import ClusterError, ClusterWarning

PATIENCE = 120.0
"""Seconds to wait for workers, unless the user says another number."""

LEAST_PATIENCE = 60.0
"""Seconds that a scheduler may take to start, however short the wait for workers is to be."""


class Cluster:
    """A Dask cluster; made by `open_cluster`.

    Use it in a ``with`` statement: at its end, however it comes, the cluster is shut down.
    Inside, every Dask computation of this process runs on it.
    """

    def __init__(self, backend: Backend, request: Request) -> None:
        self._backend = backend
        self.request = request
        self._asked = request.low
        self._client: Any = None
        self.status: str = "starting"
        """``starting``, ``running`` or ``closed``."""
        self.loose = False
        """Whether `open_cluster` may take it for the next request, or replace it."""
        held.hold(self)

    @property
    def name(self) -> str:
        """Name of the cluster, as `clusters` lists it."""
        return self._backend.name

    @property
    def kind(self) -> str:
        """``gateway``, ``hpda`` for jobs of an HPC centre, or ``local`` for processes here."""
        return self._backend.kind

    @property
    def client(self) -> Any:
        """The `distributed.Client`, which is also Dask's current one.

        Raises
        ------
        ClusterError
            The cluster is closed.
        """
        if self._client is None:
            raise ClusterError(f"the cluster {self.name} is {self.status}", hint="open a new one")
        return self._client

    @property
    def dashboard_link(self) -> str | None:
        """Where a browser finds the dashboard, also behind the hub; None where there is none."""
        return self._backend.dashboard_link()

    @property
    def workers(self) -> int:
        """Number of workers now."""
        return len(self._seen())

    def scale(self, workers: int) -> None:
        """Ask for another number of workers; they come and go in the background (see `wait`).

        Warns
        -----
        ClusterWarning
            Fewer are allowed, with the reason.
        """
        asked, _ = requests.workers(workers) if workers else (0, 0)
        allowed, why = self._running().scale(asked)
        self._asked = allowed
        _warn(f"{allowed} of {asked} workers are allowed: {why}" if why else None)

    def adapt(self, minimum: int = 0, maximum: int = 10) -> None:
        """Let the number of workers follow the work.

        Warns
        -----
        ClusterWarning
            The range was trimmed, with the reason.
        """
        low, high = requests.workers((minimum, maximum))
        self._asked, why = self._running().adapt(low, high)
        _warn(f"the range of workers was trimmed: {why}" if why else None)

    def wait(self, *, timeout: float = 120.0, progress: bool | None = None) -> int:
        """Wait until the workers asked for are there, and return how many are.

        Warns
        -----
        ClusterWarning
            Fewer came within ``timeout`` seconds, with the reason.
        """
        arrival = waiting.wait(
            self.client, self._backend, self._asked, timeout=timeout, show=progress
        )
        _warn(waiting.shortage(arrival, self._backend, None, self._asked))
        return len(arrival.here)

    def close(self) -> None:
        """Shut the cluster down; calling it again does nothing."""
        if self.status == "closed":
            return
        self.status = "closed"
        held.opened.discard(self)
        client, self._client = self._client, None
        try:
            if client is not None:
                client.close()
        finally:
            self._backend.close()

    def __enter__(self) -> Self:
        """Return the cluster itself."""
        self.loose = False  # it ends with the statement, and not before
        return self

    def __exit__(self, *exc: object) -> None:
        """Shut the cluster down."""
        self.close()

    def __repr__(self) -> str:
        """Return name, state and size."""
        if self.status != "running":
            return f"<Cluster {self.name} ({self.kind}): {self.status}>"
        seen = self._seen()
        return (
            f"<Cluster {self.name} ({self.kind}): {len(seen)} workers, {_cores(seen)} cores, "
            f"{size(_memory(seen))}, dashboard {self.dashboard_link or 'not available'}>"
        )

    def _repr_html_(self) -> str:
        seen, link = self._seen(), self.dashboard_link if self.status == "running" else None
        rows = [
            ("State", self.status),
            ("Workers", f"{len(seen)} of {self._wanted()} asked for"),
            ("Cores", str(_cores(seen))),
            ("Memory", size(_memory(seen))),
        ]
        cells = [(name, escape(value)) for name, value in rows] + [("Dashboard", _anchor(link))]
        caption = f"Dask cluster {self.name} ({self.kind})"
        return table(cells, ["", ""], caption=caption, raw=(1,))

    def _wanted(self) -> str:
        low, high = self._asked, self.request.high
        return f"{low} to {high}" if self.request.adaptive else str(low)

    def _running(self) -> Backend:
        if self.status == "closed":
            raise ClusterError(f"the cluster {self.name} is closed", hint="open a new one")
        return self._backend

    def _seen(self) -> dict[str, Any]:
        if self._client is None or self.status != "running":
            return {}
        try:
            return dict(self._client.scheduler_info(n_workers=-1)["workers"])
        except (OSError, ValueError, TimeoutError):  # the scheduler has gone; a repr does not raise
            return {}

    def attach(self) -> None:
        """Connect, compare the versions that decide, and share the user's credentials."""
        self._client = _connect(self._backend)
        self.status = "running"
        _guard_tls(self._client)
        versions.check(self._client, self._backend.cure, only_decisive=True)
        _guard_tls(self._client)
        _share_credentials()

    def failure(self) -> str | None:
        """Return why no further workers can come, if so."""
        return self._backend.failure()

    def start(self, timeout: float, progress: bool | None) -> None:
        """Connect unless it is, ask for workers, wait for them, and compare versions."""
        if self._client is None:
            self.attach()
        wanted, trimmed = self._ask()
        arrival = waiting.wait(
            self._client,
            self._backend,
            wanted,
            timeout=timeout,
            show=progress,
            queue_counts=self.request.queue_counts,
        )
        told = waiting.shortage(arrival, self._backend, trimmed, self.request.low)
        if not arrival.here and self.request.low:
            raise ClusterError(
                told or "no worker came",
                hint="wait longer by timeout=..., or ask for smaller workers",
            )
        _warn(told or (trimmed if self.request.adaptive else None))
        versions.check(self._client, self._backend.cure)

    def _ask(self) -> tuple[int, str | None]:
        request = self.request
        if request.adaptive:
            self._asked, trimmed = self._backend.adapt(request.low, request.high)
        else:
            self._asked, trimmed = self._backend.scale(request.low)
        return self._asked, trimmed


def open_cluster(
    workers: int | tuple[int, int] | None = None,
    *,
    # where
    backend: BackendName = "auto",
    # size of each worker
    worker_cores: float | None = None,
    worker_memory: str | float | None = None,
    # surroundings
    environment: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
    another: bool = False,
    # patience
    timeout: float | None = None,
    progress: bool | None = None,
) -> Cluster:
    """Open a Dask cluster, wait for its workers, and compute on it from now on.

    Asked again, as by a cell that is run again, it gives back the open cluster that was asked for in
    the same way, or closes the former one, unless that computes or is held by a ``with`` statement.

    Parameters
    ----------
    workers
        How many, or ``(fewest, most)``: the number then follows the work. None: 4, or as many as this
        pod has cores, if they are fewer and the cluster is here.
    backend
        ``"auto"`` takes the Dask Gateway where one is named (behind the hub it is), else this machine;
        ``"gateway"``, ``"hpda"`` (Slurm jobs under your own account of the HPC centre) or ``"local"``
        insist.
    worker_cores
        Cores of each worker; by default what the gateway gives, or this machine's cores shared out.
    worker_memory
        Memory of each worker: GiB as a number, or a text such as ``"4 GB"``; by default what the
        gateway gives, or what is left here at this moment, shared out. Of this machine or pod an eighth
        is kept back, at least 256 MiB, for the server and the kernels to grow.
    environment
        Environment variables of the workers. Not for secrets: the gateway's operator can read them.
        The GEODES key reaches the workers by itself.
    options
        Further options of the gateway, such as ``{"image": ...}``; of an HPC centre ``"walltime"``,
        ``"partition"``, ``"qos"``, ``"account"``, ``"constraint"``, ``"gpus"`` and ``"sbatch"``.
    another
        Open one beside those that are open, for two clusters on purpose.
    timeout
        Seconds to wait for workers (None: 120). When fewer came by then, the cluster opens all the
        same. The scheduler before them has as long, and at least a minute. None on an HPC centre
        does not count the time in its queue, which may be hours; a number counts it.
    progress
        Show a progress bar and the cluster; None: in notebooks and terminals.

    Returns
    -------
    Cluster
        A context manager. Ctrl-C while waiting leaves no cluster behind.

    Raises
    ------
    ClusterError
        No cluster, no single worker (with the reason), or Dask's or Python's version differs there.

    Warns
    -----
    ClusterWarning
        Fewer workers came, with the reason; or the version of another package differs; or a former
        cluster was closed, or still computes.

    Examples
    --------
    >>> with open_cluster(2) as cluster:  # doctest: +SKIP
    ...     cube.mean("time").compute()
    """
    low, high = requests.workers(backends.workers(backend) if workers is None else workers)
    request = Request(
        low,
        high,
        requests.cores(worker_cores),
        requests.memory(worker_memory),
        dict(environment or {}),
        dict(options or {}),
        patience=max(timeout or PATIENCE, LEAST_PATIENCE),
        queue_counts=timeout is not None,
        show=progress,
    )
    tls.install()
    known = None if another else held.former(backends.chosen(backend), request)
    cluster = known or Cluster(backends.start(backend, request), request)
    try:
        cluster.start(timeout or PATIENCE, progress)
    except BaseException:  # Ctrl-C above all
        if cluster is not known:
            cluster.close()
        raise
    cluster.loose = not another
    _show(cluster, progress)
    return cluster


def join(backend: Backend, workers: int) -> Cluster:
    """Return a cluster that was opened elsewhere, and compute on it from now on.

    Parameters
    ----------
    backend
        The running cluster.
    workers
        How many it has.
    """
    tls.install()
    cluster = Cluster(backend, Request(workers, workers))
    try:
        cluster.attach()
    except BaseException:
        cluster.close()
        raise
    return cluster


def _connect(backend: Backend) -> Any:
    """Return a client; Dask's own notice of differing versions is left to `versions`."""
    from distributed.versions import VersionMismatchWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VersionMismatchWarning)
        client = backend.connect()
    reconnecting.install()
    return client


def _guard_tls(client: Any) -> None:
    """Have the guard of `tls` in scheduler and workers, however they were started."""
    from geodes_datalab.compute.plugins import TlsGuard

    client.run_on_scheduler(tls.install)
    client.register_plugin(TlsGuard())


def _share_credentials() -> None:
    """Let the workers read as this user does; the key travels by a plugin, in no task."""
    from geodes_datalab import config
    from geodes_datalab.cubes import credentials

    credentials.share(config.load())


def _warn(text: str | None) -> None:
    if text:
        warnings.warn(ClusterWarning(text), stacklevel=4)


def _show(cluster: Cluster, progress: bool | None) -> None:
    """Show size and dashboard link: as HTML in notebooks, as a line in terminals."""
    if not (interactive() if progress is None else progress):
        return
    if in_notebook():
        from IPython.display import display

        display(cluster)  # type: ignore[no-untyped-call]
    else:
        sys.stderr.write(f"{cluster!r}\n")


def _cores(seen: Mapping[str, Any]) -> int:
    return sum(int(worker["nthreads"]) for worker in seen.values())


def _memory(seen: Mapping[str, Any]) -> int:
    return sum(int(worker["memory_limit"] or 0) for worker in seen.values())


def _anchor(link: str | None) -> str:
    if not link:
        return "not available"
    return f'<a href="{escape(link, quote=True)}" target="_blank" rel="noopener">{escape(link)}</a>'
