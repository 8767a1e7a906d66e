"""The cluster as users hold it."""

from __future__ import annotations

import atexit
import contextlib
import functools
import threading
import warnings
from typing import Any, Self

from geodes_datalab._display import size
from geodes_datalab._language import gettext
from geodes_datalab.compute import card, reconnecting, tls, versions, waiting
from geodes_datalab.compute import request as requests
from geodes_datalab.compute.backend import Backend
from geodes_datalab.compute.request import Request
from geodes_datalab.errors import ClusterError, ClusterWarning


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
        self.cards = card.Cards()
        """What notebooks show of it."""
        opened.add(self)
        _hook_exit()

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
        warn(f"{allowed} of {asked} workers are allowed: {why}" if why else None)

    def adapt(self, minimum: int = 0, maximum: int = 10) -> None:
        """Let the number of workers follow the work.

        Warns
        -----
        ClusterWarning
            The range was trimmed, with the reason.
        """
        low, high = requests.workers((minimum, maximum))
        self._asked, why = self._running().adapt(low, high)
        warn(f"the range of workers was trimmed: {why}" if why else None)

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
        warn(waiting.shortage(arrival, self._backend, None, self._asked))
        return len(arrival.here)

    def close(self) -> None:
        """Shut the cluster down; calling it again does nothing."""
        if self.status == "closed":
            return
        self.status = "closed"
        opened.discard(self)
        client, self._client = self._client, None
        try:
            if client is not None:
                client.close()
        finally:
            self.cards.renew(self)
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
            f"<Cluster {self.name} ({self.kind}): {len(seen)} workers, {card.cores(seen)} cores, "
            f"{size(card.memory(seen))}, dashboard {self.dashboard_link or 'not available'}>"
        )

    def _repr_html_(self) -> str:
        seen = self._seen()
        return card.html(self, seen, self._counted(len(seen)))

    def _ipython_display_(self) -> None:
        self.cards.show(self)

    def _counted(self, here: int) -> str:
        low, high = self._asked, self.request.high
        if self.request.adaptive:
            return gettext("{here} of {low} to {high} asked for", here=here, low=low, high=high)
        return gettext("{here} of {low} asked for", here=here, low=low)

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
        warn(told or (trimmed if self.request.adaptive else None))
        versions.check(self._client, self._backend.cure)

    def _ask(self) -> tuple[int, str | None]:
        request = self.request
        if request.adaptive:
            self._asked, trimmed = self._backend.adapt(request.low, request.high)
        else:
            self._asked, trimmed = self._backend.scale(request.low)
        return self._asked, trimmed


opened: set[Cluster] = set()
"""Clusters that this process opened and has not closed."""


@functools.cache
def _hook_exit() -> None:
    """Close clusters when the interpreter ends, while threads can still be used for that.

    atexit comes too late for a gateway with a host name: its look-up needs a thread pool, and those
    are shut down by then. threading's own hook comes before that.
    """
    register = getattr(threading, "_register_atexit", atexit.register)
    register(_close_all)


def _close_all() -> None:
    for cluster in list(opened):
        cluster.cards.forget()
        with contextlib.suppress(Exception):
            cluster.close()


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
    from geodes_datalab.cubes.share import sharing

    sharing.share(config.load())


def warn(text: str | None) -> None:
    """Warn whoever called a method of a cluster, or `open_cluster`; None is nothing to tell."""
    if text:
        warnings.warn(ClusterWarning(text), stacklevel=4)
