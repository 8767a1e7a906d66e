"""Compute a cube and see how far it is.

A hook that shows progress of every ``compute()`` would also speak up inside of other people's functions, and
Dask has none for clusters: so this is a verb of its own.
"""

from __future__ import annotations

import sys
import time
from typing import Any, TypeVar

import dask
import xarray as xr
from dask.callbacks import Callback

from geodes_datalab import _display
from geodes_datalab._language import gettext

Data = TypeVar("Data", xr.Dataset, xr.DataArray)

PATIENCE = 2.0
"""Seconds: what is done by then shows no bar."""

POLL = 0.1
"""Seconds between two looks at a cluster's work."""

_CLUSTERS = (None, "dask.distributed", "distributed")


def compute(cube: Data, *, progress: bool | None = None) -> Data:
    """Compute a lazy cube with a progress bar: ``cube.compute()``, for whoever waits.

    The bar comes after two seconds and goes at the end, also by Ctrl-C, which gives up the work. Here it
    counts Dask's tasks; on a cluster, the blocks of the result.

    Parameters
    ----------
    cube
        Cube or band; what is not lazy is returned as it is.
    progress
        Show the bar; None: in notebooks and terminals, unless ``GEODES_PROGRESS=0``.

    Returns
    -------
    xarray.Dataset or xarray.DataArray
        The same values as of ``cube.compute()``.

    Examples
    --------
    >>> lazy = xr.DataArray([1.0, 2.0, 6.0], dims="x").chunk(x=1)
    >>> float(compute(lazy.mean()))
    3.0
    """
    client = _client()
    if client is not None:
        return _on_cluster(cube, client, progress)
    with _Tasks(progress):
        return cube.compute()


def _bar(total: int, unit: str, enabled: bool | None) -> Any:
    """Make the bar when its length is known: one that changes it is drawn at once."""
    return _display.progress(
        total=total, label=gettext("Computing"), unit=unit, enabled=enabled, delay=PATIENCE
    )


class _Tasks(Callback):
    """Counts the tasks of a computation in this process."""

    def __init__(self, enabled: bool | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._enabled = enabled
        self._bar: Any = None

    def _start_state(self, dsk: Any, state: Any) -> None:
        total = sum(len(state[name]) for name in ("ready", "waiting", "running"))
        self._bar = _bar(total, "task", self._enabled)

    def _posttask(self, key: Any, result: Any, dsk: Any, state: Any, worker_id: Any) -> None:
        self._bar.update(1)

    def _finish(self, dsk: Any, state: Any, errored: bool) -> None:
        if self._bar is not None:
            self._bar.close()


def _client() -> Any:
    """Return the client that a ``compute()`` would take now; None where it runs in this process."""
    distributed = sys.modules.get("distributed")
    if distributed is None or dask.config.get("scheduler", None) not in _CLUSTERS:
        return None
    try:
        return distributed.default_client()
    except ValueError:
        return None


def _on_cluster(cube: Data, client: Any, enabled: bool | None) -> Data:
    from distributed import futures_of

    begun = cube.persist()
    futures = futures_of(begun)
    try:
        with _bar(len(futures), "block", enabled) as bar:
            before = done = 0
            while done < len(futures):
                time.sleep(POLL)
                before, done = done, sum(future.done() for future in futures)
                bar.update(done - before)
        return begun.compute()
    except BaseException:  # Ctrl-C above all
        client.cancel(futures)
        raise
