"""Dask workers in processes of their own, as those of a cluster are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import distributed


@contextmanager
def workers(count: int, threads: int) -> Iterator[distributed.Client]:
    """Run workers; yield a client of theirs that is not the default one."""
    with (
        distributed.LocalCluster(
            n_workers=count, threads_per_worker=threads, processes=True, dashboard_address=":0"
        ) as running,
        distributed.Client(running, set_as_default=False) as client,
    ):
        yield client
