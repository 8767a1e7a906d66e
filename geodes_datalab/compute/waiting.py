"""Wait for workers, and say why fewer came."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from geodes_datalab._display import progress
from geodes_datalab._language import gettext
from geodes_datalab.compute.backend import Backend
from geodes_datalab.compute.outage import Outage
from geodes_datalab.errors import ClusterError, GatewayAway

POLL = 0.2
"""Seconds between two looks at the scheduler."""

LOOK_AT_BACKEND = 3.0
"""Seconds between two questions whether the cluster itself still lives."""


@dataclass
class Arrival:
    """Which workers came."""

    wanted: int
    here: set[str] = field(default_factory=set)
    """Addresses of the workers that are there now."""
    lost: set[str] = field(default_factory=set)
    """Addresses of workers that came and went."""
    seconds: float = 0.0
    """How long was waited."""
    failure: str | None = None
    """Why no more can come."""

    @property
    def complete(self) -> bool:
        """Whether as many are there as wanted."""
        return len(self.here) >= self.wanted

    def see(self, workers: set[str]) -> None:
        """Note who is there now."""
        self.lost |= self.here - workers
        self.here = workers


def wait(
    client: Any,
    backend: Backend,
    wanted: int,
    *,
    timeout: float,
    show: bool | None = None,
    queue_counts: bool = True,
) -> Arrival:
    """Wait until workers have come, time is up, or the cluster has ended.

    Parameters
    ----------
    client
        A `distributed.Client` of the cluster.
    backend
        Is asked now and then whether the cluster still lives.
    wanted
        How many workers to wait for.
    timeout
        Seconds.
    show
        Show a progress bar; None leaves it to the surroundings.
    queue_counts
        Whether time without any worker counts while they wait in a centre's queue.
    """
    start, asked = time.monotonic(), time.monotonic()
    arrival, outage = Arrival(wanted), Outage()
    with progress(total=wanted, label=gettext("Dask workers"), unit="worker", enabled=show) as bar:
        while True:
            arrival.see(_workers(client))
            bar.update(min(len(arrival.here), wanted) - bar.n)
            arrival.seconds = time.monotonic() - start
            if arrival.complete or arrival.seconds >= timeout:
                return arrival
            if time.monotonic() - asked > LOOK_AT_BACKEND:
                asked = time.monotonic()
                try:
                    arrival.failure = backend.failure()
                except GatewayAway as error:
                    bar.set_postfix_str(outage.bear(error))
                    continue
                outage.over()
                if arrival.failure:
                    return arrival
                bar.set_postfix_str(backend.reasons() or "")
                if not queue_counts and not arrival.here and backend.queued():
                    start = time.monotonic()
            time.sleep(POLL)


def shortage(arrival: Arrival, backend: Backend, trimmed: str | None, asked: int) -> str | None:
    """Return why fewer workers are there than asked for; None where all are.

    Parameters
    ----------
    arrival
        What `wait` found.
    backend
        Knows what workers may be waiting for.
    trimmed
        Why fewer were allowed than asked for, if so.
    asked
        How many workers the user asked for.
    """
    reasons = [trimmed] if trimmed else []
    if not arrival.complete:
        reasons.append(
            arrival.failure or f"{backend.waiting_for()} (waited {arrival.seconds:.0f} s)"
        )
    if arrival.lost:
        reasons.append(
            f"{len(arrival.lost)} worker(s) came and were lost again, as they are when memory runs out"
        )
    if not reasons or len(arrival.here) >= asked:
        return None
    return f"{len(arrival.here)} of {asked} workers came: " + "; ".join(reasons)


def _workers(client: Any) -> set[str]:
    """Return the addresses of the workers that the scheduler knows.

    Raises
    ------
    ClusterError
        The scheduler has gone.
    """
    try:
        return set(client.nthreads())
    except (OSError, ValueError, TimeoutError) as error:
        raise ClusterError(
            f"the cluster's scheduler does not answer any more: {error}",
            hint="open the cluster again; if it stays, tell your operator",
        ) from error
