"""The verb `open_cluster`, and clusters that were opened elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from geodes_datalab._display import in_notebook, interactive
from geodes_datalab.compute import backend as backends
from geodes_datalab.compute import held, tls
from geodes_datalab.compute import request as requests
from geodes_datalab.compute.backend import Backend, BackendName
from geodes_datalab.compute.cluster import Cluster
from geodes_datalab.compute.request import Request

PATIENCE = 120.0
"""Seconds to wait for workers, unless the user says another number."""

LEAST_PATIENCE = 60.0
"""Seconds that a scheduler may take to start, however short the wait for workers is to be."""


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


def _show(cluster: Cluster, progress: bool | None) -> None:
    """Show size and dashboard link: as HTML in notebooks, as a line in terminals."""
    if not (interactive() if progress is None else progress):
        return
    if in_notebook():
        from IPython.display import display

        display(cluster)  # type: ignore[no-untyped-call]
    else:
        sys.stderr.write(f"{cluster!r}\n")
