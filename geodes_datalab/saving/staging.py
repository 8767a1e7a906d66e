"""Lazy pixels on their way into a file: block by block, counted, and brought here from a cluster."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Lock
from typing import Any
from uuid import uuid4

import dask
import dask.system
import xarray as xr

from geodes_datalab import _display
from geodes_datalab._language import gettext

STEP = 2048
"""Pixels along x and y of a block of what has none of its own."""


@contextmanager
def staged(cubes: list[xr.Dataset], shown: bool | None) -> Iterator[list[xr.Dataset]]:
    """Give cubes whose blocks are counted when they come, and come to this process.

    Files are written here, by one process: workers of a cluster may share no disk with it. Where a Dask
    client is active, its workers compute, and each block is fetched when its turn has come. What several
    blocks or cubes need is computed once.

    Parameters
    ----------
    cubes
        What is saved.
    shown
        Whether to show a bar; by default where one can see it.
    """
    client = _client()
    lazy = [_chunked(cube) for cube in cubes]
    total = sum(one.nbytes for cube in lazy for one in _arrays(cube).values())
    lock = Lock()
    with _display.progress(total=total, label=gettext("Saving"), unit="B", enabled=shown) as bar:

        def count(block: Any) -> Any:
            with lock:
                bar.update(block.nbytes)
            return block

        if client is not None:
            lazy = _brought(lazy, client)
        counted = [_mapped(cube, lambda data: _counted(data, count)) for cube in lazy]
        yield counted


@contextmanager
def threads() -> Iterator[None]:
    """Let threads of this process compute, and none of them go on when this ends, whatever ends it.

    Dask's own would: they would write into a file that is closed (which ends the process) or removed.
    """
    count = dask.config.get("num_workers", None) or dask.system.CPU_COUNT
    pool, ready = ThreadPoolExecutor(count, thread_name_prefix="geodes-save"), Barrier(count)
    try:
        # all are started before there is work: one whose start Ctrl-C breaks off would not be waited for
        list(pool.map(lambda _: ready.wait(), range(count)))
        with dask.config.set(scheduler="threads", pool=pool):
            yield
    finally:
        ready.abort()
        pool.shutdown(wait=True, cancel_futures=True)


def _client() -> Any | None:
    """Return the Dask client that would compute; ``distributed`` is not imported for this."""
    distributed = sys.modules.get("distributed")
    if distributed is None or dask.config.get("scheduler", None) in (
        "threads",
        "sync",
        "synchronous",
    ):
        return None
    try:
        client = distributed.default_client()
    except ValueError:
        return None
    return client if client.status == "running" and not client.asynchronous else None


def _chunked(cube: xr.Dataset) -> xr.Dataset:
    """Return a cube all of whose measurements are lazy, in blocks of one size (but for the last ones)."""

    def one(variable: xr.Variable) -> xr.Variable:
        if variable.dtype.kind not in "biufcmM" or not variable.ndim or not variable.size:
            return variable
        if not variable.chunks:
            sizes = dict.fromkeys(variable.dims[:-2], 1) | dict.fromkeys(variable.dims[-2:], STEP)
            return variable.chunk(sizes)
        first = {dim: max(sizes) for dim, sizes in variable.chunksizes.items()}
        even = all(len(set(sizes[:-1])) < 2 and sizes[-1] <= sizes[0] for sizes in variable.chunks)
        return variable if even else variable.chunk(first)

    return cube.assign({name: one(band.variable) for name, band in cube.data_vars.items()})


def _arrays(cube: xr.Dataset) -> dict[Any, Any]:
    return {name: band.data for name, band in cube.data_vars.items() if band.chunks}


def _mapped(cube: xr.Dataset, function: Callable[[Any], Any]) -> xr.Dataset:
    return cube.assign(
        {
            name: cube[name].variable.copy(data=function(data))
            for name, data in _arrays(cube).items()
        }
    )


def _counted(data: Any, count: Callable[[Any], Any]) -> Any:
    return data.map_blocks(count, name=f"counted-{uuid4().hex}", dtype=data.dtype, meta=data._meta)  # noqa: SLF001


def _brought(cubes: list[xr.Dataset], client: Any) -> list[xr.Dataset]:
    """Let a cluster compute, all in one graph; return cubes whose blocks are fetched when asked for."""
    kept = iter(client.persist([data for cube in cubes for data in _arrays(cube).values()]))
    return [_mapped(cube, lambda _: _fetched(next(kept))) for cube in cubes]


def _fetched(data: Any) -> Any:
    import dask.array as da

    futures = dict(data.__dask_graph__())
    waiting = {key[1:]: future for key, future in futures.items()}

    def fetch(block_id: tuple[int, ...] | None = None) -> Any:
        assert block_id is not None
        return waiting.pop(block_id).result()  # and the cluster may forget it

    name, meta = f"fetched-{uuid4().hex}", data._meta  # noqa: SLF001
    return da.map_blocks(fetch, name=name, chunks=data.chunks, dtype=data.dtype, meta=meta)
